"""The process in which OCaml runs, and what is read from it. The interpreters here are shell scripts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.judge import Judge


@pytest.fixture
def interpreter(tmp_path: Path) -> Path:
    """An interpreter that answers to a program what `printf` makes of it."""
    path = tmp_path / "interpreter"
    path.write_text('#!/bin/sh\nwhile read -r program; do printf "$program\\n"; done\n')
    path.chmod(0o700)
    return path


def test_an_answer_is_a_line_with_tabs_between_the_events(interpreter: Path) -> None:
    with Judge(interpreter) as judge:
        assert judge.ask([r"0\tp1 waits", "", "1"]) == [["0", "p1 waits"], [], ["1"]]


def test_an_answer_may_have_any_bytes(interpreter: Path) -> None:
    """What OCaml takes from outside its buffers is no text: `OUTLIVES` of the scripts does that."""
    with Judge(interpreter) as judge:
        assert judge.ask([r'p7 = "\327\366"', "1"]) == [['p7 = "\xd7\xf6"'], ["1"]]


def test_who_dies_has_no_answer_and_the_next_program_is_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "interpreter"
    path.write_text('#!/bin/sh\nread -r program; [ "$program" = die ] || echo "$program"\n')
    path.chmod(0o700)
    with Judge(path) as judge:
        assert judge.ask(["die"]) == [None]
        assert judge.ask(["live"]) == [["live"]]
