"""Who waits for whom: asked at any time, on a signal, or told by an error when nothing can happen any more."""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TextIO

import lwt_unix
from lwt_unix.testing._waiting.drawing import dot_of, text_of
from lwt_unix.testing._waiting.graph import Circle, Edge, Node, circles_of
from lwt_unix.testing._waiting.heap import Heap
from lwt_unix.testing._waiting.holders import add_holders, nobody
from lwt_unix.testing._waiting.survey import Survey
from lwt_unix.testing._waiting.things import nodes_and_edges


@dataclass(frozen=True, slots=True)
class Waiting:
    """Who waits for whom at one moment. `waiting` makes one; `str` of it is the report.

    It is a value, and keeps nothing of the program alive.
    """

    nodes: tuple[Node, ...]
    """All that waits, and what it waits for: first what the promise of `lwt_main.run` leads to."""

    edges: tuple[Edge, ...]
    """Who waits for whom, who holds what, who knows what."""

    circles: tuple[Circle, ...]
    """Those who wait for each other, so that none can go on: of several that overlap, a shortest one."""

    possible_circles: tuple[Circle, ...] = ()
    """If there are no circles: those whose members cannot go on unless somebody else helps them."""

    def __str__(self) -> str:
        return text_of(self.nodes, self.edges, self.circles, self.possible_circles)

    def dot(self) -> str:
        """Draw the graph in DOT, the language of Graphviz: `dot -Tsvg`."""
        return dot_of(self.nodes, self.edges, self.circles, self.possible_circles)


def waiting() -> Waiting:
    """Find out who waits for whom, and where.

    First the collector runs, so that what nobody can reach any more is not told of. Then all objects of the
    process are looked at: that takes about half a second for each million of them. Nothing is noted before, so
    that a program which does not call this does not pay for it.

    Call it in the thread of the main loop.
    """
    return _found(Heap(), nobody)


def waiting_at_the_end(senders_to: Callable[[int], Iterable[int]]) -> Waiting:
    """Find out who waits when nothing can happen any more, in a world that knows from where something could come.

    Who waits for each other may be out of everybody's reach by that. So what the collector has not come to is told, too.

    Args:
        senders_to: gives the numbers of the descriptors from which something comes to another one.
    """
    return _found(Heap(with_lost=True), senders_to)


def _found(heap: Heap, senders_to: Callable[[int], Iterable[int]]) -> Waiting:
    is_enabled = gc.isenabled()
    gc.disable()  # No finaliser changes anything meanwhile.
    try:
        survey = Survey(heap)
        add_holders(survey, senders_to)
        nodes, edges = nodes_and_edges(survey.things, survey.main)
    finally:
        if is_enabled:
            gc.enable()
    circles = tuple(circles_of(nodes, edges))
    possible = () if circles else tuple(circles_of(nodes, edges, with_help=True))
    return Waiting(nodes, edges, circles, possible)


def report_on_signal(
    signum: int = signal.SIGUSR1, file: TextIO | None = None
) -> lwt_unix.Signal_handler_id:
    """Write who waits for whom to a file each time a signal comes.

    The report is made in the main loop, when it comes to it: a callback that never ends holds it up. If the
    file cannot be written to, there is no report. `lwt_unix.disable_signal_handler` of the result ends this.

    Args:
        signum: such as `signal.SIGUSR1`.
        file: where to write; by default what is `sys.stderr` when the signal comes.

    Raises:
        ValueError, OSError: see `lwt_unix.on_signal`.
    """

    def report(_: int) -> None:
        try:
            print(waiting(), file=sys.stderr if file is None else file, flush=True)
        except (OSError, ValueError):  # It is full or closed: nobody can be told.
            pass

    return lwt_unix.on_signal(signum, report)


class Deadlock(Exception):
    """Nothing can happen any more, and somebody waits. Its argument, `waiting`, tells who waits for whom."""

    def __init__(self, waiting: Waiting, /) -> None:
        super().__init__(waiting)
        self.waiting = waiting

    def __str__(self) -> str:
        return f"nothing can happen any more:\n{self.waiting}"
