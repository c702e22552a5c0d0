"""Priority queues against sorted lists; a queue that another was made of stays what it was."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import lwt
from lwt import lwt_pqueue


class Element(NamedTuple):
    """Elements of the same key are equal to the order, but not the same."""

    key: int
    number: int


class ByKey:
    """An order, as `Make` takes it, that counts what it is asked."""

    def __init__(self) -> None:
        self.comparisons = 0

    def compare(self, x: Element, y: Element) -> int:
        self.comparisons += 1
        return x.key - y.key


class Versions(RuleBasedStateMachine):
    """All queues that there ever were, each beside the sorted list of its elements."""

    def __init__(self) -> None:
        super().__init__()
        self.order = ByKey()
        self.queues = lwt_pqueue.Make(self.order)
        self.versions: list[tuple[lwt_pqueue.Queue[Element], list[Element]]] = [
            (self.queues.empty, [])
        ]
        self.number = 0

    def draw(self, data: st.DataObject) -> tuple[lwt_pqueue.Queue[Element], list[Element]]:
        """Mostly the newest."""
        back = data.draw(st.one_of(st.just(1), st.integers(1, len(self.versions))))
        return self.versions[-back]

    @rule(data=st.data(), key=st.integers(0, 5))
    def add(self, data: st.DataObject, key: int) -> None:
        queue, elements = self.draw(data)
        self.number += 1
        element = Element(key, self.number)
        self.versions.append((self.queues.add(element, queue), sorted([*elements, element])))

    @rule(data=st.data())
    def union(self, data: st.DataObject) -> None:
        (first, some), (second, others) = self.draw(data), self.draw(data)
        if len(some) + len(others) <= 64:
            self.versions.append((self.queues.union(first, second), sorted(some + others)))

    @rule(data=st.data())
    def remove_min(self, data: st.DataObject) -> None:
        queue, elements = self.draw(data)
        if not elements:
            with pytest.raises(LookupError):
                self.queues.remove_min(queue)
            return
        gone = self.queues.find_min(queue)
        assert gone.key == elements[0].key
        assert gone in elements
        rest = list(elements)
        rest.remove(gone)
        self.versions.append((self.queues.remove_min(queue), rest))

    @precondition(lambda self: len(self.versions) > 12)
    @rule()
    def forget_the_oldest(self) -> None:
        del self.versions[:6]

    @invariant()
    def the_least_element_and_the_size_are_as_in_the_list(self) -> None:
        queue, elements = self.versions[-1]
        assert self.queues.size(queue) == len(elements)
        assert self.queues.is_empty(queue) == (not elements)
        found = self.queues.lookup_min(queue)
        assert (found.value.key if found else None) == (elements[0].key if elements else None)

    @invariant()
    def an_operation_compares_as_often_as_there_are_trees_or_a_few_times_that(self) -> None:
        queue, elements = self.versions[-1]
        trees = len(elements).bit_length()
        for operation in (
            lambda: self.queues.add(Element(3, 0), queue),
            lambda: self.queues.lookup_min(queue),
            lambda: self.queues.remove_min(queue) if elements else None,
            lambda: self.queues.union(queue, queue),
        ):
            before = self.order.comparisons
            operation()
            assert self.order.comparisons - before <= 3 * trees

    def teardown(self) -> None:
        """Every version gives all its elements, in order, whatever was made of it."""
        for queue, elements in self.versions:
            rest, taken = queue, []
            while isinstance(found := self.queues.lookup_min(rest), lwt.Some):
                taken.append(found.value)
                rest = self.queues.remove_min(rest)
            assert [element.key for element in taken] == [element.key for element in elements]
            assert sorted(taken) == elements


TestVersions = Versions.TestCase
TestVersions.settings = settings(stateful_step_count=25)  # The queues grow large enough.
