"""Coroutines as promises: `promised`, `of_coroutine`, and `await`.

The body of an `async def` function runs at once, up to its first pending promise.
There it attaches itself as a callback; when the promise is resolved, the body goes
on inside that callback, as the callback of a `bind` would. So `await p` is `bind`,
and the rest of the body is its callback: a cancel goes back to `p`, and the storage
is put back.

One thing differs from `bind`: an exception of the body always rejects its promise,
whether or not the body has waited before. An `async def` function is a whole
computation, and who calls it need not ask how far it went.

OCaml: the syntax `let%lwt x = p in e`.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from types import CoroutineType
from typing import Any, ParamSpec, TypeVar, final

from lwt._checks import not_a_promise_from_callback
from lwt._promise import (
    FULFILLED,
    PENDING,
    PROXY,
    REJECTED,
    Promise,
    PromiseOrCoroutine,
    rejection_of,
    settle,
    underlying,
)
from lwt._resolution import MAXIMUM_NESTING, postpone, resolution, run_postponed
from lwt._storage import Storage, current_storage

T = TypeVar("T")
P = ParamSpec("P")


@final
class _Body:
    """A coroutine that is being run, and the callback by which it goes on."""

    __slots__ = ("_coroutine", "_promise", "_storage")

    def __init__(self, coroutine: Coroutine[Any, Any, Any], promise: Promise[Any]) -> None:
        self._coroutine = coroutine
        self._promise = promise
        self._storage: Storage = current_storage.contents

    def run(self, _: Promise[Any], /) -> Promise[Any] | None:
        """Run the body to its next pending promise, or to its end."""
        current_storage.contents = self._storage
        promise = self._promise
        try:
            awaited = self._coroutine.send(None)
            if promise._state == PROXY:
                promise = underlying(promise)
            while type(awaited) is not Promise or awaited is promise:
                awaited = self._coroutine.throw(_complaint(awaited))
                promise = underlying(promise)
        except StopIteration as stop:
            return settle(promise, FULFILLED, stop.value)
        except Exception as exception:
            try:
                return settle(promise, REJECTED, rejection_of(exception))
            finally:
                del self, promise, _  # The traceback leads to this frame: close no circle.
        # Promise.__await__ gives pending promises only, and no proxies.
        self._storage = current_storage.contents
        promise._how_to_cancel = awaited
        if awaited._callbacks is None:
            awaited._callbacks = [self]
        else:
            awaited._callbacks.append(self)
        return None


def _complaint(awaited: object) -> Exception:
    """What to throw into a body that waits for something it cannot wait for."""
    if type(awaited) is Promise:
        return RuntimeError("an async function awaits its own promise: it would never end")
    return TypeError(
        f"awaited something that is no promise of lwt (it gave {awaited!r}); promises, and async "
        f"functions that await promises, can be awaited here; other libraries' awaitables cannot"
    )


def of_coroutine(coroutine: Coroutine[Any, Any, T], /) -> Promise[T]:
    """Run a coroutine, at once, up to its first pending promise; return its promise.

    The promise is fulfilled with what the coroutine returns, or rejected with what it
    raises. Cancelling it cancels the promise that the coroutine waits for.

    Raises:
        TypeError: `coroutine` is no coroutine.
    """
    if type(coroutine) is not CoroutineType and not isinstance(coroutine, Coroutine):
        hint = ""
        if isinstance(coroutine, Promise):
            hint = "; it is a promise already"
        elif callable(coroutine):
            hint = "; was it to be called?"
        raise TypeError(f"lwt.of_coroutine: expected a coroutine, got {coroutine!r}{hint}")
    return _start(coroutine)


def _start(coroutine: Coroutine[Any, Any, T]) -> Promise[T]:
    if resolution.nesting >= MAXIMUM_NESTING:
        return postpone(_start, coroutine)
    promise: Promise[T] = Promise(PENDING, None)
    resolution.nesting += 1
    try:
        _Body(coroutine, promise).run(promise)
    finally:
        resolution.nesting -= 1
    if resolution.postponed:
        run_postponed()
    try:
        return promise
    finally:
        del promise  # As in _Body.run.


def promised(function: Callable[P, Coroutine[Any, Any, T]], /) -> Callable[P, Promise[T]]:
    """Make an `async def` function return a promise, running its body at once.

    >>> import lwt
    >>> @lwt.promised
    ... async def add(p: lwt.Promise[int], q: lwt.Promise[int]) -> int:
    ...     return await p + await q
    >>> add(lwt.return_(1), lwt.return_(2))
    <Promise fulfilled: 3>

    Raises:
        TypeError: `function` is not callable.

    OCaml: a function whose body is `let%lwt …`
    """
    if not callable(function):
        raise TypeError(f"lwt.promised: expected an async function, got {function!r}")

    @wraps(function)
    def start(*arguments: P.args, **keywords: P.kwargs) -> Promise[T]:
        coroutine = function(*arguments, **keywords)
        if type(coroutine) is not CoroutineType and not isinstance(coroutine, Coroutine):
            name = getattr(function, "__qualname__", repr(function))
            raise TypeError(
                f"lwt.promised: {name} returned {coroutine!r}, not a coroutine; "
                f"is it an async def function?"
            )
        return _start(coroutine)

    return start


def to_promise(function_name: str, callback: object, result: PromiseOrCoroutine[T]) -> Promise[T]:
    """Take what a callback returned as a promise, running it if it is a coroutine.

    Raises:
        TypeError: it is neither.
    """
    if type(result) is Promise:
        return result
    if type(result) is CoroutineType or isinstance(result, Coroutine):
        return _start(result)
    raise not_a_promise_from_callback(function_name, callback, result)
