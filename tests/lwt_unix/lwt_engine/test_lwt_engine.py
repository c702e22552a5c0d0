"""A turn, on every engine: in which order callbacks are called, and what they may change."""

from __future__ import annotations

import pytest

from lwt_unix import lwt_engine
from lwt_unix.lwt_engine import Event, stop_event
from tests.support.engines import Pair, Recorder

# --- In which order ----------------------------------------------------------


def test_timers_come_first_then_readers_then_writers_each_by_descriptor(
    engine: lwt_engine.abstract, two_pairs: list[Pair]
) -> None:
    record = Recorder()
    (a, a_back), (b, b_back) = two_pairs
    a_back.send(b"x")
    b_back.send(b"x")
    engine.on_writable(b.fileno(), record("b writable"))
    engine.on_readable(b.fileno(), record("b readable"))
    engine.on_writable(a.fileno(), record("a writable"))
    engine.on_readable(a.fileno(), record("a readable"))
    engine.on_timer(0, False, record("timer"))
    engine.iter(True)
    assert record.take() == ["timer", "a readable", "b readable", "a writable", "b writable"]


def test_newest_event_of_a_descriptor_is_called_first(
    engine: lwt_engine.abstract, pair: Pair
) -> None:
    record = Recorder()
    pair[1].send(b"x")
    for name in ("first", "second", "third"):
        engine.on_readable(pair[0].fileno(), record(name))
    engine.iter(True)
    assert record.take() == ["third", "second", "first"]


# --- What callbacks change in their own turn ---------------------------------


def test_event_added_by_a_callback_of_the_same_descriptor_waits_for_the_next_turn(
    engine: lwt_engine.abstract, pair: Pair
) -> None:
    record = Recorder()
    pair[1].send(b"x")

    def replace(event: Event) -> None:
        record.calls.append("old")
        stop_event(event)
        engine.on_readable(pair[0].fileno(), record("new"))

    engine.on_readable(pair[0].fileno(), replace)
    engine.iter(True)
    assert record.take() == ["old"]
    engine.iter(True)
    assert record.take() == ["new"]


def test_event_added_to_a_later_ready_descriptor_is_called_in_the_same_turn(
    engine: lwt_engine.abstract, two_pairs: list[Pair]
) -> None:
    record = Recorder()
    (a, a_back), (b, b_back) = two_pairs
    a_back.send(b"x")
    b_back.send(b"x")
    old = engine.on_readable(b.fileno(), record("old"))

    def replace(_: Event) -> None:
        record.calls.append("replacing")
        stop_event(old)
        engine.on_readable(b.fileno(), record("new"))

    engine.on_readable(a.fileno(), replace)
    engine.iter(True)
    assert record.take() == ["replacing", "new"]


def test_reader_added_to_a_descriptor_that_was_watched_for_writing_only_waits(
    engine: lwt_engine.abstract, two_pairs: list[Pair]
) -> None:
    record = Recorder()
    (a, a_back), (b, b_back) = two_pairs
    a_back.send(b"x")
    b_back.close()  # b reports a hang-up, whatever it was asked for
    engine.on_writable(b.fileno(), record("b writable"))

    def add(event: Event) -> None:
        record.calls.append("adding")
        stop_event(event)
        engine.on_readable(b.fileno(), record("b readable"))

    engine.on_readable(a.fileno(), add)
    engine.iter(True)
    assert record.take() == ["adding", "b writable"]
    engine.iter(True)
    assert record.take() == ["b readable", "b writable"]


def test_writer_added_to_a_descriptor_that_was_watched_for_reading_only_waits(
    engine: lwt_engine.abstract, two_pairs: list[Pair]
) -> None:
    record = Recorder()
    (a, a_back), (b, b_back) = two_pairs
    a_back.send(b"x")
    b_back.close()  # b reports a hang-up, whatever it was asked for
    engine.on_readable(b.fileno(), record("b readable"))
    engine.on_writable(a.fileno(), record("a writable"))

    def add(event: Event) -> None:
        record.calls.append("adding")
        stop_event(event)
        engine.on_writable(b.fileno(), record("b writable"))

    engine.on_readable(a.fileno(), add)
    engine.iter(True)
    assert record.take() == ["adding", "b readable", "a writable"]
    engine.iter(True)
    assert record.take() == ["b readable", "a writable", "b writable"]


def test_exception_of_a_callback_leaves_the_turn_and_what_is_left_is_called_in_the_next(
    engine: lwt_engine.abstract, two_pairs: list[Pair]
) -> None:
    record = Recorder()
    (a, a_back), (b, b_back) = two_pairs
    a_back.send(b"x")
    b_back.send(b"x")

    def interrupt(event: Event) -> None:
        stop_event(event)
        raise KeyboardInterrupt

    engine.on_readable(a.fileno(), interrupt)
    engine.on_readable(b.fileno(), record("b readable"))
    engine.on_writable(b.fileno(), record("b writable"))
    with pytest.raises(KeyboardInterrupt):
        engine.iter(True)
    assert record.take() == []
    engine.iter(True)
    assert record.take() == ["b readable", "b writable"]


def test_callback_may_perform_a_turn_of_its_own(
    engine: lwt_engine.abstract, two_pairs: list[Pair]
) -> None:
    record = Recorder()
    (a, a_back), (b, b_back) = two_pairs
    a_back.send(b"x")
    b_back.send(b"x")

    def turn(event: Event) -> None:
        stop_event(event)
        engine.iter(True)
        record.calls.append("a")

    engine.on_readable(a.fileno(), turn)
    engine.on_readable(b.fileno(), record("b"))
    engine.iter(True)
    assert record.take() == ["b", "a", "b"]
