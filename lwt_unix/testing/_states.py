"""The state of a simulated program, as a few bytes: programs in the same state do the same from there on.

Between two turns of the main loop nothing of a program runs. So all that it can still do follows from
objects: what the library and the world hold, and all that these lead to, such as the bodies that wait, and
their variables. `States.digest` walks through them in an order that depends on nothing but them, and writes
down of each its type, what it holds, and which of those that were met before it leads to. Equal writing means
equal graphs: the same objects, shared in the same way. (Numbers and texts count as the same if they are equal.)

It has to be certain. An object may hide something from Python, if its type is made in C and is not in the
tables here. Then the state is like no other: `Incomparable`.

What is left out, in `_VIEWS`, no program can see: the words of reports, the absolute numbers of turns, the
order of what the library keeps only to look it up. Timers for the same time have no order if the choice
among them is open.

Functions are code, and what their code can reach: closures, defaults, and the global variables that it
names. The functions of installed packages are code alone; the state of this library is listed in `ROOTS`. So
what does not count is what another installed package keeps in variables of its modules, unless the
program names it.
"""

from __future__ import annotations

import contextvars
import functools
import gc
import io
import itertools
import marshal
import operator
import os
import random
import re
import sys
import threading
import types
import weakref
from array import array
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from hashlib import blake2b
from os.path import abspath, dirname, join
from queue import SimpleQueue
from struct import Struct
from typing import Any, Final, NamedTuple, TypeAlias, final

import lwt
import lwt_unix
from lwt._core.promise import Rejection
from lwt_unix._descriptors.actions import ActionQueue
from lwt_unix._descriptors.emptied import _Emptied
from lwt_unix._descriptors.file_descr import File_descr
from lwt_unix.lwt_engine._base import abstract
from lwt_unix.lwt_engine._current import turn
from lwt_unix.lwt_engine._descriptors import Watch, Watch_event, descriptor_based
from lwt_unix.lwt_engine._kernel import kernel_based
from lwt_unix.lwt_engine._timers import Timer, Timer_queue
from lwt_unix.testing._calls import Simulated_socket
from lwt_unix.testing._jobs import _Begun
from lwt_unix.testing._links import Link
from lwt_unix.testing._outside import _Run
from lwt_unix.testing._sources import Choices
from lwt_unix.testing._streams import Stream_flow
from lwt_unix.testing._world import Description, Owner, World

ROOTS: Final = (
    *("lwt._core.promise.deferred", "lwt._core.exceptions._filter"),
    *("lwt._core.storage.current_storage", "lwt._core.choices.prng", "lwt._core.pause.paused"),
    *("lwt._core.resolution.resolution", "lwt._core.resolution.async_exception_hook"),
    *("lwt_unix.lwt_engine._base.main_loop", "lwt_unix.lwt_engine._current._current"),
    *("lwt_unix._asyncgens._begun", "lwt_unix._asyncgens.dropped", "lwt_unix._asyncgens._closing"),
    *("lwt_unix._ending._ender", "lwt_unix._ending.exit_patience"),
    *("lwt_unix.lwt_main.Enter_iter_hooks", "lwt_unix.lwt_main.Leave_iter_hooks"),
    *("lwt_unix.lwt_main.Exit_hooks", "lwt_unix._jobs.notifications._sent"),
    *("lwt_unix._jobs.notifications._pipe", "lwt_unix._jobs.notifications._is_wanted"),
    *("lwt_unix._jobs.threads.pool", "lwt_unix._jobs.methods._default"),
    *("lwt_unix._jobs.jobs._jobs", "lwt_unix.lwt_preemptive._workers.workers"),
    *("lwt_unix.lwt_preemptive._workers.at_work", "lwt_unix.lwt_timeout._clock"),
    *("lwt_unix._descriptors.emptied.emptied", "lwt_unix._descriptors.file_descr.stdin"),
    *("lwt_unix._descriptors.file_descr.stdout", "lwt_unix._descriptors.file_descr.stderr"),
    *("lwt_unix._processes.signals._signals", "lwt_unix._processes.signals._pipe"),
    *("lwt_unix._processes.children._waits", "lwt_unix._processes.interrupts._current"),
    *("lwt_unix._processes.parting._kept", "lwt_unix.lwt_io._channel._outputs"),
    *("lwt_unix.lwt_io._create._default_buffer_size", "lwt_unix.lwt_io._create.zero"),
    *("lwt_unix.lwt_io._create.null", "lwt_unix.lwt_io._create.stdin"),
    *("lwt_unix.lwt_io._create.stdout", "lwt_unix.lwt_io._create.stderr"),
    *("lwt_unix.lwt_fmt._formatters._of_channels", "lwt_unix.lwt_fmt._formatters.stdout"),
    *("lwt_unix.lwt_fmt._formatters.stderr", "lwt_unix.lwt_direct._tasks"),
    *("lwt_unix.lwt_direct._is_hooked", "lwt_unix.testing._simulate._current"),
    "lwt_unix.testing._outside._run",
)
"""What the guides of `lwt._core` and `lwt_unix` list as state of the process, without `LEFT_OUT`."""

