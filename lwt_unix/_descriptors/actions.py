"""Actions: system calls that are tried, and tried again when their descriptor is ready.

`wrap_syscall` is the model of all I/O: it tries an action at once, and if the system says "not
now" it hands the action to `register_action`, which waits. Everything else here is about waiting.

The ideas in reading order:

- A `Pending` is one operation that waits: how it is tried, and its promise. A `PendingAction` is tried by a
  function, a read by a method of its own.
- The actions that wait for one direction of one descriptor form a queue. While it has a member,
  the engine watches the descriptor, with one registration for the whole queue (`wait_queue`).
- When the engine reports the descriptor ready, every action is tried, in the order in
  which it came. Those that succeed or fail leave the queue; the others stay.
- Cancelling the promise takes its action from the queue. The action has not run, so nothing that
  it would have read is lost.
- `close` and `abort` (`file_descr`) empty both queues: readers first, then writers, in order.
- What the system does not report is tried again by a timer, in a third queue (`RetryQueue`).
- Of a descriptor that is always ready, only so many calls are done in one turn of the engine
  (`MOST_AT_ONCE`). The next one waits for another turn, as if the system had said "not now". So
  one client that sends without end delays the others and the timers only a little. (In OCaml they
  wait until it stops.)

When a server reads again from the callback of its last read, the engine need not be told: the queue
still has its event then.

OCaml: sections "File descriptor wrappers" and "Actions on file descriptors" of lwt_unix.ml. There
an event is stopped one pause after it became useless. Here it is stopped when the engine has dealt
with its descriptor, so that no extra turn of the main loop is needed. All other order is OCaml's,
even which actions are tried again within one turn: see `ActionQueue.on_ready`.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar, final

import lwt
from lwt._core.checks import check_callback, wrong_type
from lwt._core.compiling import mypyc_attr
from lwt_unix import _system as system
from lwt_unix import lwt_engine
from lwt_unix._descriptors.emptied import emptied
from lwt_unix._descriptors.file_descr import File_descr, check_opened, why_unusable
from lwt_unix._descriptors.io_event import Awaited, Io_event, Later, Read, Write
from lwt_unix._descriptors.mode import settle_mode
from lwt_unix._descriptors.state import Opened
from lwt_unix._descriptors.wait_queue import NOT_YET, Pending, PendingAction, PendingCall, WaitQueue
from lwt_unix._errors import note_call
from lwt_unix.lwt_engine._current import turn
from lwt_unix.lwt_engine._descriptors import Refused_event

A = TypeVar("A")


@mypyc_attr(native_class=False)
class Retry(Exception):
    """Raised by an action: try me again when the descriptor is ready.

    OCaml: exception Lwt_unix.Retry
    """


@mypyc_attr(native_class=False)
class Retry_read(Exception):
    """Raised by an action: try me again when there is something to read.

    OCaml: exception Lwt_unix.Retry_read
    """


@mypyc_attr(native_class=False)
class Retry_write(Exception):
    """Raised by an action: try me again when there is room to write.

    OCaml: exception Lwt_unix.Retry_write
    """


@mypyc_attr(native_class=False)
class RetryLater(Exception):
    """Raised by an action of our own: try me again after a while, for the system will not report."""


_IN_PROGRESS: Final = (errno.EALREADY, errno.EINPROGRESS)
"""Errors that Python makes a BlockingIOError too, although trying again would be wrong."""


def event_to_wait_for(exn: Exception, event: Awaited) -> Awaited | None:
    """Return what an action that raised `exn` has to wait for; None if it has failed."""
    if isinstance(exn, BlockingIOError):
        return None if exn.errno in _IN_PROGRESS else event
    if isinstance(exn, Retry | InterruptedError):
        return event
    if isinstance(exn, Retry_read):
        return Read
    if isinstance(exn, Retry_write):
        return Write
    if isinstance(exn, RetryLater):
        return Later
    return None


# --- A bound in each turn -----------------------------------------------------

MOST_AT_ONCE = 1024  # Not Final: the comparison with OCaml lifts it, in the compiled build, too.
"""How much is done with one descriptor in one turn of the engine, all calls counted together: so
many short writes, or a sixteenth of that of other calls.

