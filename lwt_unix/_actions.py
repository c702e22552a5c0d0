"""Actions: system calls that are tried, and tried again when their descriptor is ready.

`wrap_syscall` is the model of all I/O: it tries an action at once, and if the system says "not
now" it leaves it to `register_action`, which waits. Everything else here is about those who wait.

The ideas in reading order:

- A `Waiter` is one operation that waits: an action, and the resolver of its promise.
- The waiters of one direction of one descriptor form a queue, `Waiters`. While the queue has a
  member the engine watches the descriptor; this takes one registration, however many wait.
- When the engine reports the descriptor ready, every waiter tries its action, in the order in
  which they came. Those who succeed or fail leave the queue; the others stay.
- Cancelling the promise takes the waiter from its queue. The action has not run, so nothing that
  it would have read is lost.
- `close` and `abort` (`_closing.py`) empty both queues: readers first, then writers, in order.

What holds throughout: a queue with a member has an event in the engine; once control is back in
the main loop, a queue without a member has none. A server that waits again from the callback of
its last read therefore never tells the engine anything.

OCaml: sections "File descriptor wrappers" and "Actions on file descriptors" of lwt_unix.ml. There
an event is stopped a pause after it became useless, here at the end of the turn's work on its
descriptor, so that no extra turn of the main loop is needed. Otherwise the order of everything
is OCaml's, down to who is asked again within one turn: see `Waiters.on_ready`.
"""

from __future__ import annotations

import errno
import select
from collections.abc import Callable
from typing import Any, Final, TypeVar, final

import lwt
from lwt_unix import lwt_engine
from lwt_unix._constants import Io_event, Read, Write
from lwt_unix._file_descr import (
    File_descr,
    Opened,
    check_descriptor,
    settle_mode,
    why_unusable,
)

A = TypeVar("A")


class Retry(Exception):
    """Raised by an action: try me again when the descriptor is ready.

    OCaml: exception Lwt_unix.Retry
    """


class Retry_read(Exception):
    """Raised by an action: try me again when there is something to read.

    OCaml: exception Lwt_unix.Retry_read
    """


class Retry_write(Exception):
    """Raised by an action: try me again when there is room to write.

    OCaml: exception Lwt_unix.Retry_write
    """


_IN_PROGRESS: Final = (errno.EALREADY, errno.EINPROGRESS)
"""What Python counts among BlockingIOError although trying again would be wrong."""


def event_to_wait_for(exn: Exception, event: Io_event) -> Io_event | None:
    """Return what an action must wait for that raised `exn`; None if it has failed."""
    if isinstance(exn, BlockingIOError):
        return None if exn.errno in _IN_PROGRESS else event
    if isinstance(exn, Retry | InterruptedError):
        return event
    if isinstance(exn, Retry_read):
        return Read
    if isinstance(exn, Retry_write):
        return Write
    return None


# --- Those who wait ----------------------------------------------------------


@final
class Waiter:
    """One operation that waits for its descriptor: a member of a queue, until it is resolved."""

    __slots__ = ("action", "next", "previous", "queue", "resolver")

    # The two stand for Callable[[], A] and Resolver[A], for an A that the queue does not know.
    def __init__(self, queue: Waiters, action: Callable[[], Any], resolver: lwt.Resolver[Any]):
        self.action = action
        self.resolver = resolver

        self.queue: Waiters | None = queue
        """Its queue; None when it has left."""

        self.previous: Waiter | None = None
        self.next: Waiter | None = None
        """The neighbours. `next` stays as it was when the waiter leaves: see `on_ready`."""

    def try_again(self, queue: Waiters) -> Waiter | None:
        """Try the action; return the waiter to try next."""
        descriptor = queue.descriptor
        try:
            if descriptor._state is not Opened:
                raise why_unusable(descriptor)
            value = self.action()
        except Exception as exn:
            event = event_to_wait_for(exn, queue.event)
            if event is None:
                if not lwt.Exception_filter.run(exn):
                    raise
                traceback = exn.__traceback__
                failure = exn.with_traceback(traceback and traceback.tb_next)
            else:
                failure = None
        else:
            if self.queue is queue:
                queue.remove(self)
                self.action = _spent
                lwt.wakeup(self.resolver, value)
            return self.next
        if failure is not None:
            if self.queue is queue:
                queue.remove(self)
                self.reject(failure)
        elif event is not queue.event and event is not None and self.queue is queue:
            following = self.next
            queue.remove(self)
            waiters_of(event, descriptor).add(self)
            return following
        return self.next

    def reject(self, exn: Exception) -> None:
        """Reject the promise of a waiter that has left its queue."""
        self.action = _spent
        lwt.wakeup_exn(self.resolver, exn)

    def run_cancel(self) -> None:
        """Leave the queue, because the promise was cancelled. The promise calls this."""
        queue = self.queue
        if queue is not None:
            queue.remove(self)
            self.action = _spent
            queue.stop_if_idle()


