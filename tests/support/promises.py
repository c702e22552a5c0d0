"""What tests of promises share: a recorder of events, short ways to make and ask promises.

The fixtures that go with these are in `tests/lwt/conftest.py`.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

import pytest

import lwt
from lwt import Promise
from lwt._core.promise import Callback, Callbacks, underlying
from lwt._core.resolution import resolution
from lwt._core.storage import current_storage

T = TypeVar("T")


class A(Exception):
    """An exception without a meaning."""


class B(Exception):
    """Another one."""


class Recorder:
    """What happened, in order: `record("x")` notes an event, `record.events` has them all."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def __call__(self, event: str) -> None:
        self.events.append(event)

    def on(self, event: str) -> Callable[..., None]:
        """A callback for `map` or `on_success` that notes an event, whatever its arguments."""

        def callback(*_: object) -> None:
            self.events.append(event)

        return callback

    def then(self, event: str, promise: Promise[T]) -> Callable[..., Promise[T]]:
        """A callback for `bind` or `catch` that notes an event and returns a promise."""

        def callback(*_: object) -> Promise[T]:
            self.events.append(event)
            return promise

        return callback

    def taken(self) -> list[str]:
        """The events since the last call of this."""
        events, self.events = self.events, []
        return events


def pending() -> Promise[Any]:
    """A promise of `wait` that nobody will resolve."""
    return lwt.wait()[0]


def rejected_with(promise: Promise[object]) -> Exception:
    """The exception of a rejected promise."""
    state = lwt.state(promise)
    assert isinstance(state, lwt.Fail), f"expected a rejected promise, got {promise!r}"
    return state.exception


def is_canceled(promise: Promise[object]) -> bool:
    """Whether a promise is rejected with `Canceled`."""
    return lwt.state(promise) == lwt.Fail(lwt.Canceled())


def callbacks_of(promise: Promise[Any]) -> list[Callback]:
    """The callbacks of a promise, also those that are removed but still there."""
    callbacks = underlying(promise)._callbacks
    if callbacks is None:
        return []
    return callbacks.oldest_first if type(callbacks) is Callbacks else [callbacks]


def raising(exception: Exception) -> Callable[..., Any]:
    """A callback that raises an exception, whatever its arguments."""

    def callback(*_: object) -> Any:
        raise exception

    return callback


def go_wrong(*_: object) -> Promise[None]:
    """A callback that raises an exception of its own."""
    raise A


def returning(promise: Promise[T]) -> Callable[..., Promise[T]]:
    """A callback that returns a promise, whatever its arguments."""
    return lambda *_: promise


@contextmanager
def exceptions_reported() -> Iterator[list[Exception]]:
    """Collect what goes to `async_exception_hook` meanwhile."""
    reported: list[Exception] = []
    saved = lwt.async_exception_hook.contents
    lwt.async_exception_hook.contents = reported.append
    try:
        yield reported
    finally:
        lwt.async_exception_hook.contents = saved


def check_the_core_is_at_rest() -> None:
    """Check that no callbacks are running or waiting to, and that the storage is empty."""
    assert resolution.depth == 0
    assert resolution.nesting == 0
    assert list(resolution.deferred) == []
    assert resolution.postponed == []
    assert not resolution.is_running_postponed
    assert dict(current_storage.contents) == {}


class _Steps:
    """Counts lines. Frames that live on, those of bodies, keep it; so it is in no circle."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, frame: FrameType, event: str, argument: object) -> Callable[..., Any]:
        self.count += event == "line"
        return self


def steps_of(function: Callable[[], object]) -> int:
    """How many lines of Python a call runs: the same at any size, if it takes constant time."""
    steps = _Steps()
    before = sys.gettrace()
    gc.disable()  # What it frees may have finalizers, whose lines would count.
    sys.settrace(steps)
    try:
        function()
    finally:
        sys.settrace(before)
        gc.enable()
    return steps.count


def run_pauses() -> None:
    """Perform turns until nothing is paused any more."""
    while lwt.paused_count():
        lwt.wakeup_paused()


async def after(turns: int, value: T) -> T:
    """Give a value after so many turns."""
    for _ in range(turns):
        await lwt.pause()
    return value


def outcome(promise: Promise[T]) -> T:
    """The value of a promise that is fulfilled when nothing is paused any more."""
    run_pauses()
    state = lwt.state(promise)
    assert isinstance(state, lwt.Return), state
    return state.value


Waiting = Callable[[list[Promise[Any]]], Promise[Any]]

FOR_FIRST: dict[str, Waiting] = {
    "choose": lwt.choose,
    "pick": lwt.pick,
    "nchoose": lwt.nchoose,
    "npick": lwt.npick,
    "nchoose_split": lwt.nchoose_split,
}
"""The functions that wait for the first of several promises."""

each_for_first = pytest.mark.parametrize("wait_for", FOR_FIRST.values(), ids=FOR_FIRST)


def living_promises() -> int:
    """Count the promises that are still there. None can be referred to weakly."""
    return sum(type(thing) is Promise for thing in gc.get_objects())
