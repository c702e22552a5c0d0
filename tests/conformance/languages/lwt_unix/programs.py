"""Module Lwt_unix, for the comparison: see `language.py` and `run.py`."""

from __future__ import annotations

from collections.abc import Collection
from random import Random
from typing import Final

from tests.conformance.forms import Form, Program
from tests.conformance.language import Answers, Met
from tests.conformance.languages.lwt_unix.language import UnixMaker, all_pairs
from tests.conformance.languages.lwt_unix.run import UnixRun
from tests.conformance.languages.scripts.answers import answers
from tests.conformance.languages.scripts.coverage import covered

STATEMENTS: Final = tuple(
    sorted(name.removeprefix("do_") for name in dir(UnixRun) if name.startswith("do_"))
)

PAIRS: Final = {"pipe", "socketpair", "small_socketpair", "datagrams"}
MAKERS: Final = {
    "d": {*PAIRS, "socket", "accept", "accept_n", "dup"},
    "p": {"read", "write", "accept", "connect", "wait_read", "wrap_syscall", "register_action"},
}
TAKERS: Final = {
    "d": {"read", "write", "close", "abort", "drain", "fill", "wrap_syscall", "wait_read"},
    "p": {"cancel", "then", "pick"},
}


class LwtUnixPrograms:
    """The language of scripts over descriptors."""

    name = "Lwt_unix"
    interpreter = "scripts_programs.ml"
    package = "lwt.unix"
    default_programs = 5_000
    statements: Collection[str] = tuple(
        name for name in STATEMENTS if not name.startswith("wakeup")
    )
    pairs: Collection[tuple[str, str]] = tuple(sorted(all_pairs(MAKERS, TAKERS)))

    def make(self, random: Random) -> Program:
        """Make a script."""
        return UnixMaker(random).program()

    def run(self, program: Program, met: Met | None = None) -> Answers:
        """Run a script on package `lwt_unix`."""
        return answers(UnixRun, program, self.statements, met)

    def covered(self) -> dict[str, str]:
        """The statements for the values of lwt_unix.mli, by name."""
        return covered("Lwt_unix", self.statements)

    def is_statement(self, form: Form) -> bool:
        return isinstance(form, tuple) and bool(form) and form[0] in STATEMENTS
