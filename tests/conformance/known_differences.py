"""Where our library is meant to differ from the installed one: ours is 6.1, that one 5.6.1.

Each difference says what the comparison does about it. Nothing else may differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Final, Protocol

import lwt


class Arrangement(Protocol):
    """Makes our library behave as 5.6.1 while a program runs."""

    def __call__(self) -> AbstractContextManager[None]: ...


@dataclass(frozen=True)
class KnownDifference:
    """A difference in behaviour between the two releases."""

    module: str
    what: str
    reason: str
    words: frozenset[str]
    """Programs with one of these words meet it."""

    arrangement: Arrangement
    """What is done about it for those programs."""


@contextmanager
def _all_exceptions_handled() -> Iterator[None]:
    lwt.Exception_filter.set(lwt.Exception_filter.handle_all)
    try:
        yield
    finally:
        lwt.Exception_filter.set(lwt.Exception_filter.handle_all_except_runtime)


KNOWN_DIFFERENCES: Final = [
    KnownDifference(
        module="Lwt",
        what="Out_of_memory and Stack_overflow leave, unless the filter is handle_all",
        reason=(
            "5.6.1 turns every exception into a rejection; Lwt.Exception_filter came with 5.7.0, "
            "and since 6.0.0 its default is handle_all_except_runtime"
        ),
        words=frozenset({"out_of_memory", "stack_overflow"}),
        arrangement=_all_exceptions_handled,
    ),
]
"""All of them that a language can meet. Those of interfaces stand with the API comparison."""
