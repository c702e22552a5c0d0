"""Pausing: promises that are fulfilled at the next turn of the main loop.

OCaml: src/core/lwt.ml, Miscellaneous.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, final

from lwt._core.checks import check_callback
from lwt._core.promise import (
    CANCEL_THIS,
    FULFILLED,
    PENDING,
    Promise,
    new_promise,
    underlying,
)
from lwt._core.resolution import Due, run_callbacks


@final
class Paused:
    """The promises of `pause` since the last turn."""

    __slots__ = ("notifier", "promises")

    promises: list[Promise[None] | Due]
    """Cancelled ones stay here, and count, as in OCaml; the turn passes them over."""

    notifier: Callable[[int], object] | None

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Begin again: nothing is paused, and nobody is notified."""
        self.promises = []
        self.notifier = None


paused: Final = Paused()
renew = paused.renew


def pause() -> Promise[None]:
    """Make a promise that is fulfilled at the next turn of the main loop.

    Whoever waits for it lets other callbacks, and input and output, have their turn. It can be
    cancelled.

    OCaml: Lwt.pause : unit -> unit t
    """
    # `new_promise`, without a call.
    promise: Promise[None] = Promise()
    promise._state = PENDING
    promise._value = CANCEL_THIS
    promise._callbacks = promise._cancel_callbacks = None
    paused.promises.append(promise)
    if paused.notifier is not None:
        paused.notifier(len(paused.promises))
    return promise


def pause_for(due: Due) -> None:
    """Let something be due where a promise of `pause` would be fulfilled."""
    paused.promises.append(due)
    if paused.notifier is not None:
        paused.notifier(len(paused.promises))


def wakeup_paused() -> None:
    """Fulfill all promises of `pause` that were made before this call, oldest first.

    The main loop calls this once a turn.

    OCaml: Lwt.wakeup_paused : unit -> unit
    """
    later: list[Promise[None] | Due] = []
    now, paused.promises = paused.promises, later
    now.reverse()
    try:
        while now:
            # Taken out first: so a promise can be freed, and its memory used again, in this turn.
            entry = now.pop()
            promise: Promise[None]
            if entry._state == PENDING:
                promise = entry  # type: ignore[assignment]  # `Due` says that it is a proxy.
            elif isinstance(entry, Due):
                if not entry.is_due():
                    continue
                promise = new_promise(PENDING, CANCEL_THIS)
                promise._callbacks = entry
            else:
                promise = underlying(entry)
                if promise._state != PENDING:
                    continue
            promise._state = FULFILLED
            promise._value = None
            run_callbacks(promise, now)
    except BaseException:
        now.reverse()
        paused.promises[:0] = now  # It leaves; the others wait for the next turn.
        raise


def paused_count() -> int:
    """How often `pause` was called since the last `wakeup_paused`.

    OCaml: Lwt.paused_count : unit -> int
    """
    return len(paused.promises)


def register_pause_notifier(notifier: Callable[[int], object], /) -> None:
    """Have a function called with `paused_count()` at each `pause`; it replaces the last one.

    OCaml: Lwt.register_pause_notifier : (int -> unit) -> unit
    """
    check_callback("lwt.register_pause_notifier", notifier, ("count",))
    paused.notifier = notifier


def abandon_paused() -> None:
    """Leave all promises of `pause` pending forever.

    OCaml: Lwt.abandon_paused : unit -> unit
    """
    paused.promises = []
