"""What a million promises make together: chains, proxies, lists. No stack, and no time wasted."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import pytest

import lwt
from lwt._core.promise import PROXY
from tests.support.promises import A

pytestmark = [
    pytest.mark.usefixtures("nothing_left_over", "default_recursion_limit"),
    pytest.mark.no_cover,
]

MILLION = 1_000_000

MANY = 20_000
"""Enough to exceed any stack, for what a test with a million has shown already."""


@pytest.mark.slow
@pytest.mark.usefixtures("without_the_collector")
def test_a_chain_of_a_million_pending_binds_is_resolved_at_once() -> None:
    first, resolver = lwt.wait()
    last: lwt.Promise[int] = first
    for _ in range(MILLION):
        last = lwt.bind(last, lambda x: lwt.return_(x + 1))
    lwt.wakeup(resolver, 0)
    assert lwt.state(last) == lwt.Return(MILLION)


def test_a_long_chain_of_pending_maps_is_rejected_at_once() -> None:
    first, resolver = lwt.wait()
    last: lwt.Promise[int] = first
    for _ in range(MANY):
        last = lwt.map(lambda x: x + 1, last)
    lwt.wakeup_exn(resolver, A())
    assert lwt.state(last) == lwt.Fail(A())


def test_a_long_chain_of_pending_binds_is_cancelled_at_once() -> None:
    first, _ = lwt.task()
    last: lwt.Promise[None] = first
    for _ in range(MANY):
        last = lwt.bind(last, lwt.return_)
    lwt.cancel(last)
    assert lwt.state(first) == lwt.state(last) == lwt.Fail(lwt.Canceled())


def proxies(
    number: int, *, innermost_first: bool
) -> tuple[list[lwt.Promise[str]], lwt.Resolver[str]]:
    """So many promises that are all the same, from the innermost on, and their resolver.

    Each is the result of a `bind` whose callback returned the one before. One wakeup runs
    all these callbacks, the newest first.
    """
    trigger, trigger_resolver = lwt.wait()
    innermost, resolver = lwt.wait()
    promises: list[lwt.Promise[str]] = [innermost] * (number + 1)

    def returning(index: int) -> Callable[[None], lwt.Promise[str]]:
        return lambda _: promises[index]

    indexes = range(1, number + 1)
    for index in reversed(indexes) if innermost_first else indexes:
        promises[index] = lwt.bind(trigger, returning(index - 1))
    lwt.wakeup(trigger_resolver, None)
    return promises, resolver


directions = pytest.mark.parametrize(
    "innermost_first", [True, False], ids=["innermost first", "outermost first"]
)


@pytest.mark.slow
@pytest.mark.usefixtures("without_the_collector")
def test_a_chain_of_a_million_proxies_is_one_promise() -> None:
    promises, resolver = proxies(MILLION, innermost_first=True)
    assert promises[0]._state == PROXY
    assert promises[0]._value is promises[1]  # Not yet shortened.
    lwt.wakeup(resolver, "all")
    assert lwt.state(promises[0]) == lwt.state(promises[MILLION // 2]) == lwt.Return("all")
    assert lwt.state(promises[-1]) == lwt.Return("all")


@directions
def test_each_of_many_proxies_is_the_same_promise(innermost_first: bool) -> None:
    promises, resolver = proxies(MANY, innermost_first=innermost_first)
    assert [lwt.is_sleeping(promise) for promise in promises] == [True] * (MANY + 1)
    lwt.wakeup(resolver, "all")
    assert [lwt.state(promise) for promise in promises] == [lwt.Return("all")] * (MANY + 1)


@pytest.mark.parametrize("wakeup", [lwt.wakeup, lwt.wakeup_later])
def test_many_callbacks_that_each_wake_the_next_promise_all_run(
    wakeup: Callable[[lwt.Resolver[None], None], None],
) -> None:
    pairs: list[tuple[lwt.Promise[None], lwt.Resolver[None]]] = [lwt.wait() for _ in range(MANY)]
    for (promise, _), (_, following) in pairwise(pairs):
        lwt.on_success(promise, partial(wakeup, following))
    wakeup(pairs[0][1], None)
    assert lwt.state(pairs[-1][0]) == lwt.Return(None)


def pending(number: int) -> tuple[list[lwt.Promise[int]], list[lwt.Resolver[int]]]:
    pairs = [lwt.task() for _ in range(number)]
    return [promise for promise, _ in pairs], [resolver for _, resolver in pairs]


@pytest.mark.slow
@pytest.mark.usefixtures("without_the_collector")
def test_join_of_a_million_waits_for_all() -> None:
    promises, resolvers = pending(MILLION)
    joined = lwt.join(promises)
    for resolver in resolvers:
        assert lwt.is_sleeping(joined)
        lwt.wakeup(resolver, 0)
    assert lwt.state(joined) == lwt.Return(None)


def test_all_of_many_gives_all_values_in_order() -> None:
    promises, resolvers = pending(MANY)
    gathered = lwt.all(promises)
    for number, resolver in enumerate(resolvers):
        lwt.wakeup(resolver, number)
    assert lwt.state(gathered) == lwt.Return(list(range(MANY)))


@pytest.mark.slow
@pytest.mark.usefixtures("without_the_collector")
def test_nchoose_of_a_million_gives_the_first_value() -> None:
    promises, resolvers = pending(MILLION)
    chosen = lwt.nchoose(promises)
    lwt.wakeup(resolvers[MILLION // 2], 7)
    assert lwt.state(chosen) == lwt.Return([7])


def test_pick_of_many_cancels_the_others() -> None:
    promises, resolvers = pending(MANY)
    picked = lwt.pick(promises)
    lwt.wakeup(resolvers[0], 7)
    assert lwt.state(picked) == lwt.Return(7)
    assert all(lwt.state(promise) == lwt.Fail(lwt.Canceled()) for promise in promises[1:])


def test_join_choose_and_pick_nest_without_end() -> None:
    promise, resolver = lwt.wait()
    nested = promise
    for _ in range(3000):
        nested = lwt.pick([lwt.choose([lwt.map(lambda _: 0, lwt.join([nested]))])])
    lwt.wakeup(resolver, 0)
    assert lwt.state(nested) == lwt.Return(0)
