"""Circles among those who wait."""

import lwt
from lwt import lwt_mutex
from lwt_unix import testing
from tests.support.waiting import report, started, text


def test_bodies_that_await_each_other_are_a_circle() -> None:
    promises: dict[str, lwt.Promise[None]] = {}

    async def one(other: str) -> None:
        await lwt.pause()
        await promises[other]

    promises["a"] = lwt.of_coroutine(one("b"))
    promises["b"] = lwt.of_coroutine(one("a"))
    lwt.wakeup_paused()
    assert report() == text(
        "Circle 1:",
        "    body 1 (one) waits for body 2 (one)",
        "    body 2 (one) waits for body 1 (one)",
        "",
        "body 1 (one) waits for body 2 (one)",
        "    line 5, in one",
        "        await promises[other]",
        "body 2 (one) waits for body 1 (one)",
        "    line 5, in one",
        "        await promises[other]",
    )


def test_a_lock_or_something_that_may_happen_is_no_circle() -> None:
    left, right = lwt_mutex.create(), lwt_mutex.create()
    never, resolver = lwt.wait()

    async def first() -> None:
        async with left:
            await lwt.pause()
            await lwt.pick([lwt_mutex.lock(right), never])

    async def second() -> None:
        async with right:
            await lwt.pause()
            await lwt_mutex.lock(left)

    _ = started(first, second)
    assert testing.waiting().circles == ()
    del resolver


def test_a_lock_and_something_that_may_happen_are_a_circle() -> None:
    left, right = lwt_mutex.create(), lwt_mutex.create()
    never, resolver = lwt.wait()

    async def first() -> None:
        async with left:
            await lwt.pause()
            await lwt.join([lwt_mutex.lock(right), never])

    async def second() -> None:
        async with right:
            await lwt.pause()
            await lwt_mutex.lock(left)

    _ = started(first, second)
    (circle,) = testing.waiting().circles
    assert [str(edge) for edge in circle] == [
        "body 1 (first) waits for all of 1",
        "all of 1 waits for mutex 1 (right)",
        "mutex 1 (right) is held by body 2 (second)",
        "body 2 (second) waits for mutex 2 (left)",
        "mutex 2 (left) is held by body 1 (first)",
    ]
    del resolver
