"""The descriptor: a number of the system's, a state, and a way of doing I/O on it.

In reading order: the states; `File_descr`; how one is made; its mode.

A descriptor is in one of three states, and leaves `Opened` for good:

- `Opened`: usable.
- `Aborted(exn)`: every use fails with `exn`; only closing it is left.
- `Closed`: every use fails with EBADF. Its number may belong to another file already.

Its *mode* says how the library does I/O on it. In non-blocking mode a system call is tried at
once, and tried again when the engine reports the descriptor ready. In blocking mode the library
makes sure that the descriptor is ready before each call. The mode is settled at the first use,
not when the descriptor is made: only then is it guessed, where it was not given, and the flag of
the system set, where it may be. So a descriptor that is only handed on to another program keeps
the flag that it came with.

Who waits for a descriptor is told in `_actions.py`, what happens when it is closed in `_closing.py`.

OCaml: section "File descriptor wrappers" of lwt_unix.ml.
"""

from __future__ import annotations

import enum
import errno
import os
import stat
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Final, TypeAlias, final

import lwt
from lwt_unix._checks import check_fd, described

if TYPE_CHECKING:
    from lwt_unix._actions import Waiters
    from lwt_unix._socket_object import SocketKind, SocketObject

# --- States ------------------------------------------------------------------


class _State(enum.Enum):
    """The type of `Opened` and `Closed` (an enum, so that checkers can tell them apart)."""

    Opened = enum.auto()
    Closed = enum.auto()

    def __repr__(self) -> str:
        return self.name


Opened: Final = _State.Opened
"""The descriptor is usable.

OCaml: Lwt_unix.Opened
"""

Closed: Final = _State.Closed
"""The descriptor has been closed, and must not be used.

OCaml: Lwt_unix.Closed
"""


