"""Reading from a channel's buffer: what is taken at once, and the operations that may have to wait.

The functions take what is read ahead. They are called for an operation that has the channel to itself
(`BUSY`), and also at once on a channel that nobody uses (`IDLE`): most operations find in the buffer
what they need, and are over before they have begun. While a function makes an object, a finaliser may run
(see the guide of `lwt._core`), and use the channel. So it first makes what it needs, then looks whether
the channel is as it was, and only then writes. `position` and `ahead` tell whether something was taken
or transferred meanwhile.

What was taken from the buffer is lost if the operation fails later, as in OCaml.

Every byte of a line is searched once and copied once. A line that is longer than the buffer is collected in pieces.

A `limit` is how many bytes a line may have. What decides whether a line is too long are its
bytes, and not how they come: a line is refused when one byte too many is there, and exactly
`limit` bytes are taken then. So no more than them is ever collected.

OCaml: Lwt_io.Primitives, reading (src/unix/lwt_io.ml).
"""

from __future__ import annotations

import sys
from typing import Any, Final, final

import lwt
from lwt._core.compiling import mypyc_attr
from lwt._core.promise import FULFILLED, Promise, settle
from lwt._core.resolution import run_callbacks
from lwt_unix._descriptors.emptied import emptied
from lwt_unix.lwt_io._buffer import NOT_NOW, ChannelBuffer
from lwt_unix.lwt_io._operation import MORE, Operation
from lwt_unix.lwt_io._turns import IDLE, Channel, release

CARRIAGE_RETURN: Final = 13

CHARACTERS: Final = tuple(bytes((code,)) for code in range(256))
"""Every byte as `bytes` of length 1."""

UNLIMITED: Final = sys.maxsize
"""The limit of lines that may have any length."""


@mypyc_attr(native_class=False)
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


# --- What is read ahead -------------------------------------------------------


def take_line(channel: Channel, idle: bool, limit: int = UNLIMITED) -> bytes | None:
    """Take a line, if a whole one of at most `limit` bytes is read ahead."""
    buffer = channel._buffer
    ahead = buffer.ahead
    start = buffer.position
    newline = end = ahead.find(b"\n", start)
    if end < 0:
        return None
    if end > start and ahead[end - 1] == CARRIAGE_RETURN:
        end -= 1
    if end - start > limit:
        return None
    line = ahead[start:end]
    if buffer.position != start or buffer.ahead is not ahead:
        return None
    if idle:
        if buffer.at_once == 0 or channel._state is not IDLE:
            return None
        buffer.at_once -= 1
    buffer.position = newline + 1
    return line


def take_char(channel: Channel, idle: bool) -> bytes | None:
    """Take one byte, if there is one."""
    buffer = channel._buffer
    # Nothing that the collector tracks is made from here on.
    ahead, position = buffer.ahead, buffer.position
    if position == len(ahead):
        return None
    if idle:
        if buffer.at_once == 0 or channel._state is not IDLE:
            return None
        buffer.at_once -= 1
    buffer.position = position + 1
    return CHARACTERS[ahead[position]]


def take_some(channel: Channel, idle: bool, count: int) -> bytes | None:
    """Take at most `count` bytes of what is read ahead, if something is."""
    buffer = channel._buffer
    ahead = buffer.ahead
    start = buffer.position
    if start == len(ahead):
        return None
    data = ahead[start : start + count]
    if buffer.position != start or buffer.ahead is not ahead:
        return None
    if idle:
        if buffer.at_once == 0 or channel._state is not IDLE:
            return None
        buffer.at_once -= 1
    buffer.position = start + len(data)
    return data


def take_into(channel: Channel, idle: bool, target: memoryview, offset: int, length: int) -> int:
    """Take at most `length` bytes of what is read ahead; return how many."""
    data = take_some(channel, idle, length)
    if data is None:
        return 0
    target[offset : offset + len(data)] = data
    return len(data)


