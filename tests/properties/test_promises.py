"""Random programs over promises, run by `lwt` and by the model: the same must happen, in order."""

from __future__ import annotations

from contextlib import closing
from random import Random

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from tests.conformance.forms import Program, parse, show
from tests.conformance.languages.lwt.language import Maker
from tests.conformance.languages.lwt.run import Run
from tests.conformance.languages.lwt.subjects import Lwt as ByLwt
from tests.conformance.languages.lwt.subjects import Model as ByModel


def trace_of_model(program: Program, *, coroutines: bool) -> list[str]:
    return Run(ByModel(coroutines=coroutines), random_choices=True).run(program)


def trace_of_lwt(program: Program, *, coroutines: bool) -> list[str]:
    with closing(ByLwt(coroutines=coroutines)) as subject:
        return Run(subject, random_choices=True).run(program)


@st.composite
def programs(draw: st.DrawFn) -> Program:
    return Maker(lambda n: draw(st.integers(0, n - 1))).program()


def check_that_a_program_runs_as_in_the_model(program: Program, *, coroutines: bool) -> None:
    expected = trace_of_model(program, coroutines=coroutines)
    trace = trace_of_lwt(program, coroutines=coroutines)
    if coroutines and any("RuntimeError" in line for line in trace):
        return  # An async function awaited its own promise: the model lets it wait forever.
    assert trace == expected, show(program)


in_both_ways = pytest.mark.parametrize(
    "coroutines", [False, True], ids=["callbacks are functions", "callbacks are async functions"]
)


@in_both_ways
@given(program=programs())
def test_a_program_runs_as_in_the_model(program: Program, coroutines: bool) -> None:
    note(show(program))
    check_that_a_program_runs_as_in_the_model(program, coroutines=coroutines)


@in_both_ways
@pytest.mark.parametrize("thousand", range(3))
def test_many_programs_run_as_in_the_model(thousand: int, coroutines: bool) -> None:
    """Made without hypothesis, which shrinks what fails but is slow to make what does not."""
    for seed in range(1000 * thousand, 1000 * (thousand + 1)):
        program = Maker(Random(seed).randrange).program()
        check_that_a_program_runs_as_in_the_model(program, coroutines=coroutines)


@given(programs())
def test_a_program_survives_its_text_form(program: Program) -> None:
    assert parse(show(program)) == program
