"""The descriptors of this process: which are open, how many may be, what goes through a pair."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_engine, lwt_main, testing
from lwt_unix.testing._world.engine import Engine_id__simulated

Pair = tuple[lwt_unix.File_descr, lwt_unix.File_descr]


def open_descriptors() -> set[int]:
    """The descriptors that are open, by number."""
    if is_simulated():
        return set(testing.world().table)
    # Reading the directory opens one more; it is closed when we look again.
    return {fd for fd in map(int, os.listdir("/dev/fd")) if is_open(fd)}


def is_simulated() -> bool:
    """Whether the test runs in the simulated world."""
    return isinstance(lwt_engine.get().id, Engine_id__simulated)


def is_open(fd: int) -> bool:
    """Whether a number stands for an open file."""
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


@contextmanager
def many_descriptors(number: int) -> Iterator[None]:
    """Let so many descriptors be open; skip the test if the system does not allow that."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < number:
        pytest.skip(f"the system allows {hard} descriptors, {number} are needed")
    with _limit(max(soft, number)):
        yield


@contextmanager
def no_more_descriptors() -> Iterator[None]:
    """Let no further descriptor be opened, not even one."""
    if is_simulated():
        here = testing.network().here()
        usual, here.limits.descriptors = here.limits.descriptors, len(here.fds)
        yield
        here.limits.descriptors = usual
        return
    lowest_free = os.dup(0)
    os.close(lowest_free)
    with _limit(lowest_free):
        yield


@contextmanager
def _limit(number: int) -> Iterator[None]:
    """Let descriptors have numbers below this one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Reason(Exception):
    """Why a descriptor was aborted, or an action failed."""


def a_blocking_pipe() -> Pair:
    """A pipe, to read from and to write to, in blocking mode."""
    reading, writing = os.pipe()
    return (
        lwt_unix.of_unix_file_descr(reading, blocking=True),
        lwt_unix.of_unix_file_descr(writing, blocking=True),
    )


def send(descriptor: lwt_unix.File_descr, data: bytes) -> None:
    """Write at once, past what is under test."""
    assert os.write(lwt_unix.unix_file_descr(descriptor), data) == len(data)


def fill(descriptor: lwt_unix.File_descr) -> None:
    """Write until there is no room."""
    lwt_main.run(lwt_unix.blocking(descriptor))
    try:
        while True:
            os.write(lwt_unix.unix_file_descr(descriptor), bytes(65536))
    except BlockingIOError:
        pass


def read_one(descriptor: lwt_unix.File_descr) -> lwt.Promise[str]:
    """Read one character."""
    buffer = bytearray(1)
    read = lwt_unix.read(descriptor, buffer, 0, 1)
    return lwt.map(lambda length: buffer[:length].decode(), read)


class Log(list[str]):
    """What happened, in order."""

    def watch(self, name: str, promise: lwt.Promise[object]) -> None:
        lwt.on_any(
            promise,
            lambda value: self.append(f"{name}={value}"),
            lambda exn: self.append(f"{name}!{type(exn).__name__}"),
        )


def counts() -> tuple[int, int]:
    """How many events wait for something to read, and how many for room."""
    return lwt_engine.readable_count(), lwt_engine.writable_count()
