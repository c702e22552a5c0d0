"""Computations in threads beside asyncio, in one run.

    python -m tests.benchmarks.bench_detach [--number 10000] [--rounds 7]

`lwt_preemptive.detach` and `detach_on` beside `asyncio.to_thread` and `run_in_executor`. Each line is for so many
computations that do nothing, all at once and one after the other: microseconds for one, the best of some rounds
that alternate, since only numbers of the same run can be compared.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import lwt
from lwt_unix import lwt_main, lwt_preemptive

THREADS = 4
"""How many there are at most, for both: as many as OCaml has at first."""

Work = Callable[[int], Awaitable[None]]


def nothing(number: int) -> int:
    return number


def ours(executor: ThreadPoolExecutor) -> dict[str, Work]:
    async def at_once(number: int) -> None:
        await lwt.all([lwt_preemptive.detach(nothing, n) for n in range(number)])

    async def one_by_one(number: int) -> None:
        for n in range(number):
            await lwt_preemptive.detach(nothing, n)

    async def on_executor(number: int) -> None:
        await lwt.all([lwt_preemptive.detach_on(executor, nothing, n) for n in range(number)])

    return {"at once": at_once, "one by one": one_by_one, "on an executor": on_executor}


def of_asyncio(executor: ThreadPoolExecutor) -> dict[str, Work]:
    async def at_once(number: int) -> None:
        await asyncio.gather(*(asyncio.to_thread(nothing, n) for n in range(number)))

    async def one_by_one(number: int) -> None:
        for n in range(number):
            await asyncio.to_thread(nothing, n)

    async def on_executor(number: int) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(loop.run_in_executor(executor, nothing, n) for n in range(number)))

    return {"at once": at_once, "one by one": one_by_one, "on an executor": on_executor}


async def timed(work: Work, number: int) -> float:
    start = time.perf_counter()
    await work(number)
    return (time.perf_counter() - start) / number * 1e6


async def timed_by_asyncio(work: Work, number: int) -> float:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS))
    return await timed(work, number)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with ThreadPoolExecutor(THREADS) as executor:
        lwt_preemptive.set_bounds((0, THREADS))
        own, others = ours(executor), of_asyncio(executor)
        print(f"{options.number:,} computations, us each  {'lwt_unix':>9}{'asyncio':>9}")
        for name in own:
            best = [float("inf"), float("inf")]
            for _ in range(options.rounds):
                best[0] = min(best[0], lwt_main.run(timed(own[name], options.number)))
                theirs = timed_by_asyncio(others[name], options.number)
                best[1] = min(best[1], asyncio.run(theirs))
            print(f"{name:29}{best[0]:9.1f}{best[1]:9.1f}")


if __name__ == "__main__":
    main()
