"""Where 6.1, our reference, is not 5.6.1, the release that judges, and what is done about it.

The judge is built with a copy of a module of OCaml's in which some lines are changed, like those
of our library for a seeded fault. So our library is compared as it is. Nothing else may differ.
(What differs in interfaces stands with the API comparison.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class KnownDifference:
    """A difference in behaviour between the two releases."""

    module: str
    what: str
    reason: str
    changes: tuple[tuple[str, str], ...] = ()
    """Of the module's text in 5.6.1, which make it do what ours does."""


KNOWN_DIFFERENCES: Final = (
    KnownDifference(
        module="Lwt",
        what="Out_of_memory and Stack_overflow leave, unless the filter is handle_all",
        reason=(
            "5.6.1 turns every exception into a rejection; Lwt.Exception_filter came with 5.7.0, "
            "and since 6.0.0 its default is handle_all_except_runtime. So ours runs programs with "
            "handle_all"
        ),
    ),
    KnownDifference(
        module="Lwt_pool",
        what="a validation that fails at once makes `use` raise, not return a rejected promise",
        reason="validate_and_return ends with Lwt.reraise since 5.8.0, with Lwt.fail in 5.6.1",
        changes=(("replace_disposed p;\n         Lwt.fail e)", "replace_disposed p; raise e)"),),
    ),
    KnownDifference(
        module="Lwt_stream",
        what=(
            "`from` whose function raises, or gives a promise that is rejected already, makes the "
            "reader raise, and what a nested call asked for stays asked for; `parse` raises what "
            "its function fails with at once"
        ),
        reason=(
            "since 6.0, feed catches the exception and ends with Lwt.reraise, which raises what the "
            "function fails with at once, before from_thread is assigned. And parse ends with "
            "Lwt.reraise"
        ),
        changes=(
            (
                "        from.from_create () >>= fun x ->",
                "Lwt.catch (fun () -> from.from_create () >>= fun x ->",
            ),
            (
                "Lwt.return_unit\n      in\n      (* Allow other",
                "Lwt.return_unit) raise in (* Allow other",
            ),
            ("s.node <- node;\n       Lwt.fail exn)", "s.node <- node; raise exn)"),
        ),
    ),
)
