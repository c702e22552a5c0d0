"""Terminals: how they treat what is typed and written, and waiting for what is on its way.

Some of these calls wait for a line that is slow. So each is a job, done in a thread.

OCaml: section "Terminal interface" of lwt_unix.ml.
"""

from __future__ import annotations

import errno
import os
import termios
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import Enum
from functools import partial
from types import MappingProxyType
from typing import Any, Final

import lwt
from lwt._core.checks import check_bounds, check_kind, wrong_type
from lwt._core.publish import constants
from lwt_unix import _system as system
from lwt_unix._checks import C_INT
from lwt_unix._descriptors.file_descr import File_descr, check_opened, run_on

# --- How a terminal is set ---------------------------------------------------


@dataclass(slots=True)
class Terminal_io:
    """How a terminal is set; see termios(3). A character is `bytes` of length 1.

    OCaml: type Lwt_unix.terminal_io
    """

    c_ignbrk: bool
    c_brkint: bool
    c_ignpar: bool
    c_parmrk: bool
    c_inpck: bool
    c_istrip: bool
    c_inlcr: bool
    c_igncr: bool
    c_icrnl: bool
    c_ixon: bool
    c_ixoff: bool
    c_opost: bool
    c_obaud: int
    c_ibaud: int
    c_csize: int
    c_cstopb: int
    c_cread: bool
    c_parenb: bool
    c_parodd: bool
    c_hupcl: bool
    c_clocal: bool
    c_isig: bool
    c_icanon: bool
    c_noflsh: bool
    c_echo: bool
    c_echoe: bool
    c_echok: bool
    c_echonl: bool
    c_vintr: bytes
    c_vquit: bytes
    c_verase: bytes
    c_vkill: bytes
    c_veof: bytes
    c_veol: bytes
    c_vmin: int
    c_vtime: int
    c_vstart: bytes
    c_vstop: bytes


# Where Python's list of settings has what.
_IFLAG: Final = 0
_OFLAG: Final = 1
_CFLAG: Final = 2
_LFLAG: Final = 3
_ISPEED: Final = 4
_OSPEED: Final = 5
_CC: Final = 6

_FLAGS: Final = MappingProxyType(
    {
        f"c_{name}": (place, int(getattr(termios, name.upper())))
        for place, names in (
            (_IFLAG, "ignbrk brkint ignpar parmrk inpck istrip inlcr igncr icrnl ixon ixoff"),
            (_OFLAG, "opost"),
            (_CFLAG, "cread parenb parodd hupcl clocal"),
            (_LFLAG, "isig icanon noflsh echo echoe echok echonl"),
        )
        for name in names.split()
    }
)
"""The fields that are one bit, and where that is."""

_CHARACTERS: Final = MappingProxyType(
    {
        f"c_{name}": int(getattr(termios, name.upper()))
        for name in ["vintr", "vquit", "verase", "vkill", "veof", "veol", "vstart", "vstop"]
    }
)
_COUNTS: Final = MappingProxyType({"c_vmin": termios.VMIN, "c_vtime": termios.VTIME})
"""The fields that stand among the characters of the system, and where."""

_SIZES: Final = MappingProxyType({5: termios.CS5, 6: termios.CS6, 7: termios.CS7, 8: termios.CS8})
_STOP_BITS: Final = MappingProxyType({1: 0, 2: termios.CSTOPB})

_SPEEDS: Final = MappingProxyType(
    {
        int(name[1:]): int(value)
        for name, value in vars(termios).items()
        if name[:1] == "B" and name[1:].isdecimal()
    }
)
"""The speeds that the system knows, in bits a second, and what it calls them."""

_BAUDS: Final = MappingProxyType({value: baud for baud, value in _SPEEDS.items()})
_USUAL_BAUD: Final = 9600
"""What OCaml says of a speed that it does not know."""


def tcgetattr(descriptor: File_descr, /) -> lwt.Promise[Terminal_io]:
    """Return how a terminal is set.

    Raises:
        OSError: by rejection: ENOTTY, if it is no terminal.

    OCaml: Lwt_unix.tcgetattr : file_descr -> terminal_io Lwt.t
    """
    check_opened("lwt_unix.tcgetattr", descriptor)
    return run_on("tcgetattr", descriptor, partial(_get, descriptor._fd))


