"""Who waits for whom, as plain values: nodes, edges, and the circles among them.

A node is one that waits (a body, a call of the library, a callback), or what it waits for (a mutex, a
mailbox, a timer). No node leads to an object of the program, so a graph keeps none alive.

A node is *stuck* if nothing that it needs can happen without somebody else that is stuck, too. Where
something may still come, from a timer, say, or from whoever may signal a condition, nobody is stuck. A
circle is looked for among the stuck ones alone: who waits for a lock or a timer, whichever is
first, closes none. A circle is *possible* if it is one unless somebody else helps than those who are seen to be able to:
two who wait for each other's message, say, or for a mutex that the other only may hold.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

WAITS_FOR: Final = "waits for"
IS_HELD_BY: Final = "is held by"
MAY_BE_HELD_BY: Final = "may be held by"
IS_USED_BY: Final = "is used by"
IS_KNOWN_TO: Final = "is known to"
CAN_BE_RESOLVED_BY: Final = "can be resolved by"
CAN_BE_SIGNALLED_BY: Final = "can be signalled by"
CAN_BE_FILLED_BY: Final = "can be filled by"
CAN_BE_EMPTIED_BY: Final = "can be emptied by"
CAN_BE_SENT_BY: Final = "can be sent by"
"""The verbs of edges."""

HELPS: Final = (
    MAY_BE_HELD_BY,
    CAN_BE_RESOLVED_BY,
    CAN_BE_SIGNALLED_BY,
    CAN_BE_FILLED_BY,
    CAN_BE_EMPTIED_BY,
    CAN_BE_SENT_BY,
)
"""Those that say who could help; with a mutex that is by unlocking it, if they hold it."""

HINTS: Final = (IS_KNOWN_TO, *HELPS)
"""Those, and who might. All others say that the one cannot go on before the other."""


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the program."""

    file: str
    line: int
    function: str

    source: str
    """What stands there, without indentation; empty if that is not known."""

    def __str__(self) -> str:
        where = f'File "{self.file}", line {self.line}, in {self.function}'
        return f"{where}\n    {self.source}" if self.source else where


@dataclass(frozen=True, slots=True)
class Node:
    """One that waits, or what is waited for."""

    kind: str
    """What it is: `body`, `mutex`, `lwt_pool.use` and so on."""

    title: str
    """What it is, and which one of these: no other node of the graph has the same."""

    name: str
    """How the program calls it, if that is known."""

    state: str
    """What else is to be said of it, such as `empty`."""

    places: tuple[Place, ...]
    """Where it waits: the calls that lead there, the innermost last."""

    needs_all: bool
    """Whether it can go on only when all that it waits for has happened, and not one of it."""

    can_happen: bool
    """Whether something that this graph does not show may end the wait for it."""

    def __str__(self) -> str:
        return f"{self.title} ({self.name})" if self.name else self.title


@dataclass(frozen=True, slots=True)
class Edge:
    """What one node has to do with another, by a verb: `waits for`, `is held by` and so on."""

    source: Node
    verb: str
    target: Node

    def __str__(self) -> str:
        return f"{self.source} {self.verb} {self.target}"


Circle: TypeAlias = tuple[Edge, ...]
"""Edges of which each begins where the one before it ends, and the first one where the last one ends."""

Numbers: TypeAlias = dict[int, list[int]]
"""Where edges lead, from the places of nodes to the places of nodes."""


def circles_of(
    nodes: Sequence[Node], edges: Iterable[Edge], *, with_help: bool = False
) -> list[Circle]:
    """Find the circles among those who are stuck: of those that overlap, a shortest one.

    With help, they are those who are stuck unless somebody helps who is not seen to be able to.
    """
    places = {node.title: place for place, node in enumerate(nodes)}
    between: dict[tuple[int, int], Edge] = {}
    following: Numbers = {place: [] for place in range(len(nodes))}
    helped: set[int] = set()
    for edge in edges:
        is_help = edge.verb in HELPS
        if edge.verb not in HINTS or (is_help and with_help):
            pair = (places[edge.source.title], places[edge.target.title])
            between.setdefault(pair, edge)
            following[pair[0]].append(pair[1])
            if is_help:
                helped.add(pair[0])
    stuck = _stuck(nodes, following, helped)
    circles: list[Circle] = []
    seen: set[int] = set()
    # A circle is told from a body on, if there is one in it.
    bodies = [place for place in stuck if nodes[place].kind in ("body", "task")]
    for place in (*sorted(bodies), *sorted(stuck.difference(bodies))):
        if place not in seen:
            way = _shortest_way_back(place, following, stuck)
            if way and seen.isdisjoint(way):
                pairs = zip(way, [*way[1:], way[0]], strict=True)
                circles.append(tuple(between[pair] for pair in pairs))
            seen.update(way)
    return circles


def _stuck(nodes: Sequence[Node], following: Numbers, helped: set[int]) -> set[int]:
    """Find those who cannot go on, and lead to others who cannot: only they may be in a circle."""
    free = [place for place, node in enumerate(nodes) if node.can_happen and place not in helped]
    missing = {
        place: len(set(targets)) if nodes[place].needs_all else 1
        for place, targets in following.items()
    }
    stuck = _without(free, {*following}, following, missing)
    targets_left = {place: len(stuck.intersection(following[place])) for place in stuck}
    ends = [place for place in stuck if targets_left[place] == 0]
    return _without(ends, stuck, following, targets_left)


def _without(
    first: Iterable[int], among: set[int], following: Numbers, missing: dict[int, int]
) -> set[int]:
    """Take nodes out, and then each from whose targets as many were taken out as were `missing`."""
    preceding: Numbers = {place: [] for place in following}
    for place in among:
        for target in set(following[place]):
            preceding[target].append(place)
    left = {*among}
    to_take = deque(first)
    while to_take:
        place = to_take.popleft()
        if place in left:
            left.remove(place)
            for waiting in preceding[place]:
                missing[waiting] -= 1
                if missing[waiting] == 0:
                    to_take.append(waiting)
    return left


def _shortest_way_back(start: int, following: Numbers, among: Collection[int]) -> list[int]:
    """Find a shortest way from a node to itself; empty if there is none."""
    before: dict[int, int] = {}
    to_visit = deque([start])
    while to_visit:
        place = to_visit.popleft()
        for target in following[place]:
            if target == start:
                way = [place]
                while way[-1] != start:
                    way.append(before[way[-1]])
                return way[::-1]
            if target in among and target not in before:
                before[target] = place
                to_visit.append(target)
    return []
