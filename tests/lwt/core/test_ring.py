"""Rings of links, seen through `lwt_sequence`: removing, moving, and both during a traversal."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable

import pytest

from lwt import lwt_sequence
from lwt.lwt_sequence import Node, Sequence
from tests.support.builds import interpreted_only
from tests.support.promises import steps_of
from tests.support.sequences import contents, sequence_of

# Removing


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_removed_node_is_gone_and_keeps_its_value(index: int) -> None:
    sequence, nodes = sequence_of(0, 1, 2)
    lwt_sequence.remove(nodes[index])
    assert contents(sequence) == [value for value in range(3) if value != index]
    assert lwt_sequence.get(nodes[index]) == index


def test_removing_a_node_twice_changes_nothing() -> None:
    sequence, (first, _) = sequence_of(1, 2)
    lwt_sequence.remove(first)
    lwt_sequence.add_l(3, sequence)
    lwt_sequence.remove(first)
    assert contents(sequence) == [3, 2]


def test_a_taken_node_counts_as_removed() -> None:
    sequence, (first, _) = sequence_of(1, 2)
    lwt_sequence.take_l(sequence)
    lwt_sequence.add_l(3, sequence)
    lwt_sequence.remove(first)
    assert contents(sequence) == [3, 2]


def test_removing_after_clear_ties_the_neighbours_to_the_sequence_again_as_in_ocaml() -> None:
    sequence, (first, *_) = sequence_of(0, 1, 2)
    lwt_sequence.clear(sequence)
    lwt_sequence.remove(first)
    met: list[int] = []
    lwt_sequence.iter_l(met.append, sequence)
    assert met == [1, 2]


def test_a_removed_node_is_freed_at_once() -> None:
    class Value:
        pass

    sequence: Sequence[Value] = lwt_sequence.create()
    for _ in range(3):
        lwt_sequence.add_r(Value(), sequence)
    gc.disable()
    try:
        value = weakref.ref(lwt_sequence.take_l(sequence))
        assert value() is None
    finally:
        gc.enable()


# Transfers


def test_transfer_l_puts_all_before_what_is_there() -> None:
    (source, _), (target, _) = sequence_of(1, 2), sequence_of(3, 4)
    lwt_sequence.transfer_l(source, target)
    assert (contents(source), contents(target)) == ([], [1, 2, 3, 4])


def test_transfer_r_puts_all_behind_what_is_there() -> None:
    (source, _), (target, _) = sequence_of(1, 2), sequence_of(3, 4)
    lwt_sequence.transfer_r(source, target)
    assert (contents(source), contents(target)) == ([], [3, 4, 1, 2])


@pytest.mark.parametrize("transfer", [lwt_sequence.transfer_l, lwt_sequence.transfer_r])
def test_transferring_nothing_or_to_nothing_loses_nothing(
    transfer: Callable[[Sequence[int], Sequence[int]], None],
) -> None:
    (empty, _), (full, _) = sequence_of(), sequence_of(1, 2)
    transfer(empty, full)
    assert contents(full) == [1, 2]
    transfer(full, empty)
    assert (contents(full), contents(empty)) == ([], [1, 2])


def test_a_transferred_node_can_be_removed_from_where_it_is_now() -> None:
    (source, nodes), (target, _) = sequence_of(0, 1, 2), sequence_of(7, 8)
    lwt_sequence.transfer_l(source, target)
    lwt_sequence.remove(nodes[1])
    assert (contents(source), contents(target)) == ([], [0, 2, 7, 8])


@pytest.mark.parametrize("transfer", [lwt_sequence.transfer_l, lwt_sequence.transfer_r])
def test_a_sequence_transferred_to_itself_loses_its_elements_as_in_ocaml(
    transfer: Callable[[Sequence[int], Sequence[int]], None],
) -> None:
    sequence, _ = sequence_of(1, 2)
    transfer(sequence, sequence)
    assert lwt_sequence.is_empty(sequence)


# Changes during a traversal. What OCaml 5.6.1 met is in each expected list.


Change = Callable[[int, Sequence[int], list[Node[int]]], object]


def met_from_the_left(change: Change) -> tuple[list[int], list[int]]:
    sequence, nodes = sequence_of(0, 1, 2, 3)
    met: list[int] = []

    def step(value: int) -> None:
        met.append(value)
        change(value, sequence, nodes)

    lwt_sequence.iter_l(step, sequence)
    return met, contents(sequence)


def test_the_current_node_may_be_removed() -> None:
    assert met_from_the_left(lambda value, _, nodes: lwt_sequence.remove(nodes[value])) == (
        [0, 1, 2, 3],
        [],
    )


def test_the_current_and_the_next_node_may_be_removed_in_either_order() -> None:
    def current_first(value: int, _: Sequence[int], nodes: list[Node[int]]) -> None:
        for node in nodes[value : value + 2]:
            lwt_sequence.remove(node)

    def next_first(value: int, _: Sequence[int], nodes: list[Node[int]]) -> None:
        for node in reversed(nodes[value : value + 2]):
            lwt_sequence.remove(node)

    assert met_from_the_left(current_first) == ([0, 2], [])
    assert met_from_the_left(next_first) == ([0, 2], [])


def test_all_may_be_removed_from_the_first() -> None:
    def remove_all(_: int, __: Sequence[int], nodes: list[Node[int]]) -> None:
        for node in nodes:
            lwt_sequence.remove(node)

    assert met_from_the_left(remove_all) == ([0], [])


def test_what_is_added_ahead_is_met_and_what_is_added_behind_is_not() -> None:
    def add(value: int, sequence: Sequence[int], _: list[Node[int]]) -> None:
        if value < 2:
            lwt_sequence.add_l(value + 10, sequence)
            lwt_sequence.add_r(value + 20, sequence)

    assert met_from_the_left(add) == (
        [0, 1, 2, 3, 20, 21],
        [11, 10, 0, 1, 2, 3, 20, 21],
    )


def test_what_is_added_after_the_removal_of_the_current_last_node_is_not_met() -> None:
    def replace_last(value: int, sequence: Sequence[int], nodes: list[Node[int]]) -> None:
        if value == 3:
            lwt_sequence.remove(nodes[3])
            lwt_sequence.add_r(9, sequence)

    assert met_from_the_left(replace_last) == ([0, 1, 2, 3], [0, 1, 2, 9])


def test_the_traversal_of_a_transferred_sequence_ends_with_the_other() -> None:
    other, _ = sequence_of(7, 8)

    def transfer(value: int, sequence: Sequence[int], _: list[Node[int]]) -> None:
        if value == 1:
            lwt_sequence.transfer_l(sequence, other)

    assert met_from_the_left(transfer) == ([0, 1, 2, 3, 7, 8], [])


def test_a_long_sequence_is_folded_without_recursion() -> None:
    sequence, _ = sequence_of(*range(100_000))
    assert lwt_sequence.fold_r(lambda value, total: value + total, sequence, 0) == 4_999_950_000


@interpreted_only("it counts lines that Python runs")
@pytest.mark.parametrize(
    "operation",
    [
        lambda sequence, _: lwt_sequence.add_l(0, sequence),
        lambda sequence, _: lwt_sequence.add_r(0, sequence),
        lambda sequence, _: lwt_sequence.take_l(sequence),
        lambda sequence, _: lwt_sequence.take_opt_r(sequence),
        lambda sequence, _: lwt_sequence.is_empty(sequence),
        lambda sequence, _: lwt_sequence.clear(sequence),
        lambda _, nodes: lwt_sequence.remove(nodes[len(nodes) // 2]),
        lambda sequence, _: lwt_sequence.transfer_l(sequence, sequence_of(1, 2)[0]),
        lambda sequence, _: lwt_sequence.transfer_r(sequence, sequence_of(1, 2)[0]),
        lambda sequence, _: lwt_sequence.transfer_r(sequence_of(1, 2)[0], sequence),
    ],
)
def test_ends_removal_and_transfer_take_as_many_steps_at_any_length(
    operation: Callable[[Sequence[int], list[Node[int]]], object],
) -> None:
    short, long = sequence_of(*range(10)), sequence_of(*range(1000))
    assert steps_of(lambda: operation(*short)) == steps_of(lambda: operation(*long)) > 0


# What they look like


def test_a_sequence_shows_its_first_elements() -> None:
    assert repr(sequence_of(1, 2)[0]) == "<Sequence [1, 2]>"
    assert repr(sequence_of(*range(100))[0]) == "<Sequence [0, 1, 2, 3, 4, 5, 6, 7, ...]>"


def test_a_node_shows_its_value_and_whether_it_was_removed() -> None:
    _, (node,) = sequence_of(1)
    assert repr(node) == "<Node 1>"
    lwt_sequence.remove(node)
    assert repr(node) == "<Node 1, removed>"
