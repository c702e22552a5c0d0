"""The file system of a simulated host, in memory: files, directories, links, and the paths that lead to them.

What is in it is an *inode*: it has permissions, times, and a number of names. A path leads through
directories and symbolic links to an inode, as on Linux, and with the same errors.

The program is an ordinary user, to whom all belongs. So permissions count.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from typing import Final, NamedTuple, TypeVar

from lwt_unix.testing._world.world import Data, Description, World, os_error

USER: Final = 1_000
"""Who runs the program, and to whom all belongs; the group has the same number."""

UMASK: Final = 0o022
"""The permissions that new files do not get."""

_MOST_LINKS: Final = 40
_LONGEST_NAME: Final = 255
_LONGEST_PATH: Final = 4_095

I = TypeVar("I", bound="Inode")  # noqa: E741  # it is an inode


# --- Inodes ------------------------------------------------------------------


class Inode:
    """What a name stands for."""

    __slots__ = ("accessed", "changed", "links", "mode", "modified", "number", "world")

    kind = 0
    size = 0

    def __init__(self, world: World, permissions: int) -> None:
        self.world = world
        self.number = world.next_number("inode")
        self.mode = self.kind | permissions
        self.links = 1
        self.accessed = self.modified = self.changed = world.now
        """When it was last read, written, and changed in any way."""

    def touch(self) -> None:
        """Note that it is written."""
        self.modified = self.changed = self.world.now

    def may(self, bits: int) -> bool:
        """Say whether the program may use it so: `os.R_OK` and the like."""
        return bits & (self.mode >> 6) == bits

    def check(self, bits: int) -> None:
        """Raise EACCES unless the program may use it so."""
        if not self.may(bits):
            raise os_error(errno.EACCES)

    def release(self) -> None:
        """A name, or an open description, is gone."""


class Directory(Inode):
    """A directory."""

    __slots__ = ("entries", "parent")

    kind = stat.S_IFDIR
    size = 4_096

    def __init__(self, world: World, permissions: int, parent: Directory | None) -> None:
        super().__init__(world, permissions)
        self.entries: dict[str, Inode] = {}
        self.parent: Directory = self if parent is None else parent
        self.links = 2

    def put(self, name: str, inode: Inode) -> None:
        """Give an inode a name here."""
        self.entries[name] = inode
        if isinstance(inode, Directory):
            inode.parent = self
            self.links += 1
        self.touch()

    def take(self, name: str) -> Inode:
        """Take a name away; return what it stood for."""
        inode = self.entries.pop(name)
        if isinstance(inode, Directory):
            self.links -= 1
        self.touch()
        return inode


class Symbolic_link(Inode):
    """A link to a path."""

    __slots__ = ("target",)

    kind = stat.S_IFLNK

    def __init__(self, world: World, target: str) -> None:
        super().__init__(world, 0o777)
        self.target = target

    @property
    def size(self) -> int:  # type: ignore[override]  # elsewhere it does not change
        """How long the path is."""
        return len(os.fsencode(self.target))


class Device(Inode):
    """One of the devices: /dev/null, zero, full and urandom."""

    __slots__ = ("name",)

    kind = stat.S_IFCHR

    def __init__(self, world: World, name: str) -> None:
        super().__init__(world, 0o666)
        self.name = name


class Socket_file(Inode):
    """The name of a socket. It stays when the socket is closed."""

    __slots__ = ("socket",)

    kind = stat.S_IFSOCK

    def __init__(self, world: World, socket: Description) -> None:
        super().__init__(world, 0o777 & ~UMASK)
        self.socket = socket


class Regular_file(Inode):
    """A file with data. What is behind the data, up to the size, is zeros that take no space."""

    __slots__ = ("data", "opened", "size", "space")

    kind = stat.S_IFREG

    def __init__(self, world: World, permissions: int, space: Space) -> None:
        super().__init__(world, permissions)
        self.data = bytearray()
        self.size = 0
        self.opened = 0
        """How many descriptions are open."""

        self.space = space

    def read(self, view: memoryview, position: int) -> int:
        """Read from a place on; return how many bytes."""
        count = max(min(len(view), self.size - position), 0)
        part = self.data[position : position + count]
        view[: len(part)] = part
        view[len(part) : count] = bytes(count - len(part))
        if self.accessed <= self.modified:  # So it is with the option `relatime`, the default.
            self.accessed = self.world.now
        return count

    def write(self, data: Data, position: int) -> int:
        """Write from a place on, as much as there is space for; return how many bytes."""
        if not data:
            return 0
        growth = max(position + len(data) - len(self.data), 0)
        left = self.space.left()
        count = len(data)
        if growth > left:
            count -= growth - left
            if count <= 0:
                raise os_error(errno.ENOSPC)
        end = position + count
        self.space.used -= len(self.data)
        if position > len(self.data):
            self.data += bytes(position - len(self.data))
        self.data[position:end] = data[:count]
        self.space.used += len(self.data)
        self.size = max(self.size, end)
        self.touch()
        return count

    def truncate(self, size: int) -> None:
        """Give it a size."""
        if size < len(self.data):
            self.space.used -= len(self.data) - size
            del self.data[size:]
        self.size = size
        self.touch()

    def release(self) -> None:
        """Give the space back when nothing leads here any more."""
        if not self.links and not self.opened:
            self.space.used -= len(self.data)
            self.data.clear()
            self.size = 0


class Space:
    """How much a file system holds."""

    __slots__ = ("limit", "used")

    def __init__(self, limit: Callable[[], int]) -> None:
        self.limit = limit
        self.used = 0

    def left(self) -> int:
        """Return for how many bytes there is room."""
        return max(self.limit() - self.used, 0)


# --- Paths -------------------------------------------------------------------


class Place(NamedTuple):
    """Where a path leads: a name in a directory, and what is there, if there is something.

    Of a path that ends in `.`, `..` or is `/`, the name is that.
    """

    parent: Directory
    name: str
    inode: Inode | None
    needs_directory: bool
    """Whether the path ends in a slash."""

    def found(self) -> Inode:
        """Return what is there, or raise ENOENT."""
        self.check_length()
        if self.inode is None:
            raise os_error(errno.ENOENT)
        return self.inode

    def check_length(self) -> None:
        """Raise ENAMETOOLONG if no name can be so long, in a directory that is still there."""
        if len(os.fsencode(self.name)) > _LONGEST_NAME:
            raise os_error(errno.ENAMETOOLONG if self.parent.links else errno.ENOENT)

    def check_kind(self) -> None:
        """Raise ENOTDIR if the path ends in a slash, and what is there is no directory."""
        if self.needs_directory and not isinstance(self.inode, Directory | None):
            raise os_error(errno.ENOTDIR)

    @property
    def is_special(self) -> bool:
        """Whether the name cannot be given or taken away."""
        return self.name in _SPECIAL

    def check_is_new(self, is_directory: bool) -> None:
        """Raise EEXIST if something is there, and what else hinders a new name."""
        self.check_length()
        if self.inode is not None:
            raise os_error(errno.EEXIST)
        if self.needs_directory and not is_directory:
            raise os_error(errno.ENOENT)
        self.check_can_change()

    def check_can_change(self) -> None:
        """Raise unless names in the directory can be given and taken away."""
        if not self.parent.links:
            raise os_error(errno.ENOENT)
        self.parent.check(os.W_OK | os.X_OK)


_SPECIAL: Final = frozenset({".", "..", "/"})


class Tree:
    """The file system of a host."""

    __slots__ = ("root", "space", "world")

    def __init__(self, world: World, limit: Callable[[], int]) -> None:
        self.world = world
        self.space = Space(limit)
        self.root = Directory(world, 0o755, None)
        for name in ("dev", "tmp", "home"):
            self.root.put(name, Directory(world, 0o755, self.root))
        tmp, dev = self.root.entries["tmp"], self.root.entries["dev"]
        tmp.mode = stat.S_IFDIR | 0o1777
        assert isinstance(dev, Directory)
        for name in ("null", "zero", "full", "urandom", "random"):
            dev.put(name, Device(world, name))

    # --- Finding -------------------------------------------------------------

    def find_name(self, path: str, start: Directory) -> Place:
        """Find the name that a path ends with, to give it or to take it away; see `find`."""
        return self._find(path, start, False, [0])

    def find(self, path: str, start: Directory, *, follows: bool = True) -> Place:
        """Find where a path leads.

        Args:
            path: the path.
            start: where it begins if it is relative.
            follows: whether a symbolic link at its end is followed. One before a slash always is.

        Raises:
            OSError: ENOENT, ENOTDIR, ENAMETOOLONG, EACCES, ELOOP. That only the last part of the path is not
                there is no error.
        """
        place = self._find(path, start, follows or path.endswith("/"), [0])
        place.check_length()
        place.check_kind()
        return place

    def _find(self, path: str, start: Directory, follows: bool, links: list[int]) -> Place:
        if not path:
            raise os_error(errno.ENOENT)
        if len(os.fsencode(path)) > _LONGEST_PATH:
            raise os_error(errno.ENAMETOOLONG)
        here = self.root if path.startswith("/") else start
        names = [name for name in path.split("/") if name]
        needs_directory = path.endswith("/")
        if not names:
            return Place(here, "/", here, True)
        last = len(names) - 1
        for index, name in enumerate(names):
            here.check(os.X_OK)
            inode = self._step(here, name)
            place = Place(here, name, inode, needs_directory)
            is_last = index == last
            if isinstance(inode, Symbolic_link) and (follows or not is_last):
                links[0] += 1
                if links[0] > _MOST_LINKS:
                    raise os_error(errno.ELOOP)
                place = self._find(inode.target, here, True, links)
                inode = place.inode
                place = place._replace(needs_directory=needs_directory or place.needs_directory)
            if is_last:
                return place
            inode = place.found()
            if not isinstance(inode, Directory):
                raise os_error(errno.ENOTDIR)
            here = inode
        raise AssertionError  # The last name returns.

    @staticmethod
    def _step(here: Directory, name: str) -> Inode | None:
        if name == ".":
            return here
        if name == "..":
            return here.parent
        return here.entries.get(name)

    def directory(self, path: str, start: Directory) -> Directory:
        """Return the directory that a path leads to."""
        inode = self.find(path, start).found()
        if not isinstance(inode, Directory):
            raise os_error(errno.ENOTDIR)
        return inode

    def path_of(self, directory: Directory) -> str:
        """Return the path of a directory.

        Raises:
            OSError: ENOENT, if it was removed.
        """
        names: list[str] = []
        while directory is not self.root:
            if not directory.links:
                raise os_error(errno.ENOENT)
            parent = directory.parent
            names.append(next(name for name, inode in parent.entries.items() if inode is directory))
            directory = parent
        return "/" + "/".join(reversed(names))

    # --- Names ---------------------------------------------------------------

    def add(self, place: Place, inode: I) -> I:
        """Give something new the name of a place; return it."""
        place.check_is_new(isinstance(inode, Directory))
        place.parent.put(place.name, inode)
        return inode

    def unlink(self, place: Place) -> None:
        """Take a name away that is no directory's."""
        inode = place.found()
        is_directory = isinstance(inode, Directory)
        if is_directory and (place.is_special or place.needs_directory):
            raise os_error(errno.EISDIR)
        place.check_kind()
        place.check_can_change()
        if is_directory:
            raise os_error(errno.EISDIR)
        self._drop(place.parent.take(place.name))

    def _drop(self, inode: Inode) -> None:
        inode.links = 0 if isinstance(inode, Directory) else inode.links - 1
        inode.changed = self.world.now
        inode.release()

    def rmdir(self, place: Place) -> None:
        """Remove a directory, which must be empty."""
        if place.name == ".":
            raise os_error(errno.EINVAL)
        if place.name == "..":
            raise os_error(errno.ENOTEMPTY)
        if place.name == "/":
            raise os_error(errno.EBUSY)
        inode = place.found()
        place.check_can_change()
        if not isinstance(inode, Directory):
            raise os_error(errno.ENOTDIR)
        if inode.entries:
            raise os_error(errno.ENOTEMPTY)
        self._drop(place.parent.take(place.name))

    def link(self, old: Place, new: Place) -> None:
        """Give something one more name."""
        inode = old.found()
        new.check_is_new(False)
        if isinstance(inode, Directory):
            raise os_error(errno.EPERM)
        new.parent.put(new.name, inode)
        inode.links += 1
        inode.changed = self.world.now

    def rename(self, old: Place, new: Place) -> None:
        """Give something another name, and replace what had that."""
        if old.is_special or new.is_special:
            raise os_error(errno.EBUSY)
        inode, replaced = old.found(), new.inode
        new.check_length()
        is_directory = isinstance(inode, Directory)
        if (old.needs_directory or new.needs_directory) and not is_directory:
            raise os_error(errno.ENOTDIR)
        if is_directory and self._is_within(new.parent, inode):
            raise os_error(errno.EINVAL)
        if replaced is inode:
            return
        if isinstance(replaced, Directory) and self._is_within(old.parent, replaced):
            raise os_error(errno.ENOTEMPTY)
        old.check_can_change()
        new.check_can_change()
        if isinstance(replaced, Directory) and not is_directory:
            raise os_error(errno.EISDIR)
        if replaced is not None and is_directory and not isinstance(replaced, Directory):
            raise os_error(errno.ENOTDIR)
        if is_directory and old.parent is not new.parent:
            inode.check(os.W_OK)  # Its entry `..` changes.
        if isinstance(replaced, Directory) and replaced.entries:
            raise os_error(errno.ENOTEMPTY)
        old.parent.take(old.name)
        if replaced is not None:
            self._drop(new.parent.take(new.name))
        new.parent.put(new.name, inode)
        inode.changed = self.world.now

    def _is_within(self, inode: Directory, outer: Inode) -> bool:
        while inode is not outer:
            if inode is self.root:
                return False
            inode = inode.parent
        return True