LEFT_OUT: Final = types.MappingProxyType(
    {
        "lwt._core.promise._is_in_repr": "False between two turns",
        "lwt._core.choices.source": "the search itself",
        "lwt._core.choices.names": "the same in all runs",
        "lwt_unix.lwt_engine._current.turn": "absolute; `_VIEWS` has what is relative to it",
        "lwt_unix.lwt_main._running": "held in all runs",
        "lwt_unix.lwt_main._thread": "the same in all runs",
        "lwt_unix.lwt_main._left_by": "None while the main loop runs",
    }
)


class Incomparable(Exception):
    """A state is like no other, as far as can be told: it has an object that may hide something."""


# --- What is written otherwise than it is ------------------------------------


@final
class _Unordered:
    """Things whose order does not count."""

    __slots__ = ("things",)

    def __init__(self, things: Iterable[object]) -> None:
        self.things = list(things)


def _by_key(table: dict[Any, object], *_: object) -> object:
    return tuple(sorted(table.items()))


def _numbers(numbers: Iterable[int], *_: object) -> object:
    return tuple(sorted(numbers))


def _left_out(*_: object) -> object:
    return None


def _since(number: int, *_: object) -> object:
    """Whether it was in this turn, in the one before, or longer ago."""
    return min(turn.number - number, 3)


def _events(events: list[tuple[float, int, object]], *_: object) -> object:
    return tuple((time, action) for time, _, action in sorted(events, key=lambda event: event[:2]))


def _heap(heap: list[tuple[float, int, Timer]], holder: object, states: States) -> object:
    times: dict[float, list[Timer]] = {}
    for time, _, timer in sorted(heap, key=lambda entry: entry[:2]):
        if timer.is_active:
            times.setdefault(time, []).append(timer)
    return tuple((time, _timers(timers, holder, states)) for time, timers in times.items())


def _timers(timers: Iterable[Timer], _: object, states: States) -> object:
    return _Unordered(timers) if states.is_due_open else list(timers)


def _is_queued(is_queued: bool, timer: Timer, _: object) -> object:
    return is_queued and timer.is_active


def _not_past(time: float, holder: Link | Stream_flow, _: object) -> object:
    return max(time, holder.world.now)


def _chance(state_before: object, *_: object) -> object:
    """Python's own generator of random numbers, if the run uses it."""
    return None if state_before is None else random._inst


def _turns(turns: int, world: World, states: States) -> object:
    return turns if states.counts_turns and world._turns_at == world.now else 0


def _changes(watches: Iterable[Watch], *_: object) -> object:
    return tuple(sorted(watch.fd for watch in watches))


def _unordered(things: Iterable[object], *_: object) -> object:
    return _Unordered(things)


