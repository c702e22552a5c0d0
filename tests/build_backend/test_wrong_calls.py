"""Whatever a function is called with, it does the same in both builds: some 100,000 calls, most of them wrong."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import lwt
from tests.support.programs import ROOT, environment
from tests.support.wrong_calls import KINDS, calls


def told(sources: Path) -> list[str]:
    """What comes of each call, with the packages of a folder."""
    run = subprocess.run(
        [sys.executable, "-P", ROOT / "tests" / "support" / "wrong_calls.py"],
        env={**environment(), "PYTHONPATH": str(sources), "PYTHONWARNINGS": "ignore"},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return run.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.skipif(not lwt.__compiled__, reason="the compiled build is compared with the pure one")
def test_a_call_ends_alike_in_both_builds(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "lwt", tmp_path / "lwt", ignore=shutil.ignore_patterns("*.so"))
    pure, compiled = told(tmp_path), told(ROOT)
    assert len(pure) == len(compiled) == sum(1 for _ in calls())
    assert [pair for pair in zip(pure, compiled, strict=True) if pair[0] != pair[1]] == []


def test_every_function_is_called_with_arguments_of_every_kind() -> None:
    names = {name for name, _ in calls()}
    assert {"lwt.bind", "lwt.lwt_mutex.lock", "lwt.lwt_stream.npeek"} <= names
    for number in 1, 2:
        assert sum(1 for name, kinds in calls() if name == "lwt.bind" and len(kinds) == number) == (
            len(KINDS) ** number
        )
