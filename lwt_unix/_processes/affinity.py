"""On which processors a process runs.

OCaml: section "CPUs" of lwt_unix.ml.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Never

from lwt._core.checks import check_bounds, check_iterable, given_by_position
from lwt_unix import _system as system
from lwt_unix._checks import C_INT
from lwt_unix._errors import call_named
from lwt_unix.lwt_sys import Not_available

_MOST_CPU: Final = 1023
"""The largest number for which the C library has room."""


def get_cpu() -> int:
    """Return the number of the processor on which the process runs just now.

    Raises:
        lwt_sys.Not_available: the system does not tell (macOS).

    OCaml: Lwt_unix.get_cpu : unit -> int
    """
    with call_named("sched_getcpu"):
        return system.sched_getcpu()


def get_affinity(*_wrong: Never, pid: int = 0) -> list[int]:
    """Return the numbers of the processors on which a process may run.

    Args:
        pid: the process; 0 is this one.

    Raises:
        lwt_sys.Not_available: the system does not tell (macOS).
        OSError: ESRCH, if there is no such process.

    OCaml: Lwt_unix.get_affinity : ?pid:int -> unit -> int list
    """
    if _wrong:
        raise given_by_position(get_affinity, _wrong)
    check_bounds("lwt_unix.get_affinity", "pid", pid, *C_INT)
    if system.sched_getaffinity is None:
        raise Not_available("get_affinity")
    with call_named("sched_getaffinity"):
        return sorted(system.sched_getaffinity(pid))


def set_affinity(cpus: Iterable[int], /, *_wrong: Never, pid: int = 0) -> None:
    """Choose the processors on which a process may run.

    Only the thread that calls this is bound, if the process is this one, and those that it starts later.

    Args:
        cpus: their numbers, from 0 on. Those that the system does not have are ignored.
        pid: the process; 0 is this one.

    Raises:
        lwt_sys.Not_available: the system leaves no choice (macOS).
        OSError: EINVAL, if the system has none of these processors; ESRCH, if there is no such
            process.

    OCaml: Lwt_unix.set_affinity : ?pid:int -> int list -> unit
    """
    if _wrong:
        raise given_by_position(set_affinity, _wrong)
    function = "lwt_unix.set_affinity"
    check_bounds(function, "pid", pid, *C_INT)
    numbers = [*check_iterable(function, cpus, "an iterable of numbers of processors")]
    for number in numbers:
        check_bounds(function, "the processor", number, 0, _MOST_CPU)
    if system.sched_setaffinity is None:
        raise Not_available("set_affinity")
    with call_named("sched_setaffinity"):
        system.sched_setaffinity(pid, numbers)
