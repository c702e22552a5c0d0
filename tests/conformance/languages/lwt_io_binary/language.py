"""Scripts over numbers on channels: the statements that those of `lwt_io_files/` do not have, and random ones.

    (io_read_number P C ORDER KIND) (io_write_number P C ORDER KIND VALUE)
    (io_of_bytes C DIRECTION DATA) (array C)     a channel on a byte array; what is in the array
    (io_read_chars P C COUNT)                    the first characters of a stream
    (io_hexdump P C DATA)
    (write_data P D DATA)                        like `write_text`, of any bytes

ORDER is `LE`, `BE` or `native`, KIND is `int16`, `float32` and so on. A VALUE is `i` and an int of 64 bits, or
`f` and the 16 hexadecimal digits of a float; DATA is `x` and hexadecimal digits.
"""

from __future__ import annotations

from random import Random
from typing import Final

from tests.conformance.forms import Form
from tests.conformance.languages.lwt_io.language import IoMaker
from tests.conformance.languages.lwt_io_files.language import FilesMaker
from tests.conformance.languages.lwt_unix.language import STORAGE_WEIGHTS

ORDERS: Final = ("LE", "BE", "native")
INTS: Final = ("int", "int16", "int32", "int64")
FLOATS: Final = ("float32", "float64")
BOUNDS: Final = tuple(
    sign * 2**bits + more
    for bits in (0, 7, 8, 15, 16, 31, 32, 62, 63)
    for sign in (1, -1)
    for more in (-1, 0, 1)
    if -(2**63) <= sign * 2**bits + more < 2**63
)
DOUBLES: Final = (
    *("0000000000000000", "8000000000000000", "3ff0000000000000", "bff8000000000000"),
    *("7ff0000000000000", "fff0000000000000", "7ff8000000000000", "7ff8000000000001"),
    *("0000000000000001", "7fefffffffffffff", "47efffffe0000000", "47efffffefffffff"),
    *("47effffff0000000", "36a0000000000000", "3690000000000000", "3fb999999999999a"),
)


class BinaryMaker(FilesMaker):
    """Makes scripts over numbers on channels."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.arrays: list[int] = []

    def weights(self) -> dict[str, int]:
        ins, outs = bool(self.inputs), bool(self.outputs)
        return {
            "io_read_number": 34 if ins else 0,
            "io_write_number": 34 if outs else 0,
            "io_read": 5 if ins else 0,
            "io_read_char": 4 if ins else 0,
            "io_read_line": 1 if ins else 0,
            "io_read_chars": 5 if ins else 0,
            "io_read_into": 3 if ins else 0,
            "io_read_into_exactly": 3 if ins else 0,
            "io_write_letters": 7 if outs else 0,
            "io_write_char": 4 if outs else 0,
            "io_write_line": 2 if outs else 0,
            "io_hexdump": 4 if outs else 0,
            "io_flush": 6 if outs else 0,
            "io_state": 4,
            "io_close": 4,
            "io_abort": 2,
            "io_block": 2,
            "io_direct_access": 2,
            "io_set_position": 6,
            "io_length": 2,
            "io_resize_buffer": 2,
            "io_atomic": 4,
            "io_of_bytes": 3,
            "array": 8 if self.arrays else 0,
            "write_data": 14 if self.writable else 0,
            "drain": 2,
            "fill": 1,
            "shutdown": 2,
            "close": 1,
            "wakeup": 10 if self.waiting else 1,
            "wakeup_exn": 2 if self.waiting else 0,
            "cancel": 5,
            "then": 7,
            **STORAGE_WEIGHTS,
            "turn": 6,
            "settle": 4,
            "io_make": 1,
            "io_pipe": 1,
        }

    def beginning(self) -> list[Form]:
        if self.number(3) == 0:
            return [self.make_io_of_bytes()]
        return IoMaker.beginning(self)

    def value(self, kind: str) -> str:
        if kind in FLOATS:
            if self.number(2):
                return f"f{DOUBLES[self.number(len(DOUBLES))]}"
            return f"f{self.random.getrandbits(64):016x}"
        if self.number(3):
            return f"i{self.one_of(BOUNDS)}"
        return f"i{self.random.getrandbits(64) - 2**63}"

    def data(self, *lengths: int) -> str:
        return f"x{self.random.randbytes(self.one_of(lengths)).hex()}"

    def kind(self) -> str:
        kinds = INTS + FLOATS
        return kinds[self.number(len(kinds))]

    def order(self) -> str:
        return ORDERS[self.number(3)]

    def make_io_read_number(self) -> Form:
        p, c = self.new_promise(), self.input()
        return ("io_read_number", p, c, self.order(), self.kind())

    def make_io_write_number(self) -> Form:
        p, c, kind = self.new_promise(), self.output(), self.kind()
        return ("io_write_number", p, c, self.order(), kind, self.value(kind))

    def make_io_of_bytes(self) -> Form:
        direction = ("input", "output", "output")[self.number(3)]
        c = self.new_channel(direction)
        self.arrays.append(c)
        data = self.data(0, 1, 3, 8, 15, 16, 17, 20, 40)
        return ("io_of_bytes", c, direction, data)

    def make_array(self) -> Form:
        return ("array", self.one_of(self.arrays))

    def make_io_read_chars(self) -> Form:
        return ("io_read_chars", self.new_promise(), self.input(), self.number(6))

    def make_io_hexdump(self) -> Form:
        return (
            "io_hexdump",
            self.new_promise(),
            self.output(),
            self.data(0, 1, 7, 8, 9, 16, 17, 40),
        )

    def make_write_data(self) -> Form:
        data = self.data(1, 2, 3, 4, 5, 7, 8, 13, 16, 33)
        return ("write_data", self.new_promise(), self.writer(), data)
