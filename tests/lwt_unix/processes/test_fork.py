"""`lwt_unix.fork`: what the child begins anew, and what becomes of what waits."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import pytest

import lwt
import lwt_unix
from lwt_unix import _system as system
from lwt_unix import lwt_io, lwt_main
from tests.support.programs import run_code


def status_of(run: Callable[[], object]) -> lwt_unix.Process_status:
    """Call a function in a child, and return how that ended: 0 if nothing was raised."""
    pid = lwt_unix.fork()
    if pid == 0:
        status = 1
        try:
            run()
            status = 0
        finally:
            os._exit(status)
    return lwt_main.run(lwt_unix.waitpid([], pid))[1]


def test_the_child_goes_on_with_what_waits_if_the_main_loop_does_not_run() -> None:
    log: list[str] = []
    promise, resolver = lwt.wait()
    lwt.on_success(promise, log.append)
    lwt.on_success(lwt_unix.sleep(0.001), lambda _: lwt.wakeup(resolver, "slept"))
    paused = lwt.map(lambda _: log.append("paused"), lwt.pause())

    def run() -> None:
        lwt_main.run(lwt.join([promise, paused]))
        assert sorted(log) == ["paused", "slept"]

    assert status_of(run) == lwt_unix.WEXITED(0)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")  # From Python 3.12 on.
def test_jobs_are_cancelled_in_the_child_in_its_next_turn_and_go_on_in_the_parent() -> None:
    begin = threading.Event()
    job = lwt_unix.run_job(begin.wait)

    def run() -> None:
        assert lwt.is_sleeping(job)
        with pytest.raises(lwt.Canceled):
            lwt_main.run(job)

    assert status_of(run) == lwt_unix.WEXITED(0)
    begin.set()
    assert lwt_main.run(job) is True


def test_in_a_body_only_that_goes_on_in_the_child() -> None:
    log: list[str] = []

    async def other() -> None:
        await lwt.pause()
        log.append("other")

    async def main() -> int:
        waiting = lwt.of_coroutine(other())
        pid = lwt_unix.fork()
        if pid == 0:
            lwt_main.run(lwt_unix.sleep(0.001))
            os._exit(len(log))
        await waiting
        return (await lwt_unix.waitpid([], pid))[0] == pid

    assert lwt_main.run(main())
    assert log == ["other"]


def test_an_error_has_the_name_of_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(system, "fork", refuse)
    with pytest.raises(BlockingIOError) as raised:
        lwt_unix.fork()
    assert lwt_unix.unix_error(raised.value) == (11, "fork", "")


def test_what_is_in_a_buffer_is_written_once_if_it_is_flushed_first() -> None:
    reading, writing = lwt_io.pipe()
    lwt_main.run(lwt_io.write(writing, "once\n"))
    lwt_main.run(lwt_io.flush_all())
    assert status_of(lambda: lwt_main.run(lwt_io.close(writing))) == lwt_unix.WEXITED(0)
    lwt_main.run(lwt_io.close(writing))
    assert lwt_main.run(lwt_io.read(reading)) == b"once\n"
    lwt_main.run(lwt_io.close(reading))


def test_a_signal_comes_when_a_child_has_begun_anew_and_not_before() -> None:
    """The child's own hook, the first to be called there, sends it."""
    program = """
import os, signal
import lwt_unix
def handle(*_):
    raise SystemExit(4)
signal.signal(signal.SIGTERM, handle)
is_ready = []
os.register_at_fork(after_in_child=lambda: os.kill(os.getpid(), signal.SIGTERM))
os.register_at_fork(after_in_child=lambda: [None for _ in range(1000)] and is_ready.append(1))
try:
    pid = lwt_unix.fork()
except SystemExit as exn:
    os._exit(exn.code if is_ready else 5)
if pid == 0:
    os._exit(6)
print(os.waitpid(pid, 0)[1] >> 8)
"""
    run = run_code(program)
    assert (run.returncode, run.stdout, run.stderr) == (0, "4\n", "")
