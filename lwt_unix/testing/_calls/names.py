"""Names of hosts in a simulated world: what stands in the place of these names of `_system`.

The name of a host of the network leads to its addresses. Each host calls itself `localhost`, too. What is
asked is a job, as in the real world: so a choice may make it slow. Services and protocols are those of
this computer.
"""

from __future__ import annotations

import socket as python_socket
from socket import gaierror, herror
from typing import Final, NamedTuple

from lwt_unix import _system as system
from lwt_unix.testing._network.hosts import Network

Found = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int]]
"""What `getaddrinfo` gives: family, type, protocol, name, address."""

_V4: Final = int(python_socket.AF_INET)
_V6: Final = int(python_socket.AF_INET6)

_WAYS: Final = (
    (int(python_socket.SOCK_STREAM), python_socket.IPPROTO_TCP, b"tcp"),
    (int(python_socket.SOCK_DGRAM), python_socket.IPPROTO_UDP, b"udp"),
    (int(python_socket.SOCK_RAW), 0, b""),
)
"""Types of sockets, the protocol of each, and what that is called."""


def _error(number: int, text: str) -> gaierror:
    return gaierror(number, text)


def _not_known() -> gaierror:
    return _error(python_socket.EAI_NONAME, "Name or service not known")


def _no_service() -> gaierror:
    return _error(python_socket.EAI_SERVICE, "Servname not supported for ai_socktype")


def family_of(address: str) -> int:
    """Return the family of an address in numbers; 0 if it is none."""
    for family in _V4, _V6:
        try:
            python_socket.inet_pton(family, address)
        except OSError:
            continue
        return family
    return 0


class Answer(NamedTuple):
    """The addresses of a host, and what it is called."""

    name: str
    addresses: tuple[str, ...]


class Name_calls:
    """The calls that ask about hosts."""

    def __init__(self, network: Network) -> None:
        self._network: Final = network

    def _answer(self, name: str) -> Answer | None:
        """Return the addresses of a host of this name, that of IPv4 first."""
        wanted = name.lower().rstrip(".")
        if wanted == "localhost":
            return Answer("localhost", ("127.0.0.1", "::1"))
        for host in self._network.hosts.values():
            if host.name.lower() == wanted:
                return Answer(host.name, host.addresses)
        return None

    def _name_of(self, address: str) -> str | None:
        """Return the name of the host that has an address."""
        if address == "::1" or address.startswith("127."):
            return "localhost"
        for host in self._network.hosts.values():
            if address in host.addresses:
                return host.name
        return None

    # --- From names to addresses ---------------------------------------------

    def getaddrinfo(
        self,
        host: bytes | None,
        service: bytes | None,
        family: int = 0,
        type: int = 0,
        proto: int = 0,
        flags: int = 0,
    ) -> list[Found]:
        """Find the addresses of a host and a service."""
        if host is None and service is None:
            raise _not_known()
        answer = self._addresses(host, flags)
        found: list[Found] = []
        for address in answer.addresses:
            its_family = family_of(address)
            if family in {0, its_family}:
                for kind, protocol, port in _ways(service, type, proto):
                    whole = (address, port, 0, 0) if its_family == _V6 else (address, port)
                    wants_name = flags & python_socket.AI_CANONNAME and not found
                    name = answer.name if wants_name else ""
                    found.append((its_family, kind, protocol, name, whole))
        if not found:
            raise _error(python_socket.EAI_ADDRFAMILY, "Address family for hostname not supported")
        return found

    def _addresses(self, host: bytes | None, flags: int) -> Answer:
        if host is None:
            is_passive = flags & python_socket.AI_PASSIVE
            return Answer("", ("0.0.0.0", "::") if is_passive else ("::1", "127.0.0.1"))
        name = host.decode(errors="surrogateescape")
        if family_of(name):  # Nobody is asked.
            return Answer(name, (name,))
        answer = None if flags & python_socket.AI_NUMERICHOST else self._answer(name)
        if answer is None:
            raise _not_known()
        return answer

    def gethostbyname_ex(self, host: bytes) -> tuple[str, list[str], list[str]]:
        """Find a host by its name, or by its address in numbers; IPv4 only."""
        answer = self._addresses(host, 0)
        addresses = [address for address in answer.addresses if family_of(address) == _V4]
        if not addresses:
            raise _error(python_socket.EAI_ADDRFAMILY, "Address family for hostname not supported")
        return answer.name, [], addresses

    # --- From addresses to names ---------------------------------------------

    def gethostbyaddr(self, address: str) -> tuple[str, list[str], list[str]]:
        """Find a host by its address."""
        name = self._name_of(address)
        if name is None:
            raise herror(1, "Unknown host")
        return name, [], [address]

    def getnameinfo(
        self, address: tuple[str, int] | tuple[str, int, int, int], flags: int
    ) -> tuple[str, str]:
        """Find the names of a host and of a service."""
        host, port = address[0], address[1]
        name = None if flags & python_socket.NI_NUMERICHOST else self._name_of(host)
        if name is None and flags & python_socket.NI_NAMEREQD:
            raise _not_known()
        service = None
        if not flags & python_socket.NI_NUMERICSERV:
            protocol = b"udp" if flags & python_socket.NI_DGRAM else b"tcp"
            service = system.getservbyport(port, protocol)
        return name or host, str(port) if service is None else service[0]

    def gethostname(self) -> str:
        """Return the name of this host."""
        return self._network.here().name

    def uname(self) -> system.Uname:
        """Return what the system is called."""
        return system.Uname(("Linux", self._network.here().name, "6.0.0", "#1", "x86_64"))


def _ways(service: bytes | None, type: int, protocol: int) -> list[tuple[int, int, int]]:
    """Return the kinds of sockets that are asked for: type, protocol, port."""
    if type == python_socket.SOCK_RAW or protocol not in {0, *(way[1] for way in _WAYS)}:
        if service is not None:
            raise _no_service()
        return [(int(python_socket.SOCK_RAW), protocol, 0)]
    wanted = [way for way in _WAYS if type in {0, way[0]} and protocol in {0, way[1]}]
    if not wanted:
        raise _error(python_socket.EAI_SOCKTYPE, "ai_socktype not supported")
    if service is None or service.isdigit():
        port = int(service or b"0") & 0xFFFF
        return [(kind, number, port) for kind, number, _ in wanted]
    ways: list[tuple[int, int, int]] = []
    for kind, number, name in wanted:
        found = system.getservbyname(service, name) if name else None
        if found is not None:
            ways.append((kind, number, found[2]))
    if not ways:
        raise _no_service()
    return ways
