"""Who holds a mutex, uses a pool or a channel, or knows what could help."""

import contextlib
import re
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lwt
from lwt import lwt_condition, lwt_mutex, lwt_pool, lwt_stream
from lwt_unix import lwt_io, lwt_main, testing
from tests.support.waiting import report, started, text


def test_two_who_lock_in_opposite_order_are_a_circle() -> None:
    left, right = lwt_mutex.create(), lwt_mutex.create()

    async def first() -> None:
        async with left:
            await lwt.pause()
            async with right:
                pass

    async def second() -> None:
        async with right:
            await lwt.pause()
            async with left:
                pass

    _ = started(first, second)
    assert report() == text(
        "Circle 1:",
        "    body 1 (first) waits for mutex 1 (right)",
        "    mutex 1 (right) is held by body 2 (second)",
        "    body 2 (second) waits for mutex 2 (left)",
        "    mutex 2 (left) is held by body 1 (first)",
        "",
        "body 1 (first) waits for mutex 1 (right)",
        "    line 6, in first",
        "        async with right:",
        "mutex 1 (right) is held by body 2 (second)",
        "body 2 (second) waits for mutex 2 (left)",
        "    line 12, in second",
        "        async with left:",
        "mutex 2 (left) is held by body 1 (first)",
    )


def test_with_lock_holds_a_mutex_as_async_with_does() -> None:
    left, right = lwt_mutex.create(), lwt_mutex.create()

    async def inner() -> None:
        await lwt.pause()
        async with right:
            pass

    async def first() -> None:
        await lwt_mutex.with_lock(left, inner)

    async def second() -> None:
        async with right:
            await lwt_mutex.lock(left)

    _ = started(first, second)
    assert report() == text(
        "Circle 1:",
        "    body 2 (inner) waits for mutex 1 (right)",
        "    mutex 1 (right) is held by body 3 (second)",
        "    body 3 (second) waits for mutex 2 (left)",
        "    mutex 2 (left) is held by lwt_mutex.with_lock 1",
        "    lwt_mutex.with_lock 1 waits for body 2 (inner)",
        "",
        "body 1 (first) waits for lwt_mutex.with_lock 1",
        "    line 9, in first",
        "        await lwt_mutex.with_lock(left, inner)",
        "lwt_mutex.with_lock 1 waits for body 2 (inner)",
        "body 2 (inner) waits for mutex 1 (right)",
        "    line 5, in inner",
        "        async with right:",
        "mutex 1 (right) is held by body 3 (second)",
        "body 3 (second) waits for mutex 2 (left)",
        "    line 13, in second",
        "        await lwt_mutex.lock(left)",
        "mutex 2 (left) is held by lwt_mutex.with_lock 1",
    )


def test_one_who_locks_a_mutex_twice_is_a_circle() -> None:
    mutex = lwt_mutex.create()

    async def careless() -> None:
        async with mutex, mutex:
            pass

    _ = started(careless)
    assert report() == text(
        "Circle 1:",
        "    body 1 (careless) waits for mutex 1 (mutex)",
        "    mutex 1 (mutex) is held by body 1 (careless)",
        "",
        "body 1 (careless) waits for mutex 1 (mutex)",
        "    line 4, in careless",
        "        async with mutex, mutex:",
        "mutex 1 (mutex) is held by body 1 (careless)",
    )


def test_who_has_called_lock_may_hold_the_mutex() -> None:
    left, right = lwt_mutex.create(), lwt_mutex.create()

    async def first() -> None:
        await lwt_mutex.lock(left)
        await lwt.pause()
        await lwt_mutex.lock(right)

    async def second() -> None:
        await lwt_mutex.lock(right)
        await lwt.pause()
        await lwt_mutex.lock(left)

    _ = started(first, second)
    assert report() == text(
        "Circle 1, unless somebody else helps:",
        "    body 1 (first) waits for mutex 1 (right)",
        "    mutex 1 (right) may be held by body 2 (second)",
        "    body 2 (second) waits for mutex 2 (left)",
        "    mutex 2 (left) may be held by body 1 (first)",
        "",
        "body 1 (first) waits for mutex 1 (right)",
        "    line 6, in first",
        "        await lwt_mutex.lock(right)",
        "mutex 1 (right) may be held by body 2 (second)",
        "body 2 (second) waits for mutex 2 (left)",
        "    line 11, in second",
        "        await lwt_mutex.lock(left)",
        "mutex 2 (left) may be held by body 1 (first)",
    )


