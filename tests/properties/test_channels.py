"""Channels against plain bytes: whatever the pieces in which data come and go."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

import lwt
from lwt_unix import lwt_io, lwt_main

# Many line ends, so that they fall on every border of a piece or buffer.
data = st.lists(st.sampled_from([b"\n", b"\r", b"\r\n", b"a", b"bc", b"x" * 20]), max_size=40).map(
    b"".join
)
pieces = st.lists(st.integers(1, 30), min_size=1, max_size=10)
buffer_sizes = st.sampled_from([16, 17, 64])
operations = st.lists(
    st.one_of(
        st.just(("read_line", 0)),
        st.tuples(st.just("read_line within"), st.integers(1, 40)),
        st.just(("read_char", 0)),
        st.tuples(st.just("read_into_exactly"), st.integers(0, 40)),
        st.tuples(st.just("atomic pair of lines"), st.just(0)),
    ),
    max_size=30,
)


def input_in_pieces(
    source: bytes, sizes: list[int], pauses: list[bool], buffer_size: int
) -> lwt_io.InputChannel:
    """A channel that reads `source` in pieces of the given sizes, over and over."""
    position = calls = 0

    def perform(buffer: memoryview, offset: int, length: int) -> lwt.Promise[int]:
        nonlocal position, calls
        piece = source[position : position + min(length, sizes[calls % len(sizes)])]
        waits = pauses[calls % len(pauses)]
        calls += 1
        position += len(piece)
        buffer[offset : offset + len(piece)] = piece
        return lwt.map(lambda _: len(piece), lwt.pause()) if waits else lwt.return_(len(piece))

    return lwt_io.make(perform, mode=lwt_io.Input, buffer=memoryview(bytearray(buffer_size)))


class Model:
    """What the reading functions are to give, by slicing."""

    def __init__(self, rest: bytes) -> None:
        self.rest = rest

    def read_line(self) -> bytes | None:
        if not self.rest:
            return None
        line, newline, self.rest = self.rest.partition(b"\n")
        return line.removesuffix(b"\r") if newline else line

    def read_line_within(self, limit: int) -> bytes | str | None:
        before = self.rest
        line = self.read_line()
        if line is not None and len(line) > limit:
            self.rest = before[limit:]
            return f"more than {limit}"
        return line

    def read_exactly(self, count: int) -> bytes | None:
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken if len(taken) == count else None

    def do(self, name: str, count: int) -> object:
        if name == "read_line":
            return self.read_line()
        if name == "read_line within":
            return self.read_line_within(count)
        if name == "read_char":
            return self.read_exactly(1)
        if name == "read_into_exactly":
            return self.read_exactly(count)
        first = self.read_line()
        return None if first is None or (second := self.read_line()) is None else (first, second)


async def pair_of_lines(channel: lwt_io.InputChannel) -> tuple[bytes, bytes]:
    return await lwt_io.read_line(channel), await lwt_io.read_line(channel)


async def do(channel: lwt_io.InputChannel, name: str, count: int) -> object:
    try:
        if name == "read_line":
            return await lwt_io.read_line(channel)
        if name == "read_line within":
            return await lwt_io.read_line(channel, limit=count)
        if name == "read_char":
            return await lwt_io.read_char(channel)
        if name == "read_into_exactly":
            target = bytearray(count)
            await lwt_io.read_into_exactly(channel, target, 0, count)
            return bytes(target)
        return await lwt_io.atomic(pair_of_lines)(channel)
    except EOFError:
        return None
    except lwt_io.Line_too_long as exn:
        return f"more than {exn.limit}"


@given(data, pieces, st.lists(st.booleans(), min_size=1), buffer_sizes, operations)
def test_operations_asked_for_at_once_give_what_they_give_one_after_the_other(
    source: bytes,
    sizes: list[int],
    pauses: list[bool],
    buffer_size: int,
    wanted: list[tuple[str, int]],
) -> None:
    channel = input_in_pieces(source, sizes, pauses, buffer_size)
    model = Model(source)

    async def run() -> list[object]:
        results = [lwt.of_coroutine(do(channel, *operation)) for operation in wanted]
        return await lwt.all(results)

    assert lwt_main.run(run()) == [model.do(*operation) for operation in wanted]
    assert not lwt_io.is_busy(channel)
    assert lwt_main.run(lwt_io.read(channel)) == model.rest
    assert lwt_io.position(channel) == len(source)


@given(
    st.lists(st.tuples(st.binary(max_size=50), st.booleans()), max_size=30),
    pieces,
    st.lists(st.booleans(), min_size=1),
    buffer_sizes,
)
def test_what_is_written_at_once_arrives_whole_and_in_order(
    writes: list[tuple[bytes, bool]], sizes: list[int], pauses: list[bool], buffer_size: int
) -> None:
    arrived = bytearray()
    calls = 0

    def perform(buffer: memoryview, offset: int, length: int) -> lwt.Promise[int]:
        nonlocal calls
        count = min(length, sizes[calls % len(sizes)])
        waits = pauses[calls % len(pauses)]
        calls += 1
        arrived.extend(buffer[offset : offset + count])
        return lwt.map(lambda _: count, lwt.pause()) if waits else lwt.return_(count)

    channel = lwt_io.make(perform, mode=lwt_io.Output, buffer=memoryview(bytearray(buffer_size)))

    async def run() -> None:
        await lwt.join(
            [
                lwt_io.write_line(channel, text) if line else lwt_io.write(channel, text)
                for text, line in writes
            ]
        )
        await lwt_io.close(channel)

    lwt_main.run(run())
    expected = b"".join(text + b"\n" if line else text for text, line in writes)
    assert arrived == expected
    assert lwt_io.position(channel) == len(expected)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["read_line", "read_char", "cancel", "give", "abort"]), st.binary()
        ),
        max_size=40,
    )
)
def test_every_operation_ends_when_the_channel_is_aborted(steps: list[tuple[str, bytes]]) -> None:
    waiting: list[lwt.Resolver[int]] = []

    def perform(buffer: memoryview, offset: int, length: int) -> lwt.Promise[int]:
        promise, resolver = lwt.task()
        waiting.append(resolver)
        return promise

    channel = lwt_io.make(perform, mode=lwt_io.Input)
    results: list[lwt.Promise[bytes]] = []
    for name, chosen in steps:
        if name == "read_line":
            results.append(lwt_io.read_line(channel))
        elif name == "read_char":
            results.append(lwt_io.read_char(channel))
        elif name == "abort":
            lwt_io.abort(channel)
        elif name == "cancel" and results:
            lwt.cancel(results[len(chosen) % len(results)])
        elif name == "give" and waiting and lwt_io.is_busy(channel):
            lwt.wakeup(waiting.pop(), 1)
        waiting[:-1] = []  # only the last transfer can still go on
    lwt_io.abort(channel)
    assert not any(map(lwt.is_sleeping, results))
    assert lwt_io.is_closed(channel)
