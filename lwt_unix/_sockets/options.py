"""The options of sockets, one pair of functions for each type of value.

Each looks up its option in the enumeration for that type, so that an option of another type is
an error at the call. All act at once, on an opened descriptor.

OCaml: section "Socket options" of lwt_unix.ml.
"""

from __future__ import annotations

import errno
import math
import os
import socket
import struct
from enum import Enum
from typing import Final

import lwt
from lwt._core.checks import check_bounds, check_kind, wrong_type
from lwt_unix import _system as system
from lwt_unix._checks import C_INT, check_seconds
from lwt_unix._descriptors.file_descr import File_descr, check_opened
from lwt_unix._errors import call_named, note_call
from lwt_unix._sockets.constants import (
    Socket_bool_option,
    Socket_float_option,
    Socket_int_option,
    Socket_optint_option,
)
from lwt_unix._sockets.socket_calls import socket_of

_LINGER: Final = struct.Struct("ii")
"""struct linger: whether it is on, and seconds."""

_TIMEVAL: Final = struct.Struct("ll")
"""struct timeval: seconds and microseconds."""

_MOST_SECONDS: Final = 2**31 - 1
"""More than anybody waits; the numbers of every system can hold it."""


def getsockopt(descriptor: File_descr, option: Socket_bool_option, /) -> bool:
    """Return whether an option is on.

    OCaml: Lwt_unix.getsockopt : file_descr -> socket_bool_option -> bool
    """
    _check_option("lwt_unix.getsockopt", descriptor, option, Socket_bool_option)
    return _number("lwt_unix.getsockopt", descriptor, *option.value) != 0


def setsockopt(descriptor: File_descr, option: Socket_bool_option, value: bool, /) -> None:
    """Turn an option on or off.

    OCaml: Lwt_unix.setsockopt : file_descr -> socket_bool_option -> bool -> unit
    """
    _check_option("lwt_unix.setsockopt", descriptor, option, Socket_bool_option)
    # `value` is a property, which takes longer than the call itself.
    _set("lwt_unix.setsockopt", descriptor, *option._value_, 1 if value else 0)


def getsockopt_int(descriptor: File_descr, option: Socket_int_option, /) -> int:
    """Return an option that is a number.

    OCaml: Lwt_unix.getsockopt_int : file_descr -> socket_int_option -> int
    """
    _check_option("lwt_unix.getsockopt_int", descriptor, option, Socket_int_option)
    return _number("lwt_unix.getsockopt_int", descriptor, *option.value)


def setsockopt_int(descriptor: File_descr, option: Socket_int_option, value: int, /) -> None:
    """Set an option that is a number.

    Raises:
        ValueError: `value` is too large for the system.

    OCaml: Lwt_unix.setsockopt_int : file_descr -> socket_int_option -> int -> unit
    """
    _check_option("lwt_unix.setsockopt_int", descriptor, option, Socket_int_option)
    check_bounds("lwt_unix.setsockopt_int", "the value", value, *C_INT)
    _set("lwt_unix.setsockopt_int", descriptor, *option.value, value)


def getsockopt_optint(
    descriptor: File_descr, option: Socket_optint_option, /
) -> lwt.Some[int] | None:
    """Return an option that is off (`None`) or on with a number.

    OCaml: Lwt_unix.getsockopt_optint : file_descr -> socket_optint_option -> int option
    """
    _check_option("lwt_unix.getsockopt_optint", descriptor, option, Socket_optint_option)
    is_on, value = _pair("lwt_unix.getsockopt_optint", descriptor, *option.value, _LINGER)
    return lwt.Some(value) if is_on else None