def _take_rest(buffer: ChannelBuffer) -> bytes:
    """Take all that is read ahead."""
    data = buffer.ahead[buffer.position :]
    buffer.position = len(buffer.ahead)
    return data


# --- The operations -----------------------------------------------------------


@mypyc_attr(allow_interpreted_subclasses=True)
class Reading(Operation):
    """Takes something of what is read ahead, and reads as long as there is too little."""

    __slots__ = ()

    def take_turn(self) -> Promise[Any] | None:
        # A server that has answered knows that there is nothing yet. Then it waits first.
        buffer = self.buffer
        if (
            emptied.descriptor is buffer.descriptor
            and buffer.position == len(buffer.ahead)
            and buffer.is_direct()
        ):
            self._wait_in_queue(NOT_NOW)
            return None
        return Operation.take_turn(self)  # Quicker than by `super`.

    def move(self, is_reported: bool) -> int:
        return self.buffer.read_now(is_reported)

    def at_end(self) -> Any:
        raise end_of_input(self.function)

    def end(self) -> None:
        release(self.channel)

    def fulfill(self, value: object) -> None:
        if self.channel._queue is not None or self._awaited is not None:
            Operation.fulfill(self, value)
            return
        # The same without what is awaited, since nobody else is told: servers come here once a request.
        self.buffer.in_flight = None
        release(self.channel)
        run_callbacks(settle(self._promise, FULFILLED, value))


# --- Lines --------------------------------------------------------------------


class ReadLine(Reading):
    """Reads a line."""

    __slots__ = ("_limit", "_pieces", "_room")

    def __init__(self, channel: Channel, function: str, limit: int = UNLIMITED) -> None:
        Operation.__init__(self, channel, function)  # Quicker than by `super`.
        self._limit = limit

        self._room = limit
        """How many bytes may still come."""

        self._pieces: list[bytes] | None = None
        """What was taken of the line."""

    def line(self, line: bytes) -> Any:
        """Make the result of a line."""
        return line

    def no_line(self) -> Any:
        """Make the result for the end of input."""
        raise end_of_input("lwt_io.read_line")

    def step(self) -> Any:
        buffer = self.buffer
        pieces = self._pieces
        if pieces is not None and self._limit == UNLIMITED:
            newline = buffer.ahead.find(b"\n", buffer.position)
            if newline >= 0:
                pieces.append(buffer.ahead[buffer.position : newline])
                buffer.position = newline + 1
                line = b"".join(pieces)
                return self.line(line[:-1] if line.endswith(b"\r") else line)
        else:
            line_within = take_line(self.channel, False, self._room)
            if line_within is not None:
                return self.line(b"".join((*pieces, line_within)) if pieces else line_within)
        # All that is read ahead belongs to the line; but a carriage return at the end may turn
        # out to be half of the line's end. It is taken, as in OCaml, unless it might be too much.
        start, end = buffer.position, len(buffer.ahead)
        if start == end:
            return MORE
        if self._limit < UNLIMITED and buffer.ahead[end - 1] == CARRIAGE_RETURN:
            end -= 1
        if end - start > self._room:
            buffer.position += self._room
            raise Line_too_long(self._limit)
        if end > start:
            if pieces is None:
                pieces = self._pieces = []
            pieces.append(buffer.ahead[start:end])
            buffer.position = end
            self._room -= end - start
        return MORE

    def at_end(self) -> Any:
        # The last line has no end. If a carriage return is left, it belongs to the line.
        buffer = self.buffer
        if len(buffer.ahead) - buffer.position > self._room:
            raise Line_too_long(self._limit)
        line = b"".join((*(self._pieces or ()), _take_rest(buffer)))
        return self.line(line) if line else self.no_line()


@final
class ReadLineOpt(ReadLine):
    """Reads a line, unless the input has ended."""

    __slots__ = ()

    def line(self, line: bytes) -> Any:
        return lwt.Some(line)

    def no_line(self) -> Any:
        return None


