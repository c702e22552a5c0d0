"""Pools: at most so many members, made on demand, each lent to one user at a time.

A pool makes a member when one is needed and it has fewer than its maximum; otherwise its
users wait, first in first out. `use` calls a function with a member, and takes it back.

The ideas, in reading order:

- A pool has *places*, as many as its maximum. A place is taken when the making of a member
  starts. It is free again when the making fails, or when the member was disposed of.
- A member that nobody uses is idle. If there is no idle member and no free place, a user
  waits, first in first out, until a member is given back or a place becomes free.
- So nobody waits while there is an idle member or a free place. `_serve_waiters` sees to
  this wherever a place becomes free. A new user waits behind those who wait already.

OCaml's pool forgets about places in some cases: when a waiter is served by a new member,
when disposing fails, when `check` raises, and when a place becomes free while others wait.
Then it grows beyond its maximum, loses a place forever, or lets its waiters wait forever.
This one does not. Everything else is done as in OCaml, in the same order.

OCaml: Lwt_pool (src/core/lwt_pool.ml)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Generic, Never, NoReturn, TypeVar, final

from lwt._core.checks import (
    check_bounds,
    check_callable,
    check_callback,
    check_kind,
    explain_call,
    given_by_position,
)
from lwt._core.coroutine import of_coroutine, to_promise
from lwt._core.creation import fail, return_, return_true, return_unit
from lwt._core.exceptions import Exception_filter
from lwt._core.handling import catch, try_bind
from lwt._core.identity import refuse_copy
from lwt._core.lifting import apply
from lwt._core.loop import Loop, start
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
from lwt._core.waiters import Waiter, Waiters, new_waiter
from lwt._core.watching import on_any

if TYPE_CHECKING:
    from lwt._core.promise import PromiseOrCoroutine

__all__ = [
    # The type
    "Pool",
    "t",
    # Making one
    "create",
    # Using members
    "use",
    "clear",
    # Asking
    "wait_queue_length",
]

T = TypeVar("T")
B = TypeVar("B")

MAKE_ONE: Final = "make one with lwt_pool.create(maximum, function)"


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

    def __reduce_ex__(self, protocol: object, /) -> NoReturn:
        refuse_copy(self)

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


def _is_valid(_: object) -> Promise[bool]:
    return return_true


def _is_good(_: object, tell: Callable[[bool], None]) -> None:
    tell(True)


def _do_nothing(_: object) -> Promise[None]:
    return return_unit


t = Pool

# --- Making a pool -----------------------------------------------------------


def create(
    maximum: int,
    f: Callable[[], PromiseOrCoroutine[T]],
    /,
    *_wrong: Never,
    validate: Callable[[T], PromiseOrCoroutine[bool]] = _is_valid,
    check: Callable[[T, Callable[[bool], None]], object] = _is_good,
    dispose: Callable[[T], PromiseOrCoroutine[object]] = _do_nothing,
) -> Pool[T]:
    """Return a new pool, whose members will be made by `f` on demand.

    Args:
        maximum: how many members there may be at a time.
        f: makes a member.
        validate: tells whether a member, which was idle or waited for, may be used. If not, it is
            disposed of, and replaced by a new one. If `validate` fails, so does the use.
        check: takes a member whose use has failed, and a function. It calls the function with
            `True` if the member is still good; otherwise the member is disposed of.
        dispose: called with each member that the pool drops, except at the end of the program.

    Raises:
        ValueError: `maximum` is negative.

    OCaml: Lwt_pool.create : int -> ?validate:('a -> bool Lwt.t) ->
    ?check:('a -> (bool -> unit) -> unit) -> ?dispose:('a -> unit Lwt.t) ->
    (unit -> 'a Lwt.t) -> 'a t
    """
    if _wrong:
        raise given_by_position(create, _wrong)
    hint = "the number comes first, then the function that makes a member"
    check_bounds("lwt_pool.create", "maximum", maximum, 0, hint=hint)
    check_callback("lwt_pool.create", f, (), "it makes a member")
    for name, function in (("validate", validate), ("dispose", dispose)):
        hint = f"{name} is to be called with a member"
        check_callback("lwt_pool.create", function, ("member",), hint)
    hint = "check is to be called with a member and a function"
    check_callback("lwt_pool.create", check, ("member", "report"), hint)
    return Pool(maximum, f, validate, check, dispose)


# --- Using a member ----------------------------------------------------------


def use(pool: Pool[T], f: Callable[[T], PromiseOrCoroutine[B]], /) -> Promise[B]:
    """Call a function with a member, and take the member back when its promise is resolved.

    The member is the one that has been idle for longest; if none is idle, a new one; if there
    is no place for a new one, the next that is given back. It is given back before the result
    is resolved. Cancelling the result gives up waiting; or it cancels what `f` waits for, or
    the function of the pool that is running.

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
        Exception: what `dispose` or `check` raise, if nothing had to be waited for before.

    OCaml: Lwt_pool.use : 'a t -> ('a -> 'b Lwt.t) -> 'b Lwt.t
    """
    check_kind("lwt_pool.use", pool, Pool, MAKE_ONE)
    check_callable("lwt_pool.use", f, ("member",))
    return start(_use(pool, f))


def _use(pool: Pool[T], f: Callable[[T], PromiseOrCoroutine[B]]) -> Loop[B]:
    member = yield _acquire(pool)
    was_cleared = pool._was_cleared

    def after_failure(exception: Exception) -> Promise[B]:
        taken_back = _check_and_release(pool, member, was_cleared)
        return bind(taken_back, lambda _: fail(exception))

    # Not `try_bind`: what is deferred meanwhile would see another storage than in OCaml.
    work = partial(_ask, pool, "lwt_pool.use", f, member)
    result: B = yield catch(work, after_failure)
    if was_cleared.contents:
        yield _dispose_and_free(pool, member)
    else:
        _release(pool, member)
    return result


def wait_queue_length(pool: Pool[T], /) -> int:
    """Count the users who wait for a member, in time linear in their number.

    OCaml: Lwt_pool.wait_queue_length : _ t -> int
    """
    check_kind("lwt_pool.wait_queue_length", pool, Pool, MAKE_ONE)
    return len(pool._waiters)


def clear(pool: Pool[T], /) -> Promise[None]:
    """Dispose of all members: of idle ones now, of those in use when they are given back.

    So a use that begins afterwards is given a member that was made after the call, or one
    that was being made or validated at that time. The idle members are disposed of one
    after the other, the last that became idle first. If disposing of some fails, the others
    are disposed of all the same, and the result is rejected with the first exception.
    (OCaml would stop, and forget the others.)

    OCaml: Lwt_pool.clear : 'a t -> unit Lwt.t
    """
    check_kind("lwt_pool.clear", pool, Pool, MAKE_ONE)
    none: deque[T] = deque()
    was_cleared = Ref(False)
    members = pool._idle
    pool._idle = none
    pool._was_cleared.contents = True
    pool._was_cleared = was_cleared
    if not members:
        return return_unit
    return of_coroutine(_dispose_of_all(pool, members))


# --- A member for a user -----------------------------------------------------


def _acquire(pool: Pool[T]) -> Promise[T]:
    waiter: Waiter[T] | None = None
    while True:
        if pool._idle:
            return _validated(pool, pool._idle.popleft())
        is_full = pool._count >= pool._maximum
        if not is_full and pool._waiters.is_empty():
            pool._count += 1
            return _make_member(pool)
        if waiter is not None:
            break
        waiter = new_waiter()  # Then look again: a finaliser may have given a member back.
    promise = pool._waiters.put(waiter)
    if not is_full:
        _serve_waiters(pool)  # It is being done, or was interrupted (Ctrl-C) the last time.
    return bind(promise, partial(_validated, pool))


def _validated(pool: Pool[T], member: T) -> Promise[T]:
    """Return the member if it is valid, otherwise a new one in its place."""

    def after_answer(is_valid: bool) -> Promise[T]:
        if is_valid:
            return return_(member)
        disposed = _dispose(pool, member)
        return bind(disposed, lambda _: _make_member(pool))

    def after_failure(exception: Exception) -> Promise[T]:
        disposed = _dispose_and_free(pool, member)
        return bind(disposed, partial(_raise, exception))

    validate = partial(_ask, pool, "lwt_pool.create", pool._validate, member)
    return try_bind(validate, after_answer, after_failure)


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
    """Call a function with a member, and lose none to an exception that rejects no promise."""
    try:
        return to_promise(name, function, function(member))
    except BaseException as exception:
        explain_call(exception, name, function, ("member",))
        if not isinstance(exception, Exception) or not Exception_filter.run(exception):
            _put_back(pool, member)  # An interrupt, or out of memory, say: it leaves at once.
        raise


# --- Back from a user --------------------------------------------------------


def _release(pool: Pool[T], member: T) -> None:
    """Give a member to the first who waits for one; if nobody waits, it becomes idle."""
    waiter = pool._waiters.take()
    if waiter is None:
        pool._idle.append(member)
    else:
        waiter.wake(member)


def _put_back(pool: Pool[T], member: T) -> None:
    """Give a member back, without any callback being run: an interrupt (Ctrl-C) is leaving."""
    waiter = pool._waiters.take()
    if waiter is None:
        pool._idle.append(member)
    else:
        waiter.wake_next(member)


def _check_and_release(pool: Pool[T], member: T, was_cleared: Ref[bool]) -> Promise[None]:
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
        _put_back(pool, member)
        raise
    if failure is not None:
        # In OCaml the member would be lost.
        return bind(_dispose_and_free(pool, member), partial(_raise, failure))
    if is_cleared or not is_good:
        return _dispose_and_free(pool, member)
    _release(pool, member)
    return return_unit


def _raise(exception: Exception, _: None) -> NoReturn:
    try:
        raise exception
    finally:
        del exception  # Its traceback leads to this frame: close no circle.


# --- The end of a member -----------------------------------------------------


def _dispose_and_free(pool: Pool[T], member: T) -> Promise[None]:
    """Dispose of a member, then free its place."""

    def free(_: object) -> Promise[None]:
        _free_place(pool)
        return return_unit

    return bind(_dispose(pool, member), free)


def _dispose(pool: Pool[T], member: T) -> Promise[object]:
    """Dispose of a member and keep its place, unless that fails: then free it."""
    try:
        disposed = underlying(to_promise("lwt_pool.create", pool._dispose, pool._dispose(member)))
    except Exception as exception:
        failure = exception
    except BaseException:
        _put_back(pool, member)
        raise
    else:
        if disposed._state == PENDING:
            outer: Promise[object] = new_promise(PENDING, disposed)
            add_callback(disposed, _Disposing(pool, outer))
            return outer
        if disposed._state == REJECTED:
            _free_place(pool)
        return disposed
    _free_place(pool)
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
            _free_place(self._pool)
            current_storage.contents = storage
        return settle(self._outer, disposed._state, disposed._value)


async def _dispose_of_all(pool: Pool[T], members: deque[T]) -> Promise[None]:
    failures: list[Exception] = []
    while members:
        if len(members) == 1 and not failures:
            return _dispose_and_free(pool, members.pop())
        try:
            await _dispose_and_free(pool, members.pop())
        except Exception as exception:
            failures.append(exception)
        except GeneratorExit:
            raise  # Nobody will run this again: the promise that it waits for is lost.
        except BaseException:
            for member in members:
                _put_back(pool, member)
            raise
    try:
        if failures:
            raise failures[0]
    finally:
        failures.clear()
    return return_unit


# --- Places that become free -------------------------------------------------


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

    def make(_: None) -> Promise[T]:
        return to_promise("lwt_pool.create", pool._create, pool._create())

    try:
        creation = apply(make, None)
    except BaseException:  # It rejects no promise, and leaves at once: the waiter waits on.
        pool._count -= 1
        pool._waiters.put_first(waiter)
        raise
    on_any(creation, give, after_failure)
