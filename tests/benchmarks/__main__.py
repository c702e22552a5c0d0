"""Run the benchmark, or a part of it. README.md beside this file explains it."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tests.benchmarks import report, runner
from tests.benchmarks.workloads import PEERS, WORKLOADS, Peer, Workload

PAGE = runner.ROOT / "docs" / "explanation" / "speed.md"
QUICK = runner.Scale(seconds=0.2, rounds=1, operations=2_000, megabytes=64)
QUICK_PEERS = ("ours", "asyncio", "uvloop", "ocaml", "bare")


def version(text: str) -> tuple[str, Path]:
    name, _, path = text.partition("=")
    if not path:
        raise argparse.ArgumentTypeError(f"NAME=PATH is expected, not {text!r}")
    if not Path(path).exists():
        raise argparse.ArgumentTypeError(f"there is no {path}")
    return name, Path(path).absolute()


def some_of(known: list[str]) -> Callable[[str], list[str]]:
    def parse(text: str) -> list[str]:
        wanted = text.split(",")
        if unknown := [name for name in wanted if name not in known]:
            raise argparse.ArgumentTypeError(f"{unknown[0]} is none of {', '.join(known)}")
        return wanted

    return parse


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    whole = runner.Scale()
    parser.add_argument("--workloads", type=some_of([w.name for w in WORKLOADS]), metavar="A,B")
    parser.add_argument("--peers", type=some_of([p.name for p in PEERS]), metavar="A,B")
    parser.add_argument("--connections", "--sizes", type=int, nargs="+", dest="sizes", metavar="N")
    parser.add_argument("--seconds", type=float, help=f"of one run ({whole.seconds})")
    parser.add_argument("--rounds", type=int, help=f"the best of which counts ({whole.rounds})")
    parser.add_argument("--operations", type=int, help=f"in one process ({whole.operations})")
    parser.add_argument(
        "--also",
        type=version,
        action="append",
        default=[],
        metavar="NAME=PATH",
        help="measure another version of ours, too: a checkout, or a Python that has it installed",
    )
    parser.add_argument("--quick", action="store_true", help="less of everything: two minutes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the raw figures there")
    parser.add_argument("--charts", type=Path, metavar="FOLDER", help="draw them there")
    parser.add_argument("--publish", action="store_true", help=f"all of it into {PAGE.name}")
    return parser.parse_args()


def without_largest(workload: Workload) -> Workload:
    """Let a curve end at 10,000."""
    small = tuple(size for size in workload.sizes if size <= 10_000)
    return replace(workload, sizes=small) if small else workload


def main() -> None:
    options = arguments()
    scale = QUICK if options.quick else runner.Scale()
    given = {name: getattr(options, name) for name in ("seconds", "rounds", "operations")}
    scale = replace(scale, **{name: value for name, value in given.items() if value is not None})

    wanted = options.peers or (QUICK_PEERS if options.quick else [peer.name for peer in PEERS])
    peers = [peer for peer in PEERS if peer.name in wanted]
    peers[1:1] = [Peer(name, "ours.py") for name, _ in options.also]
    workloads = [w for w in WORKLOADS if not options.workloads or w.name in options.workloads]
    if options.quick:
        workloads = [without_largest(workload) for workload in workloads]
    if options.sizes:
        workloads = [replace(workload, sizes=tuple(options.sizes)) for workload in workloads]

    start = time.monotonic()
    programs = runner.Programs(dict(options.also))
    runs = runner.run_all(
        programs, workloads, peers, scale, lambda text: print(text, file=sys.stderr, flush=True)
    )
    raw = runner.raw(runs, programs.missing, scale)
    print(report.listing(raw))
    print(f"\n{len(runs)} runs in {time.monotonic() - start:.0f} seconds")

    folder = PAGE.with_suffix("")
    if figures := folder / "figures.json" if options.publish else options.json:
        figures.parent.mkdir(parents=True, exist_ok=True)
        report.save(raw, figures)
    if charts := folder if options.publish else options.charts:
        from tests.benchmarks.charts import draw  # noqa: PLC0415  # matplotlib may be missing

        draw(raw, charts)
    if options.publish:
        report.write_page(raw, PAGE)


if __name__ == "__main__":
    main()
