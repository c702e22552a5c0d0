"""The classes of child processes, with channels on what they read and write.

OCaml: section "Objects" of lwt_process.ml.
"""

from __future__ import annotations

import signal
import weakref
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from functools import partial
from types import TracebackType
from typing import Final, NoReturn, TypeAlias, TypeVar, final

import lwt
import lwt_unix
from lwt._core.checks import check_bounds
from lwt._core.identity import refuse_copy
from lwt._core.publish import constants
from lwt_unix import _system as system
from lwt_unix import lwt_io
from lwt_unix._checks import C_INT, Path, check_delay
from lwt_unix._errors import call_named
from lwt_unix._processes.children import Ended
from lwt_unix._processes.starting import Command, Environment, Redirection, start_and_wait
from lwt_unix._processes.statuses import Process_status, Resource_usage
from lwt_unix.lwt_io._buffer import ChannelBuffer
from lwt_unix.lwt_io._channel import new_input, new_output

Self = TypeVar("Self", bound="process_none")
C = TypeVar("C", lwt_io.InputChannel, lwt_io.OutputChannel)

# --- States ------------------------------------------------------------------


@constants
class _State(Enum):
    """The type of `Running` (an enum, so that checkers can tell it apart)."""

    Running = "Running"


Running: Final = _State.Running
"""The process has not ended.

OCaml: Lwt_process.Running
"""


@dataclass(frozen=True, slots=True)
class Exited:
    """The process has ended like this.

    OCaml: Lwt_process.Exited of Unix.process_status
    """

    status: Process_status


State: TypeAlias = _State | Exited
"""Whether a process has ended, and how.

OCaml: type Lwt_process.state = Running | Exited of Unix.process_status
"""


# --- Pipes to a child --------------------------------------------------------


@final
class _Pipes:
    """The pipes to a child that is about to be started: our ends, and the redirections to the child's."""

    __slots__ = ("_theirs", "ours")

    def __init__(self) -> None:
        self._theirs: list[int] = []
        self.ours: list[lwt_unix.File_descr | None] = []

    def redirection(self, target: int, wanted: Redirection | None) -> Redirection:
        """Return what was asked for; None asks for a pipe."""
        if wanted is not None:
            self.ours.append(None)
            return wanted
        if target == 0:
            theirs, ours = lwt_unix.pipe_out(cloexec=True)
        else:
            ours, theirs = lwt_unix.pipe_in(cloexec=True)
        self.ours.append(ours)
        # A program that was started with its standard descriptors closed may get their numbers here.
        theirs = system.move_up(theirs)
        self._theirs.append(theirs)
        return "FD_move", theirs

    def close(self) -> None:
        """Close all: no child was started."""
        for theirs in self._theirs:
            system.close(theirs)
        for ours in self.ours:
            if ours is not None:
                lwt_unix.close(ours)


def _input(ours: lwt_unix.File_descr | None) -> lwt_io.InputChannel | None:
    if ours is None:
        return None
    return _closed_when_dropped(lwt_io.of_fd(ours, mode=lwt_io.Input))


def _output(ours: lwt_unix.File_descr | None) -> lwt_io.OutputChannel | None:
    if ours is None:
        return None
    return _closed_when_dropped(lwt_io.of_fd(ours, mode=lwt_io.Output))


def _closed_when_dropped(channel: C) -> C:
    """Have a channel closed when nobody has it any more."""
    weakref.finalize(channel, _close_dropped, channel._buffer).atexit = False
    return channel


def _close_dropped(buffer: ChannelBuffer) -> None:
    """Close a channel that nobody has any more: what is in its buffer is written first."""
    channel = new_input(buffer) if buffer.is_input else new_output(buffer)
    with suppress(Exception):
        lwt.on_failure(lwt_io.close(channel), _drop)


def _drop(_: Exception) -> None:
    pass


# --- The classes -------------------------------------------------------------

Redirections: TypeAlias = tuple[Redirection | None, Redirection | None, Redirection | None]
"""What the standard descriptors of a child are; None is a pipe to us."""


