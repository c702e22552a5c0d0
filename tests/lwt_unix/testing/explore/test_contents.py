"""How objects are written by their types: what differs is written differently."""

from __future__ import annotations

import contextvars
import functools
import io
import itertools
import operator
import random
import re
import threading
import types
import weakref
from array import array
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

import lwt
from lwt import lwt_mutex, lwt_mvar, lwt_stream
from lwt_unix.testing._explore.known import Incomparable
from tests.support.builds import interpreted_only
from tests.support.states import written

pytestmark = interpreted_only("what classes that are compiled hold cannot be seen")


class Color(Enum):
    RED = 1
    BLUE = 2


class Plain:
    def __init__(self, **attributes: object) -> None:
        self.__dict__.update(attributes)


class Other:
    pass


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self, **attributes: object) -> None:
        for name, value in attributes.items():
            setattr(self, name, value)


@dataclass(frozen=True)
class Frozen:
    value: object


Pair = namedtuple("Pair", ["one", "other"])  # Its class is made by code of the library.


class Numbers(list[int]):
    pass


class Mine(Exception):
    pass


variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable")


def context_with(value: int) -> contextvars.Context:
    context = contextvars.copy_context()
    context.run(variable.set, value)
    return context


@types.coroutine
def stop() -> Any:
    yield


async def one_place(value: object) -> None:
    await stop()
    print(value)
    await stop()


async def one_of_two(is_first: bool) -> None:
    if is_first:
        first = None
    else:
        second = None
    is_first = True
    await stop()
    print(first, second)  # type: ignore[possibly-undefined]  # That is the point.


def generator(value: object) -> Iterable[object]:
    yield value
    yield value


def begun(coroutine: Coroutine[Any, Any, object], steps: int = 1) -> object:
    for _ in range(steps):
        coroutine.send(None)
    return coroutine


def closing_over(value: object) -> Callable[[], object]:
    return lambda: value


def advanced(iterator: Any, steps: int = 1) -> Any:
    for _ in range(steps):
        next(iterator)
    return iterator


def with_default(value: object) -> Callable[..., object]:
    def function(a: object = value, *, b: object = value) -> object:
        return a, b

    return function


def generator_of_chance(seed: int) -> random.Random:
    return random.Random(seed)


def locked(lock: Any) -> Any:
    lock.acquire()
    return lock


def locked_mutex() -> lwt_mutex.Mutex:
    mutex = lwt_mutex.create()
    lwt_mutex.lock(mutex)
    return mutex


def fulfilled(value: object) -> lwt.Promise[Any]:
    return lwt.return_(value)


def local_class(value: object) -> type:
    class Local:
        attribute = value

    return Local


def raised_from(cause: Exception | None) -> Exception:
    exception = Mine("a")
    exception.__cause__ = cause
    return exception


ALIVE = [Plain(a=1), Plain(a=2)]

