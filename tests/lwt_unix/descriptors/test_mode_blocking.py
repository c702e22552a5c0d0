"""What a descriptor in blocking mode means for each call: the table in `differences-from-ocaml`."""

import fcntl
import os
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_io, lwt_main
from tests.support.descriptors import Pair, a_blocking_pipe, fill, send
from tests.support.sockets import Open

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

MUCH = bytes(1_000_000)
"""More than a pipe or a socket has room for."""


@pytest.fixture
def blocking_pipe() -> Iterator[Pair]:
    reading, writing = a_blocking_pipe()
    yield reading, writing
    for end in reading, writing:
        lwt_main.run(lwt_unix.close(end))


@pytest.fixture
def blocking_pair(pair: Pair) -> Pair:
    for end in pair:
        lwt_unix.set_blocking(end, True)
    return pair


def goes_on_meanwhile(waiting: lwt.Promise[object]) -> bool:
    """Whether the main loop turns while a call waits."""
    lwt_main.run(lwt.pause())
    lwt_main.run(lwt_unix.sleep(0.0))
    return lwt.is_sleeping(waiting)


def read_all_in_a_thread(fd: lwt_unix.File_descr, length: int) -> threading.Thread:
    """Have a thread read so many bytes, while this one may be stopped by its call."""

    def read() -> None:
        left = length
        while left > 0:
            left -= len(os.read(lwt_unix.unix_file_descr(fd), left))

    thread = threading.Thread(target=read)
    thread.start()
    return thread


RECEIVE: dict[str, Callable[[lwt_unix.File_descr, bytearray], lwt.Promise[object]]] = {
    "read": lambda fd, buffer: lwt_unix.read(fd, buffer, 0, 8),
    "recv": lambda fd, buffer: lwt_unix.recv(fd, buffer, 0, 8, []),
    "recvfrom": lambda fd, buffer: lwt_unix.recvfrom(fd, buffer, 0, 8, []),
}


@pytest.mark.parametrize("name", RECEIVE)
def test_reading_waits_until_there_is_something_and_the_program_goes_on(
    blocking_pair: Pair, name: str
) -> None:
    buffer = bytearray(8)
    waiting = RECEIVE[name](blocking_pair[0], buffer)
    assert goes_on_meanwhile(waiting)
    send(blocking_pair[1], b"some")
    lwt_main.run(waiting)
    assert buffer == b"some\0\0\0\0"


def test_of_two_that_read_the_second_goes_on_waiting(blocking_pair: Pair) -> None:
    buffers = bytearray(8), bytearray(8)
    first, second = (lwt_unix.read(blocking_pair[0], buffer, 0, 8) for buffer in buffers)
    send(blocking_pair[1], b"some")
    assert lwt_main.run(first) == 4
    assert goes_on_meanwhile(second)
    send(blocking_pair[1], b"more")
    assert lwt_main.run(second) == 4


def test_a_file_is_read_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    fd = lwt_unix.of_unix_file_descr(os.open(tmp_path / "file", os.O_RDONLY))
    assert lwt.state(lwt_unix.read(fd, bytearray(8), 0, 8)) == lwt.Return(7)
    assert lwt.state(lwt_unix.read(fd, bytearray(8), 0, 8)) == lwt.Return(0)
    lwt_main.run(lwt_unix.close(fd))


WRITE: dict[str, Callable[[lwt_unix.File_descr], lwt.Promise[int]]] = {
    "write": lambda fd: lwt_unix.write(fd, MUCH, 0, len(MUCH)),
    "send": lambda fd: lwt_unix.send(fd, MUCH, 0, len(MUCH), []),
}


@pytest.mark.real_only("a thread reads meanwhile")
def test_sending_more_than_there_is_room_for_stops_the_program_until_all_is_sent(
    blocking_pair: Pair,
) -> None:
    thread = read_all_in_a_thread(blocking_pair[0], len(MUCH))
    assert lwt.state(WRITE["send"](blocking_pair[1])) == lwt.Return(len(MUCH))
    thread.join()


