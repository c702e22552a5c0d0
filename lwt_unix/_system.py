"""The system's calls: all that read, write, open, close or ask about a descriptor, and those that may block.

Each name is Python's own function, and is called through this module: `system.readv(…)`. So a
simulated network can replace all of them here. While nobody does so, this costs next to nothing.

In reading order: calls on numbers; on files; on terminals; what is asked about users, hosts and
processors; calls on processes and signals; socket objects; calls on sockets.

Python has the calls on sockets only as methods of its socket object. That object owns its number,
and closes it when it is collected. Our `SocketObject` does not own its number, and never closes it.
It comes from `_socket`, the C part of the standard module: `socket.socket` adds a layer of Python
to each call, and cannot accept a connection as a plain number.

The calls that wait for many descriptors are the engine's (`lwt_engine`), and stand in its folder.
"""

from __future__ import annotations

import _socket
import errno
import fcntl
import grp
import mmap
import os
import pwd
import signal
import subprocess
import termios
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Final, NamedTuple, ParamSpec, TypeVar, cast

from lwt_unix import _libc
from lwt_unix.lwt_engine import _pollers, _select

P = ParamSpec("P")
T = TypeVar("T")

# --- Calls on numbers --------------------------------------------------------

close = os.close
dup = os.dup
dup2 = os.dup2
fstat = os.fstat
pipe = os.pipe
wakeup_pipe = os.pipe  # The one by which threads and signals wake the main loop.
preadv = os.preadv
read = os.read
readv = os.readv
set_blocking = os.set_blocking
get_inheritable = os.get_inheritable
set_inheritable = os.set_inheritable
write = os.write
writev = os.writev


def move_up(fd: int) -> int:
    """Give a descriptor another number, if its own is that of a standard one; it is not inherited then."""
    if fd > 2:
        return fd
    try:
        return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3)
    finally:
        os.close(fd)


# --- Calls on files ----------------------------------------------------------
# Those on paths; on numbers, those that only files have.

chdir = os.chdir
chmod = os.chmod
chown = os.chown
chroot = os.chroot
fchmod = os.fchmod
fchown = os.fchown
fdatasync = getattr(os, "fdatasync", os.fsync)  # macOS has none.
fsync = os.fsync
ftruncate = os.ftruncate
getcwd = os.getcwd
isatty = os.isatty
link = os.link
lseek = os.lseek
lstat = os.lstat
map_memory = mmap.mmap
mkdir = os.mkdir
mkfifo = os.mkfifo
open = os.open
pread = os.pread
pwrite = os.pwrite
readlink = os.readlink
rename = os.rename
rmdir = os.rmdir
scandir = os.scandir
stat = os.stat
Status = os.stat_result
symlink = os.symlink
truncate = os.truncate
unlink = os.unlink
urandom = os.urandom
utime = os.utime


def check_access(path: str, mode: int) -> None:
    """Raise an OSError unless the real user may use a file so: what Python's function leaves out."""
    if os.access(path, mode):
        return
    os.stat(path)  # It knows why, if there is no such file.
    raise OSError(errno.EACCES, os.strerror(errno.EACCES), path)


def unlock(fd: int, size: int) -> None:
    """Unlock `size` bytes from where the descriptor is; the same for all of these."""
    fcntl.lockf(fd, fcntl.LOCK_UN, size, 0, os.SEEK_CUR)


def lock(fd: int, size: int) -> None:
    """Lock for writing, and wait for that."""
    # Python's `os.lockf` does not try again after a signal.
    fcntl.lockf(fd, fcntl.LOCK_EX, size, 0, os.SEEK_CUR)


def try_lock(fd: int, size: int) -> None:
    """Lock for writing, or fail."""
    fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB, size, 0, os.SEEK_CUR)


def test_lock(fd: int, size: int) -> None:
    """Fail if another process has a lock."""
    os.lockf(fd, os.F_TEST, size)


def read_lock(fd: int, size: int) -> None:
    """Lock for reading, and wait for that."""
    fcntl.lockf(fd, fcntl.LOCK_SH, size, 0, os.SEEK_CUR)


def try_read_lock(fd: int, size: int) -> None:
    """Lock for reading, or fail."""
    fcntl.lockf(fd, fcntl.LOCK_SH | fcntl.LOCK_NB, size, 0, os.SEEK_CUR)


# --- Calls on terminals ------------------------------------------------------


def _with_errors_of_the_system(call: Callable[P, T]) -> Callable[P, T]:
    """Make Python's own `termios.error`, which is no OSError, one."""

    @wraps(call)
    def wrapped(*arguments: P.args, **keywords: P.kwargs) -> T:
        try:
            return call(*arguments, **keywords)
        except termios.error as exn:
            error = OSError(*exn.args)
        raise error

    return wrapped


tcdrain = _with_errors_of_the_system(termios.tcdrain)
tcflow = _with_errors_of_the_system(termios.tcflow)
tcflush = _with_errors_of_the_system(termios.tcflush)
tcgetattr = _with_errors_of_the_system(termios.tcgetattr)
tcsendbreak = _with_errors_of_the_system(termios.tcsendbreak)
tcsetattr = _with_errors_of_the_system(termios.tcsetattr)

