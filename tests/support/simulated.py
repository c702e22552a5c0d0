"""Tests in the simulated world: what they do past Lwt, by `os` and `socket`, they do in that world too.

So a test runs in both worlds as it is. What stands here is the other side of a test: the numbers that it looks
at, and what another process would do. A call that would have to wait lets happen what happens by now.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lwt_unix import _system as system
from lwt_unix import testing
from lwt_unix._system import SocketKind
from lwt_unix.testing import World
from lwt_unix.testing._world.world import FIRST_FD


@contextmanager
def simulated(folder: Path | None) -> Iterator[World]:
    """Have a simulated world for a `with` block, with a folder, and `os` and `socket` be of that world."""
    with testing.in_world() as world, pytest.MonkeyPatch.context() as patch:
        for path in () if folder is None else (*reversed(folder.parents[:-1]), folder):
            with suppress(FileExistsError):
                system.mkdir(str(path), 0o755)
        if folder is not None:
            for name in ON_PATHS:
                patch.setattr(os, name, _of_folder(folder, getattr(os, name), vars(system)[name]))
            patch.setattr(os, "listdir", _of_folder(folder, os.listdir, _names_in))
            patch.setattr(os, "scandir", _of_folder(folder, os.scandir, _entries_in))
            for module in io, builtins:
                patch.setattr(module, "open", _of_folder(folder, io.open, World_file))
        for name in ON_NUMBERS:
            patch.setattr(os, name, _of_either(getattr(os, name), _of_world(name)))
        for name in ("pipe", "dup"):
            patch.setattr(os, name, vars(system)[name])
        patch.setattr(socket, "socket", World_socket)
        for make in (create_connection, create_server, socketpair):
            patch.setattr(socket, make.__name__, make)
        yield world


# --- Numbers -----------------------------------------------------------------

ON_NUMBERS = (
    *("read", "readv", "write", "writev", "close", "dup2", "fstat", "isatty", "lseek"),
    *("get_blocking", "set_blocking", "get_inheritable", "set_inheritable"),
    *("pread", "pwrite", "ftruncate"),
)
"""The functions of `os` that tests call, and whose first argument is a number."""


def _of_world(name: str) -> Callable[..., object]:
    return _get_blocking if name == "get_blocking" else vars(system)[name]


def _get_blocking(fd: int) -> bool:
    return testing.world().description(fd).is_blocking


def _of_either(real: Callable[..., object], its: Callable[..., object]) -> Callable[..., object]:
    """Return a function for the numbers of both worlds."""
    return lambda fd, *arguments: (its if fd >= FIRST_FD else real)(fd, *arguments)


# --- Files -------------------------------------------------------------------

ON_PATHS = (
    *("stat", "lstat", "unlink", "rmdir", "mkdir", "rename", "symlink", "link", "readlink"),
    *("chmod", "truncate", "utime", "open"),
)
"""The functions of `os` that tests call, and whose first argument is a path."""

os_symlink = os.symlink


def _of_folder(
    folder: Path, real: Callable[..., object], its: Callable[..., object]
) -> Callable[..., object]:
    """Return a function for the paths of both worlds: all in a folder are of the simulated one."""

    def is_in_folder(path: Any) -> bool:
        is_path = isinstance(path, str | bytes | os.PathLike)
        return is_path and Path(os.fsdecode(path)).is_relative_to(folder)

    def call(path: Any, *arguments: Any, **keywords: Any) -> object:
        if not is_in_folder(path):
            return real(path, *arguments, **keywords)
        if real is os_symlink:  # The last argument is for Windows.
            arguments = arguments[:1]
        keywords.pop("dir_fd", None)
        follows = keywords.pop("follow_symlinks", True)
        its_call = its if follows else vars(system)["lstat"]
        others = [os.fspath(one) if isinstance(one, Path) else one for one in arguments]
        return its_call(os.fsdecode(path), *others, **keywords)

    return call


def _names_in(path: str) -> list[str]:
    fd = system.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return [entry.name for entry in system.scandir(fd)]
    finally:
        system.close(fd)


def _entries_in(path: str) -> AbstractContextManager[list[SimpleNamespace]]:
    """What `Path.iterdir` asks for since Python 3.13."""
    return nullcontext(
        [SimpleNamespace(name=name, path=f"{path}/{name}") for name in _names_in(path)]
    )


_FLAGS = {
    "r": os.O_RDONLY,
    "w": os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
    "a": os.O_WRONLY | os.O_CREAT | os.O_APPEND,
    "r+": os.O_RDWR,
}


class World_raw(io.RawIOBase):
    """What Python's `open` opens, in the simulated world."""

    def __init__(self, path: str, mode: str) -> None:
        self.fd = system.open(path, _FLAGS[mode], 0o666)
        self.mode = mode

    def readable(self) -> bool:
        return self.mode.startswith("r")

    def writable(self) -> bool:
        return self.mode != "r"

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return system.lseek(self.fd, offset, whence)

    def fileno(self) -> int:
        return self.fd

    def readinto(self, buffer: Any) -> int:
        return system.readv(self.fd, [buffer])

    def write(self, data: Any) -> int:
        return system.write(self.fd, data)

    def close(self) -> None:
        if not self.closed:
            super().close()
            system.close(self.fd)


