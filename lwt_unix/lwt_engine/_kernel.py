"""Engines that keep their interest in the kernel, between one turn and the next.

A turn of `kernel_based` is

1. apply: tell the kernel what has changed of the interest since the last turn;
2. wait, until something is ready or a timer is due;
3. call the timers that are due, in order of time;
4. call the events of the readable descriptors, then the events of the writable ones,
   both in ascending order, as OCaml's `select` engine does.

The system call that waits is behind a *poller*, so that one engine serves them all.

What the kernel knows can differ from what we think it knows, in five ways:

- A descriptor is *closed*, or of a kind that cannot be watched (a regular file, for
  epoll). Telling the kernel fails, and the descriptor counts as ready at each turn
  until its events are stopped, or until telling works: the callbacks find out.
- It was closed and its number *reused* since we told the kernel, which forgot the old
  file then. That is why the kernel is told again of a watch that nobody adopted, after
  each new registration. A poller then meets ENOENT, and registers it as a new one.
- The *old registration is still there* because another descriptor keeps the file open
  (`dup`, a child process). It then reports a number that is not used any more, and
  cannot be taken back by that number: a new kernel's object is made (`_renew`).
- The kernel *refuses* to watch it, for want of memory, say. Then the events are told so.
- After a *fork* the object is shared with the parent process: again a new one is made.

OCaml: libev has this part there. Its order of ready descriptors is unspecified.
"""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from lwt._core.choices import arrange_ready
from lwt._core.compiling import mypyc_attr
from lwt._core.pause import paused_count
from lwt._core.promise import PENDING, PROXY, underlying
from lwt_unix.lwt_engine._base import main_loop, system_clock
from lwt_unix.lwt_engine._descriptors import (
    READ,
    WRITE,
    Refused_event,
    Watch,
    call_newest_first,
    descriptor_based,
)

UNWATCHABLE: Final = frozenset({errno.EBADF, errno.EPERM, errno.ENOENT})
"""The errors of `Poller.change` for a descriptor on which calls do not wait: it counts as ready.

With any other error (ENOSPC, ENOMEM, EINVAL, ELOOP, …) nobody knows when it will be ready. Then the
events are told so, by a `Refused_event`."""


class Poller(Protocol):
    """The system call behind an engine, and the kernel's object that it works on."""

    @property
    def readable(self) -> int:
        """The bits of a report that mean: reading will not block, it may fail."""
        ...

    @property
    def writable(self) -> int:
        """The bits of a report that mean: writing will not block, it may fail."""
        ...

    @property
    def wait(self) -> Callable[[float, int], list[tuple[int, int]]]:
        """The function that waits; it may be the system call itself.

        Before the system call it makes nothing that the collector tracks: see `iter`. Its
        arguments: for how many seconds at most, negative for no limit, and for how many reports
        at most. A report is a tuple of a descriptor and bits; a descriptor
        may be reported twice.
        """
        ...

    def change(self, fd: int, before: int, after: int, /) -> None:
        """Tell the kernel what interest to have in a descriptor: READ, WRITE, both or 0.

        Args:
            fd: the descriptor.
            before: the interest that the kernel probably has. It may have lost it (the
                file was closed), or have one although none is expected.
            after: the interest that it is to have; it may be the same.

        Raises:
            OSError: the descriptor cannot be watched. Never if `after` is 0.
        """

    def check(self, function: str, fd: int, /) -> None:
        """Raise ValueError if the number of a descriptor is out of range."""

    def renew(self) -> None:
        """Close the kernel's object and make a new one, which has no interest yet."""

    def close(self) -> None:
        """Give the kernel's object back."""


