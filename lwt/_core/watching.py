"""Watching promises: functions to call when a promise is resolved, whose result nobody uses.

Of `on_success`, `on_failure`, `on_termination` and `on_any`, the last is the general
case. Exceptions of the functions go to `async_exception_hook`. (`on_cancel` is in
`cancellation`.)

OCaml: src/core/lwt.ml, Sequential_composition, the functions `on_…`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, final

from lwt._core.checks import check_callable, check_promise, explain_call
from lwt._core.promise import FULFILLED, PENDING, PROXY, Callback, Promise, add_callback, underlying
from lwt._core.resolution import MAXIMUM_NESTING, call, call_or_report, postpone_action, resolution
from lwt._core.storage import Storage, current_storage

A = TypeVar("A")


def on_success(promise: Promise[A], function: Callable[[A], object], /) -> None:
    """Call a function with the value if the promise is fulfilled, now or later.

    Its exceptions go to `async_exception_hook`.

    OCaml: Lwt.on_success : 'a t -> ('a -> unit) -> unit
    """
    if type(promise) is not Promise:
        check_promise("lwt.on_success", promise)
    if not callable(function):
        check_callable("lwt.on_success", function, ("value",))
    _watch("lwt.on_success", promise, function, None)


def on_failure(promise: Promise[object], function: Callable[[Exception], object], /) -> None:
    """Call a function with the exception if the promise is rejected, now or later.

    Its exceptions go to `async_exception_hook`.

    OCaml: Lwt.on_failure : _ t -> (exn -> unit) -> unit
    """
    check_promise("lwt.on_failure", promise)
    check_callable("lwt.on_failure", function, ("exception",))
    _watch("lwt.on_failure", promise, None, function)


def on_termination(promise: Promise[object], function: Callable[[], object], /) -> None:
    """Call a function without arguments when the promise is resolved, either way.

    Its exceptions go to `async_exception_hook`.

    OCaml: Lwt.on_termination : _ t -> (unit -> unit) -> unit
    """
    check_promise("lwt.on_termination", promise)
    check_callable("lwt.on_termination", function, ())

    def ignoring(_: object) -> object:
        try:
            return function()
        except Exception as exception:
            explain_call(exception, "lwt.on_termination", function, ())
            raise

    _watch("lwt.on_termination", promise, ignoring, ignoring)


def on_any(
    promise: Promise[A],
    on_fulfilled: Callable[[A], object],
    on_rejected: Callable[[Exception], object],
    /,
) -> None:
    """Call one function or the other when the promise is resolved.

    Their exceptions go to `async_exception_hook`.

    OCaml: Lwt.on_any : 'a t -> ('a -> unit) -> (exn -> unit) -> unit
    """
    check_promise("lwt.on_any", promise)
    check_callable("lwt.on_any", on_fulfilled, ("value",))
    check_callable("lwt.on_any", on_rejected, ("exception",))
    _watch("lwt.on_any", promise, on_fulfilled, on_rejected)


def _watch(
    name: str,
    promise: Promise[A],
    on_fulfilled: Callable[[A], object] | None,
    on_rejected: Callable[[Exception], object] | None,
) -> None:
    """The `on_` functions: `on_any` with one of the two perhaps missing."""
    watcher = _Watcher()  # Without an `__init__`, like a promise.
    watcher._name = name
    watcher._on_fulfilled = on_fulfilled
    watcher._on_rejected = on_rejected
    watcher._storage = current_storage.contents
    source = promise if promise._state != PROXY else underlying(promise)
    if source._state == PENDING:
        add_callback(source, watcher)
    elif resolution.nesting >= MAXIMUM_NESTING:
        postpone_action(_watch, name, source, on_fulfilled, on_rejected)
    else:
        call(watcher.run, source)


@final
class _Watcher(Callback):
    """What the `on_` functions attach to a pending promise."""

    __slots__ = ("_name", "_on_fulfilled", "_on_rejected", "_storage")

    _name: str
    _on_fulfilled: Callable[[Any], object] | None
    _on_rejected: Callable[[Exception], object] | None
    _storage: Storage

    def run(self, promise: Promise[Any], /) -> None:
        if promise._state == FULFILLED:
            if self._on_fulfilled is not None:
                current_storage.contents = self._storage
                call_or_report(self._name, self._on_fulfilled, promise._value)
        elif self._on_rejected is not None:
            current_storage.contents = self._storage
            exception = promise._value.with_own_traceback()
            call_or_report(self._name, self._on_rejected, exception, handled=exception)
