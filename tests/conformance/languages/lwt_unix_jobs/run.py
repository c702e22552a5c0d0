"""Running scripts over jobs: what `lwt_unix/run.py` does, and jobs that end when the script says so."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any, Final

import lwt
import lwt_unix
from lwt_unix._descriptors.actions import is_ready
from lwt_unix._jobs import notifications
from tests.conformance.forms import Form
from tests.conformance.language import Met
from tests.conformance.languages.lwt_unix.run import UnixRun
from tests.conformance.languages.scripts.run import (
    FILES,
    EmptySlot,
    file,
    oops,
    show_unit,
)

METHODS: Final = {"none": lwt_unix.Async_none, "detach": lwt_unix.Async_detach}


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for another thread."""
    while not is_so():
        time.sleep(0)


def has_come() -> bool:
    """Whether the main loop will hear of what was sent."""
    pipe = notifications._pipe
    return pipe is not None and is_ready(lwt_unix.Read, pipe._reading)


def busy() -> int:
    return lwt_unix.thread_count() - lwt_unix.thread_waiting_count()


def pipe_of(number: int) -> str:
    """Return the path of the pipe that a job waits for, behind those of files."""
    return file(FILES + number)


class JobsRun(UnixRun):
    """One run of one script over jobs."""

    def __init__(self, met: Met | None = None) -> None:
        super().__init__(met)
        self._jobs: set[int] = set()
        """Those that go on."""

    def _clean_up(self) -> None:
        self._is_over = True
        for number in [*self._jobs]:
            self._let_end(number)
        self._engine.turn()
        lwt_unix.set_default_async_method(lwt_unix.Async_none)
        super()._clean_up()

    def do_job(self, p: int, number: int) -> None:
        if number in self._jobs:
            raise EmptySlot
        self._jobs.add(number)
        os.mkfifo(pipe_of(number))

        def show(descriptor: lwt_unix.File_descr) -> str:
            self._opened.append(descriptor)
            return f"j{number}"

        def begin() -> lwt.Promise[lwt_unix.File_descr]:
            return lwt_unix.openfile(pipe_of(number), [lwt_unix.O_RDONLY], 0)

        self._watch(p, show, lwt_unix.with_async_detach(begin))
        self._made("j", number)

    def do_finish(self, number: int) -> None:
        self._take("j", dict.fromkeys(self._jobs), number)
        self._engine.turn()
        if number in self._jobs:  # A callback may have told it to end.
            self._let_end(number)
        self._engine.turn()

    def _let_end(self, number: int) -> None:
        """Let a job end, and wait until its thread has said so."""
        self._jobs.remove(number)
        before = len(notifications._sent)
        os.close(os.open(pipe_of(number), os.O_WRONLY))
        wait_until(lambda: len(notifications._sent) > before and has_come())
        os.unlink(pipe_of(number))

    def do_busy(self) -> None:
        self.event(f"{busy()} busy")

    def do_at_once(self, p: int, number: int) -> None:
        def ask() -> lwt.Promise[Any]:
            return lwt_unix.stat("/" if number % 2 == 0 else "/no such file")

        self._watch(p, lambda _: "done", lwt_unix.with_async_none(ask))

    def do_under(self, method: str, *statements: Form) -> None:
        run = lwt_unix.with_async_none if method == "none" else lwt_unix.with_async_detach
        run(lambda: self.perform_all(statements))

    def do_set_method(self, method: str) -> None:
        lwt_unix.set_default_async_method(METHODS[method])

    def do_method(self) -> None:
        self.event("none" if lwt_unix.async_method() is lwt_unix.Async_none else "detach")

    def do_abort_jobs(self, number: int) -> None:
        lwt_unix.abort_jobs(oops(number))

    def do_cancel_jobs(self) -> None:
        lwt_unix.cancel_jobs()

    def do_wait_for_jobs(self, p: int) -> None:
        self._watch_derived(p, show_unit, lwt_unix.wait_for_jobs())
