"""Python values on channels."""

from __future__ import annotations

import pickle
import threading
import tracemalloc
from typing import Any

import pytest

import lwt
from lwt_unix import lwt_io, lwt_main
from lwt_unix.lwt_io._values import HEADER, MARK
from tests.support.channels import Sink, Source, input_of

pytestmark = pytest.mark.real_only("nearly all of these meet no descriptor")

VALUES: list[Any] = [None, 0, "text", b"bytes", [1, [2, 3]], {"key": (1.5, None)}, b"long" * 50_000]


def written(*values: object) -> bytes:
    """What `write_value` writes."""
    sink = Sink()
    for value in values:
        lwt_main.run(lwt_io.write_value(sink.channel, value))
    lwt_main.run(lwt_io.flush(sink.channel))
    return sink.written


@pytest.mark.parametrize("chunk", [1, 5, 16, 10_000])
def test_each_value_is_read_exactly_and_what_follows_stays(chunk: int) -> None:
    values = VALUES[:-1] if chunk < 16 else VALUES
    data = written(*values) + b"the rest\n"
    chunks = [data[start : start + chunk] for start in range(0, len(data), chunk)]
    channel = input_of(*chunks, buffer_size=16)

    async def read() -> None:
        for value in values:
            assert await lwt_io.read_value(channel) == value
        assert await lwt_io.read_line(channel) == b"the rest"

    lwt_main.run(read())


def test_a_value_that_is_read_ahead_is_a_promise_at_once() -> None:
    channel = input_of(written("one", "two"), buffer_size=4096)
    assert lwt.state(lwt_io.read_value(channel)) == lwt.Return("one")
    assert lwt.state(lwt_io.read_value(channel)) == lwt.Return("two")


def test_what_is_shared_stays_shared() -> None:
    shared: list[int] = []
    first, second = lwt_main.run(lwt_io.read_value(input_of(written((shared, shared)))))
    assert first is second


@pytest.mark.parametrize("length", [0, 1, 11, 12, 13, 20])
def test_a_value_that_is_cut_off_is_end_of_file_and_the_channel_can_be_used(length: int) -> None:
    channel = input_of(written("a value")[:length])
    with pytest.raises(EOFError, match=r"^lwt_io\.read_value: end of input"):
        lwt_main.run(lwt_io.read_value(channel))
    assert not lwt_io.is_busy(channel)
    assert lwt_main.run(lwt_io.read(channel)) == b""


def test_what_is_no_value_is_refused_and_what_follows_can_be_read() -> None:
    channel = input_of(b"GET / HTTP/1.1\r\n" + written(3))
    with pytest.raises(lwt.Failure, match=r"^Marshal\.data_size: bad object: b'GET / HTTP/1' is "):
        lwt_main.run(lwt_io.read_value(channel))
    assert lwt_main.run(lwt_io.read_line(channel)) == b".1"
    assert lwt_main.run(lwt_io.read_value(channel)) == 3


def test_a_pickle_that_cannot_be_read_is_its_error_and_the_next_value_can_be_read() -> None:
    channel = input_of(HEADER.pack(MARK, 5) + b"wrong" + written("next"))
    with pytest.raises(pickle.UnpicklingError):
        lwt_main.run(lwt_io.read_value(channel))
    assert lwt_main.run(lwt_io.read_value(channel)) == "next"


@pytest.mark.no_cover
def test_a_length_that_is_a_lie_takes_no_memory() -> None:
    channel = input_of(HEADER.pack(MARK, 2**63) + bytes(100))
    tracemalloc.start()
    try:
        with pytest.raises(EOFError):
            lwt_main.run(lwt_io.read_value(channel))
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_a_value_that_cannot_be_pickled_is_its_error_and_nothing_is_written() -> None:
    sink = Sink()
    with pytest.raises(TypeError, match="pickle"):
        lwt_main.run(lwt_io.write_value(sink.channel, threading.Lock()))
    assert not lwt_io.is_busy(sink.channel)
    lwt_main.run(lwt_io.write(sink.channel, "after"))
    lwt_main.run(lwt_io.flush(sink.channel))
    assert sink.written == b"after"


def test_a_value_is_pickled_in_its_turn_as_in_ocaml() -> None:
    sink = Sink(waits=True)
    value = ["early"]
    flushing = lwt.join([lwt_io.write(sink.channel, "first"), lwt_io.flush(sink.channel)])
    writing = lwt_io.write_value(sink.channel, value)
    value[0] = "late"
    while lwt.is_sleeping(flushing) or lwt.is_sleeping(writing):
        sink.take()
        lwt_main.run(lwt.pause())
    flushing = lwt_io.flush(sink.channel)
    while lwt.is_sleeping(flushing):
        sink.take()
    channel = input_of(sink.written)
    assert lwt_main.run(lwt_io.read(channel, count=5)) == b"first"
    assert lwt_main.run(lwt_io.read_value(channel)) == ["late"]


def test_two_values_that_are_written_at_the_same_time_do_not_mix() -> None:
    async def main() -> list[bytes]:
        ic, oc = lwt_io.pipe()
        values = [letter * 100_000 for letter in (b"a", b"b")]
        writing = lwt.join([lwt_io.write_value(oc, value) for value in values])
        assert lwt.is_sleeping(writing)
        read = [await lwt_io.read_value(ic) for _ in values]
        await writing
        await lwt_io.close(oc)
        await lwt_io.close(ic)
        assert read == values
        return read

    lwt_main.run(main())


def test_cancelling_a_read_leaves_the_channel_to_the_next() -> None:
    source = Source()
    reading = lwt_io.read_value(source.channel)
    lwt.cancel(reading)
    assert isinstance(lwt.state(reading), lwt.Fail)
    again = lwt_io.read_value(source.channel)
    source.give(written("again"))
    assert lwt.state(again) == lwt.Return("again")


def test_a_closed_channel_refuses_values_by_the_name_of_the_function() -> None:
    channel = input_of(b"")
    lwt_main.run(lwt_io.close(channel))
    with pytest.raises(lwt_io.Channel_closed, match=r"^lwt_io\.read_value on a closed input"):
        lwt_main.run(lwt_io.read_value(channel))
    sink = Sink()
    lwt_main.run(lwt_io.close(sink.channel))
    with pytest.raises(lwt_io.Channel_closed, match=r"^lwt_io\.write_value on a closed output"):
        lwt_main.run(lwt_io.write_value(sink.channel, 3))


def test_what_is_no_channel_is_refused_at_the_call() -> None:
    anything: Any = lwt_io
    with pytest.raises(TypeError, match=r"^lwt_io\.read_value: expected an input channel, got 3"):
        anything.read_value(3)
    with pytest.raises(TypeError, match=r"^lwt_io\.write_value: expected an output channel, got 3"):
        anything.write_value(3, 3)
