"""Integers and floats in binary: `LE` in little-endian, `BE` in big-endian, the module's own in this machine's.

A number is taken whole from what is read ahead, or not at all: if the input ends in the middle of one, its bytes
are still there. A number is put whole into the buffer: if there is no room, what is in the buffer is
written out before.

OCaml: Lwt_io, `MakeNumberIO` (src/unix/lwt_io.ml).
"""

from __future__ import annotations

import math
import sys
from struct import Struct
from typing import Any, Final, NoReturn, final

import lwt
from lwt._core.checks import check_kind, wrong_type
from lwt._core.creation import return_
from lwt._core.identity import refuse_copy
from lwt_unix.lwt_io._channel import InputChannel, OutputChannel
from lwt_unix.lwt_io._operation import MORE, Operation
from lwt_unix.lwt_io._putting import put, put_in
from lwt_unix.lwt_io._taking import Reading
from lwt_unix.lwt_io._turns import IDLE, Channel
from lwt_unix.lwt_sys import Big_endian, Byte_order, Little_endian, byte_order

system_byte_order: Final = byte_order
"""The byte order of this machine.

OCaml: Lwt_io.system_byte_order : byte_order
"""


COUNTED: Final = 32
"""Of so many bytes of numbers, one counts among what is taken before others go on (`_buffer`), as a line does.

A number is a small part of a message. If each counted, the main loop would turn once in 32 of them."""


@final
class _Layout:
    """How a number is read, and by which function."""

    __slots__ = ("function", "pack", "size", "unpack")

    def __init__(self, function: str, code: str) -> None:
        layout = Struct(code)
        self.function = function
        self.pack = layout.pack
        self.size = layout.size
        self.unpack = layout.unpack_from


def _read(ic: InputChannel, layout: _Layout) -> lwt.Promise[Any]:
    """Read a number: at once, if nobody uses the channel and all is there. See `_taking`."""
    if type(ic) is InputChannel:
        buffer = ic._buffer
        ahead = buffer.ahead
        start = buffer.position
        size = layout.size
        end = start + size
        if end <= len(ahead):
            (number,) = layout.unpack(ahead, start)
            if (
                buffer.position == start
                and buffer.ahead is ahead
                and buffer.at_once
                and ic._state is IDLE
            ):
                if end % COUNTED < size:
                    buffer.at_once -= 1
                buffer.position = end
                return return_(number)
    else:
        check_kind(layout.function, ic, InputChannel)
    return _ReadNumber(ic, layout).start()


@final
class _ReadNumber(Reading):
    """Reads a number."""

    __slots__ = ("_layout",)

    def __init__(self, channel: Channel, layout: _Layout) -> None:
        super().__init__(channel, layout.function)
        self._layout = layout

    def step(self) -> Any:
        buffer = self.buffer
        start = buffer.position
        end = start + self._layout.size
        if end > len(buffer.ahead):
            return MORE
        buffer.position = end
        return self._layout.unpack(buffer.ahead, start)[0]


@final
class _WriteNumber(Operation):
    """Writes a number."""

    __slots__ = ("_data",)

    def __init__(self, channel: Channel, function: str, data: bytes) -> None:
        super().__init__(channel, function)
        self._data = data

    def step(self) -> Any:
        return None if put_in(self.buffer, self._data) else MORE


