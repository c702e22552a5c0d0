"""The system's calls as we make them: what Python's socket objects would add of their own."""

import socket

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_main
from tests.support.sockets import Open

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


def test_the_default_timeout_of_python_sockets_changes_nothing(opened: Open) -> None:
    socket.setdefaulttimeout(30.0)
    try:
        listener = opened.listener()
        accepting = lwt_unix.accept(listener)
        assert lwt.is_sleeping(accepting)
        client = opened.client_of(listener)
        accepted, _ = lwt_main.run(accepting)
        opened(accepted)
        receiving = lwt_unix.recv(accepted, bytearray(1), 0, 1, [])
        assert lwt.is_sleeping(receiving)
        lwt_main.run(lwt_unix.send(client, b"x", 0, 1, []))
        assert lwt_main.run(receiving) == 1
    finally:
        socket.setdefaulttimeout(None)
