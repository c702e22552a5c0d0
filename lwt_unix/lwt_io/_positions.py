"""Where a channel is in its file, going elsewhere, and how long the file is.

OCaml: Lwt_io, `set_position` and `length` (src/unix/lwt_io.ml).
"""

from __future__ import annotations

from functools import partial

import lwt
import lwt_unix
from lwt._core.checks import check_kind
from lwt_unix._files.paths import check_offset
from lwt_unix.lwt_io._atomic import exclusively
from lwt_unix.lwt_io._buffer import ChannelBuffer
from lwt_unix.lwt_io._byte_arrays import byte_array_of
from lwt_unix.lwt_io._turns import Channel


def set_position(channel: Channel, position: int, /) -> lwt.Promise[None]:
    """Go to a place in the file of a channel, from which it goes on reading or writing.

    What waits to be written is written before. Bytes that were read ahead are not read again.

    Args:
        channel: one of a file, or one that was made with a `seek` function.
        position: how many bytes from the beginning of the file.

    Raises:
        lwt.Failure: by rejection: the channel cannot go elsewhere, or has come to another place.
        OSError: by rejection: ESPIPE if the descriptor has no places, EINVAL if `position` is negative.

    OCaml: Lwt_io.set_position : 'a channel -> int64 -> unit Lwt.t
    """
    check_kind("lwt_io.set_position", channel, Channel)
    check_offset("lwt_io.set_position", "the position", position)
    move = partial(_set_position, channel._buffer, position)
    return exclusively(channel, "lwt_io.set_position", move)


def length(channel: Channel, /) -> lwt.Promise[int]:
    """Return how long the file of a channel is, in bytes, without what waits to be written.

    Raises:
        lwt.Failure, OSError: by rejection, as in `set_position`.

    OCaml: Lwt_io.length : 'a channel -> int64 Lwt.t
    """
    check_kind("lwt_io.length", channel, Channel)
    return exclusively(channel, "lwt_io.length", partial(_length, channel._buffer))


async def _set_position(buffer: ChannelBuffer, position: int) -> None:
    array = byte_array_of(buffer)
    if array is not None:
        array.go_to(position)
        return
    if not buffer.is_input:
        while buffer.unwritten:
            await buffer.perform_io()
    elif buffer.offset - (len(buffer.ahead) - buffer.position) <= position <= buffer.offset:
        buffer.position = len(buffer.ahead) - (buffer.offset - position)
        return
    await _go_to("set_position", buffer, position)
    buffer.offset = position
    if buffer.is_input:
        buffer.ahead = b""
        buffer.position = 0


async def _length(buffer: ChannelBuffer) -> int:
    if byte_array_of(buffer) is not None:
        return buffer.size
    end = await buffer.seek(0, lwt_unix.SEEK_END)
    await _go_to("length", buffer, buffer.offset)
    return end


async def _go_to(function: str, buffer: ChannelBuffer, position: int) -> None:
    place = await buffer.seek(position, lwt_unix.SEEK_SET)
    if place != position:
        raise lwt.Failure(
            f"Lwt_io.{function}: seek failed: the place is {place!r}, expected {position}"
        )
