"""The interpreted versions of functions, which the compiled build calls where it refuses arguments."""

import sys
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pytest

import lwt
from lwt._core.refused import interpreted_version

SOURCE = """
from __future__ import annotations
FIRST = 1

def add(a: int, b: int = FIRST, /) -> Unknown:
    return a + b

@decorator
def same(value: int) -> int:
    return value

class Number(Unknown):
    value: int

    def add(self, other: Number) -> int:
        return self.value + other

def outer() -> None:
    def inner() -> None:
        pass
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module as the compiled build has it: only its names exist, and its source is beside."""
    (tmp_path / "numbers_.py").write_text(SOURCE)
    module = ModuleType(f"{tmp_path.name}.numbers_")
    module.__file__ = str(tmp_path / "numbers_.so")
    module.__dict__["FIRST"] = 1
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


def version(module: ModuleType, name: str, written: str) -> FunctionType | None:
    """The interpreted version of what a line of the source begins."""
    return interpreted_version(vars(module), name, SOURCE.splitlines().index(written) + 1)


def test_a_function_has_the_names_and_defaults_of_its_module(module: ModuleType) -> None:
    add: Any = version(module, "add", "def add(a: int, b: int = FIRST, /) -> Unknown:")
    assert add("a", "b") == "ab"
    assert add(1) == 2
    assert add.__globals__ is vars(module)
    with pytest.raises(TypeError, match=r"^add\(\) missing 1 required positional argument: 'a'$"):
        add()


def test_its_code_is_where_the_source_is(module: ModuleType, tmp_path: Path) -> None:
    add: Any = version(module, "add", "def add(a: int, b: int = FIRST, /) -> Unknown:")
    assert add.__code__.co_filename == str(tmp_path / "numbers_.py")
    assert add.__code__.co_firstlineno == 5


def test_nothing_is_decorated(module: ModuleType) -> None:
    same: Any = version(module, "same", "def same(value: int) -> int:")
    assert same(3) == 3


def test_a_method_has_its_qualified_name(module: ModuleType) -> None:
    add: Any = version(module, "add", "    def add(self, other: Number) -> int:")
    with pytest.raises(TypeError, match=r"^Number\.add\(\) takes 2 positional arguments but 3 "):
        add(1, 2, 3)


def test_a_function_is_made_once(module: ModuleType) -> None:
    same = version(module, "same", "def same(value: int) -> int:")
    assert version(module, "same", "def same(value: int) -> int:") is same


def test_making_a_function_changes_nothing_in_the_module(module: ModuleType) -> None:
    before = set(vars(module))
    version(module, "same", "def same(value: int) -> int:")
    assert set(vars(module)) - before <= {"__builtins__"}


def test_a_function_inside_another_has_no_version(module: ModuleType) -> None:
    assert version(module, "inner", "    def inner() -> None:") is None


def test_another_function_at_the_line_is_not_taken(module: ModuleType) -> None:
    assert version(module, "other", "def same(value: int) -> int:") is None


def test_without_the_source_there_is_no_version(module: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "numbers_.py").unlink()
    assert version(module, "same", "def same(value: int) -> int:") is None


def test_in_both_builds_a_wrong_number_of_arguments_is_told_by_python() -> None:
    bind: Any = lwt.bind
    with pytest.raises(TypeError) as raised:
        bind(lwt.return_unit)
    assert str(raised.value) == "bind() missing 1 required positional argument: 'callback'"
    with pytest.raises(TypeError) as raised:
        bind(lwt.return_unit, print, 3)
    assert str(raised.value) == "bind() takes 2 positional arguments but 3 were given"
    with pytest.raises(TypeError) as raised:
        bind(lwt.return_unit, callback=print)
    assert "bind() got some positional-only arguments passed as keyword arguments" in str(
        raised.value
    )
