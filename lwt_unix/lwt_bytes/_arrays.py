"""Making byte arrays, reading and changing them, copying and sharing what is in them.

OCaml does not look at bounds in the functions whose names begin with `unsafe_`. Here they do: a
mistake must not change the memory of others.

OCaml: src/unix/lwt_bytes.ml
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from lwt._core.checks import check_bounds, check_kind
from lwt_unix._checks import in_ocaml
from lwt_unix._descriptors.buffers import (
    bytes_of,
    bytes_to_cut,
    check_byte_array,
    check_part,
    writable_bytes,
)

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

# --- Making ------------------------------------------------------------------


def create(size: int, /) -> memoryview:
    """Make a byte array of `size` bytes.

    They are 0. In OCaml they may be anything.

    Raises:
        ValueError: `size` is negative.

    OCaml: Lwt_bytes.create : int -> t
    """
    ocaml = "Bigarray.create: negative dimension"
    check_bounds("lwt_bytes.create", "the size", size, 0, ocaml=ocaml)
    check_bounds("lwt_bytes.create", "the size", size, 0, sys.maxsize)
    return memoryview(bytearray(size))


def length(buffer: memoryview, /) -> int:
    """Return how many bytes a byte array has.

    OCaml: Lwt_bytes.length : t -> int
    """
    check_byte_array("lwt_bytes.length", buffer)
    return len(buffer)


# --- One byte ----------------------------------------------------------------


def get(buffer: memoryview, offset: int, /) -> bytes:
    """Return the byte at `offset`, as `bytes` of length 1. As an int, it is `buffer[offset]`.

    Raises:
        ValueError: there is no byte at `offset`.

    OCaml: Lwt_bytes.get : t -> int -> char
    """
    return _get("lwt_bytes.get", buffer, offset)


def set(buffer: memoryview, offset: int, value: ReadableBuffer | str, /) -> None:
    """Change the byte at `offset`.

    Raises:
        ValueError: there is no byte at `offset`, or `value` is not one byte.

    OCaml: Lwt_bytes.set : t -> int -> char -> unit
    """
    _set("lwt_bytes.set", buffer, offset, value)


def unsafe_get(buffer: memoryview, offset: int, /) -> bytes:
    """Do what `get` does.

    OCaml: Lwt_bytes.unsafe_get : t -> int -> char
    """
    return _get("lwt_bytes.unsafe_get", buffer, offset)


def unsafe_set(buffer: memoryview, offset: int, value: ReadableBuffer | str, /) -> None:
    """Do what `set` does.

    OCaml: Lwt_bytes.unsafe_set : t -> int -> char -> unit
    """
    _set("lwt_bytes.unsafe_set", buffer, offset, value)


def _get(function: str, buffer: memoryview, offset: int) -> bytes:
    _check_index(function, buffer, offset)
    return bytes((buffer[offset],))


def _set(function: str, buffer: memoryview, offset: int, value: ReadableBuffer | str) -> None:
    _check_index(function, buffer, offset)
    buffer[offset] = _byte_of(function, value)


def _check_index(function: str, buffer: memoryview, offset: int) -> None:
    check_byte_array(function, buffer)
    check_kind(function, offset, int, "the offset is a number of bytes")
    if not 0 <= offset < len(buffer):
        raise ValueError(
            f"index out of bounds: {function}: there is no byte {offset} in {len(buffer)} bytes"
        )


def _byte_of(function: str, value: ReadableBuffer | str) -> int:
    data = bytes_of(function, value)
    if len(data) != 1:
        raise ValueError(f"{function}: {value!r} is {len(data)} bytes, not one")
    return data[0]


# --- Conversions -------------------------------------------------------------


def of_bytes(data: ReadableBuffer | str, /) -> memoryview:
    """Make a byte array of a copy of some data.

    OCaml: Lwt_bytes.of_bytes : bytes -> t
    """
    return memoryview(bytearray(bytes_of("lwt_bytes.of_bytes", data)))


def of_string(data: ReadableBuffer | str, /) -> memoryview:
    """Do what `of_bytes` does; in OCaml the two differ by the type of `data`.

    OCaml: Lwt_bytes.of_string : string -> t
    """
    return memoryview(bytearray(bytes_of("lwt_bytes.of_string", data)))


def to_bytes(buffer: memoryview, /) -> bytes:
    """Return a copy of what is in a byte array.

    OCaml: Lwt_bytes.to_bytes : t -> bytes
    """
    check_byte_array("lwt_bytes.to_bytes", buffer)
    return bytes(buffer)


def to_string(buffer: memoryview, /) -> bytes:
    """Do what `to_bytes` does; in OCaml the two differ by their results.

    OCaml: Lwt_bytes.to_string : t -> string
    """
    check_byte_array("lwt_bytes.to_string", buffer)
    return bytes(buffer)


# --- Sharing and copying -----------------------------------------------------


def proxy(buffer: memoryview, offset: int, length: int, /) -> memoryview:
    """Return a byte array that is a part of another one. Nothing is copied: a change in one is a change in both.

    It is `buffer[offset : offset + length]`.

    Raises:
        ValueError: the part is not within `buffer`.

    OCaml: Lwt_bytes.proxy : t -> int -> int -> t
    """
    check_byte_array("lwt_bytes.proxy", buffer)
    check_part("lwt_bytes.proxy", offset, length)
    if not _is_within(buffer, offset, length):
        part = _outside(buffer, offset, length)
        raise ValueError(f"Bigarray.sub: bad sub-array: lwt_bytes.proxy: {part}")
    return buffer[offset : offset + length]


def extract(buffer: memoryview, offset: int, length: int, /) -> memoryview:
    """Make a byte array of a copy of a part of another one.

    Raises:
        ValueError: the part is not within `buffer`.

    OCaml: Lwt_bytes.extract : t -> int -> int -> t
    """
    check_byte_array("lwt_bytes.extract", buffer)
    check_part("lwt_bytes.extract", offset, length)
    _check_parts("lwt_bytes.extract", length, (buffer, offset))
    return memoryview(bytearray(buffer[offset : offset + length]))


def copy(buffer: memoryview, /) -> memoryview:
    """Make a byte array of a copy of another one.

    OCaml: Lwt_bytes.copy : t -> t
    """
    check_byte_array("lwt_bytes.copy", buffer)
    return memoryview(bytearray(buffer))


def blit(
    source: memoryview, source_offset: int, target: memoryview, target_offset: int, length: int, /
) -> None:
    """Copy `length` bytes of a byte array to another place, which may overlap.

    Args:
        source: where to copy from, beginning at `source_offset`.
        source_offset: a number of bytes.
        target: where to copy to, beginning at `target_offset`.
        target_offset: a number of bytes.
        length: how many bytes.

    Raises:
        ValueError: one of the two parts is not within its buffer. Nothing is copied.

    OCaml: Lwt_bytes.blit : t -> int -> t -> int -> int -> unit
    """
    _blit("lwt_bytes.blit", source, source_offset, target, target_offset, length)


def blit_from_bytes(
    source: ReadableBuffer | str,
    source_offset: int,
    target: memoryview,
    target_offset: int,
    length: int,
    /,
) -> None:
    """Do what `blit` does, from any bytes-like object, or a `str` in ASCII.

    OCaml: Lwt_bytes.blit_from_bytes : bytes -> int -> t -> int -> int -> unit
    """
    _blit_from("lwt_bytes.blit_from_bytes", source, source_offset, target, target_offset, length)


def blit_from_string(
    source: ReadableBuffer | str,
    source_offset: int,
    target: memoryview,
    target_offset: int,
    length: int,
    /,
) -> None:
    """Do what `blit_from_bytes` does; in OCaml the two differ by the type of `source`.

    OCaml: Lwt_bytes.blit_from_string : string -> int -> t -> int -> int -> unit
    """
    _blit_from("lwt_bytes.blit_from_string", source, source_offset, target, target_offset, length)


def blit_to_bytes(
    source: memoryview,
    source_offset: int,
    target: WriteableBuffer,
    target_offset: int,
    length: int,
    /,
) -> None:
    """Do what `blit` does, to any buffer that can be written, such as a `bytearray`.

    OCaml: Lwt_bytes.blit_to_bytes : t -> int -> bytes -> int -> int -> unit
    """
    _blit_to("lwt_bytes.blit_to_bytes", source, source_offset, target, target_offset, length)


def unsafe_blit(
    source: memoryview, source_offset: int, target: memoryview, target_offset: int, length: int, /
) -> None:
    """Do what `blit` does.

    OCaml: Lwt_bytes.unsafe_blit : t -> int -> t -> int -> int -> unit
    """
    _blit("lwt_bytes.unsafe_blit", source, source_offset, target, target_offset, length)


def unsafe_blit_from_bytes(
    source: ReadableBuffer | str,
    source_offset: int,
    target: memoryview,
    target_offset: int,
    length: int,
    /,
) -> None:
    """Do what `blit_from_bytes` does.

    OCaml: Lwt_bytes.unsafe_blit_from_bytes : bytes -> int -> t -> int -> int -> unit
    """
    function = "lwt_bytes.unsafe_blit_from_bytes"
    _blit_from(function, source, source_offset, target, target_offset, length)


def unsafe_blit_from_string(
    source: ReadableBuffer | str,
    source_offset: int,
    target: memoryview,
    target_offset: int,
    length: int,
    /,
) -> None:
    """Do what `blit_from_string` does.

    OCaml: Lwt_bytes.unsafe_blit_from_string : string -> int -> t -> int -> int -> unit
    """
    function = "lwt_bytes.unsafe_blit_from_string"
    _blit_from(function, source, source_offset, target, target_offset, length)


def unsafe_blit_to_bytes(
    source: memoryview,
    source_offset: int,
    target: WriteableBuffer,
    target_offset: int,
    length: int,
    /,
) -> None:
    """Do what `blit_to_bytes` does.

    OCaml: Lwt_bytes.unsafe_blit_to_bytes : t -> int -> bytes -> int -> int -> unit
    """
    function = "lwt_bytes.unsafe_blit_to_bytes"
    _blit_to(function, source, source_offset, target, target_offset, length)


def _blit(
    function: str,
    source: memoryview,
    source_offset: int,
    target: memoryview,
    target_offset: int,
    length: int,
) -> None:
    check_byte_array(function, source)
    check_byte_array(function, target)
    _copy(function, source, source_offset, target, target_offset, length)


def _blit_from(
    function: str,
    source: ReadableBuffer | str,
    source_offset: int,
    target: memoryview,
    target_offset: int,
    length: int,
) -> None:
    check_byte_array(function, target)
    data = bytes_to_cut(function, source)
    _copy(function, data, source_offset, target, target_offset, length)


def _blit_to(
    function: str,
    source: memoryview,
    source_offset: int,
    target: WriteableBuffer,
    target_offset: int,
    length: int,
) -> None:
    check_byte_array(function, source)
    with writable_bytes(function, target) as view:
        _copy(function, source, source_offset, view, target_offset, length)


def _copy(
    function: str,
    source: memoryview,
    source_offset: int,
    target: memoryview,
    target_offset: int,
    length: int,
) -> None:
    check_part(function, source_offset, length)
    check_part(function, target_offset, length)
    _check_parts(function, length, (source, source_offset), (target, target_offset))
    part = source[source_offset : source_offset + length]
    target[target_offset : target_offset + length] = part


# --- Filling -----------------------------------------------------------------


def fill(buffer: memoryview, offset: int, length: int, value: ReadableBuffer | str, /) -> None:
    """Put one byte into `length` places from `offset`.

    Raises:
        ValueError: the part is not within `buffer`, or `value` is not one byte.

    OCaml: Lwt_bytes.fill : t -> int -> int -> char -> unit
    """
    _fill("lwt_bytes.fill", buffer, offset, length, value)


def unsafe_fill(
    buffer: memoryview, offset: int, length: int, value: ReadableBuffer | str, /
) -> None:
    """Do what `fill` does.

    OCaml: Lwt_bytes.unsafe_fill : t -> int -> int -> char -> unit
    """
    _fill("lwt_bytes.unsafe_fill", buffer, offset, length, value)


def _fill(
    function: str, buffer: memoryview, offset: int, length: int, value: ReadableBuffer | str
) -> None:
    check_byte_array(function, buffer)
    check_part(function, offset, length)
    _check_parts(function, length, (buffer, offset))
    buffer[offset : offset + length] = bytes((_byte_of(function, value),)) * length


# --- Parts -------------------------------------------------------------------


def _is_within(buffer: memoryview, offset: int, length: int) -> bool:
    return offset >= 0 and length >= 0 and offset <= len(buffer) - length


def _outside(buffer: memoryview, offset: int, length: int) -> str:
    return f"{length} bytes from {offset} are not within {len(buffer)} bytes"


def _check_parts(function: str, length: int, *parts: tuple[memoryview, int]) -> None:
    """Raise a ValueError unless so many bytes lie in each buffer from its offset."""
    for buffer, offset in parts:
        if not _is_within(buffer, offset, length):
            raise ValueError(f"{in_ocaml(function)}: {_outside(buffer, offset, length)}")
