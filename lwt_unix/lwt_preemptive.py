"""Computations in other threads, and promises of other threads in the main loop.

`detach` calls a function in a worker, a thread of a pool, and returns the promise of its result.
`detach_on` does so with any executor of `concurrent.futures`: a pool of processes, or a cluster. A
worker, or any other thread, has a function run in the main loop by `run_in_main`.

The pool has bounds. If all workers are busy, and there may be no more, a computation waits for one; so
it may be cancelled until it has begun. Jobs (`lwt_unix.run_job`) have a pool of their own, as in OCaml:
a computation that takes long keeps no file from being read. Both pools are made of the same threads
(`_jobs/threads`). Here the main loop alone says who is free: a worker is, when its result has arrived.

A child process has none of the threads. If it is forked while the main loop runs, computations are its
parent's, like all that waits. If not, those that had begun are rejected with `Canceled` in the next turn
of its main loop, and those that wait have workers of its own.

OCaml: Lwt_preemptive (src/unix/lwt_preemptive.ml)
"""

from __future__ import annotations

import os
import threading
from abc import abstractmethod
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextvars import copy_context
from functools import partial
from queue import SimpleQueue
from typing import Any, Final, ParamSpec, TypeVar, final

import lwt
from lwt._core.checks import check_bounds, check_callable, check_callback, check_kind, wrong_type
from lwt._core.driver import attempt
from lwt._core.promise import PromiseOrCoroutine
from lwt._core.storage import current_storage
from lwt._core.waiters import Waiters, new_waiter
from lwt_unix import lwt_main
from lwt_unix._checks import C_INT
from lwt_unix._jobs.notifications import Message, is_open, open_way, post, want_way
from lwt_unix._jobs.threads import Call, Pool
from lwt_unix._processes import parting

__all__ = [
    # In a worker
    "detach",
    # In an executor
    "detach_on",
    # In the main loop
    "run_in_main",
    "run_in_main_dont_wait",
    # How many workers
    "init",
    "simple_init",
    "get_bounds",
    "set_bounds",
    "nbthreads",
    "nbthreadsbusy",
    "nbthreadsqueued",
    "get_max_number_of_threads_queued",
    "set_max_number_of_threads_queued",
]

A = TypeVar("A")
P = ParamSpec("P")

# --- Workers -----------------------------------------------------------------

FIRST_BOUNDS: Final = (0, 4)
FIRST_QUEUE: Final = 1000


@final
class _Workers:
    """The workers, as the main loop knows them, and the computations that wait for one."""

    __slots__ = ("bounds", "count", "free", "is_initialized", "most_queued", "pool", "waiting")

    def __init__(self) -> None:
        self.is_initialized = False
        self.bounds = (0, 0)
        self.most_queued = FIRST_QUEUE

        self.count = 0
        """How many workers there are."""

        self.free = 0
        """How many of them have nothing to do."""

        self.pool = Pool(C_INT[1], "lwt_preemptive")
        """The threads, of which there are never more than workers."""

        self.waiting: Waiters[None] = Waiters()

    def take(self) -> bool:
        """Take a worker that is free, or make one; return False if there may be no more."""
        if self.free:
            self.free -= 1
            return True
        if self.count < self.bounds[1]:
            self.count += 1
            return True
        return False

    def give_back(self) -> None:
        """Give a worker to who waits for one. If there are more than there may be, it ends."""
        if self.count > self.bounds[1]:
            self.count -= 1
            self.pool.end_waiting()
        else:
            self._offer()

    def _offer(self) -> None:
        waiter = self.waiting.take()
        if waiter is None:
            self.free += 1
        else:
            waiter.wake(None)

    def set_bounds(self, least: int, most: int) -> None:
        """Change the bounds, and make the workers that are to be there, or that somebody waits for."""
        self.is_initialized = True
        self.bounds = (least, most)
        while self.count < least or (self.count < most and not self.waiting.is_empty()):
            self.count += 1
            self.pool.start_waiting()
            self._offer()

    def start(self, task: Call) -> None:
        """Have a worker that was taken run a task."""
        if not self.pool.start(task):  # The system gives no thread, or Python is about to end.
            task.run()
            post([task])

    def left_in_parent(self) -> _Workers:
        """Return what a child process has instead: the same bounds, and no workers yet."""
        own = _Workers()
        own.is_initialized = self.is_initialized
        own.bounds = self.bounds
        own.most_queued = self.most_queued
        return own


_workers = _Workers()


