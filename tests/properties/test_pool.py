"""A pool whose every step may fail, raise, wait or be cancelled: it keeps count all the same.

The model knows no order. It holds what a pool promises: never more members alive than the
maximum, none lent to two users at a time, none used after it was disposed of, none lost; and
nobody waits while a place is free.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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

ENDS = st.sampled_from(["return", "raise", "reject", "wait", "task"])
KINDS = ("create", "validate", "check", "dispose")


class Trouble(Exception):
    pass


class PoolUnderTrouble(RuleBasedStateMachine):
    @initialize(maximum=st.integers(0, 3))
    def start(self, maximum: int) -> None:
        self.maximum = maximum
        self.made = 0
        self.places: set[object] = set()
        """One for each creation that has begun, until it fails or its member is disposed of."""
        self.lent: set[object] = set()
        self.pending: list[lwt.Resolver[Any]] = []
        self.uses: list[lwt.Promise[Any]] = []
        self.ends: dict[str, list[str]] = {kind: [] for kind in KINDS}
        self.pool = lwt_pool.create(
            maximum, self.create, validate=self.validate, check=self.check, dispose=self.dispose
        )

    # What the pool calls

    def end(self, kind: str, value: object) -> lwt.Promise[Any]:
        end = self.ends[kind].pop() if self.ends[kind] else "return"
        if end == "raise":
            raise Trouble
        if end == "reject":
            return lwt.fail(Trouble())
        if end == "return":
            return lwt.return_(value)
        promise, resolver = lwt.wait() if end == "wait" else lwt.task()
        self.pending.append(resolver)
        return lwt.map(lambda _: value, promise)

    def create(self) -> lwt.Promise[object]:
        self.made += 1
        member = self.made
        self.places.add(member)
        assert len(self.places) <= self.maximum

        def gone(exception: Exception) -> lwt.Promise[Any]:
            self.places.discard(member)
            return lwt.fail(exception)

        return lwt.catch(lambda: self.end("create", member), gone)

    def validate(self, member: object) -> lwt.Promise[bool]:
        assert member in self.places
        return self.end("validate", self.made % 3 != 0)

    def check(self, member: object, tell: Callable[[bool], None]) -> None:
        assert member in self.places
        if lwt.state(self.end("check", None)) == lwt.Return(None):
            tell(self.made % 2 == 0)

    def dispose(self, member: object) -> lwt.Promise[Any]:
        assert member in self.places
        assert member not in self.lent

        def gone() -> lwt.Promise[None]:
            self.places.discard(member)
            return lwt.return_unit

        try:
            promise = self.end("dispose", None)
        except Trouble:
            gone()
            raise
        return lwt.finalize(lambda: promise, gone)

    # What happens

    @rule(kind=st.sampled_from(KINDS), end=ENDS)
    def prepare(self, kind: str, end: str) -> None:
        self.ends[kind].insert(0, end)

    @rule(end=ENDS)
    def use(self, end: str) -> None:
        def work(member: object) -> lwt.Promise[None]:
            assert member in self.places
            assert member not in self.lent
            self.lent.add(member)

            def give_back() -> lwt.Promise[None]:
                self.lent.remove(member)
                return lwt.return_unit

            self.ends.setdefault("use", []).append(end)
            return lwt.finalize(lambda: self.end("use", None), give_back)

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

    @precondition(lambda self: self.uses)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        lwt.cancel(self.uses.pop(data.draw(st.integers(0, len(self.uses) - 1))))

    @precondition(lambda self: len(self.uses) > 1)
    @rule(data=st.data())
    def cancel_several(self, data: st.DataObject) -> None:
        uses = data.draw(st.permutations(self.uses))
        lwt.cancel(lwt.join(uses[: data.draw(st.integers(2, len(uses)))]))

    @rule()
    def clear(self) -> None:
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
        for ends in self.ends.values():
            ends.clear()
        while self.pending:
            lwt.wakeup_later(self.pending.pop(), None)
        assert not self.lent
        assert self.maximum == 0 or lwt_pool.wait_queue_length(self.pool) == 0
        assert set(self.pool._idle) == self.places
        assert len(self.pool._idle) == self.pool._count


TestPoolUnderTrouble = PoolUnderTrouble.TestCase
