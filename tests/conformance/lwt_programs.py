"""Module Lwt, for the comparison: see `lwt_language`, `lwt_run` and `lwt_subjects`."""

from __future__ import annotations

from contextlib import ExitStack, closing
from random import Random
from typing import Final

from tests.conformance import lwt_source
from tests.conformance.forms import Form, Program, show
from tests.conformance.known_differences import KNOWN_DIFFERENCES
from tests.conformance.language import Answers, Met
from tests.conformance.lwt_language import EXCEPTIONS, RUNTIME_EXCEPTIONS, SIGNATURES, Maker
from tests.conformance.lwt_run import RETURNED, Run, SilentRun, show_as_in_memory
from tests.conformance.lwt_subjects import Choices, Lwt, Model, every_choice

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

NOT_OURS: Final = {
    name: ": removed in 6.0" for name in ("make_value", "make_error", "waiter_of_wakener")
}

MAKERS: Final = [name for name, kinds in SIGNATURES.items() if kinds.startswith("D")]
TAKERS: Final = [
    name for name, kinds in SIGNATURES.items() if {"P", "L", "R"} & set(kinds.split())
]


class LwtPrograms:
    """The language of programs over promises."""

    name = "Lwt"
    interpreter = "lwt_programs.ml"
    package = "lwt"
    default_programs = 20_000
    statements = tuple(SIGNATURES)
    pairs = tuple(
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
        answers = Answers([])
        text = show(program)

        def run_once(choices: Choices) -> None:
            model = Model(choices)
            SilentRun(model, random_choices=True).run(program)
            told = [taken for taken, _ in choices.made]
            if model.undefined_in_ocaml:
                answers.undefined.extend(model.undefined_in_ocaml)
                judge = Model(Choices(told))
                run = Run(judge, random_choices=True, show=show_as_in_memory)
                answers.model.append((len(answers.traces), run.run(program)))
            with ExitStack() as stack:
                for known in KNOWN_DIFFERENCES:
                    if any(word in text for word in known.words):
                        stack.enter_context(known.arrangement())
                subject = stack.enter_context(closing(Lwt(Choices(told))))
                run = Run(subject, random_choices=True, show=show_as_in_memory, met=met)
                answers.traces.append(run.run(program))

        every_choice(run_once)
        return answers

    def covered(self) -> dict[str, str]:
        """The statements for the values of lwt.mli, by name."""
        return {name: name for name in SIGNATURES} | SAME_FUNCTION | NOT_OURS

    def is_statement(self, form: Form) -> bool:
        return isinstance(form, tuple) and bool(form) and form[0] in SIGNATURES

    def as_ocaml(self, program: Program) -> str:
        return lwt_source.as_ocaml(program)

    def as_python(self, program: Program) -> str:
        return lwt_source.as_python(program)
