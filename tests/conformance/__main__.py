"""Hold our library against OCaml's: `python -m tests.conformance --help`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Sequence

from tests.conformance.comparison import (
    Result,
    asked,
    closest,
    compare,
    is_excused,
    judged,
    random_programs,
    run_ours,
    shrunk,
)
from tests.conformance.faults.fault import Fault
from tests.conformance.faults.listed import FAULTS
from tests.conformance.faults.page import EXAMPLE, PAGE, page, told
from tests.conformance.faults.search import Found, search_for
from tests.conformance.forms import Program, parse, show
from tests.conformance.judge import Judge, NoJudge, build, install
from tests.conformance.language import Language
from tests.conformance.languages.listed import LANGUAGES
from tests.conformance.languages.lwt.small import NUMBER, small_programs
from tests.conformance.recorded import SMALL, record, recorded_file
from tests.conformance.report import Report, both_traces, excuses, explanation, table

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
    "Lwt_unix.jobs": 400,
    "Lwt_unix.messages": 500,
    "Lwt_preemptive": 300,
    "Lwt_timeout": 300,
    "Lwt_throttle": 300,
    "Lwt_io": 800,
    "Lwt_io.files": 500,
    "Lwt_io.binary": 400,
    "Lwt_io.server": 500,
    "Lwt_fmt": 500,
    "Lwt_process": 100,
    "Lwt_direct": 500,
    "Lwt_retry": 500,
    "Lwt_bytes": 400,
}
SEED_OF_RECORDED = 500_000
RECORDED_SMALL = 20
"""Of the small programs, one in so many is recorded."""

EXHAUSTIVE_DESCRIPTION = f"""\
Run all {NUMBER:,} small programs over promises of the shape that languages/lwt/small.py describes
on both sides. It takes some minutes.
"""
FAULTS_DESCRIPTION = """\
Put faults into our library, one at a time, and run random programs on both sides until one of
them differs: how many it took, what is wrong, and the smallest program that shows it. If one
of the faults is not found, the exit status is 1.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("compare", help="run random programs on both sides")
    _add_modules(command)
    command.add_argument("--programs", "-n", type=int, help="how many OCaml is to judge, for each")
    command.add_argument("--seed", type=int, default=0, help="of the first program")
    command.add_argument("--install", action="store_true", help="install OCaml's Lwt if need be")
    command.set_defaults(run=_compare)
    command = commands.add_parser(
        "faults",
        help="put faults into our library and tell how soon each is found",
        description=FAULTS_DESCRIPTION,
    )
    _add_modules(command)
    command.add_argument("--programs", "-n", type=int, default=20_000, help="at most, for each")
    command.add_argument("--brief", action="store_true", help="one line for each fault")
    command.add_argument(
        "--page", action="store_true", help="also write the page of the documentation"
    )
    command.set_defaults(run=_faults)
    command = commands.add_parser(
        "exhaustive",
        help="run all small programs over promises on both sides",
        description=EXHAUSTIVE_DESCRIPTION,
    )
    command.add_argument("--every", type=int, default=1, help="only one in so many")
    command.add_argument("--install", action="store_true", help="install OCaml's Lwt if need be")
    command.set_defaults(run=_exhaustive)
    command = commands.add_parser("record", help="write programs with OCaml's answers to files")
    _add_modules(command)
    command.set_defaults(run=_record)
    command = commands.add_parser("explain", help="show what one program does on both sides")
    command.add_argument("module", metavar="MODULE", type=_known_module)
    command.add_argument("program", metavar="PROGRAM", help="its text: '(task 0) (cancel 0)'")
    command.set_defaults(run=_explain)
    options = parser.parse_args(arguments)
    try:
        status: int = options.run(options)
    except NoJudge as error:
        print(error, file=sys.stderr)
        status = 2
    return status


def _add_modules(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "modules",
        nargs="*",
        metavar="MODULE",
        type=_known_module,
        help=f"those of OCaml, all if none is named: {', '.join(LANGUAGES)}",
    )


def _known_module(name: str) -> str:
    if name not in LANGUAGES:
        raise argparse.ArgumentTypeError(f"no {name!r}, but {', '.join(LANGUAGES)}")
    return name


def _compare(options: argparse.Namespace) -> int:
    if options.install:
        install()
    reports = []
    status = 0
    for name in options.modules or LANGUAGES:
        language = LANGUAGES[name]()
        number = options.programs or language.default_programs
        with Judge(build(language.interpreter, language.package)) as judge:
            start = time.monotonic()
            programs = random_programs(language, 3 * number, options.seed)
            result = compare(language, judge, programs, enough=number, report=_Teller(language))
            reports.append(Report(language, result, time.monotonic() - start))
            _explain_some(language, judge, result)
            if result.judged < number and not result.differences:
                print(f"{name}: OCaml judged only {result.judged} programs", file=sys.stderr)
                status = 1
    print(table(reports))
    for report in reports:
        for shortcoming in report.shortcomings():
            print(f"{report.language.name}: {shortcoming}", file=sys.stderr)
            status = 1
    return status