@final
class NumberIO:
    r"""Reading and writing of numbers in one byte order.

    Integers are signed. Of an int that does not fit, the lowest bits are written, as in OCaml:
    `write_int16(oc, 65535)` writes what `write_int16(oc, -1)` does.

    Each function is one operation on a channel. What reads is rejected with EOFError if the input ends before
    the number does. Its first bytes are not lost: they are what is read next. What reads or writes is rejected
    with `Channel_closed` if the channel is closed, or was closed meanwhile, and with what reading or
    writing out fails with.

    >>> import lwt
    >>> from lwt_unix import lwt_io, lwt_main
    >>> async def main():
    ...     ic, oc = lwt_io.pipe()
    ...     await lwt_io.BE.write_int16(oc, 258)
    ...     await lwt_io.LE.write_int16(oc, 258)
    ...     print(await lwt_io.read(ic, count=4))
    >>> lwt_main.run(main())
    b'\x01\x02\x02\x01'

    OCaml: module type Lwt_io.NumberIO
    """

    __slots__ = ("_float32", "_float64", "_int", "_int16", "_int32", "_int64", "_name", "_order")

    def __reduce_ex__(self, protocol: object, /) -> NoReturn:
        refuse_copy(self)

    def __init__(self, name: str, order: Byte_order) -> None:
        self._name = name
        is_little = order is Little_endian
        self._order: Any = "little" if is_little else "big"
        mark = "<" if is_little else ">"
        self._int = _Layout(f"{name}.read_int", f"{mark}i")
        self._int16 = _Layout(f"{name}.read_int16", f"{mark}h")
        self._int32 = _Layout(f"{name}.read_int32", f"{mark}i")
        self._int64 = _Layout(f"{name}.read_int64", f"{mark}q")
        self._float32 = _Layout(f"{name}.read_float32", f"{mark}f")
        self._float64 = _Layout(f"{name}.read_float64", f"{mark}d")

    def __repr__(self) -> str:
        return f"<module {self._name}>"

    # --- Reading -------------------------------------------------------------

    def read_int(self, ic: InputChannel, /) -> lwt.Promise[int]:
        """Read an integer of 32 bits.

        OCaml: Lwt_io.NumberIO.read_int : input_channel -> int Lwt.t
        """
        return _read(ic, self._int)

    def read_int16(self, ic: InputChannel, /) -> lwt.Promise[int]:
        """Read an integer of 16 bits.

        OCaml: Lwt_io.NumberIO.read_int16 : input_channel -> int Lwt.t
        """
        return _read(ic, self._int16)

    def read_int32(self, ic: InputChannel, /) -> lwt.Promise[int]:
        """Read an integer of 32 bits; in OCaml it has another type than that of `read_int`.

        OCaml: Lwt_io.NumberIO.read_int32 : input_channel -> int32 Lwt.t
        """
        return _read(ic, self._int32)

    def read_int64(self, ic: InputChannel, /) -> lwt.Promise[int]:
        """Read an integer of 64 bits.

        OCaml: Lwt_io.NumberIO.read_int64 : input_channel -> int64 Lwt.t
        """
        return _read(ic, self._int64)

    def read_float32(self, ic: InputChannel, /) -> lwt.Promise[float]:
        """Read a float of single precision (IEEE 754).

        OCaml: Lwt_io.NumberIO.read_float32 : input_channel -> float Lwt.t
        """
        return _read(ic, self._float32)

    def read_float64(self, ic: InputChannel, /) -> lwt.Promise[float]:
        """Read a float of double precision (IEEE 754): a Python float.

        OCaml: Lwt_io.NumberIO.read_float64 : input_channel -> float Lwt.t
        """
        return _read(ic, self._float64)

    # --- Writing -------------------------------------------------------------

    def write_int(self, oc: OutputChannel, value: int, /) -> lwt.Promise[None]:
        """Write the lowest 32 bits of an integer.

        OCaml: Lwt_io.NumberIO.write_int : output_channel -> int -> unit Lwt.t
        """
        return self._write_int("write_int", oc, value, 4)

    def write_int16(self, oc: OutputChannel, value: int, /) -> lwt.Promise[None]:
        """Write the lowest 16 bits of an integer.

        OCaml: Lwt_io.NumberIO.write_int16 : output_channel -> int -> unit Lwt.t
        """
        return self._write_int("write_int16", oc, value, 2)

    def write_int32(self, oc: OutputChannel, value: int, /) -> lwt.Promise[None]:
        """Write the lowest 32 bits of an integer: what `write_int` does.

        OCaml: Lwt_io.NumberIO.write_int32 : output_channel -> int32 -> unit Lwt.t
        """
        return self._write_int("write_int32", oc, value, 4)

    def write_int64(self, oc: OutputChannel, value: int, /) -> lwt.Promise[None]:
        """Write the lowest 64 bits of an integer.

        OCaml: Lwt_io.NumberIO.write_int64 : output_channel -> int64 -> unit Lwt.t
        """
        return self._write_int("write_int64", oc, value, 8)

    def write_float32(self, oc: OutputChannel, value: float, /) -> lwt.Promise[None]:
        """Write a float in single precision: the nearest one, which is infinite if `value` is too large.

        OCaml: Lwt_io.NumberIO.write_float32 : output_channel -> float -> unit Lwt.t
        """
        return self._write_float("write_float32", oc, value, self._float32)

    def write_float64(self, oc: OutputChannel, value: float, /) -> lwt.Promise[None]:
        """Write a float in double precision.

        OCaml: Lwt_io.NumberIO.write_float64 : output_channel -> float -> unit Lwt.t
        """
        return self._write_float("write_float64", oc, value, self._float64)

    def _write_int(self, name: str, oc: OutputChannel, value: int, size: int) -> lwt.Promise[None]:
        if type(oc) is not OutputChannel:
            check_kind(f"{self._name}.{name}", oc, OutputChannel)
        if type(value) is not int:
            check_kind(f"{self._name}.{name}", value, int)
        lowest = value & ((1 << (size * 8)) - 1)
        return self._write(name, oc, lowest.to_bytes(size, self._order))

    def _write_float(
        self, name: str, oc: OutputChannel, value: float, layout: _Layout
    ) -> lwt.Promise[None]:
        if type(oc) is not OutputChannel:
            check_kind(f"{self._name}.{name}", oc, OutputChannel)
        if type(value) is not float:
            value = _as_float(f"{self._name}.{name}", value)
        try:
            data = layout.pack(value)
        except OverflowError:  # No float of single precision is as large.
            data = layout.pack(math.copysign(math.inf, value))
        return self._write(name, oc, data)

    def _write(self, name: str, oc: OutputChannel, data: bytes) -> lwt.Promise[None]:
        if put(oc, data):
            return lwt.return_unit
        return _WriteNumber(oc, f"{self._name}.{name}", data).start()


