"""Byte arrays: memory that is read and written in place.

A *byte array* is a writable `memoryview` of bytes (`t`). All that Python has for it holds: `buffer[3]`, `len`, slices,
which copy nothing, `struct.unpack_from`, `re`. The names here are those of OCaml.

    >>> from lwt_unix import lwt_bytes
    >>> buffer = lwt_bytes.of_string("Hello, world")
    >>> lwt_bytes.blit_from_string("W", 0, lwt_bytes.proxy(buffer, 7, 5), 0, 1)
    >>> lwt_bytes.to_string(buffer)
    b'Hello, World'

An array may also be a file in memory (`map_file`).

An argument of a wrong type is a `TypeError`, which every function raises at the call, before it has changed
anything.

The source, in reading order:

1. `_arrays`: making, reading, changing, copying and sharing them
2. `_transfers`: reading and writing descriptors
3. `_mapped`: files in memory

OCaml: Lwt_bytes (src/unix/lwt_bytes.mli)
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from lwt._core.publish import publish as _publish
from lwt_unix.lwt_bytes._arrays import (
    blit,
    blit_from_bytes,
    blit_from_string,
    blit_to_bytes,
    copy,
    create,
    extract,
    fill,
    get,
    length,
    of_bytes,
    of_string,
    proxy,
    set,
    to_bytes,
    to_string,
    unsafe_blit,
    unsafe_blit_from_bytes,
    unsafe_blit_from_string,
    unsafe_blit_to_bytes,
    unsafe_fill,
    unsafe_get,
    unsafe_set,
)
from lwt_unix.lwt_bytes._mapped import (
    Advice,
    madvise,
    map_file,
    mapped,
    mincore,
    page_size,
    wait_mincore,
)
from lwt_unix.lwt_bytes._transfers import (
    Io_vector,
    io_vector,
    read,
    recv,
    recv_msg,
    recvfrom,
    send,
    send_msg,
    sendto,
    write,
)

__all__ = [
    "t",
    "create",
    "length",
    # One byte
    "get",
    "set",
    "unsafe_get",
    "unsafe_set",
    # Conversions
    "of_bytes",
    "of_string",
    "to_bytes",
    "to_string",
    # Sharing and copying
    "proxy",
    "extract",
    "copy",
    "blit",
    "blit_from_string",
    "blit_from_bytes",
    "blit_to_bytes",
    "unsafe_blit",
    "unsafe_blit_from_bytes",
    "unsafe_blit_from_string",
    "unsafe_blit_to_bytes",
    # Filling
    "fill",
    "unsafe_fill",
    # Reading and writing
    "read",
    "write",
    "recv",
    "send",
    "recvfrom",
    "sendto",
    "Io_vector",
    "io_vector",
    "recv_msg",
    "send_msg",
    # Files in memory
    "map_file",
    "mapped",
    "Advice",
    "advice",
    "MADV_NORMAL",
    "MADV_RANDOM",
    "MADV_SEQUENTIAL",
    "MADV_WILLNEED",
    "MADV_DONTNEED",
    "MADV_MERGEABLE",
    "MADV_UNMERGEABLE",
    "MADV_HUGEPAGE",
    "MADV_NOHUGEPAGE",
    "madvise",
    "page_size",
    "mincore",
    "wait_mincore",
]

t: TypeAlias = memoryview
"""A byte array: a writable, contiguous memoryview of bytes.

OCaml: type Lwt_bytes.t
"""

advice = Advice

MADV_NORMAL: Final[Literal[Advice.MADV_NORMAL]] = Advice.MADV_NORMAL
"""OCaml: Lwt_bytes.MADV_NORMAL"""

MADV_RANDOM: Final[Literal[Advice.MADV_RANDOM]] = Advice.MADV_RANDOM
"""OCaml: Lwt_bytes.MADV_RANDOM"""

MADV_SEQUENTIAL: Final[Literal[Advice.MADV_SEQUENTIAL]] = Advice.MADV_SEQUENTIAL
"""OCaml: Lwt_bytes.MADV_SEQUENTIAL"""

MADV_WILLNEED: Final[Literal[Advice.MADV_WILLNEED]] = Advice.MADV_WILLNEED
"""OCaml: Lwt_bytes.MADV_WILLNEED"""

MADV_DONTNEED: Final[Literal[Advice.MADV_DONTNEED]] = Advice.MADV_DONTNEED
"""OCaml: Lwt_bytes.MADV_DONTNEED"""

MADV_MERGEABLE: Final[Literal[Advice.MADV_MERGEABLE]] = Advice.MADV_MERGEABLE
"""OCaml: Lwt_bytes.MADV_MERGEABLE"""

MADV_UNMERGEABLE: Final[Literal[Advice.MADV_UNMERGEABLE]] = Advice.MADV_UNMERGEABLE
"""OCaml: Lwt_bytes.MADV_UNMERGEABLE"""

MADV_HUGEPAGE: Final[Literal[Advice.MADV_HUGEPAGE]] = Advice.MADV_HUGEPAGE
"""OCaml: Lwt_bytes.MADV_HUGEPAGE"""

MADV_NOHUGEPAGE: Final[Literal[Advice.MADV_NOHUGEPAGE]] = Advice.MADV_NOHUGEPAGE
"""OCaml: Lwt_bytes.MADV_NOHUGEPAGE"""

_publish(__name__)
