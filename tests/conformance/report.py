"""What a comparison came to, for people: the table, the differences, what was not met."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tests.conformance.comparison import DIED, NOTHING_MORE, Difference, Result, agreeing
from tests.conformance.forms import Program, show
from tests.conformance.language import Language
from tests.conformance.values import values

ENOUGH: Final = 1_000
"""From so many programs on, every statement is to be met."""

MANY: Final = 20_000
"""From so many on, all but a few of the pairs."""

SHARE_OF_PAIRS: Final = 0.9


@dataclass
class Report:
    """The result for one module, and what it lacks."""

    language: Language
    result: Result
    seconds: float

    def __post_init__(self) -> None:
        self.statements = {name for name, *others in self.result.met if not others}
        self.pairs = {pair for pair in self.language.pairs if self.result.met[pair]}
        self.covered = self.language.covered()
        self.values = values(self.language.name)
        self.excused = {
            name: self.covered[name][1:].strip()
            for name in self.values
            if self.covered.get(name, "").startswith(":")
        }
        self.reached = {n for n in self.values if self.covered.get(n) in self.statements}

    def shortcomings(self) -> list[str]:
        """Say what is wrong with the result; with nothing in the list, it passes."""
        found = []
        if self.result.differences:
            found.append(f"{len(self.result.differences)} programs differ")
        unknown = [name for name in self.values if name not in self.covered]
        if unknown:
            found.append(f"no statement stands for {', '.join(unknown)}")
        unmet = sorted(set(self.language.statements) - self.statements)
        if unmet and self.result.programs >= ENOUGH:
            found.append(f"never met: {', '.join(unmet)}")
        if self.result.programs >= MANY and len(self.pairs) < SHARE_OF_PAIRS * len(
            self.language.pairs
        ):
            found.append(f"only {len(self.pairs)} of {len(self.language.pairs)} pairs were met")
        return found

    def row(self) -> list[str]:
        return [
            self.language.name,
            str(self.result.judged),
            str(len(self.result.differences)),
            str(self.result.excused.total()),
            f"{len(self.reached)} of {len(self.values) - len(self.excused)}",
            f"{len(self.statements)} of {len(self.language.statements)}",
            f"{len(self.pairs)} of {len(self.language.pairs)}",
            f"{self.result.programs / self.seconds:.0f}",
        ]


HEADINGS: Final = [
    "module",
    "judged by OCaml",
    "differences",
    "excused",
    "values",
    "statements",
    "pairs",
    "a second",
]


def table(reports: list[Report]) -> str:
    rows = [HEADINGS, *(report.row() for report in reports)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    for report in reports:
        name = report.language.name
        lines.extend(f"{name}: {line}" for line in excuses(report.result))
        for reason in dict.fromkeys(report.excused.values()):
            names = [value for value, why in report.excused.items() if why == reason]
            lines.append(f"{name}: left out, {reason}: {', '.join(names)}")
    return "\n".join(lines)


def excuses(result: Result) -> list[str]:
    """Tell how many of the doubtful programs differ, for each reason to doubt."""
    return [
        f"{result.excused[reason]} of {number} programs differ and are excused: {reason}"
        for reason, number in result.doubtful.most_common()
    ]


def explanation(difference: Difference) -> str:
    """Show a difference: the program, and both traces."""
    shown = both_traces(difference.program, difference.ours, difference.expected, difference.judge)
    if difference.number:
        heading = f"After {difference.number} programs, made as small as possible:"
        shown = f"{heading}\n\n{shown}"
    return shown


def both_traces(
    program: Program, ours: list[str], expected: list[str] | None, judge: str = "OCaml"
) -> str:
    """Show a program and what came of it, with a mark where the traces begin to differ."""
    expected = DIED if expected is None else expected
    lines = [f"  {show(program)}"]
    if ours == expected:
        lines += ["", f"{judge} and ours:", *(f"    {line}" for line in ours)]
        return "\n".join(lines)
    place = agreeing(ours, expected)
    for whose, trace in ((judge, expected), ("ours", ours)):
        lines += ["", f"{whose}:"]
        for number, line in enumerate(trace if place < len(trace) else [*trace, NOTHING_MORE]):
            lines.append(f"{' -> ' if number == place else '    '}{line}")
    return "\n".join(lines)
