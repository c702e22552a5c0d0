"""Sockets of the simulated network: what all kinds have: addresses, options, errors."""

from __future__ import annotations

import errno
import socket as python_socket
import stat
import struct
from abc import ABC, abstractmethod
from types import MappingProxyType
from typing import Final

from lwt_unix._system import SocketKind
from lwt_unix.testing._files.tree import USER
from lwt_unix.testing._network.hosts import Host
from lwt_unix.testing._network.passing import drop
from lwt_unix.testing._world.world import PID, Data, Description, World, os_error

PythonAddress = tuple[str, int] | tuple[str, int, int, int] | str | bytes
"""An address as Python's `socket` module has it."""

_V6_ONLY: Final = (python_socket.IPPROTO_IPV6, python_socket.IPV6_V6ONLY)
_V4_IN_V6: Final = "::ffff:"
"""How an address of IPv4 begins that is written as one of IPv6."""

_PEER_CREDENTIALS: Final = getattr(python_socket, "SO_PEERCRED", None)
_CREDENTIALS: Final = struct.Struct("3i")

_BUFFERS: Final = MappingProxyType(
    {
        (python_socket.SOL_SOCKET, python_socket.SO_SNDBUF): ("send_buffer", 4_608),
        (python_socket.SOL_SOCKET, python_socket.SO_RCVBUF): ("receive_buffer", 2_304),
    }
)
"""The options that say how large the buffers are: the limit of the host, and the least that Linux sets."""


