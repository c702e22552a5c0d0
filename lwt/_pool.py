"""What a pool is made of: places, members, and those who wait for one.

The ideas, in reading order:

- A pool has *places*, as many as its maximum. A place is taken when the making of a member
  starts, and is free again when that fails or the member was disposed of.
- A member that nobody uses is idle. Whoever finds neither an idle member nor a free place
  waits, first in first out, for a member that is given back or a place that becomes free.
- So nobody waits while there is an idle member or a free place. `_serve_waiters` sees to
  it wherever a place becomes free; and a new user waits behind those who wait already.

OCaml's pool forgets about places in some cases: when a waiter is served by a new member,
when disposing fails, when `check` raises, and when a place becomes free while others wait.
Its pool then grows beyond its maximum, loses a place for ever, or lets its waiters wait for
ever. This one does not; in all else it does what OCaml's does, in the same order.

OCaml: Lwt_pool (src/core/lwt_pool.ml)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Generic, NoReturn, TypeVar, final

from lwt._core.coroutine import to_promise
from lwt._core.creation import fail, return_, return_true, return_unit
from lwt._core.exceptions import Exception_filter
from lwt._core.lifting import apply
from lwt._core.promise import Promise
from lwt._core.sequential import bind, catch, try_bind
from lwt._core.values import Ref
from lwt._core.waiters import Waiter, Waiters
from lwt._core.watching import on_any

if TYPE_CHECKING:
    from lwt._core.promise import PromiseOrCoroutine

T = TypeVar("T")
B = TypeVar("B")


@final
class Pool(Generic[T]):
    """A pool of members. Made by `create`.

    OCaml: Lwt_pool.t : type 'a t
    """

    __slots__ = (
        "__weakref__",
        "_check",
        "_count",
        "_create",
        "_dispose",
        "_idle",
        "_is_serving",
        "_maximum",
        "_validate",
        "_waiters",
        "_was_cleared",
    )

    def __init__(
        self,
        maximum: int,
        create: Callable[[], PromiseOrCoroutine[T]],
        validate: Callable[[T], PromiseOrCoroutine[bool]],
        check: Callable[[T, Callable[[bool], None]], object],
        dispose: Callable[[T], PromiseOrCoroutine[object]],
    ) -> None:
        """Make a pool without members."""
        self._maximum = maximum
        self._create = create
        self._validate = validate
        self._check = check
        self._dispose = dispose
        self._count = 0  # Of the places that are taken.
        self._idle: deque[T] = deque()
        self._waiters: Waiters[T] = Waiters()
        self._is_serving = False
        self._was_cleared = Ref(False)
        """Whether the pool was cleared since this Ref was put here. Users keep the Ref."""

    def __repr__(self) -> str:
        return (
            f"<Pool, {self._count} of {self._maximum} members, {len(self._idle)} idle, "
            f"{len(self._waiters)} waiting>"
        )


def is_valid(_: object) -> Promise[bool]:
    return return_true


def is_good(_: object, tell: Callable[[bool], None]) -> None:
    tell(True)


def do_nothing(_: object) -> Promise[None]:
    return return_unit


# A member for a user


def acquire(pool: Pool[T]) -> Promise[T]:
    if pool._idle:
        return _validated(pool, pool._idle.popleft())
    if pool._count >= pool._maximum:
        waiter = pool._waiters.add()
    elif pool._waiters.is_empty():
        pool._count += 1
        return _make_member(pool)
    else:
        waiter = pool._waiters.add()
        _serve_waiters(pool)  # It is being done, or was interrupted (Ctrl-C) the last time.
    if pool._validate is is_valid:
        return waiter
    return bind(waiter, partial(_validated, pool))


def _validated(pool: Pool[T], member: T) -> Promise[T]:
    """Return the member if it is valid, otherwise a new one in its place."""
    if pool._validate is is_valid:
        return return_(member)  # It is a hot path.

    def after_answer(is_valid: bool) -> Promise[T]:
        if is_valid:
            return return_(member)
        disposed = _dispose(pool, member)
        return bind(disposed, lambda _: _make_member(pool))

    def after_failure(exception: Exception) -> Promise[T]:
        disposed = dispose_and_free(pool, member)
        return bind(disposed, partial(_end_validation, exception))

    def validate() -> Promise[bool]:
        try:
            return _ask(pool, "validate", pool._validate, member)
        except Exception as exception:
            if not Exception_filter.run(exception):  # Out of memory, say: it leaves at once.
                put_back(pool, member)
            raise

    return try_bind(validate, after_answer, after_failure)


def _end_validation(exception: Exception, _: None) -> Promise[NoReturn]:
    _raise(exception, _)


def _make_member(pool: Pool[T]) -> Promise[T]:
    """Make a member for a place that is taken; free the place if that fails."""
    is_over = False

    def after_failure(exception: Exception) -> Promise[T]:
        nonlocal is_over
        is_over = True
        _free_place(pool)
        return fail(exception)

    try:
        return catch(pool._create, after_failure)
    except BaseException:
        if not is_over:  # An exception that rejects no promise: it leaves at once.
            pool._count -= 1
        raise


def _ask(
    pool: Pool[T], name: str, function: Callable[[T], PromiseOrCoroutine[B]], member: T
) -> Promise[B]:
    """Call one of the pool's functions with a member, and lose none if that is interrupted."""
    try:
        return to_promise(f"lwt_pool: {name}", function, function(member))
    except Exception:
        raise
    except BaseException:
        put_back(pool, member)
        raise


