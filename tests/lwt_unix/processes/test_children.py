"""Waiting for children: who is woken, in which order, by a pidfd and by SIGCHLD; and whom nobody reaps."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
import threading
from functools import partial
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt_unix import _system as system
from lwt_unix import lwt_engine, lwt_main
from lwt_unix._processes import children
from lwt_unix.testing._leaks.leaks import kind_of
from tests.support.children import Gate, child, until_ended
from tests.support.descriptors import open_descriptors
from tests.support.programs import in_child, run_code


@pytest.fixture(params=["pidfd", "SIGCHLD"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How the end of a child is learnt."""
    if request.param == "SIGCHLD":
        monkeypatch.setattr(system, "pidfd_open", None)
    elif system.pidfd_open is None:
        pytest.skip("this system has no descriptors of processes")
    return str(request.param)


def log_into(log: list[object], promise: lwt.Promise[Any]) -> None:
    lwt.on_any(promise, log.append, lambda exn: log.append(type(exn).__name__))


def as_name(name: str, _: object) -> str:
    return name


# --- Results -----------------------------------------------------------------


def test_a_child_that_ends_later_is_waited_for(way: str) -> None:
    gate = Gate()
    pid = gate.child(7)
    waiting = lwt_unix.waitpid([], pid)
    assert (lwt.is_sleeping(waiting), lwt_unix.wait_count()) == (True, 1)
    gate.open()
    assert lwt_main.run(waiting) == (pid, lwt_unix.WEXITED(7))
    assert lwt_unix.wait_count() == 0
    assert (lwt_unix.signal_count() == 1) == (way == "SIGCHLD")


def test_a_child_that_has_ended_is_there_at_once() -> None:
    pid = child(lambda: None)
    until_ended(pid)
    assert lwt.state(lwt_unix.waitpid([], pid)) == lwt.Return((pid, lwt_unix.WEXITED(0)))


def test_wait4_also_tells_what_the_child_has_used(way: str) -> None:
    def work() -> None:
        while resource.getrusage(resource.RUSAGE_SELF).ru_utime < 0.05:
            pass

    pid = child(work)
    found, status, used = lwt_main.run(lwt_unix.wait4([], pid))
    assert (found, status) == (pid, lwt_unix.WEXITED(0))
    assert used.ru_utime >= 0.05
    assert used.ru_stime >= 0.0


def test_with_wnohang_a_child_that_goes_on_gives_the_identifier_0() -> None:
    gate = Gate()
    pid = gate.child()
    assert lwt.state(lwt_unix.waitpid([lwt_unix.WNOHANG], pid)) == lwt.Return(
        (0, lwt_unix.WEXITED(0))
    )
    waited = lwt.poll(lwt_unix.wait4([lwt_unix.WNOHANG], pid))
    assert waited == lwt.Some((0, lwt_unix.WEXITED(0), lwt_unix.Resource_usage(0.0, 0.0)))
    gate.open()
    lwt_main.run(lwt_unix.waitpid([], pid))


def test_waitpid_rejects_where_there_is_no_child_and_wait4_raises() -> None:
    for flags in ([], [lwt_unix.WNOHANG]):
        failed = lwt.state(lwt_unix.waitpid(flags, os.getpid()))
        assert isinstance(failed, lwt.Fail)
        assert isinstance(failed.exception, ChildProcessError)
        assert lwt_unix.unix_error(failed.exception) == (errno.ECHILD, "waitpid", "")
        with pytest.raises(ChildProcessError) as raised:
            lwt_unix.wait4(flags, os.getpid())
        assert lwt_unix.unix_error(raised.value) == (errno.ECHILD, "wait4", "")


def test_wait_takes_whichever_child_ends(way: str) -> None:
    first, second = Gate(), Gate()
    pids = [first.child(1), second.child(2)]
    waiting = lwt_unix.wait()
    second.open()
    assert lwt_main.run(waiting) == (pids[1], lwt_unix.WEXITED(2))
    waiting = lwt_unix.wait()
    first.open()
    assert lwt_main.run(waiting) == (pids[0], lwt_unix.WEXITED(1))
    failed = lwt.state(lwt_unix.wait())
    assert isinstance(failed, lwt.Fail)
    assert isinstance(failed.exception, ChildProcessError)


