"""Looking at a channel's buffer, and working in it directly.

OCaml: Lwt_io, `buffered`, `resize_buffer`, `block`, `direct_access` (src/unix/lwt_io.ml).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import NoReturn, TypeVar, final

import lwt
from lwt._core.checks import check_bounds, check_callback, check_kind
from lwt._core.identity import refuse_copy
from lwt_unix._checks import promise_of
from lwt_unix.lwt_io import _putting, _taking
from lwt_unix.lwt_io._atomic import exclusively
from lwt_unix.lwt_io._buffer import MINIMUM_BUFFER_SIZE, ChannelBuffer
from lwt_unix.lwt_io._byte_arrays import byte_array_of
from lwt_unix.lwt_io._turns import Channel, PromiseOrCoroutine

T = TypeVar("T")


def buffered(channel: Channel, /) -> int:
    """Return how many bytes are read ahead, or wait to be written.

    OCaml: Lwt_io.buffered : 'a channel -> int
    """
    check_kind("lwt_io.buffered", channel, Channel)
    buffer = channel._buffer
    return len(buffer.ahead) - buffer.position if buffer.is_input else len(buffer.unwritten)


def buffer_size(channel: Channel, /) -> int:
    """Return the size of the channel's buffer, in bytes.

    OCaml: Lwt_io.buffer_size : 'a channel -> int
    """
    check_kind("lwt_io.buffer_size", channel, Channel)
    return channel._buffer.size


def resize_buffer(channel: Channel, size: int, /) -> lwt.Promise[None]:
    """Give the channel a new buffer of `size` bytes, with the same content.

    If what waits to be written does not fit, it is written out first.

    Raises:
        ValueError: at the call: `size` is less than 16.
        lwt.Failure: by rejection: more than `size` bytes are read ahead, or the channel is one of
            `of_bytes`.

    OCaml: Lwt_io.resize_buffer : 'a channel -> int -> unit Lwt.t
    """
    check_kind("lwt_io.resize_buffer", channel, Channel)
    ocaml = "Lwt_io.resize_buffer: buffer size too small"
    check_bounds("lwt_io.resize_buffer", "the size", size, MINIMUM_BUFFER_SIZE, ocaml=ocaml)
    check_bounds("lwt_io.resize_buffer", "the size", size, MINIMUM_BUFFER_SIZE, sys.maxsize)
    if byte_array_of(channel._buffer) is not None:
        return lwt.fail(
            lwt.Failure(
                "Lwt_io.resize_buffer: cannot resize the buffer of a channel created with "
                "Lwt_io.of_string, or lwt_io.of_bytes"
            )
        )
    return exclusively(channel, "lwt_io.resize_buffer", partial(_resize, channel._buffer, size))


async def _resize(buffer: ChannelBuffer, size: int) -> None:
    while len(buffer.unwritten) > size:
        await buffer.perform_io()
    read_ahead = len(buffer.ahead) - buffer.position
    if read_ahead > size:
        raise lwt.Failure(
            f"Lwt_io.resize_buffer: cannot decrease buffer size, too much unread data: "
            f"{read_ahead} bytes are read ahead, {size} would fit"
        )
    buffer.resize(size)


def position(channel: Channel, /) -> int:
    """Return how many bytes were read from, or written to, the channel so far.

    OCaml: Lwt_io.position : 'a channel -> int64
    """
    check_kind("lwt_io.position", channel, Channel)
    buffer = channel._buffer
    if buffer.is_input:
        return buffer.offset - (len(buffer.ahead) - buffer.position)
    return buffer.offset + len(buffer.unwritten)


def block(
    channel: Channel, size: int, f: Callable[[memoryview, int], PromiseOrCoroutine[T]], /
) -> lwt.Promise[T]:
    """Call `f(buffer, offset)` on the next `size` bytes, in the buffer, to read or write them.

    Args:
        channel: its position moves on by `size` before `f` is called.
        size: 0 to 16 bytes.
        f: must be done with the bytes when its promise is resolved.

    Raises:
        ValueError: by rejection: `size` is out of range.
        EOFError: by rejection: the input ended too early.

    OCaml: Lwt_io.block : 'a channel -> int -> (Lwt_bytes.t -> int -> 'b Lwt.t) -> 'b Lwt.t
    """
    check_kind("lwt_io.block", channel, Channel)
    check_kind("lwt_io.block", size, int, "the size is a number of bytes")
    check_callback("lwt_io.block", f, ("buffer", "offset"))
    return exclusively(channel, "lwt_io.block", partial(_block, channel._buffer, size, f))


async def _block(
    buffer: ChannelBuffer, size: int, f: Callable[[memoryview, int], PromiseOrCoroutine[T]]
) -> T:
    # No block may be larger than the smallest buffer of a channel.
    check_bounds("lwt_io.block", "the size", size, 0, MINIMUM_BUFFER_SIZE, ocaml="Lwt_io.block")
    take = _taking.take_block if buffer.is_input else _putting.take_block
    start = await take(buffer, size)
    buffer.incomplete = size
    end = start + size
    memory = buffer.lend(start, end)
    try:
        return await promise_of("lwt_io.block", f, memory, start)
    finally:
        if buffer.incomplete and not buffer.is_input:
            buffer.unwritten[start:end] = memory[start:end]
        buffer.incomplete = 0


@final
class Direct_access:
    """The record that `lwt_io.direct_access` passes on.

    OCaml: type Lwt_io.direct_access
    """

    __slots__ = ("_buffer", "da_buffer", "da_max", "da_ptr")

    def __reduce_ex__(self, protocol: object, /) -> NoReturn:
        refuse_copy(self)

    def __init__(self, buffer: ChannelBuffer) -> None:
        self._buffer: ChannelBuffer | None = buffer

        self._look(buffer)

    def _look(self, buffer: ChannelBuffer) -> None:
        """See what there is."""
        position, limit = buffer.bounds()

        self.da_buffer = buffer.lend(0, limit if buffer.is_input else position)
        """The channel's buffer."""

        self.da_ptr = position
        """Where the unread bytes, or the room to write, begin. `f` moves it."""

        self.da_max = limit
        """Where they end."""

    def da_perform(self) -> lwt.Promise[int]:
        """Read more, or write some out; the promise says how many bytes. Move `da_ptr` and `da_max`.

        Raises:
            ValueError: by rejection: `da_ptr` is out of range, or `da_max` was changed.
            lwt.Failure: by rejection: `lwt_io.direct_access` is over.
            Exception: what the reading or writing function raises at the call.
        """
        buffer = self._buffer
        if buffer is None:
            return lwt.fail(
                lwt.Failure(
                    "Lwt_io.perform: this function can not be called outside Lwt_io.direct_access"
                )
            )
        if not self._is_valid(buffer):
            return lwt.fail(
                ValueError(f"Lwt_io.direct_access.da_perform: {self._description(buffer)}")
            )
        buffer.take_back(self.da_ptr)
        return lwt.of_coroutine(self._complete(buffer, buffer.start_io()))

    async def _complete(self, buffer: ChannelBuffer, transferred: lwt.Promise[int]) -> int:
        count = await buffer.complete_io(transferred)
        self._look(buffer)
        return count

    def _is_valid(self, buffer: ChannelBuffer) -> bool:
        position, limit = buffer.bounds()
        return (
            type(self.da_ptr) is int and self.da_max == limit and position <= self.da_ptr <= limit
        )

    def _description(self, buffer: ChannelBuffer) -> str:
        position, limit = buffer.bounds()
        return (
            f"da_ptr is {self.da_ptr} and da_max is {self.da_max}; expected "
            f"{position} to {limit}, and {limit}"
        )

    def _finish(self, buffer: ChannelBuffer) -> None:
        self._buffer = None
        if not self._is_valid(buffer):
            raise lwt.Failure(
                f"Lwt_io.direct_access: invalid result of [f]: {self._description(buffer)}"
            )
        buffer.take_back(self.da_ptr)


def direct_access(
    channel: Channel, f: Callable[[Direct_access], PromiseOrCoroutine[T]], /
) -> lwt.Promise[T]:
    """Let `f` read or write in the channel's buffer itself.

    `f` gets a record with the buffer, `da_buffer`, and the range that it may use, from
    `da_ptr` to `da_max`. It moves `da_ptr` past what it has read or written, and calls
    `da_perform()` for more input, or to write out what there is.

    Raises:
        lwt.Failure: by rejection: `f` left `da_ptr` out of range.

    OCaml: Lwt_io.direct_access : 'a channel -> (direct_access -> 'b Lwt.t) -> 'b Lwt.t
    """
    check_kind("lwt_io.direct_access", channel, Channel)
    check_callback("lwt_io.direct_access", f, ("access",))
    return exclusively(channel, "lwt_io.direct_access", partial(_direct_access, channel._buffer, f))


async def _direct_access(
    buffer: ChannelBuffer, f: Callable[[Direct_access], PromiseOrCoroutine[T]]
) -> T:
    record = Direct_access(buffer)
    result = await promise_of("lwt_io.direct_access", f, record)
    record._finish(buffer)
    return result
