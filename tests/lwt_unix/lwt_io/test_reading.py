"""Reading from channels: lwt_unix/lwt_io/_taking.py and _reading.py."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

import lwt
from lwt_unix import lwt_io, lwt_main
from tests.support.channels import Source, input_of

LINES = [
    pytest.param(b"", [], id="nothing"),
    pytest.param(b"one\n", [b"one"], id="one line"),
    pytest.param(b"one\ntwo\n", [b"one", b"two"], id="two lines"),
    pytest.param(b"one\r\ntwo\r\n", [b"one", b"two"], id="carriage returns"),
    pytest.param(b"\n\r\n\n", [b"", b"", b""], id="empty lines"),
    pytest.param(b"one\ntwo", [b"one", b"two"], id="no end of the last line"),
    pytest.param(b"a\rb\n", [b"a\rb"], id="carriage return inside"),
    pytest.param(b"a\r\r\n", [b"a\r"], id="two carriage returns"),
    pytest.param(b"a\r", [b"a\r"], id="carriage return at the end of input"),
    pytest.param(b"\r", [b"\r"], id="carriage return alone"),
    pytest.param(b"x" * 200 + b"\r\n" + b"y" * 64 + b"\n", [b"x" * 200, b"y" * 64], id="long"),
]


def whole(data: bytes) -> lwt_io.InputChannel:
    return input_of(data)


def byte_by_byte(data: bytes) -> lwt_io.InputChannel:
    return input_of(*(data[i : i + 1] for i in range(len(data))))


def byte_by_byte_with_pauses(data: bytes) -> lwt_io.InputChannel:
    return input_of(*(data[i : i + 1] for i in range(len(data))), pauses=True)


def in_a_small_buffer(data: bytes) -> lwt_io.InputChannel:
    return input_of(data, buffer_size=16)


@pytest.mark.parametrize(
    "channel_of", [whole, byte_by_byte, byte_by_byte_with_pauses, in_a_small_buffer]
)
@pytest.mark.parametrize(("data", "lines"), LINES)
class TestLines:
    def test_async_for_gives_all_lines(
        self, channel_of: Callable[[bytes], lwt_io.InputChannel], data: bytes, lines: list[bytes]
    ) -> None:
        async def read() -> list[bytes]:
            return [line async for line in channel_of(data)]

        assert lwt_main.run(read()) == lines

    def test_read_line_gives_each_line_and_then_end_of_file(
        self, channel_of: Callable[[bytes], lwt_io.InputChannel], data: bytes, lines: list[bytes]
    ) -> None:
        async def read() -> list[bytes]:
            channel = channel_of(data)
            found = [await lwt_io.read_line(channel) for _ in lines]
            with pytest.raises(EOFError, match=r"Lwt_io\.read_line"):
                await lwt_io.read_line(channel)
            return found

        assert lwt_main.run(read()) == lines

    def test_read_line_opt_gives_each_line_and_then_none(
        self, channel_of: Callable[[bytes], lwt_io.InputChannel], data: bytes, lines: list[bytes]
    ) -> None:
        async def read() -> list[object]:
            channel = channel_of(data)
            return [await lwt_io.read_line_opt(channel) for _ in range(len(lines) + 1)]

        assert lwt_main.run(read()) == [*map(lwt.Some, lines), None]


def test_a_line_that_is_read_ahead_is_there_at_once() -> None:
    channel = input_of(b"one\ntwo\n")
    assert lwt.state(lwt_io.read_line(channel)) == lwt.Return(b"one")
    assert lwt_io.buffered(channel) == 4
    assert lwt.state(lwt_io.read_line(channel)) == lwt.Return(b"two")


def test_reading_after_the_end_asks_for_more_as_a_terminal_may_have_it() -> None:
    channel = input_of(b"", b"more\n")
    assert lwt.state(lwt_io.read_line_opt(channel)) == lwt.Return(None)
    assert lwt.state(lwt_io.read_line_opt(channel)) == lwt.Return(lwt.Some(b"more"))


def test_an_exception_of_the_reading_function_rejects_the_read() -> None:
    source = Source()
    line = lwt_io.read_line(source.channel)
    source.break_(OSError(5, "gone"))
    assert isinstance(state := lwt.state(line), lwt.Fail)
    assert isinstance(state.exception, OSError)
    assert not lwt_io.is_busy(source.channel)


def test_an_exception_that_the_reading_function_raises_rejects_the_read() -> None:
    def perform(buffer: memoryview, offset: int, length: int) -> lwt.Promise[int]:
        raise OSError(5, "gone")

    channel = lwt_io.make(perform, mode=lwt_io.Input)
    assert isinstance(lwt.state(lwt_io.read_char(channel)), lwt.Fail)
    assert not lwt_io.is_busy(channel)


def test_keyboard_interrupt_in_the_reading_function_leaves_and_the_channel_is_usable() -> None:
    interrupts = [KeyboardInterrupt()]

    def perform(buffer: memoryview, offset: int, length: int) -> lwt.Promise[int]:
        if interrupts:
            raise interrupts.pop()
        buffer[offset] = ord("x")
        return lwt.return_(1)

    channel = lwt_io.make(perform, mode=lwt_io.Input)
    with pytest.raises(KeyboardInterrupt):
        lwt_io.read_char(channel)
    assert lwt.state(lwt_io.read_char(channel)) == lwt.Return(b"x")


def test_a_reading_function_may_be_async() -> None:
    async def perform(buffer: memoryview, offset: int, length: int) -> int:
        await lwt.pause()
        buffer[offset : offset + 3] = b"abc"
        return 3

    channel = lwt_io.make(perform, mode=lwt_io.Input)
    assert lwt_main.run(lwt_io.read(channel, count=10)) == b"abc"


@pytest.mark.parametrize("count", [-1, 65, "3", None])
def test_a_count_that_a_reading_function_cannot_mean_is_a_failure(count: object) -> None:
    def perform(buffer: memoryview, offset: int, length: int) -> lwt.Promise[int]:
        return lwt.return_(count)  # type: ignore[arg-type]  # what the test is about

    channel = lwt_io.make(perform, mode=lwt_io.Input, buffer=memoryview(bytearray(64)))
    for promise in (lwt_io.read_char(channel), lwt_io.read(channel)):
        with pytest.raises(lwt.Failure, match=r"Lwt_io\.perform_io: invalid result of the \[read"):
            lwt_main.run(promise)
    assert not lwt_io.is_busy(channel)


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
        with pytest.raises(ValueError, match=r"Lwt_io\.read: count is -1"):
            lwt_io.read(channel, count=-1)
        assert not lwt_io.is_busy(channel)


INTO = [lwt_io.read_into, lwt_io.read_into_bigstring]
INTO_EXACTLY = [lwt_io.read_into_exactly, lwt_io.read_into_exactly_bigstring]


class TestReadInto:
    @pytest.mark.parametrize("read_into", INTO)
    def test_fills_the_range_and_says_how_much(
        self, read_into: Callable[..., lwt.Promise[int]]
    ) -> None:
        channel = input_of(b"abc")
        target = bytearray(b"......")
        assert lwt_main.run(read_into(channel, target, 1, 2)) == 2
        assert target == b".ab..."
        assert lwt_main.run(read_into(channel, target, 3, 3)) == 1
        assert target == b".abc.."
        assert lwt_main.run(read_into(channel, target, 0, 3)) == 0

    @pytest.mark.parametrize("read_into", INTO)
    def test_a_length_of_zero_reads_nothing(
        self, read_into: Callable[..., lwt.Promise[int]]
    ) -> None:
        source = Source()
        assert lwt.state(read_into(source.channel, bytearray(2), 2, 0)) == lwt.Return(0)
        assert not source.is_being_read

    @pytest.mark.parametrize("read_into", INTO_EXACTLY)
    def test_exactly_goes_on_until_all_is_there(
        self, read_into: Callable[..., lwt.Promise[None]]
    ) -> None:
        channel = input_of(b"ab", b"cd", b"ef", pauses=True)
        target = bytearray(b"......")
        assert lwt_main.run(read_into(channel, target, 1, 5)) is None
        assert target == b".abcde"
        assert lwt_main.run(lwt_io.read_char(channel)) == b"f"

    @pytest.mark.parametrize("read_into", INTO_EXACTLY)
    def test_exactly_rejects_with_end_of_file(
        self, read_into: Callable[..., lwt.Promise[None]]
    ) -> None:
        with pytest.raises(EOFError):
            lwt_main.run(read_into(input_of(b"ab"), bytearray(3), 0, 3))

    @pytest.mark.parametrize("read_into", [*INTO, *INTO_EXACTLY])
    @pytest.mark.parametrize(("offset", "length"), [(-1, 1), (0, -1), (0, 4), (2, 2), (4, 0)])
    def test_a_range_outside_the_buffer_is_rejected_and_nothing_is_read(
        self, read_into: Callable[..., lwt.Promise[object]], offset: int, length: int
    ) -> None:
        channel = input_of(b"abc")
        lwt_main.run(lwt_io.read(channel, count=0))
        target = bytearray(3)
        state = lwt.state(read_into(channel, target, offset, length))
        assert isinstance(state, lwt.Fail)
        assert isinstance(state.exception, ValueError)
        assert str(state.exception).startswith("Lwt_io.read_into")
        assert (target, lwt_io.buffered(channel)) == (bytearray(3), 3)

    def test_any_writable_buffer_will_do(self) -> None:
        import array  # noqa: PLC0415 - for this test alone

        target = array.array("H", [0, 0])
        lwt_main.run(lwt_io.read_into_exactly(input_of(b"abcd"), target, 0, 4))
        assert target.tobytes() == b"abcd"

    def test_a_read_only_buffer_is_refused_at_the_call(self) -> None:
        with pytest.raises(TypeError, match="read-only"):
            lwt_io.read_into(input_of(b"abc"), b"...", 0, 3)


def test_an_output_channel_cannot_be_read() -> None:
    with pytest.raises(TypeError, match=r"lwt_io\.read_line: .* is not an input channel"):
        lwt_io.read_line(lwt_io.null)  # type: ignore[arg-type]  # what the test is about


@pytest.mark.slow
def test_a_line_of_100_megabytes_costs_no_more_than_its_bytes() -> None:
    block = b"x" * 65536
    remaining = 100_000_000

    def perform(buffer: memoryview, offset: int, length: int) -> lwt.Promise[int]:
        nonlocal remaining
        count = min(length, remaining)
        buffer[offset : offset + count] = block[:count]
        remaining -= count
        return lwt.return_(count)

    channel = lwt_io.make(perform, mode=lwt_io.Input, buffer=memoryview(bytearray(65536)))
    assert len(lwt_main.run(lwt_io.read_line(channel))) == 100_000_000


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
