"""Messages: sent, received, peeked at; buffers and flags that are refused."""

import errno
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

import lwt
import lwt_unix
from lwt_unix import ADDR_UNIX, lwt_main
from tests.support.sockets import Open, raised_by

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


def accept_and_open(opened: Open, listener: lwt_unix.File_descr) -> lwt_unix.File_descr:
    accepted, _ = lwt_main.run(lwt_unix.accept(listener))
    return opened(accepted)


def test_what_is_sent_is_received(opened: Open) -> None:
    near, far = opened.pair()
    buffer = bytearray(8)
    receiving = lwt_unix.recv(far, buffer, 1, 7, [])
    assert lwt.is_sleeping(receiving)
    assert lwt_main.run(lwt_unix.send(near, b"-hello-", 1, 5, [])) == 5
    assert lwt_main.run(receiving) == 5
    assert buffer == b"\0hello\0\0"


def test_peeking_leaves_what_it_sees(opened: Open) -> None:
    near, far = opened.pair()
    lwt_main.run(lwt_unix.write(near, b"hello", 0, 5))
    seen, received = bytearray(8), bytearray(8)
    assert lwt_main.run(lwt_unix.recv(far, seen, 0, 8, [lwt_unix.MSG_PEEK])) == 5
    assert lwt_main.run(lwt_unix.recv(far, received, 0, 8, [])) == 5
    assert seen == received


def test_receiving_nothing_leaves_the_bytes_there(opened: Open) -> None:
    near, far = opened.pair()
    lwt_main.run(lwt_unix.write(near, b"hello", 0, 5))
    assert lwt_main.run(lwt_unix.recv(far, bytearray(8), 0, 0, [])) == 0
    assert lwt_main.run(lwt_unix.recv(far, bytearray(8), 0, 8, [])) == 5


def test_a_message_and_its_sender(opened: Open) -> None:
    one, other = (opened.socket(type=lwt_unix.SOCK_DGRAM) for _ in range(2))
    for descriptor in (one, other):
        lwt_main.run(lwt_unix.bind(descriptor, ("127.0.0.1", 0)))
    buffer = bytearray(8)
    receiving = lwt_unix.recvfrom(other, buffer, 1, 7, [])
    to = lwt_unix.getsockname(other)
    assert lwt_main.run(lwt_unix.sendto(one, b"-hello-", 1, 5, [], to)) == 5
    assert lwt_main.run(receiving) == (5, lwt_unix.getsockname(one))
    assert buffer == b"\0hello\0\0"


def test_a_message_from_a_socket_without_a_name(opened: Open) -> None:
    near, far = opened.pair(lwt_unix.SOCK_DGRAM)
    lwt_main.run(lwt_unix.send(near, b"hello", 0, 5, []))
    assert lwt_main.run(lwt_unix.recvfrom(far, bytearray(8), 0, 8, [])) == (5, ADDR_UNIX(""))


def test_a_stream_does_not_name_the_sender(opened: Open) -> None:
    listener = opened.listener()
    client = opened.client_of(listener)
    accepted = accept_and_open(opened, listener)
    lwt_main.run(lwt_unix.write(client, b"hello", 0, 5))
    assert lwt_main.run(lwt_unix.recvfrom(accepted, bytearray(8), 0, 8, [])) == (5, ADDR_UNIX(""))


def test_a_message_to_a_host_name_is_refused(opened: Open) -> None:
    with pytest.raises(ValueError, match=r"^lwt_unix\.sendto: host"):
        lwt_unix.sendto(opened.socket(type=lwt_unix.SOCK_DGRAM), b"x", 0, 1, [], ("host", 1))


def test_messages_on_a_pipe_raise_at_once(opened: Open) -> None:
    reading, writing = lwt_unix.pipe()
    opened(reading), opened(writing)
    assert raised_by(lambda: lwt_unix.recv(reading, bytearray(1), 0, 1, [])) == errno.ENOTSOCK
    assert raised_by(lambda: lwt_unix.send(writing, b"x", 0, 1, [])) == errno.ENOTSOCK


def test_a_buffer_can_be_resized_while_the_exception_of_a_message_lives(opened: Open) -> None:
    near, far = opened.pair()
    lwt_main.run(lwt_unix.close(far))
    data = bytearray(8)
    with pytest.raises(BrokenPipeError) as raised:
        lwt_unix.send(near, data, 0, 4, [])
    data.clear()
    assert raised.value.__traceback__ is not None


MESSAGES: dict[str, Callable[[lwt_unix.File_descr, int, int], object]] = {
    "recv": lambda fd, offset, length: lwt_unix.recv(fd, bytearray(8), offset, length, []),
    "send": lambda fd, offset, length: lwt_unix.send(fd, bytes(8), offset, length, []),
    "recvfrom": lambda fd, offset, length: lwt_unix.recvfrom(fd, bytearray(8), offset, length, []),
    "sendto": lambda fd, offset, length: lwt_unix.sendto(
        fd, bytes(8), offset, length, [], "/socket"
    ),
}


@pytest.mark.parametrize(("offset", "length"), [(-1, 1), (0, -1), (0, 9), (4, 5)])
@pytest.mark.parametrize("name", MESSAGES)
def test_a_range_outside_the_buffer_is_refused_and_nothing_is_moved(
    opened: Open, name: str, offset: int, length: int
) -> None:
    near, far = opened.pair()
    lwt_main.run(lwt_unix.write(far, b"hello", 0, 5))
    with pytest.raises(ValueError, match=rf"^Lwt_unix\.{name}: "):
        MESSAGES[name](near, offset, length)
    assert lwt_main.run(lwt_unix.read(near, bytearray(8), 0, 8)) == 5
    assert not lwt_unix.readable(far)


def test_a_flag_that_is_none_is_refused(opened: Open) -> None:
    near, _ = opened.pair()
    with pytest.raises(TypeError, match="MSG_PEEK"):
        lwt_unix.recv(near, bytearray(8), 0, 8, [socket.MSG_PEEK])  # type: ignore[list-item]  # tested


def test_receiving_no_bytes_waits_as_receiving_one_does(opened: Open) -> None:
    """The system is asked; Python's `recv_into` would say 0 by itself."""
    near, far = opened.pair()
    received = lwt_unix.recv(near, bytearray(1), 0, 0, [])
    assert lwt.is_sleeping(received)
    lwt_main.run(lwt_unix.send(far, "x", 0, 1, []))
    assert lwt_main.run(received) == 0


def test_an_error_of_sendto_names_the_address(opened: Open, tmp_path: Path) -> None:
    one = opened.socket(lwt_unix.PF_UNIX, lwt_unix.SOCK_DGRAM)
    path = str(tmp_path / "nobody")
    with pytest.raises(FileNotFoundError, match=rf'ADDR_UNIX\("{path}"\) \(lwt_unix\.sendto\)$'):
        lwt_unix.sendto(one, b"x", 0, 1, [], path)