def _spent() -> None:
    """Stand for the action of a waiter that has left, so that nothing keeps its buffer."""
    raise AssertionError("Lwt_unix: the action of a finished operation was called")


@final
class Waiters:
    """Who waits for one direction of one descriptor, in the order of their coming."""

    __slots__ = ("descriptor", "engine_event", "event", "first", "is_trying", "last")

    def __init__(self, descriptor: File_descr, event: Io_event) -> None:
        self.descriptor = descriptor
        self.event = event
        self.engine_event: lwt_engine.Event | None = None
        self.first: Waiter | None = None
        self.last: Waiter | None = None

        self.is_trying = False
        """Whether `on_ready` is at work; it is then the one to stop the event."""

    def add(self, waiter: Waiter) -> None:
        """Take in a waiter at the end, and have the engine watch the descriptor.

        The engine comes first: if it refuses, nobody waits.
        """
        if self.engine_event is None:
            self.start()
        last = self.last
        waiter.queue = self
        waiter.previous = last
        waiter.next = None
        if last is None:
            self.first = waiter
        else:
            last.next = waiter
        self.last = waiter

    def remove(self, waiter: Waiter) -> None:
        """Take out a member, whose `next` goes on pointing where it did."""
        previous, following = waiter.previous, waiter.next
        if previous is None:
            self.first = following
        else:
            previous.next = following
        if following is None:
            self.last = previous
        else:
            following.previous = previous
        waiter.queue = None

    def on_ready(self, _: lwt_engine.Event) -> None:
        """Let every waiter try its action. The engine calls this.

        A waiter that has left still knows who came after it, so that the walk goes on from there.
        One that comes during the walk is tried in the same turn, unless it comes when the last
        of the queue has left already; that is OCaml's order too, where a linked list is walked in
        the same way. Hence a lone reader that waits again from its own callback does not cost a
        useless system call.
        """
        outermost = not self.is_trying
        self.is_trying = True
        try:
            waiter = self.first
            while waiter is not None:
                waiter = waiter.try_again(self) if waiter.queue is self else waiter.next
        finally:
            if outermost:
                self.is_trying = False
                if self.first is None:
                    self.stop()

    def start(self) -> None:
        """Have the engine watch the descriptor."""
        watch = lwt_engine.on_readable if self.event is Read else lwt_engine.on_writable
        self.engine_event = watch(self.descriptor._fd, self.on_ready)

    def stop(self) -> None:
        """Have the engine watch the descriptor no more."""
        engine_event = self.engine_event
        if engine_event is not None:
            self.engine_event = None
            lwt_engine.stop_event(engine_event)

    def stop_if_idle(self) -> None:
        """Take the interest back if it was the last waiter's."""
        if self.first is None and not self.is_trying:
            self.stop()

    def reject_all(self) -> None:
        """Reject every waiter, in order, because the descriptor is not usable any more."""
        self.stop()
        try:
            while (waiter := self.first) is not None:
                self.remove(waiter)
                waiter.reject(why_unusable(self.descriptor))
        finally:
            # Only if a KeyboardInterrupt or the like leaves through a callback: nobody may be
            # left waiting for a descriptor that is gone.
            if self.first is not None:
                self.reject_all()


def waiters_of(event: Io_event, descriptor: File_descr) -> Waiters:
    """Return the queue for one direction of a descriptor."""
    if descriptor._readers is None and descriptor._writers is None:
        # The engine may rely on `close` from now on: see `Lwt_engine`.
        lwt_engine.get().adopt(descriptor._fd)
    if event is Read:
        queue = descriptor._readers
        if queue is None:
            queue = descriptor._readers = Waiters(descriptor, Read)
    elif event is Write:
        queue = descriptor._writers
        if queue is None:
            queue = descriptor._writers = Waiters(descriptor, Write)
    else:
        raise TypeError(f"Lwt_unix: {event!r} is no event to wait for; use Read or Write")
    return queue


# --- Waiting -----------------------------------------------------------------


