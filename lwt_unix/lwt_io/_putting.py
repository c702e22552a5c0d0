"""Writing into a channel's buffer: what has room at once, and the operations that may have to wait.

The counterpart of `_taking`. The buffer is written out only when it is full, so that small writes make few
system calls.

OCaml: Lwt_io.Primitives, writing (src/unix/lwt_io.ml).
"""

from __future__ import annotations

from typing import Any, Final, final

from lwt_unix.lwt_io._buffer import NOT_NOW, ChannelBuffer
from lwt_unix.lwt_io._operation import MORE, Operation, request_flush
from lwt_unix.lwt_io._turns import IDLE, Channel

LEAST_PAST_THE_BUFFER: Final = 4096
"""The least number of bytes that are written from where they are, and not through the buffer.

The system has room for fewer bytes if they come in many small pieces. So with a small buffer it is not the
same whether they go through it."""


def put_in(buffer: ChannelBuffer, data: bytes | memoryview) -> bool:
    """Put all of `data` into the buffer, or nothing if there is not enough room."""
    if len(buffer.unwritten) + len(data) > buffer.size:
        return False
    buffer.unwritten += data
    return True


def put(channel: Channel, data: bytes | memoryview) -> bool:
    """Put all of `data` into the buffer of an idle channel, or nothing."""
    buffer = channel._buffer
    unwritten = buffer.unwritten
    if len(unwritten) + len(data) > buffer.size or channel._state is not IDLE:
        return False
    unwritten += data
    if not buffer.auto_flushing:
        request_flush(channel)
    return True


def put_line(channel: Channel, line: bytes | memoryview) -> bool:
    """Put all of `line` and a newline into the buffer of an idle channel, or nothing."""
    buffer = channel._buffer
    unwritten = buffer.unwritten
    if len(unwritten) + len(line) >= buffer.size or channel._state is not IDLE:
        return False
    unwritten += line
    unwritten += b"\n"
    if not buffer.auto_flushing:
        request_flush(channel)
    return True


class Write(Operation):
    """Writes all of some data."""

    __slots__ = ("_rest",)

    def __init__(self, channel: Channel, function: str, data: bytes | memoryview) -> None:
        super().__init__(channel, function)
        self._rest = memoryview(data)

    def step(self) -> Any:
        if put_in(self.buffer, self._rest):
            return None
        buffer = self.buffer
        if buffer.unwritten or not buffer.is_direct() or self._past_the_buffer() == 0:
            self._fill()
        return MORE

    def _past_the_buffer(self) -> int:
        """Return how many bytes to write past the buffer, when that is empty."""
        # OCaml writes a whole buffer again and again; what fits into one then stays there.
        size = self.buffer.size
        length = (len(self._rest) - 1) // size * size
        return length if length >= LEAST_PAST_THE_BUFFER else 0

    def _fill(self) -> None:
        """Put into the buffer what has room."""
        buffer = self.buffer
        room = buffer.size - len(buffer.unwritten)
        buffer.unwritten += self._rest[:room]
        self._rest = self._rest[room:]

    def move(self, is_reported: bool) -> int:
        buffer = self.buffer
        if buffer.unwritten:
            return buffer.write_now()
        length = self._past_the_buffer()
        try:
            count = buffer.write_from_now(self._rest[:length])
        except OSError:
            self._fill()
            raise
        if count > 0:
            self._rest = self._rest[count:]
        if count < length and len(self._rest) > buffer.size:
            self._fill()
            return min(count, NOT_NOW)
        return count


@final
class WriteFrom(Write):
    """Writes until all is in the buffer, or until writing out stops half-way."""

    __slots__ = ("_has_filled", "_length")

    def __init__(self, channel: Channel, function: str, data: bytes | memoryview) -> None:
        super().__init__(channel, function, data)
        self._length = len(data)
        self._has_filled = False

    def step(self) -> Any:
        if self._has_filled and self.buffer.unwritten:
            return self._length - len(self._rest)
        if put_in(self.buffer, self._rest):
            return self._length
        self._fill()
        self._has_filled = True
        return MORE

    def move(self, is_reported: bool) -> int:
        return self.buffer.write_now()


async def take_block(buffer: ChannelBuffer, size: int) -> int:
    """Wait until there is room for `size` bytes, take it, and return where it lies."""
    while buffer.size - len(buffer.unwritten) < size:
        await buffer.perform_io()
    start = len(buffer.unwritten)
    buffer.unwritten += bytes(size)
    return start
