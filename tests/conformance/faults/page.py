"""The page of the documentation that lists the faults, and tells how soon each is found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.conformance.faults.fault import ROOT, Fault
from tests.conformance.faults.listed import FAMILIES, FAULTS
from tests.conformance.faults.search import Found

PAGE: Final[Path] = ROOT / "docs" / "explanation" / "seeded-faults.md"
EXAMPLE: Final = next(fault for fault in FAULTS if fault.what == "hooks are called oldest first")
HEAD: Final = """\
<!-- Written by `python -m tests.conformance faults --page`: not to be edited by hand. -->

# Seeded faults

Does the [comparison with OCaml's Lwt](conformance.md) find anything? {number} faults are put into our library on
purpose, one at a time, each as a change of its text while it is imported. Then random programs are run on both
sides until one of them differs.

    python -m tests.conformance faults                       # all, in a few minutes
    python -m tests.conformance faults Lwt_pool -n 1000      # those of a module, with fewer programs
    python -m tests.conformance faults --page                # all, and write this page

For each it prints how many programs it took, the smallest program that shows the fault, and where the traces
begin to differ:

```
{example}
```

If one is not found within 20,000 programs (`-n`), it says so, and the exit status is 1. Then there is a hole in the
language of the programs, or the fault is one that nobody could observe. Three holes were found in this way. Programs
now change sequences much more often while they are traversed: a fault of the traversal from the right took
13,724 programs before. Functions given to lists may return a promise that others wait for: without that, no
program could tell when `rev_map_p` attaches what it attaches. And some pools have no functions to validate and
check their members, since ours had code of its own for these.

The numbers are those of the programs from seed 0 on. With other seeds they differ, but not in size. A fault in code
that several modules use is there once for each of them.

A fault says which text of the library it replaces, and not where that is. The text must be there exactly once in
all files: a test tells when it has changed. The faults stand in `tests/conformance/faults/`.

| module | faults | programs that it took, at most |
|---|---:|---:|
"""


def told(fault: Fault, found: Found | None, *, is_brief: bool = False) -> str:
    """Say how a fault was found: in one line if `is_brief`."""
    programs = f"{found.programs:,}" if found else "NOT FOUND"
    lines = [f"{programs:>9}  {fault.language:<13}  {fault.what}"]
    if found and not is_brief:
        lines += [f"{'':>26}{line}" for line in (found.program, *found.first.split("\n"))]
    return "\n".join(lines)


def page(programs: Sequence[int], example: str) -> str:
    """Return the text of the page.

    Args:
        programs: how many it took to find each of the faults, in their order.
        example: what `told` says of the fault `EXAMPLE`.
    """
    needed = dict(zip(FAULTS, programs, strict=True))
    text = HEAD.format(number=len(FAULTS), example=example)
    for module in dict.fromkeys(fault.language for fault in FAULTS):
        numbers = [needed[fault] for fault in FAULTS if fault.language == module]
        text += f"| `{module}` | {len(numbers)} | {max(numbers):,} |\n"
    for title, faults in FAMILIES.items():
        text += f"\n## {title}\n\n| programs | module | the fault |\n|---:|---|---|\n"
        for fault in faults:
            text += f"| {needed[fault]:,} | `{fault.language}` | {fault.what} |\n"
    return text
