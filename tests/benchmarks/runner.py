"""Runs workloads: each with each peer in turn, several rounds, all processes pinned.

A run of a workload gives one figure, and for servers the processor time of one request, too. All
runs are kept; `report.py` chooses the best.
"""

from __future__ import annotations

import os
import platform
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.machine import (
    CLIENT_CORE,
    SERVER_CORE,
    Child,
    Failed,
    Others,
    child,
    python,
)
from tests.benchmarks.workloads import Peer, Workload

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent.parent
BUILD = ROOT / "build" / "benchmarks"


@dataclass(frozen=True)
class Run:
    """One measurement."""

    workload: str
    size: int
    peer: str
    round: int
    value: float
    processor_microseconds: float | None
    """Of the server, for one request."""
    others: float
    """The part of all cores that other processes had meanwhile."""


@dataclass(frozen=True)
class Scale:
    """How long the measurements are."""

    seconds: float
    rounds: int
    quick: bool = False


class Programs:
    """The programs of the peers: what is there, and how each is started."""

    def __init__(self, checkouts: dict[str, Path]) -> None:
        """`checkouts` are other versions of ours: a name, and a checkout or a Python that has it."""
        self._checkouts = checkouts
        self._names: dict[str, set[str]] = {}
        self.missing: dict[str, str] = {}

    def command(self, peer: Peer, *arguments: object) -> list[str]:
        version = self._checkouts.get(peer.name)
        command = python(
            FOLDER / "program.py", FOLDER / "peers" / peer.file, *arguments, flags=peer.flags
        )
        if version is not None and version.is_file():
            command[0] = str(version)
        return command

    def environment(self, peer: Peer) -> dict[str, str]:
        version = self._checkouts.get(peer.name, ROOT)
        return {"PYTHONPATH": str(version if version.is_dir() else "")}

    def function(self, peer: Peer, workload: Workload) -> str | None:
        """The name of the peer's function for a workload; None if it has none, or is not there."""
        if peer.name in self.missing:
            return None
        if peer.name not in self._names:
            told = subprocess.run(
                self.command(peer, "names"),
                env={**os.environ, **self.environment(peer)},
                capture_output=True,
                text=True,
                check=False,
            )
            if told.returncode:
                lines = told.stderr.strip().splitlines()
                self.missing[peer.name] = lines[-1] if lines else "it does not start"
                return None
            self._names[peer.name] = set(told.stdout.split())
        name = workload.name.replace("-", "_") + peer.suffix
        return name if name in self._names[peer.name] else None

    @contextmanager
    def started(self, peer: Peer, *arguments: object) -> Iterator[Child]:
        command = self.command(peer, *arguments)
        with child(command, SERVER_CORE, environment=self.environment(peer)) as started:
            yield started


Figures = tuple[float, float | None]
"""The figure of a run, and the server's processor time for one request in microseconds."""


def client() -> Path:
    """Compile the client, unless that is done."""
    source, program = FOLDER / "client.c", BUILD / "client"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        BUILD.mkdir(parents=True, exist_ok=True)
        compiler = os.environ.get("CC", "cc")
        subprocess.run([compiler, "-O2", "-o", str(program), str(source)], check=True)
    return program


def loaded(server: Child, mode: str, *arguments: object) -> tuple[int, float, float]:
    """Put the client to work; return answers, seconds, and the server's processor seconds."""
    command = [str(client()), mode, *map(str, arguments)]
    with child(command, CLIENT_CORE) as clients:
        assert clients.line() == "ready"
        before = server.processor_seconds()
        clients.go()
        answers, seconds = clients.line().split()
        used = server.processor_seconds() - before
    return int(answers), float(seconds), used


def echo(server: Child, size: int, scale: Scale, *, question: int = 64, active: int = 0) -> Figures:
    port = server.line()
    arguments = (port, size, question, scale.seconds, active or size)
    answers, seconds, used = loaded(server, "echo", *arguments)
    return answers / seconds, used / answers * 1e6


def echo_large(server: Child, size: int, scale: Scale) -> Figures:
    return echo(server, size, scale, question=1 << 16)


def connect(server: Child, size: int, scale: Scale) -> Figures:
    arguments = (server.line(), size, 64, scale.seconds)
    answers, seconds, used = loaded(server, "connect", *arguments)
    return answers / seconds, used / answers * 1e6


def send_large(server: Child, size: int, scale: Scale) -> Figures:
    amount = 1 << (26 if scale.quick else 30)
    answers, seconds, used = loaded(server, "receive", server.line(), amount)
    return answers / seconds / 1e6, used / answers * 1e12  # for a megabyte


def idle(server: Child, size: int, scale: Scale) -> Figures:
    """What a connection adds to the memory of a server that has some already."""
    port = server.line()
    command = [str(client()), "idle", port]
    with child([*command, "100"], CLIENT_CORE) as first:
        assert first.line() == "ready"
        before = server.resident_bytes()
        with child([*command, str(size)], CLIENT_CORE) as clients:
            assert clients.line() == "ready"
            return (server.resident_bytes() - before) / size, None


def http(server: Child, size: int, scale: Scale) -> Figures:
    wrk = shutil.which("wrk")
    if wrk is None:
        raise Failed("wrk is missing: on Debian, `apt-get install wrk` brings it")
    url = f"http://127.0.0.1:{server.line()}/"
    before = server.processor_seconds()
    command = [wrk, "-t1", f"-c{size}", f"-d{max(1, round(scale.seconds))}s", url]
    with child(command, CLIENT_CORE) as clients:
        told, _ = clients.process.communicate()
    used = server.processor_seconds() - before
    words = told.split()
    if "Requests/sec:" not in words or "Socket errors" in told or "Non-2xx" in told:
        raise Failed(f"wrk said: {told}")
    rate = float(words[words.index("Requests/sec:") + 1])
    requests = int(words[words.index("requests") - 1])
    return rate, used / requests * 1e6


SERVED: dict[str, Callable[[Child, int, Scale], Figures]] = {
    function.__name__: function for function in (echo, echo_large, connect, send_large, idle, http)
}


def measure(
    programs: Programs, workload: Workload, size: int, peer: Peer, function: str, scale: Scale
) -> Figures:
    with programs.started(peer, "serve", function) as server:
        return SERVED[workload.kind](server, size, scale)


def allow_descriptors() -> None:
    """Let the clients have as many as the system allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def run_all(
    programs: Programs,
    workloads: Iterable[Workload],
    peers: Sequence[Peer],
    scale: Scale,
    say: Callable[[str], None],
) -> list[Run]:
    allow_descriptors()
    runs: list[Run] = []
    for workload in workloads:
        for size in workload.sizes:
            say(f"{workload.name} {size}")
            for number in range(scale.rounds):
                for peer in peers:
                    function = programs.function(peer, workload)
                    if function is None:
                        continue
                    others = Others()
                    try:
                        figures = measure(programs, workload, size, peer, function, scale)
                    except Failed as failure:
                        say(f"  {peer.name}: {failure}")
                        continue
                    runs.append(
                        Run(workload.name, size, peer.name, number, *figures, others.share())
                    )
    return runs


def about() -> dict[str, Any]:
    """What the figures depend on."""
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "pinned": SERVER_CORE != CLIENT_CORE,
        "command": sys.argv[1:],
    }


def raw(runs: Sequence[Run], missing: dict[str, str]) -> dict[str, Any]:
    return {"about": about(), "missing": missing, "runs": [asdict(run) for run in runs]}
