"""The end of the process: that it has begun, what it is told of, and with which status it comes.

`lwt_main` calls the exit hooks, and `lwt_io._at_exit` writes what is left in channels.
"""

from __future__ import annotations

import os
import sys
import weakref
from typing import Final, final

import lwt

_FIRST_PATIENCE: Final = 1.0

exit_patience: Final[lwt.Ref[float]] = lwt.Ref(_FIRST_PATIENCE)
"""How long the end of the process waits for a peer that does not read, in seconds.

When the process ends, what is left in the buffers of channels is written. A peer that reads gets all of
it, however long that takes. If a channel can write nothing for this long, what it has is lost: no peer can
keep the process from ending. It is 1.0 at first; assign to `contents` to change it. Not in OCaml, where
the process waits for ever.
"""


@final
class _Ender:
    """What gives the process a status of its own, when the interpreter takes the modules down.

    `atexit` drops a SystemExit, and by then the interpreter has decided on the status. So the process
    must be ended by hand, but not before the other functions of `atexit` have run, and what Python
    itself has buffered is written. Both is done when the variables of modules are taken back.
    """

    __slots__ = ("_exit", "has_begun", "status")

    def __init__(self) -> None:
        self._exit = os._exit

        self.has_begun = False
        """Whether the process ends."""

        self.status: int | None = None
        """None: that of the interpreter."""

    def __del__(self) -> None:
        if self.status is not None:
            self._exit(self.status & 0xFF)


_ender: Final = _Ender()


def renew() -> None:
    """Begin again: the process does not end."""
    exit_patience.contents = _FIRST_PATIENCE
    _ender.has_begun = False
    _ender.status = None


def begin() -> None:
    """Note that the process ends."""
    _ender.has_begun = True


def has_begun() -> bool:
    """Tell whether the process ends, so that nobody should be accepted any more."""
    return _ender.has_begun


def end_with(exit: SystemExit) -> None:
    """Have the process end with the status that Python gives a program which this SystemExit leaves."""
    if exit.code is None or isinstance(exit.code, int):
        _ender.status = exit.code or 0
        return
    _ender.status = 1
    try:
        sys.stderr.write(f"{exit.code}\n")
    except Exception:
        pass  # There is none, or it is closed or full.


def report(hook: object, exception: BaseException) -> None:
    """Have Python report an exception of an exit hook as it reports all those that it cannot raise.

    Its own types for that are out of reach. But what the callback of a weak reference raises is such
    an exception.
    """
    target: set[None] = set()
    reference = weakref.ref(target, _RaisesAgain(hook, exception))
    del target, reference


@final
class _RaisesAgain:
    """The exception of an exit hook."""

    __slots__ = ("_exception", "_hook")

    def __init__(self, hook: object, exception: BaseException) -> None:
        self._hook = hook
        self._exception = exception

    def __call__(self, _: object) -> None:
        raise self._exception

    def __repr__(self) -> str:
        return f"exit hook {self._hook!r}"
