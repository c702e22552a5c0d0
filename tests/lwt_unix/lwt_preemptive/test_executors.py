"""Executors: threads, processes, a cluster; cancelling, workers that are killed, forks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_main, lwt_preemptive
from lwt_unix.lwt_preemptive._workers import at_work
from tests.support.collecting import for_every_collection
from tests.support.programs import in_child, run_code

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


class By_hand(Executor):
    """An executor whose futures the test resolves."""

    def __init__(self) -> None:
        self.futures: list[Future[Any]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.futures.append(Future())
        return self.futures[-1]


@pytest.fixture
def thread() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


def fail() -> None:
    raise LookupError("no")


def turn() -> None:
    lwt_main.run(lwt_unix.sleep(0.0))


def test_a_thread_of_an_executor_gives_a_result_or_an_exception(thread: ThreadPoolExecutor) -> None:
    assert lwt_main.run(lwt_preemptive.detach_on(thread, int, "11", base=2)) == 3
    with pytest.raises(LookupError, match="no") as raised:
        lwt_main.run(lwt_preemptive.detach_on(thread, fail))
    assert raised.traceback[-1].name == "fail"


def test_the_result_comes_in_the_thread_of_the_main_loop(thread: ThreadPoolExecutor) -> None:
    there, here = lwt_main.run(
        lwt.map(
            lambda there: (there, threading.get_ident()),
            lwt_preemptive.detach_on(thread, threading.get_ident),
        )
    )
    assert there != here == threading.get_ident()


def test_cancelling_cancels_a_future_that_has_not_begun() -> None:
    executor = By_hand()
    promise = lwt_preemptive.detach_on(executor, int)
    lwt.cancel(promise)
    assert (lwt.state(promise), executor.futures[0].cancelled()) == (lwt.Fail(lwt.Canceled()), True)
    turn()
    assert at_work == {}


def test_cancelling_what_has_begun_waits_for_its_result() -> None:
    executor = By_hand()
    promise = lwt_preemptive.detach_on(executor, int)
    (future,) = executor.futures
    future.set_running_or_notify_cancel()
    for _ in range(2):
        lwt.cancel(promise)
    assert lwt.is_sleeping(promise)
    future.set_result(3)
    assert lwt.is_sleeping(promise)
    assert lwt_main.run(promise) == 3


def test_cancelling_what_is_done_and_has_not_arrived_does_nothing() -> None:
    executor = By_hand()
    promise = lwt_preemptive.detach_on(executor, int)
    executor.futures[0].set_result(3)
    lwt.cancel(promise)
    assert lwt_main.run(promise) == 3


def test_a_future_that_another_cancels_rejects_the_promise_with_canceled() -> None:
    executor = By_hand()
    promise = lwt_preemptive.detach_on(executor, int)
    executor.futures[0].cancel()
    with pytest.raises(lwt.Canceled):
        lwt_main.run(promise)


def test_an_exception_that_is_called_canceled_is_one_like_any_other() -> None:
    executor = By_hand()
    promise = lwt_preemptive.detach_on(executor, int)
    executor.futures[0].set_exception(lwt.Canceled())
    with pytest.raises(lwt.Canceled):
        lwt_main.run(promise)


@pytest.mark.parametrize("exception", [KeyboardInterrupt, SystemExit, MemoryError])
def test_what_is_no_rejection_leaves_through_the_main_loop(
    exception: type[BaseException],
) -> None:
    executor = By_hand()
    promise = lwt_preemptive.detach_on(executor, int)
    executor.futures[0].set_exception(exception())
    with pytest.raises(exception):
        lwt_main.run(promise)


def test_an_executor_that_is_shut_down_refuses_at_the_call(thread: ThreadPoolExecutor) -> None:
    thread.shutdown()
    with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
        lwt_preemptive.detach_on(thread, int)
    assert at_work == {}


def test_arguments_of_a_wrong_kind_are_refused(thread: ThreadPoolExecutor) -> None:
    with pytest.raises(TypeError, match=r"expected an executor, got 3 .*ThreadPoolExecutor"):
        lwt_preemptive.detach_on(3, int)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="callback fail is called with 1 argument, but takes none"):
        lwt_preemptive.detach_on(thread, fail, 1)  # type: ignore[call-arg]


def test_in_a_child_what_had_begun_is_cancelled_and_its_future_is_left_alone() -> None:
    executor = By_hand()
    promise = lwt_preemptive.detach_on(executor, int)
    held = executor.futures[0]._condition  # As a thread of the executor may hold it.

    def child() -> None:
        with pytest.raises(lwt.Canceled):
            lwt_main.run(promise)

    is_held, may_go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with held:
            is_held.set()
            may_go_on.wait()

    holding = threading.Thread(target=hold)
    holding.start()
    is_held.wait()
    assert in_child(child) == 0
    may_go_on.set()
    holding.join()
    executor.futures[0].set_result(3)
    assert lwt_main.run(promise) == 3


@pytest.mark.no_cover
def test_a_finaliser_may_use_the_executor_at_any_place() -> None:
    class Computations:
        def __init__(self) -> None:
            self.executor = By_hand()
            self.added: list[lwt.Promise[int]] = []

        def detach(self) -> lwt.Promise[int]:
            return lwt_preemptive.detach_on(self.executor, int)

        def interfere(self) -> None:
            self.added.append(self.detach())

    def check(computations: Computations, promise: lwt.Promise[int]) -> None:
        for future in computations.executor.futures:
            future.set_result(3)
        assert lwt_main.run(lwt.all([promise, *computations.added])) == [3, 3]
        assert at_work == {}

    for_every_collection(Computations, Computations.detach, Computations.interfere, check)


# --- Processes ---------------------------------------------------------------


def test_processes_of_an_executor_give_results_exceptions_and_say_when_one_was_killed() -> None:
    """A program of its own, since what multiprocessing starts stays until the process ends."""
    program = """
import os, signal, time, lwt
from concurrent.futures import ProcessPoolExecutor
from lwt_unix import lwt_main, lwt_preemptive
from lwt_unix.lwt_preemptive._workers import at_work

async def main(executor):
    print(await lwt_preemptive.detach_on(executor, pow, 3, 4))
    try:
        await lwt_preemptive.detach_on(executor, int, "x")
    except ValueError as exn:
        print(exn)
    process = await lwt_preemptive.detach_on(executor, os.getpid)
    working = [lwt_preemptive.detach_on(executor, time.sleep, 3600) for _ in range(3)]
    await lwt.pause()
    os.kill(process, signal.SIGKILL)
    for promise in working:
        try:
            await promise
        except Exception as exn:
            print(type(exn).__name__)

if __name__ == "__main__":
    with ProcessPoolExecutor(1) as executor:
        lwt_main.run(main(executor))
"""
    run = run_code(program)
    assert run.stdout.splitlines() == [
        "81",
        "invalid literal for int() with base 10: 'x'",
        *["BrokenProcessPool"] * 3,
    ]
    assert (run.returncode, run.stderr) == (0, "")