@final
class NextLine(ReadLine):
    """Reads a line for `async for`."""

    __slots__ = ("_has_ended",)

    def __init__(self, channel: Channel) -> None:
        ReadLine.__init__(self, channel, "async for")
        self._has_ended = False

    def no_line(self) -> Any:
        self._has_ended = True
        raise StopAsyncIteration

    def why(self, exn: Exception) -> Exception:
        if isinstance(exn, StopAsyncIteration) and not self._has_ended:
            # Out of the function given to `lwt_io.make`. As it is, it would look like the end.
            message = "the reading function of the channel raised StopAsyncIteration"
            problem = RuntimeError(message)
            problem.__cause__ = exn
            return problem
        return super().why(exn)


# --- Bytes --------------------------------------------------------------------


class ReadChar(Reading):
    """Reads one byte."""

    __slots__ = ()

    def step(self) -> Any:
        char = take_char(self.channel, False)
        return MORE if char is None else char


@final
class ReadCharOpt(ReadChar):
    """Reads one byte, unless the input has ended."""

    __slots__ = ()

    def step(self) -> Any:
        char = take_char(self.channel, False)
        return MORE if char is None else lwt.Some(char)

    def at_end(self) -> Any:
        return None


@final
class ReadSome(Reading):
    """Reads at most so many bytes, by one transfer at most."""

    __slots__ = ("_count",)

    def __init__(self, channel: Channel, function: str, count: int) -> None:
        super().__init__(channel, function)
        self._count = count

    def step(self) -> Any:
        # There is a transfer also for a count of 0, if nothing is read ahead.
        data = take_some(self.channel, False, self._count)
        return MORE if data is None else data

    def at_end(self) -> Any:
        return b""


@final
class ReadAll(Reading):
    """Reads until the end of input."""

    __slots__ = ("_pieces",)

    def __init__(self, channel: Channel, function: str) -> None:
        super().__init__(channel, function)
        self._pieces: list[bytes] = []

    def step(self) -> Any:
        self._pieces.append(_take_rest(self.buffer))
        return MORE

    def at_end(self) -> Any:
        return b"".join(self._pieces)


class ReadInto(Reading):
    """Fills a part of another buffer, which is not empty, by one transfer at most."""

    __slots__ = ("_length", "_offset", "_target")

    def __init__(
        self, channel: Channel, function: str, target: memoryview, offset: int, length: int
    ) -> None:
        super().__init__(channel, function)
        self._target = target
        self._offset = offset
        self._length = length

    def step(self) -> Any:
        return take_into(self.channel, False, self._target, self._offset, self._length) or MORE

    def at_end(self) -> Any:
        return 0


@final
class ReadIntoExactly(ReadInto):
    """Fills a part of another buffer, which is not empty."""

    __slots__ = ()

    def at_end(self) -> Any:
        raise end_of_input(self.function)

    def step(self) -> Any:
        count = take_into(self.channel, False, self._target, self._offset, self._length)
        self._offset += count
        self._length -= count
        return MORE if self._length > 0 else None

    def move(self, is_reported: bool) -> int:
        buffer = self.buffer
        # OCaml reads a whole buffer again and again, and then the rest, and more, into the buffer.
        length = self._length - self._length % buffer.size
        if length == 0:
            return buffer.read_now(is_reported)
        offset = self._offset
        count = buffer.read_into_now(self._target[offset : offset + length], is_reported)
        if count > 0:
            self._offset += count
            self._length -= count
        elif count == 0:
            buffer.drop_taken()  # OCaml's last read was into the buffer.
        return count


async def take_block(buffer: ChannelBuffer, size: int) -> int:
    """Wait until `size` bytes are read ahead, take them, and return where they lie."""
    while len(buffer.ahead) - buffer.position < size:
        if await buffer.perform_io() == 0:
            raise end_of_input("lwt_io.block")
    start = buffer.position
    buffer.position = start + size
    return start
