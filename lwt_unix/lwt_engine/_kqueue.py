"""The poller of the BSDs and of macOS: kqueue. See `Poller`.

A kqueue does not watch descriptors but pairs of a descriptor and a filter, one for reading
and one for writing, and reports each pair separately. Closing a descriptor takes its pairs
away, even if the file is open elsewhere.

A kqueue is not inherited by a child process: there its number is free, or belongs to
another file by now.

This part is tested with an imitation of the kernel; it has not met a real one yet.

OCaml: libev's ev_kqueue.c has this part there.
"""

from __future__ import annotations

import select
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol

from lwt_unix.lwt_engine._descriptors import READ, WRITE


class Kevent(Protocol):
    """What we use of a `select.kevent`."""

    @property
    def ident(self) -> int: ...
    @property
    def filter(self) -> int: ...


class Kqueue(Protocol):
    """What we use of a `select.kqueue`."""

    # Any: a kqueue takes only the kevents of its own module.
    def control(
        self, changelist: Any, maxevents: int, timeout: float | None, /
    ) -> Sequence[Kevent]: ...
    def close(self) -> None: ...


class Kqueue_api(Protocol):
    """What we use of the module `select`: tests put another one in its place."""

    @property
    def KQ_FILTER_READ(self) -> int: ...
    @property
    def KQ_FILTER_WRITE(self) -> int: ...
    @property
    def KQ_EV_ADD(self) -> int: ...
    @property
    def KQ_EV_DELETE(self) -> int: ...
    @property
    def kqueue(self) -> Callable[[], Kqueue]: ...
    @property
    def kevent(self) -> Callable[[int, int, int], Kevent]: ...


class Kqueue_poller:
    """The poller over kqueue."""

    def __init__(self, api: Kqueue_api) -> None:
        self.readable: Final = READ
        self.writable: Final = WRITE
        self._api: Final = api
        self._bits: Final = {api.KQ_FILTER_READ: READ, api.KQ_FILTER_WRITE: WRITE}
        self._kqueue = api.kqueue()
        self.wait = self._wait

    def change(self, fd: int, before: int, after: int, /) -> None:
        """Tell the kernel, whatever it knew before.

        Adding a pair that is there already does nothing. But it fails if the descriptor was
        closed in between: so that is found out.
        """
        for kq_filter, bit in self._bits.items():
            if after & bit:
                self._control(fd, kq_filter, self._api.KQ_EV_ADD)
            elif before & bit:
                with suppress(OSError):  # ENOENT, EBADF: it was closed
                    self._control(fd, kq_filter, self._api.KQ_EV_DELETE)

    def _control(self, fd: int, kq_filter: int, flags: int) -> None:
        # One change a call, and no room for reports: so its error is raised.
        self._kqueue.control([self._api.kevent(fd, kq_filter, flags)], 0, 0)

    def _wait(self, timeout: float, most: int) -> list[tuple[int, int]]:
        # Twice as many: a descriptor may be reported by both filters.
        reports = self._kqueue.control(None, 2 * most, None if timeout < 0 else timeout)
        bits = self._bits
        # A filter that reports an end of file (EV_EOF) or an error is ready too.
        return [(report.ident, bits.get(report.filter, 0)) for report in reports]

    def check(self, function: str, fd: int, /) -> None:
        """Accept any descriptor."""

    def renew(self) -> None:
        """Close our kqueue and open another one."""
        # Closed first: in a child process its number is free, and the new one may get it.
        self.close()
        self._kqueue = self._api.kqueue()

    def close(self) -> None:
        """Close our kqueue."""
        with suppress(OSError):
            self._kqueue.close()


def kqueue_api() -> Kqueue_api | None:
    """Return the module that has kqueue, where there is such a thing."""
    if sys.platform == "linux" or sys.platform == "win32":
        return None
    return select
