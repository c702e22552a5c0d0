"""The comparison with OCaml where it is installed, and the tools that it is made of."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conformance.__main__ import main
from tests.conformance.api.ocaml import installed_version
from tests.conformance.comparison import (
    Difference,
    Result,
    compare,
    is_excused,
    judged,
    one_difference,
    random_programs,
    shrunk,
)
from tests.conformance.forms import Form, Program, parse, show
from tests.conformance.judge import Judge, build
from tests.conformance.language import Answers, Met
from tests.conformance.languages.listed import LANGUAGES
from tests.conformance.languages.lwt_sequence.programs import SequencePrograms
from tests.conformance.report import Report, both_traces, excuses, explanation
from tests.conformance.shrinking import shrink
from tests.conformance.values import values

needs_ocaml = pytest.mark.skipif(
    installed_version() is None, reason="OCaml's Lwt is not installed: see make conformance"
)
in_each_language = pytest.mark.parametrize("module", LANGUAGES)


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


@pytest.mark.parametrize("by_ocaml", [None, ["a"], ["b"]])
def test_the_model_is_a_judge_whatever_ocaml_does(by_ocaml: list[str] | None) -> None:
    answers = Answers([["a"]], doubtful=["it never ends"], model=[(0, ["b"])])
    difference = judged((), answers, by_ocaml)
    assert difference is not None
    assert difference.judge == "model"
    assert not is_excused(difference, answers)


def test_only_a_doubtful_program_is_excused() -> None:
    for doubtful in ([], ["it never ends"]):
        answers = Answers([["a"]], doubtful=doubtful)
        assert is_excused(judged((), answers, ["b"]), answers) == bool(doubtful)
        assert not is_excused(judged((), answers, ["a"]), answers)


NEVER_ENDS = (
    "(task 3) (catch 3 (do 1 (promise 3)) (do 2 (promise 0))) "
    "(bind 0 3 (do 3 (argument))) (cancel 0) (cancel 0)"
)


@needs_ocaml
def test_of_the_doubtful_programs_those_that_differ_are_excused_and_counted() -> None:
    language = LANGUAGES["Lwt"]()
    texts = (NEVER_ENDS, "(pause 0) (abandon_paused) (cancel 0)", "(task 0)")
    with Judge(build(language.interpreter, language.package)) as judge:
        result = compare(language, judge, map(parse, texts))
    assert (result.programs, result.judged, result.differences) == (3, 2, [])
    assert excuses(result) == [
        "1 of 1 programs differ and are excused: the search for promises to cancel never ends",
        "0 of 1 programs differ and are excused: an abandoned pause is cancelled",
    ]


@needs_ocaml
def test_a_program_that_takes_too_much_of_the_processors_time_ends_the_interpreter() -> None:
    language = LANGUAGES["Lwt"]()
    with Judge(build(language.interpreter, language.package), limit=0.05) as judge:
        endless, next_one = judge.ask([NEVER_ENDS, "(task 0)"])
    assert endless is None
    assert next_one == ["statement 0 ends, 0 paused | - - | -"]


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
def test_every_value_of_the_interface_has_its_statement_or_a_reason(module: str) -> None:
    language = LANGUAGES[module]()
    covered = language.covered()
    for value in values(module):
        assert covered[value] in language.statements or covered[value].startswith(": ")


def test_a_table_of_zeros_does_not_pass() -> None:
    met: Met = Counter()
    report = Report(LANGUAGES["Lwt"](), Result(programs=20_000, met=met), 1.0)
    assert [text.split(":")[0][:9] for text in report.shortcomings()] == ["never met", "only 0 of"]


@in_each_language
def test_a_thousand_programs_meet_every_statement(module: str) -> None:
    language = LANGUAGES[module]()
    met: Met = Counter()
    not_met = set(language.statements)
    for program in random_programs(language, 1_000):
        language.run(program, met)
        not_met.difference_update(name for name, *others in met if not others)
        if not not_met:
            break
    assert not_met == set()


@needs_ocaml
def test_few_programs_on_both_sides() -> None:
    for module in LANGUAGES:
        language = LANGUAGES[module]()
        with Judge(build(language.interpreter, language.package)) as judge:
            result = compare(language, judge, random_programs(language, 50))
        assert result.differences == []
        assert result.programs == 50


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


def test_a_difference_is_shown_with_both_traces() -> None:
    difference = Difference(parse("(task 0)"), ["a", "b"], ["a", "c", "d"], number=3)
    assert explanation(difference).split("\n") == [
        *("After 3 programs, made as small as possible:", ""),
        *("  (task 0)", ""),
        *("OCaml:", "    a", " -> c", "    d", ""),
        *("ours:", "    a", " -> b"),
    ]


def test_the_end_of_a_trace_is_marked_where_the_other_goes_on() -> None:
    assert both_traces(parse("(task 0)"), ["a", "b"], ["a"]).split("\n") == [
        *("  (task 0)", ""),
        *("OCaml:", "    a", " -> (nothing more)", ""),
        *("ours:", "    a", " -> b"),
    ]


@needs_ocaml
def test_explain_shows_a_program_that_does_not_differ(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "Lwt", "(task 0) (cancel 0)"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        *("  (task 0) (cancel 0)", ""),
        "OCaml and ours:",
        "    statement 0 ends, 0 paused | - - | -",
        "    statement 1 ends, 0 paused | - - | !Canceled",
    ]


@needs_ocaml
def test_explain_says_why_a_program_is_excused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "Lwt", NEVER_ENDS]) == 0
    reason = "the search for promises to cancel never ends"
    assert capsys.readouterr().out.endswith(f"\nExcused: {reason}\n")


@needs_ocaml
def test_a_part_of_the_exhaustive_comparison(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["exhaustive", "--every", "5000"]) == 0
    assert capsys.readouterr().out == "21 programs, 0 differences\n"


@needs_ocaml
def test_explain_shows_a_difference(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LANGUAGES, "Lwt_sequence", _Raising)
    assert main(["explain", "Lwt_sequence", "(stop)"]) == 1
    _, of_ocaml, ours = capsys.readouterr().out.split("\n\n")
    assert of_ocaml == "OCaml:\n -> statement 0 raises Stop | 0:  /  | 0:  /  | 0:  / "
    assert ours.startswith("ours:\n -> KeyError('a fault') leaves, from ")
