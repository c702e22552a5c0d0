"""Workers: results and exceptions, bounds and waiting, forks, the end of the process, the collector."""

from __future__ import annotations

import gc
import threading
import traceback
import weakref
from collections.abc import Iterator
from contextvars import ContextVar
from unittest.mock import patch

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_main, lwt_preemptive
from tests.support.collecting import for_every_collection
from tests.support.descriptors import no_more_descriptors
from tests.support.programs import in_child, run_code

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


class Gate:
    """A computation that waits until it is let through."""

    def __init__(self) -> None:
        self.has_begun = threading.Event()
        self.may_end = threading.Event()

    def __call__(self, value: object = "passed") -> object:
        self.has_begun.set()
        self.may_end.wait()
        return value


@pytest.fixture
def gates() -> Iterator[list[Gate]]:
    gates = [Gate() for _ in range(4)]
    yield gates
    for gate in gates:
        gate.may_end.set()
    while lwt_preemptive.nbthreadsbusy():
        lwt_main.run(lwt.pause())


def counts() -> tuple[int, int, int]:
    return (
        lwt_preemptive.nbthreads(),
        lwt_preemptive.nbthreadsbusy(),
        lwt_preemptive.nbthreadsqueued(),
    )


def names() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "lwt_preemptive"]


def pass_through(gate: Gate, promise: lwt.Promise[object]) -> object:
    gate.may_end.set()
    return lwt_main.run(promise)


def fail() -> None:
    raise LookupError("no")


# --- One computation ---------------------------------------------------------


def test_a_computation_gives_its_result_in_the_thread_of_the_main_loop() -> None:
    there, here = lwt_main.run(
        lwt.map(
            lambda there: (there, threading.get_ident()), lwt_preemptive.detach(threading.get_ident)
        )
    )
    assert there != here == threading.get_ident()


def test_a_function_gets_its_arguments_by_position_and_by_name() -> None:
    assert lwt_main.run(lwt_preemptive.detach(int, "11", base=2)) == 3
    assert lwt_main.run(lwt_preemptive.detach(pow, 2, 3, 5)) == 3
    assert lwt_main.run(lwt_preemptive.detach(lambda unit: unit, None)) is None


def test_an_exception_comes_back_with_its_traceback_and_nothing_of_ours_in_the_thread() -> None:
    async def body() -> None:
        await lwt_preemptive.detach(fail)

    with pytest.raises(LookupError) as raised:
        lwt_main.run(body())
    frames = traceback.extract_tb(raised.value.__traceback__)
    assert (frames[-1].filename, frames[-1].name) == (__file__, "fail")
    assert not [frame for frame in frames if "lwt_unix/_jobs" in frame.filename]


@pytest.mark.parametrize("exception", [KeyboardInterrupt, SystemExit, MemoryError])
def test_what_is_no_rejection_leaves_through_the_main_loop_and_frees_the_worker(
    exception: type[BaseException],
) -> None:
    def leave() -> None:
        raise exception

    with pytest.raises(exception):
        lwt_main.run(lwt_preemptive.detach(leave))
    assert counts() == (1, 0, 0)


def test_a_computation_sees_the_context_variables_of_its_caller_and_changes_none() -> None:
    variable = ContextVar("variable", default="default")

    def read_and_set() -> str:
        value = variable.get()
        variable.set("of the computation")
        return value

    async def body() -> tuple[str, str]:
        variable.set("of the body")
        return await lwt_preemptive.detach(read_and_set), variable.get()

    assert lwt_main.run(body()) == ("of the body", "of the body")


def test_cancelling_what_has_begun_does_nothing(gates: list[Gate]) -> None:
    promise = lwt_preemptive.detach(gates[0])
    lwt.cancel(promise)
    assert lwt.is_sleeping(promise)
    assert pass_through(gates[0], promise) == "passed"


