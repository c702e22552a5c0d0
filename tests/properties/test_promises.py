"""Random programs over promises, run by `lwt` and by the model: the same must happen, in order."""

from __future__ import annotations

from contextlib import closing
from random import Random

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from tests.properties.promise_programs import Maker, Program, Run, parse, show
from tests.properties.promise_subjects import ByLwt, ByModel


def trace_of_model(program: Program) -> list[str]:
    return Run(ByModel(), random_choices=True).run(program)


def trace_of_lwt(program: Program) -> list[str]:
    with closing(ByLwt()) as subject:
        return Run(subject, random_choices=True).run(program)


@st.composite
def programs(draw: st.DrawFn) -> Program:
    return Maker(lambda n: draw(st.integers(0, n - 1))).program()


@given(programs())
def test_a_program_runs_as_in_the_model(program: Program) -> None:
    note(show(program))
    assert trace_of_lwt(program) == trace_of_model(program)


@pytest.mark.parametrize("thousand", range(5))
def test_many_programs_run_as_in_the_model(thousand: int) -> None:
    """Made without hypothesis, which shrinks what fails but is slow to make what does not."""
    for seed in range(1000 * thousand, 1000 * (thousand + 1)):
        program = Maker(Random(seed).randrange).program()
        assert trace_of_lwt(program) == trace_of_model(program), show(program)


@given(programs())
def test_a_program_survives_its_text_form(program: Program) -> None:
    assert parse(show(program)) == program
