"""Socket addresses: what they look like here, and how they become Python's own.

An address is an `ADDR_INET(addr, port)`, whose host is *numeric*, or an `ADDR_UNIX(path)`. A host
name in place of an address is an error that says so: to look up a name may block, and may fail in
ways of its own, so no function does it implicitly.

`to_sockaddr` is the one checker of addresses that users pass; `to_python` and `from_python`
translate to and from the tuples of the standard `socket` module.

OCaml: the types `sockaddr` and `inet_addr` of lwt_unix.ml, and their helpers in module Unix.
"""

import errno
import os
import re
import socket
import sys
from typing import Final, NamedTuple, TypeGuard

import lwt
from lwt._core.checks import check_bounds, check_kind, wrong_type
from lwt_unix._checks import Path, checked_path
from lwt_unix._errors import note_call
from lwt_unix._sockets.constants import PF_INET, PF_INET6, PF_UNIX, Socket_domain

inet_addr_any = "0.0.0.0"
"""Every IPv4 address of this host.

OCaml: Unix.inet_addr_any : inet_addr
"""

inet_addr_loopback = "127.0.0.1"
"""The IPv4 address of this host for itself.

OCaml: Unix.inet_addr_loopback : inet_addr
"""

inet6_addr_any = "::"
"""Every IPv6 address of this host.

OCaml: Unix.inet6_addr_any : inet_addr
"""

inet6_addr_loopback = "::1"
"""The IPv6 address of this host for itself.

OCaml: Unix.inet6_addr_loopback : inet_addr
"""


class ADDR_INET(NamedTuple):
    """An internet address: a numeric host, IPv4 or IPv6, and a port.

    A link-local IPv6 address may name its interface, `"fe80::1%eth0"`.

    OCaml: Lwt_unix.ADDR_INET of inet_addr * int
    """

    addr: str
    port: int


class ADDR_UNIX(NamedTuple):
    """The address of a Unix-domain socket: a path, or on Linux a NUL and a name (abstract).

    The empty path is the address of a socket without a name.

    OCaml: Lwt_unix.ADDR_UNIX of string
    """

    path: str


Sockaddr = ADDR_INET | ADDR_UNIX
"""What functions return.

OCaml: type Lwt_unix.sockaddr = Unix.sockaddr = ADDR_UNIX of string | ADDR_INET of inet_addr * int
"""


Address = Sockaddr | tuple[str, int] | Path
"""What functions take: a `Sockaddr`, a plain `(host, port)`, or a path.

A plain `str` or `bytes` such as `"localhost:8080"` is refused: it was hardly meant to be a path. If it was,
write `ADDR_UNIX("localhost:8080")`.
"""

PythonAddress = tuple[str, int] | tuple[str, int, int, int] | str
"""What the standard `socket` module takes for these."""


_ROOM_FOR_PATH = 107 if sys.platform == "linux" else 103
"""How many bytes a path may have in the system's `struct sockaddr_un`, before its NUL."""


_looks_like_a_name: Final = re.compile(r"[\w.-]+").fullmatch

_host_and_port: Final = re.compile(r"([^/\0]*):([0-9]{1,5})").fullmatch


def inet_addr_of_string(text: str) -> str:
    """Check a numeric IPv4 or IPv6 address and return it in its usual form.

    Raises:
        lwt.Failure: `text` is not a numeric address.

    OCaml: Unix.inet_addr_of_string : string -> inet_addr
    """
    check_kind("lwt_unix.inet_addr_of_string", text, str)
    family, host, interface = _parts_of_host(text)
    try:
        usual = socket.inet_ntop(family, socket.inet_pton(family, host))
    except (OSError, ValueError):
        usual = None
    if usual is None:
        raise lwt.Failure("inet_addr_of_string")
    return usual + interface


def string_of_inet_addr(addr: str) -> str:
    """Return a numeric address as a string; here it is one already.

    OCaml: Unix.string_of_inet_addr : inet_addr -> string
    """
    return addr


def domain_of_sockaddr(address: Address) -> Socket_domain:
    """Return the domain of the socket that can use an address.

    OCaml: Unix.domain_of_sockaddr : sockaddr -> socket_domain
    """
    sockaddr = to_sockaddr("lwt_unix.domain_of_sockaddr", address)
    if isinstance(sockaddr, ADDR_UNIX):
        return PF_UNIX
    return PF_INET6 if ":" in sockaddr.addr else PF_INET


def to_sockaddr(function: str, address: Address) -> Sockaddr:
    """Return the address that a user passed to `function`, checked.

    Raises:
        TypeError: it does not have the shape of an address.
        ValueError: its host is a name, its port is out of range, its path has a NUL, or looks like
            a host and a port.
    """
    if isinstance(address, str | bytes):
        _check_is_path(function, address)
    path = address.path if isinstance(address, ADDR_UNIX) else address
    if isinstance(path, str | bytes | os.PathLike):
        return ADDR_UNIX(checked_path(function, path, may_begin_with_nul=True))
    # What a checker has ruled out by now, a caller without one may still pass.
    shape: object = path
    if not isinstance(shape, tuple) or len(shape) != 2:
        hint = "pass ADDR_INET(host, port), ADDR_UNIX(path), a tuple (host, port) or a path"
        raise wrong_type(function, "a socket address", address, hint)
    host, port = shape
    _check_host(function, host)
    check_bounds(function, "the port", port, 0, 0xFFFF)
    return ADDR_INET(host, port)


def is_path(address: Sockaddr) -> TypeGuard[ADDR_UNIX]:
    """Tell whether an address is a path, which stays behind when its socket is closed."""
    return isinstance(address, ADDR_UNIX) and address.path[:1] not in {"", "\0"}


