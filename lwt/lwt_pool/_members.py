"""The life of a member: it is looked for, _validated, lent, checked after a failure, disposed of.

OCaml: src/core/lwt_pool.ml
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, final

from lwt._core.checks import explain_call
from lwt._core.creation import return_, return_unit
from lwt._core.driver import to_promise
from lwt._core.exceptions import Exception_filter
from lwt._core.handling import try_bind
from lwt._core.promise import (
    PENDING,
    REJECTED,
    Callback,
    Promise,
    add_callback,
    new_promise,
    settle,
    underlying,
)
from lwt._core.ref import Ref
from lwt._core.sequential import bind
from lwt._core.storage import current_storage
from lwt._core.waiters import Waiter, new_waiter
from lwt.lwt_pool._places import free_place, make_member, put_back, release, serve_waiters
from lwt.lwt_pool._pool import Pool, always_valid

if TYPE_CHECKING:
    from lwt._core.promise import PromiseOrCoroutine

T = TypeVar("T")
B = TypeVar("B")

# --- A member for a user -----------------------------------------------------


def acquire(pool: Pool[T]) -> Promise[T]:
    waiter: Waiter[T] | None = None
    while True:
        if pool._idle:
            return _validated(pool, pool._idle.popleft())
        is_full = pool._count >= pool._maximum
        if not is_full and pool._waiters.is_empty():
            pool._count += 1
            return make_member(pool)
        if waiter is not None:
            break
        waiter = new_waiter()  # Then look again: a finaliser may have given a member back.
    promise = pool._waiters.put(waiter)
    if not is_full:
        serve_waiters(pool)  # It is being done, or was interrupted (Ctrl-C) the last time.
    if pool._validate is always_valid:
        return promise
    return bind(promise, partial(_validated, pool))


def _validated(pool: Pool[T], member: T) -> Promise[T]:
    """Return the member if it is valid, otherwise a new one in its place."""
    if pool._validate is always_valid:
        return return_(member)

    def after_answer(is_valid: bool) -> Promise[T]:
        if is_valid:
            return return_(member)
        disposed = _dispose(pool, member)
        return bind(disposed, lambda _: make_member(pool))

    def after_failure(exception: Exception) -> Promise[T]:
        disposed = dispose_and_free(pool, member)
        return bind(disposed, partial(_raise, exception))

    validate = partial(ask, pool, "lwt_pool.create", pool._validate, member)
    return try_bind(validate, after_answer, after_failure)


def ask(
    pool: Pool[T], name: str, function: Callable[[T], PromiseOrCoroutine[B]], member: T
) -> Promise[B]:
    """Call a function with a member, and lose none to an exception that rejects no promise."""
    try:
        return to_promise(name, function, function(member))
    except BaseException as exception:
        explain_call(exception, name, function, ("member",))
        if not isinstance(exception, Exception) or not Exception_filter.run(exception):
            put_back(pool, member)  # An interrupt, or out of memory, say: it leaves at once.
        raise


# --- Back from a user whose work has failed ----------------------------------


def check_and_release(pool: Pool[T], member: T, was_cleared: Ref[bool]) -> Promise[None]:
    """Take back a member whose use has failed, if it is still good.

    `was_cleared` is what the pool had when the use began.
    """
    is_cleared = was_cleared.contents  # Asked before `check` is called, which might clear it.
    is_good = False

    def tell(result: bool) -> None:
        nonlocal is_good
        is_good = result

    failure: Exception | None = None
    try:
        pool._check(member, tell)
    except Exception as exception:
        failure = exception
    except BaseException:
        put_back(pool, member)
        raise
    if failure is not None:
        # In OCaml the member would be lost.
        return bind(dispose_and_free(pool, member), partial(_raise, failure))
    if is_cleared or not is_good:
        return dispose_and_free(pool, member)
    release(pool, member)
    return return_unit


def _raise(exception: Exception, _: None) -> NoReturn:
    try:
        raise exception
    finally:
        del exception  # Its traceback leads to this frame: close no circle.


# --- The end of a member -----------------------------------------------------


def dispose_and_free(pool: Pool[T], member: T) -> Promise[None]:
    """Dispose of a member, then free its place."""

    def free(_: object) -> Promise[None]:
        free_place(pool)
        return return_unit

    return bind(_dispose(pool, member), free)


def _dispose(pool: Pool[T], member: T) -> Promise[object]:
    """Dispose of a member and keep its place, unless that fails: then free it."""
    try:
        disposed = underlying(to_promise("lwt_pool.create", pool._dispose, pool._dispose(member)))
    except Exception as exception:
        failure = exception
    except BaseException:
        put_back(pool, member)
        raise
    else:
        if disposed._state == PENDING:
            outer: Promise[object] = new_promise(PENDING, disposed)
            add_callback(disposed, _Disposing(pool, outer))
            return outer
        if disposed._state == REJECTED:
            free_place(pool)
        return disposed
    free_place(pool)
    _raise(failure, None)


@final
class _Disposing(Callback):
    """What is attached to the promise of `dispose`, if that is pending.

    A `catch` would leave its storage to what comes after it. OCaml has none there.
    """

    __slots__ = ("_outer", "_pool", "_storage")

    def __init__(self, pool: Pool[Any], outer: Promise[object]) -> None:
        self._pool = pool
        self._outer = outer
        self._storage = current_storage.contents

    def run(self, disposed: Promise[object], /) -> Promise[object]:
        if disposed._state == REJECTED:
            storage = current_storage.contents
            current_storage.contents = self._storage
            free_place(self._pool)
            current_storage.contents = storage
        return settle(self._outer, disposed._state, disposed._value)


async def dispose_of_all(pool: Pool[T], members: deque[T]) -> Promise[None]:
    failures: list[Exception] = []
    while members:
        if len(members) == 1 and not failures:
            return dispose_and_free(pool, members.pop())
        try:
            await dispose_and_free(pool, members.pop())
        except Exception as exception:
            failures.append(exception)
        except GeneratorExit:
            raise  # Nobody will run this again: the promise that it waits for is lost.
        except BaseException:
            for member in members:
                put_back(pool, member)
            raise
    try:
        if failures:
            raise failures[0]
    finally:
        failures.clear()
    return return_unit
