"""Files, and reading those parts of them that are in memory: the page cache.

A file is always "ready", for epoll and its kin. But a call on it may have to wait for the disk, and is
therefore done in a thread. Most of what is read is in memory, however. Linux can be asked for that
alone, and says "not now" where it would have to wait. So nearly all reads need no thread, which would
cost ten times as much.

Not in OCaml, which uses a thread for each call.
"""

from __future__ import annotations

import stat
from collections.abc import Sequence
from typing import Final

from lwt_unix import _system as system
from lwt_unix._descriptors.file_descr import File_descr, in_threads

MOST_NOW: Final = 262_144
"""How many bytes are read without a thread at most: copying them takes some 50 microseconds."""

HERE: Final = -1
"""The offset that means: where the descriptor is, which goes on by what is read."""


def is_file(descriptor: File_descr) -> bool:
    """Say whether calls on an opened descriptor may wait for a disk, and polling does not tell."""
    known = in_threads(descriptor)
    is_one = known.is_file
    if is_one is None:
        try:
            mode = system.fstat(descriptor._fd).st_mode
        except OSError:
            return False
        is_one = known.is_file = waits_for_a_disk(mode)
    return is_one


def waits_for_a_disk(mode: int) -> bool:
    """Say whether that is so for the `st_mode` of what is open."""
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISBLK(mode)


def read_now(
    descriptor: File_descr, parts: Sequence[memoryview], size: int, offset: int
) -> int | None:
    """Read from a file what is in memory; None if the call has to be made in a thread.

    It is read into `parts`, which have room for `size` bytes. Any error is left to that call.
    """
    known = in_threads(descriptor)
    if not known.can_tell or not system.NOWAIT or size > MOST_NOW:
        return None
    try:
        return system.preadv(descriptor._fd, parts, offset, system.NOWAIT)
    except BlockingIOError:
        return None
    except OSError:
        known.can_tell = False  # The file system cannot tell (EOPNOTSUPP).
        return None
