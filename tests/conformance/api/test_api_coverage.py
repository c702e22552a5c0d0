"""Everything of OCaml's interface has its counterpart; and the comparison sees what is wrong."""

from __future__ import annotations

import enum
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import NamedTuple

import pytest

from tests.conformance.api import coverage, interface, ocaml
from tests.conformance.api.interface import Difference, read_item
from tests.conformance.api.lists import Lists, covering, read_lists, read_missing
from tests.support.builds import interpreted_only

REPORTS = coverage.check(interface.expected(), read_lists())


@interpreted_only("its functions do not tell the types of their arguments")
@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.module)
def test_a_module_has_the_names_arities_and_labels_of_ocaml(report: coverage.Report) -> None:
    assert report.problems == []


@pytest.mark.skipif(
    ocaml.installed_version() != interface.RECORDED_VERSION,
    reason=f"Lwt {interface.RECORDED_VERSION} is not installed: install {ocaml.NEEDED}",
)
def test_the_recorded_interface_is_that_of_the_installed_library() -> None:
    assert interface.HEAD + ocaml.dump_installed() == interface.RECORD.read_text()


# --- The comparison itself ---------------------------------------------------

NO_LISTS = Lists()


def checked(
    monkeypatch: pytest.MonkeyPatch,
    lines: list[str],
    attributes: dict[str, object],
    lists: Lists = NO_LISTS,
) -> list[str]:
    """Return what is wrong with a module `lwt.lwt_fake` of these attributes, by these lines."""
    module = ModuleType("lwt.lwt_fake")
    vars(module).update({"__all__": list(attributes), **attributes})
    monkeypatch.setitem(sys.modules, "lwt.lwt_fake", module)
    items = [read_item(f"Lwt_fake{line}") for line in (": module of lwt", *lines)]
    (report,) = coverage.check(items, lists)
    return report.problems


def take(x: object, /) -> None: ...
def take_none() -> None: ...
def take_label(x: object, /, *, label: object = 1) -> None: ...
def take_required_label(x: object, /, *, label: object) -> None: ...
def take_format(format: str, /, *args: object) -> None: ...
def take_by_name(x: object) -> None: ...
def take_default(x: object = 1, /) -> None: ...
def take_any(x: object, /, *more: object, **labels: object) -> None: ...
def give_function(x: object, /) -> Callable[[object], None]:
    return take


@pytest.mark.parametrize(
    ("arguments", "function"),
    [
        ("_", take),
        ("fun", take),
        ("()", take_none),
        ("?label _", take_label),
        ("?label _ ()", take_label),
        ("~label _", take_required_label),
        ("format", take_format),
        ("fun -> _", give_function),
    ],
)
def test_a_function_with_the_arguments_of_ocaml_has_no_difference(
    monkeypatch: pytest.MonkeyPatch, arguments: str, function: object
) -> None:
    assert checked(monkeypatch, [f".f: value {arguments}"], {"f": function}) == []


@pytest.mark.parametrize(
    ("arguments", "function", "differences"),
    [
        ("_ _", take, ["takes 1 positional arguments, OCaml's 2"]),
        ("()", take, ["takes 1 positional arguments, OCaml's 0"]),
        ("_", take_by_name, ["takes by name, too, what has no label: x"]),
        ("_", take_default, ["has defaults for positional arguments: x"]),
        ("_", take_label, ["has a label label, OCaml's has not"]),
        ("?other _", take, ["has no label other"]),
        ("~label _", take_label, ["label label is required in OCaml only"]),
        ("?label _", take_required_label, ["label label is optional in OCaml only"]),
        ("_", take_any, ["takes any number of positional arguments", "takes any label"]),
        ("format", take, ["takes no arguments for its format"]),
        ("_", give_function, ["returns Callable[[object], None], and so a function"]),
        ("fun -> _", take, ["returns None, but not a function"]),
        ("_", 3, ["is 3, not a function"]),
        ("", take, ["is a function, but OCaml's value takes no argument"]),
    ],
)
def test_a_difference_in_the_arguments_is_found(
    monkeypatch: pytest.MonkeyPatch, arguments: str, function: object, differences: list[str]
) -> None:
    line = f".f: value {arguments}".rstrip()
    found = checked(monkeypatch, [line], {"f": function})
    assert found == [f"lwt.lwt_fake.f {x} (Lwt_fake{line})" for x in differences]


