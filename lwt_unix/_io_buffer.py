"""What a channel is made of: a buffer, positions in it, and the functions behind it.

A `ChannelBuffer` is shared by a channel and the temporary channels that
`lwt_io.atomic` makes of it. It knows nothing of who may use it when: that is
`_io_channel`, which lets one operation at a time come here.

The buffer is one `memoryview` of fixed size:

    reading    0 ... position ... limit ... size     [position, limit) is read ahead
    writing    0 ... position ... limit == size      [0, position) waits to be written

`offset` counts the bytes that the reading or writing function has transferred.
Those functions belong to the user (`lwt_io.make`) or to a descriptor
(`lwt_io.of_fd`); `perform_io` is the only place that calls them.

OCaml: Lwt_io, the type `_channel`, `perform_io`, `flush_total` (src/unix/lwt_io.ml).
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from enum import Enum
from typing import Any, Final, TypeAlias, final

import lwt

MINIMUM_BUFFER_SIZE: Final = 16


class Mode(Enum):
    """Whether a channel is read from or written to.

    OCaml: type 'a Lwt_io.mode = Input : input mode | Output : output mode
    """

    Input = "Input"
    Output = "Output"

    def __repr__(self) -> str:
        return f"lwt_io.{self.name}"


class Channel_closed(Exception):
    """The channel is closed, or was closed while the operation waited.

    Its argument says which kind of channel it was: `"input"` or `"output"`.

    OCaml: exception Lwt_io.Channel_closed of string
    """


Perform: TypeAlias = Callable[[memoryview, int, int], lwt.Promise[int]]
"""Read into, or write from, `length` bytes of a buffer from an offset; how many it did."""

Close: TypeAlias = Callable[[], lwt.Promise[object] | Coroutine[Any, Any, object]]
"""Close what is behind the channel."""


@final
class ChannelBuffer:
    """The buffer of a channel, and what fills it, empties it and closes it."""

    __slots__ = (
        "_close",
        "_closing",
        "_interrupt",
        "_perform",
        "auto_flushing",
        "is_aborted",
        "is_input",
        "limit",
        "memory",
        "offset",
        "position",
        "size",
    )

    def __init__(self, mode: Mode, memory: memoryview, perform: Perform, close: Close) -> None:
        self.is_input = mode is Mode.Input
        self.memory = memory
        self.size = len(memory)
        self.position = 0
        self.limit = 0 if self.is_input else self.size
        self.offset = 0

        self.auto_flushing = False
        """Whether a flush is due after the next pause (see `_io_channel`)."""

        self.is_aborted = False
        """Whether the channel is closed for good, and nothing may be transferred any more."""

        self._perform = perform
        self._close = close
        self._closing: lwt.Promise[object] | None = None
        self._interrupt: lwt.Resolver[int] | None = None

    @property
    def mode(self) -> Mode:
        return Mode.Input if self.is_input else Mode.Output

    @property
    def name(self) -> str:
        """What OCaml's exceptions call the channel."""
        return "input" if self.is_input else "output"

    def start_io(self) -> lwt.Promise[int]:
        """Call the reading or writing function on the free or the filled part of the buffer.

        `finish_io` takes what the promise gives. Between the two nobody else may
        touch the buffer. `interrupt` rejects a promise that is still pending, and
        cancels the function's own.
        """
        if self.is_aborted:
            return lwt.fail(Channel_closed(self.name))
        if self.is_input:
            unread = self.limit - self.position
            if unread > 0:
                # Memoryviews of one object are moved as by memmove.
                self.memory[:unread] = self.memory[self.position : self.limit]
            self.position = 0
            self.limit = unread
            transferred = self._perform(self.memory, unread, self.size - unread)
        else:
            transferred = self._perform(self.memory, 0, self.position)
        if lwt.is_sleeping(transferred):
            interrupted, self._interrupt = lwt.wait()
            return lwt.pick([interrupted, transferred])
        return transferred

    def finish_io(self, count: int) -> int:
        """Account for `count` transferred bytes, and return it.

        Raises:
            lwt.Failure: the function reported fewer than none, or more than it was given.
        """
        self._interrupt = None
        if self.is_input:
            self._check_count(count, self.size - self.limit)
            self.limit += count
        else:
            remaining = self.position - count
            self._check_count(count, self.position)
            if remaining > 0:
                self.memory[:remaining] = self.memory[count : self.position]
            self.position = remaining
        self.offset += count
        return count

    def _check_count(self, count: object, length: int) -> None:
        if not isinstance(count, int) or not 0 <= count <= length:
            function = "read" if self.is_input else "write"
            raise lwt.Failure(
                f"Lwt_io.perform_io: invalid result of the [{function}] function: {count!r}; "
                f"it was given {length} bytes, and must say how many of them it transferred"
            )

    async def perform_io(self) -> int:
        """Fill the free part of the buffer, or write out some of its filled part.

        Returns how many bytes were transferred; reading, 0 is the end of input.
        """
        return self.finish_io(await self.start_io())

    async def flush_total(self) -> None:
        """Write until nothing is left in the buffer."""
        while self.position > 0:
            self.finish_io(await self.start_io())

    def interrupt(self) -> None:
        """Let nothing be transferred any more: reject what waits, with `Channel_closed`."""
        self.is_aborted = True
        resolver = self._interrupt
        if resolver is not None:
            self._interrupt = None
            lwt.wakeup_exn(resolver, Channel_closed(self.name))

    def close(self) -> lwt.Promise[object]:
        """Call the close function, the first time; each time, return its promise."""
        if self._closing is None:
            close = self._close
            self._close = _closed_by_itself
            self._closing = lwt.catch(close, lwt.fail)
        return self._closing


def _closed_by_itself() -> lwt.Promise[object]:
    return lwt.fail(
        lwt.Failure("Lwt_io.close: the close function of a channel closed that channel again")
    )
