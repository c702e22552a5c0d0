"""Waiting for child processes, without asking again and again whether they have ended.

Linux has descriptors of processes: a *pidfd* is ready when its process has ended. All that are waited for
are in one epoll, and the engine watches that. So any engine can wait for any number of children, and
only those that have ended are looked at.

A pidfd tells neither that a process was stopped, nor that *any* child has ended, and other systems have
none. Whoever waits for that is woken by SIGCHLD. A signal does not say how many children it stands
for, so all waits are looked at then, as in OCaml.

Both ways lead to `_look`. It asks the system (`wait4`) for each child that somebody waits for, the
newest wait first, as OCaml does. So nobody else's child is ever reaped: not that of `subprocess` or
multiprocessing, unless somebody waits for any child.

The system tells only once how a child has ended. So from asking to the resolved promise the collector is
off: a finaliser that cancels the wait just then would have that lost, and who waits next would find no child.

OCaml: section "Processes" of lwt_unix.ml, which has SIGCHLD alone.
"""

from __future__ import annotations

import errno
import gc
import os
import signal
from collections.abc import Iterable
from functools import partial
from typing import Final, TypeAlias, final

import lwt
from lwt._core.checks import check_bounds, check_iterable, check_kind
from lwt._core.promise import FULFILLED, settle
from lwt._core.resolution import run_callbacks
from lwt_unix import _system as system
from lwt_unix import lwt_engine
from lwt_unix._checks import C_INT
from lwt_unix._errors import note_call
from lwt_unix._processes import parting, signals
from lwt_unix._processes.signals import Signal_handler_id
from lwt_unix._processes.statuses import (
    BITS,
    Process_status,
    Resource_usage,
    Wait_flag,
    status_of,
)
from lwt_unix.lwt_engine import _current
from lwt_unix.lwt_engine._descriptors import READ
from lwt_unix.lwt_engine._pollers import Epoll_poller, epoll_maker

Ended: TypeAlias = tuple[int, Process_status, Resource_usage]
"""The identifier of a process, how it ended, and what it has used."""


@final
class _Wait:
    """One wait for a child, or for any of some."""

    __slots__ = ("bits", "number", "pid", "pidfd", "promise", "resolver")

    def __init__(
        self, pid: int, bits: int, promise: lwt.Promise[Ended], resolver: lwt.Resolver[Ended]
    ) -> None:
        self.pid = pid
        self.bits = bits
        """What `wait4` is given."""

        self.promise = promise
        self.resolver = resolver

        self.number = 0
        """Its place among all waits, from the oldest on."""

        self.pidfd = -1
        """The descriptor that tells of the end; -1, if SIGCHLD does."""


# --- Descriptors of processes ------------------------------------------------


@final
class _Pidfds:
    """The descriptors of the children that are waited for, in an epoll of their own."""

    __slots__ = ("_event", "_poller", "waits")

    def __init__(self, poller: Epoll_poller) -> None:
        self._poller: Final = poller
        self.waits: Final[dict[int, _Wait]] = {}
        self._event = lwt_engine.on_readable(poller.fileno(), _look)

    def add(self, wait: _Wait, pidfd: int) -> None:
        """Watch a descriptor for a wait."""
        self._poller.change(pidfd, 0, READ)
        self.waits[pidfd] = wait
        wait.pidfd = pidfd

    def remove(self, wait: _Wait) -> None:
        """Watch for a wait no more, and close its descriptor. Doing so again does nothing."""
        pidfd = wait.pidfd
        wait.pidfd = -1  # From here on, nobody else removes it.
        if self.waits.get(pidfd) is wait:
            self.waits.pop(pidfd, None)
            if self.is_there():
                # A child that was forked may have the descriptor, too: then the epoll would keep it.
                self._poller.change(pidfd, READ, 0)
                system.close(pidfd)

    def ready(self) -> list[_Wait]:
        """Return the waits for children that have ended."""
        found = self._poller.wait(0, len(self.waits) or 1)
        return [self.waits[pidfd] for pidfd, _ in found if pidfd in self.waits]

    def is_there(self) -> bool:
        """Say whether nobody has closed all descriptors, as a program does that becomes a daemon."""
        return self._poller.is_there()

    def watch_anew(self) -> None:
        """Have the current engine watch: it may be another one now, and know nothing of the epoll."""
        event = lwt_engine.on_readable(self._poller.fileno(), _look)
        event, self._event = self._event, event
        lwt_engine.stop_event(event)

    def close(self) -> None:
        """Close all, unless somebody has done so."""
        lwt_engine.stop_event(self._event)
        if self.is_there():
            lwt_engine.get().forget(self._poller.fileno())
            for pidfd in self.waits:
                system.close(pidfd)
        self._poller.close()
        self.waits.clear()


