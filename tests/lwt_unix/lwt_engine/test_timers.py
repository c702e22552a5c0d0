"""Timers, on every engine, under a clock that the tests move."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwt_unix import lwt_engine
from lwt_unix.lwt_engine import Event, stop_event
from lwt_unix.lwt_engine._events import Timer_event
from lwt_unix.lwt_engine._timers import FEWEST_TO_REBUILD, LONGEST_WAIT, Timer, Timer_queue
from tests.support.builds import interpreted_only
from tests.support.engines import (
    ENGINES,
    Clock,
    Engine_class,
    Recorder,
    User_select,
    socket_pairs,
)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=ENGINES, ids=lambda engine_class: engine_class.__name__)
def engine(request: pytest.FixtureRequest, clock: Clock) -> Iterator[lwt_engine.abstract]:
    engine_class: Engine_class = request.param
    engine = engine_class(clock=clock)
    yield engine
    engine.check_invariants()
    engine.destroy()


@pytest.fixture
def record() -> Recorder:
    return Recorder()


def test_timer_is_called_once_when_its_delay_has_passed(
    engine: lwt_engine.abstract, clock: Clock, record: Recorder
) -> None:
    engine.on_timer(5, False, record("timer"))
    clock.now += 4.9
    engine.iter(False)
    assert record.take() == []
    clock.now += 0.1
    engine.iter(True)
    clock.now += 100
    engine.iter(False)
    assert record.take() == ["timer"]


def test_now_is_the_clock_that_was_given(engine: lwt_engine.abstract, clock: Clock) -> None:
    times = [engine.now()]
    clock.now += 1.5
    times.append(engine.now())
    assert times == [1000.0, 1001.5]


@pytest.mark.parametrize("engine_class", ENGINES)
def test_now_is_the_system_s_monotonic_clock_without_another(engine_class: Engine_class) -> None:
    engine = engine_class()
    assert time.monotonic() <= engine.now() <= time.monotonic()
    engine.destroy()


@pytest.mark.parametrize("base", ENGINES)
def test_timers_go_by_the_now_that_a_users_engine_defines(base: Engine_class) -> None:
    class Users(base):  # type: ignore[misc,valid-type]  # the base is known only here
        time = 0.0

        def now(self) -> float:
            return self.time

    record = Recorder()
    engine = Users()
    engine.on_timer(3600, False, record("timer"))
    engine.time += 3599
    engine.iter(False)
    assert record.take() == []
    engine.time += 1
    engine.iter(True)
    assert record.take() == ["timer"]
    engine.destroy()


def test_timers_are_called_in_order_of_time_and_ties_in_order_of_registration(
    engine: lwt_engine.abstract, clock: Clock, record: Recorder
) -> None:
    for delay, name in ((3, "c"), (1, "a"), (2, "b1"), (2, "b2"), (2, "b3"), (4, "late")):
        engine.on_timer(delay, False, record(name))
    clock.now += 3
    engine.iter(True)
    assert record.take() == ["a", "b1", "b2", "b3", "c"]


def test_delay_counts_from_the_registration_not_from_the_next_turn(
    engine: lwt_engine.abstract, clock: Clock, record: Recorder
) -> None:
    engine.on_timer(2, False, record("two"))
    clock.now += 1
    engine.on_timer(0.5, False, record("half"))
    clock.now += 1
    engine.iter(True)
    assert record.take() == ["half", "two"]


def test_negative_delays_are_due_in_the_next_turn_the_most_negative_first(
    engine: lwt_engine.abstract, record: Recorder
) -> None:
    engine.on_timer(0, False, record("zero"))
    engine.on_timer(-1, False, record("-1"))
    engine.on_timer(-5, False, record("-5"))
    engine.iter(True)
    assert record.take() == ["-5", "-1", "zero"]


def test_timer_started_by_a_timer_waits_for_the_next_turn(
    engine: lwt_engine.abstract, record: Recorder
) -> None:
    def start_another(_: Event) -> None:
        record.calls.append("first")
        engine.on_timer(-1, False, record("second"))

    engine.on_timer(0, False, start_another)
    engine.iter(True)
    assert record.take() == ["first"]
    engine.iter(True)
    assert record.take() == ["second"]


def test_repeated_timer_starts_again_from_when_it_was_called(
    engine: lwt_engine.abstract, clock: Clock, record: Recorder
) -> None:
    engine.on_timer(10, True, record("tick"))
    clock.now += 25  # late: one call, not two
    engine.iter(True)
    engine.iter(False)
    assert record.take() == ["tick"]
    clock.now += 9
    engine.iter(False)
    assert record.take() == []
    clock.now += 1
    engine.iter(True)
    assert record.take() == ["tick"]


def test_repeated_timer_of_no_delay_is_called_once_a_turn(
    engine: lwt_engine.abstract, record: Recorder
) -> None:
    engine.on_timer(0, True, record("tick"))
    for _ in range(3):
        engine.iter(True)
    assert record.take() == ["tick"] * 3


def test_repeated_timer_may_stop_itself(
    engine: lwt_engine.abstract, clock: Clock, record: Recorder
) -> None:
    def tick(event: Event) -> None:
        record.calls.append("tick")
        stop_event(event)

    engine.on_timer(1, True, tick)
    for _ in range(2):
        clock.now += 1
        engine.iter(False)
    assert record.take() == ["tick"]
    assert engine.timer_count == 0


@pytest.mark.parametrize("turns_before_stopping", [0, 1])
def test_stopped_timer_is_not_called(
    engine: lwt_engine.abstract, clock: Clock, record: Recorder, turns_before_stopping: int
) -> None:
    event = engine.on_timer(1, False, record("timer"))
    for _ in range(turns_before_stopping):
        engine.iter(False)
    stop_event(event)
    clock.now += 2
    engine.iter(False)
    assert record.take() == []


def test_timer_stopped_by_an_earlier_timer_of_the_same_turn_is_not_called(
    engine: lwt_engine.abstract, clock: Clock, record: Recorder
) -> None:
    engine.on_timer(1, False, lambda _: stop_event(victim))
    victim = engine.on_timer(2, False, record("victim"))
    engine.on_timer(3, False, record("last"))
    clock.now += 5
    engine.iter(True)
    assert record.take() == ["last"]


def test_timer_that_fired_is_counted_until_it_is_stopped(
    engine: lwt_engine.abstract, record: Recorder
) -> None:
    event = engine.on_timer(0, False, record("timer"))
    engine.iter(True)
    assert engine.timer_count == 1  # as in OCaml
    stop_event(event)
    assert engine.timer_count == 0


def test_exception_of_a_timer_leaves_and_later_timers_and_descriptors_are_called_next(
    engine: lwt_engine.abstract, clock: Clock, record: Recorder
) -> None:
    def interrupt(event: Event) -> None:
        record.calls.append("interrupt")
        raise KeyboardInterrupt

    with socket_pairs(1) as [(front, back)]:
        back.send(b"x")
        engine.on_readable(front.fileno(), record("readable"))
        engine.on_timer(1, False, record("before"))
        engine.on_timer(2, False, interrupt)
        engine.on_timer(3, False, record("after"))
        clock.now += 5
        with pytest.raises(KeyboardInterrupt):
            engine.iter(True)
        assert record.take() == ["before", "interrupt"]
        engine.iter(True)
        assert record.take() == ["after", "readable"]
        engine.forget(front.fileno())


def test_repeated_timer_whose_callback_raises_is_called_again_later(
    engine: lwt_engine.abstract, clock: Clock, record: Recorder
) -> None:
    def interrupt(_: Event) -> None:
        record.calls.append("interrupt")
        raise KeyboardInterrupt

    engine.on_timer(1, True, interrupt)
    for _ in range(2):
        clock.now += 1
        with pytest.raises(KeyboardInterrupt):
            engine.iter(True)
    assert record.take() == ["interrupt"] * 2


def test_a_timer_that_raises_is_over_and_the_later_ones_follow_in_the_next_turn(
    engine: lwt_engine.abstract, clock: Clock, record: Recorder
) -> None:
    def fail(_: Event) -> None:
        record.calls.append("fail")
        raise LookupError

    engine.on_timer(1, False, fail)
    engine.on_timer(2, False, record("next"))
    clock.now += 3
    with pytest.raises(LookupError):
        engine.iter(False)
    for _ in range(2):
        engine.iter(False)
    assert record.take() == ["fail", "next"]


@pytest.mark.parametrize("delay", [math.inf, 1e300, 10**12])
def test_very_long_delays_are_taken(
    engine: lwt_engine.abstract, clock: Clock, record: Recorder, delay: float
) -> None:
    with socket_pairs(1) as [(front, back)]:
        back.send(b"x")
        engine.on_timer(delay, False, record("timer"))
        engine.on_readable(front.fileno(), record("readable"))
        engine.iter(True)
        engine.forget(front.fileno())
    assert record.take() == ["readable"]


@pytest.mark.parametrize(
    ("delay", "error", "message"),
    [
        (math.nan, ValueError, "the delay is NaN; expected a number of seconds"),
        ("1", TypeError, "expected a number of seconds, got '1' \\(str\\)"),
        (None, TypeError, "expected a number of seconds, got None"),
        (True, TypeError, "expected a number of seconds, got True \\(bool\\)"),
    ],
)
def test_delay_that_is_no_number_is_refused(
    engine: lwt_engine.abstract, delay: float, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"^lwt_engine.on_timer: {message}"):
        engine.on_timer(delay, False, print)
    assert engine.timer_count == 0


def test_timer_without_a_function_is_refused(engine: lwt_engine.abstract) -> None:
    with pytest.raises(TypeError, match=r"on_timer: expected a function, got None"):
        engine.on_timer(1, False, None)  # type: ignore[arg-type]  # what is tested
    assert engine.timer_count == 0


# --- How long a turn waits ---------------------------------------------------


def test_turn_waits_until_the_next_timer_and_never_negative_nor_longer_than_a_day(
    clock: Clock, record: Recorder
) -> None:
    timeouts: list[float] = []

    class Virtual(User_select):
        """Virtual time: waiting is moving the clock."""

        def select(
            self, fds_r: list[int], fds_w: list[int], timeout: float, /
        ) -> tuple[list[int], list[int]]:
            timeouts.append(timeout)
            clock.now += max(timeout, 0)
            return [], []

    engine = Virtual(clock=clock)
    engine.iter(True)
    engine.on_timer(-7, False, record("-7"))
    engine.iter(True)
    engine.on_timer(2.5, False, record("2.5"))
    engine.iter(False)
    engine.iter(True)
    engine.on_timer(math.inf, False, record("inf"))
    engine.iter(True)
    assert timeouts == [-1.0, 0.0, 0.0, 2.5, LONGEST_WAIT]
    assert record.take() == ["-7", "2.5"]


def test_wait_is_rounded_up_so_that_a_timer_is_due_when_it_ends(record: Recorder) -> None:
    for engine_class in ENGINES:
        engine = engine_class()
        engine.on_timer(0.0002, False, record(engine_class.__name__))
        engine.iter(True)
        engine.destroy()
    assert record.take() == [engine_class.__name__ for engine_class in ENGINES]


# --- The queue ---------------------------------------------------------------


def start(queue: Timer_queue, delay: float, registry: dict[Timer_event, None]) -> Timer:
    return Timer(delay, False, lambda _: None, registry, queue)


def test_cancelled_timers_do_not_accumulate_on_the_heap(clock: Clock) -> None:
    queue = Timer_queue(clock)
    registry: dict[Timer_event, None] = {}
    kept = [start(queue, 1e6, registry) for _ in range(10)]
    largest = 0
    for _ in range(2_000):
        for timer in [start(queue, 1000, registry) for _ in range(5)]:
            queue.admit()
            timer.stop()
        largest = max(largest, len(queue.heap))
    assert largest <= 2 * (len(kept) + FEWEST_TO_REBUILD)
    assert list(registry) == kept
    queue.check_invariants()


def test_timers_cancelled_in_the_turn_of_their_start_never_reach_the_heap(clock: Clock) -> None:
    queue = Timer_queue(clock)
    for _ in range(1000):
        start(queue, 1, {}).stop()
    assert not queue.fresh
    queue.admit()
    assert not queue.heap


@interpreted_only("the comparisons of a float that the test counts are those of C")
def test_starting_and_cancelling_compares_a_logarithmic_number_of_times(clock: Clock) -> None:
    compared = 0

    class Counted(float):
        def __lt__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return float(self) < float(str(other))

        def __radd__(self, other: float) -> Counted:
            return Counted(float(self) + other)

    def comparisons(number: int) -> int:
        nonlocal compared
        compared = 0
        queue = Timer_queue(clock)
        registry: dict[Timer_event, None] = {}
        timers = [start(queue, Counted(i * 7919 % number), registry) for i in range(number)]
        queue.admit()
        for timer in timers[::2]:
            timer.stop()
        while registry:
            clock.now += 1
            queue.run_due()
            for timer in timers:
                if not timer.is_queued:
                    timer.stop()
        return compared

    # n log n comparisons in all: 8 times as many timers, about 8 * 11 / 8 times as many.
    assert comparisons(800) < 16 * comparisons(100)


def test_timer_stopped_while_the_heap_is_rebuilt_under_a_running_turn(clock: Clock) -> None:
    queue = Timer_queue(clock)
    registry: dict[Timer_event, None] = {}
    called: list[int] = []
    others = [start(queue, 5 + i, registry) for i in range(4 * FEWEST_TO_REBUILD)]

    def stop_most(_: Event) -> None:
        for other in others[:-1]:
            other.stop()

    Timer(1, False, stop_most, {}, queue)
    others[-1].callback = lambda _: called.append(1)
    queue.admit()
    clock.now += 1e6
    queue.run_due()
    queue.check_invariants()
    assert called == [1]


def record_number(called: list[int], number: int, _: Event) -> None:
    called.append(number)


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("start"), st.integers(-2, 9)),
            st.tuples(st.just("repeat"), st.integers(1, 5)),
            st.tuples(st.just("stop"), st.integers(0, 50)),
            st.tuples(st.just("turn"), st.integers(0, 6)),
        ),
        max_size=60,
    )
)
def test_queue_calls_what_a_sorted_list_would(operations: list[tuple[str, int]]) -> None:
    clock = Clock()
    queue = Timer_queue(clock)
    registry: dict[Timer_event, None] = {}
    called: list[int] = []
    timers: list[Timer] = []
    # Of each timer that is not stopped and will be called: when, its turn among equals, how often.
    waiting: dict[int, tuple[float, int, float]] = {}
    last_number = 0
    for operation, argument in operations:
        if operation in ("start", "repeat"):
            number = len(timers)
            repeat = operation == "repeat"
            callback = partial(record_number, called, number)
            timers.append(Timer(argument, repeat, callback, registry, queue))
            last_number += 1
            waiting[number] = (clock.now + argument, last_number, argument if repeat else 0)
        elif operation == "stop" and timers:
            number = argument % len(timers)
            timers[number].stop()
            waiting.pop(number, None)
        elif operation == "turn":
            clock.now += argument
            queue.admit()
            queue.run_due()
            due = sorted((at, tie, n) for n, (at, tie, _) in waiting.items() if at <= clock.now)
            assert called == [n for _, _, n in due]
            called.clear()
            for _, _, n in due:
                delay = waiting.pop(n)[2]
                if delay:
                    last_number += 1
                    waiting[n] = (clock.now + delay, last_number, delay)
        queue.check_invariants()
        assert queue.timeout() == min(
            (max(timer.time - clock.now, 0) for _, _, timer in queue.heap if timer.is_active),
            default=-1,
        )
