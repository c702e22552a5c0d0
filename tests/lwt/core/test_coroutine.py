"""Async functions: `await` is `bind`, and the rest of the body is its callback."""

import gc
import inspect
import sys
import types
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator
from contextlib import asynccontextmanager
from types import FrameType
from typing import Any

import pytest

import lwt
from lwt._core import coroutine as _coroutine
from lwt._core.resolution import resolution

key: lwt.Key[str] = lwt.new_key()


@pytest.fixture(autouse=True)
def nothing_left_over() -> Iterator[None]:
    yield
    assert (resolution.depth, resolution.nesting) == (0, 0)
    assert not resolution.deferred
    assert not resolution.postponed
    assert lwt.get(key) is None


def pending() -> tuple[lwt.Promise[str], lwt.Resolver[str]]:
    return lwt.wait()


def task() -> tuple[lwt.Promise[str], lwt.Resolver[str]]:
    return lwt.task()


# --- When a body runs --------------------------------------------------------


def test_a_body_runs_at_once_up_to_its_first_pending_promise() -> None:
    seen: list[str] = []
    promise, resolver = pending()

    @lwt.promised
    async def body() -> str:
        seen.append("start")
        seen.append(await lwt.return_("resolved"))
        seen.append(await promise)
        return "end"

    result = body()
    seen.append("called")
    assert lwt.is_sleeping(result)
    lwt.wakeup(resolver, "woken")
    seen.append("after wakeup")
    assert seen == ["start", "resolved", "called", "woken", "after wakeup"]
    assert lwt.state(result) == lwt.Return("end")


def test_a_body_without_pending_promises_gives_a_fulfilled_promise() -> None:
    @lwt.promised
    async def body(x: int, *, y: int) -> int:
        return await lwt.return_(x) + y

    assert lwt.state(body(1, y=2)) == lwt.Return(3)


def test_a_body_that_does_not_wait_at_all_gives_a_fulfilled_promise() -> None:
    @lwt.promised
    async def body() -> None:
        pass

    assert lwt.state(body()) == lwt.Return(None)


def test_promised_keeps_name_docstring_and_signature() -> None:
    @lwt.promised
    async def body(x: int, *, y: str = "") -> None:
        """What it does."""

    assert body.__name__ == "body"
    assert body.__doc__ == "What it does."
    assert list(inspect.signature(body).parameters) == ["x", "y"]


def test_promised_decorates_methods() -> None:
    class Counter:
        count = 0

        @lwt.promised
        async def add(self, number: int) -> int:
            self.count += await lwt.return_(number)
            return self.count

    assert lwt.state(Counter().add(3)) == lwt.Return(3)


def test_a_call_with_wrong_arguments_raises_at_the_call() -> None:
    @lwt.promised
    async def body(x: int) -> int:
        return x

    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        body()  # type: ignore[call-arg]  # what is under test


def test_of_coroutine_runs_one_coroutine() -> None:
    async def body() -> str:
        return await promise

    promise, resolver = pending()
    result = lwt.of_coroutine(body())
    lwt.wakeup(resolver, "value")
    assert lwt.state(result) == lwt.Return("value")


def test_a_coroutine_that_ran_before_rejects() -> None:
    async def body() -> None:
        pass

    coroutine = body()
    lwt.of_coroutine(coroutine)
    state = lwt.state(lwt.of_coroutine(coroutine))
    assert isinstance(state, lwt.Fail)
    assert isinstance(state.exception, RuntimeError)


def test_a_body_goes_on_among_other_callbacks_in_the_order_of_attaching() -> None:
    seen: list[str] = []
    promise, resolver = pending()

    @lwt.promised
    async def body(name: str) -> None:
        await promise
        seen.append(name)

    lwt.on_success(promise, lambda _: seen.append("oldest"))
    body("body")
    lwt.on_success(promise, lambda _: seen.append("newer"))
    body("newest body")
    lwt.wakeup(resolver, "")
    # The newest callback runs first, as in OCaml.
    assert seen == ["newest body", "newer", "body", "oldest"]


