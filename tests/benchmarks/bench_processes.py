"""Short processes beside asyncio: one after the other, and many at once.

    python -m tests.benchmarks.bench_processes [--rounds 5]

What is printed, the best of some rounds that alternate, since only numbers of the same run can be compared:
milliseconds for 500 processes of `true`, and for 500 of which each writes a line that is read.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable

import lwt
from lwt_unix import lwt_main, lwt_process

PROCESSES = 500
AT_ONCE = 50

Body = Callable[[], Awaitable[object]]


async def _ours_true() -> object:
    return await lwt_process.exec(("/bin/true", ["true"]))


async def _ours_read() -> object:
    return await lwt_process.pread(("/bin/echo", ["echo", "line"]))


async def _theirs_true() -> object:
    process = await asyncio.create_subprocess_exec("/bin/true")
    return await process.wait()


async def _theirs_read() -> object:
    process = await asyncio.create_subprocess_exec(
        "/bin/echo", "line", stdout=asyncio.subprocess.PIPE
    )
    return await process.communicate()


async def _some(body: Body, count: int) -> None:
    for _ in range(count):
        await body()


async def ours(body: Body, at_once: int) -> None:
    count = PROCESSES // at_once
    await lwt.join([lwt.of_coroutine(_some(body, count)) for _ in range(at_once)])


async def theirs(body: Body, at_once: int) -> None:
    await asyncio.gather(*(_some(body, PROCESSES // at_once) for _ in range(at_once)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    print(f"{'500 processes, ms':30}{'lwt_unix':>10}{'asyncio':>10}")
    rows: list[tuple[str, Body, Body, int]] = [
        ("true, one by one", _ours_true, _theirs_true, 1),
        ("true, 50 at once", _ours_true, _theirs_true, AT_ONCE),
        ("a line read, one by one", _ours_read, _theirs_read, 1),
        ("a line read, 50 at once", _ours_read, _theirs_read, AT_ONCE),
    ]
    for label, our_own, of_theirs, at_once in rows:
        best = [float("inf"), float("inf")]
        for _ in range(rounds):
            start = time.perf_counter()
            lwt_main.run(ours(our_own, at_once))
            best[0] = min(best[0], time.perf_counter() - start)
            start = time.perf_counter()
            asyncio.run(theirs(of_theirs, at_once))
            best[1] = min(best[1], time.perf_counter() - start)
        print(f"{label:30}{best[0] * 1e3:10.0f}{best[1] * 1e3:10.0f}")


if __name__ == "__main__":
    main()