def _as_float(function: str, value: float) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise wrong_type(function, "a number", value)
    if abs(value) > sys.float_info.max and isinstance(value, int):
        raise ValueError(f"{function}: no float is as large as the number; math.inf is infinite")
    return float(value)


LE: Final = NumberIO("lwt_io.LE", Little_endian)
"""Reading and writing of numbers in little-endian: the lowest byte first.

OCaml: module Lwt_io.LE
"""

BE: Final = NumberIO("lwt_io.BE", Big_endian)
"""Reading and writing of numbers in big-endian, as in most protocols of networks: the highest byte first.

OCaml: module Lwt_io.BE
"""

_native: Final = NumberIO("lwt_io", system_byte_order)

read_int: Final = _native.read_int
"""Read an integer of 32 bits, in the byte order of this machine; see `NumberIO`.

OCaml: Lwt_io.read_int : input_channel -> int Lwt.t
"""

read_int16: Final = _native.read_int16
"""Read an integer of 16 bits, in the byte order of this machine; see `NumberIO`.

OCaml: Lwt_io.read_int16 : input_channel -> int Lwt.t
"""

read_int32: Final = _native.read_int32
"""Read an integer of 32 bits, in the byte order of this machine; see `NumberIO`.

OCaml: Lwt_io.read_int32 : input_channel -> int32 Lwt.t
"""

read_int64: Final = _native.read_int64
"""Read an integer of 64 bits, in the byte order of this machine; see `NumberIO`.

OCaml: Lwt_io.read_int64 : input_channel -> int64 Lwt.t
"""

read_float32: Final = _native.read_float32
"""Read a float of single precision, in the byte order of this machine; see `NumberIO`.

OCaml: Lwt_io.read_float32 : input_channel -> float Lwt.t
"""

read_float64: Final = _native.read_float64
"""Read a float of double precision, in the byte order of this machine; see `NumberIO`.

OCaml: Lwt_io.read_float64 : input_channel -> float Lwt.t
"""

write_int: Final = _native.write_int
"""Write the lowest 32 bits of an integer, in the byte order of this machine; see `NumberIO`.

OCaml: Lwt_io.write_int : output_channel -> int -> unit Lwt.t
"""

write_int16: Final = _native.write_int16
"""Write the lowest 16 bits of an integer, in the byte order of this machine; see `NumberIO`.

OCaml: Lwt_io.write_int16 : output_channel -> int -> unit Lwt.t
"""

write_int32: Final = _native.write_int32
"""Write the lowest 32 bits of an integer, in the byte order of this machine; see `NumberIO`.

OCaml: Lwt_io.write_int32 : output_channel -> int32 -> unit Lwt.t
"""

write_int64: Final = _native.write_int64
"""Write the lowest 64 bits of an integer, in the byte order of this machine; see `NumberIO`.

OCaml: Lwt_io.write_int64 : output_channel -> int64 -> unit Lwt.t
"""

write_float32: Final = _native.write_float32
"""Write a float in single precision, in the byte order of this machine; see `NumberIO`.

OCaml: Lwt_io.write_float32 : output_channel -> float -> unit Lwt.t
"""

write_float64: Final = _native.write_float64
"""Write a float in double precision, in the byte order of this machine; see `NumberIO`.

OCaml: Lwt_io.write_float64 : output_channel -> float -> unit Lwt.t
"""
