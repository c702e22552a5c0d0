"""lwt_list beside asyncio: what an element costs, in one run of one process.

    python tests/benchmarks/bench_lists.py

Each line is the best of several rounds, lwt and asyncio by turns. The asyncio side is
what a program would write there: a loop with `await`, or `gather`.
"""

import asyncio
import gc
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

import lwt
from lwt import lwt_list, lwt_seq

ROUNDS = 5
NUMBER = 20_000

Program = Callable[[int], None]


class Line(NamedTuple):
    """One line of the table."""

    name: str
    lwt: Program
    asyncio: Program


def run_pauses() -> None:
    while lwt.paused_count():
        lwt.wakeup_paused()


async def give(x: int) -> int:
    return x


async def give_later(x: int) -> int:
    await asyncio.sleep(0)
    return x


def lwt_later(x: int) -> lwt.Promise[int]:
    return lwt.map(lambda _: x, lwt.pause())


def lwt_iter_s(number: int) -> None:
    lwt_list.iter_s(lwt.return_, range(number))


def asyncio_iter_s(number: int) -> None:
    """A future that is done stands for the promise that is."""

    async def main() -> None:
        create_future = asyncio.get_running_loop().create_future

        def done(x: int) -> asyncio.Future[int]:
            future: asyncio.Future[int] = create_future()
            future.set_result(x)
            return future

        for x in range(number):
            await done(x)

    asyncio.run(main())


def lwt_iter_s_pending(number: int) -> None:
    lwt_list.iter_s(lwt_later, range(number))
    run_pauses()


def asyncio_iter_s_pending(number: int) -> None:
    async def main() -> None:
        for x in range(number):
            await give_later(x)

    asyncio.run(main())


def lwt_map_p(number: int) -> None:
    lwt_list.map_p(lwt.return_, range(number))


def asyncio_map_p(number: int) -> None:
    async def main() -> None:
        await asyncio.gather(*map(give, range(number)))

    asyncio.run(main())


def lwt_map_p_pending(number: int) -> None:
    lwt_list.map_p(lwt_later, range(number))
    run_pauses()


def asyncio_map_p_pending(number: int) -> None:
    async def main() -> None:
        await asyncio.gather(*map(give_later, range(number)))

    asyncio.run(main())


def lwt_iter_n(number: int) -> None:
    lwt_seq.iter_n(lwt_later, lwt_seq.of_list(range(number)), max_concurrency=4)
    run_pauses()


def asyncio_iter_n(number: int) -> None:
    async def main() -> None:
        semaphore = asyncio.Semaphore(4)

        async def bounded(x: int) -> None:
            async with semaphore:
                await give_later(x)

        await asyncio.gather(*map(bounded, range(number)))

    asyncio.run(main())


LINES = [
    Line("iter_s, resolved", lwt_iter_s, asyncio_iter_s),
    Line("iter_s, pending", lwt_iter_s_pending, asyncio_iter_s_pending),
    Line("map_p, resolved", lwt_map_p, asyncio_map_p),
    Line("map_p, pending", lwt_map_p_pending, asyncio_map_p_pending),
    Line("iter_n, four at once", lwt_iter_n, asyncio_iter_n),
]


def nanoseconds(program: Program) -> float:
    gc.collect()
    start = time.process_time_ns()
    program(NUMBER)
    return (time.process_time_ns() - start) / NUMBER


def main() -> int:
    print(f"{'ns an element':24}{'lwt':>8}{'asyncio':>9}{'quotient':>10}")
    slower = 0
    for line in LINES:
        ours, theirs = [], []
        for _ in range(ROUNDS):
            ours.append(nanoseconds(line.lwt))
            theirs.append(nanoseconds(line.asyncio))
        quotient = min(ours) / min(theirs)
        slower += quotient > 1
        print(f"{line.name:24}{min(ours):8.0f}{min(theirs):9.0f}{quotient:10.2f}")
    return int(slower > 0)


if __name__ == "__main__":
    sys.exit(main())