class Flag(enum.Enum):
    ON = 1
    OFF = 2


@dataclass(frozen=True)
class Pair:
    left: int
    right: int


class Two(NamedTuple):
    left: int
    right: int


@pytest.mark.parametrize(
    ("words", "attributes", "differences"),
    [
        ("ON OFF", {"Kind": Flag, "ON": Flag.ON, "OFF": Flag.OFF}, []),
        ("OFF ON", {"Kind": Flag, "ON": Flag.ON, "OFF": Flag.OFF}, ["has the members ON, OFF, OCaml's OFF, ON"]),
        ("ON OFF", {"Kind": Flag, "ON": Flag.ON}, [
            "constructor OFF is missing",
            "member OFF is not exported under its bare name",
        ]),
        ("Pair/2", {"Kind": Pair, "Pair": Pair}, []),
        ("Pair/1", {"Kind": Pair, "Pair": Pair}, ["constructor Pair takes 2 arguments, OCaml's 1"]),
        (".left .right", {"Kind": Pair}, []),
        (".left .right", {"Kind": Two}, []),
        (".right .left", {"Kind": Two}, ["has the fields left, right, OCaml's right, left"]),
        (".left !right", {"Kind": Pair}, ["is frozen, OCaml's is not"]),
        (".left", {"Kind": int}, ["is no dataclass and no NamedTuple"]),
    ],
)  # fmt: skip
def test_a_difference_in_a_type_is_found(
    monkeypatch: pytest.MonkeyPatch,
    words: str,
    attributes: dict[str, object],
    differences: list[str],
) -> None:
    line = f".kind: type {words}"
    found = checked(monkeypatch, [line], {"kind": attributes["Kind"], **attributes})
    assert found == [f"lwt.lwt_fake.kind {x} (Lwt_fake{line})" for x in differences]


def test_the_alias_of_a_type_is_the_type_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    line = ".kind: type"
    assert checked(monkeypatch, [line], {"Kind": Pair, "kind": Pair}) == []
    assert checked(monkeypatch, [line], {"kind": Pair}) == []
    assert checked(monkeypatch, [line], {"Kind": Pair}) == [
        "lwt.lwt_fake.kind has no alias kind (Lwt_fake.kind: type)"
    ]
    assert checked(monkeypatch, [line], {"Kind": Pair, "kind": Two}) == [
        f"lwt.lwt_fake.kind has the alias kind, which is {Two!r} (Lwt_fake.kind: type)"
    ]


