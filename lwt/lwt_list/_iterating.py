"""Iterating over a list, mapping it, folding it.

OCaml: src/core/lwt_list.ml
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from lwt._core.checks import check_callback
from lwt._core.concurrent import join
from lwt._core.creation import return_unit
from lwt._core.promise import Promise, PromiseOrCoroutine
from lwt._core.resolution import MAXIMUM_NESTING, postpone, resolution
from lwt._core.sequential import map
from lwt.lwt_list._traversal import (
    append_after,
    call_on_each,
    call_one_by_one,
    one_by_one,
    snapshot,
)
from lwt.lwt_list._traversal import map_p as map_p_

A = TypeVar("A")
B = TypeVar("B")

# --- Iterating ---------------------------------------------------------------


def iter_s(f: Callable[[A], PromiseOrCoroutine[object]], elements: Iterable[A], /) -> Promise[None]:
    """Call a function on each element, one after the other.

    >>> import lwt
    >>> from lwt import lwt_list
    >>> @lwt.promised
    ... async def show(word: str) -> None:
    ...     await lwt.pause()
    ...     print(word)
    >>> done = lwt_list.iter_s(show, ["to", "be"])
    >>> lwt.wakeup_paused()
    to
    >>> lwt.wakeup_paused()
    be
    >>> done
    <Promise fulfilled: None>

    OCaml: Lwt_list.iter_s : ('a -> unit Lwt.t) -> 'a list -> unit Lwt.t
    """
    check_callback("lwt_list.iter_s", f, ("element",))
    elements = one_by_one("lwt_list.iter_s", elements)
    return call_one_by_one("lwt_list.iter_s", f, elements, None, _nothing)


def iter_p(f: Callable[[A], PromiseOrCoroutine[object]], elements: Iterable[A], /) -> Promise[None]:
    """Call a function on all elements, then wait for all promises.

    If some are rejected, so is the result, once all are resolved. If a promise of the list
    is rejected already, the exception of the last such promise counts; otherwise, of the
    one that is rejected first.

    OCaml: Lwt_list.iter_p : ('a -> unit Lwt.t) -> 'a list -> unit Lwt.t
    """
    check_callback("lwt_list.iter_p", f, ("element",))
    return _iter_p("lwt_list.iter_p", f, snapshot("lwt_list.iter_p", elements))


def iteri_s(
    f: Callable[[int, A], PromiseOrCoroutine[object]], elements: Iterable[A], /
) -> Promise[None]:
    """Call a function on each index, from 0, and element, one after the other.

    OCaml: Lwt_list.iteri_s : (int -> 'a -> unit Lwt.t) -> 'a list -> unit Lwt.t
    """
    check_callback("lwt_list.iteri_s", f, ("index", "element"))
    pairs = enumerate(one_by_one("lwt_list.iteri_s", elements))
    return call_one_by_one("lwt_list.iteri_s", f, pairs, None, _nothing, _of_pair(f))


def iteri_p(
    f: Callable[[int, A], PromiseOrCoroutine[object]], elements: Iterable[A], /
) -> Promise[None]:
    """Call a function on all indices and elements, then wait for all promises, like `iter_p`.

    OCaml: Lwt_list.iteri_p : (int -> 'a -> unit Lwt.t) -> 'a list -> unit Lwt.t
    """
    check_callback("lwt_list.iteri_p", f, ("index", "element"))
    pairs = list(enumerate(snapshot("lwt_list.iteri_p", elements)))
    return _iter_p("lwt_list.iteri_p", f, pairs, _of_pair(f))


def _iter_p(
    name: str,
    callback: Callable[..., PromiseOrCoroutine[object]],
    elements: Sequence[A],
    function: Callable[[A], PromiseOrCoroutine[object]] | None = None,
) -> Promise[None]:
    if resolution.nesting >= MAXIMUM_NESTING:
        return postpone(_iter_p, name, callback, elements, function)
    # OCaml joins the promises in reverse: so the last that is rejected already counts.
    return join(reversed(call_on_each(name, callback, elements, function)))


def _nothing() -> None:
    return None


def _of_pair(
    f: Callable[[int, A], PromiseOrCoroutine[B]],
) -> Callable[[tuple[int, A]], PromiseOrCoroutine[B]]:
    """Make a function that takes an index and an element take their pair."""
    return lambda pair: f(*pair)


# --- Mapping -----------------------------------------------------------------


def map_s(f: Callable[[A], PromiseOrCoroutine[B]], elements: Iterable[A], /) -> Promise[list[B]]:
    """Call a function on each element, one after the other; give the list of the values.

    OCaml: Lwt_list.map_s : ('a -> 'b Lwt.t) -> 'a list -> 'b list Lwt.t
    """
    check_callback("lwt_list.map_s", f, ("element",))
    values: list[B] = []
    elements = one_by_one("lwt_list.map_s", elements)
    return call_one_by_one("lwt_list.map_s", f, elements, values.append, lambda: values)


def map_p(f: Callable[[A], PromiseOrCoroutine[B]], elements: Iterable[A], /) -> Promise[list[B]]:
    """Call a function on all elements, then wait; give the list of the values, in order.

    >>> import lwt
    >>> from lwt import lwt_list
    >>> promise, resolver = lwt.wait()
    >>> lengths = lwt_list.map_p(lambda word: lwt.map(lambda _: len(word), promise), ["to", "b"])
    >>> lwt.wakeup(resolver, None)
    >>> lengths
    <Promise fulfilled: [2, 1]>

    OCaml: Lwt_list.map_p : ('a -> 'b Lwt.t) -> 'a list -> 'b list Lwt.t
    """
    check_callback("lwt_list.map_p", f, ("element",))
    return map_p_("lwt_list.map_p", f, snapshot("lwt_list.map_p", elements))


def mapi_s(
    f: Callable[[int, A], PromiseOrCoroutine[B]], elements: Iterable[A], /
) -> Promise[list[B]]:
    """Call a function on each index, from 0, and element, one after the other.

    OCaml: Lwt_list.mapi_s : (int -> 'a -> 'b Lwt.t) -> 'a list -> 'b list Lwt.t
    """
    check_callback("lwt_list.mapi_s", f, ("index", "element"))
    values: list[B] = []
    pairs = enumerate(one_by_one("lwt_list.mapi_s", elements))
    return call_one_by_one("lwt_list.mapi_s", f, pairs, values.append, lambda: values, _of_pair(f))


def mapi_p(
    f: Callable[[int, A], PromiseOrCoroutine[B]], elements: Iterable[A], /
) -> Promise[list[B]]:
    """Call a function on all indices and elements, then wait; give the list of the values.

    OCaml: Lwt_list.mapi_p : (int -> 'a -> 'b Lwt.t) -> 'a list -> 'b list Lwt.t
    """
    check_callback("lwt_list.mapi_p", f, ("index", "element"))
    pairs = list(enumerate(snapshot("lwt_list.mapi_p", elements)))
    return map_p_("lwt_list.mapi_p", f, pairs, _of_pair(f))


def rev_map_s(
    f: Callable[[A], PromiseOrCoroutine[B]], elements: Iterable[A], /
) -> Promise[list[B]]:
    """Like `map_s`, but the list of the values is reversed; the order of the calls is not.

    OCaml: Lwt_list.rev_map_s : ('a -> 'b Lwt.t) -> 'a list -> 'b list Lwt.t
    """
    check_callback("lwt_list.rev_map_s", f, ("element",))
    elements = one_by_one("lwt_list.rev_map_s", elements)
    values: list[B] = []
    return call_one_by_one("lwt_list.rev_map_s", f, elements, values.append, lambda: values[::-1])


def rev_map_p(
    f: Callable[[A], PromiseOrCoroutine[B]], elements: Iterable[A], /
) -> Promise[list[B]]:
    """Like `map_p`, but the list of the values is reversed; the order of the calls is not.

    OCaml: Lwt_list.rev_map_p : ('a -> 'b Lwt.t) -> 'a list -> 'b list Lwt.t
    """
    check_callback("lwt_list.rev_map_p", f, ("element",))
    return _rev_map_p(f, snapshot("lwt_list.rev_map_p", elements))


def _rev_map_p(f: Callable[[A], PromiseOrCoroutine[B]], elements: Sequence[A]) -> Promise[list[B]]:
    """Chain the promises: each, when fulfilled, waits for all that were before it.

    Unlike in `map_p`, something is attached to each promise as soon as it is there, and
    in OCaml one can tell that from the order in which callbacks run.
    """
    if resolution.nesting >= MAXIMUM_NESTING:
        return postpone(_rev_map_p, f, elements)
    values: list[B] = []
    done: Promise[None] = return_unit
    for element in elements:
        done = append_after(done, call_on_each("lwt_list.rev_map_p", f, (element,))[0], values)
    try:
        return map(lambda _: values[::-1], done)
    finally:
        del done  # A traceback may lead to this frame: close no circle.


# --- Folding -----------------------------------------------------------------


def fold_left_s(
    f: Callable[[A, B], PromiseOrCoroutine[A]], accumulator: A, elements: Iterable[B], /
) -> Promise[A]:
    """Combine the elements from the left: call a function on what it gave last, and the next.

    OCaml: Lwt_list.fold_left_s : ('a -> 'b -> 'a Lwt.t) -> 'a -> 'b list -> 'a Lwt.t
    """
    check_callback("lwt_list.fold_left_s", f, ("accumulator", "element"))
    elements = one_by_one("lwt_list.fold_left_s", elements)
    return _fold("lwt_list.fold_left_s", f, f, accumulator, elements)


def fold_right_s(
    f: Callable[[A, B], PromiseOrCoroutine[B]], elements: Iterable[A], accumulator: B, /
) -> Promise[B]:
    """Combine the elements from the right: call a function on the next, and what it gave last.

    OCaml: Lwt_list.fold_right_s : ('a -> 'b -> 'b Lwt.t) -> 'a list -> 'b -> 'b Lwt.t
    """
    check_callback("lwt_list.fold_right_s", f, ("element", "accumulator"))
    from_right = reversed(snapshot("lwt_list.fold_right_s", elements))
    return _fold(
        "lwt_list.fold_right_s",
        f,
        lambda accumulator, x: f(x, accumulator),
        accumulator,
        from_right,
    )


def _fold(
    name: str,
    f: Callable[..., PromiseOrCoroutine[A]],
    combine: Callable[[A, B], PromiseOrCoroutine[A]],
    accumulator: A,
    elements: Iterator[B],
) -> Promise[A]:
    held = [accumulator]
    del accumulator  # The fold keeps nothing that f does not.

    def function(element: B) -> PromiseOrCoroutine[A]:
        return combine(held.pop(), element)

    return call_one_by_one(name, f, elements, held.append, held.pop, function)
