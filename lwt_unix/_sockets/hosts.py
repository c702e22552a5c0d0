"""Names of hosts, services and protocols, and the addresses and numbers behind them.

To find an address may take long: another computer is asked. So each call is a job, done in a thread, and
delays nobody else. What is not known is a `LookupError`, whatever the reason; `getaddrinfo` gives `[]`
then. `getaddrinfo` and `getnameinfo` know IPv6; the older functions mostly do not.

OCaml: section "Host and protocol databases" of lwt_unix.ml.
"""

from __future__ import annotations

import socket as python_socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias, TypeVar

import lwt
from lwt._core.checks import check_bounds, check_iterable, check_kind, wrong_type
from lwt._core.publish import constants
from lwt_unix import _system as system
from lwt_unix._checks import C_INT, checked_name
from lwt_unix._jobs.jobs import run_call
from lwt_unix._sockets.constants import (
    PF_INET,
    PF_INET6,
    PF_UNIX,
    SOCK_STREAM,
    Socket_domain,
    Socket_type,
)
from lwt_unix._sockets.sockaddr import (
    Address,
    PythonAddress,
    Sockaddr,
    from_python,
    to_python,
    to_sockaddr,
    written,
)

A = TypeVar("A")

_MOST_PORT: Final = 0xFFFF


def _look_up(function: str, what: str, call: Callable[[], A | None]) -> lwt.Promise[A]:
    """Run a job that finds something; None, or an error of the system, means that it is not known."""
    return run_call(function.removeprefix("lwt_unix."), partial(_found, function, what, call))


def _found(function: str, what: str, call: Callable[[], A | None]) -> A:
    reason = ""
    try:
        found = call()
    except OSError as exn:
        found = None
        reason = f" ({exn.strerror})"
    if found is None:
        raise LookupError(f"{function}: {what} is not known{reason}")
    return found


# --- Hosts -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Host_entry:
    """What is known of a host: its name, other names, the domain of its addresses, the addresses.

    OCaml: type Lwt_unix.host_entry
    """

    h_name: str
    h_aliases: list[str]
    h_addrtype: Socket_domain
    h_addr_list: list[str]


def gethostname() -> lwt.Promise[str]:
    """Return the name of this host.

    OCaml: Lwt_unix.gethostname : unit -> string Lwt.t
    """
    return run_call("gethostname", system.gethostname)


def gethostbyname(name: str, /) -> lwt.Promise[Host_entry]:
    """Find a host by its name, or by its address in numeric form; IPv4 only.

    `getaddrinfo` knows IPv6, too.

    Raises:
        LookupError: by rejection: there is no such host, or nobody who knows answers.

    OCaml: Lwt_unix.gethostbyname : string -> host_entry Lwt.t
    """
    wanted = checked_name("lwt_unix.gethostbyname", "the name", name)
    call = partial(_host, partial(system.gethostbyname_ex, wanted))
    return _look_up("lwt_unix.gethostbyname", f"host {name!r}", call)


def gethostbyaddr(addr: str, /) -> lwt.Promise[Host_entry]:
    """Find a host by its address, which must be numeric.

    OCaml's looks up IPv4 addresses only: of one of IPv6, it takes the first four bytes.

    Raises:
        ValueError: the address is a name.
        LookupError: by rejection: nobody knows the name of this host.

    OCaml: Lwt_unix.gethostbyaddr : inet_addr -> host_entry Lwt.t
    """
    to_sockaddr("lwt_unix.gethostbyaddr", (addr, 0))
    call = partial(_host, partial(system.gethostbyaddr, addr))
    return _look_up("lwt_unix.gethostbyaddr", f"the host of {addr}", call)


def _host(call: Callable[[], tuple[str, list[str], list[str]]]) -> Host_entry:
    name, aliases, addresses = call()
    domain = PF_INET6 if any(":" in address for address in addresses) else PF_INET
    return Host_entry(name, aliases, domain, addresses)


# --- Protocols and services --------------------------------------------------


