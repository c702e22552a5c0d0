"""What changed between two runs of the benchmark.

    python -m tests.benchmarks.compare OLD.json NEW.json

A change is called better or worse if it is more than five per cent, and if no run of the one is among
the runs of the other; otherwise it has a question mark. The processor time of a server counts beside its requests: a busy machine changes it less. Look
at the peers, too: what changed for them changed on the machine.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from tabulate import tabulate

from tests.benchmarks.report import Best, Raw, cases, load, number
from tests.benchmarks.workloads import WORKLOADS, Unit

LEAST = 0.05


def verdict(unit: Unit, old: Best, new: Best) -> str:
    """Say `better`, `worse`, or `?` where a difference may be chance."""
    if abs(new.value / old.value - 1) < LEAST:
        return ""
    several = len(old.values) > 1 and len(new.values) > 1
    apart = several and (min(new.values) > max(old.values) or max(new.values) < min(old.values))
    if not apart:
        return "?"
    return "better" if (new.value > old.value) == unit.more_is_better else "worse"


def rows(old_raw: Raw, new_raw: Raw) -> Iterator[tuple[str, ...]]:
    old_cases = {(c.workload.name, c.size): c for c in cases(old_raw, WORKLOADS)}
    for case in cases(new_raw, WORKLOADS):
        old_case = old_cases.get((case.workload.name, case.size))
        for peer, new in case.best.items():
            if old_case is None or peer not in old_case.best:
                continue
            old = old_case.best[peer]
            processor = ""
            if old.processor_microseconds and new.processor_microseconds:
                processor = f"{new.processor_microseconds / old.processor_microseconds - 1:+.0%}"
            yield (
                case.title,
                peer,
                number(old.value),
                number(new.value),
                case.workload.unit.value,
                f"{new.value / old.value - 1:+.0%}",
                verdict(case.workload.unit, old, new),
                processor,
            )


def compared(old: Raw, new: Raw) -> str:
    headers = ("workload", "peer", "old", "new", "", "change", "", "cpu")
    table: str = tabulate(
        rows(old, new),
        headers,
        disable_numparse=True,
        colalign=("left", "left", "right", "right", "left", "right", "left", "right"),
    )
    return table


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(f"Two files are to be compared.\n\n{__doc__}")
    print(compared(*(load(Path(path)) for path in sys.argv[1:])))
