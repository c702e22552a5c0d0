"""Names of hosts, services and users, for the comparison: see `language.py` and `run.py`."""

from __future__ import annotations

from collections.abc import Collection
from random import Random
from typing import Final

from tests.conformance.forms import Form, Program
from tests.conformance.language import Answers, Met
from tests.conformance.languages.lwt_unix.language import all_pairs
from tests.conformance.languages.lwt_unix_names.language import NamesMaker
from tests.conformance.languages.lwt_unix_names.run import NamesRun
from tests.conformance.languages.scripts.answers import answers
from tests.conformance.languages.scripts.coverage import covered
from tests.conformance.values import values

ALL: Final = tuple(
    sorted(name.removeprefix("do_") for name in dir(NamesRun) if name.startswith("do_"))
)
OWN: Final = (
    *("gethostname", "gethostbyname", "gethostbyaddr", "getaddrinfo", "getnameinfo"),
    *("getservbyname", "getservbyport", "getprotobyname", "getprotobynumber"),
    *("getlogin", "getpwnam", "getpwuid", "getgrnam", "getgrgid"),
)


class NamesPrograms:
    """The language of scripts that ask for names."""

    name = "Lwt_unix.names"
    interpreter = "scripts_programs.ml"
    package = "lwt.unix"
    default_programs = 5_000
    statements: Collection[str] = OWN
    pairs: Collection[tuple[str, str]] = tuple(
        sorted(all_pairs({"p": set(OWN)}, {"p": {"then", "cancel"}}))
    )

    def make(self, random: Random) -> Program:
        """Make a script."""
        return NamesMaker(random).program()

    def run(self, program: Program, met: Met | None = None) -> Answers:
        """Run a script on package `lwt_unix`."""
        return answers(NamesRun, program, self.statements, met)

    def covered(self) -> dict[str, str]:
        """The statements for the values of lwt_unix.mli that are about names."""
        here = covered("Lwt_unix", self.statements)
        return {name: statement for name, statement in here.items() if name in values(self.name)}

    def is_statement(self, form: Form) -> bool:
        return isinstance(form, tuple) and bool(form) and form[0] in ALL