def _renew() -> None:  # pyright: ignore[reportUnusedFunction]  # `_renewal` calls it.
    """Begin again: there are no workers, and nobody waits for one."""
    global _workers
    _at_work.clear()
    _workers.pool.stop()
    _workers = _Workers()


# --- What is at work ---------------------------------------------------------


class _Cancellable:
    """A computation that has begun, in some thread or process."""

    __slots__ = ()

    @abstractmethod
    def cancel_in_child(self) -> None:
        """Reject its promise: this is a child process, where nobody works on it."""


@final
class _Detached(Call, _Cancellable):
    """What a worker computes, and the promise of it."""

    __slots__ = ("_resolver", "_storage", "_workers", "promise")

    def __init__(self, call: Callable[[], object]) -> None:
        super().__init__(call)
        self._workers: _Workers
        self._storage = current_storage.contents
        self.promise: lwt.Promise[Any]
        self._resolver: lwt.Resolver[Any]
        self.promise, self._resolver = lwt.wait()

    def begin(self, _: None = None) -> lwt.Promise[Any]:
        """Have a worker that was taken compute it."""
        _at_work[self] = self
        self._workers = _workers
        _workers.start(self)
        return self.promise

    def _deliver(self) -> None:
        # As OCaml's `finalize` does; a hook sees it.
        storage, current_storage.contents = current_storage.contents, self._storage
        _at_work.pop(self, None)
        try:
            self._workers.give_back()  # First: who waits begins before anybody hears of this.
        finally:
            try:
                self._resolve()
            finally:
                current_storage.contents = storage

    def _resolve(self) -> None:
        failure, self.failure = self.failure, None
        if failure is None:
            lwt.wakeup(self._resolver, self.value)
        elif isinstance(failure, Exception) and lwt.Exception_filter.run(failure):
            lwt.wakeup_exn(self._resolver, failure)
        else:
            raise failure

    def cancel_in_child(self) -> None:
        lwt.wakeup_exn(self._resolver, lwt.Canceled())


_at_work: Final[dict[_Cancellable, _Cancellable]] = {}
"""What has begun and is not over. Who computes it is so never the last who has it."""


def _forget() -> _Workers:
    """Leave the workers to the parent of this process; return what it had."""
    global _workers
    left = _workers
    _workers = left.left_in_parent()
    return left


def _forget_all() -> object:
    """Leave the workers to the parent, with all that they compute and all who wait for them."""
    left = [_forget(), *_at_work]
    _at_work.clear()
    return left


def _part_from_parent() -> None:
    """Have workers of our own for those who wait. What has begun is rejected in the next turn."""
    waiting = _forget().waiting
    if _at_work or not waiting.is_empty():
        _workers.waiting = waiting
        lwt.on_termination(lwt.pause(), partial(_go_on_in_child, [*_at_work]))
        _at_work.clear()


def _go_on_in_child(left: list[_Cancellable]) -> None:
    for one in left:
        one.cancel_in_child()
    _workers.set_bounds(*_workers.bounds)


# The first is for a child of the main loop, and is called before the second, which then finds nothing.
parting.also(_forget_all)
os.register_at_fork(after_in_child=_part_from_parent)


def _check_call(
    function: str, f: object, args: tuple[object, ...], kwargs: dict[str, object]
) -> None:
    """Raise a TypeError unless this is a function that can be called so."""
    if kwargs:
        check_callable(function, f, ())
    else:
        check_callback(function, f, ("x",) * len(args))


def detach(f: Callable[P, A], /, *args: P.args, **kwargs: P.kwargs) -> lwt.Promise[A]:
    """Call a function in another thread, and return the promise of its result.

    The main loop goes on meanwhile. The function must not use promises, or anything else of these
    packages but `run_in_main` and `lwt_unix.send_notification`. It sees the context variables of the
    caller.

    The result comes in a later turn of the main loop. An exception rejects the promise, and has its
    traceback. There are four workers at most at first (`set_bounds`). If all are busy, the function waits
    for one, and cancelling takes it back. Once it has begun, cancelling does nothing.

    When the process ends, what is not over is left where it is. If the system gives no thread, the
    function is called at once.

    >>> from lwt_unix import lwt_main, lwt_preemptive
    >>> lwt_main.run(lwt_preemptive.detach(pow, 3, 4))
    81

    Args:
        f: what to call.
        args: what to call it with; in OCaml always one thing.
        kwargs: the same, by name.

    Raises:
        OSError: EMFILE, if there are no descriptors left for the pipe that results come through.

    OCaml: Lwt_preemptive.detach : ('a -> 'b) -> 'a -> 'b Lwt.t
    """
    _check_call("lwt_preemptive.detach", f, args, kwargs)
    open_way()
    simple_init()
    workers = _workers
    computation = _Detached(partial(copy_context().run, f, *args, **kwargs))
    if workers.take():
        return computation.begin()
    waiter = new_waiter()
    if workers.take():  # A finaliser has given one back.
        return computation.begin()
    return lwt.bind(workers.waiting.put(waiter), computation.begin)


