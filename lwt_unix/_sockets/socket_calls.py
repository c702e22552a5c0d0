"""How a descriptor reaches the calls that Python has only as methods of sockets.

`accept`, `connect`, `recv` and the socket options are methods of Python's socket object, which
believes that it owns its number and closes it when it is collected. Ours does not own it, so it
is a `SocketObject`, which never closes anything. A descriptor makes one when it first needs it.

Nor may those methods see an address of another family: see `address_for`.

The object comes from `_socket`, the C part of the standard module: `socket.socket` adds a layer of
Python to each call, and names no way to accept a connection as a plain number. `_accept` is the
method that `socket.socket.accept` itself is written on, in every CPython (and PyPy) so far.
"""

from __future__ import annotations

import errno
import os
import socket
from typing import Final, cast

from lwt_unix._descriptors.file_descr import File_descr
from lwt_unix._descriptors.system import SocketKind, SocketObject
from lwt_unix._sockets.constants import Socket_domain
from lwt_unix._sockets.sockaddr import PythonAddress, Sockaddr, to_python

_NO_TIMEOUT: Final[int] = getattr(socket, "SOCK_NONBLOCK", 0)
"""Has the object not wait by itself, even if the program called `socket.setdefaulttimeout`."""


def socket_of(descriptor: File_descr) -> SocketObject:
    """Return the socket object of an opened descriptor.

    Raises:
        OSError: ENOTSOCK, if the descriptor is not a socket.
    """
    existing = descriptor._socket
    if existing is not None:
        return existing
    kind = descriptor._socket_kind
    if kind is None:
        kind = descriptor._socket_kind = _kind_of(descriptor._fd)
    result = SocketObject(
        kind.family, kind.type | _NO_TIMEOUT, kind.protocol, fileno=descriptor._fd
    )
    descriptor._socket = result
    return result


def kind_of(descriptor: File_descr) -> SocketKind:
    """Return the family, type and protocol of an opened descriptor that is a socket."""
    socket_of(descriptor)
    # socket_of has filled it in, or raised.
    return cast("SocketKind", descriptor._socket_kind)


def address_for(descriptor: File_descr, sockaddr: Sockaddr, function: str) -> PythonAddress:
    """Return an address for Python's socket, which must be of the same family.

    Python would look up an address of another family as a name; the system gives these errors.
    """
    family, address = to_python(sockaddr)
    own = kind_of(descriptor).family
    if family == own:
        return address
    unix = socket.AF_UNIX in {family, own}
    number = errno.EINVAL if unix else errno.EAFNOSUPPORT
    domain = next((one for one in Socket_domain if one.value == own), own)
    message = f"{os.strerror(number)} ({function}: {sockaddr!r} on a socket of {domain!r})"
    raise OSError(number, message)


def _kind_of(fd: int) -> SocketKind:
    probe = SocketObject(fileno=fd)
    return SocketKind(probe.family, probe.type, probe.proto)
