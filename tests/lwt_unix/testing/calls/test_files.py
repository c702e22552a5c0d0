"""Calls on files of a simulated world: any sequence of them gives what Linux gives."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lwt_unix import _system as system
from lwt_unix import testing
from lwt_unix.testing._files import tree

NOBODY = 65_534

Operation = tuple[str, tuple[Any, ...]]

ON_PATHS: dict[str, tuple[st.SearchStrategy[Any], ...]]


def outcome(call: Callable[..., Any], *arguments: Any) -> Any:
    """What a call gives, or its error with all that Python puts into it."""
    try:
        return call(*arguments)
    except OSError as exn:
        about = "a number" if isinstance(exn.filename, int) else exn.filename
        return errno.errorcode[exn.errno or 0], exn.strerror, about, exn.filename2


def known(found: Any) -> Any:
    """What of a status is the same everywhere. Of directories, only some file systems count the links."""
    if not isinstance(found, os.stat_result):
        return found
    mode = found.st_mode
    return (mode,) if stat.S_ISDIR(mode) else (mode, found.st_nlink, found.st_size)


class Doing:
    """Does operations, with the names of `_system`; descriptors are known by the order of opening."""

    def __init__(self) -> None:
        self.fds: list[int] = []
        self.top = system.getcwd().removesuffix("/base")

    def do(self, operation: Operation) -> Any:
        name, arguments = operation
        call = getattr(self, name, None) or getattr(system, name)
        if name in ON_NUMBERS:
            if not self.fds:
                return None
            arguments = (self.fds[arguments[0] % len(self.fds)], *arguments[1:])
        return known(outcome(call, *arguments))

    def open(self, path: str, flags: int, mode: int) -> str:
        self.fds.append(system.open(path, flags, mode))
        return "opened"

    def dup(self, fd: int) -> str:
        self.fds.append(system.dup(fd))
        return "opened"

    def scandir(self, fd: int) -> list[str]:
        with_entries = system.scandir(fd)
        names = sorted(entry.name for entry in with_entries)
        with_entries.close()
        return names

    def lseek(self, fd: int, place: int, how: int) -> int | None:
        # In a directory, each file system has places of its own.
        return None if stat.S_ISDIR(system.fstat(fd).st_mode) else system.lseek(fd, place, how)

    def getcwd(self) -> str:
        return system.getcwd().removeprefix(self.top)

    def preadv(self, fd: int, size: int, place: int) -> tuple[int, bytes]:
        buffers = bytearray(size), bytearray(3)
        return system.preadv(fd, buffers, place), b"".join(buffers)

    def end(self) -> None:
        for fd in set(self.fds):
            outcome(system.close, fd)


def really(operations: list[Operation], parent: Path) -> list[Any]:
    outer = tempfile.mkdtemp(dir=parent)  # A link may lead there.
    folder, base, before = f"{outer}/jail", f"{outer}/jail/base", os.getcwd()
    umask = os.umask(tree.UMASK)
    os.chmod(outer, 0o755)
    os.makedirs(base)
    os.chdir(base)
    doing = Doing()
    try:
        with as_nobody(outer, folder, base):
            return [doing.do(operation) for operation in operations]
    finally:
        doing.end()
        os.chdir(before)
        os.umask(umask)
        shutil.rmtree(outer)


@contextmanager
def as_nobody(*folders: str) -> Iterator[None]:
    """Be an ordinary user for a while, if this is root, who may do everything."""
    if os.geteuid():
        yield
        return
    for folder in folders:
        os.chown(folder, NOBODY, NOBODY)
    os.setresgid(NOBODY, NOBODY, 0)
    os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
        os.setresgid(0, 0, 0)


def simulated(operations: list[Operation]) -> list[Any]:
    async def main() -> list[Any]:
        system.mkdir("/tmp/jail", 0o777)
        system.mkdir("/tmp/jail/base", 0o777)
        system.chdir("/tmp/jail/base")
        doing = Doing()
        return [doing.do(operation) for operation in operations]

    return testing.simulate(main)


# --- Operations --------------------------------------------------------------

paths = st.sampled_from(
    [
        *("a", "b", "d", "d/a", "d/e", "l", "l/a", "d/e/b"),
        *("a/", "d/", "l/", "./a", "d/../a", "a/..", "../a", "../base", "a/b", "d/./e"),
        *(".", "..", "d/.", "d/..", "", "x" * 255, "x" * 256, "d/" + "y" * 256, "z/" * 2_100),
    ]
)
new_paths = st.sampled_from(["a", "b", "d", "d/a", "d/e", "l"])
targets = st.sampled_from(["a", "d", "l", "b", "../base/a", "d/a", ".", "nowhere", ""])
permissions = st.sampled_from([0o644, 0o600, 0o777, 0o755, 0o400, 0o200, 0o000, 0o500, 0o300])
places = st.sampled_from([0, 1, 3, 10, 100, -1, 5_000])
number = st.integers(0, 5)
data = st.binary(max_size=8)
access = st.sampled_from([os.O_RDONLY, os.O_WRONLY, os.O_RDWR])
more = st.sampled_from(
    [0, os.O_CREAT, os.O_CREAT, os.O_TRUNC, os.O_EXCL, os.O_APPEND, os.O_DIRECTORY, os.O_NOFOLLOW]
)
flags = st.builds(lambda kind, *bits: kind | bits[0] | bits[1], access, more, more).filter(
    lambda bits: (
        not (bits & os.O_CREAT and bits & os.O_DIRECTORY)
    )  # Linux 6.4 changed what that does.
)

ON_PATHS = {
    "open": (paths, flags, permissions),
    "stat": (paths,),
    "lstat": (paths,),
    "truncate": (paths, places),
    "unlink": (paths,),
    "rename": (paths, paths),
    "link": (paths, paths),
    "symlink": (targets, paths),
    "readlink": (paths,),
    "mkdir": (paths, permissions),
    "rmdir": (paths,),
    "chmod": (paths, permissions),
    "check_access": (paths, st.integers(0, 7)),
    "chdir": (st.sampled_from(["d", "a", "d/e", "l", "."]),),
    "getcwd": (),
}
ON_NUMBERS = {
    "close": (number,),
    "dup": (number,),
    "read": (number, st.integers(0, 12)),
    "write": (number, data),
    "pread": (number, st.integers(0, 12), places),
    "preadv": (number, st.integers(0, 12), st.sampled_from([0, 2, 100, -2])),
    "pwrite": (number, data, places),
    "lseek": (number, places, st.integers(0, 2)),
    "ftruncate": (number, places),
    "fstat": (number,),
    "fsync": (number,),
    "fchmod": (number, permissions),
    "scandir": (number,),
    "isatty": (number,),
}

usual = st.one_of(
    st.tuples(st.just("open"), st.tuples(new_paths, st.just(os.O_RDWR | os.O_CREAT), permissions)),
    st.tuples(st.just("mkdir"), st.tuples(new_paths, st.sampled_from([0o777, 0o755]))),
    st.tuples(st.just("symlink"), st.tuples(targets, new_paths)),
)
any_call = st.one_of(
    *[
        st.tuples(st.just(name), st.tuples(*arguments))
        for name, arguments in {**ON_PATHS, **ON_NUMBERS}.items()
    ]
)
programs = st.lists(usual | any_call | any_call, max_size=25)


@pytest.mark.skipif(sys.platform != "linux", reason="it is Linux that is simulated")
@settings(
    max_examples=100,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(operations=programs)
def test_any_sequence_of_calls_gives_what_linux_gives(
    operations: list[Operation], tmp_path: Path
) -> None:
    assert simulated(operations) == really(operations, tmp_path)
