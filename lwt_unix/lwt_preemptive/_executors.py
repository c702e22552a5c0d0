"""Computations in any executor of `concurrent.futures`.

Not in OCaml.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, ParamSpec, TypeVar, final

import lwt
from lwt._core.checks import check_kind
from lwt_unix._jobs.notifications import Message, open_way, post
from lwt_unix.lwt_preemptive._workers import Cancellable, at_work, check_call

A = TypeVar("A")
P = ParamSpec("P")


@final
class _Submitted(Message, Cancellable):
    """What an executor computes."""

    __slots__ = ("_future", "_resolver")

    def __init__(self, future: Future[Any]) -> None:
        self._future: Future[Any] | None = future
        self._resolver: lwt.Resolver[None]

    def promise(self) -> lwt.Promise[Any]:
        """Return the promise of the result."""
        over, self._resolver = lwt.task()
        return lwt.bind(lwt.catch(lambda: over, self._cancel), self._result)

    def _cancel(self, cancelled: Exception) -> lwt.Promise[None]:
        """Cancel the future. If it has begun, wait for it all the same."""
        if self._future is None or self._future.cancel():
            return lwt.fail(cancelled)
        over: lwt.Promise[None]
        over, self._resolver = lwt.wait()
        return over

    def _result(self, _: None) -> lwt.Promise[Any]:
        future, self._future = self._future, None
        assert (
            future is not None
        )  # It is given up here, and in a child process, where nothing arrives.
        if future.cancelled():
            return lwt.fail(lwt.Canceled())
        failure = future.exception()
        if failure is None:
            return lwt.return_(future.result())
        if isinstance(failure, Exception) and lwt.Exception_filter.run(failure):
            return lwt.fail(failure)
        raise failure

    def notify(self, _: Future[Any]) -> None:
        """Tell the main loop that the future is done. Some thread of the executor calls this."""
        post([self])

    def _deliver(self) -> None:
        if at_work.pop(self, None) is self:
            lwt.wakeup(self._resolver, None)

    def cancel_in_child(self) -> None:
        self._future = None  # Its lock may be held by a thread that is not here.
        lwt.wakeup_exn(self._resolver, lwt.Canceled())


def detach_on(
    executor: Executor, f: Callable[P, A], /, *args: P.args, **kwargs: P.kwargs
) -> lwt.Promise[A]:
    """Have an executor call a function, and return the promise of its result.

    The executor may be any of `concurrent.futures`, or of a library that follows it:
    `ThreadPoolExecutor`, `ProcessPoolExecutor`, or `Client.get_executor()` of `distributed`. What it asks
    of functions and arguments holds here, too: those of another process are pickled.

    The result comes in a later turn of the main loop. An exception rejects the promise; so does one of
    the executor itself, such as `BrokenProcessPool` if a process was killed. Cancelling cancels the future.
    If that has begun, it cannot be cancelled, and the promise waits for its result. If
    somebody else cancels the future, the promise is rejected with `lwt.Canceled`.

    >>> from concurrent.futures import ThreadPoolExecutor
    >>> from lwt_unix import lwt_main, lwt_preemptive
    >>> with ThreadPoolExecutor() as executor:
    ...     lwt_main.run(lwt_preemptive.detach_on(executor, pow, 3, 4))
    81

    Args:
        executor: stays the caller's, to be shut down.
        f: what to call.
        args: what to call it with.
        kwargs: the same, by name.

    Raises:
        Exception: what the executor's `submit` raises: RuntimeError if it is shut down.
        OSError: EMFILE, if there are no descriptors left for the pipe that results come through.

    Not in OCaml.
    """
    hint = "for example a concurrent.futures.ThreadPoolExecutor()"
    check_kind("lwt_preemptive.detach_on", executor, Executor, hint)
    check_call("lwt_preemptive.detach_on", f, args, kwargs)
    open_way()
    future = executor.submit(f, *args, **kwargs)
    submitted = _Submitted(future)
    promise = submitted.promise()
    at_work[submitted] = submitted
    future.add_done_callback(submitted.notify)
    return promise
