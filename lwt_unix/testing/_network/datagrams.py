"""Sockets of messages, each of which is there as a whole or not at all."""

from __future__ import annotations

import errno
import socket as python_socket
from collections import deque

from lwt_unix._system import SocketKind
from lwt_unix.lwt_engine._descriptors import READ, WRITE
from lwt_unix.testing._network.hosts import Host
from lwt_unix.testing._network.passing import drop
from lwt_unix.testing._network.passing import send as send_passed
from lwt_unix.testing._network.sockets import PythonAddress, Socket
from lwt_unix.testing._world.world import Description, World, not_now, os_error


class Datagram_socket(Socket):
    """A socket of messages: each is there as a whole, or not at all."""

    __slots__ = ("held", "is_shut", "messages", "other")

    def __init__(self, world: World, host: Host, kind: SocketKind, name: str) -> None:
        super().__init__(world, host, kind, name)
        self.messages: deque[tuple[bytes, PythonAddress | None, tuple[Description, ...]]] = deque()
        """What has come, from where, and with which descriptors."""

        self.held = 0
        """How many bytes that is."""

        self.other: Datagram_socket | None = None
        """The other one of a pair."""

        self.is_shut = False

    def readiness(self) -> int:
        """Return what would not have to wait."""
        bits = READ if self.messages or self.error or self.is_shut else 0
        other = self.other
        return bits | WRITE if other is None or other.has_room() else bits

    def has_room(self) -> bool:
        """Say whether one more message is taken in."""
        return self.held < self.buffer(python_socket.SO_RCVBUF)

    def connect(self, address: PythonAddress) -> int:
        """Choose the peer; nothing is sent."""
        if isinstance(address, str | bytes):
            text = address if isinstance(address, str) else address.decode(errors="surrogateescape")
            try:
                server = self.host.socket_at(text)
            except OSError as error:
                return error.errno or 0
            if not isinstance(server, Datagram_socket):
                return errno.EPROTOTYPE
            self.peer = text
            return 0
        try:
            target = self.host.network.host_at(self.host, address[0])
            self.bind_to_any_port(target)
        except OSError as error:
            return error.errno or 0
        self.peer = address
        return 0

    def receive(self, view: memoryview, peek: bool) -> tuple[int, PythonAddress | None]:
        """Take the message that came first; what does not fit is lost."""
        error = self.take_error()
        if error:
            raise os_error(error)
        if not self.messages:
            if self.is_shut:
                return 0, None
            raise not_now()
        message, sender, passed = self.messages[0]
        if not peek:
            self.world.tell("%s receives a datagram of %d bytes", self.name, len(message))
            self.messages.popleft()
            self.passed = passed
            self.held -= len(message) + 1
            if self.other is not None:
                self.world.touch(self.other)
        size = min(len(view), len(message))
        view[:size] = message[:size]
        return size, sender

    def send(self, data: memoryview, address: PythonAddress | None) -> int:
        """Send a message."""
        error = self.take_error()
        if error:
            raise os_error(error)
        if self.is_shut:
            raise os_error(errno.EPIPE)
        message = bytes(data)
        if self.other is not None:
            self._deliver_to_other(self.other, message)
            return len(message)
        if address is None:
            address = self.peer
        if address is None:
            raise os_error(errno.ENOTCONN if self.is_unix else errno.EDESTADDRREQ)
        if isinstance(address, str | bytes):
            text = address if isinstance(address, str) else address.decode(errors="surrogateescape")
            server = self.host.socket_at(text)
            if not isinstance(server, Datagram_socket):
                raise os_error(errno.EPROTOTYPE)
            self._deliver_to_other(server, message)
            return len(message)
        if len(message) > 65_507:
            raise os_error(errno.EMSGSIZE)
        host, port = address[0], address[1]
        target = self.host.network.host_at(self.host, host)
        self.bind_to_any_port(target)
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
            if isinstance(receiver, Datagram_socket):
                receiver.arrive(message, sender)
            elif self.peer is not None and target.is_up:
                link.reverse.send(0, refuse)

        self.world.tell(
            "%s sends a datagram of %d bytes to %s:%d", self.name, len(message), host, port
        )
        link.send_datagram(len(message), self.name, arrive)
        return len(message)

    def _deliver_to_other(self, other: Datagram_socket, message: bytes) -> None:
        if not other.fds:
            raise os_error(errno.ECONNREFUSED)
        if not other.has_room():
            raise not_now()
        other.arrive(message, self.local, self.to_pass)

    def arrive(
        self,
        message: bytes,
        sender: PythonAddress | None,
        passed: tuple[Description, ...] = (),
    ) -> None:
        """Take a message in, if there is room; otherwise it is lost."""
        if self.has_room():
            send_passed(passed)
            self.messages.append((message, sender, passed))
            self.held += len(message) + 1
            self.world.touch(self)

    def close(self) -> None:
        """Lose what has come."""
        super().close()
        self._drop_messages()

    def crash(self) -> None:
        """Lose what has come."""
        self._drop_messages()

    def _drop_messages(self) -> None:
        messages, self.messages = self.messages, deque()
        for _, _, passed in messages:
            drop(passed)

    def shutdown(self, how: int) -> None:
        """End both directions."""
        if self.other is None and self.peer is None:
            raise os_error(errno.ENOTCONN)
        self.is_shut = True
        self.world.touch(self)
