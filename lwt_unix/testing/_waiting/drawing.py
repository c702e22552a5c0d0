"""A graph of who waits for whom, as text and in DOT, the language of Graphviz."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lwt_unix.testing._waiting.graph import HINTS, IS_KNOWN_TO, Circle, Edge, Node

MOST_IN_A_LINE: Final = 8
"""How many targets of one node are named."""

DEEPEST: Final = 5
"""How many levels of all of some, and the first of some, are told of inside one another."""

MOST_ALIKE: Final = 4
"""How many nodes that look alike are told of, each by itself."""

_SEVERAL: Final = ("all of", "the first of")
"""Kinds that are told of where they are waited for, unless there is more to be said of them."""

_SAID_BY_TITLE: Final = ("sleep", "child", "job", "pause", "workers")
"""Kinds of which nothing more is to be said."""

# --- Text ---------------------------------------------------------------------


def text_of(
    nodes: Sequence[Node],
    edges: Sequence[Edge],
    circles: Sequence[Circle],
    possible: Sequence[Circle] = (),
) -> str:
    """Draw a graph as text: the circles, then each node with where it waits."""
    if not nodes:
        return "Nobody waits."
    following: dict[Node, list[Edge]] = {node: [] for node in nodes}
    for edge in edges:
        following[edge.source].append(edge)
    lines: list[str] = []
    for number, circle in enumerate((*circles, *possible), start=1):
        unless = ", unless somebody else helps" if number > len(circles) else ""
        lines += [f"Circle {number}{unless}:", *(f"    {edge}" for edge in circle), ""]
    alike: dict[object, list[Node]] = {}
    told = [node for node in nodes if _has_its_line(node, following)]
    for node in told:
        alike.setdefault(_looks_of(node, following), []).append(node)
    for node in told:
        group = alike[_looks_of(node, following)]
        if len(group) <= MOST_ALIKE or node is group[0]:
            lines.append(_sentence(node, following))
            lines += [f"    {line}" for place in node.places for line in str(place).split("\n")]
            if len(group) > MOST_ALIKE:
                lines.append(f"    and {len(group) - 1:,} more like this")
    return "\n".join(lines)


def _has_its_line(node: Node, following: dict[Node, list[Edge]]) -> bool:
    if node.kind in _SEVERAL:
        return bool(node.state)
    if node.kind == "descriptor":
        return bool(following[node])
    return node.kind not in _SAID_BY_TITLE


def _looks_of(node: Node, following: dict[Node, list[Edge]]) -> object:
    """Give what is the same for nodes that are worth telling of but once."""
    name = node.name if node.places else ""
    what = tuple((edge.verb, edge.target.kind, edge.target.places) for edge in following[node])
    return node.kind, name, node.state, node.places, what


def _sentence(node: Node, following: dict[Node, list[Edge]]) -> str:
    clauses: dict[str, list[str]] = {}
    for edge in following[node]:
        clauses.setdefault(edge.verb, []).append(_as_target(edge.target, following))
    verbs = sorted(clauses, key=lambda verb: verb == IS_KNOWN_TO)  # What says the least comes last.
    said = [f"{verb} {_list(clauses[verb])}" for verb in verbs]
    begin = f"{node}, {node.state}," if node.state and said else f"{node}, {node.state}"
    return " ".join([begin if node.state else str(node), "; ".join(said)]).rstrip()


def _as_target(node: Node, following: dict[Node, list[Edge]], depth: int = 0) -> str:
    """Name what is waited for; if it is several, name each."""
    if node.kind not in _SEVERAL or node.state:
        return f"{node} {node.state}" if node.kind == "sleep" else str(node)
    if depth == DEEPEST:
        return f"{node.kind} many"
    found: dict[str, None] = {}
    seen = {node}
    to_visit = [edge.target for edge in reversed(following[node])]
    while to_visit:
        target = to_visit.pop()
        if target.kind != node.kind or target.state:
            found[_as_target(target, following, depth + 1)] = None
        elif target not in seen:  # All of all are all.
            seen.add(target)
            to_visit.extend(edge.target for edge in reversed(following[target]))
    return next(iter(found)) if len(found) == 1 else f"{node.kind} ({_list([*found])})"


def _list(names: Sequence[str]) -> str:
    if len(names) <= MOST_IN_A_LINE:
        return ", ".join(names)
    return f"{', '.join(names[:MOST_IN_A_LINE])} and {len(names) - MOST_IN_A_LINE:,} more"


# --- DOT ----------------------------------------------------------------------


def dot_of(
    nodes: Sequence[Node],
    edges: Sequence[Edge],
    circles: Sequence[Circle],
    possible: Sequence[Circle] = (),
) -> str:
    """Draw a graph in DOT; what is in a circle is red."""
    in_circles = {edge for circle in (*circles, *possible) for edge in circle}
    red = {edge.source for edge in in_circles}
    lines = ["digraph waiting {", "    node [shape=box];"]
    for node in nodes:
        colour = _RED * (node in red)
        lines.append(f"    {_quoted(node.title)} [label={_quoted(_label(node))}{colour}];")
    for edge in edges:
        style = ", style=dashed" * (edge.verb in HINTS) + _RED * (edge in in_circles)
        ends = f"{_quoted(edge.source.title)} -> {_quoted(edge.target.title)}"
        lines.append(f"    {ends} [label={_quoted(edge.verb)}{style}];")
    return "\n".join([*lines, "}"]) + "\n"


_RED: Final = ", color=red"


def _label(node: Node) -> str:
    lines = [str(node)]
    if node.state:
        lines.append(node.state)
    if node.places:
        innermost = node.places[-1]
        lines.append(f"{innermost.file}:{innermost.line}")
        if innermost.source:
            lines.append(innermost.source)
    return "\n".join(lines)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
