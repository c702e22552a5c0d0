"""The comparison with OCaml where it is installed, and the tools that it is made of."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conformance.api.ocaml import installed_version
from tests.conformance.comparison import Result, compare, judged, one_difference, random_programs
from tests.conformance.forms import Form, parse, show
from tests.conformance.judge import Judge, build
from tests.conformance.language import Answers, Met
from tests.conformance.languages import LANGUAGES
from tests.conformance.report import Report, explanation, values
from tests.conformance.shrinking import shrink

needs_ocaml = pytest.mark.skipif(
    installed_version() is None, reason="OCaml's Lwt is not installed: see make conformance"
)
MODULES = [
    "Lwt",
    "Lwt_sequence",
    "Lwt_list",
    "Lwt_seq",
    "Lwt_result",
    "Lwt_pqueue",
    "Lwt_stream",
    "Lwt_mvar",
    "Lwt_mutex",
    "Lwt_condition",
    "Lwt_switch",
    "Lwt_pool",
]
in_each_language = pytest.mark.parametrize("module", MODULES)


@needs_ocaml
@pytest.mark.slow
@in_each_language
@given(random=st.randoms(use_true_random=False))
def test_a_program_does_what_it_does_in_ocaml(module: str, random: Random) -> None:
    language = LANGUAGES[module]()
    program = language.make(random)
    with Judge(build(language.interpreter, language.package)) as judge:
        difference = one_difference(language, judge, program)
    assert difference is None, explanation(difference)


@needs_ocaml
def test_a_judge_that_dies_is_replaced() -> None:
    language = LANGUAGES["Lwt"]()
    with Judge(build(language.interpreter, language.package)) as judge:
        first, bad, last = judge.ask(["(task 0)", "(no_such_statement)", "(wait 0)"])
    assert (first, last) == (
        ["statement 0 ends, 0 paused | - - | -"],
        ["statement 0 ends, 0 paused | - - | -"],
    )
    assert bad == ['statement 0 raises Programs.Malformed("no_such_statement"), 0 paused | - - | ']


def test_a_difference_is_what_no_choice_allows() -> None:
    answers = Answers([["a"]], more=iter([["b"], ["c"]]))
    assert judged((), answers, ["b"]) is None
    difference = judged((), answers, ["d"])
    assert difference is not None
    assert (difference.ours, difference.expected) == (["a"], ["d"])


def test_where_ocaml_is_undefined_the_model_is_the_judge() -> None:
    answers = Answers([["a"]], undefined=["it never ends"], model=[(0, ["b"])])
    difference = judged((), answers, None)
    assert difference is not None
    assert difference.judge == "model"


@in_each_language
def test_a_program_survives_its_text_form(module: str) -> None:
    for program in random_programs(LANGUAGES[module](), 100):
        assert parse(show(program)) == program


def test_shrinking_keeps_what_matters_and_nothing_else() -> None:
    program = parse(
        "(task 0) (task 3) (bind 1 0 (do 7 (wait 2) (on_cancel 3 (do 8 (cancel 2) (raise 2))) "
        "(promise 2))) (join 4 (0 1 2)) (wakeup 0 3)"
    )

    def is_statement(form: Form) -> bool:
        return isinstance(form, tuple) and bool(form) and form[0] in LANGUAGES["Lwt"]().statements

    smallest = shrink(program, is_statement, lambda p: "cancel" in show(p) and "wakeup" in show(p))
    assert show(smallest) == "(cancel 0) (wakeup 0 0)"


@in_each_language
def test_every_value_of_the_interface_has_its_statement(module: str) -> None:
    language = LANGUAGES[module]()
    assert set(values(module)) <= set(language.covered())


def test_a_table_of_zeros_does_not_pass() -> None:
    met: Met = Counter()
    report = Report(LANGUAGES["Lwt"](), Result(programs=20_000, met=met), 1.0)
    assert [text.split(":")[0][:9] for text in report.shortcomings()] == ["never met", "only 0 of"]


@in_each_language
def test_a_thousand_programs_meet_every_statement(module: str) -> None:
    language = LANGUAGES[module]()
    met: Met = Counter()
    for program in random_programs(language, 1_000):
        language.run(program, met)
    assert {name for name, *others in met if not others} == set(language.statements)


@needs_ocaml
def test_few_programs_on_both_sides() -> None:
    for module in MODULES:
        language = LANGUAGES[module]()
        with Judge(build(language.interpreter, language.package)) as judge:
            result = compare(language, judge, random_programs(language, 200))
        assert result.differences == []
        assert result.programs == 200