class process_none:
    """A child process, which has our standard descriptors, or others.

    The other classes have channels to the child, too. All are started when they are made, and

        async with lwt_process.process_in(("", ["ls", "-l"])) as listing:
            async for line in listing.stdout:
                ...

    closes the channels and waits for the end (`close`). A process that is dropped goes on; its end is
    waited for, so that it does not stay a zombie, and its channels are closed when nobody has them.

    A program that cannot be run is a process that ends with `WEXITED(127)`, as in the shell.

    Args:
        command: a name and arguments, or `shell("…")`.
        timeout: after so many seconds, the process is killed and its channels are closed. What waits
            for a channel is rejected with `lwt_io.Channel_closed` then.
        env: the variables of the program, `NAME=value` each, or a mapping; by default, ours.
        cwd: the directory in which it begins; by default, ours.
        stdin: what it has as its standard input: see `redirection`.
        stdout: what it has as its standard output.
        stderr: where it writes errors.

    Raises:
        OSError: no process can be started (EAGAIN, EMFILE, …), or a descriptor to redirect to is not
            open (EBADF). Nothing was started.
        ValueError: `wait4` cannot wait in this thread.

    OCaml: class Lwt_process.process_none
    """

    __slots__ = ("__weakref__", "_is_closed", "_pid", "_stderr", "_stdin", "_stdout", "_wait")

    def __reduce_ex__(self, protocol: object, /) -> NoReturn:
        refuse_copy(self)

    def __init__(
        self,
        command: Command,
        /,
        *,
        timeout: float | None = None,
        env: Environment | None = None,
        cwd: Path | None = None,
        stdin: Redirection = "Keep",
        stdout: Redirection = "Keep",
        stderr: Redirection = "Keep",
    ) -> None:
        given = (stdin, stdout, stderr)
        self._start("lwt_process.process_none", command, timeout, env, cwd, given)

    def _start(
        self,
        function: str,
        command: Command,
        timeout: float | None,
        env: Environment | None,
        cwd: Path | None,
        wanted: Redirections,
    ) -> None:
        if timeout is not None:
            check_delay(function, timeout)
        pipes = _Pipes()
        try:
            stdin = pipes.redirection(0, wanted[0])
            stdout = pipes.redirection(1, wanted[1])
            stderr = pipes.redirection(2, wanted[2])
            self._pid, self._wait = start_and_wait(
                function, command, env, cwd, (stdin, stdout, stderr)
            )
        except BaseException:
            pipes.close()
            raise
        self._stdin = _output(pipes.ours[0])
        self._stdout = _input(pipes.ours[1])
        self._stderr = _input(pipes.ours[2])
        self._is_closed = False
        if timeout is not None:
            timer = lwt_unix.sleep(timeout)
            lwt.on_termination(self._wait, partial(lwt.cancel, timer))
            lwt.on_success(timer, self._end)

    def _end(self, _: None) -> None:
        """Kill the process, and close its channels: its time is up."""
        with suppress(OSError):
            self.terminate()
        lwt.on_failure(self.close(), _drop)

    def __repr__(self) -> str:
        ended = lwt.state(self._wait)
        how = Exited(ended.value[1]) if isinstance(ended, lwt.Return) else Running
        return f"<{type(self).__name__} {self._pid}, {how}>"

    async def __aenter__(self: Self) -> Self:
        return self

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def pid(self) -> int:
        """The identifier of the process.

        OCaml: method pid : int
        """
        return self._pid

    @property
    def state(self) -> State:
        """Whether the process has ended, and how.

        OCaml: method state : state
        """
        ended = lwt.poll(self._wait)
        return Running if ended is None else Exited(ended.value[1])

    def kill(self, signum: int, /) -> None:
        """Send a signal to the process, unless it has ended.

        OCaml: method kill : int -> unit
        """
        check_bounds("lwt_process.kill", "signum", signum, *C_INT)
        if lwt.is_sleeping(self._wait):
            with call_named("kill"):
                system.kill(self._pid, signum)

    def terminate(self) -> None:
        """Kill the process (SIGKILL), unless it has ended.

        OCaml: method terminate : unit
        """
        self.kill(signal.SIGKILL)

    @property
    def status(self) -> lwt.Promise[Process_status]:
        """The promise of how the process has ended. Cancelling it does not end the process.

        OCaml: method status : Unix.process_status Lwt.t
        """
        return lwt.map(_status, lwt.protected(self._wait))

    @property
    def rusage(self) -> lwt.Promise[Resource_usage]:
        """The promise of what the process has used, when it has ended.

        OCaml: method rusage : Lwt_unix.resource_usage Lwt.t
        """
        return lwt.map(_rusage, lwt.protected(self._wait))

    def close(self) -> lwt.Promise[Process_status]:
        """Close the channels, and return how the process has ended.

        A child that reads from us then finds the end, and one that writes to us is told that nobody
        reads any more. It is not killed: if it goes on for ever, this waits for ever. Closing again
        only waits.

        OCaml: method close : Unix.process_status Lwt.t
        """
        if self._is_closed:
            return self.status
        self._is_closed = True
        channels = [
            channel for channel in (self._stdin, self._stdout, self._stderr) if channel is not None
        ]
        closed = lwt.protected(lwt.join(list(map(lwt_io.close, channels))))
        return lwt.bind(closed, lambda _: self.status)


