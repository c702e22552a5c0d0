"""Programs of a simulated world: functions of the test that stand in for them.

A *stand-in* runs in the main loop of the program that starts it, as a process of its own: it has an identifier,
arguments, variables, a directory, and channels on what its standard descriptors are. Its result is the status with
which the process exits.

A signal ends a process by cancelling the stand-in, which may clean up, and even go on. SIGKILL ends the
process at once, and closes its descriptors: what the stand-in still does reaches nobody.
"""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from os.path import basename
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

import lwt
from lwt._core.checks import check_callback, check_kind
from lwt._core.promise import PromiseOrCoroutine
from lwt._core.storage import Storage
from lwt_unix import lwt_io
from lwt_unix._checks import promise_of
from lwt_unix._processes.starting import DEV_NULL, SHELL
from lwt_unix.testing._files.opened import open_file
from lwt_unix.testing._files.tree import Directory
from lwt_unix.testing._network.hosts import PROCESS, Network
from lwt_unix.testing._processes.signals import IGNORED, STOPPING, Signals, name_of_signal
from lwt_unix.testing._world.world import PID, Description, Not_simulated, Owner, World, os_error


class Process:
    """A process that a stand-in runs: what it is given.

    `args` are the arguments, from the name on; `env` are the variables; `stdin`, `stdout` and `stderr` are
    channels. They are closed, and the output is written, when the stand-in returns.
    """

    __slots__ = (
        "args",
        "directory",
        "env",
        "_is_over",
        "pid",
        "stderr",
        "stdin",
        "stdout",
        "_was_killed",
    )

    def __init__(
        self, pid: int, args: list[str], env: Mapping[str, str], directory: Directory
    ) -> None:
        self.pid = pid
        self.args = args
        self.env = env
        self.directory = directory
        """Where its relative paths begin; `lwt_unix.getcwd` tells the path."""

        self._is_over = False
        """Whether the stand-in has ended: its channels are closed, or are being closed."""

        self._was_killed = False
        """Whether a signal has ended it."""

        self.stdin: lwt_io.InputChannel
        self.stdout: lwt_io.OutputChannel
        self.stderr: lwt_io.OutputChannel

    def __repr__(self) -> str:
        return f"<process {self.pid}, {' '.join(self.args)}>"


Stand_in: TypeAlias = Callable[[Process], PromiseOrCoroutine[int]]
"""What stands in for a program; the result is its exit status."""


def check_programs(function: str, programs: object) -> Mapping[str, Stand_in]:
    """Check the stand-ins that a run is given."""
    hint = 'such as {"ls": ls}'
    check_kind(function, programs, Mapping, hint)
    assert isinstance(programs, Mapping)
    for name, stand_in in programs.items():
        check_kind(function, name, str, hint)
        check_callback(function, stand_in, ("process",))
    return programs


def process_in(storage: Storage) -> Process | None:
    """Return the process that a storage tells of; None for that of the program itself."""
    process = storage.get(PROCESS)
    return process if isinstance(process, Process) else None


class Started:
    """A child that was started, as `subprocess.Popen` has it."""

    __slots__ = ("pid", "returncode")

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None


class Usage(NamedTuple):
    """What a process has used: no time."""

    ru_utime: float = 0.0
    ru_stime: float = 0.0


class Closed(Description):
    """A standard descriptor that is closed."""

    __slots__ = ()


