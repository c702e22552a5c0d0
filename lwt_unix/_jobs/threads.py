"""The threads that do jobs.

A job is given to a thread that has nothing to do. If there is none, a new one is started, up to a
number. The threads stay, and wait for the next job.

It is not the pool of `concurrent.futures`, for four reasons:

- At its end, Python waits for the threads of that pool. One that hangs, on a lock or a dead file
  server, would keep the process from ending. Ours are daemons, as OCaml's are.
- That pool takes nothing after the main thread has ended. But the hooks of `lwt_main.Exit_hooks`,
  which run then, write to files. From 3.12 on Python starts no thread then; ours that wait go on.
- Its size is fixed, and it does not tell how many threads wait. OCaml's pool does both.
- It locks, so that a finaliser which begins a job while one is begun would hang; and it costs more.

`lwt_preemptive` has a second pool of this kind, with bounds of its own, as in OCaml.

Nothing is locked here. A thread that begins to wait puts a token into `_idle`, and who takes that out
may put a job into the queue: so there are never more jobs there than threads that come for them.

OCaml: section "Thread pool" of lwt_unix_stubs.c.
"""

from __future__ import annotations

import os
import sys
import threading
from abc import abstractmethod
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Final

from lwt._core.checks import check_bounds
from lwt_unix._checks import C_INT
from lwt_unix._jobs.notifications import Message, post

FIRST_SIZE: Final = 1000
"""How many threads there may be at first, as in OCaml."""


class Task(Message):
    """What a thread runs, and then sends to the main loop."""

    __slots__ = ()

    @abstractmethod
    def run(self) -> None:
        """Do what may block, in any thread. It raises nothing."""


class Call(Task):
    """A function that is called in a thread, and what has come of that."""

    __slots__ = ("call", "failure", "value")

    def __init__(self, call: Callable[[], object]) -> None:
        self.call = call
        self.value: Any = None
        self.failure: BaseException | None = None

    def run(self) -> None:
        """Call the function."""
        try:
            self.value = self.call()
        except BaseException as exn:
            traceback = exn.__traceback__
            self.failure = exn.with_traceback(traceback and traceback.tb_next)


class Pool:
    """Threads that run tasks. A simulated world has another `start`."""

    __slots__ = ("_idle", "_name", "_tasks", "count", "size")

    def __init__(self, size: int, name: str) -> None:
        self._name = name
        """What the threads are called."""

        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        self._idle: deque[None] = deque()
        """A token for each thread that waits."""

        self.count = 0
        """How many threads there are."""

        self.size = size
        """How many threads there may be."""

    def waiting(self) -> int:
        """Return how many threads wait for a task."""
        return len(self._idle)

    def start(self, task: Task) -> bool:
        """Have a thread run a task; return False if there is none for it. Its message comes later.

        Only the thread of the main loop calls this.
        """
        try:
            self._idle.pop()
        except IndexError:
            if not self._add_thread():
                return False
        self._tasks.put(task)
        return True

    def _add_thread(self) -> bool:
        thread = threading.Thread(target=self._work, name=self._name, daemon=True)
        if (
            self.count >= self.size or sys.is_finalizing()
        ):  # Then Python 3.11 waits for it for ever.
            return False
        self.count += 1
        try:
            thread.start()
        except RuntimeError:  # The system gives no more, or Python is about to end.
            self.count -= 1
            return False
        return True

    def _work(self) -> None:
        tasks, idle = self._tasks, self._idle
        held: list[Task | None] = []
        messages: list[Message] = []
        while True:
            held.append(tasks.get())
            if held[0] is None:
                return
            held[0].run()
            messages.append(held.pop())  # type: ignore[arg-type]  # it is none only above
            idle.append(None)  # Before the main loop hears of it: it may have a task at once.
            post(messages)

    def start_waiting(self) -> bool:
        """Start a thread that waits for a task; return False if there can be none."""
        if not self._add_thread():
            return False
        self._idle.append(None)
        return True

    def end_waiting(self) -> None:
        """Let a thread end that waits, if one does."""
        try:
            self._idle.pop()
        except IndexError:
            return
        self.count -= 1
        self._tasks.put(None)

    def stop(self) -> None:
        """Let the threads end, each when it has nothing to do."""
        for _ in range(self.count):
            self._tasks.put(None)


NAME: Final = "lwt_unix job"

pool = Pool(FIRST_SIZE, NAME)


def renew() -> None:
    """Begin again, without threads."""
    global pool
    pool.stop()
    pool = Pool(FIRST_SIZE, NAME)


def _part_from_parent() -> None:
    """A child process has none of its parent's threads."""
    global pool
    pool = Pool(pool.size, NAME)


os.register_at_fork(after_in_child=_part_from_parent)


def pool_size() -> int:
    """Return how many threads there may be for jobs; 1000 at first.

    If all of them are busy, a job is done at once by who begins it, and nobody else goes on meanwhile.

    OCaml: Lwt_unix.pool_size : unit -> int
    """
    return pool.size


def set_pool_size(size: int, /) -> None:
    """Change how many threads there may be for jobs. Those that exist stay.

    Raises:
        ValueError: `size` is negative.

    OCaml: Lwt_unix.set_pool_size : int -> unit
    """
    check_bounds("lwt_unix.set_pool_size", "size", size, 0, C_INT[1])
    pool.size = size


def thread_count() -> int:
    """Return how many threads for jobs exist.

    OCaml: Lwt_unix.thread_count : unit -> int
    """
    return pool.count


def thread_waiting_count() -> int:
    """Return how many threads wait for a job.

    OCaml: Lwt_unix.thread_waiting_count : unit -> int
    """
    return pool.waiting()