_VIEWS: Final[Mapping[tuple[type, str], Callable[[Any, Any, States], object]]] = (
    types.MappingProxyType(
        {
            # Reports.
            (World, "_told"): _left_out,
            (Description, "name"): _left_out,
            (Link, "name"): _left_out,
            (_Begun, "name"): _left_out,
            (Rejection, "traceback"): _left_out,
            # The world: its tables are for looking up, and what is ready is sorted.
            (World, "_turns"): _turns,
            (World, "_turns_at"): _left_out,
            (World, "_event_count"): _left_out,
            (World, "_counts"): _by_key,
            (World, "_events"): _events,
            (World, "_free"): _numbers,
            (World, "inheritable"): _numbers,
            (World, "touched"): _numbers,
            (World, "table"): _by_key,
            (World, "watched"): _by_key,
            (World, "owners"): _by_key,
            (Owner, "fds"): _numbers,
            (Stream_flow, "last_arrival"): _not_past,
            (Link, "busy_until"): _not_past,
            # The state before the run.
            (_Run, "state"): _chance,
            # The engine: its registries are for counting; the world is told of changes, and sorts what is ready.
            (abstract, "_readables"): _unordered,
            (abstract, "_writables"): _unordered,
            (abstract, "_timers"): _unordered,
            (descriptor_based, "_watches"): _by_key,
            (descriptor_based, "_changes"): _changes,
            (kernel_based, "_forgotten"): _left_out,
            (Watch, "changes"): _left_out,
            (Watch_event, "registry"): _left_out,
            (Timer, "registry"): _left_out,
            (Timer, "is_queued"): _is_queued,
            (Timer_queue, "heap"): _heap,
            (Timer_queue, "fresh"): _timers,
            (Timer_queue, "last_number"): _left_out,
            (Timer_queue, "stopped_count"): _left_out,
            # Turns.
            (File_descr, "_turn"): _since,
            (ActionQueue, "held_in"): _since,
            (_Emptied, "last_end"): _since,
        }
    )
)


# --- How the objects of a type are written -----------------------------------

_Plan: TypeAlias = "Callable[[_Walk, Any], None]"
"""Writes what an object holds, and pushes the objects to be written next."""

_ATOMS: Final = frozenset({int, float, bool, complex, str, bytes, type(None), type(...)})
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


def _write_nothing(walk: _Walk, thing: object) -> None:
    pass


def _write_shown(walk: _Walk, thing: object) -> None:
    walk.out.append(repr(thing))


def _write_reduced(walk: _Walk, thing: Any) -> None:
    walk.push(thing.__reduce__())


def _write_sequence(walk: _Walk, thing: Any) -> None:
    walk.out.append(len(thing))
    walk.stack.extend(reversed(tuple(thing)))


def _write_dict(walk: _Walk, thing: dict[object, object]) -> None:
    walk.out.append(len(thing))
    walk.stack.extend(reversed([part for item in dict.items(thing) for part in item]))


def _write_set(walk: _Walk, thing: set[object] | frozenset[object]) -> None:
    if _WITH_ORDER.issuperset(map(type, thing)):
        walk.out.append(sys.getsizeof(thing))
        _write_sequence(walk, thing)
    else:
        walk.push(_Unordered(thing))


def _write_defaultdict(walk: _Walk, thing: defaultdict[object, object]) -> None:
    walk.push(thing.default_factory)
    _write_dict(walk, thing)


def _write_deque(walk: _Walk, thing: deque[object]) -> None:
    walk.out.append(thing.maxlen)
    _write_sequence(walk, thing)


def _write_bytearray(walk: _Walk, thing: bytearray) -> None:
    walk.out.append(bytes(thing))


def _write_memoryview(walk: _Walk, thing: memoryview) -> None:
    try:
        walk.out += [thing.format, thing.shape, thing.readonly, thing.tobytes()]
        walk.push(thing.obj)
    except ValueError:  # It is released.
        walk.out.append("released")


def _write_array(walk: _Walk, thing: array[Any]) -> None:
    walk.out += [thing.typecode, thing.tobytes()]


def _write_exception(walk: _Walk, thing: BaseException) -> None:
    walk.push(thing.args, thing.__cause__, thing.__context__, thing.__suppress_context__)
    if isinstance(thing, OSError):
        walk.push(thing.errno, thing.strerror, thing.filename, thing.filename2)


def _write_function(walk: _Walk, thing: types.FunctionType) -> None:
    walk.push(thing.__defaults__, thing.__kwdefaults__, thing.__closure__, thing.__dict__)
    walk.code(thing.__code__, thing.__globals__)


