"""Scripts over byte arrays: the statements that those of `lwt_io_files/` do not have, and random ones.

    (bytes_create A SIZE) (bytes_of_string A TEXT) (bytes_of_bytes A TEXT) (bytes_copy A B)
    (bytes_proxy A B OFFSET LENGTH) (bytes_extract A B OFFSET LENGTH)        a A is made of a B
    (bytes_get A OFFSET) (bytes_set A OFFSET CHAR) (bytes_fill A OFFSET LENGTH CHAR)
    (bytes_blit A OFFSET B OFFSET LENGTH) (bytes_blit_to_bytes A OFFSET SIZE OFFSET LENGTH)
    (bytes_blit_from_string TEXT OFFSET A OFFSET LENGTH) (bytes_blit_from_bytes ...)
    (bytes_look A)                               what is in the array, and whether it is mapped
    (bytes_read P D A OFFSET LENGTH) (bytes_write ...) (bytes_send ...) (bytes_recvfrom ...)
    (bytes_recv P D A OFFSET LENGTH PEEK) (bytes_sendto P D A OFFSET LENGTH PATH)
    (bytes_send_msg P D (A OFFSET LENGTH) ...) (bytes_recv_msg ...)
    (bytes_map_file A FILE POS SHARED SIZE FLAGS)   the file is opened, and closed afterwards
    (bytes_madvise A OFFSET LENGTH ADVICE) (bytes_wait_mincore P A OFFSET)

Files are filled at the beginning, and never get shorter: a page behind the end of its file ends
the process that touches it.
"""

from __future__ import annotations

from random import Random
from typing import Final

from tests.conformance.forms import Form
from tests.conformance.languages.lwt_io.language import TEXTS
from tests.conformance.languages.lwt_io_files.language import FEW_FILES, FilesMaker
from tests.conformance.languages.lwt_unix.language import PATHS, SIZES, STORAGE_WEIGHTS

ARRAYS: Final = 6
PLACES: Final = (-1, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 8, 10, 16, 17, 40, 41)
ADVICE: Final = ("NORMAL", "RANDOM", "SEQUENTIAL", "WILLNEED", "DONTNEED")
"""What every kernel takes. Nor does any script depend on how large a page is."""

CHARS: Final = ("a", "N", "R", "z")
MOVING: Final = ("bytes_read", "bytes_write", "bytes_send", "bytes_recvfrom")


