"""Search by simloom: https://pypi.org/project/simloom.

Its network keeps together what is written together. It shrinks with its own budget of 1,500 runs.
"""

from __future__ import annotations

import simloom

from tests.museum.tools.finding import LATENCY, Found, Program, Tool


def _search(
    program: Program, *, seed: int, limit: int, strategy: str, shrink: bool = False
) -> Found | None:
    async def main(world: simloom.World) -> None:
        world.net.set_latency(*LATENCY)
        await program()

    exploration = simloom.explore(main, runs=limit, start_seed=seed, scheduler=strategy)
    failure = exploration.first_failure
    if failure is None:
        return None
    choices = simloom.shrink(main, failure).deviations if shrink else None
    error = f"{type(failure.error).__name__}: {failure.error}"
    return Found(exploration.runs, error, choices)


TOOL = Tool("simloom", simloom.__version__, ("random", "pct:auto"), _search)