def register_action(
    event: Io_event, descriptor: File_descr, action: Callable[[], A], /
) -> lwt.Promise[A]:
    """Call an action when a descriptor is ready, until it works; return the promise of its result.

    The action is not tried now; `wrap_syscall` does that first, and should be preferred. It may
    raise `Retry`, `Retry_read`, `Retry_write` or `BlockingIOError` to wait again; any other
    exception rejects the promise. Cancelling the promise withdraws the action.

    Args:
        event: `Read` or `Write`.
        descriptor: it must be opened.
        action: a system call that does not block.

    Raises:
        Exception: as `check_descriptor`. (OCaml leaves this check to the caller.)

    OCaml: Lwt_unix.register_action : io_event -> file_descr -> (unit -> 'a) -> 'a Lwt.t
    """
    if type(descriptor) is not File_descr or descriptor._state is not Opened:
        check_descriptor(descriptor)
    queue = waiters_of(event, descriptor)
    promise, resolver = lwt.task()
    waiter = Waiter(queue, action, resolver)
    queue.add(waiter)
    # What lwt.on_cancel does for a new promise, in a tenth of the time. Servers come here once a
    # request.
    promise._cancel_callbacks = [waiter]
    return promise


def wrap_syscall(
    event: Io_event, descriptor: File_descr, action: Callable[[], A], /
) -> lwt.Promise[A]:
    """Try an action, and if it cannot be done without blocking, wait and try it again.

    Args:
        event: what to wait for, `Read` or `Write`.
        descriptor: what to wait for it on.
        action: a system call. It raises `BlockingIOError`, `Retry`, `Retry_read` or `Retry_write`
            where it would block. On a descriptor in blocking mode it is called only when that is
            ready.

    Raises:
        Exception: as `check_descriptor`, and that of the action if it fails at once. If it fails
            later, its exception rejects the promise.

    OCaml: Lwt_unix.wrap_syscall : io_event -> file_descr -> (unit -> 'a) -> 'a Lwt.t
    """
    if type(descriptor) is not File_descr or not descriptor._direct:
        check_descriptor(descriptor)
        if settle_mode(descriptor) and not is_ready(event, descriptor._fd):
            return register_action(event, descriptor, action)
    return try_or_wait(event, descriptor, action)


def try_or_wait(event: Io_event, descriptor: File_descr, action: Callable[[], A]) -> lwt.Promise[A]:
    """Try an action on an opened descriptor; wait if it is too early."""
    try:
        return lwt.return_(action())
    except Exception as exn:
        event_or_none = event_to_wait_for(exn, event)
        if event_or_none is None:
            raise
    return register_action(event_or_none, descriptor, action)


# --- Readiness ---------------------------------------------------------------

_MASKS: Final = {Read: select.POLLIN, Write: select.POLLOUT}


def is_ready(event: Io_event, fd: int) -> bool:
    """Ask the system whether a number is ready; at its end of file a pipe is not."""
    return bool(_poll(event, fd) & _MASKS[event])


def would_not_block(event: Io_event, fd: int) -> bool:
    """Ask the system whether a call would return at once, be it with an end of file or an error."""
    return bool(_poll(event, fd))


def _poll(event: Io_event, fd: int) -> int:
    poll = select.poll()
    poll.register(fd, _MASKS[event])
    ready = poll.poll(0)
    return ready[0][1] if ready else 0


def readable(descriptor: File_descr, /) -> bool:
    """Return whether there is something to read now, an end of file of a socket included.

    Raises:
        Exception: as `check_descriptor`.

    OCaml: Lwt_unix.readable : file_descr -> bool
    """
    check_descriptor(descriptor)
    return is_ready(Read, descriptor._fd)


def writable(descriptor: File_descr, /) -> bool:
    """Return whether there is room to write now.

    Raises:
        Exception: as `check_descriptor`.

    OCaml: Lwt_unix.writable : file_descr -> bool
    """
    check_descriptor(descriptor)
    return is_ready(Write, descriptor._fd)


def wait_read(descriptor: File_descr, /) -> lwt.Promise[None]:
    """Wait until there is something to read.

    Reading functions wait by themselves; this is for calls of other libraries that would block.

    Raises:
        Exception: as `check_descriptor`.

    OCaml: Lwt_unix.wait_read : file_descr -> unit Lwt.t
    """
    return _wait(Read, descriptor)


def wait_write(descriptor: File_descr, /) -> lwt.Promise[None]:
    """Wait until there is room to write; otherwise as `wait_read`.

    OCaml: Lwt_unix.wait_write : file_descr -> unit Lwt.t
    """
    return _wait(Write, descriptor)


def _wait(event: Io_event, descriptor: File_descr) -> lwt.Promise[None]:
    check_descriptor(descriptor)
    if is_ready(event, descriptor._fd):
        return lwt.return_unit
    return register_action(event, descriptor, _nothing)


def _nothing() -> None:
    pass