def written(sockaddr: Sockaddr) -> str:
    """Write an address as a program does, for the text of an error."""
    if isinstance(sockaddr, ADDR_UNIX):
        return f'ADDR_UNIX("{repr(sockaddr.path)[1:-1]}")'
    return f'ADDR_INET("{sockaddr.addr}", {sockaddr.port})'


def to_python(sockaddr: Sockaddr) -> tuple[int, PythonAddress]:
    """Return the family of a checked address, and its form in the `socket` module.

    Raises:
        OSError: ENODEV, if the interface that the address names does not exist; ENAMETOOLONG,
            if there is no room for the path.
    """
    if isinstance(sockaddr, ADDR_UNIX):
        _check_length(sockaddr.path)
        return socket.AF_UNIX, sockaddr.path
    family, host, interface = _parts_of_host(sockaddr.addr)
    if family == socket.AF_INET:
        return family, (host, sockaddr.port)
    return family, (host, sockaddr.port, 0, _scope_id(interface[1:]))


def from_python(address: object) -> Sockaddr:
    """Return an address that the `socket` module gave us.

    A socket without a name has the address `ADDR_UNIX("")`. When `recvfrom` reads from a connected
    stream, the system names no sender, and the address is also `ADDR_UNIX("")`, as in OCaml.
    """
    # A server comes here for each client: a `match` takes five times as long.
    if type(address) is tuple and len(address) == 2 and type(address[0]) is str:
        return ADDR_INET(*address)
    match address:
        case (str(host), int(port), int(), int(scope_id)):
            # The interface is a part of a link-local address: without it, connecting to the
            # address of a client would fail.
            return ADDR_INET(f"{host}%{scope_id}" if scope_id else host, port)
        case str() | bytes():
            return ADDR_UNIX(os.fsdecode(address))
        case None:
            return ADDR_UNIX("")
        case _:
            raise ValueError(f"lwt_unix: {address!r} is an address of an unknown family")


def _check_length(path: str) -> None:
    """Raise what the system would raise: Python's own exception has no `errno`."""
    room = _ROOM_FOR_PATH + 1 if path.startswith("\0") else _ROOM_FOR_PATH
    if len(os.fsencode(path)) > room:
        problem = OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), path)
        note_call(problem, "", path)  # as in OCaml
        raise problem


def _check_is_path(function: str, given: str | bytes) -> None:
    """Raise a ValueError for a host and a port that are written where a path belongs."""
    text = os.fsdecode(given)
    found = _host_and_port(text)
    if found is not None:
        raise ValueError(
            f"{function}: {given!r} would be the path of a Unix-domain socket; did you mean "
            f"{_meant(text, found[1], int(found[2]))} Such a path is written "
            f"{written(ADDR_UNIX(text))}"
        )


def _meant(text: str, host: str, port: int) -> str:
    """Write what can be passed instead of `host:port`; `text` is the whole, `"::1"` for example."""
    of_name = "? A host must be numeric: lwt_unix.getaddrinfo resolves a name."
    shown = f"{port}" if port <= 0xFFFF else "port"
    if host in {"", "*"}:
        return f'("{inet_addr_any}", {shown})?'
    if host == "localhost":
        return f'("{inet_addr_loopback}", {shown}){of_name}'
    if _is_numeric(inside := _without_brackets(host)):
        return f'("{inside}", {shown})?'
    if _is_numeric(text):
        return f'("{text}", port)?'
    if _looks_like_a_name(host):
        return f'(the address of "{host}", {shown}){of_name}'
    return "a tuple (host, port)?"


def _parts_of_host(host: str) -> tuple[socket.AddressFamily, str, str]:
    """Return the family of a host, the host itself, and with its "%" the interface it names.

    Only an IPv6 address names one. A "%" elsewhere stays in the host, which then is not a numeric
    address: it must not be looked up as a name.
    """
    if ":" not in host:
        return socket.AF_INET, host, ""
    address, percent, interface = host.partition("%")
    if percent and not interface:
        return socket.AF_INET6, host, ""
    return socket.AF_INET6, address, percent + interface


def _scope_id(interface: str) -> int:
    if not interface:
        return 0
    if interface.isdecimal() and len(interface) <= 10 and int(interface) <= 0xFFFFFFFF:
        return int(interface)
    try:
        return socket.if_nametoindex(interface)
    except (OSError, ValueError):  # without an errno, or for a NUL in it
        problem = OSError(errno.ENODEV, f"{os.strerror(errno.ENODEV)}: {interface!r}")
    note_call(problem, "", interface)
    raise problem


def _check_host(function: str, host: object) -> None:
    if not isinstance(host, str):
        raise wrong_type(function, "a host in numeric form", host, "such as '127.0.0.1' or '::1'")
    if _is_numeric(host):
        return
    inside = _without_brackets(host)
    if inside != host and _is_numeric(inside):
        hint = f"write {inside!r}, without brackets"
    else:
        hint = f'resolve a name first, as with lwt_unix.getaddrinfo({host!r}, "", [])'
    raise ValueError(
        f"{function}: host {host!r} is not a numeric address, such as '127.0.0.1' or '::1'; {hint}"
    )


def _is_numeric(host: str) -> bool:
    try:
        socket.inet_pton(*_parts_of_host(host)[:2])
        return True
    except (OSError, ValueError):
        return False


def _without_brackets(host: str) -> str:
    """Return an IPv6 address as it is written in a URL, `"[::1]"`, without its brackets."""
    return host[1:-1] if host[:1] == "[" and host[-1:] == "]" else host
