"""Files in memory, and what the kernel knows of their pages.

A byte array that `map_file` makes is a view of an `mmap` object, and so are its proxies: that is how they are told
from others. The object keeps a descriptor of its own, until the last view is gone.

The kernel's `mincore` is called through `ctypes`: Python has no function for it. It is told addresses, which
`_address` finds.

OCaml: section "Memory mapped files" of src/unix/lwt_bytes.ml.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
from collections.abc import MutableSequence
from enum import Enum
from functools import partial
from typing import Any, Final, Never

import lwt
import lwt_unix
from lwt._core.checks import check_bounds, check_kind, given_by_position, with_required_label
from lwt._core.publish import constants
from lwt_unix import _system as system
from lwt_unix._checks import check_fd, in_ocaml
from lwt_unix._descriptors.buffers import check_byte_array, check_part, check_range
from lwt_unix._errors import call_named

page_size: Final = mmap.PAGESIZE
"""How many bytes a page of memory has.

OCaml: Lwt_bytes.page_size : int
"""

# --- Files in memory ---------------------------------------------------------


@with_required_label
def map_file(
    *_wrong: Never, fd: int, pos: int | None = None, shared: bool, size: int | None = None
) -> memoryview:
    """Make a byte array of a file: reading and changing it is reading and changing the file.

    Nothing is read now. The system reads a page when it is touched first, and the whole program waits for
    that; `wait_mincore` waits without. The file may be closed afterwards. If it gets shorter, touching
    what is gone kills the process (SIGBUS).

    Args:
        fd: the number of the file: `lwt_unix.unix_file_descr(descriptor)`. It must be open for reading, and, if
            `shared`, for writing, too.
        pos: where in the file the array begins, in bytes; 0 by default.
        shared: whether changes go into the file. If not, nobody else sees them.
        size: how many bytes; by default all from `pos`. If the file has fewer, it grows.

    Raises:
        ValueError: `size` is negative (but -1 is the default).
        lwt.Failure: `pos` is behind the end of the file, and there is no `size`.
        OSError: the system refuses: EACCES, if the file is not open for what is wanted.

    OCaml: Lwt_bytes.map_file : fd:Unix.file_descr -> ?pos:int64 -> shared:bool -> ?size:int -> unit -> t
    """
    if _wrong:
        raise given_by_position(map_file, _wrong)
    function = "lwt_bytes.map_file"
    check_fd(function, fd)
    check_kind(function, shared, bool)
    start = 0 if pos is None else pos
    check_kind(function, start, int, "pos is a number of bytes")
    wanted = -1 if size is None else size
    check_bounds(function, "size", wanted, -1, ocaml="Unix.map_file: negative dimension")
    with call_named("map_file"):
        return _map_file(fd, start, shared, wanted)


def _map_file(fd: int, start: int, shared: bool, size: int) -> memoryview:
    in_file = system.fstat(fd).st_size
    if start < 0:  # What the system answers, where Python does not ask it.
        raise OSError(errno.EOVERFLOW, os.strerror(errno.EOVERFLOW))
    if size < 0:
        size = in_file - start
        if size < 0:
            raise lwt.Failure(
                f"Unix.map_file: file position exceeds file size: there is no byte {start} in {in_file}"
            )
    elif in_file < start + size:
        _grow(fd, start + size)
    before = start % mmap.ALLOCATIONGRANULARITY
    if size == 0:  # The system maps no empty part of a file.
        return memoryview(mmap.mmap(-1, before + 1))[before:before]
    sharing = mmap.MAP_SHARED if shared else mmap.MAP_PRIVATE
    mapping = system.map_memory(fd, before + size, sharing, offset=start - before)
    return memoryview(mapping)[before:]


def _grow(fd: int, size: int) -> None:
    try:
        system.pwrite(fd, b"\0", size - 1)
    except OSError as exn:
        if exn.errno != errno.ESPIPE:
            raise
        system.ftruncate(fd, size)


def mapped(buffer: memoryview, /) -> bool:
    """Tell whether a byte array is a file in memory, or a part of one.

    OCaml: Lwt_bytes.mapped : t -> bool
    """
    check_byte_array("lwt_bytes.mapped", buffer)
    return isinstance(buffer.obj, mmap.mmap)


# --- Advice ------------------------------------------------------------------


@constants
class Advice(Enum):
    """How a program will use a part of memory: see the page madvise(2) of the manual.

    OCaml: type Lwt_bytes.advice
    """

    MADV_NORMAL = "MADV_NORMAL"
    MADV_RANDOM = "MADV_RANDOM"
    MADV_SEQUENTIAL = "MADV_SEQUENTIAL"
    MADV_WILLNEED = "MADV_WILLNEED"
    MADV_DONTNEED = "MADV_DONTNEED"
    MADV_MERGEABLE = "MADV_MERGEABLE"
    MADV_UNMERGEABLE = "MADV_UNMERGEABLE"
    MADV_HUGEPAGE = "MADV_HUGEPAGE"
    MADV_NOHUGEPAGE = "MADV_NOHUGEPAGE"


def madvise(buffer: memoryview, offset: int, length: int, advice: Advice, /) -> None:
    """Tell the kernel how a part of a file in memory will be used.

    Args:
        buffer: what `map_file` has made, or a proxy of it.
        offset: where the part begins; a multiple of `page_size` in the file.
        length: how many bytes it has.
        advice: one of the constants of `Advice`.

    Raises:
        ValueError: the part is not within `buffer`.
        OSError: EINVAL: the part does not begin with a page, `buffer` is no file, or the kernel does not
            take the advice. (If the system has no such advice at all, `MADV_NORMAL` is given.)

    OCaml: Lwt_bytes.madvise : t -> int -> int -> advice -> unit
    """
    function = "lwt_bytes.madvise"
    check_byte_array(function, buffer)
    check_part(function, offset, length)
    check_kind(function, advice, Advice, "such as lwt_bytes.MADV_WILLNEED")
    check_range(function, offset, length, len(buffer))
    number: int = getattr(mmap, advice.name, mmap.MADV_NORMAL)  # As in OCaml.
    with call_named("madvise"):
        mapping = buffer.obj
        if not isinstance(mapping, mmap.mmap):
            raise _invalid()
        start = _address(buffer) + offset - _address(memoryview(mapping))
        if start % page_size != 0:
            raise _invalid()
        if length > 0:
            mapping.madvise(number, start, length)


def _invalid() -> OSError:
    return OSError(errno.EINVAL, os.strerror(errno.EINVAL))


# --- What is in memory -------------------------------------------------------


def mincore(buffer: memoryview, offset: int, states: MutableSequence[bool], /) -> None:
    """Ask which pages of a file in memory are really there, so that to touch them is quick.

    Args:
        buffer: what `map_file` has made, from the beginning of a page.
        offset: where to begin; a multiple of `page_size`.
        states: a list as long as the number of pages that are asked about. Each of its elements is
            replaced by the answer for a page.

    Raises:
        ValueError: `offset` is no multiple, or there are not so many pages in `buffer`.
        OSError: the kernel cannot tell: EINVAL, if `buffer` does not begin with a page.

    OCaml: Lwt_bytes.mincore : t -> int -> bool array -> unit
    """
    function = "lwt_bytes.mincore"
    check_byte_array(function, buffer)
    check_kind(function, offset, int, "the offset is a number of bytes")
    check_kind(function, states, MutableSequence, "a list, such as [False]")
    count = len(states)
    if offset % page_size != 0 or offset < 0 or len(buffer) - offset <= (count - 1) * page_size:
        raise ValueError(
            f"{in_ocaml(function)}: {count} pages from offset {offset} are not within {len(buffer)} "
            f"bytes; the offset must be a multiple of {page_size}"
        )
    if count > 0:
        states[:] = _in_core(_address(buffer) + offset, count)


def wait_mincore(buffer: memoryview, offset: int, /) -> lwt.Promise[None]:
    """Wait until the page with the byte at `offset` is in memory, so that to touch it is quick.

    A thread touches the byte, and waits for the disk. Cancelling does nothing.

    Raises:
        ValueError: there is no byte at `offset`.

    OCaml: Lwt_bytes.wait_mincore : t -> int -> unit Lwt.t
    """
    function = "lwt_bytes.wait_mincore"
    check_byte_array(function, buffer)
    check_kind(function, offset, int, "the offset is a number of bytes")
    if not 0 <= offset < len(buffer):
        raise ValueError(f"{in_ocaml(function)}: there is no byte {offset} in {len(buffer)} bytes")
    address = _address(buffer) + offset
    if _in_core(address - address % page_size, 1)[0]:
        return lwt.return_unit
    return lwt_unix.run_job(partial(_touch, buffer, address))


def _touch(_buffer: memoryview, address: int) -> None:
    """Read a byte of a buffer, while other threads go on."""
    # A view would be read under the interpreter's lock. `ctypes` gives that up.
    ctypes.memmove(ctypes.create_string_buffer(1), address, 1)


def _address(buffer: memoryview) -> int:
    """Return where in memory a buffer lies."""
    return ctypes.addressof((ctypes.c_char * 0).from_buffer(buffer))


def _in_core(address: int, count: int) -> list[bool]:
    answer = (ctypes.c_ubyte * count)()
    if _mincore(ctypes.c_void_p(address), ctypes.c_size_t(count * page_size), answer) != 0:
        number = ctypes.get_errno()
        with call_named("mincore"):
            raise OSError(number, os.strerror(number))
    return [bool(one & 1) for one in answer]


_mincore: Final[Any] = ctypes.CDLL(None, use_errno=True).mincore
