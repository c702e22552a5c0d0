"""Trying again what may fail: attempts as a stream, with pauses between them and a limit.

What is tried returns the promise of a result: `lwt.Ok(value)`, `lwt.Error(("Retry", reason))` if it may be tried
again, or `lwt.Error(("Fatal", reason))` if not. `on_error` makes the stream of its attempts: one is made when it
is asked for, until one is `Ok` or fatal. `with_sleep` has the stream wait, and `n_times` asks it for so
many attempts at most:

>>> import lwt
>>> from lwt_unix import lwt_main, lwt_retry
>>> answers = iter(["busy", "busy", "here you are"])
>>> def ask():
...     answer = next(answers)
...     return lwt.return_(lwt.Error(("Retry", answer)) if answer == "busy" else lwt.Ok(answer))
>>> attempts = lwt_retry.with_sleep(lwt_retry.on_error(ask), duration=lambda n: n / 1000)
>>> lwt_main.run(lwt_retry.n_times(5, attempts))
Ok('here you are')

An attempt is `Ok(value)`, or `Error` with a pair: the error, and the number of the attempt, from 1 on. What raises
is not tried again: an exception of the function reaches who asks for the attempt, and the next who asks has it
called anew.

OCaml: Lwt_retry (src/retry/lwt_retry.ml)
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any, Final, Literal, Never, Protocol, TypeAlias, TypeVar

import lwt
from lwt import lwt_stream
from lwt._core.checks import (
    check_bounds,
    check_callback,
    check_kind,
    given_by_position,
    with_required_label,
    wrong_result,
    wrong_type,
)
from lwt._core.driver import to_promise
from lwt._core.promise import PromiseOrCoroutine
from lwt_unix._time import sleep

__all__ = [
    # Types
    "error",
    "attempt",
    # Attempts
    "on_error",
    "with_sleep",
    "default_sleep_duration",
    "n_times",
    # Errors
    "pp_error",
    "equal_error",
]

Ok = TypeVar("Ok")
R = TypeVar("R")
F = TypeVar("F")

error: TypeAlias = tuple[Literal["Retry"], R] | tuple[Literal["Fatal"], F]
"""An error that may be tried again, or one that may not: `("Retry", r)`, `("Fatal", f)`.

OCaml: type ('retry, 'fatal) Lwt_retry.error
"""

attempt: TypeAlias = lwt.Ok[Ok] | lwt.Error[tuple[error[R, F], int]]
"""A result; if it is an error, together with the number of the attempt, from 1 on.

