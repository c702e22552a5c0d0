"""One exception given to many promises, and exceptions that handlers raise."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

import lwt
from lwt import lwt_condition, lwt_mvar, lwt_stream
from tests.support.promises import A, B

pytestmark = pytest.mark.usefixtures("nothing_left_over")


LWT = str(Path(lwt.__file__).parent)


def functions_of(exception: BaseException) -> list[str]:
    """The functions in the traceback of an exception, without those of `lwt`, outermost first."""
    entries = traceback.extract_tb(exception.__traceback__)
    return [entry.name for entry in entries if not entry.filename.startswith(LWT)]


def length(entry: TracebackType | None) -> int:
    return 0 if entry is None else 1 + length(entry.tb_next)


# --- One exception, many promises --------------------------------------------


async def first_waiter(promise: lwt.Promise[Any]) -> None:
    await promise


async def second_waiter(promise: lwt.Promise[Any]) -> None:
    await promise


def by_wakeup_exn(exception: Exception) -> list[lwt.Promise[Any]]:
    pairs = [lwt.wait(), lwt.wait()]
    results = both_wait([promise for promise, _ in pairs])
    for _, resolver in pairs:
        lwt.wakeup_exn(resolver, exception)
    return results


def by_wakeup_later_result(exception: Exception) -> list[lwt.Promise[Any]]:
    pairs = [lwt.wait(), lwt.wait()]
    results = both_wait([promise for promise, _ in pairs])
    for _, resolver in pairs:
        lwt.wakeup_later_result(resolver, lwt.Error(exception))
    return results


def by_broadcast_exn(exception: Exception) -> list[lwt.Promise[Any]]:
    condition: lwt_condition.Condition[None] = lwt_condition.create()
    results = both_wait([lwt_condition.wait(condition), lwt_condition.wait(condition)])
    lwt_condition.broadcast_exn(condition, exception)
    return results


def by_one_promise(exception: Exception) -> list[lwt.Promise[Any]]:
    promise, resolver = lwt.wait()
    results = both_wait([promise, promise])
    lwt.wakeup_exn(resolver, exception)
    return results


def by_fail(exception: Exception) -> list[lwt.Promise[Any]]:
    return both_wait([lwt.fail(exception), lwt.fail(exception)])


def both_wait(promises: list[lwt.Promise[Any]]) -> list[lwt.Promise[Any]]:
    first, second = promises
    return [lwt.of_coroutine(first_waiter(first)), lwt.of_coroutine(second_waiter(second))]


EVERY_WAY = pytest.mark.parametrize(
    "give", [by_wakeup_exn, by_wakeup_later_result, by_broadcast_exn, by_one_promise, by_fail]
)


def exception_of(promise: lwt.Promise[Any]) -> Exception:
    state = lwt.state(promise)
    assert isinstance(state, lwt.Fail)
    return state.exception


@EVERY_WAY
def test_an_exception_that_many_wait_for_shows_each_only_its_own_frames(
    give: Callable[[Exception], list[lwt.Promise[Any]]],
) -> None:
    first, second = give(A())
    assert functions_of(exception_of(first)) == ["first_waiter"]
    assert functions_of(exception_of(second)) == ["second_waiter"]
    assert functions_of(exception_of(first)) == ["first_waiter"]  # Looking has changed nothing.


@EVERY_WAY
def test_where_an_exception_was_raised_first_is_kept(
    give: Callable[[Exception], list[lwt.Promise[Any]]],
) -> None:
    def origin() -> None:
        raise A

    with pytest.raises(A) as raised:
        origin()
    first, second = give(raised.value)
    here = test_where_an_exception_was_raised_first_is_kept.__name__
    assert functions_of(exception_of(first)) == ["first_waiter", here, "origin"]
    assert functions_of(exception_of(second)) == ["second_waiter", here, "origin"]


@EVERY_WAY
def test_an_exception_that_is_given_again_and_again_does_not_grow(
    give: Callable[[Exception], list[lwt.Promise[Any]]],
) -> None:
    exception = A()
    lengths = set()
    for _ in range(5):
        for result in give(exception):
            lengths.add(length(exception_of(result).__traceback__))
    assert len(lengths) == 1


def test_an_exception_that_is_caught_and_given_again_does_not_grow() -> None:
    exception = A()

    async def catch_it() -> None:
        try:
            await lwt.fail(exception)
        except A:
            return

    lengths = set()
    for _ in range(5):
        lwt.of_coroutine(catch_it())
        lengths.add(length(exception.__traceback__))
    assert len(lengths) == 1


def test_an_exception_that_is_raised_again_and_again_grows_by_its_own_frames_alone() -> None:
    """As in any Python program."""
    exception = A()

    def fail() -> lwt.Promise[None]:
        raise exception

    lengths: list[int] = []

    def handler(exception: Exception) -> lwt.Promise[None]:
        lengths.append(length(exception.__traceback__))
        return lwt.return_unit

    for _ in range(3):
        lwt.catch(fail, handler)
    assert lengths == [1, 2, 3]


def test_a_rejection_that_is_looked_at_shows_its_own_frames_to_handlers_and_to_the_hook() -> None:
    first, second = by_wakeup_exn(A())
    seen: list[list[str]] = []
    lwt.on_failure(second, lambda exception: seen.append(functions_of(exception)))
    lwt.on_failure(first, lambda exception: seen.append(functions_of(exception)))
    lwt.dont_wait(lambda: second, lambda exception: seen.append(functions_of(exception)))
    assert seen == [["second_waiter"], ["first_waiter"], ["second_waiter"]]


def test_a_value_and_a_stream_that_fail_with_one_exception_again_and_again_do_not_grow() -> None:
    exception = A()

    async def read(promise: lwt.Promise[Any]) -> None:
        try:
            await promise
        except A:
            return

    stream: lwt_stream.Stream[None] = lwt_stream.from_(
        lambda: lwt.bind(lwt.pause(), lambda _: lwt.fail(exception))
    )
    lengths = set()
    for _ in range(5):
        reading = lwt.of_coroutine(read(lwt_stream.get(stream)))
        lwt.wakeup_paused()
        assert lwt.state(reading) == lwt.Return(None)
        lengths.add(length(exception.__traceback__))
    assert len(lengths) == 1
    assert lwt_mvar.is_empty(lwt_mvar.create_empty())


# --- What a handler raises ---------------------------------------------------


def raise_b(*_: object) -> Any:
    raise B


async def raise_b_at_once(*_: object) -> Any:
    raise B


async def raise_b_later(*_: object) -> Any:
    await lwt.pause()
    raise B


def pending_failure() -> lwt.Promise[Any]:
    return lwt.bind(lwt.pause(), lambda _: lwt.fail(FIRST))


def failure() -> lwt.Promise[Any]:
    return lwt.fail(FIRST)


def raising() -> lwt.Promise[Any]:
    raise FIRST


FIRST = A("first")

USES: dict[str, Callable[[Any, Any], Any]] = {
    "catch": lwt.catch,
    "try_bind": lambda function, handler: lwt.try_bind(function, lwt.return_, handler),
    "finalize": lwt.finalize,
    "backtrace_catch": lambda f, h: lwt.backtrace_catch("f.py", 1, lambda e: e, f, h),
    "backtrace_try_bind": lambda f, h: lwt.backtrace_try_bind(
        "f.py", 1, lambda e: e, f, lwt.return_, h
    ),
    "backtrace_finalize": lambda f, h: lwt.backtrace_finalize("f.py", 1, lambda e: e, f, h),
}


@pytest.mark.parametrize("handler", [raise_b, raise_b_at_once, raise_b_later])
@pytest.mark.parametrize("function", [failure, pending_failure, raising])
@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_the_first_exception_is_the_context_of_what_a_handler_raises(
    use: Callable[[Any, Any], lwt.Promise[Any]],
    function: Callable[[], lwt.Promise[Any]],
    handler: Callable[..., Any],
) -> None:
    result = lwt.apply(partial(use, function), handler)
    while lwt.is_sleeping(result):
        lwt.wakeup_paused()
    exception = exception_of(result)
    assert type(exception) is B
    assert exception.__context__ is FIRST
    assert FIRST.__context__ is None


@pytest.mark.parametrize(
    "watch",
    [
        lwt.on_failure,
        lambda promise, handler: lwt.on_any(promise, lambda _: None, handler),
        lwt.on_termination,
    ],
    ids=["on_failure", "on_any", "on_termination"],
)
@pytest.mark.parametrize("function", [failure, pending_failure])
def test_the_first_exception_is_the_context_of_what_the_hook_sees(
    watch: Callable[[Any, Any], None],
    function: Callable[[], lwt.Promise[Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[Exception] = []
    monkeypatch.setattr(lwt.async_exception_hook, "contents", seen.append)
    watch(function(), raise_b)
    lwt.wakeup_paused()
    assert [type(exception) for exception in seen] == [B]
    assert seen[0].__context__ is FIRST


@pytest.mark.parametrize("function", [failure, pending_failure])
@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_an_exception_that_a_handler_raises_again_is_not_its_own_context(
    use: Callable[[Any, Any], lwt.Promise[Any]], function: Callable[[], lwt.Promise[Any]]
) -> None:
    def again(*_: object) -> lwt.Promise[Any]:
        raise FIRST

    result = lwt.apply(partial(use, function), again)
    lwt.wakeup_paused()
    assert exception_of(result) is FIRST
    assert FIRST.__context__ is None


def test_an_older_exception_that_a_handler_raises_again_closes_no_circle() -> None:
    older, newer = A(), B()
    newer.__context__ = older

    def handler(_: Exception) -> lwt.Promise[Any]:
        raise older

    assert exception_of(lwt.apply(partial(lwt.catch, lambda: lwt.fail(newer)), handler)) is older
    assert older.__context__ is None


def test_what_a_handler_was_handling_itself_stays_the_context() -> None:
    def handler(_: Exception) -> lwt.Promise[Any]:
        try:
            raise A
        except A:
            raise B from None

    exception = exception_of(lwt.apply(partial(lwt.catch, failure), handler))
    assert isinstance(exception.__context__, A)
    assert exception.__context__ is not FIRST


def test_the_traceback_of_what_a_handler_raises_shows_no_frame_of_lwt() -> None:
    result = lwt.catch(pending_failure, raise_b)
    lwt.wakeup_paused()
    entries = traceback.extract_tb(exception_of(result).__traceback__)
    assert [entry.name for entry in entries] == ["raise_b"]