def test_who_waits_for_a_body_goes_on_before_the_next_callback_of_what_it_awaited() -> None:
    seen: list[str] = []
    promise, resolver = pending()

    @lwt.promised
    async def inner() -> None:
        await promise
        seen.append("inner")

    @lwt.promised
    async def outer() -> None:
        await inner()
        seen.append("outer")

    lwt.on_success(promise, lambda _: seen.append("old callback"))
    lwt.on_success(outer(), lambda _: seen.append("after outer"))
    lwt.wakeup(resolver, "")
    assert seen == ["inner", "outer", "after outer", "old callback"]


def test_wakeup_later_in_a_body_that_goes_on_is_deferred() -> None:
    seen: list[str] = []
    promise, resolver = pending()
    other, other_resolver = pending()

    @lwt.promised
    async def body() -> None:
        await promise
        lwt.wakeup_later(other_resolver, "")
        seen.append("body")

    body()
    lwt.on_success(other, lambda _: seen.append("other"))
    lwt.wakeup(resolver, "")
    assert seen == ["body", "other"]


def test_wakeup_later_in_the_first_part_of_a_body_runs_callbacks_at_once() -> None:
    seen: list[str] = []
    other, other_resolver = pending()
    lwt.on_success(other, lambda _: seen.append("other"))

    @lwt.promised
    async def body() -> None:
        lwt.wakeup_later(other_resolver, "")
        seen.append("body")

    body()
    assert seen == ["other", "body"]


def test_a_promise_that_is_resolved_meanwhile_is_awaited_without_waiting() -> None:
    first, first_resolver = pending()
    second, second_resolver = pending()

    @lwt.promised
    async def body() -> str:
        return await first + await second

    result = body()
    lwt.wakeup(second_resolver, "b")
    lwt.wakeup(first_resolver, "a")
    assert lwt.state(result) == lwt.Return("ab")


def test_many_bodies_may_await_one_promise() -> None:
    promise, resolver = pending()

    @lwt.promised
    async def body(number: int) -> str:
        return f"{await promise}{number}"

    results = lwt.all(body(number) for number in range(3))
    lwt.wakeup(resolver, "x")
    assert lwt.state(results) == lwt.Return(["x0", "x1", "x2"])


# --- Exceptions --------------------------------------------------------------


@pytest.mark.parametrize("waits", [False, True])
def test_an_exception_of_a_body_rejects_whether_or_not_it_has_waited(waits: bool) -> None:
    promise, resolver = pending()

    @lwt.promised
    async def body() -> None:
        if waits:
            await promise
        raise KeyError("k")

    result = body()
    lwt.wakeup(resolver, "")
    assert lwt.state(result) == lwt.Fail(KeyError("k"))


@pytest.mark.parametrize("waits", [False, True])
def test_awaiting_a_rejected_promise_raises_its_exception(waits: bool) -> None:
    promise, resolver = pending()
    exception = KeyError("k")
    caught: list[Exception] = []

    @lwt.promised
    async def body() -> str:
        try:
            return await promise
        except KeyError as raised:
            caught.append(raised)
            return "handled"

    if waits:
        result = body()
        lwt.wakeup_exn(resolver, exception)
    else:
        lwt.wakeup_exn(resolver, exception)
        result = body()
    assert lwt.state(result) == lwt.Return("handled")
    assert len(caught) == 1
    assert caught[0] is exception


@pytest.mark.parametrize("waits", [False, True])
def test_stop_iteration_raised_in_a_body_rejects_with_a_runtime_error(waits: bool) -> None:
    """As Python has it for every coroutine: StopIteration would be a return."""
    promise, resolver = pending()

    @lwt.promised
    async def body() -> None:
        if waits:
            await promise
        raise StopIteration("s")

    result = body()
    lwt.wakeup(resolver, "")
    state = lwt.state(result)
    assert isinstance(state, lwt.Fail)
    assert isinstance(state.exception, RuntimeError)
    assert isinstance(state.exception.__cause__, StopIteration)


