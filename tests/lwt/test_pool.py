"""What a pool is made of: members that are made, validated and disposed of, or fail to be."""

from __future__ import annotations

from typing import Any

import pytest

import lwt
from lwt import Promise, Return, lwt_pool
from lwt.lwt_pool import clear, use
from tests.support.pools import Work, counting, disposing, not_good
from tests.support.promises import A, B, Recorder, is_canceled, raising, rejected_with

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


# Validating


def test_a_member_that_is_not_valid_is_disposed_of_and_replaced(record: Recorder) -> None:
    pool = lwt_pool.create(
        1, counting(record), validate=lambda _: lwt.return_false, dispose=disposing(record)
    )
    assert lwt.state(use(pool, lwt.return_)) == Return(0)
    assert record.taken() == ["create 0"]
    assert lwt.state(use(pool, lwt.return_)) == Return(1)
    assert record.taken() == ["dispose 0", "create 1"]


def test_a_member_that_was_waited_for_is_validated(record: Recorder) -> None:
    pool = lwt_pool.create(1, counting(record), validate=lambda _: lwt.return_false)
    first, second = Work(pool), Work(pool)
    first.end()
    assert second.member == 1


def test_a_place_is_not_free_while_its_member_is_replaced(record: Recorder) -> None:
    disposal, resolver = lwt.wait()
    pool = lwt_pool.create(
        1, counting(record), validate=lambda _: lwt.return_false, dispose=lambda _: disposal
    )
    Work(pool).end()
    second, third = Work(pool), Work(pool)
    lwt.wakeup(resolver, None)
    assert [second.member, third.member] == [1, None]


def test_validation_that_fails_fails_the_use_and_serves_the_next(record: Recorder) -> None:
    validation, resolver = lwt.wait()
    validations = iter([validation, lwt.return_true])
    pool = lwt_pool.create(
        1,
        counting(record),
        validate=lambda _: next(validations),
        dispose=disposing(record),
    )
    Work(pool).end()
    second, third, fourth = Work(pool), Work(pool), Work(pool)
    lwt.wakeup_exn(resolver, A())
    assert isinstance(rejected_with(second.result), A)
    assert [third.member, fourth.member] == [1, None]
    assert record.events == ["create 0", "dispose 0", "create 1"]


def test_the_member_that_replaces_one_counts_like_any_other(record: Recorder) -> None:
    validation, resolver = lwt.wait()
    validations = iter([validation])
    pool = lwt_pool.create(
        1, counting(record), validate=lambda _: next(validations, lwt.return_true)
    )
    Work(pool).end()
    second, third = Work(pool), Work(pool)
    lwt.wakeup_exn(resolver, A())
    assert lwt.is_sleeping(third.result)
    assert third.member == 1
    assert Work(pool).member is None
    assert isinstance(rejected_with(second.result), A)


# After a use that failed


def test_a_use_that_fails_gives_the_member_back_if_it_is_good(record: Recorder) -> None:
    pool = lwt_pool.create(1, counting(record))
    first, second = Work(pool), Work(pool)
    first.fail()
    assert isinstance(rejected_with(first.result), A)
    assert second.member == 0


def test_a_use_that_fails_disposes_of_the_member_if_it_is_not_good(record: Recorder) -> None:
    pool = lwt_pool.create(1, counting(record), check=not_good, dispose=disposing(record))
    first, second = Work(pool), Work(pool)
    first.fail()
    assert isinstance(rejected_with(first.result), A)
    assert record.events == ["create 0", "dispose 0", "create 1"]
    assert second.member == 1


def test_a_check_that_says_nothing_says_no(record: Recorder) -> None:
    pool = lwt_pool.create(
        1, counting(record), check=lambda _member, _tell: None, dispose=disposing(record)
    )
    assert isinstance(rejected_with(use(pool, raising(A()))), A)
    assert record.events == ["create 0", "dispose 0"]


