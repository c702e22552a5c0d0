"""Running a program in a simulated world."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import AsyncIterator, Callable
from functools import partial

import pytest
from hypothesis import settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

import lwt
import lwt_unix
from lwt_unix import lwt_engine, lwt_io, lwt_main, testing
from lwt_unix.lwt_engine import stop_event
from tests.support.programs import run_code


async def echo() -> list[bytes]:
    """A server, three clients, and what they get back."""
    got: list[bytes] = []

    @lwt.promised
    async def serve(
        _: object, channels: tuple[lwt_io.input_channel, lwt_io.output_channel]
    ) -> None:
        reading, writing = channels
        while (line := await lwt_io.read_line_opt(reading)) is not None:
            await lwt_io.write_line(writing, line.value.upper())

    listener = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
    server = await lwt_io.establish_server_with_client_address(("127.0.0.1", 0), serve, fd=listener)
    address = lwt_unix.getsockname(listener)

    @lwt.promised
    async def client(name: bytes) -> None:
        async def talk(
            channels: tuple[lwt_io.input_channel, lwt_io.output_channel],
        ) -> None:
            reading, writing = channels
            for number in range(3):
                await lwt_io.write_line(writing, b"%s %d" % (name, number))
                got.append(await lwt_io.read_line(reading))

        await lwt_io.with_connection(address, talk)

    await lwt.join([client(name) for name in (b"ann", b"bob", b"cid")])
    await lwt_io.shutdown_server(server)
    while lwt_engine.readable_count():  # The server has yet to see the end of some connections.
        await lwt.pause()
    return sorted(got)


EXPECTED = sorted(
    b"%s %d" % (name, number) for name in (b"ANN", b"BOB", b"CID") for number in range(3)
)


def test_a_server_and_its_clients_run_as_they_are() -> None:
    assert testing.simulate(echo) == EXPECTED
    assert lwt_main.run(echo()) == EXPECTED


async def who_is_first() -> None:
    order: list[int] = []

    async def sleeper(number: int) -> None:
        await lwt_unix.sleep(1.0)
        order.append(number)

    await lwt.join([lwt.of_coroutine(sleeper(number)) for number in range(2)])
    assert order == [0, 1]


def test_a_run_with_choices_that_fails_tells_of_them() -> None:
    with pytest.raises(AssertionError) as caught:
        testing.simulate(who_is_first, choices=testing.replayed("due 1:1/2"))
    assert caught.value.__notes__[-1].splitlines() == [
        "The choices that are not Lwt's own:",
        "    turn 1: of 2 timers for the same time, number 2 fires first",
        "What happened:",
        "    nothing that the world knows of",
        "To replay it:",
        "    testing.simulate(who_is_first, choices=testing.replayed('due 1:1/2'))",
    ]


def test_a_run_with_lwt_s_own_choices_that_fails_tells_nothing_more() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        testing.simulate(lambda: lwt.map(lambda _: int("0") // 0, lwt_unix.sleep(1.0)))
    assert not hasattr(caught.value, "__notes__")


async def dropped_before_its_end() -> list[str]:
    log: list[str] = []

    async def numbers() -> AsyncIterator[int]:
        try:
            for number in range(5):
                await lwt_unix.sleep(0.01)
                yield number
        finally:
            await lwt_unix.sleep(0.01)
            log.append("closed")

    async for number in numbers():
        if number == 2:
            break
    await lwt_unix.sleep(0.1)
    return log


def test_a_body_runs_in_the_main_loop_from_its_first_line_as_in_the_real_world() -> None:
    async def nested() -> None:
        lwt_main.run(lwt.return_unit)

    async def cancelled(send: Callable[[int], object]) -> str:
        send(signal.SIGINT)
        try:
            await lwt_unix.sleep(1.0)
        except lwt.Canceled:
            return "cancelled"
        return "not cancelled"

    assert testing.simulate(dropped_before_its_end) == ["closed"]
    assert lwt_main.run(dropped_before_its_end()) == ["closed"]
    with pytest.raises(lwt.Failure, match="Nested calls"):
        testing.simulate(nested)
    with pytest.raises(lwt.Failure, match="Nested calls"):
        lwt_main.run(nested())
    here = testing.simulate(lambda: cancelled(testing.send_signal), cancel_on_signals=True)
    there = lwt_main.run(cancelled(signal.raise_signal), cancel_on_signals=True)
    assert (here, there) == ("cancelled", "cancelled")


async def fails_behind() -> str:
    lwt.async_(lambda: lwt.map(lambda _: int("0") // 0, lwt_unix.sleep(1.0)))
    await lwt_unix.sleep(2.0)
    return "done"


def test_what_nobody_waits_for_ends_the_run_and_leaves_it(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        testing.simulate(fails_behind, choices=testing.lwt_choices())
    assert caught.value.__notes__[-1].startswith("The choices that are not Lwt's own:")
    with pytest.raises(ZeroDivisionError), testing.in_world():
        lwt_main.run(fails_behind())
    assert capfd.readouterr().err == ""


def test_a_program_may_take_what_nobody_waits_for_itself() -> None:
    took: list[Exception] = []

    async def main() -> str:
        lwt.async_exception_hook.contents = took.append
        return await fails_behind()

    assert testing.simulate(main) == "done"
    assert [type(exn) for exn in took] == [ZeroDivisionError]


@pytest.mark.parametrize("end", [SystemExit(3), KeyboardInterrupt(), pytest.fail.Exception("no")])
def test_the_choices_are_told_whatever_leaves(end: BaseException) -> None:
    async def main() -> None:
        try:
            await who_is_first()
        except AssertionError:
            raise end from None

    with pytest.raises(type(end)) as caught:
        testing.simulate(main, choices=testing.replayed("due 1:1/2"))
    assert "number 2 fires first" in caught.value.__notes__[-1]


def test_the_first_failure_does_not_import_hypothesis_into_the_world() -> None:
    program = """
