"""Flows of bytes, and pipes, which are made of one.

A flow takes bytes at one end and gives them at the other, in order. What is between: bytes that are on
their way, and bytes that have come and were not read yet. Of these, so many as the reader's `window` are held
by the reader; the rest, and those on their way, are at most the writer's `capacity`.

In a pipe bytes are there at once. What is between two hosts is in `streams`.
"""

from __future__ import annotations

import errno
import stat
from collections.abc import Collection
from typing import Final

from lwt._core.choices import BYTES, NOT_NOW
from lwt_unix.lwt_engine._descriptors import READ, WRITE
from lwt_unix.testing._network.hosts import Host
from lwt_unix.testing._world.limits import Limits
from lwt_unix.testing._world.world import Data, Description, Owner, World, not_now, os_error

ATOMIC: Final = 4_096
"""PIPE_BUF: so much is written to a pipe as a whole, or not at all."""

_MOVING: Final = frozenset({BYTES, NOT_NOW})

BYTES_SENT: Final = "%s sends %d bytes"
BYTE_SENT: Final = "%s sends %d byte"
BYTES_GOT: Final = "%s receives %d bytes"
BYTE_GOT: Final = "%s receives %d byte"


class Flow:
    """Bytes in one direction."""

    __slots__ = (
        *("capacity", "data", "error", "in_flight", "is_ended", "is_put_off", "is_told"),
        *("reader", "varying", "window", "world", "writer"),
    )

    def __init__(self, world: World, capacity: int) -> None:
        self.world = world
        self.capacity = capacity
        self.window = 0
        self.data = bytearray()
        """What has come and was not read yet."""

        self.in_flight = 0
        """How many bytes are on their way: none, if nothing is between the two ends."""

        self.is_told = True
        """Whether what is read and written stands in the trace."""

        self.varying: Collection[str] = world.varying & _MOVING
        """What is open of a read or a write: how many bytes it moves, and when."""

        self.is_ended = False
        """Whether the end has come: there is nothing behind `data`."""

        self.error = 0
        """An error that has come, and that the next read gets when it has read `data`."""

        self.is_put_off = False
        """Whether the last read was told "not now", although something was there."""

        self.reader: Description | None = None
        self.writer: Description | None = None
        """The two ends, while they are open."""

    def room(self) -> int:
        """Return how many bytes can be written."""
        unread = len(self.data) - self.window
        room = self.capacity - self.in_flight
        return room - unread if unread > 0 else room

    # --- The writer's end ----------------------------------------------------

    def push(self, data: Data) -> None:
        """Send bytes, for which there is room."""
        self._arrive(data)

    def push_end(self, error: int = 0) -> None:
        """Send the end, or an error that ends the connection."""
        self.end(error)

    def _arrive(self, data: Data) -> None:
        reader = self.reader
        if reader is None:
            self.arrived_at_nobody()
            return
        self.data += data
        self.world.touch(reader)

    def arrived_at_nobody(self) -> None:
        """Bytes have come, and nobody reads them any more."""

    def end(self, error: int = 0) -> None:
        """The end has come."""
        self.is_ended = True
        if error:
            self.error = error
        if self.reader is not None:
            self.world.touch(self.reader)

    # --- The reader's end ----------------------------------------------------

    def is_readable(self) -> bool:
        """Say whether a read would not have to wait."""
        return bool(self.data) or self.is_ended

    def pull(self, size: int) -> bytes:
        """Read up to so many bytes of what has come; none at the end."""
        data = self.data
        if not data:
            error, self.error = self.error, 0
            if error:
                raise os_error(error)
            if self.is_ended:
                if self.reader is not None:
                    self.world.tell("%s receives the end", self.reader.name)
                return b""
            raise not_now()
        held = len(data)
        if self.varying:
            self.put_off("read", self.reader)
            size = self.some_of(min(held, size), "read", self.reader)
        if size >= held:
            taken = bytes(data)
            data.clear()
        else:
            taken = bytes(data[:size])
            del data[:size]
        if self.is_told and self.reader is not None:
            got = len(taken)
            self.world.tell(BYTES_GOT if got != 1 else BYTE_GOT, self.reader.name, got)
        # As long as most of the capacity was free, and ATOMIC too, the writer has not been waiting.
        if 2 * (held + self.in_flight + ATOMIC) > self.capacity:
            self.give_room()
        return taken

    def give_room(self) -> None:
        """Let the writer know that there is more room."""
        if self.writer is not None:
            self.world.touch(self.writer)

    # --- Choices -------------------------------------------------------------

    def put_off(self, call: str, end: Description | None) -> None:
        """Choose whether the system says "not now" to a call that it could do. It does not say so twice."""
        self.is_put_off = not self.is_put_off and self._is_put_off(call, end)
        if self.is_put_off:
            raise not_now()

    def _is_put_off(self, call: str, end: Description | None) -> bool:
        if NOT_NOW not in self.varying:
            return False
        name = "" if end is None else end.name
        return bool(
            self.world.choices.choose(NOT_NOW, 2, lambda _: f'"not now" to a {call} of {name}')
        )

    def some_of(self, size: int, call: str, end: Description | None) -> int:
        """Choose how many of some bytes a call moves: all, or fewer."""
        if BYTES not in self.varying or size < 2:
            return size
        name = "" if end is None else end.name

        def tell(less: int) -> str:
            return f"a {call} of {name} moves {size - less} of {size} bytes"

        return size - self.world.choices.choose(BYTES, size, tell)


