"""The world of a run: its clock, what is going to happen, what the descriptors stand for.

- *Time* stands still while the program computes, and jumps to the next thing that happens when the
  program waits. So an hour of sleeping takes no time.
- What is going to happen is in a heap, by time: data that arrive, connections that are made.
- A *description* is what a number stands for: the end of a pipe, a socket, a file. Several numbers may
  stand for one, after `dup`.
- The engine asks which of the descriptors that it watches are ready. Only those are looked at that
  something has happened to (`touched`).

A program that turns the main loop again and again, without ever waiting for time to pass, would stand
still in time. On a computer it would not: so after many such turns in a row, each takes a moment.
"""

from __future__ import annotations

import errno
import math
import os
from collections import deque
from collections.abc import Callable, Collection
from heapq import heapify, heappop, heappush
from typing import Final

import lwt
from lwt._core.storage import Storage
from lwt_unix import lwt_engine
from lwt_unix.lwt_engine import Event
from lwt_unix.lwt_engine._base import main_loop
from lwt_unix.lwt_engine._current import turn
from lwt_unix.lwt_engine._descriptors import READ, WRITE
from lwt_unix.testing._sources import Choices
from lwt_unix.testing._waiting.heap import Dropped, drop_lost
from lwt_unix.testing._waiting.waiting import Deadlock, waiting_at_the_end
from lwt_unix.testing._world.limits import Limits

Data = bytes | bytearray | memoryview
"""What is written. Whoever keeps some of it makes a copy."""


class Not_simulated(Exception):
    """A call that would leave the simulated world: on a real socket, a thread, the clock of the computer."""


def os_error(number: int, *about: str) -> OSError:
    """Make the system's error of a number."""
    return OSError(number, os.strerror(number), *about)


_NOT_NOW: Final = os.strerror(errno.EAGAIN)


def not_now() -> BlockingIOError:
    """Make the error that means: it is too early."""
    return BlockingIOError(errno.EAGAIN, _NOT_NOW)


