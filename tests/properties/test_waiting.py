"""Mailboxes, mutexes and conditions against plain Python models, step by step."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import lwt
from lwt import lwt_condition, lwt_mutex, lwt_mvar

numbers = st.integers(0, 9)
Waiting = list[tuple[int, lwt.Promise[Any]]]
"""Who waits, in order: a number, and its promise."""


class Mailbox(RuleBasedStateMachine):
    """A mailbox is a queue of which the first value is inside, or a queue of takers."""

    def __init__(self) -> None:
        super().__init__()
        self.mailbox: lwt_mvar.Mvar[int] = lwt_mvar.create_empty()
        self.contents: list[int] = []
        self.putting: Waiting = []
        self.taking: list[lwt.Promise[int]] = []
        self.expected: list[tuple[lwt.Promise[Any], Any]] = []
        self.was_full: list[bool] = []
        """When a put that had waited was resolved."""

    def _emptied(self) -> None:
        self.contents.clear()
        if self.putting:
            value, promise = self.putting.pop(0)
            self.contents.append(value)
            self.expected.append((promise, lwt.Return(None)))

    @rule(value=numbers)
    def put(self, value: int) -> None:
        promise = lwt_mvar.put(self.mailbox, value)
        if self.contents:
            self.putting.append((value, promise))
            lwt.on_success(
                promise, lambda _: self.was_full.append(not lwt_mvar.is_empty(self.mailbox))
            )
            return
        self.expected.append((promise, lwt.Return(None)))
        if self.taking:
            self.expected.append((self.taking.pop(0), lwt.Return(value)))
        else:
            self.contents.append(value)

    @rule()
    def take(self) -> None:
        promise = lwt_mvar.take(self.mailbox)
        if self.contents:
            self.expected.append((promise, lwt.Return(self.contents[0])))
            self._emptied()
        else:
            self.taking.append(promise)

    @rule()
    def take_available(self) -> None:
        expected = lwt.Some(self.contents[0]) if self.contents else None
        assert lwt_mvar.take_available(self.mailbox) == expected
        if expected:
            self._emptied()

    @precondition(lambda self: self.putting)
    @rule(data=st.data())
    def cancel_a_put(self, data: st.DataObject) -> None:
        _, promise = self.putting.pop(data.draw(st.integers(0, len(self.putting) - 1)))
        lwt.cancel(promise)
        self.expected.append((promise, lwt.Fail(lwt.Canceled())))

    @precondition(lambda self: len(self.putting) > 1)
    @rule(data=st.data())
    def cancel_several_puts_together(self, data: st.DataObject) -> None:
        cancelled = data.draw(st.lists(st.sampled_from(self.putting), min_size=2))
        lwt.cancel(lwt.join([promise for _, promise in cancelled]))
        self.putting = [waiting for waiting in self.putting if waiting not in cancelled]
        self.expected += [(promise, lwt.Fail(lwt.Canceled())) for _, promise in cancelled]

    @precondition(lambda self: self.taking)
    @rule(data=st.data())
    def cancel_a_take(self, data: st.DataObject) -> None:
        promise = self.taking.pop(data.draw(st.integers(0, len(self.taking) - 1)))
        lwt.cancel(promise)
        self.expected.append((promise, lwt.Fail(lwt.Canceled())))

    @invariant()
    def all_is_as_in_the_model(self) -> None:
        assert lwt_mvar.is_empty(self.mailbox) == (not self.contents)
        assert all(lwt.state(promise) == state for promise, state in self.expected)
        assert all(lwt.is_sleeping(promise) for _, promise in self.putting)
        assert all(lwt.is_sleeping(promise) for promise in self.taking)
        assert all(self.was_full)
        self.expected.clear()


class Lock(RuleBasedStateMachine):
    """A mutex has a holder, and others in a row; a condition hands them back to it."""

    def __init__(self) -> None:
        super().__init__()
        self.mutex = lwt_mutex.create()
        self.condition: lwt_condition.Condition[int] = lwt_condition.create()
        self.is_locked = False
        self.locking: list[tuple[lwt.Promise[Any], Any]] = []
        """Who waits for the mutex, and the state that its promise will have."""
        self.waiting: list[lwt.Promise[int]] = []
        self.expected: list[tuple[lwt.Promise[Any], Any]] = []

    def _lock(self, promise: lwt.Promise[Any], state: Any) -> None:
        if self.is_locked:
            self.locking.append((promise, state))
        else:
            self.is_locked = True
            self.expected.append((promise, state))

    @rule()
    def lock(self) -> None:
        self._lock(lwt_mutex.lock(self.mutex), lwt.Return(None))

    @rule()
    def unlock(self) -> None:
        lwt_mutex.unlock(self.mutex)
        self._unlocked()

    def _unlocked(self) -> None:
        if self.locking:
            self.expected.append(self.locking.pop(0))
        else:
            self.is_locked = False

    @precondition(lambda self: self.is_locked)
    @rule()
    def wait(self) -> None:
        self.waiting.append(lwt_condition.wait(self.condition, mutex=self.mutex))
        self._unlocked()

    @rule(value=numbers)
    def signal(self, value: int) -> None:
        lwt_condition.signal(self.condition, value)
        if self.waiting:
            self._lock(self.waiting.pop(0), lwt.Return(value))

    @rule(value=numbers, fails=st.booleans())
    def broadcast(self, value: int, fails: bool) -> None:
        exception = ValueError(value)
        if fails:
            lwt_condition.broadcast_exn(self.condition, exception)
        else:
            lwt_condition.broadcast(self.condition, value)
        told, self.waiting = self.waiting, []
        for promise in told:
            self._lock(promise, lwt.Fail(exception) if fails else lwt.Return(value))

    @precondition(lambda self: self.locking)
    @rule(data=st.data())
    def cancel_who_waits_for_the_mutex(self, data: st.DataObject) -> None:
        promise, _ = self.locking.pop(data.draw(st.integers(0, len(self.locking) - 1)))
        lwt.cancel(promise)
        self.expected.append((promise, lwt.Fail(lwt.Canceled())))

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def cancel_who_waits_for_the_condition(self, data: st.DataObject) -> None:
        promise = self.waiting.pop(data.draw(st.integers(0, len(self.waiting) - 1)))
        lwt.cancel(promise)
        self._lock(promise, lwt.Fail(lwt.Canceled()))

    @invariant()
    def all_is_as_in_the_model(self) -> None:
        assert lwt_mutex.is_locked(self.mutex) == self.is_locked
        assert lwt_mutex.is_empty(self.mutex) == (not self.locking)
        assert all(lwt.state(promise) == state for promise, state in self.expected)
        assert all(lwt.is_sleeping(promise) for promise, _ in self.locking)
        assert all(lwt.is_sleeping(promise) for promise in self.waiting)
        self.expected.clear()


TestMailbox = Mailbox.TestCase
TestLock = Lock.TestCase
