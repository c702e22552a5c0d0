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

from collections.abc import Callable, Coroutine, Generator
from functools import wraps
from types import CoroutineType, coroutine
from typing import Any, Final, ParamSpec, TypeAlias, TypeVar, cast, final

from lwt._core.checks import check_callable, wrong_result, wrong_type
from lwt._core.exceptions import rejection_of
from lwt._core.promise import (
    FULFILLED,
    PENDING,
    PROXY,
    REJECTED,
    Promise,
    PromiseOrCoroutine,
    add_callback,
    new_promise,
    settle,
    underlying,
)
from lwt._core.resolution import MAXIMUM_NESTING, postpone, resolution, run_postponed
from lwt._core.storage import Storage, current_storage
from lwt._core.values import Ref

T = TypeVar("T")
P = ParamSpec("P")

_Driver: TypeAlias = Generator[Any, Any, None]
"""A generator of `_drive`."""

_DONE: Final = object()
"""What a driver gives when its body has ended."""

_returned: Final[Ref[Any]] = Ref(None)
"""What the body has returned that has ended just now. Who is given `_DONE` takes it.

And puts back what was here before: a handler of a signal may run another body meanwhile."""

_drivers: Final[list[_Driver | None]] = [None] * (MAXIMUM_NESTING + 1)
"""At each level of nesting, the driver of the next body that is run there, if there is one."""


def renew() -> None:
    """Begin afresh: no body runs, and there are no drivers."""
    _returned.contents = None
    _drivers[:] = [None] * len(_drivers)


@coroutine
def _drive() -> _Driver:
    """Run bodies, one after another.

    `send(body)` goes on to the first thing that the body waits for, and gives it; the next
    `send(None)` goes on from there. An exception of the body leaves, and ends the driver; its
    traceback has an entry for the driver, too.

    It is here for the sake of time. `yield from` gets what a body returns from the interpreter,
    whereas `body.send` raises it as a StopIteration: that measured half of the time of a body
    that need not wait.
    """
    while True:
        _returned.contents = yield from (yield _DONE)


@final
class _Suspended:
    """A body that waits, and the callback by which it goes on."""

    __slots__ = ("_driver", "_promise", "_storage")

    def __init__(self, driver: _Driver, promise: Promise[Any]) -> None:
        self._driver = driver
        self._promise = promise
        self._storage: Storage = current_storage.contents

    def run(self, _: Promise[Any], /) -> Promise[Any] | None:
        """Run the body to its next pending promise, or to its end."""
        current_storage.contents = self._storage
        promise = self._promise
        driver = self._driver
        returned_before = _returned.contents
        try:
            awaited = driver.send(None)
            if promise._state == PROXY:
                promise = underlying(promise)
            while type(awaited) is not Promise or awaited is promise:
                if awaited is _DONE:
                    _drivers[resolution.nesting] = driver
                    settle(promise, FULFILLED, _returned.contents)
                    _returned.contents = returned_before
                    return promise
                awaited = driver.throw(_complaint(awaited))
                promise = underlying(promise)
        except Exception as exception:
            try:
                return settle(promise, REJECTED, rejection_of(exception, own_frames=2))
            finally:
                del self, promise, _  # The traceback leads to this frame: close no circle.
        # Promise.__await__ gives pending promises only, and no proxies.
        self._storage = current_storage.contents
        promise._value = awaited  # How it is cancelled.
        if awaited._callbacks is None:
            awaited._callbacks = self
        else:
            add_callback(awaited, self)
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
            hint = "it is a promise already"
        elif callable(coroutine):
            hint = "was it to be called?"
        raise wrong_type("lwt.of_coroutine", "a coroutine", coroutine, hint)
    return _start(coroutine)


def _start(body: Coroutine[Any, Any, T]) -> Promise[T]:
    level = resolution.nesting
    if level >= MAXIMUM_NESTING:
        return postpone(_start, body)
    if type(body) is not CoroutineType:
        body = _await(body)  # It was made otherwise, say in C: `yield from` might not take it.
    driver, _drivers[level] = _drivers[level], None
    if driver is None:
        driver = cast("_Driver", _drive())  # `coroutine` calls it an Awaitable, and only marks it.
        driver.send(None)
    promise: Promise[T]
    returned_before = _returned.contents
    resolution.nesting = level + 1
    try:
        awaited = driver.send(body)
        while type(awaited) is not Promise:
            if awaited is _DONE:
                # `new_promise`, without a call.
                promise = Promise()
                promise._state = FULFILLED
                promise._value = _returned.contents
                _returned.contents = returned_before
                promise._callbacks = promise._cancel_callbacks = None
                _drivers[level] = driver
                break
            awaited = driver.throw(_complaint(awaited))
        else:
            promise = new_promise(PENDING, awaited)
            add_callback(awaited, _Suspended(driver, promise))
    except Exception as exception:
        promise = new_promise(REJECTED, rejection_of(exception, own_frames=2))
    finally:
        resolution.nesting = level
    if resolution.postponed:
        run_postponed()
    try:
        return promise
    finally:
        del promise  # As in _Suspended.run.


async def _await(coroutine: Coroutine[Any, Any, T]) -> T:
    return await coroutine


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

    OCaml: let f x = let%lwt … in …
    """
    check_callable("lwt.promised", function, "decorate an async def function")

    @wraps(function)
    def start(*arguments: P.args, **keywords: P.kwargs) -> Promise[T]:
        coroutine = function(*arguments, **keywords)
        if type(coroutine) is not CoroutineType and not isinstance(coroutine, Coroutine):
            hint = "is it an async def function?"
            raise wrong_result("lwt.promised", function, coroutine, "a coroutine", hint)
        return _start(coroutine)

    return start


def to_promise(function_name: str, callback: object, result: PromiseOrCoroutine[T]) -> Promise[T]:
    """Take what a callback returned as a promise, running it if it is a coroutine.

    Raises:
        TypeError: it is neither.
    """
    if type(result) is CoroutineType:  # First: many callers have looked for promises.
        return _start(result)
    if type(result) is Promise:
        return result
    if isinstance(result, Coroutine):
        return _start(result)
    hint = f"return lwt.return_({result!r})" if result is not None else "return lwt.return_unit"
    if function_name == "lwt.bind":
        hint = f"use lwt.map, or {hint}"
    raise wrong_result(function_name, callback, result, "a promise", hint)


def attempt(function_name: str, function: Callable[[], PromiseOrCoroutine[T]]) -> Promise[T]:
    """Call a function that returns a promise; what it raises becomes a rejected promise."""
    try:
        resolution.nesting += 1  # As `call` does, written out: a hot path.
        try:
            promise = function()
        except Exception:
            run_postponed()
            raise
        finally:
            resolution.nesting -= 1
        if resolution.postponed:
            run_postponed()
        return promise if type(promise) is Promise else to_promise(function_name, function, promise)
    except Exception as exception:
        return new_promise(REJECTED, rejection_of(exception))
