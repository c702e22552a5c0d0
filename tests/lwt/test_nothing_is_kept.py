"""Exceptions and promises do not keep each other alive.

What is rejected, or fulfilled, and dropped is freed at once, without the collector of cycles.
"""

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest

import lwt
from tests.support.promises import A, go_wrong, living_promises


def pending() -> tuple[lwt.Promise[None], lwt.Resolver[None]]:
    return lwt.wait()


class Lingering:
    """A value that can be referred to weakly."""


def make_bind(promise: lwt.Promise[None]) -> lwt.Promise[object]:
    return lwt.bind(promise, go_wrong)


def make_bind_of_nonsense(promise: lwt.Promise[None]) -> lwt.Promise[object]:
    def callback(_: None) -> lwt.Promise[None]:
        return 3  # type: ignore[return-value]  # what is under test

    return lwt.bind(promise, callback)


def make_map(promise: lwt.Promise[None]) -> lwt.Promise[object]:
    return lwt.map(go_wrong, promise)


def make_map_of_builtin(promise: lwt.Promise[None]) -> lwt.Promise[object]:
    builtin: Callable[[Any], object] = len  # Its TypeError has no frame of its own.
    return lwt.map(builtin, promise)


def make_try_bind(promise: lwt.Promise[None]) -> lwt.Promise[object]:
    return lwt.try_bind(lambda: promise, go_wrong, lwt.fail)


def make_catch(promise: lwt.Promise[None]) -> lwt.Promise[object]:
    return lwt.catch(lambda: lwt.bind(promise, go_wrong), go_wrong)


def make_catch_that_recovers(promise: lwt.Promise[None]) -> lwt.Promise[object]:
    return lwt.catch(lambda: lwt.bind(promise, go_wrong), lambda _: lwt.return_unit)


def make_finalize(promise: lwt.Promise[None]) -> lwt.Promise[object]:
    return lwt.finalize(lambda: lwt.bind(promise, go_wrong), lambda: lwt.return_unit)


def make_joins(promise: lwt.Promise[None]) -> lwt.Promise[object]:
    wrong = lwt.bind(promise, go_wrong)
    everything = [lwt.join([wrong]), lwt.map(str, lwt.all([wrong])), lwt.choose([wrong])]
    return lwt.pick([lwt.protected(lwt.all(everything)), lwt.no_cancel(wrong)])


def make_body(promise: lwt.Promise[None]) -> lwt.Promise[object]:
    return lwt.of_coroutine(awaiting(lwt.bind(promise, lwt.return_)))


async def awaiting(promise: lwt.Promise[None]) -> None:
    await promise
    del promise  # The locals of a user's function are the user's business.
    go_wrong()


def make_body_awaiting_a_rejection(promise: lwt.Promise[None]) -> lwt.Promise[object]:
    async def body() -> None:
        await lwt.bind(promise, go_wrong)

    return lwt.of_coroutine(body())


def make_body_awaiting_a_body(promise: lwt.Promise[None]) -> lwt.Promise[object]:
    async def body() -> None:
        await make_body(promise)

    return lwt.of_coroutine(body())


@pytest.mark.parametrize(
    "make",
    [
        make_bind,
        make_bind_of_nonsense,
        make_map,
        make_map_of_builtin,
        make_try_bind,
        make_catch,
        make_catch_that_recovers,
        make_finalize,
        make_joins,
        make_body,
        make_body_awaiting_a_rejection,
        make_body_awaiting_a_body,
    ],
)
@pytest.mark.usefixtures("without_the_collector")
def test_a_promise_that_is_rejected_by_a_wakeup_and_dropped_is_freed_at_once(
    make: Callable[[lwt.Promise[None]], lwt.Promise[object]],
) -> None:
    before = living_promises()
    # The frames that a traceback refers to keep their locals: so none has the promise.
    resolvers, promises = [], []
    source, resolver = pending()
    resolvers.append(resolver)
    promises.append(make(source))
    del source, resolver
    lwt.wakeup(resolvers.pop(), None)
    assert not lwt.is_sleeping(promises[0])
    promises.clear()
    assert living_promises() == before


