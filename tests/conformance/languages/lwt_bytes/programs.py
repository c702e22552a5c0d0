"""Module Lwt_bytes, for the comparison: see `language.py` and `run.py`."""

from __future__ import annotations

from collections.abc import Collection
from random import Random
from typing import Final

from tests.conformance.forms import Form, Program
from tests.conformance.language import Answers, Met
from tests.conformance.languages.lwt_bytes.language import BytesMaker
from tests.conformance.languages.lwt_bytes.run import BytesRun
from tests.conformance.languages.lwt_unix.language import all_pairs
from tests.conformance.languages.scripts.answers import answers
from tests.conformance.languages.scripts.coverage import covered

ALL: Final = tuple(
    sorted(name.removeprefix("do_") for name in dir(BytesRun) if name.startswith("do_"))
)
OWN: Final = tuple(name for name in ALL if name.startswith("bytes_"))
MAKING: Final = {
    f"bytes_{name}" for name in ("create", "of_string", "proxy", "extract", "copy", "map_file")
}
USING: Final = {
    f"bytes_{name}"
    for name in ("get", "set", "fill", "blit", "look", "proxy", "read", "write", "madvise")
}


class BytesPrograms:
    """The language of scripts over byte arrays."""

    name = "Lwt_bytes"
    interpreter = "scripts_programs.ml"
    package = "lwt.unix"
    default_programs = 5_000
    statements: Collection[str] = OWN
    pairs: Collection[tuple[str, str]] = tuple(sorted(all_pairs({"a": MAKING}, {"a": USING})))

    def make(self, random: Random) -> Program:
        """Make a script."""
        return BytesMaker(random).program()

    def run(self, program: Program, met: Met | None = None) -> Answers:
        """Run a script on package `lwt_unix`."""
        return answers(BytesRun, program, self.statements, met)

    def covered(self) -> dict[str, str]:
        """The statements for the values of lwt_bytes.mli, by name."""
        return covered("Lwt_bytes", self.statements, "bytes_")

    def is_statement(self, form: Form) -> bool:
        return isinstance(form, tuple) and bool(form) and form[0] in ALL
