"""Module Lwt_sequence, for the comparison: see `language.py` and `run.py`."""

from __future__ import annotations

from collections.abc import Collection
from random import Random
from typing import Final

from tests.conformance.forms import Form, Program
from tests.conformance.language import Answers, Met
from tests.conformance.languages.lwt_sequence.language import SIGNATURES, Maker
from tests.conformance.languages.lwt_sequence.run import Run

MAKERS: Final = tuple(name for name, kinds in SIGNATURES.items() if "D" in kinds.split())
TAKERS: Final = ("get", "set", "remove")


class SequencePrograms:
    """The language of programs over sequences."""

    name = "Lwt_sequence"
    interpreter = "lwt_sequence_programs.ml"
    package = "lwt"
    default_programs = 5_000
    statements: Collection[str] = tuple(SIGNATURES)
    pairs: Collection[tuple[str, str]] = tuple(
        (maker, taker) for maker in MAKERS for taker in TAKERS
    )

    def make(self, random: Random) -> Program:
        return Maker(random).program()

    def run(self, program: Program, met: Met | None = None) -> Answers:
        run = Run(met)
        return Answers([run.run(program)], doubtful=run.doubtful)

    def covered(self) -> dict[str, str]:
        # Every line of a trace shows the length.
        return {name: name for name in SIGNATURES} | {"length": "create"}

    def is_statement(self, form: Form) -> bool:
        return isinstance(form, tuple) and bool(form) and form[0] in SIGNATURES
