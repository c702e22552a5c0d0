"""How a child has ended, as the system says it, and as OCaml does."""

from __future__ import annotations

import os
import signal
from functools import partial

import lwt_unix
from lwt_unix import lwt_main
from tests.support.children import child


def test_a_status_says_whether_the_child_exited_was_killed_or_was_stopped() -> None:
    async def main() -> list[lwt_unix.Process_status]:
        ends = [child(partial(os._exit, end)) for end in (0, 3, 255)]
        statuses = [(await lwt_unix.waitpid([], pid))[1] for pid in ends]
        killed = child(lambda: os.kill(os.getpid(), signal.SIGKILL))
        statuses.append((await lwt_unix.waitpid([], killed))[1])
        stopped = child(lambda: os.kill(os.getpid(), signal.SIGSTOP))
        statuses.append((await lwt_unix.waitpid([lwt_unix.WUNTRACED], stopped))[1])
        os.kill(stopped, signal.SIGKILL)
        statuses.append((await lwt_unix.waitpid([lwt_unix.WUNTRACED], stopped))[1])
        return statuses

    assert lwt_main.run(main()) == [
        lwt_unix.WEXITED(0),
        lwt_unix.WEXITED(3),
        lwt_unix.WEXITED(255),
        lwt_unix.WSIGNALED(signal.SIGKILL),
        lwt_unix.WSTOPPED(signal.SIGSTOP),
        lwt_unix.WSIGNALED(signal.SIGKILL),
    ]


def test_a_program_can_match_a_status() -> None:
    def describe(status: lwt_unix.process_status) -> str:
        match status:
            case lwt_unix.WEXITED(code):
                return f"exited {code}"
            case lwt_unix.WSIGNALED(signum):
                return f"killed by {signum}"
            case lwt_unix.WSTOPPED(signum):
                return f"stopped by {signum}"

    statuses: list[lwt_unix.process_status]
    statuses = [lwt_unix.WEXITED(1), lwt_unix.WSIGNALED(9), lwt_unix.WSTOPPED(19)]
    assert list(map(describe, statuses)) == ["exited 1", "killed by 9", "stopped by 19"]
    assert len({*statuses, lwt_unix.WSIGNALED(1), lwt_unix.WSTOPPED(9)}) == 5
