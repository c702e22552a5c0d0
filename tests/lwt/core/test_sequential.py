"""`bind` and its siblings: what they return, and the promises that become one with another.

What they do with exceptions of their callbacks is in `test_raising_callbacks.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import lwt
from lwt import Promise
from tests.support.promises import A, B, Recorder, is_canceled, pending, rejected_with, returning

# What the callback gets and what comes out


def test_bind_hands_the_value_to_its_callback_and_returns_the_callbacks_promise() -> None:
    inner = lwt.return_(42)
    seen: list[int] = []

    def callback(value: int) -> Promise[int]:
        seen.append(value)
        return inner

    assert lwt.bind(lwt.return_(21), callback) is inner
    assert seen == [21]


def test_bind_on_fulfilled_returns_the_pending_promise_itself() -> None:
    inner = pending()
    assert lwt.bind(lwt.return_unit, lambda _: inner) is inner


def test_bind_on_pending_takes_the_value_of_the_callbacks_promise() -> None:
    promise, resolver = lwt.wait()
    doubled = lwt.bind(promise, lambda value: lwt.return_(2 * value))
    assert lwt.state(doubled) == lwt.Sleep
    lwt.wakeup(resolver, 21)
    assert lwt.state(doubled) == lwt.Return(42)


def test_bind_on_rejected_keeps_the_exception_itself() -> None:
    exception = A()
    assert rejected_with(lwt.bind(lwt.fail(exception), lwt.return_)) is exception


def test_map_applies_its_function_to_the_value() -> None:
    promise, resolver = lwt.wait()
    mapped = lwt.map(str, promise)
    assert lwt.state(lwt.map(str, lwt.return_(1))) == lwt.Return("1")
    lwt.wakeup(resolver, 2)
    assert lwt.state(mapped) == lwt.Return("2")


def test_map_does_not_unwrap_a_promise_that_its_function_returns() -> None:
    inner = lwt.return_(1)
    state = lwt.state(lwt.map(lambda _: inner, lwt.return_unit))
    assert isinstance(state, lwt.Return)
    assert state.value is inner


# Proxies: what a callback returned and what bind returned earlier are one

PROXYING: dict[str, Callable[[Promise[Any], Callable[..., Promise[Any]]], Promise[Any]]] = {
    "bind": lwt.bind,
    "try_bind": lambda promise, callback: lwt.try_bind(lambda: promise, callback, lwt.fail),
    "catch": lambda promise, callback: lwt.catch(
        lambda: lwt.bind(promise, lambda _: lwt.fail(A())), callback
    ),
    "backtrace_bind": lambda promise, callback: lwt.backtrace_bind(
        "file", 1, lambda exception: exception, promise, callback
    ),
}
each_proxying_function = pytest.mark.parametrize(
    "compose", list(PROXYING.values()), ids=list(PROXYING)
)
Compose = Callable[[Promise[Any], Callable[..., Promise[Any]]], Promise[Any]]


def proxied(
    compose: Compose = lwt.bind, inner: Promise[Any] | None = None
) -> tuple[Promise[Any], Promise[Any]]:
    """The outer promise of `compose`, and the inner one that its callback has returned."""
    inner = inner or pending()
    promise, resolver = lwt.wait()
    outer = compose(promise, lambda *_: inner)
    lwt.wakeup(resolver, None)
    return outer, inner


@each_proxying_function
def test_outer_and_inner_are_fulfilled_at_the_same_moment(
    compose: Compose, record: Recorder
) -> None:
    inner, resolver = lwt.wait()
    promise, promise_resolver = lwt.wait()
    outer = compose(promise, lambda *_: inner)
    lwt.on_success(outer, lambda _: record(f"inner is {lwt.state(inner)}"))
    lwt.on_success(inner, lambda _: record(f"outer is {lwt.state(outer)}"))
    lwt.wakeup(promise_resolver, None)
    lwt.wakeup(resolver, 1)
    assert record.events == ["inner is Return(1)", "outer is Return(1)"]


@each_proxying_function
def test_outer_is_rejected_with_inner(compose: Compose) -> None:
    inner, resolver = lwt.wait()
    outer, _ = proxied(compose, inner)
    exception = B()
    lwt.wakeup_exn(resolver, exception)
    assert rejected_with(outer) is exception
    assert rejected_with(inner) is exception


@each_proxying_function
def test_cancelling_outer_cancels_inner(compose: Compose) -> None:
    outer, inner = proxied(compose, lwt.task()[0])
    lwt.cancel(outer)
    assert is_canceled(inner)
    assert is_canceled(outer)


@each_proxying_function
def test_cancelling_inner_cancels_outer(compose: Compose) -> None:
    outer, inner = proxied(compose, lwt.task()[0])
    lwt.cancel(inner)
    assert is_canceled(outer)


@each_proxying_function
def test_an_inner_promise_of_wait_makes_outer_uncancelable(compose: Compose) -> None:
    task, resolver = lwt.task()
    outer = compose(task, lambda *_: pending())
    lwt.wakeup(resolver, None)
    lwt.cancel(outer)
    assert lwt.is_sleeping(outer)


@each_proxying_function
def test_cancelling_outer_goes_on_to_what_inner_waits_for(compose: Compose) -> None:
    task, _ = lwt.task()
    outer, inner = proxied(compose, lwt.map(str, task))
    lwt.cancel(outer)
    assert is_canceled(task)
    assert is_canceled(inner)


def test_callbacks_of_outer_run_before_those_of_inner_and_later_ones_before_both(
    record: Recorder,
) -> None:
    promise, promise_resolver = lwt.wait()
    inner, resolver = lwt.wait()
    outer = lwt.bind(promise, lambda _: inner)
    lwt.on_success(outer, record.on("outer 1"))
    lwt.on_success(inner, record.on("inner 1"))
    lwt.on_success(outer, record.on("outer 2"))
    lwt.on_success(inner, record.on("inner 2"))
    lwt.wakeup(promise_resolver, None)
    lwt.on_success(outer, record.on("outer 3"))
    lwt.on_success(inner, record.on("inner 3"))
    lwt.wakeup(resolver, None)
    assert record.events == ["inner 3", "outer 3", "outer 2", "outer 1", "inner 2", "inner 1"]


def test_cancel_callbacks_of_outer_run_before_those_of_inner_and_later_ones_before_both(
    record: Recorder,
) -> None:
    promise, resolver = lwt.wait()
    inner, _ = lwt.task()
    outer = lwt.bind(promise, lambda _: inner)
    lwt.on_cancel(outer, record.on("outer 1"))
    lwt.on_cancel(inner, record.on("inner 1"))
    lwt.wakeup(resolver, None)
    lwt.on_cancel(outer, record.on("outer 2"))
    lwt.on_cancel(inner, record.on("inner 2"))
    lwt.cancel(outer)
    assert record.events == ["inner 2", "outer 2", "outer 1", "inner 1"]


def test_a_promise_returned_while_it_is_resolved_resolves_outer_first(record: Recorder) -> None:
    promise, resolver = lwt.wait()
    outer = lwt.bind(promise, lambda _: lwt.return_(1))
    lwt.on_success(outer, record.on("outer"))
    lwt.on_success(promise, record.on("newer callback"))
    lwt.wakeup(resolver, None)
    assert record.events == ["newer callback", "outer"]


LENGTH = 20


def nested_from_inside(innermost: Promise[Any]) -> list[Promise[Any]]:
    """Promises of bind, each returned by the callback of the next one; all one at the end."""
    promises = [innermost]
    for _ in range(LENGTH):
        promises.append(proxied(inner=promises[-1])[0])
    return promises


def nested_from_outside(innermost: Promise[Any]) -> list[Promise[Any]]:
    """The same, but the outermost ones become one first."""
    promises = [innermost]
    resolvers = []
    for _ in range(LENGTH):
        promise, resolver = lwt.wait()
        promises.append(lwt.bind(promise, returning(promises[-1])))
        resolvers.append(resolver)
    for resolver in reversed(resolvers):
        lwt.wakeup(resolver, None)
    return promises


each_nesting = pytest.mark.parametrize("nest", [nested_from_inside, nested_from_outside])
Nest = Callable[[Promise[Any]], list[Promise[Any]]]


@each_nesting
def test_a_chain_of_proxies_is_one_promise(nest: Nest, record: Recorder) -> None:
    innermost, resolver = lwt.wait()
    promises = nest(innermost)
    for promise in promises:
        lwt.on_success(promise, lambda _: record(f"{sum(map(lwt.is_sleeping, promises))} pending"))
    lwt.wakeup(resolver, 1)
    assert record.events == ["0 pending"] * (LENGTH + 1)
    assert [lwt.state(promise) for promise in promises] == [lwt.Return(1)] * (LENGTH + 1)


@each_nesting
@pytest.mark.parametrize("number", [0, 1, LENGTH // 2, LENGTH])
def test_cancelling_any_promise_of_a_chain_cancels_all(nest: Nest, number: int) -> None:
    innermost, _ = lwt.task()
    promises = nest(innermost)
    lwt.cancel(promises[number])
    assert [is_canceled(promise) for promise in promises] == [True] * (LENGTH + 1)


@each_nesting
def test_callbacks_attached_anywhere_in_a_chain_run_newest_first(
    nest: Nest, record: Recorder
) -> None:
    innermost, resolver = lwt.wait()
    promises = nest(innermost)
    for number, promise in enumerate(promises):
        lwt.on_success(promise, record.on(f"{number}"))
    lwt.wakeup(resolver, None)
    assert record.events == [f"{number}" for number in reversed(range(LENGTH + 1))]


def test_the_order_of_callbacks_attached_before_a_chain_forms_goes_from_outside_to_inside(
    record: Recorder,
) -> None:
    (first, first_resolver), (second, second_resolver) = lwt.wait(), lwt.wait()
    inner, resolver = lwt.wait()
    middle = lwt.bind(first, lambda _: inner)
    outer = lwt.bind(second, lambda _: middle)
    for name, promise in (("middle", middle), ("inner", inner), ("outer", outer)):
        lwt.on_success(promise, record.on(name))
    lwt.wakeup(first_resolver, None)
    lwt.wakeup(second_resolver, None)
    lwt.wakeup(resolver, None)
    assert record.events == ["outer", "middle", "inner"]


def test_one_promise_returned_by_two_callbacks_makes_all_three_one() -> None:
    inner, resolver = lwt.wait()
    first, _ = proxied(inner=inner)
    second, _ = proxied(inner=inner)
    lwt.wakeup(resolver, 1)
    assert lwt.state(first) == lwt.state(second) == lwt.Return(1)


def test_callbacks_wait_when_a_promise_that_is_a_proxy_already_is_returned(
    record: Recorder,
) -> None:
    _, inner = proxied()
    trigger, resolver = lwt.wait()
    outer = lwt.bind(trigger, lambda _: inner)
    lwt.on_termination(outer, record.on("never"))
    lwt.wakeup(resolver, None)
    assert lwt.is_sleeping(outer)
    assert record.events == []


def test_outer_returned_by_its_own_callback_stays_pending() -> None:
    promise, resolver = lwt.wait()
    outer: Promise[Any] = lwt.bind(promise, lambda _: outer)
    lwt.wakeup(resolver, None)
    assert lwt.is_sleeping(outer)
    lwt.cancel(outer)
    assert lwt.is_sleeping(outer)


def test_a_chain_that_ends_in_its_beginning_stays_pending() -> None:
    (first, first_resolver), (second, second_resolver) = lwt.wait(), lwt.wait()
    inner: Promise[Any] = lwt.bind(first, lambda _: outer)
    outer: Promise[Any] = lwt.bind(second, lambda _: inner)
    lwt.wakeup(second_resolver, None)
    lwt.wakeup(first_resolver, None)
    assert lwt.is_sleeping(outer)
    assert lwt.is_sleeping(inner)


def test_a_map_of_a_proxy_follows_what_the_proxy_stands_for() -> None:
    innermost, resolver = lwt.wait()
    outer, inner = proxied(inner=innermost)
    mapped = [lwt.map(str, outer), lwt.map(str, inner)]
    lwt.wakeup(resolver, 1)
    assert [lwt.state(promise) for promise in mapped] == [lwt.Return("1")] * 2


def test_a_promise_of_map_may_itself_become_one_with_another_before_it_is_resolved(
    record: Recorder,
) -> None:
    source, source_resolver = lwt.wait()
    mapped = lwt.map(str, source)
    outer, _ = proxied(inner=mapped)
    lwt.on_success(outer, lambda value: record(f"outer {value}"))
    lwt.wakeup(source_resolver, 1)
    assert record.events == ["outer 1"]
    assert lwt.state(mapped) == lwt.Return("1")
