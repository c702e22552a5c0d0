"""Promises that wait in a queue, first in first out, and can be cancelled.

Mailboxes, mutexes, conditions and pools are each a little state and such a queue.

Cancelling a waiter takes it out of the queue. One case needs care: `lwt.cancel` rejects
all that it finds before any callback runs. When it found two waiters of one queue, and
the callbacks of the first one look for the next in the queue, they meet the second, which
is rejected but still there. OCaml's modules wake it, in vain, and the lock, the value or
the signal that it was given is lost. Here it is passed over.

OCaml: Lwt.add_task_r, and the field `waiters` of Lwt_mutex, Lwt_condition, Lwt_pool.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar, final

from lwt import lwt_sequence
from lwt._creation import add_task_r
from lwt._promise import PENDING, Promise, Resolver, underlying

T = TypeVar("T")


def is_waiting(resolver: Resolver[Any]) -> bool:
    """Tell whether the promise of a resolver is still pending, not cancelled."""
    return underlying(resolver._promise)._state == PENDING


@final
class Waiters(Generic[T]):
    """A queue of promises that wait for a value each."""

    __slots__ = ("_queue",)

    def __init__(self) -> None:
        self._queue: lwt_sequence.Sequence[Resolver[T]] = lwt_sequence.create()

    def add(self) -> Promise[T]:
        """Return a new promise, the last in the queue; cancelling it takes it out."""
        return add_task_r(self._queue)

    def take(self) -> Resolver[T] | None:
        """Take the first waiter out of the queue and return its resolver, if there is one."""
        queue = self._queue
        # The link after the queue itself is its first node, or the queue again; compared
        # here, as take_opt_l does, because an empty queue is what most calls find.
        while queue.next is not queue:
            resolver = lwt_sequence.take_l(queue)
            if is_waiting(resolver):
                return resolver
        return None

    def put_first(self, resolver: Resolver[T]) -> None:
        """Put a waiter that was taken, but not resolved, back to the front of the queue."""
        lwt_sequence.add_l(resolver, self._queue)

    def take_all(self) -> Waiters[T]:
        """Move all waiters to a queue of their own, where they still can be cancelled."""
        others: Waiters[T] = Waiters()
        lwt_sequence.transfer_r(self._queue, others._queue)
        return others

    def put_back(self, others: Waiters[T]) -> None:
        """Move all waiters of another queue to the front of this one."""
        lwt_sequence.transfer_l(others._queue, self._queue)

    def is_empty(self) -> bool:
        return self._queue.next is self._queue

    def __len__(self) -> int:
        return lwt_sequence.length(self._queue)
