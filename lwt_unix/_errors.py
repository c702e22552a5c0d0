"""Errors of the system: which call met them, and giving up as small programs do.

OCaml's `Unix.Unix_error` says three things: what went wrong, the name of the call, and what the
call was about. Here an error is an `OSError`. Where one is met, an `except` block (`note_call`) or
a `with` block (`call_named`) notes the other two in it, under the names that OCaml's Lwt uses. An
operation that waits knows the name of its call: see `_descriptors/actions`.

`log_exception` is for a program that goes on instead.

OCaml: section "Misc" of lwt_unix.ml, Unix.Unix_error and Unix.handle_unix_error.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final, NoReturn, TypeVar, final

import lwt
from lwt._core.checks import check_callback, wrong_type
from lwt._core.resolution import fatal
from lwt_unix._checks import promise_of

A = TypeVar("A")
B = TypeVar("B")

_CALL: Final = "_lwt_unix_call"
"""The attribute of an OSError that has the name of its call, and what the call was about."""


def note_call(exn: BaseException | None, name: str | None, arg: str = "") -> None:
    """Note in an error of the system which call has met it, unless that is known already.

    A name of None stands for a call of the user's, who may have noted nothing.
    """
    if isinstance(exn, OSError) and name is not None:
        vars(exn).setdefault(_CALL, (name, arg))


@final
class call_named:
    """Note the name of a call, and what it is about, in an error of the system that leaves a `with`.

    For calls that are made now and then. Where time counts, an `except` block does the same.
    """

    __slots__ = ("_arg", "_name")

    def __init__(self, name: str, arg: str = "") -> None:
        self._name = name
        self._arg = arg

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, exn: BaseException | None, __: object) -> None:
        note_call(exn, self._name, self._arg)


def unix_error(exn: OSError, /) -> tuple[int, str, str]:
    """Return what OCaml's `Unix_error` says: the number, the name of the call, its argument.

    >>> import errno, lwt_unix
    >>> from lwt_unix import lwt_main
    >>> async def main():
    ...     socket = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
    ...     async with socket:
    ...         try:
    ...             await lwt_unix.accept(socket)
    ...         except OSError as exn:
    ...             match lwt_unix.unix_error(exn):
    ...                 case errno.EINVAL, "accept", _:
    ...                     return "it does not listen"
    >>> lwt_main.run(main())
    'it does not listen'

    The name is that of OCaml's Lwt: `"connect"`, `"read"`, `"bind"`; for `sendto` it is `"send"`.
    The argument is `""` for most calls, and a path where the call takes nothing else. As in OCaml, a
    path for which an address has no room (ENAMETOOLONG) is the argument, and the name is `""`.
    If the system refuses to watch a descriptor, the name of `wait_read`, of `wait_write` and of
    what waits by `register_action` is `"wait_read"` or `"wait_write"`; OCaml has no such error.

    An OSError of another library knows no such call. Its name is `""`, and its argument is its
    `filename`, if that is a path. If it has no number, the number is 0.

    OCaml: exception Unix.Unix_error of error * string * string
    """
    if not isinstance(exn, OSError):
        raise wrong_type("lwt_unix.unix_error", "an OSError", exn)
    path = exn.filename
    of_others = "", os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ""
    name, arg = vars(exn).get(_CALL, of_others)
    number = exn.errno
    return number if isinstance(number, int) else 0, name, arg


def handle_unix_error(
    f: Callable[[A], lwt.Promise[B] | Coroutine[Any, Any, B]], x: A, /
) -> lwt.Promise[B]:
    """Call `f(x)`; on an error of the system, print it and end the process with status 2.

    The line on standard error has the program's name, the call that failed, what it was about if
    that is known, and the error. Other exceptions reject the promise.

    Raises:
        SystemExit: after an OSError.

    OCaml: Lwt_unix.handle_unix_error : ('a -> 'b Lwt.t) -> 'a -> 'b Lwt.t
    """
    check_callback("lwt_unix.handle_unix_error", f, ("x",))
    return lwt.catch(partial(promise_of, "lwt_unix.handle_unix_error", f, x), _report_and_exit)


def _report_and_exit(exn: Exception) -> lwt.Promise[NoReturn]:
    if not isinstance(exn, OSError):
        return lwt.fail(exn)
    _, name, arg = unix_error(exn)
    failed = f'"{name}" failed' if name else "failed"
    about = f' on "{arg}"' if arg else ""
    raise fatal(f"{sys.argv[0]}: {failed}{about}: {exn.strerror or exn}\n")


def log_exception(exn: Exception, /) -> None:
    """Log an exception with its traceback, and go on: the hook of a program that serves others.

        lwt.async_exception_hook.contents = lwt_unix.log_exception

    After this, an exception that leaves a function which serves a client ends the service of
    that client, and nothing else. Without it, such an exception ends the process.

    The exception goes to the logger `"lwt_unix"` of Python's `logging`, as an error. Where
    `logging` is not configured, that writes it to standard error. Where it cannot be written,
    for example because standard error is closed or full, it is lost. Nothing is raised.

    Not in OCaml.
    """
    try:
        logging.getLogger("lwt_unix").error("An exception that nobody handles:", exc_info=exn)
    except Exception:
        pass  # a log that cannot be written must not end what goes on
