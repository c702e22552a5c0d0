"""Running programs on both sides, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from random import Random
from traceback import extract_tb
from typing import Final

from tests.conformance.forms import Program, show
from tests.conformance.judge import Judge
from tests.conformance.language import Answers, Language, Met
from tests.conformance.shrinking import shrink

BATCH = 250
DIED: Final = ["(the interpreter died or hung)"]
NOTHING_MORE: Final = "(nothing more)"


def agreeing(trace: Sequence[str], other: Sequence[str]) -> int:
    """Return how many lines are the same, from the beginning on."""
    pairs = zip(trace, other, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(trace), len(other)))


@dataclass
class Difference:
    """A program that does not do what it should."""

    program: Program
    ours: list[str]
    expected: list[str] | None
    """The other trace; None if the judge died or hung."""

    judge: str = "OCaml"
    number: int = 0
    """How many programs had been run when it was found."""

    def first(self) -> str:
        """Say where the traces begin to differ."""
        expected = DIED if self.expected is None else self.expected
        place = agreeing(self.ours, expected)
        lines = []
        for whose, trace in (("ours", self.ours), (self.judge, expected)):
            line = trace[place] if place < len(trace) else NOTHING_MORE
            lines.append(f"{whose:>6}: {line}")
        return "\n".join(lines)


@dataclass
class Result:
    """What came of many programs."""

    programs: int = 0
    differences: list[Difference] = field(default_factory=list)
    doubtful: Counter[str] = field(default_factory=Counter)
    """How many programs OCaml may do something else with, by the reason."""

    excused: Counter[str] = field(default_factory=Counter)
    """With how many of them it did."""

    met: Met = field(default_factory=Counter)

    @property
    def judged(self) -> int:
        """How many programs OCaml was the judge of."""
        return self.programs - self.excused.total()


def random_programs(language: Language, number: int, seed: int = 0) -> Iterator[Program]:
    """Make programs; each from a seed of its own, so that any can be made again alone."""
    for own_seed in range(seed, seed + number):
        yield language.make(Random(own_seed))


def run_ours(language: Language, program: Program, met: Met | None = None) -> Answers:
    """Run a program on our library; an exception that should not leave is our answer, too."""
    try:
        return language.run(program, met)
    except Exception as exception:
        frame = extract_tb(exception.__traceback__)[-1]
        return Answers([[f"{exception!r} leaves, from {frame.filename}:{frame.lineno}"]])


def closest(traces: list[list[str]], expected: list[str]) -> list[str]:
    """Return the trace that agrees with another one for the longest."""
    return max(traces, key=lambda trace: agreeing(trace, expected))


def _is_allowed(by_ocaml: list[str] | None, answers: Answers) -> bool:
    if by_ocaml is None or by_ocaml in answers.traces:
        return by_ocaml is not None
    for trace in answers.more:
        answers.traces.append(trace)
        if trace == by_ocaml:
            return True
    return False


def judged(program: Program, answers: Answers, by_ocaml: list[str] | None) -> Difference | None:
    """Compare what was answered to a program."""
    for number, by_model in answers.model:
        if answers.traces[number] != by_model:
            return Difference(program, answers.traces[number], by_model, judge="model")
    if not _is_allowed(by_ocaml, answers):
        ours = closest(answers.traces, by_ocaml) if by_ocaml else answers.traces[0]
        return Difference(program, ours, by_ocaml)
    return None


def asked(judge: Judge, program: Program, answers: Answers) -> list[str] | None:
    """Have OCaml run a program: in a process of its own if it is doubtful how that ends."""
    ask = judge.ask_apart if answers.doubtful else lambda text: judge.ask([text])[0]
    return ask(show(program))


def is_excused(difference: Difference | None, answers: Answers) -> bool:
    """Tell whether a program is one of those in which OCaml may do something else."""
    return bool(answers.doubtful) and difference is not None and difference.judge == "OCaml"


def compare(
    language: Language,
    judge: Judge,
    programs: Iterable[Program],
    *,
    enough: int | None = None,
    stop_after: int = 10,
    report: Callable[[Result], None] = lambda _: None,
) -> Result:
    """Run programs on both sides until OCaml has judged enough, or so many differ."""
    result = Result()
    rest = iter(programs)
    while enough is None or result.judged < enough:
        size = BATCH if enough is None else min(BATCH, enough - result.judged)
        batch = list(islice(rest, size))
        if not batch:
            break
        answers = [run_ours(language, program, result.met) for program in batch]
        pairs = list(zip(batch, answers, strict=True))
        replies = iter(judge.ask([show(program) for program, own in pairs if not own.doubtful]))
        for program, own in pairs:
            result.programs += 1
            by_ocaml = asked(judge, program, own) if own.doubtful else next(replies)
            difference = judged(program, own, by_ocaml)
            result.doubtful.update(own.doubtful[:1])
            if is_excused(difference, own):
                result.excused.update(own.doubtful[:1])
            elif difference:
                difference.number = result.programs
                result.differences.append(difference)
        report(result)
        if len(result.differences) >= stop_after:
            break
    return result


def one_difference(language: Language, judge: Judge, program: Program) -> Difference | None:
    """Run one program on both sides."""
    answers = run_ours(language, program)
    difference = judged(program, answers, asked(judge, program, answers))
    return None if is_excused(difference, answers) else difference


def shrunk(language: Language, judge: Judge, difference: Difference) -> Difference | None:
    """Make the program of a difference as small as can be, with a difference of the same kind.

    Returns None if it does not differ when it is run alone, after no other program.
    """

    def still(program: Program) -> bool:
        found = one_difference(language, judge, program)
        return found is not None and (found.judge, found.expected is None) == (
            difference.judge,
            difference.expected is None,
        )

    if not still(difference.program):
        return None
    smallest = shrink(difference.program, language.is_statement, still)
    found = one_difference(language, judge, smallest)
    if found is not None:
        found.number = difference.number
    return found