@dataclass(frozen=True, slots=True)
class Protocol_entry:
    """What is known of a protocol: its name, other names, its number.

    OCaml: type Lwt_unix.protocol_entry
    """

    p_name: str
    p_aliases: list[str]
    p_proto: int


@dataclass(frozen=True, slots=True)
class Service_entry:
    """What is known of a service: its name, other names, its port and protocol.

    OCaml: type Lwt_unix.service_entry
    """

    s_name: str
    s_aliases: list[str]
    s_port: int
    s_proto: str


def getprotobyname(name: str, /) -> lwt.Promise[Protocol_entry]:
    """Find a protocol by its name, such as `"tcp"`.

    Raises:
        LookupError: by rejection: it is not known.

    OCaml: Lwt_unix.getprotobyname : string -> protocol_entry Lwt.t
    """
    wanted = checked_name("lwt_unix.getprotobyname", "the name", name)
    call = partial(_protocol, partial(system.getprotobyname, wanted))
    return _look_up("lwt_unix.getprotobyname", f"protocol {name!r}", call)


def getprotobynumber(number: int, /) -> lwt.Promise[Protocol_entry]:
    """Find a protocol by its number.

    Raises:
        LookupError: by rejection: it is not known.

    OCaml: Lwt_unix.getprotobynumber : int -> protocol_entry Lwt.t
    """
    check_bounds("lwt_unix.getprotobynumber", "the number", number, *C_INT)
    call = partial(_protocol, partial(system.getprotobynumber, number))
    return _look_up("lwt_unix.getprotobynumber", f"protocol {number}", call)


def _protocol(call: Callable[[], tuple[str, list[str], int] | None]) -> Protocol_entry | None:
    found = call()
    return None if found is None else Protocol_entry(*found)


def getservbyname(name: str, protocol: str, /) -> lwt.Promise[Service_entry]:
    """Find a service by its name and the name of its protocol, such as `"http"` and `"tcp"`.

    Raises:
        LookupError: by rejection: it is not known.

    OCaml: Lwt_unix.getservbyname : string -> string -> service_entry Lwt.t
    """
    function = "lwt_unix.getservbyname"
    wanted = checked_name(function, "the name", name)
    of = checked_name(function, "the protocol", protocol)
    call = partial(_service, partial(system.getservbyname, wanted, of))
    return _look_up(function, f"service {name!r} of {protocol!r}", call)


def getservbyport(number: int, protocol: str, /) -> lwt.Promise[Service_entry]:
    """Find a service by the number of its port and the name of its protocol.

    Raises:
        LookupError: by rejection: it is not known.

    OCaml: Lwt_unix.getservbyport : int -> string -> service_entry Lwt.t
    """
    function = "lwt_unix.getservbyport"
    check_bounds(function, "the port", number, 0, _MOST_PORT)
    of = checked_name(function, "the protocol", protocol)
    call = partial(_service, partial(system.getservbyport, number, of))
    return _look_up(function, f"the service on port {number} of {protocol!r}", call)


def _service(call: Callable[[], tuple[str, list[str], int, str] | None]) -> Service_entry | None:
    found = call()
    return None if found is None else Service_entry(*found)


# --- From names to addresses -------------------------------------------------


@dataclass(frozen=True, slots=True)
class Addr_info:
    """One way to reach a host: what socket to make, and to which address to connect it.

    OCaml: type Lwt_unix.addr_info
    """

    ai_family: Socket_domain
    ai_socktype: Socket_type
    ai_protocol: int
    ai_addr: Sockaddr
    ai_canonname: str


@dataclass(frozen=True, slots=True)
class AI_FAMILY:
    """Only addresses of this domain.

    OCaml: Lwt_unix.AI_FAMILY of socket_domain
    """

    domain: Socket_domain


@dataclass(frozen=True, slots=True)
class AI_SOCKTYPE:
    """Only for sockets of this type. Without it, each address comes once for each type.

    OCaml: Lwt_unix.AI_SOCKTYPE of socket_type
    """

    type: Socket_type


