"""What waits for one direction of a descriptor, in the order in which it came.

A queue is a chain of operations (`Pending`) and one event of the engine. A class that derives from it says what
starts that event: the queue itself does not know the descriptor. This always holds: a queue with a
member has an event in the engine, and a queue without a member has none when control is back in the
main loop.

OCaml: `hooks_readable` and `hooks_writable` of a descriptor in lwt_unix.ml.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Final, final

import lwt
from lwt._core.compiling import mypyc_attr
from lwt._core.promise import (
    CANCEL_THIS,
    FULFILLED,
    PENDING,
    Callback,
    Promise,
    new_promise,
    new_resolver,
    settle,
    underlying,
)
from lwt._core.resolution import run_callbacks
from lwt._core.storage import current_storage
from lwt_unix import lwt_engine
from lwt_unix._descriptors.emptied import emptied


@final
class _NotYet:
    """The type of `NOT_YET`."""

    __slots__ = ()


NOT_YET: Final = _NotYet()
"""What an attempt gives that has to be made again."""


@mypyc_attr(allow_interpreted_subclasses=True)
class Pending(Callback):
    """A member of a queue: it is tried again and again, until it leaves the queue.

    It may also be what is attached to its promise, as an operation of a channel is.
    """

    __slots__ = ("name", "next", "previous", "queue")

    name: str | None
    """Which call of OCaml's it makes, if it is one of ours; see `_errors`."""

    queue: WaitQueue | None
    """Its queue, while it is in one."""

    previous: Pending | None
    next: Pending | None
    """The neighbours, from the time when it came into a queue. `next` stays as it was when the
    operation leaves its queue, so that a walk through the queue can go on from there."""

    def attempt(self) -> object:
        """Try; return the result, or `NOT_YET`.

        Raises:
            Exception: what says that it is too early, as an action does; or any other: it has failed.
        """
        raise NotImplementedError

    def fulfill(self, value: object) -> None:
        """Take the result of an attempt; it has left its queue."""
        raise NotImplementedError

    def lose(self, value: object) -> None:
        """Do what has to be done with a result that nobody gets, if something has.

        Nearly always somebody gets it. But a finaliser may cancel the promise, or close the descriptor,
        while the call runs, or right after it.
        """

    def reject(self, exn: Exception) -> None:
        """Take the exception by which it has failed; it has left its queue."""
        raise NotImplementedError


class PendingCall(Pending):
    """A system call that waits.

    Its promise, its place in the queue and its cancel callback are one object: servers come here
    once a request.
    """

    __slots__ = ("promise", "storage")

    def __init__(self, name: str | None) -> None:
        self.name = name
        self.promise: Promise[Any] = new_promise(PENDING, CANCEL_THIS)
        self.promise._cancel_callbacks = [self]  # What lwt.on_cancel does for a new promise.

        self.storage = current_storage.contents
        """That of the place where it began to wait."""

        self.queue = None

    def let_go(self) -> None:
        """Keep what the call needs, such as a buffer, no longer: it is not made any more.

        An attempt that has worked does the same.
        """
        raise NotImplementedError

    def fulfill(self, value: object) -> None:
        """Fulfill the promise."""
        promise = self.promise
        if promise._state == PENDING or underlying(promise)._state == PENDING:
            promise = settle(promise, FULFILLED, value)
            promise._cancel_callbacks = None  # It cannot be cancelled any more.
            run_callbacks(promise)
        else:
            self.lose(value)

    def reject(self, exn: Exception) -> None:
        """Reject the promise."""
        self.let_go()
        lwt.wakeup_exn(new_resolver(self.promise), exn)

    def run_cancel(self) -> None:
        """Leave the queue, because the promise was cancelled. The promise calls this."""
        current_storage.contents = self.storage  # OCaml's is a callback of `on_cancel`.
        queue = self.queue
        if queue is not None:
            queue.remove(self)
            self.let_go()
            queue.stop_if_idle()


