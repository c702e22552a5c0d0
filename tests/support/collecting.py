"""What happens if the collector runs just then: an operation, disturbed at every place where it can be.

A body that nobody can wake is garbage, and so is an object in a circle. When Python collects them,
their `finally` and `__del__` run, and callbacks of weak references: in the middle of whatever runs
at that time. Such a finaliser may do anything to the objects that are being worked on.

    def prepare():
        return lwt.wait()

    def operation(subject):
        promise, resolver = subject
        return lwt.map(str, promise)

    def interfere(subject):
        promise, resolver = subject
        lwt.wakeup(resolver, 3)

    def check(subject, mapped):
        assert lwt.state(mapped) == lwt.Return("3")

    for_every_collection(prepare, operation, interfere, check)

This does all four again and again, each time with a finaliser that calls `interfere` at another place:
before the operation, at the first place in it where the collector can run, at the second, and so on,
and at last after it. What `check` asks for must hold whichever it was. If something fails, a note at
the exception says where the finaliser ran.

Where can the collector run? Under Python 3.11 wherever an object is made that it tracks. From 3.12 on,
such an object makes it run a little later: when a function is entered, when a loop begins again, or
when a call of a C function has ended. With a threshold of -1, it runs at each of these places. Python
keeps some tuples, lists and dicts for the next use, which are not counted when they are used again:
there are none of these at the beginning.
"""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Callable
from types import FrameType
from typing import TypeAlias, TypeVar

import lwt
from lwt._core.resolution import resume

S = TypeVar("S")
R = TypeVar("R")

_NEVER = 1_000_000

Garbage: TypeAlias = Callable[[Callable[[], object]], tuple[list[object], object]]
"""Makes an object that only the collector can free, which then calls a function.

Gives a list with the object, and what must be kept until then.
"""


def body(act: Callable[[], object]) -> tuple[list[object], object]:
    """Make a body that nobody can wake, with a `finally`."""

    async def member() -> None:
        try:
            await lwt.wait()[0]
        finally:
            act()

    return [lwt.of_coroutine(member())], None


class _Circle:
    """An object that knows itself."""

    def __init__(self) -> None:
        self.itself = self


class _Finalised(_Circle):
    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__()
        self.act = act

    def __del__(self) -> None:
        self.act()


def finalised(act: Callable[[], object]) -> tuple[list[object], object]:
    """Make an object with `__del__`."""
    return [_Finalised(act)], None


def weakly_referenced(act: Callable[[], object]) -> tuple[list[object], object]:
    """Make an object to which a weak reference with a callback leads."""
    circle = _Circle()
    return [circle], weakref.ref(circle, lambda _: act())


def for_every_collection(
    prepare: Callable[[], S],
    operation: Callable[[S], R],
    interfere: Callable[[S], object],
    check: Callable[[S, R], object],
    garbage: Garbage = body,
) -> list[str]:
    """Do an operation with a finaliser before it, at each place inside it, and after it.

    Args:
        prepare: makes what the operation works on.
        operation: takes that, and gives a result. What it raises fails the test.
        interfere: takes what is worked on; the finaliser calls it. What it raises fails the test.
        check: takes what was worked on and the result, when what was put off to the next turn has
            run.
        garbage: what kind of finaliser it is.

    Returns:
        The places inside the operation where the finaliser ran, in order.
    """
    places: list[str] = []
    was_enabled, thresholds = gc.isenabled(), gc.get_threshold()
    gc.disable()
    # So the collector looks only at what is made from here on, and is quick. It is left so, since what
    # the tests themselves are made of is frozen, too.
    gc.freeze()
    try:
        _disturb_once(prepare, operation, interfere, check, garbage, 0)
        while place := _disturb_once(
            prepare, operation, interfere, check, garbage, len(places) + 1
        ):
            places.append(place)
    finally:
        gc.set_threshold(*thresholds)
        if was_enabled:
            gc.enable()
    return places


def _disturb_once(
    prepare: Callable[[], S],
    operation: Callable[[S], R],
    interfere: Callable[[S], object],
    check: Callable[[S, R], object],
    garbage: Garbage,
    number: int,
) -> str:
    """Do the operation once; the finaliser runs when the collector runs for this time in it.

    With the number 0, it runs before the operation. If the collector runs less often, it runs
    after it.

    Returns:
        The place inside the operation where it ran, if it did.
    """
    subject = prepare()
    places: list[str] = []
    exceptions: list[BaseException] = []

    def act() -> None:
        gc.disable()  # That was the one time.
        places.append(_where_it_is())
        try:
            interfere(subject)
        except BaseException as exception:  # It cannot leave a finaliser.
            exceptions.append(exception)

    infos: list[object] = []  # Kept, since a dict that is free is used again without a count.

    def notice(phase: str, info: dict[str, int]) -> None:
        infos.append(info)
        if phase == "stop" and len(infos) == 2 * (number - 1):
            held.clear()
            gc.set_threshold(-1, -1, _NEVER)  # It is no longer in the youngest generation.

    gc.collect()
    held, kept = garbage(act)
    unused = _take_what_python_keeps()
    if number <= 1:
        held.clear()
    if number == 0:
        gc.collect()
    gc.set_threshold(-1, _NEVER, _NEVER)
    gc.callbacks.append(notice)
    try:
        gc.enable()
        result = operation(subject)
        gc.disable()
        inside = places[0] if number and places else ""
        has_run_often = number and len(infos) >= 2 * number
        assert bool(inside) == bool(has_run_often), "the collector has not found the garbage"
        gc.callbacks.remove(notice)
        held.clear()
        gc.collect()
        assert len(places) == 1, "the finaliser has not run once"
        if exceptions:
            raise exceptions[0]
        resume()
        check(subject, result)
    except BaseException as exception:
        gc.disable()
        if notice in gc.callbacks:
            gc.callbacks.remove(notice)
        exception.add_note(f"A finaliser ran {'in ' + places[0] if places else 'nowhere'}.")
        raise
    del kept, unused
    return inside


def _take_what_python_keeps() -> object:
    """Take all small objects that Python keeps for the next use, so that it has to make new ones."""
    taken: list[object] = []
    items: list[None] = []
    for _ in range(9):
        items.append(None)
        for _ in range(20):
            taken.append(tuple(items))  # noqa: PERF401  # a generator or a map leaves a tuple behind
    del items
    for _ in range(20):
        taken.append({})
        taken.append([])
    return taken


def _where_it_is() -> str:
    """The place in a program that is disturbed, not counting the functions of this file."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    assert frame is not None
    return f"{frame.f_code.co_qualname}, line {frame.f_lineno}"
