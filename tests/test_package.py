"""What users install: the source distribution and the wheel hold what they should, and run alone.

Both are made from a copy of this checkout, the wheel from the unpacked source distribution.
Nothing is fetched.
"""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tarfile
from contextlib import suppress
from pathlib import Path
from zipfile import ZipFile

import pytest

import lwt
from tests.support.modules import MODULES, OF_AN_EXTRA
from tests.support.programs import ROOT, environment, unused_port
from tests.support.readme import README, assert_echoes, readme_block
from tests.support.run_page import blocks

pytestmark = pytest.mark.slow

RELEASE = f"lwt_runtime-{lwt.__version__}"
PACKAGES = {
    *(str(path.relative_to(ROOT)) for path in MODULES.values()),
    "lwt/py.typed",
    "lwt_unix/py.typed",
}


def run(*command: str | Path, cwd: Path, env: dict[str, str] | None = None) -> str:
    """Run a program that must not fail; return what it prints."""
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(kind: str, source: Path, target: Path) -> None:
    """Build as pip and `build` do: call the backend, in a process of its own."""
    path = source / "build_backend"
    backend = f"import sys; sys.path.insert(0, r'{path}'); import backend; backend.build_{kind}(r'{target}')"
    run(sys.executable, "-c", backend, cwd=source, env={**os.environ, "LWT_RUNTIME_COMPILE": "0"})


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source distribution, unpacked as well, and the wheel."""
    folder = tmp_path_factory.mktemp("dist")
    copy = tmp_path_factory.mktemp("copy") / "lwt-runtime"
    left_out = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "dist")
    shutil.copytree(ROOT, copy, ignore=left_out)
    build("sdist", copy, folder)
    run("tar", "-xzf", f"{RELEASE}.tar.gz", cwd=folder)
    build("wheel", folder / RELEASE, folder)
    return folder


@pytest.fixture(scope="module")
def python(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment in which nothing but the wheel is installed."""
    return new_environment(dist, tmp_path_factory.mktemp("environment"))


def new_environment(dist: Path, folder: Path) -> Path:
    """Make an environment, and install the wheel there; return its Python."""
    run(sys.executable, "-m", "venv", "--without-pip", ".", cwd=folder)
    python = folder / "bin" / "python"
    (wheel,) = dist.glob("*.whl")
    pip = sys.executable, "-m", "pip", "--isolated", "--python", python
    run(*pip, "install", "--no-index", "--no-compile", wheel, cwd=folder)
    return python


def test_the_wheel_holds_both_packages_and_the_licence(dist: Path) -> None:
    about = {"METADATA", "RECORD", "WHEEL", "licenses/LICENSE", "top_level.txt"}
    with ZipFile(dist / f"{RELEASE}-py3-none-any.whl") as wheel:
        assert set(wheel.namelist()) == PACKAGES | {f"{RELEASE}.dist-info/{name}" for name in about}


def test_the_source_distribution_holds_the_tests_and_the_documentation_too(dist: Path) -> None:
    with tarfile.open(dist / f"{RELEASE}.tar.gz") as archive:
        files = {member.name.removeprefix(f"{RELEASE}/") for member in archive if member.isfile()}
    expected = {"LICENSE", "MANIFEST.in", "Makefile", "README.md", "pyproject.toml"}
    for folder in "build_backend", "docs", "tests":
        paths = [path for path in (ROOT / folder).rglob("*") if path.is_file()]
        expected.update(str(path.relative_to(ROOT)) for path in paths if path.suffix != ".pyc")
    made = {name for name in files if name.startswith("lwt_runtime.egg-info/")}
    assert files - made == PACKAGES | expected | {"PKG-INFO", "setup.cfg"}


def test_the_package_index_shows_the_readme_without_links_that_lead_nowhere_there(
    dist: Path,
) -> None:
    with ZipFile(dist / f"{RELEASE}-py3-none-any.whl") as wheel:
        metadata = wheel.read(f"{RELEASE}.dist-info/METADATA").decode()
    _, _, shown = metadata.partition("\n\n")
    links = re.findall(r"\]\(([^)]*)\)|(?:href|src)=\"([^\"]*)\"", shown)
    assert [link for pair in links for link in pair if link and not link.startswith("https:")] == []
    ((_, program),) = blocks(README.read_text(), "python")
    assert program in shown and "Tutorial (docs/tutorial/1-promises.md)" in shown


