"""A fault that is put into our library on purpose, to show that the comparison finds it.

A fault is a change of the library's text, made while it is imported, in a process of its own.
`listed.py` lists the faults, `search.py` is that process.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Final

from tests.conformance.changes import changed_files

ROOT: Final = Path(__file__).parents[3]
PACKAGES: Final = ("lwt", "lwt_unix")


@dataclass(frozen=True)
class Fault:
    """Something to be wrong with our library: each text is there once, and is replaced."""

    language: str
    """That of the programs which are to find it, such as Lwt_pool."""

    what: str
    changes: tuple[tuple[str, str], ...]


def fault(language: str, what: str, *texts: str) -> Fault:
    """Make a fault; the texts alternate: what is there, and what replaces it."""
    return Fault(language, what, tuple(zip(texts[::2], texts[1::2], strict=True)))


def sources() -> dict[Path, str]:
    """Read all files of our library."""
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return {path: path.read_text(encoding="utf-8") for path in sorted(paths)}


def put_in(fault: Fault) -> set[Path]:
    """Import our library with a fault, from now on in this process.

    Returns:
        The files that are changed when they are imported.
    """
    for name in sys.modules:
        if name.split(".")[0] in PACKAGES:
            raise RuntimeError(f"{name} is imported already: a fault needs a process of its own")
    changed = changed_files(sources(), fault.changes, fault.what)
    sys.meta_path.insert(0, _Finder(changed))
    return set(changed)


class _Finder(MetaPathFinder):
    """Finds our library, and has the text of some files changed."""

    def __init__(self, changed: Mapping[Path, str]) -> None:
        self._changed = changed

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.split(".", maxsplit=1)[0] not in PACKAGES:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.origin is not None and Path(spec.origin) in self._changed:
            spec.loader = _Loader(fullname, spec.origin, self._changed[Path(spec.origin)])
        return spec


class _Loader(SourceFileLoader):
    def __init__(self, fullname: str, path: str, text: str) -> None:
        super().__init__(fullname, path)
        self._text = text

    def get_code(self, fullname: str) -> CodeType:
        code: CodeType = compile(self._text, self.get_filename(fullname), "exec")
        return code
