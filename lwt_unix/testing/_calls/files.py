"""The calls on files of a simulated world: what stands in the place of these names of `_system`."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

from lwt_unix import _system as system
from lwt_unix.testing._calls.calls import scatter
from lwt_unix.testing._files.opened import Opened, Opened_directory, Opened_file, open_file
from lwt_unix.testing._files.tree import (
    UMASK,
    USER,
    Device,
    Directory,
    Inode,
    Place,
    Regular_file,
    Symbolic_link,
    Tree,
)
from lwt_unix.testing._network.hosts import Network
from lwt_unix.testing._world.crash import Gone
from lwt_unix.testing._world.world import Description, World, os_error

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

P = ParamSpec("P")
T = TypeVar("T")

_DEVICE: Final = 2
"""The number of the device on which all files are."""


def _about_paths(count: int) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Let the errors of a call name its first paths, as Python's do."""

    def decorate(call: Callable[P, T]) -> Callable[P, T]:
        @wraps(call)
        def wrapped(*arguments: P.args, **keywords: P.kwargs) -> T:
            problem = 0
            try:
                return call(*arguments, **keywords)
            except OSError as exn:
                problem = exn.errno or 0
            one, *other = arguments[1 : 1 + count]
            paths = (one, None, *other) if other else (one,)
            raise OSError(problem, os.strerror(problem), *paths)

        return wrapped

    return decorate


