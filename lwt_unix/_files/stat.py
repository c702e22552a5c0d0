"""What is known of a file.

OCaml: sections "File status" and "File operations on large files" of lwt_unix.ml.
"""

from __future__ import annotations

import stat as system_stat
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Final

import lwt
from lwt._core.publish import constants
from lwt_unix import _system as system
from lwt_unix._checks import Path, check_seconds
from lwt_unix._descriptors.file_descr import File_descr, check_opened, run_on
from lwt_unix._files.paths import path_of, run_at
from lwt_unix._files.positions import Seek_command
from lwt_unix._files.positions import ftruncate as _ftruncate
from lwt_unix._files.positions import lseek as _lseek
from lwt_unix._files.positions import truncate as _truncate
from lwt_unix._jobs.methods import Async_none


@constants
class File_kind(Enum):
    """What a file is.

    OCaml: type Lwt_unix.file_kind
    """

    S_REG = system_stat.S_IFREG
    S_DIR = system_stat.S_IFDIR
    S_CHR = system_stat.S_IFCHR
    S_BLK = system_stat.S_IFBLK
    S_LNK = system_stat.S_IFLNK
    S_FIFO = system_stat.S_IFIFO
    S_SOCK = system_stat.S_IFSOCK


S_REG: Final = File_kind.S_REG
S_DIR: Final = File_kind.S_DIR
S_CHR: Final = File_kind.S_CHR
S_BLK: Final = File_kind.S_BLK
S_LNK: Final = File_kind.S_LNK
S_FIFO: Final = File_kind.S_FIFO
S_SOCK: Final = File_kind.S_SOCK


@dataclass(frozen=True, slots=True)
class Stats:
    """What is known of a file. Sizes are in bytes, times in seconds since 1970.

    OCaml: type Lwt_unix.stats, and Lwt_unix.LargeFile.stats
    """

    st_dev: int
    st_ino: int
    st_kind: File_kind
    st_perm: int
    st_nlink: int
    st_uid: int
    st_gid: int
    st_rdev: int
    st_size: int
    st_atime: float
    st_mtime: float
    st_ctime: float


def _stats(found: system.Status) -> Stats:
    mode = found.st_mode
    return Stats(
        found.st_dev,
        found.st_ino,
        File_kind(system_stat.S_IFMT(mode)),
        system_stat.S_IMODE(mode),
        found.st_nlink,
        found.st_uid,
        found.st_gid,
        found.st_rdev,
        found.st_size,
        found.st_atime,
        found.st_mtime,
        found.st_ctime,
    )


def stat(name: Path, /) -> lwt.Promise[Stats]:
    """Ask what is known of a file; of a symbolic link, of the file that it leads to.

    Raises:
        OSError: by rejection: ENOENT, if there is none.

    OCaml: Lwt_unix.stat : string -> stats Lwt.t
    """
    path = path_of("lwt_unix.stat", name)
    return lwt.map(_stats, run_at("stat", path, partial(system.stat, path)))


def lstat(name: Path, /) -> lwt.Promise[Stats]:
    """Ask what is known of a file; of a symbolic link, of the link itself.

    Raises:
        OSError: by rejection: ENOENT, if there is none.

    OCaml: Lwt_unix.lstat : string -> stats Lwt.t
    """
    path = path_of("lwt_unix.lstat", name)
    return lwt.map(_stats, run_at("lstat", path, partial(system.lstat, path)))


def fstat(descriptor: File_descr, /) -> lwt.Promise[Stats]:
    """Ask what is known of the file of a descriptor.

    OCaml: Lwt_unix.fstat : file_descr -> stats Lwt.t
    """
    check_opened("lwt_unix.fstat", descriptor)
    return lwt.map(_stats, run_on("fstat", descriptor, partial(system.fstat, descriptor._fd)))


def file_exists(name: Path, /) -> lwt.Promise[bool]:
    """Tell whether there is a file, or a directory or the like, of this name.

    Where `stat` fails, the answer is False: also for a symbolic link that leads nowhere.

    OCaml: Lwt_unix.file_exists : string -> bool Lwt.t
    """
    path = path_of("lwt_unix.file_exists", name)
    return run_at("stat", path, partial(_exists, path))


def _exists(path: str) -> bool:
    try:
        system.stat(path)
    except OSError:
        return False
    return True


def utimes(name: Path, atime: float, mtime: float, /) -> lwt.Promise[None]:
    """Set when a file was last read, and when it was last changed, in seconds since 1970.

    If both are 0, they are set to the current time.

    OCaml: Lwt_unix.utimes : string -> float -> float -> unit Lwt.t
    """
    path = path_of("lwt_unix.utimes", name)
    for seconds in atime, mtime:
        check_seconds("lwt_unix.utimes", seconds)
        if not abs(seconds) < _MOST_SECONDS:
            raise ValueError(f"lwt_unix.utimes: {seconds} is out of range for a time in seconds")
    times = (atime, mtime) if atime or mtime else None
    return run_at("utimes", path, partial(system.utime, path, times))


_MOST_SECONDS: Final = 2**62


def isatty(descriptor: File_descr, /) -> lwt.Promise[bool]:
    """Tell whether a descriptor is a terminal.

    OCaml: Lwt_unix.isatty : file_descr -> bool Lwt.t
    """
    check_opened("lwt_unix.isatty", descriptor)
    return run_on("isatty", descriptor, partial(system.isatty, descriptor._fd), Async_none)


class LargeFile:
    """The same functions for large files, of which Python's integers need no others.

    OCaml: module Lwt_unix.LargeFile
    """

    stats = Stats

    @staticmethod
    def lseek(descriptor: File_descr, offset: int, whence: Seek_command, /) -> lwt.Promise[int]:
        """Do what `lwt_unix.lseek` does.

        OCaml: Lwt_unix.LargeFile.lseek : file_descr -> int64 -> seek_command -> int64 Lwt.t
        """
        return _lseek(descriptor, offset, whence)

    @staticmethod
    def truncate(name: Path, length: int, /) -> lwt.Promise[None]:
        """Do what `lwt_unix.truncate` does.

        OCaml: Lwt_unix.LargeFile.truncate : string -> int64 -> unit Lwt.t
        """
        return _truncate(name, length)

    @staticmethod
    def ftruncate(descriptor: File_descr, length: int, /) -> lwt.Promise[None]:
        """Do what `lwt_unix.ftruncate` does.

        OCaml: Lwt_unix.LargeFile.ftruncate : file_descr -> int64 -> unit Lwt.t
        """
        return _ftruncate(descriptor, length)

    @staticmethod
    def stat(name: Path, /) -> lwt.Promise[Stats]:
        """Do what `lwt_unix.stat` does.

        OCaml: Lwt_unix.LargeFile.stat : string -> stats Lwt.t
        """
        return stat(name)

    @staticmethod
    def lstat(name: Path, /) -> lwt.Promise[Stats]:
        """Do what `lwt_unix.lstat` does.

        OCaml: Lwt_unix.LargeFile.lstat : string -> stats Lwt.t
        """
        return lstat(name)

    @staticmethod
    def fstat(descriptor: File_descr, /) -> lwt.Promise[Stats]:
        """Do what `lwt_unix.fstat` does.

        OCaml: Lwt_unix.LargeFile.fstat : file_descr -> stats Lwt.t
        """
        return fstat(descriptor)

    @staticmethod
    def file_exists(name: Path, /) -> lwt.Promise[bool]:
        """Do what `lwt_unix.file_exists` does.

        OCaml: Lwt_unix.LargeFile.file_exists : string -> bool Lwt.t
        """
        return file_exists(name)
