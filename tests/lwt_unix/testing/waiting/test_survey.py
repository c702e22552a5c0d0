"""What waits for what: each kind of thing that there is to wait for."""

import importlib
import re
import time

import pytest

import lwt
import lwt_unix
from lwt import Some, lwt_condition, lwt_list, lwt_mutex, lwt_mvar, lwt_stream
from lwt._core.promise import Callback
from lwt._core.resolution import MAXIMUM_NESTING
from lwt_unix import lwt_direct, lwt_main, lwt_preemptive, testing
from lwt_unix.testing._waiting import survey
from tests.support.modules import MODULES
from tests.support.waiting import report, started, text


def test_a_condition_that_nobody_signals() -> None:
    ready, seconds = lwt_condition.create(), lwt.wait()[0]

    async def waits() -> None:
        await lwt_condition.wait(ready)

    async def would_signal() -> None:
        await seconds
        lwt_condition.signal(ready, None)

    _ = started(waits, would_signal)
    assert report() == text(
        "body 1 (waits) waits for condition 1 (ready)",
        "    line 4, in waits",
        "        await lwt_condition.wait(ready)",
        "condition 1 (ready), not signalled, can be signalled by body 2 (would_signal)",
        "body 2 (would_signal) waits for promise 1",
        "    line 7, in would_signal",
        "        await seconds",
        "promise 1, whose resolver is gone, so that nobody can resolve it",
    )


def test_an_empty_mailbox_and_a_full_one() -> None:
    requests: lwt_mvar.Mvar[int] = lwt_mvar.create_empty()
    answers = lwt_mvar.create(1)

    async def server() -> None:
        await lwt_mvar.put(answers, await lwt_mvar.take(requests))

    async def client() -> None:
        await lwt_mvar.put(answers, 2)

    _ = started(server, client)
    assert report() == text(
        "body 1 (client) waits for mailbox 1 (answers)",
        "    line 8, in client",
        "        await lwt_mvar.put(answers, 2)",
        "mailbox 1 (answers), full, can be emptied by body 2 (server)",
        "body 2 (server) waits for mailbox 2 (requests)",
        "    line 5, in server",
        "        await lwt_mvar.put(answers, await lwt_mvar.take(requests))",
        "mailbox 2 (requests), empty",
    )


def test_a_stream_that_nobody_pushes_to_and_one_that_is_full() -> None:
    lines, push = lwt_stream.create()
    numbers, pushing = lwt_stream.create_bounded(1)

    async def reader() -> None:
        async for line in lines:
            await pushing.push(line)

    async def writer() -> None:
        await pushing.push(1)
        await pushing.push(2)
        push(Some(b""))

    _ = started(reader, writer)
    assert report() == text(
        "body 1 (reader) waits for stream 1 (lines)",
        "    line 5, in reader",
        "        async for line in lines:",
        "stream 1 (lines), empty, can be filled by body 2 (writer)",
        "body 2 (writer) waits for stream 2",
        "    line 10, in writer",
        "        await pushing.push(2)",
        "stream 2, full, is known to body 1 (reader)",
    )
    assert lwt_stream.is_closed(numbers) is False


def test_several_at_once() -> None:
    never, resolver = lwt.wait()
    mutex = lwt_mutex.create()

    async def all_of_them() -> None:
        await lwt.both(never, lwt.join([never, lwt_mutex.lock(mutex)]))

    async def first_of_them() -> None:
        await lwt.pick([lwt_mutex.lock(mutex), lwt_list.map_p(lambda _: never, [1, 2])])

    async def holds() -> None:
        async with mutex:
            await never

    _ = started(holds, all_of_them, first_of_them)
    assert report() == text(
        "body 1 (all_of_them) waits for all of (promise 1, mutex 1 (mutex))",
        "    line 5, in all_of_them",
        "        await lwt.both(never, lwt.join([never, lwt_mutex.lock(mutex)]))",
        "promise 1, whose resolver is kept somewhere",
        "mutex 1 (mutex) is held by body 2 (holds)",
        "body 2 (holds) waits for promise 1",
        "    line 12, in holds",
        "        await never",
        "body 3 (first_of_them) waits for the first of (mutex 1 (mutex), promise 1)",
        "    line 8, in first_of_them",
        "        await lwt.pick([lwt_mutex.lock(mutex), lwt_list.map_p(lambda _: never, [1, 2])])",
    )
    del resolver


