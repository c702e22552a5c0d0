"""Nodes and their evaluation: what may go wrong with the first one and with later ones."""

from __future__ import annotations

import re

import pytest

import lwt
from lwt import Fail, Promise, lwt_seq
from lwt._core.resolution import resolution
from lwt.lwt_seq import Cons, Nil, Node
from tests.support.promises import A, outcome, run_pauses
from tests.support.seqs import CONSUMERS, later, listed


def test_a_node_matches() -> None:
    following = None
    match outcome(lwt_seq.return_(1)()):
        case Cons(1, next_seq):
            following = next_seq
    assert following is not None
    assert outcome(following()) is Nil
    assert repr(Nil) == str(Nil) == "Nil"


def failing() -> Promise[Node[int]]:
    raise A


@pytest.mark.parametrize("name", CONSUMERS)
def test_what_the_first_node_raises_is_a_rejection(name: str) -> None:
    assert lwt.state(CONSUMERS[name](failing)) == Fail(A())


@pytest.mark.parametrize(
    "name", ["fold_left", "fold_left_s", "iter", "iter_s", "iter_p", "to_list"]
)
def test_what_a_later_node_raises_leaves_unless_something_was_pending(name: str) -> None:
    with pytest.raises(A):
        CONSUMERS[name](lwt_seq.cons(1, failing))
    assert resolution.nesting == 0
    result = CONSUMERS[name](later(lwt_seq.cons(1, failing)))
    run_pauses()
    assert lwt.state(result) == Fail(A())


def test_sequences_may_be_async_functions() -> None:
    async def seq() -> Node[int]:
        await lwt.pause()
        return Cons(1, lwt_seq.empty)

    for run in CONSUMERS.values():
        outcome(run(seq))  # type: ignore[arg-type]  # what conventions allow at run time
    assert listed(lwt_seq.cons(0, seq)) == [0, 1]


@pytest.mark.parametrize("name", CONSUMERS)
def test_what_is_no_node_is_a_type_error(name: str) -> None:
    try:
        state = lwt.state(CONSUMERS[name](lambda: lwt.return_(3)))  # type: ignore[arg-type]
        assert isinstance(state, Fail)
        error = state.exception
    except TypeError as raised:
        error = raised
    assert re.match(rf"lwt_seq\.{name}: expected lwt_seq\.Nil or .*, got 3", str(error))
