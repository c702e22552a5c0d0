"""Streams beside asyncio's queues: what an element costs.

    python -m tests.benchmarks.bench_streams [NAME]

Run it on an idle machine. Both sides are `async def` bodies that do the same work: one puts
elements in, one takes them out. asyncio has no stream that ends and can be mapped. So its bodies
look for a value that marks the end, and tasks of it map from one queue to the next, as its users
write it.

In the lines "waited for" the reader waits for each element; in the lines "there" the elements are
there when it reads. Such an element can be taken in two ways:

- `async for` and `anext` are how a body reads a stream. They make nothing that a program could
  keep. Neither does `await queue.get()`, which is beside them in the table.
- `lwt_stream.get` makes a promise, which a program can keep, choose from and cancel. In asyncio
  that is a task of `queue.get()`, which is beside it in the first table. The second table has it
  beside `await queue.get()` without a task. There lwt does more: it makes a promise and an option
  for each element. In the line "options at hand" the options are made before.

Elements that are there are put in a hundred at a time. With two thousand at a time, `fold` and
`map_s` took about as long as asyncio (ratios of 0.95 to 1.1): then the garbage collector goes over
an option and a cell for each element that waits, and over plain numbers in asyncio's queue.

`push` takes an option, as OCaml's does. Under CPython 3.12 and 3.13, making `Some(n)` takes more
than a third of the time in which asyncio puts and gets. So the lines that do little else, "there:
async for", "there: get, options at hand" and "fold, there", were slower than asyncio under 3.12
(ratios of 1.2 to 1.3), and about as fast under 3.13 (1.0 to 1.1).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

import lwt
from lwt import Some, lwt_stream
from tests.benchmarks.bench_lists import futures_that_are_done, give_later, lwt_later
from tests.benchmarks.beside_asyncio import Line, print_table

ROUNDS = 60
NUMBER = 2_000
AT_ONCE = 100
"""How many elements are put in before they are taken out, in the lines "there"."""

Program: TypeAlias = Callable[[int], Coroutine[Any, Any, None]]
Numbers: TypeAlias = "asyncio.Queue[int | None]"


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


async def lwt_get_of_options_at_hand(number: int) -> None:
    options = [Some(n) for n in range(AT_ONCE)]
    stream, push = lwt_stream.create()
    for _ in range(number // AT_ONCE):
        for option in options:
            push(option)
        while (taken := await lwt_stream.get(stream)) is not None:
            if taken.value == AT_ONCE - 1:
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


async def lwt_bounded_with_room_anext(number: int) -> None:
    stream, source = lwt_stream.create_bounded(1)
    for n in range(number):
        await source.push(n)
        await anext(stream)


async def asyncio_bounded_with_room(number: int) -> None:
    queue: Numbers = asyncio.Queue(1)
    for n in range(number):
        await queue.put(n)
        await queue.get()


async def asyncio_bounded_task_of_get(number: int) -> None:
    queue: Numbers = asyncio.Queue(1)
    for n in range(number):
        await queue.put(n)
        await asyncio.create_task(queue.get())


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


# --- Going through, and functions that return promises ------------------------


def lwt_full() -> lwt_stream.Stream[int]:
    stream, push = lwt_stream.create()
    for n in range(AT_ONCE):
        push(Some(n))
    push(None)
    return stream


def asyncio_full() -> Numbers:
    queue: Numbers = asyncio.Queue()
    for n in range(AT_ONCE):
        queue.put_nowait(n)
    queue.put_nowait(None)
    return queue


async def lwt_fold(number: int) -> None:
    for _ in range(number // AT_ONCE):
        await lwt_stream.fold(lambda n, total: n + total, lwt_full(), 0)


async def asyncio_fold(number: int) -> None:
    def add(n: int, total: int) -> int:
        return n + total

    for _ in range(number // AT_ONCE):
        queue = asyncio_full()
        total = 0
        while (n := await queue.get()) is not None:
            total = add(n, total)


async def lwt_iter_s(number: int) -> None:
    for _ in range(number // AT_ONCE):
        await lwt_stream.iter_s(lwt.return_, lwt_full())


async def asyncio_iter_s(number: int) -> None:
    done = futures_that_are_done()
    for _ in range(number // AT_ONCE):
        queue = asyncio_full()
        while (n := await queue.get()) is not None:
            await done(n)


async def lwt_map_s(number: int) -> None:
    for _ in range(number // AT_ONCE):
        async for _ in lwt_stream.map_s(lwt.return_, lwt_full()):
            pass


async def asyncio_map_s(number: int) -> None:
    done = futures_that_are_done()

    async def map_all(queue: Numbers, mapped: Numbers) -> None:
        while (n := await queue.get()) is not None:
            await mapped.put(await done(n))
        await mapped.put(None)

    for _ in range(number // AT_ONCE):
        mapped: Numbers = asyncio.Queue()
        mapping = asyncio.create_task(map_all(asyncio_full(), mapped))
        while await mapped.get() is not None:
            pass
        await mapping


async def lwt_iter_n(number: int) -> None:
    for _ in range(number // AT_ONCE):
        await lwt_stream.iter_n(lwt_later, lwt_full(), max_concurrency=4)


async def asyncio_iter_n(number: int) -> None:
    semaphore = asyncio.Semaphore(4)

    async def give_and_release(n: int) -> None:
        await give_later(n)
        semaphore.release()

    for _ in range(number // AT_ONCE):
        queue = asyncio_full()
        async with asyncio.TaskGroup() as group:
            while (n := await queue.get()) is not None:
                await semaphore.acquire()
                group.create_task(give_and_release(n))


LINES = (
    Line("waited for", lwt_waited_for, asyncio_waited_for),
    Line("there: async for", lwt_async_for, asyncio_get),
    Line("there: get, options at hand", lwt_get_of_options_at_hand, asyncio_get),
    Line("there: get (a task of get)", lwt_get, asyncio_task_of_get),
    Line("bounded, with room: anext", lwt_bounded_with_room_anext, asyncio_bounded_with_room),
    Line("bounded, with room: get (a task)", lwt_bounded_with_room, asyncio_bounded_task_of_get),
    Line("bounded, the reader waits", lwt_bounded_reader_waits, asyncio_waited_for),
    Line("bounded, the push waits", lwt_bounded_push_waits, asyncio_bounded_push_waits),
    Line("map and filter, there", lwt_map_and_filter, asyncio_map_and_filter),
    Line("map and filter, waited for", lwt_map_and_filter_waiting, asyncio_map_and_filter_waiting),
    Line("fold, there", lwt_fold, asyncio_fold),
    Line("iter_s, there", lwt_iter_s, asyncio_iter_s),
    Line("map_s, there", lwt_map_s, asyncio_map_s),
    Line("iter_n, four at once", lwt_iter_n, asyncio_iter_n),
)


LINES_OF_MORE_WORK = (
    Line("there: get (no task)", lwt_get, asyncio_get),
    Line("bounded, with room: get (no task)", lwt_bounded_with_room, asyncio_bounded_with_room),
)


if __name__ == "__main__":
    print_table(LINES, number=NUMBER, rounds=ROUNDS)
    print("\nPromises of new options (lwt_stream.get), beside queue.get() without a task")
    print_table(LINES_OF_MORE_WORK, number=NUMBER, rounds=ROUNDS)
