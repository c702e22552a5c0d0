"""The threads that do jobs: how many there are, when one is started, forks, the end of the process."""

import os
import threading
import time
from collections.abc import Iterator
from unittest.mock import patch

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_main
from lwt_unix._jobs import notifications
from tests.support.leftovers import PATIENCE
from tests.support.programs import in_child, run_code

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


class Gate:
    """A job that waits until it is let through."""

    def __init__(self) -> None:
        self.has_begun = threading.Event()
        self.may_end = threading.Event()

    def __call__(self) -> str:
        self.has_begun.set()
        self.may_end.wait()
        return threading.current_thread().name


@pytest.fixture
def gates() -> Iterator[list[Gate]]:
    gates = [Gate() for _ in range(3)]
    yield gates
    for gate in gates:
        gate.may_end.set()
    lwt_main.run(lwt_unix.wait_for_jobs())


def counts() -> tuple[int, int]:
    return lwt_unix.thread_count(), lwt_unix.thread_waiting_count()


def begin(gates: list[Gate]) -> list[lwt.Promise[str]]:
    jobs = [lwt_unix.run_job(gate) for gate in gates]
    for gate, job in zip(gates, jobs, strict=True):
        if lwt.is_sleeping(job):
            gate.has_begun.wait()
    return jobs


def test_there_are_a_thousand_at_most_and_none_at_first() -> None:
    assert (lwt_unix.pool_size(), counts()) == (1000, (0, 0))


def test_a_job_runs_in_a_thread_whose_name_tells_so(gates: list[Gate]) -> None:
    gates[0].may_end.set()
    assert lwt_main.run(lwt_unix.run_job(gates[0])) == "lwt_unix job"


def test_jobs_that_come_together_have_a_thread_each_and_later_ones_use_them_again(
    gates: list[Gate],
) -> None:
    jobs = begin(gates)
    assert counts() == (3, 0)
    for gate in gates:
        gate.may_end.set()
    lwt_main.run(lwt.join([lwt.map(lambda _: None, job) for job in jobs]))
    for _ in range(20):
        lwt_main.run(lwt_unix.run_job(lambda: None))
    assert counts() == (3, 3)


def test_one_job_after_the_other_needs_one_thread() -> None:
    for _ in range(50):
        lwt_main.run(lwt_unix.run_job(lambda: None))
    assert lwt_unix.thread_count() == 1


def test_when_all_threads_are_busy_a_job_is_done_at_once(gates: list[Gate]) -> None:
    lwt_unix.set_pool_size(2)
    assert lwt_unix.pool_size() == 2
    begin(gates[:2])
    assert lwt.state(lwt_unix.run_job(lambda: 3)) == lwt.Return(3)


def test_a_pool_that_is_made_smaller_keeps_its_threads(gates: list[Gate]) -> None:
    for gate in gates[:2]:
        gate.may_end.set()
    for job in begin(gates[:2]):
        lwt_main.run(job)
    before = counts()
    lwt_unix.set_pool_size(0)
    assert counts() == before
    waiting = lwt_unix.run_job(gates[2])
    assert lwt.is_sleeping(waiting)
    gates[2].may_end.set()
    lwt_main.run(waiting)


def test_a_thread_goes_on_though_the_pipe_is_closed_when_its_job_is_done(gates: list[Gate]) -> None:
    begin(gates[:1])
    pipe = notifications._pipe
    assert pipe is not None
    os.close(pipe._reading)
    gates[0].may_end.set()
    second = Gate()  # There is no way to hear of the first job, so this one waits for its thread.
    lwt_unix.set_pool_size(1)
    while not lwt_unix.thread_waiting_count():
        time.sleep(0)
    job = lwt_unix.run_job(second)
    assert second.has_begun.wait(PATIENCE)
    second.may_end.set()
    notifications.find_out()
    assert lwt_main.run(job) == "lwt_unix job"


def test_without_any_thread_all_jobs_are_done_at_once() -> None:
    lwt_unix.set_pool_size(0)
    assert lwt.state(lwt_unix.run_job(lambda: 3)) == lwt.Return(3)
    assert counts() == (0, 0)


def test_when_the_system_gives_no_thread_a_job_is_done_at_once() -> None:
    with patch.object(threading.Thread, "start", side_effect=RuntimeError("can't start")):
        assert lwt.state(lwt_unix.run_job(lambda: 3)) == lwt.Return(3)
    assert counts() == (0, 0)
    assert lwt_main.run(lwt_unix.run_job(lambda: 4)) == 4


def test_a_child_process_has_threads_of_its_own(gates: list[Gate]) -> None:
    begin(gates[:1])
    lwt_unix.set_pool_size(5)

    def child() -> None:
        assert (lwt_unix.pool_size(), counts()) == (5, (0, 0))
        assert lwt_main.run(lwt_unix.run_job(lambda: 3)) == 3
        assert lwt_unix.thread_count() == 1

    assert in_child(child) == 0


def test_a_job_that_never_ends_does_not_keep_the_process_from_ending() -> None:
    program = """
import threading, lwt_unix
job = lwt_unix.run_job(threading.Event().wait)
print("end")
"""
    run = run_code(program)
    assert (run.returncode, run.stdout, run.stderr) == (0, "end\n", "")


@pytest.mark.parametrize("before", ["", "lwt_main.run(lwt_unix.run_job(lambda: None))"])
def test_an_exit_hook_may_run_jobs_though_no_thread_can_be_started_any_more(before: str) -> None:
    program = f"""
import lwt, lwt_unix
from lwt_unix import lwt_main
async def hook():
    print(await lwt_unix.run_job(lambda: "done"))
lwt_main.at_exit(hook)
{before}
"""
    run = run_code(program)
    assert (run.returncode, run.stdout, run.stderr) == (0, "done\n", "")


def test_what_the_collector_finds_when_python_ends_may_begin_jobs() -> None:
    program = """
import gc
from lwt import lwt_stream
from lwt_unix import lwt_io, lwt_main, with_async_none
gc.disable()
lines = lwt_io.lines_of_file("/etc/passwd")
assert with_async_none(lambda: lwt_main.run(lwt_stream.next(lines)))
circle = [lines]  # The stream closes its file when it is dropped.
circle.append(circle)
"""
    run = run_code(program)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
