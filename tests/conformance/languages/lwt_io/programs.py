"""Module Lwt_io, for the comparison: see `language.py` and `run.py`."""

from __future__ import annotations

from collections.abc import Collection
from random import Random
from typing import Final

from tests.conformance.forms import Form, Program
from tests.conformance.language import Answers, Met
from tests.conformance.languages.lwt_io.language import EITHER, READING, WRITING, IoMaker
from tests.conformance.languages.lwt_io.run import IoRun
from tests.conformance.languages.lwt_unix.language import all_pairs
from tests.conformance.languages.scripts.answers import answers
from tests.conformance.languages.scripts.coverage import covered

STATEMENTS: Final = tuple(
    sorted(name.removeprefix("do_") for name in dir(IoRun) if name.startswith("do_"))
)


class LwtIoPrograms:
    """The language of scripts over channels."""

    name = "Lwt_io"
    interpreter = "scripts_programs.ml"
    package = "lwt.unix"
    default_programs = 5_000
    statements: Collection[str] = tuple(name for name in STATEMENTS if name.startswith("io_"))
    pairs: Collection[tuple[str, str]] = tuple(
        sorted(
            all_pairs(
                {
                    "c": {"io_make", "io_pipe", "io_of_fd", "io_atomic"},
                    "p": {*READING, *WRITING, "io_close", "io_atomic", "io_block"},
                },
                {"c": {*READING, *WRITING, *EITHER}, "p": {"cancel", "then"}},
            )
        )
    )

    def make(self, random: Random) -> Program:
        """Make a script."""
        return IoMaker(random).program()

    def run(self, program: Program, met: Met | None = None) -> Answers:
        """Run a script on package `lwt_unix`."""
        return answers(IoRun, program, self.statements, met)

    def covered(self) -> dict[str, str]:
        """The statements for the values of lwt_io.mli, by name."""
        return covered("Lwt_io", self.statements, "io_")

    def is_statement(self, form: Form) -> bool:
        return isinstance(form, tuple) and bool(form) and form[0] in STATEMENTS
