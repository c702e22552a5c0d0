"""Messages in several buffers, and the descriptors that come with them."""

import array
import errno
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt_unix import IO_vectors, lwt_engine, lwt_main, lwt_sys
from lwt_unix import _system as system
from lwt_unix._sockets import passing
from tests.support.descriptors import fill, is_open, no_more_descriptors, open_descriptors
from tests.support.sockets import Open, unix_error_of

pytestmark = [
    pytest.mark.real_only("what is passed are pipes of the real world"),
    pytest.mark.usefixtures("nothing_left_behind"),
]

anything: Any = lwt_unix


def vectors_of(*parts: Any) -> IO_vectors.t:
    """Vectors of whole buffers."""
    vectors = IO_vectors.create()
    for part in parts:
        IO_vectors.append_bytes(vectors, part, 0, len(part))
    return vectors


def receive(
    descriptor: lwt_unix.File_descr, *buffers: bytearray
) -> lwt.Promise[tuple[int, list[int]]]:
    return lwt_unix.recv_msg(socket=descriptor, io_vectors=vectors_of(*buffers))


def send(descriptor: lwt_unix.File_descr, data: bytes, *fds: int) -> lwt.Promise[int]:
    return lwt_unix.send_msg(socket=descriptor, io_vectors=vectors_of(data), fds=fds)


@pytest.fixture
def numbers() -> Iterator[list[int]]:
    """The numbers of a pipe; and those that are put here besides are closed at the end, too."""
    numbers = [*os.pipe()]
    yield numbers
    for number in numbers:
        os.close(number)


# --- Bytes -------------------------------------------------------------------


def test_what_is_sent_from_several_buffers_is_received_into_several(opened: Open) -> None:
    near, far = opened.pair()
    one, other = bytearray(4), bytearray(8)
    receiving = receive(far, one, other)
    assert lwt.is_sleeping(receiving)
    sending = lwt_unix.send_msg(socket=near, io_vectors=vectors_of(b"hel", b"lo, ", "you"), fds=[])
    assert lwt_main.run(sending) == 10
    assert lwt_main.run(receiving) == (10, [])
    assert (bytes(one), bytes(other)) == (b"hell", b"o, you\0\0")


def test_a_message_is_sent_to_an_address(opened: Open) -> None:
    one, other = (opened.socket(type=lwt_unix.SOCK_DGRAM) for _ in range(2))
    lwt_main.run(lwt_unix.bind(other, ("127.0.0.1", 0)))
    to = lwt_unix.getsockname(other)
    sending = lwt_unix.send_msgto(socket=one, io_vectors=vectors_of(b"hello"), fds=[], dest=to)
    assert lwt_main.run(sending) == 5
    buffer = bytearray(8)
    assert lwt_main.run(receive(other, buffer)) == (5, [])
    assert buffer == b"hello\0\0\0"


def test_sending_waits_for_room(opened: Open) -> None:
    near, far = opened.pair()
    fill(near)
    sending = send(near, b"hello")
    assert lwt.is_sleeping(sending)
    while lwt.is_sleeping(sending):
        os.read(lwt_unix.unix_file_descr(far), 65536)
        lwt_engine.iter(False)
    assert lwt.state(sending) == lwt.Return(5)


def test_the_end_of_a_stream_is_a_message_without_bytes(opened: Open) -> None:
    near, far = opened.pair()
    lwt_main.run(lwt_unix.close(near))
    assert lwt_main.run(receive(far, bytearray(5))) == (0, [])


# --- Descriptors -------------------------------------------------------------


@pytest.mark.parametrize("type", [lwt_unix.SOCK_STREAM, lwt_unix.SOCK_DGRAM])
def test_who_receives_a_descriptor_uses_the_same_file(
    type: lwt_unix.Socket_type, opened: Open, numbers: list[int]
) -> None:
    near, far = opened.pair(type)
    assert lwt_main.run(send(near, b"!", *numbers)) == 1
    count, received = lwt_main.run(receive(far, bytearray(5)))
    numbers.extend(received)
    assert (count, len(received)) == (1, 2)
    assert not set(received) & set(numbers[:2])
    assert os.write(received[1], b"hello") == 5
    assert os.read(numbers[0], 8) == b"hello"


