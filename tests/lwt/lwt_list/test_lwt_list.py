"""What holds of every function on lists: what it gives, and what it takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import lwt
from lwt import Error, Fail, Ok, Promise, Return, Some, lwt_list
from tests.support.lists import VALUE_THAT_GOES_ON, call
from tests.support.promises import run_pauses

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


def anything(*_: object) -> Promise[None]:
    return lwt.return_unit


@pytest.mark.parametrize("name", lwt_list.__all__)
def test_wrong_arguments_are_type_errors_at_the_call(name: str) -> None:
    function: Callable[..., object] = getattr(lwt_list, name)
    accumulator: tuple[Any, ...] = (0,) if name == "fold_right_s" else ()
    before: tuple[Any, ...] = (0,) if name == "fold_left_s" else ()
    with pytest.raises(TypeError, match=rf"lwt_list\.{name}: expected a function, got 3"):
        function(3, *before, [1], *accumulator)
    with pytest.raises(TypeError, match=rf"lwt_list\.{name}: expected an iterable, got 3"):
        function(anything, *before, 3, *accumulator)
    with pytest.raises(TypeError, match=r"wait for it first"):
        function(anything, *before, lwt.return_nil, *accumulator)


def test_ok_and_error_are_values_as_any() -> None:
    results: list[Ok[int] | Error[str]] = [Ok(1), Error("x")]
    assert lwt.state(lwt_list.map_p(lwt.return_, results)) == Return(results)
