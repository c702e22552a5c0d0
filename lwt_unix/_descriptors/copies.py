"""Copies of a descriptor, and what programs that are started later inherit.

OCaml: `dup`, `dup2`, `set_close_on_exec` and `clear_close_on_exec` in lwt_unix.ml.
"""

from __future__ import annotations

from typing import Never

from lwt._core.checks import given_by_position
from lwt_unix import _system as system
from lwt_unix import lwt_engine
from lwt_unix._descriptors.emptied import emptied
from lwt_unix._descriptors.file_descr import File_descr, check_is_descriptor, check_opened
from lwt_unix._descriptors.mode import choose_mode, settle_mode
from lwt_unix._errors import call_named, note_call


def dup(descriptor: File_descr, /, *_wrong: Never, cloexec: bool = False) -> File_descr:
    """Return a new descriptor of the same file, in the same mode.

    Args:
        descriptor: what to copy.
        cloexec: whether programs started later do not inherit it.

    Raises:
        OSError: EMFILE, if there are no descriptors left.

    OCaml: Lwt_unix.dup : ?cloexec:bool -> file_descr -> file_descr
    """
    if _wrong:
        raise given_by_position(dup, _wrong)
    check_opened("lwt_unix.dup", descriptor)
    with call_named("dup"):
        fd = system.dup(descriptor._fd)
        inherit_unless(cloexec, fd)
    copy = File_descr(fd, descriptor._blocking, descriptor._set_flags)
    copy._socket_kind = descriptor._socket_kind
    return copy


def dup2(source: File_descr, target: File_descr, /, *_wrong: Never, cloexec: bool = False) -> None:
    """Make the number of `target` stand for the file of `source`, whatever it stood for before.

    What waits for `target` goes on waiting, now for the new file. As in OCaml, `target` need not be
    opened, and its state does not change.

    Args:
        source: what to copy; it must be opened.
        target: whose number gets the copy.
        cloexec: whether programs started later do not inherit it.

    OCaml: Lwt_unix.dup2 : ?cloexec:bool -> file_descr -> file_descr -> unit
    """
    if _wrong:
        raise given_by_position(dup2, _wrong)
    check_opened("lwt_unix.dup2", source)
    check_is_descriptor("lwt_unix.dup2", target)
    queues = [queue for queue in (target._readers, target._writers) if queue is not None]
    for queue in queues:
        queue.stop()
    emptied.note_end()
    try:
        if source._fd != target._fd:
            lwt_engine.get().forget(target._fd)
        system.dup2(source._fd, target._fd, inheritable=not cloexec)
        if target._socket is not None:
            target._socket.detach()
            target._socket = None
        target._socket_kind = source._socket_kind
        if target._in_threads is not None:
            target._in_threads.is_file = None
            target._in_threads.can_tell = True
        choose_mode(target, source._blocking, source._set_flags)
        if any(queue.first is not None for queue in queues):
            # Actions that wait do not settle the mode again, and the new file may still be in
            # blocking mode. (In OCaml, the second of two that wait to read then stops the program.)
            settle_mode(target)
    except OSError as exn:
        note_call(exn, "dup2")
        raise
    finally:
        if queues:
            lwt_engine.get().adopt(target._fd)
        for queue in queues:
            if queue.first is not None:
                queue.start()


def set_close_on_exec(descriptor: File_descr, /) -> None:
    """Keep programs that are started later from inheriting a descriptor.

    OCaml: Lwt_unix.set_close_on_exec : file_descr -> unit
    """
    _set_inheritable("lwt_unix.set_close_on_exec", descriptor, False)


def clear_close_on_exec(descriptor: File_descr, /) -> None:
    """Let programs that are started later inherit a descriptor.

    OCaml: Lwt_unix.clear_close_on_exec : file_descr -> unit
    """
    _set_inheritable("lwt_unix.clear_close_on_exec", descriptor, True)


def _set_inheritable(function: str, descriptor: File_descr, inheritable: bool) -> None:
    check_opened(function, descriptor)
    with call_named("set_close_on_exec"):  # OCaml's name for either direction
        system.set_inheritable(descriptor._fd, inheritable)


def inherit_unless(cloexec: bool, *fds: int) -> None:
    """Make new numbers inheritable, as they are in OCaml, unless asked not to.

    Python makes every descriptor non-inheritable. If this fails, all of them are closed.
    """
    if cloexec:
        return
    try:
        for fd in fds:
            system.set_inheritable(fd, True)
    except BaseException:
        for fd in fds:
            system.close(fd)
        raise
