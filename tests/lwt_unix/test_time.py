"""Sleeping and timeouts, on a clock that moves when a test says so."""

import gc
import math
from collections.abc import Callable

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_engine, lwt_main
from tests.support.engines import Clock

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


# --- Sleeping ----------------------------------------------------------------


def test_sleep_is_fulfilled_after_its_delay_and_not_before(clock: Clock) -> None:
    promise = lwt_unix.sleep(2.0)
    clock.advance(1.9)
    before = lwt.is_sleeping(promise)
    clock.advance(0.2)
    assert (before, lwt.state(promise)) == (True, lwt.Return(None))
    assert lwt_engine.timer_count() == 0


def test_sleepers_wake_in_the_order_of_their_times(clock: Clock) -> None:
    log: list[float] = []

    async def sleep_and_log(delay: float) -> None:
        await lwt_unix.sleep(delay)
        log.append(delay)

    for delay in (3.0, 1.0, 2.0):
        lwt.of_coroutine(sleep_and_log(delay))
    clock.advance(5.0)
    assert log == [1.0, 2.0, 3.0]


def test_a_cancelled_sleep_takes_its_timer_back(clock: Clock) -> None:
    promise = lwt_unix.sleep(2.0)
    lwt.cancel(promise)
    assert lwt_engine.timer_count() == 0
    clock.advance(3.0)
    assert lwt.state(promise) == lwt.Fail(lwt.Canceled())


def test_a_sleep_that_is_over_leaves_nothing_to_the_collector(clock: Clock) -> None:
    gc.collect()
    gc.disable()
    try:
        lwt_unix.sleep(1.0)
        clock.advance(2.0)
        lwt.cancel(lwt_unix.sleep(1.0))
        clock.advance(2.0)
        assert gc.collect() == 0
    finally:
        gc.enable()


@pytest.mark.parametrize("delay", [0, 0.0, -1.0, -math.inf])
def test_a_delay_of_zero_or_less_is_over_in_the_next_turn(delay: float) -> None:
    promise = lwt_unix.sleep(delay)
    assert lwt.is_sleeping(promise)
    assert lwt_main.run(promise) is None


def test_an_infinite_delay_is_never_over(clock: Clock) -> None:
    promise = lwt_unix.sleep(math.inf)
    clock.advance(1e300)
    assert lwt.is_sleeping(promise)
    lwt.cancel(promise)


# --- Timeouts ----------------------------------------------------------------


def test_timeout_is_rejected_after_its_delay(clock: Clock) -> None:
    promise = lwt_unix.timeout(2.0)
    before = lwt.is_sleeping(promise)
    clock.advance(2.5)
    assert (before, lwt.state(promise)) == (True, lwt.Fail(lwt_unix.Timeout()))


def test_a_cancelled_timeout_takes_its_timer_back(clock: Clock) -> None:
    promise = lwt_unix.timeout(2.0)
    lwt.cancel(promise)
    assert lwt_engine.timer_count() == 0
    assert lwt.state(promise) == lwt.Fail(lwt.Canceled())


def test_with_timeout_gives_the_value_and_takes_its_timer_back(clock: Clock) -> None:
    waiting, resolver = lwt.task()
    promise = lwt_unix.with_timeout(2.0, lambda: waiting)
    clock.advance(1.0)
    lwt.wakeup(resolver, "done")
    assert lwt.state(promise) == lwt.Return("done")
    assert lwt_engine.timer_count() == 0


def test_with_timeout_gives_a_value_that_is_there_at_once(clock: Clock) -> None:
    assert lwt.state(lwt_unix.with_timeout(2.0, lambda: lwt.return_(3))) == lwt.Return(3)
    assert lwt_engine.timer_count() == 0


def test_with_timeout_rejects_and_cancels_what_takes_too_long(clock: Clock) -> None:
    waiting, _ = lwt.task()
    promise = lwt_unix.with_timeout(2.0, lambda: waiting)
    clock.advance(2.5)
    assert lwt.state(promise) == lwt.Fail(lwt_unix.Timeout())
    assert lwt.state(waiting) == lwt.Fail(lwt.Canceled())


def test_with_timeout_rejects_with_what_the_function_raises(clock: Clock) -> None:
    def fail() -> lwt.Promise[None]:
        raise LookupError

    assert lwt.state(lwt_unix.with_timeout(2.0, fail)) == lwt.Fail(LookupError())
    assert lwt_engine.timer_count() == 0


def test_with_timeout_runs_an_async_function(clock: Clock) -> None:
    async def three() -> int:
        await lwt_unix.sleep(1.0)
        return 3

    promise = lwt_unix.with_timeout(2.0, three)
    clock.advance(1.5)
    assert lwt.state(promise) == lwt.Return(3)


def test_with_timeout_calls_its_function_before_it_sets_its_timer(clock: Clock) -> None:
    counts: list[int] = []

    def f() -> lwt.Promise[None]:
        counts.append(lwt_engine.timer_count())
        return lwt_unix.sleep(2.0)

    promise = lwt_unix.with_timeout(2.0, f)
    clock.advance(2.0)
    assert (counts, lwt.state(promise)) == ([0], lwt.Return(None))
    assert lwt_engine.timer_count() == 0


def test_with_timeout_refuses_what_is_no_function() -> None:
    with pytest.raises(TypeError, match=r"^lwt_unix\.with_timeout: expected a function, got 3 "):
        lwt_unix.with_timeout(2.0, 3)  # type: ignore[arg-type]  # what is tested


def test_a_keyboard_interrupt_in_the_function_leaves_no_timer(clock: Clock) -> None:
    def interrupt() -> lwt.Promise[None]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lwt_unix.with_timeout(2.0, interrupt)
    assert lwt_engine.timer_count() == 0


# --- Letting others run ------------------------------------------------------


@pytest.mark.parametrize("make", [lwt_unix.auto_pause, lwt_unix.auto_yield])
def test_auto_pause_pauses_only_when_its_time_is_over(
    make: Callable[[float], Callable[[], lwt.Promise[None]]], clock: Clock
) -> None:
    pause = make(1.0)
    paused = []
    for step in (0.5, 0.4, 0.1, 0.9, 0.2):
        clock.now += step
        paused.append(lwt.is_sleeping(pause()))
    assert paused == [False, False, True, False, True]
    lwt_main.run(lwt.pause())


def test_auto_pause_goes_by_the_clock_of_the_engine_that_is_set_later(clock: Clock) -> None:
    pause = lwt_unix.auto_pause(1.0)
    earlier = Clock(0.0)
    lwt_engine.set(lwt_engine.select(clock=earlier))
    paused = []
    for step in (0.0, 0.9, 0.1):
        earlier.now += step
        paused.append(lwt.is_sleeping(pause()))
    assert paused == [True, False, True]
    lwt_main.run(lwt.pause())


def test_yield_is_pause() -> None:
    promise = lwt_unix.yield_()
    assert lwt.is_sleeping(promise)
    assert lwt.paused_count() == 1
    assert lwt_main.run(promise) is None
