"""Runs workloads: each with each peer in turn, several rounds, all processes pinned.

A run of a workload gives one figure, and for servers the processor time of one request, too. All
runs are kept; `report.py` chooses the best.
"""

from __future__ import annotations

import os
import platform
import re
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import metadata
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
    processor: float | None
    """Microseconds of the server for one request; `flood` says what it is there."""
    others: float
    """The part of all cores that other processes had meanwhile."""


@dataclass(frozen=True)
class Scale:
    """How long the measurements are."""

    seconds: float = 0.5
    """Of one run of a server."""
    rounds: int = 3
    """Of which the best counts."""
    operations: int = 10_000
    """In one measurement in the process."""
    megabytes: int = 1024
    """That one server sends."""


class Programs:
    """The programs of the peers: what is there, and how each is started."""

    def __init__(self, checkouts: dict[str, Path]) -> None:
        """`checkouts` are other versions of ours: a name, and a checkout or a Python that has it."""
        self._checkouts = checkouts
        self.versions = tuple(checkouts)
        self._names: dict[str, set[str]] = {}
        self.missing: dict[str, str] = {}

    def command(self, peer: Peer, *arguments: object) -> list[str]:
        if peer.file.endswith(".ml"):
            return [str(ocaml()), *map(str, arguments)]
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
            try:
                with self.started(peer, "names") as told:
                    self._names[peer.name] = set(told.line().split())
            except Failed as failure:
                self.missing[peer.name] = str(failure)
                return None
        name = (workload.function or workload.name.replace("-", "_")) + peer.suffix
        return name if name in self._names[peer.name] else None

    @contextmanager
    def started(self, peer: Peer, *arguments: object) -> Iterator[Child]:
        command = self.command(peer, *arguments)
        with child(command, SERVER_CORE, environment=self.environment(peer)) as started:
            yield started


Figures = tuple[float, float | None]
"""The figure of a run, and the server's processor time for one request in microseconds."""


def compiled(source: Path, *command: str) -> Path:
    """Compile a program, unless that is done; in a folder of its own, where compilers leave files."""
    program = BUILD / source.stem / source.stem
    if program.exists() and program.stat().st_mtime > source.stat().st_mtime:
        return program
    program.parent.mkdir(parents=True, exist_ok=True)
    copy = shutil.copy(source, program.parent)
    try:
        told = subprocess.run(
            [*command, "-o", program, copy], capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise Failed(f"{source.name} is not compiled: {error}") from None
    if told.returncode:
        raise Failed(f"{source.name} is not compiled: {told.stderr.strip()}")
    return program


def client() -> Path:
    return compiled(FOLDER / "client.c", os.environ.get("CC", "cc"), "-O2")


def ocaml() -> Path:
    """The programs in OCaml. They need the Debian packages of `tests.conformance`."""
    command = "ocamlfind ocamlopt -O3 -thread -package threads.posix,lwt.unix -linkpkg"
    return compiled(FOLDER / "peers" / "ocaml.ml", *command.split())


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


def echo_of_ten(server: Child, size: int, scale: Scale) -> Figures:
    """Nanoseconds of the server's processor for a request of one of ten, beside so many."""
    _, microseconds = echo(server, size, scale, active=10)
    assert microseconds is not None
    return microseconds * 1e3, None


def flood(server: Child, size: int, scale: Scale) -> Figures:
    """The longest time without an answer, in milliseconds, while one client sends without end.

    And what the server used of its processor meanwhile, in microseconds: this does not grow where
    other processes keep the machine busy.
    """
    arguments = (server.line(), size, 64, scale.seconds, server.process.pid)
    used, longest, _ = loaded(server, "flood", *arguments)
    return longest * 1e3, float(used)


def echo_large(server: Child, size: int, scale: Scale) -> Figures:
    return echo(server, size, scale, question=1 << 16)


def connect(server: Child, size: int, scale: Scale) -> Figures:
    arguments = (server.line(), size, 64, scale.seconds)
    answers, seconds, used = loaded(server, "connect", *arguments)
    return answers / seconds, used / answers * 1e6


def send_large(server: Child, size: int, scale: Scale) -> Figures:
    amount = scale.megabytes << 20
    answers, seconds, used = loaded(server, "receive", server.line(), amount)
    return answers / seconds / 1e6, used / answers * 1e12  # for a million bytes


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
    url = f"http://127.0.0.1:{server.line()}/"
    before = server.processor_seconds()
    command = ["wrk", "-t1", f"-c{size}", f"-d{max(1, round(scale.seconds))}s", url]
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
    function.__name__: function
    for function in (echo, echo_of_ten, echo_large, connect, send_large, idle, http, flood)
}


def measure(
    programs: Programs, workload: Workload, size: int, peer: Peer, function: str, scale: Scale
) -> Figures:
    if workload.kind == "time":
        number = max(size, scale.operations)
        repetitions = 2 if number < 100_000 else 1
        with programs.started(peer, "time", function, number, size, repetitions) as program:
            return float(program.line()), None
    if workload.kind == "memory":
        with programs.started(peer, "memory", function, size) as program:
            return float(program.line()), None
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
        if workload.kind == "http" and not shutil.which("wrk"):
            programs.missing[workload.name] = "wrk is missing; `apt-get install wrk` brings it"
            say(f"{workload.name} is left out: {programs.missing[workload.name]}")
            continue
        for size in workload.sizes:
            say(f"{workload.name} {size}")
            for number in range(scale.rounds if size < 1_000_000 else 1):
                for peer in peers:
                    function = programs.function(peer, workload)
                    if function is None:
                        continue
                    if workload.peers and (peer.name not in workload.peers + programs.versions):
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


DISTRIBUTIONS = ("uvloop", "trio", "curio", "twisted", "gevent")


def about(scale: Scale) -> dict[str, Any]:
    """What the figures depend on."""
    versions = {}
    for name in DISTRIBUTIONS:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            pass
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "machine": processor_name(),
        "cores": os.cpu_count(),
        "pinned": SERVER_CORE != CLIENT_CORE,
        "versions": versions,
        **asdict(scale),
    }


def processor_name() -> str:
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return found[1] if found else platform.machine()


def raw(runs: Sequence[Run], missing: dict[str, str], scale: Scale) -> dict[str, Any]:
    return {"about": about(scale), "missing": missing, "runs": [asdict(run) for run in runs]}
