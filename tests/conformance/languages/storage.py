"""Storage in programs: what the languages whose programs call functions have in common.

    (with_value K V STATEMENT...)    execute statements while key K holds the number V
    (without_value K STATEMENT...)   ... while it holds nothing

There are two keys. A line of a trace ends with what they hold, as in `hook E1 @ - 2`, if that is
anything. (In the language of `Lwt`, it stands in each line.) `ocaml/programs.ml` has the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Protocol

import lwt
from tests.conformance.forms import Form

STORAGE_SIGNATURES: Final = {"with_value": "K V B", "without_value": "K B"}
"""K a key, V a value, B a block of statements."""

KEYS: Final = 2
STORED_VALUES: Final = 3


class WithStorage(Protocol):
    """Who has keys: the library, or a model of it."""

    def with_value(self, key: int, value: object, f: Callable[[], object], /) -> object:
        """Call a function while a key holds something, or nothing (None)."""


class Storage:
    """The keys of a run on our library."""

    def __init__(self) -> None:
        self._keys: list[lwt.Key[object]] = [lwt.new_key() for _ in range(KEYS)]

    def get(self, key: int) -> object:
        found = lwt.get(self._keys[key])
        return found.value if found else None

    def with_value(self, key: int, value: object, f: Callable[[], object], /) -> None:
        lwt.with_value(self._keys[key], None if value is None else lwt.Some(value), f)

    def seen(self) -> str:
        """Return the end of a line: what all keys hold, if one of them holds something."""
        held = [self.get(key) for key in range(KEYS)]
        if held == [None] * KEYS:
            return ""
        return " @ " + " ".join("-" if value is None else str(value) for value in held)


def under_storage(storage: WithStorage, statement: Form, execute: Callable[[Form], object]) -> None:
    """Execute `with_value` or `without_value`."""

    def execute_all(statements: Iterable[Form]) -> None:
        for inner in statements:
            execute(inner)

    match statement:
        case ("with_value", key, value, *block):
            storage.with_value(key, value, lambda: execute_all(block))
        case ("without_value", key, *block):
            storage.with_value(key, None, lambda: execute_all(block))


def make_under_storage(
    number: Callable[[int], int], name: str, block: Callable[[], Iterable[Form]]
) -> Form:
    """Make one of the two; `number(n)` is one of 0 ... n-1."""
    values = (number(STORED_VALUES),) if name == "with_value" else ()
    return (name, number(KEYS), *values, *block())
