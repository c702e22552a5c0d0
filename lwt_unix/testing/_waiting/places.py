"""Where a body stands, and how it calls the things that it knows.

A body that waits is a chain: it awaits a coroutine, which awaits another one, and so on to a promise. What
is told of it are the frames of the program in that chain; those of the library are left out.

Names are found in variables, and in what the code of a frame mentions: globals, attributes (`self.lock`),
items of a list, tuple or dictionary (`forks[0]`). Nothing of the program is called for it.
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Container, Iterator
from functools import partial
from inspect import CO_OPTIMIZED
from types import (
    AsyncGeneratorType,
    CodeType,
    CoroutineType,
    FrameType,
    FunctionType,
    GeneratorType,
    GetSetDescriptorType,
    MappingProxyType,
    MemberDescriptorType,
    MethodType,
)
from typing import Any, Final

from lwt_unix.testing._waiting.graph import Place
from lwt_unix.testing._waiting.heap import referents

_OF_NOBODY_ELSE: Final = 3
"""How many references there are to what only the frame has, besides those of who asks."""

MOST_ITEMS: Final = 100
"""How long a list may be in which names are looked for."""

# --- The chain of a body ------------------------------------------------------


def chain_of(body: object) -> Iterator[object]:
    """Yield a body and what it awaits, one inside another, to the innermost."""
    seen: set[int] = set()
    link: object | None = body
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        if type(link) is CoroutineType:
            link = link.cr_await
        elif type(link) is GeneratorType:
            link = link.gi_yieldfrom
        elif type(link) is AsyncGeneratorType:
            link = link.ag_await
        else:
            # What Python puts between them, such as a step of an async generator, leads on to one
            # of them; what is compiled does so by an object between.
            link = _first_that_runs(link)


def _first_that_runs(link: object) -> object | None:
    near = referents(link)
    one: object
    for one in (*near, *referents(*near)):
        if type(one) in (CoroutineType, GeneratorType, AsyncGeneratorType):
            return one
    return None


def _frame_of(link: object) -> FrameType | None:
    if type(link) is CoroutineType:
        return link.cr_frame
    if type(link) is GeneratorType:
        return link.gi_frame
    if type(link) is AsyncGeneratorType:
        return link.ag_frame
    return None


def frames_of(body: object) -> list[FrameType]:
    """Give the frames of the program in which a body stands, the innermost last."""
    frames = (_frame_of(link) for link in chain_of(body))
    return [frame for frame in frames if frame is not None and not is_own(frame.f_globals)]


def is_own_link(link: object) -> bool:
    """Tell whether a coroutine or the like is one of the library's own."""
    frame = _frame_of(link)
    return frame is not None and is_own(frame.f_globals)


def is_own(namespace: dict[str, Any]) -> bool:
    """Tell whether code is the library's own, or of Python's tools for `async with`, by its globals."""
    name = namespace.get("__name__")
    return isinstance(name, str) and name.split(".")[0] in ("lwt", "lwt_unix", "contextlib")


def place_of_frame(frame: FrameType) -> Place:
    """Tell where a frame stands."""
    code = frame.f_code
    source = linecache.getline(code.co_filename, frame.f_lineno, frame.f_globals).strip()
    return Place(code.co_filename, frame.f_lineno, name_of_code(code), source)


def name_of_code(code: CodeType) -> str:
    """How a function is called, without those around it."""
    return code.co_qualname.rpartition("<locals>.")[2]


# --- Functions ----------------------------------------------------------------


def function_of_program(callback: Any) -> FunctionType | None:
    """Find the function of the program that a callback calls; None if the library has made it."""
    while True:
        # Not by `isinstance`, which asks an object of the program for its class.
        kind = type(callback)
        if kind is MethodType:
            callback = callback.__func__
        elif kind is partial:
            callback = callback.func
        elif kind is FunctionType and is_own(callback.__globals__):
            callback = callback.__dict__.get("__wrapped__")  # That of `lwt.promised`.
        else:
            return callback if kind is FunctionType else None


