"""OCaml's answers to random programs, kept in files: our library gives the same."""

from __future__ import annotations

import pytest

from tests.conformance.comparison import judged
from tests.conformance.forms import show
from tests.conformance.languages.listed import LANGUAGES
from tests.conformance.recorded import SMALL, recorded, recorded_file

RECORDED = [name for name in (*LANGUAGES, SMALL) if recorded_file(name).exists()]
PARTS = 10


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("name", RECORDED)
def test_programs_do_what_they_did_in_ocaml(name: str, part: int) -> None:
    language = LANGUAGES["Lwt" if name == SMALL else name]()
    for program, by_ocaml in recorded(name)[part::PARTS]:
        difference = judged(program, language.run(program), by_ocaml)
        assert difference is None, f"{show(program)}\n{difference.first()}"


def test_there_are_recorded_programs_for_the_core() -> None:
    assert {"Lwt", SMALL, "Lwt_sequence"} <= set(RECORDED)


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_file_is_of_a_sensible_size(name: str) -> None:
    assert recorded_file(name).stat().st_size < 1_000_000
