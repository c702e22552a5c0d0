"""Waiting for all of several promises, or for the first of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import lwt
from lwt import Promise, Resolver
from tests.support.promises import (
    FOR_FIRST,
    A,
    B,
    Recorder,
    Waiting,
    each_for_first,
    is_canceled,
    pending,
    rejected_with,
)

# join, both, all: what each gives


def both(promises: list[Promise[Any]]) -> Promise[tuple[Any, Any]]:
    first, second = promises
    return lwt.both(first, second)


FOR_ALL: dict[str, Waiting] = {"join": lwt.join, "both": both, "all": lwt.all}
each_for_all = pytest.mark.parametrize("wait_for", FOR_ALL.values(), ids=FOR_ALL)


@pytest.mark.parametrize(
    ("wait_for", "value"), [(lwt.join, None), (both, (1, 2)), (lwt.all, [1, 2])], ids=FOR_ALL
)
def test_values_come_in_the_order_of_the_arguments_whichever_is_resolved_first(
    wait_for: Waiting, value: object
) -> None:
    (first, first_resolver), (second, second_resolver) = lwt.wait(), lwt.wait()
    waiting = [
        wait_for([first, second]),
        wait_for([lwt.return_(1), second]),
        wait_for([first, lwt.return_(2)]),
    ]
    assert lwt.state(wait_for([lwt.return_(1), lwt.return_(2)])) == lwt.Return(value)
    lwt.wakeup(second_resolver, 2)
    assert [lwt.is_sleeping(promise) for promise in waiting] == [True, False, True]
    lwt.wakeup(first_resolver, 1)
    assert [lwt.state(promise) for promise in waiting] == [lwt.Return(value)] * 3


def test_join_of_nothing_is_fulfilled() -> None:
    assert lwt.state(lwt.join([])) == lwt.Return(None)


def test_all_of_nothing_is_an_empty_list() -> None:
    assert lwt.state(lwt.all([])) == lwt.Return([])


@pytest.mark.parametrize("length", [1, 2, 3, 10])
def test_all_gives_one_value_for_each_promise(length: int) -> None:
    promises_and_resolvers = [lwt.wait() for _ in range(length)]
    together = lwt.all(promise for promise, _ in promises_and_resolvers)
    for number, (_, resolver) in reversed(list(enumerate(promises_and_resolvers))):
        lwt.wakeup(resolver, number)
    assert lwt.state(together) == lwt.Return(list(range(length)))


@pytest.mark.parametrize("wait_for", [lwt.join, lwt.all])
def test_a_list_may_hold_a_promise_twice(wait_for: Waiting) -> None:
    promise, resolver = lwt.wait()
    together = wait_for([promise, promise])
    lwt.wakeup(resolver, 1)
    assert lwt.state(together) == lwt.Return(None if wait_for is lwt.join else [1, 1])


def test_a_promise_of_join_is_resolved_by_the_callback_of_the_last(record: Recorder) -> None:
    (first, first_resolver), (second, second_resolver) = lwt.wait(), lwt.wait()
    lwt.on_success(second, record.on("attached before"))
    lwt.on_success(lwt.join([first, second]), record.on("joined"))
    lwt.on_success(second, record.on("attached after"))
    lwt.wakeup(first_resolver, None)
    lwt.wakeup(second_resolver, None)
    assert record.events == ["attached after", "joined", "attached before"]


# join, both, all: rejections


@each_for_all
def test_a_rejection_waits_for_the_others(wait_for: Waiting) -> None:
    (first, first_resolver), (second, second_resolver) = lwt.wait(), lwt.wait()
    together = wait_for([first, second])
    exception = A()
    lwt.wakeup_exn(second_resolver, exception)
    assert lwt.is_sleeping(together)
    lwt.wakeup(first_resolver, 1)
    assert rejected_with(together) is exception


@each_for_all
def test_the_first_rejection_counts(wait_for: Waiting) -> None:
    (first, first_resolver), (second, second_resolver) = lwt.wait(), lwt.wait()
    together = wait_for([first, second])
    exception = A()
    lwt.wakeup_exn(second_resolver, exception)
    lwt.wakeup_exn(first_resolver, B())
    assert rejected_with(together) is exception


@each_for_all
def test_a_promise_that_is_rejected_already_counts_before_those_rejected_later(
    wait_for: Waiting,
) -> None:
    first, resolver = lwt.wait()
    exception = A()
    together = wait_for([first, lwt.fail(exception)])
    assert lwt.is_sleeping(together)
    lwt.wakeup_exn(resolver, B())
    assert rejected_with(together) is exception


@each_for_all
def test_of_promises_rejected_already_the_first_in_the_list_counts(wait_for: Waiting) -> None:
    exception = A()
    assert rejected_with(wait_for([lwt.fail(exception), lwt.fail(B())])) is exception


@each_for_all
def test_of_promises_whose_callbacks_are_deferred_the_first_deferred_counts(
    wait_for: Waiting,
) -> None:
    (first, first_resolver), (second, second_resolver) = lwt.wait(), lwt.wait()
    trigger, trigger_resolver = lwt.wait()
    exception = A()

    def reject_both(_: object) -> None:
        lwt.wakeup_later_exn(second_resolver, exception)
        lwt.wakeup_later_exn(first_resolver, B())

    lwt.on_success(trigger, reject_both)
    together = wait_for([first, second])
    lwt.wakeup(trigger_resolver, None)
    assert rejected_with(together) is exception


# The first of several: empty lists


@pytest.mark.parametrize(("name", "wait_for"), FOR_FIRST.items())
def test_an_empty_list_is_a_value_error_with_ocamls_text(name: str, wait_for: Waiting) -> None:
    with pytest.raises(
        ValueError, match=rf"^Lwt\.{name} \[\] would return a promise that is pending forever"
    ):
        wait_for([])


# The first of several: all are pending


VALUE_OF_FIRST: dict[str, Callable[[Any], object]] = {
    "choose": lambda value: value,
    "pick": lambda value: value,
    "nchoose": lambda value: value[0],
    "npick": lambda value: value[0],
    "nchoose_split": lambda value: value[0][0],
}


@pytest.mark.parametrize("name", FOR_FIRST)
@pytest.mark.parametrize("number", range(3))
def test_the_first_promise_to_be_fulfilled_fulfills(name: str, number: int) -> None:
    promises_and_resolvers = [lwt.wait() for _ in range(3)]
    first = lwt.map(
        VALUE_OF_FIRST[name], FOR_FIRST[name]([promise for promise, _ in promises_and_resolvers])
    )
    assert lwt.is_sleeping(first)
    lwt.wakeup(promises_and_resolvers[number][1], f"{number}")
    assert lwt.state(first) == lwt.Return(f"{number}")
    for _, resolver in promises_and_resolvers:
        if resolver is not promises_and_resolvers[number][1]:
            lwt.wakeup(resolver, "too late")
    assert lwt.state(first) == lwt.Return(f"{number}")


@each_for_first
def test_the_first_promise_to_be_rejected_rejects(wait_for: Waiting) -> None:
    promise, resolver = lwt.wait()
    first = wait_for([pending(), promise, pending()])
    exception = A()
    lwt.wakeup_exn(resolver, exception)
    assert rejected_with(first) is exception


@each_for_first
def test_the_same_promise_may_stand_in_the_list_twice(wait_for: Waiting, record: Recorder) -> None:
    promise, resolver = lwt.wait()
    lwt.on_success(wait_for([promise, promise]), record.on("resolved"))
    lwt.wakeup(resolver, 1)
    assert record.events == ["resolved"]


@each_for_first
def test_the_result_is_resolved_by_the_callback_of_the_first(
    wait_for: Waiting, record: Recorder
) -> None:
    promise, resolver = lwt.wait()
    lwt.on_success(promise, record.on("attached before"))
    lwt.on_success(wait_for([pending(), promise]), record.on("result"))
    lwt.on_success(promise, record.on("attached after"))
    lwt.wakeup(resolver, 1)
    assert record.events == ["attached after", "result", "attached before"]


def two_at_once(
    wait_for: Waiting,
    resolve_first: Callable[[Resolver[Any]], None],
    resolve_second: Callable[[Resolver[Any]], None],
) -> Promise[Any]:
    """Wait for two promises and a third; resolve two of them in one callback, later."""
    (first, first_resolver), (second, second_resolver) = lwt.wait(), lwt.wait()
    trigger, trigger_resolver = lwt.wait()

    def resolve_both(_: object) -> None:
        resolve_second(second_resolver)
        resolve_first(first_resolver)

    lwt.on_success(trigger, resolve_both)
    result = wait_for([first, second, pending()])
    lwt.wakeup(trigger_resolver, None)
    return result


@pytest.mark.parametrize(
    ("wait_for", "value"),
    [(lwt.choose, 2), (lwt.pick, 2), (lwt.nchoose, [1, 2]), (lwt.npick, [1, 2])],
)
def test_of_two_resolved_before_callbacks_run_choose_takes_the_first_woken_and_nchoose_both(
    wait_for: Waiting, value: object
) -> None:
    result = two_at_once(
        wait_for,
        lambda resolver: lwt.wakeup_later(resolver, 1),
        lambda resolver: lwt.wakeup_later(resolver, 2),
    )
    assert lwt.state(result) == lwt.Return(value)


@pytest.mark.parametrize("wait_for", [lwt.nchoose, lwt.npick, lwt.nchoose_split])
def test_of_two_resolved_before_callbacks_run_a_rejected_one_rejects_nchoose(
    wait_for: Waiting,
) -> None:
    exception = A()
    result = two_at_once(
        wait_for,
        lambda resolver: lwt.wakeup_later_exn(resolver, exception),
        lambda resolver: lwt.wakeup_later(resolver, 2),
    )
    assert rejected_with(result) is exception


# pick and npick cancel the others


@pytest.mark.parametrize(("wait_for", "value"), [(lwt.pick, 1), (lwt.npick, [1])])
def test_pick_cancels_the_others_before_its_own_promise_is_resolved(
    wait_for: Waiting, value: object, record: Recorder
) -> None:
    names = ["first", "second", "third"]
    tasks = dict(zip(names, [lwt.task() for _ in names], strict=True))
    picked = wait_for([promise for promise, _ in tasks.values()])

    def cancelled(name: str) -> Callable[[], None]:
        return lambda: record(f"{name} is cancelled, picked is {lwt.state(picked)!r}")

    for name, (promise, _) in tasks.items():
        lwt.on_cancel(promise, cancelled(name))
        lwt.on_termination(promise, record.on(f"{name} is resolved"))
    lwt.on_success(picked, lambda value: record(f"picked {value}"))
    lwt.wakeup(tasks["second"][1], 1)
    assert record.events == [
        "second is resolved",
        "first is cancelled, picked is Sleep",
        "first is resolved",
        "third is cancelled, picked is Sleep",
        "third is resolved",
        f"picked {value}",
    ]


@pytest.mark.parametrize("wait_for", [lwt.pick, lwt.npick])
def test_pick_cancels_the_others_when_one_is_rejected(wait_for: Waiting) -> None:
    promise, resolver = lwt.wait()
    task, _ = lwt.task()
    picked = wait_for([task, promise])
    exception = A()
    lwt.wakeup_exn(resolver, exception)
    assert is_canceled(task)
    assert rejected_with(picked) is exception


@pytest.mark.parametrize("wait_for", [lwt.choose, lwt.nchoose, lwt.nchoose_split])
def test_choose_leaves_the_others_alone(wait_for: Waiting) -> None:
    promise, resolver = lwt.wait()
    task, _ = lwt.task()
    wait_for([task, promise])
    lwt.wakeup(resolver, 1)
    wait_for([task, lwt.return_unit])
    assert lwt.is_sleeping(task)


@pytest.mark.parametrize("wait_for", [lwt.pick, lwt.npick])
def test_a_promise_that_a_cancel_resolves_is_not_picked_besides(wait_for: Waiting) -> None:
    promise, resolver = lwt.wait()
    other, other_resolver = lwt.wait()
    task, _ = lwt.task()
    lwt.on_cancel(task, lambda: lwt.wakeup(other_resolver, 2))
    picked = wait_for([promise, task, other])
    lwt.wakeup(resolver, 1)
    assert lwt.state(picked) == lwt.Return(1 if wait_for is lwt.pick else [1])
    assert lwt.state(other) == lwt.Return(2)


# The first of several: some are resolved already


@each_for_first
@pytest.mark.parametrize("number", range(3))
def test_a_single_resolved_promise_is_the_one(wait_for: Waiting, number: int) -> None:
    promises: list[Promise[Any]] = [pending() for _ in range(3)]
    exception = A()
    promises[number] = lwt.fail(exception)
    assert rejected_with(wait_for(promises)) is exception


@pytest.mark.parametrize("wait_for", [lwt.choose, lwt.pick])
def test_choose_returns_a_promise_that_is_resolved_already_itself(wait_for: Waiting) -> None:
    promise = lwt.return_(1)
    assert wait_for([pending(), promise]) is promise


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(
    "resolved",
    [[lwt.return_(1)], [lwt.return_(1), lwt.return_(2)], [lwt.return_(1), lwt.fail(A())]],
    ids=["one", "two", "one of them rejected"],
)
def test_pick_cancels_all_pending_ones_when_some_are_resolved_already(
    resolved: list[Promise[int]], seed: int
) -> None:
    lwt.prng.seed(seed)
    tasks = [lwt.task()[0] for _ in range(3)]
    lwt.pick([tasks[0], resolved[0], tasks[1], *resolved[1:], tasks[2]])
    assert [is_canceled(task) for task in tasks] == [True, True, True]


def test_pick_may_take_a_promise_that_its_own_cancels_resolve() -> None:
    """The resolved promises are counted first, and looked for while others are cancelled."""
    task, _ = lwt.task()
    other, resolver = lwt.wait()
    lwt.on_cancel(task, lambda: lwt.wakeup(resolver, 3))
    assert lwt.state(lwt.pick([task, other, lwt.return_(1)])) == lwt.Return(3)


def test_nchoose_gives_the_values_of_all_that_are_fulfilled_in_the_order_of_the_list() -> None:
    promises = [pending(), lwt.return_(1), pending(), lwt.return_(2)]
    assert lwt.state(lwt.nchoose(promises)) == lwt.Return([1, 2])


def test_npick_gives_the_values_of_all_that_are_fulfilled_and_cancels_the_rest() -> None:
    task, resolver = lwt.task()
    other, other_resolver = lwt.wait()
    lwt.on_cancel(task, lambda: lwt.wakeup(other_resolver, 3))
    picked = lwt.npick([lwt.return_(1), task, other, lwt.return_(2)])
    assert lwt.state(picked) == lwt.Return([1, 2])
    assert is_canceled(task)
    lwt.wakeup(resolver, None)


@pytest.mark.parametrize("wait_for", [lwt.nchoose, lwt.npick, lwt.nchoose_split])
def test_of_several_rejected_already_nchoose_takes_the_first_in_the_list(
    wait_for: Waiting,
) -> None:
    exception = A()
    promises = [lwt.return_(1), lwt.fail(exception), lwt.fail(B()), lwt.return_(2)]
    assert rejected_with(wait_for(promises)) is exception


def test_npick_cancels_when_one_is_rejected_already() -> None:
    task, _ = lwt.task()
    lwt.npick([lwt.return_(1), lwt.fail(A()), task])
    assert is_canceled(task)


def test_npick_resolves_what_its_own_cancels_made_a_proxy() -> None:
    """OCaml resolves the promise that `npick` made, not the one that it now stands for."""
    task, _ = lwt.task()
    first, resolver = lwt.wait()
    picked = lwt.npick([first, task])
    outer = lwt.catch(lambda: task, lambda _: picked)
    lwt.wakeup(resolver, 7)
    assert lwt.state(picked) == lwt.state(outer) == lwt.Return([7])


# nchoose_split


def split(promise: Promise[tuple[list[int], list[Promise[int]]]]) -> tuple[list[int], list[int]]:
    """The values of a split, and the identities of the promises that were pending then."""
    state = lwt.state(promise)
    assert isinstance(state, lwt.Return)
    values, still_pending = state.value
    return values, [id(promise) for promise in still_pending]


def test_nchoose_split_gives_pending_promises_in_the_order_of_the_list() -> None:
    promise, resolver = lwt.wait()
    first, second, third = pending(), pending(), pending()
    result = lwt.nchoose_split([first, promise, second, third])
    lwt.wakeup(resolver, 1)
    assert split(result) == ([1], [id(first), id(second), id(third)])


def test_nchoose_split_reverses_them_if_some_promise_was_resolved_already() -> None:
    first, second, third = pending(), pending(), pending()
    result = lwt.nchoose_split([first, lwt.return_(1), second, lwt.return_(2), third])
    assert split(result) == ([1, 2], [id(third), id(second), id(first)])


def test_nchoose_split_gives_the_promises_that_it_was_given_also_if_they_are_proxies() -> None:
    inner = pending()
    trigger, resolver = lwt.wait()
    lwt.bind(trigger, lambda _: inner)
    lwt.wakeup(resolver, None)
    assert split(lwt.nchoose_split([lwt.return_(1), inner])) == ([1], [id(inner)])
