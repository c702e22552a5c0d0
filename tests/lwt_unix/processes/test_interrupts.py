"""Signals that cancel the promise of `lwt_main.run`."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_engine, lwt_main
from tests.support.programs import in_child, run_code

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

SIGNALS = (signal.SIGINT, signal.SIGTERM)
LEAVES = {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: SystemExit}


@pytest.fixture(autouse=True)
def everything_is_put_back() -> Iterator[None]:
    before = [signal.getsignal(signum) for signum in SIGNALS]
    yield
    assert [signal.getsignal(signum) for signum in SIGNALS] == before
    assert lwt_unix.signal_count() == 0
    assert signal.set_wakeup_fd(-1) == -1


def send(signum: int) -> None:
    os.kill(os.getpid(), signum)


class Resource:
    """What `async with` opens and closes; both take some turns."""

    def __init__(self, log: list[str]) -> None:
        self._log = log

    async def __aenter__(self) -> None:
        await lwt.pause()
        self._log.append("opened")

    async def __aexit__(self, *_: object) -> None:
        await lwt_unix.sleep(0.0)
        await lwt.pause()
        self._log.append("closed")


@pytest.mark.parametrize("signum", SIGNALS)
def test_a_signal_runs_what_bodies_have_in_finally_and_async_with_and_then_leaves(
    signum: signal.Signals,
) -> None:
    log: list[str] = []

    async def inner() -> None:
        try:
            send(signum)
            await lwt.task()[0]
        finally:
            await lwt.pause()
            log.append("finally")

    async def main() -> None:
        async with Resource(log):
            await lwt.of_coroutine(inner())

    with pytest.raises(LEAVES[signum]) as raised:
        lwt_main.run(main(), cancel_on_signals=True)
    assert log == ["opened", "finally", "closed"]
    assert raised.value.args == ((143,) if signum == signal.SIGTERM else ())
    assert raised.value.__suppress_context__


def test_a_signal_wakes_a_loop_that_sleeps() -> None:
    timer = threading.Timer(0.01, send, [signal.SIGINT])

    async def main() -> None:
        timer.start()  # Not earlier: nobody but `run` expects the signal.
        await lwt.task()[0]

    with pytest.raises(KeyboardInterrupt):
        lwt_main.run(main(), cancel_on_signals=True)
    timer.join()


def test_a_promise_that_handles_the_cancel_ends_run_as_always() -> None:
    async def value() -> int:
        try:
            send(signal.SIGTERM)
            await lwt.task()[0]
        except lwt.Canceled:
            await lwt.pause()
        return 7

    async def fail() -> None:
        try:
            send(signal.SIGTERM)
            await lwt.task()[0]
        finally:
            raise LookupError("lost")

    async def leave() -> None:
        try:
            send(signal.SIGTERM)
            await lwt.task()[0]
        finally:
            sys.exit(3)

    assert lwt_main.run(value(), cancel_on_signals=True) == 7
    with pytest.raises(LookupError, match="lost"):
        lwt_main.run(fail(), cancel_on_signals=True)
    with pytest.raises(SystemExit) as left:
        lwt_main.run(leave(), cancel_on_signals=True)
    assert left.value.code == 3


def test_a_cancel_of_the_program_itself_is_no_signal() -> None:
    promise = lwt.task()[0]
    lwt.on_success(lwt.pause(), lambda _: lwt.cancel(promise))
    with pytest.raises(lwt.Canceled):
        lwt_main.run(promise, cancel_on_signals=True)


@pytest.mark.parametrize("first", SIGNALS)
@pytest.mark.parametrize("second", SIGNALS)
def test_a_second_signal_leaves_at_once_a_promise_that_does_not_end(
    first: signal.Signals, second: signal.Signals
) -> None:
    log: list[str] = []

    async def main() -> None:
        try:
            send(first)
            await lwt.task()[0]
        finally:
            log.append("cleaning")
            lwt.on_success(lwt.pause(), lambda _: send(second))
            await lwt.wait()[0]
            log.append("cleaned")

    with pytest.raises(LEAVES[second]):
        lwt_main.run(main(), cancel_on_signals=True)
    assert log == ["cleaning"]


def test_a_second_signal_leaves_a_body_that_never_lets_the_loop_turn() -> None:
    async def main() -> None:
        send(signal.SIGINT)
        send(signal.SIGINT)
        while True:
            pass

    with pytest.raises(KeyboardInterrupt):
        lwt_main.run(main(), cancel_on_signals=True)


def test_a_signal_that_comes_too_late_to_cancel_leaves_all_the_same() -> None:
    async def main() -> int:
        send(signal.SIGTERM)
        return 7

    with pytest.raises(SystemExit) as left:
        lwt_main.run(main(), cancel_on_signals=True)
    assert left.value.code == 143


def test_in_another_thread_it_is_refused_and_nothing_is_run() -> None:
    refused: list[str] = []
    ran: list[str] = []

    async def main() -> None:
        ran.append("main")

    def other() -> None:
        with pytest.raises(ValueError, match="main thread") as error:
            lwt_main.run(main(), cancel_on_signals=True)
        refused.append(str(error.value))

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert [message.split(":")[0] for message in refused] == ["lwt_main.run"]
    assert ran == []
    assert lwt_main.run(lwt.return_(1)) == 1


def test_a_signal_that_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:

        async def main() -> str:
            send(signal.SIGINT)
            await lwt_unix.sleep(0.0)
            return "went on"

        assert lwt_main.run(main(), cancel_on_signals=True) == "went on"
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_handlers_of_on_signal_are_called_too() -> None:
    log: list[int] = []

    async def main() -> None:
        handlers.append(lwt_unix.on_signal(signal.SIGINT, log.append))
        send(signal.SIGINT)
        try:
            await lwt.task()[0]
        finally:
            await lwt.pause()

    handlers = [lwt_unix.on_signal(signal.SIGINT, log.append)]
    with pytest.raises(KeyboardInterrupt):
        lwt_main.run(main(), cancel_on_signals=True)
    assert log == [signal.SIGINT, signal.SIGINT]
    send(signal.SIGINT)
    lwt_engine.iter(True)
    assert log == [signal.SIGINT] * 4
    for handler in handlers:
        lwt_unix.disable_signal_handler(handler)


def test_if_signals_cannot_be_handled_nothing_is_run_and_nothing_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def on_signal(signum: int, f: Callable[[int], object]) -> lwt_unix.Signal_handler_id:
        if signum == signal.SIGTERM:
            raise OSError("no")
        return usual(signum, f)

    usual = lwt_unix.on_signal
    monkeypatch.setattr("lwt_unix._processes.signals.on_signal", on_signal)
    promise = lwt.task()[0]
    with pytest.raises(OSError, match="no"):
        lwt_main.run(promise, cancel_on_signals=True)
    assert lwt.is_sleeping(promise)


def test_an_engine_that_forwards_signals_cancels_and_leaves_in_the_same_way() -> None:
    class Forwarding(lwt_engine.poll):
        def forwards_signal(self, signum: int, /) -> bool:
            return True

    async def main() -> None:
        try:
            lwt_unix.handle_signal(signal.SIGTERM)
            await lwt.task()[0]
        finally:
            lwt_unix.handle_signal(signal.SIGINT)
            await lwt.wait()[0]

    usual = lwt_engine.get()
    lwt_engine.set(Forwarding(), destroy=False)
    try:
        with pytest.raises(KeyboardInterrupt):
            lwt_main.run(main(), cancel_on_signals=True)
    finally:
        lwt_engine.set(usual)


def test_in_a_forked_child_the_signals_have_the_effect_of_before() -> None:
    def child() -> None:
        with pytest.raises(KeyboardInterrupt):
            send(signal.SIGINT)
        assert lwt_unix.signal_count() == 0

    async def main() -> int:
        return in_child(child)

    assert lwt_main.run(main(), cancel_on_signals=True) == 0


PROGRAM = """
import os, signal, sys
import lwt
from lwt_unix import lwt_io, lwt_main

async def main():
    try:
        os.kill(os.getpid(), signal.{name})
        await lwt.task()[0]
    finally:
        await lwt.pause()
        await lwt_io.printl("cleaned")

async def bye():
    await lwt_io.printl("exit hook")

lwt_main.at_exit(bye)
lwt_main.run(main(), cancel_on_signals=True)
"""


@pytest.mark.parametrize(("name", "status"), [("SIGINT", -signal.SIGINT), ("SIGTERM", 143)])
def test_the_bodies_end_before_the_exit_hooks_and_the_status_tells_of_the_signal(
    name: str, status: int
) -> None:
    result = run_code(PROGRAM.format(name=name))
    assert (result.returncode, result.stdout) == (status, "cleaned\nexit hook\n")
    assert result.stderr.splitlines()[-1:] == ["KeyboardInterrupt"] * (name == "SIGINT")


def test_these_tests_find_sigint_heeded_also_where_it_is_inherited_as_ignored() -> None:
    code = "import signal, tests.conftest; print(signal.getsignal(signal.SIGINT).__name__)"
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        result = run_code(code)
    finally:
        signal.signal(signal.SIGINT, before)
    assert (result.stdout, result.stderr) == ("default_int_handler\n", "")
