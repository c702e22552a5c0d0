"""Streams themselves: clones, what is kept, `async for`."""

from __future__ import annotations

import gc
import tracemalloc

import pytest

import lwt
from lwt import Some, lwt_stream
from tests.support.promises import A, rejected_with
from tests.support.streams import from_promises, pushed, rest_of, value_of

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


# --- async for ---------------------------------------------------------------


def test_async_for_goes_on_after_a_failure_of_the_source() -> None:
    stream = from_promises(lwt.return_some(1), lwt.fail(A()), lwt.return_some(2))

    async def collect() -> list[int]:
        return [element async for element in stream]

    assert isinstance(rejected_with(lwt.of_coroutine(collect())), A)
    assert value_of(lwt.of_coroutine(collect())) == [2]


def test_async_for_takes_all_elements() -> None:
    stream, push = lwt_stream.create()

    async def collect() -> list[int]:
        return [element async for element in stream]

    collected = lwt.of_coroutine(collect())
    for n in (1, 2):
        push(Some(n))
    push(None)
    assert value_of(collected) == [1, 2]


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


@pytest.mark.no_cover
def test_memory_does_not_grow_with_the_elements_that_are_read_through_map_and_filter() -> None:
    assert peak_of_reading(100_000) < peak_of_reading(1_000) + 10_000


@pytest.mark.no_cover
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