# --- Who waits ---------------------------------------------------------------


@final
class _Waits:
    """All waits, and how they learn that a child has ended."""

    __slots__ = ("_pidfds", "count", "handler", "woken")

    def __init__(self) -> None:
        self._pidfds: _Pidfds | None = None

        self.woken: Final[dict[_Wait, _Wait]] = {}
        """Those that SIGCHLD wakes."""

        self.handler: Signal_handler_id | None = None
        """What handles SIGCHLD; once needed, it stays."""

        self.count = 0
        """How many there were."""

    def all(self) -> list[_Wait]:
        """Return all waits, the newest first."""
        pidfds = self._pidfds
        watched = pidfds.waits.values() if pidfds is not None else ()
        return sorted([*watched, *self.woken], key=_newest_first)

    def may_be_over(self) -> list[_Wait]:
        """Return the waits that have to be looked at, the newest first."""
        pidfds = self._pidfds
        if pidfds is not None and not pidfds.is_there():
            self._begin_again()
            return self.all()
        if self.woken or pidfds is None:
            # A child may end just now: a newer wait for it must be asked before an older one for any child.
            return self.all()
        return sorted(pidfds.ready(), key=_newest_first)

    def add(self, wait: _Wait) -> None:
        """Have a wait woken when its child ends, at the latest."""
        self.count += 1
        wait.number = self.count
        if wait.pid <= 0 or wait.bits & os.WUNTRACED or not self._watch(wait):
            handle_sigchld()
            self.woken[wait] = wait

    def _watch(self, wait: _Wait) -> bool:
        """Watch a descriptor of the child; return False if there is none."""
        if system.pidfd_open is None:
            return False
        if self._pidfds is not None and not self._pidfds.is_there():
            self._begin_again()
        pidfd = -1
        try:
            pidfds = self._opened()
            if pidfds is None:
                return False
            pidfd = system.pidfd_open(wait.pid)
            pidfds.add(wait, pidfd)
        except (OSError, ValueError):
            # ESRCH: it has ended. EMFILE: too many are open. ENOSYS, EPERM: it is not allowed. Or the
            # engine cannot watch such a number.
            if pidfd != -1:
                system.close(pidfd)
            return False
        return True

    def _opened(self) -> _Pidfds | None:
        make = epoll_maker()
        if self._pidfds is None and make is not None:
            poller = Epoll_poller(make)
            try:
                pidfds = _Pidfds(poller)
            except BaseException:
                poller.close()
                raise
            if self._pidfds is None:
                self._pidfds = pidfds
            else:  # A finaliser has opened one meanwhile.
                pidfds.close()
        return self._pidfds

    def _begin_again(self) -> None:
        """Watch other descriptors: somebody has closed ours."""
        pidfds, self._pidfds = self._pidfds, None
        if pidfds is not None:
            waits = [*pidfds.waits.values()]
            pidfds.close()
            for wait in waits:
                wait.pidfd = -1
                if not self._watch(wait):
                    handle_sigchld()
                    self.woken[wait] = wait
                if not lwt.is_sleeping(wait.promise):  # A finaliser has cancelled it just then.
                    self.remove(wait)

    def remove(self, wait: _Wait) -> None:
        """Have a wait woken no more. Doing so again does nothing."""
        self.woken.pop(wait, None)
        pidfds = self._pidfds
        if pidfds is not None:
            pidfds.remove(wait)

    def find_out(self) -> None:
        """A new engine was set."""
        pidfds = self._pidfds
        if pidfds is None:
            return
        if pidfds.is_there():
            pidfds.watch_anew()
        else:
            self._begin_again()

    def close(self) -> None:
        """Close all descriptors."""
        if self._pidfds is not None:
            self._pidfds.close()

    def is_watching(self) -> bool:
        """Say whether there is an event for it."""
        return self._pidfds is not None