def _write_method(walk: _Walk, thing: types.MethodType) -> None:
    walk.push(thing.__self__, thing.__func__)


def _write_builtin(walk: _Walk, thing: Any) -> None:
    """A function made in C, or a method of an object made in C."""
    owner = getattr(thing, "__self__", None)
    if owner is None or isinstance(owner, types.ModuleType):
        walk.out += [thing.__module__, thing.__qualname__]
    else:
        walk.out.append(thing.__qualname__)
        walk.push(owner)


def _write_descriptor(walk: _Walk, thing: Any) -> None:
    walk.out.append(thing.__name__)
    walk.push(thing.__objclass__)


def _write_code(walk: _Walk, thing: types.CodeType) -> None:
    walk.out.append(walk.states.number_of(thing))


def _write_cell(walk: _Walk, thing: types.CellType) -> None:
    try:
        walk.push(thing.cell_contents)
    except ValueError:
        walk.out.append("empty")


def _write_body(walk: _Walk, thing: Any) -> None:
    """A coroutine, a generator or an async generator that is suspended: where, and its variables."""
    prefix = {types.CoroutineType: "cr", types.GeneratorType: "gi"}.get(type(thing), "ag")
    frame = getattr(thing, f"{prefix}_frame")
    if frame is None:
        walk.out.append("ended")
        return
    if getattr(thing, f"{prefix}_running"):
        if prefix != "ag" or frame.f_back is not None:
            raise Incomparable("a body that runs")
        walk.out.append("waits")
    variables = frame.f_locals
    walk.out += [frame.f_lasti, tuple(variables)]
    if isinstance(variables, dict):
        variables.clear()  # It is a copy that the frame keeps; its objects would live longer than they do.
    referents = gc.get_referents(thing)
    walk.push(
        *(
            one
            for one in referents
            if one is not variables
            and one is not frame.f_globals
            and one is not frame.f_builtins
            and not isinstance(one, types.FrameType | types.CodeType)
        )
    )
    walk.code(frame.f_code, frame.f_globals)


def _write_awaiting(walk: _Walk, thing: object) -> None:
    walk.push(*gc.get_referents(thing))


def _write_module(walk: _Walk, thing: types.ModuleType) -> None:
    walk.out.append(thing.__name__)
    if not walk.states.is_installed_module(thing):
        own = {name: value for name, value in vars(thing).items() if name not in _OF_MODULES}
        walk.out.append(tuple(own))
        walk.push(*own.values())


_OF_MODULES: Final = frozenset({"__builtins__", "__cached__", "__doc__", "__loader__", "__spec__"})


def _is_state(module: types.ModuleType, name: str) -> bool:
    """Say whether a name of an installed module is one of something that may change."""
    value = vars(module).get(name)
    if isinstance(value, types.BuiltinFunctionType | types.MethodType):
        return not isinstance(value.__self__, types.ModuleType)
    is_code = isinstance(value, types.FunctionType | types.ModuleType | type)
    return not is_code and value is not sys.stdout and value is not sys.stderr


def _write_proxy(walk: _Walk, thing: types.MappingProxyType[object, object]) -> None:
    _write_dict(walk, dict(thing))


def _write_context(walk: _Walk, thing: contextvars.Context) -> None:
    walk.push(_Unordered(thing.items()))


def _write_named(walk: _Walk, thing: Any) -> None:
    walk.out.append(thing.name)


def _write_lock(walk: _Walk, thing: Any) -> None:
    walk.out.append(thing.locked())


def _write_socket(walk: _Walk, thing: Simulated_socket) -> None:
    walk.push(thing.socket)


def _write_queue(walk: _Walk, thing: SimpleQueue[object]) -> None:
    if not thing.empty():
        raise Incomparable("a queue between threads")


def _write_weak(walk: _Walk, thing: weakref.ref[object]) -> None:
    walk.push(thing(), thing.__callback__)


def _write_weak_things(walk: _Walk, thing: Any) -> None:
    things = thing.items() if isinstance(thing, weakref.WeakKeyDictionary) else thing
    walk.push(_Unordered(things))