@pytest.mark.real_only("a thread waits")
@pytest.mark.parametrize("is_full", [False, True])
def test_writing_more_than_there_is_room_for_waits_in_a_thread_and_the_program_goes_on(
    blocking_pipe: Pair, is_full: bool
) -> None:
    reading, writing = blocking_pipe
    filled = 0
    if is_full:
        lwt_unix.set_blocking(writing, False)
        fill(writing)
        lwt_unix.set_blocking(writing, True)
        waiting_bytes = fcntl.ioctl(lwt_unix.unix_file_descr(reading), termios.FIONREAD, bytes(4))
        filled = int.from_bytes(waiting_bytes, sys.byteorder)
    waiting = lwt_unix.write(writing, MUCH, 0, len(MUCH))
    assert goes_on_meanwhile(waiting)
    os.set_blocking(lwt_unix.unix_file_descr(reading), True)
    thread = read_all_in_a_thread(reading, filled + len(MUCH))
    assert lwt_main.run(waiting) == len(MUCH)
    thread.join()


@pytest.mark.parametrize("name", WRITE)
def test_in_non_blocking_mode_only_what_there_is_room_for_is_written(pair: Pair, name: str) -> None:
    assert lwt_main.run(WRITE[name](pair[1])) < len(MUCH)


def test_writing_where_there_is_no_room_waits_and_the_program_goes_on(blocking_pipe: Pair) -> None:
    reading, writing = blocking_pipe
    lwt_unix.set_blocking(writing, False)
    fill(writing)
    lwt_unix.set_blocking(writing, True)
    waiting = lwt_unix.write(writing, b"x", 0, 1)
    assert goes_on_meanwhile(waiting)
    os.read(lwt_unix.unix_file_descr(reading), 1_000_000)
    assert lwt_main.run(waiting) == 1


def test_a_channel_does_what_read_and_write_do(blocking_pair: Pair) -> None:
    ic = lwt_io.of_fd(blocking_pair[0], mode=lwt_io.Input, close=lambda: lwt.return_unit)
    waiting = lwt_io.read_line(ic)
    assert goes_on_meanwhile(waiting)
    send(blocking_pair[1], b"line\n")
    assert lwt_main.run(waiting) == b"line"


def test_accepting_waits_for_a_client_and_the_program_goes_on(opened: Open) -> None:
    listener = opened.listener()
    lwt_unix.set_blocking(listener, True)
    waiting = lwt_unix.accept(listener)
    assert goes_on_meanwhile(waiting)
    opened.client_of(listener)
    client, _ = lwt_main.run(waiting)
    assert lwt_main.run(lwt_unix.blocking(opened(client))) is False
    opened.client_of(listener)
    accepted, problem = lwt_main.run(lwt_unix.accept_n(listener, 5))
    assert problem is None
    assert [opened(fd) for fd, _ in accepted] == [fd for fd, _ in accepted]
    assert len(accepted) == 1


@pytest.mark.real_only("it stops the program, which the simulated world refuses")
@pytest.mark.parametrize("blocking", [True, False])
def test_connecting_stops_the_program_until_there_is_a_connection(
    opened: Open, blocking: bool
) -> None:
    address = lwt_unix.getsockname(opened.listener())
    client = opened.socket()
    lwt_unix.set_blocking(client, blocking)
    connecting = lwt_unix.connect(client, address)
    assert lwt.is_sleeping(connecting) is not blocking
    lwt_main.run(connecting)


@pytest.mark.parametrize("blocking", [True, False])
def test_an_action_is_called_at_once_only_in_non_blocking_mode(pair: Pair, blocking: bool) -> None:
    lwt_unix.set_blocking(pair[0], blocking)
    called: list[str] = []

    def action() -> bytes:
        called.append("called")
        return os.read(lwt_unix.unix_file_descr(pair[0]), 8)

    waiting = lwt_unix.wrap_syscall(lwt_unix.Read, pair[0], action)
    assert called == ([] if blocking else ["called"])
    send(pair[1], b"some")
    assert lwt_main.run(waiting) == b"some"
    assert called == ["called"] * (1 if blocking else 2)


@pytest.mark.parametrize("blocking", [True, False])
def test_asking_and_waiting_are_the_same_in_both_modes(pair: Pair, blocking: bool) -> None:
    lwt_unix.set_blocking(pair[0], blocking)
    assert not lwt_unix.readable(pair[0])
    assert lwt_unix.writable(pair[0])
    waiting = lwt_unix.wait_read(pair[0])
    assert goes_on_meanwhile(waiting)
    send(pair[1], b"some")
    lwt_main.run(waiting)
    assert lwt_unix.readable(pair[0])
