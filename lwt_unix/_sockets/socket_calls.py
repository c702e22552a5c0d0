"""How a descriptor reaches the calls that Python has only as methods of sockets.

`accept`, `connect`, `recv` and the socket options take a `SocketObject` (see `system`). A
descriptor makes one when it first needs it. None of them may see an address of another family: see
`address_for`. An error of those that take an address says which one: see `address_error`.
"""

from __future__ import annotations

import errno
import os
import socket
from typing import cast

from lwt_unix import _system as system
from lwt_unix._descriptors.file_descr import File_descr
from lwt_unix._errors import note_call, unix_error
from lwt_unix._sockets.constants import Socket_domain
from lwt_unix._sockets.sockaddr import PythonAddress, Sockaddr, to_python, written
from lwt_unix._system import SocketKind, SocketObject


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
        kind = descriptor._socket_kind = system.socket_kind(descriptor._fd)
    result = descriptor._socket = system.socket_object(descriptor._fd, kind)
    return result


def kind_of(descriptor: File_descr) -> SocketKind:
    """Return the family, type and protocol of an opened descriptor that is a socket."""
    socket_of(descriptor)
    # socket_of has filled it in, or raised.
    return cast("SocketKind", descriptor._socket_kind)


def address_for(function: str, descriptor: File_descr, sockaddr: Sockaddr) -> PythonAddress:
    """Return an address for Python's socket, which must be of the same family.

    Python would look up an address of another family as a name. The errors here are the system's.
    """
    try:
        family, address = to_python(sockaddr)
    except OSError as exn:
        number, name, arg = unix_error(exn)
        problem = address_error(number, function, sockaddr)
        note_call(problem, name, arg)
        raise problem from None
    own = kind_of(descriptor).family
    if family == own:
        return address
    unix = socket.AF_UNIX in {family, own}
    number = errno.EINVAL if unix else errno.EAFNOSUPPORT
    domain = next((one for one in Socket_domain if one.value == own), own)
    raise address_error(number, function, sockaddr, f"the socket is one of {domain!r}")


def address_error(number: int, function: str, sockaddr: Sockaddr, hint: str = "") -> OSError:
    """Make the error of a call that was given an address: the address is part of its text."""
    what = f"{os.strerror(number)}: {written(sockaddr)} ({function})"
    return OSError(number, f"{what}; {hint}" if hint else what)
