"""The core beside asyncio: the time and the memory of one operation.

    python -m tests.benchmarks.bench_core [NAME]

Each line is the best of several rounds in one process. lwt and asyncio take turns, so that
a busy machine disturbs both alike. The asyncio operation is the nearest thing that a program
would write there. The column "ratio" is lwt's time or memory, divided by asyncio's; "goal" is
the most that this project allows: a ratio, or bytes.
"""

import asyncio
import gc
import sys
import time
import tracemalloc
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

import lwt

ROUNDS = 7
"""How often each measurement is made; the least counts."""

Program = Callable[[int], None]
"""Does an operation so many times."""


class Line(NamedTuple):
    """One line of the table."""

    name: str
    number: int
    lwt: Program
    asyncio: Program
    goal: float


# --- bind on a promise that is resolved --------------------------------------


def lwt_bind_resolved(number: int) -> None:
    bind, promise, callback = lwt.bind, lwt.return_(1), lwt.return_
    for _ in range(number):
        bind(promise, callback)


def asyncio_bind_resolved(number: int) -> None:
    """Wait for one future, and make another one from its value, which is done: this is `bind`."""

    async def main() -> None:
        create_future = asyncio.get_running_loop().create_future

        async def done(value: int) -> int:
            future: asyncio.Future[int] = create_future()
            future.set_result(value)
            return await future

        first = create_future()
        first.set_result(1)
        for _ in range(number):
            await done(await first)

    asyncio.run(main())


def lwt_await_resolved(number: int) -> None:
    async def main() -> None:
        async def done(value: int) -> int:
            return await lwt.return_(value)

        first = lwt.return_(1)
        for _ in range(number):
            await done(await first)

    lwt.of_coroutine(main())


# --- bind on a promise that is pending, and its wakeup ------------------------


def lwt_bind_pending(number: int) -> None:
    wait, bind, wakeup, callback = lwt.wait, lwt.bind, lwt.wakeup, lwt.return_
    for _ in range(number):
        promise, resolver = wait()
        bind(promise, callback)
        wakeup(resolver, 1)


