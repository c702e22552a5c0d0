"""Messages in several buffers, and descriptors that go with them to another process.

Along a Unix-domain socket the system carries descriptors: who receives a message gets new numbers for the
same open files. These numbers belong to who called `recv_msg`.

OCaml: `recv_msg`, `send_msg` and `send_msgto` of section "Sockets" of lwt_unix.ml.
"""

from __future__ import annotations

import socket as python_socket
from array import array
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final, Never, TypeVar

import lwt
from lwt._core.checks import check_iterable, given_by_position, with_required_label
from lwt_unix import _system as system
from lwt_unix import lwt_sys
from lwt_unix._checks import check_fd
from lwt_unix._descriptors.actions import try_syscall
from lwt_unix._descriptors.file_descr import File_descr
from lwt_unix._descriptors.io_event import Io_event, Read, Write
from lwt_unix._descriptors.vectors import Vectors, parts_to_fill, parts_to_write, release_all
from lwt_unix._sockets.sockaddr import Address, Sockaddr, to_sockaddr
from lwt_unix._sockets.socket_calls import address_error, address_for, socket_of

A = TypeVar("A")

_MOST_RECEIVED: Final = 256
"""For how many descriptors there is room, as in OCaml. Linux sends 253 at most."""

_CAN_PASS: Final = lwt_sys.have("fd_passing")
_RIGHTS: Final = getattr(python_socket, "SCM_RIGHTS", 0)
_ROOM: Final = python_socket.CMSG_SPACE(_MOST_RECEIVED * array("i").itemsize) if _CAN_PASS else 0


@with_required_label
def recv_msg(
    *_wrong: Never, socket: File_descr, io_vectors: Vectors
) -> lwt.Promise[tuple[int, list[int]]]:
    """Receive a message, and the descriptors that come with it.

    The result is how many bytes came, and the numbers of the descriptors. Close each of them some day,
    or wrap it with `of_unix_file_descr`. Programs that are started later inherit them. If the process
    may open no more files, fewer come than were sent.

    Cancelling while this waits receives nothing. What of a datagram does not fit into the buffers is
    lost, but none of its descriptors.

    Args:
        socket: of the Unix domain, if descriptors are to come.
        io_vectors: the buffers to fill.

    Raises:
        ValueError: a part is not within its buffer. Nothing is received.

    OCaml: Lwt_unix.recv_msg : socket:file_descr -> io_vectors:IO_vectors.t ->
        (int * Unix.file_descr list) Lwt.t
    """
    if _wrong:
        raise given_by_position(recv_msg, _wrong)
    parts = parts_to_fill("lwt_unix.recv_msg", io_vectors)
    receive = partial(_receive, socket, parts)
    return _transfer("lwt_unix.recv_msg", "recv_msg", Read, socket, parts, receive, _close_all)


def _receive(socket: File_descr, parts: list[memoryview]) -> tuple[int, list[int]]:
    count, messages, _, _ = system.recvmsg_into(socket_of(socket), parts, _ROOM)
    fds = array("i")
    for level, kind, data in messages:
        if level == python_socket.SOL_SOCKET and kind == _RIGHTS:
            fds.frombytes(data[: len(data) // fds.itemsize * fds.itemsize])
    return count, fds.tolist()


def _close_all(received: tuple[int, list[int]]) -> None:
    for fd in received[1]:
        system.close(fd)


@with_required_label
def send_msg(
    *_wrong: Never, socket: File_descr, io_vectors: Vectors, fds: Iterable[int]
) -> lwt.Promise[int]:
    """Send several buffers as a message, and descriptors with it; return how many bytes were sent.

    Who receives it gets new numbers for the same open files. Yours stay open: close them when the
    promise is resolved, if you need them no more. On a stream, send at least one byte: without any,
    the descriptors are not sent.

        vectors = lwt_unix.IO_vectors.create()
        lwt_unix.IO_vectors.append_bytes(vectors, b"!", 0, 1)
        fds = [lwt_unix.unix_file_descr(client)]
        await lwt_unix.send_msg(socket=worker, io_vectors=vectors, fds=fds)

    Args:
        socket: of the Unix domain, if descriptors are to be sent.
        io_vectors: the buffers.
        fds: the numbers of the descriptors; Linux takes 253 at most.

    Raises:
        ValueError: a part is not within its buffer. Nothing is sent.
        lwt_sys.Not_available: the system cannot send descriptors, and there are some.

    OCaml: Lwt_unix.send_msg :
        socket:file_descr -> io_vectors:IO_vectors.t -> fds:Unix.file_descr list -> int Lwt.t
    """
    if _wrong:
        raise given_by_position(send_msg, _wrong)
    rights = _rights("lwt_unix.send_msg", fds)
    parts = parts_to_write("lwt_unix.send_msg", io_vectors)
    send = partial(_send, socket, parts, rights)
    return _transfer("lwt_unix.send_msg", "send_msg", Write, socket, parts, send)


@with_required_label
def send_msgto(
    *_wrong: Never, socket: File_descr, io_vectors: Vectors, fds: Iterable[int], dest: Address
) -> lwt.Promise[int]:
    """Do what `send_msg` does, to an address.

    Args:
        socket: one for datagrams.
        io_vectors: the buffers.
        fds: the numbers of the descriptors.
        dest: where to.

    Raises:
        ValueError: a part is not within its buffer, or the host is a name. Nothing is sent.

    OCaml: Lwt_unix.send_msgto : socket:file_descr -> io_vectors:IO_vectors.t ->
        fds:Unix.file_descr list -> dest:Unix.sockaddr -> int Lwt.t
    """
    if _wrong:
        raise given_by_position(send_msgto, _wrong)
    rights = _rights("lwt_unix.send_msgto", fds)
    sockaddr = to_sockaddr("lwt_unix.send_msgto", dest)
    parts = parts_to_write("lwt_unix.send_msgto", io_vectors)
    send = partial(_send_to, socket, parts, rights, sockaddr)
    return _transfer("lwt_unix.send_msgto", "send_msg", Write, socket, parts, send)


_Rights = list[tuple[int, int, "array[int]"]]
"""What goes with a message, as the `socket` module takes it."""


def _rights(function: str, fds: Iterable[int]) -> _Rights:
    """Return what makes the system send descriptors."""
    numbers = array("i")
    for fd in check_iterable(function, fds, "an iterable of numbers of descriptors"):
        check_fd(function, fd)
        numbers.append(fd)
    if not numbers:
        return []
    if not _CAN_PASS:
        raise lwt_sys.Not_available("fd_passing")
    return [(python_socket.SOL_SOCKET, _RIGHTS, numbers)]


def _send(socket: File_descr, parts: list[memoryview], rights: _Rights) -> int:
    return system.sendmsg(socket_of(socket), parts, rights)


def _send_to(
    socket: File_descr, parts: list[memoryview], rights: _Rights, sockaddr: Sockaddr
) -> int:
    address = address_for("lwt_unix.send_msgto", socket, sockaddr)
    try:
        return system.sendmsg(socket_of(socket), parts, rights, 0, address)
    except BlockingIOError:
        raise
    except OSError as exn:
        number = exn.errno or 0
    raise address_error(number, "lwt_unix.send_msgto", sockaddr)


def _transfer(
    function: str,
    name: str,
    event: Io_event,
    socket: File_descr,
    parts: list[memoryview],
    call: Callable[[], A],
    lost: Callable[[A], object] | None = None,
) -> lwt.Promise[A]:
    try:
        return try_syscall(function, name, event, socket, call, lost)
    except Exception:
        release_all(parts)
        raise
