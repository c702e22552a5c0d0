"""Conditions: who is told, in which order, and what the mutex does meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

import lwt
from lwt import Return, lwt_condition, lwt_mutex
from lwt.lwt_condition import broadcast, broadcast_exn, signal, wait
from tests.support.promises import A, Recorder, is_canceled, rejected_with


def condition_and_waiters(number: int) -> tuple[lwt_condition.Condition[Any], list[Any]]:
    condition: lwt_condition.Condition[Any] = lwt_condition.create()
    return condition, [wait(condition) for _ in range(number)]


def states(promises: list[lwt.Promise[Any]]) -> list[Any]:
    return [lwt.state(promise) for promise in promises]


def test_signal_tells_the_first_who_waits() -> None:
    condition, waiters = condition_and_waiters(2)
    signal(condition, 1)
    assert states(waiters) == [Return(1), lwt.Sleep]
    signal(condition, 2)
    assert states(waiters) == [Return(1), Return(2)]


def test_a_signal_that_nobody_waits_for_is_missed() -> None:
    condition, _ = condition_and_waiters(0)
    signal(condition, 1)
    broadcast(condition, 2)
    broadcast_exn(condition, A())
    assert lwt.is_sleeping(wait(condition))


def test_broadcast_tells_all_in_their_order(record: Recorder) -> None:
    condition, waiters = condition_and_waiters(3)
    for number, waiter in enumerate(waiters):
        lwt.on_success(waiter, record.on(f"waiter {number}"))
    broadcast(condition, 1)
    assert record.events == ["waiter 0", "waiter 1", "waiter 2"]


def test_within_a_callback_those_who_are_told_go_on_when_it_has_returned(
    record: Recorder,
) -> None:
    condition, waiters = condition_and_waiters(2)
    for number, waiter in enumerate(waiters):
        lwt.on_success(waiter, record.on(f"waiter {number}"))
    trigger, resolver = lwt.wait()

    def tell(_: None) -> None:
        broadcast(condition, 1)
        record("broadcast has returned")

    lwt.on_success(trigger, tell)
    lwt.wakeup(resolver, None)
    assert record.events == ["broadcast has returned", "waiter 0", "waiter 1"]


def test_who_starts_to_wait_during_a_broadcast_is_not_told() -> None:
    condition, waiters = condition_and_waiters(2)
    again = [lwt.bind(waiter, lambda _: wait(condition)) for waiter in waiters]
    broadcast(condition, 1)
    assert states(again) == [lwt.Sleep, lwt.Sleep]
    broadcast(condition, 2)
    assert states(again) == [Return(2), Return(2)]


def test_a_signal_during_a_broadcast_tells_only_those_who_came_later() -> None:
    condition, waiters = condition_and_waiters(2)
    lwt.on_success(waiters[0], lambda _: signal(condition, "signal"))
    broadcast(condition, "broadcast")
    assert lwt.state(waiters[1]) == Return("broadcast")


def test_broadcast_exn_rejects_all() -> None:
    condition, waiters = condition_and_waiters(2)
    exception = A()
    broadcast_exn(condition, exception)
    assert [rejected_with(waiter) for waiter in waiters] == [exception, exception]


def test_cancelling_a_waiter_takes_it_from_the_queue_and_disturbs_no_other() -> None:
    condition, waiters = condition_and_waiters(3)
    lwt.cancel(waiters[0])
    signal(condition, 1)
    assert is_canceled(waiters[0])
    assert states(waiters[1:]) == [Return(1), lwt.Sleep]


def test_a_waiter_that_a_broadcast_has_yet_to_reach_can_be_cancelled() -> None:
    condition, waiters = condition_and_waiters(3)
    lwt.on_success(waiters[0], lambda _: lwt.cancel(waiters[1]))
    broadcast(condition, 1)
    assert is_canceled(waiters[1])
    assert [lwt.state(waiters[0]), lwt.state(waiters[2])] == [Return(1), Return(1)]


def test_a_signal_is_not_lost_on_one_who_is_cancelled_together_with_another() -> None:
    condition, waiters = condition_and_waiters(3)
    for waiter in waiters[:2]:
        lwt.on_failure(waiter, lambda _: signal(condition, 1))
    lwt.cancel(lwt.join(waiters[:2]))
    assert lwt.state(waiters[2]) == Return(1)


def test_wait_unlocks_the_mutex_and_locks_it_again_before_it_is_resolved() -> None:
    condition: lwt_condition.Condition[int] = lwt_condition.create()
    mutex = lwt_mutex.create()
    lwt_mutex.lock(mutex)
    waiter = wait(condition, mutex=mutex)
    assert not lwt_mutex.is_locked(mutex)
    signal(condition, 1)
    assert lwt.state(waiter) == Return(1)
    assert lwt_mutex.is_locked(mutex)


def test_wait_is_resolved_only_when_the_mutex_can_be_locked_again() -> None:
    condition: lwt_condition.Condition[int] = lwt_condition.create()
    mutex = lwt_mutex.create()
    lwt_mutex.lock(mutex)
    waiter = wait(condition, mutex=mutex)
    lwt_mutex.lock(mutex)
    signal(condition, 1)
    assert lwt.is_sleeping(waiter)
    lwt_mutex.unlock(mutex)
    assert lwt.state(waiter) == Return(1)


def test_the_mutex_is_locked_again_also_after_cancelling() -> None:
    condition: lwt_condition.Condition[int] = lwt_condition.create()
    mutex = lwt_mutex.create()
    lwt_mutex.lock(mutex)
    waiter = wait(condition, mutex=mutex)
    lwt.cancel(waiter)
    assert is_canceled(waiter)
    assert lwt_mutex.is_locked(mutex)


def test_the_unlocked_mutex_goes_to_one_who_may_signal_at_once() -> None:
    condition: lwt_condition.Condition[int] = lwt_condition.create()
    mutex = lwt_mutex.create()
    lwt_mutex.lock(mutex)
    lwt.on_success(lwt_mutex.lock(mutex), lambda _: signal(condition, 1))
    waiter = wait(condition, mutex=mutex)
    assert lwt.is_sleeping(waiter)  # Told, and now waiting for the mutex.
    lwt_mutex.unlock(mutex)
    assert lwt.state(waiter) == Return(1)


def test_after_an_interrupt_the_others_still_wait() -> None:
    condition, waiters = condition_and_waiters(3)

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    lwt.on_success(waiters[0], interrupt)
    with pytest.raises(KeyboardInterrupt):
        broadcast(condition, 1)
    assert states(waiters) == [Return(1), lwt.Sleep, lwt.Sleep]
    lwt.cancel(waiters[1])
    broadcast(condition, 2)
    assert lwt.state(waiters[2]) == Return(2)


def test_many_waiters_are_told_without_recursion() -> None:
    condition, waiters = condition_and_waiters(20_000)
    broadcast(condition, 1)
    assert lwt.state(waiters[-1]) == Return(1)


@pytest.mark.parametrize("name", ["wait", "signal", "broadcast", "broadcast_exn"])
def test_what_is_no_condition_is_refused(name: str) -> None:
    arguments = () if name == "wait" else (A(),)
    with pytest.raises(TypeError, match=rf"lwt_condition\.{name}: expected a condition, got 3"):
        getattr(lwt_condition, name)(3, *arguments)


def test_wait_refuses_what_is_no_mutex() -> None:
    condition, _ = condition_and_waiters(0)
    with pytest.raises(TypeError, match=r"wait: expected a mutex, got 3"):
        wait(condition, mutex=3)  # type: ignore[arg-type]  # that is the test
    assert repr(condition) == "<Condition, 0 waiting>"


def test_broadcast_exn_refuses_what_is_no_exception_also_if_nobody_waits() -> None:
    condition, _ = condition_and_waiters(0)
    with pytest.raises(TypeError, match="broadcast_exn: expected an exception"):
        broadcast_exn(condition, "x")  # type: ignore[arg-type]  # that is the test
