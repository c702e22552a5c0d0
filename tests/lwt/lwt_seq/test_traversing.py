"""Going through sequences: which call waits for which, and the bound of `iter_n`."""

from __future__ import annotations

import pytest

import lwt
from lwt import Fail, Promise, Resolver, Return, lwt_seq
from tests.support.promises import A, outcome
from tests.support.seqs import listed, numbers


def test_iter_s_evaluates_the_next_node_when_the_promise_is_fulfilled() -> None:
    events: list[str] = []
    resolvers: list[Resolver[None]] = []

    def f(x: int) -> Promise[None]:
        events.append(f"call {x}")
        promise, resolver = lwt.wait()
        resolvers.append(resolver)
        return promise

    result = lwt_seq.iter_s(f, numbers(events, last=2))
    while lwt.is_sleeping(result):
        events.append("wakeup")
        lwt.wakeup(resolvers.pop(), None)
    assert events == ["node 1", "call 1", "wakeup", "node 2", "call 2", "wakeup", "node 3"]


def test_iter_p_does_not_wait_between_calls() -> None:
    events: list[str] = []
    promise, resolver = lwt.wait()

    def f(x: int) -> Promise[None]:
        events.append(f"call {x}")
        return promise

    result = lwt_seq.iter_p(f, numbers(events, last=2))
    assert events == ["node 1", "call 1", "node 2", "call 2", "node 3"]
    assert lwt.is_sleeping(result)
    lwt.wakeup(resolver, None)
    assert lwt.state(result) == Return(None)


@pytest.mark.parametrize("bound", [1, 2, 3, 10])
def test_iter_n_never_has_more_promises_pending_than_its_bound(bound: int) -> None:
    pending = most = 0
    done: list[int] = []

    async def f(x: int) -> None:
        nonlocal pending, most
        pending += 1
        most = max(most, pending)
        for _ in range(x % 3 + 1):
            await lwt.pause()
        pending -= 1
        done.append(x)

    outcome(lwt_seq.iter_n(f, lwt_seq.of_list(range(20)), max_concurrency=bound))
    assert sorted(done) == list(range(20))
    assert most == bound


def test_iter_n_evaluates_no_node_without_room_for_its_call() -> None:
    events: list[str] = []
    waits = [lwt.wait() for _ in range(3)]
    result = lwt_seq.iter_n(lambda x: waits[x - 1][0], numbers(events), max_concurrency=2)
    assert events == ["node 1", "node 2"]
    lwt.wakeup(waits[1][1], None)
    assert events == ["node 1", "node 2", "node 3"]
    for _, resolver in waits[0], waits[2]:
        lwt.wakeup(resolver, None)
    assert lwt.state(result) == Return(None)


def test_iter_n_makes_no_more_calls_after_a_rejection() -> None:
    calls: list[int] = []

    def f(x: int) -> Promise[None]:
        calls.append(x)
        return lwt.fail(A())

    assert lwt.state(lwt_seq.iter_n(f, lwt_seq.of_list([1, 2]))) == Fail(A())
    assert calls == [1]


@pytest.mark.parametrize("bound", [0, -3])
def test_iter_n_refuses_a_bound_below_one(bound: int) -> None:
    events: list[str] = []
    message = rf"Lwt_seq.iter_n: max_concurrency must be > 0, {bound} given; "
    with pytest.raises(ValueError, match=message):
        lwt_seq.iter_n(lwt.return_, numbers(events), max_concurrency=bound)
    assert events == []


def test_cancelling_iter_n_at_its_end_cancels_all() -> None:
    waits = [lwt.task() for _ in range(2)]
    result = lwt_seq.iter_n(lambda x: waits[x][0], lwt_seq.of_list([0, 1]), max_concurrency=3)
    lwt.cancel(result)
    assert [lwt.state(p) for p, _ in waits] == [Fail(lwt.Canceled())] * 2


@pytest.mark.slow
def test_a_million_elements() -> None:
    assert len(listed(lwt_seq.of_list(range(1_000_000)))) == 1_000_000
