"""How an object is written, by its type."""

from __future__ import annotations

import contextvars
import functools
import gc
import io
import itertools
import marshal
import operator
import random
import re
import sys
import threading
import types
import weakref
from array import array
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Mapping
from enum import Enum
from queue import SimpleQueue
from struct import Struct
from typing import Any, Final, NamedTuple, TypeAlias

from lwt_unix.testing._calls.calls import Simulated_socket
from lwt_unix.testing._explore.known import IMMUTABLE, ON_HEAP, Incomparable
from lwt_unix.testing._explore.views import VIEWS
from lwt_unix.testing._explore.writer import Unordered, Writer
from lwt_unix.testing._sources import Choices

Plan: TypeAlias = Callable[[Writer, Any], None]
"""Writes what an object holds, and pushes the objects to be written next."""

ATOMS: Final = frozenset({int, float, bool, complex, str, bytes, type(None), type(...)})
"""What is written as it is, whoever holds it."""

_SHOWN: Final = frozenset(
    {
        *(range, slice, re.Pattern, types.NotImplementedType, types.GenericAlias, types.UnionType),
        itertools.count,
    }
)
_MODULES_SHOWN: Final = frozenset({"datetime", "decimal", "fractions", "pathlib", "typing", "uuid"})
"""What their `repr` tells all about: objects of these types, and of the types of these modules."""


class _Pair(NamedTuple):
    field: int


_REDUCED: Final = frozenset(
    {
        *map(
            type, (iter([]), iter(()), iter(range(0)), iter(""), iter(b""), iter({}), iter(set()))
        ),
        *map(type, (iter({}.values()), iter({}.items()), iter(deque()), reversed([]))),
        *(enumerate, zip, map, filter),
        *(operator.itemgetter, operator.attrgetter, operator.methodcaller),
        type(vars(_Pair)["field"]),
    }
)
"""What pickling tells all about."""

_WITH_ORDER: Final = frozenset({int, float, bool, str, bytes, type(None)})
"""Elements by which a set's order is determined: by their hashes, and by how they came."""


def _write_nothing(writer: Writer, thing: object) -> None:
    pass


def _write_shown(writer: Writer, thing: object) -> None:
    writer.out.append(repr(thing))


def _write_reduced(writer: Writer, thing: Any) -> None:
    writer.push(thing.__reduce__())


def _write_sequence(writer: Writer, thing: Any) -> None:
    writer.out.append(len(thing))
    writer.stack.extend(reversed(tuple(thing)))


def _write_dict(writer: Writer, thing: dict[object, object]) -> None:
    writer.out.append(len(thing))
    writer.stack.extend(reversed([part for item in dict.items(thing) for part in item]))


def _write_set(writer: Writer, thing: set[object] | frozenset[object]) -> None:
    if _WITH_ORDER.issuperset(map(type, thing)):
        writer.out.append(sys.getsizeof(thing))
        _write_sequence(writer, thing)
    else:
        writer.push(Unordered(thing))


def _write_defaultdict(writer: Writer, thing: defaultdict[object, object]) -> None:
    writer.push(thing.default_factory)
    _write_dict(writer, thing)


def _write_deque(writer: Writer, thing: deque[object]) -> None:
    writer.out.append(thing.maxlen)
    _write_sequence(writer, thing)


def _write_bytearray(writer: Writer, thing: bytearray) -> None:
    writer.out.append(bytes(thing))


def _write_memoryview(writer: Writer, thing: memoryview) -> None:
    try:
        writer.out += [thing.format, thing.shape, thing.readonly, thing.tobytes()]
        writer.push(thing.obj)
    except ValueError:  # It is released.
        writer.out.append("released")


def _write_array(writer: Writer, thing: array[Any]) -> None:
    writer.out += [thing.typecode, thing.tobytes()]


