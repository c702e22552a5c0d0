"""Small programs in OCaml, for tables of what the real library does."""

import shutil
import subprocess
from pathlib import Path

import pytest

needs_ocaml = pytest.mark.skipif(
    shutil.which("ocamlfind") is None
    or subprocess.run(["ocamlfind", "query", "-qe", "lwt.unix"], check=False).returncode != 0,
    reason="OCaml with Lwt is not installed",
)


def lines_of(program: str, folder: Path) -> list[str]:
    """Compile a program in OCaml, run it, and return the lines that it prints."""
    source = folder / "program.ml"
    source.write_text(program)
    packages = ["-w", "-a", "-thread", "-package", "lwt.unix", "-linkpkg"]
    command = ["ocamlfind", "ocamlc", *packages, str(source), "-o", "program"]
    subprocess.run(command, check=True, cwd=folder)
    done = subprocess.run([folder / "program"], check=True, cwd=folder, capture_output=True)
    return done.stdout.decode("latin-1").splitlines()
