"""Running `dump_interfaces.ml`, on the installed library or on the sources of another release."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

DUMPER = Path(__file__).parent / "dump_interfaces.ml"
NEEDED = "ocaml-findlib and liblwt-ocaml-dev (Debian's packages; both stand on ocaml)"
LIBRARIES = {"lwt": "", "lwt.unix": "unix"}
"""The libraries, and the folder of each below that of `lwt`."""

WITHOUT_INTERFACE = {"lwt_config", "lwt_features"}
"""Installed modules of constants about the machine: they have no .mli."""

SOURCE_FOLDERS = {
    "lwt": "core",
    "lwt.unix": "unix",
    "lwt_direct": "direct",
    "lwt_retry": "retry",
}
"""Where the interfaces of a library are in the sources of Lwt, below src/."""


def run(command: Sequence[str | Path], *, cwd: Path | None = None) -> str:
    """Run a command, quiet about findlib's warnings unless it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


@cache
def installed_version() -> str | None:
    """Return the version of the installed Lwt, or None: then nothing here can run."""
    if shutil.which("ocamlfind") is None:
        return None
    try:
        return run(["ocamlfind", "query", "-format", "%v", "lwt.unix"]).strip()
    except RuntimeError:
        return None


def dump(interfaces: Sequence[tuple[str, Sequence[Path]]], workplace: Path) -> str:
    """Return the record of compiled interfaces, given by library."""
    dumper = workplace / "dump_interfaces"
    # Compiled where it is copied to: the compiler leaves its files beside the source.
    source = Path(shutil.copy(DUMPER, workplace))
    packages = ("-package", "compiler-libs.common", "-linkpkg")
    run(["ocamlfind", "ocamlc", *packages, source, "-o", dumper])
    arguments: list[str | Path] = []
    for library, files in interfaces:
        arguments += [library, *files]
    return run([dumper, *arguments])


def dump_installed() -> str:
    """Return the record of the installed library."""
    root = Path(run(["ocamlfind", "query", "lwt"]).strip())
    found = {
        library: sorted((root / folder).glob("*.cmi")) for library, folder in LIBRARIES.items()
    }
    wanted = [
        (library, [path for path in paths if path.stem not in WITHOUT_INTERFACE])
        for library, paths in found.items()
    ]
    with tempfile.TemporaryDirectory() as workplace:
        return dump(wanted, Path(workplace))


def dump_sources(src: Path) -> str:
    """Return the record of the interfaces in a source tree of Lwt, of any release.

    Only the .mli files are compiled. What is conditional in them is taken: all of it holds
    for the versions of OCaml in use.
    """
    with tempfile.TemporaryDirectory() as temporary:
        workplace = Path(temporary)
        library_of = {}
        for library, folder in SOURCE_FOLDERS.items():
            for mli in sorted((src / folder).glob("*.mli")):
                name = mli.name.replace(".cppo", "")
                lines = mli.read_text().splitlines(keepends=True)
                (workplace / name).write_text("".join(x for x in lines if not x.startswith("#")))
                library_of[name] = library
        names = sorted(library_of)
        ordered = run(["ocamlfind", "ocamldep", "-sort", *names], cwd=workplace).split()
        packages = ("-package", "unix,threads.posix", "-thread")
        run(["ocamlfind", "ocamlc", "-w", "-a", *packages, "-c", *ordered], cwd=workplace)
        wanted = [
            (
                library,
                [
                    workplace / Path(x).with_suffix(".cmi")
                    for x in names
                    if library_of[x] == library
                ],
            )
            for library in SOURCE_FOLDERS
        ]
        return dump(wanted, workplace)