class Pipe_reader(Description):
    """The end of a pipe to read from."""

    __slots__ = ("flow",)

    mode = stat.S_IFIFO

    def __init__(self, world: World, name: str, flow: Flow) -> None:
        super().__init__(world, name)
        self.flow = flow
        flow.reader = self

    def readiness(self, interest: int = READ | WRITE) -> int:
        """Return READ if there is something to read, or the end."""
        return READ if self.flow.is_readable() else 0

    def take(self, size: int, /) -> bytes:
        """Read what is there."""
        return self.flow.pull(size) if size else b""

    def sender(self) -> Description | None:
        """Return the end to write to."""
        return self.flow.writer

    def close(self) -> None:
        """Let the writer know."""
        self.flow.reader = None
        if self.flow.writer is not None:
            self.world.touch(self.flow.writer)


class Pipe_writer(Description):
    """The end of a pipe to write to."""

    __slots__ = ("flow",)

    mode = stat.S_IFIFO

    def __init__(self, world: World, name: str, flow: Flow) -> None:
        super().__init__(world, name)
        self.flow = flow
        flow.writer = self

    def readiness(self, interest: int = READ | WRITE) -> int:
        """Return WRITE if there is room, or nobody reads."""
        flow = self.flow
        return WRITE if flow.reader is None or flow.room() >= ATOMIC else 0

    def write(self, data: Data, /) -> int:
        """Write what there is room for; up to 4,096 bytes as a whole, or not at all."""
        flow = self.flow
        if flow.reader is None:
            raise os_error(errno.EPIPE)
        size, room = len(data), flow.room()
        if room < (size if size <= ATOMIC else 1):
            raise not_now()
        size = min(size, room)
        if flow.varying and size > ATOMIC:
            size = flow.some_of(size, "write", self)
        if flow.is_told:
            self.world.tell(BYTES_SENT if size != 1 else BYTE_SENT, self.name, size)
        flow.push(data[:size])
        return size

    def close(self) -> None:
        """Let the reader know."""
        self.flow.writer = None
        self.flow.push_end()


def open_pipe(world: World, host: Host) -> tuple[int, int]:
    """Make a pipe on a host; return the numbers of its two ends."""
    world.need_numbers(2, host)
    flow = Flow(world, host.limits.pipe)
    return _open_pipe(world, f"pipe {world.next_letters('pipe')}", flow, host)


def open_wakeup_pipe(world: World) -> tuple[int, int]:
    """Make the pipe that wakes the main loop. What a read of it moves makes no difference to anybody.

    It counts for no host.
    """
    flow = Flow(world, Limits().pipe)
    flow.is_told, flow.varying = False, ()
    return _open_pipe(world, "the main loop's own pipe", flow, Owner())


def _open_pipe(world: World, name: str, flow: Flow, owner: Owner) -> tuple[int, int]:
    reader = Pipe_reader(world, f"reader of {name}", flow)
    writer = Pipe_writer(world, f"writer of {name}", flow)
    writer.inode = reader.inode  # So it is with the system.
    return world.number_of(reader, owner), world.number_of(writer, owner)
