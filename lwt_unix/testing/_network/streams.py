"""Connections: two flows, between the sockets of two hosts. What TCP does for them.

Bytes that the link does not carry are kept, and sent again after 0.2 s, 0.4 s and so on, until they get
through, or until the writer's host gives the connection up: the writer gets ETIMEDOUT, the reader hears
nothing. Bytes that come, but whose acknowledgement does not get back, stay in the writer's buffer as long.

A connection that one side has forgotten, since it was closed, given up, or since its host crashed, is *half
open*. Whoever sends into it is answered with a reset.
"""

from __future__ import annotations

import errno
from collections import deque
from functools import partial
from typing import Final, NamedTuple

from lwt._core.choices import DELAY
from lwt_unix.testing._network.flows import Flow
from lwt_unix.testing._network.links import Link
from lwt_unix.testing._network.passing import Passing, drop
from lwt_unix.testing._world.world import Data, Description, World

FIRST_RETRY: Final = 0.2
LONGEST_RETRY: Final = 120.0
"""After how many seconds bytes are sent again that have not come: the first time, and at most."""


class End(NamedTuple):
    """What is sent as the last: an end of file, or, with an error, a reset."""

    error: int


_AT_ONCE: Final = -1.0
_UNKNOWN: Final = -2.0
"""Instead of the time when something comes."""