def test_a_type_with_the_name_of_a_value_has_no_alias(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [".kind: type", ".kind: value _"]
    assert checked(monkeypatch, lines, {"Kind": Pair, "kind": take}) == []


class Thing:
    @property
    def count(self) -> int:
        return 0

    def push(self, x: object, /) -> None: ...
    def close(self) -> None: ...
    def _cleanup(self) -> None: ...


def test_a_class_has_its_methods_and_those_without_arguments_may_be_properties(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = [
        ".thing: class",
        ".thing#count: method",
        ".thing#close: method",
        ".thing#push: method fun",
        ".thing#cleanup: private method",
    ]
    assert checked(monkeypatch, lines, {"thing": Thing}) == []


@pytest.mark.parametrize(
    ("method", "difference"),
    [
        ("count: method _", "is a property, but OCaml's method takes _"),
        ("push: method _ _", "takes 1 positional arguments, OCaml's 2"),
        ("close: method ?now", "has no label now"),
        ("pop: method", "is missing"),
    ],
)
def test_a_difference_in_a_method_is_found(
    monkeypatch: pytest.MonkeyPatch, method: str, difference: str
) -> None:
    found = checked(monkeypatch, [".thing: class", f".thing#{method}"], {"thing": Thing})
    name = method.partition(":")[0]
    assert found == [f"lwt.lwt_fake.thing.{name} {difference} (Lwt_fake.thing#{method})"]


def test_what_a_functor_returns_is_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    def make(ordered: object = None, /) -> type[Thing]:
        return Thing

    lines = [".Make: functor Ord", ".Make.push: value _ _", ".Make.pop: value _"]
    found = checked(monkeypatch, lines, {"Make": make})
    assert found == ["lwt.lwt_fake.Make.pop is missing (Lwt_fake.Make.pop: value _)"]


def test_a_name_that_is_not_there_is_missing_with_all_that_would_be_in_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = [".f: value _", ".E: exception", ".t: type", ".LE: module", ".LE.read: value _"]
    assert checked(monkeypatch, lines, {}) == [
        "lwt.lwt_fake.f is missing (Lwt_fake.f: value _)",
        "lwt.lwt_fake.E is missing (Lwt_fake.E: exception)",
        "lwt.lwt_fake.t is missing (Lwt_fake.t: type)",
        "lwt.lwt_fake.LE is missing (Lwt_fake.LE: module)",
    ]


def test_what_is_expected_to_be_missing_is_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [".f: value _", ".LE: module", ".LE.read: value _"]
    lists = Lists(missing=frozenset({"Lwt_fake.f", "Lwt_fake.LE"}))
    assert checked(monkeypatch, lines, {}, lists) == []


def test_what_has_landed_must_be_taken_off_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    lists = Lists(missing=frozenset({"Lwt_fake.f"}))
    assert checked(monkeypatch, [".f: value _"], {"f": take}, lists) == [
        "Lwt_fake.f has landed as lwt.lwt_fake.f: take Lwt_fake.f off missing.txt"
    ]


def test_a_module_that_has_landed_must_be_taken_off_the_list(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lists = Lists(missing=frozenset({"Lwt_fake"}))
    assert checked(monkeypatch, [".f: value _", ".g: value _"], {"f": take}, lists) == [
        "Lwt_fake has landed as lwt.lwt_fake: take Lwt_fake off missing.txt"
    ]


def test_a_name_that_a_module_does_not_make_public_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = checked(monkeypatch, [".f: value _"], {"f": take, "__all__": []})
    assert found == ["lwt.lwt_fake.f is missing (Lwt_fake.f: value _)"]


def test_a_public_name_that_ocaml_has_not_must_be_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    attributes: dict[str, object] = {"f": 1, "__all__": ["f", "g", "h"]}
    lists = Lists(added=frozenset({"lwt.lwt_fake.h"}))
    assert checked(monkeypatch, [".f: value"], attributes, lists) == [
        "lwt.lwt_fake.g is public, but neither OCaml's nor listed in python-own.toml"
    ]


def test_a_public_name_in_a_class_or_nested_module_that_ocaml_has_not_must_be_listed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Thing, "__module__", "lwt.lwt_fake")
    monkeypatch.setattr(Thing, "__doc__", "OCaml: Lwt_fake.LE, Lwt_fake.thing")
    lines = [".LE: module", ".LE.count: value", ".thing: class", ".thing#push: method _"]
    lists = Lists(added=frozenset({"lwt.lwt_fake.Thing.count"}))
    close = "lwt.lwt_fake.Thing.close is public, but neither OCaml's nor listed in python-own.toml"
    push = close.replace("close", "push")
    found = checked(monkeypatch, lines, {"LE": Thing, "thing": Thing}, lists)
    assert found == [push, close, close]


def offered(docstring: str) -> Callable[[], None]:
    """Return a function `f` of a public module."""

    def f() -> None: ...

    f.__module__, f.__doc__ = "lwt.lwt_fake", docstring
    return f


@pytest.mark.parametrize(
    "docstring",
    ["OCaml: Lwt_fake.f : unit -> unit", "Do it.\n\n    OCaml: Lwt_fake.f :\n        unit"],
)
def test_a_docstring_ends_with_the_ocaml_original(
    monkeypatch: pytest.MonkeyPatch, docstring: str
) -> None:
    assert checked(monkeypatch, [".f: value ()"], {"f": offered(docstring)}) == []


@pytest.mark.parametrize(
    "docstring",
    ["", "Lwt_fake.f : unit", "OCaml: Lwt_fake.g : unit", "OCaml: Lwt_fake.f\n\nMore.", "OCaml: f"],
)
def test_a_docstring_that_ends_with_something_else_is_found(
    monkeypatch: pytest.MonkeyPatch, docstring: str
) -> None:
    found = checked(monkeypatch, [".f: value ()"], {"f": offered(docstring)})
    said = "does not name Lwt_fake.f in the last paragraph of its docstring"
    assert found == [f"lwt.lwt_fake.f {said} (Lwt_fake.f: value ())"]


@pytest.mark.parametrize(
    ("original", "problems"),
    [
        ("OCaml: Lwt_fake.f : int -> (int -> int)", 0),
        ("OCaml: Lwt_fake.f : int -> int -> int", 1),
    ],
)
def test_a_docstring_has_the_function_that_is_returned_in_parentheses(
    monkeypatch: pytest.MonkeyPatch, original: str, problems: int
) -> None:
    def f(x: object, /) -> Callable[[object], None]:
        return take

    f.__module__, f.__doc__ = "lwt.lwt_fake", original
    said = "returns a function, which its docstring does not put in parentheses, as OCaml does"
    line = ".f: value _ -> _"
    assert checked(monkeypatch, [line], {"f": f}) == [
        f"lwt.lwt_fake.f {said} (Lwt_fake{line})" for _ in range(problems)
    ]


def test_the_lists_hold_nothing_that_is_not_so(monkeypatch: pytest.MonkeyPatch) -> None:
    lists = Lists(
        missing=frozenset({"Lwt_fake.g", "Lwt_misspelled"}),
        without_counterpart=frozenset({"Lwt_fake.h"}),
        accepted=frozenset({("Lwt_fake.f", "takes any label")}),
        added=frozenset({"lwt.lwt_fake.i"}),
    )
    off = "is listed in python-own.toml for nothing: take it off"
    assert checked(monkeypatch, [".f: value _"], {"f": take}, lists) == [
        "Lwt_fake.g is listed in missing.txt for nothing: take it off",
        f"Lwt_fake.h {off}",
        "Lwt_misspelled is listed in missing.txt for nothing: take it off",
        f"lwt.lwt_fake.i {off}",
        f"Lwt_fake.f, 'takes any label', {off}",
    ]


# --- Records and lists -------------------------------------------------------


def test_a_record_is_read_as_it_is_written() -> None:
    lines = [line for line in interface.RECORD.read_text().splitlines() if line[0] != "#"]
    assert [str(item) for item in interface.recorded()] == lines


def test_a_list_may_mean_one_of_two_of_a_name() -> None:
    names = read_missing("# a comment\n\nLwt_seq\nLwt_io: type:mode LE\n")
    lines = ("Lwt_io.mode: type", "Lwt_io.mode: value", "Lwt_io.LE.read: value", "Lwt_seq.t: type")
    assert [covering(read_item(line), names) for line in lines] == [
        "Lwt_io.mode: type",
        None,
        "Lwt_io.LE",
        "Lwt_seq",
    ]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ("removed", "Lwt.wait: value ()"),
        ("removed", "Lwt.bind: value _"),
        ("added", "Lwt.bind: value _"),
        ("changed", "Lwt.bind: value _ fun"),
        ("changed", "Lwt.wait: value ()"),
    ],
)
def test_a_difference_that_is_none_is_refused(change: str, line: str) -> None:
    none: tuple[interface.Item, ...] = ()
    changes = {"removed": none, "added": none, "changed": none, change: (read_item(line),)}
    with pytest.raises(ValueError, match=f"{change} by 6.1"):
        interface.apply([Difference("a reason", **changes)], [read_item("Lwt.bind: value _ fun")])


def test_each_difference_has_its_reason() -> None:
    differences = interface.read_differences(interface.DIFFERENCES.read_text())
    assert [difference for difference in differences if not difference.reason] == []