def test_a_datagram_carries_descriptors_to_an_address(
    opened: Open, numbers: list[int], tmp_path: Path
) -> None:
    near, far = (opened.socket(domain=lwt_unix.PF_UNIX, type=lwt_unix.SOCK_DGRAM) for _ in range(2))
    lwt_main.run(lwt_unix.bind(far, tmp_path / "socket"))
    sending = lwt_unix.send_msgto(
        socket=near, io_vectors=vectors_of(b"!"), fds=numbers, dest=tmp_path / "socket"
    )
    assert lwt_main.run(sending) == 1
    _, received = lwt_main.run(receive(far, bytearray(5)))
    numbers.extend(received)
    assert len(received) == 2


def test_programs_that_are_started_later_inherit_what_was_received(
    opened: Open, numbers: list[int]
) -> None:
    near, far = opened.pair()
    lwt_main.run(send(near, b"!", numbers[1]))
    _, received = lwt_main.run(receive(far, bytearray(5)))
    numbers.extend(received)
    assert os.get_inheritable(received[0])


def test_descriptors_reach_another_process(opened: Open, numbers: list[int]) -> None:
    program = """
import os, socket, sys
near = socket.socket(fileno=int(sys.argv[1]))
_, fds, _, _ = socket.recv_fds(near, 1, 1)
os.write(fds[0], b"from the child")
"""
    near, far = opened.pair()
    lwt_main.run(send(near, b"!", numbers[1]))
    fd = lwt_unix.unix_file_descr(far)
    subprocess.run([sys.executable, "-c", program, str(fd)], pass_fds=[fd], check=True)
    assert os.read(numbers[0], 20) == b"from the child"


def test_a_datagram_that_is_cut_off_keeps_its_descriptors(opened: Open, numbers: list[int]) -> None:
    near, far = opened.pair(lwt_unix.SOCK_DGRAM)
    lwt_main.run(send(near, b"hello", *numbers))
    buffer = bytearray(2)
    count, received = lwt_main.run(receive(far, buffer))
    numbers.extend(received)
    assert (count, bytes(buffer), len(received)) == (2, b"he", 2)


def test_at_the_limit_fewer_descriptors_come_and_none_is_left_open(
    opened: Open, numbers: list[int]
) -> None:
    near, far = opened.pair()
    lwt_main.run(send(near, b"!", *numbers, *numbers))
    before = open_descriptors()
    with no_more_descriptors():
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft + 1, hard))
        count, received = lwt_main.run(receive(far, bytearray(5)))
    numbers.extend(received)
    assert count == 1
    assert open_descriptors() - before == set(received)
    assert len(received) == 1


def test_what_was_sent_stays_open(opened: Open, numbers: list[int]) -> None:
    near, _far = opened.pair()
    lwt_main.run(send(near, b"!", *numbers))
    assert all(map(is_open, numbers))


def test_a_cancelled_receiver_receives_nothing(opened: Open, numbers: list[int]) -> None:
    near, far = opened.pair()
    lwt.cancel(receive(far, bytearray(5)))
    before = open_descriptors()
    lwt_main.run(send(near, b"!", *numbers))
    lwt_engine.iter(False)
    assert open_descriptors() == before
    _, received = lwt_main.run(receive(far, bytearray(5)))
    numbers.extend(received)
    assert len(received) == 2


def test_what_is_cancelled_inside_of_its_system_call_leaves_no_descriptor_open(
    opened: Open, numbers: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    near, far = opened.pair()
    receiving = receive(far, bytearray(5))
    before = open_descriptors()
    recvmsg_into = system.recvmsg_into

    def as_if_a_finaliser_ran(*arguments: Any) -> Any:
        received = recvmsg_into(*arguments)
        lwt.cancel(receiving)
        return received

    monkeypatch.setattr(system, "recvmsg_into", as_if_a_finaliser_ran)
    lwt_main.run(send(near, b"!", *numbers))
    lwt_engine.iter(False)
    assert lwt.state(receiving) == lwt.Fail(lwt.Canceled())
    assert open_descriptors() == before


def test_other_news_beside_the_bytes_is_no_descriptor(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    _near, far = opened.pair()
    half = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [7, 8]).tobytes()[:-2])
    other = (socket.SOL_SOCKET, socket.SCM_RIGHTS + 1, b"1234")
    monkeypatch.setattr(system, "recvmsg_into", lambda *_: (3, [other, half], 0, None))
    assert lwt_main.run(receive(far, bytearray(5))) == (3, [7])


# --- Errors ------------------------------------------------------------------


