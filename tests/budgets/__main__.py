"""Count what the hot operations cost, and compare that with their budgets; find out whether costs grow.

What is counted is not time, but instructions (by valgrind's callgrind), system calls (by strace) and
memory (by tracemalloc). So it does not matter how fast the machine is, or what else it does.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tests.budgets import budget
from tests.budgets.budget import Growth
from tests.budgets.counting import TOOLS, CannotCount, Counts, build, growth, is_compiled
from tests.budgets.growth import FEW, MANY


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


if __name__ == "__main__":
    sys.exit(main())
