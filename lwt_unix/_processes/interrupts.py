"""Signals that cancel the promise which the main loop runs, instead of ending the program at once.

A Ctrl-C makes a KeyboardInterrupt wherever Python is just then, and a SIGTERM ends the process without
a word. What the program's bodies have in `finally` and `async with` is not run then, for nobody goes on
with a body that waits. With `Cancelling`, the first such signal only cancels: the bodies learn of it
where they wait, and clean up in the main loop, like after any cancel.

The second signal does what Ctrl-C always did: it raises, wherever Python is. So the signals are counted
in Python's own handler, while the cancel waits for the main loop, where `signals` delivers it.

Not in OCaml.
"""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Final, final

import lwt
from lwt_unix import _system as system
from lwt_unix import lwt_engine
from lwt_unix._processes import signals
from lwt_unix._processes.signals import Disposition, Signal_handler_id

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def check_main_thread(function: str) -> None:
    """Raise a ValueError unless this is the thread that Python lets handle signals."""
    if threading.current_thread() is not threading.main_thread():
        raise ValueError(
            f"{function}: cancel_on_signals works only in the main thread: Python handles signals "
            f"nowhere else"
        )


def _exception_of(signum: int) -> BaseException:
    """Make what leaves the program because of a signal, so that it ends with the usual status."""
    return KeyboardInterrupt() if signum == signal.SIGINT else SystemExit(128 + signum)


@final
class Cancelling:
    """The time in which the first signal cancels `promise`, and the second one leaves.

    At its end the signals have the effect again that they had before. If the promise was cancelled
    by a signal and ended by that, or if a signal came too late to cancel it, what the signal stands
    for is raised: KeyboardInterrupt, or SystemExit(143).

    A signal that is ignored (`nohup`, a job in the background) stays so.
    """

    __slots__ = ("_came", "_handlers", "_has_cancelled", "_previous", "promise")

    def __init__(self) -> None:
        self.promise: lwt.Promise[object] | None = None
        """What is cancelled; set before the main loop turns."""

        self._came: int | None = None
        """The first signal that came."""

        self._has_cancelled = False
        self._handlers: list[Signal_handler_id] = []

        self._previous: list[tuple[int, Disposition]] = []
        """How the signals were disposed of by `signals`."""

    def __enter__(self) -> Cancelling:
        global _current
        try:
            for signum in SIGNALS:
                forwarded = lwt_engine.forwards_signal(signum)
                if not forwarded and system.get_signal(signum) is signal.SIG_IGN:
                    continue
                self._handlers.append(signals.on_signal(signum, self._cancel))
                if not forwarded:
                    self._previous.append((signum, system.set_signal(signum, self._note)))
        except BaseException:
            self.end()
            raise
        _current = self
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end()
        if self._came is None or isinstance(exception, KeyboardInterrupt | SystemExit):
            return
        if isinstance(exception, lwt.Canceled):
            raise _exception_of(self._came) from None
        if not self._has_cancelled:
            raise _exception_of(self._came)

    def end(self) -> None:
        """Put things back as they were. Doing so again does nothing."""
        global _current
        _current = None
        while self._previous:
            system.set_signal(*self._previous.pop())
        while self._handlers:
            signals.disable_signal_handler(self._handlers.pop())

    def _note(self, signum: int, frame: FrameType | None) -> None:
        """Be the handler that Python calls."""
        if self._came is not None:
            raise _exception_of(signum)
        self._came = signum
        signals.leave_it_to_the_pipe(signum, frame)

    def _cancel(self, signum: int) -> None:
        """Be the handler that the main loop calls."""
        if lwt_engine.forwards_signal(signum):
            self._note(signum, None)
        promise = self.promise
        if not self._has_cancelled and promise is not None and lwt.is_sleeping(promise):
            self._has_cancelled = True
            lwt.cancel(promise)


_current: Cancelling | None = None


def renew() -> None:
    """Begin again: signals cancel nothing. Call it before that of `signals`."""
    if _current is not None:
        _current.end()


# What runs in the parent is the parent's: a signal of its child means the child.
os.register_at_fork(after_in_child=renew)