def test_a_wrong_function_or_number_of_arguments_is_refused_at_the_call() -> None:
    with pytest.raises(TypeError, match=r"^lwt_preemptive\.detach: expected a function, got 3"):
        lwt_preemptive.detach(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"detach: callback fail is called with 1 argument, but"):
        lwt_preemptive.detach(fail, 1)  # type: ignore[call-arg]
    assert counts() == (0, 0, 0)


def test_without_a_descriptor_for_the_pipe_nothing_begins() -> None:
    begun: list[int] = []
    with no_more_descriptors(), pytest.raises(OSError, match="Too many open files"):
        lwt_preemptive.detach(begun.append, 1)
    assert (begun, counts()) == ([], (0, 0, 0))


# --- How many ----------------------------------------------------------------


def test_at_first_there_are_no_bounds_and_a_computation_sets_those_of_simple_init() -> None:
    assert (lwt_preemptive.get_bounds(), counts()) == ((0, 0), (0, 0, 0))
    lwt_main.run(lwt_preemptive.detach(int))
    assert (lwt_preemptive.get_bounds(), counts()) == ((0, 4), (1, 0, 0))


def test_bounds_that_were_set_stay() -> None:
    lwt_preemptive.init(1, 2, lambda _: None)
    lwt_preemptive.simple_init()
    lwt_main.run(lwt_preemptive.detach(int))
    assert lwt_preemptive.get_bounds() == (1, 2)


def test_the_least_number_is_there_at_once() -> None:
    lwt_preemptive.init(3, 5, lambda _: None)
    assert (counts(), names()) == ((3, 0, 0), ["lwt_preemptive"] * 3)
    lwt_preemptive.set_bounds((4, 5))
    assert (counts(), names()) == ((4, 0, 0), ["lwt_preemptive"] * 4)
    lwt_preemptive.set_bounds((0, 5))
    assert counts() == (4, 0, 0)


def test_when_all_are_busy_a_computation_waits_for_the_first_that_is_free(
    gates: list[Gate],
) -> None:
    lwt_preemptive.set_bounds((0, 2))
    promises = [lwt_preemptive.detach(gate, number) for number, gate in enumerate(gates)]
    assert counts() == (2, 2, 2)
    assert pass_through(gates[1], promises[1]) == 1
    gates[2].has_begun.wait()
    assert (counts(), gates[3].has_begun.is_set()) == ((2, 2, 1), False)
    for number in (0, 2, 3):
        assert pass_through(gates[number], promises[number]) == number
    assert counts() == (2, 0, 0)


def test_what_waits_can_be_cancelled_and_then_never_begins(gates: list[Gate]) -> None:
    lwt_preemptive.set_bounds((0, 1))
    first, second, third = [lwt_preemptive.detach(gate) for gate in gates[:3]]
    lwt.cancel(second)
    assert (lwt.state(second), counts()) == (lwt.Fail(lwt.Canceled()), (1, 1, 1))
    pass_through(gates[0], first)
    pass_through(gates[2], third)
    assert not gates[1].has_begun.is_set()


def test_who_waits_begins_before_anybody_hears_of_the_result(gates: list[Gate]) -> None:
    lwt_preemptive.set_bounds((0, 1))
    first, _ = lwt_preemptive.detach(gates[0]), lwt_preemptive.detach(gates[1])
    seen = lwt.map(lambda _: counts(), first)
    gates[0].may_end.set()
    assert lwt_main.run(seen) == (1, 1, 0)


def test_workers_that_are_too_many_end_after_their_next_computation(gates: list[Gate]) -> None:
    promises = [lwt_preemptive.detach(gate) for gate in gates[:3]]
    lwt_preemptive.set_bounds((0, 1))
    assert counts() == (3, 3, 0)
    for number in range(3):
        pass_through(gates[number], promises[number])
    assert counts() == (1, 0, 0)
    while len(names()) > 1:
        lwt_main.run(lwt.pause())


