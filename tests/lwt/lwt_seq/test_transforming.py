"""Sequences made of sequences: evaluated as they are asked for, in any number of layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import lwt
from lwt import Some, lwt_seq
from lwt.lwt_seq import Seq
from tests.support.promises import outcome
from tests.support.seqs import listed, numbers


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
    first: Any = outcome(seq())
    events.append("first")
    outcome(first.next())
    events.append("again")
    outcome(seq())
    assert events == ["made", "node 1", "first", "node 2", "again", "node 1"]


def test_many_layers_take_no_stack() -> None:
    seq = lwt_seq.return_(0)
    for _ in range(2000):
        seq = lwt_seq.map(lambda x: x + 1, seq)
    assert listed(seq) == [2000]
    seq = lwt_seq.return_(0)
    for _ in range(2000):
        seq = lwt_seq.append(seq, lwt_seq.empty)
    assert listed(seq) == [0]


def test_an_option_is_demanded_by_filter_map() -> None:
    with pytest.raises(TypeError, match=r"returned 3 \(int\), not an option"):
        lwt_seq.filter_map(lambda _: 3, lwt_seq.return_(1))()  # type: ignore[arg-type, return-value]