def _get(fd: int) -> Terminal_io:
    settings = system.tcgetattr(fd)
    found: dict[str, Any] = {
        field: bool(settings[place] & mask) for field, (place, mask) in _FLAGS.items()
    }
    # Some of these are ints, in some modes.
    codes = [one if isinstance(one, int) else one[0] for one in settings[_CC]]
    found.update((field, bytes([codes[place]])) for field, place in _CHARACTERS.items())
    found.update((field, codes[place]) for field, place in _COUNTS.items())
    return Terminal_io(
        c_obaud=_BAUDS.get(settings[_OSPEED], _USUAL_BAUD),
        c_ibaud=_BAUDS.get(settings[_ISPEED], _USUAL_BAUD),
        c_csize=_key_of(_SIZES, settings[_CFLAG] & termios.CSIZE),
        c_cstopb=_key_of(_STOP_BITS, settings[_CFLAG] & termios.CSTOPB),
        **found,
    )


def _key_of(table: Mapping[int, int], value: int) -> int:
    return next(key for key, known in table.items() if known == value)


@constants
class Setattr_when(Enum):
    """When `tcsetattr` takes effect.

    OCaml: type Lwt_unix.setattr_when
    """

    TCSANOW = termios.TCSANOW
    TCSADRAIN = termios.TCSADRAIN
    TCSAFLUSH = termios.TCSAFLUSH


TCSANOW: Final = Setattr_when.TCSANOW
"""At once.

OCaml: Lwt_unix.TCSANOW
"""

TCSADRAIN: Final = Setattr_when.TCSADRAIN
"""When what was written has gone out.

OCaml: Lwt_unix.TCSADRAIN
"""

TCSAFLUSH: Final = Setattr_when.TCSAFLUSH
"""When what was written has gone out; what was typed and not read is thrown away.

OCaml: Lwt_unix.TCSAFLUSH
"""


def tcsetattr(
    descriptor: File_descr, when: Setattr_when, settings: Terminal_io, /
) -> lwt.Promise[None]:
    """Change how a terminal is set.

        settings = await lwt_unix.tcgetattr(lwt_unix.stdin)
        settings.c_echo = False
        await lwt_unix.tcsetattr(lwt_unix.stdin, lwt_unix.TCSAFLUSH, settings)

    Args:
        descriptor: the terminal.
        when: `TCSANOW`, `TCSADRAIN` or `TCSAFLUSH`.
        settings: what `tcgetattr` gave, with changes. They are copied at the call.

    Raises:
        OSError: by rejection: ENOTTY, if it is no terminal; EINVAL for a speed or a size that it
            cannot have.

    OCaml: Lwt_unix.tcsetattr : file_descr -> setattr_when -> terminal_io -> unit Lwt.t
    """
    function = "lwt_unix.tcsetattr"
    check_opened(function, descriptor)
    check_kind(function, when, Setattr_when, "use TCSANOW, TCSADRAIN or TCSAFLUSH")
    check_kind(function, settings, Terminal_io, "change what lwt_unix.tcgetattr gives")
    wanted = {field.name: getattr(settings, field.name) for field in fields(Terminal_io)}
    for field, value in wanted.items():
        if field in _FLAGS:
            check_kind(function, value, bool, f"{field} is on or off")
        elif field in _CHARACTERS:
            wanted[field] = _code(function, field, value)
        else:
            check_bounds(function, field, value, *C_INT)
    return run_on("tcsetattr", descriptor, partial(_set, descriptor._fd, when.value, wanted))


def _code(function: str, field: str, value: object) -> int:
    """Return a character as a number."""
    if isinstance(value, str | bytes | bytearray | memoryview):
        code = value.encode() if isinstance(value, str) else bytes(value)
        if len(code) == 1:
            return code[0]
    raise wrong_type(function, f"one byte for {field}", value, "such as b'\\x03' for Ctrl-C")


def _set(fd: int, when: int, wanted: dict[str, Any]) -> None:
    settings = system.tcgetattr(fd)
    for field, (place, mask) in _FLAGS.items():
        settings[place] = settings[place] | mask if wanted[field] else settings[place] & ~mask
    try:
        settings[_OSPEED] = _SPEEDS[wanted["c_obaud"]]
        settings[_ISPEED] = _SPEEDS[wanted["c_ibaud"]]
        size, stop_bits = _SIZES[wanted["c_csize"]], _STOP_BITS[wanted["c_cstopb"]]
    except KeyError as exn:
        message = f"{os.strerror(errno.EINVAL)} (lwt_unix.tcsetattr: {exn} is no such setting)"
        problem = OSError(errno.EINVAL, message)
        raise problem from None
    settings[_CFLAG] &= ~(termios.CSIZE | termios.CSTOPB)
    settings[_CFLAG] |= size | stop_bits
    for field, place in _CHARACTERS.items():
        settings[_CC][place] = bytes([wanted[field]])
    for field, place in _COUNTS.items():
        settings[_CC][place] = bytes([wanted[field] & 0xFF])  # As much as there is room for.
    system.tcsetattr(fd, when, settings)


