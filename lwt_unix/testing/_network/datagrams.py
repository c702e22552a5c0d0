"""Sockets of messages, each of which is there as a whole or not at all."""

from __future__ import annotations

import errno
import socket as python_socket
from collections import deque
from typing import Final

from lwt_unix._system import SocketKind
from lwt_unix.lwt_engine._descriptors import READ, WRITE
from lwt_unix.testing._network.hosts import Host
from lwt_unix.testing._network.links import size_in_words
from lwt_unix.testing._network.passing import drop
from lwt_unix.testing._network.passing import send as send_passed
from lwt_unix.testing._network.sockets import PythonAddress, Socket, path_of, unmapped
from lwt_unix.testing._world.world import Data, Description, World, not_now, os_error

_LARGEST_OF_V4: Final = 65_507
_LARGEST_OF_V6: Final = 65_527
"""How large a datagram on the internet may be."""

_MOST_MESSAGES: Final = 10
"""If more than so many wait, in the Unix domain, only its peer can send one more (`max_dgram_qlen`)."""

_OVERHEAD: Final = 32
"""How much more a message takes of the sender's buffer."""


class Datagram_socket(Socket):
    """A socket of messages: each is there as a whole, or not at all."""

    __slots__ = ("awaited", "held", "is_deaf", "is_shut", "kept_waiting", "messages", "other")

    def __init__(self, world: World, host: Host, kind: SocketKind, name: str) -> None:
        super().__init__(world, host, kind, name)
        self.messages: deque[tuple[bytes, PythonAddress | None, tuple[Description, ...]]] = deque()
        """What has come, from where, and with which descriptors."""

        self.held = 0
        """How many bytes that is."""

        self.other: Datagram_socket | None = None
        """The other one of a pair, or the peer in the Unix domain."""

        self.awaited: Datagram_socket | None = None
        """Who had no room for its last message."""

        self.kept_waiting: list[Datagram_socket] = []
        """Those for whose messages there was no room."""

        self.is_shut = False
        """Whether the program has ended sending."""

        self.is_deaf = False
        """Whether the program has ended receiving. That others notice in the Unix domain alone."""

    def readiness(self, interest: int = READ | WRITE) -> int:
        """Return what would not have to wait."""
        bits = READ if self.messages or self.error else 0
        awaited = self.other or self.awaited
        if awaited is None or not awaited.fds or awaited.has_room(self):
            bits |= WRITE
        return bits

    def has_room(self, sender: Datagram_socket | None = None) -> bool:
        """Say whether one more message is taken in."""
        if self.is_unix and self.other is not sender and len(self.messages) > _MOST_MESSAGES:
            return False
        return self.held < self.buffer(python_socket.SO_RCVBUF)

    def connect(self, address: PythonAddress) -> int:
        """Choose the peer; nothing is sent."""
        if isinstance(address, str | bytes):
            path = path_of(address)
            try:
                server = self.host.socket_at(path)
            except OSError as error:
                return error.errno or 0
            if not isinstance(server, Datagram_socket):
                return errno.EPROTOTYPE
            if server.other not in {None, self}:
                return errno.EPERM
            self.other = server
            self.peer = path
            return 0
        try:
            self.find(address)
        except OSError as error:
            return error.errno or 0
        self.peer = self.destination(address)
        return 0

    def receive(self, view: memoryview, peek: bool) -> tuple[int, PythonAddress | None]:
        """Take the message that came first; what does not fit is lost."""
        error = self.take_error()
        if error:
            raise os_error(error)
        if not self.messages:
            raise not_now()
        message, sender, passed = self.messages[0]
        if not peek:
            told = size_in_words(len(message))
            self.world.tell("%s receives a datagram of %s", self.name, told)
            self.messages.popleft()
            self.passed = passed
            self.held -= len(message) + 1
            self._let_go_on()
        size = min(len(view), len(message))
        view[:size] = message[:size]
        return size, sender

    def send(self, data: Data, address: PythonAddress | None) -> int:
        """Send a message."""
        error = self.take_error()
        if error:
            raise os_error(error)
        if self.is_shut:
            raise os_error(errno.EPIPE)
        message = bytes(data)
        if self.other is not None and address is None:
            self._deliver_to_other(self.other, message)
            return len(message)
        if address is None:
            address = self.peer
        if address is None:
            raise os_error(errno.ENOTCONN if self.is_unix else errno.EDESTADDRREQ)
        if isinstance(address, str | bytes):
            server = self.host.socket_at(path_of(address))
            if not isinstance(server, Datagram_socket):
                raise os_error(errno.EPROTOTYPE)
            self._deliver_to_other(server, message)
            return len(message)
        host, port = unmapped(address[0]), address[1]
        if not port:
            raise os_error(errno.EINVAL)
        if len(message) > (_LARGEST_OF_V6 if ":" in host else _LARGEST_OF_V4):
            raise os_error(errno.EMSGSIZE)
        target, _ = self.find(address)
        sender = self.local
        if isinstance(sender, tuple) and sender[0] in {"0.0.0.0", "::"}:
            loopback = "::1" if ":" in host else "127.0.0.1"
            own = loopback if target is self.host else self.host.addresses[int(":" in host)]
            sender = self.address_of(own, sender[1])

        link = self.host.network.link(self.host, target)

        def refuse() -> None:
            self.error = errno.ECONNREFUSED
            self.world.touch(self)

        def arrive() -> None:
            receiver = target.at(self.kind.type, host, port)
            seen = receiver.seen(sender) if isinstance(receiver, Datagram_socket) else None
            if isinstance(receiver, Datagram_socket) and receiver.peer in {None, seen}:
                receiver.arrive(message, seen)
            elif self.peer is not None and target.is_up:
                link.reverse.send(0, refuse)

        told = size_in_words(len(message))
        self.world.tell("%s sends a datagram of %s to %s:%d", self.name, told, host, port)
        link.send_datagram(len(message), self.name, arrive)
        return len(message)

    def _deliver_to_other(self, other: Datagram_socket, message: bytes) -> None:
        if not other.fds:
            if other is self.other:
                self.other = self.peer = None
            raise os_error(errno.ECONNREFUSED)
        if other.other not in {None, self}:
            raise os_error(errno.EPERM)
        if other.is_deaf:
            raise os_error(errno.EPIPE)
        if len(message) > self.buffer(python_socket.SO_SNDBUF) - _OVERHEAD:
            raise os_error(errno.EMSGSIZE)
        if not other.has_room(self):
            self.awaited = other
            other.kept_waiting.append(self)
            raise not_now()
        self.awaited = None
        other.arrive(message, self.local, self.to_pass, self)

    def arrive(
        self,
        message: bytes,
        sender: PythonAddress | None,
        passed: tuple[Description, ...] = (),
        by: Datagram_socket | None = None,
    ) -> None:
        """Take a message in, if there is room; otherwise it is lost."""
        if self.has_room(by):
            send_passed(passed)
            self.messages.append((message, sender, passed))
            self.held += len(message) + 1
            self.world.touch(self)

    def _let_go_on(self) -> None:
        waiting, self.kept_waiting = self.kept_waiting, []
        for sender in waiting:
            self.world.touch(sender)

    def close(self) -> None:
        """Lose what has come."""
        super().close()
        self._drop_messages()
        self._let_go_on()

    def crash(self) -> None:
        """Lose what has come."""
        self._drop_messages()

    def _drop_messages(self) -> None:
        messages, self.messages = self.messages, deque()
        for _, _, passed in messages:
            drop(passed)

    def shutdown(self, how: int) -> None:
        """End one direction, or both."""
        if self.peer is None and not self.is_unix:
            raise os_error(errno.ENOTCONN)
        self.is_shut |= how != python_socket.SHUT_RD
        self.is_deaf |= how != python_socket.SHUT_WR
        self.world.touch(self)
