"""The descriptor: a number of the system, a state, and a way of doing I/O on it.

In reading order: `File_descr`; how one is made; how one ends. The states have a file of their own.

`close` and `abort` first change the state, then reject what waits for the descriptor. Only then
does `close` give the number back to the system: no opened descriptor may have a number that belongs
to another file.

What waits for a descriptor stands in its two queues (`wait_queue`), which `actions` fills. How the
library does I/O on it is its `mode`.

OCaml: section "File descriptor wrappers", `abort` and `close` of lwt_unix.ml.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Final, Never, NoReturn, TypeVar, final

import lwt
from lwt._core.checks import check_exception, check_kind, given_by_position
from lwt._core.identity import refuse_copy
from lwt_unix import _system as system
from lwt_unix import lwt_engine
from lwt_unix._checks import check_fd
from lwt_unix._descriptors.emptied import emptied
from lwt_unix._descriptors.state import Aborted, Closed, Opened, State
from lwt_unix._descriptors.wait_queue import WaitQueue
from lwt_unix._errors import note_call
from lwt_unix._jobs.jobs import run_call
from lwt_unix._jobs.methods import Async_method, Async_none
from lwt_unix._system import SocketKind, SocketObject

A = TypeVar("A")

# --- The descriptor ----------------------------------------------------------


@final
class File_descr:
    """A descriptor of the system together with its state.

    Descriptors come from `socket`, `accept`, `pipe`, `of_unix_file_descr` and the like, and are
    used by the functions of `lwt_unix`. `async with descriptor:` closes it at the end, unless
    it is closed by then. A descriptor that is dropped without `close` stays open.

    OCaml: type Lwt_unix.file_descr
    """

    __slots__ = (
        "__weakref__",
        "_fd",
        "_state",
        "_direct",
        "_is_stream",
        "_settled",
        "_blocking",
        "_set_flags",
        "_readers",
        "_writers",
        "_retrying",
        "_turn",
        "_calls",
        "_in_threads",
        "_socket",
        "_socket_kind",
    )

    def __reduce_ex__(self, protocol: object, /) -> NoReturn:
        refuse_copy(self)

    def __init__(self, fd: int, blocking: bool | None, set_flags: bool) -> None:
        self._fd = fd
        self._state: State = Opened

        self._direct = False
        """Whether it is opened, its mode settled and non-blocking: all that `read` has to ask."""

        self._is_stream = False
        """Whether it is known to be a socket of type SOCK_STREAM; see `emptied`."""

        self._settled = False
        self._blocking = blocking
        """The mode; None if it is to be guessed at the first use. Read it with `settle_mode`."""

        self._set_flags = set_flags
        """Whether settling the mode may change the flag of the system."""

        self._readers: WaitQueue | None = None
        self._writers: WaitQueue | None = None
        self._retrying: WaitQueue | None = None
        """What waits to read, to write, and for a later attempt. `actions` makes each queue when it is
        first needed."""

        self._turn = 0
        self._calls = 0
        """The last turn of the engine in which the calls were counted from 0 on, and how many there
        were since then; see `MOST_AT_ONCE`."""

        self._in_threads: InThreads | None = None
        """What threads do with it. Few descriptors need this: `in_threads` makes it."""

        self._socket: SocketObject | None = None
        self._socket_kind: SocketKind | None = None
        """What Python's calls on sockets need; see `socket_of`."""

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
        if self._state is not Closed:
            await close(self)


def of_unix_file_descr(
    fd: int, /, *_wrong: Never, blocking: bool | None = None, set_flags: bool = True
) -> File_descr:
    """Wrap a descriptor of the system, which from now on belongs to the result.

    Args:
        fd: the number; a Python socket or file gives it up with `detach()`.
        blocking: the mode. By default, non-blocking for sockets and pipes, and blocking for all
            else; `fstat` tells which it is, at the first use.
        set_flags: whether to set the system's flag to that mode, at the first use. If not, the
            mode must be the one that the descriptor is in.

    Raises:
        ValueError: `fd` is negative, or too large for a descriptor.

    OCaml: Lwt_unix.of_unix_file_descr :
        ?blocking : bool -> ?set_flags : bool -> Unix.file_descr -> file_descr
    """
    if _wrong:
        raise given_by_position(of_unix_file_descr, _wrong)
    check_fd("lwt_unix.of_unix_file_descr", fd)
    return File_descr(fd, blocking, set_flags)


def unix_file_descr(descriptor: File_descr, /) -> int:
    """Return the number of a descriptor, in whatever state it is.

    OCaml: Lwt_unix.unix_file_descr : file_descr -> Unix.file_descr
    """
    check_is_descriptor("lwt_unix.unix_file_descr", descriptor)
    return descriptor._fd


def state(descriptor: File_descr, /) -> State:
    """Return the state of a descriptor.

    OCaml: Lwt_unix.state : file_descr -> state
    """
    check_is_descriptor("lwt_unix.state", descriptor)
    return descriptor._state


def check_descriptor(descriptor: File_descr, /) -> None:
    """Raise an exception unless a descriptor is opened.

    Raises:
        OSError: EBADF, if it is closed.
        Exception: the one it was aborted with.

    OCaml: Lwt_unix.check_descriptor : file_descr -> unit
    """
    check_opened("lwt_unix.check_descriptor", descriptor)


def check_is_descriptor(function: str, value: object) -> None:
    """Raise a TypeError unless this is a `File_descr`, in whatever state."""
    if type(value) is not File_descr:
        hint = (
            "lwt_unix.of_unix_file_descr makes one of a number, such as what the detach() of a"
            " Python socket returns"
        )
        check_kind(function, value, File_descr, hint)