def test_of_those_who_know_a_mutex_the_ones_that_call_lock_may_hold_it() -> None:
    async def locks(first: lwt_mutex.Mutex, second: lwt_mutex.Mutex) -> None:
        await lwt_mutex.lock(first)
        await lwt.pause()
        await lwt_mutex.lock(second)

    async def main() -> None:
        left, right = lwt_mutex.create(), lwt_mutex.create()
        there, back = lwt.of_coroutine(locks(left, right)), lwt.of_coroutine(locks(right, left))
        await lwt.join([there, back])

    _ = started(main)
    (circle,) = testing.waiting().possible_circles
    assert [str(edge) for edge in circle] == [
        "body 2 (locks) waits for mutex 1",
        "mutex 1 may be held by body 3 (locks)",
        "body 3 (locks) waits for mutex 2",
        "mutex 2 may be held by body 2 (locks)",
    ]


def test_a_condition_names_who_signals_it_before_who_only_knows_it() -> None:
    async def waiter(ready: lwt_condition.Condition[None]) -> None:
        await lwt_condition.wait(ready)

    async def signaller(ready: lwt_condition.Condition[None], never: lwt.Promise[None]) -> None:
        await never
        lwt_condition.broadcast(ready, None)

    async def main() -> None:
        ready: lwt_condition.Condition[None] = lwt_condition.create()
        waiting = lwt.of_coroutine(waiter(ready))
        await lwt.join([waiting, lwt.of_coroutine(signaller(ready, never))])

    never, resolver = lwt.wait()
    _ = started(main)
    assert (
        "condition 1 (ready), not signalled, can be signalled by body 3 (signaller); is known to body 1 (main)"
        in report().splitlines()
    )
    del resolver


def test_of_those_who_know_what_pushes_into_a_stream_the_ones_that_push_can_fill_it() -> None:
    async def passes(source: lwt_stream.Stream[int], target: lwt_stream.bounded_push[int]) -> None:
        async for element in source:
            await target.push(element)

    async def main() -> None:
        lefts, left = lwt_stream.create_bounded(1)
        rights, right = lwt_stream.create_bounded(1)
        there, back = lwt.of_coroutine(passes(lefts, right)), lwt.of_coroutine(passes(rights, left))
        await lwt.join([there, back])

    _ = started(main)
    (circle,) = testing.waiting().possible_circles
    assert [str(edge) for edge in circle] == [
        "body 2 (passes) waits for stream 1",
        "stream 1 can be filled by body 3 (passes)",
        "body 3 (passes) waits for stream 2",
        "stream 2 can be filled by body 2 (passes)",
    ]


def test_a_mutex_that_nobody_knows_but_who_waits_has_an_unknown_holder() -> None:
    mutex = lwt_mutex.create()
    _ = lwt_mutex.lock(mutex)

    async def waits() -> None:
        async with mutex:
            pass

    _ = started(waits)
    assert report() == text(
        "body 1 (waits) waits for mutex 1 (mutex)",
        "    line 5, in waits",
        "        async with mutex:",
        "mutex 1 (mutex), whose holder is not known",
    )


def test_who_waits_for_a_condition_has_given_up_its_mutex() -> None:
    mutex, ready = lwt_mutex.create(), lwt_condition.create()
    never, resolver = lwt.wait()

    async def told() -> None:
        async with mutex:
            await lwt_condition.wait(ready, mutex=mutex)

    async def holds() -> None:
        async with mutex:
            await never

    async def waits() -> None:
        async with mutex:
            pass

    _ = started(told, holds, waits)
    assert report() == text(
        "body 1 (told) waits for condition 1 (ready)",
        "    line 6, in told",
        "        await lwt_condition.wait(ready, mutex=mutex)",
        "condition 1 (ready), not signalled",
        "body 2 (waits) waits for mutex 1 (mutex)",
        "    line 13, in waits",
        "        async with mutex:",
        "mutex 1 (mutex) is held by body 3 (holds)",
        "body 3 (holds) waits for promise 1",
        "    line 10, in holds",
        "        await never",
        "promise 1, whose resolver is kept somewhere",
    )
    del resolver


