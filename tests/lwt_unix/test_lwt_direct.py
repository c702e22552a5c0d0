"""Tasks: when they run, in which order, with which storage, and what becomes of their end."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import re
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_direct, lwt_main
from lwt_unix.lwt_direct import await_, spawn, spawn_in_the_background, yield_
from tests.support.collecting import for_every_collection
from tests.support.programs import in_child, run_code
from tests.support.promises import exceptions_reported, rejected_with

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

anything: Any = lwt_direct


@pytest.fixture
def log() -> list[str]:
    return []


def turn() -> None:
    """One turn of the main loop, and what stands around it there."""
    lwt_main.run(lwt.pause())


# --- When a task runs --------------------------------------------------------


def test_spawn_runs_nothing_at_once_and_the_next_turn_runs_the_task(log: list[str]) -> None:
    async def task() -> int:
        log.append("task")
        return 3

    promise = spawn(task)
    log.append("spawned")
    before = lwt.state(promise)
    turn()
    assert (before, log, lwt.state(promise)) == (lwt.Sleep, ["spawned", "task"], lwt.Return(3))


def test_tasks_begin_in_the_order_in_which_they_were_spawned(log: list[str]) -> None:
    async def task(name: str) -> None:
        log.append(name)

    for name in "abc":
        spawn(partial(task, name))
    turn()
    assert log == ["a", "b", "c"]


def test_a_task_that_waits_goes_on_in_its_turn_and_not_inside_of_who_resolves(
    log: list[str],
) -> None:
    promise, resolver = lwt.wait()

    async def waiter() -> None:
        log.append(f"waited for {await promise}")

    async def waker() -> None:
        lwt.wakeup(resolver, 3)
        log.append("woken")

    spawn(waiter)
    spawn(waker)
    turn()
    assert log == ["woken", "waited for 3"]


def test_waiting_for_what_is_resolved_goes_on_at_once(log: list[str]) -> None:
    async def first() -> None:
        log.append(await await_(lwt.return_("a")))
        log.append(await lwt.return_("b"))
        with pytest.raises(LookupError):
            await await_(lwt.fail(LookupError()))

    async def second() -> None:
        log.append("second")

    spawn(first)
    spawn(second)
    turn()
    assert log == ["a", "b", "second"]


def test_a_yield_goes_behind_all_tasks_that_are_ready(log: list[str]) -> None:
    async def task(name: str) -> None:
        log.append(f"{name}1")
        await yield_()
        log.append(f"{name}2")

    spawn(lambda: task("a"))
    spawn(lambda: task("b"))
    turn()
    assert log == ["a1", "b1", "a2", "b2"]


def test_a_turn_runs_twice_as_many_steps_as_tasks_were_ready_and_the_engine_does_not_wait_for_the_rest(
    log: list[str],
) -> None:
    seen: list[tuple[str, int]] = []

    async def yields() -> None:
        for number in range(5):
            log.append(str(number))
            await yield_()

    lwt_main.Enter_iter_hooks.add_last(lambda: seen.append(("".join(log), lwt.paused_count())))
    lwt_main.run(spawn(yields))
    assert seen == [("01", 1), ("01234", 1)]
    assert "".join(log) == "01234"


def test_a_task_of_yields_lets_timers_and_other_promises_run() -> None:
    async def main() -> int:
        slept = lwt_unix.sleep(0.0)
        steps = 0
        while lwt.is_sleeping(slept):
            steps += 1
            await yield_()
        return steps

    assert lwt_main.run(spawn(main)) > 0


def test_many_tasks_and_long_ones_take_no_stack() -> None:
    async def last() -> int:
        for _ in range(20_000):
            await yield_()
        return 3

    async def waits_for(promise: lwt.Promise[int]) -> int:
        return await promise + 1

    promise = spawn(last)
    for _ in range(5_000):
        promise = spawn(partial(waits_for, promise))
    assert lwt_main.run(promise) == 5_003


def test_a_function_that_a_task_awaits_waits_as_the_task_does(log: list[str]) -> None:
    promise, resolver = lwt.wait()

    async def inner() -> str:
        await yield_()
        return await await_(promise)

    async def task() -> str:
        return "got " + await inner()

    spawned = spawn(task)
    turn()
    lwt.wakeup(resolver, "it")
    assert lwt.is_sleeping(spawned)
    assert lwt_main.run(spawned) == "got it"


def test_a_task_may_spawn_others_and_wait_for_them(log: list[str]) -> None:
    async def child(name: str) -> str:
        log.append(name)
        return name

    async def parent() -> list[str]:
        promises = [spawn(partial(child, name)) for name in "ab"]
        log.append("parent")
        return [await promise for promise in promises]

    assert lwt_main.run(spawn(parent)) == ["a", "b"]
    assert log == ["parent", "a", "b"]


def test_a_task_goes_on_from_timers_descriptors_and_pauses() -> None:
    async def main() -> bytes:
        near, far = lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)
        buffer = bytearray(5)
        async with near, far:
            reading = lwt_unix.read(near, buffer, 0, 5)
            await lwt_unix.sleep(0.0)
            await lwt.pause()
            await lwt_unix.write(far, b"hello", 0, 5)
            await reading
        return bytes(buffer)

    assert lwt_main.run(spawn(main)) == b"hello"


# --- The end of a task -------------------------------------------------------


def test_what_a_task_raises_rejects_its_promise_with_a_traceback_of_the_task() -> None:
    async def task() -> None:
        await yield_()
        raise LookupError("a")

    async def main() -> str:
        try:
            await spawn(task)
        except LookupError as error:
            return "".join(traceback.format_exception(error))
        return ""

    told = lwt_main.run(main())
    assert 'raise LookupError("a")' in told
    assert "lwt_unix/lwt_direct.py" not in told


def test_an_ordinary_function_is_a_task_that_does_not_wait() -> None:
    def fail() -> int:
        raise LookupError

    def stop() -> int:
        raise StopIteration

    promises = [spawn(lambda: 3), spawn(fail), spawn(stop)]
    turn()
    assert lwt.state(promises[0]) == lwt.Return(3)
    assert isinstance(rejected_with(promises[1]), LookupError)
    assert isinstance(rejected_with(promises[2]), StopIteration)


def test_a_promise_that_a_task_returns_takes_the_place_of_its_own() -> None:
    promise, resolver = lwt.task()

    async def task() -> lwt.Promise[int]:
        return promise

    spawned = [spawn(task), spawn(lambda: promise), spawn(lambda: lwt.fail(LookupError()))]
    turn()
    assert list(map(lwt.is_sleeping, spawned)) == [True, True, False]
    lwt.wakeup(resolver, 3)
    assert [lwt.state(one) for one in spawned[:2]] == [lwt.Return(3)] * 2
    assert isinstance(rejected_with(spawned[2]), LookupError)


def test_cancelling_the_promise_has_no_effect_and_the_task_goes_on() -> None:
    waited: lwt.Promise[int]
    waited, resolver = lwt.task()

    async def task() -> int:
        return await waited

    spawned = spawn(task)
    lwt.cancel(spawned)
    turn()
    lwt.cancel(spawned)
    assert lwt.is_sleeping(waited)
    lwt.wakeup(resolver, 3)
    assert lwt_main.run(spawned) == 3


def test_a_cancelled_promise_raises_where_the_task_waits(log: list[str]) -> None:
    waited, _ = lwt.task()

    async def task() -> str:
        try:
            await await_(waited)
        except lwt.Canceled:
            return "cancelled"
        return "not"

    spawned = spawn(task)
    turn()
    lwt.cancel(waited)
    assert lwt_main.run(spawned) == "cancelled"


def test_a_task_that_waits_for_itself_is_told() -> None:
    async def task() -> None:
        await promise

    promise = spawn(task)
    turn()
    assert "awaits its own promise" in str(rejected_with(promise))


def test_what_is_no_promise_is_told_where_it_is_awaited() -> None:
    async def task() -> None:
        await asyncio.sleep(0)

    promise = spawn(task)
    turn()
    assert "awaited something that is not a promise of lwt" in str(rejected_with(promise))


def test_a_callback_of_the_promise_that_raises_is_reported_and_the_other_tasks_run(
    log: list[str],
) -> None:
    def hook(exception: Exception) -> None:
        log.append(type(exception).__name__)
        if isinstance(exception, LookupError):
            raise OSError

    def raise_(_: object) -> None:
        raise LookupError

    first, second = spawn(lambda: 1), spawn(lambda: log.append("second"))
    lwt.on_success(first, raise_)
    lwt.async_exception_hook.contents = hook
    turn()
    assert log == ["LookupError", "OSError", "second"]
    assert lwt.state(second) == lwt.Return(None)


# --- In the background -------------------------------------------------------


def test_a_task_in_the_background_reports_its_exception_and_drops_its_value(log: list[str]) -> None:
    async def fail() -> None:
        await yield_()
        raise LookupError("later")

    def fail_at_once() -> None:
        raise LookupError("at once")

    with exceptions_reported() as reported:
        for function in (
            fail,
            fail_at_once,
            lambda: 3,
            lambda: lwt.return_(3),
            lambda: lwt.fail(LookupError("promise")),
        ):
            spawn_in_the_background(function)
        turn()
        turn()
        assert [str(one) for one in reported] == ["at once", "promise", "later"]


# --- Outside of a task -------------------------------------------------------


def test_waiting_outside_of_a_task_is_ocaml_s_error() -> None:
    pending, _ = lwt.wait()

    async def waits() -> None:
        await await_(pending)

    async def yields() -> None:
        await yield_()

    texts = [str(rejected_with(lwt.of_coroutine(body()))) for body in (waits, yields)]
    assert texts == [
        f"Stdlib.Effect.Unhandled(Lwt_direct.{effect}): lwt_direct.{name} outside of a task; begin "
        "one with lwt_direct.spawn(f), or await the promise itself"
        for effect, name in (("Await(_)", "await_"), ("Yield", "yield_"))
    ]
    for body in (waits, yields):
        with pytest.raises(RuntimeError, match=r"^Stdlib\.Effect\.Unhandled"):
            asyncio.run(body())
        coroutine = body()
        coroutine.send(None)
        with pytest.raises(RuntimeError, match=r"^Stdlib\.Effect\.Unhandled"):
            coroutine.send(None)


def test_a_body_that_a_task_calls_without_awaiting_it_is_no_part_of_the_task() -> None:
    @lwt.promised
    async def body() -> None:
        await yield_()

    async def task() -> str:
        promise = body()
        return str(rejected_with(promise))

    assert lwt_main.run(spawn(task)).startswith("Stdlib.Effect.Unhandled(Lwt_direct.Yield)")


def test_a_resolved_promise_can_be_waited_for_anywhere() -> None:
    async def body() -> int:
        return await await_(lwt.return_(3))

    assert lwt.state(lwt.of_coroutine(body())) == lwt.Return(3)


def drop(_: object) -> None: ...


def test_a_wait_that_is_not_awaited_is_warned_of() -> None:
    with pytest.warns(RuntimeWarning, match="coroutine 'yield_' was never awaited"):
        drop(yield_())
    with pytest.warns(RuntimeWarning, match="coroutine 'await_' was never awaited"):
        drop(await_(lwt.return_unit))


# --- Storage and context -----------------------------------------------------


def test_a_task_begins_with_an_empty_storage_and_keeps_its_own() -> None:
    key: lwt.Key[str] = lwt_direct.Storage.new_key()
    other: lwt.Key[int] = lwt.new_key()
    seen: list[object] = []

    async def task(name: str) -> None:
        seen.append((name, lwt_direct.Storage.get(key)))
        lwt_direct.Storage.set(key, name)
        await yield_()
        seen.append((name, lwt_direct.Storage.get(key), lwt.get(key)))
        lwt_direct.Storage.set(other, 3)
        lwt_direct.Storage.remove(key)
        await lwt.pause()
        seen.append((name, lwt_direct.Storage.get(key), lwt_direct.Storage.get(other)))

    def spawn_two() -> lwt.Promise[None]:
        return lwt.join([spawn(lambda: task("a")), spawn(lambda: task("b"))])

    lwt_main.run(lwt.with_value(key, lwt.Some("outside"), spawn_two))
    assert seen == [
        *(("a", None), ("b", None)),
        *(("a", lwt.Some("a"), lwt.Some("a")), ("b", lwt.Some("b"), lwt.Some("b"))),
        *(("a", None, lwt.Some(3)), ("b", None, lwt.Some(3))),
    ]


def test_callbacks_that_a_task_attaches_have_its_storage() -> None:
    key: lwt.Key[str] = lwt.new_key()
    promise, resolver = lwt.wait()
    seen: list[object] = []

    async def task() -> None:
        lwt_direct.Storage.set(key, "task")
        lwt.on_success(lwt.bind(promise, lambda _: lwt.return_(lwt.get(key))), seen.append)

    spawn(task)
    turn()
    lwt.wakeup(resolver, None)
    assert seen == [lwt.Some("task")]


def test_a_task_has_a_copy_of_the_context_in_which_it_was_spawned() -> None:
    variable = contextvars.ContextVar("variable", default="nothing")
    seen: list[str] = []

    async def task(name: str) -> None:
        seen.append(variable.get())
        variable.set(name)
        await yield_()
        seen.append(variable.get())

    variable.set("spawned")
    spawn(lambda: task("a"))
    variable.set("later")
    spawn(lambda: task("b"))
    turn()
    assert (seen, variable.get()) == (["spawned", "later", "a", "b"], "later")


# --- The end of the process, interrupts, children ----------------------------


def test_a_task_that_is_never_resumed_holds_nothing_up(log: list[str]) -> None:
    done = run_code(
        """\
