"""Reading from a channel's buffer, for an operation that has the channel to itself.

Each coroutine here is an operation of an input channel without its locking: `_turns`
runs it when it is its turn, and `_reading` has the functions that users call. What was
taken from the buffer is lost if the operation fails later, as in OCaml.

Every byte of a line is searched once and copied once. What is read ahead is searched in
the buffer, without a copy. A line that is longer than the buffer is collected in pieces.

A `limit` is how many bytes a line may have. What decides whether a line is too long are its
bytes, and not how they come: a line is refused when one byte too many is there, and exactly
`limit` bytes are taken then. So no more than them is ever collected.

OCaml: Lwt_io.Primitives, reading (src/unix/lwt_io.ml).
"""

from __future__ import annotations

import re
import sys
from typing import Final

import lwt
from lwt_unix._descriptors.buffers import check_range
from lwt_unix.lwt_io._buffer import ChannelBuffer

CARRIAGE_RETURN: Final = 13

# A memoryview has no `find`; a pattern searches it without a copy.
search_newline: Final = re.compile(b"\n").search

CHARACTERS: Final = tuple(bytes((code,)) for code in range(256))
"""Every byte as `bytes` of length 1."""

UNLIMITED: Final = sys.maxsize
"""The limit of lines that may have any length."""


class Line_too_long(Exception):
    """A line has more bytes than its reader allowed: its argument, `limit`.

    The channel can be used as before. The first `limit` bytes of the line are lost, and what
    comes after them is read next. So the rest of the line looks like a line of its own.
    """

    def __init__(self, limit: int, /) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return f"a line has more than {self.limit} bytes"


def end_of_input(function: str) -> EOFError:
    """Make the exception of a function that wanted more than there was."""
    return EOFError(f"{function}: end of input")


def take_line_within(buffer: ChannelBuffer, limit: int) -> bytes | None:
    """Take a line, if a whole one of at most `limit` bytes is in the buffer."""
    start = buffer.position
    found = search_newline(buffer.memory, start, buffer.limit)
    if found is None:
        return None
    newline = end = found.start()
    if end > start and buffer.memory[end - 1] == CARRIAGE_RETURN:
        end -= 1
    if end - start > limit:
        return None
    buffer.position = newline + 1
    buffer.at_once -= 1
    return buffer.memory[start:end].tobytes()


def take_char(buffer: ChannelBuffer) -> bytes | None:
    """Take one byte, if there is one."""
    position = buffer.position
    if position == buffer.limit:
        return None
    buffer.position = position + 1
    buffer.at_once -= 1
    return CHARACTERS[buffer.memory[position]]


def take_some(buffer: ChannelBuffer, count: int) -> bytes:
    """Take at most `count` bytes of what is read ahead."""
    start = buffer.position
    end = start + count
    end = min(end, buffer.limit)
    buffer.position = end
    buffer.at_once -= 1
    return buffer.memory[start:end].tobytes()


def take_into(buffer: ChannelBuffer, target: memoryview, offset: int, length: int) -> int:
    """Take at most `length` bytes of what is read ahead; return how many."""
    start = buffer.position
    count = min(length, buffer.limit - start)
    target[offset : offset + count] = buffer.memory[start : start + count]
    buffer.position = start + count
    buffer.at_once -= 1
    return count


def take_rest(buffer: ChannelBuffer) -> bytes:
    """Take all that is read ahead."""
    data = buffer.memory[buffer.position : buffer.limit].tobytes()
    buffer.position = buffer.limit
    return data


async def read_line(buffer: ChannelBuffer, limit: int = UNLIMITED) -> bytes:
    pieces: list[bytes] = []
    room = limit
    while True:
        if pieces and limit == UNLIMITED:
            found = search_newline(buffer.memory, buffer.position, buffer.limit)
            if found is not None:
                pieces.append(take_some(buffer, found.start() - buffer.position))
                buffer.position += 1
                line = b"".join(pieces)
                return line[:-1] if line.endswith(b"\r") else line
        else:
            line_within = take_line_within(buffer, room)
            if line_within is not None:
                return b"".join((*pieces, line_within)) if pieces else line_within
        # All that is read ahead belongs to the line; but a carriage return at the end may turn
        # out to be half of the line's end. It is taken, as in OCaml, unless it might be too much.
        start, end = buffer.position, buffer.limit
        if limit < UNLIMITED and end > start and buffer.memory[end - 1] == CARRIAGE_RETURN:
            end -= 1
        if end - start > room:
            buffer.position += room
            raise Line_too_long(limit)
        if end > start:
            pieces.append(take_some(buffer, end - start))
            room -= end - start
        if await buffer.perform_io() == 0:
            break
    # The last line has no end. If a carriage return is left, it belongs to the line.
    if buffer.limit - buffer.position > room:
        raise Line_too_long(limit)
    pieces.append(take_rest(buffer))
    line = b"".join(pieces)
    if not line:
        raise end_of_input("lwt_io.read_line")
    return line


async def read_line_opt(buffer: ChannelBuffer, limit: int = UNLIMITED) -> lwt.Some[bytes] | None:
    try:
        return lwt.Some(await read_line(buffer, limit))
    except EOFError:
        return None


async def read_char(buffer: ChannelBuffer) -> bytes:
    while True:
        char = take_char(buffer)
        if char is not None:
            return char
        if await buffer.perform_io() == 0:
            raise end_of_input("lwt_io.read_char")


async def read_char_opt(buffer: ChannelBuffer) -> lwt.Some[bytes] | None:
    try:
        return lwt.Some(await read_char(buffer))
    except EOFError:
        return None


async def read_all(buffer: ChannelBuffer) -> bytes:
    pieces = [take_rest(buffer)]
    while await buffer.perform_io() != 0:
        pieces.append(take_rest(buffer))
    return b"".join(pieces)


async def read_some(buffer: ChannelBuffer, count: int) -> bytes:
    # One transfer at most, and also for a count of 0 if nothing is read ahead.
    if buffer.position == buffer.limit:
        await buffer.perform_io()
    return take_some(buffer, count)


async def read_into(
    buffer: ChannelBuffer, function: str, target: memoryview, offset: int, length: int
) -> int:
    check_range(function, offset, length, len(target))
    if length == 0:
        return 0
    return await _read_into(buffer, target, offset, length)


async def _read_into(buffer: ChannelBuffer, target: memoryview, offset: int, length: int) -> int:
    if buffer.position == buffer.limit:
        await buffer.perform_io()
    return take_into(buffer, target, offset, length)


async def read_into_exactly(
    buffer: ChannelBuffer, function: str, target: memoryview, offset: int, length: int
) -> None:
    check_range(function, offset, length, len(target))
    while length > 0:
        count = await _read_into(buffer, target, offset, length)
        if count == 0:
            raise end_of_input(function)
        offset += count
        length -= count


async def take_block(buffer: ChannelBuffer, size: int) -> int:
    """Wait until `size` bytes are read ahead, take them, and return where they lie."""
    while buffer.limit - buffer.position < size:
        if await buffer.perform_io() == 0:
            raise end_of_input("lwt_io.block")
    start = buffer.position
    buffer.position = start + size
    buffer.at_once -= 1
    return start