def test_who_locks_the_mutex_of_a_condition_again_does_not_hold_it() -> None:
    mutex, ready = lwt_mutex.create(), lwt_condition.create()
    never, resolver = lwt.wait()

    async def told() -> None:
        async with mutex:
            await lwt_condition.wait(ready, mutex=mutex)

    async def holds() -> None:
        async with mutex:
            lwt_condition.signal(ready, None)
            await never

    _ = started(told, holds)
    assert report() == text(
        "body 1 (told) waits for mutex 1 (mutex)",
        "    line 6, in told",
        "        await lwt_condition.wait(ready, mutex=mutex)",
        "mutex 1 (mutex) is held by body 2 (holds)",
        "body 2 (holds) waits for promise 1",
        "    line 11, in holds",
        "        await never",
        "promise 1, whose resolver is kept somewhere",
    )
    del resolver


def test_exit_stacks_and_context_managers_of_the_program_are_seen_through() -> None:
    left, right = lwt_mutex.create(), lwt_mutex.create()

    @contextlib.asynccontextmanager
    async def locked(mutex: lwt_mutex.Mutex) -> AsyncGenerator[None]:
        async with mutex:
            yield

    async def first() -> None:
        async with locked(left):
            await lwt.pause()
            async with locked(right):
                pass

    async def second() -> None:
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(right)
            await lwt.pause()
            await stack.enter_async_context(left)

    _ = started(first, second)
    assert report() == text(
        "Circle 1:",
        "    body 1 (first) waits for mutex 1",
        "    mutex 1 is held by body 2 (second)",
        "    body 2 (second) waits for mutex 2 (left)",
        "    mutex 2 (left) is held by body 1 (first)",
        "",
        "body 1 (first) waits for mutex 1",
        "    line 11, in first",
        "        async with locked(right):",
        "    line 5, in locked",
        "        async with mutex:",
        "mutex 1 is held by body 2 (second)",
        "body 2 (second) waits for mutex 2 (left)",
        "    line 18, in second",
        "        await stack.enter_async_context(left)",
        "mutex 2 (left) is held by body 1 (first)",
    )


def test_a_pool_without_a_free_member_is_used_by_its_users() -> None:
    pool = lwt_pool.create(1, lambda: lwt.return_("connection"))

    async def inner(_: str) -> None:
        await lwt_pool.use(pool, lambda _: lwt.return_unit)

    async def outer() -> None:
        await lwt_pool.use(pool, inner)

    _ = started(outer)
    assert report() == text(
        "Circle 1:",
        "    body 2 (inner) waits for lwt_pool.use 2",
        "    lwt_pool.use 2 waits for pool 1 (pool)",
        "    pool 1 (pool) is used by lwt_pool.use 1",
        "    lwt_pool.use 1 waits for body 2 (inner)",
        "",
        "body 1 (outer) waits for lwt_pool.use 1",
        "    line 7, in outer",
        "        await lwt_pool.use(pool, inner)",
        "lwt_pool.use 1 waits for body 2 (inner)",
        "body 2 (inner) waits for lwt_pool.use 2",
        "    line 4, in inner",
        "        await lwt_pool.use(pool, lambda _: lwt.return_unit)",
        "lwt_pool.use 2 waits for pool 1 (pool)",
        "pool 1 (pool), 1 of 1 places taken, is used by lwt_pool.use 1",
    )


