"""Hosts, their addresses and ports, and the links between them.

A host has a name and addresses. The program's main function runs on `localhost`; `Host.run` runs
another function on another host: what it opens, and what runs in its callbacks, belongs to that one (it is
kept in Lwt's storage). Who reaches whom is the network's matter: there is a link for each direction
(`links`).
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import Any, Final, NoReturn, Protocol, TypeVar

import lwt
from lwt._core.checks import check_callback, check_kind
from lwt._core.storage import current_storage
from lwt_unix._checks import promise_of
from lwt_unix.testing._files.tree import Directory, Socket_file, Tree
from lwt_unix.testing._network.links import Link
from lwt_unix.testing._world.crash import Crashed, crash
from lwt_unix.testing._world.world import HERE, Description, Owner, World, os_error, owner_in

T = TypeVar("T")

_FIRST_EPHEMERAL: Final = 40_000


class Works(Protocol):
    """What has a directory in which relative paths begin: a process, or the host for the program itself."""

    @property
    def directory(self) -> Directory:
        """The directory."""
        ...

    @directory.setter
    def directory(self, new: Directory, /) -> None: ...


PROCESS: Final[lwt.Key[Works]] = lwt.new_key()
"""The process in which a callback runs, if it is not that of the program itself."""


class Host(Owner):
    """A computer of the simulated network. `limits` says what it has no more of."""

    __slots__ = (
        *(
            "_abstract",
            "_crash",
            "_directory",
            "_tree",
            "addresses",
            "bound",
            "network",
            "next_port",
        ),
    )

    def __init__(self, network: Network, name: str, addresses: tuple[str, ...]) -> None:
        super().__init__(name)
        self.network = network
        self.addresses = addresses
        self.bound: dict[tuple[int, str, int], Description] = {}
        """Who has a port: by the kind of the socket (stream or datagram), the address, and the port."""

        self._abstract: dict[str, Description] = {}
        """Who has a name that is no path: such begin with a NUL."""

        self.next_port = _FIRST_EPHEMERAL
        self._crash: tuple[lwt.Promise[NoReturn], lwt.Resolver[NoReturn]] = lwt.wait()
        self._tree: Tree | None = None
        self._directory: Directory | None = None

    @property
    def tree(self) -> Tree:
        """The host's file system. Most programs use none, so it is made when it is asked for."""
        if self._tree is None:
            self._tree = Tree(self.network.world, lambda: self.limits.space)
        return self._tree

    @property
    def directory(self) -> Directory:
        """Where relative paths of its programs begin."""
        return self._directory or self.tree.root

    @directory.setter
    def directory(self, directory: Directory) -> None:
        self._directory = directory

    def __repr__(self) -> str:
        return f"<host {self.name}, {', '.join(self.addresses)}>"

    def run(self, f: Callable[[], lwt.Promise[T] | Coroutine[Any, Any, T]], /) -> lwt.Promise[T]:
        """Call a function on this host, and return its promise.

        Raises:
            lwt.Failure: the host has crashed, or the run is over. (If it crashes later, `Crashed` rejects the promise.)
        """
        self.network.world.check_is_there("testing.run")
        check_callback("testing.run", f, ())
        if not self.is_up:
            raise lwt.Failure(f"testing.run: {self.name} has crashed; restart it first")
        promise: lwt.Promise[T] = lwt.with_value(
            HERE, lwt.Some(self), lambda: lwt.apply(partial(promise_of, "testing.run"), f)
        )
        if self is self.network.localhost or not lwt.is_sleeping(promise):
            return promise
        return lwt.choose([promise, self._crash[0]])

    # --- Crashes -------------------------------------------------------------

    def crash(self) -> lwt.Promise[None]:
        """Let the host crash when the next turn of the main loop begins; the promise says when.

        Nothing that runs there goes on. Bodies are dropped where they wait, timers never fire, jobs are
        not done; promises of `run` are rejected with `Crashed`. Its descriptors are gone without a word:
        peers notice when they send, and get no answer. The clock, addresses, limits and files stay, and so
        does all that is not of the host: what it shares with other code in memory.

        Python cannot drop a body without running its `finally` blocks. They run when the whole run is over,
        and then every call of the system fails.

        All hosts share what a process has once. The clock of `lwt_timeout` stands still after a crash of the host
        that has started the first timeout; handlers of signals stay.

        Raises:
            lwt.Failure: this is the host of the program itself, or the run is over.
        """
        self.network.world.check_is_there("testing.crash")
        if self is self.network.localhost:
            raise lwt.Failure(
                "testing.crash: localhost runs the program itself; run what is to crash on another host"
            )
        done: lwt.Promise[None]
        resolver: lwt.Resolver[None]
        done, resolver = lwt.wait()

        def crash_now() -> None:
            if self.is_up:
                crash(self.network.world, self)
                self.bound.clear()
                self._abstract.clear()
                self.network.settle(self)
                crashed, self._crash = self._crash, lwt.wait()
                lwt.on_failure(crashed[0], lambda _: None)  # Perhaps nobody else sees it.
                lwt.wakeup_exn(crashed[1], Crashed(f"{self.name} has crashed"))
            lwt.wakeup(resolver, None)

        self.network.world.at_turn.append(crash_now)
        return done

    def restart(
        self, f: Callable[[], lwt.Promise[T] | Coroutine[Any, Any, T]], /
    ) -> lwt.Promise[T]:
        """Start the host again after a crash, and call a function there, as `run` does.

        It knows of no connection that it had: who sends into one is answered with a reset.

        Raises:
            lwt.Failure: the host is up, or the run is over.
        """
        self.network.world.check_is_there("testing.restart")
        check_callback("testing.restart", f, ())
        if self.is_up:
            raise lwt.Failure(f"testing.restart: {self.name} is up; crash it first")
        self.is_up = True
        self.network.world.tell("%s is up again", self.name)
        return self.run(f)

    # --- Ports ---------------------------------------------------------------

    def is_own(self, address: str) -> bool:
        """Say whether an address is one of this host."""
        return address in self.addresses or address in _LOOPBACK or address.startswith("127.")

    def bind(
        self, socket: Description, kind: int, address: str, port: int, also_v4: bool = False
    ) -> int:
        """Give a socket of a kind (stream or datagram) a port; return its number.

        At any address of IPv6, Linux gives it that of IPv4 as well, unless it has the option IPV6_V6ONLY.
        """
        if address not in _ANY and not self.is_own(address):
            raise os_error(errno.EADDRNOTAVAIL)
        addresses = _ANY if also_v4 and address == _ANY[1] else (address,)
        if not port:
            port = self._free_port(kind, addresses)
        elif any(self._taken(kind, one, port) for one in addresses):
            raise os_error(errno.EADDRINUSE)
        for one in addresses:
            self.bound[kind, one, port] = socket
        return port

    def _taken(self, kind: int, address: str, port: int) -> bool:
        same_family = _ANY[":" in address]
        if address == same_family:
            return any(
                key[::2] == (kind, port) and (":" in key[1]) == (":" in address)
                for key in self.bound
            )
        return (kind, address, port) in self.bound or (kind, same_family, port) in self.bound

    def _free_port(self, kind: int, addresses: tuple[str, ...]) -> int:
        for _ in range(_FIRST_EPHEMERAL, 65_536):
            port = self.next_port
            self.next_port = port + 1 if port < 65_535 else _FIRST_EPHEMERAL
            if not any(self._taken(kind, address, port) for address in addresses):
                return port
        raise os_error(errno.EADDRINUSE)

    def at(self, kind: int, address: str, port: int) -> Description | None:
        """Return the socket that gets what comes to an address and a port."""
        found = self.bound.get((kind, address, port))
        if found is None:
            found = self.bound.get((kind, _ANY[":" in address], port))
        return found

    # --- Paths ---------------------------------------------------------------

    def bind_path(self, socket: Description, path: str) -> None:
        """Give a socket a path, or a name that is none."""
        if not path.startswith("\0"):
            try:
                place = self.tree.find_name(path, self.directory)
                self.tree.add(place, Socket_file(self.network.world, socket))
            except FileExistsError:
                raise os_error(errno.EADDRINUSE) from None
        elif path in self._abstract:
            raise os_error(errno.EADDRINUSE)
        else:
            self._abstract[path] = socket

    def socket_at(self, path: str) -> Description:
        """Return the socket that has a path.

        Raises:
            OSError: ECONNREFUSED, if the path is that of no socket, or of one that is closed; or that of the path.
        """
        if path.startswith("\0"):
            found = self._abstract.get(path)
        else:
            inode = self.tree.find(path, self.directory).found()
            inode.check(os.W_OK)
            found = inode.socket if isinstance(inode, Socket_file) else None
        if found is None or not found.fds:
            raise os_error(errno.ECONNREFUSED)
        return found

    def forget_port(self, socket: Description, kind: int, address: str, port: int) -> None:
        """Take back the port of a socket, if it is the socket's own."""
        for one in _ANY if address == _ANY[1] else (address,):
            if self.bound.get((kind, one, port)) is socket:
                del self.bound[kind, one, port]

    def forget_name(self, socket: Description, name: str) -> None:
        """Take back the name of a socket that is no path. A path stays."""
        if self._abstract.get(name) is socket:
            del self._abstract[name]


