"""Search for all bugs with all tools, and the table of what came out."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tabulate import tabulate

from tests.museum.listed import Bug
from tests.museum.tools.finding import Tool

APART = 1_000_003
"""How far the seeds of two searches are apart: none of them runs into the next."""


@dataclass(frozen=True)
class Searched:
    """What a tool needs for a bug, by the best of its strategies for this bug."""

    runs: float  # the median of all searches
    mean: float
    strategy: str
    choices: int | None
    error: str


def searched(tool: Tool, bug: Bug, *, starts: int, limit: int) -> Searched | None:
    """Search from several starting seeds by each strategy; None if a search finds nothing."""
    program = bug.program(lwt=tool.is_ours, mended=False)
    best: Searched | None = None
    for strategy in tool.strategies:
        runs: list[int] = []
        for start in range(starts):
            found = tool.search(program, seed=start * APART, limit=limit, strategy=strategy)
            if found is None:
                break
            runs.append(found.runs)
        else:
            median, mean = statistics.median(runs), statistics.fmean(runs)
            if best is None or (median, mean) < (best.runs, best.mean):
                best = Searched(median, mean, strategy, None, "")
    if best is None:
        return None
    shrunk = tool.search(program, seed=0, limit=limit, strategy=best.strategy, shrink=True)
    assert shrunk is not None
    return Searched(best.runs, best.mean, best.strategy, shrunk.choices, shrunk.error)


def survived(tool: Tool, bug: Bug, *, runs: int) -> str:
    """Run the mended form: under all schedules, if the tool can and they are not more than `runs`."""
    program = bug.program(lwt=tool.is_ours, mended=True)
    if tool.explore is not None:
        schedules = tool.explore(program, runs)
        if schedules is not None:
            return f"all {schedules:,} schedules"
    found = tool.search(program, seed=0, limit=runs, strategy=tool.strategies[0])
    return f"{runs:,} runs" if found is None else f"FAILS in run {found.runs:,}: {found.error}"


def table(
    bugs: Iterable[Bug],
    tools: list[Tool],
    *,
    starts: int,
    limit: int,
    mended: int,
    say: Callable[[str], None],
) -> str:
    """Search for all bugs, and write the table."""
    rows: list[list[str]] = []
    for bug in bugs:
        say(bug.name)
        results = [searched(tool, bug, starts=starts, limit=limit) for tool in tools]
        runs = [
            f"{result.runs:g} ({result.mean:.1f})" if result else f"> {limit:,}"
            for result in results
        ]
        choices = [str(result.choices) if result else "" for result in results]
        held = [survived(tool, bug, runs=mended) for tool in tools]
        rows.append([bug.name.replace("_", " "), *runs, *choices, *held])
    names = [tool.name for tool in tools]
    headers = ["", *(f"{name}: runs" for name in names), *(f"{name}: choices" for name in names)]
    headers += [f"{name}: mended" for name in names]
    text: str = tabulate(rows, headers, tablefmt="github", disable_numparse=True)
    return text
