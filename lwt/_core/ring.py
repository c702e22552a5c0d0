"""Rings of links, which mutable sequences are made of: removing, moving, traversing.

- A `Link` is a place in a ring: it knows the places before and after it.
- A `Sequence` is the link that closes its ring: its first element comes after
  it, its last one before it, and an empty sequence is its own neighbour.
- A `Node` is a link with a value. It is made first, and then put into a ring: whoever finds it
  there finds it finished. `remove` takes it out of its ring, whichever that is, so a node stays
  valid when `splice` moves it.

A removed node keeps its own two links. So any node may be removed while the sequence
is traversed: a traversal that is at the removed node goes on to the neighbours that it
had. Traversals ask for the next link only after the callback has returned. So they also
meet what the callback has added ahead of them, and pass over nodes that were removed.

OCaml: Lwt_sequence (src/core/lwt_sequence.ml)
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from reprlib import recursive_repr
from typing import Any, Final, Generic, NoReturn, TypeVar

from lwt._core.identity import refuse_copy

T = TypeVar("T")

_SHOWN_IN_REPR: Final = 8


class Link(Generic[T]):
    """A place in a ring.

    Of two neighbours in a ring, `a.next is b` if and only if `b.previous is a`.
    Links that left their ring still point into it; nothing in it points back.
    """

    __slots__ = ("next", "previous")

    previous: Link[T]
    next: Link[T]

    def __reduce_ex__(self, protocol: object, /) -> NoReturn:
        refuse_copy(self)


class Sequence(Link[T]):
    """A sequence of values, open at both ends. Made by `create`.

    OCaml: Lwt_sequence.t : type 'a t
    """

    __slots__ = ()

    def __init__(self) -> None:
        """Make an empty sequence."""
        self.previous = self
        self.next = self

    def __repr__(self) -> str:
        return _repr_of_sequence(self)


class Node(Link[T]):
    """A value in a sequence. Made by `add_l` and `add_r`.

    OCaml: Lwt_sequence.node : type 'a node
    """

    __slots__ = ("active", "value")

    value: T
    active: bool

    def __init__(self, value: T) -> None:
        """Make a node that is in no ring yet."""
        self.value = value
        self.active = False

    def __repr__(self) -> str:
        return _repr_of_node(self)


# Functions, since the decorator takes no method of a class that is compiled.
@recursive_repr()
def _repr_of_sequence(sequence: Sequence[Any]) -> str:
    shown = [repr(node.value) for node in islice(nodes_l(sequence), _SHOWN_IN_REPR + 1)]
    if len(shown) > _SHOWN_IN_REPR:
        shown[-1] = "..."
    return f"<Sequence [{', '.join(shown)}]>"


@recursive_repr()
def _repr_of_node(node: Node[Any]) -> str:
    return f"<Node {node.value!r}{'' if node.active else ', removed'}>"


def put_before(node: Node[T], following: Link[T]) -> None:
    """Put a new node into a ring, before one of its links."""
    previous = following.previous
    node.active = True
    node.previous = previous
    node.next = following
    previous.next = node
    following.previous = node


def put_after(node: Node[T], previous: Link[T]) -> None:
    """Put a new node into a ring, behind one of its links."""
    put_before(node, previous.next)


def remove(node: Node[T]) -> None:
    if node.active:
        node.active = False
        node.previous.next = node.next
        node.next.previous = node.previous


def splice(source: Sequence[T], left: Link[T], right: Link[T]) -> None:
    """Move the elements of a sequence between two neighbours of another ring."""
    if source.next is source:
        return
    left.next = source.next
    source.next.previous = left
    right.previous = source.previous
    source.previous.next = right
    source.previous = source
    source.next = source


def nodes_l(sequence: Sequence[T]) -> Iterator[Node[T]]:
    """Yield the nodes from left to right, each after the work on the one before it.

    The end is the first link that is not a node: usually `sequence`, but the traversal of
    a sequence that is transferred meanwhile goes on to the end of the other.
    """
    link = sequence.next
    while isinstance(link, Node):
        if link.active:
            yield link
        link = link.next


def nodes_r(sequence: Sequence[T]) -> Iterator[Node[T]]:
    """Yield the nodes from right to left, otherwise like `nodes_l`."""
    link = sequence.previous
    while isinstance(link, Node):
        if link.active:
            yield link
        link = link.previous
