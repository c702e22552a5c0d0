"""What of OCaml Lwt's interface is here, as a table; and how its record is made.

    python -m tests.conformance.api                 the table, and each difference
    python -m tests.conformance.api record          write the interface of the installed library
    python -m tests.conformance.api sources DIR     compare the src/ of a release with what we expect

The second and third need OCaml and its Lwt.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.conformance.api import coverage, interface, ocaml
from tests.conformance.api.lists import read_lists


def show() -> int:
    """Print the table; fail if there are differences."""
    reports = coverage.check(interface.expected(), read_lists())
    print("\n".join(coverage.table(reports)))
    print("\nmissing: as listed in missing.txt, unless a difference says so")
    problems = [problem for report in reports for problem in report.problems]
    for problem in problems:
        print(f"- {problem}")
    return int(bool(problems))


def record() -> int:
    """Write the record, of the installed library."""
    version = ocaml.installed_version()
    if version != interface.RECORDED_VERSION:
        print(
            f"Lwt {interface.RECORDED_VERSION} is needed, found {version}: install {ocaml.NEEDED}"
        )
        return 1
    interface.RECORD.write_text(interface.HEAD + ocaml.dump_installed())
    print(f"wrote {interface.RECORD.name}")
    return 0


def compare_with_sources(src: Path) -> int:
    """Print how the interfaces in a source tree differ from what we expect."""
    if ocaml.installed_version() is None:
        print(f"the OCaml compiler is needed: install {ocaml.NEEDED}")
        return 1
    theirs = {str(item) for item in interface.read_record(ocaml.dump_sources(src))}
    ours = {str(item) for item in interface.expected()}
    for line in sorted(theirs ^ ours):
        print("+" if line in theirs else "-", line)
    print(f"{len(theirs)} lines there, {len(ours)} expected, {len(theirs & ours)} the same")
    return int(theirs != ours)


def main(arguments: list[str]) -> int:
    """Run one of the commands."""
    match arguments:
        case []:
            return show()
        case ["record"]:
            return record()
        case ["sources", src]:
            return compare_with_sources(Path(src))
        case _:
            print(__doc__)
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
