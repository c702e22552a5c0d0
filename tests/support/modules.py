"""The modules of the packages, and what the guides say of them: their order, their state."""

import importlib
import re
from pathlib import Path
from types import GetSetDescriptorType, MemberDescriptorType

from tests.support.programs import ROOT

SOURCES = {package: sorted((ROOT / package).rglob("*.py")) for package in ("lwt", "lwt_unix")}


def name_of(path: Path) -> str:
    """The name of a module, as imports spell it; `__init__` is left out."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


MODULES = {name_of(path): path for paths in SOURCES.values() for path in paths}
OF_AN_EXTRA = {"lwt_unix.testing.plugin"}
"""Modules that need an extra: this one needs pytest."""

PUBLIC_MODULES = [name for name in MODULES if "._" not in name]
OF_OCAML = [name for name in PUBLIC_MODULES if not name.startswith("lwt_unix.testing")]


def layout() -> list[str]:
    """All modules from the bottom up, as the list in docs/contributing.md has them.

    A folder begins with its name and a slash. What is in it stands behind that, or below it and further to the
    right. The folder's own `__init__` is the last of it, if the list does not say where.
    """
    text = (ROOT / "docs" / "contributing.md").read_text()
    block = text.split("```layout\n")[1].split("```")[0]
    modules: list[str] = []
    packages: list[tuple[int, str]] = []

    def end_packages(indent: int) -> None:
        while packages and packages[-1][0] >= indent:
            package = packages.pop()[1]
            if package not in modules:
                modules.append(package)

    for line in block.splitlines():
        words = line.split()
        indent = len(line) - len(line.lstrip())
        end_packages(indent)
        if words[0].endswith("/"):
            outer = packages[-1][1] + "." if packages else ""
            packages.append((indent, outer + words.pop(0).rstrip("/")))
        package = packages[-1][1]
        modules.extend(package if word == "__init__" else f"{package}.{word}" for word in words)
    end_packages(0)
    return modules


GUIDES = {"lwt": "lwt._core", "lwt_unix": "lwt_unix"}
"""The module whose guide lists the state of a package; the names there begin from it."""


def attributes_of(kind: type) -> list[str]:
    """What the objects of a class have places for; these are its `__slots__` where it is interpreted."""
    places = MemberDescriptorType | GetSetDescriptorType
    return [
        name
        for name, value in vars(kind).items()
        if isinstance(value, places) and not name.startswith("__")
    ]


def listed_state(package: str) -> set[str]:
    """What the guide of a package lists, by its full name."""
    guide = importlib.import_module(GUIDES[package]).__doc__ or ""
    found = set()
    for line in guide.split("The state of the process")[1].splitlines():
        if line.startswith("- "):
            file, *names = re.findall("`([^`]*)`", line)
            found |= {f"{GUIDES[package]}.{file}.{name}" for name in names}
    return found
