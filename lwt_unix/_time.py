"""Time: sleeping, timeouts, and letting others run now and then.

OCaml: section "Sleepers" of lwt_unix.ml.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, NoReturn, TypeVar

import lwt
from lwt._core.checks import check_callback
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
    return _sleep(delay)


def _sleep(delay: float) -> lwt.Promise[None]:
    resolver: lwt.Resolver[None]
    promise, resolver = lwt.task()

    def wake(event: lwt_engine.Event) -> None:
        lwt_engine.stop_event(event)
        lwt.wakeup(resolver, None)

    event = lwt_engine.on_timer(delay, False, wake)
    lwt.on_cancel(promise, lambda: lwt_engine.stop_event(event))
    return promise


def timeout(delay: float, /) -> lwt.Promise[NoReturn]:
    """Return a promise that is rejected with `Timeout` after a delay in seconds, like `sleep`.

    OCaml: Lwt_unix.timeout : float -> 'a Lwt.t
    """
    check_delay("lwt_unix.timeout", delay)
    return lwt.bind(_sleep(delay), _raise_timeout)


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
