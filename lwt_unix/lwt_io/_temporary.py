"""Files and directories for a while.

OCaml: Lwt_io, `open_temp_file`, `with_temp_dir` and their kin (src/unix/lwt_io.ml).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import partial
from os.path import join
from typing import Final, Never, TypeVar

import lwt
import lwt_unix
from lwt import lwt_stream
from lwt._core.checks import check_callback, check_kind, given_by_position
from lwt_unix import _system as system
from lwt_unix._checks import Path, promise_of
from lwt_unix._files.paths import check_permissions, path_of
from lwt_unix.lwt_io._buffer import Mode
from lwt_unix.lwt_io._channel import OutputChannel, close
from lwt_unix.lwt_io._create import size_and_memory
from lwt_unix.lwt_io._files import open_file
from lwt_unix.lwt_io._turns import PromiseOrCoroutine

T = TypeVar("T")

_FLAGS: Final = (lwt_unix.O_WRONLY, lwt_unix.O_CREAT, lwt_unix.O_EXCL, lwt_unix.O_CLOEXEC)

_MOST_ATTEMPTS: Final = 1000
"""How many names are tried: others may have taken some."""


def _new_name(function: str, parent: Path | None, prefix: str, suffix: str) -> Callable[[], str]:
    """Check what names are made of, and return what makes one."""
    folder = os.environ.get("TMPDIR", "/tmp") if parent is None else path_of(function, parent)
    for part in prefix, suffix:
        check_kind(function, part, str, "it is a part of a name")
        path_of(function, part)
    return lambda: join(folder, f"{prefix}{system.urandom(3).hex()}{suffix}")


# --- Files -------------------------------------------------------------------


def open_temp_file(
    *_wrong: Never,
    buffer: memoryview | None = None,
    flags: Iterable[lwt_unix.Open_flag] | None = None,
    perm: int | None = None,
    temp_dir: Path | None = None,
    prefix: str = "lwt_io_temp_file_",
    suffix: str = "",
) -> lwt.Promise[tuple[str, OutputChannel]]:
    """Make a file of a new name, and return its path and a channel to write to it.

    Nobody removes the file: `with_temp_file` does.

    Args:
        buffer: the channel's buffer; see `make`.
        flags: how to open it; by default `O_WRONLY`, `O_CREAT`, `O_EXCL` and `O_CLOEXEC`.
        perm: its permissions, 0o666 by default, less those of the process's umask.
        temp_dir: where to make it; by default in `$TMPDIR`, or else in `/tmp`.
        prefix: what its name begins with; six random digits come after it.
        suffix: what its name ends with.

    Raises:
        OSError: by rejection.

    OCaml: Lwt_io.open_temp_file : ?buffer:Lwt_bytes.t -> ?flags:Unix.open_flag list ->
    ?perm:Unix.file_perm -> ?temp_dir:string -> ?prefix:string -> ?suffix:string -> unit ->
    (string * output_channel) Lwt.t
    """
    if _wrong:
        raise given_by_position(open_temp_file, _wrong)
    function = "lwt_io.open_temp_file"
    return _open_temp_file(function, buffer, flags, perm, temp_dir, prefix, suffix)


def _open_temp_file(
    function: str,
    buffer: memoryview | None,
    flags: Iterable[lwt_unix.Open_flag] | None,
    perm: int | None,
    temp_dir: Path | None,
    prefix: str,
    suffix: str,
) -> lwt.Promise[tuple[str, OutputChannel]]:
    new_name = _new_name(function, temp_dir, prefix, suffix)
    size_and_memory(function, buffer)
    if perm is not None:
        check_permissions(function, perm)
    all_flags = _FLAGS if flags is None else tuple(flags)

    def open_one(name: str) -> lwt.Promise[OutputChannel]:
        return open_file(name, mode=Mode.Output, buffer=buffer, flags=all_flags, perm=perm)

    return lwt.of_coroutine(_attempt(new_name, open_one))


async def _attempt(
    new_name: Callable[[], str], make: Callable[[str], lwt.Promise[T]]
) -> tuple[str, T]:
    """Make something of a new name; return the name, too."""
    for _ in range(_MOST_ATTEMPTS):
        name = new_name()
        try:
            return name, await make(name)
        except FileExistsError:
            pass
    name = new_name()
    return name, await make(name)


def with_temp_file(
    f: Callable[[tuple[str, OutputChannel]], PromiseOrCoroutine[T]],
    /,
    *_wrong: Never,
    buffer: memoryview | None = None,
    flags: Iterable[lwt_unix.Open_flag] | None = None,
    perm: int | None = None,
    temp_dir: Path | None = None,
    prefix: str = "lwt_io_temp_file_",
    suffix: str = "",
) -> lwt.Promise[T]:
    """Make a file of a new name, call `f((path, channel))`, and then close and remove the file.

    Args:
        f: takes a tuple of the path and the channel.
        buffer: see `open_temp_file`, like the others.
        flags: how to open it.
        perm: its permissions.
        temp_dir: where to make it.
        prefix: what its name begins with.
        suffix: what its name ends with.

    OCaml: Lwt_io.with_temp_file : ?buffer:Lwt_bytes.t -> ?flags:Unix.open_flag list ->
    ?perm:Unix.file_perm -> ?temp_dir:string -> ?prefix:string -> ?suffix:string ->
    (string * output_channel -> 'b Lwt.t) -> 'b Lwt.t
    """
    if _wrong:
        raise given_by_position(with_temp_file, _wrong)
    function = "lwt_io.with_temp_file"
    check_callback(function, f, ("path and channel",))
    opened = _open_temp_file(function, buffer, flags, perm, temp_dir, prefix, suffix)
    return lwt.bind(opened, partial(_use_file, f))


def _use_file(
    f: Callable[[tuple[str, OutputChannel]], PromiseOrCoroutine[T]],
    made: tuple[str, OutputChannel],
) -> lwt.Promise[T]:
    path, channel = made

    def clean() -> lwt.Promise[None]:
        return lwt.bind(close(channel), lambda _: lwt_unix.unlink(path))

    return lwt.finalize(partial(promise_of, "lwt_io.with_temp_file", f, made), clean)


# --- Directories -------------------------------------------------------------


def create_temp_dir(
    *_wrong: Never,
    perm: int = 0o755,
    parent: Path | None = None,
    prefix: str = "lwt_io_temp_dir_",
    suffix: str = "",
) -> lwt.Promise[str]:
    """Make a directory of a new name, and return its path.

    Nobody removes it: `with_temp_dir` does.

    Args:
        perm: its permissions, less those of the process's umask.
        parent: where to make it; by default in `$TMPDIR`, or else in `/tmp`.
        prefix: what its name begins with; six random digits come after it.
        suffix: what its name ends with.

    Raises:
        OSError: by rejection.

    OCaml: Lwt_io.create_temp_dir : ?perm:Unix.file_perm -> ?parent:string -> ?prefix:string ->
    ?suffix:string -> unit -> string Lwt.t
    """
    if _wrong:
        raise given_by_position(create_temp_dir, _wrong)
    return _create_temp_dir("lwt_io.create_temp_dir", perm, parent, prefix, suffix)


def _create_temp_dir(
    function: str, perm: int, parent: Path | None, prefix: str, suffix: str
) -> lwt.Promise[str]:
    check_permissions(function, perm)
    new_name = _new_name(function, parent, prefix, suffix)
    made = lwt.of_coroutine(_attempt(new_name, lambda name: lwt_unix.mkdir(name, perm)))
    return lwt.map(lambda name_and_unit: name_and_unit[0], made)


def with_temp_dir(
    f: Callable[[str], PromiseOrCoroutine[T]],
    /,
    *_wrong: Never,
    perm: int = 0o755,
    parent: Path | None = None,
    prefix: str = "lwt_io_temp_dir_",
    suffix: str = "",
) -> lwt.Promise[T]:
    """Make a directory of a new name, call `f(path)`, and then remove it with all that is in it.

    Args:
        f: takes the path.
        perm: see `create_temp_dir`, like the others.
        parent: where to make it.
        prefix: what its name begins with.
        suffix: what its name ends with.

    OCaml: Lwt_io.with_temp_dir : ?perm:Unix.file_perm -> ?parent:string -> ?prefix:string ->
    ?suffix:string -> (string -> 'a Lwt.t) -> 'a Lwt.t
    """
    if _wrong:
        raise given_by_position(with_temp_dir, _wrong)
    function = "lwt_io.with_temp_dir"
    check_callback(function, f, ("path",))

    def use(path: str) -> lwt.Promise[T]:
        return lwt.finalize(partial(promise_of, function, f, path), partial(_delete, path))

    return lwt.bind(_create_temp_dir(function, perm, parent, prefix, suffix), use)


def delete_recursively(directory: Path, /) -> lwt.Promise[None]:
    """Remove a directory with all that is in it.

    A symbolic link is removed, and what it leads to stays.

    Raises:
        OSError: by rejection: something could not be removed. What was removed by then is gone.

    OCaml: Lwt_io.delete_recursively : string -> unit Lwt.t
    """
    return _delete(path_of("lwt_io.delete_recursively", directory))


def _delete(directory: str) -> lwt.Promise[None]:
    return lwt.of_coroutine(_delete_all(directory))


async def _delete_all(directory: str) -> None:
    async def delete(entry: str) -> None:
        if entry in {".", ".."}:
            return
        path = join(directory, entry)
        stats = await lwt_unix.lstat(path)
        if stats.st_kind is lwt_unix.S_DIR:
            await _delete_all(path)
        else:
            await lwt_unix.unlink(path)

    await lwt_stream.iter_s(delete, lwt_unix.files_of_directory(directory))
    await lwt_unix.rmdir(directory)
