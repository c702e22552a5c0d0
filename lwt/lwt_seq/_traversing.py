"""Going through a whole sequence: folding, iterating, making a list.

OCaml: src/core/lwt_seq.ml
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Never, TypeVar

from lwt._core.checks import (
    Arguments,
    check_callable,
    check_callback,
    check_kind,
    given_by_position,
)
from lwt._core.concurrent import join, nchoose_split
from lwt._core.driver import to_promise
from lwt._core.loop import Loop, start
from lwt._core.promise import Promise, PromiseOrCoroutine
from lwt.lwt_seq._nodes import (
    Node,
    SeqOrAsync,
    cons_of,
    evaluate,
    evaluate_first,
)

A = TypeVar("A")
B = TypeVar("B")


def fold_left(f: Callable[[A, B], A], accumulator: A, seq: SeqOrAsync[B], /) -> Promise[A]:
    """Combine the elements from the left: call a function on what it gave last, and the next.

    Raises:
        Exception: see the module.

    OCaml: Lwt_seq.fold_left : ('a -> 'b -> 'a) -> 'a -> 'b t -> 'a Lwt.t
    """

    def loop(accumulator: A) -> Loop[A]:
        node: Node[B] = yield evaluate_first("lwt_seq.fold_left", seq)
        while (cons := cons_of("lwt_seq.fold_left", node)) is not None:
            accumulator = f(accumulator, cons.element)
            node = yield evaluate("lwt_seq.fold_left", cons.next)
        return accumulator

    return _go_through("lwt_seq.fold_left", f, ("accumulator", "element"), seq, loop(accumulator))


def fold_left_s(
    f: Callable[[A, B], PromiseOrCoroutine[A]], accumulator: A, seq: SeqOrAsync[B], /
) -> Promise[A]:
    """Like `fold_left`, with a function that returns a promise.

    Raises:
        Exception: see the module.

    OCaml: Lwt_seq.fold_left_s : ('a -> 'b -> 'a Lwt.t) -> 'a -> 'b t -> 'a Lwt.t
    """

    def loop(accumulator: A) -> Loop[A]:
        node: Node[B] = yield evaluate_first("lwt_seq.fold_left_s", seq)
        while (cons := cons_of("lwt_seq.fold_left_s", node)) is not None:
            combined = f(accumulator, cons.element)
            accumulator = yield to_promise("lwt_seq.fold_left_s", f, combined)
            node = yield evaluate("lwt_seq.fold_left_s", cons.next)
        return accumulator

    return _go_through("lwt_seq.fold_left_s", f, ("accumulator", "element"), seq, loop(accumulator))


def iter(f: Callable[[A], object], seq: SeqOrAsync[A], /) -> Promise[None]:
    """Call a function on each element; the next node is evaluated when it has returned.

    Raises:
        Exception: see the module.

    OCaml: Lwt_seq.iter : ('a -> unit) -> 'a t -> unit Lwt.t
    """

    def loop() -> Loop[None]:
        node: Node[A] = yield evaluate_first("lwt_seq.iter", seq)
        while (cons := cons_of("lwt_seq.iter", node)) is not None:
            f(cons.element)
            node = yield evaluate("lwt_seq.iter", cons.next)

    return _go_through("lwt_seq.iter", f, ("element",), seq, loop())


def iter_s(f: Callable[[A], PromiseOrCoroutine[object]], seq: SeqOrAsync[A], /) -> Promise[None]:
    """Call a function on each element; the next node is evaluated when its promise is fulfilled.

    Raises:
        Exception: see the module.

    OCaml: Lwt_seq.iter_s : ('a -> unit Lwt.t) -> 'a t -> unit Lwt.t
    """

    def loop() -> Loop[None]:
        node: Node[A] = yield evaluate_first("lwt_seq.iter_s", seq)
        while (cons := cons_of("lwt_seq.iter_s", node)) is not None:
            yield to_promise("lwt_seq.iter_s", f, f(cons.element))
            node = yield evaluate("lwt_seq.iter_s", cons.next)

    return _go_through("lwt_seq.iter_s", f, ("element",), seq, loop())


def iter_p(f: Callable[[A], PromiseOrCoroutine[object]], seq: SeqOrAsync[A], /) -> Promise[None]:
    """Call a function on each element, without waiting for its promise; wait for all at the end.

    If a node is rejected, so is the result at once, while the promises go on. Otherwise a
    rejection counts as it does in `lwt_list.iter_p`.

    Raises:
        Exception: see the module.

    OCaml: Lwt_seq.iter_p : ('a -> unit Lwt.t) -> 'a t -> unit Lwt.t
    """

    def loop() -> Loop[None]:
        running: list[Promise[object]] = []
        node: Node[A] = yield evaluate_first("lwt_seq.iter_p", seq)
        while (cons := cons_of("lwt_seq.iter_p", node)) is not None:
            running.append(to_promise("lwt_seq.iter_p", f, f(cons.element)))
            node = yield evaluate("lwt_seq.iter_p", cons.next)
        yield join(reversed(running))

    return _go_through("lwt_seq.iter_p", f, ("element",), seq, loop())


def iter_n(
    f: Callable[[A], PromiseOrCoroutine[object]],
    seq: SeqOrAsync[A],
    /,
    *_wrong: Never,
    max_concurrency: int = 1,
) -> Promise[None]:
    """Call a function on each element, with at most so many of its promises pending.

    A node is evaluated only when there is room for a call. A promise that is resolved
    already when the function returns it takes room until there is none left. If one is
    rejected, so is the result: as soon as there is no room for the next call, or at the end. No
    more calls are made then.

    Args:
        f: takes an element, returns a promise or a coroutine.
        seq: where the elements come from.
        max_concurrency: how many promises may be pending.

    Raises:
        ValueError: `max_concurrency` is less than 1.
        Exception: see the module.

    OCaml: Lwt_seq.iter_n : ?max_concurrency:int -> ('a -> unit Lwt.t) -> 'a t -> unit Lwt.t
    """
    if _wrong:
        raise given_by_position(iter_n, _wrong)
    check_kind("lwt_seq.iter_n", max_concurrency, int, "max_concurrency is a number of promises")
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
            cons = cons_of("lwt_seq.iter_n", node)
            if cons is None:
                yield join(running)
                return
            running.insert(0, to_promise("lwt_seq.iter_n", f, f(cons.element)))
            available -= 1
            following, evaluate_next = cons.next, evaluate

    return _go_through("lwt_seq.iter_n", f, ("element",), seq, loop())


def to_list(seq: SeqOrAsync[A], /) -> Promise[list[A]]:
    """Give the list of the elements.

    Raises:
        Exception: see the module.

    OCaml: Lwt_seq.to_list : 'a t -> 'a list Lwt.t
    """

    def loop() -> Loop[list[A]]:
        elements: list[A] = []
        node: Node[A] = yield evaluate_first("lwt_seq.to_list", seq)
        while (cons := cons_of("lwt_seq.to_list", node)) is not None:
            elements.append(cons.element)
            node = yield evaluate("lwt_seq.to_list", cons.next)
        return elements

    return _go_through("lwt_seq.to_list", seq, (), seq, loop())


def _go_through(
    name: str, f: object, arguments: Arguments, seq: object, loop: Loop[B]
) -> Promise[B]:
    check_callback(name, f, arguments)
    check_callable(name, seq, ())
    return start(loop)