@pytest.mark.parametrize("waits", [False, True])
def test_a_promise_rejected_with_stop_iteration_raises_a_runtime_error_when_awaited(
    waits: bool,
) -> None:
    promise, resolver = pending()
    caught: list[Exception] = []

    @lwt.promised
    async def body() -> str:
        try:
            return await promise
        except RuntimeError as exception:
            caught.append(exception)
        return "handled"

    if waits:
        result = body()
        lwt.wakeup_exn(resolver, StopIteration("s"))
    else:
        lwt.wakeup_exn(resolver, StopIteration("s"))
        result = body()
    assert lwt.state(result) == lwt.Return("handled")
    assert isinstance(caught[0].__cause__, StopIteration)


def test_a_value_that_is_an_exception_is_returned_and_not_raised() -> None:
    @lwt.promised
    async def body() -> Exception:
        return await lwt.return_(ValueError("just a value"))

    state = lwt.state(body())
    assert isinstance(state, lwt.Return)
    assert isinstance(state.value, ValueError)


def test_a_body_may_return_a_tuple_or_stop_iteration_as_its_value() -> None:
    @lwt.promised
    async def body(value: object) -> object:
        return await lwt.return_(value)

    stop = StopIteration(3)
    assert lwt.state(body((1, 2))) == lwt.Return((1, 2))
    state = lwt.state(body(stop))
    assert isinstance(state, lwt.Return)
    assert state.value is stop


# --- Cancelling --------------------------------------------------------------


def test_cancelling_a_body_cancels_what_it_awaits_and_raises_inside() -> None:
    promise, _ = task()
    seen: list[str] = []

    @lwt.promised
    async def body() -> str:
        try:
            return await promise
        except lwt.Canceled:
            seen.append("canceled")
            raise
        finally:
            seen.append("finally")

    result = body()
    lwt.cancel(result)
    assert seen == ["canceled", "finally"]
    assert lwt.state(promise) == lwt.state(result) == lwt.Fail(lwt.Canceled())


def test_a_body_may_handle_being_cancelled_and_go_on() -> None:
    promise, _ = task()
    second, second_resolver = task()

    @lwt.promised
    async def body() -> str:
        try:
            return await promise
        except lwt.Canceled:
            return await second

    result = body()
    lwt.cancel(result)
    assert lwt.is_sleeping(result)
    lwt.wakeup(second_resolver, "cleaned up")
    assert lwt.state(result) == lwt.Return("cleaned up")


def test_cancelling_reaches_the_promise_that_is_awaited_now() -> None:
    first, first_resolver = task()
    second, _ = task()

    @lwt.promised
    async def body() -> str:
        return await first + await second

    result = body()
    lwt.wakeup(first_resolver, "")
    lwt.cancel(result)
    assert lwt.state(first) == lwt.Return("")
    assert lwt.state(second) == lwt.state(result) == lwt.Fail(lwt.Canceled())


def test_cancelling_goes_through_nested_bodies() -> None:
    promise, _ = task()

    @lwt.promised
    async def body(depth: int) -> str:
        return await (body(depth - 1) if depth else promise)

    result = body(10)
    lwt.cancel(result)
    assert lwt.state(promise) == lwt.state(result) == lwt.Fail(lwt.Canceled())


def test_cancelling_does_not_reach_a_promise_of_wait() -> None:
    promise, resolver = pending()

    @lwt.promised
    async def body() -> str:
        return await promise

    result = body()
    lwt.cancel(result)
    assert lwt.is_sleeping(result)
    lwt.wakeup(resolver, "value")
    assert lwt.state(result) == lwt.Return("value")


def test_cancelling_the_result_of_a_bind_reaches_a_body_that_its_callback_started() -> None:
    trigger, trigger_resolver = pending()
    first, first_resolver = task()
    second, _ = task()

    async def body(_: str) -> str:
        await first
        return await second

    result = lwt.bind(trigger, body)
    lwt.wakeup(trigger_resolver, "")
    lwt.wakeup(first_resolver, "")
    lwt.cancel(result)
    assert lwt.state(second) == lwt.state(result) == lwt.Fail(lwt.Canceled())


