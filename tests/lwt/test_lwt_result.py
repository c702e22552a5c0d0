"""Promises of results: each function on Ok, Error and a rejection, at once and later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import lwt
from lwt import Error, Fail, Ok, Promise, Return, lwt_result


class Wrong(Exception):
    pass


def settled(promise: Promise[Any]) -> Any:
    while lwt.paused_count():
        lwt.wakeup_paused()
    return lwt.state(promise)


def later(outcome: Promise[Any]) -> Promise[Any]:
    return lwt.bind(lwt.pause(), lambda _: outcome)


ARRANGEMENTS = pytest.mark.parametrize("arrange", [lambda p: p, later], ids=["at once", "later"])
Arrange = Callable[[Promise[Any]], Promise[Any]]

FUNCTIONS: dict[str, tuple[Callable[[Promise[Any]], Promise[Any]], object, object]] = {
    # what it gives for Ok(1), and for Error(1)
    "map": (lambda p: lwt_result.map(lambda x: x + 1, p), Ok(2), Error(1)),
    "map_error": (lambda p: lwt_result.map_error(lambda x: x + 1, p), Ok(1), Error(2)),
    "map_err": (lambda p: lwt_result.map_err(lambda x: x + 1, p), Ok(1), Error(2)),
    "bind": (lambda p: lwt_result.bind(p, lambda x: lwt_result.fail(x + 1)), Error(2), Error(1)),
    "bind_error": (
        lambda p: lwt_result.bind_error(p, lambda x: lwt_result.return_(x + 1)),
        Ok(1),
        Ok(2),
    ),
    "bind_lwt": (lambda p: lwt_result.bind_lwt(p, lambda x: lwt.return_(x + 1)), Ok(2), Error(1)),
    "bind_lwt_error": (
        lambda p: lwt_result.bind_lwt_error(p, lambda x: lwt.return_(x + 1)),
        Ok(1),
        Error(2),
    ),
    "bind_lwt_err": (
        lambda p: lwt_result.bind_lwt_err(p, lambda x: lwt.return_(x + 1)),
        Ok(1),
        Error(2),
    ),
    "bind_result": (
        lambda p: lwt_result.bind_result(p, lambda x: Error(x + 1)),
        Error(2),
        Error(1),
    ),
    "iter": (lambda p: lwt_result.iter(lambda x: lwt.return_("called"), p), "called", None),
    "iter_error": (lambda p: lwt_result.iter_error(lwt.return_, p), None, 1),
    "ok": (lwt_result.ok, Ok(Ok(1)), Ok(Error(1))),
    "error": (lwt_result.error, Error(Ok(1)), Error(Error(1))),
    "both": (
        lambda p: lwt_result.both(p, lwt_result.return_(2)),
        Ok((1, 2)),
        Error(1),
    ),
    "Let_syntax.map": (
        lambda p: lwt_result.Let_syntax.Let_syntax.map(p, f=lambda x: x + 1),
        Ok(2),
        Error(1),
    ),
    "Let_syntax.bind": (
        lambda p: lwt_result.Let_syntax.Let_syntax.bind(p, f=lambda x: lwt_result.return_(x + 1)),
        Ok(2),
        Error(1),
    ),
}


@ARRANGEMENTS
@pytest.mark.parametrize("name", FUNCTIONS)
def test_ok_error_and_a_rejection(name: str, arrange: Arrange) -> None:
    function, for_ok, for_error = FUNCTIONS[name]
    assert settled(function(arrange(lwt_result.return_(1)))) == Return(for_ok)
    assert settled(function(arrange(lwt_result.fail(1)))) == Return(for_error)
    assert settled(function(arrange(lwt.fail(Wrong())))) == Fail(Wrong())


@ARRANGEMENTS
def test_catch_and_get_exn_are_opposites(arrange: Arrange) -> None:
    def raising() -> Promise[int]:
        raise Wrong

    assert settled(lwt_result.catch(lambda: arrange(lwt.return_(1)))) == Return(Ok(1))
    assert settled(lwt_result.catch(lambda: arrange(lwt.fail(Wrong())))) == Return(Error(Wrong()))
    assert settled(lwt_result.catch(raising)) == Return(Error(Wrong()))
    assert settled(lwt_result.get_exn(arrange(lwt_result.return_(1)))) == Return(1)
    assert settled(lwt_result.get_exn(arrange(lwt_result.fail(Wrong())))) == Fail(Wrong())


def test_lift_gives_the_result() -> None:
    assert lwt.state(lwt_result.lift(Ok(1))) == Return(Ok(1))


def test_both_gives_the_error_that_came_first() -> None:
    (first, wake_first), (second, wake_second) = lwt.wait(), lwt.wait()
    result: Promise[Any] = lwt_result.both(first, second)
    lwt.wakeup(wake_second, Error(2))
    assert lwt.is_sleeping(result)
    lwt.wakeup(wake_first, Error(1))
    assert lwt.state(result) == Return(Error(2))


def test_both_gives_the_second_error_if_both_are_there() -> None:
    result: Promise[Any] = lwt_result.both(lwt_result.fail(1), lwt_result.fail(2))
    assert lwt.state(result) == Return(Error(2))


RAISING: dict[str, tuple[Callable[[Promise[Any], Any], Promise[Any]], Promise[Any], bool]] = {
    # with a function that raises; whether that leaves if the promise is there
    "map": (lambda p, f: lwt_result.map(f, p), lwt_result.return_(1), False),
    "map_error": (lambda p, f: lwt_result.map_error(f, p), lwt_result.fail(1), False),
    "bind": (lwt_result.bind, lwt_result.return_(1), True),
    "bind_error": (lwt_result.bind_error, lwt_result.fail(1), True),
    "bind_lwt": (lwt_result.bind_lwt, lwt_result.return_(1), True),
    "bind_lwt_error": (lwt_result.bind_lwt_error, lwt_result.fail(1), True),
    "bind_result": (lwt_result.bind_result, lwt_result.return_(1), False),
    "iter": (lambda p, f: lwt_result.iter(f, p), lwt_result.return_(1), True),
    "iter_error": (lambda p, f: lwt_result.iter_error(f, p), lwt_result.fail(1), True),
}


@pytest.mark.parametrize("name", RAISING)
def test_what_a_function_raises(name: str) -> None:
    function, promise, leaves = RAISING[name]

    def f(_: object) -> Any:
        raise Wrong

    assert settled(function(later(promise), f)) == Fail(Wrong())
    if leaves:
        with pytest.raises(Wrong):
            function(promise, f)
    else:
        assert lwt.state(function(promise, f)) == Fail(Wrong())


@pytest.mark.parametrize("name", RAISING)
def test_wrong_arguments_are_type_errors_at_the_call(name: str) -> None:
    function, promise, _ = RAISING[name]
    with pytest.raises(TypeError, match=rf"lwt_result\.{name}: expected a function, got 3"):
        function(promise, 3)
    wrong: Any = 3
    with pytest.raises(TypeError, match=rf"lwt_result\.{name}: expected a promise, got 3"):
        function(wrong, lwt.return_)


@pytest.mark.parametrize("name", RAISING)
def test_a_value_that_is_no_result_is_a_type_error(name: str) -> None:
    function, _, _ = RAISING[name]
    state = settled(function(later(lwt.return_(3)), lwt.return_))
    assert isinstance(state, Fail)
    assert str(state.exception).startswith(
        f"lwt_result.{name}: expected lwt.Ok(value) or lwt.Error(error) in the promise, got 3"
    )


@pytest.mark.parametrize("name", sorted(set(RAISING) - {"map", "map_error", "bind_result"}))
def test_a_function_may_be_async_and_must_give_a_promise(name: str) -> None:
    function, promise, _ = RAISING[name]

    async def f(x: int) -> Any:
        await lwt.pause()
        return Ok(x)

    assert isinstance(settled(function(promise, f)), Return)
    with pytest.raises(TypeError, match=rf"lwt_result\.{name}: callback .* not a promise"):
        function(promise, lambda _: 3)


def test_bind_result_demands_a_result() -> None:
    wrong: Any = 1
    promise: Promise[Any] = lwt_result.bind_result(lwt_result.return_(1), lambda _: wrong)
    state = lwt.state(promise)
    assert isinstance(state, Fail)
    assert "returned 1 (int), not a result; return lwt.Ok(value)" in str(state.exception)


def test_lift_demands_a_result() -> None:
    with pytest.raises(TypeError, match=r"lwt_result.lift: expected lwt.Ok\(value\) or lwt.Error"):
        lwt_result.lift(3)  # type: ignore[arg-type]


def test_cancelling_goes_back_to_the_promise() -> None:
    promise, _ = lwt.task()
    lwt.cancel(lwt_result.bind(promise, lwt_result.lift))
    assert lwt.state(promise) == Fail(lwt.Canceled())
