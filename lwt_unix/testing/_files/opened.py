"""Open files of a simulated world: files, directories and devices. What they stand for is in `tree`."""

from __future__ import annotations

import errno
import os
import stat
from typing import Final

from lwt._core import choices
from lwt_unix.testing._files.tree import (
    UMASK,
    Device,
    Directory,
    Inode,
    Regular_file,
    Socket_file,
    Tree,
)
from lwt_unix.testing._world.world import Data, Description, World, not_now, os_error

_LARGEST: Final = 2**63 - 1


class Opened(Description):
    """What all of these have."""

    __slots__ = ("access", "appends", "inode_of", "position")

    def __init__(self, world: World, name: str, inode: Inode, flags: int) -> None:
        super().__init__(world, name)
        self.inode_of = inode
        self.inode = inode.number
        self.access = flags & os.O_ACCMODE
        self.appends = bool(flags & os.O_APPEND)
        self.position = 0

    def check_reads(self) -> None:
        """Raise EBADF unless it is open for reading."""
        if self.access == os.O_WRONLY:
            raise os_error(errno.EBADF)

    def check_writes(self) -> None:
        """Raise EBADF unless it is open for writing."""
        if self.access == os.O_RDONLY:
            raise os_error(errno.EBADF)

    # --- What kinds do differently -------------------------------------------

    def read_at(self, view: memoryview, position: int) -> int:
        """Read from a place on."""
        raise os_error(errno.EISDIR)

    def write_at(self, data: Data, position: int) -> int:
        """Write from a place on."""
        raise os_error(errno.EBADF)

    def end(self) -> int:
        """Return what SEEK_END counts from."""
        return 0

    def truncate(self, size: int) -> None:
        """Give the file a size."""
        raise os_error(errno.EINVAL)

    def sync(self) -> None:
        """Have all that was written be on the disk, where it is already."""

    # --- What all do alike ---------------------------------------------------

    def read(self, view: memoryview, /) -> int:
        """Read from where it is."""
        self.check_reads()
        count = self.read_at(view, self.position)
        self.position += count
        return count

    def write(self, data: Data, /) -> int:
        """Write from where it is, or at the end."""
        self.check_writes()
        if self.appends:
            self.position = self.end()
        count = self.write_at(data, self.position)
        self.position += count
        return count

    def seek(self, offset: int, how: int) -> int:
        """Move to a place."""
        starts = {os.SEEK_SET: 0, os.SEEK_CUR: self.position, os.SEEK_END: self.end()}
        if how not in starts or not 0 <= starts[how] + offset <= _LARGEST:
            raise os_error(errno.EINVAL)
        self.position = starts[how] + offset
        return self.position


class Opened_file(Opened):
    """A file that is open."""

    __slots__ = ("file",)

    mode = stat.S_IFREG

    def __init__(self, world: World, name: str, file: Regular_file, flags: int) -> None:
        super().__init__(world, name, file, flags)
        self.file = file
        file.opened += 1

    def read_at(self, view: memoryview, position: int) -> int:
        """Read what is there."""
        return self.file.read(view, position)

    def write_at(self, data: Data, position: int) -> int:
        """Write what there is space for."""
        return self.file.write(data, position)

    def end(self) -> int:
        """Return the size."""
        return self.file.size

    def truncate(self, size: int) -> None:
        """Give the file a size."""
        if self.access == os.O_RDONLY:
            raise os_error(errno.EINVAL)
        self.file.truncate(size)

    def close(self) -> None:
        """Let go of the file."""
        self.file.opened -= 1
        self.file.release()

    def look_whether_in_memory(self) -> None:
        """Choose whether what is to be read is in memory; raise EAGAIN if not."""
        if choices.source is not None and choices.choose(
            choices.NOT_NOW, 2, lambda _: f"{self.name} has to be read from the disk"
        ):
            raise not_now()


class Opened_directory(Opened):
    """A directory that is open."""

    __slots__ = ("directory",)

    mode = stat.S_IFDIR

    def __init__(self, world: World, name: str, directory: Directory, flags: int) -> None:
        super().__init__(world, name, directory, flags)
        self.directory = directory


class Opened_device(Opened):
    """A device that is open."""

    __slots__ = ("device",)

    mode = stat.S_IFCHR

    def __init__(self, world: World, name: str, device: Device, flags: int) -> None:
        super().__init__(world, name, device, flags)
        self.device = device

    def read_at(self, view: memoryview, position: int) -> int:
        """Read nothing, zeros, or random bytes."""
        size = len(view)
        if self.device.name == "null":
            return 0
        is_random = self.device.name.endswith("random")
        view[:] = self.world.choices.chance().randbytes(size) if is_random else bytes(size)
        return size

    def write_at(self, data: Data, position: int) -> int:
        """Drop what is written."""
        if self.device.name == "full" and data:
            raise os_error(errno.ENOSPC)
        return len(data)

    def seek(self, offset: int, how: int) -> int:
        """Stay where it is."""
        return 0

    def sync(self) -> None:
        """Say that there is no disk."""
        raise os_error(errno.EINVAL)


def open_file(tree: Tree, path: str, flags: int, permissions: int, start: Directory) -> Opened:
    """Open what a path leads to, or make a file.

    Raises:
        OSError: as on Linux.
    """
    world = tree.world
    if flags & os.O_CREAT and flags & os.O_DIRECTORY:
        raise os_error(errno.EINVAL)
    if flags & os.O_CREAT and path.endswith("/"):
        tree.find_name(path, start)
        raise os_error(errno.EISDIR)
    is_exclusive = bool(flags & os.O_CREAT and flags & os.O_EXCL)
    follows = not is_exclusive and not flags & os.O_NOFOLLOW
    place = tree.find(path, start, follows=follows)
    inode = place.inode
    if inode is None:
        if not flags & os.O_CREAT:
            raise os_error(errno.ENOENT)
        new = Regular_file(world, permissions & ~UMASK & 0o7777, tree.space)
        return Opened_file(world, f"file {path}", tree.add(place, new), flags)
    if is_exclusive:
        raise os_error(errno.EEXIST)
    writes = flags & os.O_ACCMODE != os.O_RDONLY
    if isinstance(inode, Directory):
        if writes or flags & (os.O_CREAT | os.O_TRUNC):
            raise os_error(errno.EISDIR)
        inode.check(os.R_OK)
        return Opened_directory(world, f"directory {path}", inode, flags)
    if flags & os.O_DIRECTORY:
        raise os_error(errno.ENOTDIR)
    if isinstance(inode, Socket_file):
        raise os_error(errno.ENXIO)
    if not follows and stat.S_ISLNK(inode.mode):
        raise os_error(errno.ELOOP)
    reads = flags & os.O_ACCMODE != os.O_WRONLY
    changes = writes or flags & os.O_TRUNC
    inode.check((os.R_OK if reads else 0) | (os.W_OK if changes else 0))
    if isinstance(inode, Device):
        return Opened_device(world, path, inode, flags)
    assert isinstance(inode, Regular_file)
    if flags & os.O_TRUNC:
        inode.truncate(0)
    return Opened_file(world, f"file {path}", inode, flags)