def test_a_pool_of_which_one_user_may_end_is_in_no_circle() -> None:
    pool = lwt_pool.create(2, lambda: lwt.return_("connection"))
    never, resolver = lwt.wait()

    async def inner(_: str) -> None:
        await lwt_pool.use(pool, lambda _: lwt.return_unit)

    async def other(_: str) -> None:
        await never

    async def uses_twice() -> None:
        await lwt_pool.use(pool, inner)

    async def uses() -> None:
        await lwt_pool.use(pool, other)

    _ = started(uses)
    _ += started(uses_twice)
    assert report() == text(
        "body 1 (uses) waits for lwt_pool.use 1",
        "    line 14, in uses",
        "        await lwt_pool.use(pool, other)",
        "lwt_pool.use 1 waits for body 2 (other)",
        "body 2 (other) waits for promise 1",
        "    line 8, in other",
        "        await never",
        "promise 1, whose resolver is kept somewhere",
        "body 3 (uses_twice) waits for lwt_pool.use 2",
        "    line 11, in uses_twice",
        "        await lwt_pool.use(pool, inner)",
        "lwt_pool.use 2 waits for body 4 (inner)",
        "body 4 (inner) waits for lwt_pool.use 3",
        "    line 5, in inner",
        "        await lwt_pool.use(pool, lambda _: lwt.return_unit)",
        "lwt_pool.use 3 waits for pool 1 (pool)",
        "pool 1 (pool), 2 of 2 places taken, is used by lwt_pool.use 1, lwt_pool.use 2",
    )
    del resolver


def test_a_channel_of_the_program_whose_function_waits_for_ever() -> None:
    never, resolver = lwt.wait()
    ic = lwt_io.make(lambda _, __, ___: never, mode=lwt_io.Input)

    async def reads() -> None:
        await lwt_io.read_line(ic)

    _ = started(reads)
    assert report() == text(
        "body 1 (reads) waits for lwt_io.read_line 1",
        "    line 5, in reads",
        "        await lwt_io.read_line(ic)",
        "lwt_io.read_line 1 waits for promise 1",
        "promise 1, whose resolver is kept somewhere",
    )
    del resolver


def test_a_channel_whose_peer_is_silent() -> None:
    ic, oc = lwt_io.pipe()

    async def first() -> None:
        await lwt_io.read_line(ic)

    async def second() -> None:
        await lwt_io.read_char(ic)

    _ = started(first)
    _ += started(second)
    assert re.sub(r"descriptor \d+", "descriptor N", report()) == text(
        "body 1 (first) waits for lwt_io.read_line 1",
        "    line 4, in first",
        "        await lwt_io.read_line(ic)",
        "lwt_io.read_line 1 waits for input on descriptor N",
        "body 2 (second) waits for lwt_io.read_char 1",
        "    line 7, in second",
        "        await lwt_io.read_char(ic)",
        "lwt_io.read_char 1 waits for input channel 1 (ic)",
        "input channel 1 (ic) is used by lwt_io.read_line 1",
    )
    assert lwt_main.run(lwt.join([lwt_io.close(ic), lwt_io.close(oc)])) is None


def test_a_channel_that_is_used_inside_of_atomic_on_itself() -> None:
    ic, oc = lwt_io.pipe()

    async def inside(_: lwt_io.InputChannel) -> None:
        await lwt_io.read_line(ic)

    async def reads() -> None:
        await lwt_io.atomic(inside)(ic)

    _ = started(reads)
    assert report() == text(
        "Circle 1:",
        "    body 2 (inside) waits for lwt_io.read_line 1",
        "    lwt_io.read_line 1 waits for input channel 1 (ic)",
        "    input channel 1 (ic) is used by lwt_io.atomic 1",
        "    lwt_io.atomic 1 waits for body 2 (inside)",
        "",
        "body 1 (reads) waits for lwt_io.atomic 1",
        "    line 7, in reads",
        "        await lwt_io.atomic(inside)(ic)",
        "lwt_io.atomic 1 waits for body 2 (inside)",
        "body 2 (inside) waits for lwt_io.read_line 1",
        "    line 4, in inside",
        "        await lwt_io.read_line(ic)",
        "lwt_io.read_line 1 waits for input channel 1 (ic)",
        "input channel 1 (ic) is used by lwt_io.atomic 1",
    )
    assert lwt_main.run(lwt.join([lwt_io.close(ic), lwt_io.close(oc)])) is None


def test_a_resolver_that_a_body_has() -> None:
    done, resolver = lwt.wait()
    never = lwt.wait()[0]

    async def waits() -> None:
        await done

    async def resolves() -> None:
        await never
        lwt.wakeup(resolver, None)

    _ = started(waits, resolves)
    assert report() == text(
        "body 1 (waits) waits for promise 1",
        "    line 5, in waits",
        "        await done",
        "promise 1 can be resolved by body 2 (resolves)",
        "body 2 (resolves) waits for promise 2",
        "    line 8, in resolves",
        "        await never",
        "promise 2, whose resolver is gone, so that nobody can resolve it",
    )


