"""A body that returns a promise hands over to it, like the callback of a `bind`."""

import sys
import tracemalloc

import pytest

import lwt

pytestmark = pytest.mark.usefixtures("nothing_left_over")


def test_a_body_that_returns_a_promise_at_once_is_that_promise() -> None:
    promise, resolver = lwt.wait()

    @lwt.promised
    async def body() -> lwt.Promise[int]:
        return promise

    assert body() is promise
    lwt.wakeup(resolver, 3)


@pytest.mark.parametrize("resolved_before", [False, True])
@pytest.mark.parametrize("fails", [False, True])
def test_a_body_that_has_waited_becomes_the_promise_that_it_returns(
    resolved_before: bool, fails: bool
) -> None:
    first, first_resolver = lwt.wait()
    second, second_resolver = lwt.wait()
    result: lwt.Promise[int]

    async def body() -> lwt.Promise[int]:
        await first
        return second

    def resolve() -> None:
        if fails:
            lwt.wakeup_exn(second_resolver, KeyError(1))
        else:
            lwt.wakeup(second_resolver, 3)

    result = lwt.of_coroutine(body())
    if resolved_before:
        resolve()
    lwt.wakeup(first_resolver, None)
    if not resolved_before:
        assert lwt.is_sleeping(result)
        resolve()
    expected: lwt.State[int] = lwt.Fail(KeyError(1)) if fails else lwt.Return(3)
    assert lwt.state(result) == expected


def test_cancelling_a_body_that_has_handed_over_cancels_the_promise_that_it_returned() -> None:
    first, first_resolver = lwt.wait()
    second, _ = lwt.task()

    async def body() -> lwt.Promise[int]:
        await first
        return second

    result = lwt.of_coroutine(body())
    lwt.wakeup(first_resolver, None)
    lwt.cancel(result)
    assert lwt.state(second) == lwt.Fail(lwt.Canceled())
    assert lwt.state(result) == lwt.Fail(lwt.Canceled())


def test_an_async_callback_of_bind_hands_over_like_any_other() -> None:
    second, resolver = lwt.wait()

    async def callback(_: None) -> lwt.Promise[str]:
        return second

    result: lwt.Promise[object] = lwt.bind(lwt.return_unit, callback)
    lwt.wakeup(resolver, "value")
    assert lwt.state(result) == lwt.Return("value")


@pytest.mark.no_cover
@pytest.mark.parametrize("waits", [False, True])
def test_a_tail_call_takes_no_memory_however_often_it_is_made(waits: bool) -> None:
    rounds = 0
    peaks: list[int] = []

    @lwt.promised
    async def loop() -> lwt.Promise[str]:
        nonlocal rounds
        rounds += 1
        if rounds % 4_000 == 0:
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.reset_peak()
        if rounds == 20_000:
            return lwt.return_("end")
        if waits:
            await lwt.pause()
        return loop()

    tracemalloc.start()
    try:
        result = loop()
        while lwt.is_sleeping(result):
            lwt.wakeup_paused()
    finally:
        tracemalloc.stop()
    assert lwt.state(result) == lwt.Return("end")
    assert max(peaks) < peaks[0] + 20_000


@pytest.mark.slow
@pytest.mark.no_cover
@pytest.mark.parametrize(("waits", "enough"), [(False, 1_000_000), (True, 250_000)])
def test_a_million_tail_calls_leave_no_object_behind(waits: bool, enough: int) -> None:
    rounds = 0
    blocks: list[int] = []

    @lwt.promised
    async def loop() -> lwt.Promise[str]:
        nonlocal rounds
        rounds += 1
        if rounds % 50_000 == 0:
            blocks.append(sys.getallocatedblocks())
        if rounds == enough:
            return lwt.return_("end")
        if waits:
            await lwt.pause()
        return loop()

    result = loop()
    while lwt.is_sleeping(result):
        lwt.wakeup_paused()
    assert lwt.state(result) == lwt.Return("end")
    assert max(blocks) < blocks[0] + 20_000


def test_a_promise_that_is_a_value_inside_a_promise_stays_a_value() -> None:
    value, _ = lwt.wait()

    async def body() -> lwt.Promise[lwt.Promise[int]]:
        await lwt.return_unit
        return lwt.return_(value)

    assert lwt.state(lwt.of_coroutine(body())) == lwt.Return(value)