def _newest_first(wait: _Wait) -> int:
    return -wait.number


_waits = _Waits()


def renew() -> None:
    """Begin again: nobody waits for a child."""
    global _waits
    if _waits.handler is not None:
        signals.disable_signal_handler(_waits.handler)
    _waits.close()
    _waits = _Waits()


def is_watching() -> bool:
    """Tell whether the engine watches for the end of children."""
    return _waits.is_watching()


def _find_out() -> None:
    _waits.find_out()


_current.after_set.append(_find_out)


def sigchld_handler_installer() -> None:
    """Have SIGCHLD handled from now on, as OCaml does when the main loop runs first.

    The functions that need this do so by themselves. Doing so again does nothing.

    Raises:
        ValueError: this is not the main thread.

    OCaml: Lwt_unix.sigchld_handler_installer : unit Lazy.t
    """
    handle_sigchld()


def handle_sigchld() -> None:
    """Have SIGCHLD wake those who wait."""
    waits = _waits
    if waits.handler is None:
        handler = signals.on_signal(signal.SIGCHLD, _look)
        if waits.handler is None:
            waits.handler = handler
        else:  # A finaliser has needed one meanwhile.
            signals.disable_signal_handler(handler)


def let_children_be_waited_for() -> None:
    """Handle SIGCHLD if it is ignored: the system would drop how a child has ended."""
    if system.get_signal(signal.SIGCHLD) is signal.SIG_IGN:
        handle_sigchld()


# --- Looking -----------------------------------------------------------------


def _look(_: object) -> None:
    """Wake all whose child has ended."""
    waits = _waits
    try:
        for wait in waits.may_be_over():
            _ask(waits, wait)
    except BaseException:
        # A callback has raised. A pidfd tells of its process again; a signal would not come again.
        if waits.woken:
            signals.handle_signal(signal.SIGCHLD)
        raise


def _ask(waits: _Waits, wait: _Wait) -> None:
    """Ask the system whether a child has ended; wake who waits if that is so."""
    try:
        promise = _take(wait)
    except OSError as exn:
        note_call(exn, "wait4")
        waits.remove(wait)
        lwt.wakeup_exn(wait.resolver, exn)
    else:
        if promise is not None:
            waits.remove(wait)
            run_callbacks(promise)


def _take(wait: _Wait) -> lwt.Promise[Ended] | None:
    """Resolve the promise of a wait if its child has ended; return it then, for its callbacks."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        if lwt.is_sleeping(wait.promise):
            ended = _wait4(wait.pid, wait.bits)
            if ended[0]:
                return settle(wait.promise, FULFILLED, ended)
        return None
    finally:
        if was_enabled:
            gc.enable()


def _wait4(pid: int, bits: int) -> Ended:
    found, status, used = system.wait4(pid, bits)
    return found, status_of(status), Resource_usage(used.ru_utime, used.ru_stime)


def wait_for(name: str, pid: int, bits: int) -> lwt.Promise[Ended]:
    """Wait for a child, for OCaml's call of this name."""
    let_children_be_waited_for()
    try:
        ended = _wait4(pid, bits | os.WNOHANG)
    except OSError as exn:
        note_call(exn, name)
        raise
    if ended[0] or bits & os.WNOHANG:
        return lwt.return_(ended)
    promise: lwt.Promise[Ended]
    resolver: lwt.Resolver[Ended]
    promise, resolver = lwt.task()
    wait = _Wait(pid, bits | os.WNOHANG, promise, resolver)
    waits = _waits
    waits.add(wait)
    lwt.on_cancel(promise, partial(waits.remove, wait))
    if wait.pidfd == -1:
        _ask(waits, wait)  # It may have ended before SIGCHLD was handled.
    return promise


