"""The main loop: `lwt_unix.lwt_main`."""

from __future__ import annotations

import threading
import traceback

import pytest

import lwt
from lwt._core.waiters import Waiters
from lwt_unix import lwt_engine, lwt_main
from lwt_unix.lwt_engine import Event, stop_event
from lwt_unix.lwt_main import Enter_iter_hooks, Leave_iter_hooks
from tests.support.alarms import interrupted_by_a_signal
from tests.support.engines import Recorder, socket_pairs
from tests.support.programs import run_code


@pytest.fixture
def record() -> Recorder:
    return Recorder()


@pytest.fixture
def engine_log(record: Recorder) -> Recorder:
    """Make the current engine an engine that records its turns and has nothing to wait for."""

    class Recording(lwt_engine.select_based):
        def select(
            self, fds_r: list[int], fds_w: list[int], timeout: float, /
        ) -> tuple[list[int], list[int]]:
            return [], []

        def iter(self, block: bool, /) -> None:
            record.calls.append("blocking turn" if block else "turn")
            super().iter(block)

    lwt_engine.set(Recording(), transfer=False)
    return record


def after(seconds: float) -> lwt.Promise[None]:
    """Make a promise that a timer fulfils."""
    promise, resolver = lwt.wait()

    def wake(event: Event) -> None:
        stop_event(event)
        lwt.wakeup(resolver, None)

    lwt_engine.on_timer(seconds, False, wake)
    return promise


# --- What run returns --------------------------------------------------------


def test_run_of_a_fulfilled_promise_returns_its_value_without_a_turn(
    engine_log: Recorder,
) -> None:
    Enter_iter_hooks.add_first(lambda: engine_log.calls.append("hook"))
    assert lwt_main.run(lwt.return_(3)) == 3
    assert lwt_main.run(lwt.return_(None)) is None
    assert engine_log.take() == []


def test_run_turns_until_the_promise_is_fulfilled() -> None:
    assert lwt_main.run(lwt.map(lambda _: "done", after(0.001))) == "done"


def test_run_of_a_rejected_promise_raises_its_exception_with_the_place_where_it_was_raised() -> (
    None
):
    def fail_here(_: None) -> lwt.Promise[None]:
        raise LookupError("lost")

    promise = lwt.bind(lwt.pause(), fail_here)
    with pytest.raises(LookupError, match="lost") as caught:
        lwt_main.run(promise)
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert names[-1] == "fail_here"
    assert caught.value.__context__ is None


def test_run_takes_a_coroutine() -> None:
    async def main() -> int:
        await lwt.pause()
        await after(0)
        return 5

    assert lwt_main.run(main()) == 5


def test_run_hands_over_to_a_promise_that_a_coroutine_returns() -> None:
    async def later() -> lwt.Promise[int]:
        return lwt.map(lambda _: 3, lwt.pause())

    assert lwt_main.run(later()) == 3


def test_run_of_a_coroutine_that_raises_raises_its_exception() -> None:
    async def main() -> None:
        raise LookupError("lost")

    with pytest.raises(LookupError, match="lost"):
        lwt_main.run(main())
    assert lwt_main.run(lwt.return_(1)) == 1


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (3, r"got 3 \(int\); lwt\.return_\(value\) makes a promise of a value"),
        (None, r"got None; "),
        (after, r"got the function after; call the function: lwt_main\.run\(after\(\)\)"),
    ],
)
def test_run_of_something_else_is_a_type_error(value: lwt.Promise[int], message: str) -> None:
    with pytest.raises(TypeError, match=f"^lwt_main.run: expected a promise or a cor.*{message}"):
        lwt_main.run(value)
    assert lwt_main.run(lwt.return_(1)) == 1


# --- One turn ----------------------------------------------------------------


def test_turn_is_enter_hooks_engine_paused_promises_leave_hooks(engine_log: Recorder) -> None:
    for hooks, name in ((Enter_iter_hooks, "enter"), (Leave_iter_hooks, "leave")):
        hooks.add_last(lambda name=name: engine_log.calls.append(f"{name} 2"))  # type: ignore[misc]  # the default fixes the name
        hooks.add_first(lambda name=name: engine_log.calls.append(f"{name} 1"))  # type: ignore[misc]  # as above
    lwt_engine.on_timer(0, False, lambda _: engine_log.calls.append("timer"))
    lwt_main.run(lwt.map(lambda _: engine_log.calls.append("paused"), lwt.pause()))
    assert engine_log.take() == [
        "enter 1",
        "enter 2",
        "turn",
        "timer",
        "paused",
        "leave 1",
        "leave 2",
    ]


