"""python -m tests.benchmarks: see README.md beside this file."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tests.benchmarks import report, runner
from tests.benchmarks.workloads import PEERS, WORKLOADS, Peer


def version(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"NAME=PATH is expected, not {text!r}")
    if not Path(path).exists():
        raise argparse.ArgumentTypeError(f"there is no {path}")
    return name, Path(path).absolute()


def names(known: list[str]) -> Callable[[str], list[str]]:
    def parse(text: str) -> list[str]:
        wanted = text.split(",")
        if unknown := [name for name in wanted if name not in known]:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)} is none of {', '.join(known)}")
        return wanted

    return parse


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("--workloads", type=names([workload.name for workload in WORKLOADS]))
    parser.add_argument("--peers", type=names([peer.name for peer in PEERS]))
    parser.add_argument("--connections", "--sizes", type=int, nargs="+", dest="sizes")
    parser.add_argument("--seconds", type=float, default=1.0, help="of one run of a server")
    parser.add_argument("--rounds", type=int, default=3, help="of which the best counts")
    parser.add_argument(
        "--also",
        type=version,
        action="append",
        default=[],
        metavar="NAME=PATH",
        help="ours from another checkout, or for another Python that has it",
    )
    parser.add_argument("--json", type=Path, help="where to keep the raw figures")
    options = parser.parse_args()

    peers = [peer for peer in PEERS if not options.peers or peer.name in options.peers]
    peers[1:1] = [Peer(name, "ours.py") for name, _ in options.also]
    workloads = [w for w in WORKLOADS if not options.workloads or w.name in options.workloads]
    if options.sizes:
        workloads = [replace(workload, sizes=tuple(options.sizes)) for workload in workloads]
    programs = runner.Programs(dict(options.also))
    scale = runner.Scale(options.seconds, options.rounds)
    runs = runner.run_all(
        programs, workloads, peers, scale, lambda text: print(text, file=sys.stderr)
    )
    raw = runner.raw(runs, programs.missing)
    if options.json:
        options.json.write_text(json.dumps(raw, indent=1))
    print(report.table(raw))


if __name__ == "__main__":
    main()
