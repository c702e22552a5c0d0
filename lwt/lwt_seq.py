"""Lazy sequences: what comes next is computed when it is asked for, and may take its time.

A sequence is a function without arguments. Calling it evaluates the first node: a promise
of `Nil`, or of `Cons(element, next)`, where `next` is the sequence of the others. Nothing
is remembered: what is called twice is computed twice. Only an iterator that was made a
sequence by `of_seq` or `of_seq_lwt` is read once, and what came from it is kept for as
long as it can be asked for.

Functions that return a sequence (`map`, `filter`, `append`, …) evaluate nothing; a call of
their result evaluates as many nodes of theirs as it takes to find one. Functions that
return a promise (`fold_left`, `iter`, `to_list`, …) go through all nodes at once, one
after the other; they do not end on a sequence without an end.

Exceptions, as in OCaml: what the first node of a sequence raises is a rejection. What a
function given to this module, or a later node, raises is one if something had to be
waited for before; otherwise it leaves through the call at hand.

Every traversal is a loop: sequences of any length take no stack, and memory only for what
is kept.

    seq = lwt_seq.unfold(lambda n: Some((n, n + 1)), 0)         # 0, 1, 2, …
    seq = lwt_seq.filter(lambda n: n % 2 == 1, seq)             # 1, 3, 5, …

The source: `_seq_nodes` has what a sequence is made of, `_seq_making` what makes one; the
loops here stand on `_stream_loop`.

OCaml: Lwt_seq (src/core/lwt_seq.ml)
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeAlias, TypeVar

from lwt._checks import check_callable
from lwt._concurrent import join, nchoose_split
from lwt._coroutine import to_promise
from lwt._creation import return_ as return_of
from lwt._promise import Promise, PromiseOrCoroutine
from lwt._seq_making import (
    append,
    cons,
    cons_lwt,
    empty,
    end,
    of_list,
    of_seq,
    of_seq_lwt,
    return_,
    return_lwt,
    unfold,
    unfold_lwt,
)
from lwt._seq_nodes import (
    Cons,
    Evaluate,
    Nil,
    Node,
    Seq,
    Source,
    evaluate,
    evaluate_first,
    is_end,
)
from lwt._sequential import bind
from lwt._sequential import map as map_of
from lwt._stream_loop import start
from lwt._values import Some

__all__ = [
    "Seq",
    "t",
    "Node",
    "node",
    "Nil",
    "Cons",
    # Making sequences
    "empty",
    "return_",
    "return_lwt",
    "cons",
    "cons_lwt",
    "append",
    "of_list",
    "of_seq",
    "of_seq_lwt",
    "unfold",
    "unfold_lwt",
    # From sequence to sequence
    "map",
    "map_s",
    "filter",
    "filter_s",
    "filter_map",
    "filter_map_s",
    "flat_map",
    # Going through
    "fold_left",
    "fold_left_s",
    "iter",
    "iter_s",
    "iter_p",
    "iter_n",
    "to_list",
]

A = TypeVar("A")
B = TypeVar("B")

Loop: TypeAlias = Generator[Promise[Any], Any, B]

t: TypeAlias = Seq[A]
node: TypeAlias = Node[A]

# --- From sequence to sequence -----------------------------------------------


def map(f: Callable[[A], B], seq: Source[A], /) -> Seq[B]:
    """Make a sequence of what a function gives for each element.

    >>> from lwt import Some, lwt_seq
    >>> numbers = lwt_seq.unfold(lambda n: Some((n, n + 1)) if n < 5 else None, 0)
    >>> odd = lwt_seq.filter(lambda n: n % 2 == 1, numbers)
    >>> lwt_seq.to_list(lwt_seq.map(lambda n: -n, odd))
    <Promise fulfilled: [-1, -3]>

    What the function raises is a rejection of the node.

    Raises:
        TypeError: an argument is not callable.

    OCaml: Lwt_seq.map : ('a -> 'b) -> 'a t -> 'b t
    """
    check_callable("lwt_seq.map", f)
    check_callable("lwt_seq.map", seq)

    def mapped(seq: Source[A], evaluate_1: Evaluate[Node[A]]) -> Seq[B]:
        def apply(first: Node[A]) -> Node[B]:
            if is_end("lwt_seq.map", first) or first is Nil:
                return Nil
            return Cons(f(first.element), mapped(first.next, evaluate))

        return lambda: map_of(apply, evaluate_1("lwt_seq.map", seq))

    return mapped(seq, evaluate_first)


def map_s(f: Callable[[A], PromiseOrCoroutine[B]], seq: Source[A], /) -> Seq[B]:
    """As `map`, with a function that returns a promise.

    Raises:
        TypeError: an argument is not callable.

    OCaml: Lwt_seq.map_s : ('a -> 'b Lwt.t) -> 'a t -> 'b t
    """
    check_callable("lwt_seq.map_s", f)
    check_callable("lwt_seq.map_s", seq)

    def mapped(seq: Source[A], evaluate_1: Evaluate[Node[A]]) -> Seq[B]:
        def apply(first: Node[A]) -> Promise[Node[B]]:
            if is_end("lwt_seq.map_s", first) or first is Nil:
                return end
            following = first.next
            value = to_promise("lwt_seq.map_s", f, f(first.element))
            return map_of(lambda value: Cons(value, mapped(following, evaluate)), value)

        return lambda: bind(evaluate_1("lwt_seq.map_s", seq), apply)

    return mapped(seq, evaluate_first)


def filter(f: Callable[[A], bool], seq: Source[A], /) -> Seq[A]:
    """Make a sequence of the elements of which a test holds.

    Raises:
        TypeError: an argument is not callable.

    OCaml: Lwt_seq.filter : ('a -> bool) -> 'a t -> 'a t
    """

    def test(element: A) -> Promise[Some[A] | None]:
        return return_of(Some(element) if f(element) else None)

    return _filter_map("lwt_seq.filter", f, test, seq)


def filter_s(f: Callable[[A], PromiseOrCoroutine[bool]], seq: Source[A], /) -> Seq[A]:
    """As `filter`, with a test that returns a promise.

    Raises:
        TypeError: an argument is not callable.

    OCaml: Lwt_seq.filter_s : ('a -> bool Lwt.t) -> 'a t -> 'a t
    """

    def test(element: A) -> Promise[Some[A] | None]:
        holds = to_promise("lwt_seq.filter_s", f, f(element))
        return map_of(lambda holds: Some(element) if holds else None, holds)

    return _filter_map("lwt_seq.filter_s", f, test, seq)


def filter_map(f: Callable[[A], Some[B] | None], seq: Source[A], /) -> Seq[B]:
    """Make a sequence of what is in the options that a function gives for the elements.

    Raises:
        TypeError: an argument is not callable.

    OCaml: Lwt_seq.filter_map : ('a -> 'b option) -> 'a t -> 'b t
    """

    def choose(element: A) -> Promise[Some[B] | None]:
        return return_of(f(element))

    return _filter_map("lwt_seq.filter_map", f, choose, seq)


def filter_map_s(f: Callable[[A], PromiseOrCoroutine[Some[B] | None]], seq: Source[A], /) -> Seq[B]:
    """As `filter_map`, with a function that returns a promise.

    Raises:
        TypeError: an argument is not callable.

    OCaml: Lwt_seq.filter_map_s : ('a -> 'b option Lwt.t) -> 'a t -> 'b t
    """

    def choose(element: A) -> Promise[Some[B] | None]:
        return to_promise("lwt_seq.filter_map_s", f, f(element))

    return _filter_map("lwt_seq.filter_map_s", f, choose, seq)


def _filter_map(
    name: str, f: object, choose: Callable[[A], Promise[Some[B] | None]], seq: Source[A]
) -> Seq[B]:
    check_callable(name, f)
    check_callable(name, seq)

    def chosen(seq: Source[A], evaluate_1: Evaluate[Node[A]]) -> Seq[B]:
        def loop() -> Loop[Node[B]]:
            first: Node[A] = yield evaluate_1(name, seq)
            while not is_end(name, first) and first is not Nil:
                option: Some[B] | None = yield choose(first.element)
                if type(option) is Some:
                    return Cons(option.value, chosen(first.next, evaluate))
                if option is not None:
                    raise TypeError(
                        f"{name}: the callback gave {option!r}, not an option; "
                        f"give Some(value) or None"
                    )
                first = yield evaluate(name, first.next)
            return Nil

        return lambda: start(loop())

    return chosen(seq, evaluate_first)


def flat_map(f: Callable[[A], Source[B]], seq: Source[A], /) -> Seq[B]:
    """Make a sequence of the elements of all sequences that a function gives.

    Raises:
        TypeError: an argument is not callable.

    OCaml: Lwt_seq.flat_map : ('a -> 'b t) -> 'a t -> 'b t
    """
    check_callable("lwt_seq.flat_map", f)
    check_callable("lwt_seq.flat_map", seq)

    def flat(inner: Source[B], outer: Source[A], evaluate_outer: Evaluate[Node[A]]) -> Seq[B]:
        """Make a sequence of the elements of `inner`, then of what comes from `outer`."""

        def loop(
            inner: Source[B], outer: Source[A], evaluate_outer: Evaluate[Node[A]]
        ) -> Loop[Node[B]]:
            while True:
                found: Node[B] = Nil
                if inner is not empty:
                    found = yield evaluate("lwt_seq.flat_map", inner)
                if not is_end("lwt_seq.flat_map", found) and found is not Nil:
                    return Cons(found.element, flat(found.next, outer, evaluate))
                first: Node[A] = yield evaluate_outer("lwt_seq.flat_map", outer)
                if is_end("lwt_seq.flat_map", first) or first is Nil:
                    return Nil
                inner, outer, evaluate_outer = f(first.element), first.next, evaluate
                check_callable("lwt_seq.flat_map", inner)

        return lambda: start(loop(inner, outer, evaluate_outer))

    return flat(empty, seq, evaluate_first)


# --- Going through -----------------------------------------------------------


def fold_left(f: Callable[[A, B], A], accumulator: A, seq: Source[B], /) -> Promise[A]:
    """Combine the elements from the left: call a function on what it gave last, and the next.

    Raises:
        TypeError: `f` or `seq` is not callable.
        Exception: see the module.

    OCaml: Lwt_seq.fold_left : ('a -> 'b -> 'a) -> 'a -> 'b t -> 'a Lwt.t
    """

    def loop(accumulator: A) -> Loop[A]:
        node: Node[B] = yield evaluate_first("lwt_seq.fold_left", seq)
        while not is_end("lwt_seq.fold_left", node) and node is not Nil:
            accumulator = f(accumulator, node.element)
            node = yield evaluate("lwt_seq.fold_left", node.next)
        return accumulator

    return _go_through("lwt_seq.fold_left", f, seq, loop(accumulator))


def fold_left_s(
    f: Callable[[A, B], PromiseOrCoroutine[A]], accumulator: A, seq: Source[B], /
) -> Promise[A]:
    """As `fold_left`, with a function that returns a promise.

    Raises:
        TypeError: `f` or `seq` is not callable.
        Exception: see the module.

    OCaml: Lwt_seq.fold_left_s : ('a -> 'b -> 'a Lwt.t) -> 'a -> 'b t -> 'a Lwt.t
    """

    def loop(accumulator: A) -> Loop[A]:
        node: Node[B] = yield evaluate_first("lwt_seq.fold_left_s", seq)
        while not is_end("lwt_seq.fold_left_s", node) and node is not Nil:
            combined = f(accumulator, node.element)
            accumulator = yield to_promise("lwt_seq.fold_left_s", f, combined)
            node = yield evaluate("lwt_seq.fold_left_s", node.next)
        return accumulator

    return _go_through("lwt_seq.fold_left_s", f, seq, loop(accumulator))


def iter(f: Callable[[A], object], seq: Source[A], /) -> Promise[None]:
    """Call a function on each element; the next node is evaluated when it has returned.

    Raises:
        TypeError: `f` or `seq` is not callable.
        Exception: see the module.

    OCaml: Lwt_seq.iter : ('a -> unit) -> 'a t -> unit Lwt.t
    """

    def loop() -> Loop[None]:
        node: Node[A] = yield evaluate_first("lwt_seq.iter", seq)
        while not is_end("lwt_seq.iter", node) and node is not Nil:
            f(node.element)
            node = yield evaluate("lwt_seq.iter", node.next)

    return _go_through("lwt_seq.iter", f, seq, loop())


def iter_s(f: Callable[[A], PromiseOrCoroutine[object]], seq: Source[A], /) -> Promise[None]:
    """Call a function on each element; the next node is evaluated when its promise is fulfilled.

    Raises:
        TypeError: `f` or `seq` is not callable.
        Exception: see the module.

    OCaml: Lwt_seq.iter_s : ('a -> unit Lwt.t) -> 'a t -> unit Lwt.t
    """

    def loop() -> Loop[None]:
        node: Node[A] = yield evaluate_first("lwt_seq.iter_s", seq)
        while not is_end("lwt_seq.iter_s", node) and node is not Nil:
            yield to_promise("lwt_seq.iter_s", f, f(node.element))
            node = yield evaluate("lwt_seq.iter_s", node.next)

    return _go_through("lwt_seq.iter_s", f, seq, loop())


def iter_p(f: Callable[[A], PromiseOrCoroutine[object]], seq: Source[A], /) -> Promise[None]:
    """Call a function on each element, without waiting for its promise; wait for all at the end.

    If a node is rejected, so is the result at once, while the promises go on. Otherwise a
    rejection counts as in `lwt_list.iter_p`.

    Raises:
        TypeError: `f` or `seq` is not callable.
        Exception: see the module.

    OCaml: Lwt_seq.iter_p : ('a -> unit Lwt.t) -> 'a t -> unit Lwt.t
    """

    def loop() -> Loop[None]:
        running: list[Promise[object]] = []
        node: Node[A] = yield evaluate_first("lwt_seq.iter_p", seq)
        while not is_end("lwt_seq.iter_p", node) and node is not Nil:
            running.append(to_promise("lwt_seq.iter_p", f, f(node.element)))
            node = yield evaluate("lwt_seq.iter_p", node.next)
        yield join(reversed(running))

    return _go_through("lwt_seq.iter_p", f, seq, loop())


def iter_n(
    f: Callable[[A], PromiseOrCoroutine[object]], seq: Source[A], /, *, max_concurrency: int = 1
) -> Promise[None]:
    """Call a function on each element, with at most so many of its promises pending.

    A node is evaluated only when there is room for a call. A promise that is resolved
    already when the function returns it takes room until all are taken. If one is
    rejected, so is the result, when next there is no room, or at the end; no more calls
    are then made.

    Args:
        f: takes an element, returns a promise or a coroutine.
        seq: where the elements come from.
        max_concurrency: how many promises may be pending.

    Raises:
        ValueError: `max_concurrency` is less than 1.
        TypeError: an argument has the wrong type.
        Exception: see the module.

    OCaml: Lwt_seq.iter_n : ?max_concurrency:int -> ('a -> unit Lwt.t) -> 'a t -> unit Lwt.t
    """
    if not isinstance(max_concurrency, int):
        raise TypeError(f"lwt_seq.iter_n: max_concurrency is {max_concurrency!r}, not an int")
    if max_concurrency <= 0:
        raise ValueError(
            f"Lwt_seq.iter_n: max_concurrency must be > 0, {max_concurrency} given; "
            f"1 is one call after the other, lwt_seq.iter_p sets no bound"
        )

    def loop() -> Loop[None]:
        running: list[Promise[object]] = []  # the newest first, as in OCaml
        available = max_concurrency
        following, evaluate_next = seq, evaluate_first
        while True:
            if available == 0:
                complete, running = yield nchoose_split(running)
                available = len(complete)
            node: Node[A] = yield evaluate_next("lwt_seq.iter_n", following)
            if is_end("lwt_seq.iter_n", node) or node is Nil:
                yield join(running)
                return
            running.insert(0, to_promise("lwt_seq.iter_n", f, f(node.element)))
            available -= 1
            following, evaluate_next = node.next, evaluate

    return _go_through("lwt_seq.iter_n", f, seq, loop())


def to_list(seq: Source[A], /) -> Promise[list[A]]:
    """Give the list of the elements.

    Raises:
        TypeError: `seq` is not callable.
        Exception: see the module.

    OCaml: Lwt_seq.to_list : 'a t -> 'a list Lwt.t
    """

    def loop() -> Loop[list[A]]:
        elements: list[A] = []
        node: Node[A] = yield evaluate_first("lwt_seq.to_list", seq)
        while not is_end("lwt_seq.to_list", node) and node is not Nil:
            elements.append(node.element)
            node = yield evaluate("lwt_seq.to_list", node.next)
        return elements

    return _go_through("lwt_seq.to_list", seq, seq, loop())


def _go_through(name: str, f: object, seq: object, loop: Loop[B]) -> Promise[B]:
    check_callable(name, f)
    check_callable(name, seq)
    return start(loop)
