"""What other threads have the main loop do.

OCaml: Lwt_preemptive, `run_in_main` (src/unix/lwt_preemptive.ml)
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar, final

import lwt
from lwt._core.checks import check_callback
from lwt._core.driver import attempt
from lwt._core.promise import PromiseOrCoroutine
from lwt_unix import lwt_main
from lwt_unix._jobs.notifications import Message, is_open, open_way, post, want_way

A = TypeVar("A")

Answer = tuple[bool, Any]
"""Whether it is a value, and that or the exception."""


@final
class _InMain(Message):
    """A function that a thread has called in the main loop, and the answer for that thread."""

    __slots__ = ("_f", "answer")

    def __init__(self, f: Callable[[], PromiseOrCoroutine[Any]]) -> None:
        self._f = f
        self.answer: SimpleQueue[Answer] = SimpleQueue()

    def _deliver(self) -> None:
        try:
            promise = attempt("lwt_preemptive.run_in_main", self._f)
        except BaseException:
            # It leaves the main loop. The thread must not wait for ever.
            self._fail(lwt.Canceled())
            raise
        lwt.on_any(promise, self._give, self._fail)

    def _give(self, value: object) -> None:
        self.answer.put((True, value))

    def _fail(self, exception: Exception) -> None:
        self.answer.put((False, exception))


@final
class _InBackground(Message):
    """A function that a thread has called in the main loop, and what is called if it fails."""

    __slots__ = ("_f", "_handler")

    def __init__(
        self, f: Callable[[], PromiseOrCoroutine[object]], handler: Callable[[Exception], object]
    ) -> None:
        self._f = f
        self._handler = handler

    def _deliver(self) -> None:
        lwt.async_(lambda: lwt.catch(self._f, self._handle))

    def _handle(self, exception: Exception) -> lwt.Promise[None]:
        self._handler(exception)
        return lwt.return_unit


def _check_way(function: str) -> None:
    """Raise a Failure if the main loop runs, and would not hear of what is sent."""
    if not is_open() and lwt_main._thread.contents is not None:
        raise lwt.Failure(
            f"{function}: the main loop would not hear of it; import lwt_preemptive in its thread before, "
            f"or call lwt_preemptive.simple_init() there"
        )


def run_in_main(f: Callable[[], PromiseOrCoroutine[A]], /) -> A:
    """Call a function in the main loop, wait for its promise, and return the value.

    A worker or any other thread calls this. It blocks that thread. If the main loop does not run, it
    waits until it does. What the promise is rejected with is raised here, with its traceback.

    >>> import lwt_unix
    >>> from lwt_unix import lwt_main, lwt_preemptive
    >>> def work():
    ...     lwt_preemptive.run_in_main(lambda: lwt_unix.sleep(0.001))
    ...     return "slept"
    >>> lwt_main.run(lwt_preemptive.detach(work))
    'slept'

    In OCaml a call from the thread of the main loop waits for itself for ever; here it fails.

    Args:
        f: returns a promise.

    Raises:
        Exception: that of `f`.
        lwt.Canceled: the promise was cancelled; or the function was left by what is no rejection, such as
            KeyboardInterrupt.
        lwt.Failure: this is the thread of the main loop; or that runs already, and another thread was the
            first to import this module.

    OCaml: Lwt_preemptive.run_in_main : (unit -> 'a Lwt.t) -> 'a
    """
    check_callback("lwt_preemptive.run_in_main", f, ())
    if lwt_main._thread.contents == threading.get_ident():
        raise lwt.Failure(
            "lwt_preemptive.run_in_main: this is the thread of the main loop, which would wait for "
            "itself (in a simulated world it does the jobs, too); await the promise of the function instead"
        )
    _check_way("lwt_preemptive.run_in_main")
    call = _InMain(f)
    post([call])
    is_value, answer = call.answer.get()
    if is_value:
        return answer  # type: ignore[no-any-return]  # It is what `f` has given.
    try:
        raise answer
    finally:
        del answer  # Its traceback leads to this frame: close no circle.


def run_in_main_dont_wait(
    f: Callable[[], PromiseOrCoroutine[object]], handler: Callable[[Exception], object], /
) -> None:
    """Have a function called in the main loop, soon, and do not wait for it.

    Any thread may call this, also that of the main loop. The functions are called in the order in which
    they were given.

    Args:
        f: returns a promise.
        handler: is called in the main loop with the exception, if `f` raises or its promise is rejected.
            An exception of its own goes to `lwt.async_exception_hook`; in OCaml it is lost.

    Raises:
        lwt.Failure: the main loop runs already, and another thread was the first to import this module.

    OCaml: Lwt_preemptive.run_in_main_dont_wait : (unit -> unit Lwt.t) -> (exn -> unit) -> unit
    """
    check_callback("lwt_preemptive.run_in_main_dont_wait", f, ())
    check_callback("lwt_preemptive.run_in_main_dont_wait", handler, ("exception",))
    _check_way("lwt_preemptive.run_in_main_dont_wait")
    post([_InBackground(f, handler)])


want_way()  # Any thread may call `run_in_main`.
if lwt_main._thread.contents == threading.get_ident():
    open_way()
