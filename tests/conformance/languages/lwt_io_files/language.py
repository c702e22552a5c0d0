"""Scripts over files: the statements that those of `lwt_io/` do not have, and random ones.

    (fill_file FILE TEXT COUNT) (look FILE)  the script itself writes a text so often, or tells what is there
    (io_open_file P C FILE MODE SIZE FLAGS)  a channel on a file; FLAGS as in `openfile`, or `default`
    (io_with_file P C FILE MODE SIZE (END STATEMENT ...))
    (io_set_position P C PLACE) (io_length P C) (io_file_length P FILE)
    (io_lines_of_file P FILE) (io_chars_of_file P FILE)
    (io_lines_to_file P FILE (TEXT ...)) (io_chars_to_file P FILE TEXT)
    (io_with_temp_file P C FILE (END STATEMENT ...))  in a directory
    (io_with_temp_dir P FILE (END STATEMENT ...))

Files are few, so that most statements find the file of another one.
"""

from __future__ import annotations

from typing import Final

from tests.conformance.forms import Form
from tests.conformance.languages.lwt_io.language import (
    BUFFERS,
    ENDS,
    READING,
    WRITING,
    IoMaker,
)
from tests.conformance.languages.lwt_unix.language import STORAGE_WEIGHTS

FEW_FILES: Final = 3
HOW_TO_OPEN: Final = ("default", "default", "default", "read", "write", "both", "append", "new")
ON_ONE: Final = ("io_file_length", "io_lines_of_file", "io_chars_of_file")


class FilesMaker(IoMaker):
    """Makes scripts over files and the channels on them."""

    def weights(self) -> dict[str, int]:
        has_channels = bool(self.inputs or self.outputs)
        return {
            **{name: weight if self.inputs else 0 for name, weight in READING.items()},
            **{name: weight if self.outputs else 0 for name, weight in WRITING.items()},
            "io_close": 6 if has_channels else 0,
            "io_abort": 2 if has_channels else 0,
            "io_state": 4 if has_channels else 0,
            "io_set_position": 20 if has_channels else 0,
            "io_length": 8 if has_channels else 0,
            "io_atomic": 3 if has_channels else 0,
            "io_open_file": 16,
            "io_with_file": 8,
            "on_one": 10,
            "io_lines_to_file": 3,
            "io_chars_to_file": 2,
            "io_with_temp_file": 3,
            "io_with_temp_dir": 2,
            "look": 6,
            "fill_file": 6,
            "openfile": 8,
            "on_file": 20,
            "on_descriptor": 20 if self.files else 0,
            "use_file": 20 if self.files else 0,
            "of_file": 4 if self.files else 0,
            "wakeup": 4 if self.waiting else 0,
            "cancel": 3,
            "then": 6,
            **STORAGE_WEIGHTS,
            "turn": 6,
            "settle": 3,
        }

    def beginning(self) -> list[Form]:
        filled = ("fill_file", 0, self.text(), 1 + self.number(4))
        name = self.weighted({"io_open_file": 5, "openfile": 4, "mkdir": 2})
        if name == "mkdir":
            return [filled, ("mkdir", self.new_promise(), 1)]
        return [filled, self.statement(name)]

    def a_file(self) -> int:
        return self.number(FEW_FILES)

    def statement(self, name: str) -> Form:
        form = super().statement(name)
        if name == "openfile":  # The files of this language are few.
            return (*form[:3], self.a_file(), *form[4:])
        return form

    def make_on_file(self) -> Form:
        name, promise, *others = super().make_on_file()
        if name in {"rename", "link", "symlink"}:
            return (name, promise, self.a_file(), self.a_file())
        return (name, promise, self.a_file(), *others[1:])

    def make_fill_file(self) -> Form:
        return ("fill_file", self.a_file(), self.text(), 1 + self.number(4))

    def make_look(self) -> Form:
        return ("look", self.a_file())

    def make_of_file(self) -> Form:
        return self.of_fd(self.one_of(self.files), ("input", "output")[self.number(2)])

    def make_io_open_file(self) -> Form:
        p, file = self.new_promise(), self.a_file()
        direction = ("input", "output")[self.number(2)]
        flags = HOW_TO_OPEN[self.number(len(HOW_TO_OPEN))]
        size = self.one_of(BUFFERS)
        return ("io_open_file", p, self.new_channel(direction), file, direction, size, flags)

    def make_io_with_file(self) -> Form:
        p, file = self.new_promise(), self.a_file()
        direction = ("input", "output")[self.number(2)]
        c, size = self.new_channel(direction), self.one_of(BUFFERS)
        return ("io_with_file", p, c, file, direction, size, self.ending(p))

    def ending(self, p: int) -> Form:
        """Make what a function does that owes a promise."""
        end, block = ENDS[self.number(len(ENDS))], self.block()
        if end == "waits":
            self.waiting.append(100 + p)
        return (end, *block)

    def make_io_set_position(self) -> Form:
        place = self.one_of((-1, 0, 1, 2, 5, 10, 15, 16, 17, 20, 40))
        return ("io_set_position", self.new_promise(), self.channel(), place)

    def make_io_length(self) -> Form:
        return ("io_length", self.new_promise(), self.channel())

    def make_on_one(self) -> Form:
        return (ON_ONE[self.number(len(ON_ONE))], self.new_promise(), self.a_file())

    def make_io_lines_to_file(self) -> Form:
        lines = tuple(self.text() for _ in range(self.number(4)))
        return ("io_lines_to_file", self.new_promise(), self.a_file(), lines)

    def make_io_chars_to_file(self) -> Form:
        return ("io_chars_to_file", self.new_promise(), self.a_file(), self.text())

    def make_io_with_temp_file(self) -> Form:
        p, file = self.new_promise(), self.a_file()
        return ("io_with_temp_file", p, self.new_channel("output"), file, self.ending(p))

    def make_io_with_temp_dir(self) -> Form:
        p = self.new_promise()
        return ("io_with_temp_dir", p, self.a_file(), self.ending(p))
