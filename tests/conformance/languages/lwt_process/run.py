"""Running programs over child processes on our library; `ocaml/process_programs.ml` is written alike."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import lwt
import lwt_unix
from lwt import lwt_stream
from lwt_unix import lwt_engine, lwt_io, lwt_process
from lwt_unix._processes import children
from tests.conformance.forms import Form, Program

SHELL: Final = lwt_process.shell
COMMANDS: Final[tuple[Any, ...]] = (
    ("", ["true"]),
    SHELL("exit 3"),
    ("", ["cat"]),
    SHELL("echo one; printf two"),
    ("", ["no_such_program"]),
    SHELL("kill -9 $$"),
    SHELL("read x; echo got $x; exit 4"),
    SHELL('case "$(pwd)" in /) echo root;; *) echo elsewhere;; esac'),
    SHELL("echo $A-$B"),
    SHELL("echo error >&2; echo out"),
    ("/bin/sh", ["name", "-c", "echo $0 $1", "zero", "one"]),
    ("", [""]),
    ("", ["/"]),
    SHELL("cat; echo end; exit 5"),
    SHELL("kill -15 $$"),
    ("", ["echo", "a  b", "$HOME", ""]),
)
TEXTS: Final = (b"", b"a", b"one\ntwo\n", b"x" * 5000, b"y" * 100_000)
ENVIRONMENTS: Final[tuple[list[str] | None, ...]] = (
    None,
    ["A=7"],
    ["A=7", "B=x=y", "PATH=/no/such"],
    [],
)
DIRECTORIES: Final = (None, "/", "/no/such/directory")
KILLED: Final = 100
"""A child with such a number kills itself."""

ROUNDS: Final = 50

PATIENCE: Final = 10.0
"""Seconds for a child."""


def show_data(data: bytes) -> str:
    shown = data.decode("latin-1").replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{shown}"'


def short(data: bytes) -> str:
    return show_data(data) if len(data) <= 100 else f"{len(data)} bytes"


def show_status(status: lwt_unix.process_status) -> str:
    match status:
        case lwt_unix.WEXITED(code):
            return f"exited {code}"
        case lwt_unix.WSIGNALED(signum):
            return f"killed by {signum}"
        case lwt_unix.WSTOPPED(signum):
            return f"stopped by {signum}"


def show_exception(exn: Exception) -> str:
    match exn:
        case OSError():
            number, name, _ = lwt_unix.unix_error(exn)
            known = {10: "ECHILD", 9: "EBADF", 32: "EPIPE"}
            return f"{known.get(number, 'another error')} {name}"
        case lwt.Canceled():
            return "Canceled"
        case EOFError():
            return "End_of_file"
        case lwt_io.Channel_closed():
            return "Channel_closed"
    return repr(exn)


def is_over(pid: int) -> bool:
    """Whether a child has ended, and was not waited for."""
    try:
        line = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True
    return line[line.rindex(")") + 2] == "Z"


def turn(block: bool) -> None:
    lwt_engine.iter(block)
    lwt.wakeup_paused()


def turn_until(is_so: Callable[[], bool]) -> bool:
    """Turn until something is so; return False if that takes too long, as with a fault it may."""
    end = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > end:
            return False
        turn(False)
        time.sleep(0.0001)
    return True


@contextmanager
def file() -> Iterator[int]:
    """A file for what children write."""
    with tempfile.TemporaryFile(buffering=0) as made:
        fd = os.open(f"/proc/self/fd/{made.fileno()}", os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        try:
            yield fd
        finally:
            os.close(fd)


class Run:
    """One run of one program."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._trace: list[str] = []

    def run(self, program: Program) -> list[str]:
        for number, statement in enumerate(program):
            assert isinstance(statement, tuple)
            name, *arguments = statement
            self._event(str(number))
            try:
                getattr(self, f"do_{name}")(*arguments)
            except Exception as exn:
                # Whether it is raised, or rejects later, depends on how soon a child ends.
                self._event(show_exception(exn))
            if not turn_until(lambda: not lwt_unix.wait_count()):
                self._event("somebody still waits")
                children.renew()
            self._tell_what_was_written()
        return self._trace

    def _event(self, text: str) -> None:
        self._trace.append(text)

    def _tell_what_was_written(self) -> None:
        text = os.pread(self._fd, 1_000_000, 0)
        os.ftruncate(self._fd, 0)
        if text:
            self._event(short(text))

    def _finish(self, show: Callable[[Any], str], promise: lwt.Promise[Any]) -> None:
        """Turn until a promise is resolved; tell what became of it."""
        told = lwt.try_bind(
            lambda: promise,
            lambda value: lwt.return_(show(value)),
            lambda exn: lwt.return_(show_exception(exn)),
        )
        turn_until(lambda: not lwt.is_sleeping(told))
        found = lwt.poll(told)
        self._event("nothing" if found is None else found.value)

    def _all(self, stream: lwt_stream.Stream[bytes]) -> lwt.Promise[list[bytes]]:
        return lwt.catch(lambda: lwt_stream.to_list(stream), lwt.fail)

    def _redirection(self, number: int) -> Any:
        return ("Dev_null", "Close", ("FD_copy", self._fd), ("FD_copy", 1))[number]

    # Commands

    def do_system(self, command: int) -> None:
        name, arguments = COMMANDS[command]
        line = arguments[2] if not name and arguments[0] == "/bin/sh" else "exit 6"
        self._finish(show_status, lwt_unix.system(f"({line}) </dev/null >/dev/null 2>&1"))

    def do_timeout(self) -> None:
        sleep = ("", ["sleep", "60"])
        self._finish(show_status, lwt_process.exec(sleep, timeout=0.005, stdin="Dev_null"))

    def do_exec(self, command: int, env: int, cwd: int, err: int) -> None:
        running = lwt_process.exec(
            COMMANDS[command],
            env=ENVIRONMENTS[env],
            cwd=DIRECTORIES[cwd],
            stdin="Dev_null",
            stdout=("FD_copy", self._fd),
            stderr=self._redirection(err),
        )
        self._finish(show_status, running)

    def _options(self, env: int, cwd: int, err: int) -> dict[str, Any]:
        return {
            "env": ENVIRONMENTS[env],
            "cwd": DIRECTORIES[cwd],
            "stdin": "Dev_null",
            "stderr": self._redirection(err),
        }

    def do_pread(self, command: int, *options: int) -> None:
        self._finish(short, lwt_process.pread(COMMANDS[command], **self._options(*options)))

    def do_pread_line(self, command: int, *options: int) -> None:
        self._finish(short, lwt_process.pread_line(COMMANDS[command], **self._options(*options)))

    def do_pread_lines(self, command: int, *options: int) -> None:
        lines = lwt_process.pread_lines(COMMANDS[command], **self._options(*options))
        self._finish(lambda found: "|".join(map(show_data, found)), self._all(lines))

    def do_pread_chars(self, command: int, *options: int) -> None:
        chars = lwt_process.pread_chars(COMMANDS[command], **self._options(*options))
        self._finish(lambda found: show_data(b"".join(found)), self._all(chars))

    def _write(self, name: str, command: int, data: object) -> None:
        write = getattr(lwt_process, name)
        out: Any = ("FD_copy", self._fd)
        self._finish(lambda _: "()", write(COMMANDS[command], data, stdout=out, stderr="Dev_null"))

    def do_pwrite(self, command: int, text: int) -> None:
        self._write("pwrite", command, TEXTS[text])

    def do_pwrite_line(self, command: int, text: int) -> None:
        self._write("pwrite_line", command, TEXTS[text])

    def do_pwrite_lines(self, command: int, text: int) -> None:
        self._write("pwrite_lines", command, lwt_stream.of_list(TEXTS[text].split(b"\n")))

    def do_pwrite_chars(self, command: int, text: int) -> None:
        self._write("pwrite_chars", command, chars_of(text))

    def do_pmap(self, command: int, text: int, err: int) -> None:
        stderr = self._redirection(err)
        self._finish(short, lwt_process.pmap(COMMANDS[command], TEXTS[text], stderr=stderr))

    def do_pmap_line(self, command: int, text: int, err: int) -> None:
        stderr = self._redirection(err)
        self._finish(short, lwt_process.pmap_line(COMMANDS[command], TEXTS[text], stderr=stderr))

    def do_pmap_lines(self, command: int, text: int, err: int) -> None:
        lines = lwt_stream.of_list(TEXTS[text].split(b"\n"))
        stderr = self._redirection(err)
        mapped = lwt_process.pmap_lines(COMMANDS[command], lines, stderr=stderr)
        self._finish(lambda found: f"{len(found)} lines", self._all(mapped))

    def do_pmap_chars(self, command: int, text: int, err: int) -> None:
        stderr = self._redirection(err)
        mapped = lwt_process.pmap_chars(COMMANDS[command], chars_of(text), stderr=stderr)
        self._finish(lambda found: f"{len(found)} chars", self._all(mapped))

    # Objects

    def do_with_process_none(self, command: int) -> None:
        using = lwt_process.with_process_none(
            COMMANDS[command],
            lambda process: process.status,
            stdin="Dev_null",
            stdout=("FD_copy", self._fd),
            stderr="Dev_null",
        )
        self._finish(show_status, using)

    def do_with_process_in(self, command: int) -> None:
        using = lwt_process.with_process_in(
            COMMANDS[command],
            lambda process: lwt_io.read(process.stdout),
            stdin="Dev_null",
            stderr="Dev_null",
        )
        self._finish(short, using)

    def do_with_process_out(self, command: int, text: int) -> None:
        using = lwt_process.with_process_out(
            COMMANDS[command],
            lambda process: lwt_io.write(process.stdin, TEXTS[text]),
            stdout=("FD_copy", self._fd),
            stderr="Dev_null",
        )
        self._finish(lambda _: "()", using)

    def do_with_process(self, command: int, text: int) -> None:
        async def use(process: lwt_process.process) -> bytes:
            await lwt_io.write(process.stdin, TEXTS[text])
            await lwt_io.close(process.stdin)
            return await lwt_io.read(process.stdout)

        using = lwt_process.with_process(COMMANDS[command], use, stderr="Dev_null")
        self._finish(short, using)

    def do_with_process_full(self, command: int, text: int) -> None:
        async def use(process: lwt_process.process_full) -> str:
            await lwt_io.write(process.stdin, TEXTS[text])
            await lwt_io.close(process.stdin)
            out = short(await lwt_io.read(process.stdout))
            error = short(await lwt_io.read(process.stderr))
            status = show_status(await process.close())
            state = process.state
            ended = "Running" if state is lwt_process.Running else show_status(state.status)
            return f"{out} {error} {status} {ended}"

        self._finish(str, lwt_process.with_process_full(COMMANDS[command], use))

    def do_terminate(self, again: int) -> None:
        process = lwt_process.open_process(SHELL("cat; exit 2"))
        process.terminate()
        self._finish(show_status, process.close())
        if again == 1:
            process.terminate()
        self._finish(show_status, process.close())

    # Waiting

    def do_children(self, statuses: tuple[int, ...], waits: tuple[Form, ...]) -> None:
        """Do this in a process that has no other children, such as the one in which OCaml runs."""
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            before = len(self._trace)
            try:
                self._children(statuses, waits)
                os.write(writing, "\n".join(self._trace[before:]).encode())
            finally:
                os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as told:
            self._trace += told.read().splitlines()
        os.waitpid(pid, 0)

    def _children(self, statuses: tuple[int, ...], waits: tuple[Form, ...]) -> None:
        reading, writing = os.pipe()
        pids = [start(reading, status) for status in statuses]
        waiting: list[lwt.Promise[Any]] = [lwt.return_unit] * len(waits)

        def keep(number: int, promise: lwt.Promise[Any]) -> None:
            def show(ended: tuple[int, Any]) -> None:
                pid, status = ended[:2]
                which = pids.index(pid) if pid in pids else -1
                self._event(f"w{number}: c{which} {show_status(status)}")

            def fail(exn: Exception) -> lwt.Promise[None]:
                self._event(f"w{number}: {show_exception(exn)}")
                return lwt.return_unit

            waiting[number] = lwt.catch(lambda: lwt.map(show, promise), fail)

        def begin(number: int, wait: Form) -> None:
            match wait:
                case ("wait",):
                    keep(number, lwt_unix.wait())
                case ("waitpid", int(child)):
                    keep(number, lwt_unix.waitpid([], pids[child]))
                case ("wait4", int(child)):
                    keep(number, lwt_unix.wait4([], pids[child]))
                case ("untraced", int(child)):
                    keep(number, lwt_unix.waitpid([lwt_unix.WUNTRACED], pids[child]))
                case ("nohang", int(child)):
                    keep(number, lwt_unix.waitpid([lwt_unix.WNOHANG], pids[child]))
                case ("cancel", int(other)):
                    if other < number:
                        lwt.cancel(waiting[other])
                case ("then", int(other), int(child)):
                    if other < number:
                        after = waiting[other]
                        keep(number, lwt.bind(after, lambda _: lwt_unix.waitpid([], pids[child])))

        try:
            for number, wait in enumerate(waits):
                begin(number, wait)
            self._event(f"{lwt_unix.wait_count()} wait")
        finally:
            os.write(writing, b"." * len(pids))
        for pid in pids:
            while not is_over(pid):
                time.sleep(0.0002)
        os.close(reading)
        os.close(writing)
        for _ in range(ROUNDS):
            if any(map(lwt.is_sleeping, waiting)):
                turn(False)
        for promise in waiting:
            lwt.cancel(promise)
        for pid in pids:
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)


def start(reading: int, status: int) -> int:
    """Fork a child that ends when it is told."""
    pid = os.fork()
    if pid == 0:
        os.read(reading, 1)
        if status >= KILLED:
            os.kill(os.getpid(), signal.SIGKILL)
        os._exit(status)
    return pid


def chars_of(text: int) -> lwt_stream.Stream[bytes]:
    return lwt_stream.of_list([bytes([code]) for code in TEXTS[text]])


def run(program: Program) -> list[str]:
    """Run a program, and return its trace."""
    with file() as fd:
        return Run(fd).run(program)
