"""Exhaustive search: all schedules of a small program.

A run makes choices, one after the other; all runs together are a tree. The search goes through it depth
first, by running the program anew for each path: the path begins with the choices of the one before, up to
the last choice that has an option left, and takes that option. What comes after is Lwt's own, so the first
path is what Lwt does by itself. Nothing is kept of a run but its choices, and the states that it came to.

Most orders make no difference. Two that come to the same state (see `states`) go on alike, and only the
first is gone through: when another path comes to a state from which all was gone through, it ends there,
and the number of schedules from there on is known. States are compared where nothing of the program runs:
before each turn of the main loop, and before the next one is chosen of descriptors, timers or jobs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from types import CodeType, MappingProxyType
from typing import Any, Final, Never, TypeVar, final

import lwt
from lwt._core import choices as core_choices
from lwt._core.checks import check_callback, check_kind, given_by_position, wrong_type
from lwt._core.choices import DUE, JOB, LABELS, READY
from lwt_unix import lwt_engine, lwt_main
from lwt_unix.lwt_engine._descriptors import WRITE
from lwt_unix.lwt_engine._kernel import kernel_based
from lwt_unix.lwt_engine._timers import Timer_queue
from lwt_unix.testing._expecting import refuse_awaitable
from lwt_unix.testing._explore.known import Incomparable, Known
from lwt_unix.testing._explore.states import States
from lwt_unix.testing._processes.jobs import Jobs
from lwt_unix.testing._report import how_to_simulate
from lwt_unix.testing._simulate import failure_told, in_world, run_main, world
from lwt_unix.testing._sources import Choices
from lwt_unix.testing._world.engine import simulated
from lwt_unix.testing._world.world import World

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Explored:
    """How far a search came."""

    schedules: int
    """How many schedules were gone through."""

    runs: int
    """How many times the program was run for that. The schedules that were skipped do not differ from those
    that were run, after they have come to the same state."""

    limit: int | None = None
    """The limit that ended the search; None if these are all schedules."""

    incomparable: str | None = None
    """Why some states could not be compared, so that fewer schedules were skipped; None if all could."""

    @property
    def is_all(self) -> bool:
        """Whether these are all schedules."""
        return self.limit is None

    def __str__(self) -> str:
        s = "" if self.schedules == 1 else "s"
        number = f"{self.schedules:,} schedule{s}"
        if self.limit is None:
            return f"all {number}" if s else "the only schedule"
        by = "" if self.runs == self.schedules else f" by {self.runs:,} runs"
        return f"{number}{by}, which {'are' if s else 'is'} not all (limit={self.limit})"


# --- Where nothing of the program runs ---------------------------------------


def _nothing(_: Mapping[str, Any]) -> object:
    return None


def _ready(variables: Mapping[str, Any]) -> object:
    """Which are left, in order, and those that were called and may be called once more, to write."""
    ready, place = variables["ready"], variables["place"]
    return ready[place:], [(fd, bits) for fd, bits in ready[:place] if bits & WRITE]


def _reports(variables: Mapping[str, Any]) -> object:
    return sorted(variables["ready"]), variables["unwatchable"]


_AT_REST: Final[Mapping[CodeType | None, Callable[[Mapping[str, Any]], object]]] = MappingProxyType(
    {
        getattr(function, "__code__", None): held
        for function, held in (
            (Choices.choose, _nothing),
            (core_choices.choose, _nothing),
            (core_choices.choose_ready, _nothing),
            (simulated._call, _ready),
            (Timer_queue.choose_first, _nothing),
            (Timer_queue.run_due, lambda variables: variables["now"]),
            (Jobs.do_some, _nothing),
            (World.wait, lambda variables: variables["timeout"]),
            (kernel_based.iter, _reports),
            (simulated.iter, _nothing),
            (lwt_engine.iter, _nothing),
            (lwt_main._turn_until_resolved, _nothing),
            (lwt_main._run_to_the_end, _nothing),
            (lwt_main.run, _nothing),
            (run_main, _nothing),
        )
    }
)
"""The functions of ours that lead to the choice of what is next, and that by which each of them goes on.

