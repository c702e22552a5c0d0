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


def _take(channel: Channel, idle: bool, layout: Struct) -> Any:
    """Take a number, if all its bytes are read ahead; see `_taking`."""
    buffer = channel._buffer
    ahead = buffer.ahead
    start = buffer.position
    end = start + layout.size
    if end > len(ahead):
        return None
    (number,) = layout.unpack_from(ahead, start)
    if buffer.position != start or buffer.ahead is not ahead:
        return None
    if idle:
        if buffer.at_once == 0 or channel._state is not IDLE:
            return None
        buffer.at_once -= 1
    buffer.position = end
    return number


@final
class _ReadNumber(Reading):
    """Reads a number."""

    __slots__ = ("_layout",)

    def __init__(self, channel: Channel, function: str, layout: Struct) -> None:
        super().__init__(channel, function)
        self._layout = layout

    def step(self) -> Any:
        number = _take(self.channel, False, self._layout)
        return MORE if number is None else number


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

    __slots__ = ("_doubles", "_ints", "_longs", "_name", "_order", "_shorts", "_singles")

    def __reduce_ex__(self, protocol: object, /) -> NoReturn:
        refuse_copy(self)

    def __init__(self, name: str, order: Byte_order) -> None:
        self._name = name
        is_little = order is Little_endian
        self._order: Any = "little" if is_little else "big"
        mark = "<" if is_little else ">"
        self._shorts = Struct(f"{mark}h")
        self._ints = Struct(f"{mark}i")
        self._longs = Struct(f"{mark}q")
        self._singles = Struct(f"{mark}f")
        self._doubles = Struct(f"{mark}d")

    def __repr__(self) -> str:
        return f"<module {self._name}>"

    # --- Reading -------------------------------------------------------------

    def read_int(self, ic: InputChannel, /) -> lwt.Promise[int]:
        """Read an integer of 32 bits.

        OCaml: Lwt_io.NumberIO.read_int : input_channel -> int Lwt.t
        """
        return self._read("read_int", ic, self._ints)

    def read_int16(self, ic: InputChannel, /) -> lwt.Promise[int]:
        """Read an integer of 16 bits.

        OCaml: Lwt_io.NumberIO.read_int16 : input_channel -> int Lwt.t
        """
        return self._read("read_int16", ic, self._shorts)

    def read_int32(self, ic: InputChannel, /) -> lwt.Promise[int]:
        """Read an integer of 32 bits; in OCaml it has another type than that of `read_int`.

        OCaml: Lwt_io.NumberIO.read_int32 : input_channel -> int32 Lwt.t
        """
        return self._read("read_int32", ic, self._ints)

    def read_int64(self, ic: InputChannel, /) -> lwt.Promise[int]:
        """Read an integer of 64 bits.

        OCaml: Lwt_io.NumberIO.read_int64 : input_channel -> int64 Lwt.t
        """
        return self._read("read_int64", ic, self._longs)

    def read_float32(self, ic: InputChannel, /) -> lwt.Promise[float]:
        """Read a float of single precision (IEEE 754).

        OCaml: Lwt_io.NumberIO.read_float32 : input_channel -> float Lwt.t
        """
        return self._read("read_float32", ic, self._singles)

    def read_float64(self, ic: InputChannel, /) -> lwt.Promise[float]:
        """Read a float of double precision (IEEE 754): a Python float.

        OCaml: Lwt_io.NumberIO.read_float64 : input_channel -> float Lwt.t
        """
        return self._read("read_float64", ic, self._doubles)

    def _read(self, name: str, ic: InputChannel, layout: Struct) -> lwt.Promise[Any]:
        if type(ic) is not InputChannel:
            check_kind(f"{self._name}.{name}", ic, InputChannel)
        number = _take(ic, True, layout)
        if number is not None:
            return lwt.return_(number)
        return _ReadNumber(ic, f"{self._name}.{name}", layout).start()

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
        return self._write_float("write_float32", oc, value, self._singles)

    def write_float64(self, oc: OutputChannel, value: float, /) -> lwt.Promise[None]:
        """Write a float in double precision.

        OCaml: Lwt_io.NumberIO.write_float64 : output_channel -> float -> unit Lwt.t
        """
        return self._write_float("write_float64", oc, value, self._doubles)

    def _write_int(self, name: str, oc: OutputChannel, value: int, size: int) -> lwt.Promise[None]:
        if type(oc) is not OutputChannel:
            check_kind(f"{self._name}.{name}", oc, OutputChannel)
        if type(value) is not int:
            check_kind(f"{self._name}.{name}", value, int)
        lowest = value & ((1 << (size * 8)) - 1)
        return self._write(name, oc, lowest.to_bytes(size, self._order))

    def _write_float(
        self, name: str, oc: OutputChannel, value: float, layout: Struct
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
