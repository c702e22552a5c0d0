"""Jobs: their results and exceptions, aborting and waiting for them, forks, the collector."""

from __future__ import annotations

import gc
import threading
import traceback
import weakref
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_main
from lwt_unix._jobs import threads
from lwt_unix._jobs.jobs import run_call
from tests.support.collecting import for_every_collection
from tests.support.descriptors import no_more_descriptors
from tests.support.programs import in_child

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


class Gate:
    """A job that waits until it is let through."""

    def __init__(self, end: Callable[[], object] = lambda: "passed") -> None:
        self.may_end = threading.Event()
        self.end = end
        self.is_over = False
        self.promise: lwt.Promise[object] = run_call(None, self._pass, over=self._note)

    def _pass(self) -> object:
        self.may_end.wait()
        return self.end()

    def _note(self) -> None:
        self.is_over = True

    def open(self) -> None:
        """Let it through, and wait until the main loop has heard of that."""
        self.may_end.set()
        while not self.is_over:
            lwt_main.run(lwt.pause())


def fail() -> object:
    raise LookupError("no")


def note(log: list[str], number: int, exn: Exception) -> None:
    log.append(f"{number} {exn!r}")


# --- One job -----------------------------------------------------------------


def test_a_job_gives_its_result_or_its_exception() -> None:
    assert lwt_main.run(lwt_unix.run_job(lambda: 3)) == 3
    with pytest.raises(LookupError, match="no"):
        lwt_main.run(lwt_unix.run_job(fail))


def test_a_job_that_is_done_at_once_gives_its_result_or_its_exception() -> None:
    assert lwt.state(run_call("read", lambda: 3, method=lwt_unix.Async_none)) == lwt.Return(3)
    failed = run_call("read", fail, method=lwt_unix.Async_none)
    assert lwt.state(failed) == lwt.Fail(LookupError("no"))


def test_the_main_loop_goes_on_meanwhile() -> None:
    gate = Gate()
    lwt_main.run(lwt.pause())
    lwt_main.run(lwt_unix.sleep(0.001))
    assert lwt.is_sleeping(gate.promise)
    gate.may_end.set()
    assert lwt_main.run(gate.promise) == "passed"


def test_the_result_comes_in_the_thread_of_the_main_loop() -> None:
    threads = lwt.map(
        lambda worker: (worker, threading.get_ident()), lwt_unix.run_job(threading.get_ident)
    )
    worker, here = lwt_main.run(threads)
    assert worker != here == threading.get_ident()


def test_an_exception_shows_where_it_was_raised_and_nothing_of_ours_in_the_thread() -> None:
    async def body() -> None:
        await lwt_unix.run_job(fail)

    with pytest.raises(LookupError) as raised:
        lwt_main.run(body())
    files = [frame.filename for frame in traceback.extract_tb(raised.value.__traceback__)]
    assert files[-1] == __file__
    assert not [name for name in files if "lwt_unix/_jobs" in name]


@pytest.mark.parametrize("exception", [KeyboardInterrupt, SystemExit, MemoryError])
@pytest.mark.parametrize("method", list(lwt_unix.Async_method))
def test_what_is_no_rejection_leaves_through_the_main_loop(
    exception: type[BaseException], method: lwt_unix.Async_method
) -> None:
    def leave() -> None:
        raise exception

    async def body() -> None:
        await lwt_unix.run_job(leave, async_method=method)

    with pytest.raises(exception):
        lwt_main.run(body())


def test_cancelling_does_nothing_for_the_call_cannot_be_stopped() -> None:
    gate = Gate()
    lwt.cancel(gate.promise)
    assert lwt.is_sleeping(gate.promise)
    gate.may_end.set()
    assert lwt_main.run(gate.promise) == "passed"


def test_callbacks_have_the_storage_of_the_place_where_they_were_attached() -> None:
    key: lwt.Key[str] = lwt.new_key()
    gate = Gate()
    seen = lwt.with_value(
        key, lwt.Some("here"), lambda: lwt.map(lambda _: lwt.get(key), gate.promise)
    )
    gate.may_end.set()
    assert lwt_main.run(seen) == lwt.Some("here")


def test_a_job_sees_the_context_variables_of_its_caller_and_changes_none() -> None:
    variable = ContextVar("variable", default="default")

    def read_and_set() -> str:
        value = variable.get()
        variable.set("of the job")
        return value

    async def body() -> tuple[str, str]:
        variable.set("of the body")
        return await lwt_unix.run_job(read_and_set), variable.get()

    assert lwt_main.run(body()) == ("of the body", "of the body")


def test_without_a_descriptor_for_the_pipe_a_job_is_done_at_once() -> None:
    with no_more_descriptors():
        assert lwt.state(lwt_unix.run_job(lambda: 3)) == lwt.Return(3)


# --- All jobs ----------------------------------------------------------------


def test_aborting_rejects_those_that_are_not_over_the_newest_first() -> None:
    log: list[str] = []
    gates = [Gate() for _ in range(3)]
    for number, gate in enumerate(gates):
        lwt.on_failure(gate.promise, partial(note, log, number))
    lwt_unix.abort_jobs(LookupError("why"))
    assert log == [f"{number} LookupError('why')" for number in (2, 1, 0)]
    for gate in gates:
        gate.open()