class Stream_flow(Flow):
    """One direction of a connection."""

    __slots__ = (
        *(
            "back",
            "is_broken",
            "is_finished",
            "is_forgotten",
            "is_retrying",
            "last_arrival",
            "link",
            "lives",
            "tries",
        ),
        *("lengths", "passing", "unacknowledged", "unsent"),
    )

    def __init__(self, world: World, capacity: int, window: int, link: Link | None) -> None:
        super().__init__(world, capacity)
        self.window = window
        self.link = link
        """What the bytes go through; None in the Unix domain, where they are there at once."""

        self.lives = (0, 0) if link is None else (link.source.life, link.target.life)
        """In which of their lives the two hosts are that have the connection."""

        self.back: Stream_flow = self
        """The other direction."""

        self.is_broken = False
        """Whether the writer has been told that nobody reads."""

        self.is_finished = False
        """Whether the end, or a reset, has come from the writer. The reader may have ended it itself."""

        self.passing: deque[Passing] = deque()
        """Descriptors that go with the bytes."""

        self.lengths: deque[int] = deque()
        """How long the messages are that were not read yet, if it is one of messages."""

        self.last_arrival = 0.0
        self.unsent: deque[bytes | End] = deque()
        """What the link has not carried."""

        self.unacknowledged = 0
        """How many bytes have come that the writer does not know of."""

        self.is_retrying = False
        self.tries = 0
        self.is_forgotten = False
        """Whether the reader's host knows of the connection no more, though it was not closed."""

    # --- Sending -------------------------------------------------------------

    def push(self, data: Data) -> None:
        """Send bytes, for which there is room."""
        arrival = self._arrival_now(len(data))
        if arrival == _AT_ONCE:
            self._arrive(data)
            return
        kept = bytes(data)
        self.in_flight += len(kept)
        self._send(kept, arrival)

    def push_end(self, error: int = 0) -> None:
        """Send the end, or an error that ends the connection."""
        arrival = self._arrival_now(0)
        link = self.link
        if arrival == _AT_ONCE:
            self._land_end(End(error))
        elif error and link is not None:
            # A reset is sent once, and overtakes what waits to be sent again.
            self.unsent.clear()
            link.send(0, partial(self._land_end, End(error)))
        else:
            self._send(End(0), arrival)

    def _arrival_now(self, size: int) -> float:
        """Return when bytes come that are sent now, if that is simple: `_AT_ONCE`, or a time; else `_UNKNOWN`."""
        link = self.link
        if link is None:
            return _AT_ONCE
        if not link.is_plain or self.in_flight or (self.is_forgotten and size):
            return _UNKNOWN
        if DELAY not in self.world.varying:
            return _AT_ONCE
        arrival = link.arrival(size)
        return arrival if arrival > self.world.now else _AT_ONCE

    def _send(self, item: bytes | End, arrival: float = _UNKNOWN) -> None:
        link, world = self.link, self.world
        assert link is not None
        if self.unsent or not link.is_open():
            self.unsent.append(item)
            if link.is_holding and not link.is_cut and len(self.unsent) == 1:
                link.held.append(self._send_again)
            self._retry_later()
            return
        if arrival == _UNKNOWN:
            arrival = link.arrival(0 if isinstance(item, End) else len(item))
        self.last_arrival = max(arrival, self.last_arrival)
        if isinstance(item, End):
            world.at(self.last_arrival, partial(self._land_end, item))
        else:
            world.at(self.last_arrival, partial(self._land, item))

    def _land(self, data: bytes) -> None:
        """Bytes have come to the reader's host."""
        link = self.link
        assert link is not None
        target = link.target
        if not target.is_up:  # Nobody is there to acknowledge them.
            self.unsent.append(data)
            self._retry_later()
        elif target.life != self.lives[1] or self.is_forgotten:
            self.arrived_at_nobody()
        else:
            if link.reverse.is_open():
                self._free(len(data))
            else:  # The writer does not hear of it.
                self.unacknowledged += len(data)
                self._retry_later()
            self._arrive(data)

    def _land_end(self, end: End) -> None:
        """The end, or a reset, has come to the reader's host."""
        link = self.link
        if link is None:
            self.end(end.error)
        elif not link.target.is_up:
            if not end.error:
                self.unsent.append(end)
                self._retry_later()
        elif link.target.life == self.lives[1] and not self.is_forgotten:
            self.end(end.error)
        elif not end.error:
            self.arrived_at_nobody()

    # --- Sending again -------------------------------------------------------

    def _free(self, size: int) -> None:
        """Take bytes from the writer's buffer, which have come."""
        self.in_flight -= size + self.unacknowledged
        self.unacknowledged = 0
        self.tries = 0
        self.give_room()

    def _retry_later(self) -> None:
        if not self.is_retrying:
            self.is_retrying = True
            self.tries = 0
            self.world.after(FIRST_RETRY, self._retry)

    def _retry(self) -> None:
        """Send what has not come once more, or give up."""
        link = self.link
        assert link is not None
        self.is_retrying = False
        if link.source.life != self.lives[0] or not link.source.is_up:
            self.unsent.clear()  # Nobody is there to send it.
            return
        if self.unacknowledged and link.reverse.is_open():
            self._free(0)
        if link.is_open() and link.target.is_up:
            self._send_again()
        if not self.unsent and not self.unacknowledged:
            return
        self.tries += 1
        if self.tries > link.source.limits.retries:
            self._give_up()
            return
        self.is_retrying = True
        self.world.after(min(FIRST_RETRY * 2**self.tries, LONGEST_RETRY), self._retry)

    def _send_again(self) -> None:
        """Send what the link has not carried."""
        unsent, self.unsent = self.unsent, deque()
        for item in unsent:
            self._send(item)

    def _give_up(self) -> None:
        """Tell the writer that the connection is lost; the reader hears nothing."""
        self.unsent.clear()
        self.in_flight = self.unacknowledged = 0
        self.back.fail(errno.ETIMEDOUT)

    # --- Descriptors ---------------------------------------------------------

    def pull_passing(self, size: int) -> tuple[bytes, tuple[Description, ...]]:
        """Read up to so many bytes, and the descriptors that go with them; not past the end of their message."""
        first = self.passing[0]
        data = self.pull(min(size, first.end))
        count = len(data)
        passed = first.descriptions if count > first.begin else ()
        if passed:
            self.passing.popleft()
        self.passing = deque(
            Passing(entry.begin - count, entry.end - count, entry.descriptions)
            for entry in self.passing
        )
        return data, passed

    def drop_passing(self) -> None:
        """Let the descriptors go that nobody will get."""
        passing, self.passing = self.passing, deque()
        for entry in passing:
            drop(entry.descriptions)

    # --- The end -------------------------------------------------------------

    def arrived_at_nobody(self) -> None:
        """Let the writer know; who has only shut both directions down, gets the error too."""
        self.end(errno.ECONNRESET)
        self.back.push_end(errno.ECONNRESET)

    def end(self, error: int = 0) -> None:
        """The end, or a reset, has come."""
        if error:
            # After an end of file on the internet, Linux tells the writer alone.
            error = 0 if self.is_finished and self.link is not None else error
            self.back.is_broken = True
            self.back.unsent.clear()
            if self.reader is not None:
                self.world.tell("the connection of %s is reset", self.reader.name)
        self.is_finished = True
        super().end(error)

    def fail(self, error: int) -> None:
        """Let the reader have an error, and forget the connection on its side."""
        reader = self.reader
        if reader is not None:
            if error == errno.ETIMEDOUT:
                self.world.tell("the connection of %s is given up", reader.name)
            self.end(error)
            self.error = error
        self.forget()

    def forget(self) -> None:
        """Forget the connection on the reader's side. What comes is answered with a reset."""
        self.is_forgotten = True
        self.reader = self.back.writer = None
        self.back.unsent.clear()
