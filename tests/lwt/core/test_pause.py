"""Pausing: which promises a turn fulfills, and who is told of them."""

import pytest

import lwt
from lwt import Promise
from lwt._core.pause import pause_for
from lwt._core.resolution import Due
from tests.support.promises import Recorder, is_canceled, raising


def test_a_promise_of_pause_is_pending_until_the_turn() -> None:
    promise = lwt.pause()
    assert lwt.state(promise) == lwt.Sleep
    lwt.wakeup_paused()
    assert lwt.state(promise) == lwt.Return(None)


def test_a_turn_fulfills_the_oldest_first(record: Recorder) -> None:
    for number in range(3):
        lwt.on_success(lwt.pause(), record.on(f"{number}"))
    lwt.wakeup_paused()
    assert record.events == ["0", "1", "2"]


def test_each_promise_is_fulfilled_when_its_turn_comes_not_before(record: Recorder) -> None:
    promises = [lwt.pause() for _ in range(3)]
    for promise in promises:
        lwt.on_success(promise, lambda _: record(f"{sum(map(lwt.is_sleeping, promises))} pending"))
    lwt.wakeup_paused()
    assert record.events == ["2 pending", "1 pending", "0 pending"]


def test_pauses_made_during_a_turn_wait_for_the_next_one(record: Recorder) -> None:
    def pause_again(_: object) -> None:
        record("first turn")
        lwt.on_success(lwt.pause(), record.on("second turn"))

    lwt.on_success(lwt.pause(), pause_again)
    lwt.on_success(lwt.pause(), record.on("first turn, too"))
    lwt.wakeup_paused()
    assert record.taken() == ["first turn", "first turn, too"]
    lwt.wakeup_paused()
    assert record.taken() == ["second turn"]


def test_a_loop_over_pauses_goes_one_round_a_turn(record: Recorder) -> None:
    @lwt.promised
    async def loop() -> None:
        for number in range(3):
            record(f"{number}")
            await lwt.pause()

    looping = loop()
    rounds = []
    while lwt.is_sleeping(looping):
        rounds.append(record.taken())
        lwt.wakeup_paused()
    assert rounds == [["0"], ["1"], ["2"]]


def test_two_loops_over_pauses_take_turns(record: Recorder) -> None:
    @lwt.promised
    async def loop(name: str) -> None:
        for number in range(2):
            record(f"{name}{number}")
            await lwt.pause()

    both = lwt.both(loop("a"), loop("b"))
    while lwt.is_sleeping(both):
        lwt.wakeup_paused()
    assert record.events == ["a0", "b0", "a1", "b1"]


def test_what_a_turn_wakes_is_not_deferred(record: Recorder) -> None:
    woken: Promise[None] = lwt.pause()
    lwt.on_success(woken, record.on("callback"))
    lwt.wakeup_paused()
    record("returned")
    assert record.events == ["callback", "returned"]


def test_paused_count_counts_pauses_since_the_turn() -> None:
    counts = [lwt.paused_count()]
    for _ in range(2):
        lwt.pause()
        counts.append(lwt.paused_count())
    lwt.wakeup_paused()
    counts.append(lwt.paused_count())
    assert counts == [0, 1, 2, 0]


def test_paused_count_during_a_turn_counts_those_for_the_next_one(record: Recorder) -> None:
    def callback(_: object) -> None:
        record(f"{lwt.paused_count()}")
        lwt.pause()
        record(f"{lwt.paused_count()}")

    for _ in range(2):
        lwt.on_success(lwt.pause(), callback)
    lwt.wakeup_paused()
    assert record.events == ["0", "1", "1", "2"]


def test_a_cancelled_pause_is_passed_over_but_counts(record: Recorder) -> None:
    first, second, third = lwt.pause(), lwt.pause(), lwt.pause()
    lwt.on_success(first, record.on("first"))
    lwt.on_success(third, record.on("third"))
    lwt.cancel(second)
    assert is_canceled(second)
    assert lwt.paused_count() == 3
    lwt.wakeup_paused()
    assert record.events == ["first", "third"]
    assert is_canceled(second)


def test_a_count_of_cancelled_pauses_alone_is_reset_by_the_turn() -> None:
    lwt.cancel(lwt.pause())
    assert lwt.paused_count() == 1
    lwt.wakeup_paused()
    assert lwt.paused_count() == 0


def test_a_pause_that_is_cancelled_during_its_turn_is_passed_over() -> None:
    first, second = lwt.pause(), lwt.pause()
    lwt.on_success(first, lambda _: lwt.cancel(second))
    lwt.wakeup_paused()
    assert is_canceled(second)


def test_a_pause_that_became_a_proxy_is_fulfilled_all_the_same() -> None:
    trigger, resolver = lwt.wait()
    pause = lwt.pause()
    outer = lwt.bind(trigger, lambda _: pause)
    lwt.wakeup(resolver, None)
    lwt.wakeup_paused()
    assert lwt.state(outer) == lwt.Return(None)