@dataclass(frozen=True, slots=True, eq=False)
class Aborted:
    """The descriptor has been aborted: `close` is all that is left; the rest fails with `exn`.

    As elsewhere, two are equal if their exceptions have the same type and arguments.

    OCaml: Lwt_unix.Aborted of exn
    """

    exn: Exception

    traceback: TracebackType | None = field(init=False, repr=False)
    """Where `exn` came from. It would grow each time `exn` is raised, so each starts from here."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "traceback", self.exn.__traceback__)

    def __eq__(self, other: object) -> bool:
        if type(other) is not Aborted:
            return NotImplemented
        return type(self.exn) is type(other.exn) and self.exn.args == other.exn.args

    def __hash__(self) -> int:
        return hash((Aborted, type(self.exn), self.exn.args))


State: TypeAlias = _State | Aborted

# --- The descriptor ----------------------------------------------------------


@final
class File_descr:
    """A descriptor of the system together with its state.

    Descriptors come from `socket`, `accept`, `pipe`, `of_unix_file_descr` and their kin, and are
    used by the functions of `lwt_unix`. `async with descriptor:` closes it at the end, unless
    that has happened by then. A descriptor that is dropped without `close` stays open.

    OCaml: type Lwt_unix.file_descr
    """

    __slots__ = (
        "__weakref__",
        "_fd",
        "_state",
        "_direct",
        "_settled",
        "_blocking",
        "_set_flags",
        "_readers",
        "_writers",
        "_socket",
        "_socket_kind",
    )

    def __init__(self, fd: int, blocking: bool | None, set_flags: bool) -> None:
        self._fd = fd
        self._state: State = Opened

        self._direct = False
        """Whether it is opened, its mode settled and non-blocking: all that `read` has to ask."""

        self._settled = False
        self._blocking = blocking
        """The mode; None if it is to be guessed at the first use. Read it with `settle_mode`."""

        self._set_flags = set_flags
        """Whether settling the mode may change the flag of the system."""

        self._readers: Waiters | None = None
        self._writers: Waiters | None = None
        """Who waits to read and to write. Made for the first who does."""

        self._socket: SocketObject | None = None
        self._socket_kind: SocketKind | None = None
        """What the standard library needs for calls that are for sockets; see `_socket_object`."""

    def __repr__(self) -> str:
        return f"<File_descr {self._fd}, {self._state!r}>"

    async def __aenter__(self) -> File_descr:
        return self

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        from lwt_unix._closing import close  # noqa: PLC0415  (it stands on this module)

        if self._state is not Closed:
            await close(self)


def of_unix_file_descr(
    fd: int, /, *, blocking: bool | None = None, set_flags: bool = True
) -> File_descr:
    """Wrap a descriptor of the system, which from now on belongs to the result.

    Args:
        fd: the number; a Python socket or file gives it up with `detach()`.
        blocking: the mode. By default, non-blocking for sockets and pipes, and blocking for all
            else; this is found out, with `fstat`, at the first use.
        set_flags: whether to set the system's flag to that mode, at the first use. If not, the
            mode must be the one that the descriptor is in.

    Raises:
        TypeError, ValueError: `fd` is no number of a descriptor.

    OCaml: Lwt_unix.of_unix_file_descr :
        ?blocking : bool -> ?set_flags : bool -> Unix.file_descr -> file_descr
    """
    check_fd("Lwt_unix.of_unix_file_descr", fd)
    return File_descr(fd, blocking, set_flags)


def unix_file_descr(descriptor: File_descr, /) -> int:
    """Return the number of a descriptor, in whatever state it is.

    OCaml: Lwt_unix.unix_file_descr : file_descr -> Unix.file_descr
    """
    check_is_descriptor(descriptor)
    return descriptor._fd


def state(descriptor: File_descr, /) -> State:
    """Return the state of a descriptor.

    OCaml: Lwt_unix.state : file_descr -> state
    """
    check_is_descriptor(descriptor)
    return descriptor._state


def check_descriptor(descriptor: File_descr, /) -> None:
    """Raise an exception unless a descriptor is opened.

    Raises:
        OSError: EBADF, if it is closed.
        Exception: the one it was aborted with.

    OCaml: Lwt_unix.check_descriptor : file_descr -> unit
    """
    check_is_descriptor(descriptor)
    if descriptor._state is not Opened:
        raise why_unusable(descriptor)


def check_is_descriptor(value: object) -> None:
    """Raise a TypeError unless this is a `File_descr`, in whatever state."""
    if type(value) is not File_descr:
        raise TypeError(
            f"Lwt_unix: expected a File_descr, got {described(value)}; lwt_unix.of_unix_file_descr"
            " makes one of a number, such as the detach() of a Python socket gives"
        )


def why_unusable(descriptor: File_descr) -> Exception:
    """Return the exception that every use of a closed or aborted descriptor meets."""
    state = descriptor._state
    if isinstance(state, Aborted):
        return state.exn.with_traceback(state.traceback)
    message = f"{os.strerror(errno.EBADF)} (Lwt_unix.check_descriptor: {descriptor!r})"
    return OSError(errno.EBADF, message)


# --- The mode ----------------------------------------------------------------


def blocking(descriptor: File_descr, /) -> lwt.Promise[bool]:
    """Return whether I/O on a descriptor is done in blocking mode, settling its mode.

    Raises:
        Exception: as `check_descriptor`; OSError if the system refuses to set the flag.

    OCaml: Lwt_unix.blocking : file_descr -> bool Lwt.t
    """
    check_descriptor(descriptor)
    return lwt.return_(settle_mode(descriptor))


def set_blocking(descriptor: File_descr, blocking: bool, /, *, set_flags: bool = True) -> None:
    """Choose the mode of a descriptor.

    Args:
        descriptor: it must be opened.
        blocking: the mode.
        set_flags: whether to set the system's flag to it as well, at the next use.

    Raises:
        Exception: as `check_descriptor`.

    OCaml: Lwt_unix.set_blocking : ?set_flags : bool -> file_descr -> bool -> unit
    """
    check_descriptor(descriptor)
    choose_mode(descriptor, blocking, set_flags)


def choose_mode(descriptor: File_descr, blocking: bool | None, set_flags: bool) -> None:
    """Give a descriptor a mode that is settled at its next use."""
    descriptor._blocking = blocking
    descriptor._set_flags = set_flags
    descriptor._settled = False
    descriptor._direct = False


def settle_mode(descriptor: File_descr) -> bool:
    """Settle the mode of a descriptor if that is still to be done; return whether it blocks.

    If the descriptor is not opened, nothing is settled: its number may be another file's.
    """
    if descriptor._settled:
        return bool(descriptor._blocking)
    if descriptor._state is not Opened:
        return bool(descriptor._blocking)
    blocking = descriptor._blocking
    if blocking is None:
        blocking = _guess_blocking(descriptor._fd)
    if descriptor._set_flags:
        os.set_blocking(descriptor._fd, blocking)
    descriptor._blocking = blocking
    descriptor._settled = True
    descriptor._direct = not blocking
    return blocking


def _guess_blocking(fd: int) -> bool:
    try:
        mode = os.fstat(fd).st_mode
    except OSError:
        return True
    return not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode))


def already_non_blocking(fd: int) -> File_descr:
    """Wrap a number whose flag says non-blocking: nothing is left to settle."""
    descriptor = File_descr(fd, False, False)
    descriptor._settled = True
    descriptor._direct = True
    return descriptor


# --- Standard descriptors ----------------------------------------------------

stdin: Final = of_unix_file_descr(0, blocking=True, set_flags=False)
"""Standard input. Its flags are left alone: other programs share them.

OCaml: Lwt_unix.stdin : file_descr
"""

stdout: Final = of_unix_file_descr(1, blocking=True, set_flags=False)
"""Standard output.

OCaml: Lwt_unix.stdout : file_descr
"""

stderr: Final = of_unix_file_descr(2, blocking=True, set_flags=False)
"""Standard error.

OCaml: Lwt_unix.stderr : file_descr
"""
