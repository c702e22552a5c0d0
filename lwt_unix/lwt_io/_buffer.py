"""What a channel is made of: a buffer, positions in it, and the functions behind it.

A `ChannelBuffer` is shared by a channel and the temporary channels that
`lwt_io.atomic` makes of it. Who may use it when is decided in `_turns`, which lets
one operation at a time come here.

What was read ahead is a `bytes`, of which everything from `position` on is still to be taken. What waits to
be written is a `bytearray`. Neither is ever longer than the buffer's `size`, and a channel that is idle holds no
memory. In OCaml the buffer is a piece of memory, in which

    reading    [position, limit) is read ahead
    writing    [0, position) waits to be written, and limit == size

`bounds` gives these two. Who needs such memory, a function of the program's for example, is lent some (`lend`).

`offset` counts the bytes that the reading or writing function has transferred.
Those functions belong to the user (`lwt_io.make`) or to a descriptor
(`lwt_io.of_fd`); `perform_io` is the only place that calls them.

OCaml: Lwt_io, the type `_channel`, `perform_io`, `flush_total` (src/unix/lwt_io.ml).
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from enum import Enum
from functools import partial
from typing import Any, Final, NoReturn, TypeAlias, TypeVar, final

import lwt
import lwt_unix
from lwt._core.compiling import mypyc_attr
from lwt._core.promise import CANCEL_THIS, FULFILLED
from lwt._core.publish import constants
from lwt_unix import _system as system
from lwt_unix._checks import promise_of
from lwt_unix._descriptors.actions import LONG_WRITE, OF_A_CALL, OF_A_WRITE, has_had_its_turn
from lwt_unix._descriptors.actions import MOST_AT_ONCE as MOST_CALLS
from lwt_unix._descriptors.emptied import emptied
from lwt_unix._descriptors.file_descr import File_descr
from lwt_unix._errors import note_call
from lwt_unix.lwt_io._closing import Close, ClosingOnce

T = TypeVar("T")

MINIMUM_BUFFER_SIZE: Final = 16

MOST_AT_ONCE = 32  # Not Final: the comparison with OCaml lifts it, in the compiled build, too.
"""How many operations take something from a buffer before the channel waits, or lets others go on.

