"""Module Lwt_stream, for the comparison: see `language.py` and `run.py`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from random import Random
from typing import Final

import lwt
from tests.conformance.forms import Form, Program
from tests.conformance.language import Answers, Met
from tests.conformance.languages.lwt_stream.language import PUSHING, SIGNATURES, make
from tests.conformance.languages.lwt_stream.run import Run

MAKERS: Final = tuple(name for name, kinds in SIGNATURES.items() if kinds.startswith("D"))
TAKERS: Final = tuple(name for name, kinds in SIGNATURES.items() if "S" in kinds.split())


class StreamPrograms:
    """The language of programs over streams."""

    name = "Lwt_stream"
    interpreter = "lwt_stream_programs.ml"
    package = "lwt"
    default_programs = 5_000
    statements: Collection[str] = tuple(SIGNATURES)
    pairs: Collection[tuple[str, str]] = tuple(
        (maker, taker)
        for maker in MAKERS
        for taker in TAKERS
        if taker not in PUSHING
        or maker == "create_bounded"
        or (maker == "create" and taker != "resize")
    )

    def make(self, random: Random) -> Program:
        return make(random)

    def run(self, program: Program, met: Met | None = None) -> Answers:
        with _chance() as taken:
            trace = Run(met).run(program)
        return Answers([trace], doubtful=["chance decides"] if taken else [])

    def covered(self) -> dict[str, str]:
        return {name: name for name in SIGNATURES} | {
            "is_closed": "create",  # every line of a trace shows it
            "create_with_reference": "create",
            "junk_old": "junk_available",  # which 5.6.1 does not have: it stands for this one
            "on_termination": ": removed in 5.7.0",
            "on_terminate": ": removed in 5.7.0",
            "map_exn": ": removed in 5.7.0",
        }

    def is_statement(self, form: Form) -> bool:
        return isinstance(form, tuple) and bool(form) and form[0] in SIGNATURES


@contextmanager
def _chance() -> Iterator[list[int]]:
    """Note where `choose` has to take one of several."""
    taken: list[int] = []

    def draw(number: int) -> int:
        taken.append(number)
        return 0

    lwt.prng.randrange = draw  # type: ignore[method-assign,assignment]  # only so is it asked
    try:
        yield taken
    finally:
        del lwt.prng.randrange
