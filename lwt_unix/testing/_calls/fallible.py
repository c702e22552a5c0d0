"""Which calls of the system can fail as a test wants it, and how: what Linux and its manual pages say."""

from __future__ import annotations

import errno
import stat
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from lwt_unix.lwt_engine._descriptors import READ, WRITE


def _numbers(names: str) -> frozenset[int]:
    return frozenset(getattr(errno, name) for name in names.split() if hasattr(errno, name))


_NO_ROOM: Final = _numbers("EMFILE ENFILE ENOMEM")
_FULL: Final = _numbers("ENOSPC EDQUOT EIO EROFS")
_NETWORK: Final = _numbers("ENETDOWN ENETUNREACH EHOSTDOWN EHOSTUNREACH ENONET EPROTO ENOPROTOOPT")
_MOVING: Final = _numbers("EAGAIN EINTR ENOMEM")
_CONNECTION: Final = _numbers("ECONNRESET ETIMEDOUT ENOBUFS") | _NETWORK
_SENDING: Final = _numbers("EPIPE EACCES EPERM") | _CONNECTION
_DATAGRAMS: Final = _numbers("ECONNREFUSED EMSGSIZE")
_NAMES: Final = _FULL | _numbers("EACCES EPERM ENOENT ENOTDIR ENAMETOOLONG ELOOP ENOMEM EMLINK")

_FILE: Final = stat.S_IFREG
_PIPE: Final = stat.S_IFIFO
_SOCKET: Final = stat.S_IFSOCK

_READING: Final = MappingProxyType(
    {
        _FILE: _numbers("EIO EISDIR"),
        _SOCKET: _CONNECTION | _numbers("ECONNREFUSED"),
    }
)
_WRITING: Final = MappingProxyType(
    {
        _FILE: _FULL | _numbers("EFBIG"),
        _PIPE: _numbers("EPIPE"),
        _SOCKET: _SENDING | _DATAGRAMS,
    }
)


class Call:
    """A call that can fail.

    `system` are its names in `_system`; `errors` can come from any descriptor, `by_kind` from one of a
    kind. `direction` is what it waits for.
    """

    __slots__ = ("by_kind", "direction", "errors", "has_descriptor", "system")

    def __init__(
        self,
        names: str,
        errors: frozenset[int],
        by_kind: Mapping[int, frozenset[int]] = MappingProxyType({}),
        direction: int = 0,
        has_descriptor: bool = True,
    ) -> None:
        self.system = tuple(names.split())
        self.errors = errors
        self.by_kind = by_kind
        self.direction = direction
        self.has_descriptor = has_descriptor

    def can_give(self, error: int, kind: int | None = None) -> bool:
        """Say whether this error can come, from a descriptor of a kind or of any."""
        if error in self.errors:
            return True
        if kind is None:
            return any(error in errors for errors in self.by_kind.values())
        return error in self.by_kind.get(kind, ())

    def all_errors(self) -> set[int]:
        """Return all errors that can come."""
        return set(self.errors).union(*self.by_kind.values())


def _nowhere(names: str, errors: frozenset[int]) -> Call:
    return Call(names, errors, has_descriptor=False)


CALLS: Final[Mapping[str, Call]] = MappingProxyType(
    {
        "socket": _nowhere("open_socket", _NO_ROOM | _numbers("ENOBUFS EACCES EAFNOSUPPORT")),
        "socketpair": _nowhere("open_socketpair", _NO_ROOM | _numbers("ENOBUFS")),
        "pipe": _nowhere("pipe", _NO_ROOM),
        "open": _nowhere(
            "open", _NO_ROOM | _NAMES | _numbers("EINTR EEXIST EISDIR EBUSY EFBIG ETXTBSY")
        ),
        "dup": Call("dup", _numbers("EMFILE")),
        "close": Call("close", _numbers("EIO"), {_FILE: _numbers("ENOSPC EDQUOT")}),
        "bind": Call("bind", _numbers("EACCES EADDRINUSE EADDRNOTAVAIL ENOMEM ENOBUFS")),
        "listen": Call("listen", _numbers("EADDRINUSE ENOBUFS")),
        "accept": Call(
            "accept",
            _NO_ROOM | _NETWORK | _numbers("EAGAIN EINTR ECONNABORTED ENOBUFS EPERM EOPNOTSUPP"),
            direction=READ,
        ),
        "connect": Call(
            "connect_ex",
            _NETWORK
            | _numbers("ECONNREFUSED ETIMEDOUT EADDRINUSE EADDRNOTAVAIL EACCES EPERM EINTR EAGAIN")
            | _numbers("ENOBUFS ENOMEM"),
        ),
        "read": Call("read readv", _MOVING, _READING, READ),
        "write": Call("write writev", _MOVING, _WRITING, WRITE),
        "recv": Call("recv_into", _MOVING, {_SOCKET: _READING[_SOCKET]}, READ),
        "recvfrom": Call("recvfrom_into", _MOVING, {_SOCKET: _READING[_SOCKET]}, READ),
        "recvmsg": Call("recvmsg_into", _MOVING, {_SOCKET: _READING[_SOCKET]}, READ),
        "send": Call("send", _MOVING, {_SOCKET: _WRITING[_SOCKET]}, WRITE),
        "sendto": Call("sendto", _MOVING, {_SOCKET: _WRITING[_SOCKET]}, WRITE),
        "sendmsg": Call("sendmsg", _MOVING, {_SOCKET: _WRITING[_SOCKET]}, WRITE),
        "pread": Call("pread preadv", _numbers("EINTR EIO ENOMEM")),
        "pwrite": Call("pwrite", _FULL | _numbers("EINTR EFBIG ENOMEM")),
        "fsync": Call("fsync fdatasync", _FULL | _numbers("EINTR")),
        "ftruncate": Call("ftruncate", _FULL | _numbers("EINTR EFBIG EPERM")),
        "rename": _nowhere("rename", _NAMES | _numbers("EBUSY ENOTEMPTY EXDEV")),
        "unlink": _nowhere("unlink", _NAMES | _numbers("EBUSY EISDIR")),
        "mkdir": _nowhere("mkdir", _NAMES | _numbers("EEXIST")),
    }
)
"""Calls by the names that `lwt_unix` and the manual pages have for them."""

SHORT: Final = MappingProxyType(
    {"read": 1, "write": 1, "recv": 1, "recvmsg": 1, "send": 1, "sendmsg": 1}
)
"""The calls that may move fewer bytes, and which argument the bytes are."""

LATER: Final = _NETWORK | {errno.ECONNREFUSED, errno.ETIMEDOUT}
"""The errors of `connect` that the network gives."""
