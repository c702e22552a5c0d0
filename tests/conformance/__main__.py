"""Hold our library against OCaml's: `python -m tests.conformance --help`."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence

from tests.conformance.comparison import (
    Result,
    compare,
    one_difference,
    random_programs,
    shrunk,
)
from tests.conformance.faults import FAULTS
from tests.conformance.forms import parse, show
from tests.conformance.judge import Judge, NoJudge, build, install
from tests.conformance.language import Language
from tests.conformance.languages import LANGUAGES
from tests.conformance.recorded import record, recorded_file
from tests.conformance.report import Report, explanation, table

RECORDED = {
    "Lwt": 1_500,
    "Lwt_sequence": 1_000,
    "Lwt_list": 300,
    "Lwt_seq": 300,
    "Lwt_result": 300,
    "Lwt_pqueue": 300,
    "Lwt_stream": 300,
    "Lwt_mvar": 300,
    "Lwt_mutex": 300,
    "Lwt_condition": 300,
    "Lwt_switch": 300,
    "Lwt_pool": 300,
    "Lwt_unix": 800,
    "Lwt_io": 800,
    "Lwt_io.server": 500,
}
SEED_OF_RECORDED = 500_000


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("compare", help="run random programs on both sides")
    command.add_argument("modules", nargs="*", help="such as Lwt; all if none is named")
    command.add_argument("--programs", "-n", type=int, help="how many, for each module")
    command.add_argument("--seed", type=int, default=0, help="of the first program")
    command.add_argument("--install", action="store_true", help="install OCaml's Lwt if need be")
    command.set_defaults(run=_compare)
    command = commands.add_parser("faults", help="tell how soon seeded faults are found")
    command.add_argument("--programs", "-n", type=int, default=20_000, help="at most")
    command.set_defaults(run=_faults)
    command = commands.add_parser("record", help="write programs with OCaml's answers to files")
    command.set_defaults(run=_record)
    command = commands.add_parser("explain", help="show what one program does on both sides")
    command.add_argument("module")
    command.add_argument("program", help="its text")
    command.set_defaults(run=_explain)
    options = parser.parse_args(arguments)
    try:
        status: int = options.run(options)
    except NoJudge as error:
        print(error, file=sys.stderr)
        status = 2
    return status


def _compare(options: argparse.Namespace) -> int:
    if options.install:
        install()
    reports = []
    for name in options.modules or LANGUAGES:
        language = LANGUAGES[name]()
        number = options.programs or language.default_programs
        with Judge(build(language.interpreter, language.package)) as judge:
            start = time.monotonic()
            programs = random_programs(language, number, options.seed)
            result = compare(language, judge, programs, report=_Teller(language))
            reports.append(Report(language, result, time.monotonic() - start))
            for difference in result.differences[:3]:
                print(f"\n{explanation(language, shrunk(language, judge, difference))}\n")
    print(table(reports))
    status = 0
    for report in reports:
        for shortcoming in report.shortcomings():
            print(f"{report.language.name}: {shortcoming}", file=sys.stderr)
            status = 1
    return status


class _Teller:
    """Tells how far the comparison is, once a minute, and what differs, at once."""

    def __init__(self, language: Language) -> None:
        self._name = language.name
        self._start = self._told = time.monotonic()
        self._shown = 0

    def __call__(self, result: Result) -> None:
        for difference in result.differences[self._shown :]:
            print(f"differs: {show(difference.program)}\n{difference.first()}", flush=True)
        self._shown = len(result.differences)
        now = time.monotonic()
        if now > self._told + 60:
            self._told = now
            rate = result.programs / (now - self._start)
            print(
                f"{self._name}: {result.programs} programs, {rate:.0f} a second, "
                f"{len(result.differences)} differences",
                flush=True,
            )


def _record(options: argparse.Namespace) -> int:
    for name, number in RECORDED.items():
        language = LANGUAGES[name]()
        with Judge(build(language.interpreter, language.package)) as judge:
            written = record(language, judge, number, SEED_OF_RECORDED)
        size = recorded_file(name).stat().st_size
        print(f"{name}: {written} programs with their traces, {size} bytes")
    return 0


def _faults(options: argparse.Namespace) -> int:
    missed = 0
    for number, fault in enumerate(FAULTS):
        found = search_for(number, options.programs)
        missed += found is None
        print(f"{found[0] if found else 'NOT FOUND':>9}  {fault.what}", flush=True)
        if found:
            print("".join(f"           {line}\n" for line in found[1:]), end="")
    print(f"{len(FAULTS) - missed} of {len(FAULTS)} faults were found")
    return int(missed > 0)


def search_for(number: int, programs: int) -> list[str] | None:
    """Look for a fault by its number; return how many programs it took, and how it shows."""
    command = [sys.executable, "-m", "tests.conformance.faulty", str(number), str(programs)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found = done.stdout.splitlines()
    return None if found == ["not found"] else found


def _explain(options: argparse.Namespace) -> int:
    language = LANGUAGES[options.module]()
    program = parse(options.program)
    with Judge(build(language.interpreter, language.package)) as judge:
        difference = one_difference(language, judge, program)
        by_ocaml = judge.ask([show(program)])[0]
    print("\n".join(by_ocaml or ["(the interpreter died or hung)"]))
    if difference:
        print(f"\n{explanation(language, difference)}")
    return int(difference is not None)


if __name__ == "__main__":
    sys.exit(main())