# --- What is on its way ------------------------------------------------------


def tcsendbreak(descriptor: File_descr, delay: int, /) -> lwt.Promise[None]:
    """Send zeros, for a moment in which a line carries nothing else.

    Args:
        descriptor: the terminal.
        delay: 0 is a quarter of a second or somewhat more; what others are, the system knows.

    OCaml: Lwt_unix.tcsendbreak : file_descr -> int -> unit Lwt.t
    """
    check_opened("lwt_unix.tcsendbreak", descriptor)
    check_bounds("lwt_unix.tcsendbreak", "delay", delay, *C_INT)
    return run_on("tcsendbreak", descriptor, partial(system.tcsendbreak, descriptor._fd, delay))


def tcdrain(descriptor: File_descr, /) -> lwt.Promise[None]:
    """Wait until what was written to a terminal has gone out.

    OCaml: Lwt_unix.tcdrain : file_descr -> unit Lwt.t
    """
    check_opened("lwt_unix.tcdrain", descriptor)
    return run_on("tcdrain", descriptor, partial(system.tcdrain, descriptor._fd))


@constants
class Flush_queue(Enum):
    """What `tcflush` throws away.

    OCaml: type Lwt_unix.flush_queue
    """

    TCIFLUSH = termios.TCIFLUSH
    TCOFLUSH = termios.TCOFLUSH
    TCIOFLUSH = termios.TCIOFLUSH


TCIFLUSH: Final = Flush_queue.TCIFLUSH
"""What was typed and not read.

OCaml: Lwt_unix.TCIFLUSH
"""

TCOFLUSH: Final = Flush_queue.TCOFLUSH
"""What was written and has not gone out.

OCaml: Lwt_unix.TCOFLUSH
"""

TCIOFLUSH: Final = Flush_queue.TCIOFLUSH
"""Both.

OCaml: Lwt_unix.TCIOFLUSH
"""


def tcflush(descriptor: File_descr, queue: Flush_queue, /) -> lwt.Promise[None]:
    """Throw away what is on its way.

    OCaml: Lwt_unix.tcflush : file_descr -> flush_queue -> unit Lwt.t
    """
    check_opened("lwt_unix.tcflush", descriptor)
    check_kind("lwt_unix.tcflush", queue, Flush_queue, "use TCIFLUSH, TCOFLUSH or TCIOFLUSH")
    return run_on("tcflush", descriptor, partial(system.tcflush, descriptor._fd, queue.value))


@constants
class Flow_action(Enum):
    """What `tcflow` does.

    OCaml: type Lwt_unix.flow_action
    """

    TCOOFF = termios.TCOOFF
    TCOON = termios.TCOON
    TCIOFF = termios.TCIOFF
    TCION = termios.TCION


TCOOFF: Final = Flow_action.TCOOFF
"""What is written waits.

OCaml: Lwt_unix.TCOOFF
"""

TCOON: Final = Flow_action.TCOON
"""What is written goes out again.

OCaml: Lwt_unix.TCOON
"""

TCIOFF: Final = Flow_action.TCIOFF
"""The other side is asked to send nothing.

OCaml: Lwt_unix.TCIOFF
"""

TCION: Final = Flow_action.TCION
"""The other side is asked to send again.

OCaml: Lwt_unix.TCION
"""


def tcflow(descriptor: File_descr, action: Flow_action, /) -> lwt.Promise[None]:
    """Let what is on its way wait, or go on.

    OCaml: Lwt_unix.tcflow : file_descr -> flow_action -> unit Lwt.t
    """
    check_opened("lwt_unix.tcflow", descriptor)
    check_kind("lwt_unix.tcflow", action, Flow_action, "use TCOOFF, TCOON, TCIOFF or TCION")
    return run_on("tcflow", descriptor, partial(system.tcflow, descriptor._fd, action.value))
