"""The small programs: that they are all there, once, and what they meet."""

from __future__ import annotations

from collections import Counter

from tests.conformance.languages.listed import LANGUAGES
from tests.conformance.languages.lwt.small import NUMBER, small_programs


def test_there_are_as_many_as_is_said_and_no_two_are_the_same() -> None:
    assert len(set(small_programs())) == NUMBER == 101_088


def test_a_part_has_the_same_programs_each_time() -> None:
    assert list(small_programs(1_000)) == list(small_programs(500))[::2]


def test_in_a_part_of_them_every_promise_is_resolved_and_cancelled() -> None:
    language = LANGUAGES["Lwt"]()
    seen: Counter[str] = Counter()
    for program in small_programs(500):
        states = language.run(program).traces[0][-1].split(" | ")[-1]
        seen.update(state.lstrip("!")[:1] for state in states.split(" "))
    assert set(seen) >= {"-", "C", "E", "3", "4", "6"}
