"""Mutexes: one holder, a queue of others, and hand-over in order."""

from __future__ import annotations

import gc
import weakref

import pytest

import lwt
from lwt import Return, lwt_mutex
from lwt.lwt_mutex import create, is_empty, is_locked, lock, unlock, with_lock
from tests.support.promises import A, Recorder, is_canceled, raising, rejected_with


def locked() -> lwt_mutex.Mutex:
    mutex = create()
    lock(mutex)
    return mutex


def test_a_new_mutex_is_neither_locked_nor_waited_for() -> None:
    mutex = create()
    assert not is_locked(mutex)
    assert is_empty(mutex)


def test_lock_does_not_wait_for_a_mutex_that_is_not_locked() -> None:
    mutex = create()
    assert lwt.state(lock(mutex)) == Return(None)
    assert is_locked(mutex)
    assert is_empty(mutex)


def test_unlock_hands_the_mutex_over_in_the_order_of_waiting() -> None:
    mutex = locked()
    first, second = lock(mutex), lock(mutex)
    unlock(mutex)
    assert [lwt.state(first), lwt.state(second)] == [Return(None), lwt.Sleep]
    unlock(mutex)
    assert lwt.state(second) == Return(None)
    assert is_locked(mutex)
    unlock(mutex)
    assert not is_locked(mutex)


def test_unlocking_a_mutex_that_is_not_locked_does_nothing() -> None:
    mutex = create()
    unlock(mutex)
    assert not is_locked(mutex)


def test_within_a_callback_the_next_holder_goes_on_when_the_callback_has_returned(
    record: Recorder,
) -> None:
    mutex = locked()
    lwt.on_success(lock(mutex), record.on("locked"))
    trigger, resolver = lwt.wait()

    def release(_: None) -> None:
        unlock(mutex)
        record("unlock has returned")

    lwt.on_success(trigger, release)
    lwt.wakeup(resolver, None)
    assert record.events == ["unlock has returned", "locked"]


def test_cancelling_a_waiter_takes_it_from_the_queue_and_disturbs_no_other() -> None:
    mutex = locked()
    first, second = lock(mutex), lock(mutex)
    lwt.cancel(first)
    assert is_canceled(first)
    assert not is_empty(mutex)
    unlock(mutex)
    assert lwt.state(second) == Return(None)
    assert is_empty(mutex)


def test_a_mutex_is_not_handed_to_one_who_is_cancelled_together_with_another() -> None:
    mutex = locked()
    first, second = lock(mutex), lock(mutex)
    lwt.on_failure(first, lambda _: unlock(mutex))
    lwt.cancel(lwt.join([second, first]))
    lwt.cancel(lwt.join([first, second]))
    assert not is_locked(mutex)


def test_the_next_who_still_waits_is_handed_the_mutex_instead() -> None:
    mutex = locked()
    first, second, third = lock(mutex), lock(mutex), lock(mutex)
    lwt.on_failure(second, lambda _: unlock(mutex))
    lwt.cancel(lwt.join([first, second]))  # The one found last runs its callbacks first.
    assert is_canceled(first)
    assert lwt.state(third) == Return(None)


def test_with_lock_unlocks_before_its_result_is_resolved(record: Recorder) -> None:
    mutex = create()
    work, resolver = lwt.wait()
    result = with_lock(mutex, lambda: work)
    lwt.on_success(result, lambda value: record(f"{value}, locked: {is_locked(mutex)}"))
    assert is_locked(mutex)
    lwt.wakeup(resolver, "done")
    assert record.events == ["done, locked: False"]


def test_with_lock_unlocks_when_the_function_raises() -> None:
    mutex = create()
    assert isinstance(rejected_with(with_lock(mutex, raising(A()))), A)
    assert not is_locked(mutex)


def test_with_lock_unlocks_when_the_promise_is_rejected() -> None:
    mutex = create()
    work, resolver = lwt.wait()
    result = with_lock(mutex, lambda: work)
    lwt.wakeup_exn(resolver, A())
    assert isinstance(rejected_with(result), A)
    assert not is_locked(mutex)


def test_with_lock_waits_its_turn_and_runs_in_order(record: Recorder) -> None:
    mutex = locked()
    for name in ("a", "b"):
        with_lock(mutex, record.then(name, lwt.return_unit))
    assert record.events == []
    unlock(mutex)
    assert record.events == ["a", "b"]
    assert not is_locked(mutex)


def test_cancelling_with_lock_while_it_waits_never_calls_the_function(record: Recorder) -> None:
    mutex = locked()
    result = with_lock(mutex, record.then("called", lwt.return_unit))
    lwt.cancel(result)
    unlock(mutex)
    assert is_canceled(result)
    assert record.events == []
    assert not is_locked(mutex)


def test_cancelling_with_lock_while_the_function_works_cancels_that() -> None:
    mutex = create()
    work, _ = lwt.task()
    result = with_lock(mutex, lambda: work)
    lwt.cancel(result)
    assert is_canceled(work)
    assert not is_locked(mutex)


def test_with_lock_takes_an_async_function() -> None:
    mutex = create()

    async def work() -> bool:
        return is_locked(mutex)

    assert lwt.state(with_lock(mutex, work)) == Return(True)


def test_async_with_locks_and_unlocks_also_after_an_exception(record: Recorder) -> None:
    mutex = locked()

    @lwt.promised
    async def work() -> None:
        async with mutex:
            record(f"locked: {is_locked(mutex)}")
            raise A

    promise = work()
    assert lwt.is_sleeping(promise)
    unlock(mutex)
    assert isinstance(rejected_with(promise), A)
    assert record.events == ["locked: True"]
    assert not is_locked(mutex)


def test_the_exception_of_a_locked_function_closes_no_circle() -> None:
    def fail() -> lwt.Promise[None]:
        raise A

    gc.disable()
    try:
        exception = weakref.ref(rejected_with(with_lock(create(), fail)))
        assert exception() is None
    finally:
        gc.enable()


def test_many_waiters_are_served_without_recursion() -> None:
    mutex = locked()
    results = [with_lock(mutex, lambda: lwt.return_unit) for _ in range(20_000)]
    unlock(mutex)
    assert lwt.state(lwt.join(results)) == Return(None)
    assert not is_locked(mutex)


@pytest.mark.parametrize("name", ["lock", "unlock", "is_locked", "is_empty", "with_lock"])
def test_what_is_no_mutex_is_refused(name: str) -> None:
    arguments = (lock,) if name == "with_lock" else ()
    with pytest.raises(
        TypeError, match=rf"lwt_mutex\.{name}: expected a mutex, got 3 \(int\); make one"
    ):
        getattr(lwt_mutex, name)(3, *arguments)


def test_with_lock_refuses_what_cannot_be_called_and_leaves_the_mutex_alone() -> None:
    mutex = create()
    with pytest.raises(TypeError, match=r"with_lock: expected a function, got 3"):
        with_lock(mutex, 3)  # type: ignore[arg-type]  # that is the test
    assert not is_locked(mutex)


def test_a_mutex_shows_whether_it_is_locked() -> None:
    assert [repr(create()), repr(locked())] == ["<Mutex, not locked>", "<Mutex, locked>"]
