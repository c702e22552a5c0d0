"""The types that users rely on, held by mypy: what it infers, and what it refuses.

`inferred*.py` assert types; each ignored error, most of them in `refused.py`, is one that must be.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.run_page import blocks

pytest.importorskip("mypy", reason="mypy is installed for the main environment only")

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


def complaints_of_mypy(*files: Path, cache: Path) -> str:
    """What mypy says about files, with the settings of the project."""
    checked = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--no-error-summary",
            "--no-warn-unused-configs",
            f"--cache-dir={cache}",
            *files,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return checked.stdout + checked.stderr


def tail_call_of_the_page() -> str:
    """The example of a body that hands over, from the page that says how to annotate it."""
    page = ROOT / "docs" / "explanation" / "callbacks.md"
    [example] = [text for _, text in blocks(page.read_text(), "python") if "return total(" in text]
    return example


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_mypy_infers_what_the_interface_promises_and_refuses_wrong_programs(
    tmp_path: Path,
) -> None:
    files = [*sorted(HERE.glob("inferred*.py")), HERE / "refused.py"]
    assert len(files) > 5
    tail_call = tmp_path / "tail_call.py"
    tail_call.write_text(f"import lwt\n{tail_call_of_the_page()}")
    files.append(tail_call)
    assert complaints_of_mypy(*files, cache=tmp_path) == ""


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_mypy_would_notice_an_assertion_that_fails_and_an_error_that_is_gone(
    tmp_path: Path,
) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        "from typing import assert_type\n"
        "import lwt\n"
        "assert_type(lwt.return_(1), lwt.Promise[str])\n"
        "lwt.return_(1)  # type: ignore[arg-type]\n"
    )
    complaints = complaints_of_mypy(wrong, cache=tmp_path)
    assert "wrong.py:3: error" in complaints
    assert "[assert-type]" in complaints
    assert "wrong.py:4: error" in complaints
    assert "[unused-ignore]" in complaints


PAGE = ROOT / "docs" / "how-to" / "find-a-forgotten-await.md"


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_mypy_finds_a_forgotten_await_with_the_settings_of_the_guide(tmp_path: Path) -> None:
    page = PAGE.read_text()
    (tmp_path / "program.py").write_text(blocks(page, "py")[0][1])
    (tmp_path / "pyproject.toml").write_text(blocks(page, "toml")[0][1])
    mypy = [sys.executable, "-m", "mypy", "--no-error-summary", "--follow-imports=silent"]
    checked = subprocess.run(
        [*mypy, f"--cache-dir={tmp_path}", "program.py"],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.stdout + checked.stderr == blocks(page, "text")[0][1]
