"""What waits for one direction of a descriptor, in the order in which it came.

A queue is a chain of actions and one event of the engine. A class that derives from it says what
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
from lwt._core.promise import REJECTED, Callback, underlying
from lwt._core.storage import current_storage
from lwt_unix import lwt_engine


@final
class _NotYet:
    """The type of `NOT_YET`."""

    __slots__ = ()


NOT_YET: Final = _NotYet()
"""What an attempt gives that has to be made again."""


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
    """The neighbours. `next` stays as it was when the waiter leaves its queue, so that a walk
    through the queue can go on from there."""

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
        """Do what has to be done with a result that nobody gets, if something has."""

    def reject(self, exn: Exception) -> None:
        """Take the exception by which it has failed; it has left its queue."""
        raise NotImplementedError


@final
class PendingAction(Pending):
    """One action that waits: a member of a queue, until its promise is resolved."""

    __slots__ = ("action", "lost", "resolver", "storage")

    # The two stand for Callable[[], A] and Resolver[A], for an A that the queue does not know.
    def __init__(
        self,
        name: str | None,
        action: Callable[[], Any],
        resolver: lwt.Resolver[Any],
        lost: Callable[[Any], object] | None = None,
    ) -> None:
        self.name = name
        self.action = action
        self.resolver = resolver

        self.lost = lost
        """What is done with a value that nobody gets, if something has to be done. Nearly always
        somebody gets it. But a finaliser may cancel the promise, or close the descriptor, while the
        call runs, or right after it."""

        self.storage = current_storage.contents
        """That of the place where it began to wait."""

        self.queue = self.previous = self.next = None

    def attempt(self) -> object:
        """Call the action."""
        return self.action()

    def fulfill(self, value: object) -> None:
        """Fulfill the promise; if it turns out that nobody gets the value, say so."""
        self.action = _spent
        lwt.wakeup(self.resolver, value)
        self.lose(value)

    def lose(self, value: object) -> None:
        """Say that nobody gets a value, if that is so."""
        if self.lost is not None and underlying(self.resolver._promise)._state == REJECTED:
            self.lost(value)

    def reject(self, exn: Exception) -> None:
        """Reject the promise of an action that has left its queue."""
        self.action = _spent
        lwt.wakeup_exn(self.resolver, exn)

    def run_cancel(self) -> None:
        """Leave the queue, because the promise was cancelled. The promise calls this."""
        current_storage.contents = self.storage  # OCaml's is a callback of `on_cancel`.
        queue = self.queue
        if queue is not None:
            queue.remove(self)
            self.action = _spent
            queue.stop_if_idle()


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
        if self.first is None and not self.is_trying:
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
