"""Sockets: making them, naming them, connecting them.

In reading order: making sockets; servers (`bind`, `listen`, `accept`); clients (`connect`);
names. Messages are in `messages`, options in `options`.

What may take time (`accept`, `connect`) returns a promise, made by `wrap_syscall`: it is tried at
once, waits if it must, and can be cancelled while it waits. The rest acts at once and raises.

OCaml: section "Sockets" of lwt_unix.ml.
"""

from __future__ import annotations

import errno
import socket as python_socket
import stat
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, Never, TypeVar

import lwt
from lwt._core.checks import check_bounds, check_kind, given_by_position
from lwt_unix import _system as system
from lwt_unix import lwt_sys
from lwt_unix._checks import C_INT
from lwt_unix._descriptors.actions import Retry, RetryLater, is_ready, try_syscall
from lwt_unix._descriptors.copies import inherit_unless
from lwt_unix._descriptors.emptied import emptied
from lwt_unix._descriptors.file_descr import File_descr, check_is_descriptor, check_opened
from lwt_unix._descriptors.io_event import Read, Write
from lwt_unix._descriptors.mode import already_non_blocking, settle_mode
from lwt_unix._errors import call_named, note_call
from lwt_unix._jobs.jobs import run_call
from lwt_unix._jobs.methods import Async_none
from lwt_unix._sockets.constants import Shutdown_command, Socket_domain, Socket_type
from lwt_unix._sockets.sockaddr import (
    ADDR_UNIX,
    Address,
    Sockaddr,
    from_python,
    is_path,
    to_sockaddr,
)
from lwt_unix._sockets.socket_calls import address_error, address_for, socket_of
from lwt_unix._system import SocketKind

A = TypeVar("A")

NOBODY_THERE: Final = "nobody listens there"

# --- Making sockets ----------------------------------------------------------


def socket(
    domain: Socket_domain,
    type: Socket_type,
    protocol: int,
    /,
    *_wrong: Never,
    cloexec: bool = False,
) -> File_descr:
    """Make a socket.

    Args:
        domain: `PF_UNIX`, `PF_INET` or `PF_INET6`.
        type: `SOCK_STREAM`, `SOCK_DGRAM`, `SOCK_RAW` or `SOCK_SEQPACKET`.
        protocol: 0 for the usual one.
        cloexec: whether programs started later do not inherit it.

    Raises:
        OSError: the system does not have such sockets, or has no descriptors left (EMFILE).

    OCaml: Lwt_unix.socket :
        ?cloexec:bool -> socket_domain -> socket_type -> int -> file_descr
    """
    if _wrong:
        raise given_by_position(socket, _wrong)
    kind = _new_kind("lwt_unix.socket", domain, type, protocol)
    with call_named("socket"):
        fd = system.open_socket(kind)
        inherit_unless(cloexec, fd)
    return _new_socket(fd, kind)


def socketpair(
    domain: Socket_domain,
    type: Socket_type,
    protocol: int,
    /,
    *_wrong: Never,
    cloexec: bool = False,
) -> tuple[File_descr, File_descr]:
    """Make two sockets that are connected to each other.

    Raises:
        OSError: the system does not have such sockets, or has no descriptors left (EMFILE).

    OCaml: Lwt_unix.socketpair :
        ?cloexec:bool -> socket_domain -> socket_type -> int -> file_descr * file_descr
    """
    if _wrong:
        raise given_by_position(socketpair, _wrong)
    kind = _new_kind("lwt_unix.socketpair", domain, type, protocol)
    with call_named("socketpair"):
        one, other = system.open_socketpair(kind)
        inherit_unless(cloexec, one, other)
    return _new_socket(one, kind), _new_socket(other, kind)


