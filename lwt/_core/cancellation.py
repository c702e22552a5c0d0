"""Cancelling: a search backward from a promise, for promises of `task` to reject.

A pending promise knows how it is cancelled (`HowToCancel`). A promise of `task` is
rejected with `Canceled`. A promise of `bind`, `join` and so on passes the cancel on to
what it waits for. A promise of `wait` ignores it. `cancel` first rejects all that it
finds. Then it runs their callbacks, which carry the rejections forward as always.

A side topic: nothing else needs it, and one may read the core without it.

OCaml: src/core/lwt.ml, Resolving.cancel, on_cancel, protected, no_cancel,
wrap_in_cancelable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, final

from lwt._core.checks import check_callable, check_promise
from lwt._core.exceptions import Canceled
from lwt._core.promise import (
    CANCEL_THIS,
    FULFILLED,
    PENDING,
    REJECTED,
    Callback,
    HowToCancel,
    Promise,
    Rejection,
    add_callback,
    add_cancel_callback,
    new_promise,
    remove_callback,
    settle,
    underlying,
)
from lwt._core.resolution import (
    MAXIMUM_NESTING,
    call,
    call_or_report,
    postpone_action,
    resolution,
    run_callbacks,
)
from lwt._core.storage import current_storage

T = TypeVar("T")


def cancel(promise: Promise[object], /) -> None:
    """Cancel what a promise waits for.

    All promises of `task` that `promise` depends on are rejected with `Canceled`, then
    their callbacks run. A promise that is resolved already, or depends only on promises
    of `wait`, is left alone.

    >>> import lwt
    >>> p, _ = lwt.task()
    >>> q = lwt.map(str, p)
    >>> lwt.cancel(q)
    >>> q
    <Promise rejected: Canceled()>

    OCaml: Lwt.cancel : _ t -> unit
    """
    if type(promise) is not Promise:
        check_promise("lwt.cancel", promise)
    if promise._state not in (FULFILLED, REJECTED):
        cancel_by(promise, Rejection(Canceled(), None))


def cancel_by(promise: Promise[object], rejection: Rejection) -> None:
    """Cancel what a promise waits for; it may be one of several that are cancelled together."""
    if promise._state in (FULFILLED, REJECTED):
        return
    if promise._state == PENDING and promise._value is CANCEL_THIS:
        # Most often: there is nothing to search for.
        promise._state = REJECTED
        promise._value = rejection
        run_callbacks(promise)
        return
    canceled: list[Promise[Any]] = []
    to_visit: list[Promise[Any]] = [promise]
    visited: set[int] = set()
    while to_visit:
        current = underlying(to_visit.pop())
        if current._state != PENDING:
            continue
        how_to_cancel: HowToCancel = current._value
        if how_to_cancel is None:
            continue
        if how_to_cancel is CANCEL_THIS:
            canceled.append(settle(current, REJECTED, rejection))
        elif id(current) in visited:
            pass  # Async functions that await each other make a circle.
        else:
            visited.add(id(current))
            if type(how_to_cancel) is Promise:
                to_visit.append(how_to_cancel)
            else:
                to_visit.extend(reversed(how_to_cancel))
    # OCaml collects them in a list from the front: the last found comes first.
    remaining = reversed(canceled)
    try:
        for canceled_promise in remaining:
            run_callbacks(canceled_promise)
    finally:
        # After an exception that leaves, the callbacks of the others run later.
        resolution.deferred.extend(remaining)


def on_cancel(promise: Promise[object], function: Callable[[], object], /) -> None:
    """Call a function if the promise is cancelled, before its other callbacks.

    If the promise is rejected with `Canceled` already, the function is called at once.
    Exceptions of the function go to `async_exception_hook`.

    OCaml: Lwt.on_cancel : _ t -> (unit -> unit) -> unit
    """
    check_promise("lwt.on_cancel", promise)
    check_callable("lwt.on_cancel", function, ())
    source = underlying(promise)
    if source._state == PENDING:
        add_cancel_callback(source, _CancelCallback(function))
    elif source._state == REJECTED and isinstance(source._value.exception, Canceled):
        if resolution.nesting >= MAXIMUM_NESTING:
            postpone_action(call_or_report, "lwt.on_cancel", function)
        else:
            call(call_or_report, "lwt.on_cancel", function)


@final
class _CancelCallback:
    """What `on_cancel` attaches to a pending promise."""

    __slots__ = ("_function", "_storage")

    def __init__(self, function: Callable[[], object]) -> None:
        self._function = function
        self._storage = current_storage.contents

    def run_cancel(self) -> None:
        current_storage.contents = self._storage
        call_or_report("lwt.on_cancel", self._function)


def protected(promise: Promise[T], /) -> Promise[T]:
    """Make a promise that can be cancelled without cancelling the one that it follows.

    It is resolved like `promise`, unless it is cancelled before.

    OCaml: Lwt.protected : 'a t -> 'a t
    """
    check_promise("lwt.protected", promise)
    source = underlying(promise)
    if source._state != PENDING:
        return promise
    follower: Promise[T] = new_promise(PENDING, CANCEL_THIS)
    protection = _Protection(source, follower)
    follower._cancel_callbacks = [protection]
    add_callback(source, protection)
    return follower


@final
class _Protection(Callback):
    """What `protected` attaches to both promises: one object, since streams make many.

    It resolves the follower like the promise; or, when the follower is cancelled, it takes
    itself back from the promise, like a `RemovableCallback`.
    """

    __slots__ = ("_follower", "_promise", "_storage", "removed")

    def __init__(self, promise: Promise[Any], follower: Promise[Any]) -> None:
        self._promise: Promise[Any] | None = promise
        self._follower: Promise[Any] | None = follower
        self._storage = current_storage.contents
        self.removed = False

    def run(self, promise: Promise[Any], /) -> Promise[Any] | None:
        follower = self._follower
        if follower is None:
            return None
        self._forget()
        return follow(promise, (), follower)

    def run_cancel(self) -> None:
        # OCaml's is a callback of `on_cancel`, and leaves its storage behind.
        current_storage.contents = self._storage
        promise = self._promise
        if promise is None:
            return
        self._forget()
        source = underlying(promise)
        if source._state == PENDING:
            remove_callback(source, self)

    def _forget(self) -> None:
        self._promise = self._follower = None
        self.removed = True


def follow(
    promise: Promise[Any], _: Sequence[Promise[Any]], follower: Promise[Any]
) -> Promise[Any] | None:
    """Resolve a promise like another, unless it was cancelled before."""
    # One cancel may have found both promises: the follower is rejected then, and has not
    # yet had the chance to remove the callback. (OCaml's behaviour is undefined.)
    if underlying(follower)._state != PENDING:
        return None
    return settle(follower, promise._state, promise._value)


def no_cancel(promise: Promise[T], /) -> Promise[T]:
    """Make a promise that follows another, and that cancelling does not reach.

    OCaml: Lwt.no_cancel : 'a t -> 'a t
    """
    check_promise("lwt.no_cancel", promise)
    source = underlying(promise)
    if source._state != PENDING:
        return promise
    follower: Promise[T] = new_promise(PENDING, None)
    add_callback(source, _Follow(follower))
    return follower


@final
class _Follow(Callback):
    """What `no_cancel` attaches: it resolves a promise like another."""

    __slots__ = ("_follower",)

    def __init__(self, follower: Promise[Any]) -> None:
        self._follower = follower

    def run(self, promise: Promise[Any], /) -> Promise[Any]:
        return settle(self._follower, promise._state, promise._value)


def wrap_in_cancelable(promise: Promise[T], /) -> Promise[T]:
    """Make a promise that can be cancelled, even if the one that it follows cannot.

    Cancelling it rejects it at once, and also cancels `promise`.

    OCaml: Lwt.wrap_in_cancelable : 'a t -> 'a t
    """
    check_promise("lwt.wrap_in_cancelable", promise)
    source = underlying(promise)
    if source._state != PENDING:
        return promise
    follower: Promise[T] = new_promise(PENDING, CANCEL_THIS)
    add_cancel_callback(follower, _CancelCallback(lambda: cancel(promise)))
    add_callback(source, _FollowUnlessResolved(follower))
    return follower


@final
class _FollowUnlessResolved(Callback):
    """What `wrap_in_cancelable` attaches: its promise may have been cancelled before."""

    __slots__ = ("_follower", "_storage")

    def __init__(self, follower: Promise[Any]) -> None:
        self._follower = follower
        self._storage = current_storage.contents

    def run(self, promise: Promise[Any], /) -> Promise[Any] | None:
        current_storage.contents = self._storage
        if underlying(self._follower)._state != PENDING:
            return None
        return settle(self._follower, promise._state, promise._value)
