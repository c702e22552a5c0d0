"""The pollers of Linux and of every Unix: epoll, poll and select. See `Poller`.

`poll_once` asks about one descriptor and does not wait. `identity_of` tells one file from another
that has its number by now.

OCaml: libev's ev_epoll.c, ev_poll.c and ev_select.c have this part there.
"""

from __future__ import annotations

import atexit
import errno
import fcntl
import os
import select
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

from lwt_unix.lwt_engine._descriptors import READ, WRITE
from lwt_unix.lwt_engine._select import check_selectable, is_bad

# --- epoll -------------------------------------------------------------------


class Epoll(Protocol):
    """What we use of a `select.epoll`: tests put a counting one in its place."""

    def register(self, fd: int, eventmask: int, /) -> None: ...
    def modify(self, fd: int, eventmask: int, /) -> None: ...
    def unregister(self, fd: int, /) -> None: ...
    def poll(self, timeout: float, maxevents: int, /) -> list[tuple[int, int]]: ...
    def close(self) -> None: ...
    def fileno(self) -> int: ...
    @property
    def closed(self) -> bool: ...


EPOLLIN: Final = 1
EPOLLOUT: Final = 4
_EPOLL_MASKS: Final = (0, EPOLLIN, EPOLLOUT, EPOLLIN | EPOLLOUT)  # by interest


class Epoll_poller:
    """The poller over epoll. It reports in milliseconds, rounded up by Python."""

    def __init__(self, make: Callable[[], Epoll]) -> None:
        # EPOLLERR and EPOLLHUP are always reported. Every bit means that a call would not
        # block, except the bit of the other direction.
        self.readable: Final = ~EPOLLOUT
        self.writable: Final = ~EPOLLIN
        self._make: Final = make
        self._epoll = make()
        self._mark = _Mark()
        self.wait: Callable[[float, int], list[tuple[int, int]]] = self._epoll.poll

    def change(self, fd: int, before: int, after: int, /) -> None:
        """Tell the kernel, whatever it knew before."""
        mask = _EPOLL_MASKS[after]
        if not after:
            # ENOENT, EBADF: it was closed. EPERM: it was never registered.
            try:
                self._epoll.unregister(fd)
            except OSError:
                pass
        elif before:
            try:
                self._epoll.modify(fd, mask)
            except FileNotFoundError:
                self._epoll.register(fd, mask)
        else:
            try:
                self._epoll.register(fd, mask)
            except FileExistsError:
                self._epoll.modify(fd, mask)

    def check(self, function: str, fd: int, /) -> None:
        """Accept any descriptor."""

    def fileno(self) -> int:
        """Return the number of our epoll."""
        return self._epoll.fileno()

    def is_there(self) -> bool:
        """Say whether nobody has closed our epoll, as a program does that becomes a daemon."""
        return self._mark.is_there()

    def renew(self) -> None:
        """Close our epoll and open another one."""
        self.close()
        self._epoll = self._make()
        self._mark = _Mark()
        self.wait = self._epoll.poll

    def close(self) -> None:
        """Close our epoll, unless somebody has done so. Doing so again does nothing.

        A program that becomes a daemon closes all descriptors. Then the numbers belong to others, maybe
        to the epoll of the next engine. The object would close its number when it is collected: so
        it is kept.
        """
        if self._epoll.closed:
            return
        if self._mark.is_there():
            self._epoll.close()
            self._mark.close()
        else:
            atexit.register(self._epoll.fileno)


def identity_of(fd: int) -> tuple[int, int] | None:
    """Return what tells two files apart; the ends of a pipe have it in common. None if it is closed."""
    try:
        status = os.fstat(fd)
    except OSError:
        return None
    return status.st_dev, status.st_ino


