"""Those who wait: the first gets the member that is given back, or the place that becomes free.

OCaml: src/core/lwt_pool.ml
"""

from __future__ import annotations

from typing import TypeVar

from lwt._core.creation import fail
from lwt._core.driver import to_promise
from lwt._core.handling import catch
from lwt._core.lifting import apply
from lwt._core.promise import Promise
from lwt._core.waiters import Waiter
from lwt._core.watching import on_any
from lwt.lwt_pool._pool import Pool

T = TypeVar("T")

# --- A member that comes back ------------------------------------------------


def release(pool: Pool[T], member: T) -> None:
    """Give a member to the first who waits for one; if nobody waits, it becomes idle."""
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


# --- A place that becomes free -----------------------------------------------


def make_member(pool: Pool[T]) -> Promise[T]:
    """Make a member for a place that is taken; free the place if that fails."""
    is_over = False

    def after_failure(exception: Exception) -> Promise[T]:
        nonlocal is_over
        is_over = True
        free_place(pool)
        return fail(exception)

    try:
        return catch(pool._create, after_failure)
    except BaseException:
        if not is_over:  # An exception that rejects no promise: it leaves at once.
            pool._count -= 1
        raise


def free_place(pool: Pool[T]) -> None:
    pool._count -= 1
    serve_waiters(pool)


def serve_waiters(pool: Pool[T]) -> None:
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
        serve_waiters(pool)

    def make(_: None) -> Promise[T]:
        return to_promise("lwt_pool.create", pool._create, pool._create())

    try:
        creation = apply(make, None)
    except BaseException:  # It rejects no promise, and leaves at once: the waiter waits on.
        pool._count -= 1
        pool._waiters.put_first(waiter)
        raise
    on_any(creation, give, after_failure)
