"""Starting a child process, and closing it at the end.

OCaml: `open_process_none` and so on, `with_process_none` and so on, in lwt_process.ml.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Never, TypeVar

import lwt
from lwt._core.checks import check_callback, given_by_position
from lwt._core.promise import PromiseOrCoroutine
from lwt_unix._checks import Path, promise_of
from lwt_unix._processes.starting import Command, Environment, Redirection
from lwt_unix.lwt_process._processes import (
    Redirections,
    process,
    process_full,
    process_in,
    process_none,
    process_out,
)

T = TypeVar("T")
P = TypeVar("P", bound=process_none)


def opened(
    kind: type[P],
    function: str,
    command: Command,
    timeout: float | None,
    env: Environment | None,
    cwd: Path | None,
    wanted: Redirections,
) -> P:
    """Start a process of some class, for the function of this name."""
    started = kind.__new__(kind)
    started._start(function, command, timeout, env, cwd, wanted)
    return started


# --- Opening -----------------------------------------------------------------


def open_process_none(
    command: Command,
    /,
    *_wrong: Never,
    timeout: float | None = None,
    env: Environment | None = None,
    cwd: Path | None = None,
    stdin: Redirection = "Keep",
    stdout: Redirection = "Keep",
    stderr: Redirection = "Keep",
) -> process_none:
    """Start a process: `process_none(command, …)`.

    OCaml: Lwt_process.open_process_none : ?timeout:float -> ?env:string array -> ?cwd:string ->
    ?stdin:redirection -> ?stdout:redirection -> ?stderr:redirection -> command -> process_none
    """
    if _wrong:
        raise given_by_position(open_process_none, _wrong)
    wanted = (stdin, stdout, stderr)
    return opened(process_none, "lwt_process.open_process_none", command, timeout, env, cwd, wanted)


def open_process_in(
    command: Command,
    /,
    *_wrong: Never,
    timeout: float | None = None,
    env: Environment | None = None,
    cwd: Path | None = None,
    stdin: Redirection = "Keep",
    stderr: Redirection = "Keep",
) -> process_in:
    """Start a process: `process_in(command, …)`.

    OCaml: Lwt_process.open_process_in : ?timeout:float -> ?env:string array -> ?cwd:string ->
    ?stdin:redirection -> ?stderr:redirection -> command -> process_in
    """
    if _wrong:
        raise given_by_position(open_process_in, _wrong)
    wanted = (stdin, None, stderr)
    return opened(process_in, "lwt_process.open_process_in", command, timeout, env, cwd, wanted)


def open_process_out(
    command: Command,
    /,
    *_wrong: Never,
    timeout: float | None = None,
    env: Environment | None = None,
    cwd: Path | None = None,
    stdout: Redirection = "Keep",
    stderr: Redirection = "Keep",
) -> process_out:
    """Start a process: `process_out(command, …)`.

    OCaml: Lwt_process.open_process_out : ?timeout:float -> ?env:string array -> ?cwd:string ->
    ?stdout:redirection -> ?stderr:redirection -> command -> process_out
    """
    if _wrong:
        raise given_by_position(open_process_out, _wrong)
    wanted = (None, stdout, stderr)
    return opened(process_out, "lwt_process.open_process_out", command, timeout, env, cwd, wanted)


def open_process(
    command: Command,
    /,
    *_wrong: Never,
    timeout: float | None = None,
    env: Environment | None = None,
    cwd: Path | None = None,
    stderr: Redirection = "Keep",
) -> process:
    """Start a process: `process(command, …)`.

    OCaml: Lwt_process.open_process : ?timeout:float -> ?env:string array -> ?cwd:string ->
    ?stderr:redirection -> command -> process
    """
    if _wrong:
        raise given_by_position(open_process, _wrong)
    wanted = (None, None, stderr)
    return opened(process, "lwt_process.open_process", command, timeout, env, cwd, wanted)


def open_process_full(
    command: Command,
    /,
    *_wrong: Never,
    timeout: float | None = None,
    env: Environment | None = None,
    cwd: Path | None = None,
) -> process_full:
    """Start a process: `process_full(command, …)`.

    OCaml: Lwt_process.open_process_full : ?timeout:float -> ?env:string array -> ?cwd:string ->
    command -> process_full
    """
    if _wrong:
        raise given_by_position(open_process_full, _wrong)
    wanted = (None, None, None)
    return opened(process_full, "lwt_process.open_process_full", command, timeout, env, cwd, wanted)


# --- Using -------------------------------------------------------------------


def _use(function: str, started: P, f: Callable[[P], PromiseOrCoroutine[T]]) -> lwt.Promise[T]:
    """Call a function on a process, and close that when the promise is resolved."""
    return lwt.finalize(partial(promise_of, function, f, started), started.close)


def with_process_none(
    command: Command,
    f: Callable[[process_none], PromiseOrCoroutine[T]],
    /,
    *_wrong: Never,
    timeout: float | None = None,
    env: Environment | None = None,
    cwd: Path | None = None,
    stdin: Redirection = "Keep",
    stdout: Redirection = "Keep",
    stderr: Redirection = "Keep",
) -> lwt.Promise[T]:
    """Start a `process_none`, call `f(process)`, and close the process when the promise of that is resolved.

    `async with lwt_process.process_none(…) as process:` does the same.

    OCaml: Lwt_process.with_process_none : ?timeout:float -> ?env:string array -> ?cwd:string ->
    ?stdin:redirection -> ?stdout:redirection -> ?stderr:redirection -> command -> (process_none ->
    'a Lwt.t) -> 'a Lwt.t
    """
    if _wrong:
        raise given_by_position(with_process_none, _wrong)
    function = "lwt_process.with_process_none"
    check_callback(function, f, ("process",))
    wanted = (stdin, stdout, stderr)
    return _use(function, opened(process_none, function, command, timeout, env, cwd, wanted), f)


def with_process_in(
    command: Command,
    f: Callable[[process_in], PromiseOrCoroutine[T]],
    /,
    *_wrong: Never,
    timeout: float | None = None,
    env: Environment | None = None,
    cwd: Path | None = None,
    stdin: Redirection = "Keep",
    stderr: Redirection = "Keep",
) -> lwt.Promise[T]:
    """Start a `process_in`, call `f(process)`, and close the process when the promise of that is resolved.

    `async with lwt_process.process_in(…) as process:` does the same.

    OCaml: Lwt_process.with_process_in : ?timeout:float -> ?env:string array -> ?cwd:string ->
    ?stdin:redirection -> ?stderr:redirection -> command -> (process_in -> 'a Lwt.t) -> 'a Lwt.t
    """
    if _wrong:
        raise given_by_position(with_process_in, _wrong)
    function = "lwt_process.with_process_in"
    check_callback(function, f, ("process",))
    wanted = (stdin, None, stderr)
    return _use(function, opened(process_in, function, command, timeout, env, cwd, wanted), f)


def with_process_out(
    command: Command,
    f: Callable[[process_out], PromiseOrCoroutine[T]],
    /,
    *_wrong: Never,
    timeout: float | None = None,
    env: Environment | None = None,
    cwd: Path | None = None,
    stdout: Redirection = "Keep",
    stderr: Redirection = "Keep",
) -> lwt.Promise[T]:
    """Start a `process_out`, call `f(process)`, and close the process when the promise of that is resolved.

    `async with lwt_process.process_out(…) as process:` does the same.

    OCaml: Lwt_process.with_process_out : ?timeout:float -> ?env:string array -> ?cwd:string ->
    ?stdout:redirection -> ?stderr:redirection -> command -> (process_out -> 'a Lwt.t) -> 'a Lwt.t
    """
    if _wrong:
        raise given_by_position(with_process_out, _wrong)
    function = "lwt_process.with_process_out"
    check_callback(function, f, ("process",))
    wanted = (None, stdout, stderr)
    return _use(function, opened(process_out, function, command, timeout, env, cwd, wanted), f)


def with_process(
    command: Command,
    f: Callable[[process], PromiseOrCoroutine[T]],
    /,
    *_wrong: Never,
    timeout: float | None = None,
    env: Environment | None = None,
    cwd: Path | None = None,
    stderr: Redirection = "Keep",
) -> lwt.Promise[T]:
    """Start a `process`, call `f(process)`, and close the process when the promise of that is resolved.

    `async with lwt_process.process(…) as process:` does the same.

    OCaml: Lwt_process.with_process : ?timeout:float -> ?env:string array -> ?cwd:string ->
    ?stderr:redirection -> command -> (process -> 'a Lwt.t) -> 'a Lwt.t
    """
    if _wrong:
        raise given_by_position(with_process, _wrong)
    function = "lwt_process.with_process"
    check_callback(function, f, ("process",))
    wanted = (None, None, stderr)
    return _use(function, opened(process, function, command, timeout, env, cwd, wanted), f)


def with_process_full(
    command: Command,
    f: Callable[[process_full], PromiseOrCoroutine[T]],
    /,
    *_wrong: Never,
    timeout: float | None = None,
    env: Environment | None = None,
    cwd: Path | None = None,
) -> lwt.Promise[T]:
    """Start a `process_full`, call `f(process)`, and close the process when the promise of that is resolved.

    `async with lwt_process.process_full(…) as process:` does the same.

    OCaml: Lwt_process.with_process_full : ?timeout:float -> ?env:string array -> ?cwd:string ->
    command -> (process_full -> 'a Lwt.t) -> 'a Lwt.t
    """
    if _wrong:
        raise given_by_position(with_process_full, _wrong)
    function = "lwt_process.with_process_full"
    check_callback(function, f, ("process",))
    wanted = (None, None, None)
    return _use(function, opened(process_full, function, command, timeout, env, cwd, wanted), f)
