"""Channels on byte arrays: what is read and written is in memory, and nothing is behind it.

Such a channel is never refilled, written out or flushed: its buffer is the whole array. What is put into
an output channel is in the array at once: `_Written` stands there for the bytes that wait to be
written, and has none of its own.

OCaml: Lwt_io.of_bytes, and `Type_bytes` in the other functions (src/unix/lwt_io.ml).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NoReturn, Self, final, overload

import lwt
from lwt._core.checks import check_kind, with_required_label
from lwt_unix._descriptors.buffers import check_byte_array
from lwt_unix.lwt_io._buffer import ChannelBuffer, Mode
from lwt_unix.lwt_io._channel import InputChannel, OutputChannel
from lwt_unix.lwt_io._turns import Channel

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


@final
class _Written(bytearray):
    """The beginning of an array, up to where was written: what a channel knows of it."""

    __slots__ = ("_array", "_length")

    def __init__(self, array: memoryview) -> None:
        super().__init__()
        self._array = array
        self._length = 0

    def __len__(self) -> int:
        return self._length

    # Bytes are put at the end, whatever else a bytearray takes.
    def __iadd__(self, data: ReadableBuffer, /) -> Self:  # type: ignore[override]
        start = self._length
        end = start + memoryview(data).nbytes
        self._array[start:end] = data
        self._length = end
        return self

    def __getitem__(self, place: Any, /) -> Any:
        return bytes(self._array[: self._length][place])  # Compiled code takes no memoryview.

    def __setitem__(self, place: Any, data: Any, /) -> None:
        """Change some bytes, or all with their number."""
        if place == slice(None):
            self._length = len(data)
        self._array[: self._length][place] = data


@final
class ByteArray:
    """What is behind a channel on a byte array."""

    __slots__ = ("array", "buffer", "content")

    buffer: ChannelBuffer

    def __init__(self, array: memoryview, content: bytes) -> None:
        self.array = array

        self.content = content
        """What is read from an input channel."""

    def read(self, _buffer: memoryview, _offset: int, _length: int) -> lwt.Promise[int]:
        """Give no more: all was read ahead from the start. What was taken stays in the buffer."""
        self._read_from(len(self.content) - len(self.buffer.ahead))
        return lwt.return_(0)

    def write(self, _buffer: memoryview, _offset: int, _length: int) -> lwt.Promise[int]:
        return lwt.fail(lwt.Failure("cannot flush a channel created with Lwt_io.of_string"))

    def __call__(self, _offset: int, _whence: object, /) -> NoReturn:
        """Seek: `lwt_io.set_position` does this by `go_to`."""
        raise AssertionError

    def go_to(self, position: int) -> None:
        """Go on reading or writing from a place in the array.

        Raises:
            lwt.Failure: it has no such place.
        """
        size = len(self.array)
        if not 0 <= position <= size:
            raise lwt.Failure(
                f"Lwt_io.set_position: out of bounds: {position} is no place in {size} bytes"
            )
        if self.buffer.is_input:
            self._read_from(position)
        else:
            self.buffer.take_back(position)

    def _read_from(self, position: int) -> None:
        self.buffer.ahead = self.content
        self.buffer.position = position


def _close() -> lwt.Promise[None]:
    return lwt.return_unit


@overload
def of_bytes(array: memoryview, /, *, mode: Literal[Mode.Input]) -> InputChannel: ...
@overload
def of_bytes(array: memoryview, /, *, mode: Literal[Mode.Output]) -> OutputChannel: ...
@with_required_label
def of_bytes(array: memoryview, /, *, mode: Mode) -> Channel:
    r"""Make a channel that reads from a byte array, or writes into it.

    What is written is in the array as soon as the promise is fulfilled. To write more than there is room
    for, or to flush, is a `Failure`. Before that, as much as has room was written.

    An input channel reads what is in the array when it is made: all of it is copied then. (In OCaml it is
    read where it is, and what is changed later is seen.)

    >>> from lwt_unix import lwt_bytes, lwt_io, lwt_main
    >>> array = lwt_bytes.create(8)
    >>> oc = lwt_io.of_bytes(array, mode=lwt_io.Output)
    >>> lwt_main.run(lwt_io.BE.write_int32(oc, 258))
    >>> lwt_bytes.to_bytes(array)
    b'\x00\x00\x01\x02\x00\x00\x00\x00'

    Args:
        array: what `lwt_bytes.create` and its kin return, of any length.
        mode: `lwt_io.Input` or `lwt_io.Output`.

    OCaml: Lwt_io.of_bytes : mode:'mode mode -> Lwt_bytes.t -> 'mode channel
    """
    check_kind("lwt_io.of_bytes", mode, Mode, "use lwt_io.Input or lwt_io.Output")
    check_byte_array("lwt_io.of_bytes", array)
    is_input = mode is Mode.Input
    behind = ByteArray(array, bytes(array) if is_input else b"")
    memory = None if is_input else array
    perform = behind.read if is_input else behind.write
    buffer = ChannelBuffer(mode, len(array), memory, perform, _close, seek=behind)
    behind.buffer = buffer
    if is_input:
        buffer.offset = len(array)
        behind.go_to(0)
        return InputChannel(buffer)
    buffer.unwritten = _Written(array)
    buffer.auto_flushing = True  # Nothing is ever flushed by itself.
    return OutputChannel(buffer)  # Nor by `flush_all`, which does not know it.


def byte_array_of(buffer: ChannelBuffer) -> ByteArray | None:
    """Return what is behind a channel that `of_bytes` has made; None for others."""
    behind = buffer._seek
    return behind if isinstance(behind, ByteArray) else None
