"""Exhaustive search: all schedules of a small program, one after the other.

A run makes choices, one after the other; all runs together are a tree. The search goes through it depth
first, by running the program anew for each path: the path begins with the choices of the one before, up to
the last choice that has an option left, and takes that option. What comes after is Lwt's own, so the first
path is what Lwt does by itself. Nothing is kept of a run but its choices.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, Never, TypeVar, final

import lwt
from lwt._core.checks import check_callback, check_kind, given_by_position
from lwt._core.choices import LABELS
from lwt_unix.testing._simulate import simulate
from lwt_unix.testing._sources import Choices, Replay_differs

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Explored:
    """How far a search came."""

    schedules: int
    """How many schedules were gone through."""

    limit: int | None
    """The limit that ended the search; None if these are all schedules."""

    @property
    def is_all(self) -> bool:
        """Whether these are all schedules."""
        return self.limit is None

    def __str__(self) -> str:
        s = "" if self.schedules == 1 else "s"
        number = f"{self.schedules:,} schedule{s}"
        if self.limit is None:
            return f"all {number}" if s else "the only schedule"
        return f"{number}, which {'are' if s else 'is'} not all (limit={self.limit})"


# --- The source --------------------------------------------------------------


@dataclass(slots=True)
class _Branching:
    """A choice on the path of a run."""

    label: str
    options: int
    taken: int


@final
class _Searching(Choices):
    """Goes through all paths; a call of `advance` goes to the next one."""

    __slots__ = ("depth", "path", "prefix")

    def __init__(self) -> None:
        super().__init__()
        self.path: list[_Branching] = []
        """The open choices of the run, or of the run before, as far as this one does not differ."""

        self.depth = 0
        """How many choices of the path the run has made."""

    def begin(self) -> None:
        super().begin()
        self.depth = 0

    def decide(self, label: str, options: int) -> int:
        depth, path = self.depth, self.path
        self.depth = depth + 1
        if depth == len(path):
            path.append(_Branching(label, options, 0))
            return 0
        expected = path[depth]
        if (expected.label, expected.options) != (label, options):
            raise _differs(
                f"choice {self.count} is {label!r} of {options} options now, and was {expected.label!r} of "
                f"{expected.options}"
            )
        return expected.taken

    def end(self) -> None:
        if self.depth < len(self.path):
            expected = self.path[self.depth]
            raise _differs(
                f"the run ended after {self.count} choices, and went on with {expected.label!r} of "
                f"{expected.options}"
            )

    def advance(self) -> bool:
        """Go to the next path; say whether there is one."""
        path = self.path
        while path:
            last = path[-1]
            last.taken += 1
            if last.taken < last.options:
                return True
            path.pop()
        return False


def _differs(what: str) -> Replay_differs:
    return Replay_differs(
        "testing.explore: after the same choices the program did not do the same as in an earlier run: "
        f"{what}. It depends on something that the world does not decide, such as what an earlier run has "
        "left in a variable outside of the main function, the order of a set, or the time of the computer"
    )


# --- The search --------------------------------------------------------------


def explore(
    main: Callable[[], lwt.Promise[T] | Coroutine[Any, Any, T]],
    /,
    *_wrong: Never,
    limit: int = 100_000,
    only: Iterable[str] = LABELS,
    check: Callable[[T], object] | None = None,
) -> Explored:
    """Run a program under all schedules: all that it may meet by the choices that Lwt leaves open.

    Each schedule is a run of `simulate`; the first one is Lwt's own. The order is always the same.

    >>> from lwt_unix import sleep, testing
    >>> async def main():
    ...     await lwt.join([sleep(1.0), sleep(1.0), sleep(1.0)])
    >>> print(testing.explore(main))
    all 6 schedules

    Args:
        main: as for `simulate`. It makes anew all that it changes.
        limit: after how many schedules to end, although there are more.
        only: the labels that are open; the choices of the others are Lwt's own.
        check: is called with the value of each run, and raises an exception if that is wrong.

    Raises:
        Exception: what the first run that failed has raised. A note says which choices were not Lwt's own, and how
            to replay them.
        Replay_differs: after the same choices, the program did not do the same.
        ValueError: `limit` is not positive, or there is no such label; nothing was run.

    Not in OCaml.
    """
    if _wrong:
        raise given_by_position(explore, _wrong)
    check_callback("testing.explore", main, ())
    check_kind("testing.explore", limit, int)
    if limit < 1:
        raise ValueError(f"testing.explore: limit={limit}: at least one schedule is run")
    searching = _Searching()
    searching.only(*only)
    schedules = 0
    while True:
        _run(main, searching, check)
        schedules += 1
        if not searching.advance():
            return Explored(schedules, None)
        if schedules == limit:
            return Explored(schedules, limit)


def _run(
    main: Callable[[], lwt.Promise[T] | Coroutine[Any, Any, T]],
    searching: _Searching,
    check: Callable[[T], object] | None,
) -> None:
    """Run the program once; let its exception tell the schedule."""
    try:
        value = simulate(main, choices=searching)
        if check is not None:
            check(value)
    except Replay_differs:
        raise
    except Exception as exception:
        exception.add_note(_told(searching))
        raise


def _told(choices: Choices) -> str:
    if not choices.deviations:
        return "This is Lwt's own schedule."
    return (
        f"The choices that are not Lwt's own:\n{choices}\n"
        f"To replay: testing.simulate(main, choices=testing.replayed({choices.replay_text()!r}))"
    )
