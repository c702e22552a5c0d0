"""The interfaces of OCaml Lwt as plain data: what was recorded, and 6.1's differences from it.

A record is a text file, one fact a line, written by `dump_interfaces.ml`; the head of that
file says how to read a line. What is recorded is the library that can be installed (5.6.1). The
reference of this project is 6.1, so `differences-6.1.toml` says line by line what 6.1 removed,
added and changed, and why; together they are 6.1's interface.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
DIFFERENCES = HERE / "differences-6.1.toml"

RECORDED_VERSION = "5.6.1"
RECORD = HERE / f"lwt-{RECORDED_VERSION}.txt"
HEAD = f"""\
# The interface of Lwt {RECORDED_VERSION}, libraries lwt and lwt.unix, written by
# `python -m tests.conformance.api record`: not to be edited by hand.
# The head of dump_interfaces.ml says how to read a line.
"""


@dataclass(frozen=True)
class Item:
    """One line of a record: `Lwt_io.open_file: value ?buffer ?flags ?perm ~mode _`."""

    path: str
    kind: str
    words: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """What there is one of: a type and a value may share a name."""
        return self.path, self.kind

    @property
    def module(self) -> str:
        """The module of the library: Lwt_io for Lwt_io.LE.read_int."""
        return self.path.split(".")[0]

    @property
    def name(self) -> str:
        """The last name of the path; of a method, the method's."""
        return split_path(self.path)[1]

    @property
    def parent(self) -> str:
        """The path of what the item is in."""
        return split_path(self.path)[0]

    def __str__(self) -> str:
        return " ".join((f"{self.path}: {self.kind}", *self.words))


def split_path(path: str) -> tuple[str, str]:
    """Split off the last name. It may be an operator; none of Lwt's has a dot in it."""
    separator = "#" if "#" in path else "."
    parent, _, name = path.rpartition(separator)
    return parent, name


# Longer kinds first: "module type" is not a "module" with the word "type".
KINDS = (
    "private virtual method",
    "virtual method",
    "private method",
    "method",
    "constructor of",
    "class type",
    "class",
    "module type",
    "module of",
    "module",
    "functor",
    "exception",
    "type",
    "value",
    "variable",
)


def read_item(line: str) -> Item:
    """Read one line of a record."""
    # An operator may have a colon in it, but no colon and space.
    path, separator, rest = line.partition(": ")
    for kind in KINDS:
        if separator and (rest == kind or rest.startswith(kind + " ")):
            return Item(path, kind, tuple(rest.removeprefix(kind).split()))
    raise ValueError(f"{line!r} is no line of a record: it should be like 'Lwt.bind: value _ fun'")


def read_record(text: str) -> list[Item]:
    """Read a record, keeping the order of the interfaces."""
    items = [read_item(line) for line in text.splitlines() if line and not line.startswith("#")]
    times = Counter(item.key for item in items)
    twice = sorted(key for key, number in times.items() if number > 1)
    if twice:
        raise ValueError(f"these are declared twice in one interface: {twice}")
    return items


@dataclass(frozen=True)
class Difference:
    """What 6.1 removed, added and changed for one reason."""

    reason: str
    removed: tuple[Item, ...]
    added: tuple[Item, ...]
    changed: tuple[Item, ...]


def read_differences(text: str) -> list[Difference]:
    """Read the table of differences."""
    return [
        Difference(
            entry["reason"],
            *(tuple(map(read_item, entry.get(key, ()))) for key in ("removed", "added", "changed")),
        )
        for entry in tomllib.loads(text)["difference"]
    ]


def apply(differences: Iterable[Difference], items: Iterable[Item]) -> list[Item]:
    """Return the interface that differs so from `items`.

    Raises:
        ValueError: a difference is none: what it removes or changes is not there, what it
            adds is there already, or what it changes is the same as before.
    """
    interface = {item.key: item for item in items}
    for difference in differences:
        for item in difference.removed:
            if interface.pop(item.key, None) != item:
                raise ValueError(f"removed by 6.1, but not in 5.6.1: {item}")
        for item in difference.added:
            if item.key in interface:
                raise ValueError(f"added by 6.1, but already in 5.6.1: {item}")
            interface[item.key] = item
        for item in difference.changed:
            if interface.get(item.key) in (None, item):
                raise ValueError(f"changed by 6.1, but the same or not there in 5.6.1: {item}")
            interface[item.key] = item
    return list(interface.values())


@cache
def recorded() -> tuple[Item, ...]:
    """Return the interface of 5.6.1, as recorded."""
    return tuple(read_record(RECORD.read_text()))


@cache
def expected() -> tuple[Item, ...]:
    """Return the interface of 6.1: what was recorded, with the differences."""
    return tuple(apply(read_differences(DIFFERENCES.read_text()), recorded()))
