"""Making channels: on a descriptor, a pipe, memory, or any two functions.

OCaml: Lwt_io, channel creation and the well-known instances (src/unix/lwt_io.ml).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Final, Literal, Never, overload

import lwt
import lwt_unix
from lwt._core.checks import (
    check_bounds,
    check_callback,
    check_kind,
    given_by_position,
    with_required_label,
)
from lwt._core.driver import to_promise
from lwt_unix._checks import check_fd, in_ocaml
from lwt_unix._descriptors.buffers import check_byte_array
from lwt_unix._descriptors.file_descr import check_is_descriptor
from lwt_unix._processes import parting
from lwt_unix.lwt_io._buffer import (
    MINIMUM_BUFFER_SIZE,
    ChannelBuffer,
    Mode,
    Perform,
    Seek,
)
from lwt_unix.lwt_io._channel import InputChannel, OutputChannel, begin_again, new_input, new_output
from lwt_unix.lwt_io._closing import Close, ClosingOnce
from lwt_unix.lwt_io._turns import Channel, PromiseOrCoroutine, forget

_MODES: Final = "use lwt_io.Input or lwt_io.Output"

_FIRST_BUFFER_SIZE: Final = 4096

_default_buffer_size = _FIRST_BUFFER_SIZE


def default_buffer_size() -> int:
    """Return the size of the buffers of channels that are made without one, in bytes.

    OCaml: Lwt_io.default_buffer_size : unit -> int
    """
    return _default_buffer_size


def set_default_buffer_size(size: int, /) -> None:
    """Change the size of the buffers of channels made from now on.

    It is 4096 bytes at first.

    Raises:
        ValueError: `size` is less than 16 bytes.

    OCaml: Lwt_io.set_default_buffer_size : int -> unit
    """
    global _default_buffer_size
    check_buffer_size("lwt_io.set_default_buffer_size", size)
    _default_buffer_size = size


def check_buffer_size(function: str, size: int) -> None:
    """Raise unless a buffer of this size has room for the largest `lwt_io.block`."""
    ocaml = f"{in_ocaml(function)}: too small buffer size"
    check_bounds(function, "the buffer's size", size, MINIMUM_BUFFER_SIZE, ocaml=ocaml)
    check_bounds(function, "the buffer's size", size, MINIMUM_BUFFER_SIZE, sys.maxsize)


def size_and_memory(function: str, buffer: memoryview | None) -> tuple[int, memoryview | None]:
    """Return the size of a channel's buffer, and the memory that was given for it."""
    if buffer is None:
        return _default_buffer_size, None
    check_byte_array(function, buffer)
    check_buffer_size(function, len(buffer))
    return len(buffer), buffer


def _no_close() -> lwt.Promise[None]:
    return lwt.return_unit


@overload
def make(
    perform_io: Callable[[memoryview, int, int], PromiseOrCoroutine[int]],
    /,
    *,
    mode: Literal[Mode.Input],
    buffer: memoryview | None = None,
    close: Callable[[], PromiseOrCoroutine[object]] | None = None,
    seek: Seek | None = None,
) -> InputChannel: ...
@overload
def make(
    perform_io: Callable[[memoryview, int, int], PromiseOrCoroutine[int]],
    /,
    *,
    mode: Literal[Mode.Output],
    buffer: memoryview | None = None,
    close: Callable[[], PromiseOrCoroutine[object]] | None = None,
    seek: Seek | None = None,
) -> OutputChannel: ...
@with_required_label
def make(
    perform_io: Callable[[memoryview, int, int], PromiseOrCoroutine[int]],
    /,
    *,
    mode: Mode,
    buffer: memoryview | None = None,
    close: Callable[[], PromiseOrCoroutine[object]] | None = None,
    seek: Seek | None = None,
) -> Channel:
    """Make a channel that reads or writes by a function.

    Args:
        perform_io: called as `perform_io(buffer, offset, length)` when more input
            is needed, or when the buffer is to be written out. It transfers
            between 0 and `length` bytes of `buffer` from `offset`, and its promise
            says how many. When reading, 0 is the end of input. There is one call at a
            time.
        mode: `lwt_io.Input` or `lwt_io.Output`.
        buffer: memory of 16 bytes or more, used by no other channel: `perform_io` is given it, and
            its length is the size of the channel's buffer. Without it, that is
            `default_buffer_size()`.
        close: called once, when the channel is closed.
        seek: called as `seek(offset, whence)`, to move to another place; it returns the place,
            like `lwt_unix.lseek`. Without it, `set_position` and `length` are not possible.

    Raises:
        ValueError: `buffer` is too small.

    OCaml: Lwt_io.make : ?buffer:Lwt_bytes.t -> ?close:(unit -> unit Lwt.t) ->
    ?seek:(int64 -> Unix.seek_command -> int64 Lwt.t) -> mode:'mode mode ->
    (Lwt_bytes.t -> int -> int -> int Lwt.t) -> 'mode channel
    """
    check_kind("lwt_io.make", mode, Mode, _MODES)
    check_callback("lwt_io.make", perform_io, ("buffer", "offset", "length"))
    size, memory = size_and_memory("lwt_io.make", buffer)
    if close is None:
        close = _no_close
    check_callback("lwt_io.make", close, ())
    if seek is not None:
        check_callback("lwt_io.make", seek, ("offset", "whence"))
    perform = _as_perform(perform_io)
    return _new_channel(mode, ChannelBuffer(mode, size, memory, perform, close, seek=seek))