@mypyc_attr(allow_interpreted_subclasses=True)
class kernel_based(descriptor_based):
    """An engine over a poller. Not in OCaml's interface."""

    def __init__(self, poller: Poller, *, clock: Callable[[], float] = system_clock) -> None:
        super().__init__(clock=clock)
        self._poller: Final = poller
        self._readable: Final = poller.readable
        self._writable: Final = poller.writable
        self._wait = poller.wait
        self._most_reports = 64
        # The events whose descriptors the kernel has refused to watch, still to be called.
        self._refused: Final[deque[Refused_event]] = deque()
        # Descriptors forgotten since the last wait: it may have reported them.
        self._forgotten: Final[set[int]] = set()

    def iter(self, block: bool, /) -> None:
        """Perform one turn: apply, wait, call the timers, the readable, the writable ones.

        OCaml: method iter : bool -> unit
        """
        timers = self._timer_queue
        if timers.fresh:
            timers.admit()
        if self._forgotten:
            self._forgotten.clear()
        unwatchable = self._apply() if self._changes else None
        if not block or unwatchable:
            timeout = 0.0
        elif timers.heap:
            timeout = timers.timeout()
        else:
            timeout = -1.0
        ready: list[tuple[int, int]] = []
        if timeout:
            # The last look: a finaliser may have begun something. What is to be collected by now is
            # collected at the latest in the call of `paused_count`. From there to the system call nothing
            # is made that the collector tracks.
            awaited = main_loop.awaited
            if awaited._state == PROXY:
                awaited = main_loop.awaited = underlying(awaited)
            if (
                paused_count()
                or awaited._state != PENDING
                or timers.fresh
                or self._changes
                or self._refused
                or main_loop.dropped
                or main_loop.deferred
            ):
                timeout = 0.0
        if self._watches or timeout:
            try:
                ready = self._wait(timeout, self._most_reports)
            except InterruptedError:
                pass
        # Otherwise there is nothing to ask for, and no time to wait.
        if unwatchable:
            ready += unwatchable
        if timers.heap:
            timers.run_due()
        if self._refused:
            self._call_refused()
        if ready:
            self._call(ready)

    def _call_refused(self) -> None:
        """Call the events that the kernel has refused."""
        refused = self._refused
        while refused:
            refusal = refused[0]
            event = refusal.event
            if event.is_active:
                event.watch.is_doubtful = True
                event.watch.change()  # If it stays active, the kernel is asked again.
                refused.popleft()
                event.callback(refusal)
            else:
                refused.popleft()

    def _call(self, ready: list[tuple[int, int]]) -> None:
        """Call the events of the descriptors that were reported."""
        if len(ready) > 1:
            arrange_ready(ready)
        watches, readable = self._watches, self._readable
        has_strays = False
        for fd, bits in ready:
            watch = watches.get(fd)
            if watch is not None and watch.applied & READ:
                if bits & readable:
                    readers = watch.readers
                    if len(readers) == 1:  # nearly always so: saves a call on a hot path
                        event = readers[0]
                        event.callback(event)
                    else:
                        call_newest_first(readers)
            elif watch is None or not watch.applied:
                # A stray report, unless the descriptor was forgotten after it was reported.
                has_strays = has_strays or fd not in self._forgotten
        if self._writables or self._actions:
            for fd, bits in ready:
                if bits & self._writable:
                    watch = watches.get(fd)
                    if watch is not None and watch.applied & WRITE:
                        call_newest_first(watch.writers)
        if has_strays:
            self._renew()

    # --- What the kernel is told ---------------------------------------------

    def _apply(self) -> list[tuple[int, int]]:
        """Tell the kernel what has changed; return reports of what it cannot watch."""
        changes = self._changes
        unwatchable: list[Watch] = []
        try:
            while changes:
                # A finaliser, or the kernel's refusal, may change this watch or another one again.
                watch = changes[-1]
                watch.is_changed = False
                changes.pop()
                try:
                    wanted = watch.wanted()
                    if wanted == watch.applied and not watch.is_doubtful:
                        refusal = None
                    else:
                        refusal = self._tell(watch, wanted)
                except BaseException:
                    watch.change()  # It is dealt with in the next turn.
                    raise
                if refusal is not None and refusal.errno in UNWATCHABLE:
                    unwatchable.append(watch)
                elif refusal is not None:
                    self._refuse(watch, refusal)
                elif not (wanted or watch.is_adopted) and self._watches.get(watch.fd) is watch:
                    del self._watches[watch.fd]
        finally:
            for watch in unwatchable:
                watch.is_doubtful = True
                watch.change()  # Perhaps it can be watched in the next turn.
        while len(self._watches) > self._most_reports:
            self._most_reports *= 2
        return [(watch.fd, self._readable | self._writable) for watch in unwatchable]

    def _tell(self, watch: Watch, wanted: int) -> OSError | None:
        """Tell the kernel of one descriptor; return why that was not possible."""
        try:
            if wanted or watch.applied:
                self._poller.change(watch.fd, watch.applied, wanted)
        except OSError as error:
            watch.applied = wanted
            return error
        watch.applied = wanted
        watch.is_doubtful = False
        return None

    def _refuse(self, watch: Watch, refusal: OSError) -> None:
        """Tell those who wait that the kernel will not watch their descriptor.

        Who goes on waiting is told so again in the next turn.
        """
        watch.applied = 0
        watch.is_doubtful = False
        for event in (*watch.readers, *watch.writers):
            if event.is_active:
                self._refused.append(Refused_event(event, refusal))

    def forget(self, fd: int, /) -> None:
        """Drop all that is known of a descriptor, which is about to be closed.

        Events that still wait for it are stopped. Call this before closing: a closed
        descriptor cannot be taken back from the kernel if the file stays open elsewhere.

        Not in OCaml.
        """
        watch = self._watches.get(fd)
        if watch is None:
            return
        descriptor_based.forget(self, fd)  # Quicker than by `super`.
        self._forgotten.add(fd)
        if watch.applied:
            self._poller.change(fd, watch.applied, 0)
            watch.applied = 0

    def _renew(self) -> None:
        """Make a new kernel's object, and tell it everything before the next wait."""
        self._poller.renew()
        self._wait = self._poller.wait
        for watch in list(self._watches.values()):
            watch.applied = 0
            watch.change()

    # --- The engine as a whole -----------------------------------------------

    def check_descriptor(self, function: str, fd: int, /) -> None:
        """Raise ValueError if the number of the descriptor is out of range. Not in OCaml."""
        self._poller.check(function, fd)

    def fork(self) -> None:
        """Make a new kernel's object: the old one belongs to the parent process, too.

        OCaml: method fork : unit
        """
        self._renew()

    def cleanup(self) -> None:
        """Give the kernel's object back.

        OCaml: method private cleanup : unit
        """
        self._poller.close()
