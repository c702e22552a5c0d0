"""Promises that wait in a queue, first in first out, and can be cancelled.

Mailboxes, mutexes, conditions and pools each have such a queue and a little state.

Cancelling a waiter takes it out of the queue. One case needs care. `lwt.cancel` first
rejects all that it finds, and then runs their callbacks. It may find two waiters of one
queue. Then the callbacks of the first one, if they look for the next in the queue, find the
second, which is rejected but still there. OCaml's modules wake it in vain, and so lose the
lock, the value or the signal. Here it is passed over.

This is `lwt.task`, `lwt.add_task_r` and `lwt.wakeup_later` in one: place in the queue,
cancel callback and resolver are a single object, and nothing is checked twice. That saves half
of the time of waiting and waking (`timeit` of both ways), which is what these modules are for.

OCaml: Lwt.add_task_r, and the fields `waiters`, `readers`, `writers` of the modules.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar, final

from lwt._core.exceptions import rejection_by
from lwt._core.promise import (
    CANCEL_THIS,
    FULFILLED,
    PENDING,
    REJECTED,
    Promise,
    add_cancel_callback,
    settle,
    underlying,
)
from lwt._core.resolution import defer_callbacks, resolution
from lwt._core.ring import Node, Sequence, nodes_l, put_after, remove, splice
from lwt._core.storage import Storage, current_storage

T = TypeVar("T")


@final
class Waiter(Node[Promise[T]]):
    """A promise that waits, at its place in the queue, with what it offers, if anything."""

    __slots__ = ("offered", "storage")

    offered: Any

    storage: Storage | None
    """What the storage is for those who see the promise cancelled; if None, that of who cancels."""

    def run_cancel(self) -> None:
        """Leave the queue: the promise was cancelled."""
        if self.storage is not None:
            current_storage.contents = self.storage
        remove(self)

    def is_waiting(self) -> bool:
        """Tell whether the promise is still pending, not cancelled."""
        return underlying(self.value)._state == PENDING

    def wake(self, value: T) -> None:
        """Fulfill the promise, which is pending, like `wakeup_later`."""
        promise = settle(self.value, FULFILLED, value)
        # It cannot be cancelled any more: this saves the loop a look.
        promise._cancel_callbacks = None
        defer_callbacks(promise)

    def wake_next(self, value: T) -> None:
        """Fulfill the promise, which is pending; the next loop will run its callbacks."""
        resolution.deferred.append(settle(self.value, FULFILLED, value))

    def wake_exn(self, exception: Exception) -> None:
        """Reject the promise, which is pending, like `wakeup_later_exn`."""
        rejection = rejection_by(exception)
        if not self.is_waiting():
            rejection.is_seen = True  # There is nobody to see it.
            return  # It was cancelled meanwhile, by a finaliser.
        promise = settle(self.value, REJECTED, rejection)
        del exception, rejection  # Its traceback may come to lead to this frame: close no circle.
        try:
            defer_callbacks(promise)
        finally:
            del promise


def new_waiter(offered: object = None, storage: Storage | None = None) -> Waiter[Any]:
    """Make a promise that will wait in a queue.

    After this, look (again) whether there is something to wait for, and then `put` it there:
    a finaliser may have run meanwhile.
    """
    # `new_promise`, without a call.
    promise: Promise[Any] = Promise()
    promise._state = PENDING
    promise._value = CANCEL_THIS
    promise._callbacks = None
    promise._cancel_callbacks = callbacks = []
    waiter = Waiter(promise)
    waiter.offered = offered
    waiter.storage = storage
    callbacks.append(waiter)  # Last, since a list that is made here could wake a finaliser later.
    return waiter


@final
class Waiters(Generic[T]):
    """A queue of promises that wait for a value each."""

    __slots__ = ("_queue",)

    def __init__(self) -> None:
        self._queue: Sequence[Promise[T]] = Sequence()

    def add(self) -> Promise[T]:
        """Make a waiter, and put it at the end of the queue; return its promise."""
        return self.put(new_waiter())

    def put(self, waiter: Waiter[T]) -> Promise[T]:
        """Put a waiter at the end of the queue; return its promise. Cancelling that takes it out."""
        # `put_before`, without a call.
        queue = self._queue
        previous = queue.previous
        waiter.active = True
        waiter.previous = previous
        waiter.next = queue
        previous.next = waiter
        queue.previous = waiter
        return waiter.value

    def take(self) -> Waiter[T] | None:
        """Take the first waiter out of the queue, if there is one."""
        queue = self._queue
        while True:
            first = queue.next
            if type(first) is not Waiter:
                return None  # It is the queue itself, which closes the ring.
            remove(first)
            if first.value._state == PENDING or first.is_waiting():
                return first

    def put_first(self, waiter: Waiter[T]) -> None:
        """Put a waiter that was taken, but not woken, back to the front of the queue."""
        again = Waiter(waiter.value)
        again.offered = waiter.offered
        again.storage = waiter.storage
        if again.is_waiting():
            put_after(again, self._queue)
            add_cancel_callback(again.value, again)

    def take_all(self) -> Waiters[T]:
        """Move all waiters to a queue of their own, where they still can be cancelled."""
        others: Waiters[T] = Waiters()
        splice(self._queue, others._queue.previous, others._queue)
        return others

    def put_back(self, others: Waiters[T]) -> None:
        """Move all waiters of another queue to the front of this one."""
        splice(others._queue, self._queue, self._queue.next)

    def is_empty(self) -> bool:
        return self._queue.next is self._queue

    def __len__(self) -> int:
        return sum(1 for _ in nodes_l(self._queue))
