"""Reading and writing byte arrays."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_bytes, lwt_main

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

Pair = tuple[lwt_unix.File_descr, lwt_unix.File_descr]
anything: Any = lwt_bytes


def array_of(data: bytes) -> memoryview:
    return lwt_bytes.of_bytes(data)


def test_what_is_there_is_read_into_the_array_at_once(pair: Pair) -> None:
    near, far = pair
    source, target = array_of(b"0123456789"), array_of(b"." * 10)
    assert lwt.state(lwt_bytes.write(near, source, 2, 5)) == lwt.Return(5)
    assert lwt.state(lwt_bytes.read(far, target, 1, 9)) == lwt.Return(5)
    assert bytes(target) == b".23456...."


def test_a_read_waits_and_can_be_cancelled(pair: Pair) -> None:
    near, far = pair
    target = array_of(b"." * 10)
    cancelled, reading = (lwt_bytes.read(far, target, offset, 3) for offset in (0, 5))
    lwt.cancel(cancelled)
    lwt_main.run(lwt_bytes.write(near, array_of(b"abc"), 0, 3))
    assert lwt_main.run(reading) == 3
    assert bytes(target) == b".....abc.."


def test_nothing_is_copied_on_the_way(pair: Pair) -> None:
    """What comes is seen through another view of the same memory."""
    near, far = pair
    target = lwt_bytes.create(10)
    proxy = lwt_bytes.proxy(target, 4, 3)
    lwt_main.run(lwt_bytes.write(near, array_of(b"abcdef"), 0, 6))
    assert lwt_main.run(lwt_bytes.read(far, target, 2, 6)) == 6
    assert bytes(proxy) == b"cde"


def test_messages_have_flags(pair: Pair) -> None:
    near, far = pair
    target = array_of(b"." * 5)
    assert lwt_main.run(lwt_bytes.send(near, array_of(b"abc"), 1, 2, [])) == 2
    peeked = lwt_bytes.recv(far, target, 0, 5, [lwt_unix.MSG_PEEK])
    assert (lwt_main.run(peeked), bytes(target)) == (2, b"bc...")
    assert lwt_main.run(lwt_bytes.recv(far, target, 3, 2, [])) == 2
    assert bytes(target) == b"bc.bc"


def test_messages_have_addresses(tmp_path: Path) -> None:
    async def main() -> None:
        address = lwt_unix.ADDR_UNIX(str(tmp_path / "socket"))
        near = lwt_unix.socket(lwt_unix.PF_UNIX, lwt_unix.SOCK_DGRAM, 0)
        far = lwt_unix.socket(lwt_unix.PF_UNIX, lwt_unix.SOCK_DGRAM, 0)
        await lwt_unix.bind(far, address)
        assert await lwt_bytes.sendto(near, array_of(b"abcdef"), 2, 4, [], address) == 4
        target = array_of(b"." * 5)
        count, sender = await lwt_bytes.recvfrom(far, target, 1, 4, [])
        assert (count, sender, bytes(target)) == (4, lwt_unix.ADDR_UNIX(""), b".cdef")
        await lwt_unix.close(near)
        await lwt_unix.close(far)

    lwt_main.run(main())


def test_several_arrays_and_a_descriptor_make_a_message(pair: Pair) -> None:
    near, far = pair
    one, other = array_of(b"0123456789"), array_of(b"abcdef")
    sent = [
        lwt_bytes.io_vector(buffer=one, offset=8, length=2),
        lwt_bytes.io_vector(buffer=other, offset=0, length=3),
    ]
    reading, writing = os.pipe()
    assert lwt_main.run(lwt_bytes.send_msg(socket=near, io_vectors=sent, fds=[writing])) == 5
    target = array_of(b"." * 8)
    received = [lwt_bytes.Io_vector(target, 1, 2), lwt_bytes.Io_vector(target, 4, 4)]
    count, fds = lwt_main.run(lwt_bytes.recv_msg(socket=far, io_vectors=received))
    assert (count, bytes(target), len(fds)) == (5, b".89.abc.", 1)
    os.write(fds[0], b"!")
    assert os.read(reading, 5) == b"!"
    for fd in (reading, writing, *fds):
        os.close(fd)


CALLS: dict[str, Callable[[lwt_unix.File_descr, int, int], object]] = {
    "read": lambda d, offset, length: lwt_bytes.read(d, array_of(b"abc"), offset, length),
    "write": lambda d, offset, length: lwt_bytes.write(d, array_of(b"abc"), offset, length),
    "recv": lambda d, offset, length: lwt_bytes.recv(d, array_of(b"abc"), offset, length, []),
    "send": lambda d, offset, length: lwt_bytes.send(d, array_of(b"abc"), offset, length, []),
    "recvfrom": lambda d, offset, length: lwt_bytes.recvfrom(
        d, array_of(b"abc"), offset, length, []
    ),
    "sendto": lambda d, offset, length: lwt_bytes.sendto(
        d, array_of(b"abc"), offset, length, [], ("127.0.0.1", 9)
    ),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(("offset", "length"), [(-1, 1), (0, -1), (1, 3), (4, 0)])
def test_a_part_outside_is_refused_at_the_call(
    pair: Pair, name: str, offset: int, length: int
) -> None:
    with pytest.raises(ValueError, match=rf"^Lwt_bytes\.{name}: {length} bytes from offset "):
        CALLS[name](pair[0], offset, length)


@pytest.mark.parametrize("name", CALLS)
def test_a_closed_descriptor_and_what_is_none_are_refused_by_the_name_of_the_function(
    name: str,
) -> None:
    anything: Any = CALLS[name]
    with pytest.raises(TypeError, match=rf"^lwt_bytes\.{name}: expected a file_descr, got 3"):
        anything(3, 0, 3)
    descriptor = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
    lwt_main.run(lwt_unix.close(descriptor))
    with pytest.raises(OSError, match=rf"lwt_bytes\.{name}: ") as raised:
        CALLS[name](descriptor, 0, 3)
    assert raised.value.errno == errno.EBADF


def test_what_is_no_io_vector_is_refused(pair: Pair) -> None:
    for name, more in (("recv_msg", {}), ("send_msg", {"fds": []})):
        with pytest.raises(TypeError, match=rf"^lwt_bytes\.{name}: expected an io_vector, got b'a"):
            getattr(anything, name)(socket=pair[0], io_vectors=[b"abc"], **more)


def test_a_peer_that_is_gone_is_an_error_of_the_system(pair: Pair) -> None:
    near, far = pair
    lwt_main.run(lwt_unix.close(far))
    with pytest.raises(BrokenPipeError) as raised:
        lwt_main.run(lwt_bytes.write(near, array_of(b"abc"), 0, 3))
    assert lwt_unix.unix_error(raised.value) == (errno.EPIPE, "write", "")
