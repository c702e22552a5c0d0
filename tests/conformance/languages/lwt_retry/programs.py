"""Lwt_retry: its language of random programs.

There are slots for streams of attempts, for promises, and for resolvers.

    (on_error S RESULT...)          the function gives these, one a call, and then (retry 9)
    (with_sleep S) (with_sleep_by S FACTOR)     the stream in S, with pauses; FACTOR * number hundredths of a second
    (n_times P N S)                 N - 1 more times: N is 0 for a negative number
    (get P S) (nget P N S)          of the stream itself
    (answer W RESULT) (cancel P)
    (advance HUNDREDTHS)            time
    (default_sleep_duration N)      of N - 40
    (equal_error ERROR ERROR) (pp_error WHICH ERROR)

A RESULT is (ok V), (retry R), (fatal F), (raise E), (rejected E) or (wait W), which is pending until it is answered. A trace
tells each call of the function, each question for a duration, and what comes of each promise.

`run.py` runs the programs, `ocaml/retry_programs.ml` the same in OCaml.
"""

from __future__ import annotations

from collections.abc import Collection
from random import Random
from typing import Final

from tests.conformance.forms import Form, Program
from tests.conformance.language import Answers, Met
from tests.conformance.languages.lwt_retry.run import Run

STATEMENTS: Final = {
    "on_error": 6, "with_sleep": 2, "with_sleep_by": 4, "n_times": 14, "get": 12, "nget": 6, "answer": 12, "cancel": 4,
    "advance": 14, "default_sleep_duration": 1, "equal_error": 2, "pp_error": 2,
}  # fmt: skip
RESULTS: Final = {"ok": 3, "retry": 12, "fatal": 2, "raise": 2, "rejected": 2, "wait": 5}
ANSWERS: Final = {"ok": 3, "retry": 6, "fatal": 2, "rejected": 2}


class _Making:
    """Makes one program."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def number(self, most: int) -> int:
        """One of 0 ... most-1, the same under each version of Python."""
        return int(self._random.random() * most)

    def one_of(self, weights: dict[str, int]) -> str:
        place = self.number(sum(weights.values()))
        for name, weight in weights.items():
            place -= weight
            if place < 0:
                return name
        raise AssertionError

    def result(self, weights: dict[str, int]) -> Form:
        name = self.one_of(weights)
        return (name, self.number(2 if name == "wait" else 4))

    def error(self) -> Form:
        return (("retry", "fatal")[self.number(2)], self.number(4))

    def on_error(self) -> Form:
        results = [self.result(RESULTS) for _ in range(self.number(7))]
        return ("on_error", self.number(2), *results)

    def statement(self) -> Form:
        name, p, s = self.one_of(STATEMENTS), self.number(4), self.number(2)
        match name:
            case "on_error":
                return self.on_error()
            case "with_sleep":
                return (name, s)
            case "with_sleep_by":
                return (name, s, self.number(4))
            case "n_times" | "nget":
                return (name, p, self.number(5), s)
            case "get":
                return (name, p, s)
            case "answer":
                return (name, self.number(2), self.result(ANSWERS))
            case "cancel":
                return (name, p)
            case "advance":
                return (name, self.number(10) if self.number(3) else 400 * self.number(13))
            case "default_sleep_duration":
                return (name, self.number(80))
            case "equal_error":
                return (name, self.error(), self.error())
            case _:
                return (name, self.number(4), self.error())

    def program(self) -> Program:
        return (self.on_error(), *(self.statement() for _ in range(3 + self.number(14))))


class RetryPrograms:
    """The language of attempts."""

    name = "Lwt_retry"
    interpreter = "retry_programs.ml"
    package = "lwt"
    default_programs = 5_000
    statements: Collection[str] = tuple(STATEMENTS)
    pairs: Collection[tuple[str, str]] = ()

    def make(self, random: Random) -> Program:
        """Make a program."""
        return _Making(random).program()

    def run(self, program: Program, met: Met | None = None) -> Answers:
        """Run a program on `lwt_unix.lwt_retry`."""
        if met is not None:
            met.update((statement[0],) for statement in program)
        return Answers([Run().run(program)])

    def covered(self) -> dict[str, str]:
        """The statements for the values of lwt_retry.mli."""
        return {name: name for name in self.statements}

    def is_statement(self, form: Form) -> bool:
        return isinstance(form, tuple) and bool(form) and form[0] in STATEMENTS
