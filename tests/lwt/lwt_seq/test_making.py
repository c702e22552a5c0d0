"""Making sequences: what is evaluated when, and how often."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lwt import lwt_seq
from lwt.lwt_seq import Seq
from tests.support.promises import A, outcome
from tests.support.seqs import listed, numbers


def test_cons_evaluates_the_rest_only_when_it_is_asked_for() -> None:
    events: list[str] = []
    first: Any = outcome(lwt_seq.cons(0, numbers(events))())
    assert events == []
    outcome(first.next())
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
        raise A

    seq = lwt_seq.of_seq(numbers())
    first: Any = outcome(seq())
    assert read == [1]
    assert outcome(first.next()).element == outcome(first.next()).element == 2
    for _ in range(2):
        with pytest.raises(A):
            lwt_seq.to_list(seq)
    assert read == [1, 2]


def test_a_step_that_is_no_option_of_a_pair_is_a_type_error() -> None:
    seq: Seq[int] = lwt_seq.unfold(lambda _: (1, 2), 0)  # type: ignore[arg-type, return-value]
    with pytest.raises(
        TypeError, match=r"returned \(1, 2\) .*; give lwt\.Some\(\(element, next_seed\)\) or None"
    ):
        seq()
