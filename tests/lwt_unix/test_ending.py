"""The end of the process: its status, and what is told of it. `test_lwt_main` has it all at work."""

import sys

import pytest

from lwt_unix import _ending
from lwt_unix._renewal import renew


@pytest.mark.parametrize(
    ("leaving", "status", "told"),
    [
        (SystemExit(), 0, ""),
        (SystemExit(0), 0, ""),
        (SystemExit(5), 5, ""),
        (SystemExit("sorry"), 1, "sorry\n"),
        (SystemExit(["no", 1]), 1, "['no', 1]\n"),
    ],
)
def test_the_status_is_that_which_python_gives(
    leaving: SystemExit, status: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _ending.end_with(leaving)
    assert (_ending._ender.status, capsys.readouterr().err) == (status, told)


def test_a_message_that_nobody_can_be_told_is_status_1_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    _ending.end_with(SystemExit("sorry"))
    assert _ending._ender.status == 1


def test_the_last_status_counts() -> None:
    _ending.end_with(SystemExit(5))
    _ending.end_with(SystemExit(6))
    assert _ending._ender.status == 6


def test_an_exception_of_a_hook_goes_to_unraisablehook_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[tuple[object, str]] = []
    monkeypatch.setattr(
        sys, "unraisablehook", lambda args: told.append((args.exc_value, repr(args.object)))
    )
    exception = LookupError("lost")
    _ending.report(print, exception)
    assert told == [(exception, "exit hook <built-in function print>")]


def test_the_process_ends_from_begin_on() -> None:
    assert not _ending.has_begun()
    _ending.begin()
    assert _ending.has_begun()
    renew()
    assert not _ending.has_begun()
