"""Streams beside asyncio's queues: what an element costs, in one run of one process.

    python tests/benchmarks/bench_streams.py

Each line is the best of several rounds, lwt and asyncio by turns.
"""

import asyncio
import time
from collections.abc import Callable

import lwt
from lwt import Some, lwt_stream

ROUNDS = 5
NUMBER = 50_000


def lwt_get_waiting(number: int) -> None:
    """Take elements, each of which is pushed after it was asked for."""
    stream, push = lwt_stream.create()
    done = lwt_stream.iter(lambda _: None, stream)
    for n in range(number):
        push(Some(n))
    push(None)
    assert not lwt.is_sleeping(done)


def asyncio_get_waiting(number: int) -> None:
    async def main() -> None:
        queue: asyncio.Queue[int] = asyncio.Queue(1)

        async def take() -> None:
            for _ in range(number):
                await queue.get()

        taking = asyncio.create_task(take())
        for n in range(number):
            await queue.put(n)
        await taking

    asyncio.run(main())


def lwt_get_ready(number: int) -> None:
    """Take elements that are there."""
    stream, push = lwt_stream.create()
    for n in range(number):
        push(Some(n))

    async def main() -> None:
        for _ in range(number):
            await lwt_stream.get(stream)

    lwt.of_coroutine(main())


def asyncio_get_ready(number: int) -> None:
    async def main() -> None:
        queue: asyncio.Queue[int] = asyncio.Queue()
        for n in range(number):
            queue.put_nowait(n)
        for _ in range(number):
            await queue.get()

    asyncio.run(main())


LINES: list[tuple[str, Callable[[int], None], Callable[[int], None]]] = [
    ("an element that is waited for", lwt_get_waiting, asyncio_get_waiting),
    ("an element that is there", lwt_get_ready, asyncio_get_ready),
]


def seconds(program: Callable[[int], None]) -> float:
    start = time.perf_counter()
    program(NUMBER)
    return time.perf_counter() - start


def main() -> None:
    print(f"{'microseconds for':32} {'lwt':>8} {'asyncio':>8} {'quotient':>8}")
    for name, ours, theirs in LINES:
        pairs = [(seconds(ours), seconds(theirs)) for _ in range(ROUNDS)]
        mine, other = min(a for a, _ in pairs), min(b for _, b in pairs)
        print(
            f"{name:32} {mine / NUMBER * 1e6:8.2f} {other / NUMBER * 1e6:8.2f} {mine / other:8.2f}"
        )


if __name__ == "__main__":
    main()