def test_engine_blocks_only_if_nothing_is_paused(engine_log: Recorder) -> None:
    async def main() -> None:
        await lwt.pause()
        await lwt.pause()
        await after(0)

    lwt_main.run(main())
    assert engine_log.take() == ["turn", "turn", "blocking turn"]


def test_promise_paused_by_a_paused_one_waits_for_the_next_turn(engine_log: Recorder) -> None:
    async def pausing() -> None:
        for number in range(3):
            engine_log.calls.append(f"pause {number}")
            await lwt.pause()

    lwt_main.run(pausing())
    assert engine_log.take() == ["pause 0", "turn", "pause 1", "turn", "pause 2", "turn"]


def test_enter_hook_that_pauses_keeps_the_engine_from_blocking(engine_log: Recorder) -> None:
    promise, resolver = lwt.wait()
    Enter_iter_hooks.add_first(
        lambda: lwt.on_success(lwt.pause(), lambda _: lwt.wakeup(resolver, None))
    )
    lwt_main.run(promise)
    assert engine_log.take() == ["turn"]


def test_what_is_deferred_after_the_turn_has_begun_keeps_the_engine_from_blocking(
    engine_log: Recorder,
) -> None:
    waiters: Waiters[str] = Waiters()
    promise = lwt.map(str.upper, waiters.add())

    def wake() -> None:
        if waiter := waiters.take():
            waiter.wake_next("woken")

    Enter_iter_hooks.add_first(wake)
    assert lwt_main.run(promise) == "WOKEN"
    assert engine_log.take() == ["turn"]


def test_promise_resolved_by_an_enter_hook_is_seen_after_the_turn(engine_log: Recorder) -> None:
    promise, resolver = lwt.wait()
    hook = Enter_iter_hooks.add_first(lambda: lwt.wakeup(resolver, 1))
    Leave_iter_hooks.add_first(lambda: engine_log.calls.append("leave"))
    assert lwt_main.run(promise) == 1
    Enter_iter_hooks.remove(hook)
    assert engine_log.take() == ["blocking turn", "leave"]


# --- Hooks -------------------------------------------------------------------


def turns(number: int) -> lwt.Promise[None]:
    async def pausing() -> None:
        for _ in range(number):
            await lwt.pause()

    return lwt.of_coroutine(pausing())


def test_removed_hooks_are_not_called(record: Recorder) -> None:
    first = Enter_iter_hooks.add_last(lambda: record.calls.append("first"))
    Enter_iter_hooks.add_last(lambda: record.calls.append("second"))
    lwt_main.run(turns(1))
    Enter_iter_hooks.remove(first)
    Enter_iter_hooks.remove(first)
    lwt_main.run(turns(1))
    Enter_iter_hooks.remove_all()
    lwt_main.run(turns(1))
    assert record.take() == ["first", "second", "second"]


def test_hook_may_remove_itself_and_add_another_for_the_same_turn(record: Recorder) -> None:
    def once() -> None:
        record.calls.append("once")
        Leave_iter_hooks.add_last(lambda: record.calls.append("added"))
        Leave_iter_hooks.remove(hook)

    hook = Leave_iter_hooks.add_first(once)
    lwt_main.run(turns(2))
    assert record.take() == ["once", "added", "added"]


def test_exception_of_a_hook_leaves_run_which_can_be_called_again() -> None:
    def fail() -> None:
        raise LookupError("hook")

    hook = Enter_iter_hooks.add_first(fail)
    with pytest.raises(LookupError, match="hook"):
        lwt_main.run(turns(1))
    Enter_iter_hooks.remove(hook)
    lwt_main.run(turns(1))


def test_hook_that_is_no_function_is_refused() -> None:
    with pytest.raises(
        TypeError, match=r"^lwt_main\.Leave_iter_hooks\.add_first: expected a function"
    ):
        Leave_iter_hooks.add_first(None)  # type: ignore[arg-type]  # what is tested
    assert repr(Leave_iter_hooks) == "<lwt_main.Leave_iter_hooks: 0 hooks>"


# --- Nested calls ------------------------------------------------------------


def test_nested_run_is_refused_and_the_outer_one_goes_on() -> None:
    refused: list[str] = []

    async def main() -> str:
        for _ in range(2):
            with pytest.raises(lwt.Failure) as caught:
                lwt_main.run(lwt.return_(1))
            refused.append(str(caught.value))
            await lwt.pause()
        return "outer"

    assert lwt_main.run(main()) == "outer"
    assert len(refused) == 2
    hint = "await the promise, or return it from the callback, instead of running it"
    assert set(refused) == {f"Nested calls to Lwt_main.run are not allowed: {hint}"}
    assert lwt_main.run(lwt.return_(2)) == 2


