"""Where a descriptor is in its file; reading and writing elsewhere; the file's length; writing to disk.

OCaml: `pread`, `pwrite` and sections "Seeking and truncating" and "File system synchronisation" of
lwt_unix.ml.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Final

import lwt
from lwt._core.checks import check_kind, with_required_label
from lwt._core.publish import constants
from lwt_unix import _system as system
from lwt_unix._checks import Path
from lwt_unix._descriptors.actions import MOST_AT_ONCE, OF_A_CALL, has_had_its_turn, try_or_wait
from lwt_unix._descriptors.buffers import check_ascii, readable_slice, release, writable_slice
from lwt_unix._descriptors.file_descr import File_descr, check_opened, run_on
from lwt_unix._descriptors.io_event import Io_event, Read, Write
from lwt_unix._descriptors.mode import settle_mode
from lwt_unix._descriptors.page_cache import is_file, read_now
from lwt_unix._files.paths import check_offset, path_of, run_at
from lwt_unix._jobs.methods import Async_none

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer


# --- Reading and writing elsewhere -------------------------------------------


@with_required_label
def pread(
    descriptor: File_descr,
    buffer: WriteableBuffer,
    offset: int,
    length: int,
    /,
    *,
    file_offset: int,
) -> lwt.Promise[int]:
    """Read from a place in a file, like `read`; where the descriptor is in the file stays as it is.

    The buffer must not be used until the promise is resolved, not even if it was cancelled.

    Args:
        descriptor: what to read from: a file, or anything else that has places.
        buffer: any writable buffer.
        offset: where in the buffer the first byte goes.
        length: how many bytes to read at most.
        file_offset: where in the file to begin, in bytes.

    Raises:
        ValueError: the range is not within the buffer. Nothing is read.
        OSError: by rejection: ESPIPE if the descriptor has no places. If it is in non-blocking mode, at
            the call.

    OCaml: Lwt_unix.pread : file_descr -> bytes -> file_offset:int -> int -> int -> int Lwt.t
    """
    check_offset("lwt_unix.pread", "file_offset", file_offset)
    view = writable_slice("lwt_unix.pread", buffer, offset, length)
    try:
        check_opened("lwt_unix.pread", descriptor)
        is_usual = length > 0 and file_offset >= 0
        if is_usual and settle_mode(descriptor) and is_file(descriptor):
            descriptor._calls += OF_A_CALL
            if descriptor._calls <= MOST_AT_ONCE or not has_had_its_turn(descriptor, OF_A_CALL):
                number = read_now(descriptor, (view,), length, file_offset)
                if number is not None:
                    return lwt.return_(number)
        call: Callable[[], int] = partial(system.preadv, descriptor._fd, (view,), file_offset)
        if not is_usual:
            # To `preadv`, the place -1 means where the descriptor is; and it tells of no error if no
            # bytes are wanted.
            call = partial(_read_nothing, descriptor._fd, file_offset)
        return _at_a_place("pread", Read, descriptor, call)
    except Exception:
        release(view)
        raise


@with_required_label
def pwrite(
    descriptor: File_descr,
    data: ReadableBuffer | str,
    offset: int,
    length: int,
    /,
    *,
    file_offset: int,
) -> lwt.Promise[int]:
    """Write to a place in a file, like `write`; where the descriptor is in the file stays as it is.

    Args:
        descriptor: what to write to: a file, or anything else that has places.
        data: any bytes-like object, or a `str` in ASCII. It must not change until the promise is
            resolved.
        offset: where in the data to begin.
        length: how many bytes to write at most.
        file_offset: where in the file to begin, in bytes.

    Raises:
        ValueError: the range is not within the data, or the data is a `str` that is not ASCII.
            Nothing is written.
        OSError: by rejection: ENOSPC if the disk is full, ESPIPE if the descriptor has no places.

    OCaml: Lwt_unix.pwrite : file_descr -> bytes -> file_offset:int -> int -> int -> int Lwt.t
    """
    check_offset("lwt_unix.pwrite", "file_offset", file_offset)
    source = readable_slice("lwt_unix.pwrite", data, offset, length)
    try:
        check_opened("lwt_unix.pwrite", descriptor)
        call = partial(system.pwrite, descriptor._fd, source, file_offset)
        return _at_a_place("pwrite", Write, descriptor, call)
    except Exception:
        release(source)
        raise


@with_required_label
def pwrite_string(
    descriptor: File_descr,
    data: ReadableBuffer | str,
    offset: int,
    length: int,
    /,
    *,
    file_offset: int,
) -> lwt.Promise[int]:
    """Write to a place in a file: the same as `pwrite`, which takes strings too.

    OCaml: Lwt_unix.pwrite_string :
        file_descr -> string -> file_offset:int -> int -> int -> int Lwt.t
    """
    check_ascii("lwt_unix.pwrite_string", data)
    return pwrite(descriptor, data, offset, length, file_offset=file_offset)


def _read_nothing(fd: int, file_offset: int) -> int:
    return len(system.pread(fd, 0, file_offset))


def _at_a_place(
    name: str, event: Io_event, descriptor: File_descr, call: Callable[[], int]
) -> lwt.Promise[int]:
    if not settle_mode(descriptor):
        return try_or_wait(name, event, descriptor, call)
    # What is no file has no places: the system says so at once.
    return run_on(name, descriptor, call, None if is_file(descriptor) else Async_none)


# --- Where a descriptor is ---------------------------------------------------


@constants
class Seek_command(Enum):
    """From where an offset counts.

    OCaml: type Lwt_unix.seek_command
    """

    SEEK_SET = os.SEEK_SET
    SEEK_CUR = os.SEEK_CUR
    SEEK_END = os.SEEK_END


SEEK_SET: Final = Seek_command.SEEK_SET
"""From the beginning of the file.

