"""Search by detangle: https://pypi.org/project/detangle.

It first runs a program in asyncio's own order. Its network is told to split what is written, too. By
default it alternates between three depths of PCT and a random walk.
"""

from __future__ import annotations

from typing import Any

import detangle

from tests.museum.tools.finding import LATENCY, Found, Program, Tool

_OPTIONS: dict[str, Any] = {
    "database": False,
    "net": {"latency": LATENCY, "latency_steps": 21, "fragment": 0.3},
}


def _search(
    program: Program, *, seed: int, limit: int, strategy: str, shrink: bool = False
) -> Found | None:
    try:
        detangle.explore(
            program, runs=limit, seed=seed, strategy=strategy, shrink=shrink, **_OPTIONS
        )
    except detangle.BugFound as found:
        report = found.report
        return Found(report.runs, report.failure.headline(), report.deviations if shrink else None)
    return None


TOOL = Tool("detangle", detangle.__version__, ("auto", "random"), _search)