def _as_perform(perform_io: Callable[[memoryview, int, int], PromiseOrCoroutine[int]]) -> Perform:
    """Let a user's function be an `async def` one, too."""
    as_promise = partial(to_promise, "lwt_io.make", perform_io)

    def perform(memory: memoryview, offset: int, length: int) -> lwt.Promise[int]:
        def call(_: None) -> lwt.Promise[int]:
            result = perform_io(memory, offset, length)
            return result if type(result) is lwt.Promise else as_promise(result)

        # By `bind`: it postpones calls that nest too deeply, and lets their exceptions leave.
        return lwt.bind(lwt.return_unit, call)

    return perform


def _new_channel(mode: Mode, buffer: ChannelBuffer) -> Channel:
    return new_input(buffer) if mode is Mode.Input else new_output(buffer)


@overload
def of_fd(
    fd: lwt_unix.File_descr,
    /,
    *,
    mode: Literal[Mode.Input],
    buffer: memoryview | None = None,
    close: Callable[[], PromiseOrCoroutine[object]] | None = None,
) -> InputChannel: ...
@overload
def of_fd(
    fd: lwt_unix.File_descr,
    /,
    *,
    mode: Literal[Mode.Output],
    buffer: memoryview | None = None,
    close: Callable[[], PromiseOrCoroutine[object]] | None = None,
) -> OutputChannel: ...
@with_required_label
def of_fd(
    fd: lwt_unix.File_descr,
    /,
    *,
    mode: Mode,
    buffer: memoryview | None = None,
    close: Callable[[], PromiseOrCoroutine[object]] | None = None,
) -> Channel:
    """Make a channel on a descriptor.

    Closing the channel calls `close`, by default `lwt_unix.close(fd)`. So if you make
    two channels on one descriptor, such as a socket, give each a `close` of your own.

    Raises:
        ValueError: `buffer` is too small.

    OCaml: Lwt_io.of_fd : ?buffer:Lwt_bytes.t -> ?close:(unit -> unit Lwt.t) ->
    mode:'mode mode -> Lwt_unix.file_descr -> 'mode channel
    """
    check_kind("lwt_io.of_fd", mode, Mode, _MODES)
    check_is_descriptor("lwt_io.of_fd", fd)
    size, memory = size_and_memory("lwt_io.of_fd", buffer)
    if close is not None:
        check_callback("lwt_io.of_fd", close, ())
    return channel_on(mode, size, memory, fd, close)


def channel_on(
    mode: Mode,
    size: int,
    memory: memoryview | None,
    fd: lwt_unix.File_descr,
    close: Close | None = None,
) -> Channel:
    """Do what `of_fd` does with arguments that were checked."""
    return _new_channel(mode, _buffer_on(mode, size, memory, fd, close))


def _buffer_on(
    mode: Mode,
    size: int,
    memory: memoryview | None,
    fd: lwt_unix.File_descr,
    close: Close | None = None,
) -> ChannelBuffer:
    if close is None:
        close = ClosingOnce(partial(lwt_unix.close, fd))
    return ChannelBuffer(mode, size, memory, None, close, fd)


def connection_channels(
    fd: lwt_unix.File_descr,
    input_memory: tuple[int, memoryview | None],
    output_memory: tuple[int, memoryview | None],
    close: Close,
) -> tuple[InputChannel, OutputChannel]:
    """Make the two channels of a socket; closing either of them calls `close`."""
    return (
        new_input(ChannelBuffer(Mode.Input, *input_memory, None, close, fd)),
        new_output(ChannelBuffer(Mode.Output, *output_memory, None, close, fd)),
    )


