"""Putting into the buffer of a channel: what has room, what waits for some."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import lwt
from lwt_unix import lwt_io, lwt_main
from tests.support.channels import Log, Sink

pytestmark = pytest.mark.real_only("these meet no descriptor")


def test_what_fits_into_the_buffer_is_written_at_once_and_not_written_out() -> None:
    sink = Sink()
    assert lwt.state(lwt_io.write(sink.channel, b"x" * 15)) == lwt.Return(None)
    assert lwt.state(lwt_io.write_char(sink.channel, "y")) == lwt.Return(None)
    assert (lwt_io.buffered(sink.channel), sink.writes) == (16, [])


def test_what_does_not_fit_fills_the_buffer_first() -> None:
    sink = Sink()
    lwt_io.write(sink.channel, b"x" * 10)
    assert lwt.state(lwt_io.write(sink.channel, b"y" * 10)) == lwt.Return(None)
    assert (sink.writes, lwt_io.buffered(sink.channel)) == ([b"x" * 10 + b"y" * 6], 4)


def test_a_write_that_waits_for_room_is_not_mixed_with_the_next() -> None:
    sink, log = Sink(waits=True), Log()
    log.watch("long", lwt_io.write(sink.channel, b"L" * 40))
    log.watch("short", lwt_io.write_line(sink.channel, b"s"))
    while sink.is_being_written:
        sink.take(5)
    lwt_io.flush(sink.channel)
    while sink.is_being_written:
        sink.take(5)
    assert sink.written == b"L" * 40 + b"s\n"
    assert log.entries == ["long: None", "short: None"]


FROM = [lwt_io.write_from, lwt_io.write_from_bigstring, lwt_io.write_from_string]
FROM_EXACTLY = [
    lwt_io.write_from_exactly,
    lwt_io.write_from_exactly_bigstring,
    lwt_io.write_from_string_exactly,
]


class TestWriteFrom:
    @pytest.mark.parametrize("write_from", FROM)
    def test_takes_all_that_has_room(self, write_from: Callable[..., lwt.Promise[int]]) -> None:
        sink = Sink()
        assert lwt.state(write_from(sink.channel, b"abcdef", 1, 3)) == lwt.Return(3)
        lwt_main.run(lwt_io.flush(sink.channel))
        assert sink.written == b"bcd"

    @pytest.mark.parametrize("write_from", FROM)
    def test_goes_on_while_the_buffer_is_written_out_whole(
        self, write_from: Callable[..., lwt.Promise[int]]
    ) -> None:
        sink = Sink()
        assert lwt.state(write_from(sink.channel, b"x" * 40, 0, 40)) == lwt.Return(40)
        assert (sink.written, lwt_io.buffered(sink.channel)) == (b"x" * 32, 8)

    @pytest.mark.parametrize("write_from", FROM)
    def test_stops_when_the_buffer_is_written_out_in_part(
        self, write_from: Callable[..., lwt.Promise[int]]
    ) -> None:
        sink = Sink(most=5)
        assert lwt.state(write_from(sink.channel, b"x" * 40, 0, 40)) == lwt.Return(16)
        assert (sink.written, lwt_io.buffered(sink.channel)) == (b"x" * 5, 11)

    @pytest.mark.parametrize("write_from", FROM_EXACTLY)
    def test_exactly_writes_all(self, write_from: Callable[..., lwt.Promise[None]]) -> None:
        sink = Sink(most=5)
        data = bytes(range(100))
        assert lwt.state(write_from(sink.channel, data, 10, 80)) == lwt.Return(None)
        lwt_main.run(lwt_io.flush(sink.channel))
        assert sink.written == data[10:90]

    @pytest.mark.parametrize("write_from", [*FROM, *FROM_EXACTLY])
    @pytest.mark.parametrize(("offset", "length"), [(-1, 1), (0, -1), (0, 4), (2, 2), (4, 0)])
    def test_a_range_outside_the_data_is_rejected_and_nothing_is_written(
        self, write_from: Callable[..., lwt.Promise[object]], offset: int, length: int
    ) -> None:
        sink = Sink()
        state = lwt.state(write_from(sink.channel, b"abc", offset, length))
        assert isinstance(state, lwt.Fail)
        assert isinstance(state.exception, ValueError)
        # OCaml's functions of strings are those of bytes, and name them.
        named_by_ocaml = write_from.__name__.replace("_string", "")
        assert str(state.exception).startswith(f"Lwt_io.{named_by_ocaml}")
        assert lwt_io.buffered(sink.channel) == 0


def test_100_megabytes_are_written_in_one_call() -> None:
    channel = lwt_io.make(lambda buffer, offset, length: lwt.return_(length), mode=lwt_io.Output)
    lwt_main.run(lwt_io.write(channel, bytes(100_000_000)))
    assert lwt_io.position(channel) == 100_000_000
