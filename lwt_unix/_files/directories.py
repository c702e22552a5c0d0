"""Directories: making and removing them, and what is in them.

Python lists a directory by an iterator (`os.scandir`), without the entries `.` and `..`, which OCaml's
functions give, and so do these: first of all.

OCaml: section "Directories" of lwt_unix.ml.
"""

from __future__ import annotations

import errno
import os
import threading
from contextlib import suppress
from functools import partial
from itertools import chain, islice
from typing import Final, NoReturn, final

import lwt
from lwt import lwt_stream
from lwt._core.checks import check_bounds, check_kind
from lwt._core.identity import refuse_copy
from lwt_unix import _system as system
from lwt_unix._checks import Path
from lwt_unix._errors import note_call
from lwt_unix._files.paths import MOST_OFFSET, check_permissions, path_of, run_at
from lwt_unix._jobs.jobs import run_call

# --- Directories as a whole --------------------------------------------------


def mkdir(name: Path, perms: int, /) -> lwt.Promise[None]:
    """Make a directory.

    Args:
        name: its path.
        perms: its permissions, less those of the process's umask.

    Raises:
        OSError: by rejection: EEXIST, if there is something of this name.

    OCaml: Lwt_unix.mkdir : string -> file_perm -> unit Lwt.t
    """
    path = path_of("lwt_unix.mkdir", name)
    check_permissions("lwt_unix.mkdir", perms)
    return run_at("mkdir", path, partial(system.mkdir, path, perms))


def rmdir(name: Path, /) -> lwt.Promise[None]:
    """Remove a directory, which must be empty; `lwt_io.delete_recursively` removes all.

    OCaml: Lwt_unix.rmdir : string -> unit Lwt.t
    """
    path = path_of("lwt_unix.rmdir", name)
    return run_at("rmdir", path, partial(system.rmdir, path))


def chdir(name: Path, /) -> lwt.Promise[None]:
    """Change the directory in which relative paths begin, for the whole process.

    OCaml: Lwt_unix.chdir : string -> unit Lwt.t
    """
    path = path_of("lwt_unix.chdir", name)
    return run_at("chdir", path, partial(system.chdir, path))


def getcwd() -> lwt.Promise[str]:
    """Return the directory in which relative paths begin.

    OCaml: Lwt_unix.getcwd : unit -> string Lwt.t
    """
    return run_call("getcwd", system.getcwd)


def chroot(name: Path, /) -> lwt.Promise[None]:
    """Change the directory in which absolute paths begin, for the whole process; only root may.

    OCaml: Lwt_unix.chroot : string -> unit Lwt.t
    """
    path = path_of("lwt_unix.chroot", name)
    return run_at("chroot", path, partial(system.chroot, path))


# --- What is in a directory --------------------------------------------------


@final
class _OpenDirectory:
    """A directory that is open. Threads call all this, but not before the last of them has closed it."""

    __slots__ = ("_entries", "_fd", "_is_open", "_lock", "_scan")

    def __init__(self, path: str) -> None:
        self._is_open = False
        self._fd = system.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._lock: Final = threading.Lock()
        try:
            self._rewind()
        except BaseException:
            system.close(self._fd)
            raise
        self._is_open = True

    def __del__(self) -> None:
        if self._is_open:
            with suppress(OSError):  # Nobody can be told.
                self.close()

    def _rewind(self) -> None:
        self._scan = system.scandir(self._fd)
        self._entries = chain((".", ".."), map(_name_of, self._scan))

    def take(self, count: int) -> list[str]:
        """Return the next entries."""
        with self._lock:
            return list(islice(self._entries, count))

    def begin_again(self) -> None:
        """Begin at the first entry again."""
        with self._lock:
            self._scan.close()
            self._rewind()

    def close(self) -> None:
        """Give the descriptor back."""
        with self._lock:
            self._is_open = False
            self._scan.close()
            system.close(self._fd)


def _name_of(entry: os.DirEntry[str]) -> str:
    return entry.name


@final
class Dir_handle:
    """An open directory, and how far it has been read.

    One that is dropped without `closedir` is closed by then. (In OCaml it stays open.)

    OCaml: type Lwt_unix.dir_handle = Unix.dir_handle
    """

    __slots__ = ("_directory", "_is_closed", "_path")

    def __reduce_ex__(self, protocol: object, /) -> NoReturn:
        refuse_copy(self)

    def __init__(self, path: str, directory: _OpenDirectory) -> None:
        self._path = path
        self._directory = directory
        self._is_closed = False

    def __repr__(self) -> str:
        closed = " (closed)" if self._is_closed else ""
        return f"<directory {self._path!r}{closed}>"


def opendir(name: Path, /) -> lwt.Promise[Dir_handle]:
    """Open a directory, to read what is in it. `closedir` closes it.

    Raises:
        OSError: by rejection: ENOENT, ENOTDIR.

    OCaml: Lwt_unix.opendir : string -> dir_handle Lwt.t
    """
    path = path_of("lwt_unix.opendir", name)
    opened = run_at("opendir", path, partial(_OpenDirectory, path))
    return lwt.map(partial(Dir_handle, path), opened)


