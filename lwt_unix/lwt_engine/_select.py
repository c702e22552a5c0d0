"""Engines over a function that is given all descriptors at each turn.

`select_based` and `poll_based` are to be derived from: define `select` or `poll`,
and have an engine over any such function, or a fake one for tests. A turn is

1. wait, in `select` or `poll`, until something is ready or a timer is due;
2. call the timers that are due, in order of time;
3. call the events of the ready descriptors, in the order in which they were reported;
   `select_based` calls all readable ones before the writable ones.

A descriptor that was closed while an event waits for it (EBADF) counts as ready, and
in that turn no other descriptor does. Its callbacks then meet EBADF themselves, and can
handle it.

OCaml: src/unix/lwt_engine.ml, Select/poll based engines
"""

from __future__ import annotations

import errno
import os
import select as _select
from abc import abstractmethod
from collections.abc import Iterable
from typing import Final

from lwt_unix.lwt_engine._base import main_loop
from lwt_unix.lwt_engine._descriptors import READ, WRITE, call_newest_first, descriptor_based
from lwt_unix.lwt_engine._identifiers import Engine_id, Engine_id__select

FD_SETSIZE: Final = 1024
"""The system call select knows only descriptors below this number."""

PIPE_BUF: Final[int] = _select.PIPE_BUF
"""How many bytes a pipe takes at least, without blocking, when it is ready to be written."""


def check_selectable(function: str, fd: int) -> None:
    """Raise ValueError if select cannot watch a descriptor."""
    if fd >= FD_SETSIZE:
        raise ValueError(
            f"{function}: descriptor {fd} is out of range for the engine select, "
            f"which takes descriptors below {FD_SETSIZE} only; use another engine: "
            "lwt_engine.set(lwt_engine.epoll()), lwt_engine.kqueue() or lwt_engine.poll()"
        )


def is_bad(fd: int) -> bool:
    """Say whether a descriptor is not open."""
    try:
        os.fstat(fd)
    except OSError:
        return True
    return False


class _table_based(descriptor_based):
    """What the two have in common: nothing is kept in the kernel.

    To apply a change is to note what is wanted.
    """

    def cleanup(self) -> None:
        """Free the resources of the engine: there are none.

        OCaml: method private cleanup : unit
        """

    def adopt(self, fd: int, /) -> None:
        """Do nothing: the kernel is asked again at each turn. Not in OCaml."""

    def _begin_turn(self) -> None:
        """Admit the new timers, note what is wanted, drop what nobody uses."""
        self._timer_queue.admit()
        changes = self._changes
        while changes:
            watch = changes[-1]
            watch.is_changed = watch.is_doubtful = False
            changes.pop()
            watch.applied = watch.wanted()
            if not (watch.applied or watch.is_adopted) and self._watches.get(watch.fd) is watch:
                del self._watches[watch.fd]

    def _call_readers(self, fd: int) -> None:
        # A watch that was not waited for is new: its number was reused in this turn.
        watch = self._watches.get(fd)
        if watch is not None and watch.applied & READ:
            call_newest_first(watch.readers)

    def _call_writers(self, fd: int) -> None:
        watch = self._watches.get(fd)
        if watch is not None and watch.applied & WRITE:
            call_newest_first(watch.writers)

    def _timeout(self, block: bool) -> float:
        timeout = self._timer_queue.timeout() if block else 0.0
        # The last look, as in `kernel_based.iter`: from here to the call nothing is made that the
        # collector tracks.
        if timeout and (main_loop.has_work() or self._timer_queue.fresh or self._changes):
            return 0.0
        return timeout


