"""The reading functions of `lwt_io`.

Each is one operation on an input channel: it waits for its turn, reads more
only if it must, and never more than the channel's buffer holds. If the data are
there already and nobody uses the channel, the promise is fulfilled at once. The
first lines of the functions that are called most are for this case alone.

Cancelling the promise of an operation that waits for its turn takes it out of the
queue. Cancelling one that waits for input stops the waiting; what it had taken from
the channel by then is lost.

A line may have any length, as in OCaml, and is collected in memory: one that never ends
takes all there is. The functions that read lines take a `limit` against that.

OCaml: Lwt_io, reading (src/unix/lwt_io.mli).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Never

import lwt
from lwt import lwt_stream
from lwt._core.checks import check_bounds, check_kind, given_by_position
from lwt_unix._descriptors.buffers import check_part, check_range, writable_bytes
from lwt_unix.lwt_io._channel import InputChannel
from lwt_unix.lwt_io._operation import Failing, Giving
from lwt_unix.lwt_io._taking import (
    UNLIMITED,
    ReadAll,
    ReadChar,
    ReadCharOpt,
    ReadInto,
    ReadIntoExactly,
    ReadLine,
    ReadLineOpt,
    ReadSome,
    take_char,
    take_into,
    take_line,
    take_some,
)

if TYPE_CHECKING:
    from typing_extensions import Buffer  # collections.abc has it only from Python 3.12 on


def read_line(ic: InputChannel, /, *_wrong: Never, limit: int | None = None) -> lwt.Promise[bytes]:
    r"""Read a line, and return it without its end, which is `"\n"` or `"\r\n"`.

    If the input ends without a line end, the line is what is there. A `"\r"` that does
    not stand before `"\n"` is part of the line.

    Without `limit`, which OCaml does not have, a line that never ends fills the memory. So
    use it for what comes from somebody whom you do not trust. A line that is too long is
    not read to its end: its first `limit` bytes are lost, and the channel is ready to give
    what comes after them. Close it; or to skip the line, read until `read_line` succeeds,
    and drop that line, which is the end of the long one.

    >>> import lwt
    >>> from lwt_unix import lwt_io, lwt_main
    >>> async def main():
    ...     ic, oc = lwt_io.pipe()
    ...     await lwt_io.write(oc, "a long line\nshort\n")
    ...     try:
    ...         print(await lwt_io.read_line(ic, limit=5))
    ...     except lwt_io.Line_too_long as exn:
    ...         print(exn)
    ...     print(await lwt_io.read(ic, count=100))
    >>> lwt_main.run(main())
    a line has more than 5 bytes
    b'g line\nshort\n'

    Args:
        ic: the channel to read from.
        limit: how many bytes the line may have, its end not counted; at least 1.

    Raises:
        EOFError: by rejection: the input ended before the first byte.
        Line_too_long: by rejection: the line has more than `limit` bytes.
        Channel_closed: by rejection: the channel is closed, or was closed meanwhile.
        ValueError: at the call: `limit` is less than 1.

    OCaml: Lwt_io.read_line : input_channel -> string Lwt.t
    """
    if _wrong:
        raise given_by_position(read_line, _wrong)
    if type(ic) is not InputChannel:
        check_kind("lwt_io.read_line", ic, InputChannel)
    if limit is not None:
        return _read_line_within(ic, limit)
    line = take_line(ic, True)
    if line is not None:
        return lwt.return_(line)
    return ReadLine(ic, "lwt_io.read_line").start()


def _read_line_within(ic: InputChannel, limit: int) -> lwt.Promise[bytes]:
    if type(limit) is not int or limit < 1:
        check_bounds("lwt_io.read_line", "limit", limit, 1)
    line = take_line(ic, True, limit)
    if line is not None:
        return lwt.return_(line)
    return ReadLine(ic, "lwt_io.read_line", limit).start()


def read_line_opt(
    ic: InputChannel, /, *_wrong: Never, limit: int | None = None
) -> lwt.Promise[lwt.Some[bytes] | None]:
    """Read a line like `read_line`; None at the end of input.

    Args:
        ic: the channel to read from.
        limit: how many bytes the line may have; see `read_line`.

    Raises:
        Line_too_long: by rejection: the line has more than `limit` bytes.
        Channel_closed: by rejection: the channel is closed, or was closed meanwhile.
        ValueError: at the call: `limit` is less than 1.

    OCaml: Lwt_io.read_line_opt : input_channel -> string option Lwt.t
    """
    if _wrong:
        raise given_by_position(read_line_opt, _wrong)
    if type(ic) is not InputChannel:
        check_kind("lwt_io.read_line_opt", ic, InputChannel)
    if limit is not None:
        if type(limit) is not int or limit < 1:
            check_bounds("lwt_io.read_line_opt", "limit", limit, 1)
        return _next_line("lwt_io.read_line_opt", ic, limit)
    line = take_line(ic, True)
    if line is not None:
        return lwt.return_some(line)
    return ReadLineOpt(ic, "lwt_io.read_line_opt").start()


def _next_line(function: str, ic: InputChannel, limit: int) -> lwt.Promise[lwt.Some[bytes] | None]:
    line = take_line(ic, True, limit)
    if line is not None:
        return lwt.return_some(line)
    return ReadLineOpt(ic, function, limit).start()


def read_lines(
    ic: InputChannel, /, *_wrong: Never, limit: int | None = None
) -> lwt_stream.Stream[bytes]:
    """Make the stream of the lines of a channel, which are read when they are asked for.

    `async for line in ic` gives the same lines without a stream, and without a limit.

    Each line is read by `read_line_opt`. If that fails, so does who asked for the line, and
    the next who asks reads on.

    Args:
        ic: the channel to read from.
        limit: how many bytes a line may have; see `read_line`.

    Raises:
        ValueError: at the call: `limit` is less than 1.

    OCaml: Lwt_io.read_lines : input_channel -> string Lwt_stream.t
    """
    if _wrong:
        raise given_by_position(read_lines, _wrong)
    check_kind("lwt_io.read_lines", ic, InputChannel)
    if limit is None:
        limit = UNLIMITED
    else:
        check_bounds("lwt_io.read_lines", "limit", limit, 1)
    return lwt_stream.from_(partial(_next_line, "lwt_io.read_lines", ic, limit))


def read_char(ic: InputChannel, /) -> lwt.Promise[bytes]:
    """Read one byte, as `bytes` of length 1.

    Raises:
        EOFError: by rejection: the input has ended.
        Channel_closed: by rejection: the channel is closed, or was closed meanwhile.

    OCaml: Lwt_io.read_char : input_channel -> char Lwt.t
    """
    if type(ic) is not InputChannel:
        check_kind("lwt_io.read_char", ic, InputChannel)
    char = take_char(ic, True)
    if char is not None:
        return lwt.return_(char)
    return ReadChar(ic, "lwt_io.read_char").start()


def read_char_opt(ic: InputChannel, /) -> lwt.Promise[lwt.Some[bytes] | None]:
    """Read one byte like `read_char`; None at the end of input.

    Raises:
        Channel_closed: by rejection: the channel is closed, or was closed meanwhile.

    OCaml: Lwt_io.read_char_opt : input_channel -> char option Lwt.t
    """
    if type(ic) is not InputChannel:
        check_kind("lwt_io.read_char_opt", ic, InputChannel)
    char = take_char(ic, True)
    if char is not None:
        return lwt.return_some(char)
    return ReadCharOpt(ic, "lwt_io.read_char_opt").start()


def read_chars(ic: InputChannel, /) -> lwt_stream.Stream[bytes]:
    """Make the stream of the bytes of a channel, each read as by `read_char_opt` when it is asked for.

    OCaml: Lwt_io.read_chars : input_channel -> char Lwt_stream.t
    """
    check_kind("lwt_io.read_chars", ic, InputChannel)
    return lwt_stream.from_(partial(_next_char, ic))


def _next_char(ic: InputChannel) -> lwt.Promise[lwt.Some[bytes] | None]:
    char = take_char(ic, True)
    if char is not None:
        return lwt.return_some(char)
    return ReadCharOpt(ic, "lwt_io.read_chars").start()


def read(ic: InputChannel, /, *_wrong: Never, count: int | None = None) -> lwt.Promise[bytes]:
    """Read at most `count` bytes, or without `count`, all until the end of input.

    With `count`, the result is what is read ahead already; if nothing is, it is what one
    call of the reading function gives. So it may be shorter than `count`. `b""` is the end
    of input.

    Raises:
        ValueError: at the call: `count` is negative.
        Channel_closed: by rejection: the channel is closed, or was closed meanwhile.

    OCaml: Lwt_io.read : ?count:int -> input_channel -> string Lwt.t
    """
    if _wrong:
        raise given_by_position(read, _wrong)
    if type(ic) is not InputChannel:
        check_kind("lwt_io.read", ic, InputChannel)
    if count is None:
        return ReadAll(ic, "lwt_io.read").start()
    if type(count) is not int or count < 0:
        check_bounds("lwt_io.read", "count", count, 0)
    data = take_some(ic, True, count)
    if data is not None:
        return lwt.return_(data)
    return ReadSome(ic, "lwt_io.read", count).start()


def read_into(ic: InputChannel, buffer: Buffer, offset: int, length: int, /) -> lwt.Promise[int]:
    """Read up to `length` bytes into `buffer` at `offset`; the promise says how many.

    Fewer come if fewer are there; 0 is the end of input (or a `length` of 0).

    Raises:
        ValueError: by rejection: the range does not lie in `buffer`; nothing is read.
        Channel_closed: by rejection: the channel is closed, or was closed meanwhile.

    OCaml: Lwt_io.read_into : input_channel -> bytes -> int -> int -> int Lwt.t
    """
    return _read_into("lwt_io.read_into", ic, buffer, offset, length)


def _read_into(
    function: str, ic: InputChannel, target: Buffer, offset: int, length: int
) -> lwt.Promise[int]:
    if type(ic) is not InputChannel:
        check_kind(function, ic, InputChannel)
    if type(offset) is not int or type(length) is not int:
        check_part(function, offset, length)
    view = writable_bytes(function, target)
    try:
        check_range(function, offset, length, len(view))
    except ValueError as problem:
        return Failing(ic, function, problem).start()
    taken = take_into(ic, True, view, offset, length)
    if taken > 0:
        return lwt.return_(taken)
    if length == 0:
        return Giving(ic, function, 0).start()
    return ReadInto(ic, function, view, offset, length).start()


def read_into_exactly(
    ic: InputChannel, buffer: Buffer, offset: int, length: int, /
) -> lwt.Promise[None]:
    """Read exactly `length` bytes into `buffer` at `offset`.

    Raises:
        ValueError: by rejection: the range does not lie in `buffer`; nothing is read.
        EOFError: by rejection: the input ended too early; what came is in `buffer`.
        Channel_closed: by rejection: the channel is closed, or was closed meanwhile.

    OCaml: Lwt_io.read_into_exactly : input_channel -> bytes -> int -> int -> unit Lwt.t
    """
    return _read_into_exactly("lwt_io.read_into_exactly", ic, buffer, offset, length)


def _read_into_exactly(
    function: str, ic: InputChannel, target: Buffer, offset: int, length: int
) -> lwt.Promise[None]:
    if type(ic) is not InputChannel:
        check_kind(function, ic, InputChannel)
    if type(offset) is not int or type(length) is not int:
        check_part(function, offset, length)
    view = writable_bytes(function, target)
    try:
        check_range(function, offset, length, len(view))
    except ValueError as problem:
        return Failing(ic, function, problem).start()
    if length == 0:
        return Giving(ic, function, None).start()
    return ReadIntoExactly(ic, function, view, offset, length).start()


def read_into_bigstring(
    ic: InputChannel, buffer: Buffer, offset: int, length: int, /
) -> lwt.Promise[int]:
    """Do what `read_into` does; in OCaml the two differ by the type of `buffer`.

    OCaml: Lwt_io.read_into_bigstring : input_channel -> Lwt_bytes.t -> int -> int -> int Lwt.t
    """
    return _read_into("lwt_io.read_into_bigstring", ic, buffer, offset, length)


def read_into_exactly_bigstring(
    ic: InputChannel, buffer: Buffer, offset: int, length: int, /
) -> lwt.Promise[None]:
    """Do what `read_into_exactly` does; in OCaml the two differ by the type of `buffer`.

    OCaml: Lwt_io.read_into_exactly_bigstring :
    input_channel -> Lwt_bytes.t -> int -> int -> unit Lwt.t
    """
    return _read_into_exactly("lwt_io.read_into_exactly_bigstring", ic, buffer, offset, length)
