"""Graphs as text and in DOT."""

import re

import lwt
from lwt import lwt_condition, lwt_mutex, lwt_mvar
from lwt_unix import testing
from tests.support.waiting import report, started, text


def test_the_graph_is_drawn_in_dot() -> None:
    async def one() -> None:
        assert await lwt_condition.wait(ready) == "go"

    async def other() -> None:
        async with mutex:
            await lwt_mutex.lock(mutex)
            lwt_condition.signal(ready, "go")

    mutex, ready = lwt_mutex.create(), lwt_condition.create()
    _ = started(other, one)
    assert re.sub(r"/.*?:\d+", "FILE", testing.waiting().dot()) == text(
        "digraph waiting {",
        "    node [shape=box];",
        '    "body 1" [label="body 1 (one)\\nFILE\\nassert await lwt_condition.wait(ready) == \\"go\\""];',
        '    "condition 1" [label="condition 1 (ready)\\nnot signalled"];',
        '    "body 2" [label="body 2 (other)\\nFILE\\nawait lwt_mutex.lock(mutex)", color=red];',
        '    "mutex 1" [label="mutex 1 (mutex)", color=red];',
        '    "body 1" -> "condition 1" [label="waits for"];',
        '    "condition 1" -> "body 2" [label="can be signalled by", style=dashed];',
        '    "body 2" -> "mutex 1" [label="waits for", color=red];',
        '    "mutex 1" -> "body 2" [label="is held by", color=red];',
        "}",
        "",
    )


def test_the_hints_of_a_possible_circle_are_dashed_and_red() -> None:
    mailbox, mutex = lwt_mvar.create_empty(), lwt_mutex.create()

    async def taker() -> None:
        async with mutex:
            await lwt_mvar.take(mailbox)

    async def putter() -> None:
        async with mutex:
            await lwt_mvar.put(mailbox, 1)

    _ = started(taker, putter)
    told = testing.waiting()
    drawn = [line.strip() for line in told.dot().splitlines() if "->" in line]
    assert drawn == [
        '"body 1" -> "mutex 1" [label="waits for", color=red];',
        '"mutex 1" -> "body 2" [label="is held by", color=red];',
        '"body 2" -> "mailbox 1" [label="waits for", color=red];',
        '"mailbox 1" -> "body 1" [label="can be filled by", style=dashed, color=red];',
    ]
    assert str(told).startswith(
        "Circle 1, unless somebody else helps:\n    body 1 (putter) waits for"
    )


def test_many_alike_are_told_of_once() -> None:
    never, resolver = lwt.wait()

    async def client() -> None:
        await never

    async def main() -> None:
        await lwt.join([lwt.of_coroutine(client()) for _ in range(1_200)])

    _ = started(main)
    assert report() == text(
        "body 1 (main) waits for all of (body 2 (client), body 3 (client), body 4 (client), body 5 (client), body 6 (client), body 7 (client), body 8 (client), body 9 (client) and 1,192 more)",
        "    line 7, in main",
        "        await lwt.join([lwt.of_coroutine(client()) for _ in range(1_200)])",
        "body 2 (client) waits for promise 1",
        "    line 4, in client",
        "        await never",
        "    and 1,199 more like this",
        "promise 1, whose resolver is kept somewhere",
    )
    del resolver


def test_many_levels_of_several_are_not_told() -> None:
    never, resolver = lwt.wait()
    promise: lwt.Promise[object] = never
    for _ in range(2_000):
        promise = lwt.choose([lwt.join([never, promise]), never])

    async def waits() -> None:
        await promise

    _ = started(waits)
    assert report() == text(
        "body 1 (waits) waits for the first of (all of (promise 1, the first of (all of (promise 1, "
        "the first of (all of many, promise 1)), promise 1)), promise 1)",
        "    line 7, in waits",
        "        await promise",
        "promise 1, whose resolver is kept somewhere",
    )
    del resolver