# Back from a user


def release(pool: Pool[T], member: T) -> None:
    """Give a member to the first who waits for one; without any, it becomes idle."""
    waiter = pool._waiters.take()
    if waiter is None:
        pool._idle.append(member)
    else:
        waiter.wake(member)


def put_back(pool: Pool[T], member: T) -> None:
    """Give a member back, without any callback being run: an interrupt (Ctrl-C) is leaving."""
    waiter = pool._waiters.take()
    if waiter is None:
        pool._idle.append(member)
    else:
        waiter.wake_next(member)


def check_and_release(pool: Pool[T], member: T, was_cleared: Ref[bool]) -> Promise[None]:
    """Take back a member whose use has failed, if it is still good.

    `was_cleared` is that of the pool when the use began.
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


# The end of a member


def dispose_and_free(pool: Pool[T], member: T) -> Promise[None]:
    """Dispose of a member, then free its place."""

    def free(_: object) -> Promise[None]:
        _free_place(pool)
        return return_unit

    return bind(_dispose(pool, member), free)


def _dispose(pool: Pool[T], member: T) -> Promise[object]:
    """Dispose of a member and keep its place, unless that fails: then free it."""

    def after_failure(exception: Exception) -> Promise[object]:
        _free_place(pool)
        return fail(exception)

    try:
        disposed = _ask(pool, "dispose", pool._dispose, member)
    except Exception as exception:
        failure = exception
    else:
        return catch(lambda: disposed, after_failure)
    _free_place(pool)
    _raise(failure, None)


async def dispose_of_all(pool: Pool[T], members: list[T]) -> None:
    failures: list[Exception] = []
    while members:
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


# Places that become free


def _free_place(pool: Pool[T]) -> None:
    pool._count -= 1
    _serve_waiters(pool)


def _serve_waiters(pool: Pool[T]) -> None:
    """Make members for those who wait, as long as there are places."""
    if pool._is_serving:
        return  # Called by what a loop below has called: that loop goes on.
    pool._is_serving = True
    try:
        while pool._count < pool._maximum:
            waiter = pool._waiters.take()
            if waiter is None:
                break
            pool._count += 1
            _make_member_for(pool, waiter)
    finally:
        pool._is_serving = False


def _make_member_for(pool: Pool[T], waiter: Waiter[T]) -> None:
    def give(member: T) -> None:
        if waiter.is_waiting():
            waiter.wake(member)
        else:
            release(pool, member)

    def after_failure(exception: Exception) -> None:
        pool._count -= 1
        if waiter.is_waiting():
            waiter.wake_exn(exception)
        _serve_waiters(pool)

    def make(_: None) -> Promise[T]:
        return to_promise("lwt_pool: create", pool._create, pool._create())

    try:
        creation = apply(make, None)
    except BaseException:  # It rejects no promise, and leaves at once: the waiter waits on.
        pool._count -= 1
        pool._waiters.put_first(waiter)
        raise
    on_any(creation, give, after_failure)
