"""Calls through Python's socket objects: addresses of other families, what is not a socket."""

import errno
import socket

import pytest

import lwt_unix
from tests.support.sockets import Open, raised_by

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


def test_binding_an_address_of_another_domain_gives_the_errors_of_the_system(
    opened: Open,
) -> None:
    with pytest.raises(OSError, match="PF_UNIX") as raised:
        lwt_unix.bind(opened.socket(lwt_unix.PF_UNIX), ("127.0.0.1", 0))
    assert raised.value.errno == errno.EINVAL
    with pytest.raises(OSError, match="PF_INET") as raised:
        lwt_unix.bind(opened.socket(), ("::1", 0))
    assert raised.value.errno == errno.EAFNOSUPPORT


def test_connecting_to_an_address_of_another_domain_gives_the_errors_of_the_system(
    opened: Open,
) -> None:
    errors = [
        raised_by(lambda: lwt_unix.connect(opened.socket(), ("::1", 1))),
        raised_by(lambda: lwt_unix.connect(opened.socket(), "/socket")),
        raised_by(lambda: lwt_unix.connect(opened.socket(lwt_unix.PF_UNIX), ("127.0.0.1", 1))),
    ]
    assert errors == [errno.EAFNOSUPPORT, errno.EINVAL, errno.EINVAL]


@pytest.mark.skipif(not hasattr(socket, "AF_NETLINK"), reason="a domain of Linux")
def test_connecting_a_socket_of_an_unknown_domain_gives_an_error_of_the_system(
    opened: Open,
) -> None:
    netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)
    descriptor = opened(lwt_unix.of_unix_file_descr(netlink.detach()))
    assert raised_by(lambda: lwt_unix.connect(descriptor, ("::1", 1))) == errno.EAFNOSUPPORT


def test_connecting_a_pipe_raises_at_once(opened: Open) -> None:
    reading, writing = lwt_unix.pipe()
    opened(reading), opened(writing)
    assert raised_by(lambda: lwt_unix.connect(writing, ("127.0.0.1", 1))) == errno.ENOTSOCK
