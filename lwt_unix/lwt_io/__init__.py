"""Buffered channels of bytes, and servers and clients on them.

    from lwt_unix import lwt_io, lwt_main

    async def echo(address, channels):
        ic, oc = channels
        async for line in lwt_io.read_lines(ic, limit=4096):
            await lwt_io.write_line(oc, line)

    async def main():
        async with await lwt_io.establish_server_with_client_address(("127.0.0.1", 9000), echo):
            ...

A *channel* reads or writes through a buffer, to save system calls. Functions on an
input channel take what was read ahead, and read more only when they must. What is
put into an output channel is written out when its buffer is full, on `flush` and
`close`, and by itself before the main loop goes idle. So a message appears without
a `flush`. Every function is atomic: if two use one channel at the same time, the
second waits for the first.

A line has no bound, as in OCaml: `read_line` and its kin collect it until there is no memory left. If
the other side is a stranger, give them a `limit`, as above. A longer line is then the error
`Line_too_long`, and the channel can still be used.

The functions that print are named by letters. At the beginning, `f` means to a channel, `e` to
standard error, and no letter to standard output. At the end, `l` adds a line end, and `f` formats
with `%`.

An argument of a wrong type is a `TypeError`, which every function raises at the call,
before it has changed anything.

The source, in reading order:

1. `_buffer`: the buffer, its positions, and the functions behind a channel; `_closing`: how these are closed
2. `_turns`: which operation has the channel; `_operation`: how an operation works, transfers and
   waits; the automatic flush; `_atomic`: operations that run a coroutine
3. `_taking`, `_putting`: the operations that read and write, and what they do at once; `_channel`:
   flushing, closing, aborting; `_at_exit`: flushing when the process ends
4. `_create`, `_byte_arrays`: making channels; `_reading`, `_writing`, `_format`, `_printing`: their functions;
   `_binary`, `_values`, `_hexdump`: numbers, Python values, what data look like
5. `_positions`, `_files`, `_temporary`: places in files, channels on files
6. `_access`: working in the buffer directly (skip it at first)
7. `_connections`, `_server_loop`, `_servers`: clients and servers

OCaml: Lwt_io (src/unix/lwt_io.mli)
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from lwt._core.publish import publish as _publish
from lwt_unix.lwt_io import _at_exit as _at_exit
from lwt_unix.lwt_io._access import (
    Direct_access,
    block,
    buffer_size,
    buffered,
    direct_access,
    position,
    resize_buffer,
)
from lwt_unix.lwt_io._atomic import atomic
from lwt_unix.lwt_io._binary import (
    BE,
    LE,
    NumberIO,
    read_float32,
    read_float64,
    read_int,
    read_int16,
    read_int32,
    read_int64,
    system_byte_order,
    write_float32,
    write_float64,
    write_int,
    write_int16,
    write_int32,
    write_int64,
)
from lwt_unix.lwt_io._buffer import Channel_closed, Mode
from lwt_unix.lwt_io._byte_arrays import of_bytes
from lwt_unix.lwt_io._channel import (
    InputChannel,
    OutputChannel,
    abort,
    close,
    flush,
    flush_all,
    is_busy,
    is_closed,
    mode,
)
from lwt_unix.lwt_io._connections import open_connection, with_close_connection, with_connection
from lwt_unix.lwt_io._create import (
    default_buffer_size,
    make,
    null,
    of_fd,
    of_unix_fd,
    pipe,
    set_default_buffer_size,
    stderr,
    stdin,
    stdout,
    zero,
)
from lwt_unix.lwt_io._files import (
    chars_of_file,
    chars_to_file,
    file_length,
    lines_of_file,
    lines_to_file,
    open_file,
    with_file,
)
from lwt_unix.lwt_io._hexdump import hexdump, hexdump_stream
from lwt_unix.lwt_io._positions import length, set_position
from lwt_unix.lwt_io._printing import (
    eprint,
    eprintf,
    eprintl,
    eprintlf,
    fprint,
    fprintf,
    fprintl,
    fprintlf,
    print,
    printf,
    printl,
    printlf,
)
from lwt_unix.lwt_io._reading import (
    read,
    read_char,
    read_char_opt,
    read_chars,
    read_into,
    read_into_bigstring,
    read_into_exactly,
    read_into_exactly_bigstring,
    read_line,
    read_line_opt,
    read_lines,
)
from lwt_unix.lwt_io._server_loop import Server, shutdown_server
from lwt_unix.lwt_io._servers import (
    Versioned,
    establish_server,
    establish_server_with_client_address,
    establish_server_with_client_socket,
)
from lwt_unix.lwt_io._taking import Line_too_long
from lwt_unix.lwt_io._temporary import (
    create_temp_dir,
    delete_recursively,
    open_temp_file,
    with_temp_dir,
    with_temp_file,
)
from lwt_unix.lwt_io._turns import Channel
from lwt_unix.lwt_io._values import read_value, write_value
from lwt_unix.lwt_io._writing import (
    write,
    write_char,
    write_chars,
    write_from,
    write_from_bigstring,
    write_from_exactly,
    write_from_exactly_bigstring,
    write_from_string,
    write_from_string_exactly,
    write_line,
    write_lines,
)
from lwt_unix.lwt_sys import Big_endian, Byte_order, Little_endian

__all__ = [
    # Types
    "Channel",
    "channel",
    "InputChannel",
    "input_channel",
    "OutputChannel",
    "output_channel",
    "Mode",
    "Input",
    "Output",
    "input",
    "output",
    "mode",
    "Channel_closed",
    "Line_too_long",
    "file_name",
    # Well-known instances
    "stdin",
    "stdout",
    "stderr",
    "zero",
    "null",
    # Channels
    "pipe",
    "make",
    "of_bytes",
    "of_fd",
    "of_unix_fd",
    "close",
    "abort",
    "atomic",
    "buffered",
    "flush",
    "flush_all",
    "buffer_size",
    "resize_buffer",
    "is_busy",
    "is_closed",
    "position",
    "set_position",
    "length",
    # Reading
    "read_char",
    "read_char_opt",
    "read_chars",
    "read_line",
    "read_line_opt",
    "read_lines",
    "read",
    "read_into",
    "read_into_exactly",
    "read_into_bigstring",
    "read_into_exactly_bigstring",
    "read_value",
    # Writing
    "write_char",
    "write_chars",
    "write",
    "write_line",
    "write_lines",
    "write_from",
    "write_from_bigstring",
    "write_from_string",
    "write_from_exactly",
    "write_from_exactly_bigstring",
    "write_from_string_exactly",
    "write_value",
    # Printing
    "fprint",
    "fprintl",
    "fprintf",
    "fprintlf",
    "print",
    "printl",
    "printf",
    "printlf",
    "eprint",
    "eprintl",
    "eprintf",
    "eprintlf",
    # Hexadecimal
    "hexdump_stream",
    "hexdump",
    # Files
    "open_file",
    "with_file",
    "file_length",
    "lines_of_file",
    "lines_to_file",
    "chars_of_file",
    "chars_to_file",
    # Temporary files and directories
    "open_temp_file",
    "with_temp_file",
    "create_temp_dir",
    "with_temp_dir",
    "delete_recursively",
    # Connections and servers
    "open_connection",
    "with_connection",
    "with_close_connection",
    "Server",
    "server",
    "establish_server_with_client_socket",
    "establish_server_with_client_address",
    "shutdown_server",
    # Integers and floats in binary
    "NumberIO",
    "LE",
    "BE",
    "read_int",
    "read_int16",
    "read_int32",
    "read_int64",
    "read_float32",
    "read_float64",
    "write_int",
    "write_int16",
    "write_int32",
    "write_int64",
    "write_float32",
    "write_float64",
    "Byte_order",
    "byte_order",
    "Little_endian",
    "Big_endian",
    "system_byte_order",
    # Low-level access
    "block",
    "Direct_access",
    "direct_access",
    # Misc
    "default_buffer_size",
    "set_default_buffer_size",
    # Deprecated
    "establish_server",
    "Versioned",
]

Input: Final[Literal[Mode.Input]] = Mode.Input
"""OCaml: Lwt_io.Input"""

Output: Final[Literal[Mode.Output]] = Mode.Output
"""OCaml: Lwt_io.Output"""

input: Final[Literal[Mode.Input]] = Mode.Input
"""OCaml: Lwt_io.input : input mode"""

output: Final[Literal[Mode.Output]] = Mode.Output
"""OCaml: Lwt_io.output : output mode"""

channel = Channel
input_channel = InputChannel
output_channel = OutputChannel
server = Server
byte_order = Byte_order

file_name: TypeAlias = str
"""The path of a file.

OCaml: type Lwt_io.file_name = string
"""

_publish(__name__)