def test_two_bodies_that_await_each_other_stay_pending_when_cancelled() -> None:
    bodies: list[lwt.Promise[str]] = []
    start, resolver = pending()

    @lwt.promised
    async def body(other: int) -> str:
        await start
        return await bodies[other]

    bodies.extend([body(1), body(0)])
    lwt.wakeup(resolver, "")
    lwt.cancel(bodies[0])
    assert [lwt.is_sleeping(promise) for promise in bodies] == [True, True]


def test_cancelling_bodies_that_await_each_other_still_reaches_a_task_beside() -> None:
    bodies: list[lwt.Promise[object]] = []
    start, resolver = pending()
    beside, _ = task()

    @lwt.promised
    async def body(other: int) -> object:
        await start
        return await lwt.choose([bodies[other], beside])

    bodies.extend([body(1), body(0)])
    lwt.wakeup(resolver, "")
    lwt.cancel(bodies[0])
    assert [lwt.state(promise) for promise in bodies] == [lwt.Fail(lwt.Canceled())] * 2


def test_a_body_that_awaits_its_own_promise_gets_an_error() -> None:
    start, resolver = pending()
    own: list[lwt.Promise[str]] = []

    @lwt.promised
    async def body() -> str:
        await start
        return await own[0]

    own.append(body())
    lwt.wakeup(resolver, "")
    state = lwt.state(own[0])
    assert isinstance(state, lwt.Fail)
    assert "awaits its own promise" in str(state.exception)


def test_a_body_that_awaits_its_own_promise_through_a_proxy_gets_an_error() -> None:
    trigger, trigger_resolver = pending()
    start, resolver = pending()

    async def body(_: str) -> str:
        await start
        return await result

    result: lwt.Promise[str] = lwt.bind(trigger, body)
    lwt.wakeup(trigger_resolver, "")
    lwt.wakeup(resolver, "")
    state = lwt.state(result)
    assert isinstance(state, lwt.Fail)
    assert "awaits its own promise" in str(state.exception)


# --- Storage -----------------------------------------------------------------


def test_storage_is_kept_across_an_await() -> None:
    promise, resolver = pending()
    seen: list[lwt.Some[str] | None] = []

    @lwt.promised
    async def body() -> None:
        seen.append(lwt.get(key))
        await promise
        seen.append(lwt.get(key))

    lwt.with_value(key, lwt.Some("caller's"), body)
    lwt.with_value(key, lwt.Some("waker's"), lambda: lwt.wakeup(resolver, ""))
    assert seen == [lwt.Some("caller's")] * 2


def test_with_value_around_a_coroutine_inside_a_body_holds_for_its_call_only() -> None:
    promise, resolver = pending()
    seen: list[tuple[str, lwt.Some[str] | None]] = []

    @lwt.promised
    async def inner() -> None:
        await promise
        seen.append(("inner", lwt.get(key)))

    @lwt.promised
    async def outer() -> None:
        await lwt.with_value(key, lwt.Some("inside"), inner)
        seen.append(("outer", lwt.get(key)))

    lwt.with_value(key, lwt.Some("outside"), outer)
    lwt.wakeup(resolver, "")
    assert seen == [("inner", lwt.Some("inside")), ("outer", lwt.Some("outside"))]


# --- The rest of async Python ------------------------------------------------


def test_a_coroutine_is_awaited_directly_and_its_pending_promises_suspend_the_whole_body() -> None:
    promise, resolver = pending()

    async def innermost() -> str:
        return await promise

    async def inner() -> str:
        return await innermost() + "!"

    @lwt.promised
    async def outer() -> str:
        return await inner()

    result = outer()
    lwt.wakeup(resolver, "value")
    assert lwt.state(result) == lwt.Return("value!")


