"""Child processes that are forked while the main loop runs."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Callable

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_engine, lwt_io, lwt_main
from lwt_unix._processes import parting
from tests.support.descriptors import Pair
from tests.support.programs import in_child, run_code


@pytest.fixture
def log() -> list[str]:
    return []


async def work(log: list[str]) -> str:
    """Do what needs all of the main loop: a timer, a pause, a descriptor, something deferred."""
    near, far = lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)
    async with near, far:
        buffer = bytearray(5)
        reading = lwt_unix.read(near, buffer, 0, 5)
        await lwt_unix.sleep(0.001)
        await lwt.pause()
        await lwt_unix.write(far, b"hello", 0, 5)
        await reading
    later, resolver = lwt.wait()
    lwt.on_success(lwt.pause(), lambda _: lwt.wakeup_later(resolver, None))
    await later
    log.append("worked")
    return buffer.decode()


def child_of(log: list[str]) -> None:
    """Run a main loop in a child, whatever was running in the parent."""
    del log[:]
    for _ in range(2):
        assert lwt_main.run(work(log)) == "hello"
        assert lwt_main.run(lwt.promised(work)(log)) == "hello"
    assert log == ["worked"] * 4


def test_a_child_that_a_body_forks_may_run_a_main_loop(log: list[str]) -> None:
    async def main() -> list[int]:
        statuses = [in_child(lambda: child_of(log))]
        await lwt.pause()
        statuses.append(in_child(lambda: child_of(log)))
        await lwt_unix.sleep(0.0)
        statuses.append(in_child(lambda: child_of(log)))
        return statuses

    assert lwt_main.run(main()) == [0, 0, 0]
    assert lwt_main.run(work(log)) == "hello"


def test_a_process_of_multiprocessing_that_a_body_starts_may_run_a_main_loop(
    log: list[str],
) -> None:
    async def main() -> int | None:
        await lwt.pause()
        process = multiprocessing.get_context("fork").Process(target=child_of, args=(log,))
        process.start()
        process.join()
        return process.exitcode

    assert lwt_main.run(main()) == 0


def test_a_callback_may_fork_where_others_are_deferred(log: list[str]) -> None:
    promise, resolver = lwt.wait()
    later, later_resolver = lwt.wait()
    statuses: list[int] = []

    def fork(_: None) -> None:
        lwt.wakeup_later(later_resolver, None)
        statuses.append(in_child(lambda: child_of(log)))

    lwt.on_success(promise, fork)
    lwt.on_success(later, lambda _: log.append("deferred"))
    lwt.on_success(lwt.pause(), lambda _: lwt.wakeup(resolver, None))
    lwt_main.run(lwt.bind(lwt.pause(), lambda _: later))
    assert (statuses, log) == ([0], ["deferred"])


def test_what_waits_in_the_parent_stays_there_and_goes_on_there(log: list[str], pair: Pair) -> None:
    near, far = pair
    buffer = bytearray(1)

    async def sleeper() -> None:
        await lwt_unix.sleep(0.001)
        log.append("timer")

    async def pauser() -> None:
        await lwt.pause()
        log.append("pause")

    async def reader() -> None:
        await lwt_unix.read(near, buffer, 0, 1)
        log.append("reader")

    async def forker() -> int:
        await lwt.pause()
        os.write(lwt_unix.unix_file_descr(far), b"x")
        return in_child(lambda: child_of(log))

    async def main() -> int:
        status = lwt.of_coroutine(forker())
        await lwt.join([lwt.of_coroutine(body()) for body in (sleeper, pauser, reader)])
        return await status

    assert lwt_main.run(main()) == 0
    assert sorted(log) == ["pause", "reader", "timer"]


def test_what_a_body_of_the_parent_has_in_finally_is_not_run_in_the_child(log: list[str]) -> None:
    async def body(wait: Callable[[], lwt.Promise[None]]) -> None:
        try:
            await wait()
        finally:
            log.append("finally")

    def write() -> lwt.Promise[None]:
        return lwt_io.write(lwt_io.null, "waits for its turn")

    def child() -> None:
        lwt_main.run(work([]))
        gc.collect()
        assert log == []

    async def main() -> int:
        released, release = lwt.wait()
        lwt_io.atomic(lambda _: released)(lwt_io.null)
        waits = (lwt.pause, lambda: lwt_unix.sleep(0.001), write)
        bodies = [lwt.of_coroutine(body(wait)) for wait in waits]
        status = in_child(child)
        lwt.wakeup(release, None)
        await lwt.join(bodies)
        return status

    assert lwt_main.run(main()) == 0
    assert log == ["finally"] * 3


def test_the_child_may_wait_for_a_descriptor_for_which_its_parent_waits(pair: Pair) -> None:
    near, far = pair

    async def child() -> bytes:
        buffer = bytearray(5)
        reading = lwt_unix.read(near, buffer, 0, 5)
        await lwt_unix.write(far, b"child", 0, 5)
        await lwt.pick([reading, lwt_unix.timeout(60.0)])
        return bytes(buffer)

    def check() -> None:
        assert lwt_main.run(child()) == b"child"

    async def main() -> int:
        reading = lwt_unix.read(near, bytearray(5), 0, 5)
        status = in_child(check)
        assert lwt.is_sleeping(reading)
        return status

    assert lwt_main.run(main()) == 0


def test_a_server_of_the_parent_accepts_nobody_in_the_child(log: list[str]) -> None:
    listening = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
    here = lwt_unix.ADDR_INET("127.0.0.1", 0)

    async def serve(*_: object) -> None:
        log.append("served")

    async def main() -> int:
        async with await lwt_io.establish_server_with_client_address(here, serve, fd=listening):
            address = lwt_unix.getsockname(listening)
            assert isinstance(address, lwt_unix.ADDR_INET)
            with socket.create_connection((address.addr, address.port)):
                status = in_child(lambda: child_of(log))
                assert log == []
                while not log:
                    await lwt.pause()
        return status

    assert lwt_main.run(main()) == 0
    assert log == ["served"]


def test_the_child_has_no_handlers_of_signals() -> None:
    before = signal.getsignal(signal.SIGUSR1)

    def child() -> None:
        assert lwt_unix.signal_count() == 0
        assert signal.getsignal(signal.SIGUSR1) is before

    async def main() -> int:
        handler = lwt_unix.on_signal(signal.SIGUSR1, print)
        status = in_child(child)
        assert lwt_unix.signal_count() == 1
        lwt_unix.disable_signal_handler(handler)
        return status

    assert lwt_main.run(main()) == 0


def test_a_thread_may_fork_while_the_main_loop_runs(log: list[str]) -> None:
    statuses: list[int] = []

    def fork() -> None:
        statuses.append(in_child(lambda: child_of(log)))

    async def main() -> None:
        thread = threading.Thread(target=fork)
        thread.start()
        while not statuses:
            await lwt_unix.sleep(0.001)
        thread.join()

    lwt_main.run(main())
    assert statuses == [0]


def test_a_grandchild_may_run_a_main_loop(log: list[str]) -> None:
    async def child() -> int:
        await lwt.pause()
        return in_child(lambda: child_of(log))

    def run_child() -> None:
        assert lwt_main.run(child()) == 0

    async def main() -> int:
        return in_child(run_child)

    assert lwt_main.run(main()) == 0


def test_nested_calls_in_a_child_are_refused_as_everywhere() -> None:
    async def nested() -> None:
        with pytest.raises(lwt.Failure, match="await the promise, or return it"):
            lwt_main.run(lwt.return_unit)

    async def main() -> int:
        return in_child(lambda: lwt_main.run(nested()))

    assert lwt_main.run(main()) == 0


def test_what_waits_is_forgotten_and_not_closed(log: list[str], pair: Pair) -> None:
    """What a child does first, done in this process."""

    async def body(name: str, wait: Callable[[], lwt.Promise[object]]) -> None:
        try:
            await wait()
        finally:
            log.append(name)

    near, _ = pair
    waits: dict[str, Callable[[], lwt.Promise[object]]] = {
        "pause": lwt.pause,
        "sleep": lambda: lwt_unix.sleep(60.0),
        "read": lambda: lwt_unix.read(near, bytearray(1), 0, 1),
    }
    for name, wait in waits.items():
        lwt.of_coroutine(body(name, wait))
    lwt_unix.on_signal(signal.SIGUSR1, print)
    parting.part_from_parent()
    gc.collect()
    engine = lwt_engine.get()
    counts = (engine.readable_count, engine.writable_count, engine.timer_count)
    assert (counts, lwt_unix.signal_count(), lwt.paused_count()) == ((0, 0, 0), 0, 0)
    assert (parting.depth(), log) == (1, [])
    parting.renew()
    gc.collect()
    assert (parting.depth(), sorted(log)) == (0, ["pause", "read", "sleep"])


PRINTING = """
import atexit, os, sys
def say():
    if os.getpid() not in (parent, *ticked):
        print("the child did not tick")
