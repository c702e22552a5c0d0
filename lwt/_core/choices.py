"""Choices that Lwt leaves open: where any order would do, the order is chosen here.

A program must not depend on them. The library makes none of them elsewhere:

1. `draw`: which of several resolved promises `choose` and `pick` take;
2. `arrange_ready`: which of the descriptors that are ready in one turn of the engine is first;
3. `rank_timer`: which of the timers that are due at the same time is first. (An engine that a user
   derives from `select_based` or `poll_based` decides 2 itself.)

Which of several jobs is done first is decided by their threads: a simulated world puts another pool into
`lwt_unix/_jobs/threads.py`. Everything else that is open is decided by the kernel, in what its calls
return: how many bytes are moved, which client is accepted, whether it is too early. Those calls stand in
`lwt_unix/_system.py`.

OCaml: `Random` in src/core/lwt.ml; the rest is left to libev.
"""

from __future__ import annotations

import random
from typing import Final

_FIRST_SEED: Final = 0

prng: Final[random.Random] = random.Random(_FIRST_SEED)
"""The generator that `choose` and `pick` draw from when several promises are resolved.

It starts from the same seed in every process; `lwt.prng.seed(n)` starts it again.
"""


def renew() -> None:
    """Begin again, with the seed of the start."""
    prng.seed(_FIRST_SEED)


def draw(number: int) -> int:
    """Say which of `number` resolved promises to take, counted from 0."""
    return prng.randrange(number) if number > 1 else 0


def arrange_ready(reports: list[tuple[int, int]]) -> None:
    """Put what an engine's system call reports, descriptors and bits, into ascending order."""
    reports.sort()


def rank_timer(number: int) -> int:
    """Say where a timer goes among those for the same time: in the order in which they came.

    Args:
        number: which timer of its engine it is, in the order in which they came. No two may get
            the same rank.
    """
    return number
