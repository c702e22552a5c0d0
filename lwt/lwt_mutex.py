"""Locks for mutual exclusion, between promises of one thread.

Unlocking hands a mutex over to the first who waits for it; it stays locked meanwhile.

OCaml: Lwt_mutex (src/core/lwt_mutex.ml)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar, final

from lwt._core.checks import check_callable, check_kind
from lwt._core.creation import return_unit
from lwt._core.driver import attempt
from lwt._core.identity import refuse_copy
from lwt._core.promise import (
    PENDING,
    Callback,
    Promise,
    add_callback,
    new_promise,
    settle,
    underlying,
)
from lwt._core.resolution import MAXIMUM_NESTING, resolution
from lwt._core.sequential import bind
from lwt._core.storage import current_storage
from lwt._core.waiters import Waiters, new_waiter

if TYPE_CHECKING:
    from types import TracebackType

    from lwt._core.promise import PromiseOrCoroutine

__all__ = [
    # The type
    "Mutex",
    "t",
    # Making one
    "create",
    # Locking
    "with_lock",
    "lock",
    "unlock",
    # Asking
    "is_locked",
    "is_empty",
]

T = TypeVar("T")


@final
class Mutex:
    """A lock. Made by `create`.

    In an `async def` function, `async with mutex:` locks it, and unlocks it at the end.

    OCaml: Lwt_mutex.t : type t
    """

    __slots__ = ("__weakref__", "_is_locked", "_waiters")

    def __reduce_ex__(self, protocol: object, /) -> NoReturn:
        refuse_copy(self)

    def __init__(self) -> None:
        """Make a mutex that is not locked."""
        self._is_locked = False
        self._waiters: Waiters[None] = Waiters()

    async def __aenter__(self) -> None:
        # Like `lock`, without a promise when there is no need to wait: it is a hot path.
        if self._is_locked:
            waiter = new_waiter()
            if self._is_locked:  # No finaliser has unlocked it.
                await self._waiters.put(waiter)
                return
        self._is_locked = True

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._waiters.is_empty():
            self._is_locked = False
        else:
            unlock(self)

    def __repr__(self) -> str:
        return "<Mutex, locked>" if self._is_locked else "<Mutex, not locked>"


t = Mutex


_MAKE_ONE: Final = "make one with lwt_mutex.create()"


def create() -> Mutex:
    """Return a new mutex that is not locked.

    OCaml: Lwt_mutex.create : unit -> t
    """
    return Mutex()


def lock(mutex: Mutex, /) -> Promise[None]:
    """Lock a mutex, waiting for those who came before.

    Cancelling the result gives up waiting, and does not disturb the others.

    OCaml: Lwt_mutex.lock : t -> unit Lwt.t
    """
    if type(mutex) is not Mutex:
        check_kind("lwt_mutex.lock", mutex, Mutex, _MAKE_ONE)
    if mutex._is_locked:
        waiter = new_waiter()
        if mutex._is_locked:  # No finaliser has unlocked it.
            return mutex._waiters.put(waiter)
    mutex._is_locked = True
    return return_unit


def unlock(mutex: Mutex, /) -> None:
    """Hand a mutex over to the first who waits for it, in the way of `lwt.wakeup_later`.

    If nobody waits, it is unlocked. A mutex that is not locked is left alone.

    OCaml: Lwt_mutex.unlock : t -> unit
    """
    if type(mutex) is not Mutex:
        check_kind("lwt_mutex.unlock", mutex, Mutex, _MAKE_ONE)
    if mutex._is_locked:
        waiter = mutex._waiters.take()
        if waiter is None:
            mutex._is_locked = False
        else:
            waiter.wake(None)


def is_locked(mutex: Mutex, /) -> bool:
    """Tell whether a mutex is locked.

    OCaml: Lwt_mutex.is_locked : t -> bool
    """
    if type(mutex) is not Mutex:
        check_kind("lwt_mutex.is_locked", mutex, Mutex, _MAKE_ONE)
    return mutex._is_locked


def is_empty(mutex: Mutex, /) -> bool:
    """Tell whether nobody waits for a mutex.

    OCaml: Lwt_mutex.is_empty : t -> bool
    """
    if type(mutex) is not Mutex:
        check_kind("lwt_mutex.is_empty", mutex, Mutex, _MAKE_ONE)
    return mutex._waiters.is_empty()


def with_lock(mutex: Mutex, f: Callable[[], PromiseOrCoroutine[T]], /) -> Promise[T]:
    """Lock a mutex, call a function, and unlock the mutex when its promise is resolved.

    The mutex is unlocked before the result is resolved, also if `f` raises or its promise
    is rejected; then so is the result. Cancelling the result gives up
    waiting for the mutex, or cancels the promise of `f`.

    >>> import lwt
    >>> from lwt import lwt_mutex
    >>> mutex = lwt_mutex.create()
    >>> first, resolver = lwt.wait()
    >>> _ = lwt_mutex.with_lock(mutex, lambda: first)
    >>> second = lwt_mutex.with_lock(mutex, lambda: lwt.return_("second"))
    >>> second
    <Promise pending>
    >>> lwt.wakeup_later(resolver, "first")
    >>> second
    <Promise fulfilled: 'second'>

    OCaml: Lwt_mutex.with_lock : t -> (unit -> 'a Lwt.t) -> 'a Lwt.t
    """
    if type(mutex) is not Mutex:
        check_kind("lwt_mutex.with_lock", mutex, Mutex, _MAKE_ONE)
    check_callable("lwt_mutex.with_lock", f, ())
    if mutex._is_locked or resolution.nesting >= MAXIMUM_NESTING:
        return bind(lock(mutex), lambda _: _call_locked(mutex, f))
    mutex._is_locked = True
    return _call_locked(mutex, f)


def _call_locked(mutex: Mutex, f: Callable[[], PromiseOrCoroutine[T]]) -> Promise[T]:
    """Call the function, and unlock when its promise is resolved.

    `lwt.finalize` would do the same, but it has to wait for what cleans up. This saves half of the
    time of `with_lock` on a free mutex.
    """
    promise = underlying(attempt("lwt_mutex.with_lock", f))
    try:
        if promise._state == PENDING:
            outer: Promise[T] = new_promise(PENDING, promise)
            add_callback(promise, _Unlocking(mutex, outer))
            return outer
        unlock(mutex)
        return promise
    finally:
        del promise  # The traceback of a rejection leads to this frame: close no circle.


@final
class _Unlocking(Callback):
    """What `with_lock` attaches to the promise of its function, if that is pending."""

    __slots__ = ("_mutex", "_outer", "_storage")

    def __init__(self, mutex: Mutex, outer: Promise[Any]) -> None:
        self._mutex = mutex
        self._outer = outer
        self._storage = current_storage.contents

    def run(self, promise: Promise[Any], /) -> Promise[Any]:
        current_storage.contents = self._storage
        unlock(self._mutex)
        return settle(self._outer, promise._state, promise._value)
