"""Going through a list: order of calls, rejections, cancelling, storage, size."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import lwt
from lwt import Fail, Promise, Some, lwt_list
from lwt._core.resolution import resolution
from tests.support.lists import VALUE_THAT_GOES_ON, Calls, call
from tests.support.promises import A, run_pauses

SEQUENTIAL = [name for name in lwt_list.__all__ if name.endswith("_s")]
CONCURRENT = [name for name in lwt_list.__all__ if name.endswith("_p")]

MILLION = 1_000_000
MANY = 10_000


# Order


@pytest.mark.parametrize("name", SEQUENTIAL)
def test_sequential_functions_start_an_element_when_the_one_before_is_done(name: str) -> None:
    f = Calls()
    result = call(name, f, [1, 1, 1])
    goes_on = VALUE_THAT_GOES_ON.get(name, True)
    started = [len(f.elements)]
    for number in range(3):
        lwt.wakeup(f.resolvers[number], goes_on)
        started.append(len(f.elements))
    assert started == [1, 2, 3, 3]
    assert not lwt.is_sleeping(result)


@pytest.mark.parametrize("name", CONCURRENT)
def test_concurrent_functions_start_all_elements_in_order(name: str) -> None:
    f = Calls()
    result = call(name, f, [1, 2, 3])
    assert f.elements == [1, 2, 3]
    for resolver in f.resolvers:
        assert lwt.is_sleeping(result)
        lwt.wakeup(resolver, VALUE_THAT_GOES_ON.get(name, True))
    assert not lwt.is_sleeping(result)


# Rejections


@pytest.mark.parametrize("name", SEQUENTIAL)
def test_the_first_rejection_ends_a_sequential_function(name: str) -> None:
    f = Calls()
    result = call(name, f, [1, 1, 1])
    lwt.wakeup_exn(f.resolvers[0], A())
    assert lwt.state(result) == Fail(A())
    assert f.elements == [1]


@pytest.mark.parametrize("name", lwt_list.__all__)
def test_what_the_function_raises_rejects_the_result(name: str) -> None:
    calls = []

    def f(x: int) -> Promise[Any]:
        calls.append(x)
        raise A

    assert lwt.state(call(name, f, [1, 1])) == Fail(A())
    assert calls == [1] * (1 if name in SEQUENTIAL else 2)


@pytest.mark.parametrize("name", SEQUENTIAL)
def test_what_the_function_raises_later_rejects_the_result(name: str) -> None:
    first, resolver = lwt.wait()
    promises = iter([first])

    def f(_: int) -> Promise[Any]:
        promise = next(promises, None)
        if promise is None:
            raise A
        return promise

    result = call(name, f, [1, 1])
    lwt.wakeup(resolver, VALUE_THAT_GOES_ON.get(name, True))
    assert lwt.state(result) == Fail(A())


@pytest.mark.parametrize("name", sorted(set(CONCURRENT) - {"iter_p", "iteri_p"}))
def test_the_others_show_a_rejection_when_all_after_it_are_fulfilled(name: str) -> None:
    f = Calls()
    result = call(name, f, [1, 2, 3])
    lwt.wakeup_exn(f.resolvers[1], A())
    states = [lwt.is_sleeping(result)]
    lwt.wakeup(f.resolvers[2], VALUE_THAT_GOES_ON.get(name, True))
    states.append(lwt.is_sleeping(result))
    assert states == [True, False]
    assert lwt.state(result) == Fail(A())


@pytest.mark.parametrize("name", lwt_list.__all__)
def test_an_exception_that_is_no_exception_of_programs_leaves(name: str) -> None:
    def f(_: object) -> Promise[Any]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        call(name, f, [1, 2])
    assert (resolution.depth, resolution.nesting) == (0, 0)


@pytest.mark.parametrize("name", SEQUENTIAL)
def test_it_leaves_through_wakeup_when_a_traversal_was_waiting(name: str) -> None:
    first, resolver = lwt.wait()
    promises = iter([first])

    def f(_: object) -> Promise[Any]:
        promise = next(promises, None)
        if promise is None:
            raise KeyboardInterrupt
        return promise

    call(name, f, [1, 2])
    with pytest.raises(KeyboardInterrupt):
        lwt.wakeup(resolver, VALUE_THAT_GOES_ON.get(name, True))
    assert (resolution.depth, resolution.nesting) == (0, 0)


# Cancelling


def canceled(promises: list[Promise[Any]]) -> list[bool]:
    return [lwt.state(promise) == Fail(lwt.Canceled()) for promise in promises]


@pytest.mark.parametrize("name", SEQUENTIAL)
def test_cancelling_cancels_the_promise_of_the_element_it_stands_at(name: str) -> None:
    f = Calls()
    result = call(name, f, [1, 1, 1])
    lwt.wakeup(f.resolvers[0], VALUE_THAT_GOES_ON.get(name, True))
    lwt.cancel(result)
    assert canceled(f.promises) == [False, True]
    assert lwt.state(result) == Fail(lwt.Canceled())


@pytest.mark.parametrize(
    ("name", "cancelled"),
    [(name, [True] * 3 if "iter" in name else [False, False, True]) for name in CONCURRENT],
)
def test_cancelling_cancels_all_promises_of_iter_p_and_the_last_of_others(
    name: str, cancelled: list[bool]
) -> None:
    f = Calls()
    lwt.cancel(call(name, f, [1, 2, 3]))
    assert canceled(f.promises) == cancelled


@pytest.mark.parametrize("name", sorted(set(CONCURRENT) - {"iter_p", "iteri_p"}))
def test_cancelling_goes_to_the_one_before_when_the_last_is_fulfilled(name: str) -> None:
    f = Calls()
    result = call(name, f, [1, 2, 3])
    lwt.wakeup(f.resolvers[2], VALUE_THAT_GOES_ON.get(name, True))
    lwt.cancel(result)
    assert canceled(f.promises) == [False, True, False]


# Storage


@pytest.mark.parametrize("name", SEQUENTIAL)
def test_the_storage_is_kept_from_element_to_element(name: str) -> None:
    key: lwt.Key[int] = lwt.new_key()
    f = Calls()
    seen = []

    def look(x: int) -> Promise[Any]:
        seen.append(lwt.get(key))
        return f(x)

    lwt.with_value(key, Some(1), lambda: call(name, look, [1, 1]))
    lwt.with_value(
        key, Some(2), lambda: lwt.wakeup(f.resolvers[0], VALUE_THAT_GOES_ON.get(name, True))
    )
    assert seen == [Some(1), Some(1)]


# Size


@pytest.fixture
def flat() -> Iterator[Callable[[], int]]:
    """Tell how much more memory there was in between, in kilobytes."""
    assert sys.getrecursionlimit() <= 1000
    gc.collect()
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1] // 1000
    tracemalloc.stop()


def true_later(_: object) -> Promise[bool]:
    return lwt.map(lambda _: True, lwt.pause())


@pytest.mark.no_cover
@pytest.mark.parametrize("name", ["iter_s", "iteri_s", "fold_left_s", "for_all_s"])
@pytest.mark.parametrize("later", [False, True], ids=["at once", "later"])
def test_what_keeps_nothing_keeps_memory_flat(
    name: str, later: bool, flat: Callable[[], int]
) -> None:
    f = true_later if later else lambda _: lwt.return_true
    result = call(name, f, (x for x in range(MANY)))
    run_pauses()
    assert not lwt.is_sleeping(result)
    assert flat() < 100


@pytest.mark.no_cover
@pytest.mark.parametrize("name", lwt_list.__all__)
def test_many_elements_take_no_stack(name: str) -> None:
    value = VALUE_THAT_GOES_ON.get(name, True)
    for f in (lambda _: lwt.return_(value)), (lambda _: lwt.map(lambda _: value, lwt.pause())):
        result = call(name, f, range(MANY))
        run_pauses()
        assert not lwt.is_sleeping(result)


@pytest.mark.no_cover
@pytest.mark.parametrize("name", CONCURRENT)
def test_many_pending_elements_may_be_resolved_in_any_order(name: str) -> None:
    for backwards in False, True:
        f = Calls()
        result = call(name, f, range(MANY))
        for resolver in f.resolvers[::-1] if backwards else f.resolvers:
            lwt.wakeup(resolver, VALUE_THAT_GOES_ON.get(name, True))
        assert not lwt.is_sleeping(result)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["iter_s", "fold_left_s"])
@pytest.mark.parametrize(
    ("f", "many"), [(lambda _: lwt.return_true, MILLION), (true_later, MILLION // 10)]
)
def test_any_number_of_elements_takes_no_more_memory_than_a_thousand(
    name: str, f: Callable[[object], Promise[bool]], many: int, flat: Callable[[], int]
) -> None:
    peaks = []
    for number in 1000, 1000, many:  # The first time, what is made once.
        tracemalloc.reset_peak()
        result = call(name, f, (x for x in range(number)))
        run_pauses()
        assert not lwt.is_sleeping(result)
        peaks.append(flat())
    assert peaks[2] - peaks[1] <= 5


@pytest.mark.slow
@pytest.mark.parametrize("name", ["iter_s", "fold_left_s", "map_s", "map_p", "rev_map_p"])
def test_a_million_elements(name: str) -> None:
    assert not lwt.is_sleeping(call(name, lambda _: lwt.return_(1), range(MILLION)))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["iter_s", "map_p"])
def test_a_million_pending_elements(name: str) -> None:
    result = call(name, lambda _: lwt.pause(), range(MILLION))
    run_pauses()
    assert not lwt.is_sleeping(result)


@pytest.mark.no_cover
@pytest.mark.parametrize("name", lwt_list.__all__)
def test_lists_in_lists_take_no_stack(name: str) -> None:
    value = VALUE_THAT_GOES_ON.get(name, True)
    depth = 2000

    def nest(level: int) -> Promise[Any]:
        if level == depth:
            return lwt.return_(value)
        return lwt.map(lambda _: value, call(name, lambda _: nest(level + 1), [0]))

    assert not lwt.is_sleeping(nest(0))


def test_a_rejected_traversal_is_freed_without_the_collector() -> None:
    def f(x: int) -> Promise[int]:
        raise A

    for name in lwt_list.__all__:
        call(name, f, [1, 2])  # What is made once.
        gc.collect()
        gc.disable()
        try:
            call(name, f, [1, 2])
            call(name, int, ["x"])
            assert (name, gc.collect()) == (name, 0)
        finally:
            gc.enable()


# What is gone through


@pytest.mark.parametrize("name", lwt_list.__all__)
def test_a_list_that_changes_meanwhile_counts_as_it_was_at_the_call(name: str) -> None:
    f = Calls()
    elements = [1, 2]
    result = call(name, f, elements)
    elements.clear()
    while f.resolvers:
        lwt.wakeup(f.resolvers.pop(0), VALUE_THAT_GOES_ON.get(name, True))
    assert len(f.elements) == 2
    assert not lwt.is_sleeping(result)


def test_sequential_functions_read_an_iterator_as_they_go() -> None:
    read = []

    def numbers() -> Iterator[int]:
        for x in range(3):
            read.append(x)
            yield x

    f = Calls()
    lwt_list.iter_s(f, numbers())
    assert read == [0]
    lwt.wakeup(f.resolvers[0], None)
    assert read == [0, 1]


def test_what_an_iterator_raises_rejects_the_result() -> None:
    def numbers() -> Iterator[int]:
        yield 1
        raise A

    assert lwt.state(lwt_list.map_s(lwt.return_, numbers())) == Fail(A())
