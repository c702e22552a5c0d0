"""Pushing into a stream: whom it wakes, and what closes."""

from __future__ import annotations

import weakref

import pytest

import lwt
from lwt import Some, lwt_stream
from tests.support.promises import Recorder
from tests.support.streams import pushed, rest_of, value_of


def test_a_push_wakes_who_waits_and_the_end_closes() -> None:
    stream, push = lwt_stream.create()
    first, second = lwt_stream.get(stream), lwt_stream.to_list(stream)
    push(Some(1))
    assert value_of(first) == Some(1)
    push(None)
    assert value_of(second) == [1]


def test_readers_run_before_closed_is_resolved(record: Recorder) -> None:
    stream, push = lwt_stream.create()
    lwt.on_success(lwt_stream.closed(stream), record.on("closed"))
    lwt.on_success(lwt_stream.get(stream), record.on("read"))
    push(None)
    assert record.events == ["read", "closed"]


def test_a_reader_that_the_end_wakes_finds_the_stream_open_and_may_push(record: Recorder) -> None:
    stream, push = lwt_stream.create()

    def look(_: object) -> None:
        record(f"closed: {lwt_stream.is_closed(stream)}")
        push(Some(1))

    lwt.on_success(lwt_stream.get(stream), look)
    push(None)
    record(f"closed: {lwt_stream.is_closed(stream)}")
    assert record.events == ["closed: False", "closed: True"]
    with pytest.raises(lwt_stream.Closed):
        push(Some(2))


def test_a_push_after_the_end_raises_closed() -> None:
    _, push = lwt_stream.create()
    push(None)
    with pytest.raises(lwt_stream.Closed, match=r"cannot push Some\(1\)"):
        push(Some(1))


def test_closed_cannot_be_cancelled_and_comes_before_the_elements_are_read() -> None:
    stream, push = pushed(1)
    lwt.cancel(lwt_stream.closed(stream))
    assert not lwt_stream.is_closed(stream)
    push(None)
    assert lwt_stream.is_closed(stream)
    assert rest_of(stream) == [1]


def test_closed_may_be_returned_by_a_callback() -> None:
    stream, push = lwt_stream.create()
    started, resolver = lwt.wait()
    outer = lwt.bind(started, lambda _: lwt_stream.closed(stream))
    lwt.wakeup(resolver, None)
    push(None)
    assert lwt_stream.is_closed(stream)
    assert value_of(outer) is None


def test_the_push_function_keeps_the_reference_but_not_the_stream() -> None:
    class Thing:
        pass

    thing = Thing()
    stream, push, set_reference = lwt_stream.create_with_reference()
    set_reference(thing)
    kept, kept_stream = weakref.ref(thing), weakref.ref(stream)
    del thing, stream, set_reference
    assert kept_stream() is None
    assert kept() is not None
    del push
    assert kept() is None
