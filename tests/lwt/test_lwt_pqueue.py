"""Priority queues: against sorted lists, their shape, their comparisons, wrong arguments."""

from __future__ import annotations

from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwt import Some, lwt_pqueue
from lwt.lwt_pqueue import Queue, S

queues: S[int] = lwt_pqueue.Make()


def queue_of(*elements: int) -> Queue[int]:
    return reduce(lambda queue, x: queues.add(x, queue), elements, queues.empty)


def drained(queue: Queue[int]) -> list[int]:
    elements = []
    while not queues.is_empty(queue):
        elements.append(queues.find_min(queue))
        queue = queues.remove_min(queue)
    return elements


def test_the_least_element_comes_first() -> None:
    queue = queue_of(3, 1, 2)
    assert queues.find_min(queue) == 1
    assert queues.lookup_min(queue) == Some(1)
    assert queues.size(queue) == 3
    assert drained(queue) == [1, 2, 3]


def test_the_empty_queue_has_no_least_element() -> None:
    assert queues.is_empty(queues.empty)
    assert queues.size(queues.empty) == 0
    assert queues.lookup_min(queues.empty) is None
    with pytest.raises(LookupError, match=r"lwt_pqueue.find_min: the queue is empty"):
        queues.find_min(queues.empty)
    with pytest.raises(LookupError, match=r"lwt_pqueue.remove_min: the queue is empty"):
        queues.remove_min(queues.empty)


@given(st.lists(st.integers(0, 9)), st.lists(st.integers(0, 9)))
def test_queues_are_sorted_lists_with_all_elements(first: list[int], second: list[int]) -> None:
    of_first, of_second = queue_of(*first), queue_of(*second)
    of_both = queues.union(of_first, of_second)
    assert queues.size(of_both) == len(first + second)
    assert drained(of_both) == sorted(first + second)
    assert drained(of_first) == sorted(first)  # as if nothing had been done with it
    assert drained(of_second) == sorted(second)


class Backwards:
    def __init__(self) -> None:
        self.comparisons = 0

    def compare(self, x: int, y: int) -> int:
        self.comparisons += 1
        return y - x


def test_another_order() -> None:
    backwards = lwt_pqueue.Make(Backwards())
    assert backwards.find_min(backwards.add(1, backwards.add(2, backwards.empty))) == 2


def test_an_operation_makes_logarithmically_many_comparisons() -> None:
    order = Backwards()
    functions = lwt_pqueue.Make(order)
    queue = functions.empty
    for x in range(2**10):
        queue = functions.add(x, queue)
    assert order.comparisons < 2 * 2**10
    most = 0
    while not functions.is_empty(queue):
        order.comparisons = 0
        functions.find_min(queue)
        queue = functions.remove_min(queue)
        most = max(most, order.comparisons)
    assert most <= 40


def test_many_elements() -> None:
    assert drained(queue_of(*range(5000), *range(5000))) == sorted([*range(5000)] * 2)


def test_the_repr_tells_the_size() -> None:
    assert repr(queue_of(1, 2)) == "<Queue of 2 elements>"
    assert repr(queue_of(1)) == "<Queue of 1 element>"


def test_wrong_arguments_are_type_errors() -> None:
    wrong: Any = [1]
    for call in (
        lambda: queues.is_empty(wrong),
        lambda: queues.add(1, wrong),
        lambda: queues.union(queues.empty, wrong),
        lambda: queues.union(wrong, queues.empty),
        lambda: queues.find_min(wrong),
        lambda: queues.lookup_min(wrong),
        lambda: queues.remove_min(wrong),
        lambda: queues.size(wrong),
    ):
        with pytest.raises(TypeError, match=r"lwt_pqueue\.\w+: expected a queue, got \[1\]"):
            call()
    with pytest.raises(TypeError, match=r"Make: expected an object with a function compare"):
        lwt_pqueue.Make(wrong)