def check_opened(function: str, descriptor: File_descr) -> None:
    """Do what `check_descriptor` does, for the function that was called."""
    check_is_descriptor(function, descriptor)
    if descriptor._state is not Opened:
        raise why_unusable(function, descriptor)


def why_unusable(what: str, descriptor: File_descr) -> Exception:
    """Return the exception of a use of a closed or aborted descriptor; `what` is the use."""
    state = descriptor._state
    if isinstance(state, Aborted):
        return state.exn.with_traceback(state.traceback)
    message = f"{os.strerror(errno.EBADF)} ({what}: {descriptor!r})"
    problem = OSError(errno.EBADF, message)
    note_call(problem, "check_descriptor")
    return problem


# --- The end of a descriptor -------------------------------------------------


def abort(descriptor: File_descr, exn: Exception, /) -> None:
    """Make all that waits for a descriptor, and every later use of it, fail with an exception.

    Before this returns, the readers that wait are rejected, and then the writers. The file
    stays open: call `close` as well. On a closed descriptor nothing happens; on an aborted one, the
    exception is replaced.

    OCaml: Lwt_unix.abort : file_descr -> exn -> unit
    """
    check_is_descriptor("lwt_unix.abort", descriptor)
    check_exception("lwt_unix.abort", exn)
    aborted = Aborted(exn)
    if descriptor._state is not Closed:  # Nor has a finaliser closed it.
        descriptor._state = aborted
        descriptor._direct = False
        _reject_waiters(descriptor)


def close(descriptor: File_descr, /) -> lwt.Promise[None]:
    """Close a descriptor.

    In this order: its state becomes `Closed`; what waits for it is rejected with EBADF, readers
    first; the file is closed, once, whatever happened before. An error of the system in doing so
    rejects the promise; the descriptor is closed all the same.

    A file that is being read or written in a thread is closed when that is over: until then no other
    file may have its number. Closing a file may take time, and is done in a thread, too.

    Raises:
        OSError: EBADF, if it is closed already.

    OCaml: Lwt_unix.close : file_descr -> unit Lwt.t
    """
    check_is_descriptor("lwt_unix.close", descriptor)
    if descriptor._state is Closed:
        raise why_unusable("lwt_unix.close", descriptor)
    descriptor._state = Closed
    descriptor._direct = False
    emptied.note_end()
    try:
        _reject_waiters(descriptor)
    finally:
        closing = _close_when_unused(descriptor)
    return closing


def _reject_waiters(descriptor: File_descr) -> None:
    readers, writers, retrying = descriptor._readers, descriptor._writers, descriptor._retrying
    try:
        if readers is not None and readers.first is not None:
            readers.reject_all(partial(_why_rejected, descriptor))
    finally:
        try:
            if writers is not None and writers.first is not None:
                writers.reject_all(partial(_why_rejected, descriptor))
        finally:
            if retrying is not None and retrying.first is not None:
                retrying.reject_all(partial(_why_rejected, descriptor))
            # The descriptor and its queues refer to each other; part them: no cycle is left.
            descriptor._readers = descriptor._writers = descriptor._retrying = None


def _why_rejected(descriptor: File_descr) -> Exception:
    return why_unusable("closed while this waited", descriptor)


def _close_when_unused(descriptor: File_descr) -> lwt.Promise[None]:
    lwt_engine.get().forget(descriptor._fd)
    if descriptor._socket is not None:
        descriptor._socket.detach()
        descriptor._socket = None
    threads = descriptor._in_threads
    if threads is None or not threads.calls:
        return _close_number(descriptor)
    closing: lwt.Promise[None]
    resolver: lwt.Resolver[None]
    closing, resolver = lwt.wait()
    threads.closing = resolver
    if not threads.calls:  # A finaliser has run the main loop's part meanwhile.
        threads.closing = None
        return _close_number(descriptor)
    return lwt.bind(closing, lambda _: _close_number(descriptor))


def _close_number(descriptor: File_descr) -> lwt.Promise[None]:
    threads = descriptor._in_threads
    method = None if threads is not None and threads.is_file else Async_none
    return run_call("close", partial(system.close, descriptor._fd), method=method)


# --- Calls in threads --------------------------------------------------------


@final
class InThreads:
    """What is known of a descriptor whose calls are made in threads, or may be."""

    __slots__ = ("calls", "can_tell", "closing", "is_file")

    def __init__(self) -> None:
        self.is_file: bool | None = None
        self.can_tell = True
        """What `page_cache` knows."""

        self.calls = 0
        """How many threads make a call on the number."""

        self.closing: lwt.Resolver[None] | None = None
        """What is resolved when the last of the calls is over, if the number is to be closed then."""


def in_threads(descriptor: File_descr) -> InThreads:
    """Return what is known of a descriptor whose calls may be made in threads."""
    known = descriptor._in_threads
    if known is None:
        new = InThreads()
        known = descriptor._in_threads = descriptor._in_threads or new
    return known


def run_on(
    name: str, descriptor: File_descr, call: Callable[[], A], method: Async_method | None = None
) -> lwt.Promise[A]:
    """Run a job that uses the number of a descriptor, which is not closed before that is over."""
    threads = in_threads(descriptor)
    threads.calls += 1
    return run_call(name, call, over=partial(_count_as_over, threads), method=method)


def _count_as_over(threads: InThreads) -> None:
    threads.calls -= 1
    resolver = threads.closing
    if resolver is not None and not threads.calls:
        threads.closing = None
        lwt.wakeup(resolver, None)


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


def renew() -> None:
    """Begin again: the standard descriptors are open, and nobody waits for them."""
    for fd, descriptor in enumerate((stdin, stdout, stderr)):
        descriptor.__init__(fd, True, False)
