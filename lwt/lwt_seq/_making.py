"""The functions of `lwt_seq` that make sequences: from values, promises, iterables, seeds.

OCaml: src/core/lwt_seq.ml
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeAlias, TypeVar

from lwt._core.checks import check_callable, check_callback, check_kind, check_promise, wrong_result
from lwt._core.creation import return_ as return_of
from lwt._core.driver import to_promise
from lwt._core.promise import Promise, PromiseOrCoroutine
from lwt._core.sequential import bind
from lwt._core.sequential import map as map_of
from lwt._core.values import Some
from lwt.lwt_seq._nodes import (
    Cons,
    Evaluate,
    Nil,
    Node,
    Seq,
    SeqOrAsync,
    cons_of,
    evaluate,
    evaluate_first,
)

A = TypeVar("A")
B = TypeVar("B")


end: Final[Promise[Any]] = return_of(Nil)
"""The promise of the node of `empty`."""


def empty() -> Promise[Node[Any]]:
    """Give the node of the sequence without elements: this function is that sequence.

    OCaml: Lwt_seq.empty : 'a t
    """
    return end


def return_(element: A, /) -> Seq[A]:
    """Make a sequence of one element.

    OCaml: Lwt_seq.return : 'a -> 'a t
    """
    return lambda: return_of(Cons(element, empty))


def return_lwt(promise: Promise[A], /) -> Seq[A]:
    """Make a sequence of one element, which a promise gives.

    OCaml: Lwt_seq.return_lwt : 'a Lwt.t -> 'a t
    """
    check_promise("lwt_seq.return_lwt", promise)
    return lambda: map_of(lambda element: Cons(element, empty), promise)


def cons(element: A, seq: SeqOrAsync[A], /) -> Seq[A]:
    """Put an element before a sequence.

    OCaml: Lwt_seq.cons : 'a -> 'a t -> 'a t
    """
    check_callable("lwt_seq.cons", seq, ())
    following = _seq("lwt_seq.cons", seq)
    return lambda: return_of(Cons(element, following))


def cons_lwt(promise: Promise[A], seq: SeqOrAsync[A], /) -> Seq[A]:
    """Put an element that a promise gives before a sequence.

    OCaml: Lwt_seq.cons_lwt : 'a Lwt.t -> 'a t -> 'a t
    """
    check_promise("lwt_seq.cons_lwt", promise)
    check_callable("lwt_seq.cons_lwt", seq, ())
    following = _seq("lwt_seq.cons_lwt", seq)
    return lambda: map_of(lambda element: Cons(element, following), promise)


def _seq(name: str, seq: SeqOrAsync[A]) -> Seq[A]:
    """Make of a sequence what `Cons` holds: calling that always gives a promise."""
    return lambda: evaluate(name, seq)


def append(seq1: SeqOrAsync[A], seq2: SeqOrAsync[A], /) -> Seq[A]:
    """Make a sequence of the elements of one, then those of another.

    OCaml: Lwt_seq.append : 'a t -> 'a t -> 'a t
    """
    check_callable("lwt_seq.append", seq1, ())
    check_callable("lwt_seq.append", seq2, ())
    return _append(seq1, seq2, evaluate_first)


def _append(seq1: SeqOrAsync[A], seq2: SeqOrAsync[A], evaluate_1: Evaluate[Node[A]]) -> Seq[A]:
    def follow(node: Node[A]) -> Promise[Node[A]]:
        first = cons_of("lwt_seq.append", node)
        if first is None:
            return evaluate("lwt_seq.append", seq2)
        return return_of(Cons(first.element, _append(first.next, seq2, evaluate)))

    return lambda: bind(evaluate_1("lwt_seq.append", seq1), follow)


def of_list(elements: Iterable[A], /) -> Seq[A]:
    """Make a sequence of the elements that a list has now.

    OCaml: Lwt_seq.of_list : 'a list -> 'a t
    """
    check_kind("lwt_seq.of_list", elements, Iterable)
    return _of_list(list(elements), 0)


def _of_list(elements: list[A], index: int) -> Seq[A]:
    def first() -> Promise[Node[A]]:
        if index == len(elements):
            return end
        return return_of(Cons(elements[index], _of_list(elements, index + 1)))

    return first


def of_seq(seq: Iterable[A], /) -> Seq[A]:
    """Make a sequence of what an iterable gives; it is read as far as it is asked for.

    Each time that the first node is evaluated, the iterable is gone through again, unless it
    is an iterator. A node raises what the iterable raises.

    OCaml: Lwt_seq.of_seq : 'a Seq.t -> 'a t
    """
    check_kind("lwt_seq.of_seq", seq, Iterable)

    def of_cells(cells: _Cells[A]) -> Seq[A]:
        def first() -> Promise[Node[A]]:
            cell = cells()
            return end if cell is None else return_of(Cons(cell[0], of_cells(cell[1])))

        return first

    return of_cells(_cells(seq))


def of_seq_lwt(seq: Iterable[PromiseOrCoroutine[A]], /) -> Seq[A]:
    """Make a sequence of the values of the promises that an iterable gives, like `of_seq`.

    The next promise is asked for when the next node is.

    OCaml: Lwt_seq.of_seq_lwt : 'a Lwt.t Seq.t -> 'a t
    """
    check_kind("lwt_seq.of_seq_lwt", seq, Iterable)

    def promises() -> Iterator[Promise[A]]:
        for element in seq:
            yield to_promise("lwt_seq.of_seq_lwt", seq, element)

    def of_cells(cells: _Cells[Promise[A]]) -> Seq[A]:
        def first() -> Promise[Node[A]]:
            cell = cells()
            if cell is None:
                return end
            promise, following = cell
            return map_of(lambda element: Cons(element, of_cells(following)), promise)

        return first

    if isinstance(seq, Iterator):
        return of_cells(_cells(promises()))

    def again() -> tuple[Promise[A], _Cells[Promise[A]]] | None:
        return _cells(promises())()

    return of_cells(again)


_Cells: TypeAlias = Callable[[], "tuple[A, _Cells[A]] | None"]
"""Gives an element and what gives the next one; None at the end."""


def _cells(elements: Iterable[A]) -> _Cells[A]:
    """Read an iterable; what an iterator has given, or raised, is remembered."""
    if not isinstance(elements, Iterator):

        def again() -> tuple[A, _Cells[A]] | None:
            return _cells(iter(elements))()

        return again
    is_read = False
    cell: tuple[A, _Cells[A]] | None = None
    failure: Exception | None = None

    def read() -> tuple[A, _Cells[A]] | None:
        nonlocal is_read, cell, failure
        if not is_read:
            following = _cells(elements)
            try:
                found = next(elements), following
            except StopIteration:
                pass
            except Exception as exception:
                failure = exception
            else:
                if is_read:  # A finaliser has read what comes after this.
                    found = found[0], _remembered(cell, failure)
                    failure = None
                cell = found
            is_read = True
        if failure is not None:
            raise failure
        return cell

    return read


def _remembered(cell: tuple[A, _Cells[A]] | None, failure: Exception | None) -> _Cells[A]:
    def read() -> tuple[A, _Cells[A]] | None:
        if failure is not None:
            raise failure
        return cell

    return read


def unfold(f: Callable[[B], Some[tuple[A, B]] | None], seed: B, /) -> Seq[A]:
    """Make a sequence by a function that gives an element and the next seed, or None.

    >>> import lwt
    >>> from lwt import Some, lwt_seq
    >>> powers = lwt_seq.unfold(lambda n: Some((n, 2 * n)) if n < 50 else None, 1)
    >>> lwt_seq.to_list(lwt_seq.filter(lambda n: n > 5, powers))
    <Promise fulfilled: [8, 16, 32]>

    A node raises what the function raises.

    OCaml: Lwt_seq.unfold : ('b -> ('a * 'b) option) -> 'b -> 'a t
    """
    check_callback("lwt_seq.unfold", f, ("seed",))

    def from_seed(seed: B) -> Seq[A]:
        def first() -> Promise[Node[A]]:
            step = f(seed)
            if step is None:
                return end
            element, next_seed = _pair("lwt_seq.unfold", f, step)
            return return_of(Cons(element, from_seed(next_seed)))

        return first

    return from_seed(seed)


def unfold_lwt(
    f: Callable[[B], PromiseOrCoroutine[Some[tuple[A, B]] | None]], seed: B, /
) -> Seq[A]:
    """Like `unfold`, with a function that returns a promise.

    OCaml: Lwt_seq.unfold_lwt : ('b -> ('a * 'b) option Lwt.t) -> 'b -> 'a t
    """
    check_callback("lwt_seq.unfold_lwt", f, ("seed",))

    def from_seed(seed: B, evaluate_1: Evaluate[Some[tuple[A, B]] | None]) -> Seq[A]:
        def call() -> Promise[Some[tuple[A, B]] | None]:
            return to_promise("lwt_seq.unfold_lwt", f, f(seed))

        def follow(step: Some[tuple[A, B]] | None) -> Promise[Node[A]]:
            if step is None:
                return end
            element, next_seed = _pair("lwt_seq.unfold_lwt", f, step, promised=True)
            return return_of(Cons(element, from_seed(next_seed, evaluate)))

        return lambda: bind(evaluate_1("lwt_seq.unfold_lwt", call), follow)

    return from_seed(seed, evaluate_first)


def _pair(function: str, f: object, step: object, *, promised: bool = False) -> tuple[Any, Any]:
    if type(step) is Some and isinstance(step.value, tuple) and len(step.value) == 2:
        return step.value
    hint = "give lwt.Some((element, next_seed)) or None"
    raise wrong_result(function, f, step, "an option of a pair", hint, promised=promised)
