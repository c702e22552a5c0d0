"""Sockets that are connected: streams and their servers, and connections of messages.

A stream socket begins fresh. It becomes a *listener*, which has a queue of connections that were made and
not accepted yet, or the end of a *connection*, which has two flows: `incoming` and `outgoing`.

What follows Linux: `connect` on the internet is never over at once; a socket that is closed with data
unread, or that gets data when it is closed, resets the connection; a full queue of a server leaves
clients waiting, on the internet, and is EAGAIN in the Unix domain.
"""

from __future__ import annotations

import errno
import os
import socket as python_socket
import struct
from collections import deque
from collections.abc import Collection
from typing import Final

from lwt._core import choices
from lwt_unix._system import SocketKind
from lwt_unix.lwt_engine._descriptors import READ, WRITE
from lwt_unix.testing._network.flows import BYTE_SENT, BYTES_SENT
from lwt_unix.testing._network.hosts import Host
from lwt_unix.testing._network.passing import Passing, drop
from lwt_unix.testing._network.passing import send as send_passed
from lwt_unix.testing._network.sockets import PythonAddress, Socket, path_of, unmapped, written
from lwt_unix.testing._network.streams import Stream_flow
from lwt_unix.testing._world.world import Data, Description, Owner, World, not_now, os_error

FIRST_RETRY: Final = 1.0
"""After how many seconds a client tries again whose attempt got no answer; each time it waits twice as long."""

_LINGER: Final = (python_socket.SOL_SOCKET, python_socket.SO_LINGER)
_NO_LINGERING: Final = struct.pack("2i", 1, 0)
"""The value of SO_LINGER that makes `close` reset the connection."""