def _write_exception(writer: Writer, thing: BaseException) -> None:
    writer.push(thing.args, thing.__cause__, thing.__context__, thing.__suppress_context__)
    if isinstance(thing, OSError):
        writer.push(thing.errno, thing.strerror, thing.filename, thing.filename2)


def _write_function(writer: Writer, thing: types.FunctionType) -> None:
    writer.push(thing.__defaults__, thing.__kwdefaults__, thing.__closure__, thing.__dict__)
    writer.push_code(thing.__code__, thing.__globals__)


def _write_method(writer: Writer, thing: types.MethodType) -> None:
    writer.push(thing.__self__, thing.__func__)


def _write_builtin(writer: Writer, thing: Any) -> None:
    """A function made in C, or a method of an object made in C."""
    owner = getattr(thing, "__self__", None)
    if owner is None or isinstance(owner, types.ModuleType):
        writer.out += [thing.__module__, thing.__qualname__]
    else:
        writer.out.append(thing.__qualname__)
        writer.push(owner)


def _write_descriptor(writer: Writer, thing: Any) -> None:
    writer.out.append(thing.__name__)
    writer.push(thing.__objclass__)


def _write_code(writer: Writer, thing: types.CodeType) -> None:
    writer.out.append(writer.known.number_of(thing))


def _write_cell(writer: Writer, thing: types.CellType) -> None:
    try:
        writer.push(thing.cell_contents)
    except ValueError:
        writer.out.append("empty")


def _write_body(writer: Writer, thing: Any) -> None:
    """A coroutine, a generator or an async generator that is suspended: where, and its variables."""
    prefix = {types.CoroutineType: "cr", types.GeneratorType: "gi"}.get(type(thing), "ag")
    frame = getattr(thing, f"{prefix}_frame")
    if frame is None:
        writer.out.append("ended")
        return
    if getattr(thing, f"{prefix}_running"):
        if prefix != "ag" or frame.f_back is not None:
            raise Incomparable("a body that runs")
        writer.out.append("waits")
    variables = frame.f_locals
    writer.out += [frame.f_lasti, tuple(variables)]
    if isinstance(variables, dict):
        variables.clear()  # It is a copy that the frame keeps; its objects would live longer than they do.
    referents = gc.get_referents(thing)
    writer.push(
        *(
            one
            for one in referents
            if one is not variables
            and one is not frame.f_globals
            and one is not frame.f_builtins
            and not isinstance(one, types.FrameType | types.CodeType)
        )
    )
    writer.push_code(frame.f_code, frame.f_globals)


def _write_awaiting(writer: Writer, thing: object) -> None:
    writer.push(*gc.get_referents(thing))


def _write_module(writer: Writer, thing: types.ModuleType) -> None:
    writer.out.append(thing.__name__)
    if not writer.known.is_installed_module(thing):
        own = {name: value for name, value in vars(thing).items() if name not in _OF_MODULES}
        writer.out.append(tuple(own))
        writer.push(*own.values())


_OF_MODULES: Final = frozenset({"__builtins__", "__cached__", "__doc__", "__loader__", "__spec__"})


def _write_proxy(writer: Writer, thing: types.MappingProxyType[object, object]) -> None:
    _write_dict(writer, dict(thing))


def _write_context(writer: Writer, thing: contextvars.Context) -> None:
    writer.push(Unordered(thing.items()))


def _write_named(writer: Writer, thing: Any) -> None:
    writer.out.append(thing.name)


def _write_lock(writer: Writer, thing: Any) -> None:
    writer.out.append(thing.locked())


def _write_socket(writer: Writer, thing: Simulated_socket) -> None:
    writer.push(thing.socket)


def _write_queue(writer: Writer, thing: SimpleQueue[object]) -> None:
    if not thing.empty():
        raise Incomparable("a queue between threads")


def _write_weak(writer: Writer, thing: weakref.ref[object]) -> None:
    writer.push(thing(), thing.__callback__)


