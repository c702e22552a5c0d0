"""In the background: starting something, or leaving it, without waiting for it.

`async_` and `dont_wait` call a function and let what it started go on; `ignore_result`
lets a promise go on. They differ in what becomes of a rejection.

OCaml: src/core/lwt.ml, Concurrent_composition.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

from lwt._core.checks import check_callable, check_promise, explain_call
from lwt._core.driver import attempt
from lwt._core.exceptions import note_context
from lwt._core.promise import (
    PENDING,
    REJECTED,
    Callback,
    Promise,
    PromiseOrCoroutine,
    Rejection,
    add_callback,
    underlying,
)
from lwt._core.resolution import MAXIMUM_NESTING, postpone_action, report, resolution


def async_(function: Callable[[], PromiseOrCoroutine[object]], /) -> None:
    """Call a function, and let what it started go on in the background.

    Its exception goes to `async_exception_hook`, whether it is raised now or rejects the
    function's promise later.

    OCaml: Lwt.async : (unit -> unit t) -> unit
    """
    check_callable("lwt.async_", function, ())
    if resolution.nesting >= MAXIMUM_NESTING:
        postpone_action(async_, function)
    else:
        _in_background(attempt("lwt.async_", function), report)


def dont_wait(
    function: Callable[[], PromiseOrCoroutine[object]],
    handler: Callable[[Exception], object],
    /,
) -> None:
    """Call a function, let it go on in the background, and handle its exception.

    `handler` is called with the exception, whether it is raised now or rejects the promise
    later. Exceptions of `handler` are not handled: they leave through the function that
    resolves.

    Raises:
        Exception: what `handler` raises, if the function's promise is rejected already.

    OCaml: Lwt.dont_wait : (unit -> unit t) -> (exn -> unit) -> unit
    """
    check_callable("lwt.dont_wait", function, ())
    check_callable("lwt.dont_wait", handler, ("exception",))
    if resolution.nesting >= MAXIMUM_NESTING:
        postpone_action(dont_wait, function, handler)
        return

    def handle(rejection: Rejection) -> None:
        exception = rejection.with_own_traceback()
        try:
            handler(exception)
        except Exception as raised:
            note_context(raised, exception)
            explain_call(raised, "lwt.dont_wait", handler, ("exception",))
            raise
        finally:
            del exception  # A traceback may lead to this frame: close no circle.

    _in_background(attempt("lwt.dont_wait", function), handle)


def ignore_result(promise: Promise[object], /) -> None:
    """Let a promise go on by itself; a later rejection goes to `async_exception_hook`.

    Raises:
        Exception: what the promise is rejected with, if it is rejected already.

    OCaml: Lwt.ignore_result : _ t -> unit
    """
    check_promise("lwt.ignore_result", promise)
    source = underlying(promise)
    if source._state == REJECTED:
        try:
            source._value.throw()
        finally:
            del promise, source  # The traceback leads to this frame: close no circle.
    else:
        _in_background(source, report)


def _in_background(promise: Promise[object], handle: Callable[[Rejection], None]) -> None:
    """Hand the rejection of a promise to a handler, now or later."""
    source = underlying(promise)
    if source._state == REJECTED:
        handle(source._value)
    elif source._state == PENDING:
        add_callback(source, _Background(handle))


@final
class _Background(Callback):
    """What the functions above attach: it handles the rejection.

    It leaves the storage as it finds it, and lets the handler's exceptions pass.
    """

    __slots__ = ("_handle",)

    def __init__(self, handle: Callable[[Rejection], None]) -> None:
        self._handle = handle

    def run(self, promise: Promise[Any], /) -> None:
        if promise._state == REJECTED:
            self._handle(promise._value)