OCaml: Lwt_unix.SEEK_SET
"""

SEEK_CUR: Final = Seek_command.SEEK_CUR
"""From where the descriptor is.

OCaml: Lwt_unix.SEEK_CUR
"""

SEEK_END: Final = Seek_command.SEEK_END
"""From the end of the file.

OCaml: Lwt_unix.SEEK_END
"""


def lseek(descriptor: File_descr, offset: int, whence: Seek_command, /) -> lwt.Promise[int]:
    """Move to a place in a file, from which `read` and `write` go on; return the place.

    Only `SEEK_END` may have to ask the disk; the other two are done at once.

    Args:
        descriptor: it must be opened.
        offset: how many bytes from `whence`; it may be negative.
        whence: `SEEK_SET`, `SEEK_CUR` or `SEEK_END`.

    Raises:
        OSError: by rejection: ESPIPE for a pipe or socket, EINVAL for a place before the beginning.

    OCaml: Lwt_unix.lseek : file_descr -> int -> seek_command -> int Lwt.t
    """
    check_opened("lwt_unix.lseek", descriptor)
    check_offset("lwt_unix.lseek", "the offset", offset)
    hint = "use lwt_unix.SEEK_SET or the like"
    check_kind("lwt_unix.lseek", whence, Seek_command, hint)
    call = partial(system.lseek, descriptor._fd, offset, whence.value)
    return run_on("lseek", descriptor, call, None if whence is SEEK_END else Async_none)


# --- The length of a file ----------------------------------------------------


def truncate(name: Path, length: int, /) -> lwt.Promise[None]:
    """Give a file this length, in bytes: cut it off, or fill it up with zeros.

    Raises:
        OSError: by rejection: EINVAL for a negative length, for example.

    OCaml: Lwt_unix.truncate : string -> int -> unit Lwt.t
    """
    path = path_of("lwt_unix.truncate", name)
    check_offset("lwt_unix.truncate", "the length", length)
    return run_at("truncate", path, partial(system.truncate, path, length))


def ftruncate(descriptor: File_descr, length: int, /) -> lwt.Promise[None]:
    """Give the file of a descriptor this length, in bytes, like `truncate`.

    OCaml: Lwt_unix.ftruncate : file_descr -> int -> unit Lwt.t
    """
    check_opened("lwt_unix.ftruncate", descriptor)
    check_offset("lwt_unix.ftruncate", "the length", length)
    return run_on("ftruncate", descriptor, partial(system.ftruncate, descriptor._fd, length))


# --- Writing to disk ---------------------------------------------------------


def fsync(descriptor: File_descr, /) -> lwt.Promise[None]:
    """Wait until all that was written to a file, and what is known of it, is on the disk.

    OCaml: Lwt_unix.fsync : file_descr -> unit Lwt.t
    """
    check_opened("lwt_unix.fsync", descriptor)
    return run_on("fsync", descriptor, partial(system.fsync, descriptor._fd))


def fdatasync(descriptor: File_descr, /) -> lwt.Promise[None]:
    """Wait until all that was written to a file is on the disk.

    Where the system has no such call (macOS), it is `fsync`.

    OCaml: Lwt_unix.fdatasync : file_descr -> unit Lwt.t
    """
    check_opened("lwt_unix.fdatasync", descriptor)
    return run_on("fdatasync", descriptor, partial(system.fdatasync, descriptor._fd))