class Description:
    """What numbers stand for. What its kind cannot do is an error, as with the system."""

    __slots__ = ("fds", "inode", "is_blocking", "name", "world")

    mode = 0
    """What `fstat` says about the kind, such as `stat.S_IFIFO`."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.fds: list[int] = []
        self.is_blocking = True
        self.inode = world.next_number("inode")

    def readiness(self, interest: int = READ | WRITE) -> int:
        """Return which calls would not have to wait: READ, WRITE, both or 0. Others than those of interest may be left out."""
        return READ | WRITE

    def take(self, size: int, /) -> bytes:
        """Read up to so many bytes of what is there."""
        data = bytearray(size)
        count = self.read(memoryview(data))
        return bytes(data[:count])

    def read(self, view: memoryview, /) -> int:
        """Read what is there into a part of memory; return how many bytes."""
        raise os_error(errno.EBADF)

    def write(self, data: Data, /) -> int:
        """Write; return how many bytes were taken."""
        raise os_error(errno.EBADF)

    def sender(self) -> Description | None:
        """Return the other end, from which comes what is read here, if that is known."""
        return None

    def close(self) -> None:
        """The last number is closed."""

    def crash(self) -> None:
        """The last number was of a host that has crashed. Other hosts hear nothing."""
        self.close()

    def break_with(self, hosts: Collection[Owner]) -> None:
        """The network resets the connections with other hosts."""


class Owner:
    """Who has descriptors: a host."""

    __slots__ = ("fds", "is_up", "life", "limits", "name", "timers")

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.is_up = True
        self.life = 0
        """How often it has crashed."""

        self.fds: dict[int, None] = {}
        """The numbers that it has, beside the three standard ones."""

        self.limits = Limits()
        self.timers: list[Event] = []
        """Its timers, and some that are stopped."""

    def note_timer(self, timer: Event) -> None:
        """Note a timer, to be stopped in a crash."""
        timers = self.timers
        timers.append(timer)
        if len(timers) & (len(timers) - 1) == 0:  # From time to time.
            timers[:] = [one for one in timers if one.is_active]


HERE: Final[lwt.Key[Owner]] = lwt.new_key()
"""The host on which a callback runs."""


def owner_in(storage: Storage) -> Owner | None:
    """Return the host that a storage tells of; None for that of the program itself."""
    owner: Owner | None = storage.get(HERE)
    return owner


PID: Final = 1_000
"""The identifier of the process in which the program runs."""

FIRST_FD: Final = 1 << 24
"""The first number. It is so large that a real call on it fails: it would leave the world."""

_TURNS_WITHOUT_TIME: Final = 100
_MOMENT: Final = 1e-5
"""After how many turns without a wait each of them takes how many seconds."""

_MOST_TOLD: Final = 2_000
"""How much of what happened is kept for a report."""


class World:
    """A simulated world. `lwt_unix.testing.world()` returns the one in which the program runs."""

    def __init__(self, choices: Choices) -> None:
        self.choices: Final = choices
        self.varying: Final = choices.varying
        """The labels of choices that may be anything but Lwt's own in this run."""

        self.now = 0.0
        """The time, in seconds since the beginning."""

        self._told: Final[deque[tuple[float, int, str, tuple[object, ...]]]] = deque(
            maxlen=_MOST_TOLD
        )
        self.table: Final[dict[int, Description]] = {}
        self.owners: Final[dict[int, Owner]] = {}
        """Whose each number is."""

        self.here: Callable[[], Owner] = Owner
        """Asked on which host the running callback runs."""

        self.inheritable: Final[set[int]] = set()
        self.touched: Final[dict[int, None]] = {}
        """Descriptors that something has happened to; those that are watched may be ready."""

        self.watched: Final[dict[int, int]] = {}
        """The interest that the engine has in descriptors."""

        self.next_timer: Callable[[], float] = lambda: self.now
        """Asked when the engine waits for a timer: when that is due."""

        self.before_waiting: Callable[[], object] | None = None
        """Called when the program lets time go on, while there are jobs: it has some done."""

        self.at_turn: Final[deque[Callable[[], object]]] = deque()
        """What is done when the next turn of the engine begins."""

        self.at_crash: Final[list[Callable[[Owner], object]]] = []
        """Called with a host that crashes."""

        self.dropped: Final[list[object]] = Dropped()
        """Callbacks of crashed hosts."""

        self.is_over = False
        """Whether the run is over."""

        self._free: Final[list[int]] = []
        self._counts: Final[dict[str, int]] = {}
        self._events: Final[list[tuple[float, int, Callable[[], object]]]] = []
        self._event_count = 0
        self._turns = 0
        """How many turns there were since time went on by a wait."""

    # --- Telling -------------------------------------------------------------

    def tell(self, what: str, *about: object) -> None:
        """Note what has happened, for the trace of a report.

        The words are put together, `what % about`, when somebody looks.
        """
        self._told.append((self.now, turn.number, what, about))

    @property
    def trace(self) -> list[tuple[float, int, str]]:
        """What happened of late: when, in which turn, and what."""
        return [
            (when, number, what % about if about else what)
            for when, number, what, about in self._told
        ]

    def next_number(self, kind: str) -> int:
        """Return 1, 2, 3 and so on, for each kind."""
        number = self._counts[kind] = self._counts.get(kind, 0) + 1
        return number

    def next_letters(self, kind: str) -> str:
        """Return a, b, c and so on, for each kind."""
        number, letters = self.next_number(kind), ""
        while number:
            number, letter = divmod(number - 1, 26)
            letters = chr(ord("a") + letter) + letters
        return letters

    def check_is_there(self, function: str) -> None:
        """Raise a Failure if the run is over."""
        if self.is_over:
            raise lwt.Failure(f"{function}: the run in this simulated world is over")

    # --- Time ----------------------------------------------------------------

    def clock(self) -> float:
        """Return the time."""
        return self.now

    def after(self, delay: float, action: Callable[[], object]) -> None:
        """Have something happen after a delay in seconds. What is for the same time is in order."""
        self.at(self.now + delay, action)

    def at(self, time: float, action: Callable[[], object]) -> None:
        """Have something happen at a time, which is not over. What is for the same time is in order.

        What must not overtake is given the same time by this, not the same delay: sums are rounded.
        """
        self._event_count += 1
        heappush(self._events, (time, self._event_count, action))

    # --- Numbers -------------------------------------------------------------

    def number_of(self, description: Description, owner: Owner | None = None) -> int:
        """Give a description one more number: the least that is free.

        Args:
            description: what it stands for.
            owner: whose it is; by default, of the host on which the running callback runs.

        Raises:
            OSError: EMFILE, as from `need_numbers`.
        """
        owner = owner or self.here()
        self.need_numbers(1, owner)
        fd = heappop(self._free) if self._free else FIRST_FD + len(self.table)
        self._give(fd, description, owner)
        return fd

    def need_numbers(self, count: int, owner: Owner | None = None) -> None:
        """Make sure that there is room for more numbers.

        Raises:
            OSError: EMFILE, if the limit of the host is reached.
        """
        owner = owner or self.here()
        if len(owner.fds) + count > owner.limits.descriptors:
            raise os_error(errno.EMFILE)

    def take_number(self, fd: int, description: Description, owner: Owner | None = None) -> None:
        """Give a description a certain number, which stands for nothing."""
        if fd in self._free:
            self._free.remove(fd)
            heapify(self._free)
        self._give(fd, description, owner or self.here())

    def _give(self, fd: int, description: Description, owner: Owner) -> None:
        self.table[fd] = description
        description.fds.append(fd)
        self.owners[fd] = owner
        owner.fds[fd] = None

    def description(self, fd: int) -> Description:
        """Return what a number stands for.

        Raises:
            OSError: EBADF, if it stands for nothing.
        """
        found = self.table.get(fd)
        if found is None:
            raise os_error(errno.EBADF)
        return found

    def close(self, fd: int) -> None:
        """Take a number back."""
        description = self.table.pop(fd, None)
        if description is None:
            raise os_error(errno.EBADF)
        heappush(self._free, fd)
        owner = self.owners.pop(fd, None)
        if owner is not None:
            del owner.fds[fd]
        self.inheritable.discard(fd)
        self.watched.pop(fd, None)
        description.fds.remove(fd)
        if not description.fds:
            description.close()

    def name_of(self, fd: int) -> str:
        """Return what a number is called in words."""
        description = self.table.get(fd)
        return f"descriptor {fd}" if description is None else description.name

    def senders_to(self, fd: int) -> list[int]:
        """Return the numbers of the other end, from which comes what is read from this one."""
        description = self.table.get(fd)
        sender = None if description is None else description.sender()
        return [] if sender is None else sender.fds

    def touch(self, description: Description) -> None:
        """Note that something has happened to a description: it may be ready now."""
        for fd in description.fds:
            if fd in self.watched:
                self.touched[fd] = None

    def begin_turn(self) -> None:
        """A turn of the engine begins."""
        while self.at_turn:
            self.at_turn.popleft()()
        self._turns += 1
        if self._turns > _TURNS_WITHOUT_TIME:
            self.now += _MOMENT

    # --- Waiting -------------------------------------------------------------

    def watch(self, fd: int, interest: int) -> None:
        """Have an interest in a descriptor from now on: READ, WRITE, both or 0."""
        if not interest:
            self.watched.pop(fd, None)
            self.touched.pop(fd, None)
            return
        self.description(fd)
        self.watched[fd] = interest
        self.touched[fd] = None

    def ready(self) -> list[tuple[int, int]]:
        """Return which of the watched descriptors are ready, and for what."""
        touched, table, watched = self.touched, self.table, self.watched
        reports: list[tuple[int, int]] = []
        idle: list[int] = []
        for fd in touched:
            interest = watched.get(fd)
            bits = interest and interest & table[fd].readiness(interest)
            if bits:
                reports.append((fd, bits))
            else:
                idle.append(fd)
        for fd in idle:
            del touched[fd]
        return reports

    def wait(self, timeout: float, most: int = 0) -> list[tuple[int, int]]:
        """Let time go on until a watched descriptor is ready.

        Args:
            timeout: 0 means not to wait; above, until the next timer is due at most; below, without a limit.
            most: of no use here: all that are ready are returned.

        Raises:
            Deadlock: nothing can happen any more.
        """
        events = self._events
        if self.before_waiting is not None:
            self.before_waiting()
        while True:
            while events and events[0][0] <= self.now:
                heappop(events)[2]()
            reports = self.ready() if self.touched else []
            if reports or timeout == 0.0:
                return reports
            due = self.next_timer() if timeout > 0.0 else None
            if due == math.inf:
                due = None  # That is never.
            if events and (due is None or events[0][0] <= due):
                self._let_pass(events[0][0])
            elif due is None:
                self._find_deadlock()
                return reports
            else:
                self._let_pass(due)
                return reports

    def _let_pass(self, time: float) -> None:
        if time > self.now:
            self._turns = 0
            self.now = time

    def _find_deadlock(self) -> None:
        """Say who waits for whom, since nothing can happen any more.

        Then the collector runs. If a finaliser makes something happen, there is no deadlock.

        Raises:
            Deadlock: nothing has happened.
        """
        timers = lwt_engine.timer_count()
        told = waiting_at_the_end(self.senders_to)
        drop_lost()
        if not (
            main_loop.has_work()
            or self._events
            or self.touched
            or lwt_engine.timer_count() != timers
        ):
            raise Deadlock(told)
