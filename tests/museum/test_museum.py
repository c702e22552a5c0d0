"""The bugs of the museum are found, and their mended forms hold."""

import importlib
import re
from pathlib import Path

import pytest

from tests.museum.listed import NAMES

BUGS = Path(__file__).parent / "bugs"


def test_the_list_has_every_bug_once() -> None:
    assert sorted(NAMES) == sorted(path.stem for path in BUGS.glob("*.py"))


@pytest.mark.parametrize("name", NAMES)
def test_each_bug_names_the_public_report_it_is_told_after(name: str) -> None:
    told = importlib.import_module(f"tests.museum.bugs.{name}").__doc__ or ""
    assert re.search(
        r"^After https://github\.com/[\w.-]+/[\w.-]+/(issues|pull)/\d+,", told, re.MULTILINE
    )
    assert re.search(r"\bMended\b", told)