With 100 microseconds for what a server does about each call that reads or accepts, the others wait 7
milliseconds (`flood-sockets` in tests/benchmarks). A turn costs as much as a few calls, so that a
smaller bound would be felt by who reads without end: with 16 reads, it takes a fifth longer. A program
that writes without end mostly does little besides."""

OF_A_CALL: Final = 16
OF_A_WRITE: Final = 1
"""How much of that one call counts. A write counts once more for each 4,096 bytes (`LONG_WRITE`)."""

LONG_WRITE: Final = 12
"""The binary logarithm of 4,096."""


def has_had_its_turn(descriptor: File_descr, cost: int) -> bool:
    """Say whether a call on a descriptor has to wait for the next turn; it has been counted.

    The count goes on from turn to turn, and is looked at here, where it is above the bound. So when
    a flood begins, up to twice as many calls are done.
    """
    if descriptor._turn == turn.number:
        return True
    descriptor._turn = turn.number
    descriptor._calls = cost
    return False


# --- The queue ---------------------------------------------------------------


class ActionQueue(WaitQueue):
    """The actions that wait for one direction of one descriptor, and how they are tried."""

    __slots__ = ("cost", "descriptor", "event", "held_in")

    def __init__(self, descriptor: File_descr, event: Awaited) -> None:
        WaitQueue.__init__(self)
        self.descriptor = descriptor
        self.event = event
        self.cost = OF_A_WRITE if event is Write else OF_A_CALL

        self.held_in = -1
        """The turn in which actions were put off to the next one, until they are tried there."""

    def watch(self) -> lwt_engine.Event:
        watch = lwt_engine.on_readable if self.event is Read else lwt_engine.on_writable
        return watch(self.descriptor._fd, self.on_ready)

    def on_ready(self, event: lwt_engine.Event) -> None:
        """Try every action. The engine calls this.

        An action that has left still knows the one after it, so that the walk goes on from there.
        One that comes during the walk is tried in the same turn, unless the last of the queue had
        left already when it came. OCaml walks its linked list in the same order. So a lone reader
        that waits again from its own callback does not cost a useless system call.

        The calls of the turn are counted from here. Actions for which none is left stay first in
        the queue.
        """
        number = turn.number
        if self.held_in == number:
            return
        if type(event) is Refused_event:
            self.refuse(event.error)
            return
        descriptor = self.descriptor
        descriptor._turn = number
        descriptor._calls = 0
        outermost = not self.is_trying
        self.is_trying = True
        try:
            pending = self.first
            while pending is not None:
                pending = self.try_again(pending) if pending.queue is self else pending.next
        finally:
            emptied.descriptor = None
            if outermost:
                self.is_trying = False
                if self.first is None:
                    self.stop_if_idle()

    def try_again(self, pending: Pending) -> Pending | None:
        """Try an action; return the one to try next."""
        descriptor = self.descriptor
        try:
            if not descriptor._direct and descriptor._state is not Opened:
                raise why_unusable("closed while this waited", descriptor)
            value = pending.attempt()
        except Exception as exn:
            event = event_to_wait_for(exn, self.event)
            if event is None:
                if not lwt.Exception_filter.run(exn):
                    raise
                note_call(exn, pending.name)
                traceback = exn.__traceback__
                failure = exn.with_traceback(traceback and traceback.tb_next)
            else:
                failure = None
        else:
            if value is NOT_YET:
                return None if self.held_in == turn.number else pending.next
            if not self.remove(pending):
                pending.lose(value)
                return pending.next
            descriptor._calls += self.cost
            pending.fulfill(value)
            if descriptor._calls >= MOST_AT_ONCE:
                self.try_in_next_turn()
                return None
            return pending.next
        if failure is not None:
            if self.remove(pending):
                pending.reject(failure)
        elif event is not self.event and event is not None and pending.queue is self:
            following = pending.next
            self.remove(pending)
            queue_of(event, descriptor).add(pending)
            return following
        return pending.next

    def try_in_next_turn(self) -> None:
        """Have the actions tried in the next turn, whatever the system reports by then.

        It may report nothing. A socket counts as writable only when much of its buffer is free, and
        urgent data are not reported at all.
        """
        if self.held_in != turn.number:
            self.held_in = turn.number
            lwt_engine.on_timer(0.0, False, self._go_on)

    def _go_on(self, event: lwt_engine.Event) -> None:
        lwt_engine.stop_event(event)
        self.held_in = -1
        self.on_ready(event)

    def refuse(self, error: OSError) -> None:
        """Reject those who wait, since the system will not tell when the descriptor is ready.

        Who waits again from a callback is told so in the next turn. An action that is no call of ours
        has the name of the wait.
        """
        wait = "wait_read" if self.event is Read else "wait_write"
        number = error.errno or errno.EINVAL
        problem = f"the system refuses to watch descriptor {self.descriptor._fd}"
        members: list[Pending] = []
        pending = self.first
        while pending is not None:
            members.append(pending)
            pending = pending.next
        self.stop()
        try:
            for pending in members:
                failure = OSError(number, f"{os.strerror(number)} ({problem})")
                note_call(failure, pending.name or wait)
                if self.remove(pending):
                    pending.reject(failure)
        finally:
            if self.first is not None and self.engine_event is None:
                self.start()


FIRST_DELAY: Final = 0.001
LONGEST_DELAY: Final = 0.1
"""Seconds before an action is tried again whose success the system does not report: the first time,
and when it has been tried for long. Each time it is twice as much as before."""


@final
class RetryQueue(ActionQueue):
    """The actions that are tried again by a timer."""

    __slots__ = ("delay",)

    def __init__(self, descriptor: File_descr) -> None:
        super().__init__(descriptor, Later)
        self.delay = FIRST_DELAY

    def watch(self) -> lwt_engine.Event:
        return lwt_engine.on_timer(self.delay, False, self._on_time)

    def _on_time(self, event: lwt_engine.Event) -> None:
        self.stop()  # The timer has fired.
        self.delay = min(2 * self.delay, LONGEST_DELAY)
        try:
            self.on_ready(event)
        finally:
            if self.first is None:
                self.delay = FIRST_DELAY
            elif self.engine_event is None:
                self.start()


def queue_of(event: Awaited, descriptor: File_descr) -> WaitQueue:
    """Return the queue for what an action on a descriptor waits for."""
    if event is Later:
        new_queue = RetryQueue(descriptor)
        retrying = descriptor._retrying = descriptor._retrying or new_queue
        return retrying
    if descriptor._readers is None and descriptor._writers is None:
        # From now on the engine hears of it when the descriptor is closed: see `lwt_engine`.
        lwt_engine.get().adopt(descriptor._fd)
    if event is Read:
        queue = descriptor._readers
        if queue is None:
            queue = ActionQueue(descriptor, Read)
            queue = descriptor._readers = descriptor._readers or queue
    elif event is Write:
        queue = descriptor._writers
        if queue is None:
            queue = ActionQueue(descriptor, Write)
            queue = descriptor._writers = descriptor._writers or queue
    else:
        raise wrong_type("lwt_unix.register_action", "Read or Write", event)
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

    OCaml leaves it to the caller to check that the descriptor is opened.

    OCaml: Lwt_unix.register_action : io_event -> file_descr -> (unit -> 'a) -> 'a Lwt.t
    """
    if type(descriptor) is not File_descr or descriptor._state is not Opened:
        check_opened("lwt_unix.register_action", descriptor)
    check_callback("lwt_unix.register_action", action, ())
    return wait_for(None, event, descriptor, action)