def test_a_check_that_raises_says_no_and_rejects_the_use(record: Recorder) -> None:
    pool = lwt_pool.create(1, counting(record), check=raising(B()), dispose=disposing(record))
    first, second = Work(pool), Work(pool)
    first.fail()
    assert isinstance(rejected_with(first.result), B)
    assert record.events == ["create 0", "dispose 0", "create 1"]
    assert second.member == 1


def test_a_use_that_succeeds_is_not_checked(record: Recorder) -> None:
    pool = lwt_pool.create(1, counting(record), check=raising(B()))
    assert lwt.state(use(pool, lambda _: lwt.return_("done"))) == Return("done")


# Disposing that fails


def test_disposing_that_fails_rejects_the_use_and_frees_the_place(record: Recorder) -> None:
    pool = lwt_pool.create(1, counting(record), check=not_good, dispose=lambda _: lwt.fail(B()))
    first, second = Work(pool), Work(pool)
    first.fail()
    assert isinstance(rejected_with(first.result), B)
    assert second.member == 1


def test_disposing_that_raises_frees_the_place(record: Recorder) -> None:
    pool = lwt_pool.create(1, counting(record), check=not_good, dispose=raising(B()))
    with pytest.raises(B):
        use(pool, raising(A()))
    assert Work(pool).member == 1


def test_cancelling_a_use_while_it_disposes_frees_the_place(record: Recorder) -> None:
    disposal, _ = lwt.task()
    pool = lwt_pool.create(1, counting(record), check=not_good, dispose=lambda _: disposal)
    first, second = Work(pool), Work(pool)
    first.fail()
    assert lwt.is_sleeping(first.result)
    lwt.cancel(first.result)
    assert is_canceled(first.result)
    assert second.member == 1


# Clearing


def test_clear_disposes_of_the_idle_members_last_first(record: Recorder) -> None:
    pool = lwt_pool.create(3, counting(record), dispose=disposing(record))
    for work in [Work(pool) for _ in range(3)]:
        work.end()
    record.taken()
    assert lwt.state(clear(pool)) == Return(None)
    assert record.events == ["dispose 2", "dispose 1", "dispose 0"]
    assert Work(pool).member == 3


def test_clear_disposes_of_members_in_use_when_they_are_given_back(record: Recorder) -> None:
    pool = lwt_pool.create(2, counting(record), dispose=disposing(record))
    first, second = Work(pool), Work(pool)
    clear(pool)
    third = Work(pool)
    assert record.taken() == ["create 0", "create 1"]
    first.end()
    second.fail()
    assert record.taken() == ["dispose 0", "create 2", "dispose 1"]
    assert third.member == 2
    assert lwt.state(first.result) == Return(None)


def test_clear_disposes_of_all_also_when_disposing_of_one_fails(record: Recorder) -> None:
    disposals = iter([lwt.fail(A()), lwt.fail(B()), lwt.return_unit])
    pool = lwt_pool.create(3, counting(record), dispose=lambda _: next(disposals))
    for work in [Work(pool) for _ in range(3)]:
        work.end()
    assert isinstance(rejected_with(clear(pool)), A)
    assert [Work(pool).member for _ in range(4)] == [3, 4, 5, None]


def test_clear_waits_for_one_disposal_before_it_starts_the_next(record: Recorder) -> None:
    disposal, resolver = lwt.wait()
    disposals = iter([disposal, lwt.return_unit])

    def dispose(member: int) -> Promise[Any]:
        record(f"dispose {member}")
        return next(disposals)

    pool = lwt_pool.create(2, counting(record), dispose=dispose)
    for work in [Work(pool), Work(pool)]:
        work.end()
    record.taken()
    result = clear(pool)
    assert record.taken() == ["dispose 1"]
    lwt.wakeup(resolver, None)
    assert record.taken() == ["dispose 0"]
    assert lwt.state(result) == Return(None)
