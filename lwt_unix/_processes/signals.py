"""Signals, handled in the main loop like any other event.

A real signal handler may interrupt the program anywhere. Ours only notes that the signal came:
Python writes its number to a pipe (`signal.set_wakeup_fd`), the engine watches the pipe, and the
functions given to `on_signal` run when the main loop comes to it. So they may do anything.

The pipe exists, and Python is told of it, while there is a handler. When the last one goes, all
that was there before is put back: the wakeup descriptor and, for each signal, its disposition.
A child process gets a pipe of its own.

A program that becomes a daemon closes all descriptors, and this pipe with them (`_jobs/wakeup`). When the
program sets a new engine, or the main loop finds out, there is a new pipe; signals that came meanwhile are kept.

There are two differences from OCaml, on purpose. Disabling the last handler of a signal restores
the disposition that was found, not the system's default: with the default, SIGINT would end a
Python program without a KeyboardInterrupt. And each handler of `on_signal_full` has its own
identifier; in OCaml all have the identifier of the first.

OCaml: section "Signals" of lwt_unix.ml.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Callable
from types import FrameType
from typing import Final, NoReturn, TypeAlias, final

from lwt import lwt_sequence
from lwt._core.checks import check_bounds, check_callback, check_kind
from lwt._core.identity import refuse_copy
from lwt_unix import _system as system
from lwt_unix import lwt_engine
from lwt_unix._errors import note_call
from lwt_unix._jobs.wakeup import MOST_KEPT, WakeupPipe
from lwt_unix.lwt_engine import _current

Disposition: TypeAlias = Callable[[int, FrameType | None], object] | int | None
"""What `signal.signal` takes and returns."""


@final
class Signal_handler_id:
    """One function that handles one signal: what `disable_signal_handler` takes.

    OCaml: type Lwt_unix.signal_handler_id
    """

    __slots__ = ("_function", "_node", "_signum")

    def __reduce_ex__(self, protocol: object, /) -> NoReturn:
        refuse_copy(self)

    def __init__(self, signum: int, function: Callable[[Signal_handler_id, int], object]) -> None:
        self._signum = signum
        self._function = function

        self._node: lwt_sequence.Node[Signal_handler_id] | None = None
        """Its place among the handlers of its signal; None when it is disabled."""

    def __repr__(self) -> str:
        disabled = "" if self._node is not None else ", disabled"
        return f"<handler of signal {self._signum}{disabled}>"


@final
class _Signal:
    """A signal that has handlers."""

    __slots__ = ("handlers", "is_handled", "previous")

    def __init__(self) -> None:
        self.handlers: lwt_sequence.Sequence[Signal_handler_id] = lwt_sequence.create()

        self.is_handled = False
        """Whether Python has been told."""

        self.previous: Disposition = None
        """How the signal was disposed of before."""


@final
class _SignalPipe(WakeupPipe):
    """The way from Python's own signal handler to the main loop."""

    __slots__ = ("_missed", "_previous_wakeup_fd")

    def __init__(self) -> None:
        self._missed: Final[deque[int]] = deque(maxlen=MOST_KEPT)
        """The signals that came while the pipe was not there."""

        self._previous_wakeup_fd = -1
        super().__init__()

    def make_sure_it_is_there(self) -> None:
        """If somebody has closed the pipe, open another one, and put in it the signals that came since."""
        writing = self._writing
        if not self.replace_if_gone():
            return
        # Who closed the pipe has closed this as well.
        self._previous_wakeup_fd = -1
        # Python lets no other thread do this; then `make_sure` does it.
        if threading.current_thread() is threading.main_thread():
            current = system.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
            if current not in {writing, -1}:
                _set_wakeup_fd(current, otherwise=self._writing)
        while self._missed:
            self.notify(self._missed.popleft())

    def notify(self, signum: int) -> None:
        """Do what Python does when a signal comes."""
        if not self.is_there():
            self._missed.append(signum)
            return
        self.write(bytes([signum]))

    def claim(self) -> None:
        """Have Python write to this pipe, also if someone has taken that over."""
        self.make_sure_it_is_there()
        current = system.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        if current != self._writing:
            self._previous_wakeup_fd = current

    def make_sure(self, signum: int) -> None:
        """Notify the main loop of a signal that came just now, unless Python has done so.

        If asyncio is imported, it makes Python write nowhere after a fork, and after it has
        handled signals itself. While it handles signals, what it has set is left alone.
        """
        ours = self._writing if self.is_there() else -1
        current = system.set_wakeup_fd(ours, warn_on_full_buffer=False)
        if ours == -1 or current != ours:
            if current not in {self._writing, -1}:
                _set_wakeup_fd(current, otherwise=ours)
            self.notify(signum)

    def close(self) -> None:
        """Put things back as they were."""
        current = _set_wakeup_fd(self._previous_wakeup_fd, otherwise=-1)
        if current not in {self._writing, -1}:
            _set_wakeup_fd(current, otherwise=-1)  # it belongs to someone else by now: leave it
        if _pipe is not None and _pipe._previous_wakeup_fd == self._writing:
            _pipe._previous_wakeup_fd = self._previous_wakeup_fd  # A finaliser has made that one.
        super().close()

    def deliver(self, event: lwt_engine.Event) -> None:
        """Run the handlers of the signals that came, in the order in which they came."""
        if not self.is_there():
            self.make_sure_it_is_there()
            return
        try:
            signals = system.read(self._reading, MOST_KEPT)
        except BlockingIOError:
            return
        done = 0
        try:
            for signum in signals:
                done += 1
                _run_handlers(signum)
        finally:
            # A handler that raises ends this turn of the main loop. The signals after it stay.
            if _pipe is self:
                for signum in signals[done:]:
                    self.notify(signum)


