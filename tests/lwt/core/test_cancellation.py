"""Cancelling: how far back it goes, what it rejects, and in which order callbacks hear of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

import lwt
from lwt import Promise
from tests.support.promises import A, Recorder, is_canceled, pending, rejected_with

# One promise


def test_a_promise_of_task_is_rejected_with_canceled() -> None:
    promise, _ = lwt.task()
    lwt.cancel(promise)
    assert type(rejected_with(promise)) is lwt.Canceled


def test_a_promise_of_wait_is_not_cancelable() -> None:
    promise, resolver = lwt.wait()
    lwt.cancel(promise)
    assert lwt.is_sleeping(promise)
    lwt.wakeup(resolver, 1)
    assert lwt.state(promise) == lwt.Return(1)


@pytest.mark.parametrize("promise", [lwt.return_(1), lwt.fail(A())], ids=["fulfilled", "rejected"])
def test_cancelling_a_resolved_promise_does_nothing(promise: Promise[int]) -> None:
    before = lwt.state(promise)
    lwt.cancel(promise)
    assert lwt.state(promise) == before


def test_cancelling_twice_runs_callbacks_once(record: Recorder) -> None:
    promise, _ = lwt.task()
    lwt.on_cancel(promise, record.on("cancelled"))
    lwt.cancel(promise)
    lwt.cancel(promise)
    assert record.events == ["cancelled"]


def test_cancelling_again_in_a_cancel_callback_does_nothing(record: Recorder) -> None:
    promise, _ = lwt.task()

    def callback() -> None:
        record("in")
        lwt.cancel(promise)
        record("out")

    lwt.on_cancel(promise, callback)
    lwt.cancel(promise)
    assert record.events == ["in", "out"]


# on_cancel


def test_cancel_callbacks_run_when_the_resolver_rejects_with_canceled(record: Recorder) -> None:
    promise, resolver = lwt.wait()
    lwt.on_failure(promise, record.on("regular"))
    lwt.on_cancel(promise, record.on("cancelled"))
    lwt.wakeup_exn(resolver, lwt.Canceled())
    assert record.events == ["cancelled", "regular"]


def test_a_subclass_of_canceled_counts_as_canceled(record: Recorder) -> None:
    class Stopped(lwt.Canceled):
        pass

    promise, resolver = lwt.wait()
    lwt.on_cancel(promise, record.on("cancelled"))
    lwt.wakeup_exn(resolver, Stopped())
    lwt.wakeup(resolver, 1)
    lwt.on_cancel(promise, record.on("cancelled before"))
    assert record.events == ["cancelled", "cancelled before"]
    assert type(rejected_with(promise)) is Stopped


@pytest.mark.parametrize("resolve", [lwt.wakeup, lwt.wakeup_exn])
def test_cancel_callbacks_are_dropped_when_the_promise_is_resolved_otherwise(
    resolve: Callable[[lwt.Resolver[Any], Any], None], record: Recorder
) -> None:
    promise, resolver = lwt.task()
    lwt.on_cancel(promise, record.on("never"))
    resolve(resolver, A())
    lwt.cancel(promise)
    assert record.events == []


def test_on_cancel_of_a_cancelled_promise_runs_at_once(record: Recorder) -> None:
    promise, _ = lwt.task()
    lwt.cancel(promise)
    lwt.on_cancel(promise, record.on("cancelled"))
    assert record.events == ["cancelled"]


@pytest.mark.parametrize(
    "promise",
    [lwt.return_(1), lwt.fail(A()), pending()],
    ids=["fulfilled", "rejected", "pending"],
)
def test_on_cancel_of_any_other_promise_does_not_run_now(
    promise: Promise[int], record: Recorder
) -> None:
    lwt.on_cancel(promise, record.on("never"))
    assert record.events == []


def test_cancelling_runs_cancel_callbacks_of_all_promises_on_the_way_forward(
    record: Recorder,
) -> None:
    task, _ = lwt.task()
    bound = lwt.bind(task, lwt.return_)
    for name, promise in (("bound", bound), ("task", task)):
        lwt.on_failure(promise, record.on(f"{name} fails"))
        lwt.on_cancel(promise, record.on(f"{name} is cancelled"))
    lwt.cancel(bound)
    assert record.events == [
        "task is cancelled",
        "task fails",
        "bound is cancelled",
        "bound fails",
    ]


def test_an_exception_that_is_not_canceled_runs_no_cancel_callbacks_further_on(
    record: Recorder,
) -> None:
    task, _ = lwt.task()
    caught = lwt.catch(lambda: task, lambda _: lwt.fail(A()))
    lwt.on_cancel(caught, record.on("never"))
    lwt.cancel(caught)
    assert record.events == []
    assert lwt.state(caught) == lwt.Fail(A())


async def awaiting(promise: Promise[Any]) -> Any:
    return await promise


THROUGH_ONE: dict[str, Callable[[Promise[Any]], Promise[Any]]] = {
    "bind": lambda promise: lwt.bind(promise, lwt.return_),
    "map": lambda promise: lwt.map(str, promise),
    "catch": lambda promise: lwt.catch(lambda: promise, lwt.fail),
    "finalize": lambda promise: lwt.finalize(lambda: promise, lambda: lwt.return_unit),
    "try_bind": lambda promise: lwt.try_bind(lambda: promise, lwt.return_, lwt.fail),
    "backtrace_bind": lambda promise: lwt.backtrace_bind("", 0, lambda e: e, promise, lwt.return_),
    "backtrace_catch": lambda promise: lwt.backtrace_catch(
        "", 0, lambda e: e, lambda: promise, lwt.fail
    ),
    "wrap_in_cancelable": lwt.wrap_in_cancelable,
    "of_coroutine": lambda promise: lwt.of_coroutine(awaiting(promise)),
    "promised": lwt.promised(awaiting),
    "bind of an async function": lambda promise: lwt.bind(lwt.return_(promise), awaiting),
    "join": lambda promise: lwt.join([promise]),
    "all": lambda promise: lwt.all([promise]),
    "choose": lambda promise: lwt.choose([promise]),
    "pick": lambda promise: lwt.pick([promise]),
    "nchoose": lambda promise: lwt.nchoose([promise]),
    "npick": lambda promise: lwt.npick([promise]),
    "nchoose_split": lambda promise: lwt.nchoose_split([promise]),
}


THROUGH_TWO: dict[str, Callable[[Promise[Any], Promise[Any]], Promise[Any]]] = {
    "both": lwt.both,
    "&": lambda p, q: p & q,
    "^": lambda p, q: p ^ q,
    "join": lambda p, q: lwt.join([p, q]),
    "all": lambda p, q: lwt.all([p, q]),
    "choose": lambda p, q: lwt.choose([p, q]),
    "pick": lambda p, q: lwt.pick([p, q]),
    "nchoose": lambda p, q: lwt.nchoose([p, q]),
    "npick": lambda p, q: lwt.npick([p, q]),
    "nchoose_split": lambda p, q: lwt.nchoose_split([p, q]),
}


# Backward, through every function to every cancelable promise


@pytest.mark.parametrize("through", THROUGH_ONE.values(), ids=THROUGH_ONE)
def test_cancelling_goes_back_to_the_promise_that_is_waited_for(
    through: Callable[[Promise[Any]], Promise[Any]],
) -> None:
    task, _ = lwt.task()
    promise = through(task)
    lwt.cancel(promise)
    assert is_canceled(task)
    assert is_canceled(promise)


@pytest.mark.parametrize("through", THROUGH_ONE.values(), ids=THROUGH_ONE)
def test_cancelling_what_a_promise_waits_for_rejects_it(
    through: Callable[[Promise[Any]], Promise[Any]],
) -> None:
    task, _ = lwt.task()
    promise = through(task)
    lwt.cancel(task)
    assert is_canceled(promise)


@pytest.mark.parametrize("through", THROUGH_TWO.values(), ids=THROUGH_TWO)
def test_cancelling_goes_back_to_every_promise_that_is_waited_for(
    through: Callable[[Promise[Any], Promise[Any]], Promise[Any]],
) -> None:
    first, second = lwt.task()[0], lwt.task()[0]
    promise = through(first, second)
    lwt.cancel(promise)
    assert [is_canceled(p) for p in (first, second, promise)] == [True, True, True]


@pytest.mark.parametrize("through", THROUGH_TWO.values(), ids=THROUGH_TWO)
def test_cancelling_passes_over_promises_that_are_not_cancelable(
    through: Callable[[Promise[Any], Promise[Any]], Promise[Any]],
) -> None:
    task, _ = lwt.task()
    waiting = pending()
    lwt.cancel(through(waiting, task))
    assert is_canceled(task)
    assert lwt.is_sleeping(waiting)


def test_join_stays_pending_while_an_uncancelable_promise_is_and_fails_then() -> None:
    task, _ = lwt.task()
    waiting, resolver = lwt.wait()
    joined = lwt.join([task, waiting])
    lwt.cancel(joined)
    assert lwt.is_sleeping(joined)
    lwt.wakeup(resolver, None)
    assert is_canceled(joined)


def test_choose_is_rejected_with_the_first_promise_that_is_cancelled() -> None:
    chosen = lwt.choose([pending(), lwt.task()[0]])
    lwt.cancel(chosen)
    assert is_canceled(chosen)


def test_cancelling_after_the_callback_returned_reaches_the_promise_it_returned() -> None:
    task, resolver = lwt.task()
    inner, _ = lwt.task()
    bound = lwt.bind(task, lambda _: inner)
    lwt.wakeup(resolver, None)
    lwt.cancel(bound)
    assert is_canceled(inner)
    assert lwt.state(task) == lwt.Return(None)


def test_cancelling_goes_through_many_functions_at_once() -> None:
    tasks = [lwt.task()[0] for _ in range(3)]
    promise: Promise[Any] = lwt.join(
        [lwt.pick([lwt.map(str, tasks[0]), lwt.bind(tasks[1], lwt.return_)]), tasks[2]]
    )
    lwt.cancel(lwt.finalize(lambda: promise, lambda: lwt.return_unit))
    assert [is_canceled(task) for task in tasks] == [True, True, True]


# First cancels all, then runs callbacks, the last found first


def test_all_are_cancelled_before_the_first_callback_runs(record: Recorder) -> None:
    tasks = [lwt.task()[0] for _ in range(3)]

    def callback() -> None:
        record(f"{sum(map(is_canceled, tasks))} cancelled")

    for task in tasks:
        lwt.on_cancel(task, callback)
    lwt.cancel(lwt.join(tasks))
    assert record.events == ["3 cancelled"] * 3


@pytest.mark.parametrize(
    ("through", "first_of_the_result"),
    [(lwt.join, 3), (lwt.choose, 1), (lwt.nchoose, 1), (lwt.nchoose_split, 1), (lwt.all, 3)],
)
def test_the_callbacks_of_the_last_found_run_first(
    through: Callable[[list[Promise[Any]]], Promise[Any]],
    first_of_the_result: int,
    record: Recorder,
) -> None:
    tasks = [lwt.task()[0] for _ in range(3)]
    promise = through(tasks)
    for number, task in enumerate(tasks):
        lwt.on_failure(task, record.on(f"{number} fails"))
        lwt.on_cancel(task, record.on(f"{number} is cancelled"))
    lwt.on_failure(promise, record.on("result fails"))
    lwt.on_cancel(promise, record.on("result is cancelled"))
    lwt.cancel(promise)
    expected = [
        ["2 is cancelled", "2 fails"],
        ["1 is cancelled", "1 fails"],
        ["0 is cancelled", "0 fails"],
    ]
    expected.insert(first_of_the_result, ["result is cancelled", "result fails"])
    assert record.events == [event for events in expected for event in events]


def test_the_search_goes_depth_first_in_the_order_of_lists(record: Recorder) -> None:
    tasks = [lwt.task()[0] for _ in range(5)]
    promise = lwt.join(
        [
            lwt.map(str, tasks[0]),
            lwt.join([tasks[1], lwt.choose([tasks[2], tasks[3]])]),
            tasks[4],
        ]
    )
    for number, task in enumerate(tasks):
        lwt.on_cancel(task, record.on(f"{number}"))
    lwt.cancel(promise)
    assert record.events == ["4", "3", "2", "1", "0"]


def test_a_promise_that_is_found_twice_is_cancelled_once(record: Recorder) -> None:
    first, second = lwt.task()[0], lwt.task()[0]
    promise = lwt.join([lwt.map(str, first), lwt.join([second, first]), lwt.map(str, first)])
    lwt.on_cancel(first, record.on("first"))
    lwt.on_cancel(second, record.on("second"))
    lwt.cancel(promise)
    assert record.events == ["second", "first"]


# Exceptions


def test_canceled_carries_no_message() -> None:
    promise, _ = lwt.task()
    lwt.cancel(promise)
    assert rejected_with(promise).args == ()


def test_who_awaits_a_cancelled_promise_gets_canceled(record: Recorder) -> None:
    async def body(promise: Promise[int]) -> None:
        try:
            await promise
        except lwt.Canceled:
            record("cancelled")

    task, _ = lwt.task()
    lwt.async_(partial(body, task))
    lwt.cancel(task)
    assert record.events == ["cancelled"]


# Promises that wait for each other


def test_cancelling_promises_that_wait_for_each_other_comes_to_an_end() -> None:
    """In OCaml the search goes round and round."""
    start, resolver = lwt.wait()
    inner: list[lwt.Promise[int]] = []

    def wait_for_the_outer(_: object) -> lwt.Promise[int]:
        inner.append(lwt.bind(outer, lwt.return_))
        return inner[0]

    outer: lwt.Promise[int] = lwt.bind(start, wait_for_the_outer)
    lwt.wakeup(resolver, None)
    lwt.cancel(outer)
    assert lwt.is_sleeping(outer) and lwt.is_sleeping(inner[0])