def test_aborting_also_takes_the_jobs_that_are_begun_by_callbacks_meanwhile() -> None:
    first = Gate()
    later: list[Gate] = []
    lwt.on_failure(first.promise, lambda _: later.append(Gate()))
    lwt_unix.cancel_jobs()
    assert lwt.state(later[0].promise) == lwt.Fail(lwt.Canceled())
    for gate in first, later[0]:
        gate.open()


def test_the_result_of_a_job_that_was_aborted_is_dropped() -> None:
    good, bad = Gate(), Gate(fail)
    lwt_unix.cancel_jobs()
    for gate in good, bad:
        assert lwt.state(gate.promise) == lwt.Fail(lwt.Canceled())
        gate.open()
        assert lwt.state(gate.promise) == lwt.Fail(lwt.Canceled())


def test_what_has_to_be_given_back_is_given_back_if_nobody_gets_it() -> None:
    lost: list[int] = []
    may_end = threading.Event()

    def number() -> int:
        may_end.wait()
        return 3

    job = run_call("open", number, lost=lost.append)
    lwt_unix.cancel_jobs()
    may_end.set()
    while not lost:
        lwt_main.run(lwt.pause())
    assert (lost, lwt.state(job)) == ([3], lwt.Fail(lwt.Canceled()))


def test_waiting_for_jobs_is_waiting_for_those_that_have_begun() -> None:
    first, second = Gate(), Gate()
    waiting = lwt_unix.wait_for_jobs()
    third = Gate()
    first.open()
    assert lwt.is_sleeping(waiting)
    second.open()
    assert lwt.state(waiting) == lwt.Return(None)
    third.open()
    assert lwt.state(lwt_unix.wait_for_jobs()) == lwt.Return(None)


def test_waiting_for_jobs_fails_if_one_does_but_only_when_all_are_over() -> None:
    bad, good = Gate(fail), Gate()
    waiting = lwt_unix.wait_for_jobs()
    bad.open()
    assert lwt.is_sleeping(waiting)
    good.open()
    assert lwt.state(waiting) == lwt.Fail(LookupError("no"))


def test_the_count_for_ocaml_s_tracing_goes_nowhere() -> None:
    assert lwt_unix.write_job_count_runtimte_event() is None  # type: ignore[func-returns-value]


# --- Forks -------------------------------------------------------------------


def test_in_a_child_that_is_forked_before_the_main_loop_runs_jobs_are_cancelled_in_its_next_turn() -> (
    None
):
    log: list[str] = []
    gates = [Gate() for _ in range(2)]
    for number, gate in enumerate(gates):
        lwt.on_failure(gate.promise, partial(note, log, number))

    def child() -> None:
        assert log == []
        lwt_main.run(lwt.pause())
        assert log == ["0 Canceled()", "1 Canceled()"]
        assert lwt.state(lwt_unix.wait_for_jobs()) == lwt.Return(None)

    assert in_child(child) == 0
    for gate in gates:
        gate.open()
    assert [lwt.state(gate.promise) for gate in gates] == [lwt.Return("passed")] * 2


def test_in_a_child_that_a_body_forks_the_jobs_of_the_parent_are_forgotten() -> None:
    gate = Gate()
    log: list[object] = []
    lwt.on_any(gate.promise, log.append, log.append)

    def child() -> None:
        for _ in range(3):
            lwt_main.run(lwt.pause())
        assert lwt_main.run(lwt_unix.run_job(lambda: 3)) == 3
        assert log == []

    async def main() -> int:
        await lwt.pause()
        return in_child(child)

    assert lwt_main.run(main()) == 0
    gate.open()
    assert log == ["passed"]


# --- The collector -----------------------------------------------------------


def test_what_a_job_holds_is_freed_in_the_thread_of_the_main_loop() -> None:
    class Held:
        pass

    threads: list[int] = []

    def begin() -> lwt.Promise[object]:
        held = Held()
        weakref.finalize(held, lambda: threads.append(threading.get_ident()))
        return lwt_unix.run_job(lambda: None if held else fail())

    gc.disable()
    try:
        for _ in range(200):
            lwt_main.run(begin())
    finally:
        gc.enable()
    assert threads == [threading.get_ident()] * 200


def test_a_finaliser_may_begin_and_abort_jobs_at_any_place() -> None:
    class Jobs:
        def __init__(self) -> None:
            self.added: list[lwt.Promise[int]] = []

        def interfere(self) -> None:
            lwt_unix.abort_jobs(LookupError())
            self.added.append(lwt_unix.run_job(lambda: 2))

    def check(jobs: Jobs, job: lwt.Promise[int]) -> None:
        added = jobs.added[0]
        lwt_main.run(lwt.catch(lwt_unix.wait_for_jobs, lambda _: lwt.return_unit))
        assert lwt.state(added) == lwt.Return(2)
        assert lwt.state(job) in (lwt.Return(1), lwt.Fail(LookupError()))

    for_every_collection(Jobs, lambda _: lwt_unix.run_job(lambda: 1), Jobs.interfere, check)
    threads.renew()  # One that was aborted may still be about to wake the main loop.
    for thread in threading.enumerate():
        if thread.name == threads.NAME:
            thread.join()
