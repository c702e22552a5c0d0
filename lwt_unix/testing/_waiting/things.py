"""Nodes while they are being found: their order, and what tells one from another.

The collector knows objects in an order of its own. So that the same program has the same report each time, the
order is made anew: first what the main promise leads to, as it does; then the rest, by what it is, what it waits
for, and so on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import FrameType, FunctionType
from typing import Any, Final, final

from lwt_unix.testing._waiting.graph import WAITS_FOR, Edge, Node, Place

ROUNDS: Final = 5
"""How far one looks to tell two things apart that look alike."""


@final
class Thing:
    """What becomes a node."""

    __slots__ = (
        "can_happen",
        "edges",
        "frames",
        "functions",
        "is_root",
        "kind",
        "name",
        "needs_all",
        "places",
        "state",
        "title",
    )

    def __init__(
        self, kind: str, *, title: str = "", name: str = "", state: str = "", is_root: bool = False
    ) -> None:
        self.kind = kind

        self.title = title
        """If it is empty, the kind and a number."""

        self.name = name
        self.state = state
        self.places: tuple[Place, ...] = ()
        self.needs_all = True
        self.can_happen = False

        self.edges: list[tuple[str, Thing]] = []
        """What it leads to, in order."""

        self.is_root = is_root
        """Whether it is told of even if nobody waits for it."""

        self.frames: list[FrameType] = []
        self.functions: list[FunctionType] = []
        """What may know other things by a name."""


def in_order(things: Sequence[Thing], ranks: dict[int, int]) -> list[Thing]:
    """Sort things by rank."""
    return sorted(things, key=lambda thing: ranks[id(thing)])


def ranks_of(things: Iterable[Thing]) -> dict[int, int]:
    """Give each thing a rank by what it is and what it leads to; those that look alike have the same."""
    things = list(things)
    labels: dict[int, Any] = {
        id(thing): (thing.kind, thing.title, thing.name, thing.state, str(thing.places))
        for thing in things
    }
    ranks: dict[int, int] = {}
    for _ in range(ROUNDS):
        rank_of_label = {label: rank for rank, label in enumerate(sorted(set(labels.values())))}
        ranks = {key: rank_of_label[label] for key, label in labels.items()}
        labels = {
            id(thing): (
                ranks[id(thing)],
                *sorted(ranks[id(target)] for _, target in thing.edges),
            )
            for thing in things
        }
    return ranks


def nodes_and_edges(
    things: Sequence[Thing], first: Thing | None
) -> tuple[tuple[Node, ...], tuple[Edge, ...]]:
    """Make the nodes and edges of all things that somebody waits for or that wait.

    `first` is the one to begin with.
    """
    ranks = ranks_of(things)
    led_to = {id(target) for thing in things for _, target in thing.edges}
    roots = [thing for thing in things if thing.is_root]
    roots.sort(key=lambda thing: (thing is not first, id(thing) in led_to, ranks[id(thing)]))
    found = _reached_from(roots)
    numbers: dict[str, int] = {}
    nodes: dict[int, Node] = {}
    for thing in found:
        title = thing.title or thing.kind
        number = numbers[title] = numbers.get(title, 0) + 1
        if number > 1 or not thing.title:
            title = f"{title} {number}"
        nodes[id(thing)] = Node(
            thing.kind,
            title,
            thing.name,
            thing.state,
            thing.places,
            thing.needs_all,
            thing.can_happen,
        )
    places = {id(thing): place for place, thing in enumerate(found)}
    edges: dict[Edge, None] = {}
    for thing in found:
        # What is waited for is in the order of the program; who holds or knows something is in ours.
        waits = [one for one in thing.edges if one[0] == WAITS_FOR]
        others = [one for one in thing.edges if one[0] != WAITS_FOR]
        others.sort(key=lambda one: places[id(one[1])])
        for verb, target in (*waits, *others):
            edges[Edge(nodes[id(thing)], verb, nodes[id(target)])] = None
    return tuple(nodes.values()), tuple(edges)


def _reached_from(roots: Sequence[Thing]) -> list[Thing]:
    """Give all that things lead to: each, then what it leads to, in order."""
    found: dict[int, Thing] = {}
    to_visit = [*reversed(roots)]
    while to_visit:
        thing = to_visit.pop()
        if id(thing) not in found:
            found[id(thing)] = thing
            to_visit.extend(target for _, target in reversed(thing.edges))
    return [*found.values()]
