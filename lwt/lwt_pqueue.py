"""Priority queues that never change: what adds or removes an element returns a new queue.

`Make(Ord)` gives the functions for elements in an order. A queue is a list of binomial trees. In
each tree no element stands below a greater one. All functions except `size` take time logarithmic
in the number of elements. Elements that compare equal are all kept.

    queues = lwt_pqueue.Make()                       # Python's own <
    queue = queues.add(3, queues.add(1, queues.empty))
    queues.find_min(queue)                           # 1

OCaml deprecates this module for users. No other module here uses it.

OCaml: Lwt_pqueue (src/core/lwt_pqueue.ml)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeAlias, TypeVar, final

from lwt._core.checks import check_kind, wrong_type
from lwt._core.values import Some

__all__ = [
    # What makes the functions
    "Make",
    "OrderedType",
    # Queues, and the functions on them
    "Queue",
    "S",
]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
T_contra = TypeVar("T_contra", contravariant=True)


class OrderedType(Protocol[T_contra]):
    """What `Make` takes: an object that compares elements.

    OCaml: module type Lwt_pqueue.OrderedType
    """

    @property
    def compare(self) -> Callable[[T_contra, T_contra], int]:
        """Give a function whose result is negative, zero or positive: less, equal, greater.

        OCaml: Lwt_pqueue.OrderedType.compare : t -> t -> int
        """
        ...


class _Tree(NamedTuple, Generic[T_co]):
    """A tree of 2 ** rank elements; its children have the ranks below, the highest first."""

    root: T_co
    rank: int
    children: _Trees[T_co] | None


class _Trees(NamedTuple, Generic[T_co]):
    """Linked trees. Lists share their ends. The trees of a queue have rising ranks."""

    first: _Tree[T_co]
    rest: _Trees[T_co] | None


@final
class Queue(Generic[T_co]):
    """A priority queue, which never changes.

    OCaml: type Lwt_pqueue.S.t
    """

    __slots__ = ("_trees",)

    def __init__(self, trees: _Trees[T_co] | None) -> None:
        self._trees = trees

    def __repr__(self) -> str:
        number = _size(self)
        return f"<Queue of {number} element{'' if number == 1 else 's'}>"


def _each(trees: _Trees[T] | None) -> Iterator[_Tree[T]]:
    while trees is not None:
        yield trees.first
        trees = trees.rest


def _size(queue: Queue[Any]) -> int:
    # The number of elements follows from the ranks; OCaml's counts them.
    return sum(1 << tree.rank for tree in _each(queue._trees))


def _python_order(x: Any, y: Any) -> int:
    if x < y:
        return -1
    return 1 if y < x else 0


@final
class S(Generic[T]):
    """The functions that `Make` returns, for elements in one order.

    OCaml: module type Lwt_pqueue.S
    """

    __slots__ = ("_compare", "empty")

    elt: TypeAlias = Any
    """The type of the elements; checkers know it as the parameter of this class."""

    t: TypeAlias = Queue[Any]
    """The type of queues: `lwt_pqueue.Queue`."""

    empty: Final[Queue[T]]  # type: ignore[misc]  # it is assigned below, once
    """The queue without elements.

    OCaml: Lwt_pqueue.S.empty : t
    """

    def __init__(self, compare: Callable[[T, T], int]) -> None:
        self._compare = compare
        self.empty = Queue(None)

    def is_empty(self, queue: Queue[T], /) -> bool:
        """Tell whether a queue has no elements.

        OCaml: Lwt_pqueue.S.is_empty : t -> bool
        """
        return _trees_of("lwt_pqueue.is_empty", queue) is None

    def add(self, element: T, queue: Queue[T], /) -> Queue[T]:
        """Return a queue with one element more.

        OCaml: Lwt_pqueue.S.add : elt -> t -> t
        """
        return Queue(self._insert(_Tree(element, 0, None), _trees_of("lwt_pqueue.add", queue)))

    def union(self, first: Queue[T], second: Queue[T], /) -> Queue[T]:
        """Return a queue with the elements of two.

        OCaml: Lwt_pqueue.S.union : t -> t -> t
        """
        trees = _trees_of("lwt_pqueue.union", first)
        return Queue(self._union(trees, _trees_of("lwt_pqueue.union", second)))

    def find_min(self, queue: Queue[T], /) -> T:
        """Return the least element.

        Raises:
            LookupError: there is none.

        OCaml: Lwt_pqueue.S.find_min : t -> elt
        """
        trees = _trees_of("lwt_pqueue.find_min", queue)
        if trees is None:
            raise LookupError("lwt_pqueue.find_min: the queue is empty; lookup_min gives an option")
        return self._least(trees).root

    def lookup_min(self, queue: Queue[T], /) -> Some[T] | None:
        """Return the least element as an option; None if there is none.

        OCaml: Lwt_pqueue.S.lookup_min : t -> elt option
        """
        trees = _trees_of("lwt_pqueue.lookup_min", queue)
        return None if trees is None else Some(self._least(trees).root)

    def remove_min(self, queue: Queue[T], /) -> Queue[T]:
        """Return a queue without the least element.

        Raises:
            LookupError: there is none.

        OCaml: Lwt_pqueue.S.remove_min : t -> t
        """
        trees = _trees_of("lwt_pqueue.remove_min", queue)
        if trees is None:
            raise LookupError("lwt_pqueue.remove_min: the queue is empty; ask is_empty before")
        least = self._least(trees)
        before: list[_Tree[T]] = []
        while trees.first is not least:
            before.append(trees.first)
            assert trees.rest is not None  # The least tree is among them.
            trees = trees.rest
        others = trees.rest
        for tree in reversed(before):
            others = _Trees(tree, others)
        children: _Trees[T] | None = None
        for tree in _each(least.children):
            children = _Trees(tree, children)
        return Queue(self._union(children, others))

    def size(self, queue: Queue[T], /) -> int:
        """Return the number of elements.

        OCaml: Lwt_pqueue.S.size : t -> int
        """
        _trees_of("lwt_pqueue.size", queue)
        return _size(queue)

    # What is compared, in which order, and which of two equal elements comes first, are OCaml's.

    def _link(self, first: _Tree[T], second: _Tree[T]) -> _Tree[T]:
        """Make a tree of two of the same rank; if the roots are equal, the first stays on top."""
        if self._compare(first.root, second.root) <= 0:
            return _Tree(first.root, first.rank + 1, _Trees(second, first.children))
        return _Tree(second.root, second.rank + 1, _Trees(first, second.children))

    def _insert(self, tree: _Tree[T], trees: _Trees[T] | None) -> _Trees[T]:
        while trees is not None and tree.rank >= trees.first.rank:
            tree = self._link(tree, trees.first)
            trees = trees.rest
        return _Trees(tree, trees)

    def _union(self, first: _Trees[T] | None, second: _Trees[T] | None) -> _Trees[T] | None:
        met: list[_Tree[T] | tuple[_Tree[T], _Tree[T]]] = []
        while first is not None and second is not None:
            if first.first.rank < second.first.rank:
                met.append(first.first)
                first = first.rest
            elif second.first.rank < first.first.rank:
                met.append(second.first)
                second = second.rest
            else:
                met.append((first.first, second.first))
                first, second = first.rest, second.rest
        trees = second if first is None else first
        for item in reversed(met):
            if isinstance(item, _Tree):
                trees = _Trees(item, trees)
            else:
                trees = self._insert(self._link(*item), trees)
        return trees

    def _least(self, trees: _Trees[T]) -> _Tree[T]:
        """Return the tree with the least root; among equal ones, the last."""
        from_last = list(_each(trees))[::-1]
        least = from_last[0]
        for tree in from_last[1:]:
            if self._compare(tree.root, least.root) < 0:
                least = tree
        return least


def _trees_of(function: str, queue: Queue[T]) -> _Trees[T] | None:
    if type(queue) is not Queue:
        check_kind(function, queue, Queue, "begin with empty, and add")
    return queue._trees


def Make(Ord: OrderedType[T] | None = None, /) -> S[T]:  # OCaml's names
    """Return the functions for queues of elements in an order.

    >>> from lwt import lwt_pqueue
    >>> queues: lwt_pqueue.S[str] = lwt_pqueue.Make()
    >>> queue = queues.add("b", queues.add("a", queues.empty))
    >>> queues.find_min(queue), queues.size(queues.remove_min(queue))
    ('a', 1)

    Args:
        Ord: an object with an attribute `compare`; without it, elements are compared by `<`.

    OCaml: module Lwt_pqueue.Make (Ord : OrderedType) : S with type elt = Ord.t
    """
    if Ord is None:
        return S(_python_order)
    compare: Callable[[T, T], int] | None = getattr(Ord, "compare", None)
    if not callable(compare):
        raise wrong_type("lwt_pqueue.Make", "an object with a function compare(x, y)", Ord)
    return S(compare)