@dataclass(frozen=True, slots=True)
class AI_PROTOCOL:
    """Only for this protocol.

    OCaml: Lwt_unix.AI_PROTOCOL of int
    """

    protocol: int


@constants
class _Getaddrinfo_flag(Enum):
    """The type of `AI_NUMERICHOST` and its kin."""

    AI_NUMERICHOST = python_socket.AI_NUMERICHOST
    AI_CANONNAME = python_socket.AI_CANONNAME
    AI_PASSIVE = python_socket.AI_PASSIVE


AI_NUMERICHOST: Final = _Getaddrinfo_flag.AI_NUMERICHOST
"""The host is numeric: nobody is asked.

OCaml: Lwt_unix.AI_NUMERICHOST
"""

AI_CANONNAME: Final = _Getaddrinfo_flag.AI_CANONNAME
"""Find the usual name of the host, too: `ai_canonname` of the first result.

OCaml: Lwt_unix.AI_CANONNAME
"""

AI_PASSIVE: Final = _Getaddrinfo_flag.AI_PASSIVE
"""For a server: without a host, every address of this one.

OCaml: Lwt_unix.AI_PASSIVE
"""

Getaddrinfo_option: TypeAlias = AI_FAMILY | AI_SOCKTYPE | AI_PROTOCOL | _Getaddrinfo_flag
"""What `getaddrinfo` is asked for.

OCaml: type Lwt_unix.getaddrinfo_option
"""


class _Hints(NamedTuple):
    """What `getaddrinfo` of the system is asked for."""

    family: int = 0
    type: int = 0
    protocol: int = 0
    flags: int = 0


def getaddrinfo(
    host: str, service: str, opts: Iterable[Getaddrinfo_option], /
) -> lwt.Promise[list[Addr_info]]:
    """Find the addresses of a host and a service, the best ones first; `[]` if there are none.

    >>> import lwt_unix
    >>> from lwt_unix import lwt_main
    >>> async def main():
    ...     opts = [lwt_unix.AI_SOCKTYPE(lwt_unix.SOCK_STREAM), lwt_unix.AI_FAMILY(lwt_unix.PF_INET)]
    ...     found = await lwt_unix.getaddrinfo("localhost", "80", opts)
    ...     return found[0].ai_addr
    >>> lwt_main.run(main())
    ADDR_INET(addr='127.0.0.1', port=80)

    Args:
        host: a name or a numeric address; `""` is this host.
        service: the name of a service, or a port as a `str`; `""` is port 0.
        opts: `AI_SOCKTYPE(SOCK_STREAM)` and the like.

    OCaml: Lwt_unix.getaddrinfo :
        string -> string -> getaddrinfo_option list -> addr_info list Lwt.t
    """
    function = "lwt_unix.getaddrinfo"
    of_host = checked_name(function, "the host", host)
    of_service = checked_name(function, "the service", service)
    hints = _hints(opts)
    return run_call("getaddrinfo", partial(_addresses, of_host or None, of_service or None, hints))


def _hints(opts: Iterable[Getaddrinfo_option]) -> _Hints:
    function = "lwt_unix.getaddrinfo"
    hints = _Hints()
    for option in check_iterable(function, opts, "an iterable of options"):
        match option:
            case AI_FAMILY(domain):
                check_kind(function, domain, Socket_domain, "use PF_UNIX, PF_INET or PF_INET6")
                hints = hints._replace(family=domain.value)
            case AI_SOCKTYPE(kind):
                check_kind(function, kind, Socket_type, "use SOCK_STREAM or the like")
                hints = hints._replace(type=kind.value)
            case AI_PROTOCOL(protocol):
                check_bounds(function, "the protocol", protocol, *C_INT)
                hints = hints._replace(protocol=protocol)
            case _Getaddrinfo_flag():
                hints = hints._replace(flags=hints.flags | option.value)
            case _:
                hint = "use AI_SOCKTYPE(SOCK_STREAM), AI_FAMILY(PF_INET), AI_PASSIVE or the like"
                raise wrong_type(function, "an option", option, hint)
    return hints