@overload
def of_unix_fd(
    fd: int,
    /,
    *,
    mode: Literal[Mode.Input],
    buffer: memoryview | None = None,
    close: Callable[[], PromiseOrCoroutine[object]] | None = None,
) -> InputChannel: ...
@overload
def of_unix_fd(
    fd: int,
    /,
    *,
    mode: Literal[Mode.Output],
    buffer: memoryview | None = None,
    close: Callable[[], PromiseOrCoroutine[object]] | None = None,
) -> OutputChannel: ...
@with_required_label
def of_unix_fd(
    fd: int,
    /,
    *,
    mode: Mode,
    buffer: memoryview | None = None,
    close: Callable[[], PromiseOrCoroutine[object]] | None = None,
) -> Channel:
    """Make a channel on a descriptor's number: `of_fd(lwt_unix.of_unix_file_descr(fd), …)`.

    OCaml: Lwt_io.of_unix_fd : ?buffer:Lwt_bytes.t -> ?close:(unit -> unit Lwt.t) ->
    mode:'mode mode -> Unix.file_descr -> 'mode channel
    """
    check_kind("lwt_io.of_unix_fd", mode, Mode, _MODES)
    check_fd("lwt_io.of_unix_fd", fd)
    descriptor = lwt_unix.of_unix_file_descr(fd)
    if mode is Mode.Input:
        return of_fd(descriptor, mode=mode, buffer=buffer, close=close)
    return of_fd(descriptor, mode=mode, buffer=buffer, close=close)


def pipe(
    *_wrong: Never,
    cloexec: bool = False,
    in_buffer: memoryview | None = None,
    out_buffer: memoryview | None = None,
) -> tuple[InputChannel, OutputChannel]:
    """Make a pipe, and a channel on each of its ends.

    OCaml: Lwt_io.pipe : ?cloexec:bool -> ?in_buffer:Lwt_bytes.t ->
    ?out_buffer:Lwt_bytes.t -> unit -> input_channel * output_channel
    """
    if _wrong:
        raise given_by_position(pipe, _wrong)
    reading, writing = lwt_unix.pipe(cloexec=cloexec)
    return (
        of_fd(reading, mode=Mode.Input, buffer=in_buffer),
        of_fd(writing, mode=Mode.Output, buffer=out_buffer),
    )


# --- Well-known instances ----------------------------------------------------


def _read_zeros(buffer: memoryview, offset: int, length: int) -> lwt.Promise[int]:
    buffer[offset : offset + length] = bytes(length)
    return lwt.return_(length)


def _write_nowhere(_buffer: memoryview, _offset: int, length: int) -> lwt.Promise[int]:
    return lwt.return_(length)


def _zeros() -> ChannelBuffer:
    memory = memoryview(bytearray(MINIMUM_BUFFER_SIZE))
    perform = _as_perform(_read_zeros)
    return ChannelBuffer(Mode.Input, MINIMUM_BUFFER_SIZE, memory, perform, _no_close)


def _nowhere() -> ChannelBuffer:
    memory = memoryview(bytearray(MINIMUM_BUFFER_SIZE))
    perform = _as_perform(_write_nowhere)
    return ChannelBuffer(Mode.Output, MINIMUM_BUFFER_SIZE, memory, perform, _no_close)


zero: InputChannel = new_input(_zeros())
"""An endless input of bytes 0.

OCaml: Lwt_io.zero : input_channel
"""

null: OutputChannel = new_output(_nowhere())
"""An output that drops everything.

OCaml: Lwt_io.null : output_channel
"""

stdin: InputChannel = of_fd(lwt_unix.stdin, mode=Mode.Input)
"""The standard input. Python's `sys.stdin` has a buffer of its own: use one of the two.

OCaml: Lwt_io.stdin : input_channel
"""

stdout: OutputChannel = of_fd(lwt_unix.stdout, mode=Mode.Output)
"""The standard output, flushed when the program ends.

OCaml: Lwt_io.stdout : output_channel
"""

stderr: OutputChannel = of_fd(lwt_unix.stderr, mode=Mode.Output)
"""The standard error output, flushed when the program ends.

OCaml: Lwt_io.stderr : output_channel
"""


parting.also(partial(forget, stdin))


def renew() -> None:
    """Begin again: the size of buffers, and the channels above; what these hold is lost.

    Call it after the `renew` of `_channel` and of the descriptors.
    """
    global _default_buffer_size
    _default_buffer_size = _FIRST_BUFFER_SIZE
    size = _FIRST_BUFFER_SIZE
    begin_again(zero, _zeros())
    begin_again(null, _nowhere())
    begin_again(stdin, _buffer_on(Mode.Input, size, None, lwt_unix.stdin))
    begin_again(stdout, _buffer_on(Mode.Output, size, None, lwt_unix.stdout))
    begin_again(stderr, _buffer_on(Mode.Output, size, None, lwt_unix.stderr))
