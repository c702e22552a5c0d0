"""The source text of programs, as a difference is printed: it runs, and does what the program does."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pytest

from tests.conformance.api.ocaml import installed_version
from tests.conformance.comparison import Difference, random_programs
from tests.conformance.faults import FAULTS
from tests.conformance.forms import Program, parse, show
from tests.conformance.language import Language
from tests.conformance.languages import LANGUAGES
from tests.conformance.lwt_unix_run import show_data
from tests.conformance.printed import ROOT, in_ocaml, in_python
from tests.conformance.report import explanation

needs_ocaml = pytest.mark.skipif(
    installed_version() is None, reason="OCaml's Lwt is not installed: see make conformance"
)
in_each_language = pytest.mark.parametrize("module", LANGUAGES)
FEW = 3
READING_INSTEAD = "(pipe 0 1) (wrap_syscall 0 1 write ((retry_read))) (settle)"
MANY = 40


@dataclass
class Printed:
    """A program of a language, its trace, and what it prints in Python."""

    module: str
    program: Program
    trace: list[str]
    lines: list[str]


def printed(modules: Iterable[str], number: int, folder: Path) -> list[Printed]:
    """Run the first random programs of languages that mean something, as they are printed."""
    found: list[tuple[str, Program, list[str]]] = []
    for module in modules:
        meant = _with_meaning(LANGUAGES[module]())
        found += [(module, program, trace) for program, trace in islice(meant, number)]
    texts = [(module, LANGUAGES[module]().as_python(program)) for module, program, _ in found]
    outputs = in_python(texts, folder)
    return [
        Printed(module, program, trace, lines)
        for (module, program, trace), lines in zip(found, outputs, strict=True)
    ]


def _with_meaning(language: Language) -> Iterator[tuple[Program, list[str]]]:
    for program in random_programs(language, 10_000):
        answers = language.run(program)
        leaves_to_chance = next(answers.more, None) is not None
        if not answers.undefined and not leaves_to_chance:
            yield program, answers.traces[0]


def compare_with_ocaml(programs: list[Printed], package: str, folder: Path) -> None:
    programs = [each for each in programs if LANGUAGES[each.module]().package == package]
    texts = [LANGUAGES[each.module]().as_ocaml(each.program) for each in programs]
    for each, lines in zip(programs, in_ocaml(texts, package, folder), strict=True):
        assert lines == each.lines, f"{each.module}: {show(each.program)}"


def shown_in_common(line: str) -> str:
    """Rewrite what a trace and a printed program tell in different words."""
    # In the memory of OCaml these are one thing.
    line = line.replace("()", "0").replace("true", "1")
    # The state of structures that a program does not use is not printed.
    line = re.sub(r" \| ,,,$", "", line)
    line = re.sub(r"^(statement .*? [-rfs]{8})( .*)?$", r"\1", line)

    def in_words(found: re.Match[str]) -> str:
        number = getattr(errno, found[0], None)
        return found[0] if number is None else os.strerror(number)

    def as_data(found: re.Match[str]) -> str:
        return show_data(found[1].encode().decode("unicode_escape").encode("latin-1"))

    return re.sub(r'"([^"]*)"', as_data, re.sub(r"\bE[A-Z]{3,}\b", in_words, line))


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Printed]]:
    programs = printed(LANGUAGES, FEW, tmp_path_factory.mktemp("few"))
    return {module: [each for each in programs if each.module == module] for module in LANGUAGES}


@in_each_language
def test_a_printed_program_prints_in_python_what_its_trace_tells(
    module: str, few: dict[str, list[Printed]]
) -> None:
    for each in few[module]:
        told = [shown_in_common(line) for line in each.lines]
        assert told == [shown_in_common(line) for line in each.trace], show(each.program)


@needs_ocaml
@pytest.mark.parametrize("package", ["lwt", "lwt.unix"])
def test_a_printed_program_prints_the_same_in_ocaml(
    package: str, few: dict[str, list[Printed]], tmp_path: Path
) -> None:
    programs = [each for programs in few.values() for each in programs]
    compare_with_ocaml(programs, package, tmp_path)


@needs_ocaml
@pytest.mark.slow
@pytest.mark.timeout(600)
@in_each_language
def test_many_printed_programs_print_the_same_in_ocaml(module: str, tmp_path: Path) -> None:
    programs = printed([module], MANY, tmp_path)
    for each in programs:
        told = [shown_in_common(line) for line in each.lines]
        assert told == [shown_in_common(line) for line in each.trace], show(each.program)
    compare_with_ocaml(programs, LANGUAGES[module]().package, tmp_path)


@in_each_language
def test_a_printed_program_has_nothing_of_the_tests_in_it(
    module: str, few: dict[str, list[Printed]]
) -> None:
    language = LANGUAGES[module]()
    for each in few[module]:
        for text in (language.as_python(each.program), language.as_ocaml(each.program)):
            assert not re.search(r"tests\.|conformance|Programs\b", text)


@pytest.mark.parametrize("module", ["Lwt", "Lwt_stream", "Lwt_seq", "Lwt_io.server"])
def test_a_printed_program_runs_where_only_the_library_is(
    module: str, few: dict[str, list[Printed]], tmp_path: Path
) -> None:
    for package in ("lwt", "lwt_unix"):
        (tmp_path / package).symlink_to(ROOT / package)
    program = few[module][0].program
    (tmp_path / "program.py").write_text(LANGUAGES[module]().as_python(program))
    command = [sys.executable, "program.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == few[module][0].lines
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("module", "what", "program"),
    [
        ("Lwt", "poll gives None for a rejected promise", "(task 0) (cancel 0) (poll 0)"),
        (
            "Lwt_sequence",
            "transfer_l puts the elements to the right end",
            "(add_l 0 0 0) (add_l 0 1 1) (transfer_l 0 1)",
        ),
        ("Lwt_unix", "an action that wants to read waits to write", READING_INSTEAD),
    ],
)
def test_a_printed_program_shows_a_seeded_fault(
    module: str, what: str, program: str, tmp_path: Path
) -> None:
    language = LANGUAGES[module]()
    text, number = language.as_python(parse(program)), [fault.what for fault in FAULTS].index(what)
    put_in = (
        "from tests.conformance.fault import put_in\n"
        "from tests.conformance.faults import FAULTS\n"
        f"put_in(FAULTS[{number}])\n"
    )
    command = [sys.executable, "-c", put_in + text]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    (sound,) = in_python([(module, text)], tmp_path)
    assert done.stdout.splitlines() != sound


@needs_ocaml
def test_an_explanation_is_ready_to_be_pasted(tmp_path: Path) -> None:
    program = parse("(pipe 0 1) (read 0 0 5 0 5) (then 0 ((close 2 1))) (write 1 1 3 0 3) (settle)")
    text = explanation(LANGUAGES["Lwt_unix"](), Difference(program, ["ours"], ["theirs"]))
    of_ocaml, of_python = text.split("(* In OCaml: ")[1].split("# In Python: ")
    command, ocaml = of_ocaml.split(" *)\n", maxsplit=1)
    (tmp_path / "program.ml").write_text(ocaml)
    (tmp_path / "program.py").write_text(f"# {of_python}")
    told = []
    for run in (command, f"{sys.executable} program.py"):
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            run,
            cwd=tmp_path,
            env=environment,
            shell=True,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == ""
        told.append(done.stdout.splitlines())
    assert told[0] == told[1] == LANGUAGES["Lwt_unix"]().run(program).traces[0]


def test_an_explanation_tells_where_the_releases_differ() -> None:
    program = parse("(next_validate (do 1 (raise 1)))")
    text = explanation(LANGUAGES["Lwt_pool"](), Difference(program, ["ours"], ["theirs"]))
    assert "6.1 differs from 5.6.1: a validation that fails at once makes `use` raise" in text


def test_the_documentation_shows_what_is_printed() -> None:
    page = (ROOT / "docs" / "explanation" / "conformance.md").read_text(encoding="utf-8")
    section = page.split("### What is printed")[1].split("###")[0]
    text, ocaml, python = re.findall(r"^```\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    language, program = LANGUAGES["Lwt_mutex"](), parse(text)
    assert language.as_ocaml(program).endswith(f"\n\n{ocaml}")
    assert language.as_python(program).endswith(f"\n\n{python}")
