"""Starting a program in a child process.

OCaml forks, and the child opens, closes and copies descriptors before it becomes the program. Between
`fork` and `exec` the child of a program with threads may hang: a lock may be held by a thread that the
child does not have. So here `subprocess.Popen` starts the program, in C and by `vfork` or
`posix_spawn`: no line of Python runs in the child, and a large process is not copied. It does not
wait for the child; `children` does that.

What is left to do here is what `Popen` does in another way:

- The redirections of OCaml are done one after the other: what is written to 2 may be what 1 has
  become. `Popen` does them at once. So what each becomes is worked out first (`_sources`).
- `Popen` cannot leave a descriptor closed. But one that is not inherited is closed when the program
  begins (`_not_inherited`).
- `Popen` raises if the program cannot be run. In OCaml the child ends with 127 then, as that of a
  shell does. So a child is started that does so: its identifier, its pipes and its end are real.
- `Popen` looks for the program where the child's environment says; OCaml's C library where ours does,
  and it has a script without `#!` run by the shell.

OCaml: `unix_spawn` in lwt_process.ml, and the same in `system` of lwt_unix.ml.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from os.path import join
from typing import Final, Literal, TypeAlias

import lwt
from lwt._core.checks import check_iterable, wrong_type
from lwt_unix import _system as system
from lwt_unix._checks import Path, check_fd, checked_path
from lwt_unix._errors import call_named, note_call
from lwt_unix._processes.children import Ended, let_children_be_waited_for, wait_for

Word: TypeAlias = str | bytes | os.PathLike[str] | os.PathLike[bytes]
"""A name or an argument of a program."""

Command: TypeAlias = tuple[Word, Iterable[Word]]
"""The name of a program, and its arguments from the name on."""

Environment: TypeAlias = Mapping[str, str] | Iterable[str | bytes]
"""The variables of a program: a mapping, or `NAME=value` each."""

Redirection: TypeAlias = (
    Literal["Keep", "Dev_null", "Close"]
    | tuple[Literal["FD_copy"], int]
    | tuple[Literal["FD_move"], int]
)
"""What a standard descriptor of a program is."""

CLOSED: Final = -1
DEV_NULL: Final = subprocess.DEVNULL

SHELL: Final = b"/bin/sh"

_NO_CHILD: Final = frozenset({errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE})
"""What the system says when it can start no child at all."""


# --- Arguments ---------------------------------------------------------------


def checked_command(function: str, command: Command) -> tuple[bytes, list[bytes]]:
    """Check a command; return the name of the program, and its arguments."""
    hint = 'such as ("", ["ls", "-l"]), or lwt_process.shell("ls -l")'
    if not isinstance(command, tuple) or len(command) != 2:
        raise wrong_type(function, "a command, which is a name and arguments", command, hint)
    name, given = command
    if isinstance(given, str | bytes):
        raise wrong_type(function, "an iterable of arguments", given, hint)
    arguments = [
        _word(function, "an argument", one)
        for one in check_iterable(function, given, "an iterable of arguments")
    ]
    program = _word(function, "the name of a program", name)
    if not program and arguments:
        program = arguments[0]
    return program, arguments or [b""]  # As much has Linux itself put in where there are none.


def _word(function: str, what: str, word: Word) -> bytes:
    if not isinstance(word, str | bytes | os.PathLike):
        raise wrong_type(function, what, word)
    problem = "it has a NUL in it"
    try:
        encoded = os.fsencode(word)
        if b"\0" not in encoded:
            return encoded
    except UnicodeEncodeError as exn:
        problem = exn.reason
    raise ValueError(f"{function}: {what}, {word!r}, cannot be given to a program: {problem}")


def checked_environment(function: str, env: Environment | None) -> dict[bytes, bytes] | None:
    """Check the variables of a program; of two with one name, the first one counts."""
    if env is None:
        return None
    variables: dict[bytes, bytes] = {}
    if isinstance(env, Mapping):
        for name, value in env.items():
            encoded = _word(function, "the name of a variable", name)
            if not encoded or b"=" in encoded:
                raise ValueError(f"{function}: {name!r} cannot be the name of a variable")
            variables[encoded] = _word(function, "the value of a variable", value)
        return variables
    if isinstance(env, str | bytes):
        raise wrong_type(function, "an iterable of variables", env, 'such as ["HOME=/"]')
    for one in check_iterable(function, env, "an iterable of variables"):
        name, is_given, value = _word(function, "a variable", one).partition(b"=")
        if not is_given or not name:
            hint = 'write "NAME=value", or give a mapping'
            raise ValueError(f"{function}: {one!r} is not a variable with its value; {hint}")
        variables.setdefault(name, value)
    return variables


def checked_directory(function: str, cwd: Path | None) -> bytes | None:
    """Check the directory in which a program begins."""
    if cwd is None:
        return None
    if not isinstance(cwd, str | bytes | os.PathLike):
        raise wrong_type(function, "a path", cwd)
    return os.fsencode(checked_path(function, cwd))


# --- Redirections ------------------------------------------------------------


def _sources(
    function: str, redirections: tuple[Redirection, Redirection, Redirection]
) -> tuple[list[int], list[int]]:
    """Return which descriptor of ours each standard descriptor becomes, and those to close afterwards.

    Raises:
        OSError: EBADF, if one is not open (any more).
    """
    sources = [0, 1, 2]
    moved: list[int] = []
    for target, redirection in enumerate(redirections):
        match redirection:
            case "Keep":
                pass
            case "Dev_null":
                sources[target] = DEV_NULL
            case "Close":
                sources[target] = CLOSED
            case ("FD_copy" | "FD_move" as how, int(fd)):
                check_fd(function, fd)
                sources[target] = _source(sources, moved, fd)
                if how == "FD_move":
                    moved.append(fd)
                    if fd <= 2:
                        sources[fd] = CLOSED
            case _:
                hint = 'write "Keep", "Dev_null", "Close", ("FD_copy", fd) or ("FD_move", fd)'
                raise wrong_type(function, "a redirection", redirection, hint)
    return sources, moved


def _source(sources: list[int], moved: list[int], fd: int) -> int:
    """Return the descriptor of ours that a child has under this number by now."""
    source = sources[fd] if fd <= 2 else fd
    with call_named("dup2"):
        if source == CLOSED or fd in moved:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        if source != DEV_NULL:
            system.fstat(source)
    return source


@contextmanager
def _not_inherited(fds: Iterable[int]) -> Generator[None, None, None]:
    """Have a program that is started meanwhile not inherit these descriptors of ours."""
    inherited: list[int] = []
    try:
        for fd in fds:
            try:
                if system.get_inheritable(fd):
                    system.set_inheritable(fd, False)
                    inherited.append(fd)
            except OSError:
                pass  # It is closed already.
        yield
    finally:
        for fd in inherited:
            system.set_inheritable(fd, True)


# --- Starting ----------------------------------------------------------------


def start(
    program: bytes,
    arguments: list[bytes],
    env: dict[bytes, bytes] | None,
    cwd: bytes | None,
    sources: Sequence[int],
) -> int:
    """Start a program, or a child that ends with 127 if it cannot be run; return its identifier."""
    path = _found(program, cwd)
    try:
        return _run(path, arguments, env, cwd, sources)
    except OSError as exn:
        problem = exn
    if problem.errno == errno.ENOEXEC:
        try:
            return _run(SHELL, [SHELL, path, *arguments[1:]], env, cwd, sources)
        except OSError as exn:
            problem = exn
    if problem.errno in _NO_CHILD:
        note_call(problem, "fork")
        raise problem
    try:
        return _run(SHELL, [SHELL, b"-c", b"exit 127"], {}, None, sources)
    except OSError:
        note_call(problem, "fork")
        raise problem from None


def _found(program: bytes, cwd: bytes | None) -> bytes:
    """Return the path of a program, as the C library finds it."""
    if b"/" in program or not program:
        return program or b"/"  # Which cannot be run.
    for directory in os.fsencode(system.executable_path()).split(b":"):
        path = (directory or b".") + b"/" + program
        if system.is_executable(path if cwd is None else join(cwd, path)):
            return path
    return b"/"


def _run(
    path: bytes,
    arguments: list[bytes],
    env: dict[bytes, bytes] | None,
    cwd: bytes | None,
    sources: Sequence[int],
) -> int:
    stdin, stdout, stderr = (
        None if source in {target, CLOSED} else source for target, source in enumerate(sources)
    )
    closed = [target for target, source in enumerate(sources) if source == CLOSED]
    with _not_inherited(closed):
        process = system.Popen(
            arguments,
            executable=path,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            close_fds=False,
            # Python refuses an empty name where it calls `posix_spawn`, which it does not with a directory.
            cwd=b"." if cwd is None and not arguments[0] else cwd,
            env=env,
        )
    process.returncode = 0  # It is our child: otherwise `subprocess` would wait for it.
    return process.pid


def start_and_wait(
    function: str,
    command: Command,
    env: Environment | None,
    cwd: Path | None,
    redirections: tuple[Redirection, Redirection, Redirection],
) -> tuple[int, lwt.Promise[Ended]]:
    """Start a command, and wait for its end; return its identifier, and the promise of that."""
    program, arguments = checked_command(function, command)
    variables = checked_environment(function, env)
    directory = checked_directory(function, cwd)
    sources, moved = _sources(function, redirections)
    let_children_be_waited_for()
    with _not_inherited(fd for fd in moved if fd > 2):
        pid = start(program, arguments, variables, directory, sources)
    try:
        ended = wait_for("wait4", pid, 0)
    except BaseException:  # There is no way to hear of its end, say: no descriptor is left.
        system.kill(pid, signal.SIGKILL)
        system.wait4(pid, 0)
        raise
    for fd in moved:
        with call_named("close"):
            system.close(fd)
    return pid, ended


KEPT: Final[tuple[Redirection, Redirection, Redirection]] = ("Keep", "Keep", "Keep")
