"""Faults that are put into our library: that they can be, and that the comparison finds them."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.conformance.__main__ import main
from tests.conformance.api.ocaml import installed_version
from tests.conformance.changes import changed_files
from tests.conformance.faults.fault import Fault, sources
from tests.conformance.faults.listed import FAULTS
from tests.conformance.faults.page import PAGE, page, told
from tests.conformance.faults.search import Found, search_for
from tests.conformance.languages.listed import LANGUAGES
from tests.support.builds import interpreted_only

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


def test_the_page_is_the_one_that_the_command_writes() -> None:
    text = PAGE.read_text(encoding="utf-8")
    numbers = re.findall(r"^\| ([\d,]+) \| `", text, re.MULTILINE)
    (example,) = re.findall(r"^```\n(.*?)\n```$", text, re.DOTALL | re.MULTILINE)
    assert text == page([int(number.replace(",", "")) for number in numbers], example)


def test_what_is_told_of_a_fault() -> None:
    fault, found = Fault("Lwt", "it is wrong", ()), Found(1_234, "(task 0)", "ours: a\nOCaml: b")
    assert told(fault, found).split("\n") == [
        "    1,234  Lwt            it is wrong",
        *(f"{'':>26}{line}" for line in ("(task 0)", "ours: a", "OCaml: b")),
    ]
    assert told(fault, found, is_brief=True) == "    1,234  Lwt            it is wrong"
    assert told(fault, None) == "NOT FOUND  Lwt            it is wrong"


@needs_ocaml
@pytest.mark.slow
@interpreted_only("a fault is put into the source, which is not what runs")
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
    fault = next(fault for fault in FAULTS if fault.what == what)
    found = search_for(fault, 2_000)
    assert found is not None
    assert 1 <= found.programs <= 2_000


@needs_ocaml
@pytest.mark.parametrize("modules", [[], ["Lwt_pool"]])
def test_a_fault_that_is_not_found_is_told(
    modules: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = Fault("Lwt_pool", "there is none", ())
    monkeypatch.setattr("tests.conformance.__main__.FAULTS", [nothing])
    monkeypatch.setattr("tests.conformance.__main__.search_for", lambda fault, programs: None)
    assert main(["faults", *modules, "--programs", "100"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "NOT FOUND  Lwt_pool       there is none",
        "Lwt_pool: 0 of 1 faults found",
    ]


def test_a_module_that_is_not_compared_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["faults", "lwt_pool"])
    assert "no 'lwt_pool', but Lwt, Lwt_sequence" in capsys.readouterr().err