def test_a_child_that_stops_and_goes_on_is_seen_twice(way: str) -> None:
    gate = Gate()
    pid = gate.child(4)
    stopped = lwt_unix.waitpid([lwt_unix.WUNTRACED], pid)
    os.kill(pid, signal.SIGSTOP)
    assert lwt_main.run(stopped) == (pid, lwt_unix.WSTOPPED(signal.SIGSTOP))
    ended = lwt_unix.waitpid([], pid)
    os.kill(pid, signal.SIGCONT)
    gate.open()
    assert lwt_main.run(ended) == (pid, lwt_unix.WEXITED(4))


# --- Order -------------------------------------------------------------------


def test_of_children_that_have_ended_the_newest_wait_is_woken_first(way: str) -> None:
    log: list[object] = []
    gate = Gate()
    pids = [gate.child(number) for number in range(5)]
    for pid in pids:
        log_into(log, lwt_unix.waitpid([], pid))
    gate.open()
    for pid in pids:
        until_ended(pid)
    lwt_engine.iter(True)
    assert log == [(pid, lwt_unix.WEXITED(number)) for number, pid in enumerate(pids)][::-1]


def test_of_those_who_wait_for_one_child_the_newest_gets_it(way: str) -> None:
    log: list[object] = []
    gate = Gate()
    pid = gate.child()
    for name in ("first", "second", "third"):
        log_into(log, lwt.map(partial(as_name, name), lwt_unix.waitpid([], pid)))
    gate.open()
    until_ended(pid)
    lwt_engine.iter(True)
    assert log == ["third", "ChildProcessError", "ChildProcessError"]


@pytest.mark.parametrize("newest", ["wait", "waitpid"])
def test_between_one_for_any_child_and_one_for_this_the_newest_gets_it(
    way: str, newest: str
) -> None:
    log: list[object] = []
    gate = Gate()
    pid = gate.child()

    def wait_for(name: str) -> None:
        ended = lwt_unix.wait() if name == "wait" else lwt_unix.waitpid([], pid)
        log_into(log, lwt.map(lambda _: name, ended))

    wait_for("waitpid" if newest == "wait" else "wait")
    wait_for(newest)
    gate.open()
    until_ended(pid)
    while len(log) < 2:
        lwt_engine.iter(True)
    assert log == [newest, "ChildProcessError"]


def test_a_callback_may_wait_for_another_child_and_cancel_a_wait(way: str) -> None:
    log: list[object] = []
    gate = Gate()
    pids = [gate.child(number) for number in range(3)]
    cancelled = lwt_unix.waitpid([], pids[0])
    log_into(log, cancelled)

    def go_on(ended: object) -> None:
        log.append(ended)
        lwt.cancel(cancelled)
        log_into(log, lwt_unix.waitpid([], pids[0]))

    lwt.on_success(lwt_unix.waitpid([], pids[1]), go_on)
    gate.open()
    for pid in pids:
        until_ended(pid)
    lwt_engine.iter(True)
    assert log == [
        (pids[1], lwt_unix.WEXITED(1)),
        "Canceled",
        (pids[0], lwt_unix.WEXITED(0)),
    ]
    lwt_main.run(lwt_unix.waitpid([], pids[2]))


def test_a_callback_that_raises_keeps_no_other_from_being_woken(way: str) -> None:
    log: list[object] = []
    gate = Gate()
    pids = [gate.child(number) for number in range(3)]
    log_into(log, lwt_unix.waitpid([], pids[0]))

    def leave(_: object) -> None:
        raise KeyboardInterrupt

    lwt.on_success(lwt_unix.waitpid([], pids[1]), leave)
    log_into(log, lwt_unix.waitpid([], pids[2]))
    gate.open()
    for pid in pids:
        until_ended(pid)
    with pytest.raises(KeyboardInterrupt):
        lwt_engine.iter(True)
    assert log == [(pids[2], lwt_unix.WEXITED(2))]
    lwt_engine.iter(True)
    assert log[1:] == [(pids[0], lwt_unix.WEXITED(0))]


def test_a_cancelled_wait_has_taken_nothing(way: str) -> None:
    gate = Gate()
    pid = gate.child(3)
    waiting = lwt_unix.waitpid([], pid)
    lwt.cancel(waiting)
    assert (lwt.state(waiting), lwt_unix.wait_count()) == (lwt.Fail(lwt.Canceled()), 0)
    gate.open()
    assert lwt_main.run(lwt_unix.waitpid([], pid)) == (pid, lwt_unix.WEXITED(3))


# --- Many --------------------------------------------------------------------


