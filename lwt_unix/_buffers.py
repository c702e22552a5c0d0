"""The part of a buffer that a call names by offset and length: checked, and not copied.

OCaml checks `pos` and `len` in each function; here one place does, for readers and for writers.
Bounds count bytes, whatever the items of the buffer are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer


def writable_slice(function: str, buffer: WriteableBuffer, offset: int, length: int) -> memoryview:
    """Return a view of `length` bytes of a buffer from `offset`, to be filled in place.

    While the view lives, a `bytearray` cannot change its size, so that the bounds stay right.

    Raises:
        ValueError: the range is not within the buffer.
        TypeError: the buffer cannot be written to, or a bound is no integer.
    """
    if type(offset) is not int or type(length) is not int:
        _refuse_bounds(function, offset, length)
    if type(buffer) is bytearray:
        view = memoryview(buffer)
    else:
        view = _view_of_bytes(function, buffer)
        if view.readonly:
            raise TypeError(
                f"{function}: the buffer ({type(buffer).__name__}) is read-only;"
                " expected one to fill, such as a bytearray"
            )
    size = len(view)
    if offset < 0 or length < 0 or offset > size - length:
        _out_of_bounds(function, offset, length, size)
    return view if length == size else view[offset : offset + length]


def readable_slice(
    function: str, data: ReadableBuffer | str, offset: int, length: int
) -> bytes | memoryview:
    """Return `length` bytes of some data from `offset`, to be written; a `str` counts as UTF-8.

    Raises:
        ValueError: the range is not within the data.
        TypeError: the data are no bytes, or a bound is no integer.
    """
    if type(offset) is not int or type(length) is not int:
        _refuse_bounds(function, offset, length)
    source: bytes | memoryview
    if type(data) is bytes:
        source = data
    elif isinstance(data, str):
        source = data.encode()
    else:
        source = _view_of_bytes(function, data)
    size = len(source)
    if offset < 0 or length < 0 or offset > size - length:
        _out_of_bounds(function, offset, length, size)
    return source if length == size else memoryview(source)[offset : offset + length]


def release(part: bytes | memoryview) -> None:
    """Let go of what `writable_slice` or `readable_slice` gave, before an exception leaves.

    Its traceback keeps the frames of the functions that it left, and what they hold; a `bytearray`
    is to be free to change its size all the same.
    """
    if isinstance(part, memoryview):
        part.release()


def _view_of_bytes(function: str, buffer: ReadableBuffer) -> memoryview:
    try:
        view = memoryview(buffer)
        if view.format != "B" or view.ndim != 1:
            view = view.cast("B")
        if view.c_contiguous:
            return view
    except TypeError:
        pass
    raise TypeError(
        f"{function}: {type(buffer).__name__!r} is no contiguous buffer of bytes;"
        " expected a bytearray, a memoryview, or the like"
    )


def _refuse_bounds(function: str, offset: object, length: object) -> NoReturn:
    raise TypeError(
        f"{function}: offset {offset!r} and length {length!r} must be of type int, and count bytes"
    )


def _out_of_bounds(function: str, offset: int, length: int, size: int) -> NoReturn:
    raise ValueError(
        f"{function}: {length} bytes from offset {offset} are not within the buffer,"
        f" which has {size}"
    )
