"""The calls of a simulated world: what stands in the place of the names of `_system`.

Each does for the world's descriptions what the system's call does for real ones, with the same arguments,
results and errors. What the world has no counterpart of is an error that says so.
"""

from __future__ import annotations

import errno
import socket as python_socket
import stat
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from operator import attrgetter
from types import FunctionType, MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any, Final, NoReturn

from lwt_unix import _system as system
from lwt_unix._system import SocketKind, SocketObject
from lwt_unix.lwt_engine._descriptors import READ, WRITE
from lwt_unix.testing._network.connections import Packet_socket, Stream_socket, join
from lwt_unix.testing._network.datagrams import Datagram_socket
from lwt_unix.testing._network.flows import open_pipe, open_wakeup_pipe
from lwt_unix.testing._network.hosts import Host, Network
from lwt_unix.testing._network.passing import descriptions_in
from lwt_unix.testing._network.passing import receive as receive_passed
from lwt_unix.testing._network.sockets import PythonAddress, Socket
from lwt_unix.testing._world.world import (
    Data,
    Description,
    Not_simulated,
    World,
    os_error,
)

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

_KEPT: Final = frozenset(
    {
        *("Status", "Uname", "SocketKind", "SocketObject"),
        *(
            "sched_getaffinity",
            "sched_getcpu",
            "getpwnam",
            "getpwuid",
            "getgrnam",
            "getgrgid",
        ),
        *(
            "getlogin",
            "getprotobyname",
            "getprotobynumber",
            "getservbyname",
            "getservbyport",
        ),
        *("Callable", "NamedTuple", "P", "ParamSpec", "T", "TypeVar", "cast", "wraps"),
    }
)
"""Names of `_system` that stay as they are: types, what only asks about this computer, imports."""


_write_really: Final = system.write


class Simulated_socket(SocketObject):
    """The socket object of a number of the world. It opens nothing."""

    __slots__ = ("socket",)

    def __init__(self, socket: Socket) -> None:  # The base class would open a real one.
        self.socket = socket


class Terminal(Description):
    """The standard output, or error: what is written goes there."""

    __slots__ = ("fd",)

    mode = stat.S_IFCHR

    def __init__(self, world: World, fd: int, name: str) -> None:
        super().__init__(world, name)
        self.fd = fd

    def readiness(self, interest: int = READ | WRITE) -> int:
        """Return WRITE."""
        return WRITE

    def write(self, data: Data, /) -> int:
        """Write to the real one."""
        return _write_really(self.fd, data)


class Nothing(Description):
    """The standard input: it is empty."""

    __slots__ = ()

    mode = stat.S_IFCHR

    def read(self, view: memoryview, /) -> int:
        """Say that this is the end of file."""
        return 0


def socket_in(sock: SocketObject) -> Socket:
    """Return what a socket object stands for."""
    if not isinstance(sock, Simulated_socket):
        raise Not_simulated(f"{sock!r} is a socket of the real world")
    return sock.socket