def test_pauses_of_a_turn_that_an_interrupt_ends_come_first_in_the_next_one(
    record: Recorder,
) -> None:
    def interrupt(_: object) -> None:
        lwt.on_success(lwt.pause(), lambda _: record("new"))
        raise KeyboardInterrupt

    lwt.on_success(lwt.pause(), lambda _: record("first"))
    lwt.on_success(lwt.pause(), interrupt)
    for name in ("third", "fourth"):
        lwt.on_success(lwt.pause(), lambda _, name=name: record(name))  # type: ignore[misc]  # mypy infers no lambda with a default
    with pytest.raises(KeyboardInterrupt):
        lwt.wakeup_paused()
    assert record.events == ["first"]
    assert lwt.paused_count() == 3
    lwt.wakeup_paused()
    assert record.events == ["first", "third", "fourth", "new"]


def test_a_turn_leaves_its_storage_as_it_was(record: Recorder) -> None:
    key: lwt.Key[str] = lwt.new_key()

    def record_storage(_: object) -> None:
        record(repr(lwt.get(key)))

    for value in (lwt.Some("first"), None, lwt.Some("third")):
        lwt.with_value(key, value, lambda: lwt.on_success(lwt.pause(), record_storage))

    def turn() -> None:
        lwt.wakeup_paused()
        record_storage(None)

    lwt.with_value(key, lwt.Some("turn"), turn)
    assert record.events == ["Some('first')", "None", "Some('third')", "Some('turn')"]


def test_abandoned_pauses_stay_pending() -> None:
    promise = lwt.pause()
    lwt.abandon_paused()
    assert lwt.paused_count() == 0
    lwt.wakeup_paused()
    assert lwt.is_sleeping(promise)


def test_an_abandoned_pause_can_still_be_cancelled() -> None:
    promise = lwt.pause()
    lwt.abandon_paused()
    lwt.cancel(promise)
    assert is_canceled(promise)


def test_abandoning_during_a_turn_leaves_the_others_of_the_turn_alone(record: Recorder) -> None:
    """They were taken out before: OCaml moves them to a sequence of the turn's own."""
    lwt.on_success(lwt.pause(), lambda _: lwt.abandon_paused())
    lwt.on_success(lwt.pause(), record.on("second"))
    lwt.wakeup_paused()
    assert record.events == ["second"]


def test_the_notifier_is_called_with_the_count_at_each_pause(record: Recorder) -> None:
    lwt.register_pause_notifier(lambda count: record(f"{count}"))
    lwt.pause()
    lwt.pause()
    lwt.wakeup_paused()
    lwt.pause()
    assert record.events == ["1", "2", "1"]


def test_a_notifier_replaces_the_one_before(record: Recorder) -> None:
    lwt.register_pause_notifier(record.on("first"))
    lwt.register_pause_notifier(record.on("second"))
    lwt.pause()
    assert record.events == ["second"]


def test_an_exception_that_leaves_a_turn_leaves_the_rest_for_the_next_one(
    record: Recorder,
) -> None:
    """OCaml loses them; here nothing that waits is ever lost."""
    lwt.dont_wait(lambda: lwt.bind(lwt.pause(), raising(KeyError())), raising(LookupError("seen")))
    lwt.on_success(lwt.pause(), record.on("second"))
    with pytest.raises(LookupError, match="seen"):
        lwt.wakeup_paused()
    assert (record.events, lwt.paused_count()) == ([], 1)
    lwt.wakeup_paused()
    assert record.events == ["second"]


class Entry(Due):
    """Something that may be due."""

    __slots__ = ("name", "record", "still_due")

    def __init__(self, name: str, record: Recorder) -> None:
        self.name = name
        self.record = record
        self.still_due = True

    def is_due(self) -> bool:
        return self.still_due

    def run(self, _: Promise[None], /) -> None:
        self.record(self.name)


class TestDue:
    def test_what_is_due_has_its_place_among_the_promises(self, record: Recorder) -> None:
        lwt.on_success(lwt.pause(), record.on("first"))
        pause_for(Entry("second", record))
        pause_for(Entry("third", record))
        lwt.on_success(lwt.pause(), record.on("fourth"))
        lwt.on_success(lwt.pause(), record.on("fifth"))
        lwt.wakeup_paused()
        assert record.events == ["first", "second", "third", "fourth", "fifth"]

    def test_what_is_due_no_more_when_its_turn_comes_is_passed_over(self, record: Recorder) -> None:
        entry = Entry("entry", record)
        lwt.on_success(lwt.pause(), lambda _: setattr(entry, "still_due", False))
        pause_for(entry)
        lwt.on_success(lwt.pause(), record.on("last"))
        lwt.wakeup_paused()
        assert record.events == ["last"]

    def test_it_counts_like_a_promise(self, record: Recorder) -> None:
        counts: list[int] = []
        lwt.register_pause_notifier(counts.append)
        lwt.pause()
        pause_for(Entry("entry", record))
        assert (counts, lwt.paused_count()) == ([1, 2], 2)
        lwt.wakeup_paused()
        assert (record.events, lwt.paused_count()) == (["entry"], 0)
