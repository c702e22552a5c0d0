"""Reading and writing byte arrays, and messages of them. Nothing is copied.

The functions of `lwt_unix` take byte arrays, too: these differ from them only in what an error of the
range is called.

OCaml: section "IOs" of src/unix/lwt_bytes.ml.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Never, final

import lwt
import lwt_unix
from lwt._core.checks import check_kind, given_by_position, with_required_label
from lwt_unix._descriptors.buffers import check_byte_array, check_part, check_range
from lwt_unix._descriptors.file_descr import check_opened
from lwt_unix._sockets.sockaddr import Address


def read(
    descriptor: lwt_unix.File_descr, buffer: memoryview, offset: int, length: int, /
) -> lwt.Promise[int]:
    """Read into a part of a byte array: see `lwt_unix.read`.

    Raises:
        ValueError: the part is not within `buffer`. Nothing is read.

    OCaml: Lwt_bytes.read : Lwt_unix.file_descr -> t -> int -> int -> int Lwt.t
    """
    _check("lwt_bytes.read", descriptor, buffer, offset, length)
    return lwt_unix.read(descriptor, buffer, offset, length)


def write(
    descriptor: lwt_unix.File_descr, buffer: memoryview, offset: int, length: int, /
) -> lwt.Promise[int]:
    """Write a part of a byte array: see `lwt_unix.write`.

    Raises:
        ValueError: the part is not within `buffer`. Nothing is written.

    OCaml: Lwt_bytes.write : Lwt_unix.file_descr -> t -> int -> int -> int Lwt.t
    """
    _check("lwt_bytes.write", descriptor, buffer, offset, length)
    return lwt_unix.write(descriptor, buffer, offset, length)


def recv(
    descriptor: lwt_unix.File_descr,
    buffer: memoryview,
    offset: int,
    length: int,
    flags: Iterable[lwt_unix.Msg_flag],
    /,
) -> lwt.Promise[int]:
    """Receive into a part of a byte array: see `lwt_unix.recv`.

    Raises:
        ValueError: the part is not within `buffer`. Nothing is received.

    OCaml: Lwt_bytes.recv :
        Lwt_unix.file_descr -> t -> int -> int -> Unix.msg_flag list -> int Lwt.t
    """
    _check("lwt_bytes.recv", descriptor, buffer, offset, length)
    return lwt_unix.recv(descriptor, buffer, offset, length, flags)


def send(
    descriptor: lwt_unix.File_descr,
    buffer: memoryview,
    offset: int,
    length: int,
    flags: Iterable[lwt_unix.Msg_flag],
    /,
) -> lwt.Promise[int]:
    """Send a part of a byte array: see `lwt_unix.send`.

    Raises:
        ValueError: the part is not within `buffer`. Nothing is sent.

    OCaml: Lwt_bytes.send :
        Lwt_unix.file_descr -> t -> int -> int -> Unix.msg_flag list -> int Lwt.t
    """
    _check("lwt_bytes.send", descriptor, buffer, offset, length)
    return lwt_unix.send(descriptor, buffer, offset, length, flags)


def recvfrom(
    descriptor: lwt_unix.File_descr,
    buffer: memoryview,
    offset: int,
    length: int,
    flags: Iterable[lwt_unix.Msg_flag],
    /,
) -> lwt.Promise[tuple[int, lwt_unix.Sockaddr]]:
    """Receive a message into a part of a byte array: see `lwt_unix.recvfrom`.

    Raises:
        ValueError: the part is not within `buffer`. Nothing is received.

    OCaml: Lwt_bytes.recvfrom : Lwt_unix.file_descr -> t -> int -> int -> Unix.msg_flag list ->
        (int * Unix.sockaddr) Lwt.t
    """
    _check("lwt_bytes.recvfrom", descriptor, buffer, offset, length)
    return lwt_unix.recvfrom(descriptor, buffer, offset, length, flags)


def sendto(
    descriptor: lwt_unix.File_descr,
    buffer: memoryview,
    offset: int,
    length: int,
    flags: Iterable[lwt_unix.Msg_flag],
    address: Address,
    /,
) -> lwt.Promise[int]:
    """Send a part of a byte array as a message to an address: see `lwt_unix.sendto`.

    Raises:
        ValueError: the part is not within `buffer`, or the host is not numeric.

    OCaml: Lwt_bytes.sendto : Lwt_unix.file_descr -> t -> int -> int -> Unix.msg_flag list ->
        Unix.sockaddr -> int Lwt.t
    """
    _check("lwt_bytes.sendto", descriptor, buffer, offset, length)
    return lwt_unix.sendto(descriptor, buffer, offset, length, flags, address)


def _check(
    function: str, descriptor: lwt_unix.File_descr, buffer: memoryview, offset: int, length: int
) -> None:
    """Raise, by the name of the function, what those of `lwt_unix` would raise by theirs."""
    check_byte_array(function, buffer)
    check_part(function, offset, length)
    check_range(function, offset, length, len(buffer))
    check_opened(function, descriptor)


# --- Several byte arrays -----------------------------------------------------


@final
@dataclass(frozen=True, slots=True)
class Io_vector:
    """A part of a byte array.

    OCaml: type Lwt_bytes.io_vector
    """

    iov_buffer: memoryview
    iov_offset: int
    iov_length: int


@with_required_label
def io_vector(*_wrong: Never, buffer: memoryview, offset: int, length: int) -> Io_vector:
    """Name a part of a byte array, for `recv_msg` and `send_msg`.

    OCaml: Lwt_bytes.io_vector : buffer:t -> offset:int -> length:int -> io_vector
    """
    if _wrong:
        raise given_by_position(io_vector, _wrong)
    check_byte_array("lwt_bytes.io_vector", buffer)
    check_part("lwt_bytes.io_vector", offset, length)
    return Io_vector(buffer, offset, length)


@with_required_label
def recv_msg(
    *_wrong: Never, socket: lwt_unix.File_descr, io_vectors: Iterable[Io_vector]
) -> lwt.Promise[tuple[int, list[int]]]:
    """Receive a message, and the descriptors that come with it. Use `lwt_unix.recv_msg`, which is newer.

    OCaml: Lwt_bytes.recv_msg : socket:Lwt_unix.file_descr -> io_vectors:io_vector list ->
        (int * Unix.file_descr list) Lwt.t
    """
    if _wrong:
        raise given_by_position(recv_msg, _wrong)
    vectors = _vectors_of("lwt_bytes.recv_msg", io_vectors)
    return lwt_unix.recv_msg(socket=socket, io_vectors=vectors)


@with_required_label
def send_msg(
    *_wrong: Never,
    socket: lwt_unix.File_descr,
    io_vectors: Iterable[Io_vector],
    fds: Iterable[int],
) -> lwt.Promise[int]:
    """Send byte arrays as a message, and descriptors with it. Use `lwt_unix.send_msg`, which is newer.

    OCaml: Lwt_bytes.send_msg : socket:Lwt_unix.file_descr -> io_vectors:io_vector list ->
        fds:Unix.file_descr list -> int Lwt.t
    """
    if _wrong:
        raise given_by_position(send_msg, _wrong)
    vectors = _vectors_of("lwt_bytes.send_msg", io_vectors)
    return lwt_unix.send_msg(socket=socket, io_vectors=vectors, fds=fds)


_HINT: Final = "make one with lwt_bytes.io_vector"


def _vectors_of(function: str, io_vectors: Iterable[Io_vector]) -> lwt_unix.IO_vectors.t:
    vectors = lwt_unix.IO_vectors.create()
    for part in io_vectors:
        check_kind(function, part, Io_vector, _HINT)
        lwt_unix.IO_vectors.append_bigarray(
            vectors, part.iov_buffer, part.iov_offset, part.iov_length
        )
    return vectors
