"""The report of a failure in a simulated world: what was chosen, what happened, how to have it happen again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from lwt_unix.testing._sources import Choices
from lwt_unix.testing._world.world import World

MOST_SHOWN: Final = 60
"""How many lines of what happened are shown: the last ones."""


def how_to_simulate(main: Callable[[], object], text: str) -> str:
    """Say how to run a program once more."""
    name = getattr(main, "__name__", "")
    function = name if name.isidentifier() else "main"
    return f"To replay it:\n    testing.simulate({function}, choices=testing.replayed({text!r}))"


def report(choices: Choices, world: World, again: str) -> str:
    """Tell of a run that has failed; `again` says how to replay it."""
    happened = [f"{time:g} s, turn {turn}: {what}" for time, turn, what in world.trace]
    left_out = len(happened) - MOST_SHOWN
    if left_out > 0:
        happened[:left_out] = [f"({left_out} earlier ones are left out)"]
    chosen = [str(choice) for choice in choices.deviations]
    return "\n".join(
        [
            "The choices that are not Lwt's own:",
            *_indented(chosen or ["none: Lwt itself decides so"]),
            "What happened:",
            *_indented(happened or ["nothing that the world knows of"]),
            again,
        ]
    )


def _indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]
