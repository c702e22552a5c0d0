"""The descriptors of this process: which are open, and how many may be."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import lwt_unix

Pair = tuple[lwt_unix.File_descr, lwt_unix.File_descr]


def open_descriptors() -> set[int]:
    """The descriptors that are open, by number."""
    # Reading the directory opens one more; it is closed when we look again.
    return {fd for fd in map(int, os.listdir("/dev/fd")) if is_open(fd)}


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