@pytest.mark.slow
@given(st.lists(st.permutations(range(4)).map(lambda order: order[:3]), min_size=2, max_size=5))
@settings(max_examples=20, deadline=None)
def test_holders_are_those_who_hold_and_circles_are_where_these_wait_for_each_other(
    orders: list[list[int]],
) -> None:
    mutexes = [lwt_mutex.create() for _ in range(4)]
    holds: dict[str, str] = {}
    waits_for: dict[str, str] = {}

    async def locks(name: str, order: list[int]) -> None:
        if not order:
            return
        waits_for[name] = str(order[0])
        async with mutexes[order[0]]:
            del waits_for[name]
            holds[str(order[0])] = name
            await lwt.pause()
            await locks(name, order[1:])
        del holds[str(order[0])]

    _ = [lwt.of_coroutine(locks(str(number), order)) for number, order in enumerate(orders)]
    while lwt.paused_count():
        lwt.wakeup_paused()
    told = testing.waiting()
    held = [edge for edge in told.edges if edge.verb == "is held by"]
    wanted = set(waits_for.values())
    assert len(held) == len(wanted)
    assert not [edge for edge in told.edges if edge.verb == "may be held by"]

    def is_in_circle(name: str) -> bool:
        seen = [name]
        while seen[-1] in waits_for:
            following = holds[waits_for[seen[-1]]]
            if following in seen:
                return following == name
            seen.append(following)
        return False

    in_circles = {name for name in waits_for if is_in_circle(name)}
    bodies = {str(edge.source) for circle in told.circles for edge in circle}
    assert len([body for body in bodies if body.startswith("body")]) == len(in_circles)


# --- The other end ------------------------------------------------------------


def circle_of_deadlock(main: Callable[[], Coroutine[Any, Any, object]]) -> list[str]:
    with pytest.raises(testing.Deadlock) as caught:
        testing.simulate(main)
    (circle,) = caught.value.waiting.possible_circles
    return [str(edge) for edge in circle]


def test_who_waits_for_what_the_other_would_write_after_reading_is_in_a_possible_circle() -> None:
    async def first_reads(reading: lwt_io.InputChannel, writing: lwt_io.OutputChannel) -> None:
        await lwt_io.write_line(writing, await lwt_io.read_line(reading))

    async def main() -> None:
        reading, writing = lwt_io.pipe()
        reading_back, writing_back = lwt_io.pipe()
        there = lwt.of_coroutine(first_reads(reading, writing_back))
        await lwt.join([there, lwt.of_coroutine(first_reads(reading_back, writing))])

    assert circle_of_deadlock(main) == [
        "body 2 (first_reads) waits for lwt_io.read_line 1",
        "lwt_io.read_line 1 waits for input on reader of pipe a",
        "input on reader of pipe a can be sent by body 3 (first_reads)",
        "body 3 (first_reads) waits for lwt_io.read_line 2",
        "lwt_io.read_line 2 waits for input on reader of pipe b",
        "input on reader of pipe b can be sent by body 2 (first_reads)",
    ]


def test_a_client_and_its_server_that_both_read_first_are_in_a_possible_circle() -> None:
    async def reads(channels: tuple[lwt_io.InputChannel, lwt_io.OutputChannel]) -> None:
        await lwt_io.read_line(channels[0])

    async def main() -> None:
        address = ("127.0.0.1", 80)
        await lwt_io.establish_server_with_client_address(
            address, lambda _, channels: reads(channels)
        )
        await lwt_io.with_connection(address, reads)

    assert circle_of_deadlock(main) == [
        "body 2 (reads) waits for lwt_io.read_line 1",
        "lwt_io.read_line 1 waits for input on client a",
        "input on client a can be sent by body 3 (reads)",
        "body 3 (reads) waits for lwt_io.read_line 2",
        "lwt_io.read_line 2 waits for input on server of client a",
        "input on server of client a can be sent by body 2 (reads)",
    ]
