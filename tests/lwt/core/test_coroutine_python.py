"""What bodies meet in Python: coroutines of other kinds, async generators, handlers, callbacks."""

import asyncio
import types
from collections.abc import AsyncIterator, Coroutine, Generator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

import lwt

pytestmark = pytest.mark.usefixtures("nothing_left_over")


def pending() -> tuple[lwt.Promise[str], lwt.Resolver[str]]:
    return lwt.wait()


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


# --- What is awaited, or run, and is not ours --------------------------------


class Foreign:
    """An awaitable of another library: it yields what only that library knows."""

    def __await__(self) -> Iterator[object]:
        yield "foreign"


def raised_by_awaiting(awaitable: Any) -> list[Exception]:
    seen: list[Exception] = []

    async def waiting() -> str:
        try:
            await awaitable
        except TypeError as exception:
            seen.append(exception)
        return "went on"

    assert lwt.state(lwt.of_coroutine(waiting())) == lwt.Return("went on")
    return seen


def test_awaiting_another_librarys_awaitable_raises_inside_the_body() -> None:
    (exception,) = raised_by_awaiting(Foreign())
    assert "awaited something that is not a promise of lwt" in str(exception)
    assert "'foreign'" in str(exception)


def test_awaiting_a_future_of_asyncio_raises_inside_the_body() -> None:
    loop = asyncio.new_event_loop()
    try:
        future = loop.create_future()
        (exception,) = raised_by_awaiting(future)
        assert "awaited something that is not a promise of lwt" in str(exception)
        assert "Future" in str(exception)
        future.cancel()
    finally:
        loop.close()


def test_awaiting_a_plain_value_raises_inside_the_body() -> None:
    (exception,) = raised_by_awaiting(3)
    assert "int" in str(exception)


def test_a_body_that_insists_on_awaiting_something_foreign_is_told_each_time() -> None:
    seen: list[Exception] = []

    async def waiting() -> str:
        for _ in range(3):
            try:
                await Foreign()  # type: ignore[misc]  # what is under test
            except TypeError as exception:
                seen.append(exception)
        return "went on"

    assert lwt.state(lwt.of_coroutine(waiting())) == lwt.Return("went on")
    assert len(seen) == 3


def test_a_pending_promise_awaited_under_asyncio_says_how_to_run_it() -> None:
    promise, _ = lwt.wait()

    async def waiting() -> None:
        await promise

    with pytest.raises(RuntimeError):
        asyncio.run(waiting())


def test_a_coroutine_that_is_resumed_by_others_says_how_to_run_it() -> None:
    promise, _ = lwt.wait()

    async def waiting() -> None:
        await promise

    coroutine = waiting()
    assert coroutine.send(None) is promise
    with pytest.raises(RuntimeError, match=r"lwt\.promised or lwt\.of_coroutine"):
        coroutine.send(None)


async def body(*_: object) -> int:
    return 3


@pytest.mark.parametrize(
    ("value", "hint"),
    [(3, "got 3"), (lwt.return_unit, "it is a promise already"), (body, "was it to be called")],
)
def test_of_coroutine_takes_a_coroutine(value: Any, hint: str) -> None:
    with pytest.raises(TypeError, match=rf"lwt\.of_coroutine: expected a coroutine, .*{hint}"):
        lwt.of_coroutine(value)


def test_promised_of_an_ordinary_function_is_refused_when_it_is_called() -> None:
    def double(x: int) -> int:
        return 2 * x

    bad: Any = double
    with pytest.raises(TypeError, match="double"):
        lwt.promised(bad)(2)
