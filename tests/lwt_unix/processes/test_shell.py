"""`lwt_unix.system`."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_main
from tests.support.children import until_all_are_reaped
from tests.support.programs import run_code


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("exit 3", lwt_unix.WEXITED(3)),
        (b"true && false", lwt_unix.WEXITED(1)),
        ("kill -9 $$", lwt_unix.WSIGNALED(signal.SIGKILL)),
        ("no_such_program 2>/dev/null", lwt_unix.WEXITED(127)),
    ],
)
def test_it_tells_how_the_command_ended(
    command: str | bytes, status: lwt_unix.Process_status
) -> None:
    assert lwt_main.run(lwt_unix.system(command)) == status


def test_the_command_has_our_standard_descriptors() -> None:
    code = "import lwt_unix; from lwt_unix import lwt_main\nlwt_main.run(lwt_unix.system('cat; echo end >&2'))"
    done = run_code(code, stdin="given\n")
    assert (done.stdout, done.stderr) == ("given\n", "end\n")


def test_others_go_on_meanwhile() -> None:
    log: list[str] = []
    reading, writing = os.pipe()
    os.set_inheritable(reading, True)

    async def main() -> None:
        running = lwt_unix.system(f"read line </dev/fd/{reading}; exit $line")
        lwt.on_success(running, lambda status: log.append(str(status)))
        await lwt.pause()
        log.append("paused")
        os.write(writing, b"5\n")
        await running

    lwt_main.run(main())
    os.close(reading)
    os.close(writing)
    assert log == ["paused", "WEXITED(code=5)"]


def test_a_command_that_is_cancelled_goes_on_and_stays_no_zombie() -> None:
    running = lwt_unix.system("sleep 0.1")
    lwt.cancel(running)
    assert lwt.state(running) == lwt.Fail(lwt.Canceled())
    assert lwt_unix.wait_count() == 1
    until_all_are_reaped()
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_a_command_with_a_nul_or_of_another_type_is_refused() -> None:
    system: Any = lwt_unix.system
    with pytest.raises(
        TypeError, match=r"^lwt_unix\.system: expected a command of the shell, got 3"
    ):
        system(3)
    with pytest.raises(ValueError, match=r"^lwt_unix\.system: an argument, 'a\\x00', cannot be"):
        system("a\0")
