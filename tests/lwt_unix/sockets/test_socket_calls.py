"""Calls through Python's socket objects: addresses of other families, what is not a socket."""

import errno
import socket
from collections.abc import Callable

import pytest

import lwt_unix
from lwt_unix import lwt_main
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


def test_an_address_that_cannot_be_told_the_system_stands_in_the_text_as_in_other_errors(
    opened: Open,
) -> None:
    long, away = "/" + 200 * "x", "fe80::1%nonesuch"
    calls: list[Callable[[], object]] = [
        lambda: lwt_main.run(lwt_unix.bind(opened.socket(lwt_unix.PF_UNIX), long)),
        lambda: lwt_unix.connect(opened.socket(lwt_unix.PF_UNIX), long),
        lambda: lwt_unix.sendto(opened.socket(lwt_unix.PF_UNIX), b"x", 0, 1, [], long),
        lambda: lwt_unix.connect(opened.socket(lwt_unix.PF_INET6), (away, 1)),
    ]
    seen: list[tuple[str | None, tuple[int, str, str]]] = []
    for call in calls:
        with pytest.raises(OSError, match="ADDR_") as raised:
            call()
        seen.append((raised.value.strerror, lwt_unix.unix_error(raised.value)))
    path = f'File name too long: ADDR_UNIX("{long}")'
    assert seen == [
        (f"{path} (lwt_unix.bind)", (errno.ENAMETOOLONG, "", long)),
        (f"{path} (lwt_unix.connect)", (errno.ENAMETOOLONG, "", long)),
        (f"{path} (lwt_unix.sendto)", (errno.ENAMETOOLONG, "", long)),
        (
            f'No such device: ADDR_INET("{away}", 1) (lwt_unix.connect)',
            (errno.ENODEV, "", "nonesuch"),
        ),
    ]


@pytest.mark.real_only("the domain is that of Linux's own messages")
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