def test_async_generators_comprehensions_and_context_managers_work_in_a_body() -> None:
    seen: list[str] = []
    record = seen.append
    pauses: list[lwt.Resolver[None]] = []

    def pause() -> lwt.Promise[None]:
        promise: lwt.Promise[None]
        promise, resolver = lwt.wait()
        pauses.append(resolver)
        return promise

    async def numbers() -> AsyncIterator[int]:
        for number in range(3):
            await pause()
            yield number

    @asynccontextmanager
    async def entered() -> AsyncIterator[str]:
        await pause()
        seen.append("enter")
        try:
            yield "inside"
        finally:
            await pause()
            seen.append("exit")

    @lwt.promised
    async def body() -> list[int]:
        async with entered() as name:
            seen.append(name)
            async for number in numbers():
                record(str(number))
            return [number async for number in numbers()]

    result = body()
    while pauses:
        lwt.wakeup(pauses.pop(0), None)
    assert lwt.state(result) == lwt.Return([0, 1, 2])
    assert seen == ["enter", "inside", "0", "1", "2", "exit"]


def test_an_object_with_await_is_awaited_through_to_its_promises() -> None:
    promise, resolver = pending()

    class Wrapper:
        def __await__(self) -> Generator[object, None, str]:
            return promise.__await__()

    @lwt.promised
    async def body() -> str:
        return await Wrapper()

    result = body()
    lwt.wakeup(resolver, "value")
    assert lwt.state(result) == lwt.Return("value")


def test_a_generator_based_coroutine_runs_as_well() -> None:
    promise, resolver = pending()

    @types.coroutine
    def generator() -> Generator[object, None, str]:
        value: str = yield from promise.__await__()
        return value

    async def body() -> str:
        return await generator()

    result = lwt.of_coroutine(body())
    lwt.wakeup(resolver, "value")
    assert lwt.state(result) == lwt.Return("value")


class Delegating(Coroutine[Any, Any, str]):
    """A coroutine that is not one of the interpreter's own, as compiled code has them."""

    def __init__(self, coroutine: Coroutine[Any, Any, str]) -> None:
        self.coroutine = coroutine

    def send(self, value: Any, /) -> Any:
        return self.coroutine.send(value)

    def throw(self, *exception: Any) -> Any:
        return self.coroutine.throw(*exception)

    def close(self) -> None:
        self.coroutine.close()

    def __await__(self) -> Generator[Any, Any, str]:
        return self.coroutine.__await__()


@pytest.mark.parametrize("how", ["of_coroutine", "promised", "callback"])
def test_a_coroutine_that_was_made_otherwise_runs_as_well(how: str) -> None:
    promise, resolver = pending()

    async def body() -> str:
        return await promise

    if how == "of_coroutine":
        result = lwt.of_coroutine(Delegating(body()))
    elif how == "promised":
        result = lwt.promised(lambda: Delegating(body()))()
    else:
        result = lwt.bind(lwt.return_unit, lambda _: Delegating(body()))
    assert lwt.is_sleeping(result)
    lwt.wakeup(resolver, "value")
    assert lwt.state(result) == lwt.Return("value")


@pytest.mark.parametrize("waits", [False, True])
def test_what_a_handler_runs_in_between_disturbs_no_body(waits: bool) -> None:
    """A handler of a signal may run at any line; it may run bodies, which may have to wait."""
    promises: list[lwt.Promise[str]] = []

    async def handler() -> str:
        return await promises[-1] if waits else "handler"

    def run_handler(frame: FrameType, event: str, argument: object) -> Callable[..., Any] | None:
        if frame.f_code.co_filename != _coroutine.__file__:
            return None
        promises.append(lwt.wait()[0])
        result = lwt.of_coroutine(handler())
        assert lwt.is_sleeping(result) if waits else lwt.state(result) == lwt.Return("handler")
        return run_handler

    async def inner(number: int) -> int:
        return number

    async def outer(number: int) -> int:
        promise: lwt.Promise[int]
        promise, resolver = lwt.wait()
        rest = lwt.map(lambda n: n * number, promise)
        lwt.wakeup_later(resolver, await lwt.of_coroutine(inner(number)))
        return await rest

    tracer = sys.gettrace()
    sys.settrace(run_handler)
    try:
        results = [lwt.of_coroutine(outer(number)) for number in range(5)]
    finally:
        sys.settrace(tracer)
    assert len(promises) > 50
    assert [lwt.state(result) for result in results] == [lwt.Return(n * n) for n in range(5)]


