"""No child is lost when the collector runs in the middle of waiting for it, and finalisers interfere."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt_unix import _system as system
from lwt_unix import lwt_engine, lwt_io, lwt_main, lwt_process
from lwt_unix._jobs import notifications
from lwt_unix._processes import children, signals
from tests.support.children import until_all_are_reaped, until_ended
from tests.support.collecting import for_every_collection
from tests.support.descriptors import open_descriptors
from tests.support.programs import in_child

pytestmark = pytest.mark.no_cover


@pytest.fixture(params=["pidfd", "SIGCHLD"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """How the end of a child is learnt."""
    if request.param == "SIGCHLD":
        monkeypatch.setattr(system, "pidfd_open", None)
    elif system.pidfd_open is None:
        pytest.skip("this system has no descriptors of processes")


def registered() -> int:
    """How many descriptors the engine watches, but for the way of notifications, which the main loop may open."""
    return lwt_engine.readable_count() - notifications.is_open()


class Child:
    """A child process, which goes on until it is told to end."""

    def __init__(self) -> None:
        self.pid = os.posix_spawn("/bin/sleep", ["sleep", "60"], {})
        self.goes_on = True

    def end(self) -> None:
        if self.goes_on:
            self.goes_on = False
            os.kill(self.pid, signal.SIGKILL)
            until_ended(self.pid)


class Family:
    """Two child processes, and the promises of who waits for them."""

    def __init__(self) -> None:
        signals.renew()
        children.renew()  # So what tells of the end of children is made in the operation, too.
        self.registered = registered()
        self.first, self.second = Child(), Child()
        self.waits: list[lwt.Promise[Any]] = []

    def wait(self) -> None:
        self.waits.append(lwt_unix.waitpid([], self.first.pid))

    def wait_for_both(self) -> None:
        self.waits.append(lwt_unix.waitpid([], self.second.pid))
        self.wait()

    def wait_for_any(self) -> None:
        self.waits.append(lwt_unix.wait())

    def cancel(self) -> None:
        for waiting in self.waits:
            lwt.cancel(waiting)

    def wait_and_cancel(self) -> None:
        lwt.cancel(lwt_unix.waitpid([], self.first.pid))

    def cancel_and_wait(self) -> None:
        self.cancel()
        self.wait()

    def end(self) -> None:
        self.first.end()

    def account(self) -> None:
        """Assert that each child was had by one of those who waited for it, or can be waited for still."""
        for child in (self.first, self.second):
            child.end()
        while lwt_unix.wait_count():
            lwt_engine.iter(True)
        had: list[int] = []
        for waiting in self.waits:
            match lwt.state(waiting):
                case lwt.Return(ended):
                    had.append(ended[0])
                case lwt.Fail(exn):
                    assert isinstance(exn, ChildProcessError | lwt.Canceled)
                case _:
                    raise AssertionError("somebody waits for ever")
        for child in (self.first, self.second):
            if child.pid not in had:
                had.append(lwt_main.run(lwt_unix.waitpid([], child.pid))[0])
        assert sorted(had) == sorted([self.first.pid, self.second.pid])
        assert lwt_unix.signal_count() <= 1
        signals.renew()
        children.renew()
        assert registered() == self.registered


BEGINNING: list[Callable[[Family], lwt.Promise[Any]]] = [
    lambda family: lwt_unix.wait4([], family.first.pid),
    lambda family: lwt_unix.wait(),
]


@pytest.mark.parametrize("wait", BEGINNING)
@pytest.mark.parametrize(
    "interfere", [Family.wait, Family.wait_for_any, Family.wait_and_cancel, Family.end]
)
@pytest.mark.usefixtures("way")
def test_a_child_is_had_by_one_of_those_who_begin_to_wait_for_it(
    wait: Callable[[Family], lwt.Promise[Any]], interfere: Callable[[Family], None]
) -> None:
    def check(family: Family, waiting: lwt.Promise[Any]) -> None:
        family.waits.append(waiting)
        family.account()

    for_every_collection(Family, wait, interfere, check)


ENDING: list[Callable[[Family], None]] = [
    Family.wait_for_both,
    Family.wait_for_any,
]


@pytest.mark.parametrize("begin", ENDING)
@pytest.mark.parametrize(
    "interfere", [Family.wait, Family.wait_for_any, Family.cancel, Family.cancel_and_wait]
)
@pytest.mark.usefixtures("way")
def test_a_child_that_has_ended_is_had_by_one_of_those_who_wait_whoever_begins_or_leaves(
    begin: Callable[[Family], None], interfere: Callable[[Family], None]
) -> None:
    def prepare() -> Family:
        family = Family()
        begin(family)
        family.first.end()
        family.second.end()
        return family

    def operation(_: Family) -> None:
        lwt_engine.iter(False)

    def check(family: Family, _: object) -> None:
        family.account()

    for_every_collection(prepare, operation, interfere, check)


def test_waits_outlive_that_all_descriptors_are_closed_whatever_a_finaliser_does() -> None:
    if system.pidfd_open is None:
        pytest.skip("this system has no descriptors of processes")

    def prepare() -> Family:
        family = Family()
        family.wait_for_both()
        os.closerange(3, 256)
        return family

    def operation(_: Family) -> None:
        lwt_engine.set(lwt_engine.libev(), transfer=False)

    def check(family: Family, _: object) -> None:
        family.account()

    def run() -> None:
        for interfere in (Family.cancel, Family.cancel_and_wait, Family.wait_for_any, Family.end):
            for_every_collection(prepare, operation, interfere, check)

    assert in_child(run) == 0


# --- Processes with channels -------------------------------------------------

CAT = ("", ["cat"])


class Processes:
    """Processes that give back what they are told, and what some gave."""

    def __init__(self) -> None:
        self.registered = registered()
        self.open = open_descriptors()
        self.started: list[lwt_process.process] = []
        self.echoed: list[lwt.Promise[bytes]] = []

    @classmethod
    def with_one(cls) -> Processes:
        processes = cls()
        processes.start()
        return processes

    def start(self) -> None:
        self.started.append(lwt_process.open_process(CAT))

    def echo(self) -> None:
        self.echoed.append(lwt_process.pmap(CAT, b"finaliser"))

    def close(self) -> None:
        lwt.ignore_result(self.started[0].close())

    def terminate(self) -> None:
        self.started[0].terminate()

    def account(self) -> None:
        """Assert that all have ended when they are closed, and left nothing."""
        for process in self.started:
            assert isinstance(lwt_main.run(process.close()), lwt_unix.WEXITED | lwt_unix.WSIGNALED)
        for echoed in self.echoed:
            assert lwt_main.run(echoed) == b"finaliser"
        until_all_are_reaped()
        signals.renew()
        children.renew()
        assert registered() == self.registered
        assert open_descriptors() == self.open


@pytest.mark.slow
@pytest.mark.parametrize("interfere", [Processes.start, Processes.echo])
def test_a_process_is_started_and_closed_though_a_finaliser_starts_another(
    interfere: Callable[[Processes], None],
) -> None:
    def check(processes: Processes, _: object) -> None:
        processes.account()

    for_every_collection(Processes, Processes.start, interfere, check)


CLOSING: list[Callable[[Processes], object]] = [
    Processes.close,
    Processes.terminate,
    lambda processes: lwt_io.write(processes.started[0].stdin, b"finaliser"),
    lambda processes: lwt_io.read(processes.started[0].stdout),
]


@pytest.mark.parametrize("interfere", CLOSING)
def test_a_process_is_closed_once_whatever_a_finaliser_does_to_it(
    interfere: Callable[[Processes], object],
) -> None:
    def operation(processes: Processes) -> lwt.Promise[lwt_unix.Process_status]:
        return processes.started[0].close()

    def check(processes: Processes, closed: lwt.Promise[lwt_unix.Process_status]) -> None:
        assert lwt_main.run(closed) == lwt_main.run(processes.started[0].status)
        processes.account()

    for_every_collection(Processes.with_one, operation, interfere, check)