class Calls:
    """The calls, on the descriptions of one world."""

    def __init__(self, world: World, network: Network) -> None:
        self.world: Final = world
        self.network: Final = network
        self._table: Final = world.table
        for fd, name in enumerate(("stdin", "stdout", "stderr")):
            description = Nothing(world, name) if fd == 0 else Terminal(world, fd, name)
            world.table[fd] = description
            description.fds.append(fd)
        world.inheritable.update(range(3))

    # --- Calls on numbers ----------------------------------------------------

    def close(self, fd: int) -> None:
        """Close a number."""
        self.world.close(fd)

    def dup(self, fd: int) -> int:
        """Give what a number stands for another one."""
        return self.world.number_of(self.world.description(fd), self.world.owners.get(fd))

    def dup2(self, fd: int, fd2: int, inheritable: bool = True) -> int:
        """Let a number stand for what another one stands for."""
        world = self.world
        description = world.description(fd)
        if fd == fd2:
            return fd2
        if fd2 in world.table:
            world.close(fd2)
        world.take_number(fd2, description, world.owners.get(fd))
        self.set_inheritable(fd2, inheritable)
        return fd2

    def pipe(self) -> tuple[int, int]:
        """Make a pipe."""
        return open_pipe(self.world, self.network.here())

    def wakeup_pipe(self) -> tuple[int, int]:
        """Make the pipe that wakes the main loop."""
        return open_wakeup_pipe(self.world)

    def read(self, fd: int, size: int) -> bytes:
        """Read up to so many bytes."""
        description = self._table.get(fd)
        if description is None:
            raise os_error(errno.EBADF)
        try:
            return description.take(size)
        except BlockingIOError:
            _check_does_not_block(description)
            raise

    def readv(self, fd: int, buffers: Sequence[WriteableBuffer]) -> int:
        """Read into buffers, one after the other."""
        if len(buffers) == 1:
            buffer = buffers[0]
            data = self.read(fd, memoryview(buffer).nbytes)
            memoryview(buffer).cast("B")[: len(data)] = data
            return len(data)
        data = self.read(fd, sum(memoryview(buffer).nbytes for buffer in buffers))
        scatter(memoryview(data), buffers)
        return len(data)

    def write(self, fd: int, data: ReadableBuffer) -> int:
        """Write some bytes."""
        description = self._table.get(fd)
        if description is None:
            raise os_error(errno.EBADF)
        try:
            if type(data) is bytes or type(data) is bytearray:
                return description.write(data)
            # An exception keeps the frames that it leaves, but no view of a buffer.
            with memoryview(data) as view:
                return description.write(view)
        except BlockingIOError:
            _check_does_not_block(description)
            raise

    def writev(self, fd: int, buffers: Sequence[ReadableBuffer]) -> int:
        """Write what is in buffers, one after the other."""
        return self.write(fd, b"".join(buffers))

    def set_blocking(self, fd: int, blocking: bool) -> None:
        """Set the mode."""
        self.world.description(fd).is_blocking = blocking

    def get_inheritable(self, fd: int) -> bool:
        """Say whether programs that are started inherit a number."""
        self.world.description(fd)
        return fd in self.world.inheritable

    def set_inheritable(self, fd: int, inheritable: bool) -> None:
        """Say whether programs that are started inherit a number."""
        self.world.description(fd)
        if inheritable:
            self.world.inheritable.add(fd)
        else:
            self.world.inheritable.discard(fd)

    def move_up(self, fd: int) -> int:
        """Leave a number as it is: it is none of the standard ones."""
        return fd

    def isatty(self, fd: int) -> bool:
        """Say that there are no terminals."""
        return False

    def poll_once(self, fd: int, to_read: bool) -> tuple[bool, bool]:
        """Say whether a number is ready."""
        interest = READ if to_read else WRITE
        ready = bool(self.world.description(fd).readiness(interest) & interest)
        return ready, ready

    # --- Sockets -------------------------------------------------------------

    def open_socket(self, kind: SocketKind) -> int:
        """Make a socket."""
        return self.world.number_of(_new_socket(self.world, self.network.here(), kind))

    def open_socketpair(self, kind: SocketKind) -> tuple[int, int]:
        """Make two sockets that are connected to each other."""
        world, host = self.world, self.network.here()
        world.need_numbers(2, host)
        one, other = _new_pair(world, host, kind)
        return world.number_of(one, host), world.number_of(other, host)

    def _socket(self, fd: int) -> Socket:
        description = self.world.description(fd)
        if not isinstance(description, Socket):
            raise os_error(errno.ENOTSOCK)
        return description

    def socket_object(self, fd: int, kind: SocketKind) -> SocketObject:
        """Make the socket object of a number."""
        return Simulated_socket(self._socket(fd))

    def socket_kind(self, fd: int) -> SocketKind:
        """Say how the socket of a number was made."""
        return self._socket(fd).kind

    def accept(self, sock: SocketObject) -> tuple[int, PythonAddress]:
        """Take a connection."""
        listener = socket_in(sock)
        self.world.need_numbers(1, listener.host)
        client, address = listener.accept()
        return self.world.number_of(client, listener.host), address

    def bind(self, sock: SocketObject, address: PythonAddress) -> None:
        """Give a socket its address."""
        socket_in(sock).bind(address)

    def connect_ex(self, sock: SocketObject, address: PythonAddress) -> int:
        """Begin to connect."""
        return socket_in(sock).connect(address)

    def getpeername(self, sock: SocketObject) -> PythonAddress:
        """Return the address of the peer."""
        peer = socket_in(sock).peer_address()
        if peer is None:
            raise os_error(errno.ENOTCONN)
        return peer

    def getsockname(self, sock: SocketObject) -> PythonAddress:
        """Return the address of a socket."""
        return socket_in(sock).local

    def getsockopt(self, sock: SocketObject, level: int, option: int, size: int = 0) -> int | bytes:
        """Return an option."""
        return socket_in(sock).get_option(level, option, size)

    def setsockopt(self, sock: SocketObject, level: int, option: int, value: int | bytes) -> None:
        """Set an option."""
        socket_in(sock).set_option(level, option, value)

    def listen(self, sock: SocketObject, backlog: int) -> None:
        """Let a socket take connections."""
        socket_in(sock).listen(max(backlog, 0))

    def recv_into(self, sock: SocketObject, buffer: WriteableBuffer, size: int, flags: int) -> int:
        """Receive."""
        with memoryview(buffer) as view:
            return _received(socket_in(sock), view, flags)[0]

    def recvfrom_into(
        self, sock: SocketObject, buffer: WriteableBuffer, size: int, flags: int
    ) -> tuple[int, PythonAddress | None]:
        """Receive a message, and the address of its sender."""
        with memoryview(buffer) as view:
            return _received(socket_in(sock), view, flags)

    def recvmsg_into(
        self,
        sock: SocketObject,
        buffers: Iterable[WriteableBuffer],
        ancillary: int = 0,
        flags: int = 0,
    ) -> tuple[int, list[object], int, PythonAddress | None]:
        """Receive into buffers."""
        targets = list(buffers)
        data = bytearray(sum(len(memoryview(buffer)) for buffer in targets))
        socket = socket_in(sock)
        count, address = socket.receive(memoryview(data), _is_peek(flags))
        scatter(memoryview(data)[:count], targets)
        if not socket.passed:
            return count, [], 0, address
        passed, socket.passed = socket.passed, ()
        received, cut = receive_passed(self.world, socket.host, passed, ancillary)
        return count, received, cut, address

    def send(self, sock: SocketObject, data: ReadableBuffer, flags: int) -> int:
        """Send to the peer."""
        _is_peek(flags)
        with memoryview(data) as view:
            return socket_in(sock).send(view, None)

    def sendto(
        self, sock: SocketObject, data: ReadableBuffer, flags: int, address: PythonAddress
    ) -> int:
        """Send a message to an address."""
        _is_peek(flags)
        with memoryview(data) as view:
            return socket_in(sock).send(view, address)

    def sendmsg(
        self,
        sock: SocketObject,
        buffers: Iterable[ReadableBuffer],
        ancillary: Sequence[object] = (),
        flags: int = 0,
        address: PythonAddress | None = None,
    ) -> int:
        """Send what is in buffers."""
        socket = socket_in(sock)
        if ancillary and socket.is_unix:
            socket.to_pass = descriptions_in(self.world, ancillary)
        try:
            return socket.send(memoryview(b"".join(buffers)), address)
        finally:
            socket.to_pass = ()

    def shutdown(self, sock: SocketObject, how: int) -> None:
        """End one direction of a connection, or both."""
        socket_in(sock).shutdown(how)