def test_a_value_that_a_body_has_returned_is_not_kept() -> None:
    class Value:
        pass

    async def body(promise: lwt.Promise[None]) -> Value:
        await promise
        return Value()

    promise, resolver = lwt.wait()
    values = [lwt.poll(lwt.of_coroutine(body(lwt.return_unit)))]
    bodies = [lwt.of_coroutine(body(promise))]
    lwt.wakeup(resolver, None)
    values += map(lwt.poll, bodies)
    alive = [weakref.ref(option.value) for option in values if option is not None]
    assert len(alive) == 2
    values.clear()
    bodies.clear()
    assert [reference() for reference in alive] == [None, None]


def test_async_functions_are_callbacks_wherever_promises_are_returned() -> None:
    async def function(*_: object) -> str:
        return await promise

    async def failing(*_: object) -> str:
        await promise
        raise KeyError

    promise, resolver = pending()
    results: list[lwt.Promise[object]] = [
        lwt.bind(lwt.return_unit, function),
        lwt.bind(promise, function),
        lwt.return_unit >> function,
        lwt.catch(function, lwt.fail),
        lwt.catch(failing, function),
        lwt.try_bind(function, function, lwt.fail),
        lwt.try_bind(failing, function, function),
        lwt.finalize(function, failing_never),
        lwt.apply(function, None),
        lwt.backtrace_bind("f", 1, lambda e: e, promise, function),
    ]
    assert all(lwt.is_sleeping(result) for result in results)
    lwt.wakeup(resolver, "value")
    assert [lwt.state(result) for result in results] == [lwt.Return("value")] * 10


async def failing_never() -> None:
    await lwt.return_unit


def test_async_functions_run_in_the_background() -> None:
    promise, resolver = pending()
    seen: list[str] = []

    async def function() -> None:
        seen.append(await promise)

    async def failing() -> None:
        await promise
        raise KeyError("k")

    lwt.async_(function)
    lwt.dont_wait(failing, lambda exception: seen.append(repr(exception)))
    lwt.wakeup(resolver, "value")
    assert seen == ["KeyError('k')", "value"]


# --- A body that is dropped --------------------------------------------------


def test_a_suspended_body_that_nobody_can_wake_is_closed_when_it_is_collected() -> None:
    seen: list[str] = []

    @lwt.promised
    async def body() -> None:
        try:
            await pending()[0]
        finally:
            seen.append("closed")

    body()
    gc.collect()
    assert seen == ["closed"]


def test_an_exception_of_a_body_that_is_closed_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown: list[BaseException | None] = []
    monkeypatch.setattr(
        sys, "unraisablehook", lambda unraisable: shown.append(unraisable.exc_value)
    )

    @lwt.promised
    async def body() -> None:
        try:
            await pending()[0]
        finally:
            raise KeyError("while closing")

    body()
    gc.collect()
    assert list(map(repr, shown)) == ["KeyError('while closing')"]


def test_a_body_that_can_still_be_woken_lives_on_without_its_promise() -> None:
    seen: list[str] = []
    promise, resolver = pending()

    @lwt.promised
    async def body() -> None:
        seen.append(await promise)

    body()
    gc.collect()
    lwt.wakeup(resolver, "woken")
    assert seen == ["woken"]


def test_a_body_closed_by_hand_leaves_its_promise_pending_and_harms_nobody() -> None:
    seen: list[str] = []
    promise, resolver = pending()

    async def body() -> None:
        await promise

    coroutine = body()
    result = lwt.of_coroutine(coroutine)
    lwt.on_success(promise, seen.append)
    coroutine.close()
    assert lwt.is_sleeping(result)
    lwt.wakeup(resolver, "woken")
    assert seen == ["woken"]
    # Resuming a closed coroutine is an error, which rejects like any other.
    state = lwt.state(result)
    assert isinstance(state, lwt.Fail)
    assert isinstance(state.exception, RuntimeError)


def test_generator_exit_raised_in_a_body_leaves_at_once() -> None:
    @lwt.promised
    async def body() -> None:
        raise GeneratorExit

    with pytest.raises(GeneratorExit):
        body()
