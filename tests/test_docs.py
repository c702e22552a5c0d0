"""Every example of the documentation is true.

The Python blocks of a page are one program, and what a block prints is in the
`text` block that follows it. The OCaml blocks compile. Links lead to files. Docstrings
are doctests.
"""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support.ocaml import needs_ocaml
from tests.support.programs import (
    ROOT,
    environment,
    unused_port,
)
from tests.support.readme import README, assert_echoes, readme_block
from tests.support.run_page import END_OF_BLOCK, blocks

PAGES = sorted((ROOT / "docs").rglob("*.md"))
needs_dask = pytest.mark.skipif(
    find_spec("distributed") is None,
    reason="distributed is not installed: pip install 'lwt-runtime[dask]'",
)
WITH_A_CLUSTER = ROOT / "docs" / "how-to" / "from-a-thread-to-a-cluster.md"
PAGES_WITH_PYTHON = [
    pytest.param(page, marks=[needs_dask, pytest.mark.slow] if page == WITH_A_CLUSTER else [])
    for page in PAGES
    if blocks(page.read_text(), "python")
]
MODULES_WITH_DOCTESTS = [
    path
    for package in ("lwt", "lwt_unix")
    for path in sorted((ROOT / package).rglob("*.py"))
    if ">>> " in path.read_text()
]
PAGES_WITH_OCAML = [page for page in PAGES if blocks(page.read_text(), "ocaml")]


def name_of(page: Path) -> str:
    """The name of a page in the output of pytest."""
    return str(page.relative_to(ROOT))


def outputs_promised_by(page: str) -> list[str]:
    """What the page says that each of its Python blocks prints."""
    block = r"^```python\n.*?^```\n(?:\s*^```text\n(.*?)^```$)?"
    return [output or "" for output in re.findall(block, page, re.DOTALL | re.MULTILINE)]


@pytest.mark.parametrize("page", PAGES_WITH_PYTHON, ids=name_of)
def test_the_python_of_a_page_prints_what_the_page_says(page: Path, tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-W", "error", ROOT / "tests" / "support" / "run_page.py", page],
        cwd=tmp_path,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    printed = run.stdout.split(END_OF_BLOCK + "\n")
    assert printed[:-1] == outputs_promised_by(page.read_text())


@needs_ocaml
@pytest.mark.parametrize("page", PAGES_WITH_OCAML, ids=name_of)
def test_the_ocaml_of_a_page_compiles(page: Path, tmp_path: Path) -> None:
    for number, (_, source) in enumerate(blocks(page.read_text(), "ocaml")):
        program = tmp_path / f"block{number}.ml"
        program.write_text(source)
        subprocess.run(
            ["ocamlfind", "ocamlc", "-thread", "-package", "lwt.unix", "-c", program], check=True
        )


@pytest.mark.parametrize("page", [README, *PAGES], ids=name_of)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)]*)\)", page.read_text()):
        path, _, heading = target.partition("#")
        linked = page.parent / path if path else page
        assert linked.exists(), target
        if heading:
            assert heading in anchors(linked.read_text()), target


def anchors(page: str) -> Iterator[str]:
    """What a code host calls the headings of a page; it numbers those that sound the same."""
    met: Counter[str] = Counter()
    for title in re.findall(r"^#+ (.*)$", page, re.MULTILINE):
        anchor = re.sub(r"[^\w -]", "", title).lower().replace(" ", "-")
        yield f"{anchor}-{met[anchor]}" if met[anchor] else anchor
        met[anchor] += 1


def test_the_index_leads_to_every_page() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    listed = {target.partition("#")[0] for target in re.findall(r"\]\(([^)]*)\)", index)}
    pages = {str(page.relative_to(ROOT / "docs")) for page in PAGES}
    in_the_reference = {page for page in pages if page.startswith("reference/")}
    assert pages - in_the_reference - listed == {"README.md"}


@pytest.mark.parametrize("path", MODULES_WITH_DOCTESTS, ids=name_of)
def test_the_examples_in_the_docstrings_of_a_module_are_true(path: Path, tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-W", "error", ROOT / "tests" / "support" / "run_docstrings.py", path],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    examples = path.read_text().count(">>> ")
    assert (run.returncode, run.stdout, run.stderr) == (0, f"{examples}\n", "")


def test_the_server_of_the_readme_echoes(tmp_path: Path) -> None:
    program = tmp_path / "echo.py"
    with unused_port() as port:
        program.write_text(readme_block("python", port))
        assert_echoes([sys.executable, program], port)


@needs_ocaml
def test_so_does_its_ocaml_original(tmp_path: Path) -> None:
    source, program = tmp_path / "echo.ml", tmp_path / "echo"
    packages = ["-thread", "-package", "lwt.unix", "-linkpkg"]
    with unused_port() as port:
        source.write_text(readme_block("ocaml", port))
        subprocess.run(["ocamlfind", "ocamlopt", *packages, source, "-o", program], check=True)
        assert_echoes([program], port)
