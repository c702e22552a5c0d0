"""What of a state is written down, in order."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterable
from typing import Any, final

from lwt_unix.testing._explore.known import Known


@final
class Unordered:
    """Things whose order does not count."""

    __slots__ = ("things",)

    def __init__(self, things: Iterable[object]) -> None:
        self.things = list(things)


class Writer:
    """What is written down, and the objects that are to be written next."""

    __slots__ = ("_seen_names", "known", "out", "stack")

    def __init__(self, known: Known) -> None:
        self.known = known
        self.out: list[object] = []
        self.stack: list[object] = []
        self._seen_names: set[tuple[int, str]] = set()

    def push(self, *things: object) -> None:
        """Have objects written next, in this order."""
        self.stack.extend(reversed(things))

    def push_code(self, code: types.CodeType, variables: dict[str, Any]) -> None:
        """Write which code it is, and the global variables that it names.

        Of an installed module that it names, those that it may name and that are neither functions nor classes.
        """
        known = self.known
        self.out.append(known.number_of(code))
        if known.is_installed(code.co_filename):
            return
        names = known.names_in(code)
        self._named(names, variables)
        for name in names:
            module = variables.get(name)
            if isinstance(module, types.ModuleType) and known.is_installed_module(module):
                self._named([name for name in names if _is_state(module, name)], vars(module))

    def _named(self, names: Iterable[str], variables: dict[str, Any]) -> None:
        table, seen = id(variables), self._seen_names
        found = tuple(name for name in names if name in variables and (table, name) not in seen)
        seen.update((table, name) for name in found)
        self.out.append(found)
        self.push(*(variables[name] for name in found))


def _is_state(module: types.ModuleType, name: str) -> bool:
    """Say whether a name of an installed module is one of something that may change."""
    value = vars(module).get(name)
    if isinstance(value, types.BuiltinFunctionType | types.MethodType):
        return not isinstance(value.__self__, types.ModuleType)
    is_code = isinstance(value, types.FunctionType | types.ModuleType | type)
    return not is_code and value is not sys.stdout and value is not sys.stderr
