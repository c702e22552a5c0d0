"""Sequential composition: what to do when one promise is resolved.

`bind` is the model. Each function here looks at the state of its promise:

- resolved in the way that the callback is for: the callback is called at once, and what it
  returns or raises is returned or raised;
- resolved in the other way: so is the result, and the callback never runs;
- pending: a new promise is returned, the *outer* one, and a callback object is attached.
  When it runs, it puts the storage back and calls the user's function. Then it makes the
  promise that this returns, the *inner* one, the same as the outer one. An exception
  rejects the outer promise, since no caller is left that could catch it.

`map` is `bind` for functions that do not return a promise. `catch`, `try_bind` and `finalize` are
in `handling`.

OCaml: src/core/lwt.ml, Sequential_composition.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, final

from lwt._core.checks import check_callable, check_promise, explain_call
from lwt._core.driver import to_promise
from lwt._core.exceptions import rejection_of
from lwt._core.promise import (
    FULFILLED,
    PENDING,
    PROXY,
    REJECTED,
    Callback,
    Promise,
    PromiseOrCoroutine,
    add_callback,
    make_into_proxy,
    new_promise,
    settle,
    underlying,
)
from lwt._core.resolution import MAXIMUM_NESTING, call, postpone, resolution, run_postponed
from lwt._core.storage import Storage, current_storage

A = TypeVar("A")
B = TypeVar("B")

# --- bind, the model ---------------------------------------------------------


def bind(promise: Promise[A], callback: Callable[[A], PromiseOrCoroutine[B]], /) -> Promise[B]:
    """Attach a callback to a promise and return the promise of its result.

    If the promise is fulfilled already, the callback is called at once. If the promise
    is rejected, so is the result, and the callback never runs. Cancelling the result
    cancels the promise; once the callback has returned a promise, it cancels that one.

    >>> import lwt
    >>> lwt.bind(lwt.return_(20), lambda x: lwt.return_(x + 1))
    <Promise fulfilled: 21>

    Args:
        promise: what to wait for.
        callback: takes the value, returns a promise or a coroutine.

    Raises:
        Exception: the callback's own, if the promise is already fulfilled.

    OCaml: Lwt.bind : 'a t -> ('a -> 'b t) -> 'b t
    """
    if type(promise) is not Promise:
        check_promise("lwt.bind", promise)
    if not callable(callback):
        check_callable("lwt.bind", callback, ("value",))
    source = promise if promise._state != PROXY else underlying(promise)

    if source._state == FULFILLED:
        if resolution.nesting >= MAXIMUM_NESTING:
            return postpone(bind, source, callback)
        # What `call` does, written out: this is the hottest path of all.
        resolution.nesting += 1
        try:
            inner = callback(source._value)
            if type(inner) is not Promise:
                inner = to_promise("lwt.bind", callback, inner)
        except Exception as exception:
            explain_call(exception, "lwt.bind", callback, ("value",))
            run_postponed()  # OCaml would have made these calls before the exception.
            raise
        finally:
            resolution.nesting -= 1
        if resolution.postponed:
            run_postponed(inner)
        try:
            return inner
        finally:
            del inner  # The traceback of a rejection leads to this frame: close no circle.

    if source._state == REJECTED:
        return new_promise(REJECTED, source._value)

    # `new_promise`, without a call. No callback has an `__init__` on this path, either: see there.
    outer: Promise[B] = Promise()
    outer._state = PENDING
    outer._value = source
    outer._callbacks = outer._cancel_callbacks = None
    attached = _Bind()
    attached._outer = outer
    attached._callback = callback
    attached._storage = current_storage.contents
    if source._callbacks is None and source._state == PENDING:
        source._callbacks = attached
    else:
        add_callback(source, attached)
    return outer


@final
class _Bind(Callback):
    """What `bind` attaches to a pending promise."""

    __slots__ = ("_callback", "_outer", "_storage")

    _outer: Promise[Any]
    _callback: Callable[[Any], PromiseOrCoroutine[Any]]
    _storage: Storage

    def run(self, promise: Promise[Any], /) -> Promise[Any] | None:
        if promise._state == REJECTED:
            return settle(self._outer, REJECTED, promise._value)
        current_storage.contents = self._storage
        try:
            inner = self._callback(promise._value)
            if type(inner) is not Promise:
                inner = to_promise("lwt.bind", self._callback, inner)
        except Exception as exception:
            explain_call(exception, "lwt.bind", self._callback, ("value",))
            try:
                return settle(self._outer, REJECTED, rejection_of(exception))
            finally:
                del self  # The traceback leads to this frame: close no circle.
        else:
            return make_into_proxy(self._outer, inner)


# --- map ---------------------------------------------------------------------


def map(function: Callable[[A], B], promise: Promise[A], /) -> Promise[B]:
    """Apply a function to the value of a promise; its exceptions become rejections.

    If the promise is fulfilled already, the function is called at once.

    >>> import lwt
    >>> lwt.map(lambda x: x + 1, lwt.return_(20))
    <Promise fulfilled: 21>

    OCaml: Lwt.map : ('a -> 'b) -> 'a t -> 'b t
    """
    if type(promise) is not Promise:
        check_promise("lwt.map", promise)
    if not callable(function):
        check_callable("lwt.map", function, ("value",))
    source = promise if promise._state != PROXY else underlying(promise)

    if source._state == FULFILLED:
        if resolution.nesting >= MAXIMUM_NESTING:
            return postpone(map, function, source)
        try:
            return new_promise(FULFILLED, call(function, source._value))
        except Exception as exception:
            explain_call(exception, "lwt.map", function, ("value",))
            return new_promise(REJECTED, rejection_of(exception))

    if source._state == REJECTED:
        return new_promise(REJECTED, source._value)

    outer: Promise[B] = new_promise(PENDING, source)
    attached = _Map()
    attached._outer = outer
    attached._function = function
    attached._storage = current_storage.contents
    add_callback(source, attached)
    return outer


@final
class _Map(Callback):
    """What `map` attaches to a pending promise."""

    __slots__ = ("_function", "_outer", "_storage")

    _outer: Promise[Any]
    _function: Callable[[Any], object]
    _storage: Storage

    def run(self, promise: Promise[Any], /) -> Promise[Any] | None:
        if promise._state == REJECTED:
            return settle(self._outer, REJECTED, promise._value)
        current_storage.contents = self._storage
        try:
            value = self._function(promise._value)
        except Exception as exception:
            explain_call(exception, "lwt.map", self._function, ("value",))
            try:
                return settle(self._outer, REJECTED, rejection_of(exception))
            finally:
                del self  # As in _Bind.
        else:
            return settle(self._outer, FULFILLED, value)
