"""Opening files.

OCaml: `openfile` of lwt_unix.ml.
"""

from __future__ import annotations

import enum
import os
import stat
from collections.abc import Iterable
from enum import Enum
from functools import partial
from types import MappingProxyType
from typing import Final

import lwt
from lwt._core.checks import check_iterable, check_kind
from lwt._core.publish import constants
from lwt_unix import _system as system
from lwt_unix._checks import Path
from lwt_unix._descriptors.copies import inherit_unless
from lwt_unix._descriptors.file_descr import File_descr, in_threads
from lwt_unix._descriptors.page_cache import waits_for_a_disk
from lwt_unix._files.paths import check_permissions, path_of
from lwt_unix._jobs.jobs import run_call


@constants
class Open_flag(Enum):
    """How a file is opened.

    OCaml: type Lwt_unix.open_flag
    """

    O_RDONLY = enum.auto()
    O_WRONLY = enum.auto()
    O_RDWR = enum.auto()
    O_NONBLOCK = enum.auto()
    O_APPEND = enum.auto()
    O_CREAT = enum.auto()
    O_TRUNC = enum.auto()
    O_EXCL = enum.auto()
    O_NOCTTY = enum.auto()
    O_DSYNC = enum.auto()
    O_SYNC = enum.auto()
    O_RSYNC = enum.auto()
    O_SHARE_DELETE = enum.auto()
    O_CLOEXEC = enum.auto()
    O_KEEPEXEC = enum.auto()


O_RDONLY: Final = Open_flag.O_RDONLY
O_WRONLY: Final = Open_flag.O_WRONLY
O_RDWR: Final = Open_flag.O_RDWR
O_NONBLOCK: Final = Open_flag.O_NONBLOCK
O_APPEND: Final = Open_flag.O_APPEND
O_CREAT: Final = Open_flag.O_CREAT
O_TRUNC: Final = Open_flag.O_TRUNC
O_EXCL: Final = Open_flag.O_EXCL
O_NOCTTY: Final = Open_flag.O_NOCTTY
O_DSYNC: Final = Open_flag.O_DSYNC
O_SYNC: Final = Open_flag.O_SYNC
O_RSYNC: Final = Open_flag.O_RSYNC
O_SHARE_DELETE: Final = Open_flag.O_SHARE_DELETE
O_CLOEXEC: Final = Open_flag.O_CLOEXEC
O_KEEPEXEC: Final = Open_flag.O_KEEPEXEC

_BITS: Final = MappingProxyType(
    {
        O_RDONLY: os.O_RDONLY,
        O_WRONLY: os.O_WRONLY,
        O_RDWR: os.O_RDWR,
        O_NONBLOCK: os.O_NONBLOCK,
        O_APPEND: os.O_APPEND,
        O_CREAT: os.O_CREAT,
        O_TRUNC: os.O_TRUNC,
        O_EXCL: os.O_EXCL,
        O_NOCTTY: os.O_NOCTTY,
        O_DSYNC: os.O_DSYNC,
        O_SYNC: os.O_SYNC,
        O_RSYNC: getattr(os, "O_RSYNC", os.O_SYNC),  # macOS has none.
        O_SHARE_DELETE: 0,  # It means something on Windows alone.
        O_CLOEXEC: os.O_CLOEXEC,
        O_KEEPEXEC: 0,
    }
)
"""What the system calls the flags."""


def openfile(name: Path, flags: Iterable[Open_flag], perms: int, /) -> lwt.Promise[File_descr]:
    """Open a file, in a thread.

        fd = await lwt_unix.openfile("log", [lwt_unix.O_WRONLY, lwt_unix.O_CREAT], 0o644)

    The descriptor is in blocking mode, unless the file is a pipe or a socket (see
    `of_unix_file_descr`). Programs that are started later inherit it, unless `O_CLOEXEC` is given.

    Args:
        name: its path.
        flags: one of `O_RDONLY`, `O_WRONLY` and `O_RDWR`, and others.
        perms: the permissions of a file that is created, less those of the process's umask.

    Raises:
        OSError: by rejection. The argument of its `unix_error` is the path.

    OCaml: Lwt_unix.openfile : string -> open_flag list -> file_perm -> file_descr Lwt.t
    """
    function = "lwt_unix.openfile"
    path = path_of(function, name)
    bits = os.O_CLOEXEC
    inherits = True
    for flag in check_iterable(function, flags, "an iterable of flags"):
        check_kind(function, flag, Open_flag, "use lwt_unix.O_RDONLY or the like")
        inherits = inherits and flag is not O_CLOEXEC
        bits |= _BITS[flag]
    check_permissions(function, perms)
    call = partial(_open, path, bits, perms, not inherits)
    return lwt.map(_descriptor, run_call("open", call, path, lost=_close))


def _open(path: str, bits: int, perms: int, cloexec: bool) -> tuple[int, int]:
    """Open a file in a thread; return its number and what kind it is."""
    fd = system.open(path, bits, perms)
    inherit_unless(cloexec, fd)
    try:
        return fd, system.fstat(fd).st_mode
    except OSError:
        return fd, stat.S_IFREG


def _close(opened: tuple[int, int]) -> None:
    system.close(opened[0])


def _descriptor(opened: tuple[int, int]) -> File_descr:
    fd, mode = opened
    descriptor = File_descr(fd, not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)), True)
    in_threads(descriptor).is_file = waits_for_a_disk(mode)
    return descriptor