def _why_unusable(function: str, handle: Dir_handle) -> OSError | None:
    """Return the error of a use of a directory that is closed; None if it is open."""
    hint = "lwt_unix.opendir returns one"
    check_kind(f"lwt_unix.{function}", handle, Dir_handle, hint)
    if not handle._is_closed:
        return None
    message = f"{os.strerror(errno.EBADF)} (lwt_unix.{function}: {handle!r})"
    problem = OSError(errno.EBADF, message)
    note_call(problem, f"Lwt_unix.{function}")
    return problem


def readdir(handle: Dir_handle, /) -> lwt.Promise[str]:
    """Return the next entry of a directory, `.` and `..` among them.

    Raises:
        EOFError: by rejection: there is none left.
        OSError: by rejection: EBADF, if the directory is closed.

    OCaml: Lwt_unix.readdir : dir_handle -> string Lwt.t
    """
    problem = _why_unusable("readdir", handle)
    if problem:
        return lwt.fail(problem)
    return lwt.map(_only, run_call("readdir", partial(handle._directory.take, 1)))


def _only(names: list[str]) -> str:
    if not names:
        raise EOFError("lwt_unix.readdir: the directory has no more entries")
    return names[0]


def readdir_n(handle: Dir_handle, count: int, /) -> lwt.Promise[list[str]]:
    """Return the next entries of a directory, `count` at most; fewer only at its end.

    It is quicker than so many calls of `readdir`.

    Raises:
        ValueError: by rejection, as in OCaml: `count` is negative.
        OSError: by rejection: EBADF, if the directory is closed.

    OCaml: Lwt_unix.readdir_n : dir_handle -> int -> string array Lwt.t
    """
    problem = _why_unusable("readdir_n", handle)
    check_kind("lwt_unix.readdir_n", count, int, "the count is a number of entries")
    try:
        ocaml = "Lwt_unix.readdir_n"
        check_bounds("lwt_unix.readdir_n", "count", count, 0, MOST_OFFSET, ocaml=ocaml)
    except ValueError as exn:
        return lwt.fail(exn)
    return (
        lwt.fail(problem)
        if problem
        else run_call("readdir", partial(handle._directory.take, count))
    )


def rewinddir(handle: Dir_handle, /) -> lwt.Promise[None]:
    """Begin at the first entry of a directory again.

    Raises:
        OSError: by rejection: EBADF, if the directory is closed.

    OCaml: Lwt_unix.rewinddir : dir_handle -> unit Lwt.t
    """
    problem = _why_unusable("rewinddir", handle)
    return lwt.fail(problem) if problem else run_call("rewinddir", handle._directory.begin_again)


def closedir(handle: Dir_handle, /) -> lwt.Promise[None]:
    """Close a directory. From the call on it cannot be used any more.

    Raises:
        OSError: by rejection: EBADF, if it is closed already.

    OCaml: Lwt_unix.closedir : dir_handle -> unit Lwt.t
    """
    problem = _why_unusable("closedir", handle)
    if problem:
        return lwt.fail(problem)
    handle._is_closed = True
    return run_call("closedir", handle._directory.close)


# --- As a stream -------------------------------------------------------------

_AT_ONCE: Final = 1024
"""How many entries are read at once, as in OCaml."""


def files_of_directory(path: Path, /) -> lwt_stream.Stream[str]:
    """Return the stream of the entries of a directory, `.` and `..` among them.

    The directory is opened when the first entry is asked for, and closed after the last one, or when
    the stream is dropped. Entries that come or go meanwhile may be there or not.

        async for name in lwt_unix.files_of_directory("/tmp"):
            ...

    Raises:
        OSError: when an entry is asked for: ENOENT, ENOTDIR.

    OCaml: Lwt_unix.files_of_directory : string -> string Lwt_stream.t
    """
    listing = _Listing(path_of("lwt_unix.files_of_directory", path))
    return lwt_stream.concat(lwt_stream.from_(listing.next))


@final
class _Listing:
    """A directory whose entries a stream gives."""

    __slots__ = ("_handle", "_is_over", "_path")

    def __init__(self, path: str) -> None:
        self._path = path
        self._handle: Dir_handle | None = None
        self._is_over = False

    async def next(self) -> lwt.Some[lwt_stream.Stream[str]] | None:
        """Return some more entries, as a stream of them."""
        if self._is_over:
            return None
        handle = self._handle
        if handle is None:
            handle = self._handle = await opendir(self._path)
        try:
            entries = await readdir_n(handle, _AT_ONCE)
        except Exception:
            await closedir(handle)
            raise
        if len(entries) < _AT_ONCE:
            self._is_over = True
            await closedir(handle)
        return lwt.Some(lwt_stream.of_array(entries))
