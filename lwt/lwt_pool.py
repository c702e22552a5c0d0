"""Pools: at most so many members, made on demand, each lent to one user at a time.

A pool makes a member when one is needed and it has fewer than its maximum; otherwise its
users wait, first in first out. `use` calls a function with a member, and takes it back. A
place in the pool is never lost and never counted twice, whatever fails or is cancelled.

`_pool` has what a pool is made of, and what becomes of its members.

OCaml: Lwt_pool (src/core/lwt_pool.ml)
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar, final

from lwt._core.coroutine import of_coroutine, to_promise
from lwt._core.creation import return_unit
from lwt._core.exceptions import rejection_of
from lwt._core.promise import (
    FULFILLED,
    PENDING,
    PROXY,
    REJECTED,
    Promise,
    add_callback,
    make_into_proxy,
    new_promise,
    settle,
    underlying,
)
from lwt._core.publish import publish as _publish
from lwt._core.resolution import MAXIMUM_NESTING, resolution, run_postponed
from lwt._core.sequential import bind
from lwt._core.storage import Storage, current_storage
from lwt._core.values import Ref
from lwt._pool import (
    Pool,
    acquire,
    check_and_release,
    dispose_and_free,
    dispose_of_all,
    do_nothing,
    is_good,
    is_valid,
    put_back,
    release,
)

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

t = Pool


def _not_a_pool(function: str, argument: object) -> TypeError:
    return TypeError(
        f"lwt_pool.{function}: {argument!r} ({type(argument).__name__}) is not a pool; "
        "make one with lwt_pool.create(maximum, function)"
    )


def _not_callable(function: str, name: str, argument: object) -> TypeError:
    return TypeError(
        f"lwt_pool.{function}: {name} is {argument!r} ({type(argument).__name__}), which is "
        "not callable; pass a function"
    )


def create(
    maximum: int,
    f: Callable[[], PromiseOrCoroutine[T]],
    /,
    *,
    validate: Callable[[T], PromiseOrCoroutine[bool]] = is_valid,
    check: Callable[[T, Callable[[bool], None]], object] = is_good,
    dispose: Callable[[T], PromiseOrCoroutine[object]] = do_nothing,
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
    for name, function in (
        ("the function that makes a member", f),
        ("validate", validate),
        ("check", check),
        ("dispose", dispose),
    ):
        if not callable(function):
            raise _not_callable("create", name, function)
    return Pool(maximum, f, validate, check, dispose)


# Using a member


def use(pool: Pool[T], f: Callable[[T], PromiseOrCoroutine[B]], /) -> Promise[B]:
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
    if type(pool) is not Pool:
        raise _not_a_pool("use", pool)
    if not callable(f):
        raise _not_callable("use", "the function that uses a member", f)
    if pool._idle and pool._validate is is_valid and resolution.nesting < MAXIMUM_NESTING:
        # As below, without a promise of the member, nor `bind`: it is a hot path.
        resolution.nesting += 1
        try:
            result = _begin(pool, f, pool._idle.popleft())
        except Exception:
            run_postponed()
            raise
        finally:
            resolution.nesting -= 1
        if resolution.postponed:
            run_postponed(result)
        try:
            return result
        finally:
            del result  # As in `_begin`.
    member = acquire(pool)
    if member._state == PROXY:
        member = underlying(member)
    if member._state == PENDING:
        return _Use(pool, f).attach_to(member)
    return bind(member, partial(_begin, pool, f))


def _begin(pool: Pool[T], f: Callable[[T], PromiseOrCoroutine[B]], member: T) -> Promise[B]:
    """Call the function with a member; return the promise of the result."""
    was_cleared = pool._was_cleared
    try:  # As `_work`, without a call.
        work = f(member)
        if type(work) is not Promise:
            work = to_promise("lwt_pool.use", f, work)
    except BaseException as exception:
        work = _when_raised(pool, member, exception)
    try:
        if work._state == FULFILLED and not was_cleared.contents:
            if pool._waiters.is_empty():
                pool._idle.append(member)  # As `release` does, with a call less.
            else:
                release(pool, member)
            return work
        if work._state == PROXY:
            work = underlying(work)
        if work._state != PENDING:
            return _end(pool, member, was_cleared, work)
        use = _Use(pool, f)
        use.begun_with(member, was_cleared)
        return use.attach_to(work)
    finally:
        del work  # The traceback of a rejection leads to this frame: close no circle.


def _work(pool: Pool[T], f: Callable[[T], PromiseOrCoroutine[B]], member: T) -> Promise[B]:
    """Call the function; return its promise, or the one that it stands for."""
    try:
        work = f(member)
        if type(work) is not Promise:
            work = to_promise("lwt_pool.use", f, work)
        return work if work._state != PROXY else underlying(work)
    except BaseException as exception:
        return _when_raised(pool, member, exception)


def _when_raised(pool: Pool[T], member: T, exception: BaseException) -> Promise[Any]:
    """Return the rejection of an exception that the caller has caught; or let it leave."""
    try:
        if isinstance(exception, Exception):
            return new_promise(REJECTED, rejection_of(exception))
        raise exception
    except BaseException:  # An interrupt, or one that the filter does not handle.
        put_back(pool, member)
        raise
    finally:
        del exception  # As in `_begin`.


def _end(pool: Pool[T], member: T, was_cleared: Ref[bool], work: Promise[B]) -> Promise[B]:
    """Take the member back; return the promise of the result."""
    if work._state == FULFILLED:
        if not was_cleared.contents:
            release(pool, member)
            return work
        taken_back = dispose_and_free(pool, member)
    else:
        taken_back = check_and_release(pool, member, was_cleared)
    return bind(taken_back, lambda _: work)


@final
class _Use(Generic[T, B]):
    """A use that waits: what is attached to the promise of the member, then to that of the work.

    It is a `bind` with a `try_bind` inside; but the promise between them, which nobody sees, is
    spared. That measured a sixth of the time of a use that waits.
    """

    __slots__ = ("_f", "_is_working", "_member", "_outer", "_pool", "_storage", "_was_cleared")

    _member: T
    _was_cleared: Ref[bool]
    """That of the pool when the work began."""
    _outer: Promise[B]
    """The result."""
    _storage: Storage

    def __init__(self, pool: Pool[T], f: Callable[[T], PromiseOrCoroutine[B]]) -> None:
        self._pool = pool
        self._f = f
        self._is_working = False

    def begun_with(self, member: T, was_cleared: Ref[bool]) -> None:
        """Note that the function was called, or is about to be."""
        self._member = member
        self._was_cleared = was_cleared
        self._is_working = True

    def attach_to(self, promise: Promise[Any]) -> Promise[B]:
        """Go on when a promise is resolved; return the promise of the result."""
        self._storage = current_storage.contents
        self._outer = new_promise(PENDING, promise)
        add_callback(promise, self)
        return self._outer

    def run(self, promise: Promise[Any], /) -> Promise[Any] | None:
        """Go on: the member is there, or the work has ended."""
        if not self._is_working and promise._state == REJECTED:
            return settle(self._outer, REJECTED, promise._value)
        current_storage.contents = self._storage
        pool = self._pool
        try:
            if not self._is_working:
                self.begun_with(promise._value, pool._was_cleared)
                promise = _work(pool, self._f, self._member)
                if promise._state == PENDING:
                    self._storage = current_storage.contents
                    outer = self._outer if self._outer._state != PROXY else underlying(self._outer)
                    outer._value = promise  # How it is cancelled.
                    add_callback(promise, self)
                    return None
            if promise._state == FULFILLED and not self._was_cleared.contents:
                release(pool, self._member)
                return settle(self._outer, FULFILLED, promise._value)
            return make_into_proxy(
                self._outer, _end(pool, self._member, self._was_cleared, promise)
            )
        except Exception as exception:
            return settle(self._outer, REJECTED, rejection_of(exception))
        finally:
            del self, promise  # As in `_begin`.


def wait_queue_length(pool: Pool[T], /) -> int:
    """Count the users who wait for a member, in time linear in their number.

    Raises:
        TypeError: `pool` is no pool.

    OCaml: Lwt_pool.wait_queue_length : _ t -> int
    """
    if type(pool) is not Pool:
        raise _not_a_pool("wait_queue_length", pool)
    return len(pool._waiters)


def clear(pool: Pool[T], /) -> Promise[None]:
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
    if type(pool) is not Pool:
        raise _not_a_pool("clear", pool)
    members = list(pool._idle)
    pool._idle.clear()
    pool._was_cleared.contents = True
    pool._was_cleared = Ref(False)
    if not members:
        return return_unit
    return of_coroutine(dispose_of_all(pool, members))


_publish(__name__)