def _new_kind(function: str, domain: Socket_domain, type: Socket_type, protocol: int) -> SocketKind:
    check_kind(function, domain, Socket_domain, "use PF_UNIX, PF_INET or PF_INET6")
    types = "use SOCK_STREAM, SOCK_DGRAM, SOCK_RAW or SOCK_SEQPACKET"
    check_kind(function, type, Socket_type, types)
    check_bounds(function, "the protocol", protocol, *C_INT, hint="0 is the usual one")
    return SocketKind(domain.value, type.value, protocol)


def _new_socket(fd: int, kind: SocketKind) -> File_descr:
    descriptor = File_descr(fd, False, True)
    descriptor._socket_kind = kind
    return descriptor


# --- Servers -----------------------------------------------------------------


def bind(descriptor: File_descr, address: Address, /) -> lwt.Promise[None]:
    """Give a socket its address.

    For an internet address, an error of the system is raised at once. For a Unix-domain one it
    rejects the promise, since it may take time to look up the path.

    Raises:
        OSError: for example EADDRINUSE; see above.
        ValueError: the host is a name; it must be numeric.

    OCaml: Lwt_unix.bind : file_descr -> sockaddr -> unit Lwt.t
    """
    sockaddr = to_sockaddr("lwt_unix.bind", address)
    check_opened("lwt_unix.bind", descriptor)
    if isinstance(sockaddr, ADDR_UNIX):
        return run_call("bind", partial(bind_now, descriptor, sockaddr), method=Async_none)
    with call_named("bind"):
        bind_now(descriptor, sockaddr)
    return lwt.return_unit


def bind_now(descriptor: File_descr, sockaddr: Sockaddr) -> None:
    """Make the call of `bind` on an opened descriptor."""
    address = address_for("lwt_unix.bind", descriptor, sockaddr)
    try:
        system.bind(socket_of(descriptor), address)
        return
    except OSError as exn:
        number = exn.errno or 0
    hint = _what_is_at(sockaddr) if number == errno.EADDRINUSE else ""
    raise address_error(number, "lwt_unix.bind", sockaddr, hint)


def _what_is_at(sockaddr: Sockaddr) -> str:
    """Say what is in the way of a socket, if it is a file that is left over."""
    if not is_path(sockaddr):
        return ""
    kind = SocketKind(python_socket.AF_UNIX, python_socket.SOCK_DGRAM, 0)
    try:
        if not stat.S_ISSOCK(system.stat(sockaddr.path).st_mode):
            return "a file that is no socket is there"
        # A server that lives does not notice: for a stream, this socket is of the wrong type.
        fd = system.open_socket(kind)
        try:
            error = system.connect_ex(system.socket_object(fd, kind), sockaddr.path)
        finally:
            system.close(fd)
    except OSError:
        return ""
    return f"{NOBODY_THERE}, remove the file" if error == errno.ECONNREFUSED else ""


def listen(descriptor: File_descr, backlog: int, /) -> None:
    """Let a socket take connections.

    Args:
        descriptor: a socket that has its address.
        backlog: how many connections may wait to be accepted; `somaxconn()` is the most.

    OCaml: Lwt_unix.listen : file_descr -> int -> unit
    """
    check_bounds("lwt_unix.listen", "backlog", backlog, *C_INT)
    check_opened("lwt_unix.listen", descriptor)
    with call_named("listen"):
        system.listen(socket_of(descriptor), backlog)


def somaxconn() -> int:
    """Return the largest backlog that the system's headers promise.

    OCaml: Lwt_unix.somaxconn : unit -> int
    """
    return python_socket.SOMAXCONN


def accept(
    descriptor: File_descr, /, *_wrong: Never, cloexec: bool = False
) -> lwt.Promise[tuple[File_descr, Sockaddr]]:
    """Take the next connection: a non-blocking socket for it, and the address of the client.

    After cancelling, the connections that come can be accepted by later calls. After an error of
    the system (EMFILE, ECONNABORTED) accepting may be tried again.

    Args:
        descriptor: a socket that listens.
        cloexec: whether programs started later do not inherit the new socket.

    OCaml: Lwt_unix.accept : ?cloexec:bool -> file_descr -> (file_descr * sockaddr) Lwt.t
    """
    if _wrong:
        raise given_by_position(accept, _wrong)
    take = partial(_accept, descriptor, cloexec)
    return try_syscall("lwt_unix.accept", "accept", Read, descriptor, take, _close_client)