def test_all_of_some_of_which_one_is_rejected_already_tells_with_what() -> None:
    lines, _ = lwt_stream.create()

    async def producer() -> None:
        raise TypeError("the reason")

    async def consumer() -> None:
        await lwt_stream.next(lines)

    async def main() -> None:
        await lwt.join([lwt.of_coroutine(producer()), lwt.of_coroutine(consumer())])

    _ = started(main)
    assert report() == text(
        "body 1 (main) waits for all of 1",
        "    line 10, in main",
        "        await lwt.join([lwt.of_coroutine(producer()), lwt.of_coroutine(consumer())])",
        "all of 1, of which one is rejected already with TypeError('the reason'), "
        "waits for body 2 (consumer)",
        "body 2 (consumer) waits for stream 1 (lines)",
        "    line 7, in consumer",
        "        await lwt_stream.next(lines)",
        "stream 1 (lines), empty",
    )


def test_all_of_some_of_which_several_are_rejected_already_tells_of_one_where_it_stands() -> None:
    never, resolver = lwt.wait()
    failed = [lwt.fail(KeyError(number)) for number in range(3)]

    async def main() -> None:
        await lwt.both(lwt.all([*failed, never]), lwt_list.map_p(lambda one: one, [*failed, never]))

    _ = started(main)
    assert report() == text(
        "body 1 (main) waits for all of (all of 2, all of 3)",
        "    line 5, in main",
        "        await lwt.both(lwt.all([*failed, never]), lwt_list.map_p(lambda one: one, [*failed, never]))",
        "all of 2, of which 3 are rejected already, one with KeyError(0), waits for promise 1",
        "promise 1, whose resolver is kept somewhere",
        "all of 3, of which 3 are rejected already, one with KeyError(0), waits for promise 1",
    )
    del resolver


def test_what_a_crashed_host_did_is_told_of_only_where_somebody_waits_for_it() -> None:
    async def main() -> None:
        host = testing.network().host("bob")
        inside: list[lwt.Promise[object]] = []

        async def one() -> None:
            await lwt_unix.sleep(1.0)

        async def other() -> None:
            await lwt_unix.sleep(1.0)

        async def run() -> None:
            inside.append(lwt.of_coroutine(one()))
            inside.append(lwt.of_coroutine(other()))
            await lwt.join(inside)

        running = host.run(run)
        await host.crash()
        lwt.on_failure(running, lambda _: None)
        await inside[0]

    with pytest.raises(testing.Deadlock) as raised:
        testing.simulate(main)
    assert report(raised.value.waiting) == text(
        "lwt_main.run waits for body 1 (main)",
        "body 1 (main) waits for body 2 (one)",
        "    line 19, in main",
        "        await inside[0]",
        "body 2 (one), whose host has crashed",
        "    line 6, in one",
        "        await lwt_unix.sleep(1.0)",
    )


def test_a_lost_resolver() -> None:
    async def waits() -> None:
        await lwt.wait()[0]

    async def waits_for_a_task() -> None:
        await lwt.task()[0]

    _ = started(waits, waits_for_a_task)
    assert report() == text(
        "body 1 (waits) waits for promise 1",
        "    line 2, in waits",
        "        await lwt.wait()[0]",
        "promise 1, whose resolver is gone, so that nobody can resolve it",
        "body 2 (waits_for_a_task) waits for promise 2",
        "    line 5, in waits_for_a_task",
        "        await lwt.task()[0]",
        "promise 2, whose resolver is gone, so that only a cancel can end it",
    )


