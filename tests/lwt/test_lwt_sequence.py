"""Sequences: their ends, nodes and traversals, wrong arguments."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lwt import Some, lwt_sequence
from lwt.lwt_sequence import Node, Sequence
from tests.support.sequences import contents, sequence_of

# Ends


def test_a_new_sequence_is_empty() -> None:
    sequence: Sequence[int] = lwt_sequence.create()
    assert lwt_sequence.is_empty(sequence)
    assert lwt_sequence.length(sequence) == 0


def test_values_stand_in_the_order_in_which_they_were_added_at_each_end() -> None:
    sequence: Sequence[int] = lwt_sequence.create()
    for value in (1, 2):
        lwt_sequence.add_l(value, sequence)
        lwt_sequence.add_r(value * 10, sequence)
    assert contents(sequence) == [2, 1, 10, 20]
    assert lwt_sequence.length(sequence) == 4


def test_take_removes_from_the_end_that_it_names() -> None:
    sequence, _ = sequence_of(1, 2, 3)
    assert lwt_sequence.take_l(sequence) == 1
    assert lwt_sequence.take_r(sequence) == 3
    assert contents(sequence) == [2]


@pytest.mark.parametrize("take", [lwt_sequence.take_l, lwt_sequence.take_r])
def test_take_raises_empty_when_there_is_nothing(take: Callable[[Sequence[int]], int]) -> None:
    with pytest.raises(lwt_sequence.Empty, match=r"take_[lr]: the sequence is empty"):
        take(lwt_sequence.create())


def test_take_opt_tells_a_missing_element_from_one_that_is_none() -> None:
    sequence: Sequence[None] = lwt_sequence.create()
    lwt_sequence.add_r(None, sequence)
    lwt_sequence.add_r(None, sequence)
    taken = [lwt_sequence.take_opt_l(sequence), lwt_sequence.take_opt_r(sequence)]
    assert taken == [Some(None), Some(None)]
    assert lwt_sequence.take_opt_l(sequence) is None
    assert lwt_sequence.take_opt_r(sequence) is None


# Nodes


def test_a_node_gives_and_takes_its_value() -> None:
    sequence, (node, _) = sequence_of(1, 2)
    lwt_sequence.set(node, 7)
    assert lwt_sequence.get(node) == 7
    assert contents(sequence) == [7, 2]


def test_clear_drops_all() -> None:
    sequence, _ = sequence_of(1, 2)
    lwt_sequence.clear(sequence)
    assert lwt_sequence.is_empty(sequence)
    lwt_sequence.add_l(3, sequence)
    assert contents(sequence) == [3]


# Traversals


def test_folds_combine_from_the_side_that_they_name() -> None:
    sequence, _ = sequence_of(1, 2, 3)

    def written(value: int, rest: str) -> str:
        return f"({value} {rest})"

    assert lwt_sequence.fold_l(written, sequence, "x") == "(3 (2 (1 x)))"
    assert lwt_sequence.fold_r(written, sequence, "x") == "(1 (2 (3 x)))"


def test_iterations_meet_values_and_nodes_from_the_side_that_they_name() -> None:
    sequence, nodes = sequence_of(1, 2, 3)
    values: list[int] = []
    lwt_sequence.iter_l(values.append, sequence)
    lwt_sequence.iter_r(values.append, sequence)
    assert values == [1, 2, 3, 3, 2, 1]
    met: list[Node[int]] = []
    lwt_sequence.iter_node_l(met.append, sequence)
    lwt_sequence.iter_node_r(met.append, sequence)
    assert met == nodes + nodes[::-1]


def test_find_returns_the_first_from_the_side_that_it_names() -> None:
    sequence, nodes = sequence_of(1, 2, 3, 4)

    def is_even(value: int) -> bool:
        return value % 2 == 0

    assert lwt_sequence.find_node_l(is_even, sequence) is nodes[1]
    assert lwt_sequence.find_node_r(is_even, sequence) is nodes[3]
    assert lwt_sequence.find_node_opt_l(is_even, sequence) == Some(nodes[1])
    assert lwt_sequence.find_node_opt_r(is_even, sequence) == Some(nodes[3])


def test_find_says_when_there_is_none() -> None:
    sequence, _ = sequence_of(1)

    def never(value: int) -> bool:
        return False

    assert lwt_sequence.find_node_opt_l(never, sequence) is None
    assert lwt_sequence.find_node_opt_r(never, sequence) is None
    with pytest.raises(LookupError, match="find_node_l: no element"):
        lwt_sequence.find_node_l(never, sequence)
    with pytest.raises(LookupError, match="find_node_r: no element"):
        lwt_sequence.find_node_r(never, sequence)


# Wrong arguments


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("is_empty", ([],)),
        ("length", (None,)),
        ("clear", ([1],)),
        ("add_l", (1, [])),
        ("add_r", (lwt_sequence.create(), 1)),
        ("take_l", ([],)),
        ("take_r", ([],)),
        ("take_opt_l", ([],)),
        ("take_opt_r", ([],)),
        ("transfer_l", (lwt_sequence.create(), [])),
        ("transfer_r", ([], lwt_sequence.create())),
        ("get", (lwt_sequence.create(),)),
        ("set", (3, 4)),
        ("remove", (lwt_sequence.create(),)),
        ("iter_l", (lwt_sequence.create(), print)),
        ("iter_r", (print, [])),
        ("iter_node_l", (None, lwt_sequence.create())),
        ("iter_node_r", (print, ())),
        ("fold_l", (print, [], 0)),
        ("fold_r", (0, lwt_sequence.create(), print)),
        ("find_node_l", (print, [])),
        ("find_node_r", (print, [])),
        ("find_node_opt_l", ([], print)),
        ("find_node_opt_r", (print, [])),
    ],
)
def test_a_wrong_argument_is_a_type_error_that_names_the_function(
    name: str, arguments: tuple[object, ...]
) -> None:
    with pytest.raises(TypeError, match=rf"^lwt_sequence\.{name}: "):
        getattr(lwt_sequence, name)(*arguments)
