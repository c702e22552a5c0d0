"""Numbers on channels, and channels on byte arrays, for the comparison: see `language.py` and `run.py`."""

from __future__ import annotations

from collections.abc import Collection
from random import Random
from typing import Final

from tests.conformance.forms import Form, Program
from tests.conformance.language import Answers, Met
from tests.conformance.languages.lwt_io_binary.language import BinaryMaker
from tests.conformance.languages.lwt_io_binary.run import BinaryRun
from tests.conformance.languages.lwt_unix.language import all_pairs
from tests.conformance.languages.scripts.answers import answers
from tests.conformance.languages.scripts.coverage import covered
from tests.conformance.values import values

ALL: Final = tuple(
    sorted(name.removeprefix("do_") for name in dir(BinaryRun) if name.startswith("do_"))
)
OWN: Final = (
    *("io_read_number", "io_write_number", "io_of_bytes", "array"),
    *("io_read_chars", "io_hexdump", "write_data"),
)


class BinaryPrograms:
    """The language of scripts over numbers on channels."""

    name = "Lwt_io.binary"
    interpreter = "scripts_programs.ml"
    package = "lwt.unix"
    default_programs = 5_000
    statements: Collection[str] = (*OWN, "io_read_into", "io_read_into_exactly")
    pairs: Collection[tuple[str, str]] = tuple(
        sorted(
            all_pairs(
                {
                    "c": {"io_make", "io_pipe", "io_of_fd", "io_of_bytes", "io_atomic"},
                    "p": {"io_read_number", "io_write_number"},
                },
                {
                    "c": {"io_read_number", "io_write_number", "io_set_position", "io_block"},
                    "p": {"cancel", "then"},
                },
            )
        )
    )

    def make(self, random: Random) -> Program:
        """Make a script."""
        return BinaryMaker(random).program()

    def run(self, program: Program, met: Met | None = None) -> Answers:
        """Run a script on package `lwt_unix`."""
        return answers(BinaryRun, program, self.statements, met)

    def covered(self) -> dict[str, str]:
        """The statements for the values of lwt_io.mli that are for numbers and bytes."""
        here = covered("Lwt_io", self.statements, "io_")
        return {name: statement for name, statement in here.items() if name in values(self.name)}

    def is_statement(self, form: Form) -> bool:
        return isinstance(form, tuple) and bool(form) and form[0] in ALL
