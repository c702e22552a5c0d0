"""Faults that are put into our library: that they can be, and that the comparison finds them."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.conformance.__main__ import main, search_for
from tests.conformance.api.ocaml import installed_version
from tests.conformance.changes import changed_files
from tests.conformance.comparison import Difference, one_difference, random_programs, shrunk
from tests.conformance.fault import Fault, sources
from tests.conformance.faults import FAULTS
from tests.conformance.forms import Program
from tests.conformance.judge import Judge, build
from tests.conformance.language import Answers, Met
from tests.conformance.languages import LANGUAGES
from tests.conformance.sequence_programs import SequencePrograms

needs_ocaml = pytest.mark.skipif(
    installed_version() is None, reason="OCaml's Lwt is not installed: see make conformance"
)


@pytest.fixture(scope="module")
def files() -> dict[Path, str]:
    return sources()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.language}: {fault.what}")
def test_a_fault_can_be_put_in(fault: Fault, files: dict[Path, str]) -> None:
    changed = changed_files(files, fault.changes, fault.what)
    assert changed
    for path, text in changed.items():
        compile(text, path, "exec")


def test_every_module_has_faults() -> None:
    faults = Counter(fault.language for fault in FAULTS)
    assert set(faults) == set(LANGUAGES)
    assert min(faults.values()) >= 3


def test_no_fault_is_there_twice() -> None:
    assert max(Counter((fault.language, fault.what) for fault in FAULTS).values()) == 1
    assert max(Counter((fault.language, fault.changes) for fault in FAULTS).values()) == 1


def test_the_documentation_lists_all_faults() -> None:
    page = Path(__file__).parents[2] / "docs" / "explanation" / "seeded-faults.md"
    rows = re.findall(
        r"^\| [\d,]+ \| `(.*)` \| (.*) \|$", page.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert rows == [(fault.language, fault.what) for fault in FAULTS]


@needs_ocaml
@pytest.mark.slow
@pytest.mark.parametrize(
    "what",
    [
        "callbacks run in reverse, oldest first",
        "the storage is not restored after with_value when it ends in an exception",
        "transfer_l puts the elements to the right end",
        "iter_p is rejected by the first of the list that is rejected already",
        "hooks are called oldest first",
        "a member that was waited for is not validated",
        "closing an output channel does not flush it",
    ],
)
def test_a_seeded_fault_is_found(what: str) -> None:
    number = next(number for number, fault in enumerate(FAULTS) if fault.what == what)
    found = search_for(number, 2_000)
    assert found is not None
    assert 1 <= int(found[0]) <= 2_000


@needs_ocaml
@pytest.mark.parametrize("modules", [[], ["Lwt_pool"]])
def test_a_fault_that_is_not_found_is_told(
    modules: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = Fault("Lwt_pool", "there is none", ())
    monkeypatch.setattr("tests.conformance.__main__.FAULTS", [nothing])
    monkeypatch.setattr("tests.conformance.__main__.search_for", lambda number, programs: None)
    assert main(["faults", *modules, "--programs", "100"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "NOT FOUND  Lwt_pool       there is none",
        "Lwt_pool: 0 of 1 faults found",
    ]


def test_a_module_that_is_not_compared_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["faults", "lwt_pool"])
    assert "no 'lwt_pool', but Lwt, Lwt_sequence" in capsys.readouterr().err


class _Raising(SequencePrograms):
    def run(self, program: Program, met: Met | None = None) -> Answers:
        raise KeyError("a fault")


@needs_ocaml
def test_an_exception_that_leaves_our_library_is_a_difference() -> None:
    language = _Raising()
    program = next(random_programs(language, 1))
    with Judge(build(language.interpreter, language.package)) as judge:
        difference = one_difference(language, judge, program)
    assert difference is not None
    assert difference.ours[0].startswith("KeyError('a fault') leaves, from ")


@needs_ocaml
def test_what_does_not_differ_alone_is_not_made_smaller() -> None:
    language = SequencePrograms()
    difference = Difference(next(random_programs(language, 1)), ["ours"], ["OCaml's"])
    with Judge(build(language.interpreter, language.package)) as judge:
        assert shrunk(language, judge, difference) is None
