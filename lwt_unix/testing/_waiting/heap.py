"""What the collector knows of: all objects of the kinds that matter, also those that `gc.freeze` has hidden."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from types import BuiltinMethodType, MethodType, ModuleType
from typing import Any, Final, final

from lwt import lwt_condition, lwt_mutex, lwt_mvar, lwt_pool
from lwt._core.promise import Callback, Callbacks, Promise, Resolver
from lwt._core.ring import Node
from lwt.lwt_stream._create import bounded_push
from lwt.lwt_stream._push import Push, Push_bounded
from lwt.lwt_stream._stream import Stream
from lwt_unix import lwt_direct
from lwt_unix._descriptors.wait_queue import PendingCall
from lwt_unix._processes.children import _Wait
from lwt_unix._time import _Sleep
from lwt_unix.lwt_io._operation import Operation
from lwt_unix.lwt_io._turns import Channel


@final
class Dropped(list[object]):
    """The callbacks of crashed hosts, until the run is over: nothing runs them any more. It is a class to be found by."""

    __slots__ = ()


@final
class Heap:
    """All objects of the kinds that matter here, with those that nobody can reach any more or without."""

    def __init__(self, *, with_lost: bool = False) -> None:
        if not with_lost:
            drop_lost()
        self._found: Final[dict[int, list[Any] | None]] = {}
        for base in _KINDS:
            for kind in _with_subclasses(base):
                self._found[id(kind)] = []

        self.others: Final[list[object]] = []
        """Objects of other classes of ours."""

        self._sort_in(gc.get_objects())
        self._frozen: Final[set[int]] = set()
        if anything_frozen():
            self._sort_in(self._find_frozen())

    def all(self, base: type) -> Iterator[Any]:
        """Yield the objects of a class, or of a class that derives from it."""
        for kind in _with_subclasses(base):
            yield from self._found[id(kind)] or ()

    def is_frozen(self, one: object) -> bool:
        """Tell whether `gc.freeze` has hidden an object from the collector."""
        return id(one) in self._frozen

    def _sort_in(self, objects: list[Any]) -> None:
        found = self._found
        for one in objects:
            kind = type(one)
            if id(kind) not in found:
                found[id(kind)] = self.others if _is_ours(kind) else None
            same = found[id(kind)]
            if same is not None:
                same.append(one)

    def _find_frozen(self) -> list[Any]:
        """Find what the collector does not tell of, by what leads to it."""
        known = gc.get_objects()
        seen = {id(one) for one in known}
        known.append(sys.modules)
        frozen: list[Any] = []
        while known:
            batch, known[-_AT_ONCE:] = known[-_AT_ONCE:], []
            for one in referents(*batch):
                if id(one) not in seen and gc.is_tracked(one):
                    seen.add(id(one))
                    frozen.append(one)
                    known.append(one)
        self._frozen.update(map(id, frozen))
        return frozen


def drop_lost() -> None:
    """Have the collector drop what nobody can reach any more, and run what that has in `finally`."""
    # A body that is dropped may need two rounds: its `finally` runs in the first one.
    for _ in range(_MOST_ROUNDS):
        if gc.collect() == 0:
            break


_FROZEN_BY_PYTHON: Final = gc.get_freeze_count()
"""Python 3.12 begins with some hundred frozen objects of its own."""

_MOST_ROUNDS: Final = 3
_AT_ONCE: Final = 1000


def referents(*objects: object) -> list[Any]:
    """Return what some objects lead to; of a module, its dictionary alone.

    Python 3.12 must not be asked what its module `_asyncio` leads to: it hands out futures that are no more, and
    puts them twice among those that it will use again. The next who asks gets an answer without an end.
    """
    asked = [vars(one) if isinstance(one, ModuleType) else one for one in objects]
    return gc.get_referents(*asked)


def anything_frozen() -> bool:
    """Tell whether `gc.freeze` has hidden objects from the collector."""
    return gc.get_freeze_count() > _FROZEN_BY_PYTHON


_KINDS: Final = (
    Promise,
    Resolver,
    lwt_mutex.Mutex,
    lwt_condition.Condition,
    lwt_mvar.Mvar,
    lwt_pool.Pool,
    Push,
    Push_bounded,
    bounded_push,
    Stream,
    Channel,
    Operation,
    Dropped,
    PendingCall,
    _Sleep,
    _Wait,
    lwt_direct._Task,
    MethodType,
    BuiltinMethodType,
    Callback,
    Callbacks,
    Node,
)


def _with_subclasses(base: type) -> list[type]:
    found = [base]
    for kind in found:
        found.extend(type.__subclasses__(kind))
    return found


def _is_ours(kind: type) -> bool:
    """Tell whether a class is the library's own; those that mypyc makes of generators do not count."""
    module = kind.__module__
    is_own = isinstance(module, str) and module.startswith(("lwt.", "lwt_unix."))
    return is_own and not kind.__name__.endswith(("_gen", "_env"))