def make_raising_catch() -> None:
    lwt.catch(go_wrong, lambda _: lwt.return_unit)


def make_rejected_catch() -> None:
    lwt.catch(lambda: lwt.fail(A()), lambda _: lwt.return_unit)


def make_raising_try_bind() -> None:
    lwt.try_bind(go_wrong, lwt.return_, lambda _: lwt.return_unit)


def make_raising_finalize() -> None:
    lwt.finalize(go_wrong, lambda: lwt.return_unit)


def make_wrap() -> None:
    lwt.wrap(go_wrong)


def make_wrap_of_builtin() -> None:
    lwt.wrap1(int)("x")


def make_apply() -> None:
    lwt.apply(go_wrong, None)


def make_map_fulfilled() -> None:
    lwt.map(go_wrong, lwt.return_unit)


def make_poll() -> None:
    with_wrong(lambda: lwt.poll(lwt.apply(go_wrong, None)))


def make_ignore_result() -> None:
    with_wrong(lambda: lwt.ignore_result(lwt.apply(go_wrong, None)))


def make_dont_wait() -> None:
    lwt.dont_wait(go_wrong, lambda _: None)


def make_on_failure() -> None:
    lwt.on_failure(lwt.apply(go_wrong, None), lambda _: None)


def make_await() -> None:
    async def body() -> None:
        await lwt.apply(go_wrong, None)

    lwt.of_coroutine(body())


def make_await_caught() -> None:
    async def body() -> None:
        try:
            await lwt.apply(go_wrong, None)
        except A:
            await lwt.return_unit

    lwt.of_coroutine(body())


def make_cancel() -> None:
    promise, _ = lwt.task()
    lwt.cancel(lwt.map(str, promise))


def with_wrong(function: Callable[[], object]) -> None:
    try:
        function()
    except A:
        pass


@pytest.mark.parametrize(
    "program",
    [
        make_raising_catch,
        make_rejected_catch,
        make_raising_try_bind,
        make_raising_finalize,
        make_wrap,
        make_wrap_of_builtin,
        make_apply,
        make_map_fulfilled,
        make_poll,
        make_ignore_result,
        make_dont_wait,
        make_on_failure,
        make_await,
        make_await_caught,
        make_cancel,
    ],
)
@pytest.mark.usefixtures("without_the_collector")
def test_an_exception_makes_no_cycle(program: Callable[[], None]) -> None:
    program()
    gc.collect()
    program()
    assert gc.collect() == 0


def test_a_promise_that_is_fulfilled_and_dropped_is_freed_at_once(
    without_the_collector: None,
) -> None:
    before = living_promises()
    source, resolver = pending()
    results = [
        lwt.bind(source, lwt.return_),
        lwt.map(str, source),
        lwt.join([source]),
        lwt.pick([source]),
        lwt.of_coroutine(awaiting_twice(source)),
    ]
    assert living_promises() > before
    lwt.wakeup(resolver, None)
    assert not any(map(lwt.is_sleeping, results))
    results.clear()
    del source, resolver
    assert living_promises() == before


async def awaiting_twice(promise: lwt.Promise[None]) -> None:
    await promise
    await promise


def test_the_value_of_a_dropped_promise_is_freed_at_once(without_the_collector: None) -> None:
    value = Lingering()
    alive = weakref.ref(value)
    source, resolver = lwt.wait()
    result = lwt.map(lambda x: [x], source)
    lwt.wakeup(resolver, value)
    del value, source, resolver, result
    assert alive() is None


def test_a_callback_is_freed_when_it_has_run(without_the_collector: None) -> None:
    source, resolver = pending()
    captured = Lingering()
    alive = weakref.ref(captured)
    result = lwt.bind(source, lambda _, captured=captured: lwt.return_(1))  # type: ignore[misc]  # mypy infers no lambda with a default
    del captured
    assert alive() is not None
    lwt.wakeup(resolver, None)
    assert alive() is None
    assert lwt.state(result) == lwt.Return(1)
