"""What is done at once on a channel that nobody uses: taking what is read ahead, and writing into the buffer.

Most operations find in the buffer what they need, and make no coroutine. They come here first, and
go on to `exclusively` (`_turns`) if this does not work.

While an operation here makes objects, a finaliser may run (see the guide of `lwt._core`), and use
the channel. So each function first makes what it needs, then looks whether the channel is still
as it was, and only then writes, without making anything. `position` and `offset` tell whether
something was taken, written or transferred meanwhile.

OCaml: Lwt_io.Primitives (src/unix/lwt_io.ml).
"""

from __future__ import annotations

from typing import Final

from lwt_unix.lwt_io._taking import CARRIAGE_RETURN, CHARACTERS, UNLIMITED, search_newline
from lwt_unix.lwt_io._turns import IDLE, Channel, request_flush

# --- Taking ------------------------------------------------------------------


def take_line(channel: Channel, limit: int = UNLIMITED) -> bytes | None:
    """Take a line, if a whole one of at most `limit` bytes is read ahead."""
    if channel._state is not IDLE:
        return None
    buffer = channel._buffer
    start = buffer.position
    offset = buffer.offset
    found = search_newline(buffer.memory, start, buffer.limit)
    if found is None:
        return None
    newline = end = found.start()
    if end > start and buffer.memory[end - 1] == CARRIAGE_RETURN:
        end -= 1
    if end - start > limit:
        return None
    line = buffer.memory[start:end].tobytes()
    if (
        channel._state is IDLE
        and buffer.at_once > 0
        and buffer.position == start
        and buffer.offset == offset
    ):
        buffer.position = newline + 1
        buffer.at_once -= 1
        return line
    return None


def take_char(channel: Channel) -> bytes | None:
    """Take one byte, if there is one."""
    buffer = channel._buffer
    # Nothing that the collector tracks is made from here on.
    position = buffer.position
    if channel._state is IDLE and buffer.at_once > 0 and position < buffer.limit:
        buffer.position = position + 1
        buffer.at_once -= 1
        return CHARACTERS[buffer.memory[position]]
    return None


def take_some(channel: Channel, count: int) -> bytes | None:
    """Take at most `count` bytes of what is read ahead, if something is."""
    buffer = channel._buffer
    start = buffer.position
    offset = buffer.offset
    end = min(start + count, buffer.limit)
    data = buffer.memory[start:end].tobytes()
    if (
        channel._state is IDLE
        and buffer.at_once > 0
        and buffer.position == start < buffer.limit
        and buffer.offset == offset
    ):
        buffer.position = end
        buffer.at_once -= 1
        return data
    return None


def take_into(channel: Channel, target: memoryview, offset: int, length: int) -> int:
    """Take at most `length` bytes of what is read ahead; return how many."""
    data = take_some(channel, length)
    if data is None:
        return 0
    target[offset : offset + len(data)] = data
    return len(data)


# --- Writing -----------------------------------------------------------------

NEWLINE: Final = 10


def put(channel: Channel, data: bytes | memoryview) -> bool:
    """Put all of `data` into the buffer, or nothing if there is not enough room."""
    buffer = channel._buffer
    start = buffer.position
    end = start + len(data)
    part = slice(start, end)
    if channel._state is not IDLE or buffer.position != start or end > buffer.size:
        return False
    buffer.memory[part] = data
    buffer.position = end
    if not buffer.auto_flushing:
        request_flush(channel)
    return True


def put_line(channel: Channel, line: bytes | memoryview) -> bool:
    """Put all of `line` and a newline into the buffer, or nothing if there is not enough room."""
    buffer = channel._buffer
    start = buffer.position
    end = start + len(line)
    part = slice(start, end)
    if channel._state is not IDLE or buffer.position != start or end >= buffer.size:
        return False
    buffer.memory[part] = line
    buffer.memory[end] = NEWLINE
    buffer.position = end + 1
    if not buffer.auto_flushing:
        request_flush(channel)
    return True
