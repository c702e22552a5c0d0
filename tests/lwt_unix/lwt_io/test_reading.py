"""Reading from channels: characters, and some or all of what comes."""

from __future__ import annotations

import sys

import pytest

import lwt
from lwt_unix import lwt_io, lwt_main
from tests.support.channels import Source, input_of


def test_reading_after_the_end_asks_for_more_as_a_terminal_may_have_it() -> None:
    channel = input_of(b"", b"more\n")
    assert lwt.state(lwt_io.read_line_opt(channel)) == lwt.Return(None)
    assert lwt.state(lwt_io.read_line_opt(channel)) == lwt.Return(lwt.Some(b"more"))


class TestChars:
    def test_read_char_gives_one_byte(self) -> None:
        channel = input_of(b"ab")
        assert lwt_main.run(lwt_io.read_char(channel)) == b"a"
        assert lwt_main.run(lwt_io.read_char(channel)) == b"b"
        with pytest.raises(EOFError):
            lwt_main.run(lwt_io.read_char(channel))

    def test_read_char_opt_gives_none_at_the_end(self) -> None:
        channel = input_of(b"\xff")
        assert lwt_main.run(lwt_io.read_char_opt(channel)) == lwt.Some(b"\xff")
        assert lwt_main.run(lwt_io.read_char_opt(channel)) is None


class TestRead:
    def test_without_count_reads_to_the_end(self) -> None:
        channel = input_of(b"abc", b"d" * 100, b"e", pauses=True)
        assert lwt_main.run(lwt_io.read(channel)) == b"abc" + b"d" * 100 + b"e"

    def test_with_count_gives_what_is_read_ahead(self) -> None:
        channel = input_of(b"abcdef", b"ghi")
        assert lwt_main.run(lwt_io.read_char(channel)) == b"a"
        assert lwt_main.run(lwt_io.read(channel, count=3)) == b"bcd"
        assert lwt_main.run(lwt_io.read(channel, count=3)) == b"ef"

    def test_with_count_gives_what_one_call_brings(self) -> None:
        channel = input_of(b"abc", b"def")
        assert lwt_main.run(lwt_io.read(channel, count=100)) == b"abc"

    def test_with_count_gives_nothing_at_the_end(self) -> None:
        assert lwt_main.run(lwt_io.read(input_of(), count=3)) == b""

    def test_with_a_count_of_zero_and_nothing_read_ahead_waits_for_input_as_in_ocaml(self) -> None:
        source = Source()
        nothing = lwt_io.read(source.channel, count=0)
        assert lwt.is_sleeping(nothing)
        source.give(b"abc")
        assert lwt.state(nothing) == lwt.Return(b"")
        assert lwt_io.buffered(source.channel) == 3

    def test_a_negative_count_is_refused_at_the_call(self) -> None:
        channel = input_of(b"abc")
        with pytest.raises(ValueError, match=r"^lwt_io\.read: count is -1"):
            lwt_io.read(channel, count=-1)
        assert not lwt_io.is_busy(channel)


def test_an_output_channel_cannot_be_read() -> None:
    with pytest.raises(TypeError, match=r"^lwt_io\.read_line: expected an input channel"):
        lwt_io.read_line(lwt_io.null)  # type: ignore[arg-type]  # what the test is about


@pytest.mark.slow
@pytest.mark.parametrize("pauses", [False, True])
def test_a_million_lines_are_read_in_flat_memory(pauses: bool) -> None:
    block = b"line\n" * 800  # a buffer holds 4096 bytes

    def perform(buffer: memoryview, offset: int, length: int) -> lwt.Promise[int]:
        count = min(length, len(block))
        buffer[offset : offset + count] = block[:count]
        return lwt.map(lambda _: count, lwt.pause()) if pauses else lwt.return_(count)

    channel = lwt_io.make(perform, mode=lwt_io.Input)

    async def read_lines() -> list[int]:
        blocks = []
        number = 0
        async for _ in channel:
            number += 1
            if number % 100_000 == 0:
                blocks.append(sys.getallocatedblocks())
                if number == 1_000_000:
                    break
        return blocks

    blocks = lwt_main.run(read_lines())
    assert len(blocks) == 10
    assert max(blocks) - blocks[0] < 1000
