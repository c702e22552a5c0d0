"""The exceptions of the package, and which exceptions the filter lets reject."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import lwt
from lwt import Promise
from tests.support.promises import A, raising


@pytest.mark.parametrize("exception", [lwt.Canceled, lwt.Failure])
def test_exceptions_of_the_package_are_ordinary_exceptions(exception: type[Exception]) -> None:
    assert exception.__bases__ == (Exception,)


def test_a_failure_carries_its_message() -> None:
    assert str(lwt.Failure("why")) == "why"


# Exception_filter

RUNTIME_EXCEPTIONS = [MemoryError(), RecursionError()]


FILTERED: dict[str, Callable[[Callable[..., Promise[int]]], object]] = {
    "map": lambda raiser: lwt.map(raiser, lwt.return_unit),
    "catch": lambda raiser: lwt.catch(raiser, lwt.fail),
    "try_bind": lambda raiser: lwt.try_bind(raiser, lwt.return_, lwt.fail),
    "finalize": lambda raiser: lwt.finalize(raiser, lambda: lwt.return_unit),
    "apply": lambda raiser: lwt.apply(raiser, 1),
    "wrap": lwt.wrap,
    "wrap1": lambda raiser: lwt.wrap1(raiser)(1),
    "async_": lwt.async_,
    "dont_wait": lambda raiser: lwt.dont_wait(raiser, print),
    "on_success": lambda raiser: lwt.on_success(lwt.return_unit, raiser),
    "on_cancel": lambda raiser: lwt.on_cancel(lwt.fail(lwt.Canceled()), raiser),
}


@pytest.mark.parametrize("exception", RUNTIME_EXCEPTIONS, ids=repr)
@pytest.mark.parametrize("function", FILTERED.values(), ids=FILTERED)
def test_exceptions_of_the_runtime_leave_at_once(
    function: Callable[[Callable[..., Promise[int]]], object],
    exception: Exception,
    reported: list[Exception],
) -> None:
    with pytest.raises(type(exception)) as caught:
        function(raising(exception))
    assert caught.value is exception
    assert reported == []


@pytest.mark.parametrize("exception", RUNTIME_EXCEPTIONS, ids=repr)
def test_exceptions_of_the_runtime_leave_callbacks_through_wakeup(exception: Exception) -> None:
    promise, resolver = lwt.wait()
    bound = lwt.bind(promise, raising(exception))
    with pytest.raises(type(exception)):
        lwt.wakeup(resolver, None)
    assert lwt.is_sleeping(bound)


def test_handle_all_lets_exceptions_of_the_runtime_reject() -> None:
    lwt.Exception_filter.set(lwt.Exception_filter.handle_all)
    for exception in RUNTIME_EXCEPTIONS:
        assert lwt.state(lwt.map(raising(exception), lwt.return_unit)) == lwt.Fail(exception)


def test_a_promise_may_be_rejected_with_an_exception_of_the_runtime_by_hand() -> None:
    exception = MemoryError()
    caught = lwt.catch(lambda: lwt.fail(exception), lwt.return_)
    assert lwt.state(caught) == lwt.Return(exception)


def test_a_filter_of_ones_own_decides_about_every_exception() -> None:
    lwt.Exception_filter.set(lambda exception: isinstance(exception, KeyError))
    key_error = KeyError()
    assert lwt.state(lwt.map(raising(key_error), lwt.return_unit)) == lwt.Fail(key_error)
    with pytest.raises(A):
        lwt.map(raising(A()), lwt.return_unit)


def test_the_filter_is_asked_when_the_exception_is_raised() -> None:
    promise, resolver = lwt.wait()
    mapped = lwt.map(raising(MemoryError()), promise)
    lwt.Exception_filter.set(lwt.Exception_filter.handle_all)
    lwt.wakeup(resolver, None)
    assert lwt.state(mapped) == lwt.Fail(MemoryError())


def test_run_asks_the_current_filter() -> None:
    assert not lwt.Exception_filter.run(MemoryError())
    assert not lwt.Exception_filter.run(RecursionError())
    assert lwt.Exception_filter.run(A())
    lwt.Exception_filter.set(lwt.Exception_filter.handle_all)
    assert lwt.Exception_filter.run(MemoryError())
