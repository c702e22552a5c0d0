"""Ordinary functions made to return promises: `apply`, `wrap`, `wrap1` to `wrap7`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import lwt
from lwt import Promise
from tests.support.promises import A, Recorder, pending, raising, rejected_with

WRAPS: list[Callable[[Callable[..., Any]], Callable[..., Promise[Any]]]] = [
    lwt.wrap1,
    lwt.wrap2,
    lwt.wrap3,
    lwt.wrap4,
    lwt.wrap5,
    lwt.wrap6,
    lwt.wrap7,
]
each_wrap = pytest.mark.parametrize(
    ("number", "wrap"), list(enumerate(WRAPS, start=1)), ids=[f"wrap{n}" for n in range(1, 8)]
)


def test_wrap_calls_its_function_at_once(record: Recorder) -> None:
    promise = lwt.wrap(record.on("called"))
    assert record.events == ["called"]
    assert lwt.state(promise) == lwt.Return(None)


def test_wrap_turns_an_exception_into_a_rejection() -> None:
    exception = A()
    assert rejected_with(lwt.wrap(raising(exception))) is exception


@each_wrap
def test_a_wrapped_function_gets_its_arguments_in_order(
    number: int, wrap: Callable[[Callable[..., Any]], Callable[..., Promise[Any]]]
) -> None:
    arguments = tuple(range(number))
    assert lwt.state(wrap(lambda *args: args)(*arguments)) == lwt.Return(arguments)


@each_wrap
def test_a_wrapped_function_is_called_by_each_call_and_not_before(
    number: int,
    wrap: Callable[[Callable[..., Any]], Callable[..., Promise[Any]]],
    record: Recorder,
) -> None:
    wrapped = wrap(record.on("called"))
    assert record.events == []
    wrapped(*range(number))
    wrapped(*range(number))
    assert record.events == ["called", "called"]


@each_wrap
def test_an_exception_of_a_wrapped_function_rejects(
    number: int, wrap: Callable[[Callable[..., Any]], Callable[..., Promise[Any]]]
) -> None:
    exception = A()
    assert rejected_with(wrap(raising(exception))(*range(number))) is exception


@each_wrap
def test_a_wrapped_function_with_a_wrong_number_of_arguments_raises(
    number: int, wrap: Callable[[Callable[..., Any]], Callable[..., Promise[Any]]]
) -> None:
    with pytest.raises(TypeError, match=rf"wrap{number}: the function takes {number} arguments?"):
        wrap(lambda *args: args)(*range(number + 1))


def test_wrap_does_not_unwrap_a_promise_that_its_function_returns() -> None:
    inner = pending()
    state = lwt.state(lwt.wrap(lambda: inner))
    assert isinstance(state, lwt.Return)
    assert state.value is inner


def test_apply_returns_the_promise_that_its_function_returns() -> None:
    inner = pending()
    assert lwt.apply(lambda _: inner, 1) is inner


def test_apply_hands_its_argument_over() -> None:
    assert lwt.state(lwt.apply(lwt.return_, 3)) == lwt.Return(3)


def test_apply_turns_an_exception_into_a_rejection() -> None:
    exception = A()
    assert rejected_with(lwt.apply(raising(exception), 1)) is exception


@pytest.mark.parametrize("number", range(1, 8))
def test_a_lifted_function_takes_its_number_of_arguments(number: int) -> None:
    lifted = getattr(lwt, f"wrap{number}")(lambda *arguments: len(arguments))
    assert lwt.state(lifted(*range(number))) == lwt.Return(number)
    with pytest.raises(
        TypeError, match=rf"lwt\.wrap{number}\b.*{number} arguments?, got {number + 1}"
    ):
        lifted(*range(number + 1))
