"""Ten million elements through `map` and `filter`: what time they take, and what memory.

    python -m tests.benchmarks.bench_stream_memory [NUMBER]

The column "MB at most" is the most memory that the process has had until then. If it is the same
after a hundredth of the elements as after all of them, then no element is kept.
"""

from __future__ import annotations

import resource
import sys
import time

import lwt
from lwt import lwt_stream

NUMBER = 10_000_000


def megabytes() -> float:
    """The most memory that the process has had so far."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1024 / (1024 if sys.platform == "darwin" else 1)


def read(number: int) -> None:
    """Read so many elements, by a body that awaits each, and see that they are right."""
    doubled = lwt_stream.map(lambda n: 2 * n, lwt_stream.of_seq(iter(range(number))))
    kept = lwt_stream.filter(lambda n: n % 3 == 0, doubled)

    async def count() -> int:
        found = 0
        async for _ in kept:
            found += 1
        return found

    assert lwt.state(lwt.of_coroutine(count())) == lwt.Return((number + 2) // 3)


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else NUMBER
    print(f"{'elements':>12}{'seconds':>10}{'ns each':>10}{'MB at most':>12}")
    print(f"{0:>12,}{'':>20}{megabytes():>12.1f}")
    for part in (number // 100, number // 10, number):
        started = time.perf_counter()
        read(part)
        seconds = time.perf_counter() - started
        print(f"{part:>12,}{seconds:>10.2f}{seconds / part * 1e9:>10.0f}{megabytes():>12.1f}")


if __name__ == "__main__":
    main()
