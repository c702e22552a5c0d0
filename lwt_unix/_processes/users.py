"""Users and groups.

Another computer may have to be asked for them. So each call is a job, done in a thread.

OCaml: section "User id, group id" of lwt_unix.ml.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

import lwt
from lwt._core.checks import check_bounds
from lwt_unix import _system as system
from lwt_unix._checks import checked_name
from lwt_unix._jobs.jobs import run_call

A = TypeVar("A")
E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Passwd_entry:
    """What is known of a user.

    OCaml: type Lwt_unix.passwd_entry
    """

    pw_name: str
    pw_passwd: str
    pw_uid: int
    pw_gid: int
    pw_gecos: str
    pw_dir: str
    pw_shell: str


@dataclass(frozen=True, slots=True)
class Group_entry:
    """What is known of a group.

    OCaml: type Lwt_unix.group_entry
    """

    gr_name: str
    gr_passwd: str
    gr_gid: int
    gr_mem: list[str]


def getlogin() -> lwt.Promise[str]:
    """Return the name of the user who has logged in at the terminal of this process.

    Raises:
        OSError: by rejection: ENXIO or ENOTTY, if it has no terminal.

    OCaml: Lwt_unix.getlogin : unit -> string Lwt.t
    """
    return run_call("getlogin", system.getlogin)


def getpwnam(name: str, /) -> lwt.Promise[Passwd_entry]:
    """Find a user by name.

    Raises:
        LookupError: by rejection: there is no such user.

    OCaml: Lwt_unix.getpwnam : string -> passwd_entry Lwt.t
    """
    checked_name("lwt_unix.getpwnam", "the name", name)
    return _look_up("getpwnam", f"user {name!r}", Passwd_entry, partial(system.getpwnam, name))


def getgrnam(name: str, /) -> lwt.Promise[Group_entry]:
    """Find a group by name.

    Raises:
        LookupError: by rejection: there is no such group.

    OCaml: Lwt_unix.getgrnam : string -> group_entry Lwt.t
    """
    checked_name("lwt_unix.getgrnam", "the name", name)
    return _look_up("getgrnam", f"group {name!r}", Group_entry, partial(system.getgrnam, name))


def getpwuid(uid: int, /) -> lwt.Promise[Passwd_entry]:
    """Find a user by number.

    Raises:
        LookupError: by rejection: there is no such user.

    OCaml: Lwt_unix.getpwuid : int -> passwd_entry Lwt.t
    """
    number = _number("lwt_unix.getpwuid", "uid", uid)
    return _look_up("getpwuid", f"user {uid}", Passwd_entry, partial(system.getpwuid, number))


def getgrgid(gid: int, /) -> lwt.Promise[Group_entry]:
    """Find a group by number.

    Raises:
        LookupError: by rejection: there is no such group.

    OCaml: Lwt_unix.getgrgid : int -> group_entry Lwt.t
    """
    number = _number("lwt_unix.getgrgid", "gid", gid)
    return _look_up("getgrgid", f"group {gid}", Group_entry, partial(system.getgrgid, number))


_LEAST_NUMBER: Final = -(2**31)
_MOST_NUMBER: Final = 2**32 - 1


def _number(function: str, what: str, number: int) -> int:
    """Return the number of a user or group, which some systems write as a negative one, for the system."""
    check_bounds(function, what, number, _LEAST_NUMBER, _MOST_NUMBER)
    return number & _MOST_NUMBER


def _look_up(
    name: str, what: str, entry: Callable[..., E], call: Callable[[], tuple[object, ...]]
) -> lwt.Promise[E]:
    return run_call(name, partial(_found, f"lwt_unix.{name}", what, entry, call))


def _found(
    function: str, what: str, entry: Callable[..., E], call: Callable[[], tuple[object, ...]]
) -> E:
    try:
        found = call()
    except KeyError:
        found = None
    if found is None:
        raise LookupError(f"{function}: {what} is not known")
    return entry(*found)
