"""What a tool is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

Program = Callable[[], Coroutine[Any, Any, None]]
"""Makes a new coroutine each time, which fails where the program goes wrong."""

LATENCY = (0.0, 0.02)
"""The shortest and the longest time in seconds that bytes may take in the network of all tools."""


@dataclass(frozen=True)
class Found:
    """A failure."""

    runs: int  # up to the first that failed, which counts
    error: str
    choices: int | None = None  # that are not the tool's default after shrinking, if it was shrunk


class Search(Protocol):
    """Runs a program until it fails, `limit` times at most; seeds count from `seed` on."""

    def __call__(
        self, program: Program, *, seed: int, limit: int, strategy: str, shrink: bool = False
    ) -> Found | None: ...


@dataclass(frozen=True)
class Tool:
    """One of those that are compared."""

    name: str
    version: str
    strategies: tuple[str, ...]  # ways of searching that it offers
    search: Search
    explore: Callable[[Program, int], int | None] | None = None
    """Go through all schedules, unless there are more than so many; return how many there are."""

    @property
    def is_ours(self) -> bool:
        """Whether it runs programs of Lwt."""
        return self.name == "lwt"
