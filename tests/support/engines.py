"""What the tests of engines share: the engines, written by us and as users would."""

from __future__ import annotations

import select as system_select
import socket
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

import pytest

from lwt_unix import lwt_engine
from lwt_unix.lwt_engine import Event
from lwt_unix.lwt_engine._kernel import kernel_based
from lwt_unix.lwt_engine._pollers import Epoll_poller
from lwt_unix.lwt_sys import Not_available


class User_select(lwt_engine.select_based):
    """A user's engine over a select-like function."""

    def select(
        self, fds_r: list[int], fds_w: list[int], timeout: float, /
    ) -> tuple[list[int], list[int]]:
        ready_r, ready_w, _ = system_select.select(
            fds_r[::-1], fds_w[::-1], [], None if timeout < 0 else timeout
        )
        return ready_r, ready_w


class User_poll(lwt_engine.poll_based):
    """A user's engine over a poll-like function, which reports what is readable first."""

    def poll(
        self, fds: list[tuple[int, bool, bool]], timeout: float, /
    ) -> list[tuple[int, bool, bool]]:
        ready_r, ready_w, _ = system_select.select(
            sorted(fd for fd, readable, _ in fds if readable),
            sorted(fd for fd, _, writable in fds if writable),
            [],
            None if timeout < 0 else timeout,
        )
        return [(fd, True, False) for fd in ready_r] + [(fd, False, True) for fd in ready_w]


class User_registering(lwt_engine.epoll):
    """A user's engine that has its own say in every registration."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock=clock)
        self.registered: list[str] = []

    def register_readable(self, fd: int, action: Callable[[], object], /) -> Callable[[], object]:
        self.registered.append("readable")
        return super().register_readable(fd, action)

    def register_writable(self, fd: int, action: Callable[[], object], /) -> Callable[[], object]:
        self.registered.append("writable")
        return super().register_writable(fd, action)

    def register_timer(
        self, delay: float, repeat: bool, action: Callable[[], object], /
    ) -> Callable[[], object]:
        self.registered.append("timer")
        return super().register_timer(delay, repeat, action)


class Libev_select(lwt_engine.libev):
    """`libev`, told to use select."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(backend=lwt_engine.Ev_backend.select, clock=clock)


Pair = tuple[socket.socket, socket.socket]
Engine_class = type[lwt_engine.select_based | lwt_engine.poll_based | lwt_engine.libev]

CANDIDATES: list[Engine_class] = [
    lwt_engine.select,
    lwt_engine.poll,
    lwt_engine.epoll,
    lwt_engine.kqueue,
    Libev_select,
    User_select,
    User_poll,
    User_registering,
]


def is_available(engine_class: Engine_class) -> bool:
    try:
        engine_class().destroy()
    except Not_available:
        return False
    return True


ENGINES = [engine_class for engine_class in CANDIDATES if is_available(engine_class)]


class Clock:
    """A clock that goes on only when it is told to."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass, and the main loop notice."""
        self.now += seconds
        lwt_engine.iter(False)


class Recorder:
    """A list of what was called, in order."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __call__(self, name: str) -> Callable[[Event], None]:
        """Return a callback that records its name."""
        return lambda _: self.calls.append(name)

    def take(self) -> list[str]:
        """Return what was recorded since the last time."""
        calls, self.calls = self.calls, []
        return calls


@contextmanager
def socket_pairs(number: int) -> Iterator[list[tuple[socket.socket, socket.socket]]]:
    """Make socket pairs; those of smaller index have the smaller descriptor in front."""
    pairs = [socket.socketpair() for _ in range(number)]
    fronts = sorted((front for front, _ in pairs), key=lambda front: front.fileno())
    backs = {front.fileno(): back for front, back in pairs}
    try:
        yield [(front, backs[front.fileno()]) for front in fronts]
    finally:
        close_all(end for pair in pairs for end in pair)


def fill(write: Callable[[bytes], object]) -> None:
    """Write to something that does not block until it would."""
    with suppress(BlockingIOError):
        while True:
            write(bytes(65536))


def close_all(sockets: Iterable[socket.socket]) -> None:
    for each in sockets:
        each.close()


on_linux = pytest.mark.skipif(sys.platform != "linux", reason="epoll is Linux's")


class Counting_epoll:
    """An epoll that records what it is told."""

    calls: list[tuple[str, int]]

    def __init__(self) -> None:
        self.epoll = system_select.epoll()
        self.poll = self.epoll.poll
        self.close = self.epoll.close
        self.fileno = self.epoll.fileno

    @property
    def closed(self) -> bool:
        return self.epoll.closed

    def register(self, fd: int, mask: int, /) -> None:
        self.calls.append(("register", mask))
        self.epoll.register(fd, mask)

    def modify(self, fd: int, mask: int, /) -> None:
        self.calls.append(("modify", mask))
        self.epoll.modify(fd, mask)

    def unregister(self, fd: int, /) -> None:
        self.calls.append(("unregister", 0))
        self.epoll.unregister(fd)


class Counting(kernel_based):
    """An engine over such an epoll."""

    id = lwt_engine.Engine_id()

    def __init__(self) -> None:
        self.calls: list[tuple[str, int]] = []
        super().__init__(Epoll_poller(self.make))

    def make(self) -> Counting_epoll:
        epoll = Counting_epoll()
        epoll.calls = self.calls
        self.calls.append(("open", 0))
        return epoll

    def take(self) -> list[tuple[str, int]]:
        calls = self.calls[:]
        self.calls.clear()
        return calls


IN, OUT = 1, 4
"""What such an epoll is asked to watch for."""
