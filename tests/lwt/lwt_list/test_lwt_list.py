"""Functions on lists: order of calls, rejections, cancelling, size, arguments."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

import lwt
from lwt import Error, Fail, Ok, Promise, Resolver, Return, Sleep, Some, lwt_list
from lwt._core.resolution import resolution

MILLION = 1_000_000
MANY = 10_000


def call(name: str, f: Callable[[Any], Any], elements: Any) -> Promise[Any]:
    """Call a function of the module with a function of one argument, the element."""
    function: Callable[..., Promise[Any]] = getattr(lwt_list, name)
    if name in {"iteri_s", "iteri_p", "mapi_s", "mapi_p"}:
        return function(lambda _, x: f(x), elements)
    if name == "fold_left_s":
        return function(lambda _, x: f(x), None, elements)
    if name == "fold_right_s":
        return function(lambda x, _: f(x), elements, None)
    return function(f, elements)


SEQUENTIAL = [name for name in lwt_list.__all__ if name.endswith("_s")]
CONCURRENT = [name for name in lwt_list.__all__ if name.endswith("_p")]
VALUE_THAT_GOES_ON = {
    "exists_s": False,
    "find_s": False,
    "filter_map_s": None,
    "filter_map_p": None,
}


class Calls:
    """Records on what it is called; each call returns a pending promise."""

    def __init__(self) -> None:
        self.elements: list[int] = []
        self.promises: list[Promise[Any]] = []
        self.resolvers: list[Resolver[Any]] = []

    def __call__(self, element: int) -> Promise[Any]:
        promise, resolver = lwt.task()
        self.elements.append(element)
        self.promises.append(promise)
        self.resolvers.append(resolver)
        return promise


# What they give


async def tell(value: Any) -> Any:
    await lwt.pause()
    return value


@pytest.mark.parametrize("later", [False, True], ids=["at once", "later"])
def test_results(later: bool) -> None:
    def give(value: Any) -> Promise[Any]:
        return lwt.of_coroutine(tell(value)) if later else lwt.return_(value)

    seen: list[Any] = []

    def see(*values: Any) -> Promise[None]:
        return lwt.map(seen.append, give(values))

    def is_odd(x: int) -> Promise[bool]:
        return give(x % 2 == 1)

    def half(x: int) -> Promise[Some[int] | None]:
        return give(None if x % 2 else Some(x // 2))

    results = {
        "iter_s": lwt_list.iter_s(see, [1, 2]),
        "iter_p": lwt_list.iter_p(see, [3, 4]),
        "iteri_s": lwt_list.iteri_s(see, [5, 6]),
        "iteri_p": lwt_list.iteri_p(see, [7, 8]),
        "map_s": lwt_list.map_s(lambda x: give(-x), [1, 2, 3]),
        "map_p": lwt_list.map_p(lambda x: give(-x), [1, 2, 3]),
        "mapi_s": lwt_list.mapi_s(lambda i, x: give((i, x)), "ab"),
        "mapi_p": lwt_list.mapi_p(lambda i, x: give((i, x)), "ab"),
        "rev_map_s": lwt_list.rev_map_s(lambda x: give(-x), [1, 2, 3]),
        "rev_map_p": lwt_list.rev_map_p(lambda x: give(-x), [1, 2, 3]),
        "fold_left_s": lwt_list.fold_left_s(lambda a, x: give(a + x), "0", "123"),
        "fold_right_s": lwt_list.fold_right_s(lambda x, a: give(a + x), "123", "0"),
        "for_all_s": lwt_list.for_all_s(is_odd, [1, 2, 3]),
        "for_all_s of none": lwt_list.for_all_s(is_odd, []),
        "for_all_p": lwt_list.for_all_p(is_odd, [1, 3]),
        "exists_s": lwt_list.exists_s(is_odd, [2, 3]),
        "exists_s of none": lwt_list.exists_s(is_odd, []),
        "exists_p": lwt_list.exists_p(is_odd, [2, 4]),
        "find_s": lwt_list.find_s(is_odd, [2, 3, 5]),
        "filter_s": lwt_list.filter_s(is_odd, [1, 2, 3]),
        "filter_p": lwt_list.filter_p(is_odd, [1, 2, 3]),
        "filter_map_s": lwt_list.filter_map_s(half, [1, 2, 3, 4]),
        "filter_map_p": lwt_list.filter_map_p(half, [1, 2, 3, 4]),
        "partition_s": lwt_list.partition_s(is_odd, [1, 2, 3]),
        "partition_p": lwt_list.partition_p(is_odd, [1, 2, 3]),
    }
    while lwt.paused_count():
        lwt.wakeup_paused()
    assert sorted(seen) == [(0, 5), (0, 7), (1,), (1, 6), (1, 8), (2,), (3,), (4,)]
    assert {name: lwt.state(promise) for name, promise in results.items()} == {
        "iter_s": Return(None),
        "iter_p": Return(None),
        "iteri_s": Return(None),
        "iteri_p": Return(None),
        "map_s": Return([-1, -2, -3]),
        "map_p": Return([-1, -2, -3]),
        "mapi_s": Return([(0, "a"), (1, "b")]),
        "mapi_p": Return([(0, "a"), (1, "b")]),
        "rev_map_s": Return([-3, -2, -1]),
        "rev_map_p": Return([-3, -2, -1]),
        "fold_left_s": Return("0123"),
        "fold_right_s": Return("0321"),
        "for_all_s": Return(False),
        "for_all_s of none": Return(True),
        "for_all_p": Return(True),
        "exists_s": Return(True),
        "exists_s of none": Return(False),
        "exists_p": Return(False),
        "find_s": Return(3),
        "filter_s": Return([1, 3]),
        "filter_p": Return([1, 3]),
        "filter_map_s": Return([1, 2]),
        "filter_map_p": Return([1, 2]),
        "partition_s": Return(([1, 3], [2])),
        "partition_p": Return(([1, 3], [2])),
    }


def test_find_s_rejects_with_lookup_error_when_the_test_holds_of_none() -> None:
    state = lwt.state(lwt_list.find_s(lambda _: lwt.return_false, [1, 2]))
    assert isinstance(state, Fail)
    assert type(state.exception) is LookupError
    assert "Lwt_list.find_s" in str(state.exception)


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


def test_fold_right_s_calls_the_function_on_the_last_element_first() -> None:
    f = Calls()
    call("fold_right_s", f, [1, 2])
    lwt.wakeup(f.resolvers[0], None)
    assert f.elements == [2, 1]


@pytest.mark.parametrize(
    ("name", "value"), [("for_all_s", False), ("exists_s", True), ("find_s", True)]
)
def test_searches_stop_where_the_answer_is_known(name: str, value: bool) -> None:
    f = Calls()
    result = call(name, f, [1, 2, 3])
    lwt.wakeup(f.resolvers[0], value)
    assert f.elements == [1]
    assert not lwt.is_sleeping(result)


def test_rev_map_p_attaches_to_a_promise_before_the_next_call_and_map_p_after_all() -> None:
    """A callback that is attached later runs earlier: so OCaml lets one tell."""
    events: list[str] = []

    def see_result(name: str, _: object) -> None:
        events.append(f"{name}: result")

    for name in "rev_map_p", "map_p":
        promise, resolver = lwt.wait()

        def f(x: int, promise: Promise[int] = promise, name: str = name) -> Promise[int]:
            if x == 2:
                lwt.on_success(promise, lambda _: events.append(f"{name}: callback of f"))
                return lwt.return_(2)
            return promise

        result = call(name, f, [1, 2])
        lwt.on_success(result, partial(see_result, name))
        lwt.wakeup(resolver, 1)
    assert events == [
        "rev_map_p: callback of f",
        "rev_map_p: result",
        "map_p: result",
        "map_p: callback of f",
    ]


# Rejections


class Wrong(Exception):
    pass


@pytest.mark.parametrize("name", SEQUENTIAL)
def test_the_first_rejection_ends_a_sequential_function(name: str) -> None:
    f = Calls()
    result = call(name, f, [1, 1, 1])
    lwt.wakeup_exn(f.resolvers[0], Wrong())
    assert lwt.state(result) == Fail(Wrong())
    assert f.elements == [1]


@pytest.mark.parametrize("name", lwt_list.__all__)
def test_what_the_function_raises_rejects_the_result(name: str) -> None:
    calls = []

    def f(x: int) -> Promise[Any]:
        calls.append(x)
        raise Wrong

    assert lwt.state(call(name, f, [1, 1])) == Fail(Wrong())
    assert calls == [1] * (1 if name in SEQUENTIAL else 2)


@pytest.mark.parametrize("name", SEQUENTIAL)
def test_what_the_function_raises_later_rejects_the_result(name: str) -> None:
    first, resolver = lwt.wait()
    promises = iter([first])

    def f(_: int) -> Promise[Any]:
        promise = next(promises, None)
        if promise is None:
            raise Wrong
        return promise

    result = call(name, f, [1, 1])
    lwt.wakeup(resolver, VALUE_THAT_GOES_ON.get(name, True))
    assert lwt.state(result) == Fail(Wrong())


@pytest.mark.parametrize("name", ["iter_p", "iteri_p"])
def test_iter_p_waits_for_all_after_a_rejection_and_gives_the_last_that_was_there(
    name: str,
) -> None:
    pending, resolver = lwt.wait()
    promises = [lwt.fail(Wrong(1)), lwt.fail(Wrong(2)), pending]
    result = call(name, lambda x: promises[x], [0, 1, 2])
    assert lwt.state(result) is Sleep
    lwt.wakeup(resolver, None)
    assert lwt.state(result) == Fail(Wrong(2))


@pytest.mark.parametrize("name", sorted(set(CONCURRENT) - {"iter_p", "iteri_p"}))
def test_the_others_show_a_rejection_when_all_after_it_are_fulfilled(name: str) -> None:
    f = Calls()
    result = call(name, f, [1, 2, 3])
    lwt.wakeup_exn(f.resolvers[1], Wrong())
    states = [lwt.is_sleeping(result)]
    lwt.wakeup(f.resolvers[2], VALUE_THAT_GOES_ON.get(name, True))
    states.append(lwt.is_sleeping(result))
    assert states == [True, False]
    assert lwt.state(result) == Fail(Wrong())


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


def run_pauses() -> None:
    while lwt.paused_count():
        lwt.wakeup_paused()


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


@pytest.mark.parametrize("name", lwt_list.__all__)
def test_many_elements_take_no_stack(name: str) -> None:
    value = VALUE_THAT_GOES_ON.get(name, True)
    for f in (lambda _: lwt.return_(value)), (lambda _: lwt.map(lambda _: value, lwt.pause())):
        result = call(name, f, range(MANY))
        run_pauses()
        assert not lwt.is_sleeping(result)


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
        raise Wrong

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


# Arguments


@pytest.mark.parametrize("name", lwt_list.__all__)
def test_async_functions_may_be_called(name: str) -> None:
    value = VALUE_THAT_GOES_ON.get(name, True)

    async def f(_: object) -> Any:
        await lwt.pause()
        return value

    result = call(name, f, [1, 2])
    run_pauses()
    assert not lwt.is_sleeping(result)


@pytest.mark.parametrize("name", lwt_list.__all__)
def test_a_function_that_returns_no_promise_is_named_in_a_rejection(name: str) -> None:
    def wrong(*_: object) -> int:
        return 3

    function: Callable[..., Promise[Any]] = getattr(lwt_list, name)
    accumulator: tuple[Any, ...] = (0,) if name == "fold_right_s" else ()
    before: tuple[Any, ...] = (0,) if name == "fold_left_s" else ()
    state = lwt.state(function(wrong, *before, [1], *accumulator))
    assert isinstance(state, Fail)
    assert isinstance(state.exception, TypeError)
    assert f"lwt_list.{name}: callback" in str(state.exception)
    assert "wrong returned 3 (int), not a promise" in str(state.exception)


@pytest.mark.parametrize("name", ["filter_map_s", "filter_map_p"])
def test_a_value_that_is_no_option_is_a_rejection(name: str) -> None:
    state = lwt.state(call(name, lambda _: lwt.return_(3), [1]))
    assert isinstance(state, Fail)
    assert "gave 3, not an option" in str(state.exception)


@pytest.mark.parametrize("name", lwt_list.__all__)
def test_wrong_arguments_are_type_errors_at_the_call(name: str) -> None:
    function: Callable[..., object] = getattr(lwt_list, name)
    accumulator: tuple[Any, ...] = (0,) if name == "fold_right_s" else ()
    before: tuple[Any, ...] = (0,) if name == "fold_left_s" else ()
    with pytest.raises(TypeError, match=rf"lwt_list\.{name}: expected a function, got 3"):
        function(3, *before, [1], *accumulator)
    with pytest.raises(TypeError, match=rf"lwt_list\.{name}: expected a list .* got 3"):
        function(lwt.return_, *before, 3, *accumulator)
    with pytest.raises(TypeError, match=r"wait for it first"):
        function(lwt.return_, *before, lwt.return_nil, *accumulator)


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
        raise Wrong

    assert lwt.state(lwt_list.map_s(lwt.return_, numbers())) == Fail(Wrong())


def test_ok_and_error_are_values_as_any() -> None:
    results: list[Ok[int] | Error[str]] = [Ok(1), Error("x")]
    assert lwt.state(lwt_list.map_p(lwt.return_, results)) == Return(results)