class Entry:
    """What `scandir` gives."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class Scan:
    """The entries that a directory had."""

    __slots__ = ("_names",)

    def __init__(self, names: Sequence[str]) -> None:
        self._names = iter(names)

    def __iter__(self) -> Iterator[Entry]:
        return self

    def __next__(self) -> Entry:
        return Entry(next(self._names))

    def close(self) -> None:
        """Do nothing."""


class File_calls:
    """The calls, on the files of the host on which they are made."""

    def __init__(self, world: World, network: Network) -> None:
        self._world: Final = world
        self._network: Final = network

    def _tree(self) -> Tree:
        return self._network.here().tree

    def _start(self) -> Directory:
        """Return the directory in which relative paths begin."""
        return self._network.process_here().directory

    def _find(self, path: str, *, follows: bool = True) -> Place:
        return self._tree().find(path, self._start(), follows=follows)

    def _name(self, path: str) -> Place:
        return self._tree().find_name(path, self._start())

    def _opened(self, fd: int) -> Description:
        return self._world.description(fd)

    def _with_places(self, fd: int) -> Opened:
        """Return what a number stands for, if that has places; else raise ESPIPE."""
        description = self._opened(fd)
        if not isinstance(description, Opened):
            raise os_error(errno.ESPIPE)
        return description

    # --- Opening -------------------------------------------------------------

    @_about_paths(1)
    def open(self, path: str, flags: int, mode: int = 0o777) -> int:
        """Open a file."""
        self._world.need_numbers(1)
        return self._world.number_of(open_file(self._tree(), path, flags, mode, self._start()))

    # --- On numbers ----------------------------------------------------------

    def lseek(self, fd: int, position: int, how: int) -> int:
        """Move to a place in a file."""
        return self._with_places(fd).seek(position, how)

    def pread(self, fd: int, size: int, position: int) -> bytes:
        """Read from a place in a file."""
        data = bytearray(size)
        return bytes(data[: self._read_at(fd, memoryview(data), position)])

    def preadv(
        self, fd: int, buffers: Sequence[WriteableBuffer], position: int, flags: int = 0
    ) -> int:
        """Read into buffers from a place in a file, or from where it is; with a flag, only what is in memory."""
        is_here = position == -1 and flags
        if position < 0 and not is_here:
            raise os_error(errno.EINVAL)
        opened = self._with_places(fd)
        if flags and isinstance(opened, Opened_file):
            opened.look_whether_in_memory()
        data = bytearray(sum(len(memoryview(buffer)) for buffer in buffers))
        view = memoryview(data)
        count = opened.read(view) if is_here else self._read_at(fd, view, position)
        scatter(view[:count], buffers)
        return count

    def _read_at(self, fd: int, view: memoryview, position: int) -> int:
        if position < 0:
            raise os_error(errno.EINVAL)
        opened = self._with_places(fd)
        opened.check_reads()
        return opened.read_at(view, position)

    def pwrite(self, fd: int, data: ReadableBuffer, position: int) -> int:
        """Write to a place in a file."""
        if position < 0:
            raise os_error(errno.EINVAL)
        opened = self._with_places(fd)
        opened.check_writes()
        # Linux appends here, too, if the file is open for that.
        return opened.write_at(memoryview(data), opened.end() if opened.appends else position)

    def ftruncate(self, fd: int, size: int) -> None:
        """Give a file a size."""
        if size < 0:
            raise os_error(errno.EINVAL)
        opened = self._opened(fd)
        if not isinstance(opened, Opened):
            raise os_error(errno.EINVAL)
        opened.truncate(size)

    def fsync(self, fd: int) -> None:
        """Have all that was written be on the disk."""
        opened = self._opened(fd)
        if not isinstance(opened, Opened):
            raise os_error(errno.EINVAL)
        opened.sync()

    def fdatasync(self, fd: int) -> None:
        """Have all that was written be on the disk."""
        self.fsync(fd)

    def fstat(self, fd: int) -> system.Status:
        """Say what a number stands for."""
        description = self._opened(fd)
        if isinstance(description, Opened):
            return _status(description.inode_of)
        mode = description.mode | (0o777 if stat.S_ISSOCK(description.mode) else 0o600)
        return system.Status((mode, description.inode, 1, 1, USER, USER, 0, 0, 0, 0))

    def identity_of(self, fd: int) -> tuple[int, int] | None:
        """Return what tells two descriptions apart."""
        description = self._world.table.get(fd)
        if description is None or isinstance(description, Gone):
            return None
        return (_DEVICE if isinstance(description, Opened) else 1, description.inode)

    def fchmod(self, fd: int, permissions: int) -> None:
        """Change the permissions of a file."""
        opened = self._opened(fd)
        if isinstance(opened, Opened):
            _change_mode(opened.inode_of, permissions)

    def fchown(self, fd: int, uid: int, gid: int) -> None:
        """Change the owner of a file, which only root may."""
        self._opened(fd)
        _check_owner(uid, gid)

    def scandir(self, fd: int) -> Scan:
        """Return what is in a directory that is open."""
        opened = self._opened(fd)
        if not isinstance(opened, Opened_directory):
            raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), fd)
        return Scan(list(opened.directory.entries))

    # --- On paths ------------------------------------------------------------

    @_about_paths(1)
    def stat(self, path: str) -> system.Status:
        """Say what is known of a file."""
        return _status(self._find(path).found())

    @_about_paths(1)
    def lstat(self, path: str) -> system.Status:
        """Say what is known of a file, or of a symbolic link."""
        return _status(self._find(path, follows=False).found())

    @_about_paths(1)
    def check_access(self, path: str, mode: int) -> None:
        """Raise unless the program may use a file so."""
        self._find(path).found().check(mode)

    @_about_paths(1)
    def truncate(self, path: str, size: int) -> None:
        """Give a file a size."""
        if size < 0:
            raise os_error(errno.EINVAL)
        inode = self._find(path).found()
        if isinstance(inode, Directory):
            raise os_error(errno.EISDIR)
        if not isinstance(inode, Regular_file):
            raise os_error(errno.EINVAL)
        inode.check(os.W_OK)
        inode.truncate(size)

    @_about_paths(1)
    def unlink(self, path: str) -> None:
        """Take a name away."""
        self._tree().unlink(self._name(path))

    @_about_paths(2)
    def rename(self, old: str, new: str) -> None:
        """Give a file another name."""
        self._tree().rename(self._name(old), self._name(new))

    @_about_paths(2)
    def link(self, old: str, new: str) -> None:
        """Give a file one more name."""
        place = self._find(old, follows=False)
        place.found()  # Linux looks for it first.
        self._tree().link(place, self._name(new))

    @_about_paths(2)
    def symlink(self, target: str, path: str) -> None:
        """Make a symbolic link."""
        if not target:
            raise os_error(errno.ENOENT)
        self._tree().add(self._name(path), Symbolic_link(self._world, target))

    @_about_paths(1)
    def readlink(self, path: str) -> str:
        """Return where a symbolic link leads."""
        inode = self._find(path, follows=False).found()
        if not isinstance(inode, Symbolic_link):
            raise os_error(errno.EINVAL)
        return inode.target

    @_about_paths(1)
    def chmod(self, path: str, permissions: int) -> None:
        """Change the permissions of a file."""
        _change_mode(self._find(path).found(), permissions)

    @_about_paths(1)
    def chown(self, path: str, uid: int, gid: int) -> None:
        """Change the owner of a file, which only root may."""
        self._find(path).found()
        _check_owner(uid, gid)

    @_about_paths(1)
    def utime(self, path: str, times: tuple[float, float] | None) -> None:
        """Say when a file was read and written."""
        inode = self._find(path).found()
        now = self._world.now
        inode.accessed, inode.modified = (now, now) if times is None else times
        inode.changed = now

    # --- Directories ---------------------------------------------------------

    @_about_paths(1)
    def mkdir(self, path: str, permissions: int = 0o777) -> None:
        """Make a directory."""
        place = self._name(path)
        new = Directory(self._world, permissions & ~UMASK & 0o1777, place.parent)
        self._tree().add(place, new)

    @_about_paths(1)
    def rmdir(self, path: str) -> None:
        """Remove a directory."""
        self._tree().rmdir(self._name(path))

    @_about_paths(1)
    def chdir(self, path: str) -> None:
        """Change the directory in which relative paths begin."""
        directory = self._tree().directory(path, self._start())
        directory.check(os.X_OK)
        self._network.process_here().directory = directory

    def getcwd(self) -> str:
        """Return the directory in which relative paths begin."""
        return self._tree().path_of(self._start())

    @_about_paths(1)
    def chroot(self, path: str) -> None:
        """Say that only root may."""
        self._tree().directory(path, self._start())
        raise os_error(errno.EPERM)

    def urandom(self, size: int) -> bytes:
        """Return random bytes, which begin with the seed of the run."""
        return self._world.choices.chance().randbytes(size)


def _status(inode: Inode) -> system.Status:
    size, blocks = inode.size, -(-inode.size // 512) if isinstance(inode, Regular_file) else 0
    times = (inode.accessed, inode.modified, inode.changed)
    named: dict[str, float] = {"st_blksize": 4_096, "st_blocks": blocks}
    named["st_rdev"] = os.makedev(1, 3) if isinstance(inode, Device) else 0
    for name, seconds in zip(("st_atime", "st_mtime", "st_ctime"), times, strict=True):
        named[name] = seconds
        named[f"{name}_ns"] = round(seconds * 1e9)
    whole = (int(seconds) for seconds in times)
    common = (inode.mode, inode.number, _DEVICE, inode.links, USER, USER, size, *whole)
    return system.Status(common, named)


def _change_mode(inode: Inode, permissions: int) -> None:
    inode.mode = stat.S_IFMT(inode.mode) | permissions
    inode.changed = inode.world.now


def _check_owner(uid: int, gid: int) -> None:
    if uid not in {-1, USER} or gid not in {-1, USER}:
        raise os_error(errno.EPERM)
