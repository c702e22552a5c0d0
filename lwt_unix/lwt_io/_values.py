"""Python values on channels, by pickle.

A value is written as a *header* of 12 bytes and its pickle. The header is `MARK` and the length of the pickle,
in big-endian. So exactly one value is read, and several may follow each other. What does not begin with
`MARK` was not written by `write_value`, and is refused before its length is believed.

The pickle is collected as it comes: a length that a liar has written takes no memory.

OCaml: Lwt_io, `read_value` and `write_value` (src/unix/lwt_io.ml).
"""

from __future__ import annotations

import pickle
from functools import partial
from struct import Struct
from typing import Any, Final

import lwt
from lwt._core.checks import check_kind
from lwt_unix.lwt_io._atomic import exclusively
from lwt_unix.lwt_io._buffer import ChannelBuffer
from lwt_unix.lwt_io._channel import InputChannel, OutputChannel
from lwt_unix.lwt_io._taking import end_of_input

MARK: Final = b"lwt\x01"

HEADER: Final = Struct(">4sQ")


def write_value(oc: OutputChannel, value: object, /) -> lwt.Promise[None]:
    """Write any value that can be pickled, for `read_value`.

    It is pickled when the operation has its turn. OCaml's `flags` are those of Marshal, and pickle has
    nothing like them: what is shared stays shared, and functions are written by name.

    Raises:
        Exception: by rejection: the value cannot be pickled. Nothing is written.
        OSError: by rejection: the buffer had to be written out, and that failed.
        Channel_closed: by rejection: the channel is closed, or was closed meanwhile.

    OCaml: Lwt_io.write_value : output_channel -> ?flags:Marshal.extern_flags list -> 'a -> unit Lwt.t
    """
    if type(oc) is not OutputChannel:
        check_kind("lwt_io.write_value", oc, OutputChannel)
    return exclusively(oc, "lwt_io.write_value", partial(_write_value, oc._buffer, value))


def read_value(ic: InputChannel, /) -> lwt.Promise[Any]:
    """Read a value that `write_value` has written.

    **Read values only from somebody whom you trust.** To read a pickle may run any code: who writes
    to the channel can do whatever your program can do. For strangers, use a format that is only
    data, such as JSON, or numbers (`LE`, `BE`).

    >>> import lwt
    >>> from lwt_unix import lwt_io, lwt_main
    >>> async def main():
    ...     ic, oc = lwt_io.pipe()
    ...     await lwt_io.write_value(oc, {"answer": 42})
    ...     await lwt_io.write_value(oc, (1, 2, 3))
    ...     print(await lwt_io.read_value(ic), await lwt_io.read_value(ic))
    >>> lwt_main.run(main())
    {'answer': 42} (1, 2, 3)

    Raises:
        EOFError: by rejection: the input ended before the value did. What came of it is lost, as in OCaml.
        lwt.Failure: by rejection: this was not written by `write_value`. Twelve bytes of it are lost.
        Exception: by rejection: what unpickling raises. The value is lost, and the next one can be read.
        Channel_closed: by rejection: the channel is closed, or was closed meanwhile.

    OCaml: Lwt_io.read_value : input_channel -> 'a Lwt.t
    """
    if type(ic) is not InputChannel:
        check_kind("lwt_io.read_value", ic, InputChannel)
    return exclusively(ic, "lwt_io.read_value", partial(_read_value, ic._buffer))


async def _write_value(buffer: ChannelBuffer, value: object) -> None:
    pickled = pickle.dumps(value)
    rest = memoryview(HEADER.pack(MARK, len(pickled)) + pickled)
    while True:
        room = buffer.size - len(buffer.unwritten)
        buffer.unwritten += rest[:room]
        rest = rest[room:]
        if not rest:
            return
        await buffer.perform_io()


async def _read_value(buffer: ChannelBuffer) -> Any:
    header = await _read_exactly(buffer, HEADER.size)
    mark, size = HEADER.unpack(header)
    if mark != MARK:
        raise lwt.Failure(
            f"Marshal.data_size: bad object: {header!r} is no beginning of a value that "
            f"lwt_io.write_value has written"
        )
    return pickle.loads(await _read_exactly(buffer, size))


async def _read_exactly(buffer: ChannelBuffer, size: int) -> bytes:
    pieces: list[bytes] = []
    while True:
        piece = buffer.ahead[buffer.position : buffer.position + size]
        buffer.position += len(piece)
        pieces.append(piece)
        size -= len(piece)
        if size == 0:
            return b"".join(pieces)
        if await buffer.perform_io() == 0:
            raise end_of_input("lwt_io.read_value")