atexit.register(say)  # Before lwt_main, so that it is called after the exit hooks.
ticked, parent = [], os.getpid()
import lwt, lwt_unix
from lwt_unix import lwt_io, lwt_main

async def ticks():
    while True:
        await lwt.pause()
        ticked.append(os.getpid())

async def child():
    await lwt_io.printl("of the child")
    await lwt.pause()
    await lwt_unix.sleep(0.0)

async def main():
    paused = lwt.pause()
    lwt.async_(ticks)
    await paused  # What is paused behind it waits in a function of the main loop when it forks.
    await lwt_io.print("of the parent, ")
    pid = os.fork()
    if pid == 0:
        lwt_main.run(child())
        {leave}
    os.waitpid(pid, 0)
    await lwt_io.printl("after the child")

lwt.async_(ticks)
lwt_main.at_exit(lwt.pause)
lwt_main.run(main())
"""


def test_what_the_parent_has_not_written_yet_is_not_written_by_the_child() -> None:
    result = run_code(PRINTING.format(leave="os._exit(0)"))
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "of the child\nof the parent, after the child\n"


def test_a_child_that_leaves_by_sys_exit_does_not_go_on_with_its_parent() -> None:
    result = run_code(PRINTING.format(leave="lwt_io.printl('at its end'); sys.exit(0)"))
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "of the child",
        "at its end",
        "the child did not tick",
        "of the parent, after the child",
    ]


def test_a_child_that_goes_on_with_the_main_loop_has_only_the_body_that_forked() -> None:
    program = """
import os, sys
import lwt, lwt_unix
from lwt_unix import lwt_main
async def other():
    await lwt_unix.sleep(0.001)
    print("other", flush=True)
async def main():
    others = lwt.of_coroutine(other())
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
        await others
    else:
        await lwt_unix.sleep(0.002)
        await lwt.pause()
    print("parent" if pid else "child", flush=True)
lwt_main.run(main())
"""
    result = run_code(program)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines() == ["child", "other", "parent"]


def test_a_child_that_is_forked_outside_of_the_main_loop_forgets_nothing(log: list[str]) -> None:
    async def body() -> None:
        await lwt_unix.sleep(0.0)
        log.append("went on")

    def child() -> None:
        lwt_main.run(started)
        assert log == ["went on"]
        assert lwt_unix.signal_count() == 1

    started = lwt.of_coroutine(body())
    handler = lwt_unix.on_signal(signal.SIGUSR1, print)
    assert in_child(child) == 0
    lwt_unix.disable_signal_handler(handler)
    lwt_main.run(started)
    assert lwt_engine.timer_count() == 0
