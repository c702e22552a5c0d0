"""Signals of a simulated world, and who gets them.

What Python and Linux do when a signal comes: nothing, if it is ignored; end the process, which here is an
exception that leaves the program (`Killed`); or call the program's handler, having written the signal's
number to the descriptor that was asked for (`set_wakeup_fd`), by which the main loop learns of it.

When a signal comes is open: by itself at once, before the call that sends it returns. Not open is when one
comes that the program sends to itself: the system lets it come before that call returns.
"""

from __future__ import annotations

import errno
import signal
from collections.abc import Callable
from functools import partial
from typing import Final

from lwt._core import choices
from lwt_unix._processes.signals import Disposition
from lwt_unix.testing._network.links import LATE
from lwt_unix.testing._world.world import PID, Not_simulated, World, os_error

IGNORED: Final = frozenset({signal.SIGCHLD, signal.SIGURG, signal.SIGWINCH, signal.SIGCONT})
"""What does nothing by default."""

STOPPING: Final = frozenset({signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU})
_NEVER_HANDLED: Final = frozenset({signal.SIGKILL, signal.SIGSTOP})

_WHEN: Final = ("at once", "when the program waits", *(f"{delay} s late" for delay in LATE[1:]))
"""When a signal comes: a choice."""


class Killed(BaseException):
    """A signal that it does not handle has ended the program. It leaves as KeyboardInterrupt does."""

    def __init__(self, signum: int) -> None:
        super().__init__(_ended_by(signum))
        self.signum: Final = signum


class Interrupted(KeyboardInterrupt):
    """A SIGINT that came in the world. The user's own Ctrl-C is none."""

    def __init__(self, signum: int) -> None:
        super().__init__(_ended_by(signum))


def _ended_by(signum: int) -> str:
    return f"the program was ended by {name_of_signal(signum)}, which it does not handle"


def name_of_signal(signum: int) -> str:
    """Return what a signal is called."""
    try:
        return signal.Signals(signum).name
    except ValueError:
        return f"signal {signum}"


class Signals:
    """What a world does with signals. The first methods stand in the place of names of `_system`."""

    def __init__(self, world: World) -> None:
        self.world: Final = world
        self._wakeup_fd = -1
        self._dispositions: Final[dict[int, Disposition]] = {
            signal.SIGINT: signal.default_int_handler,
            signal.SIGPIPE: signal.SIG_IGN,
        }
        self.processes: Final[dict[int, Callable[[int], object]]] = {PID: self.come}
        """What a signal does to each process."""

    # --- What Python is told -------------------------------------------------

    def set_signal(self, signum: int, handler: Disposition) -> Disposition:
        """Say what a signal does, and return what it did."""
        if not 0 < signum < signal.NSIG:
            raise ValueError("signal number out of range")
        if handler is None or not (
            callable(handler) or handler in {signal.SIG_IGN, signal.SIG_DFL}
        ):
            raise TypeError(
                "signal handler must be signal.SIG_IGN, signal.SIG_DFL, or a callable object"
            )
        if signum in _NEVER_HANDLED:
            raise os_error(errno.EINVAL)
        before = self.get_signal(signum)
        self._dispositions[signum] = handler
        return before

    def get_signal(self, signum: int) -> Disposition:
        """Return what a signal does."""
        return self._dispositions.get(signum, signal.SIG_DFL)

    def set_wakeup_fd(self, fd: int, *, warn_on_full_buffer: bool = True) -> int:
        """Have the numbers of signals written to a descriptor; return the one before it, or -1."""
        if fd != -1 and self.world.description(fd).is_blocking:
            raise ValueError(f"the fd {fd} must be in non-blocking mode")
        before, self._wakeup_fd = self._wakeup_fd, fd
        return before

    # --- Sending -------------------------------------------------------------

    def kill(self, pid: int, signum: int) -> None:
        """Send a signal to a process; 0 only asks whether there is one."""
        if not 0 <= signum < signal.NSIG:
            raise os_error(errno.EINVAL)
        if pid < 0:
            raise Not_simulated("in the simulated world there are no groups of processes")
        come = self.processes.get(pid or PID)
        if come is None:
            raise os_error(errno.ESRCH)
        if signum and come == self.come:
            self.world.tell(f"{name_of_signal(signum)} is sent by the program to itself")
            come(signum)
        elif signum:
            self.send_to(signum, come, f"process {pid}")

    def send_to_program(self, signum: int) -> None:
        """Send a signal to the program, as from outside."""
        if not 0 < signum < signal.NSIG:
            raise os_error(errno.EINVAL)
        self.send_to(signum, self.come, "the program")

    def send_to(self, signum: int, come: Callable[[int], object], target: str) -> None:
        """Have a signal come, at once unless it is chosen otherwise."""
        name = name_of_signal(signum)
        self.world.tell(f"{name} is sent to {target}")
        when = choices.choose(
            choices.SIGNAL, len(_WHEN), lambda option: f"{name} for {target} comes {_WHEN[option]}"
        )
        if when:
            self.world.after(LATE[when - 1], partial(come, signum))
        else:
            come(signum)

    def come(self, signum: int) -> None:
        """Do what a signal does to the program."""
        handler = self.get_signal(signum)
        name = name_of_signal(signum)
        if handler is signal.default_int_handler:
            raise Interrupted(signum)
        if callable(handler) and not isinstance(handler, signal.Handlers):
            self.world.tell(f"{name} comes")
            self._wake(signum)
            handler(signum, None)
        elif handler == signal.SIG_IGN or signum in IGNORED:
            self.world.tell(f"{name} comes, and is ignored")
        elif signum in STOPPING:
            raise Not_simulated(f"{name}: in the simulated world no process is stopped")
        else:
            raise Killed(signum)

    def _wake(self, signum: int) -> None:
        description = self.world.table.get(self._wakeup_fd)
        if description is not None:
            try:
                description.write(memoryview(bytes([signum])))
            except OSError:
                pass  # It is full, or nobody reads: Python does not mind either, if it was told so.
