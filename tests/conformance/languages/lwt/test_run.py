"""How programs over promises are run and shown."""

from __future__ import annotations

import pytest

from tests.conformance.api.ocaml import installed_version
from tests.conformance.comparison import compare
from tests.conformance.forms import Program, parse
from tests.conformance.judge import Judge, build
from tests.conformance.languages.lwt.programs import LwtPrograms
from tests.conformance.languages.lwt.run import MOST_SHOWN, show_as_in_memory, show_value

needs_ocaml = pytest.mark.skipif(
    installed_version() is None, reason="OCaml's Lwt is not installed: see make conformance"
)


def pair_of_itself(times: int) -> object:
    value: object = 7
    for _ in range(times):
        value = (value, value)
    return value


def doubled(times: int) -> Program:
    text = "".join(f"(both {slot + 1} {slot} {slot})" for slot in range(times))
    return parse(f"(return_ 0 7){text}(poll {times})")


def test_a_value_of_few_parts_is_shown_whole() -> None:
    assert show_value([(1, None), (True, [])]) == "[(1, ()); (true, [])]"
    assert show_as_in_memory([(1, None), (True, [])]) == "((1, ()), ((true, ()), ()))"


def test_a_value_whose_parts_are_shared_is_cut_short_not_unfolded() -> None:
    for show in (show_value, show_as_in_memory):
        shown = show(pair_of_itself(40))
        assert shown.count("7") < MOST_SHOWN
        assert shown.endswith(", ..)")


@needs_ocaml
def test_ocaml_cuts_such_values_at_the_same_place() -> None:
    language = LwtPrograms()
    with Judge(build(language.interpreter, language.package)) as judge:
        result = compare(language, judge, [doubled(times) for times in (4, 5, 6, 40)])
    assert (result.programs, result.differences) == (4, [])
