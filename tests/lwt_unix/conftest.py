"""Fixtures for tests that meet the kernel."""

import os
from collections.abc import Callable, Iterator

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_engine, lwt_main
from tests.support.engines import Clock


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


@pytest.fixture
def hooked() -> Iterator[list[BaseException]]:
    """What reaches `async_exception_hook`."""
    exceptions: list[BaseException] = []
    before = lwt.async_exception_hook.contents
    lwt.async_exception_hook.contents = exceptions.append
    yield exceptions
    lwt.async_exception_hook.contents = before


Pair = tuple[lwt_unix.File_descr, lwt_unix.File_descr]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Two sockets that are connected to each other."""
    near, far = lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)
    yield near, far
    for descriptor in (near, far):
        if lwt_unix.state(descriptor) is not lwt_unix.Closed:
            lwt_main.run(lwt_unix.close(descriptor))


@pytest.fixture
def clock() -> Iterator[Clock]:
    """A clock of the current engine."""
    usual = lwt_engine.get()
    clock = Clock()
    lwt_engine.set(lwt_engine.select(clock=clock), destroy=False)
    yield clock
    lwt_engine.set(usual)
