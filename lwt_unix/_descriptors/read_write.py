"""Reading and writing, and pipes.

Servers spend their time in `read` and `write`. So these are `wrap_syscall` written out: the system
call is tried at once, and one promise is made. (Python itself tries again after a signal, so only
EAGAIN says "not now".) The calls are `readv` and `write` on a view of the caller's buffer, so that
nothing is copied but what is small. They are the same for sockets, pipes and files.

Writing to a pipe or socket that nobody reads any more is an OSError (EPIPE), never a signal. Python
ignores SIGPIPE from the start; an OCaml program has to ask for that.

OCaml: sections "Basic file input/output" and "Pipes and redirections" of lwt_unix.ml.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, Never, final

import lwt
import lwt_unix._system as system  # In this form, compiled code need not look for the name.
from lwt._core.checks import given_by_position
from lwt._core.promise import FULFILLED, new_promise
from lwt_unix._descriptors.actions import (
    LONG_WRITE,
    MOST_AT_ONCE,
    OF_A_CALL,
    OF_A_WRITE,
    Retry,
    has_had_its_turn,
    put_to_wait,
    try_later,
    wait_for,
    would_not_block,
)
from lwt_unix._descriptors.buffers import (
    check_ascii,
    part_to_fill,
    part_to_write,
    readable_slice,
    release,
)
from lwt_unix._descriptors.copies import inherit_unless
from lwt_unix._descriptors.emptied import emptied
from lwt_unix._descriptors.file_descr import (
    File_descr,
    check_is_descriptor,
    run_on,
    why_unusable,
)
from lwt_unix._descriptors.io_event import Io_event, Read, Write
from lwt_unix._descriptors.mode import settle_mode
from lwt_unix._descriptors.page_cache import HERE, is_file, read_now
from lwt_unix._descriptors.state import Opened
from lwt_unix._descriptors.wait_queue import PendingAction, PendingCall
from lwt_unix._errors import call_named, note_call
from lwt_unix._jobs.methods import Async_none

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer


def read(
    descriptor: File_descr, buffer: WriteableBuffer, offset: int, length: int, /
) -> lwt.Promise[int]:
    """Read into a part of a buffer, and return how many bytes came; 0 at the end of file.

    If there is something to read, it is read now and the promise is fulfilled already. Otherwise
    the read waits; it may be cancelled then, and reads nothing. (Only a finaliser can cancel it
    inside of its system call. Nobody is told then how much has come into the buffer.) Reads that
    wait for one descriptor get the bytes in the order of their calls. A `bytearray` cannot be
    resized meanwhile.

    Args:
        descriptor: what to read from.
        buffer: any writable buffer: `bytearray`, `memoryview`, `mmap`, `array`.
        offset: where in the buffer the first byte goes.
        length: how many bytes to read at most.

    Raises:
        ValueError: the range is not within the buffer. Nothing is read.
        OSError: the system call failed at once. If it fails later, or in blocking mode, the
            promise is rejected.

    OCaml: Lwt_unix.read : file_descr -> bytes -> int -> int -> int Lwt.t
    """
    part = part_to_fill("lwt_unix.read", buffer, offset, length)
    if (type(descriptor) is not File_descr or not descriptor._direct) and _settle(
        "lwt_unix.read", descriptor, part
    ):
        views = (memoryview(part),)
        if length:
            call: Callable[[], int] = partial(system.readv, descriptor._fd, views)
        else:
            call = partial(_read_nothing, descriptor._fd)
        return when_ready("read", Read, descriptor, views, length, call)
    if emptied.descriptor is descriptor:
        return put_to_wait(Read, descriptor, PendingRead(descriptor, memoryview(part)))
    descriptor._calls += OF_A_CALL
    if descriptor._calls > MOST_AT_ONCE and has_had_its_turn(descriptor, OF_A_CALL):
        return try_later(Read, descriptor, PendingRead(descriptor, memoryview(part)))
    try:
        count = system.readv(descriptor._fd, (part,))
    except BlockingIOError:
        return put_to_wait(Read, descriptor, PendingRead(descriptor, memoryview(part)))
    except Exception as exn:
        release(part)
        note_call(exn, "read")
        raise
    return new_promise(FULFILLED, count)


@final
class PendingRead(PendingCall):
    """A read that waits."""

    __slots__ = ("descriptor", "view")

    def __init__(self, descriptor: File_descr, view: memoryview) -> None:
        PendingCall.__init__(self, "read")  # Quicker than by `super`.
        self.descriptor = descriptor
        self.view = view

    def attempt(self) -> int:
        """Read what is there."""
        descriptor, view = self.descriptor, self.view
        count = system.readv(descriptor._fd, (view,))
        if descriptor._is_stream and count < len(view):
            emptied.note(descriptor)
        self.view = _NOTHING
        return count

    def let_go(self) -> None:
        """Keep the buffer no longer."""
        self.view = _NOTHING


_NOTHING: Final = memoryview(b"")


def write(
    descriptor: File_descr, data: ReadableBuffer | str, offset: int, length: int, /
) -> lwt.Promise[int]:
    """Write a part of some data, and return how many bytes the system took: perhaps not all.

    If there is room, this is done now and the promise is fulfilled already. Otherwise the write
    waits; it may be cancelled then, and writes nothing.

    Args:
        descriptor: what to write to.
        data: any bytes-like object, or a `str` in ASCII.
        offset: where in the data to begin.
        length: how many bytes to write at most.

    Raises:
        ValueError: the range is not within the data, or the data is a `str` that is not ASCII,
            whose bytes and characters differ in number. Nothing is written.
        OSError: the system call failed at once: EPIPE (`BrokenPipeError`) if nobody reads any
            more. If it fails later, or in blocking mode, the promise is rejected.

    OCaml: Lwt_unix.write : file_descr -> bytes -> int -> int -> int Lwt.t
    """
    part = part_to_write("lwt_unix.write", data, offset, length)
    if (type(descriptor) is not File_descr or not descriptor._direct) and _settle(
        "lwt_unix.write", descriptor, part
    ):
        part = readable_slice("lwt_unix.write", data, offset, length)
        call = partial(system.write, descriptor._fd, part)
        parts: Sequence[memoryview] = (part,) if isinstance(part, memoryview) else ()
        return when_ready("write", Write, descriptor, parts, length, call)
    if emptied.descriptor is not descriptor:
        emptied.descriptor = None
    has_to_wait = False
    cost = OF_A_WRITE + (length >> LONG_WRITE)
    descriptor._calls += cost
    if descriptor._calls > MOST_AT_ONCE and has_had_its_turn(descriptor, cost):
        has_to_wait = True
    else:
        try:
            return new_promise(FULFILLED, system.write(descriptor._fd, part))
        except BlockingIOError:
            pass
        except Exception as exn:
            release(part)
            note_call(exn, "write")
            raise
    part = readable_slice("lwt_unix.write", data, offset, length)
    pending = PendingAction("write", partial(system.write, descriptor._fd, part), None)
    wait = try_later if has_to_wait else put_to_wait
    return wait(Write, descriptor, pending)


def write_string(
    descriptor: File_descr, data: ReadableBuffer | str, offset: int, length: int, /
) -> lwt.Promise[int]:
    """Write a part of a string: the same as `write`, which takes strings too.

    OCaml: Lwt_unix.write_string : file_descr -> string -> int -> int -> int Lwt.t
    """
    check_ascii("lwt_unix.write_string", data)
    return write(descriptor, data, offset, length)


def _settle(function: str, descriptor: File_descr, part: bytes | bytearray | memoryview) -> bool:
    """Settle the mode of a descriptor, which has to be opened; return whether it blocks."""
    try:
        check_is_descriptor(function, descriptor)
        is_blocking = settle_mode(descriptor)
        if descriptor._state is not Opened:
            raise why_unusable(function, descriptor)
        return is_blocking
    except Exception:
        release(part)
        raise


def when_ready(
    name: str,
    event: Io_event,
    descriptor: File_descr,
    parts: Sequence[memoryview],
    size: int,
    call: Callable[[], int],
) -> lwt.Promise[int]:
    """Read or write on a descriptor in blocking mode: `size` bytes, in `parts` if they are to be read.

    What `parts` view is released if this raises an exception.

    On a file, a thread makes the call, unless what is to be read is in memory. Otherwise OCaml waits
    until the descriptor is ready, and then lets a thread make the call, which may still block if another
    reader was faster. Here each attempt first makes sure, and needs no thread.
    """
    try:
        emptied.descriptor = None
        cost = OF_A_WRITE if event is Write else OF_A_CALL
        descriptor._calls += cost
        is_late = descriptor._calls > MOST_AT_ONCE and has_had_its_turn(descriptor, cost)
        if is_file(descriptor):
            if event is Read and size and not is_late:
                count = read_now(descriptor, parts, size, HERE)
                if count is not None:
                    return lwt.return_(count)
            return run_on(name, descriptor, call)
        if event is Write and size > system.PIPE_BUF:
            # Being ready means that there is room for so many bytes. For more, the call may wait.
            if would_not_block(event, descriptor._fd):
                return run_on(name, descriptor, call)
            ready = wait_for(name, event, descriptor, _nothing)
            return lwt.bind(ready, lambda _: _run_if_opened(name, descriptor, call))
        call_when_ready = partial(_call_when_ready, event, descriptor._fd, call)
        if is_late:
            return try_later(event, descriptor, PendingAction(name, call_when_ready, None))
        if would_not_block(event, descriptor._fd):
            return run_on(name, descriptor, call, Async_none)
        return wait_for(name, event, descriptor, call_when_ready)
    except Exception:
        for part in parts:
            release(part)
        raise


def _nothing() -> None:
    pass


def _read_nothing(fd: int) -> int:
    """Read no bytes: from a directory, `read` fails then, and `readv` does not."""
    return len(system.read(fd, 0))


def _run_if_opened(name: str, descriptor: File_descr, call: Callable[[], int]) -> lwt.Promise[int]:
    if descriptor._state is not Opened:
        raise why_unusable("closed while this waited", descriptor)
    return run_on(name, descriptor, call)


def _call_when_ready(event: Io_event, fd: int, call: Callable[[], int]) -> int:
    if not would_not_block(event, fd):
        raise Retry
    return call()


# --- Pipes -------------------------------------------------------------------


def pipe(*_wrong: Never, cloexec: bool = False) -> tuple[File_descr, File_descr]:
    """Make a pipe; return the end to read from and the end to write to, both non-blocking.

    Args:
        cloexec: whether programs started later do not inherit them.

    Raises:
        OSError: EMFILE, if there are no descriptors left.

    OCaml: Lwt_unix.pipe : ?cloexec:bool -> unit -> file_descr * file_descr
    """
    if _wrong:
        raise given_by_position(pipe, _wrong)
    reading, writing = _new_pipe(cloexec)
    return File_descr(reading, False, True), File_descr(writing, False, True)


def pipe_in(*_wrong: Never, cloexec: bool = False) -> tuple[File_descr, int]:
    """Make a pipe whose writing end is a plain number, left in blocking mode for another program.

    OCaml: Lwt_unix.pipe_in : ?cloexec:bool -> unit -> file_descr * Unix.file_descr
    """
    if _wrong:
        raise given_by_position(pipe_in, _wrong)
    reading, writing = _new_pipe(cloexec)
    return File_descr(reading, False, True), writing


def pipe_out(*_wrong: Never, cloexec: bool = False) -> tuple[int, File_descr]:
    """Make a pipe whose reading end is a plain number, left in blocking mode for another program.

    OCaml: Lwt_unix.pipe_out : ?cloexec:bool -> unit -> Unix.file_descr * file_descr
    """
    if _wrong:
        raise given_by_position(pipe_out, _wrong)
    reading, writing = _new_pipe(cloexec)
    return reading, File_descr(writing, False, True)


def _new_pipe(cloexec: bool) -> tuple[int, int]:
    with call_named("pipe"):
        reading, writing = system.pipe()
        inherit_unless(cloexec, reading, writing)
    return reading, writing
