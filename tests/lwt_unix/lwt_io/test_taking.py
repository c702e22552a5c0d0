"""Taking from the buffer of a channel: lines, however they come, and parts of other buffers."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import pytest

import lwt
from lwt import lwt_stream
from lwt_unix import lwt_io, lwt_main
from tests.support.channels import Source, input_of

pytestmark = pytest.mark.real_only("nearly all of these meet no descriptor")

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
            with pytest.raises(EOFError, match=r"^lwt_io\.read_line: end"):
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


LIMITED = [
    pytest.param(b"abc\n", [b"abc"], id="as long as the limit"),
    pytest.param(b"abc\r\n", [b"abc"], id="a line end of two bytes does not count"),
    pytest.param(b"abc", [b"abc"], id="no end of the last line"),
    pytest.param(b"abcd\n", [3, b"d"], id="one byte too many"),
    pytest.param(b"abc\rd\n", [3, b"\rd"], id="a carriage return inside counts"),
    pytest.param(b"abc\r\r\n", [3, b"\r"], id="of two carriage returns one counts"),
    pytest.param(b"abc\r", [3, b"\r"], id="one at the end of input counts"),
    pytest.param(b"abcd", [3, b"d"], id="too long and without an end"),
    pytest.param(b"abcdefgh\nij\n", [3, 3, b"gh", b"ij"], id="the end comes later"),
    pytest.param(b"abcdef\nij\n", [3, b"def", b"ij"], id="the rest is as long as the limit"),
    pytest.param(b"a\n\nabcd\n\n", [b"a", b"", 3, b"d", b""], id="among others"),
]


@pytest.mark.parametrize(
    "channel_of", [whole, byte_by_byte, byte_by_byte_with_pauses, in_a_small_buffer]
)
class TestLimit:
    """A limit of three bytes: a number stands for `Line_too_long` with it."""

    @pytest.mark.parametrize(("data", "lines"), LIMITED)
    def test_a_longer_line_is_refused_and_its_rest_is_read_next(
        self,
        channel_of: Callable[[bytes], lwt_io.InputChannel],
        data: bytes,
        lines: list[bytes | int],
    ) -> None:
        async def read(channel: lwt_io.InputChannel) -> bytes | int | None:
            try:
                return await lwt_io.read_line(channel, limit=3)
            except lwt_io.Line_too_long as exn:
                return exn.limit

        async def read_opt(channel: lwt_io.InputChannel) -> bytes | int | None:
            try:
                line = await lwt_io.read_line_opt(channel, limit=3)
            except lwt_io.Line_too_long as exn:
                return exn.limit
            return None if line is None else line.value

        first, second = channel_of(data), channel_of(data)
        assert [lwt_main.run(read(first)) for _ in lines] == lines
        assert [lwt_main.run(read_opt(second)) for _ in lines] == lines
        with pytest.raises(EOFError):
            lwt_main.run(read(first))
        assert lwt_main.run(read_opt(second)) is None

    @pytest.mark.parametrize(("data", "lines"), LIMITED)
    def test_a_stream_of_lines_goes_on_after_one_that_is_too_long(
        self,
        channel_of: Callable[[bytes], lwt_io.InputChannel],
        data: bytes,
        lines: list[bytes | int],
    ) -> None:
        async def read() -> list[bytes | int]:
            stream = lwt_io.read_lines(channel_of(data), limit=3)
            found: list[bytes | int] = []
            while True:
                try:
                    line = await lwt_stream.get(stream)
                except lwt_io.Line_too_long as exn:
                    found.append(exn.limit)
                    continue
                if line is None:
                    return found
                found.append(line.value)

        assert lwt_main.run(read()) == lines

    @pytest.mark.parametrize("length", [15, 16, 17, 31, 32, 33, 40])
    def test_a_limit_may_be_more_than_the_buffer_holds(
        self, channel_of: Callable[[bytes], lwt_io.InputChannel], length: int
    ) -> None:
        async def read() -> bytes:
            channel = channel_of(b"x" * (length + 1) + b"y\r\n" + b"z" * length + b"\r\n")
            with pytest.raises(lwt_io.Line_too_long):
                await lwt_io.read_line(channel, limit=length)
            assert await lwt_io.read_line(channel, limit=2) == b"xy"
            return await lwt_io.read_line(channel, limit=length)

        assert lwt_main.run(read()) == b"z" * length


def test_a_line_is_refused_as_soon_as_one_byte_too_many_is_there() -> None:
    source = Source()
    line = lwt_io.read_line(source.channel, limit=3)
    source.give(b"ab")
    assert lwt.is_sleeping(line)
    source.give(b"c\r")  # this may be half of a line end
    assert lwt.is_sleeping(line)
    source.give(b"d")
    assert lwt.state(line) == lwt.Fail(lwt_io.Line_too_long(3))
    assert not lwt_io.is_busy(source.channel)
    assert lwt_main.run(lwt_io.read(source.channel, count=9)) == b"\rd"


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


@pytest.mark.no_cover
def test_20_megabytes_without_a_line_end_take_no_more_memory_than_the_limit() -> None:
    limit, given = 100_000, 0

    def perform(buffer: memoryview, offset: int, length: int) -> lwt.Promise[int]:
        nonlocal given
        buffer[offset : offset + length] = b"x" * length
        given += length
        return lwt.return_(length)

    async def skip() -> None:
        channel = lwt_io.make(perform, mode=lwt_io.Input, buffer=memoryview(bytearray(16_384)))
        for refused in range(1, 201):
            try:
                await lwt_io.read_line(channel, limit=limit)
            except lwt_io.Line_too_long:
                assert lwt_io.position(channel) == refused * limit
                assert given <= refused * limit + 16_384  # what it reads ahead

    tracemalloc.start()
    try:
        lwt_main.run(skip())
        assert given >= 20_000_000
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_a_carriage_return_that_may_be_half_of_the_end_of_a_line_is_taken_from_the_buffer() -> None:
    ic, oc = lwt_io.pipe()
    line = lwt_io.read_line(ic)
    lwt_main.run(lwt_io.write(oc, "ab\r"))
    lwt_main.run(lwt_io.flush(oc))
    lwt_main.run(lwt.pause())
    assert (lwt_io.position(ic), lwt_io.buffered(ic), lwt.is_sleeping(line)) == (3, 0, True)
    lwt_main.run(lwt_io.write(oc, "\n"))
    lwt_main.run(lwt_io.flush(oc))
    assert lwt_main.run(line) == b"ab"
    for channel in (ic, oc):
        lwt_main.run(lwt_io.close(channel))