_ANY: Final = ("0.0.0.0", "::")
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1"})


Hosts = Host | str | Iterable[Host | str]
"""Hosts, as functions take them: one, its name, or several."""


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
        check_kind("testing.Network.host", name, str)
        host = self.hosts.get(name)
        if host is None:
            number = len(self.hosts) + 1
            v4 = f"10.{number >> 16}.{number >> 8 & 0xFF}.{number & 0xFF}"
            host = self.hosts[name] = Host(self, name, (v4, f"fd00::{number:x}"))
        return host

    def _given(self, host: Host | str) -> Host:
        """Return a host that is given as such, or by its name."""
        if not isinstance(host, Host):
            check_kind("testing.Network", host, str, "give a host, or its name")
            return self.host(host)
        if host.network is not self:
            raise ValueError(f"testing.Network: {host!r} is of another run")
        return host

    def here(self) -> Host:
        """Return the host on which the running callback runs."""
        owner = owner_in(current_storage.contents)
        return owner if isinstance(owner, Host) else self.localhost

    def process_here(self) -> Works:
        """Return the process in which the running callback runs; for that of the program itself, the host."""
        process = current_storage.contents.get(PROCESS)
        return self.here() if process is None else process

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

    # --- Links ---------------------------------------------------------------

    def link(self, source: Host | str, target: Host | str) -> Link:
        """Return the way from one host to another, in one direction."""
        source, target = self._given(source), self._given(target)
        link = self._links.get((source, target))
        if link is None:
            link = self._links[source, target] = Link(self.world, source, target)
            if source is not target:
                back = self._links[target, source] = Link(self.world, target, source)
                link.reverse, back.reverse = back, link
        return link

    def settle(self, host: Host) -> None:
        """Have the links of a host know that it has crashed."""
        for link in self._links.values():
            if host in {link.source, link.target}:
                link.settle()

    def between(self, some: Hosts, others: Hosts) -> list[Link]:
        """Return the links between hosts, in both directions.

        >>> from lwt_unix import testing
        >>> async def main():
        ...     network = testing.network()
        ...     for link in network.between("alice", ["bob", "carol"]):
        ...         link.latency = 0.02
        ...     return network.between("alice", "bob")
        >>> testing.simulate(main)
        [<link alice to bob>, <link bob to alice>]

        Args:
            some: a host, its name, or several of them.
            others: the same.
        """
        pairs = [(one, other) for one in self._all(some) for other in self._all(others)]
        both = [
            link for one, other in pairs for link in (self.link(one, other), self.link(other, one))
        ]
        return list(dict.fromkeys(both))

    def _all(self, hosts: Hosts) -> list[Host]:
        if isinstance(hosts, Host | str) or not isinstance(hosts, Iterable):
            hosts = (hosts,)
        return list(map(self._given, hosts))

    def partition(self, some: Hosts, others: Hosts) -> None:
        """Cut the links between hosts, in both directions: all that is sent from now on is lost.

        Connections stay. Their bytes are sent again, and come after `repair`, unless that takes so long
        that the writer gives up, with ETIMEDOUT (`Limits.retries`). To cut one direction alone, use
        `network.link(a, b).partition()`.

        Args:
            some: a host, its name, or several of them.
            others: the same.
        """
        for link in self.between(some, others):
            link.partition()

    def repair(self, some: Hosts, others: Hosts) -> None:
        """End a `partition` between hosts."""
        for link in self.between(some, others):
            link.repair()

    def hold(self, some: Hosts, others: Hosts) -> None:
        """Keep all that is sent between hosts from now on, until `release`."""
        for link in self.between(some, others):
            link.hold()

    def reset(self, some: Hosts, others: Hosts) -> None:
        """Reset all connections between hosts, as a firewall does: both sides get ECONNRESET, at once."""
        for link in self.between(some, others):
            for fd in link.source.fds:
                self.world.table[fd].break_with((link.target,))

    def release(self, some: Hosts, others: Hosts) -> None:
        """Send what a `hold` has kept, in order, and end it."""
        for link in self.between(some, others):
            link.release()
