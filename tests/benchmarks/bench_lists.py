"""Functions on lists and lazy sequences beside asyncio: what an element costs.

    python -m tests.benchmarks.bench_lists [NAME]

Run it on an idle machine. The asyncio side is what a program would write with asyncio: a loop
with `await`, or `gather`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import compress
from typing import TypeVar

import lwt
from lwt import Promise, lwt_list, lwt_seq
from tests.benchmarks.beside_asyncio import Line, print_table

ROUNDS = 15
NUMBER = 20_000


T = TypeVar("T")


async def give(x: int) -> int:
    return x


async def give_later(x: int) -> int:
    await asyncio.sleep(0)
    return x


def lwt_later(x: int) -> Promise[int]:
    return lwt.map(lambda _: x, lwt.pause())


def futures_that_are_done() -> Callable[[T], asyncio.Future[T]]:
    create_future = asyncio.get_running_loop().create_future

    def done(value: T) -> asyncio.Future[T]:
        future: asyncio.Future[T] = create_future()
        future.set_result(value)
        return future

    return done


def lwt_iter_s(number: int) -> Promise[None]:
    return lwt_list.iter_s(lwt.return_, range(number))


async def asyncio_iter_s(number: int) -> None:
    """A future that is done stands for the promise that is."""
    done = futures_that_are_done()
    for x in range(number):
        await done(x)


def lwt_iter_s_pending(number: int) -> Promise[None]:
    return lwt_list.iter_s(lwt_later, range(number))


async def asyncio_iter_s_pending(number: int) -> None:
    for x in range(number):
        await give_later(x)


def lwt_map_p(number: int) -> Promise[list[int]]:
    return lwt_list.map_p(lwt.return_, range(number))


async def asyncio_map_p(number: int) -> None:
    await asyncio.gather(*map(give, range(number)))


def lwt_map_p_pending(number: int) -> Promise[list[int]]:
    return lwt_list.map_p(lwt_later, range(number))


async def asyncio_map_p_pending(number: int) -> None:
    await asyncio.gather(*map(give_later, range(number)))


def lwt_rev_map_p_pending(number: int) -> Promise[list[int]]:
    return lwt_list.rev_map_p(lwt_later, range(number))


async def asyncio_rev_map_p_pending(number: int) -> None:
    (await asyncio.gather(*map(give_later, range(number)))).reverse()


def lwt_fold_left_s(number: int) -> Promise[int]:
    return lwt_list.fold_left_s(lambda total, x: lwt.return_(total + x), 0, range(number))


async def asyncio_fold_left_s(number: int) -> None:
    done = futures_that_are_done()
    total = 0
    for x in range(number):
        total = await done(total + x)


def lwt_filter_s(number: int) -> Promise[list[int]]:
    return lwt_list.filter_s(lambda x: lwt.return_(x % 2 == 0), range(number))


async def asyncio_filter_s(number: int) -> None:
    done = futures_that_are_done()
    [x for x in range(number) if await done(x % 2 == 0)]


def lwt_filter_p_pending(number: int) -> Promise[list[int]]:
    return lwt_list.filter_p(lambda x: lwt.map(bool, lwt_later(x)), range(number))


async def asyncio_filter_p_pending(number: int) -> None:
    async def test(x: int) -> bool:
        return bool(await give_later(x))

    outcomes = await asyncio.gather(*map(test, range(number)))
    [*compress(range(number), outcomes)]


def lwt_iter_n(number: int) -> Promise[None]:
    return lwt_seq.iter_n(lwt_later, lwt_seq.of_list(range(number)), max_concurrency=4)


async def asyncio_iter_n(number: int) -> None:
    semaphore = asyncio.Semaphore(4)

    async def bounded(x: int) -> None:
        async with semaphore:
            await give_later(x)

    await asyncio.gather(*map(bounded, range(number)))


LINES = (
    Line("iter_s, resolved", lwt_iter_s, asyncio_iter_s),
    Line("iter_s, pending", lwt_iter_s_pending, asyncio_iter_s_pending),
    Line("map_p, resolved", lwt_map_p, asyncio_map_p),
    Line("map_p, pending", lwt_map_p_pending, asyncio_map_p_pending),
    Line("rev_map_p, pending", lwt_rev_map_p_pending, asyncio_rev_map_p_pending),
    Line("fold_left_s, resolved", lwt_fold_left_s, asyncio_fold_left_s),
    Line("filter_s, resolved", lwt_filter_s, asyncio_filter_s),
    Line("filter_p, pending", lwt_filter_p_pending, asyncio_filter_p_pending),
    Line("iter_n, four at once", lwt_iter_n, asyncio_iter_n),
)


if __name__ == "__main__":
    print_table(LINES, number=NUMBER, rounds=ROUNDS)
