"""Writing to channels: lwt_unix/lwt_io/_putting.py, _writing.py and _printing.py."""

from __future__ import annotations

import array
import sys
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

import lwt
from lwt_unix import lwt_io, lwt_main
from lwt_unix.lwt_io._writing import Data
from tests.support.channels import Log, Sink, abort_sinks, input_of


@pytest.fixture(autouse=True)
def _no_sink_is_left() -> Iterator[None]:
    yield
    abort_sinks()


def written_by(write: Callable[[lwt_io.OutputChannel], lwt.Promise[object]]) -> bytes:
    """Write to a channel with a small buffer, and flush."""
    sink = Sink()

    async def write_and_flush() -> None:
        await write(sink.channel)
        await lwt_io.flush(sink.channel)

    lwt_main.run(write_and_flush())
    return sink.written


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 32, 33, 1000])
def test_write_writes_all(size: int) -> None:
    data = bytes(i % 251 for i in range(size))
    assert written_by(lambda oc: lwt_io.write(oc, data)) == data


@pytest.mark.parametrize("size", [0, 1, 14, 15, 16, 17, 1000])
def test_write_line_adds_a_line_end(size: int) -> None:
    line = b"x" * size
    assert written_by(lambda oc: lwt_io.write_line(oc, line)) == line + b"\n"


@pytest.mark.parametrize(
    "data",
    [
        b"abcd",
        "abcd",
        bytearray(b"abcd"),
        memoryview(b".abcd")[1:],
        array.array("H", bytearray(b"abcd")),
    ],
    ids=["bytes", "str", "bytearray", "memoryview", "array"],
)
@pytest.mark.parametrize("buffer_size", [16, 64])
def test_any_bytes_like_object_and_str_can_be_written(data: Data, buffer_size: int) -> None:
    sink = Sink(buffer_size=buffer_size)

    async def write() -> None:
        for _ in range(5):
            await lwt_io.write(sink.channel, data)
        await lwt_io.write_line(sink.channel, data)
        await lwt_io.write_from_exactly(sink.channel, data, 1, 2)
        await lwt_io.flush(sink.channel)

    lwt_main.run(write())
    assert sink.written == b"abcd" * 6 + b"\nbc"


def test_str_is_written_as_utf_8() -> None:
    assert written_by(lambda oc: lwt_io.write_line(oc, "grün")) == b"gr\xc3\xbcn\n"


@pytest.mark.parametrize("data", [3, None, ["a"], memoryview(b"abcd")[::2]])
def test_anything_else_is_refused_at_the_call(data: Data) -> None:
    with pytest.raises(TypeError, match=r"lwt_io\.write: expected bytes, str or another"):
        lwt_io.write(lwt_io.null, data)


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


def test_an_error_of_writing_out_rejects_the_write() -> None:
    sink = Sink()
    sink.failure = OSError(28, "full")
    with pytest.raises(OSError, match="full"):
        lwt_main.run(lwt_io.write(sink.channel, b"x" * 20))
    assert not lwt_io.is_busy(sink.channel)


class TestChars:
    def test_write_char_writes_one_byte(self) -> None:
        assert written_by(lambda oc: lwt_io.write_char(oc, b"\xff")) == b"\xff"

    def test_write_char_waits_for_room(self) -> None:
        sink = Sink(waits=True)
        lwt_io.write(sink.channel, b"x" * 16)
        writing = lwt_io.write_char(sink.channel, "y")
        assert lwt.is_sleeping(writing)
        sink.take(3)
        assert lwt.state(writing) == lwt.Return(None)

    @pytest.mark.parametrize("char", [b"", b"ab", "", "ü"])
    def test_write_char_refuses_what_is_not_one_byte(self, char: Data) -> None:
        with pytest.raises(ValueError, match=r"Lwt_io\.write_char: .* not one"):
            lwt_io.write_char(lwt_io.null, char)

    def test_write_chars_writes_each(self) -> None:
        assert written_by(lambda oc: lwt_io.write_chars(oc, ["a", b"b", "c"])) == b"abc"


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
        assert str(state.exception).startswith("Lwt_io.write_from")
        assert lwt_io.buffered(sink.channel) == 0


class TestWriteLines:
    def test_takes_any_iterable(self) -> None:
        assert written_by(lambda oc: lwt_io.write_lines(oc, ["one", b"two"])) == b"one\ntwo\n"

    def test_takes_what_async_for_takes(self) -> None:
        async def lines() -> AsyncIterator[str]:
            yield "one"
            await lwt.pause()
            yield "two"

        assert written_by(lambda oc: lwt_io.write_lines(oc, lines())) == b"one\ntwo\n"

    def test_copies_one_channel_to_another(self) -> None:
        source = input_of(b"one\r\ntw", b"o\nthree")
        assert written_by(lambda oc: lwt_io.write_lines(oc, source)) == b"one\ntwo\nthree\n"


class TestPrinting:
    def test_fprint_and_its_kin(self) -> None:
        async def write(oc: lwt_io.OutputChannel) -> None:
            await lwt_io.fprint(oc, "a")
            await lwt_io.fprintl(oc, "b")
            await lwt_io.fprintf(oc, "%s is %d%%", "c", 100)
            await lwt_io.fprintlf(oc, " or %s", (1, 2))

        assert written_by(lwt.promised(write)) == b"ab\nc is 100% or (1, 2)\n"

    def test_a_format_without_arguments_is_a_format_all_the_same(self) -> None:
        assert written_by(lambda oc: lwt_io.fprintf(oc, "100%%")) == b"100%"


@pytest.mark.slow
def test_a_million_lines_are_written_in_flat_memory() -> None:
    blocks: list[int] = []

    async def write() -> None:
        for number in range(1, 1_000_001):
            await lwt_io.write_line(channel, b"line")
            if number % 100_000 == 0:
                blocks.append(sys.getallocatedblocks())

    channel = lwt_io.make(lambda buffer, offset, length: lwt.return_(length), mode=lwt_io.Output)
    lwt_main.run(write())
    assert lwt_io.position(channel) == 5_000_000
    assert max(blocks) - blocks[0] < 1000


def test_100_megabytes_are_written_in_one_call() -> None:
    channel = lwt_io.make(lambda buffer, offset, length: lwt.return_(length), mode=lwt_io.Output)
    lwt_main.run(lwt_io.write(channel, bytes(100_000_000)))
    assert lwt_io.position(channel) == 100_000_000


def test_an_operation_that_leaves_nothing_asks_for_an_automatic_flush_all_the_same() -> None:
    """As in OCaml: what is written before it is due goes out in the order of the asking."""
    order: list[str] = []

    def writing_to(name: str) -> lwt_io.OutputChannel:
        def perform(_memory: memoryview, _offset: int, length: int) -> lwt.Promise[int]:
            order.append(name)
            return lwt.return_(length)

        return lwt_io.make(perform, mode=lwt_io.Output)

    first, second = writing_to("first"), writing_to("second")

    async def write() -> None:
        await lwt_io.flush(second)
        await lwt_io.write(first, "a")
        await lwt_io.write(second, "b")
        await lwt.pause()

    lwt_main.run(write())
    assert order == ["second", "first"]
