"""Holding the Python modules against the interface of Lwt 6.1: what is there, missing, different.

Three files say what is so on purpose, and are held to be true themselves:

- `differences-6.1.toml`: how 6.1 differs from the interface that is recorded;
- `python-own.toml`: where Python leaves the interface, for good, with the reasons;
- `missing.txt`: what is still to come.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from tests.conformance.api.counterparts import (
    NO_COUNTERPART,
    Library,
    Missing,
    compare,
    public_names,
    python_name,
    python_path,
    type_names,
)
from tests.conformance.api.interface import Item
from tests.conformance.api.lists import Lists, covering

HOLDS_NAMES = {"module of", "module", "functor", "type", "class", "class type"}


@dataclass
class Report:
    """What was found of one module of OCaml."""

    module: str
    python: str
    values: int = 0
    """How many of the names are values or methods; the others are types, exceptions, modules."""

    present: int = 0
    missing: int = 0
    problems: list[str] = field(default_factory=list)
    """A sentence for each thing that is neither as in OCaml nor as the lists say."""

    @property
    def names(self) -> int:
        """How many names of the module should have a counterpart."""
        return self.present + self.missing


def check(interface: Sequence[Item], lists: Lists) -> list[Report]:
    """Compare all modules of an interface with their counterparts."""
    return _Check(interface, lists).reports()


class _Check:
    def __init__(self, interface: Sequence[Item], lists: Lists) -> None:
        self.interface = interface
        self.lists = lists
        self.library = Library(interface)
        self.met: set[object] = set()  # the entries of the lists that were needed
        self.absent: set[str] = set()  # what was reported; what is in it is not reported again

    def reports(self) -> list[Report]:
        module_types = {item.path for item in self.interface if item.kind == "module type"}
        reports = []
        for module, items in groupby(
            sorted(self.interface, key=lambda item: item.module), lambda item: item.module
        ):
            report = Report(module, self.library.modules[module])
            for item in items:
                if item.kind not in NO_COUNTERPART and covering(item, module_types) is None:
                    report.problems += self.check_item(item, report)
            if report.names:
                reports.append(report)
        self.check_lists({report.module: report for report in reports})
        return reports

    def check_item(self, item: Item, report: Report) -> Iterator[str]:
        to_come = covering(item, self.lists.missing)
        never = covering(item, self.lists.without_counterpart)
        try:
            found = self.library.find(item)
        except Missing:
            if never is not None:
                self.met.add(never)
                return
            self.count(item, report)
            report.missing += 1
            if to_come is not None:
                self.met.add(to_come)
            else:
                yield from self.missing(item)
            return
        self.count(item, report)
        report.present += 1
        python = python_path(item, self.library.modules)
        if to_come is not None and to_come not in self.met:
            self.met.add(to_come)
            yield f"{item.path} has landed as {python}: take {to_come} off missing.txt"
        if never is not None:
            yield f"{item.path} is {python}, but python-own.toml says that it has no counterpart"
        if item.kind in HOLDS_NAMES:
            yield from self.check_added(item, found)
        for difference in compare(item, found, self.library):
            accepted = [
                (name, difference)
                for name in (item.path, f"{item.path}: {item.kind}")
                if (name, difference) in self.lists.accepted
            ]
            self.met.update(accepted)
            if not accepted:
                yield f"{python} {difference} ({item})"

    @staticmethod
    def count(item: Item, report: Report) -> None:
        report.values += item.kind == "value" or "method" in item.kind

    def missing(self, item: Item) -> Iterator[str]:
        """Say that something is missing, unless what it would be in is missing, too."""
        self.absent.add(item.path)
        if item.parent not in self.absent:
            yield f"{python_path(item, self.library.modules)} is missing ({item})"

    def check_added(self, item: Item, found: object) -> Iterator[str]:
        """Look for public names in a module or class that OCaml has not."""
        inside = self.library.namespace(item.path) if item.kind == "functor" else found
        known = names_in(item, self.interface)
        for name, places in public_names(inside):
            paths = [f"{place}.{name}" for place in places]
            listed = self.lists.added.intersection(paths)
            self.met.update(listed)
            if not listed and name not in known:
                yield f"{paths[-1]} is public, but neither OCaml's nor listed in python-own.toml"

    def check_lists(self, reports: dict[str, Report]) -> None:
        """Report the entries of the lists that nothing needed."""
        own = "is listed in python-own.toml for nothing: take it off"
        unmet: list[tuple[str, str]] = [
            *((x, "is listed in missing.txt for nothing: take it off") for x in self.lists.missing),
            *((x, own) for x in self.lists.without_counterpart),
            *((x, own) for x in self.lists.added),
        ]
        of_python = {report.python: report for report in reports.values()}
        first = next(iter(reports.values()))  # for an entry whose module is misspelled

        def report_on(name: str) -> Report:
            return reports.get(name.split(".", maxsplit=1)[0]) or of_python.get(
                name.rpartition(".")[0], first
            )

        for name, complaint in sorted(unmet):
            if name not in self.met:
                report_on(name).problems.append(f"{name} {complaint}")
        for name, difference in sorted(self.lists.accepted):
            if (name, difference) not in self.met:
                report_on(name).problems.append(f"{name}, {difference!r}, {own}")


def names_in(around: Item, interface: Iterable[Item]) -> set[str]:
    """Spell in Python all that is directly in a module, class or record of OCaml."""
    known = {word.lstrip(".!") for word in around.words}
    for item in interface:
        if item.parent == around.path:
            known.add(python_name(item.name))
            if item.kind == "type":
                known.update(type_names(item.name))
                known.update(word.partition("/")[0] for word in item.words)
    return known


def table(reports: list[Report]) -> Iterator[str]:
    """Lay out the reports for a reader."""
    line = "{:<16} {:>6} {:>7} {:>8} {:>8} {:>12}"
    yield line.format("module", "names", "values", "present", "missing", "differences")
    total = Report("all", "")
    for report in reports:
        yield table_line(line, report)
        total.values += report.values
        total.present += report.present
        total.missing += report.missing
        total.problems += report.problems
    yield table_line(line, total)


def table_line(line: str, report: Report) -> str:
    """Lay out one report."""
    counts = report.names, report.values, report.present, report.missing, len(report.problems)
    return line.format(report.module, *counts)