# --- Users, hosts, processors ------------------------------------------------
# Most of these may have to ask another computer.

getgrgid = grp.getgrgid
getgrnam = grp.getgrnam
getlogin = os.getlogin
getpwnam = pwd.getpwnam
getpwuid = pwd.getpwuid

getaddrinfo = _socket.getaddrinfo
gethostbyaddr = _socket.gethostbyaddr
# A `str` would be encoded as the name of a domain, which fails where it cannot be one; typeshed knows
# nothing else.
gethostbyname_ex = cast(
    "Callable[[bytes], tuple[str, list[str], list[str]]]", _socket.gethostbyname_ex
)
gethostname = _socket.gethostname
getnameinfo = _socket.getnameinfo
getprotobyname = _libc.getprotobyname
getprotobynumber = _libc.getprotobynumber
getservbyname = _libc.getservbyname
getservbyport = _libc.getservbyport
uname = os.uname
Uname = os.uname_result

sched_getaffinity = getattr(os, "sched_getaffinity", None)  # macOS has none of these.
sched_getcpu = _libc.sched_getcpu
sched_setaffinity = getattr(os, "sched_setaffinity", None)

# --- Calls on processes, and on signals ------------------------------------------------------

Popen = subprocess.Popen
fork = os.fork
kill = os.kill
pidfd_open: Callable[[int], int] | None = getattr(os, "pidfd_open", None)  # Linux alone has it.
wait4 = os.wait4

get_signal = signal.getsignal
set_signal = signal.signal
set_wakeup_fd = signal.set_wakeup_fd


def is_executable(path: bytes) -> bool:
    """Whether this is a file that this process may execute."""
    return os.path.isfile(path) and os.access(path, os.X_OK)


def executable_path() -> str:
    """Return where programs are looked for, as the C library does."""
    return os.environ.get("PATH", os.defpath)


# --- What the kernel can tell ------------------------------------------------

NOWAIT: Final[int] = (
    0 if os.uname().release.startswith(("5.9.", "5.10.")) else getattr(os, "RWF_NOWAIT", 0)
)
"""The flag of `preadv` that means: only what is in memory; 0 where the kernel has none.

Linux 5.9 and 5.10 may say "end of file" then where there is none (preadv2(2), section BUGS)."""

PIPE_BUF: Final[int] = _select.PIPE_BUF
"""How many bytes can be written to a pipe that is ready, without waiting."""

IOV_MAX: Final[int] = max(os.sysconf("SC_IOV_MAX"), 0)
"""How many buffers a call takes at once; 0 if there is no limit."""

poll_once = _pollers.poll_once
identity_of = _pollers.identity_of

# --- Socket objects ----------------------------------------------------------


class SocketKind(NamedTuple):
    """How a socket was made. It is kept, so that the system need not be asked."""

    family: int
    type: int
    protocol: int


class SocketObject(_socket.socket):
    """A socket object that does not own its number."""

    __slots__ = ()

    def __del__(self) -> None:
        """Do not close the number, which is what the finalizer of the base class is for."""

    if TYPE_CHECKING:  # typeshed leaves it out

        def _accept(self) -> tuple[int, object]: ...


_NO_TIMEOUT: Final[int] = getattr(_socket, "SOCK_NONBLOCK", 0)
"""Keeps the object from waiting by itself if the program has called `socket.setdefaulttimeout`."""


def socket_object(fd: int, kind: SocketKind) -> SocketObject:
    """Make the socket object of a number."""
    return SocketObject(kind.family, kind.type | _NO_TIMEOUT, kind.protocol, fileno=fd)


def socket_kind(fd: int) -> SocketKind:
    """Ask the system how the socket of a number was made.

    Raises:
        OSError: ENOTSOCK, if it is not a socket.
    """
    probe = SocketObject(fileno=fd)
    return SocketKind(probe.family, probe.type, probe.proto)


# --- Calls on sockets --------------------------------------------------------


def open_socket(kind: SocketKind) -> int:
    """Make a socket; return its number."""
    return _socket.socket(*kind).detach()


def open_socketpair(kind: SocketKind) -> tuple[int, int]:
    """Make two sockets that are connected to each other; return their numbers."""
    one, other = _socket.socketpair(*kind)
    return one.detach(), other.detach()


# `socket.socket.accept` itself is written on this one, in every CPython (and PyPy) so far.
accept = SocketObject._accept
bind = SocketObject.bind
connect_ex = SocketObject.connect_ex
getpeername = SocketObject.getpeername
getsockname = SocketObject.getsockname
getsockopt = SocketObject.getsockopt
listen = SocketObject.listen
recv_into = SocketObject.recv_into
recvfrom_into = SocketObject.recvfrom_into
recvmsg_into = SocketObject.recvmsg_into
send = SocketObject.send
sendmsg = SocketObject.sendmsg
sendto = SocketObject.sendto
setsockopt = SocketObject.setsockopt
shutdown = SocketObject.shutdown