def _set_wakeup_fd(fd: int, *, otherwise: int) -> int:
    """Have Python write to the descriptor of another library, unless that is closed by now."""
    try:
        return system.set_wakeup_fd(fd)
    except (OSError, ValueError):  # It is closed, or its number is a file's that may block.
        return system.set_wakeup_fd(otherwise, warn_on_full_buffer=False)


_LAST: Final = signal.NSIG - 1
_HINT: Final = "use signal.SIGTERM or the like"

_pipe: _SignalPipe | None = None
_signals: dict[int, _Signal] = {}


def is_open() -> bool:
    """Tell whether signals are handled, so that the engine watches their pipe."""
    return _pipe is not None


def renew() -> None:
    """Begin again: without handlers, and with what was there before the first of them."""
    for handled in [*_signals.values()]:
        lwt_sequence.iter_l(disable_signal_handler, handled.handlers)


def forget() -> object:
    """Begin again in a child process, and return the handlers that are its parent's."""
    handlers: list[Signal_handler_id] = []
    for handled in _signals.values():
        lwt_sequence.iter_l(handlers.append, handled.handlers)
    renew()
    return handlers


def on_signal(signum: int, f: Callable[[int], object], /) -> Signal_handler_id:
    """Call a function in the main loop each time a signal comes.

    Several functions may handle one signal; they are called in the order in which they were added.
    An exception of one of them leaves through `lwt_main.run`.

    A child process of `os.fork` keeps the handlers, for the signals that it gets itself, and calls
    them when it runs the main loop. A child that does not run it should disable them. One that is
    forked while the main loop runs has none.

    Args:
        signum: such as `signal.SIGTERM`.
        f: takes the number of the signal.

    Raises:
        ValueError: there is no such signal, or this is not the main thread.
        OSError: the signal cannot be handled: SIGKILL, for example.

    OCaml: Lwt_unix.on_signal : int -> (int -> unit) -> signal_handler_id
    """
    check_callback("lwt_unix.on_signal", f, ("signum",))
    return _add_handler("lwt_unix.on_signal", signum, lambda _, number: f(number))


def on_signal_full(
    signum: int, f: Callable[[Signal_handler_id, int], object], /
) -> Signal_handler_id:
    """Call a function in the main loop each time a signal comes, like `on_signal`.

    Args:
        signum: such as `signal.SIGTERM`.
        f: takes its own identifier, so that it can disable itself, and the number of the signal.

    Raises:
        ValueError, OSError: see `on_signal`.

    OCaml: Lwt_unix.on_signal_full :
        int -> (signal_handler_id -> int -> unit) -> signal_handler_id
    """
    check_callback("lwt_unix.on_signal_full", f, ("handler", "signum"))
    return _add_handler("lwt_unix.on_signal_full", signum, f)


def _add_handler(
    function: str, signum: int, f: Callable[[Signal_handler_id, int], object]
) -> Signal_handler_id:
    ocaml = "Lwt_unix.on_signal: unavailable signal"
    check_bounds(function, "signum", signum, 1, _LAST, hint=_HINT, ocaml=ocaml)
    handler = Signal_handler_id(signum, f)
    # The handler comes first: so the signal is handled until it goes, whatever a finaliser adds and disables.
    while True:
        handled = _signals.get(signum)
        if handled is None:
            _check_thread(function)
            handled = _signals.setdefault(signum, _Signal())
        handler._node = lwt_sequence.add_r(handler, handled.handlers)
        if _signals.get(signum) is handled:
            break
    if not handled.is_handled:
        _start_handling(handler, handled)
    return handler