def distributions_of(extra: str) -> dict[str, importlib.metadata.Distribution]:
    """What an extra installs, and what that needs in its turn, by name."""
    found: dict[str, importlib.metadata.Distribution] = {}
    waiting = [line for line in requirements("lwt-runtime") if f'extra == "{extra}"' in line]
    while waiting:
        name = re.split(r"[^\w.-]", waiting.pop(), maxsplit=1)[0]
        with suppress(importlib.metadata.PackageNotFoundError):  # needed elsewhere: see its marker
            if name not in found:
                found[name] = importlib.metadata.distribution(name)
                waiting += [line for line in requirements(name) if "extra ==" not in line]
    return found


def requirements(name: str) -> list[str]:
    """What a distribution needs, each with the marker that says when."""
    return importlib.metadata.requires(name) or []


@pytest.mark.timeout(180)
def test_the_tests_run_in_the_source_distribution(
    dist: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """With nothing but the wheel and what the extra `test` needs; a few of the files stand for all."""
    python = new_environment(dist, tmp_path_factory.mktemp("environment"))
    (packages,) = python.parent.parent.glob("lib/python*/site-packages")
    for distribution in distributions_of("test").values():
        for entry in {file.parts[0] for file in distribution.files or []} - {"..", "__pycache__"}:
            (packages / entry).symlink_to(str(distribution.locate_file(entry)))
    tests = (
        "tests/lwt/core/test_promise.py",
        "tests/lwt_unix/test_errors.py",
        "tests/test_layout.py",
    )
    said = run(python, "-m", "pytest", "-q", "-m", "not slow", *tests, cwd=dist / RELEASE)
    assert re.search(r"\n[0-9]{3} passed", said), said


def test_every_module_imports_from_the_wheel_alone(python: Path, tmp_path: Path) -> None:
    program = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    print(importlib.import_module(name).__file__)\n"
    )
    modules = {name: path for name, path in MODULES.items() if name not in OF_AN_EXTRA}
    files = run(python, "-I", "-c", program, *modules, cwd=tmp_path).splitlines()
    (packages,) = python.parent.parent.glob("lib/python*/site-packages")
    assert files == [str(packages / path.relative_to(ROOT)) for path in modules.values()]


def test_the_installed_distribution_has_the_version_of_the_package(
    python: Path, tmp_path: Path
) -> None:
    program = "import importlib.metadata; print(importlib.metadata.version('lwt-runtime'))"
    assert run(python, "-I", "-c", program, cwd=tmp_path) == f"{lwt.__version__}\n"


def test_the_server_of_the_readme_runs_from_the_wheel(python: Path, tmp_path: Path) -> None:
    program = tmp_path / "echo.py"
    with unused_port() as port:
        program.write_text(readme_block("python", port))
        assert_echoes([python, "-I", program], port)


@pytest.mark.timeout(180)
def test_mypy_reads_the_types_of_the_wheel(python: Path, tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="mypy is installed for the main environment only")
    program = tmp_path / "program.py"
    program.write_text(
        "import lwt\nfrom lwt_unix import lwt_main\nreveal_type(lwt_main.run(lwt.return_(1)))\n"
    )
    mypy = sys.executable, "-I", "-m", "mypy", "--strict", f"--python-executable={python}"
    said = run(*mypy, "--cache-dir", tmp_path / "cache", program, cwd=tmp_path)
    assert 'program.py:3: note: Revealed type is "int"' in said


def test_make_test_says_at_the_start_how_long_it_takes() -> None:
    question = "make", "--question", ".venv/.testable"
    if shutil.which("make") is None or subprocess.run(question, cwd=ROOT, check=False).returncode:
        pytest.skip("the environment that make makes is not there, or out of date")
    said = run(
        *("make", "--silent", "test", "TESTED_VERSIONS=", "PYTEST_ARGS=--version"),
        cwd=ROOT,
        env=environment(),
    )
    before, _, _ = said.partition("== Python")
    assert "minutes" in before
