"""What becomes of a member: validated, replaced, checked, disposed of."""

from __future__ import annotations

import pytest

import lwt
from lwt import Return, lwt_pool
from lwt.lwt_pool import use
from tests.support.pools import Work, counting, disposing, not_good
from tests.support.promises import A, B, Recorder, is_canceled, raising, rejected_with

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
