"""How a child process has ended, and what it has used.

OCaml: the types `process_status`, `wait_flag` and `resource_usage` of lwt_unix.ml.
"""

from __future__ import annotations

import enum
import os
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final, TypeAlias

from lwt._core.publish import constants

# --- How it ended ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WEXITED:
    """The process has exited, with this code; 127, if the program could not be run.

    OCaml: Lwt_unix.WEXITED of int
    """

    code: int


@dataclass(frozen=True, slots=True)
class WSIGNALED:
    """The process was killed by this signal, such as `signal.SIGKILL`.

    OCaml: Lwt_unix.WSIGNALED of int
    """

    signum: int


@dataclass(frozen=True, slots=True)
class WSTOPPED:
    """The process was stopped by this signal, and may go on.

    OCaml: Lwt_unix.WSTOPPED of int
    """

    signum: int


Process_status: TypeAlias = WEXITED | WSIGNALED | WSTOPPED
"""How a process has ended, or that it was stopped.

OCaml: type Lwt_unix.process_status = WEXITED of int | WSIGNALED of int | WSTOPPED of int
"""


def status_of(status: int) -> Process_status:
    """Return what a number of the system means."""
    if os.WIFSTOPPED(status):
        return WSTOPPED(os.WSTOPSIG(status))
    if os.WIFSIGNALED(status):
        return WSIGNALED(os.WTERMSIG(status))
    return WEXITED(os.WEXITSTATUS(status))


# --- What it used ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Resource_usage:
    """What a process has used, in seconds: `ru_utime` of its own, `ru_stime` in the system.

    OCaml: type Lwt_unix.resource_usage
    """

    ru_utime: float
    ru_stime: float


# --- How to wait -------------------------------------------------------------


@constants
class Wait_flag(Enum):
    """How to wait for a process.

    OCaml: type Lwt_unix.wait_flag
    """

    WNOHANG = enum.auto()
    WUNTRACED = enum.auto()


WNOHANG: Final = Wait_flag.WNOHANG
"""Do not wait: if no process has ended, the result has the identifier 0.

OCaml: Lwt_unix.WNOHANG
"""

WUNTRACED: Final = Wait_flag.WUNTRACED
"""Also tell of a process that was stopped.

OCaml: Lwt_unix.WUNTRACED
"""

BITS: Final = MappingProxyType({WNOHANG: os.WNOHANG, WUNTRACED: os.WUNTRACED})
"""What the system calls the flags."""
