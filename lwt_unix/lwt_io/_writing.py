"""The writing functions of `lwt_io`.

Each is one operation on an output channel: two lines written at the same time do
not mix. To write means to put data into the channel's buffer. The buffer is written
out when it is full, on `flush` and `close`, and by itself before the main loop goes
idle. `str` is written as UTF-8.

The bytes of a mutable object are taken when the operation has its turn and the
buffer has room; do not change them before the promise is resolved.

Cancelling the promise of an operation that waits for its turn takes it out of the
queue. Cancelling one that waits for room stops it; what is in the buffer by then
will still be written out.

OCaml: Lwt_io, writing (src/unix/lwt_io.mli).
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable
from typing import TYPE_CHECKING, TypeAlias

import lwt
from lwt._core.checks import check_kind
from lwt._core.coroutine import run_for_value
from lwt_unix._descriptors.buffers import bytes_of, bytes_to_cut, check_part, check_range
from lwt_unix.lwt_io._channel import OutputChannel
from lwt_unix.lwt_io._operation import Failing
from lwt_unix.lwt_io._putting import Write, WriteFrom, put, put_line

if TYPE_CHECKING:
    from typing_extensions import Buffer  # collections.abc has it only from Python 3.12 on

Data: TypeAlias = "str | Buffer"
"""What can be written: any bytes-like object, and `str` as UTF-8."""


def write(oc: OutputChannel, data: Data, /) -> lwt.Promise[None]:
    """Write all of `data`.

    Raises:
        OSError: by rejection: the buffer had to be written out, and that failed.
        Channel_closed: by rejection: the channel is closed, or was closed meanwhile.

    OCaml: Lwt_io.write : output_channel -> string -> unit Lwt.t
    """
    if type(oc) is not OutputChannel:
        check_kind("lwt_io.write", oc, OutputChannel)
    if type(data) is str:
        data = data.encode()
    if type(data) is not bytes:
        data = bytes_of("lwt_io.write", data)
    if put(oc, data):
        return lwt.return_unit
    return Write(oc, "lwt_io.write", data).start()


def write_for(function: str, oc: OutputChannel, data: Data) -> lwt.Promise[None]:
    """Do what `write` does, for a function that errors are to name."""
    encoded = data.encode() if type(data) is str else bytes_of(function, data)
    if put(oc, encoded):
        return lwt.return_unit
    return Write(oc, function, encoded).start()


def write_line(oc: OutputChannel, line: Data, /) -> lwt.Promise[None]:
    r"""Write `line` and a `"\n"`.

    Raises:
        OSError: by rejection: the buffer had to be written out, and that failed.
        Channel_closed: by rejection: the channel is closed, or was closed meanwhile.

    OCaml: Lwt_io.write_line : output_channel -> string -> unit Lwt.t
    """
    if type(oc) is not OutputChannel:
        check_kind("lwt_io.write_line", oc, OutputChannel)
    if type(line) is str:
        line = line.encode()
    if type(line) is not bytes:
        line = bytes_of("lwt_io.write_line", line)
    if put_line(oc, line):
        return lwt.return_unit
    return Write(oc, "lwt_io.write_line", b"".join((line, b"\n"))).start()


def write_line_for(function: str, oc: OutputChannel, line: Data) -> lwt.Promise[None]:
    """Do what `write_line` does, for a function that errors are to name."""
    encoded = line.encode() if type(line) is str else bytes_of(function, line)
    if put_line(oc, encoded):
        return lwt.return_unit
    return Write(oc, function, b"".join((encoded, b"\n"))).start()


def write_char(oc: OutputChannel, char: Data, /) -> lwt.Promise[None]:
    """Write one byte.

    Raises:
        ValueError: at the call: `char` is not one byte.
        OSError: by rejection: the buffer had to be written out, and that failed.
        Channel_closed: by rejection: the channel is closed, or was closed meanwhile.

    OCaml: Lwt_io.write_char : output_channel -> char -> unit Lwt.t
    """
    if type(oc) is not OutputChannel:
        check_kind("lwt_io.write_char", oc, OutputChannel)
    if type(char) is bytes and len(char) == 1 and put(oc, char):
        return lwt.return_unit
    return _write_char_for("lwt_io.write_char", oc, char)


def _write_char_for(function: str, oc: OutputChannel, char: Data) -> lwt.Promise[None]:
    byte = char if type(char) is bytes else bytes(bytes_of(function, char))
    if len(byte) != 1:
        raise ValueError(f"{function}: {char!r} is {len(byte)} bytes, not one; use lwt_io.write")
    if put(oc, byte):
        return lwt.return_unit
    return Write(oc, function, byte).start()


def write_lines(
    oc: OutputChannel, lines: Iterable[Data] | AsyncIterable[Data], /
) -> lwt.Promise[None]:
    """Write every line of a stream, each like `write_line`.

    Takes any iterable, also one for `async for`, such as an input channel. Others
    may write between two lines; use `atomic` against that.

    OCaml: Lwt_io.write_lines : output_channel -> string Lwt_stream.t -> unit Lwt.t
    """
    if type(oc) is not OutputChannel:
        check_kind("lwt_io.write_lines", oc, OutputChannel)
    return run_for_value(write_lines_for("lwt_io.write_lines", oc, lines))


async def write_lines_for(
    function: str, oc: OutputChannel, lines: Iterable[Data] | AsyncIterable[Data]
) -> None:
    """Write every line of a stream, for the function that was called."""
    if isinstance(lines, AsyncIterable):
        async for line in lines:
            await write_line_for(function, oc, line)
    else:
        for line in lines:
            await write_line_for(function, oc, line)


def write_chars(
    oc: OutputChannel, chars: Iterable[Data] | AsyncIterable[Data], /
) -> lwt.Promise[None]:
    """Write every byte of a stream, each like `write_char`.

    Takes any iterable of bytes of length 1, also one for `async for`.

    OCaml: Lwt_io.write_chars : output_channel -> char Lwt_stream.t -> unit Lwt.t
    """
    if type(oc) is not OutputChannel:
        check_kind("lwt_io.write_chars", oc, OutputChannel)
    return run_for_value(_write_chars(oc, chars))


async def _write_chars(oc: OutputChannel, chars: Iterable[Data] | AsyncIterable[Data]) -> None:
    if isinstance(chars, AsyncIterable):
        async for char in chars:
            await _write_char_for("lwt_io.write_chars", oc, char)
    else:
        for char in chars:
            await _write_char_for("lwt_io.write_chars", oc, char)


def _write_from(
    function: str, oc: OutputChannel, source: Data, offset: int, length: int
) -> lwt.Promise[int]:
    if type(oc) is not OutputChannel:
        check_kind(function, oc, OutputChannel)
    if type(offset) is not int or type(length) is not int:
        check_part(function, offset, length)
    view = bytes_to_cut(function, source)
    try:
        check_range(function, offset, length, len(view))
    except ValueError as problem:
        return Failing(oc, function, problem).start()
    return WriteFrom(oc, function, view[offset : offset + length]).start()


def _write_from_exactly(
    function: str,
    oc: OutputChannel,
    source: Data,
    offset: int,
    length: int,
    *,
    ocaml: str = "",
) -> lwt.Promise[None]:
    """Write for `function`; `ocaml` is OCaml's text for a wrong range, if another name is in it."""
    if type(oc) is not OutputChannel:
        check_kind(function, oc, OutputChannel)
    if type(offset) is not int or type(length) is not int:
        check_part(function, offset, length)
    view = bytes_to_cut(function, source)
    try:
        check_range(ocaml or function, offset, length, len(view))
    except ValueError as problem:
        return Failing(oc, function, problem).start()
    return Write(oc, function, view[offset : offset + length]).start()


