"""Where things are, and what may know of what."""

import ast
import importlib
import inspect
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs import ROOT, environment

TOP_LEVEL = {
    ".ci",
    ".gitignore",
    "LICENSE",
    "Makefile",
    "README.md",
    "docs",
    "lwt",
    "lwt_unix",
    "pyproject.toml",
    "tests",
}
DOES_INPUT_OUTPUT = {"lwt_unix", "asyncio", "select", "selectors", "signal", "socket", "threading"}

SOURCES = {package: sorted((ROOT / package).rglob("*.py")) for package in ("lwt", "lwt_unix")}
PUBLIC_MODULES = [
    package if path.stem == "__init__" else f"{package}.{path.stem}"
    for package, paths in SOURCES.items()
    for path in paths
    if path.stem == "__init__" or not path.stem.startswith("_")
]


@pytest.mark.skipif(
    shutil.which("git") is None or not (ROOT / ".git").exists(), reason="this is no git checkout"
)
def test_the_top_level_holds_what_it_should_and_nothing_else() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True
    )
    files = listed.stdout.rstrip("\0").split("\0")
    assert {name.split("/")[0] for name in files} <= TOP_LEVEL
    assert [name for name in files if name.startswith(".ci/")] in ([], [".ci/run"])


def imports_of(path: Path) -> set[str]:
    """The top-level packages that a file imports, inside functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return {name.split(".")[0] for name in found}


@pytest.mark.parametrize("path", SOURCES["lwt"], ids=lambda path: path.name)
def test_a_module_of_lwt_imports_nothing_that_does_input_or_output(path: Path) -> None:
    assert imports_of(path) & DOES_INPUT_OUTPUT == set()


def loaded_by_importing(*modules: str) -> set[str]:
    """Import modules in a new interpreter that has no site-packages; return all they load."""
    code = (
        f"import sys; before = set(sys.modules); import {', '.join(modules)}; "
        f"print(*set(sys.modules) - before)"
    )
    run = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env=environment(),
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return {name.split(".")[0] for name in run.stdout.split()}


def test_importing_lwt_loads_nothing_that_does_input_or_output() -> None:
    assert loaded_by_importing("lwt") & DOES_INPUT_OUTPUT == set()


def test_nothing_is_needed_beyond_the_standard_library() -> None:
    loaded = loaded_by_importing(*PUBLIC_MODULES)
    assert loaded - sys.stdlib_module_names == {"lwt", "lwt_unix"}


@pytest.mark.parametrize("name", PUBLIC_MODULES)
def test_what_a_public_module_offers_is_there_and_explained(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__
    offered = {public: getattr(module, public) for public in module.__all__}
    explained = inspect.isfunction, inspect.isclass
    undocumented = [
        public
        for public, value in offered.items()
        if any(is_kind(value) for is_kind in explained) and not value.__doc__
    ]
    assert undocumented == []


@pytest.mark.parametrize("package", SOURCES)
def test_type_checkers_are_told_that_a_package_is_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").exists()
