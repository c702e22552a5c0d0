"""The checks of arguments that only input and output need; the others are in `lwt._core.checks`.

    lwt_unix.sleep: expected a number of seconds, got '1' (str)

Parts of buffers are checked in `_descriptors/buffers`, addresses in `_sockets/sockaddr`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Final, TypeAlias, TypeVar

from lwt._core.checks import wrong_type
from lwt._core.driver import to_promise
from lwt._core.promise import Promise, PromiseOrCoroutine

T = TypeVar("T")

Path: TypeAlias = str | bytes | os.PathLike[str] | os.PathLike[bytes]
"""What names a file."""

MOST_FD: Final = 2**31 - 1
"""The largest number of a descriptor."""

C_INT: Final = (-(2**31), 2**31 - 1)
"""The least and the largest int of C."""


def check_fd(function: str, fd: object) -> None:
    """Raise unless this is a number that a descriptor of the system can have.

    Raises:
        TypeError: it is not an int.
        ValueError: it is negative, or larger than the system calls take.
    """
    if not isinstance(fd, int) or isinstance(fd, bool):
        hint = "pass its number"
        if hasattr(fd, "fileno"):
            hint += ", or its fileno(), or its detach() where it is to be given up"
        raise wrong_type(function, "a file descriptor", fd, hint)
    if fd < 0:
        raise ValueError(
            f"{function}: {fd} is not a file descriptor; the fileno() of a closed socket is -1"
        )
    if fd > MOST_FD:
        raise ValueError(f"{function}: {fd} is not a file descriptor; none is above {MOST_FD}")


def check_seconds(function: str, seconds: object) -> None:
    """Raise a TypeError unless this is a number, which a bool is not."""
    if not isinstance(seconds, int | float) or isinstance(seconds, bool):
        raise wrong_type(function, "a number of seconds", seconds)


def check_delay(function: str, delay: object) -> None:
    """Raise unless this is a number of seconds; a negative one counts as 0.

    Raises:
        TypeError: it is not a number.
        ValueError: it is a NaN, for which OCaml's timers have no order, or no float is as large.
    """
    if type(delay) is not float:
        check_seconds(function, delay)
        if isinstance(delay, int) and abs(delay) > sys.float_info.max:
            raise ValueError(f"{function}: no float is as large as the delay; math.inf is never")
    if delay != delay:  # noqa: PLR0124  (only a NaN differs from itself)
        raise ValueError(f"{function}: the delay is NaN; expected a number of seconds")


def checked_path(function: str, path: Path, *, may_begin_with_nul: bool = False) -> str:
    """Return a path as a str; raise a ValueError if the system cannot be told of it."""
    path = os.fsdecode(path)
    if "\0" in path and not (may_begin_with_nul and path.startswith("\0")):
        # The system would take what stands before it, without a word.
        raise ValueError(f"{function}: the path {path!r} has a NUL in it, which no path can")
    try:
        os.fsencode(path)
        return path
    except UnicodeEncodeError as exn:
        problem = exn.reason
    raise ValueError(f"{function}: the path {path!r} cannot be written in bytes: {problem}")


def checked_name(function: str, what: str, name: str) -> bytes:
    """Return the name of a host, a user or the like in bytes.

    Raises:
        TypeError: it is no str.
        ValueError: it has a NUL in it, where the system would end it without a word, or it cannot be
            written in bytes.
    """
    if not isinstance(name, str):
        raise wrong_type(function, f"a str for {what}", name)
    if "\0" in name:
        raise ValueError(f"{function}: {what} {name!r} has a NUL in it, which no name has")
    try:
        return os.fsencode(name)
    except UnicodeEncodeError as exn:
        problem = exn.reason
    raise ValueError(f"{function}: {what} {name!r} cannot be written in bytes: {problem}")


def promise_of(
    function: str, callback: Callable[..., PromiseOrCoroutine[T]], *arguments: object
) -> Promise[T]:
    """Call a callback and return its promise.

    Raises:
        TypeError: it returned something else; the message names it.
    """
    return to_promise(function, callback, callback(*arguments))


def in_ocaml(function: str) -> str:
    """Return a function's name as OCaml's own texts have it, to begin the text of a ValueError.

    A name that is OCaml's already stays as it is.
    """
    return f"L{function[1:]}"