def test_when_there_may_be_more_those_who_wait_have_them_at_once(gates: list[Gate]) -> None:
    lwt_preemptive.set_bounds((0, 0))
    promises = [lwt_preemptive.detach(gate) for gate in gates[:3]]
    assert counts() == (0, 0, 3)
    lwt_preemptive.set_bounds((0, 2))
    assert counts() == (2, 2, 1)
    for gate in gates:
        gate.may_end.set()
    assert lwt_main.run(lwt.all(promises)) == ["passed"] * 3


@pytest.mark.parametrize(("bounds", "wrong"), [((-1, 3), "min is -1"), ((3, 2), "max is 2")])
def test_bounds_that_make_no_sense_are_refused_and_change_nothing(
    bounds: tuple[int, int], wrong: str
) -> None:
    with pytest.raises(ValueError, match=rf"^Lwt_preemptive\.set_bounds: {wrong}; expected"):
        lwt_preemptive.set_bounds(bounds)
    with pytest.raises(ValueError, match=rf"^Lwt_preemptive\.set_bounds: {wrong}; expected"):
        lwt_preemptive.init(*bounds, print)
    with pytest.raises(TypeError, match=r"expected a pair \(min, max\), got 3 \(int\)"):
        lwt_preemptive.set_bounds(3)  # type: ignore[arg-type]
    lwt_preemptive.simple_init()
    assert lwt_preemptive.get_bounds() == (0, 4)


def test_the_number_that_may_wait_is_kept_and_nothing_else() -> None:
    assert lwt_preemptive.get_max_number_of_threads_queued() == 1000
    lwt_preemptive.set_max_number_of_threads_queued(0)
    assert lwt_preemptive.get_max_number_of_threads_queued() == 0
    with pytest.raises(ValueError, match=r"^Lwt_preemptive\.set_max_number_of_threads_queued: n"):
        lwt_preemptive.set_max_number_of_threads_queued(-1)


def test_when_the_system_gives_no_thread_the_function_is_called_at_once() -> None:
    with patch.object(threading.Thread, "start", side_effect=RuntimeError("can't start")):
        thread = lwt_main.run(lwt_preemptive.detach(threading.get_ident))
    assert (thread, counts()) == (threading.get_ident(), (1, 0, 0))


def test_jobs_and_computations_keep_each_other_from_nothing(gates: list[Gate]) -> None:
    lwt_preemptive.set_bounds((0, 1))
    lwt_preemptive.detach(gates[0])
    assert lwt_main.run(lwt_unix.run_job(lambda: 3)) == 3
    lwt_unix.cancel_jobs()
    assert (lwt_unix.thread_count(), counts()) == (1, (1, 1, 0))


# --- Forks, the end of the process -------------------------------------------


def test_in_a_child_what_had_begun_is_cancelled_and_what_waits_has_workers_of_its_own(
    gates: list[Gate],
) -> None:
    lwt_preemptive.set_bounds((0, 1))
    begun, waiting = lwt_preemptive.detach(gates[0]), lwt_preemptive.detach(gates[1])

    def child() -> None:
        assert (lwt_preemptive.get_bounds(), counts()) == ((0, 1), (0, 0, 1))
        assert lwt.is_sleeping(begun)
        assert pass_through(gates[1], waiting) == "passed"
        assert lwt.state(begun) == lwt.Fail(lwt.Canceled())
        assert lwt_main.run(lwt_preemptive.detach(int)) == 0
        assert counts() == (1, 0, 0)

    assert in_child(child) == 0
    assert pass_through(gates[0], begun) == "passed"
    assert pass_through(gates[1], waiting) == "passed"


