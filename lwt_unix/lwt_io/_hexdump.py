"""What data look like in hexadecimal.

OCaml: Lwt_io, `hexdump_stream` and `hexdump` (src/unix/lwt_io.ml).
"""

from __future__ import annotations

import lwt
from lwt import lwt_stream
from lwt._core.checks import check_kind
from lwt._core.coroutine import run_for_value
from lwt_unix._descriptors.buffers import bytes_of
from lwt_unix.lwt_io._channel import OutputChannel
from lwt_unix.lwt_io._writing import Data, write_lines_for


def hexdump_stream(oc: OutputChannel, chars: lwt_stream.Stream[bytes], /) -> lwt.Promise[None]:
    """Write the lines of `lwt_stream.hexdump`: the characters of a stream in hexadecimal.

    Each line is written when its 16 characters have come. Others may write between two lines.

    Raises:
        OSError: by rejection: the buffer had to be written out, and that failed.
        Channel_closed: by rejection: the channel is closed, or was closed meanwhile.

    OCaml: Lwt_io.hexdump_stream : output_channel -> char Lwt_stream.t -> unit Lwt.t
    """
    check_kind("lwt_io.hexdump_stream", oc, OutputChannel)
    hint = "lwt_io.hexdump takes bytes"
    check_kind("lwt_io.hexdump_stream", chars, lwt_stream.Stream, hint)
    return _write("lwt_io.hexdump_stream", oc, chars)


def hexdump(oc: OutputChannel, data: Data, /) -> lwt.Promise[None]:
    """Write what some data look like in hexadecimal, 16 bytes a line, nearly as the command `hexdump -C` does.

    >>> import lwt
    >>> from lwt_unix import lwt_io, lwt_main
    >>> async def main():
    ...     ic, oc = lwt_io.pipe()
    ...     await lwt_io.hexdump(oc, "To be, or not to be")
    ...     await lwt_io.close(oc)
    ...     async for line in ic:
    ...         print(line.decode())
    >>> lwt_main.run(main())
    00000000|  54 6f 20 62 65 2c 20 6f  72 20 6e 6f 74 20 74 6f  |To be, or not to|
    00000010|  20 62 65                                          | be|

    OCaml: Lwt_io.hexdump : output_channel -> string -> unit Lwt.t
    """
    check_kind("lwt_io.hexdump", oc, OutputChannel)
    chars = lwt_stream.of_string(bytes_of("lwt_io.hexdump", data))
    return _write("lwt_io.hexdump", oc, chars)


def _write(function: str, oc: OutputChannel, chars: lwt_stream.Stream[bytes]) -> lwt.Promise[None]:
    return run_for_value(write_lines_for(function, oc, lwt_stream.hexdump(chars)))
