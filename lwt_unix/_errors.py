"""Reporting an error of the system and giving up, as small programs do.

OCaml: section "Misc" of lwt_unix.ml, and Unix.handle_unix_error.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, NoReturn, TypeVar

import lwt
from lwt._core.checks import check_callable
from lwt_unix._checks import promise_of

A = TypeVar("A")
B = TypeVar("B")


def handle_unix_error(
    f: Callable[[A], lwt.Promise[B] | Coroutine[Any, Any, B]], x: A, /
) -> lwt.Promise[B]:
    """Call `f(x)`; on an error of the system, print it and end the process with status 2.

    The line on standard error has the program's name, the error, and the file that it is about
    if there is one. Other exceptions reject the promise.

    Raises:
        SystemExit: after an OSError.

    OCaml: Lwt_unix.handle_unix_error : ('a -> 'b Lwt.t) -> 'a -> 'b Lwt.t
    """
    check_callable("lwt_unix.handle_unix_error", f)
    return lwt.catch(partial(promise_of, "lwt_unix.handle_unix_error", f, x), _report_and_exit)


def _report_and_exit(exn: Exception) -> lwt.Promise[NoReturn]:
    if not isinstance(exn, OSError):
        return lwt.fail(exn)
    about = f" on {os.fsdecode(exn.filename)!r}" if isinstance(exn.filename, str | bytes) else ""
    print(f"{sys.argv[0]}: {exn.strerror or exn}{about}", file=sys.stderr)  # noqa: T201
    raise SystemExit(2)
