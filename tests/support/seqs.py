"""What tests of `lwt_seq` share: sequences that record or wait, ways to go through one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import lwt
from lwt import Promise, Some, lwt_seq
from lwt.lwt_seq import Cons, Nil, Node, Seq
from tests.support.promises import outcome


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


def listed(seq: Seq[Any]) -> list[Any]:
    """The elements of a sequence."""
    result: list[Any] = outcome(lwt_seq.to_list(seq))
    return result


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
