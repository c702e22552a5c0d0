"""lwt_list and lwt_seq against plain lists, with promises that take any number of turns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce
from typing import Any, TypeVar

from hypothesis import given
from hypothesis import strategies as st

import lwt
from lwt import Promise, Some, lwt_list, lwt_seq
from tests.support.promises import after, outcome

ELEMENTS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), max_size=12)
"""Values, each with the number of turns that its promise takes."""

Element = tuple[int, int]
T = TypeVar("T")


def slowly(function: Callable[[int], T]) -> Callable[[Element], Promise[T]]:
    def f(element: Element) -> Promise[T]:
        value, turns = element
        return lwt.of_coroutine(after(turns, function(value)))

    return f


def is_odd(value: int) -> bool:
    return value % 2 == 1


def option(value: int) -> Some[int] | None:
    return Some(-value) if value % 3 else None


@given(ELEMENTS)
def test_lists_give_what_plain_lists_do(elements: list[Element]) -> None:
    values = [value for value, _ in elements]
    odd = [element for element in elements if is_odd(element[0])]
    even = [element for element in elements if not is_odd(element[0])]
    test, negate, choose = slowly(is_odd), slowly(lambda x: -x), slowly(option)
    chosen = [-value for value in values if value % 3]
    for map_s, reverse in (
        (lwt_list.map_s, False),
        (lwt_list.map_p, False),
        (lwt_list.rev_map_s, True),
        (lwt_list.rev_map_p, True),
    ):
        mapped = [-value for value in values]
        assert outcome(map_s(negate, elements)) == (mapped[::-1] if reverse else mapped)
    for filter_, filter_map, partition in (
        (lwt_list.filter_s, lwt_list.filter_map_s, lwt_list.partition_s),
        (lwt_list.filter_p, lwt_list.filter_map_p, lwt_list.partition_p),
    ):
        assert outcome(filter_(test, elements)) == odd
        assert outcome(filter_map(choose, elements)) == chosen
        assert outcome(partition(test, elements)) == (odd, even)
    for for_all, exists in (
        (lwt_list.for_all_s, lwt_list.exists_s),
        (lwt_list.for_all_p, lwt_list.exists_p),
    ):
        assert outcome(for_all(test, elements)) == all(map(is_odd, values))
        assert outcome(exists(test, elements)) == any(map(is_odd, values))
    if odd:
        assert outcome(lwt_list.find_s(test, elements)) == odd[0]

    async def join_left(text: str, element: Element) -> str:
        return await after(element[1], text + str(element[0]))

    async def join_right(element: Element, text: str) -> str:
        return await join_left(text, element)

    joined = "".join(map(str, values))
    assert outcome(lwt_list.fold_left_s(join_left, "", elements)) == joined
    assert outcome(lwt_list.fold_right_s(join_right, elements, "")) == joined[::-1]


@given(ELEMENTS)
def test_iterating_meets_each_element_once(elements: list[Element]) -> None:
    for iterate in lwt_list.iter_s, lwt_list.iter_p, lwt_seq.iter_s, lwt_seq.iter_p:
        seen: list[int] = []
        given_: Any = elements if iterate.__module__ == "lwt.lwt_list" else in_turns(elements)
        outcome(iterate(slowly(seen.append), given_))
        assert seen == [value for value, _ in elements]


def in_turns(elements: list[Element]) -> lwt_seq.Seq[Element]:
    """A sequence whose nodes take as many turns as their elements say."""

    def promises() -> Iterator[Promise[Element]]:
        for element in elements:
            yield lwt.of_coroutine(after(element[1], element))

    class Anew:
        def __iter__(self) -> Iterator[Promise[Element]]:
            return promises()

    return lwt_seq.of_seq_lwt(Anew())


@given(ELEMENTS)
def test_sequences_give_what_plain_lists_do(elements: list[Element]) -> None:
    seq = in_turns(elements)
    values = [value for value, _ in elements]

    def listed(seq: lwt_seq.Seq[T]) -> list[T]:
        found: list[T] = outcome(lwt_seq.to_list(seq))
        return found

    assert listed(seq) == elements
    assert listed(lwt_seq.map_s(slowly(lambda x: -x), seq)) == [-value for value in values]
    assert listed(lwt_seq.filter_s(slowly(is_odd), seq)) == [e for e in elements if is_odd(e[0])]
    assert listed(lwt_seq.filter_map_s(slowly(option), seq)) == [-v for v in values if v % 3]
    assert listed(lwt_seq.append(seq, seq)) == elements * 2
    repeated = lwt_seq.flat_map(lambda e: lwt_seq.of_list([e[0]] * e[1]), seq)
    assert listed(repeated) == [value for value, turns in elements for _ in range(turns)]
    assert outcome(lwt_seq.fold_left(lambda a, e: a * 3 + e[0], 1, seq)) == reduce(
        lambda a, value: a * 3 + value, values, 1
    )


@given(ELEMENTS, st.integers(1, 5))
def test_iter_n_keeps_its_bound_and_meets_each_element_once(
    elements: list[Element], bound: int
) -> None:
    running = most = 0
    seen: list[Element] = []

    async def f(element: Element) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await after(element[1], None)
        running -= 1
        seen.append(element)

    outcome(lwt_seq.iter_n(f, lwt_seq.of_list(elements), max_concurrency=bound))
    assert sorted(seen) == sorted(elements)
    assert most <= bound