@pytest.mark.slow
def test_five_hundred_children_that_end_at_once_are_all_heard_of(way: str) -> None:
    gate = Gate()
    pids = [gate.child(number % 256) for number in range(500)]
    asked = 0

    def counted(*arguments: int) -> Any:
        nonlocal asked
        asked += 1
        return os.wait4(*arguments)

    async def main() -> list[tuple[int, lwt_unix.Process_status]]:
        waiting = [lwt_unix.waitpid([], pid) for pid in pids]
        gate.open()
        return await lwt.all(waiting)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(system, "wait4", counted)
        ended = lwt_main.run(main())
    assert ended == [(pid, lwt_unix.WEXITED(n % 256)) for n, pid in enumerate(pids)]
    if way == "pidfd":
        assert asked == 1000  # Each when the wait begins, and when it is over.


def test_only_children_that_have_ended_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    gate, other = Gate(), Gate()
    pids = [gate.child() for _ in range(10)]
    waits = [lwt_unix.waitpid([], pid) for pid in pids]
    one = lwt_unix.waitpid([], other.child(5))
    asked: list[int] = []

    def noted(pid: int, bits: int) -> Any:
        asked.append(pid)
        return os.wait4(pid, bits)

    monkeypatch.setattr(system, "wait4", noted)
    other.open()
    found, _ = lwt_main.run(one)
    assert asked == [found]
    gate.open()
    lwt_main.run(lwt.join(waits))


def test_while_somebody_waits_for_any_child_all_are_asked_for_the_newest_wait_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate, other = Gate(), Gate()
    pids = [gate.child() for _ in range(3)]
    for_any = lwt_unix.wait()
    waits = [lwt_unix.waitpid([], pid) for pid in pids]
    asked: list[int] = []

    def noted(pid: int, bits: int) -> Any:
        asked.append(pid)
        return os.wait4(pid, bits)

    monkeypatch.setattr(system, "wait4", noted)
    ended = other.child(5)
    other.open()
    assert lwt_main.run(for_any) == (ended, lwt_unix.WEXITED(5))
    assert asked == [*reversed(pids), -1]
    gate.open()
    lwt_main.run(lwt.join(waits))


# --- Whom nobody reaps -------------------------------------------------------


def test_children_of_others_are_left_to_them(way: str) -> None:
    others = subprocess.Popen([sys.executable, "-c", "raise SystemExit(6)"])
    gate = Gate()
    pid = gate.child()
    waiting = lwt_unix.waitpid([], pid)
    until_ended(others.pid)
    lwt_engine.iter(False)
    gate.open()
    lwt_main.run(waiting)
    assert others.wait() == 6


def test_a_child_that_somebody_else_has_reaped_is_an_error(way: str) -> None:
    gate = Gate()
    pid = gate.child()
    waiting = lwt_unix.waitpid([], pid)
    gate.open()
    os.waitpid(pid, 0)
    with pytest.raises(ChildProcessError) as raised:
        lwt_main.run(waiting)
    assert lwt_unix.unix_error(raised.value) == (errno.ECHILD, "wait4", "")


def test_where_sigchld_is_ignored_no_status_is_lost() -> None:
    code = (
        "import signal, os, lwt_unix; from lwt_unix import lwt_main, lwt_process\n"
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        "print(lwt_main.run(lwt_process.exec(lwt_process.shell('exit 3'))))"
    )
    assert run_code(code).stdout == "WEXITED(code=3)\n"


# --- Descriptors -------------------------------------------------------------


def test_a_wait_keeps_one_descriptor_and_gives_it_back() -> None:
    if system.pidfd_open is None:
        pytest.skip("this system has no descriptors of processes")
    gate = Gate()
    pids = [gate.child() for _ in range(4)]
    lwt.cancel(lwt_unix.waitpid([], pids[0]))
    before = open_descriptors()
    waits = [lwt_unix.waitpid([], pid) for pid in pids]
    kinds = [kind_of(fd) for fd in open_descriptors() - before]
    assert len(kinds) == 4
    lwt.cancel(waits.pop())
    assert len(open_descriptors() - before) == 3
    gate.open()
    lwt_main.run(lwt.join(waits))
    lwt_main.run(lwt_unix.waitpid([], pids[3]))
    assert open_descriptors() - before == set()


def test_without_descriptors_left_a_signal_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(system, "pidfd_open", refuse)
    gate = Gate()
    pid = gate.child(2)
    waiting = lwt_unix.waitpid([], pid)
    gate.open()
    assert lwt_main.run(waiting) == (pid, lwt_unix.WEXITED(2))