class Child:
    """A process, from its start until somebody has asked how it ended."""

    __slots__ = ("_fds", "_programs", "_promise", "_signum", "host", "name", "process", "status")

    def __init__(self, programs: Programs, host: Owner, process: Process, fds: list[int]) -> None:
        self._programs = programs
        self._fds = fds
        self._promise: lwt.Promise[int] | None = None
        self._signum = 0
        """The signal that has cancelled it."""

        self.host = host
        self.process = process
        self.name = f"process {process.pid} ({process.args[0]})"
        self.status: int | None = None
        """How it ended, as the system says it."""

    # --- Running -------------------------------------------------------------

    def begin(self, stand_in: Stand_in, _: None) -> None:
        """Begin to run, unless it was killed already."""
        if self.status is None:
            self._open_channels()
            self._promise = lwt.finalize(partial(self._run, stand_in), self._close_channels)
            lwt.on_any(self._promise, self._returned, self._failed)

    def _open_channels(self) -> None:
        process = self.process
        process.stdin = lwt_io.of_unix_fd(self._fds[0], mode=lwt_io.Input)
        process.stdout = lwt_io.of_unix_fd(self._fds[1], mode=lwt_io.Output)
        process.stderr = lwt_io.of_unix_fd(self._fds[2], mode=lwt_io.Output)

    def _run(self, stand_in: Stand_in) -> lwt.Promise[int]:
        return lwt.map(
            self._checked, promise_of("testing.simulate: a stand-in", stand_in, self.process)
        )

    def _checked(self, code: int) -> int:
        check_kind(f"testing.simulate: the exit status of {self.process.args[0]}", code, int)
        return code

    def _channels(self) -> tuple[lwt_io.InputChannel | lwt_io.OutputChannel, ...]:
        return self.process.stdin, self.process.stdout, self.process.stderr

    async def _close_channels(self) -> None:
        self.process._is_over = True
        for channel in self._channels():
            with suppress(Exception):
                await lwt_io.close(channel)

    def _returned(self, code: int) -> None:
        self._end((code & 0xFF) << 8, f"exits with {code & 0xFF}")

    def _failed(self, exn: Exception) -> None:
        if self.status is not None:
            return  # It was killed, and what it still does fails: its channels are closed.
        if isinstance(exn, lwt.Canceled) and self._signum:
            self._end_by(self._signum)
        elif isinstance(exn, BrokenPipeError):
            self._end_by(signal.SIGPIPE)
        else:
            self._end(1 << 8, f"fails: {exn!r}")
            raise exn  # It is the test that is wrong: this reaches `lwt.async_exception_hook`.

    # --- Signals -------------------------------------------------------------

    def come(self, signum: int) -> None:
        """Do what a signal does to the process."""
        if self.status is not None or signum in IGNORED:
            return
        if signum in STOPPING:
            raise Not_simulated(
                f"{name_of_signal(signum)}: in the simulated world no process is stopped"
            )
        self._signum = signum
        promise = self._promise
        if promise is None:
            self._end_by(signum)
            for fd in self._fds:
                self._programs.world.close(fd)
        elif signum == signal.SIGKILL:
            self._end_by(signum)
            for channel in self._channels():
                lwt.on_failure(lwt_io.abort(channel), _drop)
            lwt.cancel(promise)
        else:
            lwt.cancel(promise)

    def _end_by(self, signum: int) -> None:
        self.process._is_over = self.process._was_killed = True
        self._end(int(signum), f"is ended by {name_of_signal(signum)}")

    def _end(self, status: int, how: str) -> None:
        if self.status is None:
            self.status = status
            self._programs.world.tell("%s %s", self.name, how)
            self._programs.has_ended(self)


def _drop(_: Exception) -> None:
    pass


def _exits_with_127(_: Process) -> lwt.Promise[int]:
    return lwt.return_(127)


_NO_SHELL: Final = (SHELL, b"-c", b"exit 127")
"""What is started in the place of a program that cannot be run (`_processes/starting`)."""


