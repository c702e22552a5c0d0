"""Writing into a channel's buffer, for an operation that has the channel to itself.

The counterpart of `_taking`: operations without their locking. The buffer is
written out only when it is full, so that small writes make few system calls.

OCaml: Lwt_io.Primitives, writing (src/unix/lwt_io.ml).
"""

from __future__ import annotations

from lwt_unix._descriptors.buffers import check_range
from lwt_unix.lwt_io._buffer import ChannelBuffer


def put(buffer: ChannelBuffer, data: bytes | memoryview) -> bool:
    """Put all of `data` into the buffer, or nothing if there is not enough room."""
    start = buffer.position
    end = start + len(data)
    if end > buffer.size:
        return False
    buffer.memory[start:end] = data
    buffer.position = end
    return True


async def write_some(buffer: ChannelBuffer, data: memoryview) -> int:
    """Write until all is in the buffer, or until writing out stops half-way.

    Returns how many bytes of `data` were taken.
    """
    taken = 0
    while not put(buffer, data[taken:]):
        room = buffer.size - buffer.position
        buffer.memory[buffer.position :] = data[taken : taken + room]
        buffer.position = buffer.size
        taken += room
        await buffer.perform_io()
        if buffer.position > 0:
            return taken
    return len(data)


async def write(buffer: ChannelBuffer, data: memoryview) -> None:
    while len(data) > 0:
        data = data[await write_some(buffer, data) :]


async def write_line(buffer: ChannelBuffer, line: memoryview) -> None:
    await write(buffer, line)
    await write_char(buffer, b"\n")


async def write_char(buffer: ChannelBuffer, char: bytes) -> None:
    while not put(buffer, char):
        await buffer.perform_io()


async def write_from(
    buffer: ChannelBuffer, function: str, source: memoryview, offset: int, length: int
) -> int:
    check_range(function, offset, length, len(source))
    if length == 0:
        return 0
    return await write_some(buffer, source[offset : offset + length])


async def write_from_exactly(
    buffer: ChannelBuffer, function: str, source: memoryview, offset: int, length: int
) -> None:
    check_range(function, offset, length, len(source))
    await write(buffer, source[offset : offset + length])


async def take_block(buffer: ChannelBuffer, size: int) -> int:
    """Wait until there is room for `size` bytes, take it, and return where it lies."""
    while buffer.limit - buffer.position < size:
        await buffer.perform_io()
    start = buffer.position
    buffer.position = start + size
    return start
