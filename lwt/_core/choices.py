"""Choices that Lwt leaves open: where any order would do, the order is chosen here.

A program must not depend on them. The library makes none of them elsewhere:

1. `draw`: which of several resolved promises `choose` and `pick` take;
2. `arrange_ready`: which of the descriptors that are ready in one turn of the engine is first;
3. `choose`: everything else: which of the timers that are due at the same time is first, and, in a
   simulated world (`lwt_unix/testing/`), all that is decided there by threads, the kernel and the network.
   (An engine that a user derives from `select_based` or `poll_based` decides 2 itself.)

Each choice has a label, a number of options, and words that tell what an option means. Option 0 is what
Lwt does by itself. While there is no `Source`, every choice is that.

Nothing else is open. The order of callbacks, above all, is Lwt's: no source can change it.

OCaml: `Random` in src/core/lwt.ml; the rest is left to libev, to threads and to the kernel.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final

from lwt._core.compiling import mypyc_attr

_FIRST_SEED: Final = 0

prng: Final[random.Random] = random.Random(_FIRST_SEED)
"""The generator that `choose` and `pick` draw from when several promises are resolved.

It starts from the same seed in every process; `lwt.prng.seed(n)` starts it again.
"""

# --- Labels ------------------------------------------------------------------

RESOLVED: Final = "resolved"
"""Which of several resolved promises `choose` and `pick` take."""

READY: Final = "ready"
"""Which of the descriptors that are ready in one turn of the engine is first."""

DUE: Final = "due"
"""Which of the timers that are due at the same time is first."""

JOB: Final = "job"
"""Which of the jobs that run in threads is done first, and whether it is done by now."""

BYTES: Final = "bytes"
"""How many bytes a read or a write moves: all that is there, or fewer."""

NOT_NOW: Final = "not now"
"""Whether the system says "not now", although it could."""

SIGNAL: Final = "signal"
"""When a signal comes."""

CLIENT: Final = "client"
"""Which of the clients that have come is accepted first."""

DELAY: Final = "delay"
"""How long something is on its way through the network."""

LOSS: Final = "loss"
"""Whether a datagram is lost, or comes twice."""

FAULT: Final = "fault"
"""Whether a call of the system fails that may fail at any time."""

CANCEL: Final = "cancel"
"""Whether an operation is cancelled that waits."""

LABELS: Final = (
    *(RESOLVED, READY, DUE, JOB, BYTES, NOT_NOW, SIGNAL, CLIENT, DELAY, LOSS, FAULT, CANCEL),
)

# --- Sources -----------------------------------------------------------------


@mypyc_attr(allow_interpreted_subclasses=True)
class Source(ABC):
    """What decides in Lwt's place."""

    __slots__ = ()

    def varies(self, label: str) -> bool:
        """Say whether a choice of this label is ever anything but option 0. If not, it need not be asked."""
        return True

    @abstractmethod
    def choose(self, label: str, options: int, tell: Callable[[int], str]) -> int:
        """Choose one of at least two options, counted from 0.

        Args:
            label: which choice it is, one of `LABELS`.
            options: how many options there are. Option 0 is what Lwt does by itself.
            tell: says in words what an option means.
        """


source: Source | None = None
"""What decides now; None for Lwt itself."""

names: Callable[[int], str] | None = None
"""What descriptors are called in words; None for their numbers."""


def set_source(new: Source | None, called: Callable[[int], str] | None = None) -> None:
    """Have another source decide from now on, None for Lwt itself; and say what descriptors are called."""
    global source, names
    source, names = new, called


def name_of(fd: int) -> str:
    """Return what a descriptor is called in words."""
    return f"descriptor {fd}" if names is None else names(fd)


def renew() -> None:
    """Begin again, with the seed of the start, and without a source."""
    prng.seed(_FIRST_SEED)
    set_source(None)


# --- Choices -----------------------------------------------------------------


def choose(label: str, options: int, tell: Callable[[int], str]) -> int:
    """Choose one of some options, counted from 0; see `Source.choose`."""
    deciding = source
    return 0 if deciding is None or options < 2 else deciding.choose(label, options, tell)


def varies(label: str) -> bool:
    """Say whether a choice of this label may be anything but option 0."""
    deciding = source
    return deciding is not None and deciding.varies(label)


def draw(number: int) -> int:
    """Say which of `number` resolved promises to take, counted from 0."""
    if number < 2:
        return 0
    if source is None:
        return prng.randrange(number)
    return _choose_resolved(number)


def _choose_resolved(number: int) -> int:
    drawn = prng.randrange(number)

    def tell(option: int) -> str:
        return f"of {number} resolved promises, number {(drawn + option) % number + 1}"

    return (drawn + choose(RESOLVED, number, tell)) % number


def arrange_ready(reports: list[tuple[int, int]]) -> None:
    """Put what an engine's system call reports, descriptors and bits, into order: it is ascending."""
    reports.sort()
    if source is not None:
        _rearrange(reports, source)


def _rearrange(reports: list[tuple[int, int]], deciding: Source) -> None:
    for place in range(len(reports) - 1):
        choose_ready(reports, place, deciding)


def choose_ready(reports: list[tuple[int, int]], place: int, deciding: Source) -> None:
    """Choose which of the reports from a place on is first, and put it there."""
    number = len(reports) - place

    def tell(option: int) -> str:
        first, other = reports[place + option][0], reports[place][0]
        before = f" before {name_of(other)}" if option else ""
        return f"of {number} ready, {name_of(first)}{before}"

    chosen = deciding.choose(READY, number, tell)
    if chosen:
        reports.insert(place, reports.pop(place + chosen))
