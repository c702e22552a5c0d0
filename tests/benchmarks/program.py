"""What runs in a process of its own: one function of a peer, as a server or measured here.

    python -P tests/benchmarks/program.py PEER names
    python -P tests/benchmarks/program.py PEER serve FUNCTION
    python -P tests/benchmarks/program.py PEER time FUNCTION NUMBER AT_ONCE REPETITIONS
    python -P tests/benchmarks/program.py PEER memory FUNCTION NUMBER

PEER is the path of a file of `peers/`. It is run by its path, and imports nothing of the benchmarks:
so a program of today can measure the library of another checkout, which PYTHONPATH names.
"""

from __future__ import annotations

import gc
import os
import resource
import runpy
import sys
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from typing import Any


def tell(number: int) -> None:
    """Tell who started the server something: first its port, when it listens."""
    os.write(1, b"%d\n" % number)


def serve(peer: dict[str, Any], name: str) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    peer[name](tell)


def measure_time(
    peer: dict[str, Any], name: str, number: int, at_once: int, repetitions: int
) -> None:
    """Print the least processor time of one operation, in nanoseconds.

    The clock runs inside the peer's loop, so that making and closing the loop is not counted.
    """
    program: Callable[[int, int], Awaitable[None] | None] = peer[name]

    async def seconds() -> float:
        gc.collect()
        start = time.process_time()
        awaitable = program(number, at_once)
        if awaitable is not None:
            await awaitable
        return time.process_time() - start

    best = min(peer["run"](seconds) for _ in range(repetitions))
    print(best / number * 1e9)


def measure_memory(peer: dict[str, Any], name: str, number: int) -> None:
    """Print how many bytes one of `number` things takes that exist at the same time."""
    make: Callable[[int, Callable[[object], None]], Awaitable[None]] = peer[name]

    async def size() -> float:
        kept: list[object] = [None] * (2 * number)
        places = iter(range(2 * number))

        def keep(thing: object) -> None:
            kept[next(places)] = thing

        await make(1, lambda _: None)  # what the first one brings with it does not count
        gc.collect()
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        await make(number, keep)
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return (after - before) / number

    print(peer["run"](size))


def main(path: str, action: str, name: str = "", *numbers: str) -> None:
    try:
        peer = runpy.run_path(path)
    except ImportError as error:
        print(error, file=sys.stderr)
        sys.exit(3)
    if action == "names":
        print(*(name for name in peer if not name.startswith("_")))
    elif action == "serve":
        serve(peer, name)
    elif action == "time":
        measure_time(peer, name, *map(int, numbers))
    else:
        measure_memory(peer, name, *map(int, numbers))


if __name__ == "__main__":
    main(*sys.argv[1:])