class Programs:
    """The programs and processes of a world. The first methods stand in the place of names of `_system`."""

    def __init__(
        self,
        world: World,
        network: Network,
        signals: Signals,
        stand_ins: Mapping[str, Stand_in] = MappingProxyType({}),
    ) -> None:
        self.world: Final = world
        self._network: Final = network
        self._signals: Final = signals
        self._stand_ins: Final = stand_ins
        self._children: Final[dict[int, Child]] = {}
        self._ended: Final[dict[int, Child]] = {}
        """Those that have ended and were not waited for, in order."""

        world.at_crash.append(self._crash)

    # --- Starting ------------------------------------------------------------

    def executable_path(self) -> str:
        """Return where programs are."""
        return "/bin"

    def is_executable(self, path: bytes) -> bool:
        """Say that there is a program of this name: if not, `Popen` says how to give one."""
        return True

    def Popen(
        self,
        arguments: list[bytes],
        *,
        executable: bytes,
        stdin: int | None,
        stdout: int | None,
        stderr: int | None,
        close_fds: bool,
        cwd: bytes | None,
        env: Mapping[bytes, bytes] | None,
    ) -> Started:
        """Start a stand-in."""
        args = [os.fsdecode(argument) for argument in arguments]
        stand_in = self._stand_in(arguments, os.fsdecode(executable))
        host = self._network.here()
        directory = self._network.process_here().directory
        if cwd is not None:
            directory = host.tree.directory(os.fsdecode(cwd), directory)
        variables = (
            dict(os.environ)
            if env is None
            else {os.fsdecode(name): os.fsdecode(value) for name, value in env.items()}
        )
        sources = [
            self._source(target, wanted) for target, wanted in enumerate((stdin, stdout, stderr))
        ]
        self.world.need_numbers(3)
        fds = [self.world.number_of(source) for source in sources]
        pid = PID + self.world.next_number("process")
        child = Child(self, host, Process(pid, args, variables, directory), fds)
        self._children[pid] = child
        self._signals.processes[pid] = child.come
        self.world.tell("%s is started", child.name)
        begun = partial(child.begin, stand_in)
        lwt.with_value(PROCESS, lwt.Some(child.process), lambda: lwt.on_success(lwt.pause(), begun))
        return Started(pid)

    def _stand_in(self, arguments: list[bytes], path: str) -> Stand_in:
        name = basename(path)
        found = self._stand_ins.get(path) or self._stand_ins.get(name)
        if found is not None:
            return found
        if tuple(arguments) == _NO_SHELL:
            return _exits_with_127
        raise Not_simulated(
            f"no program {name!r} in the simulated world; give a function that stands in for it: "
            f"testing.simulate(main, programs={{{name!r}: stand_in}}), with async def stand_in(process) -> int"
        )

    def _source(self, target: int, wanted: int | None) -> Description:
        """Return what a standard descriptor of a child is."""
        world = self.world
        if wanted == DEV_NULL:
            tree = self._network.here().tree
            return open_file(tree, "/dev/null", os.O_RDWR, 0, tree.root)
        fd = target if wanted is None else wanted
        if wanted is None and fd not in world.inheritable:
            return Closed(world, "closed")
        return world.description(fd)

    # --- Waiting -------------------------------------------------------------

    def wait4(self, pid: int, options: int) -> tuple[int, int, Usage]:
        """Ask how a child has ended, which is told once."""
        ended = self._ended_child(pid)
        if ended is None:
            if options & os.WNOHANG:
                return 0, 0, Usage()
            raise Not_simulated(
                "waiting for a child would block this thread, and in the simulated world there is no other one"
            )
        number = ended.process.pid
        for table in self._children, self._ended, self._signals.processes:
            table.pop(number, None)
        assert ended.status is not None
        return number, ended.status, Usage()

    def _ended_child(self, pid: int) -> Child | None:
        if pid in {-1, 0}:
            if not self._children:
                raise os_error(errno.ECHILD)
            return next(iter(self._ended.values()), None)
        if pid not in self._children:
            raise os_error(errno.ECHILD)
        return self._ended.get(pid)

    def has_ended(self, child: Child) -> None:
        """Tell the program that a child has ended."""
        self._ended[child.process.pid] = child
        self._signals.come(signal.SIGCHLD)

    def _crash(self, owner: Owner) -> None:
        for pid, child in list(self._children.items()):
            if child.host is owner:
                del self._children[pid]
                self._ended.pop(pid, None)
                self._signals.processes.pop(pid, None)
