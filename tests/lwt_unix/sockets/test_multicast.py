"""Multicast: joining groups, leaving them, and how far messages go."""

import errno
import socket
from collections.abc import Callable
from typing import Any

import pytest

import lwt_unix
from lwt_unix import lwt_main
from tests.support.sockets import Open, raised_by, unix_error_of

pytestmark = [
    pytest.mark.real_only("the simulated network has no multicast"),
    pytest.mark.usefixtures("nothing_left_behind"),
]

anything: Any = lwt_unix

GROUP = "239.255.255.250"
HERE = "127.0.0.1"


def a_member(opened: Open) -> lwt_unix.File_descr:
    """A socket that has joined the group on the loopback interface, and sends there, too."""
    member = opened.socket(type=lwt_unix.SOCK_DGRAM)
    lwt_main.run(lwt_unix.bind(member, (lwt_unix.inet_addr_any, 0)))
    lwt_unix.mcast_add_membership(member, GROUP, ifname=HERE)
    with socket.socket(fileno=lwt_unix.unix_file_descr(member)) as same:
        same.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(HERE))
        same.detach()
    return member


def send_to_the_group(member: lwt_unix.File_descr) -> None:
    name = lwt_unix.getsockname(member)
    assert isinstance(name, lwt_unix.ADDR_INET)
    assert lwt_main.run(lwt_unix.sendto(member, b"hello", 0, 5, [], (GROUP, name.port))) == 5


def test_who_has_joined_a_group_receives_what_is_sent_there(opened: Open) -> None:
    member = a_member(opened)
    send_to_the_group(member)
    buffer = bytearray(8)
    assert lwt_main.run(lwt_unix.recv(member, buffer, 0, 8, [])) == 5


def test_who_has_left_a_group_receives_nothing(opened: Open) -> None:
    member = a_member(opened)
    lwt_unix.mcast_drop_membership(member, GROUP, ifname=HERE)
    send_to_the_group(member)
    assert not lwt_unix.readable(member)


def option_of(member: lwt_unix.File_descr, option: int) -> int:
    with socket.socket(fileno=lwt_unix.unix_file_descr(member)) as same:
        value = same.getsockopt(socket.IPPROTO_IP, option)
        same.detach()
    return value


def test_the_system_is_told_whether_what_is_sent_comes_back(opened: Open) -> None:
    member = opened.socket(type=lwt_unix.SOCK_DGRAM)
    lwt_unix.mcast_set_loop(member, False)
    assert option_of(member, socket.IP_MULTICAST_LOOP) == 0
    lwt_unix.mcast_set_loop(member, True)
    assert option_of(member, socket.IP_MULTICAST_LOOP) == 1


def test_the_system_is_told_over_how_many_routers_it_may_go(opened: Open) -> None:
    member = opened.socket(type=lwt_unix.SOCK_DGRAM)
    lwt_unix.mcast_set_ttl(member, 7)
    assert option_of(member, socket.IP_MULTICAST_TTL) == 7


def test_errors_of_the_system_have_the_name_of_the_call(opened: Open) -> None:
    member = opened.socket(type=lwt_unix.SOCK_DGRAM)
    assert unix_error_of(lambda: lwt_unix.mcast_drop_membership(member, GROUP, ifname=HERE)) == (
        errno.EADDRNOTAVAIL,
        "setsockopt",
        "",
    )
    assert raised_by(lambda: lwt_unix.mcast_set_ttl(member, 256)) == errno.EINVAL
    reading, writing = map(opened, lwt_unix.pipe())
    assert unix_error_of(lambda: lwt_unix.mcast_set_loop(reading, True)) == (
        errno.ENOTSOCK,
        "getsockname",
        "",
    )
    assert raised_by(lambda: lwt_unix.mcast_set_ttl(writing, 1)) == errno.ENOTSOCK


CALLS: dict[str, Callable[[Any], object]] = {
    "lwt_unix_mcast_set_loop": lambda x: lwt_unix.mcast_set_loop(x, True),
    "lwt_unix_mcast_set_ttl": lambda x: lwt_unix.mcast_set_ttl(x, 1),
    "lwt_unix_mcast_modify_membership": lambda x: lwt_unix.mcast_add_membership(x, GROUP),
}


@pytest.mark.parametrize("text", CALLS)
def test_a_socket_that_is_not_of_ipv4_is_refused(text: str, opened: Open) -> None:
    with pytest.raises(ValueError, match=rf"^{text} \(lwt_unix.*PF_INET only"):
        CALLS[text](opened.socket(lwt_unix.PF_INET6, lwt_unix.SOCK_DGRAM))
    with pytest.raises(ValueError, match=r"^Not an Internet socket"):
        CALLS[text](opened.socket(lwt_unix.PF_UNIX, lwt_unix.SOCK_DGRAM))


def test_an_address_that_is_not_of_ipv4_is_refused(opened: Open) -> None:
    member = opened.socket(type=lwt_unix.SOCK_DGRAM)
    text = r"^lwt_unix_mcast_modify: Not an IPV4 address: '(ff02)?::1'"
    with pytest.raises(ValueError, match=text):
        lwt_unix.mcast_add_membership(member, "ff02::1")
    with pytest.raises(ValueError, match=text):
        lwt_unix.mcast_drop_membership(member, GROUP, ifname="::1")
    with pytest.raises(ValueError, match=r"^lwt_unix\.mcast_add_membership: host 'all' is not"):
        lwt_unix.mcast_add_membership(member, "all")


def test_other_arguments_of_a_wrong_type_are_refused(opened: Open) -> None:
    member = opened.socket(type=lwt_unix.SOCK_DGRAM)
    with pytest.raises(TypeError, match=r"^lwt_unix\.mcast_set_loop: expected a bool, got 1"):
        anything.mcast_set_loop(member, 1)
    with pytest.raises(TypeError, match=r"^lwt_unix\.mcast_set_ttl: expected an int for ttl"):
        anything.mcast_set_ttl(member, "1")
    with pytest.raises(ValueError, match=r"^lwt_unix\.mcast_set_ttl: ttl is"):
        lwt_unix.mcast_set_ttl(member, 2**40)