def _check_does_not_block(description: Description) -> None:
    """Raise an error if a call that has to wait would wait for ever: its descriptor is in blocking mode."""
    if description.is_blocking:
        raise Not_simulated(
            f"a call on {description.name} would block this thread, and in the simulated world there is no other "
            "one; use a descriptor in non-blocking mode"
        )


def scatter(data: memoryview, buffers: Iterable[WriteableBuffer]) -> None:
    """Put data into buffers, one after the other."""
    for buffer in buffers:
        view = memoryview(buffer).cast("B")
        size = min(len(view), len(data))
        view[:size] = data[:size]
        data = data[size:]


def _received(socket: Socket, view: memoryview, flags: int) -> tuple[int, PythonAddress | None]:
    """Receive, but no descriptors."""
    count, address = socket.receive(view, _is_peek(flags))
    socket.drop_passed()
    return count, address


def _is_peek(flags: int) -> bool:
    """Return whether the flags of a call only look; others are not simulated."""
    if flags & ~(python_socket.MSG_PEEK | python_socket.MSG_DONTROUTE):
        raise Not_simulated("in the simulated world there are no urgent data (MSG_OOB)")
    return bool(flags & python_socket.MSG_PEEK)


def _would_leave(name: str, value: object) -> bool:
    """Say whether a name of `_system` is a call that would leave the world."""
    is_ours = name.startswith("_") or name in _KEPT
    return not is_ours and callable(value) and not isinstance(value, ModuleType)