def test_what_the_system_the_clock_or_a_thread_has_to_say() -> None:
    reading, writing = lwt_unix.pipe()

    def parse() -> None: ...

    async def waits() -> None:
        await lwt.join(
            [
                lwt_unix.read(reading, bytearray(1), 0, 1),
                lwt_unix.sleep(3),
                lwt.pause(),
                lwt_unix.run_job(parse),
            ]
        )

    promise = lwt.of_coroutine(waits())
    assert re.sub(r"descriptor \d+", "descriptor N", report()) == text(
        "body 1 (waits) waits for all of (input on descriptor N, sleep 1 of 3 s, the next turn, job 1 (parse))",
        "    line 6, in waits",
        "        await lwt.join(",
    )
    lwt_main.run(
        lwt.join([lwt_unix.close(reading), lwt_unix.close(writing), lwt_unix.wait_for_jobs()])
    )
    lwt.cancel(promise)


def test_workers_of_threads() -> None:
    lwt_preemptive.set_bounds((0, 1))

    async def computes() -> None:
        await lwt_preemptive.detach(time.sleep, 0)

    async def waits_for_a_worker() -> None:
        await lwt_preemptive.detach(pow, 2, 3)

    done = lwt.join(started(computes) + started(waits_for_a_worker))
    assert report() == text(
        "body 1 (computes) waits for job 1 (sleep)",
        "    line 4, in computes",
        "        await lwt_preemptive.detach(time.sleep, 0)",
        "body 2 (waits_for_a_worker) waits for a free worker",
        "    line 7, in waits_for_a_worker",
        "        await lwt_preemptive.detach(pow, 2, 3)",
    )
    lwt_main.run(done)


def test_tasks_wait_like_bodies() -> None:
    mutex = lwt_mutex.create()

    async def task() -> None:
        async with mutex, mutex:
            pass

    lwt_direct.spawn_in_the_background(task)
    lwt_direct._run_tasks()
    assert report() == text(
        "Circle 1:",
        "    task 1 (task) waits for mutex 1 (mutex)",
        "    mutex 1 (mutex) is held by task 1 (task)",
        "",
        "task 1 (task) waits for mutex 1 (mutex)",
        "    line 4, in task",
        "        async with mutex, mutex:",
        "mutex 1 (mutex) is held by task 1 (task)",
    )


def test_a_call_that_waits_for_the_stack_to_unwind_is_not_lost() -> None:
    told: list[testing.Waiting] = []

    def nested(depth: int) -> lwt.Promise[None]:
        inner = lwt.bind(lwt.return_unit, lambda _: nested(depth - 1) if depth else lwt.return_unit)
        if lwt.is_sleeping(inner) and not told:
            outer = lwt.map(lambda value: value, inner)
            told.append(testing.waiting())
            return outer
        return inner

    assert lwt.state(nested(2 * MAXIMUM_NESTING)) == lwt.Return(None)
    assert [str(edge) for edge in told[0].edges] == ["callback 1 (<lambda>) waits for promise 1"]
    assert told[0].nodes[1].state == ""


def test_each_callback_of_the_library_is_a_relay_or_known_to_resolve_nothing() -> None:
    for name in MODULES:
        importlib.import_module(name)
    callbacks = [Callback]
    for kind in callbacks:
        callbacks.extend(type.__subclasses__(kind))
    ours = [kind for kind in callbacks if kind.__module__.startswith(("lwt.", "lwt_unix."))]
    without_result = {
        kind.__qualname__
        for kind in ours
        if not any(hasattr(kind, name) for name in survey._RESULTS)
    }
    bases = {"Callback", "Due", "Pending", "PendingCall", "_Element"}  # The last one leads to it.
    calls = {"PendingAction", "PendingRead"}  # Not attached: they stand in queues.
    ends = {"_Background", "_Watcher", "_DueFlush", "_Accepting", "_WhenServed"}
    assert without_result == bases | calls | ends
