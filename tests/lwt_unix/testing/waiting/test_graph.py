"""Circles among those who wait."""

import pytest

import lwt
from lwt import lwt_condition, lwt_mutex, lwt_mvar
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


def test_who_needs_the_help_of_one_who_waits_for_them_is_in_a_possible_circle() -> None:
    requests: lwt_mvar.Mvar[int] = lwt_mvar.create_empty()
    answers: lwt_mvar.Mvar[int] = lwt_mvar.create_empty()

    async def client() -> None:
        answer = await lwt_mvar.take(answers)
        await lwt_mvar.put(requests, answer)

    async def server() -> None:
        request = await lwt_mvar.take(requests)
        await lwt_mvar.put(answers, request)

    _ = started(client, server)
    told = testing.waiting()
    assert told.circles == ()
    (circle,) = told.possible_circles
    assert [str(edge) for edge in circle] == [
        "body 1 (client) waits for mailbox 1 (answers)",
        "mailbox 1 (answers) can be filled by body 2 (server)",
        "body 2 (server) waits for mailbox 2 (requests)",
        "mailbox 2 (requests) can be filled by body 1 (client)",
    ]


def test_a_circle_of_one_who_only_may_hold_a_mutex_is_possible_and_not_certain() -> None:
    async def acquire(lock: lwt_mutex.Mutex) -> None:
        await lwt_mutex.lock(lock)

    async def holder(lock: lwt_mutex.Mutex) -> None:
        await acquire(lock)
        await lwt.wait()[0]

    async def waiter(lock: lwt_mutex.Mutex) -> None:
        async with lock:
            pass

    async def main() -> None:
        lock = lwt_mutex.create()
        await lwt.join([lwt.of_coroutine(holder(lock)), lwt.of_coroutine(waiter(lock))])

    with pytest.raises(testing.Deadlock) as caught:
        testing.simulate(main)
    told = caught.value.waiting
    assert told.circles == ()
    (circle,) = told.possible_circles
    assert [str(edge) for edge in circle] == [
        "body 1 (main) waits for all of 1",
        "all of 1 waits for body 3 (waiter)",
        "body 3 (waiter) waits for mutex 1 (lock)",
        "mutex 1 (lock) may be held by body 1 (main)",
    ]


def test_who_waits_for_a_mutex_of_an_uncertain_holder_or_another_is_in_no_certain_circle() -> None:
    uncertain, certain = lwt_mutex.create(), lwt_mutex.create()

    async def locks() -> None:
        await lwt_mutex.lock(uncertain)
        await lwt.pause()
        await lwt_mutex.lock(certain)

    async def chooses() -> None:
        async with certain:
            await lwt.pause()
            await lwt.pick([lwt_mutex.lock(uncertain), lwt_mutex.lock(certain)])

    _ = started(locks, chooses)
    told = testing.waiting()
    assert told.circles == ()
    assert len(told.possible_circles) == 1


def test_who_may_get_help_from_outside_is_in_no_possible_circle() -> None:
    mailbox: lwt_mvar.Mvar[int] = lwt_mvar.create_empty()
    lock = lwt_mutex.create()

    async def taker() -> None:
        async with lock:
            await lwt_mvar.take(mailbox)

    async def putter() -> None:
        await lwt.pick([lwt_mutex.lock(lock), never])
        await lwt_mvar.put(mailbox, 1)

    never, resolver = lwt.wait()
    _ = started(taker, putter)
    assert testing.waiting().possible_circles == ()
    del resolver


def test_a_possible_circle_is_not_told_of_beside_a_certain_one() -> None:
    lock, ready = lwt_mutex.create(), lwt_condition.create()

    async def waiter() -> None:
        async with lock:
            await lwt_condition.wait(ready)

    async def signaller() -> None:
        async with lock:
            lwt_condition.signal(ready, None)

    async def twice() -> None:
        async with other, other:
            pass

    other = lwt_mutex.create()
    kept = started(waiter, signaller)
    assert len(testing.waiting().possible_circles) == 1
    kept += started(twice)
    told = testing.waiting()
    assert (len(told.circles), told.possible_circles) == (1, ())