def _write_property(walk: _Walk, thing: property) -> None:
    walk.push(thing.fget, thing.fset, thing.fdel)


def _write_wrapping(walk: _Walk, thing: Any) -> None:
    walk.push(thing.__func__)


def _write_partial(walk: _Walk, thing: functools.partial[object]) -> None:
    walk.push(thing.func, thing.args, thing.keywords)


def _write_random(walk: _Walk, thing: random.Random) -> None:
    walk.out.append(marshal.dumps(thing.getstate(), 2))


def _write_memory_file(walk: _Walk, thing: io.BytesIO | io.StringIO) -> None:
    walk.out += ["closed"] if thing.closed else [thing.getvalue(), thing.tell()]


def _write_view(walk: _Walk, thing: Any) -> None:
    walk.push(dict(thing.mapping))


def _write_cached(walk: _Walk, thing: Any) -> None:
    function = thing.__wrapped__
    if not walk.states.is_installed(function.__code__.co_filename):
        raise Incomparable("a cache of functools")
    walk.push(function)


def _write_struct(walk: _Walk, thing: Struct) -> None:
    walk.out.append(thing.format)


def _write_enum(walk: _Walk, thing: Enum) -> None:
    walk.out.append(thing._name_)
    if not isinstance(thing._name_, str):  # A combination of flags may have no name.
        walk.push(thing._value_)


def _write_class(walk: _Walk, thing: type) -> None:
    """A class of the program's own: its attributes can change. Others count as code."""
    states = walk.states
    if not states.is_own(thing):
        walk.out.append(states.number_of(thing))
        return
    attributes = {
        name: value
        for name, value in vars(thing).items()
        if name not in _OF_CLASSES and type(value) not in _PLACES
    }
    walk.out += [thing.__qualname__, tuple(attributes), len(thing.__bases__)]
    walk.push(*thing.__bases__, *attributes.values())


_OF_CLASSES: Final = frozenset(
    {"__dict__", "__weakref__", "__doc__", "__module__", "__annotations__", "_abc_impl"}
)
_PLACES: Final = frozenset({types.MemberDescriptorType, types.GetSetDescriptorType})

