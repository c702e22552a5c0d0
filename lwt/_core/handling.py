"""What to do when a function fails: handle its exception, or clean up however it ends.

`try_bind` is the general case of `bind` and of `catch`. `finalize` cleans up in the same way
whatever the outcome. They do with the promise of their function what `sequential` says; and they
take an exception that the function raises for a rejection.

OCaml: src/core/lwt.ml, Sequential_composition.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeAlias, TypeVar, final

from lwt._core.checks import check_callable, explain_call
from lwt._core.driver import attempt, to_promise
from lwt._core.exceptions import note_context, rejection_of, rejection_with, with_context
from lwt._core.promise import (
    FULFILLED,
    PENDING,
    REJECTED,
    Callback,
    Promise,
    PromiseOrCoroutine,
    Rejection,
    add_callback,
    make_into_proxy,
    new_promise,
    settle,
    underlying,
)
from lwt._core.resolution import MAXIMUM_NESTING, call, postpone, resolution, run_postponed
from lwt._core.storage import current_storage

A = TypeVar("A")
B = TypeVar("B")
T = TypeVar("T")

AddLocation: TypeAlias = Callable[[Exception], Exception]


# --- catch, try_bind ---------------------------------------------------------


def catch(
    function: Callable[[], PromiseOrCoroutine[A]],
    handler: Callable[[Exception], PromiseOrCoroutine[B]],
    /,
) -> Promise[A | B]:
    """Call a function, and handle the exception that it raises or is rejected with.

    >>> import lwt
    >>> lwt.catch(lambda: lwt.return_(1 // 0), lambda exn: lwt.return_(0))
    <Promise fulfilled: 0>

    Args:
        function: called at once; returns a promise or a coroutine.
        handler: takes the exception, returns a promise or a coroutine.

    Raises:
        Exception: the handler's own, if `function` raised or returned a rejected promise.

    OCaml: Lwt.catch : (unit -> 'a t) -> (exn -> 'a t) -> 'a t
    """
    if not callable(function):
        check_callable("lwt.catch", function, ())
    if not callable(handler):
        check_callable("lwt.catch", handler, ("exception",))
    return try_bind_located("lwt.catch", function, None, handler, None)


def try_bind(
    function: Callable[[], PromiseOrCoroutine[A]],
    on_fulfilled: Callable[[A], PromiseOrCoroutine[B]],
    on_rejected: Callable[[Exception], PromiseOrCoroutine[B]],
    /,
) -> Promise[B]:
    """Call a function; go on with its value or with its exception.

    An exception of `on_fulfilled` is not handled by `on_rejected`.

    Raises:
        Exception: a callback's own, if the promise of `function` is resolved already.

    OCaml: Lwt.try_bind : (unit -> 'a t) -> ('a -> 'b t) -> (exn -> 'b t) -> 'b t
    """
    if not callable(function):
        check_callable("lwt.try_bind", function, ())
    if not callable(on_fulfilled):
        check_callable("lwt.try_bind", on_fulfilled, ("value",))
    if not callable(on_rejected):
        check_callable("lwt.try_bind", on_rejected, ("exception",))
    return try_bind_located("lwt.try_bind", function, on_fulfilled, on_rejected, None)


_ARGUMENT: Final = ((), ("value",), ("exception",))
"""What a callback is called with that goes on from a promise: by its state, if it is resolved."""


def try_bind_located(
    function_name: str,
    function: Callable[[], PromiseOrCoroutine[A]],
    on_fulfilled: Callable[[A], PromiseOrCoroutine[B]] | None,
    on_rejected: Callable[[Exception], PromiseOrCoroutine[B]],
    add_location: AddLocation | None,
) -> Promise[Any]:
    """`try_bind`, `catch` (without `on_fulfilled`) and their `backtrace_` forms."""
    if resolution.nesting >= MAXIMUM_NESTING:
        return postpone(
            try_bind_located, function_name, function, on_fulfilled, on_rejected, add_location
        )
    source: Promise[Any] = underlying(attempt(function_name, function))

    if source._state == PENDING:
        outer: Promise[Any] = new_promise(PENDING, source)
        add_callback(source, TryBind(function_name, outer, on_fulfilled, on_rejected, add_location))
        return outer

    callback: Callable[[Any], PromiseOrCoroutine[B]]
    if source._state == FULFILLED:
        if on_fulfilled is None:
            return source
        callback, argument = on_fulfilled, source._value
    else:
        argument = source._value.with_own_traceback()
        if add_location is not None:
            argument = add_location(argument)
        callback = on_rejected
    resolution.nesting += 1
    try:
        if source._state == FULFILLED:
            inner = callback(argument)
            if type(inner) is not Promise:
                inner = to_promise(function_name, callback, inner)
        else:
            inner = handle(function_name, callback, argument, argument)
    except Exception as exception:
        explain_call(exception, function_name, callback, _ARGUMENT[source._state])
        run_postponed()
        raise
    finally:
        resolution.nesting -= 1
        del source, argument  # Their traceback leads to this frame: close no circle.
    if resolution.postponed:
        run_postponed(inner)
    try:
        return inner
    finally:
        del inner


@final
class TryBind(Callback):
    """What `try_bind` and functions like it attach to a pending promise."""

    __slots__ = (
        "_add_location",
        "_function_name",
        "_on_fulfilled",
        "_on_rejected",
        "_outer",
        "_storage",
    )

    def __init__(
        self,
        function_name: str,
        outer: Promise[Any],
        on_fulfilled: Callable[[Any], PromiseOrCoroutine[Any]] | None,
        on_rejected: Callable[[Exception], PromiseOrCoroutine[Any]] | None,
        add_location: AddLocation | None,
    ) -> None:
        self._function_name = function_name
        self._outer = outer
        self._on_fulfilled = on_fulfilled
        self._on_rejected = on_rejected
        self._add_location = add_location
        self._storage = current_storage.contents

    def run(self, promise: Promise[Any], /) -> Promise[Any] | None:
        callback: Callable[[Any], PromiseOrCoroutine[Any]] | None
        if promise._state == FULFILLED:
            callback, argument = self._on_fulfilled, promise._value
            if callback is None:
                return settle(self._outer, FULFILLED, argument)
        else:
            rejection: Rejection = promise._value
            callback = self._on_rejected
            if callback is None:
                return settle(self._outer, REJECTED, self._located(rejection))
            argument = rejection.with_own_traceback()
        current_storage.contents = self._storage
        try:
            if promise._state == FULFILLED:
                inner = callback(argument)
                if type(inner) is not Promise:
                    inner = to_promise(self._function_name, callback, inner)
            else:
                inner = handle(self._function_name, callback, argument, argument)
        except Exception as exception:
            explain_call(exception, self._function_name, callback, _ARGUMENT[promise._state])
            own_frames = 1 if promise._state == FULFILLED else 2
            rejection = rejection_of(exception, own_frames)
        else:
            return make_into_proxy(self._outer, inner)
        finally:
            del promise, argument  # As in _Bind.
        try:
            return settle(self._outer, REJECTED, self._located(rejection))
        finally:
            del self, rejection

    def _located(self, rejection: Rejection) -> Rejection:
        return rejection if self._add_location is None else located(rejection, self._add_location)


def handle(
    function_name: str,
    handler: Callable[..., PromiseOrCoroutine[T]],
    exception: Exception,
    *arguments: Exception,
) -> Promise[T]:
    """Call a handler of an exception, which becomes the context of what the handler raises."""
    try:
        result = handler(*arguments)
        if isinstance(result, Coroutine):
            result = with_context(result, exception)
        return to_promise(function_name, handler, result)
    except Exception as raised:
        note_context(raised, exception)
        raise
    finally:
        del exception, arguments  # A traceback may lead to this frame: close no circle.


def located(rejection: Rejection, add_location: AddLocation) -> Rejection:
    """Make a rejection with the exception that `add_location` makes of this one."""
    exception = add_location(rejection.with_own_traceback())
    return rejection_with(exception, exception.__traceback__)


# --- finalize ----------------------------------------------------------------


def finalize(
    function: Callable[[], PromiseOrCoroutine[A]],
    cleanup: Callable[[], PromiseOrCoroutine[object]],
    /,
) -> Promise[A]:
    """Call a function, then clean up, however it ends; the result is the function's.

    If the cleaning up fails, the result is rejected with its exception instead.

    Raises:
        Exception: what `cleanup` raises, if the promise of `function` is resolved already.

    OCaml: Lwt.finalize : (unit -> 'a t) -> (unit -> unit t) -> 'a t
    """
    if not callable(function):
        check_callable("lwt.finalize", function, ())
    if not callable(cleanup):
        check_callable("lwt.finalize", cleanup, ())
    if resolution.nesting >= MAXIMUM_NESTING:
        return postpone(finalize, function, cleanup)
    promise = underlying(attempt("lwt.finalize", function))
    try:
        if promise._state == PENDING:
            outer: Promise[A] = new_promise(PENDING, promise)
            add_callback(promise, _Cleaning(cleanup, outer))
            return outer
        return call(_clean_up_then, cleanup, promise._state, promise._value)
    finally:
        del promise  # The traceback of a rejection leads to this frame: close no circle.


def _clean_up_then(
    cleanup: Callable[[], PromiseOrCoroutine[object]], state: int, value: Any
) -> Promise[Any]:
    """Clean up; then the result has this state and value, unless the cleaning up fails."""
    try:
        if state == REJECTED:
            # As `with_own_traceback`, but nobody is given the exception here.
            handled = value.exception.with_traceback(value.traceback)
            cleaned = handle("lwt.finalize", cleanup, handled)
            del handled  # A traceback may lead to this frame: close no circle.
        else:
            cleaned = to_promise("lwt.finalize", cleanup, cleanup())
    except Exception as exception:
        explain_call(exception, "lwt.finalize", cleanup, ())
        raise
    cleaned = underlying(cleaned)
    if cleaned._state == FULFILLED:
        return new_promise(state, value)
    if cleaned._state == REJECTED:
        return new_promise(REJECTED, cleaned._value)
    outer: Promise[Any] = new_promise(PENDING, cleaned)
    add_callback(cleaned, _AfterCleaning(outer, state, value))
    return outer


@final
class _Cleaning(Callback):
    """What `finalize` attaches to the promise of its function, if that is pending."""

    __slots__ = ("_cleanup", "_outer", "_storage")

    def __init__(
        self, cleanup: Callable[[], PromiseOrCoroutine[object]], outer: Promise[Any]
    ) -> None:
        self._cleanup = cleanup
        self._outer = outer
        self._storage = current_storage.contents

    def run(self, promise: Promise[Any], /) -> Promise[Any] | None:
        current_storage.contents = self._storage
        try:
            inner = _clean_up_then(self._cleanup, promise._state, promise._value)
        except Exception as exception:
            own_frames = 2 if promise._state == FULFILLED else 3
            try:
                return settle(self._outer, REJECTED, rejection_of(exception, own_frames))
            finally:
                del self, promise  # As in _Bind.
        else:
            return make_into_proxy(self._outer, inner)


@final
class _AfterCleaning(Callback):
    """What `finalize` attaches to the promise of its cleaning up, if that is pending."""

    __slots__ = ("_outer", "_state", "_storage", "_value")

    def __init__(self, outer: Promise[Any], state: int, value: object) -> None:
        self._outer = outer
        self._state = state
        self._value = value
        self._storage = current_storage.contents

    def run(self, promise: Promise[Any], /) -> Promise[Any]:
        if promise._state == REJECTED:
            return settle(self._outer, REJECTED, promise._value)
        current_storage.contents = self._storage  # OCaml's is a `bind`, and leaves its storage.
        return settle(self._outer, self._state, self._value)


# --- Raising again -----------------------------------------------------------


def reraise(exception: Exception, /) -> Any:
    """Raise an exception, like `raise exception`.

    OCaml: Lwt.reraise : exn -> 'a
    """
    raise exception
