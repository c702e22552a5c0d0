"""Bodies that do not run to their end: cancelled, waiting for themselves, dropped."""

import gc
import sys

import pytest

import lwt

pytestmark = pytest.mark.usefixtures("nothing_left_over")


def pending() -> tuple[lwt.Promise[str], lwt.Resolver[str]]:
    return lwt.wait()


def task() -> tuple[lwt.Promise[str], lwt.Resolver[str]]:
    return lwt.task()


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