class select_based(_table_based):
    """An engine over a select-like function: derive from it and define `select`.

    OCaml: class virtual Lwt_engine.select_based
    """

    @property
    def id(self) -> Engine_id:
        """What identifies the engine: Engine_id__select.

        OCaml: method id : engine_id
        """
        return Engine_id__select

    @abstractmethod
    def select(
        self, fds_r: list[int], fds_w: list[int], timeout: float, /
    ) -> tuple[Iterable[int], Iterable[int]]:
        """Wait until a descriptor is ready, or until a time has passed.

        Make no object before the system call that the collector tracks, such as a list: a
        finaliser could run then, and what it gives the main loop to do would wait, too. The two
        lists may be changed.

        Args:
            fds_r: wait for one of these to become readable.
            fds_w: wait for one of these to become writable.
            timeout: seconds; negative to wait without limit.

        Returns the readable ones and the writable ones. Instead it may raise an OSError:
        EINTR stands for none of them, EBADF for those that are not open.

        OCaml: method private virtual select : Unix.file_descr list -> Unix.file_descr list ->
        float -> Unix.file_descr list * Unix.file_descr list
        """

    def iter(self, block: bool, /) -> None:
        """Perform one turn: wait, call the timers, the readable and the writable ones.

        OCaml: method iter : bool -> unit
        """
        self._begin_turn()
        fds = sorted(self._watches, reverse=True)  # descending, as in OCaml
        watches = self._watches
        fds_r = [fd for fd in fds if (watch := watches.get(fd)) and watch.readers]
        fds_w = [fd for fd in fds if (watch := watches.get(fd)) and watch.writers]
        timeout = self._timeout(block)
        ready_r: Iterable[int]
        ready_w: Iterable[int]
        try:
            ready_r, ready_w = self.select(fds_r, fds_w, timeout)
        except OSError as error:
            if error.errno == errno.EINTR:
                ready_r, ready_w = (), ()
            elif error.errno == errno.EBADF:
                ready_r = [fd for fd in sorted(fds_r, reverse=True) if is_bad(fd)]
                ready_w = [fd for fd in sorted(fds_w, reverse=True) if is_bad(fd)]
            else:
                raise
        self._timer_queue.run_due()
        for fd in ready_r:
            self._call_readers(fd)
        for fd in ready_w:
            self._call_writers(fd)


class poll_based(_table_based):
    """An engine over a poll-like function: derive from it and define `poll`.

    OCaml: class virtual Lwt_engine.poll_based
    """

    @property
    def id(self) -> Engine_id:
        """What identifies the engine: Engine_id__select, as in OCaml.

        OCaml: method id : engine_id
        """
        return Engine_id__select

    @abstractmethod
    def poll(
        self, fds: list[tuple[int, bool, bool]], timeout: float, /
    ) -> Iterable[tuple[int, bool, bool]]:
        """Wait until a descriptor is ready, or until a time has passed.

        What is made before the system call matters as for `select_based.select`.

        Args:
            fds: tuples of a descriptor, whether to wait for it to become readable, and
                whether to wait for it to become writable. One that is waited for in
                both ways comes twice.
            timeout: seconds; negative to wait without limit.

        Returns such tuples, with what each descriptor is ready for. Instead it may raise an
        OSError: EINTR stands for none of them, EBADF for those that are not open.

        OCaml: method private virtual poll : (Unix.file_descr * bool * bool) list -> float ->
        (Unix.file_descr * bool * bool) list
        """

    def iter(self, block: bool, /) -> None:
        """Perform one turn: wait, call the timers, then the descriptors as they are reported.

        OCaml: method iter : bool -> unit
        """
        self._begin_turn()
        fds = sorted(self._watches, reverse=True)
        watches = self._watches
        # In OCaml's order: the descriptors to write to come first, both descending.
        wanted = [(fd, False, True) for fd in fds if (watch := watches.get(fd)) and watch.writers]
        wanted += [(fd, True, False) for fd in fds if (watch := watches.get(fd)) and watch.readers]
        timeout = self._timeout(block)
        ready: Iterable[tuple[int, bool, bool]]
        try:
            ready = self.poll(wanted, timeout)
        except OSError as error:
            if error.errno == errno.EINTR:
                ready = ()
            elif error.errno == errno.EBADF:
                ready = [entry for entry in wanted if is_bad(entry[0])]
            else:
                raise
        self._timer_queue.run_due()
        for fd, is_readable, is_writable in ready:
            if is_readable:
                self._call_readers(fd)
            if is_writable:
                self._call_writers(fd)


class select(select_based):
    """The engine over the system call select: everywhere, and for descriptors below 1024.

    OCaml: class Lwt_engine.select
    """

    def check_descriptor(self, function: str, fd: int, /) -> None:
        """Raise ValueError for 1024 and above. Not in OCaml."""
        check_selectable(function, fd)

    def select(
        self, fds_r: list[int], fds_w: list[int], timeout: float, /
    ) -> tuple[list[int], list[int]]:
        """Wait with the system call. The descriptors come back in ascending order.

        OCaml: method private select : Unix.file_descr list -> Unix.file_descr list -> float ->
        Unix.file_descr list * Unix.file_descr list
        """
        # The system call reports its three sets one after the other; each list is in the
        # order of the argument, so ascending arguments give the order of OCaml's.
        fds_r.reverse()
        fds_w.reverse()
        ready_r, ready_w, _ = _select.select(fds_r, fds_w, (), None if timeout < 0 else timeout)
        return ready_r, ready_w