def _write_weak_things(writer: Writer, thing: Any) -> None:
    things = thing.items() if isinstance(thing, weakref.WeakKeyDictionary) else thing
    writer.push(Unordered(things))


def _write_property(writer: Writer, thing: property) -> None:
    writer.push(thing.fget, thing.fset, thing.fdel)


def _write_wrapping(writer: Writer, thing: Any) -> None:
    writer.push(thing.__func__)


def _write_partial(writer: Writer, thing: functools.partial[object]) -> None:
    writer.push(thing.func, thing.args, thing.keywords)


def _write_random(writer: Writer, thing: random.Random) -> None:
    writer.out.append(marshal.dumps(thing.getstate(), 2))


def _write_memory_file(writer: Writer, thing: io.BytesIO | io.StringIO) -> None:
    writer.out += ["closed"] if thing.closed else [thing.getvalue(), thing.tell()]


def _write_view(writer: Writer, thing: Any) -> None:
    writer.push(dict(thing.mapping))


def _write_cached(writer: Writer, thing: Any) -> None:
    function = thing.__wrapped__
    if not writer.known.is_installed(function.__code__.co_filename):
        raise Incomparable("a cache of functools")
    writer.push(function)


def _write_struct(writer: Writer, thing: Struct) -> None:
    writer.out.append(thing.format)


def _write_enum(writer: Writer, thing: Enum) -> None:
    writer.out.append(thing._name_)
    if not isinstance(thing._name_, str):  # A combination of flags may have no name.
        writer.push(thing._value_)


def _write_class(writer: Writer, thing: type) -> None:
    """A class of the program's own: its attributes can change. Others count as code."""
    known = writer.known
    if not known.is_own(thing):
        writer.out.append(known.number_of(thing))
        return
    attributes = {
        name: value
        for name, value in vars(thing).items()
        if name not in _OF_CLASSES and type(value) not in _PLACES
    }
    writer.out += [thing.__qualname__, tuple(attributes), len(thing.__bases__)]
    writer.push(*thing.__bases__, *attributes.values())


_OF_CLASSES: Final = frozenset(
    {"__dict__", "__weakref__", "__doc__", "__module__", "__annotations__", "_abc_impl"}
)
_PLACES: Final = frozenset({types.MemberDescriptorType, types.GetSetDescriptorType})

_CONTENTS: Final[Mapping[type, Plan]] = types.MappingProxyType(
    {
        object: _write_nothing,
        types.SimpleNamespace: _write_nothing,
        list: _write_sequence,
        tuple: _write_sequence,
        dict: _write_dict,
        OrderedDict: _write_dict,
        defaultdict: _write_defaultdict,
        set: _write_set,
        frozenset: _write_set,
        deque: _write_deque,
        bytearray: _write_bytearray,
        memoryview: _write_memoryview,
        array: _write_array,
        int: lambda writer, thing: writer.out.append(int.__index__(thing)),
        float: lambda writer, thing: writer.out.append(float.__float__(thing)),
        str: lambda writer, thing: writer.out.append(str.__getitem__(thing, slice(None))),
        bytes: lambda writer, thing: writer.out.append(bytes.__getitem__(thing, slice(None))),
        types.FunctionType: _write_function,
        types.MethodType: _write_method,
        types.BuiltinFunctionType: _write_builtin,
        types.MethodWrapperType: _write_builtin,
        types.WrapperDescriptorType: _write_descriptor,
        types.MethodDescriptorType: _write_descriptor,
        types.ClassMethodDescriptorType: _write_descriptor,
        types.MemberDescriptorType: _write_descriptor,
        types.GetSetDescriptorType: _write_descriptor,
        types.CodeType: _write_code,
        types.CellType: _write_cell,
        types.CoroutineType: _write_body,
        types.GeneratorType: _write_body,
        types.AsyncGeneratorType: _write_body,
        types.ModuleType: _write_module,
        types.MappingProxyType: _write_proxy,
        contextvars.Context: _write_context,
        contextvars.ContextVar: _write_named,
        type(threading.Lock()): _write_lock,
        SimpleQueue: _write_queue,
        Simulated_socket: _write_socket,
        weakref.ref: _write_weak,
        weakref.WeakSet: _write_weak_things,
        weakref.WeakKeyDictionary: _write_weak_things,
        property: _write_property,
        staticmethod: _write_wrapping,
        classmethod: _write_wrapping,
        functools.partial: _write_partial,
        functools._lru_cache_wrapper: _write_cached,
        random.Random: _write_random,
        io.BytesIO: _write_memory_file,
        io.StringIO: _write_memory_file,
        type({}.keys()): _write_view,
        type({}.values()): _write_view,
        type({}.items()): _write_view,
        Struct: _write_struct,
    }
)
"""What an object of a type made in C holds, beside its attributes."""