_CONTENTS: Final[Mapping[type, _Plan]] = types.MappingProxyType(
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
        int: lambda walk, thing: walk.out.append(int.__index__(thing)),
        float: lambda walk, thing: walk.out.append(float.__float__(thing)),
        str: lambda walk, thing: walk.out.append(str.__getitem__(thing, slice(None))),
        bytes: lambda walk, thing: walk.out.append(bytes.__getitem__(thing, slice(None))),
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


@final
class _Rest:
    """What an object holds, to be written after its class."""

    __slots__ = ("thing", "write")

    def __init__(self, write: _Plan, thing: object) -> None:
        self.write = write
        self.thing = thing


# --- The walk ----------------------------------------------------------------


@final
class _Walk:
    """One walk through a state."""

    __slots__ = (
        "is_outer",
        "kept",
        "later",
        "numbers",
        "out",
        "own_plans",
        "seen_names",
        "stack",
        "states",
    )

    def __init__(self, states: States, outer: _Walk | None = None) -> None:
        self.states = states
        self.out: list[object] = []
        self.is_outer = outer is None
        self.numbers: dict[int, int] = {} if outer is None else dict(outer.numbers)
        self.kept: list[object] = []
        self.stack: list[object] = []
        self.later: deque[_Unordered] = deque()
        self.own_plans: dict[type, _Plan] = {}
        self.seen_names: set[tuple[int, str]] = set()

    def push(self, *things: object) -> None:
        """Have objects written next, in this order."""
        self.stack.extend(reversed(things))

    def code(self, code: types.CodeType, variables: dict[str, Any]) -> None:
        """Write which code it is, and the global variables that it names.

        Of an installed module that it names, those that it may name and that are neither functions nor classes.
        """
        states = self.states
        self.out.append(states.number_of(code))
        if states.is_installed(code.co_filename):
            return
        names = states.names_in(code)
        self._named(names, variables)
        for name in names:
            module = variables.get(name)
            if isinstance(module, types.ModuleType) and states.is_installed_module(module):
                self._named([name for name in names if _is_state(module, name)], vars(module))

    def _named(self, names: Iterable[str], variables: dict[str, Any]) -> None:
        table, seen = id(variables), self.seen_names
        found = tuple(name for name in names if name in variables and (table, name) not in seen)
        seen.update((table, name) for name in found)
        self.out.append(found)
        self.push(*(variables[name] for name in found))

    def write(self, *things: object) -> bytes:
        """Walk through all that some objects lead to, and return the digest of what is written."""
        stack, out, numbers, later = self.stack, self.out, self.numbers, self.later
        plans = self.states.plans
        self.push(*things)
        while True:
            while stack:
                thing = stack.pop()
                kind = type(thing)
                if kind in _ATOMS:
                    out.append(thing)
                    continue
                if kind is _Unordered:
                    out.append(len(thing.things))  # type: ignore[attr-defined]
                    later.append(thing)  # type: ignore[arg-type]
                    continue
                if kind is _Rest:
                    thing.write(self, thing.thing)  # type: ignore[attr-defined]
                    continue
                number = numbers.get(id(thing))
                if number is not None:
                    out.append((number,))
                    continue
                numbers[id(thing)] = len(numbers)
                self.kept.append(thing)
                plan = plans.get(kind) or self.own_plans.get(kind) or self._new_plan(kind)
                plan(self, thing)
            if not later or not self.is_outer:
                break
            self.push(*self._in_some_order(later.popleft().things))
        return blake2b(marshal.dumps(out, 2), digest_size=16).digest()

    def _new_plan(self, kind: type) -> _Plan:
        states = self.states
        write = states.contents(kind)
        if states.is_own(kind):

            def plan(walk: _Walk, thing: object) -> None:
                walk.out.append("own")
                walk.push(kind, _Rest(write, thing))

            self.own_plans[kind] = plan
        else:
            number = states.number_of(kind)

            def plan(walk: _Walk, thing: object) -> None:
                walk.out.append((number, None))
                write(walk, thing)

            states.plans[kind] = plan
        return plan

    def _in_some_order(self, things: list[object]) -> list[object]:
        """Order things by what they are. Any order would be right; so, equal states have the same."""
        return things if len(things) < 2 else sorted(things, key=self._rank)

    def _rank(self, thing: object) -> tuple[int, bytes]:
        number = self.numbers.get(id(thing))
        return (-1, _Walk(self.states, self).write(thing)) if number is None else (number, b"")


# --- States ------------------------------------------------------------------


def _folder_of(module: types.ModuleType) -> str:
    return join(dirname(abspath(module.__file__ or "")), "")


_INSTALLED: Final = (_folder_of(os), _folder_of(lwt), _folder_of(lwt_unix), "<frozen ")
"""How the names of files begin whose functions count as code, beside those of `_FOLDERS_OF_PACKAGES`."""

_FOLDERS_OF_PACKAGES: Final = re.compile(r"[/\\](site|dist)-packages[/\\]").search


@final
class States:
    """What is known of types and functions, and what counts as state, in one search."""

    __slots__ = ("_code_names", "_kept", "counts_turns", "is_due_open", "plans", "roots")

    def __init__(self, is_due_open: bool, counts_turns: bool) -> None:
        self.is_due_open = is_due_open
        """Whether the choice among timers for the same time is open."""

        self.counts_turns = counts_turns
        """Whether it counts how many turns in a row took no time."""

        self.plans: dict[type, _Plan] = {}
        self.roots = [
            (vars(sys.modules[module]), name)
            for module, _, name in (root.rpartition(".") for root in ROOTS)
        ]
        self._kept: dict[object, int] = {}
        self._code_names: dict[types.CodeType, tuple[str, ...]] = {}

    def digest(self, *things: object) -> bytes:
        """Return a digest of the state: of some objects, and of all that the library holds.

        Raises:
            Incomparable: there is an object that may hide something.
        """
        held = [variables[name] for variables, name in self.roots]
        return _Walk(self).write(*things, contextvars.copy_context(), *held)

    def number_of(self, thing: types.CodeType | type) -> int:
        """Return the number of code, or of a class that counts as code."""
        return self._kept.setdefault(thing, len(self._kept))

    def is_installed(self, path: str) -> bool:
        """Say whether what stands in a file counts as code: it is part of an installed package."""
        return path.startswith(_INSTALLED) or _FOLDERS_OF_PACKAGES(path) is not None

    def is_installed_module(self, module: types.ModuleType) -> bool:
        """Say whether a module is part of an installed package, or made in C."""
        path = getattr(module, "__file__", None)
        return path is None or self.is_installed(path)

    def is_own(self, kind: type) -> bool:
        """Say whether a class is the program's own, or made anew in each run."""
        if not kind.__flags__ & _ON_HEAP:
            return False
        module = sys.modules.get(kind.__module__)
        if module is None or not self.is_installed_module(module):
            return True
        found: object = module
        for name in kind.__qualname__.split("."):
            found = getattr(found, name, None)
        return found is not kind and not kind.__flags__ & _IMMUTABLE

    def names_in(self, code: types.CodeType) -> tuple[str, ...]:
        """Return the names of globals and attributes in some code, and in the code inside."""
        names = self._code_names.get(code)
        if names is None:
            found = dict.fromkeys(code.co_names)
            if not _HIDING.isdisjoint(found):
                raise Incomparable(f"code that finds variables by itself, in {code.co_qualname}")
            for constant in code.co_consts:
                if isinstance(constant, types.CodeType):
                    found.update(dict.fromkeys(self.names_in(constant)))
            names = self._code_names[code] = tuple(found)
        return names

    def contents(self, kind: type) -> _Plan:
        """Return what writes what an object of a type holds."""
        if issubclass(kind, type):
            return _write_class
        if issubclass(kind, Enum):
            return _write_enum
        if issubclass(kind, Choices):
            return _write_nothing
        if (
            kind in _SHOWN
            or kind.__module__ in _MODULES_SHOWN
            or issubclass(kind, types.GenericAlias)
        ):
            return _write_shown
        if kind in _REDUCED:
            return _write_reduced
        if kind.__name__ == "coroutine_wrapper":
            return _write_awaiting
        places: list[tuple[str, Any]] = []
        base = kind
        while base not in _CONTENTS and not (
            issubclass(base, BaseException) and not _is_python(base)
        ):
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
        views = {name: view for (holder, name), view in _VIEWS.items() if issubclass(kind, holder)}
        has_dict = bool(kind.__dictoffset__)
        if not places and not has_dict:
            return contents
        return _with_attributes(contents, places, views, has_dict)


_HIDING: Final = frozenset({"globals", "eval", "exec", "__import__"})
"""By these, code may get at variables that it does not name."""

_ON_HEAP: Final = 1 << 9
_IMMUTABLE: Final = 1 << 8


def _is_python(kind: type) -> bool:
    """Say whether a class adds nothing to its base but attributes that Python shows."""
    if not kind.__flags__ & _ON_HEAP or kind.__flags__ & _IMMUTABLE:
        return False
    base = kind.__base__ or object
    members = sum(isinstance(value, types.MemberDescriptorType) for value in vars(kind).values())
    hidden = kind.__basicsize__ - base.__basicsize__ - 8 * members
    most = 8 * ("__dict__" in vars(kind)) + 8 * ("__weakref__" in vars(kind))
    return 0 <= hidden <= most


def _with_attributes(
    contents: _Plan,
    places: list[tuple[str, Any]],
    views: dict[str, Callable[[Any, Any, States], object]],
    has_dict: bool,
) -> _Plan:
    """Write attributes besides what a type made in C holds."""

    def write(walk: _Walk, thing: Any) -> None:
        contents(walk, thing)
        attributes: list[object] = []
        for name, place in places:
            try:
                value = place.__get__(thing)
            except AttributeError:
                walk.out.append((name,))  # There is none.
                continue
            view = views.get(name)
            attributes.append(value if view is None else view(value, thing, walk.states))
        if has_dict:
            walk.out.append(len(thing.__dict__))
            for name, value in thing.__dict__.items():
                view = views.get(name)
                attributes += [name, value if view is None else view(value, thing, walk.states)]
        walk.push(*attributes)

    return write
