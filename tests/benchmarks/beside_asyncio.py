"""A table of two columns: what an element costs with lwt, and what with asyncio.

Both are measured in one process, many times, and take turns. What counts is the least processor
time. asyncio is measured inside its loop, so that making and closing the loop is not counted.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, NamedTuple, TypeAlias

import lwt
from lwt import Promise

LwtProgram: TypeAlias = Callable[[int], Promise[Any] | Coroutine[Any, Any, Any]]
AsyncioProgram: TypeAlias = Callable[[int], Coroutine[Any, Any, Any]]


class Line(NamedTuple):
    """One line of the table: two programs that do the same work on so many elements."""

    name: str
    lwt: LwtProgram
    asyncio: AsyncioProgram


def seconds_in_lwt(program: LwtProgram, number: int) -> float:
    started = time.process_time()
    promise = lwt.apply(program, number)
    while lwt.paused_count():
        lwt.wakeup_paused()
    seconds = time.process_time() - started
    assert isinstance(lwt.state(promise), lwt.Return)
    return seconds


def seconds_in_asyncio(program: AsyncioProgram, number: int) -> float:
    async def timed() -> float:
        started = time.process_time()
        await program(number)
        return time.process_time() - started

    return asyncio.run(timed())


def print_table(lines: Iterable[Line], *, number: int, rounds: int) -> None:
    """Print the table; only the lines whose name contains the program's argument, if there is one."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    version = ".".join(map(str, sys.version_info[:3]))
    print(f"CPython {version}, {number} elements at a time, best of {rounds}")
    print(f"{'an element':36}{'lwt':>10}{'asyncio':>12}{'ratio':>8}")
    for line in lines:
        if wanted not in line.name:
            continue
        measured = []
        for _ in range(rounds):
            gc.collect()
            ours = seconds_in_lwt(line.lwt, number)
            gc.collect()
            measured.append((ours, seconds_in_asyncio(line.asyncio, number)))
        ours, theirs = (min(column) / number * 1e9 for column in zip(*measured, strict=True))
        slower = "  slower" if ours > theirs else ""
        print(f"{line.name:36}{ours:>7.0f} ns{theirs:>9.0f} ns{ours / theirs:>8.2f}{slower}")
