"""A pool whose every step may fail, raise, wait or be cancelled: it keeps count all the same.

A step may also turn to the pool itself, use it, clear it or cancel its users, before it goes
on. The model knows no order. It holds what a pool promises: never more members alive than the
maximum, none lent to two users at a time, none used after it was disposed of or the pool was
cleared, none lost; and nobody waits while a place is free.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

import lwt
from lwt import lwt_pool

ACTIONS = st.sampled_from([None, None, None, "use", "clear", "cancel", "cancel all", "resolve"])
"""What a step does first."""
ENDS = st.sampled_from(["return", "return", "return", "raise", "reject", "wait", "task"])
STEPS = st.tuples(ACTIONS, ENDS)
PLANS = st.lists(STEPS, min_size=30, max_size=30)
"""What the functions of the pool do, call by call."""

Step = tuple[str | None, str]
"""An action, and an end."""


class Trouble(Exception):
    pass


class PoolUnderTrouble(RuleBasedStateMachine):
    @initialize(maximum=st.sampled_from([0, 1, 1, 2, 2, 3]), plan=PLANS)
    def start(self, maximum: int, plan: list[Step]) -> None:
        self.maximum = maximum
        self.made = 0
        self.places: set[object] = set()
        """One for each creation that has begun, until it fails or its member is disposed of."""
        self.lent: set[object] = set()
        self.stale: set[object] = set()
        """Those that were idle or lent when the pool was cleared: nobody is to get them."""
        self.pending: list[lwt.Resolver[Any]] = []
        self.uses: list[lwt.Promise[Any]] = []
        self.plan = plan
        self.pool = lwt_pool.create(
            maximum, self.create, validate=self.validate, check=self.check, dispose=self.dispose
        )

    # What the pool calls

    def next_step(self, value: object) -> lwt.Promise[Any]:
        return self.take(self.plan.pop() if self.plan else (None, "return"), value)

    def take(self, step: Step, value: object) -> lwt.Promise[Any]:
        action, end = step
        self.act(action)
        if end == "raise":
            raise Trouble
        if end == "reject":
            return lwt.fail(Trouble())
        if end == "return":
            return lwt.return_(value)
        promise, resolver = lwt.wait() if end == "wait" else lwt.task()
        self.pending.append(resolver)
        return lwt.map(lambda _: value, promise)

    def act(self, action: str | None) -> None:
        """Turn to the pool from within one of its callbacks."""
        if action == "use":
            self.begin_use((None, "return"))
        elif action == "clear":
            self.clear()
        elif action == "cancel" and (waiting := self.waiting()):
            lwt.cancel(waiting[-1])
        elif action == "cancel all":
            lwt.cancel(lwt.join(self.waiting()))
        elif action == "resolve" and self.pending:
            lwt.wakeup_later(self.pending.pop(), None)

    def create(self) -> lwt.Promise[object]:
        self.made += 1
        member = self.made
        self.places.add(member)
        assert len(self.places) <= self.maximum

        def gone(exception: Exception) -> lwt.Promise[Any]:
            self.places.discard(member)
            return lwt.fail(exception)

        return lwt.catch(lambda: self.next_step(member), gone)

    def validate(self, member: object) -> lwt.Promise[bool]:
        assert member in self.places
        return self.next_step(self.made % 3 != 0)

    def check(self, member: object, tell: Callable[[bool], None]) -> None:
        assert member in self.places
        if lwt.state(self.next_step(None)) == lwt.Return(None):
            tell(self.made % 2 == 0)

    def dispose(self, member: object) -> lwt.Promise[Any]:
        assert member in self.places
        assert member not in self.lent

        def gone() -> lwt.Promise[None]:
            self.places.discard(member)
            return lwt.return_unit

        try:
            promise = self.next_step(None)
        except Trouble:
            gone()
            raise
        return lwt.finalize(lambda: promise, gone)

    # What happens

    @rule(steps=st.lists(STEPS, min_size=1, max_size=4))
    def use(self, steps: list[Step]) -> None:
        for step in steps:
            self.begin_use(step)

    def begin_use(self, step: Step) -> None:
        def work(member: object) -> lwt.Promise[None]:
            assert member in self.places
            assert member not in self.lent
            assert member not in self.stale
            self.lent.add(member)

            def give_back() -> lwt.Promise[None]:
                self.lent.remove(member)
                return lwt.return_unit

            return lwt.finalize(lambda: self.take(step, None), give_back)

        try:
            promise = lwt_pool.use(self.pool, work)
        except Trouble:
            return
        self.uses.append(promise)

    @precondition(lambda self: self.pending)
    @rule(data=st.data(), fails=st.booleans())
    def resolve(self, data: st.DataObject, fails: bool) -> None:
        resolver = self.pending.pop(data.draw(st.integers(0, len(self.pending) - 1)))
        if fails:
            lwt.wakeup_later_exn(resolver, Trouble())
        else:
            lwt.wakeup_later(resolver, None)

    @precondition(lambda self: self.waiting())
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        lwt.cancel(data.draw(st.sampled_from(self.waiting())))

    @precondition(lambda self: len(self.waiting()) > 1)
    @rule(data=st.data())
    def cancel_several(self, data: st.DataObject) -> None:
        uses = data.draw(st.permutations(self.waiting()))
        lwt.cancel(lwt.join(uses[: data.draw(st.integers(2, len(uses)))]))

    def waiting(self) -> list[lwt.Promise[Any]]:
        """What was promised and is pending."""
        self.uses = [promise for promise in self.uses if lwt.is_sleeping(promise)]
        return self.uses

    @rule()
    def clear(self) -> None:
        self.stale |= self.lent | set(self.pool._idle)
        self.uses.append(lwt_pool.clear(self.pool))

    @invariant()
    def the_pool_keeps_count(self) -> None:
        assert self.pool._count == len(self.places) <= self.maximum
        if lwt_pool.wait_queue_length(self.pool):
            assert len(self.places) == self.maximum
            assert not self.pool._idle
        assert self.lent.isdisjoint(self.pool._idle)

    def teardown(self) -> None:
        """Let all that is pending end: then every member is idle, and nobody waits."""
        self.plan.clear()
        while self.pending:
            lwt.wakeup_later(self.pending.pop(), None)
        assert not self.lent
        assert self.maximum == 0 or lwt_pool.wait_queue_length(self.pool) == 0
        assert set(self.pool._idle) == self.places
        assert len(self.pool._idle) == self.pool._count


TestPoolUnderTrouble = PoolUnderTrouble.TestCase
TestPoolUnderTrouble.settings = settings(stateful_step_count=20)  # A step is many calls.
