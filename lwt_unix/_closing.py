"""The end of a descriptor, by `close` or `abort`, and the making of copies of it.

What ends a descriptor changes its state first, then rejects who waits for it, and only then, for
`close`, gives the number back to the system: nobody may find an opened descriptor on a number that
is somebody else's.

OCaml: `abort`, `close`, `dup`, `dup2` and their kin in lwt_unix.ml.
"""

from __future__ import annotations

import os
from functools import partial

import lwt
from lwt_unix import lwt_engine
from lwt_unix._file_descr import (
    Aborted,
    Closed,
    File_descr,
    check_descriptor,
    check_is_descriptor,
    choose_mode,
    settle_mode,
    why_unusable,
)
from lwt_unix._jobs import run_job

# --- The end of a descriptor -------------------------------------------------


def abort(descriptor: File_descr, exn: Exception, /) -> None:
    """Make all that waits for a descriptor, and every later use of it, fail with an exception.

    The readers that wait are rejected first, then the writers, before this returns. The file
    stays open: `close` is still to be called. On a closed descriptor nothing happens; on an
    aborted one, the exception is replaced.

    OCaml: Lwt_unix.abort : file_descr -> exn -> unit
    """
    check_is_descriptor(descriptor)
    if not isinstance(exn, Exception):
        raise TypeError(f"Lwt_unix.abort: {exn!r} is not an instance of Exception")
    if descriptor._state is not Closed:
        descriptor._state = Aborted(exn)
        descriptor._direct = False
        _reject_waiters(descriptor)


def close(descriptor: File_descr, /) -> lwt.Promise[None]:
    """Close a descriptor.

    In this order: its state becomes `Closed`; what waits for it is rejected with EBADF, readers
    first; the file is closed, once, whatever happened before. An error of the system in doing so
    rejects the promise, and the descriptor is closed even then.

    Raises:
        OSError: EBADF, if it is closed already.

    OCaml: Lwt_unix.close : file_descr -> unit Lwt.t
    """
    check_is_descriptor(descriptor)
    if descriptor._state is Closed:
        raise why_unusable(descriptor)
    descriptor._state = Closed
    descriptor._direct = False
    try:
        _reject_waiters(descriptor)
    finally:
        closing = run_job(partial(_close_file, descriptor))
    return closing


def _reject_waiters(descriptor: File_descr) -> None:
    readers, writers = descriptor._readers, descriptor._writers
    try:
        if readers is not None:
            readers.reject_all()
    finally:
        if writers is not None:
            writers.reject_all()
        # The descriptor and its queues know each other; part them, and no cycle is left.
        descriptor._readers = descriptor._writers = None


def _close_file(descriptor: File_descr) -> None:
    fd = descriptor._fd
    lwt_engine.get().forget(fd)
    if descriptor._socket is not None:
        descriptor._socket.detach()
        descriptor._socket = None
    os.close(fd)


# --- Copies ------------------------------------------------------------------


def dup(descriptor: File_descr, /, *, cloexec: bool = False) -> File_descr:
    """Return a new descriptor of the same file, in the same mode.

    Args:
        descriptor: what to copy.
        cloexec: whether programs started later do not inherit it.

    Raises:
        Exception: as `check_descriptor`; OSError if no more descriptors are to be had.

    OCaml: Lwt_unix.dup : ?cloexec:bool -> file_descr -> file_descr
    """
    check_descriptor(descriptor)
    fd = os.dup(descriptor._fd)
    inherit_unless(cloexec, fd)
    copy = File_descr(fd, descriptor._blocking, descriptor._set_flags)
    copy._socket_kind = descriptor._socket_kind
    return copy


def dup2(source: File_descr, target: File_descr, /, *, cloexec: bool = False) -> None:
    """Make the number of `target` stand for the file of `source`, whatever it stood for before.

    Those who wait for `target` go on waiting, for its new file. As in OCaml, the state of
    `target` is neither asked for nor changed.

    Args:
        source: what to copy; it must be opened.
        target: whose number gets the copy.
        cloexec: whether programs started later do not inherit it.

    Raises:
        Exception: as `check_descriptor`.

    OCaml: Lwt_unix.dup2 : ?cloexec:bool -> file_descr -> file_descr -> unit
    """
    check_descriptor(source)
    check_is_descriptor(target)
    queues = [queue for queue in (target._readers, target._writers) if queue is not None]
    for queue in queues:
        queue.stop()
    try:
        if source._fd != target._fd:
            lwt_engine.get().forget(target._fd)
        os.dup2(source._fd, target._fd, inheritable=not cloexec)
        if target._socket is not None:
            target._socket.detach()
            target._socket = None
        target._socket_kind = source._socket_kind
        choose_mode(target, source._blocking, source._set_flags)
        if any(queue.first is not None for queue in queues):
            # They are not asked for the mode again, and the file may still be a blocking one. (In
            # OCaml, the second of two that wait to read then stops the program.)
            settle_mode(target)
    finally:
        if queues:
            lwt_engine.get().adopt(target._fd)
        for queue in queues:
            if queue.first is not None:
                queue.start()


def set_close_on_exec(descriptor: File_descr, /) -> None:
    """Keep programs that are started later from inheriting a descriptor.

    Raises:
        Exception: as `check_descriptor`.

    OCaml: Lwt_unix.set_close_on_exec : file_descr -> unit
    """
    check_descriptor(descriptor)
    os.set_inheritable(descriptor._fd, False)


def clear_close_on_exec(descriptor: File_descr, /) -> None:
    """Let programs that are started later inherit a descriptor.

    Raises:
        Exception: as `check_descriptor`.

    OCaml: Lwt_unix.clear_close_on_exec : file_descr -> unit
    """
    check_descriptor(descriptor)
    os.set_inheritable(descriptor._fd, True)


def inherit_unless(cloexec: bool, *fds: int) -> None:
    """Make new numbers inheritable, as they are in OCaml, unless asked not to.

    Python makes every descriptor non-inheritable. If this fails, all of them are closed.
    """
    if cloexec:
        return
    try:
        for fd in fds:
            os.set_inheritable(fd, True)
    except BaseException:
        for fd in fds:
            os.close(fd)
        raise
