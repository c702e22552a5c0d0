"""What Python says of a common slip gets a hint; what says something else stays as it is."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

import lwt
from lwt import Fail, lwt_stream
from lwt._core.slips import explain

# Everything here is what type checkers refuse.
word: Any = lwt.return_("word")


def unpack(value: Any) -> object:
    x, y = value
    return x, y


# --- A promise as the value that it will have --------------------------------

USES: dict[str, Callable[[], object]] = {
    "an attribute": lambda: word.upper,
    "an operator": lambda: word + 1,
    "an operator, on the right": lambda: "a" + word,
    "an item": lambda: word[0],
    "an iteration": lambda: list(word),
    "unpacking": lambda: unpack(word),
    "a length": lambda: len(word),
    "a call": lambda: word(1, 2),
    "a comparison": lambda: word < 3,
    "a number": lambda: int(word),
    "a joined str": lambda: "".join(2 * [word]),
}
AWAIT = "; await the promise to have its value"


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_promise_that_is_used_as_its_value_is_told_to_be_awaited(
    use: Callable[[], object],
) -> None:
    with pytest.raises((AttributeError, TypeError)) as of_python:
        use()

    async def body() -> None:
        use()

    expected = (type(of_python.value), f"{of_python.value}{AWAIT}")
    told = [
        lwt.of_coroutine(body()),
        lwt.map(lambda _: use(), lwt.return_unit),
        lwt.wrap(use),
        lwt.catch(lambda: lwt.wrap(use), lwt.fail),
    ]
    states = [lwt.state(promise) for promise in told]
    exceptions = [state.exception for state in states if isinstance(state, Fail)]
    assert [(type(one), str(one)) for one in exceptions] == [expected] * 4
    with pytest.raises(expected[0]) as raised:
        lwt.bind(lwt.return_unit, lambda _: use())  # type: ignore[arg-type, return-value]
    assert str(raised.value) == str(exceptions[0])


def test_the_hint_is_given_once() -> None:
    exception = AttributeError("'Promise' object has no attribute 'upper'")
    explain(exception)
    explain(exception)
    assert str(exception) == f"'Promise' object has no attribute 'upper'{AWAIT}"


@pytest.mark.parametrize(
    "exception",
    [
        TypeError("lwt.f: expected a list, got <Promise pending> (Promise); pass [promise]"),
        TypeError("a lwt.Promise cannot be copied or pickled"),
        TypeError("'MyPromise' object is not iterable"),
        TypeError(),
        TypeError("Promise", 3),
        ValueError("'Promise' object is not iterable"),
        RuntimeError("no way"),
    ],
    ids=repr,
)
def test_other_exceptions_stay_as_they_are(exception: Exception) -> None:
    before = exception.args
    explain(exception)
    assert exception.args == before


def test_a_promise_is_true_whatever_its_value() -> None:
    assert [bool(lwt.return_(value)) for value in (0, None, "", 1)] == [True] * 4


def test_a_promise_looks_like_nothing_else() -> None:
    names = "__len__", "__iter__", "__getitem__", "__call__", "__add__", "__getattr__", "__bool__"
    assert [name for name in names if hasattr(word, name)] == []


def test_a_promise_where_none_belongs_is_told_to_be_awaited() -> None:
    text: Any = lwt.return_(3)
    with pytest.raises(TypeError, match=r"\(Promise\); await the promise to have its value$"):
        lwt_stream.npeek(text, lwt_stream.of_list([]))


def test_a_promise_made_by_its_class_has_a_repr() -> None:
    promise: lwt.Promise[int] = lwt.Promise()
    assert repr(promise) == "<Promise, made by no function of lwt>"
    assert repr(lwt.Resolver()) == "<Resolver, made by no function of lwt>"
    with pytest.raises(
        AttributeError, match=r"^'(lwt\.)?Promise' object has no attribute '_state'"
    ):
        lwt.bind(promise, lwt.return_)


# --- Other libraries ---------------------------------------------------------


def exception_of(awaitable: Callable[[], Any]) -> Exception:
    """What the promise of a body is rejected with that awaits this."""

    async def body() -> object:
        return await awaitable()

    state = lwt.state(lwt.of_coroutine(body()))
    assert isinstance(state, Fail)
    return state.exception


def test_asyncio_sleep_in_a_body_is_told_what_to_await_instead() -> None:
    exception = exception_of(lambda: asyncio.sleep(1.0))
    assert type(exception) is RuntimeError
    assert str(exception) == (
        "no running event loop; asyncio's loop does not run here: await lwt_unix.sleep(seconds) "
        "instead of asyncio.sleep, and promises of lwt instead of futures"
    )


def test_asyncio_sleep_of_nothing_in_a_body_is_told_of_pause() -> None:
    assert str(exception_of(lambda: asyncio.sleep(0))) == (
        "awaited something that is not a promise of lwt (it gave None); "
        "await lwt.pause() instead of asyncio.sleep(0)"
    )


def test_a_future_of_asyncio_in_a_body_is_told_of_promises() -> None:
    loop = asyncio.new_event_loop()
    try:
        exception = exception_of(loop.create_future)
    finally:
        loop.close()
    assert str(exception) == (
        "awaited something that is not a promise of lwt (it gave <Future pending>); asyncio's loop "
        "does not run here: await lwt_unix.sleep(seconds) instead of asyncio.sleep, and promises "
        "of lwt instead of futures"
    )


async def lock_twice() -> None:
    lock = asyncio.Lock()
    await lock.acquire()
    await lock.acquire()


async def wait_for_a_condition() -> None:
    condition = asyncio.Condition()
    async with condition:
        await condition.wait()


WAITS_OF_ASYNCIO: dict[str, Callable[[], Any]] = {
    "Queue": lambda: asyncio.Queue[int]().get(),
    "Event": lambda: asyncio.Event().wait(),
    "Semaphore": lambda: asyncio.Semaphore(0).acquire(),
    "Barrier": lambda: asyncio.Barrier(2).wait(),
    "Lock": lock_twice,
    "Condition": wait_for_a_condition,
}


@pytest.mark.parametrize("wait", WAITS_OF_ASYNCIO.values(), ids=WAITS_OF_ASYNCIO)
def test_what_waits_in_asyncio_is_told_which_module_of_lwt_has_the_like(
    wait: Callable[[], Any],
) -> None:
    exception = exception_of(wait)
    assert type(exception) is AttributeError
    assert str(exception) == (
        "'NoneType' object has no attribute 'create_future'; asyncio's loop does not run here: "
        "instead of asyncio.Lock, Event, Semaphore and Queue use lwt_mutex, lwt_condition, "
        "lwt_pool and lwt_stream"
    )


def test_a_function_of_trio_in_a_body_is_told_that_trio_does_not_run() -> None:
    async def sleep_of_trio() -> None:
        raise RuntimeError("must be called from async context")

    assert str(exception_of(sleep_of_trio)) == (
        "must be called from async context; trio does not run here: "
        "await lwt_unix.sleep(seconds), for example"
    )


def test_a_pending_promise_in_the_loop_of_asyncio_is_told_of_run() -> None:
    promise, _ = lwt.wait()

    async def main() -> None:
        await promise

    with pytest.raises(RuntimeError) as raised:
        asyncio.run(main())
    assert str(raised.value) == (
        "Task got bad yield: <Promise pending>; asyncio cannot wait for a promise of lwt: "
        "run the coroutine by lwt_main.run, not by asyncio.run"
    )


def test_a_resolved_promise_can_be_awaited_in_any_loop() -> None:
    async def main() -> str:
        return await lwt.return_("word")

    assert asyncio.run(main()) == "word"
