"""Sequential composition: what to do when one promise is resolved.

`bind` is the model. Each function here looks at the state of its promise:

- resolved in the way that the callback is for: the callback is called at once, and what it
  returns or raises is returned or raised;
- resolved in the other way: so is the result, and the callback never runs;
- pending: a new promise is returned, the *outer* one, and a callback object is attached.
  When it runs, it puts the storage back and calls the user's function. Then it makes the
  promise that this returns, the *inner* one, the same as the outer one. An exception
  rejects the outer promise, since no caller is left that could catch it.

`try_bind` is the general case of `bind` and `catch`; `map` is `bind` for functions
that do not return a promise. `finalize` cleans up in the same way whatever the outcome.

OCaml: src/core/lwt.ml, Sequential_composition.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeAlias, TypeVar, final

from lwt._core.checks import check_callable, check_promise, explain_call
from lwt._core.coroutine import attempt, to_promise
from lwt._core.exceptions import note_context, rejection_of, with_context
from lwt._core.promise import (
    FULFILLED,
    PENDING,
    PROXY,
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
from lwt._core.resolution import (
    MAXIMUM_NESTING,
    call,
    postpone,
    resolution,
    run_postponed,
)
from lwt._core.storage import current_storage

A = TypeVar("A")
B = TypeVar("B")
T = TypeVar("T")

AddLocation: TypeAlias = Callable[[Exception], Exception]

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

    outer: Promise[B] = new_promise(PENDING, source)
    add_callback(source, _Bind(outer, callback))
    return outer


@final
class _Bind(Callback):
    """What `bind` attaches to a pending promise."""

    __slots__ = ("_callback", "_outer", "_storage")

    def __init__(
        self, outer: Promise[Any], callback: Callable[[Any], PromiseOrCoroutine[Any]]
    ) -> None:
        self._outer = outer
        self._callback = callback
        self._storage = current_storage.contents

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
    add_callback(source, _Map(outer, function))
    return outer


@final
class _Map(Callback):
    """What `map` attaches to a pending promise."""

    __slots__ = ("_function", "_outer", "_storage")

    def __init__(self, outer: Promise[Any], function: Callable[[Any], object]) -> None:
        self._outer = outer
        self._function = function
        self._storage = current_storage.contents

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
        return settle(self._outer, FULFILLED, value)


# --- catch, try_bind, finalize -----------------------------------------------


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
    check_callable("lwt.catch", function, ())
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
    check_callable("lwt.try_bind", function, ())
    check_callable("lwt.try_bind", on_fulfilled, ("value",))
    check_callable("lwt.try_bind", on_rejected, ("exception",))
    return try_bind_located("lwt.try_bind", function, on_fulfilled, on_rejected, None)


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
    check_callable("lwt.finalize", function, ())
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
            cleaned = handle("lwt.finalize", cleanup, value.with_own_traceback())
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


def reraise(exception: Exception, /) -> Any:
    """Raise an exception, like `raise exception`.

    OCaml: Lwt.reraise : exn -> 'a
    """
    raise exception


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
    return Rejection(exception, exception.__traceback__)
