"""Where things are, and what may know of what."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.modules import MODULES, OF_AN_EXTRA, PUBLIC_MODULES, SOURCES, layout
from tests.support.programs import ROOT, run_code

TOP_LEVEL = {
    ".ci",
    ".github",
    ".gitignore",
    ".pre-commit-config.yaml",
    "LICENSE",
    "MANIFEST.in",
    "Makefile",
    "README.md",
    "build_backend",
    "docs",
    "lwt",
    "lwt_unix",
    "pyproject.toml",
    "tests",
}
DOES_INPUT_OUTPUT = {"lwt_unix", "asyncio", "select", "selectors", "signal", "socket", "threading"}


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
    """The modules that a file imports, inside functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module and not node.level, "imports are absolute here"
            for alias in node.names:
                module = f"{node.module}.{alias.name}"
                found.add(module if module in MODULES else node.module)
    return found


def test_the_layout_of_the_guide_lists_every_module_once() -> None:
    assert sorted(layout()) == sorted(MODULES)


def test_a_module_imports_only_from_those_before_it_in_the_layout() -> None:
    places = {name: place for place, name in enumerate(layout())}
    upward = [
        f"{name} imports {imported}"
        for name, path in MODULES.items()
        for imported in imports_of(path)
        if imported in places and places[imported] >= places[name]
    ]
    assert upward == []


def test_no_module_of_lwt_imports_the_face_of_the_package() -> None:
    assert [
        name for name in MODULES if name.startswith("lwt.") and "lwt" in imports_of(MODULES[name])
    ] == []


@pytest.mark.parametrize("path", SOURCES["lwt"], ids=lambda path: path.name)
def test_a_module_of_lwt_imports_nothing_that_does_input_or_output(path: Path) -> None:
    assert {name.split(".")[0] for name in imports_of(path)} & DOES_INPUT_OUTPUT == set()


def loaded_by_importing(*modules: str) -> set[str]:
    """Import modules in a new interpreter that has no site-packages; return all they load."""
    code = (
        f"import sys; before = set(sys.modules); import {', '.join(modules)}; "
        f"print(*set(sys.modules) - before)"
    )
    run = run_code(code, "-S")
    assert run.returncode == 0, run.stderr
    return {name.split(".")[0] for name in run.stdout.split()}


def test_importing_lwt_loads_nothing_that_does_input_or_output() -> None:
    assert loaded_by_importing("lwt") & DOES_INPUT_OUTPUT == set()


def test_nothing_is_needed_beyond_the_standard_library() -> None:
    loaded = loaded_by_importing(*{*PUBLIC_MODULES} - OF_AN_EXTRA)
    compiled = {name for name in loaded if name == "lwt_runtime__mypyc"}  # The code of all modules.
    assert loaded - sys.stdlib_module_names - compiled == {"lwt", "lwt_unix"}


@pytest.mark.parametrize("package", SOURCES)
def test_type_checkers_are_told_that_a_package_is_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").exists()


# --- The places of tests -----------------------------------------------------

OF_A_PACKAGE = {
    "lwt/test_against_ocaml": "programs whose traces OCaml has told",
    "lwt/test_collecting": "the collector runs at each place of any function, and finalisers interfere",
    "lwt/test_collecting_streams": "the same for streams",
    "lwt/test_collecting_waiting": "the same for mutexes, mailboxes, conditions, pools, switches",
    "lwt/test_interrupts": "what is no Exception leaves every function alike",
    "lwt/test_many_promises": "a million promises that make something together",
    "lwt/test_no_recursion_limit": "loops by recursion, through any function",
    "lwt/test_nothing_is_kept": "exceptions and promises keep nothing alive, in any function",
    "lwt/test_raising_callbacks": "what becomes of a callback's exception, function by function",
    "lwt/test_stop_iteration": "StopIteration is no end, in any function that calls one of the user's",
    "lwt/test_storage_of_the_hook": "what async_exception_hook sees, function by function",
    "lwt/test_tracebacks": "tracebacks are kept, and do not grow, in any function",
    "lwt_unix/test_collecting": "the collector runs at each place of any function, and finalisers interfere",
    "lwt_unix/test_collecting_children": "the same for child processes",
    "lwt_unix/test_faults": "no room, no descriptors, peers that are gone, signals, others that close, forks",
    "lwt_unix/test_starvation": "a descriptor that is always ready delays the others only a little",
}
"""Files of tests that are about no module alone, and what they are about."""

TESTED_ELSEWHERE = {
    "lwt._core.cancel_callback": "a protocol, which the type checkers hold",
    "lwt._core.interpreted": "test_driver.py and test_coroutine.py run bodies",
    "lwt._core.identity": "test_copying.py tries to copy an object of each public class",
    "lwt._core.publish": "test_public_names.py looks at all names that it publishes",
    "lwt_unix._descriptors.io_event": "two constants, which descriptors/test_actions.py waits for",
    "lwt_unix._descriptors.state": "descriptors/test_file_descr.py aborts and closes descriptors",
    "lwt_unix.lwt_engine._identifiers": "each engine's tests look at its own",
}
"""Modules that have no file of tests, and where they are tested."""


def place_of_tests(name: str) -> str:
    """Where the tests of a module stand, below `tests/`: without the underscores of private names."""
    *folders, last = (part.removeprefix("_") for part in name.split("."))
    if MODULES[name].name == "__init__.py":
        folders.append(last)
    return "/".join([*folders, f"test_{last}"])


def test_every_module_has_its_tests_in_the_place_that_mirrors_its_own_and_nothing_else_is_there() -> (
    None
):
    """A long file of tests may be several: `test_servers.py`, `test_servers_clients.py`."""
    modules = {place_of_tests(name): name for name in MODULES if "." in name}
    owners: dict[str, str | None] = {}
    for package in SOURCES:
        for path in (ROOT / "tests" / package).rglob("test_*.py"):
            file = path.relative_to(ROOT / "tests").with_suffix("").as_posix()
            places = [place for place in modules if f"{file}_".startswith(f"{place}_")]
            owners[file] = modules[max(places, key=len)] if places else None
    assert {file for file, owner in owners.items() if owner is None} == OF_A_PACKAGE.keys()
    files = {name for name, path in MODULES.items() if path.name != "__init__.py"}
    assert files - set(owners.values()) == TESTED_ELSEWHERE.keys()


def test_no_file_of_tests_imports_another() -> None:
    """What two of them share is in `tests/support`."""
    importing = {
        f"{path.relative_to(ROOT)} imports {imported}"
        for path in (ROOT / "tests").rglob("test_*.py")
        for imported in imports_of(path)
        if imported.startswith("tests.") and "test_" in imported
    }
    assert importing == set()