_COMPLETE: Final = frozenset(
    {
        *(types.FunctionType, types.ModuleType, random.Random),
        *(weakref.WeakSet, weakref.WeakKeyDictionary, Simulated_socket),
    }
)
"""Types of which that is all."""


def contents_of(kind: type) -> Plan:
    """Return what writes what an object of a type holds."""
    if issubclass(kind, type):
        return _write_class
    if issubclass(kind, Enum):
        return _write_enum
    if issubclass(kind, Choices):
        return _write_nothing
    if kind in _SHOWN or kind.__module__ in _MODULES_SHOWN or issubclass(kind, types.GenericAlias):
        return _write_shown
    if kind in _REDUCED:
        return _write_reduced
    if kind.__name__ == "coroutine_wrapper":
        return _write_awaiting
    places: list[tuple[str, Any]] = []
    base = kind
    while base not in _CONTENTS and not (issubclass(base, BaseException) and not _is_python(base)):
        if not _is_python(base):
            raise Incomparable(f"an object of type {kind.__module__}.{kind.__qualname__}")
        places += [
            (name, value)
            for name, value in vars(base).items()
            if isinstance(value, types.MemberDescriptorType)
        ]
        base = base.__base__ or object
    contents = _write_exception if issubclass(base, BaseException) else _CONTENTS[base]
    if base in _COMPLETE:
        return contents
    views = {name: view for (holder, name), view in VIEWS.items() if issubclass(kind, holder)}
    has_dict = bool(kind.__dictoffset__)
    if not places and not has_dict:
        return contents
    return _with_attributes(contents, places, views, has_dict)


def _is_python(kind: type) -> bool:
    """Say whether a class adds nothing to its base but attributes that Python shows."""
    if not kind.__flags__ & ON_HEAP or kind.__flags__ & IMMUTABLE:
        return False
    base = kind.__base__ or object
    members = sum(isinstance(value, types.MemberDescriptorType) for value in vars(kind).values())
    hidden = kind.__basicsize__ - base.__basicsize__ - 8 * members
    most = 8 * ("__dict__" in vars(kind)) + 8 * ("__weakref__" in vars(kind))
    return 0 <= hidden <= most


def _with_attributes(
    contents: Plan,
    places: list[tuple[str, Any]],
    views: dict[str, Callable[[Any, Any, Writer], object]],
    has_dict: bool,
) -> Plan:
    """Write attributes besides what a type made in C holds."""

    def write(writer: Writer, thing: Any) -> None:
        contents(writer, thing)
        attributes: list[object] = []
        for name, place in places:
            try:
                value = place.__get__(thing)
            except AttributeError:
                writer.out.append((name,))  # There is none.
                continue
            view = views.get(name)
            attributes.append(value if view is None else view(value, thing, writer))
        if has_dict:
            writer.out.append(len(thing.__dict__))
            for name, value in thing.__dict__.items():
                view = views.get(name)
                attributes += [name, value if view is None else view(value, thing, writer)]
        writer.push(*attributes)

    return write