import sys
from lwt_unix import sleep, testing

async def main():
    await sleep(1.0)
    assert not "fine"

for _ in range(2):
    choices = testing.seeded(0)
    try:
        testing.simulate(main, choices=choices)
    except AssertionError:
        print(repr(choices.replay_text()), "hypothesis" in sys.modules)
"""
    assert run_code(program).stdout == "'' False\n'' False\n"


def test_a_directory_that_is_being_read_when_the_run_ends_is_left_without_a_word() -> None:
    program = """
import lwt, lwt_unix
from lwt import lwt_stream
from lwt_unix import testing

async def main():
    listing = lwt_stream.to_list(lwt_unix.files_of_directory("/tmp"))
    await lwt.pause()

testing.simulate(main)
"""
    assert run_code(program).stderr == ""


def test_the_rules_of_a_state_machine_have_worlds_with_drawn_choices() -> None:
    class Machine(RuleBasedStateMachine):
        @rule(data=strategies.data())
        def race(self, data: strategies.DataObject) -> None:
            testing.simulate(who_is_first, choices=testing.drawn(data))

    with pytest.raises(AssertionError) as caught:
        run_state_machine_as_test(Machine, settings=settings(database=None))
    assert "testing.replayed('due 1:1/2')" in caught.value.__notes__[0]


@pytest.mark.parametrize("seed", range(40))
def test_whatever_is_chosen_a_correct_program_gives_the_same(seed: int) -> None:
    choices = testing.seeded(seed)
    assert testing.simulate(echo, choices=choices) == EXPECTED
    replay = testing.replayed(choices.replay_text())
    assert testing.simulate(echo, choices=replay) == EXPECTED
    assert replay.deviations == choices.deviations


def test_the_exception_of_the_program_leaves() -> None:
    async def main() -> None:
        await lwt_unix.sleep(1.0)
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        testing.simulate(main)


def test_afterwards_the_real_world_is_there_again() -> None:
    real = lwt_engine.get()
    testing.simulate(echo)
    assert lwt_engine.get() is real
    lwt_main.run(lwt_unix.sleep(0.0))
    with pytest.raises(lwt.Failure, match="this is the real world"):
        testing.world()


def test_what_a_run_leaves_is_gone_in_the_next_one() -> None:
    async def main() -> tuple[int, int]:
        engine = lwt_engine.get()
        counts = engine.timer_count, engine.readable_count
        reading, _ = lwt_unix.pipe()
        lwt.dont_wait(lambda: lwt_unix.sleep(5.0), lambda exn: None)
        lwt.dont_wait(lambda: lwt_unix.wait_read(reading), lambda exn: None)
        return counts

    assert [testing.simulate(main) for _ in range(3)] == [(0, 0)] * 3


def test_it_cannot_run_inside_of_the_main_loop() -> None:
    async def main() -> None:
        with pytest.raises(lwt.Failure, match="the main loop runs already, and a world has"):
            testing.simulate(lambda: lwt.return_unit)

    lwt_main.run(main())


def test_channels_that_were_used_in_the_real_world_do_not_keep_it_from_being_at_rest() -> None:
    reading, writing = lwt_io.pipe()
    lwt_main.run(lwt_io.write_line(writing, b"hello"))
    lwt_main.run(lwt_io.flush_all())
    assert testing.simulate(echo) == EXPECTED
    assert lwt_main.run(lwt_io.read_line(reading)) == b"hello"
    lwt_main.run(lwt.join([lwt_io.close(reading), lwt_io.close(writing)]))


def test_what_goes_on_in_the_real_world_is_not_lost() -> None:
    timer = lwt_engine.on_timer(1.0, False, stop_event)
    with pytest.raises(lwt.Failure, match="there is 1 timer; end what goes on"):
        testing.simulate(echo)
    assert lwt_engine.timer_count() == 1
    stop_event(timer)


def test_what_a_run_leaves_waiting_ends_in_its_world_and_not_in_the_next_run() -> None:
    ended: list[float] = []
    kept: list[lwt.Promise[None]] = []

    @lwt.promised
    async def wait_for_ever() -> None:
        try:
            await lwt.wait()[0]
        finally:
            ended.append(testing.world().now)
            lwt_unix.sleep(1)  # a timer of the engine of the time

    async def leave_waiting() -> None:
        kept.append(wait_for_ever())
        await lwt_unix.sleep(3)
        raise KeyError("the end")

    with pytest.raises(KeyError):
        testing.simulate(leave_waiting)
    assert ended == [3.0]
    assert lwt_engine.timer_count() == 0
    assert testing.simulate(echo) == EXPECTED


def test_a_run_leaves_no_world_behind_not_even_until_the_collector_comes() -> None:
    """In a process of its own: here, the collector finds less, since `tests/conftest.py` has it look away."""
    run = run_code(LEAVES_NO_WORLD)
    assert (run.stdout, run.stderr) == ("[0, 0, 0]\n", "")


LEAVES_NO_WORLD = """
import gc
from lwt_unix import lwt_io, sleep, testing

