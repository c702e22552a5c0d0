"""What a channel is made of: a buffer, positions in it, and the functions behind it.

A `ChannelBuffer` is shared by a channel and the temporary channels that
`lwt_io.atomic` makes of it. Who may use it when is decided in `_turns`, which lets
one operation at a time come here.

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
from functools import partial
from typing import Any, Final, NoReturn, TypeAlias, TypeVar, final

import lwt
import lwt_unix
from lwt._core.promise import FULFILLED
from lwt._core.publish import constants
from lwt_unix._checks import promise_of
from lwt_unix._descriptors import system
from lwt_unix._descriptors.actions import LONG_WRITE, OF_A_CALL, OF_A_WRITE, has_had_its_turn
from lwt_unix._descriptors.actions import MOST_AT_ONCE as MOST_CALLS
from lwt_unix._descriptors.emptied import emptied
from lwt_unix._descriptors.file_descr import File_descr
from lwt_unix._errors import note_call

T = TypeVar("T")

MINIMUM_BUFFER_SIZE: Final = 16

MOST_AT_ONCE: Final = 32
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

Close: TypeAlias = Callable[[], lwt.Promise[object] | Coroutine[Any, Any, object]]
"""Close what is behind the channel."""


@final
class ChannelBuffer:
    """The buffer of a channel, and what fills it, empties it and closes it."""

    __slots__ = (
        "_close",
        "_closing",
        "_has_failed_at_once",
        "_interrupted",
        "_perform",
        "at_once",
        "auto_flushing",
        "descriptor",
        "in_flight",
        "incomplete",
        "is_aborted",
        "is_input",
        "last_transfer",
        "limit",
        "memory",
        "offset",
        "position",
        "size",
    )

    def __init__(
        self,
        mode: Mode,
        memory: memoryview,
        perform: Perform | None,
        close: Close,
        descriptor: File_descr | None = None,
    ) -> None:
        self.is_input = mode is Mode.Input
        self.memory = memory
        self.size = len(memory)
        self.position = 0
        self.limit = 0 if self.is_input else self.size
        self.offset = 0

        self.at_once = MOST_AT_ONCE
        """How often something may be taken from the buffer before others must have had a turn."""

        self.auto_flushing = False
        """Whether a flush is due after the next pause (see `_turns`)."""

        self.is_aborted = False
        """Whether the channel is closed for good, and nothing may be transferred any more."""

        self.incomplete = 0
        """How many of the bytes that wait to be written are still being filled in, by `lwt_io.block`."""

        self.last_transfer: lwt.Promise[int] | None = None
        """The last transfer that could not be done at once, while it goes on; maybe longer."""

        self.descriptor = descriptor
        """What is read or written, if it is a descriptor, which has no function."""

        self._perform = perform
        self._close = close
        self._closing: lwt.Promise[object] | None = None

        self._has_failed_at_once = False
        """Whether the close function raised, or returned a promise that was rejected already."""

        self.in_flight: lwt.Promise[Any] | None = None
        """The promise of the transfer that goes on, on a descriptor: cancelling rejects it."""

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
            start = self.limit - self.position
            if start > 0:
                # The two parts may overlap: a memoryview copies like memmove.
                self.memory[:start] = self.memory[self.position : self.limit]
            self.position = 0
            self.limit = start
            length = self.size - start
        else:
            start = 0
            length = self.position if most is None else min(most, self.position)
        transferred = self._call(start, length)
        if transferred._state != FULFILLED:
            self.at_once = MOST_AT_ONCE
            transferred = self.interruptible(transferred)
            self.last_transfer = transferred
        return transferred

    def _call(self, offset: int, length: int) -> lwt.Promise[int]:
        """Call the reading or writing function."""
        if self.descriptor is None:
            assert self._perform is not None
            return self._perform(self.memory, offset, length)
        transfer = lwt_unix.read if self.is_input else lwt_unix.write
        return transfer(self.descriptor, self.memory, offset, length)

    def interruptible(self, awaited: lwt.Promise[T]) -> lwt.Promise[T]:
        """Have `interrupt` reject a promise; return the promise to wait for."""
        if self.descriptor is not None and self.in_flight is None:
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
        start = self.position
        if start == self.limit:
            start = self.position = self.limit = 0
            free = self.memory
        else:
            start = self.limit - start
            # The two parts may overlap: a memoryview copies like memmove.
            self.memory[:start] = self.memory[self.position : self.limit]
            self.position = 0
            self.limit = start
            free = self.memory[start:]
        count = self.read_into_now(free, is_reported)
        if count > 0:
            self.limit = start + count
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
        count = self.write_from_now(self.memory[: self.position])
        if count > 0:
            self._drop_written(count)
        return count

    def _drop_written(self, count: int) -> None:
        """Drop what was written; what is left moves to the front."""
        remaining = self.position - count
        if remaining > 0:
            self.memory[:remaining] = self.memory[count : self.position]
        self.position = remaining

    def write_from_now(self, source: memoryview) -> int:
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

    def finish_io(self, count: int) -> int:
        """Account for `count` transferred bytes, and return it.

        Raises:
            lwt.Failure: the function reported less than 0 bytes, or more than it was given.
        """
        self.forget_transfer()
        if self.is_input:
            if type(count) is not int or not 0 <= count <= self.size - self.limit:
                raise self._impossible(count, self.size - self.limit)
            self.limit += count
        else:
            if type(count) is not int or not 0 <= count <= self.position:
                raise self._impossible(count, self.position)
            self._drop_written(count)
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
        length = self.position - self.incomplete
        if length > 0 and not self.is_aborted:
            self.is_aborted = True
            lwt.on_failure(self._call(0, length), lambda _: None)

    def forget(self) -> object:
        """Forget what is in the buffer and what goes on, in a child process; return what waits."""
        waiting = (self.in_flight, self._interrupted, self.last_transfer)
        self.in_flight = self._interrupted = self.last_transfer = None
        self.auto_flushing = False
        self.incomplete = 0
        self.position = 0
        self.limit = 0 if self.is_input else self.size
        return waiting

    def interrupt(self) -> None:
        """Stop all transfers: those that wait are rejected with `Channel_closed`."""
        self.is_aborted = True
        if self._interrupted is not None:
            (_, resolver), self._interrupted = self._interrupted, None
            lwt.wakeup_exn(resolver, Channel_closed(self.name))
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


@final
class ClosingOnce:
    """A close function of our own, which two channels may share.

    Closing a descriptor rejects those who wait for it. They may then close a channel on it
    themselves, while the first closing is still at work: they get its promise. (OCaml raises
    `CamlinternalLazy.Undefined` there. We raise only if a user's close function closes its
    channel.)
    """

    __slots__ = ("_close", "_promise")

    def __init__(self, close: Callable[[], lwt.Promise[object]]) -> None:
        self._close = close
        self._promise: lwt.Promise[object] | None = None

    def __call__(self) -> lwt.Promise[object]:
        if self._promise is None:
            resolver: lwt.Resolver[object]
            promise, resolver = lwt.wait()
            if self._promise is None:  # A finaliser may have closed it meanwhile.
                self._promise = promise
                closed = lwt.catch(self._close, lwt.fail)
                lwt.on_any(closed, partial(lwt.wakeup, resolver), partial(lwt.wakeup_exn, resolver))
        return self._promise


def _closed_by_itself() -> lwt.Promise[object]:
    return lwt.fail(
        lwt.Failure("lwt_io.close: the close function of a channel closed that channel again")
    )
