"""Elements as a linked list: which of them are kept, and what may be one."""

from __future__ import annotations

import tracemalloc
import weakref

import pytest

import lwt
from lwt import Some, lwt_stream
from lwt.lwt_stream._source import Cell, Source, option_of
from tests.support.streams import pushed, rest_of


def test_a_push_takes_an_option() -> None:
    stream, push = lwt_stream.create()
    with pytest.raises(TypeError, match=r"push: expected an option, got 3 .*lwt\.Some\(element\)"):
        push(3)  # type: ignore[arg-type]  # that is the mistake
    push(None)
    assert rest_of(stream) == []


def test_none_may_be_an_element() -> None:
    stream, push = pushed(None)
    push(None)
    assert rest_of(stream) == [None]


class Thing:
    """An element that can be watched."""


class Ended(Source):
    """A source that has been ended by somebody else, as a finaliser may do at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.first = self.last
        self.end_once()

    def feed(self, cell: Cell) -> None:
        raise AssertionError("nothing is asked for")

    def elements(self) -> list[object]:
        """All that is in the queue: options, and None for the end."""
        found: list[object] = []
        cell = self.first
        while cell is not self.last:
            found.append(option_of(cell))
            cell = cell.next
        return found


@pytest.mark.parametrize("is_bare", [True, False])
def test_what_was_asked_for_after_a_finaliser_has_ended_the_stream_comes_before_the_end(
    is_bare: bool,
) -> None:
    source = Ended()
    for element in (1, 2):
        if is_bare:
            source.enqueue_bare(element, source.end)
        else:
            source.enqueue(Some(element), source.end)
    source.end_once()  # Once is enough.
    assert source.elements() == [Some(1), Some(2), None]
    assert lwt.state(source.closed) == lwt.Return(None)


@pytest.mark.parametrize("is_bare", [True, False])
def test_what_was_asked_for_before_the_stream_was_ended_comes_after_the_end(is_bare: bool) -> None:
    source = Ended()
    if is_bare:
        source.enqueue_bare(1, None)
    else:
        source.enqueue(Some(1), None)
    assert source.elements() == [None, Some(1)]


@pytest.mark.parametrize("reading", [True, False])
def test_an_element_lives_as_long_as_a_clone_has_still_to_read_it(reading: bool) -> None:
    thing = Thing()
    alive = weakref.ref(thing)
    stream, push = pushed(thing)
    clone = lwt_stream.clone(stream)
    del thing
    lwt_stream.junk(stream)
    assert alive() is not None
    if reading:
        lwt_stream.junk(clone)
    else:
        del clone
    assert alive() is None
    push(None)


def test_an_element_that_nobody_can_read_is_dropped() -> None:
    stream, push = lwt_stream.create()
    del stream
    thing = Thing()
    alive = weakref.ref(thing)
    push(Some(thing))
    del thing
    assert alive() is None


def test_a_clone_that_nobody_reads_holds_memory_and_one_that_is_dropped_does_not() -> None:
    stream, push = lwt_stream.create()
    clone = lwt_stream.clone(stream)
    tracemalloc.start()
    try:
        for n in range(10_000):
            push(Some(n))
            lwt_stream.junk(stream)
        unread, _ = tracemalloc.get_traced_memory()
        del clone
        dropped, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert unread > 10_000 * 64
    assert dropped < 10_000


def test_many_elements_that_are_dropped_unread_need_no_stack() -> None:
    stream, push = lwt_stream.create()
    for n in range(200_000):
        push(Some(n))
    del stream
    push(None)
