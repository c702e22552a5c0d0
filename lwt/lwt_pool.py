"""Pools: at most so many members, made on demand, each lent to one user at a time.

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

import lwt
from lwt._coroutine import to_promise
from lwt._sequential import try_bind_located
from lwt._waiters import Waiter, Waiters

if TYPE_CHECKING:
    from lwt._promise import PromiseOrCoroutine

__all__ = ["Pool", "clear", "create", "t", "use", "wait_queue_length"]

T = TypeVar("T")
A = TypeVar("A")
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
        self._was_cleared = lwt.Ref(False)
        """Whether the pool was cleared since this Ref was put here. Users keep the Ref."""

    def __repr__(self) -> str:
        return (
            f"<Pool, {self._count} of {self._maximum} members, {len(self._idle)} idle, "
            f"{len(self._waiters)} waiting>"
        )


t = Pool


def _check_pool(function: str, argument: object) -> None:
    if not isinstance(argument, Pool):
        raise TypeError(
            f"lwt_pool.{function}: {argument!r} ({type(argument).__name__}) is not a pool; "
            "make one with lwt_pool.create(maximum, function)"
        )


def _check_callable(function: str, name: str, argument: object) -> None:
    if not callable(argument):
        raise TypeError(
            f"lwt_pool.{function}: {name} is {argument!r} ({type(argument).__name__}), which is "
            "not callable; pass a function"
        )


def _is_valid(_: object) -> lwt.Promise[bool]:
    return lwt.return_true


def _is_good(_: object, tell: Callable[[bool], None]) -> None:
    tell(True)


def _do_nothing(_: object) -> lwt.Promise[None]:
    return lwt.return_unit


def create(
    maximum: int,
    f: Callable[[], PromiseOrCoroutine[T]],
    /,
    *,
    validate: Callable[[T], PromiseOrCoroutine[bool]] = _is_valid,
    check: Callable[[T, Callable[[bool], None]], object] = _is_good,
    dispose: Callable[[T], PromiseOrCoroutine[object]] = _do_nothing,
) -> Pool[T]:
    """Return a new pool, whose members will be made by `f` on demand.

    Args:
        maximum: how many members there may be at a time.
        f: makes a member.
        validate: tells whether a member, which was idle or waited for, may be used; one that
            may not is disposed of, and replaced by a new one. If it fails, so does the use.
        check: takes a member whose use has failed, and a function to call with `True` if
            the member is still good; otherwise it is disposed of.
        dispose: called with each member that the pool drops, except at the end of the program.

    Raises:
        TypeError: `maximum` is no integer, or one of the others cannot be called.
        ValueError: `maximum` is negative.

    OCaml: Lwt_pool.create : int -> ?validate:('a -> bool Lwt.t) ->
    ?check:('a -> (bool -> unit) -> unit) -> ?dispose:('a -> unit Lwt.t) ->
    (unit -> 'a Lwt.t) -> 'a t
    """
    if not isinstance(maximum, int):
        raise TypeError(
            f"lwt_pool.create: the maximum is {maximum!r} ({type(maximum).__name__}), not an "
            "integer; the number comes first, then the function that makes a member"
        )
    if maximum < 0:
        raise ValueError(
            f"Lwt_pool.create: the maximum is {maximum}; pass how many members there may be"
        )
    _check_callable("create", "the function that makes a member", f)
    _check_callable("create", "validate", validate)
    _check_callable("create", "check", check)
    _check_callable("create", "dispose", dispose)
    return Pool(maximum, f, validate, check, dispose)


# Using a member


def use(pool: Pool[T], f: Callable[[T], PromiseOrCoroutine[B]], /) -> lwt.Promise[B]:
    """Call a function with a member, and take the member back when its promise is resolved.

    The member is, in this order: the one that has been idle for longest; a new one; or the
    next that is given back. It is given back before the result is resolved. Cancelling the
    result gives up waiting, or cancels what `f`, or the function of the pool that is at
    work, waits for.

    >>> import lwt
    >>> from lwt import lwt_pool
    >>> numbers = iter(range(10))
    >>> pool = lwt_pool.create(1, lambda: lwt.return_(next(numbers)))
    >>> work, resolver = lwt.wait()
    >>> first = lwt_pool.use(pool, lambda member: work)
    >>> second = lwt_pool.use(pool, lambda member: lwt.return_(f"used member {member}"))
    >>> lwt_pool.wait_queue_length(pool)
    1
    >>> lwt.wakeup_later(resolver, None)
    >>> second
    <Promise fulfilled: 'used member 0'>

    Raises:
        TypeError: `pool` is no pool, or `f` cannot be called.
        Exception: that of `dispose` or `check`, if they raise before anything was waited for.

    OCaml: Lwt_pool.use : 'a t -> ('a -> 'b Lwt.t) -> 'b Lwt.t
    """
    _check_pool("use", pool)
    _check_callable("use", "the function that uses a member", f)
    return lwt.bind(_acquire(pool), _Use(pool, f).begin)


def _acquire(pool: Pool[T]) -> lwt.Promise[T]:
    if pool._idle:
        return _validated(pool, pool._idle.popleft())
    if pool._count < pool._maximum and pool._waiters.is_empty():
        pool._count += 1
        return _make_member(pool)
    waiter = pool._waiters.add()
    if pool._count < pool._maximum:
        _serve_waiters(pool)  # It is being done, or was interrupted (Ctrl-C) the last time.
    if pool._validate is _is_valid:
        return waiter
    return lwt.bind(waiter, partial(_validated, pool))


class _Use(Generic[T, B]):
    """One use of a member, from when it has been acquired."""

    __slots__ = ("_f", "_member", "_pool", "_was_cleared")

    _member: T
    _was_cleared: lwt.Ref[bool]
    """That of the pool when the use began."""

    def __init__(self, pool: Pool[T], f: Callable[[T], PromiseOrCoroutine[B]]) -> None:
        self._pool = pool
        self._f = f

    def begin(self, member: T) -> lwt.Promise[B]:
        self._member = member
        self._was_cleared = self._pool._was_cleared
        # As lwt.try_bind, which would check that these three can be called.
        return try_bind_located("lwt_pool.use", self._call, self._end, self._fail, None)

    def _call(self) -> PromiseOrCoroutine[B]:
        try:
            return self._f(self._member)
        except Exception:
            raise
        except BaseException:
            self._pool._idle.append(self._member)  # It leaves at once; the next finds the member.
            raise

    def _end(self, result: B) -> lwt.Promise[B]:
        if self._was_cleared.contents:
            disposed = _dispose_and_free(self._pool, self._member)
            return lwt.bind(disposed, lambda _: lwt.return_(result))
        _release(self._pool, self._member)
        return lwt.return_(result)

    def _fail(self, exception: Exception) -> lwt.Promise[B]:
        checked = _check_and_release(self._pool, self._member, self._was_cleared.contents)
        return lwt.bind(checked, lambda _: lwt.fail(exception))


def _check_and_release(pool: Pool[T], member: T, was_cleared: bool) -> lwt.Promise[None]:
    """Take back a member whose use has failed, if it is still good.

    Whether the pool was cleared is asked before `check` is called, which might clear it.
    """
    is_good = False

    def tell(result: bool) -> None:
        nonlocal is_good
        is_good = result

    failure: Exception | None = None
    try:
        pool._check(member, tell)
    except Exception as exception:
        failure = exception
    if failure is not None:
        # In OCaml the member would be lost.
        return lwt.bind(_dispose_and_free(pool, member), partial(_raise, failure))
    if was_cleared or not is_good:
        return _dispose_and_free(pool, member)
    _release(pool, member)
    return lwt.return_unit


def _raise(exception: Exception, _: None) -> NoReturn:
    try:
        raise exception
    finally:
        del exception  # Its traceback leads to this frame: close no circle.


def wait_queue_length(pool: Pool[T], /) -> int:
    """Count the users who wait for a member, in time linear in their number.

    Raises:
        TypeError: `pool` is no pool.

    OCaml: Lwt_pool.wait_queue_length : _ t -> int
    """
    _check_pool("wait_queue_length", pool)
    return len(pool._waiters)


def clear(pool: Pool[T], /) -> lwt.Promise[None]:
    """Dispose of all members: of idle ones now, of those in use when they are given back.

    So whoever uses the pool afterwards is given a member that was made after the call, or
    one that was waited for before it. The idle members are disposed of one after the
    other, the last that became idle first. If disposing of some fails, the others are
    disposed of all the same (OCaml would stop, and forget them), and the result is
    rejected with the first exception.

    Raises:
        TypeError: `pool` is no pool.

    OCaml: Lwt_pool.clear : 'a t -> unit Lwt.t
    """
    _check_pool("clear", pool)
    members = list(pool._idle)
    pool._idle.clear()
    pool._was_cleared.contents = True
    pool._was_cleared = lwt.Ref(False)
    if not members:
        return lwt.return_unit
    return lwt.of_coroutine(_dispose_of_all(pool, members))


async def _dispose_of_all(pool: Pool[T], members: list[T]) -> None:
    failures: list[Exception] = []
    while members:
        try:
            await _dispose_and_free(pool, members.pop())
        except Exception as exception:
            failures.append(exception)
    try:
        if failures:
            raise failures[0]
    finally:
        failures.clear()


# Members and their places


def _make_member(pool: Pool[T]) -> lwt.Promise[T]:
    """Make a member for a place that is taken; free the place if that fails."""
    is_over = False

    def after_failure(exception: Exception) -> lwt.Promise[T]:
        nonlocal is_over
        is_over = True
        _free_place(pool)
        return lwt.fail(exception)

    try:
        return lwt.catch(pool._create, after_failure)
    except BaseException:
        if not is_over:  # An exception that rejects no promise: it leaves at once.
            pool._count -= 1
        raise


def _validated(pool: Pool[T], member: T) -> lwt.Promise[T]:
    """Return the member if it is valid, otherwise a new one in its place."""
    if pool._validate is _is_valid:
        return lwt.return_(member)  # It is a hot path.

    def after_answer(is_valid: bool) -> lwt.Promise[T]:
        if is_valid:
            return lwt.return_(member)
        disposed = _dispose(pool, member)
        return lwt.bind(disposed, lambda _: _make_member(pool))

    def after_failure(exception: Exception) -> lwt.Promise[T]:
        disposed = _dispose_and_free(pool, member)
        return lwt.bind(disposed, partial(_end_validation, exception))

    def validate() -> PromiseOrCoroutine[bool]:
        return pool._validate(member)

    return lwt.try_bind(validate, after_answer, after_failure)


def _end_validation(exception: Exception, _: None) -> lwt.Promise[NoReturn]:
    _raise(exception, _)


def _release(pool: Pool[T], member: T) -> None:
    """Give a member to the first who waits for one; without any, it becomes idle."""
    waiter = pool._waiters.take()
    if waiter is None:
        pool._idle.append(member)
    else:
        waiter.wake(member)


def _dispose_and_free(pool: Pool[T], member: T) -> lwt.Promise[None]:
    """Dispose of a member, then free its place."""

    def free(_: object) -> lwt.Promise[None]:
        _free_place(pool)
        return lwt.return_unit

    return lwt.bind(_dispose(pool, member), free)


def _dispose(pool: Pool[T], member: T) -> lwt.Promise[object]:
    """Dispose of a member and keep its place, unless that fails: then free it."""
    failure: Exception | None = None
    try:
        disposed = to_promise("lwt_pool: dispose", pool._dispose, pool._dispose(member))
    except Exception as exception:
        failure = exception
    if failure is not None:
        _free_place(pool)
        _raise(failure, None)

    def after_failure(exception: Exception) -> lwt.Promise[object]:
        _free_place(pool)
        return lwt.fail(exception)

    return lwt.catch(lambda: disposed, after_failure)


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
            _release(pool, member)

    def after_failure(exception: Exception) -> None:
        pool._count -= 1
        if waiter.is_waiting():
            waiter.wake_exn(exception)
        _serve_waiters(pool)

    def make(_: None) -> lwt.Promise[T]:
        return to_promise("lwt_pool: create", pool._create, pool._create())

    try:
        creation = lwt.apply(make, None)
    except BaseException:  # It rejects no promise, and leaves at once: the waiter waits on.
        pool._count -= 1
        pool._waiters.put_first(waiter)
        raise
    lwt.on_any(creation, give, after_failure)
