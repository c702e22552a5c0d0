"""What threads have called in the main loop: answers, exceptions, and every way in which one could wait for ever."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from functools import partial

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_main, lwt_preemptive
from lwt_unix._jobs import notifications
from tests.support.programs import run_code

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


def ask(f: Callable[[], lwt.Promise[object]]) -> lwt.Promise[object]:
    """Have a worker ask the main loop for something; the result is what it hears."""

    def work() -> object:
        try:
            return lwt_preemptive.run_in_main(f)
        except Exception as exn:
            return repr(exn)

    return lwt_preemptive.detach(work)


def wait_until_sent() -> None:
    while not notifications._sent:
        threading.Event().wait(0)


def test_a_worker_hears_the_value_of_a_promise_of_the_main_loop() -> None:
    async def main() -> tuple[object, int]:
        return await ask(lambda: lwt.map(lambda _: 3, lwt_unix.sleep(0.001))), 4

    assert lwt_main.run(main()) == (3, 4)


def test_the_function_is_called_in_the_thread_of_the_main_loop_and_may_be_a_coroutine() -> None:
    async def body() -> int:
        await lwt.pause()
        return threading.get_ident()

    def work() -> int:
        return lwt_preemptive.run_in_main(body)

    assert lwt_main.run(lwt_preemptive.detach(work)) == threading.get_ident()


def test_an_exception_is_raised_in_the_worker_with_its_traceback() -> None:
    async def fail() -> None:
        raise LookupError("no")

    def work() -> list[str]:
        try:
            lwt_preemptive.run_in_main(fail)
        except LookupError as exn:
            return [frame.name for frame in traceback.extract_tb(exn.__traceback__)]
        return []

    names = lwt_main.run(lwt_preemptive.detach(work))
    assert (names[0], names[-1]) == ("work", "fail")


@pytest.mark.parametrize(
    ("f", "heard"),
    [
        (lambda: lwt.fail(LookupError("no")), "LookupError('no')"),
        (lambda: 1 / 0, "ZeroDivisionError('division by zero')"),
        (lambda: 3, "TypeError"),
        (lambda: lwt_preemptive.run_in_main(lwt.pause), "Failure"),
    ],
)
def test_a_worker_hears_of_what_is_raised_in_the_main_loop(
    f: Callable[[], lwt.Promise[object]], heard: str
) -> None:
    assert str(lwt_main.run(ask(f))).startswith(heard)


def test_a_worker_hears_that_its_promise_was_cancelled() -> None:
    promise, _ = lwt.task()
    hearing = ask(lambda: promise)
    lwt_main.run(lwt.pause())
    lwt.cancel(promise)
    assert lwt_main.run(hearing) == "Canceled()"


@pytest.mark.parametrize("exception", [KeyboardInterrupt, SystemExit, MemoryError])
def test_a_worker_hears_canceled_if_its_function_leaves_the_main_loop(
    exception: type[BaseException],
) -> None:
    def leave() -> lwt.Promise[object]:
        raise exception

    hearing = ask(leave)
    with pytest.raises(exception):
        lwt_main.run(hearing)
    lwt_main._finished()  # A MemoryError forbids another run.
    assert lwt_main.run(hearing) == "Canceled()"


def test_a_worker_waits_while_the_main_loop_does_not_run() -> None:
    hearing = ask(lambda: lwt.return_(3))
    wait_until_sent()
    assert lwt.is_sleeping(hearing)
    assert lwt_main.run(hearing) == 3


def test_a_promise_that_is_pending_when_the_main_loop_ends_goes_on_when_it_runs_again() -> None:
    promise, resolver = lwt.wait()
    hearing = ask(lambda: promise)
    lwt_main.run(lwt_unix.sleep(0.001))
    lwt.wakeup(resolver, 3)
    assert lwt_main.run(hearing) == 3


def test_a_call_from_the_thread_of_the_main_loop_fails_instead_of_waiting_for_itself() -> None:
    async def main() -> None:
        lwt_preemptive.run_in_main(lwt.pause)

    with pytest.raises(lwt.Failure, match=r"^lwt_preemptive\.run_in_main: this is the thread of"):
        lwt_main.run(main())


@pytest.mark.parametrize("late", ["", "while not notifications._sent: pass"])
def test_a_thread_that_is_no_worker_may_ask_before_the_main_loop_runs_or_later(late: str) -> None:
    program = f"""
import os, threading, lwt, lwt_unix
from lwt_unix import lwt_engine, lwt_main, lwt_preemptive
from lwt_unix._jobs import notifications
os.closerange(3, 100)  # As a daemon does.
lwt_engine.set(lwt_engine.libev())
promise, resolver = lwt.wait()
def work():
    print(lwt_preemptive.run_in_main(lambda: lwt.return_("heard")))
    lwt_preemptive.run_in_main(lambda: lwt.return_(lwt.wakeup(resolver, None)))