def test_in_a_child_that_a_body_forks_the_computations_are_the_parents(gates: list[Gate]) -> None:
    lwt_preemptive.set_bounds((0, 1))
    log: list[object] = []
    promises = [lwt_preemptive.detach(gate) for gate in gates[:2]]
    for promise in promises:
        lwt.on_any(promise, log.append, log.append)

    def child() -> None:
        for _ in range(3):
            lwt_main.run(lwt.pause())
        assert lwt_main.run(lwt_preemptive.detach(int)) == 0
        assert (log, counts()) == ([], (1, 0, 0))

    async def main() -> int:
        await lwt.pause()
        return in_child(child)

    assert lwt_main.run(main()) == 0
    for gate in gates:
        gate.may_end.set()
    lwt_main.run(lwt.join([lwt.map(lambda _: None, promise) for promise in promises]))
    assert log == ["passed", "passed"]


def test_a_child_of_a_worker_has_a_main_loop_of_its_own() -> None:
    def child() -> None:
        assert lwt_main.run(lwt_preemptive.detach(int)) == 0

    assert lwt_main.run(lwt_preemptive.detach(in_child, child)) == 0


@pytest.mark.parametrize(
    "work",
    ["threading.Event().wait", "lambda: lwt_preemptive.run_in_main(lambda: lwt.wait()[0])"],
)
@pytest.mark.parametrize("end", ["", "sys.exit(0)", "lwt_main.run(leave())"])
def test_workers_that_never_end_do_not_keep_the_process_from_ending(work: str, end: str) -> None:
    program = f"""
import sys, threading, lwt
from lwt_unix import lwt_main, lwt_preemptive
async def leave():
    await lwt.pause()
    sys.exit(0)
busy = [lwt_preemptive.detach({work}) for _ in range(6)]
lwt_main.run(lwt.pause())
print("end")
{end}
"""
    run = run_code(program)
    assert (run.returncode, run.stdout, run.stderr) == (0, "end\n", "")


@pytest.mark.parametrize("before", ["", "lwt_main.run(lwt_preemptive.detach(int))"])
def test_an_exit_hook_may_detach_though_no_thread_can_be_started_any_more(before: str) -> None:
    program = f"""
import lwt
from lwt_unix import lwt_main, lwt_preemptive
async def hook():
    print(await lwt.all([lwt_preemptive.detach(pow, 2, n) for n in range(6)]))
lwt_main.at_exit(hook)
{before}
"""
    run = run_code(program)
    assert (run.returncode, run.stdout, run.stderr) == (0, "[1, 2, 4, 8, 16, 32]\n", "")


def test_an_interrupt_leaves_and_the_result_comes_when_the_main_loop_runs_again(
    gates: list[Gate],
) -> None:
    promise = lwt_preemptive.detach(gates[0])

    async def interrupt() -> None:
        await lwt.pause()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lwt_main.run(interrupt())
    assert pass_through(gates[0], promise) == "passed"


# --- The collector -----------------------------------------------------------


def test_what_a_computation_holds_is_freed_in_the_thread_of_the_main_loop() -> None:
    class Held:
        pass

    threads: list[int] = []

    def begin() -> lwt.Promise[object]:
        held = Held()
        weakref.finalize(held, lambda: threads.append(threading.get_ident()))
        return lwt_preemptive.detach(lambda: None if held else fail())

    gc.disable()
    try:
        for _ in range(200):
            lwt_main.run(begin())
    finally:
        gc.enable()
    assert threads == [threading.get_ident()] * 200


@pytest.mark.no_cover
@pytest.mark.parametrize("most", [1, 2])
def test_a_finaliser_may_detach_at_any_place(most: int) -> None:
    class Computations:
        def __init__(self) -> None:
            lwt_preemptive.set_bounds((0, most))
            self.added: list[lwt.Promise[int]] = []

        def interfere(self) -> None:
            self.added.append(lwt_preemptive.detach(abs, -2))

    def check(computations: Computations, promise: lwt.Promise[int]) -> None:
        assert lwt_main.run(lwt.all([promise, *computations.added])) == [1, 2]
        number, *others = counts()
        assert (1 <= number <= most, others) == (True, [0, 0])

    for_every_collection(
        Computations,
        lambda _: lwt_preemptive.detach(abs, -1),
        Computations.interfere,
        check,
    )