def _status(ended: Ended) -> Process_status:
    return ended[1]


def _rusage(ended: Ended) -> Resource_usage:
    return ended[2]


@final
class process_in(process_none):
    """A child process whose output we read: see `process_none`.

    OCaml: class Lwt_process.process_in
    """

    __slots__ = ()

    def __init__(
        self,
        command: Command,
        /,
        *,
        timeout: float | None = None,
        env: Environment | None = None,
        cwd: Path | None = None,
        stdin: Redirection = "Keep",
        stderr: Redirection = "Keep",
    ) -> None:
        self._start("lwt_process.process_in", command, timeout, env, cwd, (stdin, None, stderr))

    @property
    def stdout(self) -> lwt_io.InputChannel:
        """What the process writes to.

        OCaml: method stdout : Lwt_io.input_channel
        """
        assert self._stdout is not None
        return self._stdout


@final
class process_out(process_none):
    """A child process to which we write: see `process_none`.

    OCaml: class Lwt_process.process_out
    """

    __slots__ = ()

    def __init__(
        self,
        command: Command,
        /,
        *,
        timeout: float | None = None,
        env: Environment | None = None,
        cwd: Path | None = None,
        stdout: Redirection = "Keep",
        stderr: Redirection = "Keep",
    ) -> None:
        self._start("lwt_process.process_out", command, timeout, env, cwd, (None, stdout, stderr))

    @property
    def stdin(self) -> lwt_io.OutputChannel:
        """What the process reads from.

        OCaml: method stdin : Lwt_io.output_channel
        """
        assert self._stdin is not None
        return self._stdin


@final
class process(process_none):
    """A child process to which we write, and whose output we read: see `process_none`.

    Write and read at once, as `pmap` does. A child that cannot write reads no more, either.

    OCaml: class Lwt_process.process
    """

    __slots__ = ()

    def __init__(
        self,
        command: Command,
        /,
        *,
        timeout: float | None = None,
        env: Environment | None = None,
        cwd: Path | None = None,
        stderr: Redirection = "Keep",
    ) -> None:
        self._start("lwt_process.process", command, timeout, env, cwd, (None, None, stderr))

    @property
    def stdin(self) -> lwt_io.OutputChannel:
        """What the process reads from.

        OCaml: method stdin : Lwt_io.output_channel
        """
        assert self._stdin is not None
        return self._stdin

    @property
    def stdout(self) -> lwt_io.InputChannel:
        """What the process writes to.

        OCaml: method stdout : Lwt_io.input_channel
        """
        assert self._stdout is not None
        return self._stdout


@final
class process_full(process_none):
    """A child process to which we write, and whose output and errors we read: see `process_none`.

    OCaml: class Lwt_process.process_full
    """

    __slots__ = ()

    def __init__(
        self,
        command: Command,
        /,
        *,
        timeout: float | None = None,
        env: Environment | None = None,
        cwd: Path | None = None,
    ) -> None:
        self._start("lwt_process.process_full", command, timeout, env, cwd, (None, None, None))

    @property
    def stdin(self) -> lwt_io.OutputChannel:
        """What the process reads from.

        OCaml: method stdin : Lwt_io.output_channel
        """
        assert self._stdin is not None
        return self._stdin

    @property
    def stdout(self) -> lwt_io.InputChannel:
        """What the process writes to.

        OCaml: method stdout : Lwt_io.input_channel
        """
        assert self._stdout is not None
        return self._stdout

    @property
    def stderr(self) -> lwt_io.InputChannel:
        """What the process writes errors to.

        OCaml: method stderr : Lwt_io.input_channel
        """
        assert self._stderr is not None
        return self._stderr