def disable_signal_handler(handler: Signal_handler_id, /) -> None:
    """Call the function of this handler no more. Doing so again does nothing.

    When the last handler of a signal goes, the signal has the effect again that it had before the
    first one came.

    Raises:
        ValueError: it is the last handler of its signal, and this is not the main thread.

    OCaml: Lwt_unix.disable_signal_handler : signal_handler_id -> unit
    """
    if type(handler) is not Signal_handler_id:
        hint = "lwt_unix.on_signal returns one"
        check_kind("lwt_unix.disable_signal_handler", handler, Signal_handler_id, hint)
    node = handler._node
    if node is None:
        return
    handled = _signals[handler._signum]
    if lwt_sequence.length(handled.handlers) == 1:
        _check_thread("lwt_unix.disable_signal_handler")
    handler._node = None
    lwt_sequence.remove(node)
    if lwt_sequence.is_empty(handled.handlers):
        _stop_handling(handler._signum, handled)


def signal_count() -> int:
    """Return how many handlers there are, of all signals.

    OCaml: Lwt_unix.signal_count : unit -> int
    """
    return sum(lwt_sequence.length(handled.handlers) for handled in _signals.values())


def reinstall_signal_handler(signum: int, /) -> None:
    """Take back a signal that another part of the program has begun to handle.

    This does nothing unless `on_signal` has added a handler for it.

    OCaml: Lwt_unix.reinstall_signal_handler : int -> unit
    """
    if signum in _signals and _pipe is not None:
        _pipe.claim()
        if not lwt_engine.forwards_signal(signum):
            system.set_signal(signum, leave_it_to_the_pipe)


def handle_signal(signum: int, /) -> None:
    """Act as if a signal had come: its handlers run when the main loop comes to it.

    This is for another library that handles the signal, and may be called from any thread and
    from a signal handler.

    OCaml: Lwt_unix.handle_signal : int -> unit
    """
    check_bounds("lwt_unix.handle_signal", "signum", signum, 1, _LAST, hint=_HINT)
    pipe = _pipe
    if pipe is not None and signum in _signals:
        pipe.notify(signum)


def _check_thread(function: str) -> None:
    if threading.current_thread() is not threading.main_thread():
        raise ValueError(
            f"{function}: Python lets only the main thread say how signals are handled"
        )


def _start_handling(handler: Signal_handler_id, handled: _Signal) -> None:
    """Tell Python of a signal, for its first handler; if that fails, the handler goes."""
    signum = handler._signum
    try:
        _open_pipe()
        # An engine that stands on another library's loop may get its signals from there.
        if not lwt_engine.forwards_signal(signum):
            previous = system.set_signal(signum, leave_it_to_the_pipe)
            if previous is not leave_it_to_the_pipe:  # A finaliser has not done so.
                handled.previous = previous
        handled.is_handled = True
    except BaseException as exn:
        node, handler._node = handler._node, None
        if node is not None:
            lwt_sequence.remove(node)
        if lwt_sequence.is_empty(handled.handlers) and _signals.get(signum) is handled:
            del _signals[signum]
        _close_pipe_if_idle()
        if isinstance(exn, OSError):
            note_call(exn, "sigaction")
        raise


def _open_pipe() -> None:
    global _pipe
    if _pipe is not None:
        _pipe.make_sure_it_is_there()
        return
    pipe = _SignalPipe()
    if _pipe is None:
        _pipe = pipe
        pipe.claim()
    else:  # A finaliser has opened one meanwhile.
        pipe.close()


def _stop_handling(signum: int, handled: _Signal) -> None:
    del _signals[signum]
    try:
        if not lwt_engine.forwards_signal(signum):
            # None is a handler that was not set from Python; it cannot be set again.
            previous = handled.previous
            system.set_signal(signum, signal.SIG_DFL if previous is None else previous)
            successor = _signals.get(signum)
            if successor is not None:  # A finaliser has added a handler just then.
                successor.previous = previous
                system.set_signal(signum, leave_it_to_the_pipe)
    finally:
        _close_pipe_if_idle()


def _close_pipe_if_idle() -> None:
    global _pipe
    if _pipe is not None and not _signals:
        pipe, _pipe = _pipe, None
        pipe.close()


def leave_it_to_the_pipe(signum: int, frame: FrameType | None) -> None:
    """Be the handler that Python calls. Mostly, Python has written to the pipe already."""
    if _pipe is not None:
        _pipe.make_sure(signum)


def _run_handlers(signum: int) -> None:
    handled = _signals.get(signum)
    if handled is not None:
        # A handler that is added meanwhile is called, too; one that is disabled is not.
        lwt_sequence.iter_l(lambda handler: handler._function(handler, signum), handled.handlers)


def _part_from_parent() -> None:
    if _pipe is not None and not _pipe.part_from_parent():
        _pipe.make_sure_it_is_there()


def _find_out() -> None:
    """A new engine was set: maybe because everything was closed, and maybe without the old one's events."""
    if _pipe is not None:
        _pipe.make_sure_it_is_there()
        _pipe.watch_anew()


_current.after_set.append(_find_out)

# The engine is imported first, so it has done its part when this is called.
os.register_at_fork(after_in_child=_part_from_parent)
