"""Mailbox variables: who waits, in which order, and what cancelling leaves behind."""

from __future__ import annotations

from typing import Any

import pytest

import lwt
from lwt import Return, Some, lwt_mvar
from tests.support.promises import Recorder, is_canceled


def empty() -> lwt_mvar.Mvar[Any]:
    return lwt_mvar.create_empty()


def test_create_makes_a_full_mailbox_and_create_empty_an_empty_one() -> None:
    assert not lwt_mvar.is_empty(lwt_mvar.create(1))
    assert lwt_mvar.is_empty(empty())


def test_none_is_a_value_like_any_other() -> None:
    mailbox = lwt_mvar.create(None)
    assert not lwt_mvar.is_empty(mailbox)
    assert lwt_mvar.take_available(mailbox) == Some(None)
    assert lwt_mvar.take_available(mailbox) is None


def test_put_into_an_empty_mailbox_does_not_wait() -> None:
    mailbox = empty()
    assert lwt.state(lwt_mvar.put(mailbox, 1)) == Return(None)
    assert lwt.state(lwt_mvar.take(mailbox)) == Return(1)
    assert lwt_mvar.is_empty(mailbox)


def test_those_who_wait_to_put_do_so_in_their_order_when_the_mailbox_is_emptied() -> None:
    mailbox = lwt_mvar.create(0)
    first, second = lwt_mvar.put(mailbox, 1), lwt_mvar.put(mailbox, 2)
    assert [lwt_mvar.take_available(mailbox), lwt.state(first), lwt.state(second)] == [
        Some(0),
        Return(None),
        lwt.Sleep,
    ]
    assert lwt.state(lwt_mvar.take(mailbox)) == Return(1)
    assert lwt.state(second) == Return(None)


def test_those_who_wait_to_take_are_given_values_in_their_order() -> None:
    mailbox = empty()
    takes = [lwt_mvar.take(mailbox) for _ in range(3)]
    assert lwt.state(lwt_mvar.put(mailbox, 1)) == Return(None)
    assert lwt.state(lwt_mvar.put(mailbox, 2)) == Return(None)
    assert [lwt.state(take) for take in takes] == [Return(1), Return(2), lwt.Sleep]
    assert lwt_mvar.is_empty(mailbox)


def test_the_taker_goes_on_before_put_returns(record: Recorder) -> None:
    mailbox = empty()
    lwt.on_success(lwt_mvar.take(mailbox), lambda value: record(f"took {value}"))
    lwt_mvar.put(mailbox, 1)
    record("put has returned")
    assert record.events == ["took 1", "put has returned"]


def test_within_a_callback_the_taker_goes_on_when_the_callback_has_returned(
    record: Recorder,
) -> None:
    mailbox = empty()
    lwt.on_success(lwt_mvar.take(mailbox), lambda value: record(f"took {value}"))
    trigger, resolver = lwt.wait()

    def put(_: None) -> None:
        lwt_mvar.put(mailbox, 1)
        record("put has returned")

    lwt.on_success(trigger, put)
    lwt.wakeup(resolver, None)
    assert record.events == ["put has returned", "took 1"]


def test_the_next_value_is_in_the_mailbox_before_its_put_is_resolved(record: Recorder) -> None:
    mailbox = lwt_mvar.create(0)
    lwt.on_success(
        lwt_mvar.put(mailbox, 1), lambda _: record(f"{lwt_mvar.take_available(mailbox)}")
    )
    lwt_mvar.take(mailbox)
    assert record.events == ["Some(1)"]
    assert lwt_mvar.is_empty(mailbox)


def test_cancelling_a_put_withdraws_its_value_and_disturbs_no_other() -> None:
    mailbox = lwt_mvar.create(0)
    puts = [lwt_mvar.put(mailbox, number) for number in (1, 2, 3)]
    lwt.cancel(puts[1])
    assert is_canceled(puts[1])
    taken = [lwt_mvar.take_available(mailbox) for _ in range(4)]
    assert taken == [Some(0), Some(1), Some(3), None]


def test_cancelling_a_take_disturbs_no_other() -> None:
    mailbox = empty()
    takes = [lwt_mvar.take(mailbox) for _ in range(3)]
    lwt.cancel(takes[0])
    lwt_mvar.put(mailbox, 1)
    lwt_mvar.put(mailbox, 2)
    assert is_canceled(takes[0])
    assert [lwt.state(take) for take in takes[1:]] == [Return(1), Return(2)]


def test_a_value_is_not_given_to_one_who_is_cancelled_together_with_another() -> None:
    mailbox = empty()
    first, second, third = (lwt_mvar.take(mailbox) for _ in range(3))
    lwt.on_failure(first, lambda _: lwt.ignore_result(lwt_mvar.put(mailbox, 1)))
    lwt.on_failure(second, lambda _: lwt.ignore_result(lwt_mvar.put(mailbox, 2)))
    lwt.cancel(lwt.join([lwt.map(print, first), lwt.map(print, second)]))
    assert is_canceled(first)
    assert is_canceled(second)
    assert lwt.state(third) != lwt.Sleep
    assert lwt_mvar.take_available(mailbox) is not None


def test_a_put_that_is_cancelled_together_with_another_is_not_taken() -> None:
    mailbox = lwt_mvar.create(0)
    first, second = lwt_mvar.put(mailbox, 1), lwt_mvar.put(mailbox, 2)
    third = lwt_mvar.put(mailbox, 3)
    taken: list[object] = []
    for promise in (first, second):
        lwt.on_failure(promise, lambda _: taken.append(lwt_mvar.take_available(mailbox)))
    lwt.cancel(lwt.join([first, second]))
    assert taken == [Some(0), Some(3)]
    assert lwt.state(third) == Return(None)


def test_many_values_pass_from_hand_to_hand_without_recursion() -> None:
    mailbox = empty()
    number = 20_000
    takes = [lwt_mvar.take(mailbox) for _ in range(number)]

    def put_next(value: int) -> None:
        if value + 1 < number:
            lwt_mvar.put(mailbox, value + 1)

    for take in takes:
        lwt.on_success(take, put_next)
    lwt_mvar.put(mailbox, 0)
    assert lwt.state(takes[-1]) == Return(number - 1)


@pytest.mark.parametrize("name", ["put", "take", "take_available", "is_empty"])
def test_what_is_no_mailbox_is_refused(name: str) -> None:
    arguments = (1,) if name == "put" else ()
    with pytest.raises(
        TypeError, match=rf"lwt_mvar\.{name}: expected a mvar, got 'x' \(str\); make one"
    ):
        getattr(lwt_mvar, name)("x", *arguments)


def test_a_mailbox_shows_whether_it_is_full() -> None:
    assert repr(empty()) == "<Mvar, empty>"
    assert repr(lwt_mvar.create(1)) == "<Mvar, full>"
