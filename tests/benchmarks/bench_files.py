"""Files beside asyncio: small reads from memory, many at once, and a file copied.

    python -m tests.benchmarks.bench_files [--megabytes 1000] [--rounds 5]

asyncio has no files: its programs call `asyncio.to_thread`. What is printed, the best of some rounds
that alternate, since only numbers of the same run can be compared:

- microseconds for a read of 4 KiB that is in memory;
- the same where the kernel cannot tell, so that a thread reads;
- milliseconds for 1,000 calls of `stat` at once;
- milliseconds for reading a large file, and for copying it, in pieces of 64 KiB.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import lwt
import lwt_unix
from lwt_unix import lwt_main
from lwt_unix._descriptors.file_descr import in_threads

READS = 2000
PIECE = 65_536

Measure = Callable[[], Awaitable[float]]


class Ours:
    """The same with this library."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def read_now(self, *, can_tell: bool = True) -> float:
        fd = await lwt_unix.openfile(self.folder / "small", [lwt_unix.O_RDONLY], 0)
        in_threads(fd).can_tell = can_tell
        buffer = bytearray(4096)
        async with fd:
            start = time.perf_counter()
            for _ in range(READS):
                await lwt_unix.pread(fd, buffer, 0, 4096, file_offset=0)
            return (time.perf_counter() - start) / READS * 1e6

    async def read_in_a_thread(self) -> float:
        return await self.read_now(can_tell=False)

    async def stat(self) -> float:
        start = time.perf_counter()
        await lwt.all([lwt_unix.stat(self.folder / "small") for _ in range(1000)])
        return (time.perf_counter() - start) * 1e3

    async def read_all(self) -> float:
        start = time.perf_counter()
        source = await lwt_unix.openfile(self.folder / "large", [lwt_unix.O_RDONLY], 0)
        buffer = bytearray(PIECE)
        async with source:
            while await lwt_unix.read(source, buffer, 0, PIECE):
                pass
        return (time.perf_counter() - start) * 1e3

    async def copy(self) -> float:
        start = time.perf_counter()
        flags = [lwt_unix.O_WRONLY, lwt_unix.O_CREAT, lwt_unix.O_TRUNC]
        source = await lwt_unix.openfile(self.folder / "large", [lwt_unix.O_RDONLY], 0)
        target = await lwt_unix.openfile(self.folder / "copy", flags, 0o600)
        buffer = bytearray(PIECE)
        async with source, target:
            while length := await lwt_unix.read(source, buffer, 0, PIECE):
                await lwt_unix.write(target, buffer, 0, length)
        return (time.perf_counter() - start) * 1e3


class Theirs:
    """The same with asyncio."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def read(self) -> float:
        fd = os.open(self.folder / "small", os.O_RDONLY)
        buffer = bytearray(4096)
        start = time.perf_counter()
        for _ in range(READS):
            await asyncio.to_thread(os.preadv, fd, [buffer], 0)
        taken = (time.perf_counter() - start) / READS * 1e6
        os.close(fd)
        return taken

    async def stat(self) -> float:
        start = time.perf_counter()
        path = self.folder / "small"
        await asyncio.gather(*(asyncio.to_thread(os.stat, path) for _ in range(1000)))
        return (time.perf_counter() - start) * 1e3

    async def read_all(self) -> float:
        start = time.perf_counter()
        source = await asyncio.to_thread(os.open, self.folder / "large", os.O_RDONLY)
        buffer = bytearray(PIECE)
        while await asyncio.to_thread(os.readv, source, [buffer]):
            pass
        await asyncio.to_thread(os.close, source)
        return (time.perf_counter() - start) * 1e3

    async def copy(self) -> float:
        start = time.perf_counter()
        source = await asyncio.to_thread(os.open, self.folder / "large", os.O_RDONLY)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        target = await asyncio.to_thread(os.open, self.folder / "copy", flags, 0o600)
        buffer = bytearray(PIECE)
        view = memoryview(buffer)
        while length := await asyncio.to_thread(os.readv, source, [buffer]):
            await asyncio.to_thread(os.write, target, view[:length])
        for fd in source, target:
            await asyncio.to_thread(os.close, fd)
        return (time.perf_counter() - start) * 1e3


async def of_asyncio(measure: Measure) -> float:
    return await measure()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "small").write_bytes(bytes(4096))
        with (folder / "large").open("wb") as large:
            for _ in range(options.megabytes):
                large.write(bytes(1_000_000))
        ours, theirs = Ours(folder), Theirs(folder)
        rows: list[tuple[str, Measure, Measure]] = [
            ("read 4 KiB from memory, us", ours.read_now, theirs.read),
            ("read 4 KiB in a thread, us", ours.read_in_a_thread, theirs.read),
            ("1,000 stats at once, ms", ours.stat, theirs.stat),
            (f"read {options.megabytes} MB, ms", ours.read_all, theirs.read_all),
            (f"copy {options.megabytes} MB, ms", ours.copy, theirs.copy),
        ]
        print(f"{'':30}{'lwt_unix':>10}{'asyncio':>10}")
        for label, our_own, of_theirs in rows:
            best = [float("inf"), float("inf")]
            for _ in range(options.rounds):
                best[0] = min(best[0], lwt_main.run(_as_coroutine(our_own)))
                best[1] = min(best[1], asyncio.run(of_asyncio(of_theirs)))
            print(f"{label:30}{best[0]:10.1f}{best[1]:10.1f}")


async def _as_coroutine(measure: Measure) -> float:
    return await measure()


if __name__ == "__main__":
    main()