# --- Executors ---------------------------------------------------------------


@final
class _Submitted(Message, _Cancellable):
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
        if _at_work.pop(self, None) is self:
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
    _check_call("lwt_preemptive.detach_on", f, args, kwargs)
    open_way()
    future = executor.submit(f, *args, **kwargs)
    submitted = _Submitted(future)
    promise = submitted.promise()
    _at_work[submitted] = submitted
    future.add_done_callback(submitted.notify)
    return promise


# --- In the main loop --------------------------------------------------------

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
            "itself; await the promise of the function instead"
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


# --- How many workers --------------------------------------------------------


def init(min: int, max: int, log: Callable[[str], object], /) -> None:
    """Set the bounds, and start as many workers as there are to be at least.

    Args:
        min: how many workers there are at least.
        max: how many there are at most.
        log: is never called, as in OCaml.

    Raises:
        ValueError: `min` is negative, or greater than `max`.

    OCaml: Lwt_preemptive.init : int -> int -> (string -> unit) -> unit
    """
    check_callback("lwt_preemptive.init", log, ("message",))
    _set_bounds("lwt_preemptive.init", min, max)


def simple_init() -> None:
    """Set the bounds to 0 and 4, unless bounds were set already. `detach` does this.

    OCaml: Lwt_preemptive.simple_init : unit -> unit
    """
    open_way()
    if not _workers.is_initialized:
        _workers.set_bounds(*FIRST_BOUNDS)


def get_bounds() -> tuple[int, int]:
    """Return how many workers there are at least, and at most; (0, 0) before there are bounds.

    OCaml: Lwt_preemptive.get_bounds : unit -> int * int
    """
    return _workers.bounds


def set_bounds(bounds: tuple[int, int], /) -> None:
    """Change how many workers there are at least, and at most.

    New ones are started if there are too few. If there are too many, they end one by one, each after its
    next computation. If there may be more, those who wait for one have it at once; in OCaml they wait
    until another one is free.

    Args:
        bounds: the least and the greatest number.

    Raises:
        ValueError: the first is negative, or greater than the second.

    OCaml: Lwt_preemptive.set_bounds : int * int -> unit
    """
    if not isinstance(bounds, tuple) or len(bounds) != 2:
        raise wrong_type("lwt_preemptive.set_bounds", "a pair (min, max)", bounds)
    _set_bounds("lwt_preemptive.set_bounds", *bounds)


def _set_bounds(function: str, least: int, most: int) -> None:
    ocaml = "Lwt_preemptive.set_bounds"
    check_bounds(function, "min", least, 0, C_INT[1], ocaml=ocaml)
    check_bounds(function, "max", most, least, C_INT[1], ocaml=ocaml)
    open_way()
    _workers.set_bounds(least, most)


def nbthreads() -> int:
    """Return how many workers there are.

    OCaml: Lwt_preemptive.nbthreads : unit -> int
    """
    return _workers.count


def nbthreadsbusy() -> int:
    """Return how many workers compute something, or have a result that has not arrived.

    OCaml: Lwt_preemptive.nbthreadsbusy : unit -> int
    """
    return _workers.count - _workers.free


def nbthreadsqueued() -> int:
    """Return how many computations wait for a worker.

    OCaml: Lwt_preemptive.nbthreadsqueued : unit -> int
    """
    return len(_workers.waiting)


def get_max_number_of_threads_queued() -> int:
    """Return what `set_max_number_of_threads_queued` has set; 1000 at first.

    OCaml: Lwt_preemptive.get_max_number_of_threads_queued : unit -> int
    """
    return _workers.most_queued


def set_max_number_of_threads_queued(n: int, /) -> None:
    """Set a number that nothing depends on, as in OCaml: any number of computations may wait.

    Raises:
        ValueError: `n` is negative.

    OCaml: Lwt_preemptive.set_max_number_of_threads_queued : int -> unit
    """
    function = "lwt_preemptive.set_max_number_of_threads_queued"
    check_bounds(function, "n", n, 0, ocaml=f"L{function[1:]}")
    _workers.most_queued = n


want_way()  # Any thread may call `run_in_main`.
if lwt_main._thread.contents == threading.get_ident():
    open_way()