def setsockopt_optint(
    descriptor: File_descr, option: Socket_optint_option, value: lwt.Some[int] | None, /
) -> None:
    """Turn an option off (`None`), or on with a number.

    Raises:
        ValueError: the number is too large for the system.

    OCaml: Lwt_unix.setsockopt_optint :
        file_descr -> socket_optint_option -> int option -> unit
    """
    _check_option("lwt_unix.setsockopt_optint", descriptor, option, Socket_optint_option)
    match value:
        case None:
            packed = _LINGER.pack(0, 0)
        case lwt.Some(number):
            check_bounds("lwt_unix.setsockopt_optint", "the value", number, *C_INT)
            packed = _LINGER.pack(1, number)
        case _:
            raise wrong_type("lwt_unix.setsockopt_optint", "None or lwt.Some(seconds)", value)
    _set("lwt_unix.setsockopt_optint", descriptor, *option.value, packed)


def getsockopt_float(descriptor: File_descr, option: Socket_float_option, /) -> float:
    """Return an option in seconds.

    OCaml: Lwt_unix.getsockopt_float : file_descr -> socket_float_option -> float
    """
    _check_option("lwt_unix.getsockopt_float", descriptor, option, Socket_float_option)
    seconds, microseconds = _pair("lwt_unix.getsockopt_float", descriptor, *option.value, _TIMEVAL)
    return float(seconds + microseconds / 1_000_000)


def setsockopt_float(descriptor: File_descr, option: Socket_float_option, value: float, /) -> None:
    """Set an option in seconds.

    Raises:
        ValueError: `value` is too large for the system.
        OSError: EDOM, if it is negative, infinite or NaN.

    OCaml: Lwt_unix.setsockopt_float : file_descr -> socket_float_option -> float -> unit
    """
    _check_option("lwt_unix.setsockopt_float", descriptor, option, Socket_float_option)
    check_seconds("lwt_unix.setsockopt_float", value)
    if _MOST_SECONDS < value < math.inf:
        check_bounds("lwt_unix.setsockopt_float", "the value", int(value), 0, _MOST_SECONDS)
    if not 0.0 <= value <= _MOST_SECONDS:
        # The system's error for most of these, once they have been split into two integers.
        message = f"{os.strerror(errno.EDOM)} (lwt_unix.setsockopt_float: {value})"
        problem = OSError(errno.EDOM, message)
        note_call(problem, "setsockopt_float")
        raise problem
    seconds, microseconds = int(value), int(value % 1 * 1_000_000)
    _set(
        "lwt_unix.setsockopt_float", descriptor, *option.value, _TIMEVAL.pack(seconds, microseconds)
    )


def getsockopt_error(descriptor: File_descr, /) -> lwt.Some[int] | None:
    """Return the number of the error that is pending on a socket, and clear it.

    The number is what the `errno` of an OSError would be, where OCaml has a `Unix.error`.

    OCaml: Lwt_unix.getsockopt_error : file_descr -> Unix.error option
    """
    check_opened("lwt_unix.getsockopt_error", descriptor)
    error = _number("lwt_unix.getsockopt_error", descriptor, socket.SOL_SOCKET, socket.SO_ERROR)
    return lwt.Some(error) if error else None


def _check_option(
    function: str, descriptor: File_descr, option: object, options: type[Enum]
) -> None:
    if not isinstance(option, options):
        names = ", ".join(one.name for one in options)
        check_kind(function, option, options, f"use one of {names}")
    check_opened(function, descriptor)


# OCaml's names of the calls are those of the functions.


def _number(function: str, descriptor: File_descr, level: int, option: int) -> int:
    with call_named(function.removeprefix("lwt_unix.")):
        return system.getsockopt(socket_of(descriptor), level, option)


def _pair(
    function: str, descriptor: File_descr, level: int, option: int, layout: struct.Struct
) -> tuple[int, int]:
    with call_named(function.removeprefix("lwt_unix.")):
        packed = system.getsockopt(socket_of(descriptor), level, option, layout.size)
    one, other = layout.unpack(packed)
    return one, other


def _set(
    function: str, descriptor: File_descr, level: int, option: int, value: int | bytes
) -> None:
    try:
        system.setsockopt(socket_of(descriptor), level, option, value)
    except Exception as exn:
        note_call(exn, function.removeprefix("lwt_unix."))
        raise
