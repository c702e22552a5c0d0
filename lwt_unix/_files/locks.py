"""Locks on parts of a file, which other processes respect if they ask.

OCaml: section "Locking" of lwt_unix.ml.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from enum import Enum
from functools import partial
from types import MappingProxyType
from typing import Final

import lwt
from lwt._core.checks import check_kind
from lwt._core.publish import constants
from lwt_unix import _system as system
from lwt_unix._descriptors.file_descr import File_descr, check_opened, run_on
from lwt_unix._files.paths import check_offset


@constants
class Lock_command(Enum):
    """What to do with a lock.

    OCaml: type Lwt_unix.lock_command
    """

    F_ULOCK = enum.auto()
    F_LOCK = enum.auto()
    F_TLOCK = enum.auto()
    F_TEST = enum.auto()
    F_RLOCK = enum.auto()
    F_TRLOCK = enum.auto()


F_ULOCK: Final = Lock_command.F_ULOCK
"""Unlock.

OCaml: Lwt_unix.F_ULOCK
"""

F_LOCK: Final = Lock_command.F_LOCK
"""Lock for writing; wait until nobody else has a lock.

OCaml: Lwt_unix.F_LOCK
"""

F_TLOCK: Final = Lock_command.F_TLOCK
"""Lock for writing, or fail if somebody else has a lock.

OCaml: Lwt_unix.F_TLOCK
"""

F_TEST: Final = Lock_command.F_TEST
"""Fail if another process has a lock.

OCaml: Lwt_unix.F_TEST
"""

F_RLOCK: Final = Lock_command.F_RLOCK
"""Lock for reading; wait until nobody else has a lock for writing.

OCaml: Lwt_unix.F_RLOCK
"""

F_TRLOCK: Final = Lock_command.F_TRLOCK
"""Lock for reading, or fail if somebody else has a lock for writing.

OCaml: Lwt_unix.F_TRLOCK
"""

_CALLS: Final = MappingProxyType(
    {
        F_ULOCK: "unlock",
        F_LOCK: "lock",
        F_TLOCK: "try_lock",
        F_TEST: "test_lock",
        F_RLOCK: "read_lock",
        F_TRLOCK: "try_read_lock",
    }
)
"""The names of the calls: what stands behind them may change."""


def lockf(descriptor: File_descr, command: Lock_command, size: int, /) -> lwt.Promise[None]:
    """Lock a part of a file for this process, or unlock it, or ask whether it is locked.

    A lock ends when it is unlocked, or when the process closes any descriptor of the file, or ends.
    Between the threads and bodies of one process there are no such locks: use `lwt_mutex`.

    Args:
        descriptor: of the file, opened for writing if it is to be locked for that.
        command: what to do. `F_LOCK` and `F_RLOCK` wait, in a thread; that cannot be cancelled.
        size: how many bytes from where the descriptor is; before that place if it is negative;
            to the end of the file, however far that is, if it is 0.

    Raises:
        OSError: by rejection: EACCES or EAGAIN, if somebody else has a lock.

    OCaml: Lwt_unix.lockf : file_descr -> lock_command -> int -> unit Lwt.t
    """
    check_opened("lwt_unix.lockf", descriptor)
    hint = "use lwt_unix.F_LOCK or the like"
    check_kind("lwt_unix.lockf", command, Lock_command, hint)
    check_offset("lwt_unix.lockf", "the size", size)
    call: Callable[[], None] = partial(getattr(system, _CALLS[command]), descriptor._fd, size)
    return run_on("lockf", descriptor, call)
