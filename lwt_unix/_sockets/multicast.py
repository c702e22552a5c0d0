"""Multicast: datagrams for all who have joined a group.

As in OCaml, only IPv4 has these, and every call acts at once, on an opened descriptor.

OCaml: section "Multicast functions" of lwt_unix.ml.
"""

from __future__ import annotations

import socket as python_socket
from typing import Never

from lwt._core.checks import check_bounds, check_kind, given_by_position
from lwt_unix import _system as system
from lwt_unix._checks import C_INT
from lwt_unix._descriptors.file_descr import File_descr, check_opened
from lwt_unix._errors import call_named
from lwt_unix._sockets.sockaddr import inet_addr_any, to_sockaddr
from lwt_unix._sockets.socket_calls import kind_of, socket_of


def mcast_set_loop(descriptor: File_descr, flag: bool, /) -> None:
    """Choose whether what is sent to a group comes back to this host, too; at first it does.

    Raises:
        ValueError: the socket is not one of IPv4.

    OCaml: Lwt_unix.mcast_set_loop : file_descr -> bool -> unit
    """
    check_kind("lwt_unix.mcast_set_loop", flag, bool)
    _check_is_ipv4("lwt_unix.mcast_set_loop", descriptor, "lwt_unix_mcast_set_loop")
    _set(descriptor, python_socket.IP_MULTICAST_LOOP, int(flag))


def mcast_set_ttl(descriptor: File_descr, ttl: int, /) -> None:
    """Choose over how many routers what is sent to a group may go: at first 1, the own network.

    Raises:
        ValueError: the socket is not one of IPv4.
        OSError: EINVAL, if `ttl` is not 0 to 255.

    OCaml: Lwt_unix.mcast_set_ttl : file_descr -> int -> unit
    """
    check_bounds("lwt_unix.mcast_set_ttl", "ttl", ttl, *C_INT)
    _check_is_ipv4("lwt_unix.mcast_set_ttl", descriptor, "lwt_unix_mcast_set_ttl")
    _set(descriptor, python_socket.IP_MULTICAST_TTL, ttl)


def mcast_add_membership(
    descriptor: File_descr, addr: str, /, *_wrong: Never, ifname: str = inet_addr_any
) -> None:
    """Join a group: from now on the socket receives what is sent to it.

    Args:
        descriptor: a socket for datagrams, of IPv4.
        addr: the address of the group, 224.0.0.0 to 239.255.255.255.
        ifname: the address of the interface; by default the system chooses one.

    Raises:
        ValueError: one of the addresses is not numeric or not IPv4, or the socket is not.
        OSError: for example ENODEV: there is no such interface.

    OCaml: Lwt_unix.mcast_add_membership :
        file_descr -> ?ifname:Unix.inet_addr -> Unix.inet_addr -> unit
    """
    if _wrong:
        raise given_by_position(mcast_add_membership, _wrong)
    function = "lwt_unix.mcast_add_membership"
    _modify(function, descriptor, python_socket.IP_ADD_MEMBERSHIP, addr, ifname)


def mcast_drop_membership(
    descriptor: File_descr, addr: str, /, *_wrong: Never, ifname: str = inet_addr_any
) -> None:
    """Leave a group, joined with the same two addresses.

    Raises:
        ValueError: one of the addresses is not numeric or not IPv4, or the socket is not.
        OSError: EADDRNOTAVAIL, if it was not joined.

    OCaml: Lwt_unix.mcast_drop_membership :
        file_descr -> ?ifname:Unix.inet_addr -> Unix.inet_addr -> unit
    """
    if _wrong:
        raise given_by_position(mcast_drop_membership, _wrong)
    function = "lwt_unix.mcast_drop_membership"
    _modify(function, descriptor, python_socket.IP_DROP_MEMBERSHIP, addr, ifname)


def _modify(function: str, descriptor: File_descr, action: int, addr: str, ifname: str) -> None:
    for host in addr, ifname:
        to_sockaddr(function, (host, 0))
    _check_is_ipv4(function, descriptor, "lwt_unix_mcast_modify_membership")
    for host in addr, ifname:
        if ":" in host:
            raise ValueError(
                f"lwt_unix_mcast_modify: Not an IPV4 address: {host!r} ({function}); multicast is"
                " for IPv4 only here"
            )
    _set(
        descriptor,
        action,
        b"".join(python_socket.inet_pton(python_socket.AF_INET, host) for host in (addr, ifname)),
    )


def _check_is_ipv4(function: str, descriptor: File_descr, ocaml: str) -> None:
    check_opened(function, descriptor)
    with call_named("getsockname"):
        family = kind_of(descriptor).family
    if family == python_socket.AF_INET:
        return
    text = ocaml if family == python_socket.AF_INET6 else "Not an Internet socket"
    raise ValueError(f"{text} ({function}): multicast is for sockets of PF_INET only here")


def _set(descriptor: File_descr, option: int, value: int | bytes) -> None:
    with call_named("setsockopt"):
        system.setsockopt(socket_of(descriptor), python_socket.IPPROTO_IP, option, value)
