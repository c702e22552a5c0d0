"""Writing to channels: any kind of data, lines, characters."""

from __future__ import annotations

import array
import sys
from collections.abc import AsyncIterator

import pytest

import lwt
from lwt_unix import lwt_io, lwt_main
from lwt_unix.lwt_io._writing import Data
from tests.support.channels import Sink, input_of, written_by

pytestmark = pytest.mark.real_only("these meet no descriptor")


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
    with pytest.raises(TypeError, match=r"^lwt_io\.write: expected a str, bytes or another"):
        lwt_io.write(lwt_io.null, data)


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
        with pytest.raises(ValueError, match=r"^lwt_io\.write_char: .* not one"):
            lwt_io.write_char(lwt_io.null, char)

    def test_write_chars_writes_each(self) -> None:
        assert written_by(lambda oc: lwt_io.write_chars(oc, ["a", b"b", "c"])) == b"abc"


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
