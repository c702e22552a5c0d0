"""A fault that is put into our library on purpose, to show that the comparison finds it.

A fault is a change of the text of a module, made while the module is imported, in a process
of its own. `faults.py` lists them, `faulty.py` is that process.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType


@dataclass(frozen=True)
class Fault:
    """Something to be wrong with a module: each text is there once, and is replaced."""

    language: str
    """That of the programs which are to find it, such as Lwt_pool."""

    what: str
    module: str
    changes: tuple[tuple[str, str], ...]


def fault(language: str, what: str, module: str, *texts: str) -> Fault:
    """Make a fault; the texts alternate: what is there, and what replaces it."""
    return Fault(language, what, module, tuple(zip(texts[::2], texts[1::2], strict=True)))


def apply(fault: Fault) -> None:
    """Import our library with a fault, from now on in this process."""
    for name in [name for name in sys.modules if name.split(".")[0] in {"lwt", "lwt_unix"}]:
        raise RuntimeError(f"{name} is imported already: a fault needs a process of its own")
    sys.meta_path.insert(0, _Finder(fault))


def faulty_text(fault: Fault, text: str) -> str:
    """Return the text of a module with a fault.

    Raises:
        ValueError: the text has changed, and the fault is to be put in anew.
    """
    for old, new in fault.changes:
        if text.count(old) != 1:
            raise ValueError(
                f"{fault.module} has {text.count(old)} times, not once, what the fault "
                f"{fault.what!r} is to replace:\n{old}"
            )
        text = text.replace(old, new)
    return text


class _Finder(MetaPathFinder):
    """Finds one module, and has its text changed."""

    def __init__(self, fault: Fault) -> None:
        self._fault = fault

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._fault.module:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        assert spec is not None and spec.origin is not None
        spec.loader = _Loader(fullname, spec.origin, self._fault)
        return spec


class _Loader(SourceFileLoader):
    def __init__(self, fullname: str, path: str, fault: Fault) -> None:
        super().__init__(fullname, path)
        self._fault = fault

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        text = self.get_data(path).decode()
        code: CodeType = compile(faulty_text(self._fault, text), path, "exec")
        return code
