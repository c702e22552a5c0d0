"""Count what the hot operations cost; compare that with budgets or another checkout; find what grows.

What is counted is not time, but instructions (by valgrind's callgrind), system calls (by strace) and
memory (by tracemalloc). So it does not matter how fast the machine is, or what else it does.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tests.budgets import budget
from tests.budgets.budget import Change, Growth
from tests.budgets.counting import (
    ROOT,
    TOOLS,
    CannotCount,
    Counts,
    build,
    growth,
    instructions,
    is_compiled,
)
from tests.budgets.growth import FEW, MANY
from tests.budgets.operations import OPERATIONS


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.budgets", description=__doc__)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser(
        "measure",
        help="print the counts beside their budgets; the exit status is 1 if one is over",
        description="Print the counts beside their budgets. The exit status is 1 if one is over. "
        "One that is far below is marked, too: record it, so that what was gained is guarded.",
    )
    _add_tools(command)
    command.add_argument(
        "--brief", action="store_true", help="print only what is over or far below"
    )
    command.set_defaults(run=_measure)
    command = commands.add_parser(
        "record",
        help="make what is counted now the budgets",
        description=f"Write what is counted now to {budget.FILE.name}.",
    )
    _add_tools(command)
    command.set_defaults(run=_record)
    command = commands.add_parser(
        "growth",
        help="find out whether an operation costs more among many others",
        description=f"Count the instructions of one of each operation, among {FEW} others and among "
        f"{MANY:,}. The exit status is 1 if one grows.",
    )
    command.set_defaults(run=_growth)
    command = commands.add_parser(
        "compare",
        help="count what another checkout needs for the same operations, beside this one",
        description="Count the instructions of one of each operation, with the library of another checkout and "
        "with the one here. In each round hashes and places in memory are others, on which Python's dictionaries "
        "and caches depend. How far the changes of the rounds are apart says how sure they are.",
    )
    command.add_argument("before", type=_checkout, metavar="PATH", help="the other checkout")
    command.add_argument("--rounds", type=_several, default=5, metavar="N", help="5 by default")
    command.set_defaults(run=_compare)
    options = parser.parse_args(arguments)
    status: int = options.run(options)
    return status


def _add_tools(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "counts",
        nargs="*",
        metavar="COUNT",
        type=_known_count,
        help=f"which ones, all if none is named: {', '.join(TOOLS)}",
    )


def _known_count(name: str) -> str:
    if name not in TOOLS:
        raise argparse.ArgumentTypeError(f"no {name!r}, but {', '.join(TOOLS)}")
    return name


def _checkout(path: str) -> Path:
    if not Path(path, "lwt").is_dir():
        raise argparse.ArgumentTypeError(f"{path} is no checkout of this project: it has no lwt")
    return Path(path).absolute()


def _several(number: str) -> int:
    if not number.isdecimal() or int(number) < 1:
        raise argparse.ArgumentTypeError(f"1 or more is expected, not {number!r}")
    return int(number)


def _measure(options: argparse.Namespace) -> int:
    budgets = budget.read()
    over = below = 0
    for name in options.counts or TOOLS:
        why_not = budget.why_not_comparable(name, budgets.build, build(), is_compiled())
        if why_not:
            print(f"== {name}: skipped, {why_not}")
            continue
        try:
            counted = TOOLS[name]()
        except CannotCount as error:
            print(f"== {name}: skipped, {error}")
            continue
        print(f"== {name}: counted, budget")
        for line in budget.compared(name, counted, budgets.counts.get(name, {})):
            over += line.is_over
            below += line.is_far_below
            if line.is_over or line.is_far_below or not options.brief:
                print(line)
    record = "`python -m tests.budgets record`"
    if below:
        print(f"{below} far below the budget: keep the gain by {record}.")
    if over:
        print(
            f"{over} over the budget: mend it, or say in the commit why it must be, and {record}."
        )
    return 1 if over else 0


def _record(options: argparse.Namespace) -> int:
    if is_compiled():
        print("The budgets are those of the sources, and here lwt is compiled.", file=sys.stderr)
        return 2
    counts: dict[str, Counts] = {}
    if options.counts and set(options.counts) != set(TOOLS):
        old = budget.read()
        if old.build != build():
            print(f"The others were counted with {old.build}: record all.", file=sys.stderr)
            return 2
        counts = old.counts
    for name in options.counts or TOOLS:
        try:
            counts[name] = TOOLS[name]()
        except CannotCount as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 2
    budget.write(budget.Budgets(build(), {name: counts[name] for name in TOOLS}))
    return 0


def _growth(_options: argparse.Namespace) -> int:
    try:
        counted = growth()
    except CannotCount as error:
        print(f"== growth: skipped, {error}")
        return 0
    print(f"== growth: instructions of one among {FEW}, among {MANY:,}")
    found = [Growth(operation, few, many) for operation, (few, many) in counted.items()]
    print(*found, sep="\n")
    return 1 if any(line.is_growing for line in found) else 0


def _compare(options: argparse.Namespace) -> int:
    checkouts = (options.before, ROOT)
    seeds = range(options.rounds)
    try:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            before, after = (
                pool.map(partial(instructions, checkout), seeds) for checkout in checkouts
            )
            rounds = list(zip(before, after, strict=True))
    except CannotCount as error:
        print(f"== compare: skipped, {error}")
        return 0
    print(f"== instructions: in {options.before}, in {ROOT}, change; least and most in a round")
    for operation in OPERATIONS:
        each = [[counts[operation]["instructions"] for counts in both] for both in rounds]
        print(Change(operation, *zip(*each, strict=True)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
