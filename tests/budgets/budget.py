"""The budgets: their file, and what is said when something else is counted."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path
from statistics import median
from typing import Final

from tests.budgets.counting import Counts
from tests.budgets.growth import FEW, HEAPS, MANY

FILE: Final = Path(__file__).with_name("budgets.toml")

MARGIN: Final = {"instructions": 3.0, "system_calls": 0.0, "memory": 1.0}
"""Per cent by which a count may differ from its budget. System calls must be as many as they were."""

GROWTH_MARGIN: Final = 8.0
"""Per cent by which one of an operation may cost more among many than among few: Python finds memory
more easily for a few."""

ROUNDING: Final = 0.002
"""Budgets are written with three digits behind the point."""

HEAD: Final = """\
# What one of each operation may cost. Written by `python -m tests.budgets record`, which counts anew;
# `make budgets` counts and compares. docs/contributing.md says when to do which.
"""


# --- Judging -----------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """One count beside its budget. Without a budget, nothing may be counted."""

    operation: str
    what: str
    counted: float
    budget: float
    margin: float
    """Per cent."""

    @property
    def allowed(self) -> float:
        """How far the count may be from the budget."""
        return self.budget * self.margin / 100 + ROUNDING

    @property
    def is_over(self) -> bool:
        """Whether it costs more than it may."""
        return self.counted > self.budget + self.allowed

    @property
    def is_far_below(self) -> bool:
        """Whether it has become so cheap that the budget guards it no longer."""
        return self.counted < self.budget - self.allowed

    def __str__(self) -> str:
        change = f"{100 * (self.counted / self.budget - 1):+.1f} %" if self.budget else ""
        verdict = "  OVER" if self.is_over else "  far below" if self.is_far_below else ""
        return (
            f"{self.operation:28}{self.what:14}{_number(self.counted):>12}"
            f"{_number(self.budget):>12}{change:>10}{verdict}"
        )


def _number(count: float) -> str:
    return f"{count:,.3f}".rstrip("0").rstrip(".")


def compared(kind: str, counted: Counts, budgets: Counts) -> list[Line]:
    """Put each count beside its budget. What is only in one of the two is zero in the other."""
    lines = []
    for operation in {**budgets, **counted}:
        costs, allowed = counted.get(operation, {}), budgets.get(operation, {})
        lines += [
            Line(operation, what, costs.get(what, 0.0), allowed.get(what, 0.0), MARGIN[kind])
            for what in {**allowed, **costs}
        ]
    return [line for line in lines if line.counted or line.budget]


@dataclass(frozen=True)
class Growth:
    """What one of an operation costs among few others, and among many."""

    operation: str
    few: float
    many: float

    @property
    def is_growing(self) -> bool:
        """Whether it costs more among many than the margin allows."""
        is_logarithmic = self.operation in HEAPS
        allowed = log(MANY) / log(FEW) if is_logarithmic else 1 + GROWTH_MARGIN / 100
        return self.many > self.few * allowed

    def __str__(self) -> str:
        change = f"{100 * (self.many / self.few - 1):+.1f} %"
        verdict = "  GROWS" if self.is_growing else ""
        return f"{self.operation:34}{_number(self.few):>12}{_number(self.many):>12}{change:>10}{verdict}"


@dataclass(frozen=True)
class Change:
    """What one of an operation costs in two checkouts, in each round."""

    operation: str
    before: Sequence[float]
    after: Sequence[float]

    @property
    def changes(self) -> list[float]:
        """Per cent by which it costs more, in each round."""
        both = zip(self.before, self.after, strict=True)
        return [100 * (after / before - 1) for before, after in both]

    def __str__(self) -> str:
        changes = self.changes
        return (
            f"{self.operation:28}{_number(median(self.before)):>12}{_number(median(self.after)):>12}"
            f"{median(changes):>+9.2f} %{min(changes):>+9.2f} %{max(changes):>+9.2f} %"
        )


def why_not_comparable(kind: str, recorded: str, here: str, is_compiled: bool) -> str:
    """Say why the counts of this Python cannot be held against those of another; "" if they can.

    Instructions depend on how Python was compiled, and memory on its version. System calls depend
    on neither.
    """
    if kind == "system_calls":
        return ""
    if is_compiled:
        return "the budgets are those of the sources, and here lwt is compiled"
    if kind == "memory":
        recorded, here = (".".join(build.split(".")[:2]) for build in (recorded, here))
    return "" if recorded == here else f"the budgets are those of {recorded}, and this is {here}"


# --- The file ----------------------------------------------------------------


@dataclass(frozen=True)
class Budgets:
    """What is in the file."""

    build: str
    """The Python with which it was counted."""
    counts: dict[str, Counts]
    """Of each kind."""


def read(path: Path = FILE) -> Budgets:
    with path.open("rb") as file:
        found = tomllib.load(file)
    return Budgets(found.pop("build"), found)


def write(budgets: Budgets, path: Path = FILE) -> None:
    path.write_text(as_text(budgets), encoding="utf-8")


def as_text(budgets: Budgets) -> str:
    lines = [HEAD, f'build = "{budgets.build}"']
    for kind, counts in budgets.counts.items():
        lines += ["", f"[{kind}]"]
        for operation, costs in counts.items():
            rounded = {what: round(cost, 3) for what, cost in costs.items()}
            inside = ", ".join(f"{what} = {cost:.15g}" for what, cost in rounded.items() if cost)
            lines.append(f'"{operation}" = {{ {inside} }}')
    return "\n".join(lines) + "\n"
