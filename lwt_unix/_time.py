"""Time: sleeping, timeouts, and letting others run now and then.

OCaml: section "Sleepers" of lwt_unix.ml.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, NoReturn, TypeVar, final

import lwt
from lwt._core.checks import check_callback
from lwt._core.promise import CANCEL_THIS, FULFILLED, PENDING, new_promise, underlying
from lwt._core.resolution import run_callbacks
from lwt._core.storage import current_storage
from lwt_unix import lwt_engine
from lwt_unix._checks import check_delay, promise_of

A = TypeVar("A")


class Timeout(Exception):
    """What `timeout` and `with_timeout` reject with.

    OCaml: exception Lwt_unix.Timeout
    """


def sleep(delay: float, /) -> lwt.Promise[None]:
    """Return a promise that is fulfilled after a delay; cancelling it takes its timer back.

    Args:
        delay: in seconds. Zero or less is as soon as the main loop looks at its timers again;
            infinity is never.

    Raises:
        ValueError: `delay` is NaN, for which OCaml's timers have no order.

    OCaml: Lwt_unix.sleep : float -> unit Lwt.t
    """
    check_delay("lwt_unix.sleep", delay)
    return _Sleep(delay).promise


@final
class _Sleep:
    """A promise that sleeps: what its timer calls, and what runs if it is cancelled, in one object.

    It is `lwt.task`, `lwt.on_cancel` and `lwt.wakeup` in one, as a waiter is (`lwt._core.waiters`).
    """

    __slots__ = ("event", "promise", "storage")

    def __init__(self, delay: float) -> None:
        self.promise: lwt.Promise[None] = new_promise(PENDING, CANCEL_THIS)
        self.storage = current_storage.contents
        self.event = lwt_engine.on_timer(delay, False, self)
        self.promise._cancel_callbacks = [self]

    def __call__(self, event: lwt_engine.Event) -> None:
        """Wake up: the time has come."""
        event.stop()
        self.event = lwt_engine.fake_event  # It leads back here: close no circle.
        promise = self.promise
        if promise._state != PENDING:
            promise = underlying(promise)
            if promise._state != PENDING:
                return  # It was cancelled, and its callbacks have not run yet.
        promise._state = FULFILLED
        promise._value = None
        promise._cancel_callbacks = None  # It cannot be cancelled any more.
        run_callbacks(promise)

    def run_cancel(self) -> None:
        """Take the timer back: the promise was cancelled."""
        current_storage.contents = self.storage  # OCaml's is a callback of `on_cancel`.
        self.event.stop()
        self.event = lwt_engine.fake_event  # As above.


def timeout(delay: float, /) -> lwt.Promise[NoReturn]:
    """Return a promise that is rejected with `Timeout` after a delay in seconds, like `sleep`.

    OCaml: Lwt_unix.timeout : float -> 'a Lwt.t
    """
    check_delay("lwt_unix.timeout", delay)
    return lwt.bind(_Sleep(delay).promise, _raise_timeout)


def _raise_timeout(_: None) -> lwt.Promise[NoReturn]:
    raise Timeout


def with_timeout(
    delay: float, f: Callable[[], lwt.Promise[A] | Coroutine[Any, Any, A]], /
) -> lwt.Promise[A]:
    """Call a function, and reject with `Timeout` if its promise takes longer than a delay.

    `f` is called first, then the timer is set. Whichever of the two ends first cancels the other.
    An exception that `f` raises rejects the promise.

    Args:
        delay: in seconds; see `sleep`.
        f: returns a promise.

    OCaml: Lwt_unix.with_timeout : float -> (unit -> 'a Lwt.t) -> 'a Lwt.t
    """
    check_delay("lwt_unix.with_timeout", delay)
    check_callback("lwt_unix.with_timeout", f, ())
    # In this order because OCaml evaluates `pick [timeout d; apply f ()]` from the right: of two
    # timers for the same time, the timer of `f` wins.
    promise = lwt.apply(partial(promise_of, "lwt_unix.with_timeout"), f)
    return lwt.pick([timeout(delay), promise])


# --- Letting others run ------------------------------------------------------


def yield_() -> lwt.Promise[None]:
    """Let others run: an old name of `lwt.pause`; use that instead.

    OCaml: Lwt_unix.yield : unit -> unit Lwt.t
    """
    return lwt.pause()


def auto_pause(timeout: float, /) -> Callable[[], lwt.Promise[None]]:
    """Return a function for long computations to call often: it pauses only now and then.

    Args:
        timeout: how long, in seconds, the function returns fulfilled promises before it pauses.

    OCaml: Lwt_unix.auto_pause : float -> (unit -> unit Lwt.t)
    """
    check_delay("lwt_unix.auto_pause", timeout)
    start = lwt_engine.get().now()
    limit = start + timeout

    def pause_if_due() -> lwt.Promise[None]:
        nonlocal start, limit
        now = lwt_engine.get().now()
        # Before the start: an engine with another clock was set meanwhile.
        if start <= now < limit:
            return lwt.return_unit
        start, limit = now, now + timeout
        return lwt.pause()

    return pause_if_due


auto_yield = auto_pause
"""The old name of `auto_pause`; use that instead.

OCaml: Lwt_unix.auto_yield : float -> (unit -> unit Lwt.t)
"""
