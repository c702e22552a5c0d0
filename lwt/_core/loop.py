"""Loops over promises: what OCaml's readers of streams do by recursion through `bind`.

A loop is a generator function. `value = yield promise` is `bind`: if the promise is
fulfilled, the loop goes on at once; if it is pending, the rest of the loop runs as its
callback, with the storage of this moment; if it is rejected, so is the promise of the
loop, and the rest never runs. What the loop returns fulfills its promise.

It differs from the body of an `async def` function as `bind` does: an exception before
the first pending promise leaves through the caller, a later one rejects the promise of
the loop. However many times a loop waits, it keeps one promise and one callback.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeAlias, TypeVar, final

from lwt._core.exceptions import rejection_of
from lwt._core.promise import (
    FULFILLED,
    PENDING,
    PROXY,
    REJECTED,
    Promise,
    add_callback,
    new_promise,
    settle,
    underlying,
)
from lwt._core.resolution import MAXIMUM_NESTING, postpone, resolution, run_postponed
from lwt._core.storage import Storage, current_storage

T = TypeVar("T")

Loop: TypeAlias = Generator[Promise[Any], Any, T]
"""A loop that waits for promises, and returns a value."""


def start(loop: Loop[T]) -> Promise[T]:
    """Run a loop up to its first pending promise; return the promise of its result.

    Raises:
        Exception: what the loop raises before it has to wait.
    """
    if resolution.nesting >= MAXIMUM_NESTING:
        return postpone(start, loop)
    result: Promise[T]
    resolution.nesting += 1
    try:
        source = _go_on(loop, None)
        if source._state == REJECTED:
            result = new_promise(REJECTED, source._value)
        else:
            result = new_promise(PENDING, source)
            add_callback(source, _Waiting(loop, result))
    except StopIteration as stop:
        result = new_promise(FULFILLED, stop.value)
    except Exception:
        run_postponed()  # As in bind.
        raise
    finally:
        resolution.nesting -= 1
    if resolution.postponed:
        run_postponed(result)
    return result


def _go_on(loop: Loop[Any], value: object) -> Promise[Any]:
    """Hand a loop the value that it waits for; go on to a promise that is not fulfilled.

    Raises:
        StopIteration: the loop ends; it holds what that returns.
    """
    while True:
        promise = loop.send(value)
        if promise._state == PROXY:
            promise = underlying(promise)
        if promise._state != FULFILLED:
            return promise
        value = promise._value


@final
class _Waiting:
    """A loop that waits, and the callback by which it goes on."""

    __slots__ = ("_loop", "_result", "_storage")

    def __init__(self, loop: Loop[Any], result: Promise[Any]) -> None:
        self._loop = loop
        self._result = result
        self._storage: Storage = current_storage.contents

    def run(self, promise: Promise[Any], /) -> Promise[Any] | None:
        if promise._state == REJECTED:
            return settle(self._result, REJECTED, promise._value)
        current_storage.contents = self._storage
        try:
            source = _go_on(self._loop, promise._value)
        except StopIteration as stop:
            return settle(self._result, FULFILLED, stop.value)
        except Exception as exception:
            try:
                return settle(self._result, REJECTED, rejection_of(exception, own_frames=2))
            finally:
                del self, promise  # The traceback leads here: close no circle.
        if source._state == REJECTED:
            return settle(self._result, REJECTED, source._value)
        self._storage = current_storage.contents
        underlying(self._result)._value = source  # How it is cancelled.
        add_callback(source, self)
        return None