def wait_for(
    name: str | None,
    event: Awaited,
    descriptor: File_descr,
    action: Callable[[], A],
    lost: Callable[[A], object] | None = None,
) -> lwt.Promise[A]:
    """Do what `register_action` does, on an opened descriptor, for the call of this name.

    `lost` takes a value that nobody gets (`Pending.lose`).
    """
    return put_to_wait(event, descriptor, PendingAction(name, action, lost))


def put_to_wait(event: Awaited, descriptor: File_descr, pending: PendingCall) -> lwt.Promise[Any]:
    """Let an operation wait for an opened descriptor; return its promise."""
    queue = descriptor._readers if event is Read else descriptor._writers
    if queue is None or event is Later:
        queue = queue_of(event, descriptor)
    queue.add(pending)
    if (
        not descriptor._direct and descriptor._state is not Opened
    ):  # A finaliser has closed it meanwhile.
        queue.reject_all(partial(why_unusable, "closed while this waited", descriptor))
    return pending.promise


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
        Exception: what the action raises, if it fails at once. If it fails later, its exception
            rejects the promise.

    OCaml: Lwt_unix.wrap_syscall : io_event -> file_descr -> (unit -> 'a) -> 'a Lwt.t
    """
    check_callback("lwt_unix.wrap_syscall", action, ())
    return try_syscall("lwt_unix.wrap_syscall", None, event, descriptor, action)


def try_syscall(
    function: str,
    name: str | None,
    event: Io_event,
    descriptor: File_descr,
    action: Callable[[], A],
    lost: Callable[[A], object] | None = None,
) -> lwt.Promise[A]:
    """Do what `wrap_syscall` does, for the function that was called, and its call of this name."""
    if type(descriptor) is not File_descr or not descriptor._direct:
        check_opened(function, descriptor)
        if settle_mode(descriptor) and not is_ready(event, descriptor._fd):
            return wait_for(name, event, descriptor, action, lost)
    return try_or_wait(name, event, descriptor, action, lost)


def try_or_wait(
    name: str | None,
    event: Io_event,
    descriptor: File_descr,
    action: Callable[[], A],
    lost: Callable[[A], object] | None = None,
) -> lwt.Promise[A]:
    """Try an action on an opened descriptor; wait if it is too early."""
    emptied.descriptor = None
    cost = OF_A_WRITE if event is Write else OF_A_CALL
    descriptor._calls += cost
    if descriptor._calls > MOST_AT_ONCE and has_had_its_turn(descriptor, cost):
        return try_later(event, descriptor, PendingAction(name, action, lost))
    try:
        return lwt.return_(action())
    except Exception as exn:
        event_or_none = event_to_wait_for(exn, event)
        if event_or_none is None:
            note_call(exn, name)
            raise
    return wait_for(name, event_or_none, descriptor, action, lost)


def try_later(event: Io_event, descriptor: File_descr, pending: PendingCall) -> lwt.Promise[Any]:
    """Do what `put_to_wait` does, and have the operation tried in the next turn in any case."""
    promise = put_to_wait(event, descriptor, pending)
    queue_of(event, descriptor).try_in_next_turn()
    return promise


# --- Readiness ---------------------------------------------------------------


def is_ready(event: Io_event, fd: int) -> bool:
    """Ask the system whether a number is ready; a pipe at its end of file is not."""
    return system.poll_once(fd, event is Read)[0]


def would_not_block(event: Io_event, fd: int) -> bool:
    """Ask the system whether a call would return at once, even with an end of file or an error."""
    return system.poll_once(fd, event is Read)[1]


def readable(descriptor: File_descr, /) -> bool:
    """Return whether there is something to read now; the end of file of a socket counts.

    OCaml: Lwt_unix.readable : file_descr -> bool
    """
    check_opened("lwt_unix.readable", descriptor)
    return is_ready(Read, descriptor._fd)


def writable(descriptor: File_descr, /) -> bool:
    """Return whether there is room to write now.

    OCaml: Lwt_unix.writable : file_descr -> bool
    """
    check_opened("lwt_unix.writable", descriptor)
    return is_ready(Write, descriptor._fd)


def wait_read(descriptor: File_descr, /) -> lwt.Promise[None]:
    """Wait until there is something to read.

    Reading functions wait by themselves; this is for calls of other libraries that would block.

    OCaml: Lwt_unix.wait_read : file_descr -> unit Lwt.t
    """
    return _wait("lwt_unix.wait_read", Read, descriptor)


def wait_write(descriptor: File_descr, /) -> lwt.Promise[None]:
    """Wait until there is room to write; otherwise like `wait_read`.

    OCaml: Lwt_unix.wait_write : file_descr -> unit Lwt.t
    """
    return _wait("lwt_unix.wait_write", Write, descriptor)


def _wait(function: str, event: Io_event, descriptor: File_descr) -> lwt.Promise[None]:
    check_opened(function, descriptor)
    if is_ready(event, descriptor._fd):
        return lwt.return_unit
    # OCaml's has a `catch`, too: who is rejected by `close` sees the storage of this place.
    return lwt.catch(partial(wait_for, None, event, descriptor, _nothing), lwt.reraise)


def _nothing() -> None:
    pass