def place_of_function(function: FunctionType) -> Place:
    """Tell where a function is defined."""
    code = function.__code__
    line = code.co_firstlineno
    source = linecache.getline(code.co_filename, line, function.__globals__).strip()
    return Place(code.co_filename, line, name_of_code(code), source)


# --- Names --------------------------------------------------------------------


def names_in_frame(frame: FrameType, wanted: Container[int]) -> Iterator[tuple[str, object]]:
    """Yield each wanted object that a frame knows, with how its code calls it."""
    yield from _names(_variables_of(frame), frame.f_globals, frame.f_code, wanted)


def names_in_function(
    function: FunctionType, wanted: Container[int]
) -> Iterator[tuple[str, object]]:
    """Yield each wanted object that a function knows, with how its code calls it."""
    variables: dict[str, object] = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            variables[name] = cell.cell_contents
        except ValueError:  # It is empty.
            pass
    yield from _names(variables, function.__globals__, function.__code__, wanted)


def _variables_of(frame: FrameType) -> dict[str, object]:
    variables = frame.f_locals
    found = dict(variables)
    if sys.version_info < (3, 13) and frame.f_code.co_flags & CO_OPTIMIZED:
        # It is a copy, which the frame would keep, and with it values that its variables have lost by then.
        # If the program has called `locals`, it is the program's, too.
        if sys.getrefcount(variables) == _OF_NOBODY_ELSE:
            variables.clear()
    return found


def _names(
    variables: dict[str, object],
    namespace: dict[str, object],
    code: CodeType,
    wanted: Container[int],
) -> Iterator[tuple[str, object]]:
    known = dict(variables)
    for name in code.co_names:
        if name in namespace:
            known.setdefault(name, namespace[name])
    for name, value in known.items():
        if id(value) in wanted:
            yield name, value
            continue
        for suffix, part in _parts_of(value, code):
            if id(part) in wanted:
                yield name + suffix, part
                continue
            for further, inner in _parts_of(part, code):
                if id(inner) in wanted:
                    yield name + suffix + further, inner


def _parts_of(value: object, code: CodeType) -> Iterator[tuple[str, object]]:
    """Yield what an object consists of, as far as a frame's code may reach it."""
    kind = type(value)
    if kind is list or kind is tuple:
        if len(value) <= MOST_ITEMS:  # type: ignore[arg-type]  # mypy does not see what `kind` means.
            for index, item in enumerate(value):  # type: ignore[arg-type, var-annotated]  # As above.
                yield f"[{index}]", item
    elif kind is dict:
        if len(value) <= MOST_ITEMS:  # type: ignore[arg-type]  # As above.
            for key, item in value.items():  # type: ignore[attr-defined]  # As above.
                if type(key) in (str, int):
                    yield f"[{key!r}]", item
    else:
        for name in code.co_names:
            part = _attribute(value, name)
            if part is not None:
                yield f".{name}", part


def _attribute(value: object, name: str) -> object | None:
    """Read an attribute without running code of the program."""
    attributes = _stored_in(value, "__dict__")
    if type(attributes) in (dict, MappingProxyType) and name in attributes:  # type: ignore[operator]  # mypy does not see what it is.
        return attributes[name]  # type: ignore[index, no-any-return]  # As above.
    return _stored_in(value, name)


def _stored_in(value: object, name: str) -> object | None:
    """Read what an object itself has a place for."""
    for kind in type(value).__mro__:
        if name in kind.__dict__:
            place = kind.__dict__[name]
            if type(place) in (MemberDescriptorType, GetSetDescriptorType):
                try:
                    return place.__get__(value)  # type: ignore[no-any-return]  # It is what the program put there.
                except AttributeError:  # It is empty.
                    pass
            return None
    return None
