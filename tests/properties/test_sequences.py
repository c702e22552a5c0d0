"""Sequences against lists, step by step."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from lwt import Some, lwt_sequence
from lwt.lwt_sequence import Node, Sequence


class Sequences(RuleBasedStateMachine):
    """Two sequences and the nodes ever made, beside two lists of the same nodes."""

    def __init__(self) -> None:
        super().__init__()
        self.sequences: list[Sequence[int]] = [lwt_sequence.create(), lwt_sequence.create()]
        self.lists: list[list[Node[int]]] = [[], []]
        self.nodes: list[Node[int]] = []
        self.cleared: set[Node[int]] = set()

    which = st.integers(0, 1)

    @rule(which=which, value=st.integers())
    def add_l(self, which: int, value: int) -> None:
        node = lwt_sequence.add_l(value, self.sequences[which])
        self.nodes.append(node)
        self.lists[which].insert(0, node)

    @rule(which=which, value=st.integers())
    def add_r(self, which: int, value: int) -> None:
        node = lwt_sequence.add_r(value, self.sequences[which])
        self.nodes.append(node)
        self.lists[which].append(node)

    @rule(which=which)
    def take_opt_l(self, which: int) -> None:
        taken = lwt_sequence.take_opt_l(self.sequences[which])
        nodes = self.lists[which]
        assert taken == (Some(nodes.pop(0).value) if nodes else None)

    @rule(which=which)
    def take_opt_r(self, which: int) -> None:
        taken = lwt_sequence.take_opt_r(self.sequences[which])
        nodes = self.lists[which]
        assert taken == (Some(nodes.pop().value) if nodes else None)

    @rule(which=which, from_left=st.booleans())
    def take(self, which: int, from_left: bool) -> None:
        take = lwt_sequence.take_l if from_left else lwt_sequence.take_r
        nodes = self.lists[which]
        if nodes:
            assert take(self.sequences[which]) == nodes.pop(0 if from_left else -1).value
        else:
            with pytest.raises(lwt_sequence.Empty):
                take(self.sequences[which])

    @precondition(lambda self: self.nodes)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        node = data.draw(st.sampled_from(self.nodes))
        if node in self.cleared:
            return  # not allowed: its former neighbours would come back
        lwt_sequence.remove(node)
        self.lists = [[n for n in nodes if n is not node] for nodes in self.lists]

    @precondition(lambda self: self.nodes)
    @rule(data=st.data(), value=st.integers())
    def set(self, data: st.DataObject, value: int) -> None:
        lwt_sequence.set(data.draw(st.sampled_from(self.nodes)), value)

    @rule(source=which, at_left=st.booleans())
    def transfer(self, source: int, at_left: bool) -> None:
        target = 1 - source
        moved, kept = self.lists[source], self.lists[target]
        if at_left:
            lwt_sequence.transfer_l(self.sequences[source], self.sequences[target])
            self.lists[target] = moved + kept
        else:
            lwt_sequence.transfer_r(self.sequences[source], self.sequences[target])
            self.lists[target] = kept + moved
        self.lists[source] = []

    @rule(which=which)
    def clear(self, which: int) -> None:
        lwt_sequence.clear(self.sequences[which])
        self.cleared.update(self.lists[which])
        self.lists[which] = []

    @rule(which=which, data=st.data(), from_left=st.booleans())
    def remove_while_iterating(self, which: int, data: st.DataObject, from_left: bool) -> None:
        before = self.lists[which]
        if not before:
            return
        victims: dict[Node[int], list[Node[int]]] = {
            node: data.draw(st.lists(st.sampled_from(before), max_size=2)) for node in before
        }
        met: list[Node[int]] = []
        removed: list[Node[int]] = []

        def step(node: Node[int]) -> None:
            met.append(node)
            for victim in victims[node]:
                lwt_sequence.remove(victim)
                removed.append(victim)

        iterate = lwt_sequence.iter_node_l if from_left else lwt_sequence.iter_node_r
        iterate(step, self.sequences[which])

        expected: list[Node[int]] = []
        gone: list[Node[int]] = []
        for node in before if from_left else reversed(before):
            if node not in gone:
                expected.append(node)
                gone.extend(victims[node])
        assert met == expected
        self.lists[which] = [node for node in before if node not in gone]

    @invariant()
    def holds_what_the_lists_hold(self) -> None:
        for sequence, nodes in zip(self.sequences, self.lists, strict=True):
            values = [node.value for node in nodes]
            nothing: list[int] = []
            assert lwt_sequence.fold_r(lambda n, rest: [n, *rest], sequence, nothing) == values
            assert lwt_sequence.length(sequence) == len(nodes)
            assert lwt_sequence.is_empty(sequence) == (not nodes)
            from_right: list[Any] = []
            lwt_sequence.iter_r(from_right.append, sequence)
            assert from_right == values[::-1]


TestSequences = Sequences.TestCase
