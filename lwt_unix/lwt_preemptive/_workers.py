"""Workers: the threads of a pool with bounds, and what they compute.

OCaml: Lwt_preemptive, `detach` and the bounds (src/unix/lwt_preemptive.ml)
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar, final

import lwt
from lwt._core.checks import check_bounds, check_callable, check_callback, wrong_type
from lwt._core.storage import current_storage
from lwt._core.waiters import Waiters, new_waiter
from lwt_unix._checks import C_INT
from lwt_unix._jobs.notifications import open_way, post
from lwt_unix._jobs.threads import Call, Pool
from lwt_unix._processes import parting

A = TypeVar("A")
P = ParamSpec("P")

# --- Workers -----------------------------------------------------------------

NAME: Final = "lwt_preemptive"
"""What the threads are called."""

FIRST_BOUNDS: Final = (0, 4)
FIRST_QUEUE: Final = 1000


@final
class Workers:
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

        self.pool = Pool(C_INT[1], NAME)
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

    def left_in_parent(self) -> Workers:
        """Return what a child process has instead: the same bounds, and no workers yet."""
        own = Workers()
        own.is_initialized = self.is_initialized
        own.bounds = self.bounds
        own.most_queued = self.most_queued
        return own


workers = Workers()


def renew() -> None:
    """Begin again: there are no workers, and nobody waits for one."""
    global workers
    at_work.clear()
    workers.pool.stop()
    workers = Workers()


# --- What is at work ---------------------------------------------------------


class Cancellable:
    """A computation that has begun, in some thread or process."""

    __slots__ = ()

    @abstractmethod
    def cancel_in_child(self) -> None:
        """Reject its promise: this is a child process, where nobody works on it."""


@final
class _Detached(Call, Cancellable):
    """What a worker computes, and the promise of it."""

    __slots__ = ("_resolver", "_storage", "_workers", "promise")

    def __init__(self, call: Callable[[], object]) -> None:
        super().__init__(call)
        self._workers: Workers
        self._storage = current_storage.contents
        self.promise: lwt.Promise[Any]
        self._resolver: lwt.Resolver[Any]
        self.promise, self._resolver = lwt.wait()

    def begin(self, _: None = None) -> lwt.Promise[Any]:
        """Have a worker that was taken compute it."""
        at_work[self] = self
        self._workers = workers
        workers.start(self)
        return self.promise

    def _deliver(self) -> None:
        # As OCaml's `finalize` does; a hook sees it.
        storage, current_storage.contents = current_storage.contents, self._storage
        at_work.pop(self, None)
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


at_work: Final[dict[Cancellable, Cancellable]] = {}
"""What has begun and is not over. Who computes it is so never the last who has it."""


def _forget() -> Workers:
    """Leave the workers to the parent of this process; return what it had."""
    global workers
    left = workers
    workers = left.left_in_parent()
    return left


def _forget_all() -> object:
    """Leave the workers to the parent, with all that they compute and all who wait for them."""
    left = [_forget(), *at_work]
    at_work.clear()
    return left


def _part_from_parent() -> None:
    """Have workers of our own for those who wait. What has begun is rejected in the next turn."""
    waiting = _forget().waiting
    if at_work or not waiting.is_empty():
        workers.waiting = waiting
        lwt.on_termination(lwt.pause(), partial(_go_on_in_child, [*at_work]))
        at_work.clear()


def _go_on_in_child(left: list[Cancellable]) -> None:
    for one in left:
        one.cancel_in_child()
    workers.set_bounds(*workers.bounds)


# The first is for a child of the main loop, and is called before the second, which then finds nothing.
parting.also(_forget_all)
os.register_at_fork(after_in_child=_part_from_parent)


def check_call(
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
    check_call("lwt_preemptive.detach", f, args, kwargs)
    open_way()
    simple_init()
    computation = _Detached(partial(copy_context().run, f, *args, **kwargs))
    if workers.take():
        return computation.begin()
    waiter = new_waiter()
    if workers.take():  # A finaliser has given one back.
        return computation.begin()
    return lwt.bind(workers.waiting.put(waiter), computation.begin)


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
    if not workers.is_initialized:
        workers.set_bounds(*FIRST_BOUNDS)


def get_bounds() -> tuple[int, int]:
    """Return how many workers there are at least, and at most; (0, 0) before there are bounds.

    OCaml: Lwt_preemptive.get_bounds : unit -> int * int
    """
    return workers.bounds


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
    workers.set_bounds(least, most)


def nbthreads() -> int:
    """Return how many workers there are.

    OCaml: Lwt_preemptive.nbthreads : unit -> int
    """
    return workers.count


def nbthreadsbusy() -> int:
    """Return how many workers compute something, or have a result that has not arrived.

    OCaml: Lwt_preemptive.nbthreadsbusy : unit -> int
    """
    return workers.count - workers.free


def nbthreadsqueued() -> int:
    """Return how many computations wait for a worker.

    OCaml: Lwt_preemptive.nbthreadsqueued : unit -> int
    """
    return len(workers.waiting)


def get_max_number_of_threads_queued() -> int:
    """Return what `set_max_number_of_threads_queued` has set; 1000 at first.

    OCaml: Lwt_preemptive.get_max_number_of_threads_queued : unit -> int
    """
    return workers.most_queued


def set_max_number_of_threads_queued(n: int, /) -> None:
    """Set a number that nothing depends on, as in OCaml: any number of computations may wait.

    Raises:
        ValueError: `n` is negative.

    OCaml: Lwt_preemptive.set_max_number_of_threads_queued : int -> unit
    """
    function = "lwt_preemptive.set_max_number_of_threads_queued"
    check_bounds(function, "n", n, 0, ocaml=f"L{function[1:]}")
    workers.most_queued = n
