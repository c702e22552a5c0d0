"""All state of the process is listed in two guides, for the renewals to be held to."""

import ast
import importlib
from collections.abc import Iterator
from dataclasses import is_dataclass
from enum import Enum
from struct import Struct
from types import (
    BuiltinFunctionType,
    FunctionType,
    MappingProxyType,
    MethodType,
    MethodWrapperType,
    ModuleType,
    WrapperDescriptorType,
)

import pytest

import lwt
from lwt_unix.lwt_io import _writing
from tests.support.modules import GUIDES, MODULES, attributes_of, layout, listed_state

ATOMS = (
    type(None),
    bool,
    int,
    float,
    str,
    bytes,
    frozenset,
    Enum,
    MappingProxyType,
    Struct,
    slice,
    type,
)
CODE = (
    ModuleType,
    FunctionType,
    MethodType,
    BuiltinFunctionType,
    MethodWrapperType,
    WrapperDescriptorType,
    type(str.join),
    type(_writing.write_lines_for),  # in the compiled build: an async function
)

FILLED_ONCE = {
    "lwt._core.promise.operators": "by `operators`, when `lwt` is imported",
    "lwt._core.promise._content_repr": "how long a repr may be, set right there",
    "lwt._core.refused._version_of": "interpreted versions of functions, each when it is needed first",
    "lwt_unix._descriptors.read_write._NOTHING": "a view of no bytes",
    "lwt_unix._libc._library": "the C library; ctypes keeps those of its functions that were called",
    "lwt_unix.testing._leaks.noting.noting": "nothing, but while a test is watched",
    "lwt_unix.testing._leaks.noting._of_job": "nothing, but in a thread that does a job then",
    "lwt_unix.testing._calls.calls._methods_of": "the names that a class has, each when it is needed first",
    "lwt_unix.testing._simulate._program_freezes": "that it does, from the first run that meets this",
    "lwt_unix.testing._outside._names": "names in the modules that are imported",
    "lwt_unix._processes.parting._of_others": "by files above it, when they are imported",
    "lwt_unix.lwt_bytes._mapped._mincore": "a function of the C library",
    "lwt_unix.lwt_engine._base._NEVER": "a promise that nobody can resolve",
    "lwt_unix.lwt_engine._current.after_set": "by files above it, when they are imported",
    "lwt_unix.lwt_engine._events.fake_event": "an event that is not active, and never will be",
    "lwt_unix.lwt_engine._libev._OPENERS": "a table",
    "lwt_unix.lwt_io._binary.BE": "functions, and the layouts of numbers",
    "lwt_unix.lwt_io._binary.LE": "the same",
    "lwt_unix.lwt_io._binary._native": "the same",
}
"""What could change and does not."""


def cannot_change(value: object) -> bool:
    """Whether a value stays what it is, so that it is no state."""
    kind = type(value)
    if isinstance(value, ATOMS + CODE) or "typing" in kind.__module__ or hasattr(value, "__args__"):
        return True
    if isinstance(value, tuple):
        return all(map(cannot_change, value))
    if isinstance(value, lwt.Promise):
        return not lwt.is_sleeping(value)
    if is_dataclass(value):
        return bool(kind.__dataclass_params__.frozen)  # type: ignore[attr-defined]  # typeshed has it not
    is_ours = kind.__module__.startswith("lwt") or kind is object
    return is_ours and not hasattr(value, "__dict__") and not any(map(attributes_of, kind.__mro__))


def rebound_names(source: str) -> set[str]:
    """The names that functions of a module give to something else."""
    globals = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Global)]
    return {name for node in globals for name in node.names}


def state_of(package: str) -> Iterator[str]:
    """Everything that the modules of a package hold and that may change, each where it is at home."""
    seen: list[object] = []
    for module_name in layout():  # An object is at home in the first module that has it.
        rebound = rebound_names(MODULES[module_name].read_text())
        for name, value in vars(importlib.import_module(module_name)).items():
            if name.startswith("__") or name == "annotations":  # what __future__ gives
                continue
            if name not in rebound:
                if cannot_change(value) or any(value is other for other in seen):
                    continue
                seen.append(value)
            if module_name.split(".")[0] == package:
                yield f"{module_name}.{name}"


@pytest.mark.parametrize("package", GUIDES)
def test_all_state_of_the_process_is_listed_in_the_guide_of_its_package(package: str) -> None:
    in_the_code = set(state_of(package)) - set(FILLED_ONCE)
    assert in_the_code == listed_state(package)


def test_what_is_filled_once_is_still_there() -> None:
    assert set(FILLED_ONCE) <= {name for package in GUIDES for name in state_of(package)}


def test_no_class_keeps_state_that_its_instances_share() -> None:
    shared = {
        f"{name}.{value.__name__}.{attribute}"
        for name in MODULES
        for value in vars(importlib.import_module(name)).values()
        if isinstance(value, type) and not issubclass(value, Enum | tuple)
        for attribute, content in vars(value).items()
        if not attribute.startswith("__") and isinstance(content, list | dict | set | lwt.Ref)
    }
    assert shared == set()