def accept_unless(
    is_over: Callable[[], bool], descriptor: File_descr
) -> lwt.Promise[tuple[File_descr, Sockaddr] | None]:
    """Do what `accept` with `cloexec` does; if it is over when a client comes, leave it and give None."""

    def take() -> tuple[File_descr, Sockaddr] | None:
        return None if is_over() else _accept(descriptor, True)

    return try_syscall("lwt_unix.accept", "accept", Read, descriptor, take, _close_client)


def _accept(descriptor: File_descr, cloexec: bool) -> tuple[File_descr, Sockaddr]:
    listener = descriptor._socket or socket_of(descriptor)
    fd, address = system.accept(listener)
    try:
        system.set_blocking(fd, False)
        if not cloexec:
            system.set_inheritable(fd, True)
        client = already_non_blocking(fd, descriptor._socket_kind)
        return client, from_python(address)
    except BaseException:
        emptied.note_end()
        system.close(fd)
        raise


def _close_client(accepted: tuple[File_descr, Sockaddr] | None) -> None:
    if accepted is not None:
        emptied.note_end()
        system.close(accepted[0]._fd)


def accept_n(
    descriptor: File_descr, count: int, /, *_wrong: Never, cloexec: bool = False
) -> lwt.Promise[tuple[list[tuple[File_descr, Sockaddr]], lwt.Some[Exception] | None]]:
    """Take up to `count` connections that have come already, waiting only for the first.

    The promise is never rejected. An exception, even `Canceled`, is the second part of the value,
    beside the connections that were accepted before it.

    Args:
        descriptor: a socket that listens.
        count: how many connections to take at most.
        cloexec: whether programs started later do not inherit the new sockets.

    Raises:
        OSError: the mode of the descriptor cannot be settled.

    OCaml: Lwt_unix.accept_n : ?cloexec:bool ->
        file_descr -> int -> ((file_descr * sockaddr) list * exn option) Lwt.t
    """
    if _wrong:
        raise given_by_position(accept_n, _wrong)
    check_is_descriptor("lwt_unix.accept_n", descriptor)
    check_kind("lwt_unix.accept_n", count, int, "count is a number of connections")
    accepted: list[tuple[File_descr, Sockaddr]] = []
    blocking = settle_mode(descriptor)

    def accept_some() -> tuple[list[tuple[File_descr, Sockaddr]], lwt.Some[Exception] | None]:
        try:
            for _ in range(count):
                if blocking and not is_ready(Read, descriptor._fd):
                    raise Retry
                accepted.append(_accept(descriptor, cloexec))
        except (BlockingIOError, InterruptedError, Retry):
            if not accepted:
                raise
        return accepted, None

    return lwt.catch(
        lambda: try_syscall("lwt_unix.accept_n", "accept", Read, descriptor, accept_some),
        lambda exn: lwt.return_((accepted, lwt.Some(exn))),
    )


# --- Clients -----------------------------------------------------------------


