"""Sequences of `lwt_sequence`, made and read in one line."""

from __future__ import annotations

from lwt import lwt_sequence
from lwt.lwt_sequence import Node, Sequence


def contents(sequence: Sequence[int]) -> list[int]:
    """What is in a sequence, from left to right."""

    def prepend(value: int, rest: list[int]) -> list[int]:
        return [value, *rest]

    return lwt_sequence.fold_r(prepend, sequence, [])


def sequence_of(*values: int) -> tuple[Sequence[int], list[Node[int]]]:
    """A new sequence of these values, and their nodes."""
    sequence: Sequence[int] = lwt_sequence.create()
    return sequence, [lwt_sequence.add_r(value, sequence) for value in values]
