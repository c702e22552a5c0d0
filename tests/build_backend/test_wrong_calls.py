"""Whatever a function is called with, it does the same in both builds: some 200,000 calls, most of them wrong."""

import importlib
import shutil
import subprocess
import sys
from collections import Counter
from inspect import isbuiltin
from pathlib import Path

import pytest

import lwt
from tests.support.programs import ROOT, environment
from tests.support.wrong_calls import KINDS, KINDS_OF_UNIX, OF_UNIX, calls, calls_of_unix


def told(sources: Path, package: str) -> list[str]:
    """What comes of each call of the functions of a package, with the packages of a folder."""
    run = subprocess.run(
        [sys.executable, "-P", ROOT / "tests" / "support" / "wrong_calls.py", package],
        env={**environment(), "PYTHONPATH": str(sources), "PYTHONWARNINGS": "ignore"},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return run.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.skipif(not lwt.__compiled__, reason="the compiled build is compared with the pure one")
@pytest.mark.parametrize("package", ["lwt", "lwt_unix"])
def test_a_call_ends_alike_in_both_builds(tmp_path: Path, package: str) -> None:
    for name in "lwt", "lwt_unix":
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("*.so"))
    pure, compiled = told(tmp_path, package), told(ROOT, package)
    number = sum(1 for _ in (calls_of_unix if package == "lwt_unix" else calls)())
    assert len(pure) == len(compiled) == number
    assert [pair for pair in zip(pure, compiled, strict=True) if pair[0] != pair[1]] == []


def test_every_function_is_called_with_arguments_of_every_kind() -> None:
    names = {name for name, _ in calls()}
    assert {"lwt.bind", "lwt.lwt_mutex.lock", "lwt.lwt_stream.npeek"} <= names
    for number in 1, 2:
        assert sum(1 for name, kinds in calls() if name == "lwt.bind" and len(kinds) == number) == (
            len(KINDS) ** number
        )


def test_every_compiled_function_of_lwt_unix_is_called_with_arguments_of_every_kind() -> None:
    names = [f"{module}.{name}" for module, of_it in OF_UNIX.items() for name in of_it.split()]
    called = Counter(name for name, kinds in calls_of_unix() if len(kinds) == 2)
    assert called == dict.fromkeys(names, len(KINDS_OF_UNIX) ** 2)


@pytest.mark.skipif(not lwt.__compiled__, reason="only the compiled build tells what is compiled")
def test_all_functions_of_lwt_unix_that_are_compiled_are_called() -> None:
    for module, names in OF_UNIX.items():
        offered = vars(importlib.import_module(module))
        compiled = [name for name in offered["__all__"] if isbuiltin(offered[name])]
        assert sorted(names.split()) == sorted(compiled)
