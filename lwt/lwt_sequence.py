"""Mutable sequences: doubly linked rings whose elements can be removed in constant time.

A `Sequence` has values in `Node`s, which `add_l` and `add_r` return. Nodes may be added and
removed, and sequences transferred, while a sequence is traversed: what is removed is passed
over, what is added ahead is met. `lwt/_core/ring.py` tells how.

All functions take constant time, except traversals and `length`.

OCaml deprecates this module for users.

OCaml: Lwt_sequence (src/core/lwt_sequence.ml)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from lwt._core.checks import check_callback, check_kind
from lwt._core.publish import publish as _publish
from lwt._core.ring import Link, Node, Sequence, nodes_l, nodes_r, put_after, put_before, splice
from lwt._core.ring import remove as remove_node
from lwt._core.values import Some

__all__ = [
    # Types
    "Sequence",
    "t",
    "Node",
    "node",
    "Empty",
    # A sequence
    "create",
    "is_empty",
    "length",
    "clear",
    # At its ends: left and right
    "add_l",
    "add_r",
    "take_l",
    "take_r",
    "take_opt_l",
    "take_opt_r",
    "transfer_l",
    "transfer_r",
    # Nodes
    "get",
    "set",
    "remove",
    # Going through
    "iter_l",
    "iter_r",
    "iter_node_l",
    "iter_node_r",
    "fold_l",
    "fold_r",
    "find_node_l",
    "find_node_r",
    "find_node_opt_l",
    "find_node_opt_r",
]

T = TypeVar("T")
A = TypeVar("A")


class Empty(Exception):
    """Say that an element was taken from a sequence that has none.

    OCaml: Lwt_sequence.Empty : exn
    """


t = Sequence
node = Node


_MAKE_ONE: Final = "make one with lwt_sequence.create()"
_ADD_ONE: Final = "nodes are what lwt_sequence.add_l and lwt_sequence.add_r return"


# --- Nodes -------------------------------------------------------------------


def get(node: Node[T], /) -> T:
    """Return the value of a node, also of a removed one.

    OCaml: Lwt_sequence.get : 'a node -> 'a
    """
    check_kind("lwt_sequence.get", node, Node, _ADD_ONE)
    return node.value


def set(node: Node[T], value: T, /) -> None:
    """Change the value of a node.

    OCaml: Lwt_sequence.set : 'a node -> 'a -> unit
    """
    check_kind("lwt_sequence.set", node, Node, _ADD_ONE)
    node.value = value


def remove(node: Node[T], /) -> None:
    """Remove a node from the sequence that it is part of, in constant time.

    A node that was removed already is left alone.

    OCaml: Lwt_sequence.remove : 'a node -> unit
    """
    check_kind("lwt_sequence.remove", node, Node, _ADD_ONE)
    remove_node(node)


# --- Sequences ---------------------------------------------------------------


def create() -> Sequence[T]:
    """Return a new, empty sequence.

    >>> from lwt import lwt_sequence
    >>> sequence: lwt_sequence.Sequence[str] = lwt_sequence.create()
    >>> last = lwt_sequence.add_r("be", sequence)
    >>> first = lwt_sequence.add_l("to", sequence)
    >>> sequence
    <Sequence ['to', 'be']>
    >>> lwt_sequence.remove(first)
    >>> lwt_sequence.take_l(sequence)
    'be'

    OCaml: Lwt_sequence.create : unit -> 'a t
    """
    return Sequence()


def clear(sequence: Sequence[T], /) -> None:
    """Drop all elements of a sequence, in constant time.

    The nodes are not told. As in OCaml, they must not be removed afterwards:
    that would tie their former neighbours to the sequence again.

    OCaml: Lwt_sequence.clear : 'a t -> unit
    """
    check_kind("lwt_sequence.clear", sequence, Sequence, _MAKE_ONE)
    sequence.previous = sequence
    sequence.next = sequence


def is_empty(sequence: Sequence[T], /) -> bool:
    """Tell whether a sequence has no elements.

    OCaml: Lwt_sequence.is_empty : 'a t -> bool
    """
    check_kind("lwt_sequence.is_empty", sequence, Sequence, _MAKE_ONE)
    return sequence.next is sequence


def length(sequence: Sequence[T], /) -> int:
    """Count the elements of a sequence, in time linear in their number.

    OCaml: Lwt_sequence.length : 'a t -> int
    """
    check_kind("lwt_sequence.length", sequence, Sequence, _MAKE_ONE)
    return sum(1 for _ in nodes_l(sequence))


def add_l(value: T, sequence: Sequence[T], /) -> Node[T]:
    """Add a value at the left end of a sequence and return its node.

    OCaml: Lwt_sequence.add_l : 'a -> 'a t -> 'a node
    """
    check_kind("lwt_sequence.add_l", sequence, Sequence, _MAKE_ONE)
    node = Node(value)
    put_after(node, sequence)
    return node


def add_r(value: T, sequence: Sequence[T], /) -> Node[T]:
    """Add a value at the right end of a sequence and return its node.

    OCaml: Lwt_sequence.add_r : 'a -> 'a t -> 'a node
    """
    check_kind("lwt_sequence.add_r", sequence, Sequence, _MAKE_ONE)
    node = Node(value)
    put_before(node, sequence)
    return node


def take_l(sequence: Sequence[T], /) -> T:
    """Remove the leftmost element and return its value.

    Raises:
        Empty: the sequence has no elements.

    OCaml: Lwt_sequence.take_l : 'a t -> 'a
    """
    check_kind("lwt_sequence.take_l", sequence, Sequence, _MAKE_ONE)
    return _take("l", sequence.next)


def take_r(sequence: Sequence[T], /) -> T:
    """Remove the rightmost element and return its value.

    Raises:
        Empty: the sequence has no elements.

    OCaml: Lwt_sequence.take_r : 'a t -> 'a
    """
    check_kind("lwt_sequence.take_r", sequence, Sequence, _MAKE_ONE)
    return _take("r", sequence.previous)


def take_opt_l(sequence: Sequence[T], /) -> Some[T] | None:
    """Remove the leftmost element and return `Some` of its value, `None` if there is none.

    OCaml: Lwt_sequence.take_opt_l : 'a t -> 'a option
    """
    check_kind("lwt_sequence.take_opt_l", sequence, Sequence, _MAKE_ONE)
    return _take_opt(sequence.next)


def take_opt_r(sequence: Sequence[T], /) -> Some[T] | None:
    """Remove the rightmost element and return `Some` of its value, `None` if there is none.

    OCaml: Lwt_sequence.take_opt_r : 'a t -> 'a option
    """
    check_kind("lwt_sequence.take_opt_r", sequence, Sequence, _MAKE_ONE)
    return _take_opt(sequence.previous)


def _take(side: str, link: Link[T]) -> T:
    if not isinstance(link, Node):
        raise Empty(
            f"lwt_sequence.take_{side}: the sequence is empty; take_opt_{side} returns None instead"
        )
    remove_node(link)
    value: T = link.value
    return value


def _take_opt(link: Link[T]) -> Some[T] | None:
    if not isinstance(link, Node):
        return None
    remove_node(link)
    return Some(link.value)


def transfer_l(source: Sequence[T], target: Sequence[T], /) -> None:
    """Move all elements of one sequence, in their order, to the left end of another.

    Takes constant time and leaves `source` empty; the nodes stay valid. As in
    OCaml, a sequence that is transferred to itself loses its elements.

    OCaml: Lwt_sequence.transfer_l : 'a t -> 'a t -> unit
    """
    check_kind("lwt_sequence.transfer_l", source, Sequence, _MAKE_ONE)
    check_kind("lwt_sequence.transfer_l", target, Sequence, _MAKE_ONE)
    splice(source, target, target.next)


def transfer_r(source: Sequence[T], target: Sequence[T], /) -> None:
    """Move all elements of one sequence, in their order, to the right end of another.

    Takes constant time and leaves `source` empty; the nodes stay valid. As in
    OCaml, a sequence that is transferred to itself loses its elements.

    OCaml: Lwt_sequence.transfer_r : 'a t -> 'a t -> unit
    """
    check_kind("lwt_sequence.transfer_r", source, Sequence, _MAKE_ONE)
    check_kind("lwt_sequence.transfer_r", target, Sequence, _MAKE_ONE)
    splice(source, target.previous, target)


# --- Traversals --------------------------------------------------------------


def iter_l(f: Callable[[T], object], sequence: Sequence[T], /) -> None:
    """Call a function with each element, starting from the left.

    The function may remove and add nodes: removed ones are passed over, and
    those added to the right of the current one are met.

    OCaml: Lwt_sequence.iter_l : ('a -> unit) -> 'a t -> unit
    """
    check_callback("lwt_sequence.iter_l", f, ("element",))
    check_kind("lwt_sequence.iter_l", sequence, Sequence, _MAKE_ONE)
    for node in nodes_l(sequence):
        f(node.value)


def iter_r(f: Callable[[T], object], sequence: Sequence[T], /) -> None:
    """Call a function with each element, starting from the right.

    The function may remove and add nodes: removed ones are passed over, and
    those added to the left of the current one are met.

    OCaml: Lwt_sequence.iter_r : ('a -> unit) -> 'a t -> unit
    """
    check_callback("lwt_sequence.iter_r", f, ("element",))
    check_kind("lwt_sequence.iter_r", sequence, Sequence, _MAKE_ONE)
    for node in nodes_r(sequence):
        f(node.value)


def iter_node_l(f: Callable[[Node[T]], object], sequence: Sequence[T], /) -> None:
    """Call a function with each node, starting from the left, like `iter_l`.

    OCaml: Lwt_sequence.iter_node_l : ('a node -> unit) -> 'a t -> unit
    """
    check_callback("lwt_sequence.iter_node_l", f, ("node",))
    check_kind("lwt_sequence.iter_node_l", sequence, Sequence, _MAKE_ONE)
    for node in nodes_l(sequence):
        f(node)


def iter_node_r(f: Callable[[Node[T]], object], sequence: Sequence[T], /) -> None:
    """Call a function with each node, starting from the right, like `iter_r`.

    OCaml: Lwt_sequence.iter_node_r : ('a node -> unit) -> 'a t -> unit
    """
    check_callback("lwt_sequence.iter_node_r", f, ("node",))
    check_kind("lwt_sequence.iter_node_r", sequence, Sequence, _MAKE_ONE)
    for node in nodes_r(sequence):
        f(node)


def fold_l(f: Callable[[T, A], A], sequence: Sequence[T], initial: A, /) -> A:
    """Combine the elements from left to right: `f(en, ... f(e2, f(e1, initial)))`.

    OCaml: Lwt_sequence.fold_l : ('a -> 'b -> 'b) -> 'a t -> 'b -> 'b
    """
    check_callback("lwt_sequence.fold_l", f, ("element", "accumulator"))
    check_kind("lwt_sequence.fold_l", sequence, Sequence, _MAKE_ONE)
    accumulated = initial
    for node in nodes_l(sequence):
        accumulated = f(node.value, accumulated)
    return accumulated


def fold_r(f: Callable[[T, A], A], sequence: Sequence[T], initial: A, /) -> A:
    """Combine the elements from right to left: `f(e1, ... f(e(n-1), f(en, initial)))`.

    OCaml: Lwt_sequence.fold_r : ('a -> 'b -> 'b) -> 'a t -> 'b -> 'b
    """
    check_callback("lwt_sequence.fold_r", f, ("element", "accumulator"))
    check_kind("lwt_sequence.fold_r", sequence, Sequence, _MAKE_ONE)
    accumulated = initial
    for node in nodes_r(sequence):
        accumulated = f(node.value, accumulated)
    return accumulated


def find_node_l(f: Callable[[T], bool], sequence: Sequence[T], /) -> Node[T]:
    """Return the first node from the left whose value satisfies a predicate.

    Raises:
        LookupError: there is none.

    OCaml: Lwt_sequence.find_node_l : ('a -> bool) -> 'a t -> 'a node
    """
    check_callback("lwt_sequence.find_node_l", f, ("element",))
    check_kind("lwt_sequence.find_node_l", sequence, Sequence, _MAKE_ONE)
    return _find("l", f, nodes_l(sequence))


def find_node_r(f: Callable[[T], bool], sequence: Sequence[T], /) -> Node[T]:
    """Return the first node from the right whose value satisfies a predicate.

    Raises:
        LookupError: there is none.

    OCaml: Lwt_sequence.find_node_r : ('a -> bool) -> 'a t -> 'a node
    """
    check_callback("lwt_sequence.find_node_r", f, ("element",))
    check_kind("lwt_sequence.find_node_r", sequence, Sequence, _MAKE_ONE)
    return _find("r", f, nodes_r(sequence))


def _find(side: str, f: Callable[[T], bool], nodes: Iterator[Node[T]]) -> Node[T]:
    for node in nodes:
        if f(node.value):
            return node
    raise LookupError(
        f"lwt_sequence.find_node_{side}: no element satisfies the predicate; "
        f"find_node_opt_{side} returns None instead"
    )


def find_node_opt_l(f: Callable[[T], bool], sequence: Sequence[T], /) -> Some[Node[T]] | None:
    """Return `Some` of the first node from the left that satisfies a predicate, or `None`.

    As in OCaml, a `LookupError` of the predicate counts as "there is none".

    OCaml: Lwt_sequence.find_node_opt_l : ('a -> bool) -> 'a t -> 'a node option
    """
    check_callback("lwt_sequence.find_node_opt_l", f, ("element",))
    check_kind("lwt_sequence.find_node_opt_l", sequence, Sequence, _MAKE_ONE)
    try:
        return Some(find_node_l(f, sequence))
    except LookupError:
        return None


def find_node_opt_r(f: Callable[[T], bool], sequence: Sequence[T], /) -> Some[Node[T]] | None:
    """Return `Some` of the first node from the right that satisfies a predicate, or `None`.

    As in OCaml, a `LookupError` of the predicate counts as "there is none".

    OCaml: Lwt_sequence.find_node_opt_r : ('a -> bool) -> 'a t -> 'a node option
    """
    check_callback("lwt_sequence.find_node_opt_r", f, ("element",))
    check_kind("lwt_sequence.find_node_opt_r", sequence, Sequence, _MAKE_ONE)
    try:
        return Some(find_node_r(f, sequence))
    except LookupError:
        return None


_publish(__name__)
