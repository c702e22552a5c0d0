"""Fixtures for tests that meet the kernel."""

import os
from collections.abc import Callable, Iterator

import pytest

from lwt_unix import lwt_engine


def open_descriptors() -> set[int]:
    """The descriptors that this process has open, by number."""
    return {int(name) for name in os.listdir("/dev/fd")}


@pytest.fixture
def nothing_left_behind() -> Iterator[None]:
    """Fail a test that leaves an event registered or a descriptor open."""

    def registered() -> tuple[int, int, int]:
        engine = lwt_engine.get()
        return engine.readable_count, engine.writable_count, engine.timer_count

    before, events_before = open_descriptors(), registered()
    yield
    # Reading the directory opens a descriptor, of the lowest number that is free.
    leaked = {fd for fd in open_descriptors() - before if is_open(fd)}
    assert leaked == set()
    assert registered() == events_before


def is_open(fd: int) -> bool:
    """Whether a number stands for an open file."""
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def in_child(run: Callable[[], object]) -> int:
    """Call a function in a child process; return its exit status: 0 if nothing was raised."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            run()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


class Clock:
    """A clock that moves when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass, and the main loop notice."""
        self.now += seconds
        lwt_engine.iter(False)


@pytest.fixture
def clock() -> Iterator[Clock]:
    """A clock of the current engine."""
    usual = lwt_engine.get()
    clock = Clock()
    lwt_engine.set(lwt_engine.select(clock=clock), destroy=False)
    yield clock
    lwt_engine.set(usual)
