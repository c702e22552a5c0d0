"""What is known in one search of all schedules: which choices are open, and what counts as code."""

from __future__ import annotations

import os
import re
import sys
import types
from os.path import abspath, dirname, join
from typing import Final, final

import lwt
import lwt_unix


class Incomparable(Exception):
    """A state is like no other, as far as can be told: it has an object that may hide something."""


def _folder_of(module: types.ModuleType) -> str:
    return join(dirname(abspath(module.__file__ or "")), "")


_INSTALLED: Final = (_folder_of(os), _folder_of(lwt), _folder_of(lwt_unix), "<frozen ")
"""How the names of files begin whose functions count as code, beside those of `_FOLDERS_OF_PACKAGES`."""

_FOLDERS_OF_PACKAGES: Final = re.compile(r"[/\\](site|dist)-packages[/\\]").search

_HIDING: Final = frozenset({"globals", "eval", "exec", "__import__"})
"""By these, code may get at variables that it does not name."""

ON_HEAP: Final = 1 << 9
IMMUTABLE: Final = 1 << 8
"""Flags of a class: it was made while the program runs; its attributes cannot change."""


@final
class Known:
    """What is known of types and functions in one search."""

    __slots__ = ("_code_names", "_numbers", "counts_turns", "is_due_open")

    def __init__(self, is_due_open: bool, counts_turns: bool) -> None:
        self.is_due_open = is_due_open
        """Whether the choice among timers for the same time is open."""

        self.counts_turns = counts_turns
        """Whether it counts how many turns in a row took no time."""

        self._numbers: dict[object, int] = {}
        self._code_names: dict[types.CodeType, tuple[str, ...]] = {}

    def number_of(self, thing: types.CodeType | type) -> int:
        """Return the number of code, or of a class that counts as code."""
        return self._numbers.setdefault(thing, len(self._numbers))

    def is_installed(self, path: str) -> bool:
        """Say whether what stands in a file counts as code: it is part of an installed package."""
        return path.startswith(_INSTALLED) or _FOLDERS_OF_PACKAGES(path) is not None

    def is_installed_module(self, module: types.ModuleType) -> bool:
        """Say whether a module is part of an installed package, or made in C."""
        path = getattr(module, "__file__", None)
        return path is None or self.is_installed(path)

    def is_own(self, kind: type) -> bool:
        """Say whether a class is the program's own, or made anew in each run."""
        if not kind.__flags__ & ON_HEAP:
            return False
        module = sys.modules.get(kind.__module__)
        if module is None or not self.is_installed_module(module):
            return True
        found: object = module
        for name in kind.__qualname__.split("."):
            found = getattr(found, name, None)
        return found is not kind and not kind.__flags__ & IMMUTABLE

    def names_in(self, code: types.CodeType) -> tuple[str, ...]:
        """Return the names of globals and attributes in some code, and in the code inside."""
        names = self._code_names.get(code)
        if names is None:
            found = dict.fromkeys(code.co_names)
            if not _HIDING.isdisjoint(found):
                raise Incomparable(f"code that finds variables by itself, in {code.co_qualname}")
            for constant in code.co_consts:
                if isinstance(constant, types.CodeType):
                    found.update(dict.fromkeys(self.names_in(constant)))
            names = self._code_names[code] = tuple(found)
        return names