Those that are compiled have no code; then nothing can be compared anyway."""

_LONG_WITHOUT_TIME: Final = 50
"""After a hundred turns without a wait, time goes on by itself (see `_world`). As long as no run gets to the
half of that, how many there were makes no difference."""


def _held_at_rest() -> list[object] | None:
    """Return what the functions go on with that have led to a choice; None if others run, too."""
    frame = sys._getframe(2)
    held: list[object] = []
    while frame.f_code is not _run.__code__:
        what = _AT_REST.get(frame.f_code)
        if what is None or frame.f_back is None:
            return None
        if what is not _nothing:
            variables = frame.f_locals
            held.append(what(variables))
            if isinstance(variables, dict):
                variables.clear()  # As in `states`.
        frame = frame.f_back
    return held


# --- The source --------------------------------------------------------------

_HOW_IT_DIFFERS: Final = (
    "testing.explore: after the same choices the program did not do the same as in an earlier run: {}. It depends "
    "on something that the world does not decide, such as what an earlier run has left in a variable outside of the "
    "main function, the order of a set, or the time of the computer"
)


@dataclass(slots=True)
class _Branching:
    """A choice on the path of a run."""

    label: str
    options: int
    taken: int


@dataclass(slots=True)
class _Visited:
    """A state on the path of a run."""

    depth: int
    """How many choices were made before."""

    digest: bytes
    before: int
    """How many schedules were gone through before."""


@final
class _Searching(Choices):
    """Goes through all paths; a call of `advance` goes to the next one."""

    __slots__ = (
        *(
            "counts_turns",
            "depth",
            "gone_through",
            "incomparable",
            "is_known",
            "must_count_turns",
            "path",
            "prefix",
        ),
        *("schedules", "states", "turns", "visited"),
    )

    def __init__(self, only: Iterable[str], skip: bool, counts_turns: bool) -> None:
        super().__init__()
        self.only(*only)
        self.path: list[_Branching] = []
        """The open choices of the run, or of the run before, as far as this one does not differ."""

        self.depth = 0
        """How many choices of the path the run has made."""

        self.turns = 0
        """How many turns began since then."""

        self.prefix = 0
        """How many of them are those of the run before, but for the last."""

        self.schedules = 0
        """How many schedules were gone through."""

        self.counts_turns = counts_turns
        self.states = States(Known(DUE in self.open_labels, counts_turns)) if skip else None
        """None if states cannot be compared."""

        self.incomparable: str | None = None
        self.visited: list[_Visited] = []
        """The states on the path."""

        self.gone_through: dict[bytes, int] = {}
        """How many schedules there are from each state on from which all were gone through."""

        self.is_known = False
        """Whether the run has come to such a state. From there on it does what Lwt does by itself."""

        self.must_count_turns = False
        """Whether a run had so many turns without a wait that their number makes a difference."""

    def begin(self) -> None:
        super().begin()
        self.depth = self.turns = 0
        self.prefix = len(self.path)
        self.is_known = False

    def decide(self, label: str, options: int) -> int:
        self.turns = 0
        if label in {READY, DUE, JOB} and not self.is_known:
            self.look(_held_at_rest())
        if self.is_known:
            return 0
        depth, path = self.depth, self.path
        self.depth = depth + 1
        if depth == len(path):
            path.append(_Branching(label, options, 0))
            return 0
        expected = path[depth]
        if (expected.label, expected.options) != (label, options):
            raise self.differs(
                _HOW_IT_DIFFERS.format(
                    f"choice {self.count} is {label!r} of {options} options now, and was {expected.label!r} "
                    f"of {expected.options}"
                )
            )
        return expected.taken

    def end(self) -> None:
        if self.is_known:
            return
        if self.depth < len(self.path):
            expected = self.path[self.depth]
            raise self.differs(
                _HOW_IT_DIFFERS.format(
                    f"the run ended after {self.count} choices, and went on with {expected.label!r} of "
                    f"{expected.options}"
                )
            )
        self.schedules += 1

    def advance(self) -> bool:
        """Go to the next path; say whether there is one."""
        path, visited = self.path, self.visited
        while path:
            last = path[-1]
            last.taken += 1
            if last.taken < last.options:
                break
            path.pop()
        while visited and visited[-1].depth >= len(path):
            state = visited.pop()
            self.gone_through[state.digest] = self.schedules - state.before
        return bool(path)

    # --- States --------------------------------------------------------------

    def turn_begins(self) -> None:
        """Look at the state before a turn; the seldomer, the longer there was no choice.

        Then nothing can differ but what differed before; but it may have become alike.
        """
        self.turns += 1
        if world()._turns > _LONG_WITHOUT_TIME:
            self.must_count_turns = True
        if self.turns & (self.turns - 1) == 0:
            self.look([])

    def look(self, held: list[object] | None) -> None:
        """Look whether the program is in a state from which all was gone through.

        `held` is what counts beside what Lwt holds; None if states cannot be compared here.
        """
        states = self.states
        if states is None or self.is_known or self.depth < self.prefix or held is None:
            return
        try:
            digest = states.digest(self.generator, *held)
        except Incomparable as reason:
            self.incomparable = str(reason)
            if not (self.visited or self.gone_through):
                self.states = None
            return
        known = self.gone_through.get(digest)
        if known is not None:
            self.is_known = True
            self.schedules += known
        else:
            self.visited.append(_Visited(self.depth, digest, self.schedules))


# --- The search --------------------------------------------------------------


def explore(
    main: Callable[[], lwt.Promise[T] | Coroutine[Any, Any, T]],
    /,
    *_wrong: Never,
    limit: int = 100_000,
    only: Iterable[str] = LABELS,
    skip: bool = True,
    check: Callable[[T], object] | None = None,
) -> Explored:
    """Run a program under all schedules: all that it may meet by the choices that Lwt leaves open.

    Each schedule is a run of `simulate`; the first one is Lwt's own. The order is always the same.

    >>> import lwt
    >>> from lwt_unix import sleep, testing
    >>> async def main():
    ...     await lwt.join([sleep(1.0), sleep(1.0), sleep(1.0)])
    >>> print(testing.explore(main))
    all 6 schedules

    Args:
        main: as for `simulate`. It makes anew all that it changes.
        limit: after how many runs to end, although there are more schedules.
        only: the labels that are open; the choices of the others are Lwt's own.
        skip: whether to skip schedules that cannot differ from others, from the same state on.
        check: is called with the value of each run, and raises an exception if that is wrong.

    Raises:
        Exception: what the first run that failed has raised. A note says which choices were not Lwt's own, and how
            to replay them.
        KeyboardInterrupt: a note says how far the search has come.
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
    if isinstance(only, str):
        raise wrong_type("testing.explore", "a list of labels", only, f"pass [{only!r}]")
    only = tuple(only)
    searching = _Searching(only, skip, counts_turns=False)
    runs = 0
    while True:
        try:
            _run(main, searching, check)
        except KeyboardInterrupt as interrupt:
            interrupt.add_note(
                f"testing.explore: {searching.schedules:,} schedules, which are not all ({runs:,} runs)"
            )
            raise
        runs += 1
        if searching.must_count_turns and not searching.counts_turns:
            searching = _Searching(only, skip, counts_turns=True)
        elif not searching.advance():
            return Explored(searching.schedules, runs, None, searching.incomparable)
        if runs == limit:
            return Explored(searching.schedules, runs, limit, searching.incomparable)


def _run(
    main: Callable[[], lwt.Promise[T] | Coroutine[Any, Any, T]],
    searching: _Searching,
    check: Callable[[T], object] | None,
) -> None:
    """Run the program once; let its exception tell the schedule."""
    again = partial(how_to_simulate, main)
    with in_world(choices=searching), failure_told(again):
        lwt_main.Enter_iter_hooks.add_first(searching.turn_begins)
        value = run_main("testing.explore", main)
        if check is not None:
            refuse_awaitable("testing.explore", check, check(value))
