"""What a test may leave behind in the process: open descriptors, threads, child processes."""

import os
import threading
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tests.support.descriptors import open_descriptors

PATIENCE = 10.0
"""Seconds for a thread that ends by itself."""


class Belongings(NamedTuple):
    """What the process has at some moment."""

    files: Counter[str]
    """What is open, and how often. Not the numbers: a new engine may have another one than the old."""

    children: set[int]
    threads: set[threading.Thread]


def belongings() -> Belongings:
    """What the process has now."""
    files = Counter(map(kind_of, open_descriptors()))
    return Belongings(files, children(), set(threading.enumerate()))


def left_since(before: Belongings) -> dict[str, object]:
    """What the process has more than before, when the threads that end by themselves have done so."""
    for thread in set(threading.enumerate()) - before.threads:
        thread.join(PATIENCE)
    now = belongings()
    left = {
        "files": now.files - before.files,
        "children": now.children - before.children,
        "threads": now.threads - before.threads,
    }
    return {name: what for name, what in left.items() if what}


def kind_of(fd: int) -> str:
    """What stands behind a number: a path, `pipe`, `socket`, …; `file` where the system does not say."""
    try:
        return os.readlink(f"/proc/self/fd/{fd}").split(":[")[0]
    except OSError:
        return "file"


def children() -> set[int]:
    """The child processes that live, or have died and were not waited for."""
    found: set[int] = set()
    tasks = Path("/proc/self/task")
    with suppress(FileNotFoundError):  # There is no /proc.
        for task in os.listdir(tasks):
            with suppress(FileNotFoundError):  # The thread has ended just now.
                found.update(map(int, (tasks / task / "children").read_text().split()))
    return found
