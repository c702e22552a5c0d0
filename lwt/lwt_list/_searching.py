"""The functions of `lwt_list` that test elements: scanning, searching, sorting out.

OCaml: src/core/lwt_list.ml
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import compress
from typing import TypeVar

from lwt._core.checks import check_callback, check_option
from lwt._core.driver import to_promise
from lwt._core.promise import Promise, PromiseOrCoroutine
from lwt._core.resolution import MAXIMUM_NESTING, postpone, resolution
from lwt._core.sequential import map
from lwt._core.values import Some
from lwt.lwt_list._traversal import (
    call_on_each,
    call_one_by_one,
    map_p,
    one_by_one,
    snapshot,
    wait_for_all,
)

A = TypeVar("A")
B = TypeVar("B")

# --- Scanning ----------------------------------------------------------------


def for_all_s(
    f: Callable[[A], PromiseOrCoroutine[bool]], elements: Iterable[A], /
) -> Promise[bool]:
    """Tell whether a test holds for all elements; stop at the first for which it does not.

    OCaml: Lwt_list.for_all_s : ('a -> bool Lwt.t) -> 'a list -> bool Lwt.t
    """
    check_callback("lwt_list.for_all_s", f, ("element",))
    return _search(
        "lwt_list.for_all_s", f, one_by_one("lwt_list.for_all_s", elements), stop_at=False
    )


def for_all_p(
    f: Callable[[A], PromiseOrCoroutine[bool]], elements: Iterable[A], /
) -> Promise[bool]:
    """Tell whether a test holds for all elements, starting all tests and waiting for all.

    OCaml: Lwt_list.for_all_p : ('a -> bool Lwt.t) -> 'a list -> bool Lwt.t
    """
    check_callback("lwt_list.for_all_p", f, ("element",))
    return map(all, map_p("lwt_list.for_all_p", f, snapshot("lwt_list.for_all_p", elements)))


def exists_s(f: Callable[[A], PromiseOrCoroutine[bool]], elements: Iterable[A], /) -> Promise[bool]:
    """Tell whether a test holds for some element; stop at the first for which it does.

    OCaml: Lwt_list.exists_s : ('a -> bool Lwt.t) -> 'a list -> bool Lwt.t
    """
    check_callback("lwt_list.exists_s", f, ("element",))
    return _search("lwt_list.exists_s", f, one_by_one("lwt_list.exists_s", elements), stop_at=True)


def exists_p(f: Callable[[A], PromiseOrCoroutine[bool]], elements: Iterable[A], /) -> Promise[bool]:
    """Tell whether a test holds for some element, starting all tests and waiting for all.

    OCaml: Lwt_list.exists_p : ('a -> bool Lwt.t) -> 'a list -> bool Lwt.t
    """
    check_callback("lwt_list.exists_p", f, ("element",))
    return map(any, map_p("lwt_list.exists_p", f, snapshot("lwt_list.exists_p", elements)))


def _search(
    name: str,
    f: Callable[[A], PromiseOrCoroutine[bool]],
    elements: Iterator[A],
    *,
    stop_at: bool,
) -> Promise[bool]:
    """Look for an element whose test gives `stop_at`; give that, or its opposite if there is none."""
    found = False

    def accept(holds: object) -> bool:
        nonlocal found
        found = bool(holds) is stop_at
        return found

    return call_one_by_one(name, f, elements, accept, lambda: stop_at if found else not stop_at)


# --- Searching ---------------------------------------------------------------


def find_s(f: Callable[[A], PromiseOrCoroutine[bool]], elements: Iterable[A], /) -> Promise[A]:
    """Find the first element for which a test holds; stop there.

    If there is none, the result is rejected with `LookupError`.

    OCaml: Lwt_list.find_s : ('a -> bool Lwt.t) -> 'a list -> 'a Lwt.t
    """
    check_callback("lwt_list.find_s", f, ("element",))
    elements = one_by_one("lwt_list.find_s", elements)
    found: list[A] = []

    def accept(element: A, holds: object) -> bool:
        if holds:
            found.append(element)
        return bool(found)

    def end() -> A:
        if not found:
            raise LookupError("lwt_list.find_s: the test holds for no element of the list")
        return found[0]

    return _test_each("lwt_list.find_s", f, elements, accept, end)


def filter_s(
    f: Callable[[A], PromiseOrCoroutine[bool]], elements: Iterable[A], /
) -> Promise[list[A]]:
    """Give the elements for which a test holds, testing one after the other.

    OCaml: Lwt_list.filter_s : ('a -> bool Lwt.t) -> 'a list -> 'a list Lwt.t
    """
    check_callback("lwt_list.filter_s", f, ("element",))
    elements = one_by_one("lwt_list.filter_s", elements)
    passed: list[A] = []

    def accept(element: A, holds: object) -> None:
        if holds:
            passed.append(element)

    return _test_each("lwt_list.filter_s", f, elements, accept, lambda: passed)


def filter_p(
    f: Callable[[A], PromiseOrCoroutine[bool]], elements: Iterable[A], /
) -> Promise[list[A]]:
    """Give the elements for which a test holds, in order, starting all tests at once.

    OCaml: Lwt_list.filter_p : ('a -> bool Lwt.t) -> 'a list -> 'a list Lwt.t
    """
    check_callback("lwt_list.filter_p", f, ("element",))
    elements = snapshot("lwt_list.filter_p", elements)
    return map(
        lambda outcomes: [*compress(elements, outcomes)],
        _test_all("lwt_list.filter_p", f, elements),
    )


def filter_map_s(
    f: Callable[[A], PromiseOrCoroutine[Some[B] | None]], elements: Iterable[A], /
) -> Promise[list[B]]:
    """Give what is in the options that a function gives, called on one after the other.

    If the function gives something that is not an option, the result is rejected with `TypeError`.

    OCaml: Lwt_list.filter_map_s : ('a -> 'b option Lwt.t) -> 'a list -> 'b list Lwt.t
    """
    check_callback("lwt_list.filter_map_s", f, ("element",))
    elements = one_by_one("lwt_list.filter_map_s", elements)
    values: list[B] = []
    accept = _append_some("lwt_list.filter_map_s", f, values)
    return call_one_by_one("lwt_list.filter_map_s", f, elements, accept, lambda: values)


def filter_map_p(
    f: Callable[[A], PromiseOrCoroutine[Some[B] | None]], elements: Iterable[A], /
) -> Promise[list[B]]:
    """Give what is in the options that a function gives, in order, called on all at once.

    If the function gives something that is not an option, the result is rejected with `TypeError`.

    OCaml: Lwt_list.filter_map_p : ('a -> 'b option Lwt.t) -> 'a list -> 'b list Lwt.t
    """
    check_callback("lwt_list.filter_map_p", f, ("element",))
    elements = snapshot("lwt_list.filter_map_p", elements)
    if resolution.nesting >= MAXIMUM_NESTING:
        return postpone(filter_map_p, f, elements)
    values: list[B] = []
    return wait_for_all(
        call_on_each("lwt_list.filter_map_p", f, elements),
        _append_some("lwt_list.filter_map_p", f, values),
        lambda: values[::-1],
    )


def partition_s(
    f: Callable[[A], PromiseOrCoroutine[bool]], elements: Iterable[A], /
) -> Promise[tuple[list[A], list[A]]]:
    """Give the elements for which a test holds, and the others, testing one after the other.

    OCaml: Lwt_list.partition_s : ('a -> bool Lwt.t) -> 'a list -> ('a list * 'a list) Lwt.t
    """
    check_callback("lwt_list.partition_s", f, ("element",))
    elements = one_by_one("lwt_list.partition_s", elements)
    passed: list[A] = []
    failed: list[A] = []

    def accept(element: A, holds: object) -> None:
        (passed if holds else failed).append(element)

    return _test_each("lwt_list.partition_s", f, elements, accept, lambda: (passed, failed))


def partition_p(
    f: Callable[[A], PromiseOrCoroutine[bool]], elements: Iterable[A], /
) -> Promise[tuple[list[A], list[A]]]:
    """Give the elements for which a test holds, and the others, starting all tests at once.

    OCaml: Lwt_list.partition_p : ('a -> bool Lwt.t) -> 'a list -> ('a list * 'a list) Lwt.t
    """
    check_callback("lwt_list.partition_p", f, ("element",))
    elements = snapshot("lwt_list.partition_p", elements)

    def split(outcomes: list[bool]) -> tuple[list[A], list[A]]:
        return (
            [*compress(elements, outcomes)],
            [*compress(elements, [not holds for holds in outcomes])],
        )

    return map(split, _test_all("lwt_list.partition_p", f, elements))


def _test_all(
    name: str, f: Callable[[A], PromiseOrCoroutine[bool]], elements: Sequence[A]
) -> Promise[list[bool]]:
    """Start all tests, and give their outcomes.

    As in OCaml, something is attached to each promise as soon as it is there: one can tell
    that from the order in which callbacks run.
    """

    def function(element: A) -> Promise[bool]:
        return map(bool, to_promise(name, f, f(element)))

    return map_p(name, f, elements, function)


def _test_each(
    name: str,
    f: Callable[[A], PromiseOrCoroutine[object]],
    elements: Iterator[A],
    accept: Callable[[A, object], object],
    end: Callable[[], B],
) -> Promise[B]:
    """Test one after the other; `accept` also takes the element that was tested."""
    tested: A

    def each() -> Iterator[A]:
        nonlocal tested
        for element in elements:
            tested = element
            yield element

    return call_one_by_one(name, f, each(), lambda holds: accept(tested, holds), end)


def _append_some(name: str, f: object, values: list[B]) -> Callable[[Some[B] | None], None]:
    def accept(option: Some[B] | None) -> None:
        if type(option) is Some:
            values.append(option.value)
        elif option is not None:
            check_option(name, f, option, promised=True)

    return accept
