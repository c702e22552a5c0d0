"""What the figures say: the best of each case, as tables.

python -m tests.benchmarks.report FIGURES.json
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tabulate import tabulate

from tests.benchmarks.workloads import CORE, GROWTH, PEERS, SERVERS, STARVATION, Unit, Workload

Raw = dict[str, Any]
"""What `runner.raw` makes, and what a JSON file keeps."""


@dataclass(frozen=True)
class Best:
    """The best of the runs of a case with a peer."""

    value: float
    processor_microseconds: float | None
    """The least, which may be of another run."""
    others: float
    """The part of all cores that other processes had in the run of `value`."""
    values: tuple[float, ...]
    """Of all runs."""


@dataclass(frozen=True)
class Case:
    """A workload in one size, and what the peers reached."""

    workload: Workload
    size: int
    best: dict[str, Best]
    sizes: int
    """In how many sizes the workload was measured."""

    @property
    def title(self) -> str:
        return f"{self.workload.title}, {self.size:,}" if self.sizes > 1 else self.workload.title

    def ratio(self, peer: str) -> float | None:
        """The peer's figure divided by that of the base."""
        base = self.best.get(self.workload.base)
        return self.best[peer].value / base.value if base and base.value else None


def cases(raw: Raw, workloads: Iterable[Workload]) -> Iterator[Case]:
    """What was measured of these workloads, in their order."""
    for workload in workloads:
        runs = [run for run in raw["runs"] if run["workload"] == workload.name]
        sizes = sorted({run["size"] for run in runs})
        for size in sizes:
            of_size = [run for run in runs if run["size"] == size]
            peers = dict.fromkeys(run["peer"] for run in of_size)
            found = {
                peer: best_of(workload.unit, [run for run in of_size if run["peer"] == peer])
                for peer in peers
            }
            yield Case(workload, size, found, len(sizes))


def best_of(unit: Unit, runs: Sequence[dict[str, Any]]) -> Best:
    choose = max if unit.more_is_better else min
    best = choose(runs, key=lambda run: run["value"])
    used = [run["processor"] for run in runs if run["processor"] is not None]
    return Best(
        best["value"],
        min(used, default=None),
        best["others"],
        tuple(run["value"] for run in runs),
    )


def number(value: float) -> str:
    """A figure with three or four digits that count."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


# --- For the terminal: all that is known of each best run ----------------------


def listing(raw: Raw) -> str:
    """One line for each peer of each case."""
    rows = []
    for case in cases(raw, SERVERS + CORE + STARVATION + GROWTH):
        for peer, best in case.best.items():
            ratio = case.ratio(peer)
            used = best.processor_microseconds
            rows.append(
                (
                    case.title,
                    peer,
                    number(best.value),
                    case.workload.unit.value,
                    "" if ratio is None else f"{ratio:.2f}",
                    "" if used is None else f"{used:.2f}",
                    f"{best.others:.0%}",
                )
            )
    headers = ("workload", "peer", "best", "", "ratio", "cpu µs", "others")
    table = tabulate(
        rows, headers, disable_numparse=True, colalign=("left", "left", *["right"] * 5)
    )
    return "\n".join([table, *left_out(raw)])


def left_out(raw: Raw) -> list[str]:
    return [f"{peer} is left out: {reason}" for peer, reason in raw["missing"].items()]


# --- For the page: a column for each peer --------------------------------------


def peers_of(found: Sequence[Case]) -> list[str]:
    """Who took part: versions of ours first, then in the order of `PEERS`."""
    known = [peer.name for peer in PEERS]
    present = dict.fromkeys(peer for case in found for peer in case.best)
    others = [peer for peer in present if peer not in known]
    return [peer for peer in [known[0], *others, *known[1:]] if any(peer in c.best for c in found)]


def wide(found: Sequence[Case]) -> str:
    """Figures, and in parentheses beside the base."""
    peers = peers_of(found)

    def cell(case: Case, peer: str) -> str:
        if peer not in case.best:
            return ""
        ratio = case.ratio(peer)
        value = number(case.best[peer].value)
        return value if ratio is None or peer == case.workload.base else f"{value} ({ratio:.2f})"

    rows = [
        [f"{case.title}, {case.workload.unit.value}", *(cell(case, peer) for peer in peers)]
        for case in found
    ]
    return markdown(["", *peers], rows)


def processor(found: Sequence[Case]) -> str:
    """The server's processor time for a request."""
    found = [case for case in found if case.workload.unit.more_is_better]
    peers = peers_of(found)
    rows = []
    for case in found:
        used = [case.best[p].processor_microseconds if p in case.best else None for p in peers]
        rows.append([case.title, *("" if us is None else number(us) for us in used)])
    return markdown(["", *peers], rows)


def starvation(found: Sequence[Case]) -> str:
    peers = peers_of(found)
    rows = []
    for case in found:
        row = [case.workload.title]
        for peer in peers:
            best = case.best.get(peer)
            used = best.processor_microseconds if best else None
            row.append(f"{number(best.value)}, {number((used or 0) / 1e3)}" if best else "")
        rows.append(row)
    return markdown(["", *peers], rows)


def markdown(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    table: str = tabulate(
        rows,
        headers,
        tablefmt="github",
        disable_numparse=True,
        colalign=("left", *["right"] * (len(headers) - 1)),
    )
    return table


def summary(raw: Raw) -> str:
    """The tables of the page."""
    about = raw["about"]
    servers, core, flooded, growth = (
        list(cases(raw, group)) for group in (SERVERS, CORE, STARVATION, GROWTH)
    )
    others = [best.others for case in servers for best in case.best.values()]
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    parts = [
        (
            f"Measured with CPython {about['python']} on {about['cores']} cores of "
            f"{about['machine']}, {about['system']}; {versions}. Best of {about['rounds']} rounds. "
            f"While the best runs of the servers were made, other processes had "
            f"{max(others, default=0):.0%} of the machine at most."
        ),
        *left_out(raw),
        "### Servers",
        wide(servers),
        (
            "Processor time of the server for one request, or for a million bytes that it sends, in "
            "microseconds:"
        ),
        processor(servers),
        "### In the process",
        wide(core),
        "### One client that floods the server",
        (
            "The longest time in which another client had no answer, and what the server used of its "
            "processor meanwhile, in milliseconds:"
        ),
        starvation(flooded),
        "### As work grows",
        "What one operation costs, in nanoseconds of processor time:",
        wide(growth),
    ]
    return "\n\n".join(parts)


PLACE = re.compile(r"(?<=<!-- the figures -->\n).*(?=<!-- end of the figures -->)", re.DOTALL)


def write_page(raw: Raw, page: Path) -> None:
    """Put the tables between the two comments of the page."""
    text = page.read_text()
    page.write_text(PLACE.sub(lambda _: f"\n{summary(raw)}\n\n", text))


def save(raw: Raw, path: Path) -> None:
    """Write a file with a line for each run."""
    head = json.dumps({"about": raw["about"], "missing": raw["missing"]})
    runs = ",\n".join(json.dumps(run) for run in raw["runs"])
    path.write_text(f'{head[:-1]}, "runs": [\n{runs}\n]}}\n')


def load(path: Path) -> Raw:
    raw: Raw = json.loads(path.read_text())
    return raw


if __name__ == "__main__":
    print(listing(load(Path(sys.argv[1]))))
