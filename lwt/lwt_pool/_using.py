"""What users of a pool call: `use`, `clear`, `wait_queue_length`.

OCaml: src/core/lwt_pool.ml
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from lwt._core.checks import check_callable, check_kind
from lwt._core.coroutine import of_coroutine
from lwt._core.creation import fail, return_unit
from lwt._core.handling import catch
from lwt._core.loop import Loop, start
from lwt._core.promise import Promise
from lwt._core.ref import Ref
from lwt._core.sequential import bind
from lwt.lwt_pool._members import acquire, ask, check_and_release, dispose_and_free, dispose_of_all
from lwt.lwt_pool._places import release
from lwt.lwt_pool._pool import MAKE_ONE, Pool

if TYPE_CHECKING:
    from lwt._core.promise import PromiseOrCoroutine

T = TypeVar("T")
B = TypeVar("B")


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
    if type(pool) is not Pool:
        check_kind("lwt_pool.use", pool, Pool, MAKE_ONE)
    if not callable(f):
        check_callable("lwt_pool.use", f, ("member",))
    return start(_use(pool, f))


def _use(pool: Pool[T], f: Callable[[T], PromiseOrCoroutine[B]]) -> Loop[B]:
    member = yield acquire(pool)
    was_cleared = pool._was_cleared

    def after_failure(exception: Exception) -> Promise[B]:
        taken_back = check_and_release(pool, member, was_cleared)
        return bind(taken_back, lambda _: fail(exception))

    # Not `try_bind`: what is deferred meanwhile would see another storage than in OCaml.
    work = partial(ask, pool, "lwt_pool.use", f, member)
    result: B = yield catch(work, after_failure)
    if was_cleared.contents:
        yield dispose_and_free(pool, member)
    else:
        release(pool, member)
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
    return of_coroutine(dispose_of_all(pool, members))