def write_from(oc: OutputChannel, source: Data, offset: int, length: int, /) -> lwt.Promise[int]:
    """Write up to `length` bytes of `source` from `offset`; the promise says how many.

    Fewer are taken if the buffer was full and could be written out only in part.

    Raises:
        ValueError: at the call: `source` is a `str` that is not ASCII, whose bytes and characters
            differ in number. By rejection: the range does not lie in it. Nothing is written.
        OSError: by rejection: the buffer had to be written out, and that failed.
        Channel_closed: by rejection: the channel is closed, or was closed meanwhile.

    OCaml: Lwt_io.write_from : output_channel -> bytes -> int -> int -> int Lwt.t
    """
    return _write_from("lwt_io.write_from", oc, source, offset, length)


def write_from_bigstring(
    oc: OutputChannel, source: Data, offset: int, length: int, /
) -> lwt.Promise[int]:
    """Do what `write_from` does; in OCaml the two differ by the type of `source`.

    OCaml: Lwt_io.write_from_bigstring : output_channel -> Lwt_bytes.t -> int -> int -> int Lwt.t
    """
    return _write_from("lwt_io.write_from_bigstring", oc, source, offset, length)


def write_from_string(
    oc: OutputChannel, source: Data, offset: int, length: int, /
) -> lwt.Promise[int]:
    """Do what `write_from` does; in OCaml the two differ by the type of `source`.

    OCaml: Lwt_io.write_from_string : output_channel -> string -> int -> int -> int Lwt.t
    """
    return _write_from("lwt_io.write_from_string", oc, source, offset, length)


def write_from_exactly(
    oc: OutputChannel, source: Data, offset: int, length: int, /
) -> lwt.Promise[None]:
    """Write `length` bytes of `source` from `offset`.

    Raises:
        ValueError: at the call: `source` is a `str` that is not ASCII, whose bytes and characters
            differ in number. By rejection: the range does not lie in it. Nothing is written.
        OSError: by rejection: the buffer had to be written out, and that failed.
        Channel_closed: by rejection: the channel is closed, or was closed meanwhile.

    OCaml: Lwt_io.write_from_exactly : output_channel -> bytes -> int -> int -> unit Lwt.t
    """
    return _write_from_exactly("lwt_io.write_from_exactly", oc, source, offset, length)


def write_from_exactly_bigstring(
    oc: OutputChannel, source: Data, offset: int, length: int, /
) -> lwt.Promise[None]:
    """Do what `write_from_exactly` does; in OCaml they differ by the type of `source`.

    OCaml: Lwt_io.write_from_exactly_bigstring :
    output_channel -> Lwt_bytes.t -> int -> int -> unit Lwt.t
    """
    return _write_from_exactly("lwt_io.write_from_exactly_bigstring", oc, source, offset, length)


def write_from_string_exactly(
    oc: OutputChannel, source: Data, offset: int, length: int, /
) -> lwt.Promise[None]:
    """Do what `write_from_exactly` does; in OCaml they differ by the type of `source`.

    OCaml: Lwt_io.write_from_string_exactly :
    output_channel -> string -> int -> int -> unit Lwt.t
    """
    return _write_from_exactly(
        "lwt_io.write_from_string_exactly",
        oc,
        source,
        offset,
        length,
        ocaml="Lwt_io.write_from_exactly",
    )