class Stream_socket(Socket):
    """A stream socket: fresh, a listener, or the end of a connection."""

    __slots__ = ("backlog", "incoming", "is_connecting", "is_shut", "outgoing", "queue")

    def __init__(self, world: World, host: Host, kind: SocketKind, name: str) -> None:
        super().__init__(world, host, kind, name)
        self.queue: deque[Stream_socket] | None = None
        """The connections that wait to be accepted, of a listener."""

        self.backlog = 0
        self.is_connecting = False
        self.incoming: Stream_flow | None = None
        self.outgoing: Stream_flow | None = None
        self.is_shut = False
        """Whether the program has ended `outgoing`, or an attempt to connect has failed."""

    def sender(self) -> Description | None:
        """Return the socket at the other end of the connection."""
        return None if self.incoming is None else self.incoming.writer

    def readiness(self, interest: int = READ | WRITE) -> int:
        """Return what would not have to wait."""
        if self.queue is not None:
            return READ if self.queue else 0
        if self.is_connecting:
            return 0
        incoming, outgoing = self.incoming, self.outgoing
        if incoming is None or outgoing is None:
            return READ | WRITE
        bits = READ if incoming.data or incoming.is_ended else 0
        if interest & WRITE and (
            not (outgoing.data or outgoing.in_flight)
            or self.is_shut
            or outgoing.is_broken
            or 3 * outgoing.room() >= outgoing.capacity
            or (outgoing.reader is None and self.is_unix)
        ):
            bits |= WRITE
        return bits

    # --- Servers -------------------------------------------------------------

    def is_listening(self) -> bool:
        """Say whether it takes connections."""
        return self.queue is not None

    def listen(self, backlog: int) -> None:
        """Become a listener."""
        if self.incoming is not None or self.is_connecting:
            raise os_error(errno.EINVAL)
        if self.local == self.no_address():
            if self.is_unix:
                raise os_error(errno.EINVAL)
            self.bind(self.no_address())
        if self.queue is None:
            self.queue = deque()
            self.name = f"{self.host.name}'s listener {written(self.local)}"
        self.backlog = min(backlog, self.host.limits.backlog)

    def accept(self) -> tuple[Description, PythonAddress]:
        """Take the connection that came first; a choice may take another one."""
        client = self._take_out()
        self.world.tell("%s accepts %s", self.name, client_of(client))
        return client, "" if client.peer is None else client.peer

    def abort(self) -> None:
        """Take a connection, and let it fail."""
        client = self._take_out()
        self.world.tell("%s loses %s", self.name, client_of(client))
        client.reset()

    def _take_out(self) -> Stream_socket:
        queue = self.queue
        if queue is None:
            raise os_error(errno.EINVAL)
        if not queue:
            raise not_now()

        def tell(option: int) -> str:
            chosen, first = client_of(queue[option]), client_of(queue[0])
            return f"of {len(queue)} that wait, {chosen} is accepted before {first}"

        taken = choices.choose(choices.CLIENT, len(queue), tell)
        client = queue[taken]
        del queue[taken]
        return client

    def take_in(self, client: Stream_socket) -> bool:
        """Make a connection of a client that has come, unless the queue is full."""
        queue = self.queue
        assert queue is not None
        if len(queue) > self.backlog:
            return False
        server = type(self)(self.world, self.host, self.kind, _SERVER_OF + client.name)
        server.local = self.local if self.is_unix else self.seen(client.peer) or ""
        server.peer = self.seen(client.local)
        server.options.update(self.options)
        join(client, server)
        queue.append(server)
        self.world.touch(self)
        return True

    # --- Clients -------------------------------------------------------------

    def connect(self, address: PythonAddress) -> int:
        """Begin to connect."""
        if self.queue is not None or self.incoming is not None:
            return errno.EISCONN
        if self.is_connecting:
            return errno.EALREADY
        if self.is_shut:  # The attempt before this one has failed: Linux tells that once more.
            self.is_shut = False
            return errno.ECONNABORTED
        letter = self.world.next_letters("client")
        whose = "" if self.host is self.host.network.localhost else f"{self.host.name}'s "
        self.name = f"{whose}client {letter}"
        self.world.tell("%s connects to %s", self.name, written(address))
        if isinstance(address, str | bytes):
            return self._connect_to_path(path_of(address))
        try:
            target, _ = self.find(address)
        except OSError as error:
            return error.errno or 0
        self.peer = self.destination(address)
        self.is_connecting, self.is_shut = True, False
        self._attempt(target, FIRST_RETRY, self.host.limits.syn_retries)
        return errno.EINPROGRESS

    def connect_in_vain(self, address: PythonAddress, error: int) -> int:
        """Begin to connect; the answer of the network will be an error."""
        if self.is_unix or self.is_connecting or self.incoming or self.queue is not None:
            return error
        self.is_connecting, self.is_shut = True, False
        seconds = 0.0
        if error == errno.ETIMEDOUT:
            seconds = FIRST_RETRY * (2 ** (self.host.limits.syn_retries + 1) - 1)
        self.world.tell("%s connects to %s", self.name, written(address))
        self.world.after(seconds, lambda: self._answered(error))
        return errno.EINPROGRESS

    def _connect_to_path(self, path: str) -> int:
        try:
            server = self.host.socket_at(path)
        except OSError as error:
            return error.errno or 0
        if not isinstance(server, Stream_socket) or type(server) is not type(self):
            return errno.ECONNREFUSED if path.startswith("\0") else errno.EPROTOTYPE
        if server.queue is None:
            return errno.ECONNREFUSED
        self.peer = path
        if server.take_in(self):
            return 0
        self.peer = None
        return errno.EAGAIN

    def _attempt(self, target: Host, patience: float, retries: int) -> None:
        """Ask the target for a connection, and later again if there is no answer."""
        if not self.is_connecting:
            return
        world = self.world
        deadline = world.now + patience

        def try_again() -> None:
            if retries:
                self._attempt(target, 2 * patience, retries - 1)
            else:
                self._answered(errno.ETIMEDOUT)

        def ask() -> None:
            if not self._ask(target) and not is_lost:
                world.at(max(deadline, world.now), try_again)

        is_lost = not self.host.network.link(self.host, target).send(0, ask)
        if is_lost:
            world.after(patience, try_again)

    def _ask(self, target: Host) -> bool:
        """The target is asked for a connection; say whether an answer is on its way."""
        if not self.is_connecting:
            return True
        if not target.is_up:
            return False
        back = self.host.network.link(target, self.host)
        if self.incoming is None:
            peer = self.peer
            assert isinstance(peer, tuple)
            server = target.at(self.kind.type, unmapped(peer[0]), peer[1])
            if not isinstance(server, Stream_socket) or server.queue is None:
                return back.send(0, lambda: self._answered(errno.ECONNREFUSED))
            if not server.take_in(self):
                return False
        return back.send(0, lambda: self._answered(0))

    def _answered(self, error: int) -> None:
        """The attempt to connect is over."""
        if not self.is_connecting:
            return
        self.is_connecting = False
        self.error = error
        if error:
            self.reset()  # The server may have a connection, and its answer may have been lost.
            self.incoming = self.outgoing = self.peer = None
            self.is_shut = True
            self.world.tell("%s is not connected: %s", self.name, os.strerror(error))
        else:
            self.world.tell("%s is connected", self.name)
        self.world.touch(self)

    # --- Connections ---------------------------------------------------------

    def receive(self, view: memoryview, peek: bool) -> tuple[int, PythonAddress | None]:
        """Read what has come."""
        incoming = self.incoming
        if incoming is None or self.is_connecting:
            if self.is_shut:  # The attempt to connect has failed.
                return 0, None
            is_stream = self.kind.type == python_socket.SOCK_STREAM
            raise os_error(errno.EINVAL if self.is_unix and is_stream else errno.ENOTCONN)
        if peek and incoming.data:
            size = min(len(view), len(incoming.data))
            view[:size] = incoming.data[:size]
            return size, None
        if incoming.passing:
            data, self.passed = incoming.pull_passing(len(view))
        else:
            data = incoming.pull(len(view))
        view[: len(data)] = data
        return len(data), None

    def take(self, size: int, /) -> bytes:
        """Read what has come. To read nothing is never too early; to receive nothing may be."""
        incoming = self.incoming
        if incoming is None or self.is_connecting or not size:
            return super().take(size)
        if incoming.passing:
            data, passed = incoming.pull_passing(size)
            drop(passed)
            return data
        return incoming.pull(size)

    def send(self, data: Data, address: PythonAddress | None) -> int:
        """Send to the peer."""
        return self.write(data)

    def write(self, data: Data, /) -> int:
        """Send to the peer."""
        outgoing, incoming = self.outgoing, self.incoming
        if self.is_connecting:
            raise not_now()
        if outgoing is None or incoming is None:
            is_unconnected = self.is_unix and self.queue is None
            raise os_error(errno.ENOTCONN if is_unconnected else errno.EPIPE)
        if outgoing.reader is None and self.is_unix:
            raise os_error(errno.EPIPE)
        if self.is_shut or outgoing.is_broken:
            error = 0 if self.is_unix else incoming.error
            if error:
                incoming.error = 0
            raise os_error(error or errno.EPIPE)
        length = size = len(data)
        if not size:
            return 0
        if outgoing.data or outgoing.in_flight or size > outgoing.capacity:
            size = min(size, outgoing.room())
            if size <= 0 < length:
                raise not_now()
        if outgoing.varying and size:
            outgoing.put_off("write", self)
            size = outgoing.some_of(size, "write", self)
        self.world.tell(BYTES_SENT if size != 1 else BYTE_SENT, self.name, size)
        if self.to_pass and size:
            begin = len(outgoing.data)
            outgoing.passing.append(Passing(begin, begin + size, self.to_pass))
            send_passed(self.to_pass)
        outgoing.push(data if size == length else data[:size])
        return size

    def shutdown(self, how: int) -> None:
        """End one direction, or both."""
        incoming, outgoing = self.incoming, self.outgoing
        if self.queue is not None:
            if how != python_socket.SHUT_WR:
                self._stop_listening()
                self.world.touch(self)
            return
        if incoming is None or outgoing is None or self.is_over():
            if self.is_unix:
                return
            raise os_error(errno.ENOTCONN)
        if how != python_socket.SHUT_WR:
            incoming.is_ended = True
            incoming.is_broken = self.is_unix
        if how != python_socket.SHUT_RD and not self.is_shut:
            self.is_shut = True
            outgoing.push_end()
        if self.is_shut and incoming.is_ended and not incoming.is_finished and not self.is_unix:
            incoming.reader = None  # What comes now is answered with a reset.
        self.world.touch(self)

    def is_over(self) -> bool:
        """Say whether a connection on the internet is no more: it was reset, or both sides have ended it."""
        incoming, outgoing = self.incoming, self.outgoing
        if incoming is None or outgoing is None or self.is_unix:
            return False
        return outgoing.is_broken or (incoming.is_finished and outgoing.is_finished)

    def peer_address(self) -> PythonAddress | None:
        """Return the address of the peer, while there is a connection."""
        return None if self.is_connecting or self.is_over() else self.peer

    def take_error(self) -> int:
        """Return the error that has come, once."""
        error = super().take_error()
        if not error and self.incoming is not None:
            error, self.incoming.error = self.incoming.error, 0
        return error

    def close(self) -> None:
        """End the connection, or those that wait to be accepted."""
        self.world.tell("%s is closed", self.name)
        super().close()
        self.is_connecting = False
        self._stop_listening()
        incoming, outgoing = self.incoming, self.outgoing
        if incoming is None or outgoing is None:
            return
        incoming.reader = outgoing.writer = None
        lingers = self.is_unix or self.options.get(_LINGER) != _NO_LINGERING
        if not lingers or (incoming.data and not self.is_over()):
            outgoing.push_end(errno.ECONNRESET)
        elif not self.is_shut:
            outgoing.push_end()
        incoming.data.clear()
        incoming.drop_passing()
        if incoming.writer is not None:
            self.world.touch(incoming.writer)

    def _stop_listening(self) -> None:
        queue, self.queue = self.queue, None
        for waiting in queue or ():
            waiting.reset()

    def crash(self) -> None:
        """Forget the connection: whoever sends into it later is answered with a reset."""
        self.is_connecting = False
        queue, self.queue = self.queue, None
        for waiting in queue or ():
            waiting.crash()
        if self.incoming is not None:
            self.incoming.forget()
            self.incoming.drop_passing()

    def break_with(self, hosts: Collection[Owner]) -> None:
        """The network resets the connection, if it is one with another host."""
        for waiting in self.queue or ():
            waiting.break_with(hosts)
        incoming = self.incoming
        if incoming is not None and incoming.link is not None and incoming.link.source in hosts:
            incoming.fail(errno.ECONNRESET)

    def reset(self) -> None:
        """Close the connection so that the peer gets an error."""
        incoming, outgoing = self.incoming, self.outgoing
        if incoming is None or outgoing is None:
            return
        incoming.reader = outgoing.writer = None
        outgoing.push_end(errno.ECONNRESET)


