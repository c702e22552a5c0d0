"""Functions under the names of their versions."""

import errno
from pathlib import Path

import pytest

import lwt_unix
from lwt_unix import lwt_main
from tests.support.sockets import Open, unix_error_of

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


def test_the_first_bind_gives_an_address_at_once(opened: Open, tmp_path: Path) -> None:
    path = tmp_path / "socket"
    one = opened.socket(lwt_unix.PF_UNIX)
    lwt_unix.Versioned.bind_1(one, path)
    assert lwt_unix.getsockname(one) == lwt_unix.ADDR_UNIX(str(path))
    other = opened.socket(lwt_unix.PF_UNIX)
    assert unix_error_of(lambda: lwt_unix.Versioned.bind_1(other, path)) == (
        errno.EADDRINUSE,
        "bind",
        "",
    )


def test_the_second_ones_are_those_of_today(opened: Open) -> None:
    one = opened.socket()
    lwt_main.run(lwt_unix.Versioned.bind_2(one, ("127.0.0.1", 0)))
    near, far = opened.pair()
    vectors = lwt_unix.IO_vectors.create()
    lwt_unix.IO_vectors.append_bytes(vectors, bytearray(b"hello"), 0, 5)
    sending = lwt_unix.Versioned.send_msg_2(socket=near, io_vectors=vectors, fds=[])
    assert lwt_main.run(sending) == 5
    receiving = lwt_unix.Versioned.recv_msg_2(socket=far, io_vectors=vectors)
    assert lwt_main.run(receiving) == (5, [])