thread = threading.Thread(target=work)
thread.start()
{late}
lwt_main.run(promise)
thread.join()
"""
    run = run_code(program)
    assert (run.returncode, run.stdout, run.stderr) == (0, "heard\n", "")


@pytest.mark.parametrize("thread", ["thread", "main"])
def test_the_module_may_be_imported_while_the_main_loop_runs(thread: str) -> None:
    """But if another thread is the first, the main loop cannot be woken, and who asks is told so."""
    program = f"""
import threading, lwt, lwt_unix
from lwt_unix import lwt_main
def ask():
    from lwt_unix import lwt_preemptive
    try:
        print(lwt_preemptive.run_in_main(lambda: lwt.return_("heard")))
        lwt_preemptive.run_in_main_dont_wait(lwt.pause, print)
    except lwt.Failure as exn:
        print(exn)
async def main():
    if {thread == "main"}:
        from lwt_unix import lwt_preemptive
    asking = threading.Thread(target=ask)
    asking.start()
    while asking.is_alive():
        await lwt_unix.sleep(0.001)
lwt_main.run(main())
"""
    run = run_code(program)
    said = "heard\n" if thread == "main" else "lwt_preemptive.run_in_main: the main loop would not"
    assert (run.returncode, run.stdout[: len(said)], run.stderr) == (0, said, "")


def test_a_call_without_waiting_is_told_too_that_the_main_loop_would_not_hear() -> None:
    async def main() -> None:
        with pytest.raises(lwt.Failure, match=r"^lwt_preemptive\.run_in_main_dont_wait: the main"):
            lwt_preemptive.run_in_main_dont_wait(lwt.pause, print)
        lwt_preemptive.simple_init()
        lwt_preemptive.run_in_main_dont_wait(lwt.pause, print)

    lwt_main.run(main())


def test_twenty_workers_ask_at_once_and_each_hears_its_own_answer() -> None:
    lwt_preemptive.set_bounds((0, 20))

    async def main() -> list[object]:
        return await lwt.all([ask(partial(lwt.return_, n)) for n in range(20)])

    assert lwt_main.run(main()) == list(range(20))


def test_threads_that_ask_while_the_main_loop_ends_and_begins_again_all_hear() -> None:
    """Each answer ends a run, so that questions come before, in, between and after the runs."""
    lwt_preemptive.simple_init()
    answers: list[int] = []
    next_answer = [lwt.wait()]

    def answer(number: int) -> lwt.Promise[int]:
        answers.append(number)
        _, resolver = next_answer.pop()
        next_answer.append(lwt.wait())
        lwt.wakeup(resolver, None)
        return lwt.map(lambda _: number, lwt.pause() if number % 2 else lwt.return_unit)

    def work(first: int) -> None:
        for number in range(first, first + 200):
            assert lwt_preemptive.run_in_main(partial(answer, number)) == number

    threads = [threading.Thread(target=work, args=(1000 * number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    while len(answers) < 800:
        promise, _ = next_answer[0]
        lwt_main.run(promise)
    lwt_main.run(lwt.pause())
    for thread in threads:
        thread.join()
    assert sorted(answers) == [1000 * n + i for n in range(4) for i in range(200)]


def test_a_worker_may_ask_for_another_worker() -> None:
    lwt_preemptive.set_bounds((0, 2))
    assert lwt_main.run(ask(lambda: lwt_preemptive.detach(abs, -3))) == 3


def test_the_function_does_not_see_the_storage_of_who_detached() -> None:
    key: lwt.Key[str] = lwt.new_key()
    seen = lwt.with_value(key, lwt.Some("x"), lambda: ask(lambda: lwt.return_(lwt.get(key))))
    assert lwt_main.run(seen) is None


# --- Without waiting ---------------------------------------------------------


def test_functions_are_called_in_order_and_failures_go_to_their_handlers() -> None:
    lwt_preemptive.simple_init()
    log: list[str] = []

    async def fail_later() -> None:
        log.append("begins")
        await lwt.pause()
        raise LookupError("later")

    def fail() -> lwt.Promise[object]:
        raise LookupError("now")

    for f in (fail_later, fail):
        lwt_preemptive.run_in_main_dont_wait(f, lambda exn: log.append(repr(exn)))
    assert log == []
    lwt_main.run(lwt_unix.sleep(0.0))
    lwt_main.run(lwt_unix.sleep(0.0))
    assert log == ["begins", "LookupError('now')", "LookupError('later')"]


def test_an_exception_of_the_handler_goes_to_the_hook() -> None:
    lwt_preemptive.simple_init()
    log: list[str] = []
    lwt.async_exception_hook.contents = lambda exn: log.append(repr(exn))

    def raise_another(_: Exception) -> None:
        raise ValueError

    lwt_preemptive.run_in_main_dont_wait(lambda: lwt.fail(LookupError()), raise_another)
    lwt_main.run(lwt_unix.sleep(0.0))
    assert log == ["ValueError()"]