def asyncio_bind_pending(number: int) -> None:
    """A callback that resolves another future. The loop runs it in its next turn."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for _ in range(number):
            future, outer = loop.create_future(), loop.create_future()
            future.add_done_callback(lambda done, outer=outer: outer.set_result(done.result()))  # type: ignore[misc]  # mypy infers no lambda with a default
            future.set_result(1)
            await outer

    asyncio.run(main())


# --- a body that awaits a pending promise ------------------------------------


def lwt_body(number: int) -> None:
    wait, wakeup = lwt.wait, lwt.wakeup

    @lwt.promised
    async def body(promise: lwt.Promise[int]) -> int:
        return await promise

    for _ in range(number):
        promise, resolver = wait()
        body(promise)
        wakeup(resolver, 1)


def asyncio_body(number: int) -> None:
    """A task. It starts in one turn of the loop, and goes on in another."""

    async def body(future: asyncio.Future[int]) -> int:
        return await future

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for _ in range(number):
            future = loop.create_future()
            task = loop.create_task(body(future))
            await asyncio.sleep(0)
            future.set_result(1)
            await task

    asyncio.run(main())


# --- pause -------------------------------------------------------------------


def lwt_pause(bodies: int) -> Program:
    def program(number: int) -> None:
        pause = lwt.pause

        @lwt.promised
        async def body() -> None:
            for _ in range(number // bodies):
                await pause()

        together = lwt.join([body() for _ in range(bodies)])
        while lwt.is_sleeping(together):
            lwt.wakeup_paused()

    return program


def asyncio_pause(bodies: int) -> Program:
    def program(number: int) -> None:
        sleep = asyncio.sleep

        async def body() -> None:
            for _ in range(number // bodies):
                await sleep(0)

        async def main() -> None:
            await asyncio.gather(*(body() for _ in range(bodies)))

        asyncio.run(main())

    return program


# --- join --------------------------------------------------------------------


def lwt_join(number: int) -> None:
    for _ in range(number // 1000):
        pairs = [lwt.wait() for _ in range(1000)]
        joined = lwt.join([promise for promise, _ in pairs])
        for _, resolver in pairs:
            lwt.wakeup(resolver, None)
        assert not lwt.is_sleeping(joined)


def asyncio_join(number: int) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        for _ in range(number // 1000):
            futures = [loop.create_future() for _ in range(1000)]
            gathered = asyncio.gather(*futures)
            for future in futures:
                future.set_result(None)
            await gathered

    asyncio.run(main())


LINES = (
    Line("bind on a resolved promise", 200_000, lwt_bind_resolved, asyncio_bind_resolved, 1.1),
    Line("await of a resolved promise", 200_000, lwt_await_resolved, asyncio_bind_resolved, 1.1),
    Line("pending bind and wakeup", 50_000, lwt_bind_pending, asyncio_bind_pending, 0.5),
    Line("body awaiting a pending promise", 20_000, lwt_body, asyncio_body, 0.4),
    Line("pause in 1 body", 50_000, lwt_pause(1), asyncio_pause(1), 0.5),
    Line("pause in 1,000 bodies", 100_000, lwt_pause(1000), asyncio_pause(1000), 0.5),
    Line("join of 1,000, an element", 50_000, lwt_join, asyncio_join, 0.35),
)


def nanoseconds(program: Program, number: int) -> float:
    """The time of one operation, in one measurement."""
    gc.collect()
    started = time.perf_counter()
    program(number)
    return (time.perf_counter() - started) / number * 1e9


def measure(line: Line) -> tuple[float, float]:
    """The least time of one operation of lwt's and of one of asyncio's."""
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(nanoseconds(line.lwt, line.number))
        theirs.append(nanoseconds(line.asyncio, line.number))
    return min(ours), min(theirs)


# --- Memory ------------------------------------------------------------------

KEPT = 10_000


def bytes_each(make: Callable[[], object]) -> float:
    """The memory of one of many things that are kept at the same time."""
    make()
    gc.collect()
    kept: list[object] = [None] * KEPT
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for index in range(KEPT):
        kept[index] = make()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (after - before) / KEPT


def lwt_promise_with_bind() -> object:
    promise, resolver = lwt.wait()
    return resolver, lwt.bind(promise, lwt.return_)


async def lwt_waiting(promise: lwt.Promise[None]) -> None:
    await promise


def lwt_suspended_body() -> object:
    promise, resolver = lwt.wait()
    return resolver, lwt.of_coroutine(lwt_waiting(promise))


def in_asyncio(measured: Coroutine[Any, Any, float]) -> float:
    return asyncio.run(measured)


async def asyncio_promise_with_bind() -> float:
    loop = asyncio.get_running_loop()

    def make() -> object:
        future = loop.create_future()
        future.add_done_callback(ignore)
        return future

    return bytes_each(make)


def ignore(_: object) -> None:
    pass


async def asyncio_suspended_body() -> float:
    loop = asyncio.get_running_loop()
    kept = []

    async def waiting(future: asyncio.Future[None]) -> None:
        await future

    gc.collect()
    tracemalloc.start()
    for _ in range(KEPT):
        future = loop.create_future()
        kept.append((future, loop.create_task(waiting(future))))
    await asyncio.sleep(0)
    size = tracemalloc.get_traced_memory()[0] / KEPT
    tracemalloc.stop()
    for future, _ in kept:
        future.set_result(None)
    await asyncio.gather(*(task for _, task in kept))
    return size


class Memory(NamedTuple):
    """One line of the table of sizes."""

    name: str
    lwt: Callable[[], object]
    asyncio: Callable[[], Coroutine[Any, Any, float]]
    goal: int


SIZES = (
    Memory("promise with one bind", lwt_promise_with_bind, asyncio_promise_with_bind, 450),
    Memory("suspended body", lwt_suspended_body, asyncio_suspended_body, 885),
)


def main() -> None:
    """Print the tables; run only the lines whose name contains an argument, if there is one."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    version = ".".join(map(str, sys.version_info[:3]))
    print(f"CPython {version}, best of {ROUNDS}")
    print(f"{'':34}{'lwt':>10}{'asyncio':>12}{'ratio':>8}{'goal':>8}")
    for line in LINES:
        if wanted in line.name:
            ours, theirs = measure(line)
            print(
                f"{line.name:34}{ours:>7.0f} ns{theirs:>9.0f} ns"
                f"{ours / theirs:>8.2f}{line.goal:>8.2f}{missed(ours / theirs, line.goal)}"
            )
    for memory in SIZES:
        if wanted in memory.name:
            size, other = bytes_each(memory.lwt), in_asyncio(memory.asyncio())
            print(
                f"{memory.name:34}{size:>8.0f} B{other:>10.0f} B"
                f"{size / other:>8.2f}{memory.goal:>6} B{missed(size, memory.goal)}"
            )


def missed(value: float, goal: float) -> str:
    return "  missed" if value > goal else ""


if __name__ == "__main__":
    main()
