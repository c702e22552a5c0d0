"""Messages on sockets: reading and writing with flags, and with addresses.

Each call is tried at once and waited for if need be, by `wrap_syscall`; it may be cancelled while
it waits. The part of the caller's buffer is used in place.

OCaml: `recv`, `send`, `recvfrom`, `sendto` of section "Sockets" of lwt_unix.ml.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

import lwt
from lwt._core.checks import check_kind
from lwt_unix import _system as system
from lwt_unix._descriptors.actions import try_syscall
from lwt_unix._descriptors.buffers import readable_slice, release, writable_slice
from lwt_unix._descriptors.file_descr import File_descr
from lwt_unix._descriptors.io_event import Io_event, Read, Write
from lwt_unix._sockets.constants import Msg_flag
from lwt_unix._sockets.sockaddr import Address, Sockaddr, from_python, to_sockaddr
from lwt_unix._sockets.socket_calls import address_error, address_for, socket_of

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

A = TypeVar("A")


def recv(
    descriptor: File_descr,
    buffer: WriteableBuffer,
    offset: int,
    length: int,
    flags: Iterable[Msg_flag],
    /,
) -> lwt.Promise[int]:
    """Receive into a part of a buffer, like `read`, but on a socket and with flags.

    Raises:
        ValueError: the range is not within the buffer. Nothing is received.

    OCaml: Lwt_unix.recv : file_descr -> bytes -> int -> int -> msg_flag list -> int Lwt.t
    """
    view = writable_slice("lwt_unix.recv", buffer, offset, length)
    bits = _flag_bits("lwt_unix.recv", flags)

    def receive() -> int:
        if length == 0:  # Where recv_into would not even ask the system.
            return system.recvmsg_into(socket_of(descriptor), [view], 0, bits)[0]
        return system.recv_into(socket_of(descriptor), view, 0, bits)

    return _transfer("lwt_unix.recv", "recv", Read, descriptor, view, receive)


def send(
    descriptor: File_descr,
    data: ReadableBuffer | str,
    offset: int,
    length: int,
    flags: Iterable[Msg_flag],
    /,
) -> lwt.Promise[int]:
    """Send a part of some data, like `write`, but on a socket and with flags.

    Raises:
        ValueError: the range is not within the data, or it is a `str` that is not ASCII. Nothing
            is sent.

    OCaml: Lwt_unix.send : file_descr -> bytes -> int -> int -> msg_flag list -> int Lwt.t
    """
    source = readable_slice("lwt_unix.send", data, offset, length)
    bits = _flag_bits("lwt_unix.send", flags)

    def send_bytes() -> int:
        return system.send(socket_of(descriptor), source, bits)

    return _transfer("lwt_unix.send", "send", Write, descriptor, source, send_bytes)


def recvfrom(
    descriptor: File_descr,
    buffer: WriteableBuffer,
    offset: int,
    length: int,
    flags: Iterable[Msg_flag],
    /,
) -> lwt.Promise[tuple[int, Sockaddr]]:
    """Receive a message into a part of a buffer; return its length and its sender's address.

    The part of a datagram that does not fit into the buffer is lost. On a connected stream the
    system names no sender, and the address is `ADDR_UNIX("")`, as in OCaml.

    Raises:
        ValueError: the range is not within the buffer. Nothing is received.

    OCaml: Lwt_unix.recvfrom :
        file_descr -> bytes -> int -> int -> msg_flag list -> (int * sockaddr) Lwt.t
    """
    view = writable_slice("lwt_unix.recvfrom", buffer, offset, length)
    bits = _flag_bits("lwt_unix.recvfrom", flags)

    def receive() -> tuple[int, Sockaddr]:
        received, address = system.recvfrom_into(socket_of(descriptor), view, 0, bits)
        return received, from_python(address)

    return _transfer("lwt_unix.recvfrom", "recvfrom", Read, descriptor, view, receive)


def sendto(
    descriptor: File_descr,
    data: ReadableBuffer | str,
    offset: int,
    length: int,
    flags: Iterable[Msg_flag],
    address: Address,
    /,
) -> lwt.Promise[int]:
    """Send a part of some data as a message to an address.

    Raises:
        ValueError: the range is not within the data, it is a `str` that is not ASCII, or the host
            is not numeric.

    OCaml: Lwt_unix.sendto :
        file_descr -> bytes -> int -> int -> msg_flag list -> sockaddr -> int Lwt.t
    """
    source = readable_slice("lwt_unix.sendto", data, offset, length)
    bits = _flag_bits("lwt_unix.sendto", flags)
    sockaddr = to_sockaddr("lwt_unix.sendto", address)

    def send_message() -> int:
        to = address_for("lwt_unix.sendto", descriptor, sockaddr)
        try:
            return system.sendto(socket_of(descriptor), source, bits, to)
        except BlockingIOError:
            raise
        except OSError as exn:
            number = exn.errno or 0
        raise address_error(number, "lwt_unix.sendto", sockaddr)

    return _transfer("lwt_unix.sendto", "send", Write, descriptor, source, send_message)


def _transfer(
    function: str,
    name: str,
    event: Io_event,
    descriptor: File_descr,
    part: bytes | memoryview,
    call: Callable[[], A],
) -> lwt.Promise[A]:
    """Do what `wrap_syscall` does with a call that uses a part of somebody's buffer."""
    try:
        return try_syscall(function, name, event, descriptor, call)
    except Exception:
        release(part)
        raise


def _flag_bits(function: str, flags: Iterable[Msg_flag]) -> int:
    bits = 0
    for flag in flags:
        check_kind(function, flag, Msg_flag, "use MSG_OOB, MSG_DONTROUTE or MSG_PEEK")
        bits |= flag.value
    return bits
