"""Pausing: promises that are fulfilled at the next turn of the main loop.

OCaml: src/core/lwt.ml, Miscellaneous.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, final

from lwt._checks import check_callable
from lwt._promise import CANCEL_THIS, FULFILLED, PENDING, Promise, settle, underlying
from lwt._resolution import run_callbacks


@final
class _Paused:
    """The promises of `pause` since the last turn."""

    __slots__ = ("count", "notifier", "promises")

    def __init__(self) -> None:
        self.promises: list[Promise[None]] = []
        """Cancelled ones stay here until the turn; they are passed over then."""
        self.count = 0
        """The calls of `pause`; those that were cancelled since count, too, as in OCaml."""
        self.notifier: Callable[[int], object] | None = None


_paused: Final = _Paused()


def pause() -> Promise[None]:
    """Make a promise that is fulfilled at the next turn of the main loop.

    Waiting for it lets other callbacks, and input and output, have their turn. It can
    be cancelled.

    OCaml: Lwt.pause : unit -> unit t
    """
    promise: Promise[None] = Promise(PENDING, None, CANCEL_THIS)
    _paused.promises.append(promise)
    _paused.count += 1
    if _paused.notifier is not None:
        _paused.notifier(_paused.count)
    return promise


def wakeup_paused() -> None:
    """Fulfill all promises of `pause` that were made before this call, oldest first.

    The main loop calls this once a turn.

    OCaml: Lwt.wakeup_paused : unit -> unit
    """
    promises = _paused.promises
    _paused.promises = []
    _paused.count = 0
    remaining = iter(promises)
    try:
        for promise in remaining:
            source = promise if promise._state == PENDING else underlying(promise)
            if source._state == PENDING:
                run_callbacks(settle(source, FULFILLED, None))
    finally:
        # After an exception that leaves, the others wait for the next turn.
        left_over = list(remaining)
        if left_over:
            _paused.promises[:0] = left_over
            _paused.count += len(left_over)


def paused_count() -> int:
    """How often `pause` was called since `wakeup_paused` was.

    OCaml: Lwt.paused_count : unit -> int
    """
    return _paused.count


def register_pause_notifier(notifier: Callable[[int], object], /) -> None:
    """Have a function called with `paused_count()` at each `pause`; it replaces the last one.

    Raises:
        TypeError: `notifier` is not callable.

    OCaml: Lwt.register_pause_notifier : (int -> unit) -> unit
    """
    check_callable("register_pause_notifier", notifier)
    _paused.notifier = notifier


def abandon_paused() -> None:
    """Leave all promises of `pause` pending forever.

    OCaml: Lwt.abandon_paused : unit -> unit
    """
    _paused.promises = []
    _paused.count = 0