def test_sending_a_number_that_is_not_open_is_an_error(opened: Open) -> None:
    near, _far = opened.pair()
    assert unix_error_of(lambda: send(near, b"!", 2**31 - 1)) == (errno.EBADF, "send_msg", "")


def test_an_address_of_another_family_is_an_error_that_names_it(opened: Open) -> None:
    sender = opened.socket(type=lwt_unix.SOCK_DGRAM)
    with pytest.raises(OSError, match=r'ADDR_UNIX\("/x"\) \(lwt_unix\.send_msgto\)') as raised:
        lwt_unix.send_msgto(socket=sender, io_vectors=vectors_of(b"!"), fds=[], dest="/x")
    assert lwt_unix.unix_error(raised.value)[:2] == (errno.EINVAL, "send_msg")


def test_nobody_at_an_address_is_an_error_that_names_it(opened: Open, tmp_path: Path) -> None:
    sender = opened.socket(domain=lwt_unix.PF_UNIX, type=lwt_unix.SOCK_DGRAM)
    path = tmp_path / "nobody"
    with pytest.raises(OSError, match=r"nobody") as raised:
        lwt_unix.send_msgto(socket=sender, io_vectors=vectors_of(b"!"), fds=[], dest=path)
    assert lwt_unix.unix_error(raised.value) == (errno.ENOENT, "send_msg", "")


def test_sending_to_somebody_who_has_gone_is_an_error(opened: Open) -> None:
    near, far = opened.pair()
    lwt_main.run(lwt_unix.close(far))
    data = bytearray(5)
    assert unix_error_of(
        lambda: lwt_unix.send_msg(socket=near, io_vectors=vectors_of(data), fds=[])
    ) == (errno.EPIPE, "send_msg", "")
    data.append(0)  # It is not held.


def test_what_is_no_socket_is_an_error(opened: Open) -> None:
    reading, writing = map(opened, lwt_unix.pipe())
    assert unix_error_of(lambda: send(writing, b"!")) == (errno.ENOTSOCK, "send_msg", "")
    os.write(lwt_unix.unix_file_descr(writing), b"!")
    assert unix_error_of(lambda: receive(reading, bytearray(1))) == (errno.ENOTSOCK, "recv_msg", "")


@pytest.mark.parametrize(
    ("fds", "error"),
    [
        (3, r"expected an iterable of numbers of descriptors, got 3 \(int\)"),
        (["3"], r"expected a file descriptor, got '3' \(str\)"),
        ([lwt_unix.stdin], r"expected a file descriptor, got <File_descr 0"),
        ([-1], r"-1 is not a file descriptor"),
    ],
)
def test_what_is_no_descriptor_is_not_sent(fds: Any, error: str, opened: Open) -> None:
    near, far = opened.pair()
    with pytest.raises((TypeError, ValueError), match=rf"^lwt_unix\.send_msg: {error}"):
        lwt_unix.send_msg(socket=near, io_vectors=vectors_of(b"!"), fds=fds)
    assert not lwt_unix.readable(far)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("recv_msg", lambda s, v: lwt_unix.recv_msg(socket=s, io_vectors=v)),
        ("send_msg", lambda s, v: lwt_unix.send_msg(socket=s, io_vectors=v, fds=[])),
        (
            "send_msgto",
            lambda s, v: lwt_unix.send_msgto(socket=s, io_vectors=v, fds=[], dest="/x"),
        ),
    ],
)
def test_a_part_that_is_not_within_its_buffer_is_an_error_of_the_call(
    name: str, call: Callable[[Any, IO_vectors.t], object], opened: Open
) -> None:
    near, _far = opened.pair()
    vectors = IO_vectors.create()
    IO_vectors.append_bytes(vectors, bytearray(5), 1, 5)
    with pytest.raises(ValueError, match=rf"^Lwt_unix\.{name}: 5 bytes from offset 1"):
        call(near, vectors)


def test_where_no_descriptors_can_be_sent_that_is_said(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passing, "_CAN_PASS", False)
    near, far = opened.pair()
    with pytest.raises(lwt_sys.Not_available, match="fd_passing"):
        send(near, b"!", 0)
    assert lwt_main.run(send(near, b"hello")) == 5
    assert lwt_unix.readable(far)


def test_a_missing_label_is_told_with_all_that_are_needed() -> None:
    with pytest.raises(
        TypeError, match=r"write lwt_unix\.send_msg\(socket=\.\.\., io_vectors=\.\.\., fds=\.\.\.\)"
    ):
        anything.send_msg(lwt_unix.stdin)