_DOMAINS: Final = MappingProxyType({int(domain.value): domain for domain in Socket_domain})
_TYPES: Final = MappingProxyType({int(kind.value): kind for kind in Socket_type})


def _addresses(host: bytes | None, service: bytes | None, hints: _Hints) -> list[Addr_info]:
    try:
        found = system.getaddrinfo(host, service, *hints)
    except OSError:
        return []
    return [
        Addr_info(
            _DOMAINS.get(family, PF_UNIX),
            _TYPES.get(kind, SOCK_STREAM),
            protocol,
            from_python(address),
            name,
        )
        for family, kind, protocol, name, address in found
    ]


# --- From addresses to names -------------------------------------------------


@dataclass(frozen=True, slots=True)
class Name_info:
    """The names of a host and of a service.

    OCaml: type Lwt_unix.name_info
    """

    ni_hostname: str
    ni_service: str


@constants
class Getnameinfo_option(Enum):
    """What `getnameinfo` is asked for.

    OCaml: type Lwt_unix.getnameinfo_option
    """

    NI_NOFQDN = python_socket.NI_NOFQDN
    NI_NUMERICHOST = python_socket.NI_NUMERICHOST
    NI_NAMEREQD = python_socket.NI_NAMEREQD
    NI_NUMERICSERV = python_socket.NI_NUMERICSERV
    NI_DGRAM = python_socket.NI_DGRAM


NI_NOFQDN: Final = Getnameinfo_option.NI_NOFQDN
"""Of hosts of the own network, only the first part of the name.

OCaml: Lwt_unix.NI_NOFQDN
"""

NI_NUMERICHOST: Final = Getnameinfo_option.NI_NUMERICHOST
"""The numeric address instead of the name: nobody is asked.

OCaml: Lwt_unix.NI_NUMERICHOST
"""

NI_NAMEREQD: Final = Getnameinfo_option.NI_NAMEREQD
"""A host without a name is an error. Otherwise it has its numeric address for a name.

OCaml: Lwt_unix.NI_NAMEREQD
"""

NI_NUMERICSERV: Final = Getnameinfo_option.NI_NUMERICSERV
"""The port instead of the name of the service.

OCaml: Lwt_unix.NI_NUMERICSERV
"""

NI_DGRAM: Final = Getnameinfo_option.NI_DGRAM
"""The name that the service has for datagrams.

OCaml: Lwt_unix.NI_DGRAM
"""


def getnameinfo(address: Address, opts: Iterable[Getnameinfo_option], /) -> lwt.Promise[Name_info]:
    """Find the names of a host and of a service.

    Args:
        address: a numeric host and a port. Of a path, the host is this one, and the path the service.
        opts: `NI_NUMERICHOST` and the like.

    Raises:
        LookupError: by rejection: there is no name, and `NI_NAMEREQD` asks for one.

    OCaml: Lwt_unix.getnameinfo : sockaddr -> getnameinfo_option list -> name_info Lwt.t
    """
    function = "lwt_unix.getnameinfo"
    sockaddr = to_sockaddr(function, address)
    flags = 0
    for option in check_iterable(function, opts, "an iterable of options"):
        check_kind(function, option, Getnameinfo_option, "use NI_NUMERICHOST or the like")
        flags |= option.value
    _, of_python = to_python(sockaddr)
    return _look_up(function, f"the name of {written(sockaddr)}", partial(_names, of_python, flags))


def _names(address: PythonAddress, flags: int) -> Name_info | None:
    if not isinstance(address, str):
        return Name_info(*system.getnameinfo(address, flags))
    # A path, which Python's function refuses: this is what the C library does.
    if not flags & python_socket.NI_NUMERICHOST:
        host = system.uname().nodename
    elif flags & python_socket.NI_NAMEREQD:
        return None
    else:
        host = "localhost"
    return Name_info(host, address.partition("\0")[0])
