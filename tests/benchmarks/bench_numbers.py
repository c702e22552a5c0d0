"""Numbers in binary beside asyncio, in one run.

    python -m tests.benchmarks.bench_numbers [--number 100000] [--rounds 7]

`lwt_io.BE.read_int32` beside `readexactly(4)` and `struct.unpack` on a stream of asyncio, both from a socket whose
other end a thread fills. What is printed: microseconds of the processor for one number, the best of some
rounds that alternate, since only numbers of the same run can be compared.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import struct
import threading
import time
from collections.abc import Callable

from lwt_unix import lwt_io, lwt_main, of_unix_file_descr

LAYOUT = struct.Struct(">i")


def filled(number: int) -> socket.socket:
    """Return a socket from which so many numbers come, and then the end."""
    near, far = socket.socketpair()
    data = struct.pack(f">{number}i", *range(number))

    def fill() -> None:
        with far:
            far.sendall(data)

    threading.Thread(target=fill).start()
    return near


def ours(number: int) -> int:
    async def read() -> int:
        ic = lwt_io.of_fd(of_unix_file_descr(filled(number).detach()), mode=lwt_io.Input)
        total = 0
        for _ in range(number):
            total += await lwt_io.BE.read_int32(ic)
        await lwt_io.close(ic)
        return total

    return lwt_main.run(read())


def of_asyncio(number: int) -> int:
    async def read() -> int:
        reader, writer = await asyncio.open_connection(sock=filled(number))
        total = 0
        for _ in range(number):
            (value,) = LAYOUT.unpack(await reader.readexactly(4))
            total += value
        writer.close()
        await writer.wait_closed()
        return total

    return asyncio.run(read())


def measured(read: Callable[[int], int], number: int) -> float:
    start = time.thread_time()
    total = read(number)
    spent = time.thread_time() - start
    assert total == number * (number - 1) // 2
    return spent / number * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    rounds = [
        (measured(ours, options.number), measured(of_asyncio, options.number))
        for _ in range(options.rounds)
    ]
    best = [min(times) for times in zip(*rounds, strict=True)]
    print(f"a number of 32 bits: ours {best[0]:.2f} µs, asyncio {best[1]:.2f} µs")


if __name__ == "__main__":
    main()
