"""What holds of every function on lazy sequences: results, exceptions, size, arguments."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

import lwt
from lwt import Fail, Promise, Some, lwt_seq
from lwt.lwt_seq import Seq
from tests.support.promises import A, outcome, run_pauses
from tests.support.seqs import CONSUMERS, later, listed

MANY = 5_000


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
        "fold_left": outcome(lwt_seq.fold_left(lambda a, x: 10 * a + x, 0, seq)),
        "fold_left_s": outcome(lwt_seq.fold_left_s(lambda a, x: pausing(10 * a + x), 0, seq)),
        "iter": outcome(lwt_seq.iter(seen.append, seq)),
        "iter_s": outcome(lwt_seq.iter_s(see, seq)),
        "iter_p": outcome(lwt_seq.iter_p(see, seq)),
        "iter_n": outcome(lwt_seq.iter_n(see, seq, max_concurrency=2)),
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


# Exceptions


def wrong(*_: object) -> Any:
    raise A


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
            except A:
                outcomes[name] = "raised"
            else:
                run_pauses()
                assert lwt.state(promise) == Fail(A())
                outcomes[name] = "rejected"
        raised = {name for name, outcome in outcomes.items() if outcome == "raised"}
        if arrange is later:
            assert raised == {"unfold"}
        else:
            assert raised == set(outcomes) - {"map", "unfold_lwt"}


# Size


@pytest.mark.no_cover
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
        assert outcome(lwt_seq.fold_left(lambda a, _: a + 1, 0, lwt_seq.map(str, long()))) == MANY
        outcome(lwt_seq.iter_s(pausing, long()))
        outcome(lwt_seq.iter_n(pausing, long(), max_concurrency=3))
        assert tracemalloc.get_traced_memory()[1] < 300_000
    finally:
        tracemalloc.stop()


# Arguments


@pytest.mark.parametrize("name", CONSUMERS)
def test_what_is_no_sequence_is_a_type_error_at_the_call(name: str) -> None:
    with pytest.raises(TypeError, match=rf"lwt_seq\.{name}: expected a function, got \[1\]"):
        CONSUMERS[name]([1])  # type: ignore[arg-type]


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
            "iter_n: expected an int, got 1.5 .*; max_concurrency",
        ),
    ):
        with pytest.raises(TypeError, match=f"lwt_seq.{message}"):
            call()
