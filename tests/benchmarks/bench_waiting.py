"""How fast values, locks, signals and members of pools are handed over, beside asyncio.

    python -m tests.benchmarks.bench_waiting [NAME]

Run it on an idle machine. A line is the least of several measurements. Both sides are `async def`
bodies that do the same work. The name of what asyncio has instead is in parentheses.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeAlias

import lwt
from lwt import lwt_condition, lwt_mutex, lwt_mvar, lwt_pool
from tests.benchmarks.bench_lists import futures_that_are_done
from tests.benchmarks.beside_asyncio import Line, print_table

ROUNDS = 15
NUMBER = 20_000

Program: TypeAlias = Callable[[int], Coroutine[Any, Any, None]]


# --- A value from one to the other and back ---------------------------------


async def lwt_ping_pong(number: int) -> None:
    there: lwt_mvar.Mvar[int] = lwt_mvar.create_empty()
    back: lwt_mvar.Mvar[int] = lwt_mvar.create_empty()

    async def pong() -> None:
        for _ in range(number):
            await lwt_mvar.put(back, await lwt_mvar.take(there))

    other = lwt.of_coroutine(pong())
    for value in range(number):
        await lwt_mvar.put(there, value)
        await lwt_mvar.take(back)
    await other


async def asyncio_ping_pong(number: int) -> None:
    there: asyncio.Queue[int] = asyncio.Queue(1)
    back: asyncio.Queue[int] = asyncio.Queue(1)

    async def pong() -> None:
        for _ in range(number):
            await back.put(await there.get())

    other = asyncio.create_task(pong())
    for value in range(number):
        await there.put(value)
        await back.get()
    await other


# --- Values that wait in a row ----------------------------------------------


async def lwt_putting(number: int) -> None:
    mailbox: lwt_mvar.Mvar[int] = lwt_mvar.create_empty()

    async def put() -> None:
        for value in range(number):
            await lwt_mvar.put(mailbox, value)

    other = lwt.of_coroutine(put())
    for _ in range(number):
        await lwt_mvar.take(mailbox)
    await other


async def asyncio_putting(number: int) -> None:
    mailbox: asyncio.Queue[int] = asyncio.Queue(1)

    async def put() -> None:
        for value in range(number):
            await mailbox.put(value)

    other = asyncio.create_task(put())
    for _ in range(number):
        await mailbox.get()
    await other


# --- Values that need not wait -----------------------------------------------


async def lwt_put_and_take(number: int) -> None:
    mailbox: lwt_mvar.Mvar[int] = lwt_mvar.create_empty()
    for value in range(number):
        await lwt_mvar.put(mailbox, value)
        await lwt_mvar.take(mailbox)


async def asyncio_put_and_take(number: int) -> None:
    mailbox: asyncio.Queue[int] = asyncio.Queue(1)
    for value in range(number):
        await mailbox.put(value)
        await mailbox.get()


# --- A lock ------------------------------------------------------------------


async def lwt_free_lock(number: int) -> None:
    mutex = lwt_mutex.create()
    for _ in range(number):
        async with mutex:
            pass


async def asyncio_free_lock(number: int) -> None:
    lock = asyncio.Lock()
    for _ in range(number):
        async with lock:
            pass


async def lwt_with_lock(number: int) -> None:
    mutex = lwt_mutex.create()
    for _ in range(number):
        await lwt_mutex.with_lock(mutex, lambda: lwt.return_unit)


async def asyncio_with_lock(number: int) -> None:
    lock = asyncio.Lock()
    done = futures_that_are_done()
    for _ in range(number):
        async with lock:
            await done(None)


async def lwt_hand_over(number: int) -> None:
    mutex = lwt_mutex.create()

    async def work() -> None:
        for _ in range(number // 10):
            async with mutex:
                await lwt.pause()

    await lwt.join([lwt.of_coroutine(work()) for _ in range(10)])


async def asyncio_hand_over(number: int) -> None:
    lock = asyncio.Lock()

    async def work() -> None:
        for _ in range(number // 10):
            async with lock:
                await asyncio.sleep(0)

    await asyncio.gather(*(work() for _ in range(10)))


# --- A condition -------------------------------------------------------------


async def lwt_telling(number: int, waiting: int) -> None:
    condition: lwt_condition.Condition[None] = lwt_condition.create()

    async def work() -> None:
        for _ in range(number // waiting):
            await lwt_condition.wait(condition)

    others = [lwt.of_coroutine(work()) for _ in range(waiting)]
    for _ in range(number // waiting):
        await lwt.pause()
        lwt_condition.broadcast(condition, None)
    await lwt.join(others)


async def asyncio_telling(number: int, waiting: int) -> None:
    condition = asyncio.Condition()

    async def work() -> None:
        for _ in range(number // waiting):
            async with condition:
                await condition.wait()

    others = [asyncio.create_task(work()) for _ in range(waiting)]
    told = 0
    while told < number // waiting:
        await asyncio.sleep(0)
        async with condition:
            if len(condition._waiters) == waiting:  # All are back.
                condition.notify_all()
                told += 1
    await asyncio.gather(*others)


# --- A pool ------------------------------------------------------------------


async def lwt_pool_of_two(number: int) -> None:
    pool = lwt_pool.create(2, lambda: lwt.return_(0))

    async def work(_: int) -> None:
        await lwt.pause()

    async def uses() -> None:
        for _ in range(number // 10):
            await lwt_pool.use(pool, work)

    await lwt.join([lwt.of_coroutine(uses()) for _ in range(10)])


class AsyncioPool:
    """A pool as asyncio's users make one: a semaphore, and a list of members.

    A Queue of members would be less work, but it is not fair: a body that puts a member back and
    asks for one again gets it at once, before all that wait.
    """

    def __init__(self, number: int) -> None:
        self._semaphore = asyncio.Semaphore(number)
        self._members = [0] * number

    async def use(self, function: Program) -> None:
        async with self._semaphore:
            member = self._members.pop()
            try:
                return await function(member)
            finally:
                self._members.append(member)


async def asyncio_pool_of_two(number: int) -> None:
    pool = AsyncioPool(2)

    async def work(_: int) -> None:
        await asyncio.sleep(0)

    async def uses() -> None:
        for _ in range(number // 10):
            await pool.use(work)

    await asyncio.gather(*(uses() for _ in range(10)))


async def lwt_pool_free(number: int) -> None:
    pool = lwt_pool.create(2, lambda: lwt.return_(0))

    async def work(_: int) -> None:
        pass

    for _ in range(number):
        await lwt_pool.use(pool, work)


async def asyncio_pool_free(number: int) -> None:
    pool = AsyncioPool(2)

    async def work(_: int) -> None:
        pass

    for _ in range(number):
        await pool.use(work)


LINES = (
    Line("mailbox ping-pong (Queue(1))", lwt_ping_pong, asyncio_ping_pong),
    Line("mailbox, putting ahead (Queue(1))", lwt_putting, asyncio_putting),
    Line("mailbox that has room (Queue(1))", lwt_put_and_take, asyncio_put_and_take),
    Line("mutex that is free (Lock)", lwt_free_lock, asyncio_free_lock),
    Line("with_lock of a free mutex (Lock)", lwt_with_lock, asyncio_with_lock),
    Line("mutex hand-over of 10 (Lock)", lwt_hand_over, asyncio_hand_over),
    Line(
        "telling one who waits (Condition)",
        partial(lwt_telling, waiting=1),
        partial(asyncio_telling, waiting=1),
    ),
    Line(
        "broadcast to 100 (Condition)",
        partial(lwt_telling, waiting=100),
        partial(asyncio_telling, waiting=100),
    ),
    Line("pool that is free (Semaphore)", lwt_pool_free, asyncio_pool_free),
    Line("pool of 2 for 10 (Semaphore)", lwt_pool_of_two, asyncio_pool_of_two),
)


if __name__ == "__main__":
    print_table(LINES, number=NUMBER, rounds=ROUNDS)