class _Mark:
    """A descriptor that tells whether somebody has closed ours: the end of a pipe.

    All epolls look alike to `fstat`, but no two pipes.
    """

    def __init__(self) -> None:
        reading, writing = os.pipe()
        os.close(writing)
        self._fd: Final = fcntl.fcntl(reading, fcntl.F_DUPFD_CLOEXEC, 3)
        os.close(reading)
        self._identity: Final = identity_of(self._fd)

    def is_there(self) -> bool:
        """Say whether the number still stands for what was opened here."""
        return identity_of(self._fd) == self._identity

    def close(self) -> None:
        """Give the number back."""
        os.close(self._fd)


def epoll_maker() -> Callable[[], Epoll] | None:
    """Return what opens an epoll, where there is such a thing."""
    if sys.platform == "linux":
        return _open_epoll
    return None


def _open_epoll() -> Epoll:
    """Open an epoll, but not under the number of a standard descriptor that is closed.

    A program that was started with `>&-` would write to it.
    """
    epoll = select.epoll()
    if epoll.fileno() > 2:
        return epoll
    with epoll:
        return select.epoll.fromfd(fcntl.fcntl(epoll.fileno(), fcntl.F_DUPFD_CLOEXEC, 3))


# --- poll --------------------------------------------------------------------


class Poll_poller:
    """The poller over poll. A closed descriptor is reported, with POLLNVAL."""

    def __init__(self) -> None:
        self.readable: Final = ~select.POLLOUT
        self.writable: Final = ~select.POLLIN
        self._poll = select.poll()
        self.wait = self._wait

    def change(self, fd: int, before: int, after: int, /) -> None:
        """Note what to ask the kernel."""
        if after:
            mask = (select.POLLIN if after & READ else 0) | (select.POLLOUT if after & WRITE else 0)
            self._poll.register(fd, mask)
        else:
            with suppress(KeyError):
                self._poll.unregister(fd)

    def _wait(self, timeout: float, most: int) -> list[tuple[int, int]]:
        return self._poll.poll(timeout * 1000.0)

    def check(self, function: str, fd: int, /) -> None:
        """Accept any descriptor."""

    def renew(self) -> None:
        """Note that nothing is asked."""
        self._poll = select.poll()

    def close(self) -> None:
        """Note that nothing is asked."""
        self.renew()


def poll_once(fd: int, to_read: bool) -> tuple[bool, bool]:
    """Ask the system whether a descriptor is ready to be read, or to be written; do not wait.

    Returns whether it is, which a pipe at its end of file is not; and whether a call would return
    at once, even with an end of file or an error.
    """
    mask = select.POLLIN if to_read else select.POLLOUT
    poll = select.poll()
    poll.register(fd, mask)
    reports = poll.poll(0)
    bits = reports[0][1] if reports else 0
    return bool(bits & mask), bool(bits)


# --- select ------------------------------------------------------------------


class Select_poller:
    """The poller over select, for descriptors below 1024."""

    def __init__(self) -> None:
        self.readable: Final = READ
        self.writable: Final = WRITE
        # The system call takes lists as they are; of a set it would make one.
        self._readers: Final[list[int]] = []
        self._writers: Final[list[int]] = []
        self.wait = self._wait

    def change(self, fd: int, before: int, after: int, /) -> None:
        """Note what to ask the kernel."""
        for fds, direction in ((self._readers, READ), (self._writers, WRITE)):
            if fd in fds:
                fds.remove(fd)
            if after & direction:
                fds.append(fd)

    def _wait(self, timeout: float, most: int) -> list[tuple[int, int]]:
        try:
            readers, writers, _ = select.select(
                self._readers, self._writers, (), None if timeout < 0 else timeout
            )
        except OSError as error:
            if error.errno != errno.EBADF:
                raise
            readers = [fd for fd in self._readers if is_bad(fd)]
            writers = [fd for fd in self._writers if is_bad(fd)]
        return [(fd, READ) for fd in readers] + [(fd, WRITE) for fd in writers]

    def check(self, function: str, fd: int, /) -> None:
        """Raise ValueError for 1024 and above."""
        check_selectable(function, fd)

    def renew(self) -> None:
        """Note that nothing is asked."""
        self._readers.clear()
        self._writers.clear()

    def close(self) -> None:
        """Note that nothing is asked."""
        self.renew()
