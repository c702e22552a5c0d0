"""From sequence to sequence: mapping, filtering, flattening. Nothing is evaluated at the call.

OCaml: src/core/lwt_seq.ml
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from lwt._core.checks import check_callable, check_callback, check_option
from lwt._core.creation import return_ as return_of
from lwt._core.driver import to_promise
from lwt._core.loop import Loop, start
from lwt._core.promise import Promise, PromiseOrCoroutine
from lwt._core.sequential import bind
from lwt._core.sequential import map as map_of
from lwt._core.values import Some
from lwt.lwt_seq._making import (
    empty,
    end,
)
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


def map(f: Callable[[A], B], seq: SeqOrAsync[A], /) -> Seq[B]:
    """Make a sequence of what a function gives for each element.

    >>> from lwt import Some, lwt_seq
    >>> numbers = lwt_seq.unfold(lambda n: Some((n, n + 1)) if n < 5 else None, 0)
    >>> odd = lwt_seq.filter(lambda n: n % 2 == 1, numbers)
    >>> lwt_seq.to_list(lwt_seq.map(lambda n: -n, odd))
    <Promise fulfilled: [-1, -3]>

    What the function raises is a rejection of the node.

    OCaml: Lwt_seq.map : ('a -> 'b) -> 'a t -> 'b t
    """
    check_callback("lwt_seq.map", f, ("element",))
    check_callable("lwt_seq.map", seq, ())

    def mapped(seq: SeqOrAsync[A], evaluate_1: Evaluate[Node[A]]) -> Seq[B]:
        def apply(node: Node[A]) -> Node[B]:
            cons = cons_of("lwt_seq.map", node)
            if cons is None:
                return Nil
            return Cons(f(cons.element), mapped(cons.next, evaluate))

        return lambda: map_of(apply, evaluate_1("lwt_seq.map", seq))

    return mapped(seq, evaluate_first)


def map_s(f: Callable[[A], PromiseOrCoroutine[B]], seq: SeqOrAsync[A], /) -> Seq[B]:
    """Like `map`, with a function that returns a promise.

    OCaml: Lwt_seq.map_s : ('a -> 'b Lwt.t) -> 'a t -> 'b t
    """
    check_callback("lwt_seq.map_s", f, ("element",))
    check_callable("lwt_seq.map_s", seq, ())

    def mapped(seq: SeqOrAsync[A], evaluate_1: Evaluate[Node[A]]) -> Seq[B]:
        def apply(node: Node[A]) -> Promise[Node[B]]:
            cons = cons_of("lwt_seq.map_s", node)
            if cons is None:
                return end
            following = cons.next
            value = to_promise("lwt_seq.map_s", f, f(cons.element))
            return map_of(lambda value: Cons(value, mapped(following, evaluate)), value)

        return lambda: bind(evaluate_1("lwt_seq.map_s", seq), apply)

    return mapped(seq, evaluate_first)


def filter(f: Callable[[A], bool], seq: SeqOrAsync[A], /) -> Seq[A]:
    """Make a sequence of the elements for which a test holds.

    OCaml: Lwt_seq.filter : ('a -> bool) -> 'a t -> 'a t
    """

    def test(element: A) -> Promise[Some[A] | None]:
        return return_of(Some(element) if f(element) else None)

    return _filter_map("lwt_seq.filter", f, test, seq)


def filter_s(f: Callable[[A], PromiseOrCoroutine[bool]], seq: SeqOrAsync[A], /) -> Seq[A]:
    """Like `filter`, with a test that returns a promise.

    OCaml: Lwt_seq.filter_s : ('a -> bool Lwt.t) -> 'a t -> 'a t
    """

    def test(element: A) -> Promise[Some[A] | None]:
        holds = to_promise("lwt_seq.filter_s", f, f(element))
        return map_of(lambda holds: Some(element) if holds else None, holds)

    return _filter_map("lwt_seq.filter_s", f, test, seq)


def filter_map(f: Callable[[A], Some[B] | None], seq: SeqOrAsync[A], /) -> Seq[B]:
    """Make a sequence of what is in the options that a function gives for the elements.

    OCaml: Lwt_seq.filter_map : ('a -> 'b option) -> 'a t -> 'b t
    """

    def choose(element: A) -> Promise[Some[B] | None]:
        return return_of(f(element))

    return _filter_map("lwt_seq.filter_map", f, choose, seq)


def filter_map_s(
    f: Callable[[A], PromiseOrCoroutine[Some[B] | None]], seq: SeqOrAsync[A], /
) -> Seq[B]:
    """Like `filter_map`, with a function that returns a promise.

    OCaml: Lwt_seq.filter_map_s : ('a -> 'b option Lwt.t) -> 'a t -> 'b t
    """

    def choose(element: A) -> Promise[Some[B] | None]:
        return to_promise("lwt_seq.filter_map_s", f, f(element))

    return _filter_map("lwt_seq.filter_map_s", f, choose, seq, promised=True)


def _filter_map(
    name: str,
    f: object,
    choose: Callable[[A], Promise[Some[B] | None]],
    seq: SeqOrAsync[A],
    *,
    promised: bool = False,
) -> Seq[B]:
    check_callback(name, f, ("element",))
    check_callable(name, seq, ())

    def chosen(seq: SeqOrAsync[A], evaluate_1: Evaluate[Node[A]]) -> Seq[B]:
        def loop() -> Loop[Node[B]]:
            node: Node[A] = yield evaluate_1(name, seq)
            while (cons := cons_of(name, node)) is not None:
                option: Some[B] | None = yield choose(cons.element)
                if type(option) is Some:
                    return Cons(option.value, chosen(cons.next, evaluate))
                if option is not None:
                    check_option(name, f, option, promised=promised)
                node = yield evaluate(name, cons.next)
            return Nil

        return lambda: start(loop())

    return chosen(seq, evaluate_first)


def flat_map(f: Callable[[A], SeqOrAsync[B]], seq: SeqOrAsync[A], /) -> Seq[B]:
    """Make a sequence of the elements of all sequences that a function gives.

    OCaml: Lwt_seq.flat_map : ('a -> 'b t) -> 'a t -> 'b t
    """
    check_callback("lwt_seq.flat_map", f, ("element",))
    check_callable("lwt_seq.flat_map", seq, ())

    def flat(
        inner: SeqOrAsync[B], outer: SeqOrAsync[A], evaluate_outer: Evaluate[Node[A]]
    ) -> Seq[B]:
        """Make a sequence of the elements of `inner`, then of what comes from `outer`."""

        def loop(
            inner: SeqOrAsync[B], outer: SeqOrAsync[A], evaluate_outer: Evaluate[Node[A]]
        ) -> Loop[Node[B]]:
            while True:
                if inner is not empty:
                    found: Node[B] = yield evaluate("lwt_seq.flat_map", inner)
                    found_cons = cons_of("lwt_seq.flat_map", found)
                    if found_cons is not None:
                        return Cons(found_cons.element, flat(found_cons.next, outer, evaluate))
                node: Node[A] = yield evaluate_outer("lwt_seq.flat_map", outer)
                cons = cons_of("lwt_seq.flat_map", node)
                if cons is None:
                    return Nil
                inner, outer, evaluate_outer = f(cons.element), cons.next, evaluate
                check_callable("lwt_seq.flat_map", inner, ())

        return lambda: start(loop(inner, outer, evaluate_outer))

    return flat(empty, seq, evaluate_first)