class Socket(Description, ABC):
    """What all sockets have."""

    __slots__ = ("error", "host", "kind", "local", "options", "passed", "peer", "to_pass")

    mode = stat.S_IFSOCK

    def __init__(self, world: World, host: Host, kind: SocketKind, name: str) -> None:
        super().__init__(world, name)
        self.host = host
        self.kind = kind
        self.local: PythonAddress = self.no_address()
        self.peer: PythonAddress | None = None
        self.error = 0
        """The error that SO_ERROR tells once."""

        self.options: dict[tuple[int, int], int | bytes] = {}
        self.to_pass: tuple[Description, ...] = ()
        """What goes with the message that is being sent."""

        self.passed: tuple[Description, ...] = ()
        """What has come with the message that was received last."""

    # --- Addresses -----------------------------------------------------------

    @property
    def is_unix(self) -> bool:
        """Whether it is one of the Unix domain."""
        return self.kind.family == python_socket.AF_UNIX

    def no_address(self) -> PythonAddress:
        """Return the address of a socket that has none."""
        if self.is_unix:
            return ""
        return self.address_of("::" if self.kind.family == python_socket.AF_INET6 else "0.0.0.0", 0)

    def address_of(self, host: str, port: int) -> PythonAddress:
        """Return an internet address as Python has it."""
        return (host, port, 0, 0) if self.kind.family == python_socket.AF_INET6 else (host, port)

    def destination(self, address: tuple[str, int] | tuple[str, int, int, int]) -> PythonAddress:
        """Return where an internet address leads to: any address is this host's own."""
        host = address[0]
        if host in {"0.0.0.0", "::"}:
            host = "::1" if ":" in host else "127.0.0.1"
        return self.address_of(host, address[1])

    def bind(self, address: PythonAddress) -> None:
        """Give the socket its address."""
        if self.local != self.no_address():
            raise os_error(errno.EINVAL)
        if isinstance(address, str | bytes):
            path = path_of(address)
            self.host.bind_path(self, path)
            self.local = path
        else:
            also_v4 = not self.options.get(_V6_ONLY)
            port = self.host.bind(self, self.kind.type, address[0], address[1], also_v4)
            self.local = self.address_of(address[0], port)
        self.world.tell("%s gets the address %s", self.name, written(self.local))

    def seen(self, address: PythonAddress | None) -> PythonAddress | None:
        """Return an address as this socket sees it: one of IPv6 sees those of IPv4 as parts of its own."""
        if not isinstance(address, tuple):
            return address
        host = unmapped(address[0])
        if self.kind.family == python_socket.AF_INET6 and ":" not in host:
            host = _V4_IN_V6 + host
        return self.address_of(host, address[1])

    def find(self, address: tuple[str, int] | tuple[str, int, int, int]) -> tuple[Host, str]:
        """Find the host to send to, and give the socket an address of its own, if it has none.

        Returns:
            The host, and its address as such: one of IPv4 is not written as one of IPv6.
        """
        host = unmapped(address[0])
        target = self.host.network.host_at(self.host, host)
        if self.local == self.no_address():
            self._bind_to_any_port(target, host)
        return target, host

    def _bind_to_any_port(self, target: Host, host: str) -> None:
        """Take the address by which the target, which has the address `host`, sees this host."""
        is_six = ":" in host
        own = self.host.addresses[1 if is_six else 0]
        if target is self.host:
            own = "::1" if is_six else "127.0.0.1"
        try:
            port = self.host.bind(self, self.kind.type, own, 0)
        except OSError:  # All are taken.
            raise os_error(errno.EADDRNOTAVAIL) from None
        self.local = self.seen((own, port)) or self.local

    # --- Options -------------------------------------------------------------

    def get_option(self, level: int, option: int, size: int) -> int | bytes:
        """Return an option."""
        self._check_level(level)
        if level == python_socket.SOL_SOCKET:
            if option == python_socket.SO_ERROR:
                return self.take_error()
            if option == python_socket.SO_TYPE:
                return self.kind.type
            if option == _PEER_CREDENTIALS:
                is_known = self.is_unix and self.peer is not None
                return _CREDENTIALS.pack(*((PID, USER, USER) if is_known else (0, -1, -1)))
            if option == python_socket.SO_ACCEPTCONN:
                return int(self.is_listening())
        value = self.options.get((level, option))
        if value is None:
            limit = _BUFFERS.get((level, option))
            if limit is not None:
                return int(getattr(self.host.limits, limit[0]))
            return bytes(size) if size else 0
        return value

    def set_option(self, level: int, option: int, value: int | bytes) -> None:
        """Set an option. Those of the sizes of buffers have an effect, and SO_LINGER; others are remembered."""
        self._check_level(level)
        limit = _BUFFERS.get((level, option))
        if limit is not None and isinstance(value, int):
            # Linux counts twice as much, for what it needs itself.
            value = max(2 * min(max(value, 0), getattr(self.host.limits, limit[0])), limit[1])
        self.options[level, option] = value

    def _check_level(self, level: int) -> None:
        """Refuse what only TCP has."""
        if level == python_socket.IPPROTO_TCP:
            if self.is_unix:
                raise os_error(errno.EOPNOTSUPP)
            if self.kind.type != python_socket.SOCK_STREAM:
                raise os_error(errno.ENOPROTOOPT)

    def is_listening(self) -> bool:
        """Say whether it takes connections."""
        return False

    def buffer(self, option: int) -> int:
        """Return how many bytes a buffer holds: that of SO_SNDBUF, or of SO_RCVBUF."""
        value = self.options.get((python_socket.SOL_SOCKET, option))
        if isinstance(value, int):
            return value // 2
        limits = self.host.limits
        return limits.send_buffer if option == python_socket.SO_SNDBUF else limits.receive_buffer

    # --- What kinds do differently -------------------------------------------

    def peer_address(self) -> PythonAddress | None:
        """Return the address of the peer, if it has one."""
        return self.peer

    def listen(self, backlog: int) -> None:
        """Become a listener."""
        raise os_error(errno.EOPNOTSUPP)

    def accept(self) -> tuple[Description, PythonAddress]:
        """Take a connection."""
        raise os_error(errno.EOPNOTSUPP)

    @abstractmethod
    def connect(self, address: PythonAddress) -> int:
        """Begin to connect; return 0, or the number of an error."""

    @abstractmethod
    def receive(self, view: memoryview, peek: bool) -> tuple[int, PythonAddress | None]:
        """Read what is there; return how many bytes, and from where."""

    @abstractmethod
    def send(self, data: Data, address: PythonAddress | None) -> int:
        """Send; return how many bytes were taken."""

    def shutdown(self, how: int) -> None:
        """End one direction, or both."""
        raise os_error(errno.ENOTCONN)

    # --- What all do alike ---------------------------------------------------

    def read(self, view: memoryview, /) -> int:
        """Read what is there. To read no bytes is never too early, other than to receive none."""
        if not len(view):
            return 0
        count = self.receive(view, False)[0]
        self.drop_passed()
        return count

    def drop_passed(self) -> None:
        """Let the descriptors go that have come with the last message, if nobody has taken them."""
        if self.passed:
            passed, self.passed = self.passed, ()
            drop(passed)

    def write(self, data: Data, /) -> int:
        """Send to the peer."""
        return self.send(data, None)

    def take_error(self) -> int:
        """Return the error that has come, once."""
        error, self.error = self.error, 0
        return error

    def close(self) -> None:
        """Give the address back."""
        local = self.local
        if isinstance(local, tuple):
            self.host.forget_port(self, self.kind.type, unmapped(local[0]), local[1])
        elif isinstance(local, str):
            self.host.forget_name(self, local)

    def crash(self) -> None:
        """Say nothing to anybody."""


def path_of(address: str | bytes) -> str:
    """Return an address of the Unix domain as text."""
    return address if isinstance(address, str) else address.decode(errors="surrogateescape")


def unmapped(host: str) -> str:
    """Return an address of IPv4 as such, though it is written as one of IPv6."""
    return host.removeprefix(_V4_IN_V6) if "." in host else host


def written(address: PythonAddress | None) -> str:
    """Write an address in words."""
    if isinstance(address, tuple):
        host = f"[{address[0]}]" if ":" in address[0] else address[0]
        return f"{host}:{address[1]}"
    return repr(address or "")