def _refusing(name: str) -> Callable[..., NoReturn]:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise Not_simulated(
            f"{name}: the simulated world has no such thing; this call would leave it"
        )

    return refuse


_REFUSED: Final = MappingProxyType(
    {name: _refusing(name) for name, value in vars(system).items() if _would_leave(name, value)}
)
"""What stands in the place of calls that nothing is done for."""


@cache
def _methods_of(kind: type) -> tuple[tuple[str, ...], attrgetter[tuple[object, ...]]]:
    """Return the names of `_system` that a class has methods for, and what gets these of an object at once."""
    names = tuple(
        name for name in vars(system) if isinstance(getattr(kind, name, None), FunctionType)
    )
    return names, attrgetter(*names)


def in_place_of_system(*parts: object) -> dict[str, object]:
    """Return what stands in the place of each name of `_system`: methods of these objects."""
    replaced: dict[str, object] = dict[str, object]() | _REFUSED  # Quicker than to make one of it.
    for part in parts:
        kind: Any = type(part)  # mypy thinks of the hash of its objects.
        names, methods = _methods_of(kind)
        replaced.update(zip(names, methods(part), strict=True))
    return replaced


def _new_socket(world: World, host: Host, kind: SocketKind) -> Socket:
    """Make a fresh socket."""
    whose = "" if host is host.network.localhost else f"{host.name}'s "
    name = f"{whose}socket {world.next_number('socket')}"
    if kind.type == python_socket.SOCK_STREAM:
        return Stream_socket(world, host, kind, name)
    if kind.type == python_socket.SOCK_SEQPACKET and kind.family == python_socket.AF_UNIX:
        return Packet_socket(world, host, kind, name)
    if kind.type == python_socket.SOCK_DGRAM or kind.family == python_socket.AF_UNIX:
        return Datagram_socket(world, host, kind, name)
    raise os_error(errno.EPROTONOSUPPORT)


def _new_pair(world: World, host: Host, kind: SocketKind) -> tuple[Socket, Socket]:
    """Make two sockets that are connected to each other."""
    if kind.family != python_socket.AF_UNIX:
        raise os_error(errno.EOPNOTSUPP)
    one, other = _new_socket(world, host, kind), _new_socket(world, host, kind)
    letter = world.next_letters("pair")
    one.name, other.name = f"end 1 of pair {letter}", f"end 2 of pair {letter}"
    one.peer = other.peer = ""
    if isinstance(one, Stream_socket) and isinstance(other, Stream_socket):
        join(one, other)
    elif isinstance(one, Datagram_socket) and isinstance(other, Datagram_socket):
        one.other, other.other = other, one
    return one, other
