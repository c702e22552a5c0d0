"""Processes on this machine: where they run, what they use, and what others use meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE = CORES[0]
CLIENT_CORE = CORES[-1]
"""The same as the server's where there is but one."""


PATIENCE = 300.0
"""Seconds that a process has for its work."""


class Failed(Exception):
    """A process of a measurement has ended, or has told something else than was expected."""


class Child:
    """A process, pinned to a core, that tells something by lines."""

    def __init__(
        self, command: Sequence[str], core: int, *, environment: dict[str, str] | None = None
    ) -> None:
        # A pipe may become full.
        self._errors = tempfile.TemporaryFile(mode="w+")  # noqa: SIM115  # `end` closes it
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**os.environ, **(environment or {})},
            text=True,
        )
        os.sched_setaffinity(self.process.pid, {core})

    def line(self) -> str:
        """What it tells next."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise Failed(self.errors())
        return line.rstrip("\n")

    def errors(self) -> str:
        """Wait for its end, and return what it said last."""
        self.process.wait()
        self._errors.seek(0)
        lines = self._errors.read().strip().splitlines()
        return lines[-1] if lines else f"ended with status {self.process.returncode}"

    def end(self) -> None:
        """Kill it, if it has not ended."""
        self.process.kill()
        self.process.communicate()
        self._errors.close()

    def go(self) -> None:
        """Let it begin what it is ready for."""
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def processor_seconds(self) -> float:
        """What it has used so far: the clock of clock_getcpuclockid(3)."""
        return time.clock_gettime((~self.process.pid << 3) | 2)

    def resident_bytes(self) -> int:
        """How much memory it has now."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def child(
    command: Sequence[str], core: int, *, environment: dict[str, str] | None = None
) -> Iterator[Child]:
    """Run a process; kill it in the end, or when it hangs."""
    running = Child(command, core, environment=environment)
    patience = threading.Timer(PATIENCE, running.process.kill)
    patience.start()
    try:
        yield running
    finally:
        patience.cancel()
        running.end()


def busy_seconds() -> float:
    """What all processes of the machine have used, on all cores."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    user, nice, system, _idle, _iowait, *interrupts = map(int, fields)
    return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")


def own_seconds() -> float:
    """What this process and its children that have ended have used."""
    times = os.times()
    return sum(times[:4])


class Others:
    """How busy others keep the machine, from its making to `share`."""

    def __init__(self) -> None:
        self._begin = time.monotonic()
        self._busy = busy_seconds()
        self._own = own_seconds()

    def share(self) -> float:
        """The part of all cores that others had; to be asked when all own children have ended."""
        others = busy_seconds() - self._busy - (own_seconds() - self._own)
        cores = os.cpu_count() or 1
        return min(1.0, max(0.0, others / (time.monotonic() - self._begin) / cores))


def python(path: Path, *arguments: object, flags: Sequence[str] = ()) -> list[str]:
    """The command that runs a program without its folder in the path of modules."""
    return [sys.executable, *flags, "-P", str(path), *map(str, arguments)]
