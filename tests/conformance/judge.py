"""The judge: an interpreter written in OCaml, built on the installed library, kept running.

It reads a program a line and answers with the trace in a line. Modules of the library that
6.1 has changed are built with it, as 6.1 has them: see `known_differences.py`. The built files
are kept in the user's cache folder, under a name made of what they were built from.
"""

from __future__ import annotations

import hashlib
import os
import queue
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import TracebackType

from tests.conformance.api.ocaml import NEEDED, installed_version, run
from tests.conformance.changes import changed_files
from tests.conformance.known_differences import KNOWN_DIFFERENCES

SOURCES = Path(__file__).parent / "ocaml"
SHARED = "programs.ml"
WHOLE = "Whole_lwt"
"""What an interpreter calls a copy of module Lwt that has no interface, to reach what is hidden in it."""

PACKAGES = ["ocaml", "ocaml-findlib", "liblwt-ocaml-dev"]
LIMIT_APART = 0.02
"""Seconds of the processor's time: a program takes a thousandth of one, or never ends."""


class NoJudge(Exception):
    """OCaml or its Lwt is not installed."""


def cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "lwt-runtime-conformance"


def build(source: str, package: str) -> Path:
    """Return the program made of a file in `ocaml/`, built if need be.

    Raises:
        NoJudge: what it takes is not installed.
    """
    version = installed_version()
    if version is None:
        raise NoJudge(f"OCaml's Lwt was not found; install {NEEDED}")
    texts = as_in_6_1() | {name: (SOURCES / name).read_text() for name in (SHARED, source)}
    if WHOLE in texts[source]:
        texts = {f"{WHOLE.lower()}.ml": installed_module("lwt").read_text()} | texts
    made_of = "".join([version, package, *texts.values()]).encode()
    built = cache_folder() / f"{Path(source).stem}-{hashlib.sha256(made_of).hexdigest()[:16]}"
    if not built.exists():
        built.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=built.parent) as workplace:
            for name, text in texts.items():
                (Path(workplace) / name).write_text(text)
            packages = f"{package},unix"
            options = ["-O3", "-w", "-a", "-thread", "-package", packages, "-linkpkg"]
            run(["ocamlfind", "ocamlopt", *options, *texts, "-o", "program"], cwd=Path(workplace))
            os.replace(Path(workplace) / "program", built)
    return built


def installed_module(name: str) -> Path:
    """Return the path of the source of an installed module."""
    return Path(run(["ocamlfind", "query", "lwt"]).strip()) / f"{name}.ml"


@cache
def as_in_6_1() -> dict[str, str]:
    """Return the installed modules that 6.1 has changed, as 6.1 has them, by the file's new name."""
    paths = [installed_module(known.module.lower()) for known in KNOWN_DIFFERENCES if known.changes]
    changes = [change for known in KNOWN_DIFFERENCES for change in known.changes]
    files = {path: path.read_text() for path in paths}
    changed = changed_files(files, changes, "what 6.1 has changed")
    return {f"new_{path.name}": text for path, text in changed.items()}


def install() -> None:
    """Install what it takes, if it is missing and this user may; say so.

    Raises:
        NoJudge: it is missing, and cannot be installed from here.
    """
    if installed_version() is not None:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise NoJudge(
            f"OCaml's Lwt was not found. Install {NEEDED}; as root this command does it by itself."
        )
    print(f"Installing {' '.join(PACKAGES)}", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", *PACKAGES]):
        done = subprocess.run(
            ["apt-get", "-qq", *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise NoJudge(f"apt-get {arguments[0]} failed:\n{done.stdout}\nInstall {NEEDED}.")
    installed_version.cache_clear()


class Judge:
    """A running interpreter; a new one is started when it dies or does not answer."""

    def __init__(
        self, program: Path, patience: float = 10.0, *, limit: float = 10.0, is_quiet: bool = False
    ) -> None:
        """Take the path of the interpreter.

        It has `patience` seconds for the answer to a program, and may take `limit` seconds of the
        processor's time for it. A quiet one does not say by what exception it died.
        """
        self._program = program
        self._patience = patience
        self._limit = limit
        self._is_quiet = is_quiet
        self._process: subprocess.Popen[str] | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="judge")  # One that dies leaves sockets.
        self._answers: queue.SimpleQueue[str] = queue.SimpleQueue()

    def ask(self, programs: Sequence[str]) -> list[list[str] | None]:
        """Return the trace of each program, or None where the interpreter died or hung."""
        answers: list[list[str] | None] = []
        while len(answers) < len(programs):
            rest = programs[len(answers) :]
            answered = self._ask(rest)
            answers.extend(answered)
            if len(answered) < len(rest):
                self.close()
                answers.append(None)  # This one did it: the others are asked again.
        return answers

    def ask_apart(self, program: str) -> list[str] | None:
        """Return the trace of a program that may end the interpreter, or spoil it for others."""
        with Judge(self._program, limit=LIMIT_APART, is_quiet=True) as judge:
            return judge.ask([program])[0]

    def _ask(self, programs: Sequence[str]) -> list[list[str]]:
        """Return the traces up to the first program that is not answered."""
        process = self._start()
        assert process.stdin is not None
        sender = threading.Thread(target=self._send, args=(process, programs), daemon=True)
        sender.start()
        answers = []
        for _ in programs:
            try:
                line = self._answers.get(timeout=self._patience)
            except queue.Empty:
                break
            if not line.endswith("\n"):
                break
            answers.append(line[:-1].split("\t") if line != "\n" else [])
        return answers

    @staticmethod
    def _send(process: subprocess.Popen[str], programs: Sequence[str]) -> None:
        assert process.stdin is not None
        try:
            process.stdin.write("".join(f"{program}\n" for program in programs))
            process.stdin.flush()
        except (BrokenPipeError, ValueError):
            pass  # It died, or was closed: whoever reads the answers sees it, too.

    def _start(self) -> subprocess.Popen[str]:
        if self._process is None:
            self._answers = queue.SimpleQueue()
            self._process = subprocess.Popen(
                [self._program, str(self._limit)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL if self._is_quiet else None,
                encoding="latin-1",  # So that any bytes are text.
                env=os.environ | {"TMPDIR": self._folder.name},
            )
            receiver = threading.Thread(
                target=self._receive, args=(self._process, self._answers), daemon=True
            )
            receiver.start()
        return self._process

    @staticmethod
    def _receive(process: subprocess.Popen[str], answers: queue.SimpleQueue[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            answers.put(line)
        answers.put("")  # the end
        process.stdout.close()

    def close(self) -> None:
        """Stop the interpreter."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            try:
                if process.stdin is not None:
                    process.stdin.close()
            except BrokenPipeError:
                pass

    def __enter__(self) -> Judge:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
        self._folder.cleanup()
