"""Reading from channels: characters, and some or all of what comes."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from typing import ClassVar

import pytest

import lwt
from lwt import lwt_stream
from lwt_unix import lwt_io, lwt_main
from tests.support.channels import Source, input_of

pytestmark = pytest.mark.real_only("these meet no descriptor")


def test_reading_after_the_end_asks_for_more_as_a_terminal_may_have_it() -> None:
    channel = input_of(b"", b"more\n")
    assert lwt.state(lwt_io.read_line_opt(channel)) == lwt.Return(None)
    assert lwt.state(lwt_io.read_line_opt(channel)) == lwt.Return(lwt.Some(b"more"))


class TestLimit:
    READERS: ClassVar = [lwt_io.read_line, lwt_io.read_line_opt, lwt_io.read_lines]

    @pytest.mark.parametrize("function", READERS)
    @pytest.mark.parametrize("limit", [0, -1])
    def test_one_below_1_is_refused_at_the_call(
        self, function: Callable[..., object], limit: int
    ) -> None:
        channel = input_of(b"abc")
        with pytest.raises(ValueError, match=rf"^lwt_io\.{function.__name__}: limit is {limit}"):
            function(channel, limit=limit)
        assert not lwt_io.is_busy(channel)

    @pytest.mark.parametrize("function", READERS)
    @pytest.mark.parametrize("limit", ["3", 3.0, True])
    def test_one_that_is_no_int_is_refused_at_the_call(
        self, function: Callable[..., object], limit: object
    ) -> None:
        with pytest.raises(TypeError, match=rf"^lwt_io\.{function.__name__}: "):
            function(input_of(b"abc"), limit=limit)

    def test_a_line_that_is_read_ahead_is_there_at_once(self) -> None:
        channel = input_of(b"one\ntwo\nthree\n")
        assert lwt.state(lwt_io.read_line(channel, limit=3)) == lwt.Return(b"one")
        assert lwt.state(lwt_io.read_line(channel, limit=3)) == lwt.Return(b"two")
        assert lwt.state(lwt_io.read_line_opt(channel, limit=5)) == lwt.Return(lwt.Some(b"three"))

    def test_the_exception_says_which_limit_it_was(self) -> None:
        exn = lwt_io.Line_too_long(4096)
        assert (exn.limit, str(exn), repr(exn)) == (
            4096,
            "a line has more than 4096 bytes",
            "Line_too_long(4096)",
        )
        again = pickle.loads(pickle.dumps(exn))
        assert (type(again), again.limit) == (lwt_io.Line_too_long, 4096)


class TestReadLines:
    def test_gives_the_lines_and_then_ends(self) -> None:
        lines = lwt_io.read_lines(input_of(b"one\ntwo\r\n\nthree", pauses=True))
        assert lwt_main.run(lwt_stream.to_list(lines)) == [b"one", b"two", b"", b"three"]

    def test_reads_when_it_is_asked_as_in_ocaml(self) -> None:
        source = Source()
        lines = lwt_io.read_lines(source.channel)
        assert not source.is_being_read
        line = lwt_stream.get(lines)
        source.give(b"one\ntwo\n")
        assert lwt.state(line) == lwt.Return(lwt.Some(b"one"))
        assert lwt.state(lwt_io.read_line(source.channel)) == lwt.Return(b"two")

    def test_what_is_no_input_channel_is_refused_at_the_call(self) -> None:
        with pytest.raises(TypeError, match=r"^lwt_io\.read_lines: expected an input channel"):
            lwt_io.read_lines(lwt_io.null)  # type: ignore[arg-type]  # what the test is about


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

    def test_read_chars_gives_the_bytes_as_they_are_asked_for_and_then_ends(self) -> None:
        channel = input_of(b"a\xff", b"\n", pauses=True)
        chars = lwt_io.read_chars(channel)
        assert lwt_main.run(lwt_stream.next(chars)) == b"a"
        assert lwt_main.run(lwt_io.read_char(channel)) == b"\xff"
        assert lwt_main.run(lwt_stream.to_list(chars)) == [b"\n"]

    def test_read_chars_of_no_input_channel_is_refused_at_the_call(self) -> None:
        with pytest.raises(TypeError, match=r"^lwt_io\.read_chars: expected an input channel"):
            lwt_io.read_chars(lwt_io.null)  # type: ignore[arg-type]  # what the test is about


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