KINDS: list[Callable[[int], object]] = [
    lambda n: n,
    float,
    str,
    lambda n: bytes([n]),
    complex,
    lambda n: 1 if n == 1 else 1.0,
    lambda n: 1 if n == 1 else True,
    lambda n: 0.0 if n == 1 else -0.0,
    lambda n: None if n == 1 else ...,
    lambda n: [n],
    lambda n: [0] * n,
    lambda n: (n,),
    lambda n: [n] if n == 1 else (1,),
    lambda n: [[], []] if n == 1 else [[]] * 2,  # Shared, or not.
    lambda n: {n: 0},
    lambda n: {0: n},
    lambda n: {1: 0, 2: 0} if n == 1 else {2: 0, 1: 0},
    lambda n: OrderedDict({n: 0}),
    lambda n: Counter({n: 1}),
    lambda n: defaultdict(functools.partial(int, n), a=1),
    lambda n: {n},
    lambda n: frozenset([n]),
    lambda n: {Frozen(n), Frozen(0)},
    lambda n: deque([n]),
    lambda n: deque([1], maxlen=n),
    lambda n: bytearray([n]),
    lambda n: memoryview(bytes([n])),
    lambda n: array("b", [n]),
    lambda n: types.SimpleNamespace(a=n),
    lambda n: types.MappingProxyType({n: 1}),
    range,
    slice,
    Decimal,
    lambda n: Path(str(n)),
    lambda n: re.compile(str(n)),
    Color,
    lambda n: Pair(n, 0),
    lambda n: Numbers([n]),
    lambda n: Plain(a=n),
    lambda n: Plain(a=1, b=2) if n == 1 else Plain(b=2, a=1),
    lambda n: Slotted(a=n),
    lambda n: Slotted(a=1) if n == 1 else Slotted(b=1),
    lambda n: Other() if n == 1 else Plain(),
    Frozen,
    Mine,
    lambda n: raised_from(Mine(n)),
    lambda n: OSError(n, "text"),
    local_class,
    lambda n: local_class(n)(),
    closing_over,
    with_default,
    lambda n: len if n == 1 else max,
    lambda n: [n].append,
    lambda n: Plain(a=n).__init__,  # type: ignore[misc]
    lambda n: functools.partial(print, n),
    lambda n: staticmethod(closing_over(n)),
    lambda n: property(functools.partial(print, n)),
    operator.itemgetter,
    itertools.count,
    lambda n: advanced(iter([1, 2, 3]), n),
    lambda n: advanced(iter({1: 1, 2: 2, 3: 3}), n),
    lambda n: advanced(enumerate("abc"), n),
    lambda n: advanced(itertools.count(), n),
    lambda n: advanced(generator(1), n),
    lambda n: advanced(generator(n)),
    lambda n: begun(one_place(n)),
    lambda n: begun(one_place(0), n),
    lambda n: begun(one_of_two(n == 1)),
    context_with,
    lambda n: threading.Lock() if n == 1 else locked(threading.Lock()),
    lambda n: weakref.ref(ALIVE[n - 1]),
    lambda n: weakref.WeakSet(ALIVE[:n]),
    generator_of_chance,
    lambda n: io.BytesIO(bytes([n])),
    lambda n: io.StringIO("ab") if n == 1 else advanced(io.StringIO("ab")),
    fulfilled,
    lambda n: fulfilled(1) if n == 1 else lwt.fail(Mine(1)),
    lambda n: lwt.wait() if n == 1 else lwt.task(),
    lwt_mvar.create,
    lambda n: lwt_mutex.create() if n == 1 else locked_mutex(),
    lambda n: lwt_stream.of_list([n]),
    lambda n: lwt.with_value(KEY, lwt.Some(n), lambda: lwt.map(str, lwt.wait()[0])),
]

KEY: lwt.Key[int] = lwt.new_key()


@pytest.mark.parametrize("make", KINDS, ids=range(len(KINDS)))
def test_what_differs_is_written_differently_and_what_is_alike_is_alike(
    make: Callable[[int], object],
) -> None:
    assert written(make(1)) != written(make(2))
    assert written([make(1)]) != written([make(2)])
    assert written(make(1)) == written(make(1))
    assert written(make(2)) == written(make(2))


def queue_with_one() -> SimpleQueue[int]:
    queue: SimpleQueue[int] = SimpleQueue()
    queue.put(1)
    return queue


HIDING: list[Callable[[], object]] = [
    lambda: iter(lambda: 1, 2),
    queue_with_one,
    lambda: io.TextIOWrapper(io.BytesIO()),
    lambda: functools.lru_cache(closing_over(1)),
    lambda: lambda: globals()["KINDS"],
]


@pytest.mark.parametrize("make", HIDING, ids=range(len(HIDING)))
def test_what_may_hide_something_is_not_compared(make: Callable[[], object]) -> None:
    with pytest.raises(Incomparable):
        written([make()])
