"""Conditions: some wait for something to happen, others tell them that it did.

Those who do not wait at that moment miss it: a condition remembers nothing.

OCaml: Lwt_condition (src/core/lwt_condition.ml)
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final, Generic, Never, NoReturn, TypeVar, final

from lwt import lwt_mutex
from lwt._core.checks import check_exception, check_kind, given_by_position
from lwt._core.handling import finalize
from lwt._core.identity import refuse_copy
from lwt._core.promise import PENDING, Callback, Promise, add_callback, new_promise, settle
from lwt._core.storage import current_storage
from lwt._core.waiters import Waiter, Waiters

__all__ = [
    # The type
    "Condition",
    "t",
    # Making one
    "create",
    # Waiting
    "wait",
    # Telling
    "signal",
    "broadcast",
    "broadcast_exn",
]

T = TypeVar("T")


@final
class Condition(Generic[T]):
    """A condition, with a value for those who are told. Made by `create`.

    OCaml: Lwt_condition.t : type 'a t
    """

    __slots__ = ("__weakref__", "_waiters")

    def __reduce_ex__(self, protocol: object, /) -> NoReturn:
        refuse_copy(self)

    def __init__(self) -> None:
        """Make a condition that nobody waits for."""
        self._waiters: Waiters[T] = Waiters()

    def __repr__(self) -> str:
        return f"<Condition, {len(self._waiters)} waiting>"


t = Condition


_MAKE_ONE: Final = "make one with lwt_condition.create()"


def create() -> Condition[T]:
    """Return a new condition.

    OCaml: Lwt_condition.create : unit -> 'a t
    """
    return Condition()


def wait(
    condition: Condition[T], /, *_wrong: Never, mutex: lwt_mutex.Mutex | None = None
) -> Promise[T]:
    """Wait for a condition; the result is the value that is told.

    Those who wait are told in the order in which they came. A `mutex`, which should be locked,
    is unlocked while waiting. It is locked again, which may take its time, before the result is
    resolved; also if the waiting was cancelled, or `broadcast_exn` ended it.

    >>> import lwt
    >>> from lwt import lwt_condition
    >>> condition = lwt_condition.create()
    >>> first, second = lwt_condition.wait(condition), lwt_condition.wait(condition)
    >>> lwt_condition.signal(condition, "go")
    >>> first, second
    (<Promise fulfilled: 'go'>, <Promise pending>)

    OCaml: Lwt_condition.wait : ?mutex:Lwt_mutex.t -> 'a t -> 'a Lwt.t
    """
    if _wrong:
        raise given_by_position(wait, _wrong)
    check_kind("lwt_condition.wait", condition, Condition, _MAKE_ONE)
    if mutex is None:
        waiter = condition._waiters.add()
        promise: Promise[T] = new_promise(PENDING, waiter)
        add_callback(waiter, _Told(promise))
        return promise
    check_kind("lwt_condition.wait", mutex, lwt_mutex.Mutex, "make one with lwt_mutex.create()")
    waiter = condition._waiters.add()
    lwt_mutex.unlock(mutex)
    return finalize(lambda: waiter, partial(lwt_mutex.lock, mutex))


@final
class _Told(Callback):
    """What is attached to the waiter when there is no mutex to lock again.

    `finalize` would do the same. This saves a third of the time of `wait` and `signal`
    (`timeit`), and these are all that a condition is for.
    """

    __slots__ = ("_promise", "_storage")

    def __init__(self, promise: Promise[Any]) -> None:
        self._promise = promise
        self._storage = current_storage.contents

    def run(self, waiter: Promise[Any], /) -> Promise[Any]:
        current_storage.contents = self._storage
        return settle(self._promise, waiter._state, waiter._value)


def signal(condition: Condition[T], value: T, /) -> None:
    """Tell the first who waits for a condition, in the way of `lwt.wakeup_later`.

    If nobody waits, nothing happens.

    OCaml: Lwt_condition.signal : 'a t -> 'a -> unit
    """
    check_kind("lwt_condition.signal", condition, Condition, _MAKE_ONE)
    waiter = condition._waiters.take()
    if waiter is not None:
        waiter.wake(value)


def broadcast(condition: Condition[T], value: T, /) -> None:
    """Tell all who wait for a condition, in the order in which they came.

    Each is told in the way of `lwt.wakeup_later`. Those who start to wait meanwhile are not told.

    OCaml: Lwt_condition.broadcast : 'a t -> 'a -> unit
    """
    check_kind("lwt_condition.broadcast", condition, Condition, _MAKE_ONE)
    _tell_all(condition, lambda waiter: waiter.wake(value))


def broadcast_exn(condition: Condition[T], exception: Exception, /) -> None:
    """Reject the promises of all who wait for a condition, otherwise like `broadcast`.

    OCaml: Lwt_condition.broadcast_exn : 'a t -> exn -> unit
    """
    check_kind("lwt_condition.broadcast_exn", condition, Condition, _MAKE_ONE)
    check_exception("lwt_condition.broadcast_exn", exception)
    _tell_all(condition, lambda waiter: waiter.wake_exn(exception))


def _tell_all(condition: Condition[T], tell: Callable[[Waiter[T]], None]) -> None:
    waiters = condition._waiters.take_all()
    try:
        while (waiter := waiters.take()) is not None:
            tell(waiter)
    finally:
        # Some are left if a callback was interrupted (Ctrl-C): they go on waiting.
        condition._waiters.put_back(waiters)
