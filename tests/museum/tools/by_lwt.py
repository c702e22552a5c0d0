"""Search by our own simulated world: `lwt_unix.testing`. Hypothesis makes a failure smaller."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from hypothesis import Phase, given, seed, settings
from hypothesis.strategies import DataObject, data

import lwt
from lwt_unix import testing
from tests.museum.tools.finding import Found, Program, Tool


def error_of(program: Program, choices: testing.Choices) -> Exception | None:
    """Run a program once; return what it failed with, or what failed in its background."""
    reported: list[Exception] = []

    def main() -> Coroutine[Any, Any, None]:
        lwt.async_exception_hook.contents = reported.append
        return program()

    try:
        testing.simulate(main, choices=choices)
    except Exception as exn:
        return exn
    return reported[0] if reported else None


def _search(
    program: Program, *, seed: int, limit: int, strategy: str, shrink: bool = False
) -> Found | None:
    for run in range(limit):
        error = error_of(program, testing.seeded(seed + run))
        if error is not None:
            choices = fewest_choices(program) if shrink else None
            return Found(run + 1, f"{type(error).__name__}: {error}", choices)
    return None


def fewest_choices(program: Program) -> int:
    """Let Hypothesis find a failure, and make it small."""
    counts: list[int] = []

    @seed(0)
    @settings(
        max_examples=10_000, database=None, deadline=None, phases=(Phase.generate, Phase.shrink)
    )
    @given(data())
    def run(drawn: DataObject) -> None:
        choices = testing.drawn(drawn.conjecture_data)
        error = error_of(program, choices)
        if error is not None:
            counts.append(len(choices.deviations))
            raise error

    try:
        run()
    except Exception:
        pass
    return counts[-1]  # the last run is that of the smallest example


def explored(program: Program, limit: int) -> int | None:
    """Go through all schedules, unless there are more than so many; return how many there are."""
    found = testing.explore(program, limit=limit)
    return found.schedules if found.is_all else None


TOOL = Tool("lwt", lwt.__version__, ("seeded",), _search, explored)
