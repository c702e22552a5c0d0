"""Signals of a simulated world."""

from __future__ import annotations

import errno
import os
import signal

import pytest

import lwt
import lwt_unix
from lwt._core.choices import SIGNAL
from lwt_unix import _system as system
from lwt_unix import lwt_main, testing
from lwt_unix.testing._world.world import PID


def test_a_handler_is_called_in_the_main_loop_in_the_order_of_the_signals() -> None:
    async def main() -> list[int]:
        came: list[int] = []
        for signum in (signal.SIGUSR1, signal.SIGUSR2):
            lwt_unix.on_signal(signum, came.append)
        for signum in (signal.SIGUSR2, signal.SIGUSR1, signal.SIGUSR2):
            testing.send_signal(signum)
        assert came == []
        await lwt.pause()
        return came

    assert testing.simulate(main) == [signal.SIGUSR2, signal.SIGUSR1, signal.SIGUSR2]


def test_a_signal_wakes_a_program_that_waits() -> None:
    async def main() -> float:
        came: lwt.Promise[float]
        came, resolver = lwt.wait()
        lwt_unix.on_signal(signal.SIGTERM, lambda _: lwt.wakeup(resolver, testing.world().now))
        lwt.on_success(lwt_unix.sleep(3.0), lambda _: testing.send_signal(signal.SIGTERM))
        return await came

    assert testing.simulate(main) == 3.0


def test_an_unhandled_signal_ends_the_program() -> None:
    async def main() -> None:
        await lwt_unix.sleep(1.0)
        testing.send_signal(signal.SIGTERM)

    with pytest.raises(
        testing.Killed, match="ended by SIGTERM, which it does not handle"
    ) as caught:
        testing.simulate(main)
    assert caught.value.signum == signal.SIGTERM
    assert lwt_main.run(lwt.return_(1)) == 1


def test_sigint_is_a_keyboard_interrupt() -> None:
    async def main() -> None:
        testing.send_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        testing.simulate(main)


def test_some_signals_are_ignored_by_default() -> None:
    async def main() -> None:
        for signum in (signal.SIGCHLD, signal.SIGWINCH, signal.SIGPIPE):
            testing.send_signal(signum)
        await lwt_unix.sleep(1.0)

    testing.simulate(main)


def test_a_handler_that_is_disabled_leaves_what_was_there() -> None:
    async def main() -> None:
        handler = lwt_unix.on_signal(signal.SIGTERM, lambda _: None)
        lwt_unix.disable_signal_handler(handler)
        testing.send_signal(signal.SIGTERM)

    with pytest.raises(testing.Killed):
        testing.simulate(main)


def test_a_signal_may_come_later() -> None:
    async def main() -> float:
        came: lwt.Promise[float]
        came, resolver = lwt.wait()
        lwt_unix.on_signal(signal.SIGTERM, lambda _: lwt.wakeup(resolver, testing.world().now))
        testing.send_signal(signal.SIGTERM)
        return await came

    assert testing.simulate(main) == 0.0
    times = {
        testing.simulate(main, choices=testing.seeded(seed).only(SIGNAL)) for seed in range(50)
    }
    assert times == {0.0, 0.001, 0.05, 2.0}
    choices = testing.replayed("signal 1:3/5")
    testing.simulate(main, choices=choices)
    assert [made.words for made in choices.deviations] == [
        "SIGTERM for the program comes 0.05 s late"
    ]


def test_signals_cancel_what_runs_if_that_is_wanted() -> None:
    cleaned: list[float] = []

    async def main() -> None:
        try:
            await lwt_unix.sleep(10.0)
        finally:
            await lwt_unix.sleep(1.0)
            cleaned.append(testing.world().now)

    async def interrupted() -> None:
        lwt.on_success(lwt_unix.sleep(2.0), lambda _: testing.send_signal(signal.SIGTERM))
        await main()

    with pytest.raises(SystemExit) as caught:
        testing.simulate(interrupted, cancel_on_signals=True)
    assert (caught.value.code, cleaned) == (128 + signal.SIGTERM, [3.0])


def test_pythons_own_functions_act_in_the_world() -> None:
    real = signal.getsignal(signal.SIGUSR1)

    async def main() -> list[int]:
        came: list[int] = []
        assert (
            signal.signal(signal.SIGUSR1, lambda signum, _: came.append(signum)) == signal.SIG_DFL
        )
        assert callable(signal.getsignal(signal.SIGUSR1))
        os.kill(os.getpid(), signal.SIGUSR1)
        signal.raise_signal(signal.SIGUSR1)
        return came

    assert testing.simulate(main) == [signal.SIGUSR1] * 2
    assert signal.getsignal(signal.SIGUSR1) is real


def test_what_the_program_sends_to_itself_comes_at_once_whatever_is_chosen() -> None:
    async def main() -> None:
        came: list[int] = []
        signal.signal(signal.SIGUSR1, lambda signum, _: came.append(signum))
        signal.raise_signal(signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGUSR1)
        assert len(came) == 2

    assert testing.explore(main).schedules == 1


def test_what_is_wrong_is_refused_as_python_does() -> None:
    async def main() -> None:
        with pytest.raises(ValueError, match="signal number out of range"):
            system.set_signal(signal.NSIG, signal.SIG_DFL)
        with pytest.raises(TypeError, match=r"must be signal\.SIG_IGN"):
            system.set_signal(signal.SIGTERM, 77)
        with pytest.raises(OSError, match="Invalid argument"):
            lwt_unix.on_signal(signal.SIGKILL, lambda _: None)
        with pytest.raises(OSError, match="Invalid argument"):
            testing.send_signal(-1)
        with pytest.raises(ProcessLookupError):
            system.kill(PID + 1, signal.SIGTERM)
        system.kill(PID, 0)
        reading, writing = system.pipe()
        with pytest.raises(ValueError, match="must be in non-blocking mode"):
            system.set_wakeup_fd(writing)
        system.close(reading)
        system.close(writing)
        with pytest.raises(OSError, match="Bad file descriptor") as caught:
            system.set_wakeup_fd(writing)
        assert caught.value.errno == errno.EBADF

    testing.simulate(main)


def test_no_process_is_stopped() -> None:
    async def main() -> None:
        with pytest.raises(testing.Not_simulated, match=r"SIGTSTP: .* no process is stopped"):
            testing.send_signal(signal.SIGTSTP)
        with pytest.raises(testing.Not_simulated, match="no groups of processes"):
            system.kill(-1, signal.SIGTERM)

    testing.simulate(main)


def test_in_the_real_world_there_is_nobody_to_send_it_to() -> None:
    with pytest.raises(lwt.Failure, match=r"testing\.send_signal: this is the real world"):
        testing.send_signal(signal.SIGTERM)