async def main():
    reading, writing = lwt_io.pipe()
    await lwt_io.write_line(writing, "hello")
    await lwt_io.read_line(reading)
    await sleep(1.0)

def worlds():
    testing.simulate(main)
    return sum(isinstance(one, testing.World) for one in gc.get_objects())

print([worlds() for _ in range(3)])
"""


def test_there_is_no_world_in_a_world() -> None:
    async def main() -> float:
        for begin in (lambda: testing.simulate(lwt.pause), testing.in_world().__enter__):
            with pytest.raises(lwt.Failure, match="in a simulated world already"):
                begin()
        await lwt_unix.sleep(1.0)
        return testing.world().now

    assert testing.simulate(main) == 1.0


def test_what_is_kept_of_a_world_does_nothing_when_the_run_is_over() -> None:
    async def main() -> tuple[testing.Faults, testing.Host]:
        return testing.faults(), testing.network().host("alice")

    faults, alice = testing.simulate(main)
    before = lwt_unix._system.read
    for late in (
        lambda: faults.fail("read", errno.EIO),
        lambda: alice.run(lwt.pause),
        alice.crash,
    ):
        with pytest.raises(lwt.Failure, match="the run in this simulated world is over"):
            late()
    assert lwt_unix._system.read is before


def test_a_body_that_is_left_may_close_what_it_reads_from() -> None:
    told: list[object] = []

    async def serve(descriptor: lwt_unix.File_descr) -> None:
        try:
            await lwt_unix.read(descriptor, bytearray(9), 0, 9)
        finally:
            await lwt_unix.close(descriptor)
            told.append("closed")

    async def main() -> None:
        reading, _ = lwt_unix.pipe()
        lwt.dont_wait(lambda: serve(reading), told.append)
        await lwt_unix.sleep(1.0)

    testing.simulate(main)
    assert told == ["closed"]


def test_a_body_that_is_left_does_not_go_on_because_another_one_ends() -> None:
    told: list[str] = []

    async def main() -> None:
        promise, resolver = lwt.wait()

        async def wait(name: str) -> None:
            try:
                await promise
                told.append(f"{name} goes on")
            finally:
                told.append(f"{name} ends")
                if lwt.is_sleeping(promise):
                    lwt.wakeup(resolver, None)

        for name in "ab":
            lwt.dont_wait(partial(wait, name), lambda exn: told.append(repr(exn)))
        await lwt.pause()

    testing.simulate(main)
    assert sorted(told) == ["a ends", "b ends"]


def test_handlers_of_real_signals_are_there_again_after_a_run() -> None:
    got: list[str] = []

    async def in_a_world() -> None:
        lwt_unix.on_signal(signal.SIGUSR1, lambda _: got.append("in the world"))
        testing.send_signal(signal.SIGUSR1)
        await lwt_unix.sleep(1.0)

    handler = lwt_unix.on_signal(signal.SIGUSR1, lambda _: got.append("outside"))
    try:
        testing.simulate(in_a_world)
        os.kill(os.getpid(), signal.SIGUSR1)
        lwt_main.run(lwt_unix.sleep(0.0))
    finally:
        lwt_unix.disable_signal_handler(handler)
    assert got == ["in the world", "outside"]
    assert signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL


def test_a_run_that_is_interrupted_while_it_ends_leaves_the_real_world() -> None:
    async def interrupt_at_the_end() -> None:
        try:
            await lwt.wait()[0]
        finally:
            raise KeyboardInterrupt

    async def main() -> None:
        lwt.dont_wait(interrupt_at_the_end, lambda _: None)

    read, engine = lwt_unix._system.read, lwt_engine.get()
    with pytest.raises(KeyboardInterrupt):
        testing.simulate(main)
    assert (lwt_unix._system.read, lwt_engine.get()) == (read, engine)
    with pytest.raises(lwt.Failure, match="this is the real world"):
        testing.world()