OCaml: type ('ok, 'retry, 'fatal) Lwt_retry.attempt
"""

_HINT: Final = 'return lwt.Ok(value), lwt.Error(("Retry", reason)) or lwt.Error(("Fatal", reason))'

# --- Attempts ----------------------------------------------------------------


def on_error(
    f: Callable[[], PromiseOrCoroutine[lwt.Ok[Ok] | lwt.Error[error[R, F]]]], /
) -> lwt_stream.Stream[attempt[Ok, R, F]]:
    """Make the stream of attempts to get a value from a function.

    The function is called when an attempt is asked for, until one is `Ok` or fatal: that is the last. If it
    raises, or its promise is rejected, so it is for who asked; that counts as an attempt, and the stream goes on.

    Args:
        f: gives `Ok(value)`, `Error(("Retry", reason))` or `Error(("Fatal", reason))`.

    OCaml: Lwt_retry.on_error :
        (unit -> ('ok, ('retry, 'fatal) error) result Lwt.t) -> ('ok, 'retry, 'fatal) attempt Lwt_stream.t
    """
    check_callback("lwt_retry.on_error", f, ())
    number = 0
    is_over = False

    def numbered(
        result: lwt.Ok[Ok] | lwt.Error[error[R, F]],
    ) -> lwt.Some[attempt[Ok, R, F]] | None:
        nonlocal is_over
        match result:
            case lwt.Ok():
                is_over = True
                return lwt.Some(result)
            case lwt.Error(("Retry" | "Fatal" as kind, _) as why) if isinstance(why, tuple):
                is_over = kind == "Fatal"
                return lwt.Some(lwt.Error((why, number)))
            case _:
                raise wrong_result(
                    "lwt_retry.on_error", f, result, "a result", _HINT, promised=True
                )

    def next_attempt() -> lwt.Promise[lwt.Some[attempt[Ok, R, F]] | None]:
        nonlocal number
        number += 1
        if is_over:
            return lwt.return_none
        return lwt.map(numbered, to_promise("lwt_retry.on_error", f, f()))

    return lwt_stream.from_(next_attempt)


def default_sleep_duration(n: int, /) -> float:
    """How long `with_sleep` waits after attempt number `n`: `n * 2 * 2 ** n` seconds.

    So 4, 16, 48, 128, 320 … seconds: it doubles each time, and a little more.

    OCaml: Lwt_retry.default_sleep_duration : int -> float
    """
    check_bounds("lwt_retry.default_sleep_duration", "n", n, -(2**62), 2**62 - 1)
    return n * 2.0 * (2.0**n if n < 1024 else inf)


def with_sleep(
    attempts: lwt_stream.Stream[attempt[Ok, R, F]],
    /,
    *_wrong: Never,
    duration: Callable[[int], float] = default_sleep_duration,
) -> lwt_stream.Stream[attempt[Ok, R, F]]:
    """Make the stream of the same attempts that waits after each which failed.

    Who asks for a failed attempt gets it only then, also if it is the last, or fatal. So the pauses are between
    the attempts of who asks for one after the other.

    Args:
        attempts: what `on_error` returned.
        duration: takes the number of the attempt, from 1 on; returns how long to wait, in seconds.

    OCaml: Lwt_retry.with_sleep :
        ?duration:(int -> float) -> ('ok, 'retry, 'fatal) attempt Lwt_stream.t ->
        ('ok, 'retry, 'fatal) attempt Lwt_stream.t
    """
    if _wrong:
        raise given_by_position(with_sleep, _wrong)
    _check_attempts("lwt_retry.with_sleep", attempts)
    check_callback("lwt_retry.with_sleep", duration, ("number",))

    def slept(tried: attempt[Ok, R, F]) -> lwt.Promise[attempt[Ok, R, F]]:
        if isinstance(tried, lwt.Ok):
            return lwt.return_(tried)
        seconds = duration(tried.error[1])
        if not isinstance(seconds, float | int):
            raise wrong_result(
                "lwt_retry.with_sleep", duration, seconds, "a number", "return seconds"
            )
        return lwt.bind(sleep(seconds), lambda _: lwt.return_(tried))

    return lwt_stream.map_s(slept, attempts)


def n_times(
    n: int, attempts: lwt_stream.Stream[attempt[Ok, R, F]], /
) -> lwt.Promise[attempt[Ok, R, F]]:
    """Ask for attempts until one is `Ok` or fatal, but at most one and `n` more; give the last.

    Raises:
        ValueError: `n` is negative.
        lwt.Failure: in the promise: the stream has no attempt.

    OCaml: Lwt_retry.n_times :
        int -> ('ok, 'retry, 'fatal) attempt Lwt_stream.t -> ('ok, 'retry, 'fatal) attempt Lwt.t
    """
    ocaml = "Lwt_retry.n_times: n must be non-negative"
    check_bounds("lwt_retry.n_times", "n", n, 0, ocaml=ocaml)
    _check_attempts("lwt_retry.n_times", attempts)

    def last(tried: list[attempt[Ok, R, F]]) -> attempt[Ok, R, F]:
        if not tried:
            raise lwt.Failure("Lwt_retry.n_times: impossible: the stream has no attempt")
        return tried[-1]

    return lwt.map(last, lwt_stream.nget(n + 1, attempts))


def _check_attempts(function: str, attempts: object) -> None:
    check_kind(function, attempts, lwt_stream.Stream, "make one with lwt_retry.on_error(f)")


# --- Errors ------------------------------------------------------------------


class _Writable(Protocol):
    """What has the method `write` that a printer calls."""

    def write(self, text: str, /) -> object:
        """Take a text."""


def _opaque(out: _Writable, _: object) -> None:
    out.write("<opaque>")


def pp_error(
    out: _Writable,
    error: error[R, F],
    /,
    *_wrong: Never,
    retry: Callable[[Any, R], object] = _opaque,
    fatal: Callable[[Any, F], object] = _opaque,
) -> None:
    """Print an error, such as `` `Retry <opaque> ``.

    Args:
        out: where: anything with a method `write(str)`, such as what a printer of `lwt_fmt` gets.
        error: what to print.
        retry: prints what may be tried again; called with `out` and the value.
        fatal: the same for what may not.

    OCaml: Lwt_retry.pp_error :
        ?retry:(Format.formatter -> 'retry -> unit) -> ?fatal:(Format.formatter -> 'fatal -> unit) ->
        Format.formatter -> ('retry, 'fatal) error -> unit
    """
    if _wrong:
        raise given_by_position(pp_error, _wrong)
    if not callable(getattr(out, "write", None)):
        raise wrong_type("lwt_retry.pp_error", "something with a method write", out)
    _check_error("lwt_retry.pp_error", error)
    check_callback("lwt_retry.pp_error", retry, ("out", "value"))
    check_callback("lwt_retry.pp_error", fatal, ("out", "value"))
    out.write(f"`{error[0]} ")
    if error[0] == "Retry":
        retry(out, error[1])
    else:
        fatal(out, error[1])


@with_required_label
def equal_error(
    a: error[R, F],
    b: error[R, F],
    /,
    *,
    retry: Callable[[R, R], bool],
    fatal: Callable[[F, F], bool],
) -> bool:
    """Tell whether two errors are of one kind, and what they carry is equal.

    Args:
        a: an error.
        b: another one.
        retry: tells whether two things that may be tried again are equal.
        fatal: the same for those that may not.

    OCaml: Lwt_retry.equal_error :
        retry:('retry -> 'retry -> bool) -> fatal:('fatal -> 'fatal -> bool) ->
        ('retry, 'fatal) error -> ('retry, 'fatal) error -> bool
    """
    _check_error("lwt_retry.equal_error", a)
    _check_error("lwt_retry.equal_error", b)
    check_callback("lwt_retry.equal_error", retry, ("a", "b"))
    check_callback("lwt_retry.equal_error", fatal, ("a", "b"))
    if a[0] == "Retry" and b[0] == "Retry":
        return retry(a[1], b[1])
    if a[0] == "Fatal" and b[0] == "Fatal":
        return fatal(a[1], b[1])
    return False


def _check_error(function: str, error: object) -> None:
    if isinstance(error, tuple) and len(error) == 2 and error[0] in ("Retry", "Fatal"):
        return
    raise wrong_type(function, 'a pair ("Retry", value) or ("Fatal", value)', error)
