"""Streams themselves: clones, what is kept, interrupts, and very many elements."""

from __future__ import annotations

import gc
import tracemalloc
import weakref
from collections.abc import Callable
from typing import Any, NoReturn

import pytest

import lwt
from lwt import Promise, Some, lwt_stream
from lwt.lwt_stream import Stream
from tests.support.promises import A, rejected_with
from tests.support.streams import pushed, rest_of, value_of

# --- Clones ------------------------------------------------------------------


def test_clones_see_every_element_and_do_not_disturb_each_other() -> None:
    stream, push = pushed(1, 2)
    lwt_stream.get(stream)
    clone = lwt_stream.clone(stream)
    push(Some(3))
    assert lwt_stream.get_available(stream) == [2, 3]
    push(None)
    assert lwt_stream.is_closed(clone)
    assert rest_of(clone) == [2, 3]


def test_clones_share_the_calls_of_the_function() -> None:
    numbers = iter(range(3))
    stream = lwt_stream.of_seq(numbers)
    clone = lwt_stream.clone(stream)
    lwt_stream.get(stream)
    assert rest_of(clone) == [0, 1, 2]
    assert rest_of(stream) == [1, 2]


class Thing:
    """An element that can be watched."""


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


def test_reading_makes_no_circles() -> None:
    gc.collect()
    gc.disable()
    try:
        stream, push = lwt_stream.create()
        mapped = lwt_stream.filter(bool, lwt_stream.map_s(lwt.return_, stream))
        reading = lwt_stream.iter_s(lwt.return_, mapped)
        push(Some(1))
        push(Some(0))
        push(None)
        assert value_of(reading) is None
        del stream, push, mapped, reading
        assert gc.collect() == 0
    finally:
        gc.enable()


@pytest.mark.parametrize(
    "transform", [lwt_stream.map, lwt_stream.filter, lwt_stream.map_s, lwt_stream.filter_s]
)
def test_a_function_that_raises_after_waiting_makes_no_circles(
    transform: Callable[..., Stream[Any]],
) -> None:
    def function(_: object) -> NoReturn:
        raise A

    gc.collect()
    gc.disable()
    try:
        stream, push = lwt_stream.create()
        transformed = transform(function, stream)
        reading = lwt_stream.get(transformed)
        push(Some(1))
        assert isinstance(rejected_with(reading), A)
        del stream, push, transformed, reading
        assert gc.collect() == 0
    finally:
        gc.enable()


# --- Memory ------------------------------------------------------------------


def peak_of_reading(number: int) -> int:
    """How many bytes are in use at most while so many elements go through `map` and `filter`."""
    numbers = lwt_stream.of_seq(iter(range(number)))
    mapped = lwt_stream.map(lambda n: 2 * n, numbers)
    filtered = lwt_stream.filter(lambda n: n % 3 == 0, mapped)
    gc.collect()
    tracemalloc.start()
    try:
        total = lwt_stream.fold(lambda _, count: count + 1, filtered, 0)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert value_of(total) == (number + 2) // 3
    return peak


def test_memory_does_not_grow_with_the_elements_that_are_read_through_map_and_filter() -> None:
    assert peak_of_reading(100_000) < peak_of_reading(1_000) + 10_000


def test_memory_does_not_grow_with_the_elements_that_are_pushed_and_read_one_by_one() -> None:
    def peak_of_pushing(number: int) -> int:
        stream, push = lwt_stream.create()
        mapped = lwt_stream.map_s(lwt.return_, lwt_stream.filter(lambda _: True, stream))
        done = lwt_stream.iter_s(lambda _: lwt.return_unit, mapped)
        gc.collect()
        tracemalloc.start()
        try:
            for n in range(number):
                push(Some(n))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert lwt.is_sleeping(done)
        return peak

    assert peak_of_pushing(10_000) < peak_of_pushing(500) + 10_000


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


# --- Without end -------------------------------------------------------------


def test_streams_of_streams_of_streams_need_no_stack() -> None:
    stream = lwt_stream.of_seq(range(3))
    for _ in range(2_000):
        stream = lwt_stream.map(lambda n: n + 1, stream)
    assert rest_of(stream) == [2_000, 2_001, 2_002]


def test_a_hundred_thousand_elements_that_come_one_by_one_need_no_stack() -> None:
    stream, push = lwt_stream.create()
    number = lwt_stream.fold(lambda _, n: n + 1, lwt_stream.filter(lambda _: True, stream), 0)
    parallel = lwt_stream.iter_p(lwt.return_, lwt_stream.clone(stream))
    for n in range(100_000):
        push(Some(n))
    push(None)
    assert value_of(number) == 100_000
    assert value_of(parallel) is None


def test_many_elements_that_are_dropped_unread_need_no_stack() -> None:
    stream, push = lwt_stream.create()
    for n in range(200_000):
        push(Some(n))
    del stream
    push(None)


# --- Interrupts --------------------------------------------------------------


def test_an_interrupt_of_a_source_leaves_and_the_stream_goes_on() -> None:
    calls = 0

    def source() -> Promise[Some[int] | None]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise KeyboardInterrupt
        return lwt.return_(Some(calls) if calls < 4 else None)

    stream = lwt_stream.from_(source)
    with pytest.raises(KeyboardInterrupt):
        lwt_stream.get(stream)
    assert rest_of(stream) == [2, 3]


@pytest.mark.parametrize(
    "transform",
    [
        lwt_stream.map,
        lwt_stream.map_s,
        lwt_stream.filter,
        lwt_stream.filter_s,
        lwt_stream.filter_map,
        lwt_stream.filter_map_s,
        lwt_stream.map_list,
        lwt_stream.map_list_s,
    ],
)
def test_an_interrupt_of_a_function_that_has_waited_leaves_and_the_stream_goes_on(
    transform: Callable[..., Stream[Any]],
) -> None:
    def function(n: int) -> NoReturn:
        raise KeyboardInterrupt if n == 1 else A

    stream, push = lwt_stream.create()
    transformed = transform(function, stream)
    waiting = lwt_stream.get(transformed)
    with pytest.raises(KeyboardInterrupt):
        push(Some(1))
    assert lwt.is_sleeping(waiting)  # As the promise of a `bind` whose callback is interrupted.

    next_one = lwt_stream.get(transformed)
    push(Some(2))
    assert isinstance(rejected_with(next_one), A)
