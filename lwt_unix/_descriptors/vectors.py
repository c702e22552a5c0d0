"""Several parts of buffers that one system call reads into, or writes.

`IO_vectors` names the parts. They are checked and viewed when a call is made, not before: a buffer may
have another size by then. Where the call has to wait, it waits with the parts that were there at first.

OCaml: module IO_vectors, `readv` and `writev` of lwt_unix.ml, `read_bigarray` and `write_bigarray`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final, NoReturn, TypeAlias, final

import lwt
from lwt._core.checks import check_kind
from lwt._core.identity import refuse_copy
from lwt_unix import _system as system
from lwt_unix._descriptors.actions import try_or_wait
from lwt_unix._descriptors.buffers import (
    bytes_to_cut,
    check_part,
    readable_slice,
    release,
    writable_slice,
)
from lwt_unix._descriptors.file_descr import File_descr, check_opened
from lwt_unix._descriptors.io_event import Io_event, Read, Write
from lwt_unix._descriptors.mode import settle_mode
from lwt_unix._descriptors.read_write import read, when_ready, write

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

# --- Vectors -----------------------------------------------------------------


@final
class _Vector:
    """A part of a buffer."""

    __slots__ = ("buffer", "length", "offset")

    def __init__(self, buffer: ReadableBuffer, offset: int, length: int) -> None:
        self.buffer = buffer
        self.offset = offset
        self.length = length


@final
class Vectors:
    """Parts of buffers, in their order: what `IO_vectors.create` makes.

    OCaml: type Lwt_unix.IO_vectors.t
    """

    __qualname__ = "IO_vectors.t"
    __slots__ = ("_vectors",)

    def __reduce_ex__(self, protocol: object, /) -> NoReturn:
        refuse_copy(self)

    def __init__(self) -> None:
        self._vectors: Final[deque[_Vector]] = deque()

    def __repr__(self) -> str:
        number = len(self._vectors)
        parts = "1 part" if number == 1 else f"{number} parts"
        return f"<IO_vectors.t: {parts}, {IO_vectors.byte_count(self)} bytes>"


_MOST_VECTORS: Final = system.IOV_MAX


class IO_vectors:
    """Parts of buffers, to be read into or written at once by `readv`, `writev` and their kin.

    >>> import lwt_unix
    >>> vectors = lwt_unix.IO_vectors.create()
    >>> lwt_unix.IO_vectors.append_bytes(vectors, b"head", 0, 4)
    >>> lwt_unix.IO_vectors.append_bytes(vectors, b"and the rest", 4, 8)
    >>> lwt_unix.IO_vectors.drop(vectors, 6)
    >>> vectors
    <IO_vectors.t: 1 part, 6 bytes>

    OCaml: module Lwt_unix.IO_vectors
    """

    t: TypeAlias = Vectors

    _bigarray: TypeAlias = memoryview
    """`Lwt_bytes.t`, for OCaml's sake.

    OCaml: type Lwt_unix.IO_vectors._bigarray
    """

    system_limit: Final[lwt.Some[int] | None] = lwt.Some(_MOST_VECTORS) if _MOST_VECTORS else None
    """How many parts the system takes at once: of more, the first so many are used.

    OCaml: Lwt_unix.IO_vectors.system_limit : int option
    """

    @staticmethod
    def create() -> Vectors:
        """Make vectors that have no parts yet.

        OCaml: Lwt_unix.IO_vectors.create : unit -> t
        """
        return Vectors()

    @staticmethod
    def append_bytes(
        vectors: Vectors, buffer: ReadableBuffer | str, offset: int, length: int, /
    ) -> None:
        """Add a part of a buffer, behind the others.

        Whether it lies within the buffer is looked at when the vectors are used.

        Args:
            vectors: what to add to.
            buffer: any bytes-like object, or a `str` in ASCII; writable, if it is to be read into.
            offset: where in the buffer the part begins.
            length: how many bytes it has.

        OCaml: Lwt_unix.IO_vectors.append_bytes : t -> bytes -> int -> int -> unit
        """
        _append("lwt_unix.IO_vectors.append_bytes", vectors, buffer, offset, length)

    @staticmethod
    def append_bigarray(
        vectors: Vectors, buffer: ReadableBuffer, offset: int, length: int, /
    ) -> None:
        """Do what `append_bytes` does; in Python a buffer is a buffer.

        OCaml: Lwt_unix.IO_vectors.append_bigarray : t -> _bigarray -> int -> int -> unit
        """
        _append("lwt_unix.IO_vectors.append_bigarray", vectors, buffer, offset, length)

    @staticmethod
    def drop(vectors: Vectors, count: int, /) -> None:
        """Take the first `count` bytes away: what has been written, say.

        OCaml: Lwt_unix.IO_vectors.drop : t -> int -> unit
        """
        function = "lwt_unix.IO_vectors.drop"
        check_vectors(function, vectors)
        check_kind(function, count, int, "the count is a number of bytes")
        parts = vectors._vectors
        while count > 0 and parts:
            first = parts[0]
            if first.length > count:
                first.offset += count
                first.length -= count
                return
            parts.popleft()
            count -= first.length

    @staticmethod
    def is_empty(vectors: Vectors, /) -> bool:
        """Tell whether there are no bytes in the parts.

        OCaml: Lwt_unix.IO_vectors.is_empty : t -> bool
        """
        check_vectors("lwt_unix.IO_vectors.is_empty", vectors)
        return not any(part.length for part in vectors._vectors)

    @staticmethod
    def byte_count(vectors: Vectors, /) -> int:
        """Return how many bytes the parts have together.

        OCaml: Lwt_unix.IO_vectors.byte_count : t -> int
        """
        check_vectors("lwt_unix.IO_vectors.byte_count", vectors)
        return sum(part.length for part in vectors._vectors)


def check_vectors(function: str, vectors: object) -> None:
    """Raise a TypeError unless these are vectors."""
    if type(vectors) is not Vectors:
        hint = "make vectors with lwt_unix.IO_vectors.create()"
        check_kind(function, vectors, Vectors, hint)


def _append(
    function: str, vectors: Vectors, buffer: ReadableBuffer | str, offset: int, length: int
) -> None:
    check_vectors(function, vectors)
    check_part(function, offset, length)
    bytes_to_cut(function, buffer).release()
    kept = buffer.encode() if isinstance(buffer, str) else buffer
    vectors._vectors.append(_Vector(kept, offset, length))


# --- What a call gets --------------------------------------------------------


def parts_to_fill(function: str, vectors: Vectors) -> list[memoryview]:
    """View the parts that a call reads into: the first ones, if there are too many.

    Raises:
        TypeError: a buffer is read-only.
        ValueError: a part is not within its buffer.
    """
    return _parts(function, vectors, writable_slice)


def parts_to_write(function: str, vectors: Vectors) -> list[memoryview]:
    """View the parts that a call writes.

    Raises:
        ValueError: a part is not within its buffer.
    """
    return _parts(function, vectors, readable_slice)


def _parts(
    function: str,
    vectors: Vectors,
    slice_of: Callable[[str, WriteableBuffer, int, int], bytes | memoryview],
) -> list[memoryview]:
    check_vectors(function, vectors)
    parts: list[memoryview] = []
    try:
        for part in vectors._vectors:
            found = slice_of(function, part.buffer, part.offset, part.length)
            parts.append(found if isinstance(found, memoryview) else memoryview(found))
    except Exception:
        release_all(parts)
        raise
    if _MOST_VECTORS:
        release_all(parts[_MOST_VECTORS:])
        del parts[_MOST_VECTORS:]
    return parts


def release_all(parts: list[memoryview]) -> None:
    """Release what was viewed, before an exception leaves: see `buffers.release`."""
    for part in parts:
        release(part)


# --- Reading and writing -----------------------------------------------------


def readv(descriptor: File_descr, io_vectors: Vectors, /) -> lwt.Promise[int]:
    """Read into several buffers, one after the other; return how many bytes came.

    Otherwise like `read`. The vectors stay as they are: `IO_vectors.drop` takes what was filled away.

    Raises:
        ValueError: a part is not within its buffer. Nothing is read.
        OSError: the system call failed at once. If it fails later, or in blocking mode, the
            promise is rejected.

    OCaml: Lwt_unix.readv : file_descr -> IO_vectors.t -> int Lwt.t
    """
    parts = parts_to_fill("lwt_unix.readv", io_vectors)
    return _transfer("lwt_unix.readv", "readv", Read, descriptor, parts, system.readv)


def writev(descriptor: File_descr, io_vectors: Vectors, /) -> lwt.Promise[int]:
    """Write several buffers, one after the other; return how many bytes the system took.

    Otherwise like `write`. The vectors stay as they are: `IO_vectors.drop` takes what was written
    away.

        while not lwt_unix.IO_vectors.is_empty(vectors):
            count = await lwt_unix.writev(descriptor, vectors)
            lwt_unix.IO_vectors.drop(vectors, count)

    Raises:
        ValueError: a part is not within its buffer. Nothing is written.
        OSError: the system call failed at once. If it fails later, or in blocking mode, the
            promise is rejected.

    OCaml: Lwt_unix.writev : file_descr -> IO_vectors.t -> int Lwt.t
    """
    parts = parts_to_write("lwt_unix.writev", io_vectors)
    return _transfer("lwt_unix.writev", "writev", Write, descriptor, parts, system.writev)


def _transfer(
    function: str,
    name: str,
    event: Io_event,
    descriptor: File_descr,
    parts: list[memoryview],
    syscall: Callable[[int, list[memoryview]], int],
) -> lwt.Promise[int]:
    try:
        check_opened(function, descriptor)
        call = partial(syscall, descriptor._fd, parts)
        if settle_mode(descriptor):
            return when_ready(name, event, descriptor, parts, sum(map(len, parts)), call)
        return try_or_wait(name, event, descriptor, call)
    except Exception:
        release_all(parts)
        raise


# --- For Lwt_bytes -----------------------------------------------------------


def read_bigarray(
    function_name: str, descriptor: File_descr, buffer: WriteableBuffer, offset: int, length: int, /
) -> lwt.Promise[int]:
    """Do what `read` does, for a function of another name, with which an error of the range begins.

    OCaml: Lwt_unix.read_bigarray :
        string -> file_descr -> IO_vectors._bigarray -> int -> int -> int Lwt.t
    """
    check_kind("lwt_unix.read_bigarray", function_name, str)
    writable_slice(function_name, buffer, offset, length).release()
    check_opened(function_name, descriptor)
    return read(descriptor, buffer, offset, length)


def write_bigarray(
    function_name: str, descriptor: File_descr, buffer: ReadableBuffer, offset: int, length: int, /
) -> lwt.Promise[int]:
    """Do what `write` does, for a function of another name, with which an error of the range begins.

    OCaml: Lwt_unix.write_bigarray :
        string -> file_descr -> IO_vectors._bigarray -> int -> int -> int Lwt.t
    """
    check_kind("lwt_unix.write_bigarray", function_name, str)
    release(readable_slice(function_name, buffer, offset, length))
    check_opened(function_name, descriptor)
    return write(descriptor, buffer, offset, length)
