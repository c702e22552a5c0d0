"""The mode of a descriptor: how the library does I/O on it.

In non-blocking mode a system call is tried at once, and tried again when the engine reports the
descriptor ready. In blocking mode the library makes sure that the descriptor is ready before each
call.

The mode is *settled* at the first use, not when the descriptor is made: only then is it guessed, if
it was not given, and only then is the flag of the system set, if that is allowed. So a descriptor
that is only handed on to another program keeps the flag that it came with.

OCaml: `blocking` and `set_blocking` of lwt_unix.ml.
"""

from __future__ import annotations

import stat
from socket import SOCK_STREAM
from typing import Never

import lwt
from lwt._core.checks import given_by_position
from lwt_unix import _system as system
from lwt_unix._descriptors.file_descr import File_descr, check_opened
from lwt_unix._descriptors.state import Opened
from lwt_unix._errors import call_named
from lwt_unix._system import SocketKind


def blocking(descriptor: File_descr, /) -> lwt.Promise[bool]:
    """Return whether I/O on a descriptor is done in blocking mode, settling its mode.

    Raises:
        OSError: the system refuses to set the flag.

    OCaml: Lwt_unix.blocking : file_descr -> bool Lwt.t
    """
    check_opened("lwt_unix.blocking", descriptor)
    return lwt.return_(settle_mode(descriptor))


def set_blocking(
    descriptor: File_descr, blocking: bool, /, *_wrong: Never, set_flags: bool = True
) -> None:
    """Choose the mode of a descriptor.

    Args:
        descriptor: it must be opened.
        blocking: the mode.
        set_flags: whether to set the system's flag to it as well, at the next use.

    OCaml: Lwt_unix.set_blocking : ?set_flags : bool -> file_descr -> bool -> unit
    """
    if _wrong:
        raise given_by_position(set_blocking, _wrong)
    check_opened("lwt_unix.set_blocking", descriptor)
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
        with call_named("clear_nonblock" if blocking else "set_nonblock"):
            system.set_blocking(descriptor._fd, blocking)
    descriptor._blocking = blocking
    descriptor._settled = True
    descriptor._direct = not blocking
    descriptor._is_stream = _is_stream(descriptor._socket_kind)
    return blocking


def _is_stream(kind: SocketKind | None) -> bool:
    return kind is not None and kind.type == SOCK_STREAM


def _guess_blocking(fd: int) -> bool:
    try:
        mode = system.fstat(fd).st_mode
    except OSError:
        return True
    return not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode))


def already_non_blocking(fd: int, kind: SocketKind | None) -> File_descr:
    """Wrap the number of a socket whose flag says non-blocking: nothing is left to settle."""
    descriptor = File_descr(fd, False, False)
    descriptor._socket_kind = kind
    descriptor._is_stream = _is_stream(kind)
    descriptor._settled = True
    descriptor._direct = True
    return descriptor