@final
class PendingAction(PendingCall):
    """A call that is a function without arguments."""

    __slots__ = ("action", "lost")

    # They stand for Callable[[], A] and Callable[[A], object], for an A that the queue does not know.
    def __init__(
        self,
        name: str | None,
        action: Callable[[], Any],
        lost: Callable[[Any], object] | None,
    ) -> None:
        PendingCall.__init__(self, name)  # Quicker than by `super`.
        self.action = action

        self.lost = lost
        """What `lose` calls."""

    def attempt(self) -> object:
        """Call the action."""
        emptied.descriptor = None
        value = self.action()
        self.action = _spent
        return value

    def let_go(self) -> None:
        """Keep the action, and the buffer that it may have, no longer."""
        self.action = _spent

    def lose(self, value: object) -> None:
        """Say that nobody gets a value."""
        if self.lost is not None:
            self.lost(value)


def _spent() -> None:
    """Take the place of an action that has ended, so that its buffer is kept no longer."""
    raise AssertionError("lwt_unix: the action of a finished operation was called")


class WaitQueue(ABC):
    """The actions that wait for one direction of one descriptor."""

    __slots__ = ("engine_event", "first", "is_trying", "last")

    def __init__(self) -> None:
        self.engine_event: lwt_engine.Event | None = None
        self.first: Pending | None = None
        self.last: Pending | None = None

        self.is_trying = False
        """Whether the actions are being tried just now. Until that ends, the event stays."""

    @abstractmethod
    def watch(self) -> lwt_engine.Event:
        """Have the engine call back when it is time to try the actions."""

    @abstractmethod
    def try_in_next_turn(self) -> None:
        """Have the actions tried in the next turn, whatever the engine reports by then."""

    def add(self, pending: Pending) -> None:
        """Take in an action at the end of the queue, and have the engine watch.

        The engine comes first: if it refuses, nobody waits.
        """
        if self.engine_event is None:
            self.start()
        last = self.last
        pending.queue = self
        pending.previous = last
        pending.next = None
        if last is None:
            self.first = pending
        else:
            last.next = pending
        self.last = pending

    def remove(self, pending: Pending) -> bool:
        """Take out a member, if it still is one; its `next` stays as it is."""
        if self.first is pending and self.last is pending:  # nearly always so
            self.first = self.last = None
            pending.queue = None
            return True
        if pending.queue is not self:
            return False
        previous, following = pending.previous, pending.next
        if previous is None:
            self.first = following
        else:
            previous.next = following
        if following is None:
            self.last = previous
        else:
            following.previous = previous
        pending.queue = None
        return True

    def start(self) -> None:
        """Have the engine watch."""
        engine_event = self.watch()
        if self.engine_event is None:
            self.engine_event = engine_event
        else:  # A finaliser has started it meanwhile.
            lwt_engine.stop_event(engine_event)

    def stop(self) -> None:
        """Have the engine watch no more."""
        engine_event = self.engine_event
        if engine_event is not None:
            self.engine_event = None
            lwt_engine.stop_event(engine_event)

    def stop_if_idle(self) -> None:
        """Have the engine watch no more if no action is left to try."""
        first = self.first
        if first is None and not self.is_trying:
            self.stop()
            if self.first is not None and self.engine_event is None:
                self.start()  # A finaliser has begun to wait just then.

    def forget(self) -> object:
        """Forget every member, and return them: nobody will be told anything."""
        members: list[Pending] = []
        while (pending := self.first) is not None:
            self.remove(pending)
            members.append(pending)
        self.stop()
        return members

    def reject_all(self, reason: Callable[[], Exception]) -> None:
        """Reject every member, in order, each with what `reason` gives."""
        self.stop()
        try:
            while (pending := self.first) is not None:
                if self.remove(pending):
                    pending.reject(reason())
        finally:
            # Only if a KeyboardInterrupt or the like leaves through a callback: nothing may go on
            # waiting for a descriptor that is gone.
            if self.first is not None:
                self.reject_all(reason)