def _explain_some(language: Language, judge: Judge, result: Result) -> None:
    for difference in result.differences[:3]:
        smallest = shrunk(language, judge, difference)
        if smallest is not None:
            print(f"\n{explanation(smallest)}\n")
        else:
            print(
                f"\nProgram {difference.number} does not differ when it is run alone: "
                "one before it left something behind\n"
            )


def _exhaustive(options: argparse.Namespace) -> int:
    if options.install:
        install()
    language = LANGUAGES["Lwt"]()
    with Judge(build(language.interpreter, language.package)) as judge:
        teller = _Teller(language, seconds=10, of=len(range(0, NUMBER, options.every)))
        result = compare(language, judge, small_programs(options.every), report=teller)
        _explain_some(language, judge, result)
    print(f"{result.programs:,} programs, {len(result.differences)} differences")
    for line in excuses(result):
        print(line)
    return 1 if result.differences else 0


class _Teller:
    """Tells how far the comparison is, every now and then, and what differs, at once."""

    def __init__(self, language: Language, seconds: float = 60, of: int = 0) -> None:
        self._name = language.name
        self._seconds = seconds
        self._of = f" of {of}" if of else ""
        self._start = self._told = time.monotonic()
        self._shown = 0

    def __call__(self, result: Result) -> None:
        for difference in result.differences[self._shown :]:
            print(f"differs: {show(difference.program)}\n{difference.first()}", flush=True)
        self._shown = len(result.differences)
        now = time.monotonic()
        if now > self._told + self._seconds:
            self._told = now
            rate = result.programs / (now - self._start)
            print(
                f"{self._name}: {result.programs}{self._of} programs, {rate:.0f} a second, "
                f"{len(result.differences)} differences",
                flush=True,
            )


def _record(options: argparse.Namespace) -> int:
    for name in options.modules or RECORDED:
        language = LANGUAGES[name]()
        with Judge(build(language.interpreter, language.package)) as judge:
            programs = random_programs(language, RECORDED[name], SEED_OF_RECORDED)
            _record_some(name, language, judge, programs)
            if name == "Lwt":
                _record_some(SMALL, language, judge, small_programs(RECORDED_SMALL))
    return 0


def _record_some(name: str, language: Language, judge: Judge, programs: Iterable[Program]) -> None:
    written = record(name, language, judge, programs)
    size = recorded_file(name).stat().st_size
    print(f"{name}: {written} programs with their traces, {size} bytes", flush=True)


def _faults(options: argparse.Namespace) -> int:
    if options.page and options.modules:
        print("The page has the faults of all modules: name none with --page.", file=sys.stderr)
        return 2
    modules = options.modules or list(LANGUAGES)
    for name in modules:
        language = LANGUAGES[name]()
        build(language.interpreter, language.package)  # Or say now what is missing.
    results: dict[Fault, Found | None] = {}
    for fault in FAULTS:
        if fault.language in modules:
            results[fault] = search_for(fault, options.programs)
            print(told(fault, results[fault], is_brief=options.brief), flush=True)
    for name in dict.fromkeys(fault.language for fault in results):
        of_module = [found for fault, found in results.items() if fault.language == name]
        numbers = [found.programs for found in of_module if found]
        most = f", in {max(numbers):,} programs or fewer" if numbers else ""
        print(f"{name}: {len(numbers)} of {len(of_module)} faults found{most}")
    everything = [found for found in results.values() if found]
    if len(everything) < len(results):
        return 1
    if options.page:
        example = told(EXAMPLE, results[EXAMPLE])
        PAGE.write_text(page([found.programs for found in everything], example), encoding="utf-8")
    return 0


def _explain(options: argparse.Namespace) -> int:
    language = LANGUAGES[options.module]()
    program = parse(options.program)
    answers = run_ours(language, program)
    with Judge(build(language.interpreter, language.package)) as judge:
        by_ocaml = asked(judge, program, answers)
    difference = judged(program, answers, by_ocaml)
    if difference is None:
        print(both_traces(program, closest(answers.traces, by_ocaml or []), by_ocaml))
        return 0
    print(explanation(difference))
    if is_excused(difference, answers):
        for reason in dict.fromkeys(answers.doubtful):
            print(f"\nExcused: {reason}")
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