def World_file(
    path: str, mode: str = "r", buffering: int = -1, *arguments: Any, **keywords: Any
) -> Any:
    raw = World_raw(path, mode.replace("b", "").replace("t", ""))
    buffered = (
        io.BufferedRandom(raw)
        if raw.mode == "r+"
        else io.BufferedReader(raw)
        if raw.mode == "r"
        else io.BufferedWriter(raw)
    )
    return buffered if "b" in mode else io.TextIOWrapper(buffered, *arguments, **keywords)


# --- Sockets -----------------------------------------------------------------


class World_socket:
    """Python's socket object, in the simulated world."""

    def __init__(
        self,
        family: int = socket.AF_INET,
        type: int = socket.SOCK_STREAM,
        proto: int = 0,
        fileno: int | None = None,
    ) -> None:
        self.kind = SocketKind(family, type, proto)
        self.fd = system.open_socket(self.kind) if fileno is None else fileno
        self.object = system.socket_object(self.fd, self.kind)

    def fileno(self) -> int:
        return self.fd

    def detach(self) -> int:
        fd, self.fd = self.fd, -1
        return fd

    def close(self) -> None:
        if self.fd >= 0:
            system.close(self.detach())

    def __enter__(self) -> World_socket:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def setblocking(self, flag: bool) -> None:
        system.set_blocking(self.fd, flag)

    def settimeout(self, seconds: float | None) -> None:
        """There is no waiting for other processes, so no time-out either."""

    def let_time_go_on(self) -> None:
        if _get_blocking(self.fd):
            testing.world().wait(0.0)

    def bind(self, address: Any) -> None:
        system.bind(self.object, address)

    def listen(self, backlog: int = 128) -> None:
        system.listen(self.object, backlog)

    def connect_ex(self, address: Any) -> int:
        error = system.connect_ex(self.object, address)
        if error == errno.EINPROGRESS and _get_blocking(self.fd):
            self.let_time_go_on()
            error = self.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return error

    def connect(self, address: Any) -> None:
        error = self.connect_ex(address)
        if error:
            raise OSError(error, os.strerror(error))

    def accept(self) -> tuple[World_socket, Any]:
        self.let_time_go_on()
        fd, address = system.accept(self.object)
        return World_socket(*self.kind, fileno=fd), address

    def getsockname(self) -> Any:
        return system.getsockname(self.object)

    def getpeername(self) -> Any:
        return system.getpeername(self.object)

    def getsockopt(self, *arguments: int) -> Any:
        return system.getsockopt(self.object, *arguments)

    def setsockopt(self, level: int, option: int, value: int | bytes) -> None:
        system.setsockopt(self.object, level, option, value)

    def recv(self, size: int, flags: int = 0) -> bytes:
        if flags & socket.MSG_DONTWAIT:
            flags -= socket.MSG_DONTWAIT
        self.let_time_go_on()
        data = bytearray(size)
        return bytes(data[: system.recv_into(self.object, data, size, flags)])

    def recvfrom(self, size: int) -> tuple[bytes, Any]:
        self.let_time_go_on()
        data = bytearray(size)
        count, address = system.recvfrom_into(self.object, data, size, 0)
        return bytes(data[:count]), address

    def send(self, data: bytes, flags: int = 0) -> int:
        return system.send(self.object, data, flags)

    def sendall(self, data: bytes) -> None:
        while data:
            data = data[self.send(data) :]
            self.let_time_go_on()

    def sendto(self, data: bytes, address: Any) -> int:
        return system.sendto(self.object, data, 0, address)

    def shutdown(self, how: int) -> None:
        system.shutdown(self.object, how)


def create_connection(address: Any, *_: object) -> World_socket:
    made = World_socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
    try:
        made.connect(address[:2])
    except BaseException:
        made.close()
        raise
    return made


def create_server(address: Any, family: int = socket.AF_INET) -> World_socket:
    made = World_socket(family)
    made.bind(address)
    made.listen()
    return made


def socketpair(
    family: int = socket.AF_UNIX, type: int = socket.SOCK_STREAM, proto: int = 0
) -> tuple[World_socket, World_socket]:
    one, other = system.open_socketpair(SocketKind(family, type, proto))
    return World_socket(family, type, proto, one), World_socket(family, type, proto, other)
