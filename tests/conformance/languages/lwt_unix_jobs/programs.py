"""Jobs and notifications, for the comparison: see `language.py` and `run.py`."""

from __future__ import annotations

from collections.abc import Collection
from random import Random
from typing import Final

from tests.conformance.forms import Form, Program
from tests.conformance.language import Answers, Met
from tests.conformance.languages.lwt_unix.language import all_pairs
from tests.conformance.languages.lwt_unix_jobs.language import JobsMaker
from tests.conformance.languages.lwt_unix_jobs.run import JobsRun
from tests.conformance.languages.scripts.answers import answers
from tests.conformance.languages.scripts.coverage import covered
from tests.conformance.values import values

ALL: Final = tuple(
    sorted(name.removeprefix("do_") for name in dir(JobsRun) if name.startswith("do_"))
)
OWN: Final = (
    *("job", "finish", "busy", "at_once", "under", "set_method", "method"),
    *("abort_jobs", "cancel_jobs", "wait_for_jobs"),
    *("notification", "send_notification", "set_notification"),
    *("stop_notification", "call_notification"),
)


class JobsPrograms:
    """The language of scripts over jobs."""

    name = "Lwt_unix.jobs"
    interpreter = "scripts_programs.ml"
    package = "lwt.unix"
    default_programs = 5_000
    statements: Collection[str] = OWN
    pairs: Collection[tuple[str, str]] = tuple(
        sorted(
            all_pairs(
                {"j": {"job"}, "p": {"job", "wait_for_jobs", "at_once"}, "n": {"notification"}},
                {
                    "j": {"finish"},
                    "p": {"then", "cancel", "pick"},
                    "n": {name for name in OWN if name.endswith("_notification")},
                },
            )
        )
    )

    def make(self, random: Random) -> Program:
        """Make a script."""
        return JobsMaker(random).program()

    def run(self, program: Program, met: Met | None = None) -> Answers:
        """Run a script on package `lwt_unix`."""
        return answers(JobsRun, program, self.statements, met)

    def covered(self) -> dict[str, str]:
        """The statements for the values of lwt_unix.mli that jobs and notifications are for."""
        here = covered("Lwt_unix", self.statements)
        return {name: statement for name, statement in here.items() if name in values(self.name)}

    def is_statement(self, form: Form) -> bool:
        return isinstance(form, tuple) and bool(form) and form[0] in ALL
