"""Lazy sequences: what is evaluated when, exceptions, bounds, size, arguments."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import lwt
from lwt import Fail, Promise, Resolver, Return, Some, lwt_seq
from lwt._core.resolution import resolution
from lwt.lwt_seq import Cons, Nil, Node, Seq

MANY = 5_000
PLAIN = ["map", "filter", "filter_map", "iter", "fold_left", "flat_map"]


class Wrong(Exception):
    pass


def numbers(events: list[str], first: int = 1, last: int = 3) -> Seq[int]:
    """A sequence that records when its nodes are evaluated."""

    def node() -> Promise[Node[int]]:
        events.append(f"node {first}")
        if first > last:
            return lwt.return_(Nil)
        return lwt.return_(Cons(first, numbers(events, first + 1, last)))

    return node


def later(seq: Seq[int]) -> Seq[int]:
    """The same sequence, each node after a pause."""

    def node() -> Promise[Node[int]]:
        def after(node: Node[int]) -> Node[int]:
            return Nil if node is Nil else Cons(node.element, later(node.next))

        return lwt.bind(lwt.pause(), lambda _: lwt.map(after, seq()))

    return node


def run_pauses() -> None:
    while lwt.paused_count():
        lwt.wakeup_paused()


def value(promise: Promise[Any]) -> Any:
    run_pauses()
    state = lwt.state(promise)
    assert isinstance(state, Return), state
    return state.value


def listed(seq: Seq[Any]) -> list[Any]:
    result: list[Any] = value(lwt_seq.to_list(seq))
    return result


def some_if_odd(x: int) -> Some[int] | None:
    return Some(-x) if x % 2 else None


async def pausing(x: Any) -> Any:
    await lwt.pause()
    return x


# What they give


@pytest.mark.parametrize("arrange", [lambda seq: seq, later], ids=["at once", "later"])
def test_results(arrange: Callable[[Seq[int]], Seq[int]]) -> None:
    seq = arrange(lwt_seq.of_list([1, 2, 3]))
    seen: list[int] = []

    async def see(x: int) -> None:
        seen.append(await pausing(x))

    assert {
        "to_list": listed(seq),
        "map": listed(lwt_seq.map(lambda x: -x, seq)),
        "map_s": listed(lwt_seq.map_s(lambda x: pausing(-x), seq)),
        "filter": listed(lwt_seq.filter(lambda x: x % 2 == 1, seq)),
        "filter_s": listed(lwt_seq.filter_s(lambda x: pausing(x % 2 == 1), seq)),
        "filter_map": listed(lwt_seq.filter_map(some_if_odd, seq)),
        "filter_map_s": listed(lwt_seq.filter_map_s(lambda x: pausing(some_if_odd(x)), seq)),
        "flat_map": listed(lwt_seq.flat_map(lambda x: lwt_seq.of_list([x] * (x - 1)), seq)),
        "append": listed(lwt_seq.append(seq, lwt_seq.append(seq, lwt_seq.empty))),
        "cons": listed(lwt_seq.cons(0, seq)),
        "cons_lwt": listed(lwt_seq.cons_lwt(lwt.return_(0), seq)),
        "return_": listed(lwt_seq.return_(1)),
        "return_lwt": listed(lwt_seq.return_lwt(lwt.return_(1))),
        "empty": listed(lwt_seq.empty),
        "of_seq": listed(lwt_seq.of_seq(range(3))),
        "of_seq_lwt": listed(lwt_seq.of_seq_lwt([lwt.return_(1), pausing(2)])),
        "unfold": listed(lwt_seq.unfold(lambda n: Some((n, n - 1)) if n else None, 2)),
        "unfold_lwt": listed(
            lwt_seq.unfold_lwt(lambda n: pausing(Some((n, n - 1)) if n else None), 2)
        ),
        "fold_left": value(lwt_seq.fold_left(lambda a, x: 10 * a + x, 0, seq)),
        "fold_left_s": value(lwt_seq.fold_left_s(lambda a, x: pausing(10 * a + x), 0, seq)),
        "iter": value(lwt_seq.iter(seen.append, seq)),
        "iter_s": value(lwt_seq.iter_s(see, seq)),
        "iter_p": value(lwt_seq.iter_p(see, seq)),
        "iter_n": value(lwt_seq.iter_n(see, seq, max_concurrency=2)),
        "seen": seen,
    } == {
        "to_list": [1, 2, 3],
        "map": [-1, -2, -3],
        "map_s": [-1, -2, -3],
        "filter": [1, 3],
        "filter_s": [1, 3],
        "filter_map": [-1, -3],
        "filter_map_s": [-1, -3],
        "flat_map": [2, 3, 3],
        "append": [1, 2, 3, 1, 2, 3],
        "cons": [0, 1, 2, 3],
        "cons_lwt": [0, 1, 2, 3],
        "return_": [1],
        "return_lwt": [1],
        "empty": [],
        "of_seq": [0, 1, 2],
        "of_seq_lwt": [1, 2],
        "unfold": [2, 1],
        "unfold_lwt": [2, 1],
        "fold_left": 123,
        "fold_left_s": 123,
        "iter": None,
        "iter_s": None,
        "iter_p": None,
        "iter_n": None,
        "seen": [1, 2, 3] * 4,
    }


def test_a_node_matches() -> None:
    following = None
    match value(lwt_seq.return_(1)()):
        case Cons(1, next_seq):
            following = next_seq
    assert following is not None
    assert value(following()) is Nil
    assert repr(Nil) == str(Nil) == "Nil"


# What is evaluated when


@pytest.mark.parametrize(
    "make",
    [
        lambda seq: lwt_seq.map(str, seq),
        lambda seq: lwt_seq.map_s(lwt.return_, seq),
        lambda seq: lwt_seq.filter(bool, seq),
        lambda seq: lwt_seq.filter_s(lambda _: lwt.return_true, seq),
        lambda seq: lwt_seq.filter_map(Some, seq),
        lambda seq: lwt_seq.filter_map_s(lwt.return_some, seq),
        lambda seq: lwt_seq.flat_map(lwt_seq.return_, seq),
        lambda seq: lwt_seq.append(seq, seq),
    ],
)
def test_a_transformed_sequence_evaluates_a_node_when_it_is_asked_for_one(
    make: Callable[[Seq[int]], Seq[Any]],
) -> None:
    events: list[str] = []
    seq = make(numbers(events))
    events.append("made")
    first = value(seq())
    events.append("first")
    value(first.next())
    events.append("again")
    value(seq())
    assert events == ["made", "node 1", "first", "node 2", "again", "node 1"]


def test_cons_evaluates_the_rest_only_when_it_is_asked_for() -> None:
    events: list[str] = []
    first = value(lwt_seq.cons(0, numbers(events))())
    assert events == []
    value(first.next())
    assert events == ["node 1"]


def test_an_iterable_is_gone_through_anew_from_the_first_node() -> None:
    read: list[int] = []

    class Numbers:
        def __iter__(self) -> Iterator[int]:
            for x in (1, 2):
                read.append(x)
                yield x

    seq = lwt_seq.of_seq(Numbers())
    assert [listed(seq), listed(seq), read] == [[1, 2], [1, 2], [1, 2, 1, 2]]


def test_an_iterator_is_read_once_as_far_as_asked_and_remembered() -> None:
    read: list[int] = []

    def numbers() -> Iterator[int]:
        for x in (1, 2):
            read.append(x)
            yield x
        raise Wrong

    seq = lwt_seq.of_seq(numbers())
    first = value(seq())
    assert read == [1]
    assert value(first.next()).element == value(first.next()).element == 2
    for _ in range(2):
        with pytest.raises(Wrong):
            lwt_seq.to_list(seq)
    assert read == [1, 2]


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


# iter_n


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

    value(lwt_seq.iter_n(f, lwt_seq.of_list(range(20)), max_concurrency=bound))
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
        return lwt.fail(Wrong())

    assert lwt.state(lwt_seq.iter_n(f, lwt_seq.of_list([1, 2]))) == Fail(Wrong())
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


# Exceptions


def failing() -> Promise[Node[int]]:
    raise Wrong


CONSUMERS: dict[str, Callable[[Seq[int]], Promise[Any]]] = {
    "map": lambda seq: lwt_seq.map(str, seq)(),
    "map_s": lambda seq: lwt_seq.map_s(lwt.return_, seq)(),
    "filter": lambda seq: lwt_seq.filter(bool, seq)(),
    "filter_s": lambda seq: lwt_seq.filter_s(lambda _: lwt.return_true, seq)(),
    "filter_map": lambda seq: lwt_seq.filter_map(Some, seq)(),
    "filter_map_s": lambda seq: lwt_seq.filter_map_s(lwt.return_some, seq)(),
    "flat_map": lambda seq: lwt_seq.flat_map(lwt_seq.return_, seq)(),
    "append": lambda seq: lwt_seq.append(seq, seq)(),
    "fold_left": lambda seq: lwt_seq.fold_left(lambda _, x: x, 0, seq),
    "fold_left_s": lambda seq: lwt_seq.fold_left_s(lambda _, x: lwt.return_(x), 0, seq),
    "iter": lambda seq: lwt_seq.iter(str, seq),
    "iter_s": lambda seq: lwt_seq.iter_s(lwt.return_, seq),
    "iter_p": lambda seq: lwt_seq.iter_p(lwt.return_, seq),
    "iter_n": lambda seq: lwt_seq.iter_n(lwt.return_, seq),
    "to_list": lwt_seq.to_list,
}


@pytest.mark.parametrize("name", CONSUMERS)
def test_what_the_first_node_raises_is_a_rejection(name: str) -> None:
    assert lwt.state(CONSUMERS[name](failing)) == Fail(Wrong())


@pytest.mark.parametrize(
    "name", ["fold_left", "fold_left_s", "iter", "iter_s", "iter_p", "to_list"]
)
def test_what_a_later_node_raises_leaves_unless_something_was_pending(name: str) -> None:
    with pytest.raises(Wrong):
        CONSUMERS[name](lwt_seq.cons(1, failing))
    assert resolution.nesting == 0
    result = CONSUMERS[name](later(lwt_seq.cons(1, failing)))
    run_pauses()
    assert lwt.state(result) == Fail(Wrong())


def wrong(*_: object) -> Any:
    raise Wrong


def test_what_a_function_raises_leaves_unless_something_was_pending() -> None:
    seq = lwt_seq.of_list([1])
    arrangements: list[Callable[[Seq[int]], Seq[int]]] = [lambda seq: seq, later]
    for arrange in arrangements:
        outcomes = {}
        runs: dict[str, Callable[[Seq[int]], Promise[Any]]] = {
            "map": lambda seq: lwt_seq.map(wrong, seq)(),
            "map_s": lambda seq: lwt_seq.map_s(wrong, seq)(),
            "filter": lambda seq: lwt_seq.filter(wrong, seq)(),
            "filter_s": lambda seq: lwt_seq.filter_s(wrong, seq)(),
            "filter_map": lambda seq: lwt_seq.filter_map(wrong, seq)(),
            "filter_map_s": lambda seq: lwt_seq.filter_map_s(wrong, seq)(),
            "flat_map": lambda seq: lwt_seq.flat_map(wrong, seq)(),
            "fold_left": lambda seq: lwt_seq.fold_left(wrong, 0, seq),
            "fold_left_s": lambda seq: lwt_seq.fold_left_s(wrong, 0, seq),
            "iter": lambda seq: lwt_seq.iter(wrong, seq),
            "iter_s": lambda seq: lwt_seq.iter_s(wrong, seq),
            "iter_p": lambda seq: lwt_seq.iter_p(wrong, seq),
            "iter_n": lambda seq: lwt_seq.iter_n(wrong, seq),
            "unfold": lambda _: lwt_seq.unfold(wrong, 0)(),
            "unfold_lwt": lambda _: lwt_seq.unfold_lwt(wrong, 0)(),
        }
        for name, run in runs.items():
            try:
                promise = run(arrange(seq))
            except Wrong:
                outcomes[name] = "raised"
            else:
                run_pauses()
                assert lwt.state(promise) == Fail(Wrong())
                outcomes[name] = "rejected"
        raised = {name for name, outcome in outcomes.items() if outcome == "raised"}
        if arrange is later:
            assert raised == {"unfold"}
        else:
            assert raised == set(outcomes) - {"map", "unfold_lwt"}


# Size


@pytest.mark.parametrize("arrange", [lambda seq: seq, later], ids=["at once", "later"])
def test_long_sequences_take_no_stack_and_no_memory(
    arrange: Callable[[Seq[int]], Seq[int]],
) -> None:
    def long() -> Seq[int]:
        return arrange(lwt_seq.of_seq(range(MANY)))

    gc.collect()
    tracemalloc.start()
    try:
        assert listed(lwt_seq.filter(lambda _: False, long())) == []
        assert listed(lwt_seq.flat_map(lambda _: lwt_seq.empty, long())) == []
        assert value(lwt_seq.fold_left(lambda a, _: a + 1, 0, lwt_seq.map(str, long()))) == MANY
        value(lwt_seq.iter_s(pausing, long()))
        value(lwt_seq.iter_n(pausing, long(), max_concurrency=3))
        assert tracemalloc.get_traced_memory()[1] < 300_000
    finally:
        tracemalloc.stop()


def test_many_layers_take_no_stack() -> None:
    seq = lwt_seq.return_(0)
    for _ in range(2000):
        seq = lwt_seq.map(lambda x: x + 1, seq)
    assert listed(seq) == [2000]
    seq = lwt_seq.return_(0)
    for _ in range(2000):
        seq = lwt_seq.append(seq, lwt_seq.empty)
    assert listed(seq) == [0]


@pytest.mark.slow
def test_a_million_elements() -> None:
    assert len(listed(lwt_seq.of_list(range(1_000_000)))) == 1_000_000


# Arguments


def test_sequences_may_be_async_functions() -> None:
    async def seq() -> Node[int]:
        await lwt.pause()
        return Cons(1, lwt_seq.empty)

    for run in CONSUMERS.values():
        value(run(seq))  # type: ignore[arg-type]  # what conventions allow at run time
    assert listed(lwt_seq.cons(0, seq)) == [0, 1]


@pytest.mark.parametrize("name", CONSUMERS)
def test_what_is_no_sequence_is_a_type_error_at_the_call(name: str) -> None:
    with pytest.raises(TypeError, match=rf"lwt_seq\.{name}: expected a function, got \[1\]"):
        CONSUMERS[name]([1])  # type: ignore[arg-type]


@pytest.mark.parametrize("name", CONSUMERS)
def test_what_is_no_node_is_a_type_error(name: str) -> None:
    try:
        state = lwt.state(CONSUMERS[name](lambda: lwt.return_(3)))  # type: ignore[arg-type]
        assert isinstance(state, Fail)
        error = state.exception
    except TypeError as raised:
        error = raised
    assert f"lwt_seq.{name}: evaluating a sequence gave 3" in str(error)


def test_other_wrong_arguments_are_type_errors_at_the_call() -> None:
    wrong: Any = 3
    for call, message in (
        (lambda: lwt_seq.map(wrong, lwt_seq.empty), "map: expected a function, got 3"),
        (lambda: lwt_seq.iter_n(wrong, lwt_seq.empty), "iter_n: expected a function, got 3"),
        (lambda: lwt_seq.fold_left(wrong, 0, lwt_seq.empty), "fold_left: expected a function"),
        (lambda: lwt_seq.unfold(wrong, 0), "unfold: expected a function"),
        (lambda: lwt_seq.of_list(wrong), "of_list: expected an iterable, got 3"),
        (lambda: lwt_seq.of_seq(wrong), "of_seq: expected an iterable, got 3"),
        (lambda: lwt_seq.of_seq_lwt(wrong), "of_seq_lwt: expected an iterable, got 3"),
        (lambda: lwt_seq.return_lwt(wrong), "return_lwt: expected a promise, got 3"),
        (lambda: lwt_seq.cons_lwt(wrong, lwt_seq.empty), "cons_lwt: expected a promise, got 3"),
        (lambda: lwt_seq.cons(1, wrong), "cons: expected a function, got 3"),
        (
            lambda: lwt_seq.iter_n(lwt.return_, lwt_seq.empty, max_concurrency=1.5),  # type: ignore[arg-type]
            "iter_n: max_concurrency is 1.5, not an int",
        ),
    ):
        with pytest.raises(TypeError, match=f"lwt_seq.{message}"):
            call()


def test_a_step_that_is_no_option_of_a_pair_is_a_type_error() -> None:
    seq: Seq[int] = lwt_seq.unfold(lambda _: (1, 2), 0)  # type: ignore[arg-type, return-value]
    with pytest.raises(TypeError, match=r"must give Some\(\(element, next_seed\)\) or None"):
        seq()


def test_an_option_is_demanded_by_filter_map() -> None:
    with pytest.raises(TypeError, match="gave 3, not an option"):
        lwt_seq.filter_map(lambda _: 3, lwt_seq.return_(1))()  # type: ignore[arg-type, return-value]
