"""Making streams: of what is there, and bounded pushing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import lwt
from lwt import Some, lwt_stream
from tests.support.promises import A, Recorder, is_canceled, rejected_with
from tests.support.streams import rest_of, value_of

# --- Of what is there --------------------------------------------------------


def test_of_list_and_its_kin_read_everything_at_once(record: Recorder) -> None:
    def numbers() -> Iterator[int]:
        for n in (1, 2):
            record(f"making {n}")
            yield n

    stream = lwt_stream.of_array(numbers())
    assert record.events == ["making 1", "making 2"]
    assert lwt_stream.is_closed(stream)
    assert rest_of(stream) == [1, 2]
    assert rest_of(lwt_stream.return_(1)) == [1]


def test_characters_are_bytes_of_length_one() -> None:
    assert rest_of(lwt_stream.of_string("é")) == [b"\xc3", b"\xa9"]
    assert rest_of(lwt_stream.of_string(memoryview(b"ab"))) == [b"a", b"b"]
    assert value_of(lwt_stream.to_string(lwt_stream.of_string("né"))) == "né".encode()


def test_return_lwt_gives_the_value_and_closes() -> None:
    promise, resolver = lwt.wait()
    stream = lwt_stream.return_lwt(promise)
    assert not lwt_stream.is_closed(stream)
    lwt.wakeup(resolver, 1)
    assert lwt_stream.is_closed(stream)
    assert rest_of(stream) == [1]


def test_return_lwt_of_a_rejected_promise_is_empty() -> None:
    assert rest_of(lwt_stream.return_lwt(lwt.fail(A()))) == []


# --- Bounded pushing ---------------------------------------------------------


def test_a_bounded_push_waits_for_room() -> None:
    stream, source = lwt_stream.create_bounded(1)
    assert value_of(source.push(1)) is None
    waiting = source.push(2)
    assert (source.count, source.blocked, lwt.is_sleeping(waiting)) == (1, True, True)
    assert value_of(lwt_stream.get(stream)) == Some(1)
    assert value_of(waiting) is None
    assert (source.count, source.blocked) == (1, False)
    source.close()
    assert rest_of(stream) == [2]


def test_a_second_waiting_push_is_full() -> None:
    stream, source = lwt_stream.create_bounded(0)
    waiting = source.push(1)
    assert isinstance(rejected_with(source.push(2)), lwt_stream.Full)
    source.resize(2)
    assert value_of(waiting) is None
    assert (source.size, source.count) == (2, 1)
    assert lwt_stream.get_available(stream) == [1]


def test_cancelling_a_waiting_push_takes_its_element_back() -> None:
    stream, source = lwt_stream.create_bounded(1)
    source.push(1)
    waiting = source.push(2)
    lwt.cancel(waiting)
    assert is_canceled(waiting)
    assert not source.blocked
    again = source.push(3)
    assert lwt_stream.get_available(stream) == [1, 3]
    assert value_of(again) is None


def test_closing_fails_the_waiting_push_and_ends_the_stream(record: Recorder) -> None:
    stream, source = lwt_stream.create_bounded(1)
    source.push(1)
    waiting = source.push(2)
    lwt.on_failure(waiting, record.on("push failed"))
    lwt.on_success(lwt_stream.closed(stream), record.on("closed"))
    source.close()
    source.close()
    assert record.events == ["push failed", "closed"]
    assert isinstance(rejected_with(waiting), lwt_stream.Closed)
    assert isinstance(rejected_with(source.push(3)), lwt_stream.Closed)
    assert source.closed
    assert rest_of(stream) == [1]


def test_closing_wakes_a_waiting_reader() -> None:
    stream, source = lwt_stream.create_bounded(1)
    first = lwt_stream.get(stream)
    source.close()
    assert value_of(first) is None


def test_a_smaller_size_lets_nothing_in_until_there_is_room() -> None:
    stream, source = lwt_stream.create_bounded(2)
    source.push(1)
    source.push(2)
    source.resize(1)
    waiting = source.push(3)
    lwt_stream.get(stream)
    # As in OCaml: what waits comes in when anything is consumed.
    assert value_of(waiting) is None
    assert source.count == 2


@pytest.mark.parametrize("function", [lwt_stream.clone, lambda s: lwt_stream.parse(s, lwt.return_)])
def test_a_bounded_stream_can_be_neither_cloned_nor_parsed(function: Callable[..., Any]) -> None:
    stream, _ = lwt_stream.create_bounded(1)
    with pytest.raises(ValueError, match=r"^Lwt_stream\.(clone|parse): a stream of create_bounded"):
        function(stream)
