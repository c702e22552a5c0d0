"""Switches against a plain model: who is called when, and what comes of it.

A hook may return, raise, be rejected, wait, or find that the switch is off. The model knows
which hooks a switch has, and what each promise of `turn_off` and `with_switch` waits for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import lwt
from lwt import lwt_switch

ENDS = st.sampled_from(["return", "raise", "reject", "late", "wait", "task"])
BODY_ENDS = st.sampled_from(["return", "raise", "reject", "wait", "task"])

Hooks = list[tuple[int, str]]
"""Numbers of hooks, the oldest first, and how they end."""

Shown = tuple[str, object]


class Trouble(Exception):
    pass


def shown(promise: lwt.Promise[Any]) -> Shown:
    match lwt.state(promise):
        case lwt.Return(value):
            return "fulfilled", value
        case lwt.Fail(Trouble(args=(number,))):
            return "rejected", number
        case lwt.Fail(exception):
            return "rejected", type(exception)
    return "pending", None


def failure_of(number: int, end: str) -> Shown | None:
    """What a hook, or a body, that ends at once is rejected with."""
    if end == "late":
        return "rejected", lwt_switch.Off
    return ("rejected", number) if end in {"raise", "reject"} else None


@dataclass
class Ending:
    """What `turn_off` or `with_switch` promised: it waits for a body, then for its hooks."""

    promise: lwt.Promise[Any]
    outcome: Shown
    """Unless a hook fails."""
    hooks: Hooks = field(default_factory=list)
    body: tuple[int, str] | None = None
    """While it is pending."""
    waits_for: dict[int, str] = field(default_factory=dict)
    failure: Shown | None = None

    def call_hooks(self) -> list[int]:
        for number, end in reversed(self.hooks):
            if end in {"wait", "task"}:
                self.waits_for[number] = end
            else:
                self.failure = self.failure or failure_of(number, end)
        return [number for number, _ in reversed(self.hooks)]

    def expected(self) -> Shown:
        if self.body is not None or self.waits_for:
            return "pending", None
        return self.failure or self.outcome


class Switches(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.number = 0
        self.pending: dict[int, lwt.Resolver[Any]] = {}
        self.called: list[int] = []
        self.expected_calls: list[int] = []
        self.endings: list[Ending] = []
        self.alone: list[tuple[int, lwt.Promise[Any], Shown]] = []
        """What was called because the switch was off already."""
        self.begin()

    @rule()
    def begin(self) -> None:
        self.switch = lwt_switch.create()
        self.hooks: Hooks | None = []

    # What the switches call

    def call(self, number: int, end: str, switch: lwt_switch.Switch | None) -> lwt.Promise[Any]:
        self.called.append(number)
        if switch is not None:
            assert not lwt_switch.is_on(switch)
            if end == "late":
                lwt_switch.add_hook(lwt.Some(switch), lambda: lwt.return_unit)
        if end in {"raise", "late"}:
            raise Trouble(number)
        if end == "reject":
            return lwt.fail(Trouble(number))
        if end == "return":
            return lwt.return_(number)
        promise, self.pending[number] = lwt.wait() if end == "wait" else lwt.task()
        return promise

    def new_hook(self, end: str, switch: lwt_switch.Switch | None) -> tuple[int, Any]:
        self.number += 1
        number = self.number
        return number, lambda: self.call(number, end, switch)

    # What happens

    @rule(end=ENDS)
    def add_hook(self, end: str) -> None:
        number, hook = self.new_hook(end, self.switch)
        if self.hooks is None:
            with pytest.raises(lwt_switch.Off):
                lwt_switch.add_hook(lwt.Some(self.switch), hook)
        else:
            lwt_switch.add_hook(lwt.Some(self.switch), hook)
            self.hooks.append((number, end))

    @rule(end=ENDS)
    def add_hook_or_exec(self, end: str) -> None:
        number, hook = self.new_hook(end, self.switch)
        if self.hooks is not None:
            added = lwt_switch.add_hook_or_exec(lwt.Some(self.switch), hook)
            assert shown(added) == ("fulfilled", None)
            self.hooks.append((number, end))
            return
        self.expected_calls.append(number)
        if end in {"raise", "late"}:
            with pytest.raises(lwt_switch.Off if end == "late" else Trouble):
                lwt_switch.add_hook_or_exec(lwt.Some(self.switch), hook)
            return
        promise = lwt_switch.add_hook_or_exec(lwt.Some(self.switch), hook)
        at_once: Shown = failure_of(number, end) or ("fulfilled", number)
        pending: Shown = ("pending", None)
        self.alone.append((number, promise, pending if number in self.pending else at_once))

    @rule(end=ENDS)
    def add_to_no_switch(self, end: str) -> None:
        _, hook = self.new_hook(end, None)
        lwt_switch.add_hook(None, hook)
        assert shown(lwt_switch.add_hook_or_exec(None, hook)) == ("fulfilled", None)

    @rule()
    def turn_off(self) -> None:
        promise = lwt_switch.turn_off(self.switch)
        ending = Ending(promise, ("fulfilled", None), self.hooks or [])
        self.hooks = None
        self.expected_calls += ending.call_hooks()
        self.endings.append(ending)

    @rule(body=BODY_ENDS, ends=st.lists(ENDS, max_size=3))
    def with_switch(self, body: str, ends: list[str]) -> None:
        self.number += 1
        number = self.number
        hooks: Hooks = []

        def work(switch: lwt_switch.Switch) -> lwt.Promise[Any]:
            for end in ends:
                hook_number, hook = self.new_hook(end, switch)
                lwt_switch.add_hook(lwt.Some(switch), hook)
                hooks.append((hook_number, end))
            return self.call(number, body, None)

        promise = lwt_switch.with_switch(work)
        outcome = failure_of(number, body) or ("fulfilled", number)
        ending = Ending(promise, outcome, hooks)
        self.expected_calls.append(number)
        if body in {"wait", "task"}:
            ending.body = number, body
        else:
            self.expected_calls += ending.call_hooks()
        self.endings.append(ending)

    @precondition(lambda self: self.pending)
    @rule(data=st.data(), fails=st.booleans())
    def resolve(self, data: st.DataObject, fails: bool) -> None:
        number = data.draw(st.sampled_from(sorted(self.pending)))
        resolver = self.pending.pop(number)
        if fails:
            lwt.wakeup_exn(resolver, Trouble(number))
        else:
            lwt.wakeup(resolver, number)
        self._ended(number, ("rejected", number) if fails else ("fulfilled", number))

    @precondition(lambda self: self.endings)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        ending = self.endings[data.draw(st.integers(0, len(self.endings) - 1))]
        tasks = [number for number, end in ending.waits_for.items() if end == "task"]
        if ending.body is not None and ending.body[1] == "task":
            tasks.append(ending.body[0])
        lwt.cancel(ending.promise)
        for number in tasks:
            del self.pending[number]
            self._ended(number, ("rejected", lwt.Canceled))

    def _ended(self, number: int, end: Shown) -> None:
        for ending in self.endings:
            if ending.body is not None and ending.body[0] == number:
                ending.body = None
                ending.outcome = end
                self.expected_calls += ending.call_hooks()
            elif ending.waits_for.pop(number, None) and end[0] == "rejected":
                ending.failure = ending.failure or end
        self.alone = [
            (other, promise, end if other == number else expected)
            for other, promise, expected in self.alone
        ]

    @invariant()
    def all_is_as_in_the_model(self) -> None:
        assert self.called == self.expected_calls
        assert lwt_switch.is_on(self.switch) == (self.hooks is not None)
        assert [shown(ending.promise) for ending in self.endings] == [
            ending.expected() for ending in self.endings
        ]
        for _, promise, expected in self.alone:
            assert shown(promise) == expected

    @invariant()
    def check_raises_when_the_switch_is_off(self) -> None:
        lwt_switch.check(None)
        if self.hooks is None:
            with pytest.raises(lwt_switch.Off):
                lwt_switch.check(lwt.Some(self.switch))
        else:
            lwt_switch.check(lwt.Some(self.switch))


TestSwitches = Switches.TestCase
