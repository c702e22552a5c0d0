"""Jobs of a simulated world: no thread does them.

A job is done when the program lets time go on, in the main thread; its result comes as a message, as from a
thread. By itself, all jobs that have begun are done then, in the order in which they began. A choice may do
another one first, or say that none is done yet; but no job takes longer than `SLOWEST`.

So the bounds of pools hold, and what the functions of a program see of them. What cannot be is that a job
waits for the main loop (`lwt_preemptive.run_in_main`): both are in one thread.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from lwt._core import choices
from lwt._core.storage import current_storage
from lwt_unix._checks import C_INT
from lwt_unix._jobs import threads
from lwt_unix._jobs.jobs import Job
from lwt_unix._jobs.notifications import Message, post
from lwt_unix._jobs.threads import Call, Pool, Task
from lwt_unix.lwt_preemptive import _workers
from lwt_unix.testing._world.world import Owner, World, owner_in

SLOWEST: Final = 2.0
"""How many seconds a job takes at most."""


class _Begun:
    """A job that has begun, and is not done."""

    __slots__ = ("is_late", "name", "pool", "storage", "task")

    def __init__(self, pool: Simulated_pool, task: Task, number: int) -> None:
        self.pool = pool
        self.task = task
        what = f", {task.name} {task.arg}".rstrip() if isinstance(task, Job) and task.name else ""
        self.name = f"job {number}{what}"
        self.storage = current_storage.contents
        """It tells on which host the job is done."""

        self.is_late = False
        """Whether it is certain when the job is done at the latest."""


class Jobs:
    """The jobs of a world that are not done, in the order in which they began."""

    def __init__(self, world: World) -> None:
        self.world: Final = world
        self.begun: Final[list[_Begun]] = []
        world.at_crash.append(self.drop)

    def begin(self, pool: Simulated_pool, task: Task) -> None:
        """Begin a job."""
        self.world.before_waiting = self.do_some
        self.begun.append(_Begun(pool, task, self.world.next_number("job")))

    def drop(self, owner: Owner) -> None:
        """A host has crashed: its jobs are not done. Their threads are free again."""
        for job in [one for one in self.begun if owner_in(one.storage) is owner]:
            self.begun.remove(job)
            if isinstance(job.task, Call):
                job.task.value = None  # Nobody waits for it any more.
            if isinstance(job.task, Job):
                job.task.lost = None
            self._end(job)

    def do_some(self) -> None:
        """Do jobs, as many as are done by now."""
        begun = self.begun
        while begun:
            number = len(begun)

            def tell(option: int, number: int = number) -> str:
                if option == number:
                    return (
                        f"{begun[0].name}{' and others are' if number > 1 else ' is'} not done yet"
                    )
                return f"of {number} jobs, {begun[option].name} is done before {begun[0].name}"

            option = choices.choose(choices.JOB, number + 1, tell)
            if option == number:
                break
            self._do(begun[option])
        for late in begun:
            if not late.is_late:
                late.is_late = True
                self.world.after(SLOWEST, partial(self._do_at_last, late))
        if not begun:
            self.world.before_waiting = None

    def _do_at_last(self, late: _Begun) -> None:
        if late in self.begun:
            self._do(late)

    def _do(self, job: _Begun) -> None:
        self.begun.remove(job)
        storage, current_storage.contents = current_storage.contents, job.storage
        try:
            job.task.run()
        finally:
            current_storage.contents = storage
        self.world.tell(f"{job.name} is done")
        self._end(job)

    def _end(self, job: _Begun) -> None:
        """Give the thread back, and have the result come as a message."""
        job.pool.give_back_thread()
        held: list[Message] = [job.task]
        del job.task
        post(held)


class Simulated_pool(Pool):
    """A pool that counts threads, and has none."""

    __slots__ = ("jobs",)

    def __init__(self, jobs: Jobs, size: int, name: str) -> None:
        super().__init__(size, name)
        self.jobs = jobs

    def start(self, task: Task) -> bool:
        """Begin a job; return False if there are no more threads for it."""
        if self._idle:
            self._idle.pop()
        elif not self._add_thread():
            return False
        self.jobs.begin(self, task)
        return True

    def _add_thread(self) -> bool:
        if self.count >= self.size:
            return False
        self.count += 1
        return True

    def give_back_thread(self) -> None:
        """Have a thread that has done its job wait for another one."""
        self._idle.append(None)


def do_jobs_in(world: World) -> None:
    """Have the jobs that are begun from now on done in a world."""
    jobs = Jobs(world)
    threads.pool = Simulated_pool(jobs, threads.FIRST_SIZE, threads.NAME)
    _workers.workers.pool = Simulated_pool(jobs, C_INT[1], "lwt_preemptive")
