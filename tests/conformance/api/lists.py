"""The two lists of what is not as in OCaml's interface: for now, and for good."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from tests.conformance.api.interface import Item, split_path

HERE = Path(__file__).parent
MISSING = HERE / "missing.txt"
PYTHON_OWN = HERE / "python-own.toml"


@dataclass(frozen=True)
class Lists:
    """What `missing.txt` and `python-own.toml` say, by the names that `covering` looks up."""

    missing: frozenset[str] = frozenset()
    """What is still to come."""

    without_counterpart: frozenset[str] = frozenset()
    """What of OCaml will never be here."""

    accepted: frozenset[tuple[str, str]] = frozenset()
    """Names of items, each with one difference that it has on purpose."""

    added: frozenset[str] = frozenset()
    """Names that only Python has."""


def read_lists() -> Lists:
    """Read both files."""
    own = tomllib.loads(PYTHON_OWN.read_text())
    return Lists(
        missing=read_missing(MISSING.read_text()),
        without_counterpart=frozenset(
            item for entry in own["without_counterpart"] for item in entry["items"]
        ),
        accepted=frozenset(
            pair
            for entry in own["accepted"]
            for pair in itertools.product(entry["items"], entry["differences"])
        ),
        added=frozenset(name for entry in own["added"] for name in entry["names"]),
    )


def read_missing(text: str) -> frozenset[str]:
    """Read the list of what is still to come."""
    missing: set[str] = set()
    for line in text.splitlines():
        if line and not line.startswith("#"):
            module, _, words = line.partition(":")
            missing.update(listed_name(module, word) for word in words.split())
            if not words:
                missing.add(module)
    return frozenset(missing)


def listed_name(module: str, word: str) -> str:
    """Turn `mode` or `type:mode` into `Lwt_io.mode` or `Lwt_io.mode: type`."""
    kind, _, name = word.rpartition(":")
    return f"{module}.{name}: {kind}" if kind else f"{module}.{name}"


def covering(item: Item, names: Collection[str]) -> str | None:
    """Return the name in a list that covers an item: its own, or that of something around it."""
    candidates = [f"{item.path}: {item.kind}", item.path]
    around = item.parent
    while around:
        candidates.append(around)
        around = split_path(around)[0]
    return next((name for name in candidates if name in names), None)