class Packet_socket(Stream_socket):
    """A socket of the kind SOCK_SEQPACKET: a connection of messages. What of one is not read is lost."""

    __slots__ = ()

    def receive(self, view: memoryview, peek: bool) -> tuple[int, PythonAddress | None]:
        """Take the message that came first."""
        incoming = self.incoming
        if incoming is None or not incoming.lengths:
            return super().receive(view, peek)
        self._raise_error()
        length = incoming.lengths[0]
        if peek:
            data = bytes(incoming.data[:length])
        else:
            incoming.lengths.popleft()
            if incoming.passing:
                data, self.passed = incoming.pull_passing(length)
            else:
                data = incoming.pull(length) if length else b""
        size = min(len(view), length)
        view[:size] = data[:size]
        return size, None

    def take(self, size: int, /) -> bytes:
        """Take the message that came first."""
        return Description.take(self, size)

    def write(self, data: Data, /) -> int:
        """Send a message as a whole, or not at all."""
        outgoing = self.outgoing
        self._raise_error()
        if outgoing is None or outgoing.reader is None:
            return super().write(data)
        if len(data) > outgoing.capacity:
            raise os_error(errno.EMSGSIZE)
        if len(data) > outgoing.room():
            raise not_now()
        size = super().write(data)
        outgoing.lengths.append(size)
        self.world.touch(outgoing.reader)
        return size

    def _raise_error(self) -> None:
        """Raise the error that has come. Of messages, it overtakes those that were not read."""
        error = self.take_error()
        if error:
            raise os_error(error)

    def readiness(self, interest: int = READ | WRITE) -> int:
        """Return what would not have to wait."""
        incoming = self.incoming
        has_message = incoming is not None and incoming.lengths
        return super().readiness(interest) | (READ if has_message else 0)


_SERVER_OF: Final = "server of "


def client_of(server: Stream_socket) -> str:
    """Return what the client is called whose connection a server has, or has not accepted yet."""
    return server.name.removeprefix(_SERVER_OF)


def join(client: Stream_socket, server: Stream_socket) -> None:
    """Make a connection between two sockets."""
    world = client.world
    sends, receives = python_socket.SO_SNDBUF, python_socket.SO_RCVBUF
    link = None if client.is_unix else client.host.network.link(client.host, server.host)
    windows = (0, 0) if link is None else (server.buffer(receives), client.buffer(receives))
    there = Stream_flow(world, client.buffer(sends), windows[0], link)
    back = Stream_flow(world, server.buffer(sends), windows[1], link and link.reverse)
    there.back, back.back = back, there
    if isinstance(client, Packet_socket):
        there.varying = back.varying = ()
    there.writer = back.reader = client
    there.reader = back.writer = server
    client.outgoing, client.incoming = there, back
    server.outgoing, server.incoming = back, there
