"""Fixtures for tests of descriptors: numbers to wrap, and both ends of what carries bytes."""

import os
from collections.abc import Iterator

import pytest

import lwt_unix
from lwt_unix import lwt_main
from tests.support.descriptors import Pair, a_blocking_pipe


@pytest.fixture
def raw_pipe() -> Iterator[tuple[int, int]]:
    """The numbers of a pipe: where to read, where to write."""
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)
    os.close(writing)


def a_socket_pair() -> Pair:
    return lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)


@pytest.fixture(params=[a_socket_pair, lwt_unix.pipe, a_blocking_pipe])
def ends(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """An end to read from and an end to write to: of a socket, a pipe, a pipe in blocking mode."""
    reading, writing = request.param()
    yield reading, writing
    for descriptor in (reading, writing):
        if lwt_unix.state(descriptor) is not lwt_unix.Closed:
            lwt_main.run(lwt_unix.close(descriptor))