import lwt, threading
from lwt_unix import lwt_direct, lwt_main
async def waits():
    try:
        await lwt.wait()[0]
    finally:
        print("closed")
lwt_direct.spawn(waits)
lwt_main.run(lwt.pause())
print(lwt_main.run(lwt_direct.spawn(lambda: threading.active_count())))
lwt_direct.spawn(waits)
"""
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\nclosed\n", "")


def test_a_task_that_nobody_can_wake_is_closed_and_leaves_nothing() -> None:
    closed: list[str] = []

    async def waits() -> None:
        try:
            await lwt.wait()[0]
        finally:
            closed.append("closed")

    spawn(waits)
    turn()
    gc.collect()
    assert closed == ["closed"]


@pytest.mark.parametrize("exception", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_leaves_through_run_and_the_other_tasks_run_later(
    exception: type[BaseException], log: list[str]
) -> None:
    async def interrupted() -> None:
        await yield_()
        raise exception

    async def other() -> None:
        await yield_()
        log.append("other")

    promises = [spawn(interrupted), spawn(other)]
    with pytest.raises(exception):
        turn()
    turn()
    assert (log, [lwt.is_sleeping(one) for one in promises]) == (["other"], [True, False])


def test_in_a_child_only_the_task_that_forked_goes_on(log: list[str]) -> None:
    async def other() -> None:
        log.append("other")

    def child() -> None:
        async def task() -> None:
            await yield_()
            log.append("child")

        lwt_main.run(spawn(task))
        assert log == ["child"]

    async def main() -> int:
        spawn(other)
        status = in_child(child)
        await yield_()
        return status

    assert lwt_main.run(spawn(main)) == 0
    assert log == ["other"]


def test_a_fresh_beginning_drops_tasks_and_hooks_the_main_loop_again(log: list[str]) -> None:
    spawn(lambda: log.append("dropped"))
    lwt_main._renew()
    lwt_direct._renew()
    spawn(lambda: log.append("kept"))
    turn()
    assert log == ["kept"]


def test_the_main_loop_is_hooked_by_the_first_task_and_only_once() -> None:
    before = repr(lwt_main.Enter_iter_hooks), repr(lwt_main.Leave_iter_hooks)
    spawn(lambda: 3)
    spawn_in_the_background(lambda: 3)
    after = repr(lwt_main.Enter_iter_hooks), repr(lwt_main.Leave_iter_hooks)
    assert [re.findall(r"\d+", text) for text in (*before, *after)] == [["0"], ["0"], ["1"], ["1"]]


def test_tasks_leave_nothing_to_the_collector() -> None:
    async def fine() -> int:
        await yield_()
        await lwt.pause()
        return 3

    async def failing() -> int:
        await yield_()
        raise LookupError

    turn()
    gc.collect()
    gc.disable()
    try:
        for function in (fine, failing):
            promise = spawn(function)
            turn()
            turn()
            assert not lwt.is_sleeping(promise)
            del promise
        assert gc.collect() == 0
    finally:
        gc.enable()


# --- The collector -----------------------------------------------------------


class Tasks:
    """Tasks that wait, yield and begin, and promises that a finaliser resolves."""

    def __init__(self) -> None:
        lwt_direct._tasks.clear()
        self.log: list[str] = []
        self.first, self.resolve_first = lwt.wait()
        self.second, self.resolve_second = lwt.wait()
        spawn(partial(self.task, "a", self.first))
        spawn(partial(self.task, "b", self.second))
        lwt_direct._run_tasks()
        lwt.wakeup(self.resolve_first, None)

    async def task(self, name: str, promise: lwt.Promise[None]) -> None:
        await promise
        self.log.append(f"{name}1")
        await yield_()
        self.log.append(f"{name}2")
        await await_(self.second)
        self.log.append(f"{name}3")

    def interfere(self) -> None:
        lwt.wakeup(self.resolve_second, None)
        spawn(partial(self.task, "c", lwt.return_unit))


@pytest.mark.no_cover
def test_a_task_that_a_finaliser_wakes_or_spawns_is_neither_lost_nor_run_twice() -> None:
    def check(tasks: Tasks, _: object) -> None:
        for _ in range(6):
            lwt_direct._run_tasks()
        for name in "abc":
            own = [entry for entry in tasks.log if entry[0] == name]
            assert own == [f"{name}1", f"{name}2", f"{name}3"]
        assert not lwt_direct._tasks

    places = for_every_collection(Tasks, lambda _: lwt_direct._run_tasks(), Tasks.interfere, check)
    assert len(places) > 5


# --- Arguments ---------------------------------------------------------------

WRONG: dict[str, Callable[[], object]] = {
    "spawn: expected a function, got 3": lambda: anything.spawn(3),
    "spawn: callback <lambda>": lambda: anything.spawn(lambda x: x),
    "spawn_in_the_background: expected a function": lambda: anything.spawn_in_the_background(3),
    "await_: expected a promise, got 3": lambda: anything.await_(3),
    "Storage.set: expected a key, got 3": lambda: anything.Storage.set(3, 4),
    "Storage.remove: expected a key, got 3": lambda: anything.Storage.remove(3),
}


@pytest.mark.parametrize("message", WRONG)
def test_an_argument_of_a_wrong_kind_is_told_at_the_call(message: str) -> None:
    with pytest.raises(TypeError, match=rf"^lwt_direct\.{re.escape(message)}"):
        WRONG[message]()


def test_a_coroutine_instead_of_its_function_is_told() -> None:
    async def task() -> None: ...

    with pytest.raises(TypeError, match="pass a function that returns it, such as lambda"):
        anything.spawn(task())