def test_a_child_that_ends_while_the_signal_is_not_handled_yet_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate = Gate()
    pid = gate.child(2)

    def late(_: int) -> int:
        gate.open()
        until_ended(pid)
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(system, "pidfd_open", late)
    assert lwt.state(lwt_unix.waitpid([], pid)) == lwt.Return((pid, lwt_unix.WEXITED(2)))


def test_waits_outlive_that_all_descriptors_are_closed() -> None:
    def run() -> None:
        gate = Gate()
        pid = gate.child(3)
        waiting = lwt_unix.waitpid([], pid)
        lwt_engine.iter(False)
        os.kill(pid, signal.SIGKILL)
        os.closerange(3, 256)
        lwt_engine.set(lwt_engine.libev(), transfer=False)
        assert lwt_main.run(waiting) == (pid, lwt_unix.WSIGNALED(9))

    assert in_child(run) == 0


@pytest.mark.parametrize("transfer", [True, False])
def test_waits_follow_to_a_new_engine(way: str, transfer: bool) -> None:
    gate = Gate()
    pid = gate.child(1)
    waiting = lwt_unix.waitpid([], pid)
    lwt_engine.set(lwt_engine.select(), transfer=transfer)
    gate.open()
    assert lwt_main.run(waiting) == (pid, lwt_unix.WEXITED(1))


# --- Threads and forks -------------------------------------------------------


def test_in_another_thread_a_pidfd_is_enough_and_without_one_the_error_says_why() -> None:
    outcomes: list[object] = []

    def run() -> None:
        pid = child(lambda: None)
        outcomes.append(lwt_main.run(lwt_unix.waitpid([], pid))[1])
        gate = Gate()
        pid = gate.child()
        try:
            lwt_unix.waitpid([lwt_unix.WUNTRACED], pid)
        except ValueError as exn:
            outcomes.append(str(exn))
        gate.open()
        outcomes.append(lwt_main.run(lwt_unix.waitpid([], pid))[1])

    if system.pidfd_open is None:
        pytest.skip("this system has no descriptors of processes")
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert outcomes == [
        lwt_unix.WEXITED(0),
        "lwt_unix.on_signal: Python lets only the main thread say how signals are handled",
        lwt_unix.WEXITED(0),
    ]


def test_a_forked_child_does_not_wait_for_children_of_its_parent(way: str) -> None:
    gate = Gate()
    pid = gate.child(8)
    waiting = lwt_unix.waitpid([], pid)
    before = open_descriptors()

    def run() -> None:
        assert lwt_unix.wait_count() == 0
        assert before - open_descriptors() != set() or way == "SIGCHLD"
        with pytest.raises(ChildProcessError):
            lwt_main.run(waiting)
        assert lwt_main.run(lwt_unix.waitpid([], child(lambda: None)))[1] == lwt_unix.WEXITED(0)

    assert in_child(run) == 0
    gate.open()
    assert lwt_main.run(waiting) == (pid, lwt_unix.WEXITED(8))


def test_a_child_forked_in_the_main_loop_may_wait_for_its_own(way: str) -> None:
    gate = Gate()
    pid = gate.child(8)

    async def own() -> lwt_unix.Process_status:
        return (await lwt_unix.waitpid([], child(lambda: os._exit(4))))[1]

    def run() -> None:
        assert lwt_unix.wait_count() == 0
        assert lwt_main.run(own()) == lwt_unix.WEXITED(4)

    async def main() -> lwt_unix.Process_status:
        waiting = lwt_unix.waitpid([], pid)
        assert in_child(run) == 0
        gate.open()
        return (await waiting)[1]

    assert lwt_main.run(main()) == lwt_unix.WEXITED(8)


# --- The rest ----------------------------------------------------------------


def test_sigchld_can_be_handled_from_the_start() -> None:
    lwt_unix.sigchld_handler_installer()
    lwt_unix.sigchld_handler_installer()
    assert lwt_unix.signal_count() == 1
    children.renew()


@pytest.mark.parametrize("function", [lwt_unix.waitpid, lwt_unix.wait4])
def test_wrong_arguments_are_told(function: Any) -> None:
    name = f"lwt_unix.{function.__name__}"
    for arguments, error, text in (
        (([1], 5), TypeError, "expected a wait_flag, got 1"),
        ((3, 5), TypeError, "expected an iterable of flags, got 3"),
        (([], "5"), TypeError, "expected an int for the process's identifier, got '5'"),
        (([], 2**40), ValueError, "the process's identifier is 1099511627776"),
    ):
        with pytest.raises(error, match=rf"^{name}: {text}"):
            function(*arguments)
