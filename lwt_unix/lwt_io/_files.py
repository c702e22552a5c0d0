"""Channels on files.

OCaml: Lwt_io, "File utilities" and "Misc" (src/unix/lwt_io.ml).
"""

from __future__ import annotations

import errno
import os
from collections.abc import AsyncIterable, Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeVar, final, overload

import lwt
import lwt_unix
from lwt import lwt_stream
from lwt._core.checks import (
    check_callback,
    check_kind,
    with_required_label,
)
from lwt_unix._checks import Path, promise_of
from lwt_unix._errors import note_call
from lwt_unix._files.paths import check_permissions, path_of
from lwt_unix.lwt_io._buffer import Mode
from lwt_unix.lwt_io._channel import InputChannel, OutputChannel, close, is_closed
from lwt_unix.lwt_io._create import channel_on, size_and_memory
from lwt_unix.lwt_io._positions import length
from lwt_unix.lwt_io._reading import read_char_opt, read_line_opt
from lwt_unix.lwt_io._turns import Channel, PromiseOrCoroutine
from lwt_unix.lwt_io._writing import write_chars, write_lines

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

T = TypeVar("T")

_INPUT_FLAGS: Final = (lwt_unix.O_RDONLY, lwt_unix.O_NONBLOCK)
_OUTPUT_FLAGS: Final = (
    lwt_unix.O_WRONLY,
    lwt_unix.O_CREAT,
    lwt_unix.O_TRUNC,
    lwt_unix.O_NONBLOCK,
)


# --- Opening -----------------------------------------------------------------


@overload
def open_file(
    filename: Path,
    /,
    *,
    mode: Literal[Mode.Input],
    buffer: memoryview | None = None,
    flags: Iterable[lwt_unix.Open_flag] | None = None,
    perm: int | None = None,
) -> lwt.Promise[InputChannel]: ...
@overload
def open_file(
    filename: Path,
    /,
    *,
    mode: Literal[Mode.Output],
    buffer: memoryview | None = None,
    flags: Iterable[lwt_unix.Open_flag] | None = None,
    perm: int | None = None,
) -> lwt.Promise[OutputChannel]: ...
@with_required_label
def open_file(
    filename: Path,
    /,
    *,
    mode: Mode,
    buffer: memoryview | None = None,
    flags: Iterable[lwt_unix.Open_flag] | None = None,
    perm: int | None = None,
) -> lwt.Promise[Any]:
    """Open a file, and make a channel on it. Closing the channel closes the file.

    Args:
        filename: the path.
        mode: `lwt_io.Input` or `lwt_io.Output`.
        buffer: the channel's buffer; see `make`.
        flags: how to open it. By default, `O_RDONLY` and `O_NONBLOCK` for input; for output
            `O_WRONLY`, `O_CREAT`, `O_TRUNC` and `O_NONBLOCK`: what was in the file is lost.
        perm: the permissions of a file that is created, 0o666 by default, less those of the
            process's umask.

    Raises:
        OSError: by rejection: ENOENT, EACCES, …

    OCaml: Lwt_io.open_file : ?buffer:Lwt_bytes.t -> ?flags:Unix.open_flag list ->
    ?perm:Unix.file_perm -> mode:'a mode -> file_name -> 'a channel Lwt.t
    """
    return _open("lwt_io.open_file", filename, mode, buffer, flags, perm)


def _open(
    function: str,
    filename: Path,
    mode: Mode,
    buffer: memoryview | None = None,
    flags: Iterable[lwt_unix.Open_flag] | None = None,
    perm: int | None = None,
) -> lwt.Promise[Any]:
    """Do what `open_file` does, for the function that was called."""
    check_kind(function, mode, Mode, "use lwt_io.Input or lwt_io.Output")
    path = path_of(function, filename)
    is_input = mode is Mode.Input
    size, memory = size_and_memory(function, buffer)
    if flags is None:
        flags = _INPUT_FLAGS if is_input else _OUTPUT_FLAGS
    if perm is None:
        perm = 0 if is_input else 0o666
    check_permissions(function, perm)
    opened = lwt_unix.openfile(path, flags, perm)
    return lwt.map(partial(channel_on, mode, size, memory), opened)


@overload
def with_file(
    filename: Path,
    f: Callable[[InputChannel], PromiseOrCoroutine[T]],
    /,
    *,
    mode: Literal[Mode.Input],
    buffer: memoryview | None = None,
    flags: Iterable[lwt_unix.Open_flag] | None = None,
    perm: int | None = None,
) -> lwt.Promise[T]: ...
@overload
def with_file(
    filename: Path,
    f: Callable[[OutputChannel], PromiseOrCoroutine[T]],
    /,
    *,
    mode: Literal[Mode.Output],
    buffer: memoryview | None = None,
    flags: Iterable[lwt_unix.Open_flag] | None = None,
    perm: int | None = None,
) -> lwt.Promise[T]: ...
@with_required_label
def with_file(
    filename: Path,
    f: Callable[[Any], PromiseOrCoroutine[T]],
    /,
    *,
    mode: Mode,
    buffer: memoryview | None = None,
    flags: Iterable[lwt_unix.Open_flag] | None = None,
    perm: int | None = None,
) -> lwt.Promise[T]:
    """Open a file, call `f(channel)`, and close the channel when the promise of that is resolved.

    `async with await lwt_io.open_file(…) as channel:` does the same.

    Args:
        filename: the path.
        f: takes the channel.
        mode: `lwt_io.Input` or `lwt_io.Output`.
        buffer: see `open_file`, like the next two.
        flags: how to open it.
        perm: the permissions of a file that is created.

    Raises:
        OSError: by rejection: the file could not be opened; `f` is not called.

    OCaml: Lwt_io.with_file : ?buffer:Lwt_bytes.t -> ?flags:Unix.open_flag list ->
    ?perm:Unix.file_perm -> mode:'a mode -> file_name -> ('a channel -> 'b Lwt.t) -> 'b Lwt.t
    """
    function = "lwt_io.with_file"
    check_callback(function, f, ("channel",))
    opened = _open(function, filename, mode, buffer, flags, perm)
    return lwt.bind(opened, partial(use_and_close, function, f))


