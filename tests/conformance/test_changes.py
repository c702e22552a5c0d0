"""Changes of texts, which are found by what they replace."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.changes import changed_files

A, B, C = Path("a.py"), Path("b.py"), Path("c.py")


def test_each_change_finds_its_file() -> None:
    files = {A: "pail", B: "lay by", C: "c"}
    assert changed_files(files, [("i", "o"), ("b", "m")], "two letters") == {A: "paol", B: "lay my"}


def test_a_change_is_made_to_what_the_one_before_left() -> None:
    assert changed_files({A: "ab"}, [("a", "bb"), ("bbb", "c")], "letters") == {A: "c"}


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("l", "2 times, not once, in a.py, b.py"),
        ("y", "2 times, not once, in b.py"),
        ("w", "0 times, not once, in any file"),
    ],
)
def test_a_text_that_is_not_there_once_is_refused(text: str, places: str) -> None:
    with pytest.raises(ValueError, match=f"^a letter: .* {places}:\n{text}$"):
        changed_files({A: "pail", B: "lay by"}, [(text, "")], "a letter")
