"""Streams beside asyncio's queues: what an element costs, in one run of one process.

    python tests/benchmarks/bench_streams.py [NAME]

Run it on an idle machine. A line is the least of many short measurements, of lwt and asyncio by
turns. Both sides are `async def` bodies that do the same work: one puts elements in, one takes
them out. asyncio has no stream that ends and can be mapped: its bodies look for a value that
says that it is the end, and map from one queue to the next in tasks, as its users write it.

Two lines take an element that is there. `async for` is how a body reads a stream, and
`await queue.get()` in a loop is how one reads a queue. `await lwt_stream.get(stream)` does
more than `await queue.get()`: it makes a promise, which can be kept, chosen from and cancelled,
before it is awaited. What asyncio has of that kind is a task, and the line after it compares
with that one.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple, TypeAlias

import lwt
from lwt import Some, lwt_stream

ROUNDS = 60
NUMBER = 2_000
AT_ONCE = 100
"""How many elements are put in before they are taken out, where they are there."""

Program: TypeAlias = Callable[[int], Coroutine[Any, Any, None]]
Numbers: TypeAlias = "asyncio.Queue[int | None]"


class Line(NamedTuple):
    """One line of the table: two programs that do the same."""

    name: str
    lwt: Program
    asyncio: Program


# --- Elements that are waited for --------------------------------------------


async def lwt_waited_for(number: int) -> None:
    stream, push = lwt_stream.create()

    async def take() -> None:
        while await lwt_stream.get(stream) is not None:
            pass

    taking = lwt.of_coroutine(take())
    for n in range(number):
        push(Some(n))
    push(None)
    await taking


async def asyncio_waited_for(number: int) -> None:
    queue: Numbers = asyncio.Queue(1)

    async def take() -> None:
        while await queue.get() is not None:
            pass

    taking = asyncio.create_task(take())
    for n in range(number):
        await queue.put(n)
    await queue.put(None)
    await taking


# --- Elements that are there -------------------------------------------------


async def lwt_async_for(number: int) -> None:
    stream, push = lwt_stream.create()
    for _ in range(number // AT_ONCE):
        for n in range(AT_ONCE):
            push(Some(n))
        async for element in stream:
            if element == AT_ONCE - 1:
                break


async def lwt_get(number: int) -> None:
    stream, push = lwt_stream.create()
    for _ in range(number // AT_ONCE):
        for n in range(AT_ONCE):
            push(Some(n))
        while (option := await lwt_stream.get(stream)) is not None:
            if option.value == AT_ONCE - 1:
                break


async def asyncio_get(number: int) -> None:
    queue: Numbers = asyncio.Queue()
    for _ in range(number // AT_ONCE):
        for n in range(AT_ONCE):
            queue.put_nowait(n)
        while (element := await queue.get()) is not None:
            if element == AT_ONCE - 1:
                break


async def asyncio_task_of_get(number: int) -> None:
    queue: Numbers = asyncio.Queue()
    for _ in range(number // AT_ONCE):
        for n in range(AT_ONCE):
            queue.put_nowait(n)
        while (element := await asyncio.create_task(queue.get())) is not None:
            if element == AT_ONCE - 1:
                break


# --- A queue with a bound ----------------------------------------------------


async def lwt_bounded_with_room(number: int) -> None:
    stream, source = lwt_stream.create_bounded(1)
    for n in range(number):
        await source.push(n)
        await lwt_stream.get(stream)


async def asyncio_bounded_with_room(number: int) -> None:
    queue: Numbers = asyncio.Queue(1)
    for n in range(number):
        await queue.put(n)
        await queue.get()


async def lwt_bounded_reader_waits(number: int) -> None:
    stream, source = lwt_stream.create_bounded(1)

    async def take() -> None:
        while await lwt_stream.get(stream) is not None:
            pass

    taking = lwt.of_coroutine(take())
    for n in range(number):
        await source.push(n)
    source.close()
    await taking


async def lwt_bounded_push_waits(number: int) -> None:
    stream, source = lwt_stream.create_bounded(1)

    async def put() -> None:
        for n in range(number):
            await source.push(n)
        source.close()

    putting = lwt.of_coroutine(put())
    async for _ in stream:
        pass
    await putting


async def asyncio_bounded_push_waits(number: int) -> None:
    queue: Numbers = asyncio.Queue(1)

    async def put() -> None:
        for n in range(number):
            await queue.put(n)
        await queue.put(None)

    putting = asyncio.create_task(put())
    while await queue.get() is not None:
        pass
    await putting


# --- map and filter ----------------------------------------------------------


async def lwt_map_and_filter(number: int) -> None:
    stream, push = lwt_stream.create()
    mapped = lwt_stream.map(lambda n: n + 1, stream)
    filtered = lwt_stream.filter(lambda n: n % 2 == 0, mapped)
    for _ in range(number // AT_ONCE):
        for n in range(AT_ONCE):
            push(Some(n))
        async for element in filtered:
            if element == AT_ONCE:
                break


async def lwt_map_and_filter_waiting(number: int) -> None:
    stream, push = lwt_stream.create()
    mapped = lwt_stream.map(lambda n: n + 1, stream)
    filtered = lwt_stream.filter(lambda n: n % 2 == 0, mapped)

    async def take() -> None:
        async for _ in filtered:
            pass

    taking = lwt.of_coroutine(take())
    for n in range(number):
        push(Some(n))
    push(None)
    await taking


def asyncio_mapped_and_filtered(queue: Numbers, bound: int) -> tuple[Numbers, list[Any]]:
    """A queue of what is left, and the tasks that map and filter."""
    mapped: Numbers = asyncio.Queue(bound)
    filtered: Numbers = asyncio.Queue(bound)

    async def map_all() -> None:
        while (n := await queue.get()) is not None:
            await mapped.put(n + 1)
        await mapped.put(None)

    async def filter_all() -> None:
        while (n := await mapped.get()) is not None:
            if n % 2 == 0:
                await filtered.put(n)
        await filtered.put(None)

    return filtered, [asyncio.create_task(map_all()), asyncio.create_task(filter_all())]


async def asyncio_map_and_filter(number: int) -> None:
    queue: Numbers = asyncio.Queue()
    filtered, tasks = asyncio_mapped_and_filtered(queue, 0)
    for _ in range(number // AT_ONCE):
        for n in range(AT_ONCE):
            queue.put_nowait(n)
        while (element := await filtered.get()) is not None:
            if element == AT_ONCE:
                break
    queue.put_nowait(None)
    await asyncio.gather(*tasks)


async def asyncio_map_and_filter_waiting(number: int) -> None:
    queue: Numbers = asyncio.Queue(1)
    filtered, _tasks = asyncio_mapped_and_filtered(queue, 1)

    async def take() -> None:
        while await filtered.get() is not None:
            pass

    taking = asyncio.create_task(take())
    for n in range(number):
        await queue.put(n)
    await queue.put(None)
    await taking


LINES = (
    Line("waited for", lwt_waited_for, asyncio_waited_for),
    Line("there: async for", lwt_async_for, asyncio_get),
    Line("there: await get (get)", lwt_get, asyncio_get),
    Line("there: await get (a task of get)", lwt_get, asyncio_task_of_get),
    Line("bounded, with room", lwt_bounded_with_room, asyncio_bounded_with_room),
    Line("bounded, the reader waits", lwt_bounded_reader_waits, asyncio_waited_for),
    Line("bounded, the push waits", lwt_bounded_push_waits, asyncio_bounded_push_waits),
    Line("map and filter, there", lwt_map_and_filter, asyncio_map_and_filter),
    Line("map and filter, waited for", lwt_map_and_filter_waiting, asyncio_map_and_filter_waiting),
)


def run_lwt(program: Program) -> None:
    promise = lwt.of_coroutine(program(NUMBER))
    assert lwt.state(promise) == lwt.Return(None)


def run_asyncio(program: Program) -> None:
    asyncio.run(program(NUMBER))


def nanoseconds(run: Callable[[Program], None], program: Program) -> float:
    gc.collect()
    started = time.perf_counter()
    run(program)
    return (time.perf_counter() - started) / NUMBER * 1e9


def main() -> None:
    """Print the table; run only the lines whose name contains an argument, if there is one."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    version = ".".join(map(str, sys.version_info[:3]))
    print(f"CPython {version}, an element, best of {ROUNDS}")
    print(f"{'':36}{'lwt':>10}{'asyncio':>12}{'ratio':>8}")
    for line in LINES:
        if wanted not in line.name:
            continue
        measured = [
            (nanoseconds(run_lwt, line.lwt), nanoseconds(run_asyncio, line.asyncio))
            for _ in range(ROUNDS)
        ]
        ours, theirs = (min(column) for column in zip(*measured, strict=True))
        slower = "  slower" if ours > theirs else ""
        print(f"{line.name:36}{ours:>7.0f} ns{theirs:>9.0f} ns{ours / theirs:>8.2f}{slower}")


if __name__ == "__main__":
    main()
