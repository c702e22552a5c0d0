"""Notifications: functions that other threads, and signal handlers, have called in the main loop.

Only one thread may use promises. Any other says with `send` that something is to be done: the message
is put into a queue, and a byte into a pipe that wakes the main loop, which then takes what is in the
queue, in order. Jobs that are done come the same way.

Nothing is locked. A message is in the queue before its sender looks whether the loop has been woken
already, and the loop forgets that before it looks into the queue: so none stays there unseen.

OCaml: sections "Notifications management" and "Reading notifications" of lwt_unix.ml.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from typing import Final, Never, NoReturn, final

from lwt._core.checks import check_callback, check_kind, given_by_position
from lwt._core.identity import refuse_copy
from lwt_unix import _system as system
from lwt_unix import lwt_engine
from lwt_unix._jobs.wakeup import MOST_KEPT, WakeupPipe
from lwt_unix.lwt_engine import _current

# --- The way to the main loop ------------------------------------------------


class Message(ABC):
    """What any thread sends, and the main loop delivers."""

    __slots__ = ()

    @abstractmethod
    def _deliver(self) -> None:
        """Do what the message says, in the main loop."""


_sent: Final[deque[Message]] = deque()
"""What was sent and not delivered yet."""


@final
class _NotificationPipe(WakeupPipe):
    """The pipe that wakes the main loop for messages."""

    __slots__ = ("is_awake",)

    def __init__(self) -> None:
        self.is_awake = False
        """Whether there is a byte in the pipe, or will be in a moment."""

        super().__init__()

    def wake(self) -> None:
        """Have `deliver` called. Any thread may, and any signal handler."""
        if not self.is_awake and self._owns(self._writing):
            self.is_awake = True
            self.write(b"\0")

    def make_sure_it_is_there(self) -> None:
        """Have a pipe that wakes the current engine, whatever has become of the old one."""
        if not self.replace_if_gone():
            self.watch_anew()
        self.is_awake = False
        if _sent:
            self.wake()

    def deliver(self, event: lwt_engine.Event) -> None:
        """Deliver what was sent. What is sent meanwhile comes in the next turn.

        If a message raises an exception, that leaves; the messages after it stay for the next turn.
        """
        if self._owns(self._reading):
            try:
                system.read(self._reading, MOST_KEPT)
            except BlockingIOError:
                pass
        else:
            self.replace_if_gone()
        self.is_awake = False
        number = len(_sent)
        try:
            while number and _sent:
                number -= 1
                _sent.popleft()._deliver()
        finally:
            if _sent:
                self.wake()


_pipe: _NotificationPipe | None = None


def open_way() -> None:
    """Make sure that what is sent will arrive. The thread of the main loop calls this.

    Raises:
        OSError, ValueError: there are no descriptors left, or the engine cannot watch more.
    """
    global _pipe
    if _pipe is not None:
        return
    pipe = _NotificationPipe()
    if _pipe is None:
        _pipe = pipe
        if _sent:
            pipe.wake()
    else:  # A finaliser has opened one meanwhile.
        pipe.close()


_is_wanted = False


def want_way() -> None:
    """Have the way be open whenever the main loop runs: any thread may send something, unasked."""
    global _is_wanted
    _is_wanted = True


def open_wanted_way() -> None:
    """Open the way, if it is wanted, or something was sent already; the main loop is about to run."""
    if _pipe is None and (_is_wanted or _sent):
        try:
            open_way()
        except (OSError, ValueError):
            pass  # Who sends something looks.


def is_open() -> bool:
    """Tell whether what is sent arrives."""
    return _pipe is not None


def post(held: list[Message]) -> None:
    """Send the message that is in a list, and leave the list empty. Any thread may.

    The sender must not be the last who has the message: it would be collected in the sender's thread,
    with all that it holds. So it is in a list here, and in no variable.
    """
    _sent.append(held.pop())
    pipe = _pipe
    if pipe is not None:
        pipe.wake()


def renew() -> None:
    """Begin again: nothing was sent, and there is no pipe, nor is one wanted."""
    global _pipe, _is_wanted
    _is_wanted = False
    _sent.clear()
    if _pipe is not None:
        pipe, _pipe = _pipe, None
        pipe.close()


def find_out() -> None:
    """Look for what has become of the pipe: there is a new engine, or all events have been stopped."""
    if _pipe is not None:
        _pipe.make_sure_it_is_there()


def _part_from_parent() -> None:
    """What was sent to the parent stays there."""
    _sent.clear()
    if _pipe is not None:
        _pipe.part_from_parent()
        _pipe.make_sure_it_is_there()


_current.after_set.append(find_out)

# The engine is imported first, so it has done its part when this is called.
os.register_at_fork(after_in_child=_part_from_parent)

# --- Notifications -----------------------------------------------------------


@final
class Notification(Message):
    """A function that is called in the main loop each time somebody sends this.

    OCaml: type Lwt_unix.notification
    """

    __slots__ = ("_function", "_is_stopped", "_once")

    def __reduce_ex__(self, protocol: object, /) -> NoReturn:
        refuse_copy(self)

    def __init__(self, function: Callable[[], object], once: bool) -> None:
        self._function = function
        self._once = once
        self._is_stopped = False

    def __repr__(self) -> str:
        stopped = " (stopped)" if self._is_stopped else ""
        return f"<notification for {self._function!r}{stopped}>"

    def _deliver(self) -> None:
        """Call the function, unless the notification was stopped."""
        if self._is_stopped:
            return
        if self._once:
            self._is_stopped = True
        self._function()


_HINT: Final = "lwt_unix.make_notification returns one"


def make_notification(
    f: Callable[[], object], /, *_wrong: Never, once: bool = False
) -> Notification:
    """Make a notification: each time it is sent, a function is called in the main loop.

    This is how another thread, or a handler of `signal.signal`, reaches promises:

    >>> import threading, lwt, lwt_unix
    >>> from lwt_unix import lwt_main
    >>> promise, resolver = lwt.wait()
    >>> done = lwt_unix.make_notification(lambda: lwt.wakeup(resolver, "done"), once=True)
    >>> threading.Thread(target=lwt_unix.send_notification, args=(done,)).start()
    >>> lwt_main.run(promise)
    'done'

    An exception of the function leaves through `lwt_main.run`.

    Args:
        f: what to call.
        once: whether it is called at most once: the notification is stopped before the call.

    Raises:
        OSError: EMFILE, if there are no descriptors left: the first one opens a pipe.

    OCaml: Lwt_unix.make_notification : ?once : bool -> (unit -> unit) -> notification
    """
    if _wrong:
        raise given_by_position(make_notification, _wrong)
    check_callback("lwt_unix.make_notification", f, ())
    open_way()
    return Notification(f, once)


def send_notification(notification: Notification, /) -> None:
    """Have the function of a notification called in the main loop, soon.

    Any thread may call this, and so may a handler of `signal.signal`. What was sent is called in the
    order in which it was sent, and as often. If the notification is stopped by then, nothing happens.

    OCaml: Lwt_unix.send_notification : notification -> unit
    """
    check_kind("lwt_unix.send_notification", notification, Notification, _HINT)
    held: list[Message] = [notification]
    post(held)


def stop_notification(notification: Notification, /) -> None:
    """Call the function of a notification no more, not even if it was sent already.

    OCaml: Lwt_unix.stop_notification : notification -> unit
    """
    check_kind("lwt_unix.stop_notification", notification, Notification, _HINT)
    notification._is_stopped = True


def set_notification(notification: Notification, f: Callable[[], object], /) -> None:
    """Replace the function of a notification, also for what was sent already.

    Raises:
        LookupError: it is stopped.

    OCaml: Lwt_unix.set_notification : notification -> (unit -> unit) -> unit
    """
    check_kind("lwt_unix.set_notification", notification, Notification, _HINT)
    check_callback("lwt_unix.set_notification", f, ())
    if notification._is_stopped:
        raise LookupError(f"lwt_unix.set_notification: {notification!r}; make another one")
    notification._function = f


def call_notification(notification: Notification, /) -> None:
    """Call the function of a notification now, as the main loop does; if it is stopped, do nothing.

    OCaml: Lwt_unix.call_notification : notification -> unit
    """
    check_kind("lwt_unix.call_notification", notification, Notification, _HINT)
    notification._deliver()
