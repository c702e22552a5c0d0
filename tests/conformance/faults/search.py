"""Compare with one fault put in: `python -m tests.conformance.faults.search NUMBER PROGRAMS`.

Prints how many programs it took to find the fault, the smallest program that shows it, and
how: or `not found`. The number is that of the fault in `FAULTS`, from 0.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final, NamedTuple

from tests.conformance.faults.fault import Fault, put_in
from tests.conformance.faults.listed import FAULTS

BROKEN: Final = ("NameError", "UnboundLocalError", "ImportError", "AttributeError", "TypeError")
"""What a fault raises that no longer fits to the code around it: it is found too easily."""


class Found(NamedTuple):
    """How a fault was found."""

    programs: int
    program: str
    first: str
    """Where the traces begin to differ."""


def search_for(fault: Fault, programs: int) -> Found | None:
    """Look for a fault with so many programs at most, in a process of its own."""
    number = str(FAULTS.index(fault))
    command = [sys.executable, "-m", "tests.conformance.faults.search", number, str(programs)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:  # Otherwise errors are those of programs that were made too small.
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    if done.stdout == "not found\n":
        return None
    needed, program, first = done.stdout.rstrip("\n").split("\n", maxsplit=2)
    return Found(int(needed), program, first)


def find(fault: Fault, programs: int) -> Found | None:
    """Put a fault in, run so many programs at most, and tell how it shows."""
    changed = put_in(fault)
    # Only now may anything import our library.
    from tests.conformance.comparison import compare, random_programs, shrunk  # noqa: PLC0415
    from tests.conformance.forms import show  # noqa: PLC0415
    from tests.conformance.judge import Judge, build  # noqa: PLC0415
    from tests.conformance.languages.listed import LANGUAGES  # noqa: PLC0415

    imported = {getattr(module, "__file__", None) for module in sys.modules.values()}
    if missing := changed - {Path(file) for file in imported if file}:
        raise RuntimeError(f"{missing} is never imported: the fault must be put elsewhere")
    language = LANGUAGES[fault.language]()
    with Judge(build(language.interpreter, language.package)) as judge:
        result = compare(language, judge, random_programs(language, programs), stop_after=1)
        if not result.differences:
            return None
        found = result.differences[0]
        smallest = shrunk(language, judge, found) or found
    if any(error in line for error in BROKEN for line in smallest.ours):
        raise RuntimeError(f"The fault does not fit to the code around it:\n{smallest.first()}")
    return Found(smallest.number, show(smallest.program), smallest.first())


if __name__ == "__main__":
    found = find(FAULTS[int(sys.argv[1])], int(sys.argv[2]))
    print("not found" if found is None else "\n".join(map(str, found)))
