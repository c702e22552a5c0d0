"""Events: stopped by hand, by a callback, by the end of their engine."""

from __future__ import annotations

import pytest

from lwt_unix import lwt_engine
from lwt_unix.lwt_engine import Event, stop_event
from tests.support.engines import Pair, Recorder


def test_event_stopped_by_an_earlier_callback_of_the_same_turn_is_not_called(
    engine: lwt_engine.abstract, two_pairs: list[Pair]
) -> None:
    record = Recorder()
    (a, a_back), (b, b_back) = two_pairs
    a_back.send(b"x")
    b_back.send(b"x")
    victims = [
        engine.on_readable(b.fileno(), record("other descriptor")),
        engine.on_writable(a.fileno(), record("other direction")),
        engine.on_readable(a.fileno(), record("same descriptor")),
    ]

    def stop_them(_: Event) -> None:
        record.calls.append("stopping")
        for victim in victims:
            stop_event(victim)

    engine.on_readable(a.fileno(), stop_them)
    engine.iter(True)
    assert record.take() == ["stopping"]


def test_timer_stops_the_event_of_a_descriptor_that_is_ready(
    engine: lwt_engine.abstract, pair: Pair
) -> None:
    record = Recorder()
    pair[1].send(b"x")
    event = engine.on_readable(pair[0].fileno(), record("readable"))

    def stop_it(_: Event) -> None:
        record.calls.append("timer")
        stop_event(event)

    engine.on_timer(0, False, stop_it)
    engine.iter(True)
    assert record.take() == ["timer"]


def test_fake_event_can_be_stopped_and_does_nothing() -> None:
    stop_event(lwt_engine.fake_event)
    stop_event(lwt_engine.fake_event)
    assert repr(lwt_engine.fake_event) == "<Event stopped>"


def test_stopping_something_else_is_a_type_error() -> None:
    with pytest.raises(TypeError, match=r"lwt_engine\.stop_event: expected an event, got 3"):
        stop_event(3)  # type: ignore[arg-type]  # what is tested


def test_destroy_stops_every_event(engine: lwt_engine.abstract, pair: Pair) -> None:
    record = Recorder()
    events = [
        engine.on_readable(pair[0].fileno(), record("readable")),
        engine.on_writable(pair[0].fileno(), record("writable")),
        engine.on_timer(0, True, record("timer")),
    ]
    engine.destroy()
    assert [event.is_active for event in events] == [False, False, False]
    assert (engine.readable_count, engine.writable_count, engine.timer_count) == (0, 0, 0)
