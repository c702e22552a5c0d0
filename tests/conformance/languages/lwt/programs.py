"""Module Lwt, for the comparison: see `language.py`, `run.py` and `subjects.py`."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing
from random import Random
from typing import Final

import lwt
from tests.conformance.forms import Form, Program
from tests.conformance.language import Answers, Met
from tests.conformance.languages.lwt.language import (
    EXCEPTIONS,
    RUNTIME_EXCEPTIONS,
    SIGNATURES,
    Maker,
)
from tests.conformance.languages.lwt.run import RETURNED, Run, SilentRun, show_as_in_memory
from tests.conformance.languages.lwt.subjects import Choices, Lwt, Model, every_choice

SAME_FUNCTION: Final = {
    "return": "return_",
    "async": "async_",
    "async_exception_hook": "set_hook",
    "get": "with_value",  # every line of a trace shows what it finds
    "new_key": "with_value",
    "state": "wait",  # every line of a trace shows it
    "paused_count": "pause",  # the end of each statement shows it
    "Infix.>>=": ">>=",
    "Infix.>|=": ">|=",
    "Infix.<&>": "<&>",
    "Infix.<?>": "<?>",
    "Infix.=<<": "=<<",
    "Infix.=|<": "=|<",
    "Infix.Let_syntax.return": "Let_syntax.return",
    "Infix.Let_syntax.map": "Let_syntax.map",
    "Infix.Let_syntax.bind": "Let_syntax.bind",
    "Infix.Let_syntax.both": "Let_syntax.both",
    "Let_syntax.Let_syntax.return": "Let_syntax.return",
    "Let_syntax.Let_syntax.map": "Let_syntax.map",
    "Let_syntax.Let_syntax.bind": "Let_syntax.bind",
    "Let_syntax.Let_syntax.both": "Let_syntax.both",
    "Syntax.let*": "let*",
    "Syntax.let+": "let+",
    "Syntax.and*": "and*",
    "Syntax.and+": "and*",
}
"""The statements of values that have another name, or are met in another way."""

NOT_OURS: Final = dict.fromkeys(
    ("make_value", "make_error", "waiter_of_wakener"), ": removed in 5.7.0"
)

MAKERS: Final = [name for name, kinds in SIGNATURES.items() if kinds.startswith("D")]
TAKERS: Final = [name for name, kinds in SIGNATURES.items() if {"P", "L", "R"} & set(kinds.split())]


MOST_WAYS: Final = 200


def _run_on_model(program: Program, told: list[int]) -> list[str]:
    run = Run(Model(Choices(told)), random_choices=True, show=show_as_in_memory)
    return run.run(program)


def _run_on_lwt(program: Program, told: list[int], met: Met | None = None) -> list[str]:
    """Run a program as 5.6.1 does, in which every exception becomes a rejection."""
    lwt.Exception_filter.set(lwt.Exception_filter.handle_all)
    try:
        with closing(Lwt(Choices(told))) as subject:
            run = Run(subject, random_choices=True, show=show_as_in_memory, met=met)
            return run.run(program)
    finally:
        lwt.Exception_filter.set(lwt.Exception_filter.handle_all_except_runtime)


class LwtPrograms:
    """The language of programs over promises."""

    name = "Lwt"
    interpreter = "lwt_programs.ml"
    package = "lwt"
    default_programs = 20_000
    statements: Collection[str] = tuple(SIGNATURES)
    pairs: Collection[tuple[str, str]] = tuple(
        (maker, taker)
        for maker in MAKERS
        for taker in (*TAKERS, RETURNED)
        if "R" not in SIGNATURES.get(taker, "").split() or maker in {"wait", "task"}
    )

    def make(self, random: Random) -> Program:
        """Make a program; in one of twenty, exceptions of the runtime may occur."""
        with_runtime = random.random() < 0.05
        exceptions = (*EXCEPTIONS, *RUNTIME_EXCEPTIONS) if with_runtime else EXCEPTIONS
        return Maker(lambda n: int(random.random() * n), exceptions).program()

    def run(self, program: Program, met: Met | None = None) -> Answers:
        """Run a program on package `lwt`; the model tells whether OCaml could run it, too."""
        told: list[list[int]] = []
        doubtful: list[str] = []

        def try_on_model(choices: Choices) -> None:
            model = Model(choices)
            SilentRun(model, random_choices=True).run(program)
            told.append([taken for taken, _ in choices.made])
            doubtful.extend(model.undefined_in_ocaml)

        if not every_choice(try_on_model, at_most=MOST_WAYS):
            doubtful.append("random choices may go in too many ways")
        if doubtful:
            return Answers(
                [_run_on_lwt(program, way, met) for way in told],
                doubtful,
                [(number, _run_on_model(program, way)) for number, way in enumerate(told)],
            )
        more = (_run_on_lwt(program, way) for way in told[1:])
        return Answers([_run_on_lwt(program, told[0], met)], more=more)

    def covered(self) -> dict[str, str]:
        """The statements for the values of lwt.mli, by name."""
        return {name: name for name in SIGNATURES} | SAME_FUNCTION | NOT_OURS

    def is_statement(self, form: Form) -> bool:
        return isinstance(form, tuple) and bool(form) and form[0] in SIGNATURES
