"""The bugs of the museum are found, and their mended forms hold."""

import importlib
import re
from pathlib import Path

import pytest

from lwt_unix import testing
from tests.museum.listed import NAMES, bug
from tests.museum.tools import by_lwt
from tests.museum.tools.finding import Found

BUGS = Path(__file__).parent / "bugs"

each_bug = pytest.mark.parametrize("name", NAMES)


def searched(name: str, limit: int, *, seed: int = 0, mended: bool = False) -> Found | None:
    program = bug(name).program(lwt=True, mended=mended)
    return by_lwt.TOOL.search(program, seed=seed, limit=limit, strategy="seeded")


def test_the_list_has_every_bug_once() -> None:
    assert sorted(NAMES) == sorted(path.stem for path in BUGS.glob("*.py"))


@each_bug
def test_each_bug_names_the_public_report_it_is_told_after(name: str) -> None:
    told = importlib.import_module(f"tests.museum.bugs.{name}").__doc__ or ""
    report = r"^After https://github\.com/[\w.-]+/[\w.-]+/(issues|pull)/\d+,"
    assert re.search(report, told, re.MULTILINE)
    assert re.search(r"\bMended\b", told)


@each_bug
@pytest.mark.parametrize("mended", [False, True])
def test_no_bug_shows_in_lwts_own_order(name: str, *, mended: bool) -> None:
    program = bug(name).program(lwt=True, mended=mended)
    assert by_lwt.error_of(program, testing.lwt_choices()) is None


@each_bug
def test_each_bug_is_found_within_a_few_runs(name: str) -> None:
    assert searched(name, 15) is not None


@each_bug
def test_a_run_that_fails_fails_again_in_a_replay(name: str) -> None:
    program = bug(name).program(lwt=True, mended=False)
    found = searched(name, 15)
    assert found is not None
    choices = testing.seeded(found.runs - 1)
    first = by_lwt.error_of(program, choices)
    again = by_lwt.error_of(program, testing.replayed(choices.replay_text()))
    assert type(again) is type(first)


@pytest.mark.slow
@each_bug
def test_each_mended_form_holds_under_all_schedules_or_in_a_hundred_runs(name: str) -> None:
    program = bug(name).program(lwt=True, mended=True)
    if by_lwt.explored(program, 100) is None:
        assert searched(name, 100, seed=20, mended=True) is None


@pytest.mark.parametrize("name", ["lost_update", "computed_twice", "short_read", "mixed_frames"])
def test_hypothesis_leaves_two_choices_of_a_failure_or_one(name: str) -> None:
    assert 1 <= by_lwt.fewest_choices(bug(name).program(lwt=True, mended=False)) <= 2
