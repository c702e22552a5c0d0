"""Buffers, and the parts of them that calls name by offset and length.

A part is checked and not copied. OCaml checks `pos` and `len` in each function; here one place does
so, for readers and for writers. Bounds count bytes, whatever the items of the buffer are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lwt._core.checks import check_kind, wrong_type
from lwt_unix._checks import in_ocaml

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer


# --- Whole buffers -----------------------------------------------------------


def bytes_of(function: str, source: ReadableBuffer | str) -> memoryview:
    """View any bytes-like object as bytes, and a `str` as its bytes in UTF-8.

    Raises:
        TypeError: it is neither, or its bytes do not lie side by side.
    """
    if isinstance(source, str):
        source = source.encode()
    try:
        view = memoryview(source)
        if view.format != "B" or view.ndim != 1 or not view.c_contiguous:
            view = view.cast("B")
    except TypeError as problem:
        reason = str(problem)
    else:
        return view
    raise wrong_type(function, "a str, bytes or another bytes-like object", source, reason)


def bytes_to_cut(function: str, data: ReadableBuffer | str) -> memoryview:
    """Do what `bytes_of` does for data of which a part is meant, by offset and length.

    Raises:
        ValueError: it is a `str` that is not ASCII.
    """
    check_ascii(function, data)
    return bytes_of(function, data)


def check_ascii(function: str, data: object) -> None:
    """Raise a ValueError if this is a `str` in which counting bytes and characters differ."""
    if isinstance(data, str) and not data.isascii():
        raise ValueError(
            f"{function}: the offset and the length count bytes, but {data!r} has characters of"
            " several bytes; encode it first, as in text.encode()"
        )


def writable_bytes(function: str, target: WriteableBuffer) -> memoryview:
    """View a buffer, which will be filled in place, as bytes.

    While the view lives, a `bytearray` cannot change its size, so that the bounds stay right.

    Raises:
        TypeError: it has no bytes, or is read-only.
    """
    view = bytes_of(function, target)
    if view.readonly:
        raise wrong_type(function, "a buffer to fill", target, "it is read-only; use a bytearray")
    return view


def check_byte_array(function: str, value: object) -> None:
    """Raise a TypeError unless this is what stands for OCaml's `Lwt_bytes.t`."""
    if (
        type(value) is not memoryview
        or value.readonly
        or value.format != "B"
        or not value.c_contiguous
        or value.ndim != 1
    ):
        hint = "make one with lwt_bytes.create, or as memoryview(bytearray(4096))"
        raise wrong_type(function, "a writable memoryview of bytes", value, hint)


# --- Parts -------------------------------------------------------------------


def check_part(function: str, offset: int, length: int) -> None:
    """Raise a TypeError unless both are ints; `check_range` is for their values."""
    check_kind(function, offset, int, "the offset is a number of bytes")
    check_kind(function, length, int, "the length is a number of bytes")


def check_range(function: str, offset: int, length: int, size: int) -> None:
    """Raise a ValueError unless `length` bytes from `offset` lie in a buffer of `size` bytes."""
    if offset < 0 or length < 0 or offset > size - length:
        raise ValueError(
            f"{in_ocaml(function)}: {length} bytes from offset {offset} are not within the buffer,"
            f" which has {size}"
        )


def writable_slice(function: str, buffer: WriteableBuffer, offset: int, length: int) -> memoryview:
    """Return a view of `length` bytes of a buffer from `offset`, to be filled in place.

    Raises:
        ValueError: the range is not within the buffer.
    """
    if type(offset) is not int or type(length) is not int:
        check_part(function, offset, length)
    view = memoryview(buffer) if type(buffer) is bytearray else writable_bytes(function, buffer)
    size = len(view)
    if offset == 0 and length == size:
        return view
    check_range(function, offset, length, size)
    return view[offset : offset + length]


def part_to_fill(
    function: str, buffer: WriteableBuffer, offset: int, length: int
) -> bytearray | memoryview:
    """Do what `writable_slice` does for a part that is filled at once: a whole `bytearray` needs no view.

    A read that has to wait needs one: it keeps the size as it is.
    """
    if (
        type(buffer) is bytearray
        and type(offset) is type(length) is int
        and offset == 0
        and length == len(buffer)
    ):
        return buffer
    return writable_slice(function, buffer, offset, length)


MOST_COPIED: Final = 4096
"""The most bytes that `part_to_write` copies: to make a view takes as long."""


def readable_slice(
    function: str, data: ReadableBuffer | str, offset: int, length: int
) -> bytes | memoryview:
    """Return `length` bytes of some data from `offset`, to be written.

    Raises:
        ValueError: the range is not within the data, or it is a `str` that is not ASCII.
    """
    if type(offset) is not int or type(length) is not int:
        check_part(function, offset, length)
    source = data if type(data) is bytes else bytes_to_cut(function, data)
    size = len(source)
    if offset == 0 and length == size:
        return source
    check_range(function, offset, length, size)
    return memoryview(source)[offset : offset + length]


def part_to_write(
    function: str, data: ReadableBuffer | str, offset: int, length: int
) -> bytes | bytearray | memoryview:
    """Do what `readable_slice` does for a part that is written at once: what is small is copied.

    A write that has to wait needs a view: the data may change until it is done.
    """
    if (type(data) is bytearray or type(data) is bytes) and type(offset) is type(length) is int:
        end = offset + length
        if 0 <= offset <= end <= len(data) and length <= MOST_COPIED:
            return data[offset:end]
    return readable_slice(function, data, offset, length)


def release(part: bytes | bytearray | memoryview) -> None:
    """Release what `writable_slice` or `readable_slice` gave, before an exception leaves.

    The traceback of the exception keeps the frames of the functions that it left, and all that they
    hold. Without this, a `bytearray` could not change its size for as long.
    """
    if isinstance(part, memoryview):
        part.release()
