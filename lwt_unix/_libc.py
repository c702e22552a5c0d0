"""Calls of the C library that Python does not have: services, protocols, the processor.

Use them as `system.getservbyname(…)` and so on: see `_system`.

In glibc, those on services and protocols have a second form, which is given the memory for what it
finds (its name ends in `_r`). The first form uses memory of its own, which the next call writes over. So the
second is called where there is one. macOS has none, but memory for each thread. (musl has none for
protocols: two threads that look for one at the same moment may get a mixture.)
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Callable
from typing import Any, Final, TypeAlias, TypeVar

from lwt_unix.lwt_sys import Not_available

A = TypeVar("A")


class _Service(ctypes.Structure):
    """What C knows of a service."""

    _fields_ = (
        ("s_name", ctypes.c_char_p),
        ("s_aliases", ctypes.POINTER(ctypes.c_char_p)),
        ("s_port", ctypes.c_int),
        ("s_proto", ctypes.c_char_p),
    )


class _Protocol(ctypes.Structure):
    """What C knows of a protocol."""

    _fields_ = (
        ("p_name", ctypes.c_char_p),
        ("p_aliases", ctypes.POINTER(ctypes.c_char_p)),
        ("p_proto", ctypes.c_int),
    )


Service: TypeAlias = tuple[str, list[str], int, str]
"""Its name, other names, port, protocol."""

Protocol: TypeAlias = tuple[str, list[str], int]
"""Its name, other names, number."""

_library: Final = ctypes.CDLL(None, use_errno=True)


# --- Services and protocols --------------------------------------------------


def getservbyname(name: bytes, protocol: bytes) -> Service | None:
    """Return what is known of a service, by its name or one of its other names."""
    return _look_up("getservbyname", _Service, (name, protocol), _service)


def getservbyport(port: int, protocol: bytes) -> Service | None:
    """Return what is known of a service, by its port."""
    return _look_up("getservbyport", _Service, (_swapped(port), protocol), _service)


def getprotobyname(name: bytes) -> Protocol | None:
    """Return what is known of a protocol, by its name or one of its other names."""
    return _look_up("getprotobyname", _Protocol, (name,), _protocol)


def getprotobynumber(number: int) -> Protocol | None:
    """Return what is known of a protocol, by its number."""
    return _look_up("getprotobynumber", _Protocol, (number,), _protocol)


def _look_up(
    name: str,
    kind: type[ctypes.Structure],
    arguments: tuple[bytes | int, ...],
    read: Callable[[Any], A],
) -> A | None:
    """Make a call that finds a structure; return what is read of that, or None."""
    with_memory = getattr(_library, f"{name}_r", None)
    if with_memory is None:
        call = getattr(_library, name)
        call.restype = ctypes.POINTER(kind)
        found = call(*arguments)
        return read(found.contents) if found else None
    entry, result, size = kind(), ctypes.POINTER(kind)(), _SIZE_AT_FIRST
    while True:
        memory = ctypes.create_string_buffer(size)
        place = ctypes.byref(entry), memory, ctypes.c_size_t(size), ctypes.byref(result)
        if with_memory(*arguments, *place) != errno.ERANGE:
            break
        size *= 2
    return read(entry) if result else None


_SIZE_AT_FIRST: Final = 1024
"""How many bytes of memory an entry is given; twice as many, if they are too few."""


def _service(found: Any) -> Service:
    port = _swapped(found.s_port & 0xFFFF)
    return _text(found.s_name), _texts(found.s_aliases), port, _text(found.s_proto)


def _protocol(found: Any) -> Protocol:
    return _text(found.p_name), _texts(found.p_aliases), int(found.p_proto)


def _text(text: bytes) -> str:
    return os.fsdecode(text)


def _texts(pointers: Any) -> list[str]:
    """Return the texts that a pointer of C leads to; the last one is followed by NULL."""
    texts: list[str] = []
    while pointers and pointers[len(texts)] is not None:
        texts.append(_text(pointers[len(texts)]))
    return texts


def _swapped(port: int) -> int:
    """Return a port as it goes over the network, or the other way round."""
    return int.from_bytes(port.to_bytes(2, "big"), sys.byteorder)


# --- The processor -----------------------------------------------------------


def sched_getcpu() -> int:
    """Return the number of the processor on which this thread runs just now.

    Raises:
        Not_available: the system does not tell.
    """
    call = getattr(_library, "sched_getcpu", None)
    if call is None:
        raise Not_available("get_cpu")
    number: int = call()
    if number < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return number