# --- The functions -----------------------------------------------------------


def wait() -> lwt.Promise[tuple[int, Process_status]]:
    """Wait until any child process has ended: `waitpid([], -1)`.

    This also takes children that others have started and wait for, such as `subprocess`.

    OCaml: Lwt_unix.wait : unit -> (int * process_status) Lwt.t
    """
    return _waitpid(-1, 0)


def waitpid(flags: Iterable[Wait_flag], pid: int, /) -> lwt.Promise[tuple[int, Process_status]]:
    """Wait until a child process has ended; return its identifier, and how it ended.

    If it has ended already, the promise is fulfilled already. Otherwise the wait may be cancelled, and
    then has taken nothing. If several wait for a child, the newest gets it; the others are rejected
    with ECHILD.

    Args:
        flags: `WNOHANG` does not wait; `WUNTRACED` also tells of a child that was stopped.
        pid: which child; -1 for any, 0 for any in the same process group, and less for any in the
            process group `-pid`.

    Raises:
        OSError: by rejection: ECHILD, if there is no such child.
        ValueError: neither is this the main thread, nor does the system tell otherwise of the end of a
            child (`on_signal`).

    OCaml: Lwt_unix.waitpid : wait_flag list -> int -> (int * process_status) Lwt.t
    """
    return _waitpid(pid, _checked("lwt_unix.waitpid", flags, pid))


def _waitpid(pid: int, bits: int) -> lwt.Promise[tuple[int, Process_status]]:
    try:
        ended = wait_for("waitpid", pid, bits)
    except OSError as exn:
        return lwt.fail(exn)
    return lwt.map(_without_usage, ended)


def _without_usage(ended: Ended) -> tuple[int, Process_status]:
    return ended[:2]


def wait4(flags: Iterable[Wait_flag], pid: int, /) -> lwt.Promise[Ended]:
    """Wait until a child process has ended, like `waitpid`; also return what it has used.

    Raises:
        OSError: ECHILD, if there is no such child.

    OCaml: Lwt_unix.wait4 : wait_flag list -> int -> (int * process_status * resource_usage) Lwt.t
    """
    return wait_for("wait4", pid, _checked("lwt_unix.wait4", flags, pid))


def _checked(function: str, flags: Iterable[Wait_flag], pid: int) -> int:
    """Check the arguments; return the flags as the system has them."""
    bits = 0
    for flag in check_iterable(function, flags, "an iterable of flags"):
        check_kind(function, flag, Wait_flag, "use lwt_unix.WNOHANG or WUNTRACED")
        bits |= BITS[flag]
    check_bounds(function, "the process's identifier", pid, *C_INT)
    return bits


has_wait4: Final = True
"""Whether `wait4` tells what a process has used. Deprecated: so it is on every Unix.

OCaml: Lwt_unix.has_wait4 : bool
"""


def wait_count() -> int:
    """Return how many wait for a child process.

    OCaml: Lwt_unix.wait_count : unit -> int
    """
    return len(_waits.all())


# --- A child of ours ---------------------------------------------------------


def _forget() -> object:
    """Begin again in a child process, and return the waits that are its parent's."""
    global _waits
    waits, _waits = _waits, _Waits()
    return waits


parting.also(_forget)


def _part_from_parent() -> None:
    """The children of the parent are not those of this process: reject those who wait for them.

    If the main loop runs already, what is paused here is forgotten: see `parting`.
    """
    global _waits
    waits, _waits = _waits, _Waits()
    _waits.handler = waits.handler
    left = waits.all()
    waits.close()
    if left:
        lwt.on_termination(lwt.pause(), partial(_reject, left))


def _reject(left: list[_Wait]) -> None:
    for wait in left:
        exn = ChildProcessError(errno.ECHILD, os.strerror(errno.ECHILD))
        note_call(exn, "wait4")
        lwt.wakeup_exn(wait.resolver, exn)


os.register_at_fork(after_in_child=_part_from_parent)