A packet of 4,096 bytes can have 4,096 lines, and to take one costs no system call: so the bound on
these (`_descriptors/actions.py`) is not enough. With 100 microseconds for what a server does about each
line, and as much again for its answer, the others wait 5 milliseconds for a turn
(`tests/benchmarks`, starvation)."""


@constants
class Mode(Enum):
    """Whether a channel is read from or written to.

    OCaml: type 'a Lwt_io.mode = Input : input mode | Output : output mode
    """

    Input = "Input"
    Output = "Output"


@mypyc_attr(native_class=False)
class Channel_closed(Exception):
    """The channel is closed, or was closed while the operation waited.

    Its argument says which kind of channel it was: `"input"` or `"output"`. Its text has the
    operation, too: `lwt_io.write_line on a closed output channel`.

    OCaml: exception Lwt_io.Channel_closed of string
    """

    _operation = ""

    def __str__(self) -> str:
        kind = super().__str__()
        return f"{self._operation} on a closed {kind} channel" if self._operation else kind


def note_operation(exn: BaseException, function: str) -> None:
    """Note in a `Channel_closed` which function has met it, unless that is known already."""
    if isinstance(exn, Channel_closed) and not exn._operation:
        exn._operation = function


Perform: TypeAlias = Callable[[memoryview, int, int], lwt.Promise[int]]
"""Read into, or write from, `length` bytes of a buffer from an offset; return how many."""

NOT_NOW: Final = -1
"""What a transfer gives for which it is too early: the system will say when it is time."""

IN_NEXT_TURN: Final = -2
"""What a transfer gives that was not tried, since there were enough in this turn of the engine."""

Seek: TypeAlias = Callable[
    [int, lwt_unix.Seek_command], lwt.Promise[int] | Coroutine[Any, Any, int]
]
"""Move to a place, like `lwt_unix.lseek`; return it."""


@final
class ChannelBuffer:
    """The buffer of a channel, and what fills it, empties it and closes it."""

    __slots__ = (
        "_close",
        "_closing",
        "_has_failed_at_once",
        "_interrupted",
        "_memory",
        "_perform",
        "_seek",
        "ahead",
        "at_once",
        "auto_flushing",
        "descriptor",
        "in_flight",
        "incomplete",
        "is_aborted",
        "is_input",
        "last_transfer",
        "offset",
        "position",
        "size",
        "unwritten",
    )

    def __init__(
        self,
        mode: Mode,
        size: int,
        memory: memoryview | None,
        perform: Perform | None,
        close: Close,
        descriptor: File_descr | None = None,
        seek: Seek | None = None,
    ) -> None:
        self.is_input = mode is Mode.Input
        self.size = size
        self.offset = 0

        self.ahead = b""
        """What was read."""

        self.position = 0
        """How much of `ahead` was taken."""

        self.unwritten = bytearray()
        """What waits to be written."""

        self._memory = memory
        """What is lent: the program's, or made when it is first needed."""

        self.at_once = MOST_AT_ONCE
        """How often something may be taken from the buffer before others must have had a turn."""

        self.auto_flushing = False
        """Whether a flush is due after the next pause (see `_operation`)."""

        self.is_aborted = False
        """Whether the channel is closed for good, and nothing may be transferred any more."""

        self.incomplete = 0
        """How many of the bytes that wait to be written are still being filled in, by `lwt_io.block`."""

        self.last_transfer: lwt.Promise[int] | None = None
        """The last transfer that could not be done at once, while it goes on; maybe longer."""

        self.descriptor = descriptor
        """What is read or written, if it is a descriptor, which has no function."""

        self._perform = perform
        self._seek = seek
        self._close = close
        self._closing: lwt.Promise[object] | None = None

        self._has_failed_at_once = False
        """Whether the close function raised, or returned a promise that was rejected already."""

        self.in_flight: lwt.Promise[Any] | None = None
        """The promise of the transfer that goes on, on a descriptor, if cancelling rejects it."""

        self._interrupted: tuple[lwt.Promise[NoReturn], lwt.Resolver[NoReturn]] | None = None
        """What rejects the other transfers that go on: those that cancelling may not reject, and
        a second one beside `in_flight`, if an operation has outlived its temporary channel."""

    @property
    def mode(self) -> Mode:
        return Mode.Input if self.is_input else Mode.Output

    @property
    def name(self) -> str:
        """What OCaml's exceptions call the channel."""
        return "input" if self.is_input else "output"

    # --- The buffer as OCaml has it ------------------------------------------

    def bounds(self) -> tuple[int, int]:
        """Return the position and the limit: where what can be read, or the room to write, begins and ends."""
        if self.is_input:
            return self.position, len(self.ahead)
        return len(self.unwritten), self.size

    def lend(self, start: int, end: int) -> memoryview:
        """Return memory of the buffer's size; what is in the buffer from `start` to `end` is there, too."""
        memory = self._memory
        if memory is None:
            memory = self._memory = memoryview(bytearray(self.size))
        if start < end:
            memory[start:end] = (self.ahead if self.is_input else self.unwritten)[start:end]
        return memory

    def take_back(self, position: int) -> None:
        """Go on from a new position, after what was to be written has been put into the memory."""
        if self.is_input:
            self.position = position
        else:
            assert self._memory is not None
            self.unwritten[:] = self._memory[:position]

    def resize(self, size: int) -> None:
        """Change the size of a buffer whose content fits into it."""
        self.drop_taken()
        self._memory = None
        self.size = size

    def drop_taken(self) -> None:
        """Drop what was taken: what is left begins the buffer."""
        self.ahead = self.ahead[self.position :]
        self.position = 0

    # --- Transfers -----------------------------------------------------------

    def start_io(self, most: int | None = None) -> lwt.Promise[int]:
        """Call the reading or writing function on the free or the filled part of the buffer.

        `finish_io` takes what the promise gives. Between the two nobody else may
        touch the buffer. If the promise is rejected, `why_interrupted` gives the exception
        that the operation is rejected with.

        Args:
            most: how many bytes to write at most.

        Raises:
            Exception: what the function raises at the call.
        """
        if self.is_aborted:
            return lwt.fail(Channel_closed(self.name))
        if self.is_input:
            self.drop_taken()
            start = len(self.ahead)
            length = self.size - start
        else:
            start = 0
            length = len(self.unwritten)
            if most is not None:
                length = min(most, length)
        transferred = self._call(start, length)
        if transferred._state != FULFILLED:
            self.at_once = MOST_AT_ONCE
            transferred = self.interruptible(transferred)
            self.last_transfer = transferred
        return transferred

    def _call(self, offset: int, length: int) -> lwt.Promise[int]:
        """Call the reading or writing function."""
        memory = self.lend(0, 0 if self.is_input else length)
        if self.descriptor is None:
            assert self._perform is not None
            return self._perform(memory, offset, length)
        transfer = lwt_unix.read if self.is_input else lwt_unix.write
        return transfer(self.descriptor, memory, offset, length)

    def seek(self, offset: int, whence: lwt_unix.Seek_command) -> lwt.Promise[int]:
        """Have the reading or writing function go on at another place; return that.

        Raises:
            lwt.Failure: what is behind the channel has no places.
        """
        if self.descriptor is not None:
            return lwt_unix.lseek(self.descriptor, offset, whence)
        if self._seek is None:
            raise lwt.Failure("Lwt_io.seek: seek not supported on this channel")
        return promise_of("lwt_io.make", self._seek, offset, whence)

    def interruptible(self, awaited: lwt.Promise[T]) -> lwt.Promise[T]:
        """Have `interrupt` reject a promise; return the promise to wait for."""
        # A thread goes on with what it does: cancelling would not reject its promise.
        is_cancelable = self.descriptor is not None and awaited._value is CANCEL_THIS
        if is_cancelable and self.in_flight is None:
            self.in_flight = awaited
        elif lwt.is_sleeping(awaited):
            if self._interrupted is None:
                self._interrupted = lwt.wait()
            awaited = lwt.pick([self._interrupted[0], awaited])
        return awaited

    def is_direct(self) -> bool:
        """Tell whether `read_now` and `write_now` can be called."""
        descriptor = self.descriptor
        return (
            descriptor is not None
            and descriptor._direct
            and self.in_flight is None
            and not self.is_aborted
        )

    def read_now(self, is_reported: bool) -> int:
        """Read from the descriptor, if there is something to read.

        `is_reported` says whether the system has reported that there is.
        """
        descriptor = self.descriptor
        assert descriptor is not None
        if self.position > 0:
            self.drop_taken()
        if emptied.descriptor is descriptor:
            return NOT_NOW
        descriptor._calls += OF_A_CALL
        if descriptor._calls > MOST_CALLS and has_had_its_turn(descriptor, OF_A_CALL):
            return IN_NEXT_TURN
        ahead = self.ahead
        room = self.size - len(ahead)
        try:
            data = system.read(descriptor._fd, room)
        except BlockingIOError:
            return NOT_NOW
        except OSError as exn:
            note_call(exn, "read")
            raise
        count = len(data)
        if is_reported and count < room and descriptor._is_stream:
            emptied.note(descriptor)
        self.offset += count
        self.ahead = ahead + data if ahead else data
        return count

    def read_into_now(self, target: memoryview, is_reported: bool) -> int:
        """Read from the descriptor past the buffer, which is empty, if there is something to read."""
        descriptor = self.descriptor
        assert descriptor is not None
        if emptied.descriptor is descriptor:
            return NOT_NOW
        descriptor._calls += OF_A_CALL
        if descriptor._calls > MOST_CALLS and has_had_its_turn(descriptor, OF_A_CALL):
            return IN_NEXT_TURN
        try:
            count = system.readv(descriptor._fd, (target,))
        except BlockingIOError:
            return NOT_NOW
        except OSError as exn:
            note_call(exn, "read")
            raise
        if is_reported and count < len(target) and descriptor._is_stream:
            emptied.note(descriptor)
        self.offset += count
        return count

    def write_now(self) -> int:
        """Write what is in the buffer to the descriptor, if there is room."""
        unwritten = self.unwritten
        count = self.write_from_now(unwritten)
        if count == len(unwritten):
            unwritten.clear()
        elif count > 0:
            del unwritten[:count]
        return count

    def write_from_now(self, source: bytearray | memoryview) -> int:
        """Write to the descriptor past the buffer, which is empty, if there is room."""
        descriptor = self.descriptor
        assert descriptor is not None
        if emptied.descriptor is not descriptor:
            emptied.descriptor = None
        cost = OF_A_WRITE + (len(source) >> LONG_WRITE)
        descriptor._calls += cost
        if descriptor._calls > MOST_CALLS and has_had_its_turn(descriptor, cost):
            return IN_NEXT_TURN
        try:
            count = system.write(descriptor._fd, source)
        except BlockingIOError:
            return NOT_NOW
        except OSError as exn:
            note_call(exn, "write")
            raise
        self.offset += count
        return count

    def finish_io(self, count: object) -> int:
        """Account for `count` transferred bytes, and return it.

        Raises:
            lwt.Failure: the function reported less than 0 bytes, or more than it was given.
        """
        self.forget_transfer()
        start = len(self.ahead)
        most = self.size - start if self.is_input else len(self.unwritten)
        if type(count) is not int or not 0 <= count <= most:
            raise self._impossible(count, most)
        if self.is_input:
            memory = self._memory
            assert memory is not None
            self.ahead = b"".join((self.ahead, memory[start : start + count]))
        else:
            del self.unwritten[:count]
        self.offset += count
        return count

    def forget_transfer(self) -> None:
        if self.in_flight is not None and not lwt.is_sleeping(self.in_flight):
            self.in_flight = None
        self.last_transfer = None

    def _impossible(self, count: object, length: int) -> lwt.Failure:
        function = "read" if self.is_input else "write"
        return lwt.Failure(
            f"Lwt_io.perform_io: invalid result of the [{function}] function: {count!r}; "
            f"it was given {length} bytes, and must say how many of them it transferred"
        )

    def why_interrupted(self, exception: Exception) -> Exception:
        """Return the exception of an operation whose transfer was rejected with `exception`."""
        self.forget_transfer()
        if self.is_aborted and isinstance(exception, lwt.Canceled):
            return Channel_closed(self.name)  # it was `interrupt` that cancelled
        return exception

    async def perform_io(self) -> int:
        """Fill the free part of the buffer, or write out some of its filled part.

        Returns how many bytes were transferred. When reading, 0 is the end of input.
        """
        return await self.complete_io(self.start_io())

    async def complete_io(self, transferred: lwt.Promise[int]) -> int:
        """Do what is left of `perform_io` when `start_io` has been called."""
        try:
            return self.finish_io(await transferred)
        except Exception as exn:
            why = self.why_interrupted(exn)
            if why is exn:
                raise
        raise why

    def offer(self) -> None:
        """Let the writing function take, once, what it can of what is complete, and nothing afterwards.

        This is for the end of the process: whoever uses the buffer has no more use for it.
        """
        length = len(self.unwritten) - self.incomplete
        if length > 0 and not self.is_aborted:
            self.is_aborted = True
            offered = lwt_unix.with_async_none(partial(self._call, 0, length))
            lwt.on_failure(offered, lambda _: None)

    def forget(self) -> object:
        """Forget what is in the buffer and what goes on, in a child process; return what waits."""
        waiting = (self.in_flight, self._interrupted, self.last_transfer)
        self.in_flight = self._interrupted = self.last_transfer = None
        self.auto_flushing = False
        self.incomplete = 0
        self.position = 0
        self.ahead = b""
        self.unwritten.clear()
        return waiting

    def interrupt(self) -> None:
        """Stop all transfers: those that wait are rejected with `Channel_closed`."""
        self.is_aborted = True
        if self._interrupted is not None:
            (promise, resolver), self._interrupted = self._interrupted, None
            lwt.wakeup_exn(resolver, Channel_closed(self.name))
            lwt.on_failure(promise, lambda _: None)  # No transfer may wait just now.
        if self.in_flight is not None:
            lwt.cancel(self.in_flight)

    def close(self) -> lwt.Promise[object]:
        """Call the close function, the first time; each time, return its promise.

        Raises:
            Exception: the close function's, each time, if it failed at once the first time.
        """
        is_ours = isinstance(self._close, ClosingOnce)
        if self._closing is None:
            close = self._close
            if not is_ours:
                self._close = _closed_by_itself
            closing = self._closing = lwt.catch(
                partial(promise_of, "lwt_io.close", close), lwt.fail
            )
            self._has_failed_at_once = isinstance(lwt.state(closing), lwt.Fail)
        closing = self._closing
        return lwt.catch(lambda: closing, lwt.reraise) if self._has_failed_at_once else closing


def _closed_by_itself() -> lwt.Promise[object]:
    return lwt.fail(
        lwt.Failure("lwt_io.close: the close function of a channel closed that channel again")
    )
