"""What the figures look like: bars, and curves of how costs grow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from tests.benchmarks.report import Case, Raw, cases, number, peers_of
from tests.benchmarks.workloads import CORE, GROWTH, SERVERS

OURS, COMPILED, OTHERS = "#c2410c", "#ea580c", "#94a3b8"

matplotlib.rcParams.update(
    {
        "svg.fonttype": "none",  # text stays text
        "svg.hashsalt": "lwt",  # the same figures give the same file
        "font.size": 8,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
)


def save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    # Lines of SVG end with spaces otherwise.
    path.write_text("\n".join(line.rstrip() for line in path.read_text().splitlines()) + "\n")


def bars(found: Sequence[Case], path: Path, columns: int = 3) -> None:
    """A small chart for each case, with a bar for each peer, the best on top."""
    rows = -(-len(found) // columns)
    figure = Figure(figsize=(columns * 3.6, rows * 2.1), layout="constrained")
    all_axes: Any = figure.subplots(rows, columns, squeeze=False)
    known = peers_of(found)
    for axes, case in zip(all_axes.flat, found, strict=False):
        unit = case.workload.unit
        peers = sorted(
            case.best, key=lambda peer: case.best[peer].value, reverse=not unit.more_is_better
        )
        values = [case.best[peer].value for peer in peers]
        drawn = axes.barh(peers, values, color=[color(peer, known) for peer in peers])
        axes.bar_label(drawn, [number(value) for value in values], padding=2)
        axes.set_title(f"{case.title}\n{better(case)}", fontsize=8)
        axes.set_xticks([])
        axes.margins(x=0.2)
        for label in axes.get_yticklabels():
            if label.get_text() not in known or label.get_text() == known[0]:
                label.set_fontweight("bold")
    for axes in all_axes.flat[len(found) :]:
        axes.axis("off")
    save(figure, path)


def better(case: Case) -> str:
    unit = case.workload.unit
    return f"{unit.value}, {'more' if unit.more_is_better else 'less'} is better"


def color(peer: str, known: Sequence[str]) -> str:
    """Ours and its versions stand out: they come before asyncio."""
    if peer == known[0]:
        return OURS
    return COMPILED if known.index(peer) < known.index("asyncio") else OTHERS


def curves(found: Sequence[Case], path: Path, columns: int = 3) -> None:
    """What an operation costs as work grows: a flat line is what should be."""
    names = list(dict.fromkeys(case.workload.name for case in found))
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(columns * 3.6, rows * 2.6), layout="constrained")
    all_axes: Any = figure.subplots(rows, columns, squeeze=False)
    known = peers_of(found)
    for axes, name in zip(all_axes.flat, names, strict=False):
        of_name = [case for case in found if case.workload.name == name]
        for peer in known:
            points = [(c.size, c.best[peer].value / 1e3) for c in of_name if peer in c.best]
            if points:
                axes.plot(*zip(*points, strict=True), "o-", label=peer, color=color(peer, known))
        axes.set_xscale("log")
        axes.set_ylim(bottom=0)
        axes.set_title(of_name[0].workload.title, fontsize=8)
        axes.set_ylabel("µs each")
        axes.legend(frameon=False)
    for axes in all_axes.flat[len(names) :]:
        axes.axis("off")
    save(figure, path)


def draw(raw: Raw, folder: Path) -> None:
    """Write all charts for which there are figures."""
    for name, group in (("servers", SERVERS), ("core", CORE)):
        if found := list(cases(raw, group)):
            bars(found, folder / f"{name}.svg")
    if found := list(cases(raw, GROWTH)):
        curves(found, folder / "growth.svg")
