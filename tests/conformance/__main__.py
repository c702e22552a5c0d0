"""Hold our library against OCaml's: `python -m tests.conformance --help`."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence

from tests.conformance.comparison import (
    Difference,
    Result,
    compare,
    one_difference,
    random_programs,
    shrunk,
)
from tests.conformance.faults import FAULTS
from tests.conformance.forms import parse, show
from tests.conformance.judge import Judge, NoJudge, build
from tests.conformance.language import Language
from tests.conformance.languages import LANGUAGES


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("compare", help="run random programs on both sides")
    command.add_argument("modules", nargs="*", help="such as Lwt; all if none is named")
    command.add_argument("--programs", "-n", type=int, help="how many, for each module")
    command.add_argument("--seed", type=int, default=0, help="of the first program")
    command.set_defaults(run=_compare)
    command = commands.add_parser("faults", help="tell how soon seeded faults are found")
    command.add_argument("--programs", "-n", type=int, default=20_000, help="at most")
    command.set_defaults(run=_faults)
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
    found = False
    for name in options.modules or LANGUAGES:
        language = LANGUAGES[name]()
        number = options.programs or language.default_programs
        with Judge(build(language.interpreter, language.package)) as judge:
            start = time.monotonic()
            told = start
            shown = 0

            def report(result: Result, start: float = start) -> None:
                nonlocal told, shown
                for difference in result.differences[shown:]:
                    print(
                        f"  differs: {show(difference.program)}\n{difference.first()}", flush=True
                    )
                shown = len(result.differences)
                if time.monotonic() > told + 60:
                    told = time.monotonic()
                    rate = result.programs / (told - start)
                    print(
                        f"  {result.programs} programs, {rate:.0f} a second, "
                        f"{len(result.differences)} differences",
                        flush=True,
                    )

            programs = random_programs(language, number, options.seed)
            result = compare(language, judge, programs, report=report)
            seconds = time.monotonic() - start
            print_result(language, result, seconds)
            for difference in result.differences[:3]:
                print_difference(language, shrunk(language, judge, difference))
            found = found or bool(result.differences)
    return int(found)


def print_result(language: Language, result: Result, seconds: float) -> None:
    statements = {name for name, *others in result.met if not others}
    pairs = {pair for pair in language.pairs if result.met[pair]}
    print(f"{language.name}: {result.programs} programs, {len(result.differences)} differences")
    print(f"  {result.programs / seconds:.0f} programs a second")
    print(f"  statements met: {len(statements)} of {len(language.statements)}")
    print(f"  pairs met: {len(pairs)} of {len(language.pairs)}")
    for reason, number in result.undefined.most_common():
        print(f"  {number} programs were kept from OCaml, where {reason}")


def print_difference(language: Language, difference: Difference) -> None:
    print(f"\nAfter {difference.number} programs, made as small as possible:\n")
    print(f"  {show(difference.program)}\n")
    print(difference.first())
    print(f"\nIn OCaml:\n\n{language.as_ocaml(difference.program)}")
    print(f"\nIn Python:\n\n{language.as_python(difference.program)}", flush=True)


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
        print_difference(language, difference)
    return int(difference is not None)


if __name__ == "__main__":
    sys.exit(main())
