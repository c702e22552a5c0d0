"""Child processes that a test forks, without what the library does for them."""

import os
from collections.abc import Callable

import lwt_unix
from lwt_unix import lwt_engine, lwt_main


def child(run: Callable[[], object]) -> int:
    """Fork a child that calls a function, and then exits with 0; return its identifier."""
    pid = os.fork()
    if pid == 0:
        status = 99
        try:
            run()
            status = 0
        finally:
            os._exit(status)
    return pid


class Gate:
    """What children wait for: all of them end when it opens."""

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()
        self._children = 0

    def child(self, status: int = 0) -> int:
        """Fork a child that waits, and then exits."""
        self._children += 1

        def wait() -> None:
            os.read(self._reading, 1)
            os._exit(status)

        return child(wait)

    def open(self) -> None:
        """Let the children end."""
        # Not by closing: a child of another gate may have this one, too.
        os.write(self._writing, bytes(self._children))
        os.close(self._reading)
        os.close(self._writing)


def until_ended(pid: int) -> None:
    """Wait until a child has ended, and leave it for others to wait for."""
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def until_all_are_reaped() -> None:
    """Turn until the library waits for no child any more, and what these have written is read."""
    while lwt_unix.wait_count():
        lwt_main.run(lwt_unix.sleep(0.001))
    for _ in range(3):
        lwt_engine.iter(False)