class BytesMaker(FilesMaker):
    """Makes scripts over byte arrays."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.arrays: list[int] = []

    def weights(self) -> dict[str, int]:
        return {
            "bytes_create": 6,
            "bytes_of_string": 3,
            "bytes_of_bytes": 2,
            "bytes_proxy": 10,
            "bytes_extract": 4,
            "bytes_copy": 3,
            "bytes_get": 6,
            "bytes_set": 7,
            "bytes_fill": 7,
            "bytes_blit": 9,
            "bytes_blit_from_string": 4,
            "bytes_blit_from_bytes": 4,
            "bytes_blit_to_bytes": 4,
            "bytes_look": 16,
            "bytes_read": 10,
            "bytes_write": 9,
            "bytes_recv": 4,
            "bytes_send": 4,
            "bytes_recvfrom": 3,
            "bytes_sendto": 2,
            "bytes_send_msg": 3,
            "bytes_recv_msg": 3,
            "bytes_map_file": 8,
            "bytes_madvise": 4,
            "bytes_wait_mincore": 3,
            "look": 4,
            "write_text": 4,
            "fill": 1,
            "drain": 2,
            "shutdown": 2,
            "close": 2,
            "abort": 1,
            "cancel": 4,
            "then": 6,
            **STORAGE_WEIGHTS,
            "turn": 5,
            "settle": 3,
            "pipe": 1,
            "socketpair": 1,
            "datagrams": 1,
        }

    def beginning(self) -> list[Form]:
        pair = self.pair(("pipe", "socketpair", "small_socketpair", "datagrams")[self.number(4)])
        filled: list[Form] = [
            ("fill_file", number, self.text(), 1 + self.number(4)) for number in range(FEW_FILES)
        ]
        return [pair, *filled, self.make_bytes_of_string(), self.make_bytes_create()]

    def statement(self, name: str) -> Form:
        if name in MOVING:
            d = self.writer() if name in {"bytes_write", "bytes_send"} else self.reader()
            return (name, self.new_promise(), d, *self.part())
        return super().statement(name)

    # Arrays, and parts of them

    def new_array(self) -> int:
        slot = self.number(ARRAYS)
        if slot not in self.arrays:
            self.arrays.append(slot)
        return slot

    def array(self) -> int:
        return self.one_of(self.arrays) if self.arrays else 0

    def place(self) -> int:
        return self.one_of(PLACES)

    def part(self) -> tuple[int, int, int]:
        """Return an array, and a part that is often within it: nobody knows its length here."""
        return self.array(), self.one_of((0, 0, 0, 1, 2, 5, 16, -1)), self.place()

    def char(self) -> str:
        return CHARS[self.number(len(CHARS))]

    def text(self) -> str:
        return TEXTS[self.number(len(TEXTS))]

    def make_bytes_create(self) -> Form:
        return ("bytes_create", self.new_array(), self.one_of((*SIZES, -1)))

    def make_bytes_of_string(self) -> Form:
        return ("bytes_of_string", self.new_array(), self.text())

    def make_bytes_of_bytes(self) -> Form:
        return ("bytes_of_bytes", self.new_array(), self.text())

    def make_bytes_proxy(self) -> Form:
        part = self.part()
        return ("bytes_proxy", self.new_array(), *part)

    def make_bytes_extract(self) -> Form:
        part = self.part()
        return ("bytes_extract", self.new_array(), *part)

    def make_bytes_copy(self) -> Form:
        of = self.array()
        return ("bytes_copy", self.new_array(), of)

    def make_bytes_get(self) -> Form:
        return ("bytes_get", self.array(), self.place())

    def make_bytes_set(self) -> Form:
        return ("bytes_set", self.array(), self.place(), self.char())

    def make_bytes_fill(self) -> Form:
        return ("bytes_fill", *self.part(), self.char())

    def make_bytes_blit(self) -> Form:
        array, offset, length = self.part()
        target = array if self.number(3) == 0 else self.array()
        return ("bytes_blit", array, offset, target, self.one_of((0, 0, 1, 2, 5, -1)), length)

    def make_bytes_blit_from_string(self) -> Form:
        return ("bytes_blit_from_string", *self.from_text())

    def make_bytes_blit_from_bytes(self) -> Form:
        return ("bytes_blit_from_bytes", *self.from_text())

    def from_text(self) -> tuple[str, int, int, int, int]:
        array, offset, length = self.part()
        return self.text(), self.one_of((0, 0, 0, 1, -1)), array, offset, length

    def make_bytes_blit_to_bytes(self) -> Form:
        array, offset, length = self.part()
        size = self.one_of((0, 1, 5, 20, 50))
        return ("bytes_blit_to_bytes", array, offset, size, self.one_of((0, 0, 1, -1)), length)

    def make_bytes_look(self) -> Form:
        return ("bytes_look", self.array())

    # Descriptors

    def make_bytes_recv(self) -> Form:
        peek = int(self.number(4) == 0)
        return ("bytes_recv", self.new_promise(), self.reader(), *self.part(), peek)

    def make_bytes_sendto(self) -> Form:
        number = self.number(PATHS)
        return ("bytes_sendto", self.new_promise(), self.writer(), *self.part(), number)

    def make_bytes_send_msg(self) -> Form:
        return ("bytes_send_msg", self.new_promise(), self.writer(), *self.parts())

    def make_bytes_recv_msg(self) -> Form:
        return ("bytes_recv_msg", self.new_promise(), self.reader(), *self.parts())

    def parts(self) -> tuple[Form, ...]:
        return tuple(self.part() for _ in range(1 + self.number(3)))

    # Files

    def make_bytes_map_file(self) -> Form:
        place = self.one_of((0, 0, 0, 1, 5, 16, 40, 100, -1))
        size = self.one_of((-1, -1, -1, 0, 1, 5, 20, 100, 5000, -2))
        flags = ("both", "both", "both", "both", "read", "write_only")[self.number(6)]
        if place < 0:
            size = -1  # Else OCaml may make the file longer before it fails.
        shared = self.number(2)
        return ("bytes_map_file", self.new_array(), self.a_file(), place, shared, size, flags)

    def make_bytes_madvise(self) -> Form:
        return ("bytes_madvise", *self.part(), ADVICE[self.number(len(ADVICE))])

    def make_bytes_wait_mincore(self) -> Form:
        return ("bytes_wait_mincore", self.new_promise(), self.array(), self.place())