def connect(descriptor: File_descr, address: Address, /) -> lwt.Promise[None]:
    """Connect a socket to an address.

    Cancelling stops the waiting, not the attempt: close the socket then.

    If the queue of a Unix-domain server is full, it is tried again after a millisecond, then after
    two, and so on up to a tenth of a second, until there is room.

    Args:
        descriptor: a socket.
        address: where to; a host must be numeric.

    Raises:
        ValueError: the host is a name.
        OSError: the attempt failed at once, as on a Unix-domain path (ENOENT, ECONNREFUSED). If
            it fails later, the promise is rejected.

    OCaml: Lwt_unix.connect : file_descr -> sockaddr -> unit Lwt.t
    """
    sockaddr = to_sockaddr("lwt_unix.connect", address)
    in_progress = False

    def try_to_connect() -> None:
        nonlocal in_progress
        sock = socket_of(descriptor)
        if in_progress:
            # The socket is writable: so the attempt is over. The socket's error tells whether it
            # succeeded.
            error = system.getsockopt(sock, python_socket.SOL_SOCKET, python_socket.SO_ERROR)
        else:
            error = system.connect_ex(sock, address_for("lwt_unix.connect", descriptor, sockaddr))
            # If a signal interrupts the call, the attempt goes on nevertheless.
            if error in {errno.EINPROGRESS, errno.EINTR}:
                in_progress = True
                raise Retry
            # The queue of a Unix-domain server is full. The socket is writable all the same: so
            # the system does not report when there is room.
            if error == errno.EAGAIN and isinstance(sockaddr, ADDR_UNIX):
                raise RetryLater
        if error:
            is_stale = error == errno.ECONNREFUSED and is_path(sockaddr)
            hint = NOBODY_THERE if is_stale else ""
            raise address_error(error, "lwt_unix.connect", sockaddr, hint)

    return try_syscall("lwt_unix.connect", "connect", Write, descriptor, try_to_connect)


def shutdown(descriptor: File_descr, command: Shutdown_command, /) -> None:
    """End one direction of a connection, or both; the descriptor stays open.

    Args:
        descriptor: a connected socket.
        command: `SHUTDOWN_RECEIVE`, `SHUTDOWN_SEND` (the peer sees an end of file) or
            `SHUTDOWN_ALL`.

    OCaml: Lwt_unix.shutdown : file_descr -> shutdown_command -> unit
    """
    if type(command) is not Shutdown_command:
        commands = "use SHUTDOWN_RECEIVE, SHUTDOWN_SEND or SHUTDOWN_ALL"
        check_kind("lwt_unix.shutdown", command, Shutdown_command, commands)
    check_opened("lwt_unix.shutdown", descriptor)
    emptied.note_end()
    try:
        # `value` is a property, which takes as long as the call itself.
        system.shutdown(socket_of(descriptor), command._value_)
    except Exception as exn:
        note_call(exn, "shutdown")
        raise


# --- Names -------------------------------------------------------------------


def getsockname(descriptor: File_descr, /) -> Sockaddr:
    """Return the address of a socket; `ADDR_UNIX("")` for one of the Unix domain that has none.

    OCaml: Lwt_unix.getsockname : file_descr -> sockaddr
    """
    check_opened("lwt_unix.getsockname", descriptor)
    with call_named("getsockname"):
        return from_python(system.getsockname(socket_of(descriptor)))


def getpeername(descriptor: File_descr, /) -> Sockaddr:
    """Return the address of the peer of a socket.

    Raises:
        OSError: ENOTCONN, if there is no peer.

    OCaml: Lwt_unix.getpeername : file_descr -> sockaddr
    """
    check_opened("lwt_unix.getpeername", descriptor)
    with call_named("getpeername"):
        return from_python(system.getpeername(socket_of(descriptor)))


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who is at the other end of a Unix-domain socket.

    OCaml: type Lwt_unix.credentials = { cred_pid : int; cred_uid : int; cred_gid : int }
    """

    cred_pid: int
    cred_uid: int
    cred_gid: int


def get_credentials(descriptor: File_descr, /) -> Credentials:
    """Return who is at the other end of a Unix-domain socket.

    Raises:
        lwt_sys.Not_available: the system cannot tell.

    OCaml: Lwt_unix.get_credentials : file_descr -> credentials
    """
    check_opened("lwt_unix.get_credentials", descriptor)
    if not hasattr(python_socket, "SO_PEERCRED"):
        raise lwt_sys.Not_available("get_credentials")
    layout = struct.Struct("3i")
    option = python_socket.SOL_SOCKET, python_socket.SO_PEERCRED
    with call_named("get_credentials"):
        answer = system.getsockopt(socket_of(descriptor), *option, layout.size)
    return Credentials(*layout.unpack(answer))
