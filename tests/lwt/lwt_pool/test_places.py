"""Those who wait: who is served next, also when a creation fails, and that no place is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import lwt
from lwt import Promise, Return, lwt_pool
from lwt._core.resolution import resume
from lwt.lwt_pool import use, wait_queue_length
from tests.support.pools import Work, counting
from tests.support.promises import A, B, Recorder, is_canceled, raising, rejected_with

# Waiting


def test_there_are_never_more_members_than_the_maximum_and_the_others_wait(
    record: Recorder,
) -> None:
    pool = lwt_pool.create(2, counting(record))
    works = [Work(pool) for _ in range(4)]
    assert [work.member for work in works] == [0, 1, None, None]
    assert wait_queue_length(pool) == 2
    works[1].end()
    assert [work.member for work in works] == [0, 1, 1, None]
    works[0].end()
    assert [work.member for work in works] == [0, 1, 1, 0]
    assert record.events == ["create 0", "create 1"]


def test_many_who_wait_are_served_without_recursion(record: Recorder) -> None:
    pool = lwt_pool.create(1, counting(record))
    first = Work(pool)
    results = [use(pool, lambda _: lwt.return_unit) for _ in range(5_000)]
    first.end()
    assert lwt.state(lwt.join(results)) == Return(None)


def test_cancelling_one_who_waits_disturbs_no_other(record: Recorder) -> None:
    pool = lwt_pool.create(1, counting(record))
    first, second, third = Work(pool), Work(pool), Work(pool)
    lwt.cancel(second.result)
    assert wait_queue_length(pool) == 1
    first.end()
    assert third.member == 0
    assert second.member is None


def test_two_waiters_cancelled_together_lose_no_member(record: Recorder) -> None:
    pool = lwt_pool.create(1, counting(record))
    first = Work(pool)
    second, third = Work(pool), Work(pool)
    lwt.on_failure(second.result, lambda _: first.end())
    lwt.cancel(lwt.join([third.result, second.result]))
    assert Work(pool).member == 0


def test_a_member_that_comes_back_by_an_interrupt_goes_to_who_waits() -> None:
    def interrupt(_: object) -> Promise[None]:
        raise KeyboardInterrupt

    creation, resolver = lwt.wait()
    pool = lwt_pool.create(1, lambda: creation)
    interrupted = use(pool, interrupt)
    second = Work(pool)
    with pytest.raises(KeyboardInterrupt):
        lwt.wakeup(resolver, "a member")
    resume()  # As the main loop does at its next turn.
    assert second.member == "a member"
    assert lwt.is_sleeping(interrupted)


def test_an_interrupt_while_waiters_are_served_lets_them_wait_on(record: Recorder) -> None:
    creation, resolver = lwt.wait()
    creations: list[Callable[[], Promise[Any]]] = [counting(record), lambda: creation]

    def create() -> Promise[Any]:
        if len(creations) == 1:
            creations.append(creations[0])
            raise KeyboardInterrupt
        return creations.pop()()

    pool = lwt_pool.create(1, create)
    first, second = Work(pool), Work(pool)
    with pytest.raises(KeyboardInterrupt):
        lwt.wakeup_exn(resolver, A())
    assert wait_queue_length(pool) == 1
    third = Work(pool)
    assert [first.member, second.member, third.member] == [None, 0, None]


# A creation that fails


def test_a_creation_that_fails_fails_its_use_and_the_next_may_try() -> None:
    outcomes = iter([lwt.fail(A()), lwt.return_(1)])
    pool = lwt_pool.create(1, lambda: next(outcomes))
    assert isinstance(rejected_with(use(pool, lambda _: lwt.return_unit)), A)
    assert Work(pool).member == 1


def test_a_creation_that_raises_rejects_its_use() -> None:
    pool: lwt_pool.Pool[int] = lwt_pool.create(1, raising(A()))
    assert isinstance(rejected_with(use(pool, lambda _: lwt.return_unit)), A)


def test_a_creation_that_fails_lets_the_next_who_waits_try() -> None:
    creation, resolver = lwt.wait()
    outcomes = iter([creation, lwt.return_(1)])
    pool = lwt_pool.create(1, lambda: next(outcomes))
    first, second = Work(pool), Work(pool)
    lwt.wakeup_exn(resolver, A())
    assert isinstance(rejected_with(first.result), A)
    assert second.member == 1


def test_many_creations_that_fail_one_after_the_other_do_not_recurse() -> None:
    creation, resolver = lwt.wait()
    outcomes = iter([creation])
    pool = lwt_pool.create(1, lambda: next(outcomes, None) or lwt.fail(B()))
    works = [Work(pool) for _ in range(5_000)]
    lwt.wakeup_exn(resolver, A())
    assert isinstance(rejected_with(works[0].result), A)
    assert {type(rejected_with(work.result)) for work in works[1:]} == {B}


def test_who_comes_while_waiters_are_served_stands_behind_them() -> None:
    creation, resolver = lwt.wait()
    outcomes = iter([creation, lwt.fail(A()), lwt.return_(1), lwt.return_(2)])
    pool = lwt_pool.create(1, lambda: next(outcomes))
    first, second, third = Work(pool), Work(pool), Work(pool)
    late: list[Work] = []
    lwt.on_failure(second.result, lambda _: late.append(Work(pool)))
    lwt.wakeup_exn(resolver, A())
    assert isinstance(rejected_with(first.result), A)
    assert [third.member, late[0].member] == [1, None]


def test_a_member_made_for_one_who_was_cancelled_meanwhile_is_kept() -> None:
    first_creation, first_resolver = lwt.wait()
    second_creation, second_resolver = lwt.wait()
    outcomes = iter([first_creation, second_creation])
    pool = lwt_pool.create(1, lambda: next(outcomes))
    _, second = Work(pool), Work(pool)
    lwt.wakeup_exn(first_resolver, A())
    lwt.cancel(second.result)
    assert is_canceled(second.result)
    third = Work(pool)
    lwt.wakeup(second_resolver, 1)
    assert third.member == 1
