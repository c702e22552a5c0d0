"""Callbacks that are taken back do not pile up on a promise that stays pending for long."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

import lwt
from lwt import Promise
from tests.support.promises import (
    Recorder,
    Waiting,
    callbacks_of,
    each_for_first,
    living_promises,
    pending,
    returning,
)

BOUND = 50
"""A short list is rebuilt after 42 removals, as in OCaml."""


@each_for_first
@pytest.mark.parametrize("with_others", [False, True])
def test_waiting_for_the_first_in_a_loop_keeps_the_callbacks_of_a_long_lived_promise_few(
    wait_for: Waiting, with_others: bool
) -> None:
    long_lived = pending()
    if with_others:
        lwt.on_success(long_lived, print)
    longest = 0
    for _ in range(1000):
        promise, resolver = lwt.wait()
        wait_for([long_lived, promise])
        lwt.wakeup(resolver, 1)
        longest = max(longest, len(callbacks_of(long_lived)))
    assert longest <= (BOUND if with_others else 1)


@each_for_first
def test_a_long_list_is_rebuilt_when_half_of_it_is_removed(wait_for: Waiting) -> None:
    long_lived = pending()
    pairs = [lwt.wait() for _ in range(1000)]
    for promise, _ in pairs:
        wait_for([long_lived, promise])
    lengths = [1000]
    for _, resolver in pairs:
        lwt.wakeup(resolver, 1)
        if len(callbacks_of(long_lived)) != lengths[-1]:
            lengths.append(len(callbacks_of(long_lived)))
    assert lengths == [1000, 499, 249, 124, 61, 18]


@each_for_first
def test_callbacks_that_are_in_use_survive_the_rebuilding(
    wait_for: Waiting, record: Recorder
) -> None:
    long_lived, long_lived_resolver = lwt.wait()
    for number in range(300):
        if number % 100 == 0:
            lwt.on_success(long_lived, record.on(f"{number}"))
            lwt.on_success(wait_for([long_lived, pending()]), record.on(f"first of {number}"))
        promise, resolver = lwt.wait()
        wait_for([promise, long_lived])
        lwt.wakeup(resolver, 1)
    lwt.wakeup(long_lived_resolver, 1)
    assert record.events == [
        event for number in (200, 100, 0) for event in (f"first of {number}", f"{number}")
    ]


@each_for_first
def test_the_callbacks_stay_few_on_promises_that_are_proxies(wait_for: Waiting) -> None:
    inner = pending()
    longest = 0
    outermost = inner
    for _ in range(1000):
        trigger, trigger_resolver = lwt.wait()
        outermost = lwt.bind(trigger, returning(outermost))
        lwt.wakeup(trigger_resolver, None)
        for long_lived in (inner, outermost):
            promise, resolver = lwt.wait()
            wait_for([long_lived, promise])
            lwt.wakeup(resolver, 1)
        longest = max(longest, len(callbacks_of(inner)))
    assert longest <= 1


@each_for_first
def test_removals_before_and_after_becoming_one_are_counted_together(wait_for: Waiting) -> None:
    inner = pending()
    lwt.on_success(inner, print)
    for _ in range(100):
        trigger, trigger_resolver = lwt.wait()
        outer: Promise[Any] = lwt.bind(trigger, returning(inner))
        for long_lived in (inner, outer):
            for _ in range(10):
                promise, resolver = lwt.wait()
                wait_for([long_lived, promise])
                lwt.wakeup(resolver, 1)
        lwt.wakeup(trigger_resolver, None)
        assert len(callbacks_of(inner)) <= BOUND + 10
        inner = outer


@each_for_first
def test_a_long_lived_promise_does_not_keep_the_values_of_those_that_came_first(
    wait_for: Waiting,
) -> None:
    class Value:
        """Something that weak references can point to."""

    long_lived = pending()
    lwt.on_success(long_lived, print)
    values = []
    for _ in range(20):
        promise, resolver = lwt.wait()
        value = Value()
        values.append(weakref.ref(value))
        wait_for([long_lived, promise])
        lwt.wakeup(resolver, value)
        del promise, resolver, value
    gc.collect()
    assert [reference() for reference in values] == [None] * 20


# protected


def test_a_cancelled_protected_promise_leaves_no_callback_behind() -> None:
    task, _ = lwt.task()
    lwt.cancel(lwt.protected(task))
    assert callbacks_of(task) == []


def test_protecting_a_long_lived_promise_in_a_loop_keeps_its_callbacks_few() -> None:
    task, _ = lwt.task()
    lwt.on_success(task, print)
    longest = 0
    for _ in range(1000):
        lwt.cancel(lwt.protected(task))
        longest = max(longest, len(callbacks_of(task)))
    assert longest <= BOUND


def test_a_long_lived_promise_does_not_keep_cancelled_promises_of_protected() -> None:
    task, _ = lwt.task()
    lwt.on_success(task, print)
    gc.collect()  # What other tests have left in circles.
    before = living_promises()
    for _ in range(20):
        lwt.cancel(lwt.protected(task))
    gc.collect()
    assert living_promises() == before
