"""Hosts, their addresses and ports, and the links between them.

A host has a name and addresses. The program's main function runs on `localhost`; `Host.run` runs
another function on another host: what it opens, and what runs in its callbacks, belongs to that one (it is
kept in Lwt's storage). Who reaches whom is the network's matter: `link` says how, in one direction.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final, TypeVar

import lwt
from lwt._core import choices
from lwt._core.storage import current_storage
from lwt_unix._checks import promise_of
from lwt_unix.testing._world import Description, Owner, World, os_error

T = TypeVar("T")

LATE: Final = (0.0, 0.001, 0.05, 2.0)
"""How many seconds later than usual something may come: a choice."""

_FIRST_EPHEMERAL: Final = 40_000

_here: Final[lwt.Key[Host]] = lwt.new_key()
"""The host on which a callback runs."""


class Link:
    """The way from one host to another."""

    __slots__ = ("latency", "name", "world")

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.latency = 0.0
        """How many seconds something is on its way."""

    def is_immediate(self) -> bool:
        """Say whether what is sent is there at once, whatever it is."""
        return not self.latency and choices.source is None

    def delay(self, size: int) -> float:
        """Return how many seconds so many bytes are on their way."""

        def tell(option: int) -> str:
            return f"{size} bytes from {self.name} come {LATE[option]} s late"

        return self.latency + LATE[choices.choose(choices.DELAY, len(LATE), tell)]

    def send_message(self, size: int, arrive: Callable[[], object]) -> None:
        """Have a message of so many bytes come to the other end."""
        self.world.after(self.delay(size), arrive)


class Host(Owner):
    """A computer of the simulated network. `limits` says what it has no more of."""

    __slots__ = ("addresses", "bound", "name", "network", "next_port", "paths")

    def __init__(self, network: Network, name: str, addresses: tuple[str, ...]) -> None:
        super().__init__()
        self.network = network
        self.name = name
        self.addresses = addresses
        self.bound: dict[tuple[int, str, int], Description] = {}
        """Who has a port: by the kind of the socket (stream or datagram), the address, and the port."""

        self.paths: dict[str, Description] = {}
        """Who has a path."""

        self.next_port = _FIRST_EPHEMERAL

    def __repr__(self) -> str:
        return f"<host {self.name}, {', '.join(self.addresses)}>"

    def run(self, f: Callable[[], lwt.Promise[T] | Coroutine[Any, Any, T]], /) -> lwt.Promise[T]:
        """Call a function on this host, and return its promise."""
        return lwt.with_value(
            _here, lwt.Some(self), lambda: lwt.apply(partial(promise_of, "testing.run"), f)
        )

    # --- Ports ---------------------------------------------------------------

    def is_own(self, address: str) -> bool:
        """Say whether an address is one of this host."""
        return address in self.addresses or address in _LOOPBACK or address.startswith("127.")

    def bind(self, socket: Description, kind: int, address: str, port: int) -> int:
        """Give a socket of a kind (stream or datagram) a port; return its number."""
        if address not in _ANY and not self.is_own(address):
            raise os_error(errno.EADDRNOTAVAIL)
        if not port:
            port = self._free_port(kind, address)
        elif self._taken(kind, address, port):
            raise os_error(errno.EADDRINUSE)
        self.bound[kind, address, port] = socket
        return port

    def _taken(self, kind: int, address: str, port: int) -> bool:
        same_family = _ANY[":" in address]
        if address == same_family:
            return any(
                key[::2] == (kind, port) and (":" in key[1]) == (":" in address)
                for key in self.bound
            )
        return (kind, address, port) in self.bound or (kind, same_family, port) in self.bound

    def _free_port(self, kind: int, address: str) -> int:
        while True:
            port = self.next_port
            self.next_port = port + 1 if port < 65_535 else _FIRST_EPHEMERAL
            if not self._taken(kind, address, port):
                return port

    def at(self, kind: int, address: str, port: int) -> Description | None:
        """Return the socket that gets what comes to an address and a port."""
        found = self.bound.get((kind, address, port))
        if found is None:
            found = self.bound.get((kind, _ANY[":" in address], port))
        return found

    def forget(self, socket: Description) -> None:
        """Take back the port, or the path, of a socket."""
        for table in (self.bound, self.paths):
            for key in [key for key, held in table.items() if held is socket]:
                del table[key]  # type: ignore[arg-type]


_ANY: Final = ("0.0.0.0", "::")
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1"})


class Network:
    """All hosts, and the links between them."""

    def __init__(self, world: World) -> None:
        self.world: Final = world
        self.hosts: Final[dict[str, Host]] = {}
        self._links: Final[dict[tuple[Host, Host], Link]] = {}
        self.localhost: Final = self.host("localhost")
        world.here = self.here

    def host(self, name: str) -> Host:
        """Return the host of a name; if there is none, make one."""
        host = self.hosts.get(name)
        if host is None:
            number = len(self.hosts)
            host = self.hosts[name] = Host(
                self, name, (f"10.0.0.{number + 1}", f"fd00::{number + 1:x}")
            )
        return host

    def here(self) -> Host:
        """Return the host on which the running callback runs."""
        some = current_storage.contents.get(_here)
        return self.localhost if some is None else some

    def host_at(self, source: Host, address: str) -> Host:
        """Return the host that a host reaches under an address.

        Raises:
            OSError: ENETUNREACH, if there is none.
        """
        if source.is_own(address) or address in _ANY:
            return source
        for host in self.hosts.values():
            if address in host.addresses:
                return host
        raise os_error(errno.ENETUNREACH)

    def link(self, source: Host, target: Host) -> Link:
        """Return the way from one host to another."""
        link = self._links.get((source, target))
        if link is None:
            between = f"{source.name} to {target.name}"
            link = self._links[source, target] = Link(self.world, between)
        return link