def use_and_close(
    function: str, f: Callable[[Any], PromiseOrCoroutine[T]], channel: Channel
) -> lwt.Promise[T]:
    """Call a function on a channel, and close that when the promise is resolved."""
    return lwt.finalize(partial(promise_of, function, f, channel), partial(close, channel))


def file_length(filename: Path, /) -> lwt.Promise[int]:
    """Return how long a file is, in bytes.

    Raises:
        OSError: by rejection: EISDIR, if it is a directory.

    OCaml: Lwt_io.file_length : string -> int64 Lwt.t
    """
    path = path_of("lwt_io.file_length", filename)

    def measure(stats: lwt_unix.Stats) -> lwt.Promise[int]:
        if stats.st_kind is lwt_unix.S_DIR:
            problem = OSError(errno.EISDIR, os.strerror(errno.EISDIR), path)
            note_call(problem, "file_length", path)
            return lwt.fail(problem)
        return with_file(path, length, mode=Mode.Input)

    return lwt.bind(lwt_unix.stat(path), measure)


# --- Streams -----------------------------------------------------------------


@final
class _Elements(Generic[T]):
    """What a file has, lines or characters; it is opened when the first is asked for."""

    __slots__ = ("_channel", "_opened", "_path", "_read")

    def __init__(
        self, path: str, read: Callable[[InputChannel], lwt.Promise[lwt.Some[T] | None]]
    ) -> None:
        self._path = path
        self._read = read
        self._opened: lwt.Promise[InputChannel] | None = None
        self._channel: InputChannel | None = None

    def __del__(self) -> None:
        """Close the file of a stream that is dropped before its end."""
        channel = self._channel
        if channel is not None and not is_closed(channel):
            lwt.on_failure(close(channel), _drop)

    async def next(self) -> lwt.Some[T] | None:
        """Return the next one; at the end, close the file."""
        if self._opened is None:
            self._opened = open_file(self._path, mode=Mode.Input)
        channel = self._channel = await self._opened
        element = await self._read(channel)
        if element is None:
            await close(channel)
        return element


def _drop(_: Exception) -> None:
    pass


def lines_of_file(filename: Path, /) -> lwt_stream.Stream[bytes]:
    """Return the stream of the lines of a file, without their ends.

    The file is opened when the first line is asked for, and closed after the last one, or when the
    stream is dropped.

        async for line in lwt_io.lines_of_file("names"):
            ...

    Raises:
        OSError: when a line is asked for: ENOENT, …

    OCaml: Lwt_io.lines_of_file : file_name -> string Lwt_stream.t
    """
    elements = _Elements(path_of("lwt_io.lines_of_file", filename), read_line_opt)
    return lwt_stream.from_(elements.next)


def chars_of_file(filename: Path, /) -> lwt_stream.Stream[bytes]:
    """Return the stream of the characters of a file, each of one byte; otherwise like `lines_of_file`.

    OCaml: Lwt_io.chars_of_file : file_name -> char Lwt_stream.t
    """
    elements = _Elements(path_of("lwt_io.chars_of_file", filename), read_char_opt)
    return lwt_stream.from_(elements.next)


def lines_to_file(
    filename: Path,
    lines: Iterable[ReadableBuffer | str] | AsyncIterable[ReadableBuffer | str],
    /,
) -> lwt.Promise[None]:
    """Write lines to a file, each with a line end. What was in the file is lost.

    Args:
        filename: the path.
        lines: a stream, or anything else for `for` or `async for`.

    OCaml: Lwt_io.lines_to_file : file_name -> string Lwt_stream.t -> unit Lwt.t
    """
    path = path_of("lwt_io.lines_to_file", filename)
    return with_file(path, lambda oc: write_lines(oc, lines), mode=Mode.Output)


def chars_to_file(
    filename: Path,
    chars: Iterable[ReadableBuffer | str] | AsyncIterable[ReadableBuffer | str],
    /,
) -> lwt.Promise[None]:
    """Write characters to a file, each of one byte. What was in the file is lost.

    Args:
        filename: the path.
        chars: a stream, or anything else for `for` or `async for`.

    OCaml: Lwt_io.chars_to_file : file_name -> char Lwt_stream.t -> unit Lwt.t
    """
    path = path_of("lwt_io.chars_to_file", filename)
    return with_file(path, lambda oc: write_chars(oc, chars), mode=Mode.Output)