def test_coroutine_of_a_nested_run_is_not_started(record: Recorder) -> None:
    async def inner() -> None:
        record.calls.append("inner")

    async def main() -> None:
        with pytest.raises(lwt.Failure):
            lwt_main.run(inner())

    lwt_main.run(main())
    assert record.take() == []


def test_run_in_another_thread_meanwhile_is_refused() -> None:
    refused: list[lwt.Failure] = []

    def other() -> None:
        try:
            lwt_main.run(lwt.return_(1))
        except lwt.Failure as failure:
            refused.append(failure)

    async def main() -> None:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()

    lwt_main.run(main())
    hint = (
        "the main loop runs in another thread, and there is one in a process; a process of its own can "
        "have another"
    )
    assert [str(failure) for failure in refused] == [
        f"Nested calls to Lwt_main.run are not allowed: {hint}"
    ]


# --- Exceptions that leave ---------------------------------------------------


@pytest.mark.parametrize("exception", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_exception_that_is_no_exception_leaves_run_and_run_goes_on_afterwards(
    exception: type[BaseException], record: Recorder
) -> None:
    async def interrupted() -> None:
        await lwt.pause()
        raise exception

    async def other(name: str) -> None:
        for _ in range(2):
            await lwt.pause()
            record.calls.append(name)

    before, victim, behind = (
        lwt.of_coroutine(other("before")),
        lwt.of_coroutine(interrupted()),
        lwt.of_coroutine(other("behind")),
    )
    with pytest.raises(exception):
        lwt_main.run(victim)
    lwt_main.run(lwt.join([before, behind]))
    assert sorted(record.take()) == ["before", "before", "behind", "behind"]


def test_what_was_ready_in_an_interrupted_turn_is_called_by_the_next_run(record: Recorder) -> None:
    def interrupt(event: Event) -> None:
        stop_event(event)
        raise KeyboardInterrupt

    with socket_pairs(2) as [(a, a_back), (b, b_back)]:
        a_back.send(b"x")
        b_back.send(b"x")
        lwt_engine.on_readable(a.fileno(), interrupt)
        event = lwt_engine.on_readable(b.fileno(), record("b"))
        timer = lwt_engine.on_timer(0, False, record("timer"))
        with pytest.raises(KeyboardInterrupt):
            lwt_main.run(lwt.wait()[0])
        assert record.take() == ["timer"]
        lwt_main.run(turns(1))
        assert record.take() == ["b"]
        stop_event(event)
        stop_event(timer)


def test_callbacks_left_in_the_queue_by_an_interrupt_run_before_the_first_turn(
    engine_log: Recorder,
) -> None:
    promise, resolver = lwt.wait()
    later, later_resolver = lwt.wait()

    def interrupt(_: None) -> None:
        lwt.wakeup_later(later_resolver, None)
        raise KeyboardInterrupt

    lwt.on_success(promise, interrupt)
    lwt.on_success(promise, lambda _: engine_log.calls.append("second callback"))
    lwt.on_success(later, lambda _: engine_log.calls.append("deferred"))
    with pytest.raises(KeyboardInterrupt):
        lwt.wakeup(resolver, None)
    lwt_main.run(turns(1))
    assert sorted(engine_log.calls[:-1]) == ["deferred", "second callback"]
    assert engine_log.take()[-1] == "turn"


def test_signal_handler_that_raises_leaves_a_blocked_run() -> None:
    with interrupted_by_a_signal(KeyboardInterrupt()):
        lwt_main.run(lwt.wait()[0])
    assert lwt_main.run(after(0)) is None


def run_program(program: str, status: int = 0) -> list[str]:
    """Run a program of its own, and return the lines that it printed."""
    prelude = "import lwt\nfrom lwt_unix import lwt_engine, lwt_main\n"
    result = run_code(prelude + program, "-W", "error")
    assert (result.returncode, result.stderr) == (status, "")
    return result.stdout.splitlines()


def test_run_that_an_unfiltered_exception_left_cannot_be_called_again_as_in_ocaml() -> None:
    program = """
def deep(_):
    raise RecursionError("deep")
try:
    lwt_main.run(lwt.bind(lwt.pause(), deep))
except RecursionError as error:
    print(error)
try:
    lwt_main.run(lwt.return_(1))
except lwt.Failure as failure:
    print(failure.args[0])
async def hook():
    print("exit hook", await lwt.bind(lwt.pause(), lambda _: lwt.return_(2)))
lwt_main.at_exit(hook)
"""
    assert run_program(program) == [
        "deep",
        (
            "Nested calls to Lwt_main.run are not allowed: a RecursionError left an earlier call, "
            "which counts as running from then on"
        ),
        "exit hook 2",
    ]


# --- The end of the process --------------------------------------------------


def test_exit_hooks_run_in_order_and_may_add_others() -> None:
    program = """
def hook(name, then=None):
    async def run():
        await lwt.pause()
        print(name)
        if then is not None:
            then()
    return run
lwt_main.Exit_hooks.add_last(hook("last"))
lwt_main.at_exit(hook("second"))
lwt_main.at_exit(hook("adds", lambda: lwt_main.Exit_hooks.add_last(hook("added"))))
removed = lwt_main.Exit_hooks.add_first(hook("removed"))
lwt_main.Exit_hooks.remove(removed)
print(lwt_main.run(lwt.return_("main")))
"""
    assert run_program(program) == ["main", "adds", "second", "last", "added"]


FAILING_HOOKS = """
import atexit, os, signal, sys
atexit.register(print, "what was registered before")
import lwt
from lwt_unix import lwt_io, lwt_main
def told(unraisable):
    hook = repr(unraisable.object).split(" at ")[0]
    print(type(unraisable.exc_value).__name__, "of", hook)
sys.unraisablehook = told
def raises():
    raise LookupError("at once")
async def rejects():
    await lwt.pause()
    raise LookupError("later")
async def ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)
    await lwt.wait()[0]
def forgets():
    print("returns no promise")
async def last():
    print("last")
"""


def test_an_exception_in_an_exit_hook_is_told_as_one_that_python_cannot_raise() -> None:
    program = """
for hook in (last, raises, rejects, ctrl_c, forgets):
    lwt_main.at_exit(hook)
lwt_io.write(lwt_io.stderr, "flushed")
sys.exit(3)
"""
    result = run_code(FAILING_HOOKS + program)
    assert (result.returncode, result.stderr) == (3, "flushed")
    assert result.stdout.splitlines() == [
        "returns no promise",
        "TypeError of exit hook <function forgets",
        "KeyboardInterrupt of exit hook <function ctrl_c",
        "LookupError of exit hook <function rejects",
        "LookupError of exit hook <function raises",
        "last",
        "what was registered before",
    ]


def test_what_python_says_of_an_exception_in_an_exit_hook_names_the_hook_and_the_place() -> None:
    result = run_code(
        "from lwt_unix import lwt_main\n"
        "def hook():\n"
        "    raise LookupError('lost')\n"
        "lwt_main.at_exit(hook)\n"
    )
    lines = result.stderr.splitlines()
    assert lines[0].startswith("Exception ignored in: exit hook <function hook at ")
    assert lines[-2:] == ['  File "<string>", line 3, in hook', "LookupError: lost"]
    assert result.returncode == 0


@pytest.mark.parametrize(
    ("argument", "status", "told"),
    [("5", 5, ""), ("", 0, ""), ("'sorry'", 1, "sorry\n"), ("300", 300 % 256, "")],
)
def test_sys_exit_in_an_exit_hook_gives_the_status_and_the_rest_is_done(
    argument: str, status: int, told: str
) -> None:
    program = f"""
import atexit, sys
atexit.register(print, "what was registered before")
import lwt
from lwt_unix import lwt_io, lwt_main
async def leaves():
    sys.exit({argument})
async def last():
    print("last")
lwt_main.at_exit(last)
lwt_main.at_exit(leaves)
lwt_io.print("flushed, ")
sys.exit(3)
"""
    result = run_code(program, "-u")
    assert (result.returncode, result.stderr) == (status, told)
    assert result.stdout == "last\nflushed, what was registered before\n"


def test_exit_hooks_run_when_a_callback_ends_the_process() -> None:
    program = """
import sys
async def main():
    await lwt.pause()
    sys.exit(3)
async def bye():
    await lwt.pause()
    print("bye")
lwt_main.at_exit(bye)
lwt_main.run(main())
"""
    assert run_program(program, status=3) == ["bye"]


def test_turns_of_exit_hooks_serve_the_engine() -> None:
    program = """
def hook():
    promise, resolver = lwt.wait()
    lwt_engine.on_timer(0.001, False, lambda event: (event.stop(), lwt.wakeup(resolver, None)))
    return lwt.map(lambda _: print("timer"), promise)
lwt_main.at_exit(hook)
"""
    assert run_program(program) == ["timer"]


# --- Old names ---------------------------------------------------------------


def test_yield_is_pause() -> None:
    promise = lwt_main.yield_()
    assert lwt.paused_count() == 1
    assert lwt_main.run(promise) is None


def test_abandoned_promises_stay_pending() -> None:
    promise = lwt_main.yield_()
    lwt_main.abandon_yielded_and_paused()
    assert lwt.paused_count() == 0
    lwt_main.run(turns(1))
    assert lwt.state(promise) == lwt.Sleep
