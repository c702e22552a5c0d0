"""Making promises: resolved ones, and pending ones with their resolvers.

`return_` and functions like it make promises that are resolved from the start. `wait` and
`task` make pending ones; the `wakeup` family resolves these. `wakeup` runs the callbacks
of the promise before it returns. So does `wakeup_later`, unless it is called by a
callback: then they run when the outermost callbacks have run.

OCaml: src/core/lwt.ml, Trivial_promises, Pending_promises, Resolving.
"""

from __future__ import annotations

from typing import Any, Final, NoReturn, TypeVar

from lwt._core.checks import check_exception, check_kind, wrong_type
from lwt._core.exceptions import Canceled, Failure, rejection_by
from lwt._core.promise import (
    CANCEL_THIS,
    FULFILLED,
    PENDING,
    REJECTED,
    Promise,
    Resolver,
    new_promise,
    settle,
    underlying,
)
from lwt._core.resolution import defer_callbacks, run_callbacks
from lwt._core.ring import Node, Sequence, put_after, put_before, remove
from lwt._core.values import Error, Ok, Some

T = TypeVar("T")
E = TypeVar("E")

# --- Promises that are resolved already --------------------------------------


def return_(value: T, /) -> Promise[T]:
    """Make a promise that is fulfilled with a value.

    OCaml: Lwt.return : 'a -> 'a t
    """
    # `new_promise`, without a call.
    promise: Promise[T] = Promise()
    promise._state = FULFILLED
    promise._value = value
    promise._callbacks = promise._cancel_callbacks = None
    return promise


def fail(exception: Exception, /) -> Promise[NoReturn]:
    """Make a promise that is rejected with an exception.

    In a callback, `raise` is better: it records a traceback. But one exception that is raised again
    and again keeps the frames of each time; one that is given to `fail` does not grow.

    OCaml: Lwt.fail : exn -> _ t
    """
    check_exception("lwt.fail", exception)
    return new_promise(REJECTED, rejection_by(exception))


def of_result(result: Ok[T] | Error[Exception], /) -> Promise[T]:
    """Make a promise that is resolved with a result: fulfilled by `Ok`, rejected by `Error`.

    OCaml: Lwt.of_result : ('a, exn) result -> 'a t
    """
    return new_promise(*_state_of_result("lwt.of_result", result))


return_unit: Final[Promise[None]] = return_(None)
"""A promise that is fulfilled with `None`.

OCaml: Lwt.return_unit : unit t
"""

return_none: Final[Promise[None]] = return_(None)
"""A promise that is fulfilled with the option `None`.

OCaml: Lwt.return_none : (_ option) t
"""

return_nil: Final[Promise[list[Any]]] = return_([])
"""A promise that is fulfilled with an empty list; it is shared, so do not change the list.

OCaml: Lwt.return_nil : (_ list) t
"""

return_true: Final[Promise[bool]] = return_(True)
"""A promise that is fulfilled with `True`.

OCaml: Lwt.return_true : bool t
"""

return_false: Final[Promise[bool]] = return_(False)
"""A promise that is fulfilled with `False`.

OCaml: Lwt.return_false : bool t
"""


def return_some(value: T, /) -> Promise[Some[T]]:
    """Make a promise that is fulfilled with `Some(value)`.

    OCaml: Lwt.return_some : 'a -> ('a option) t
    """
    return new_promise(FULFILLED, Some(value))


def return_ok(value: T, /) -> Promise[Ok[T]]:
    """Make a promise that is fulfilled with `Ok(value)`.

    OCaml: Lwt.return_ok : 'a -> (('a, _) result) t
    """
    return new_promise(FULFILLED, Ok(value))


def return_error(error: E, /) -> Promise[Error[E]]:
    """Make a promise that is *fulfilled* with `Error(error)`.

    OCaml: Lwt.return_error : 'e -> ((_, 'e) result) t
    """
    return new_promise(FULFILLED, Error(error))


def fail_with(message: str, /) -> Promise[NoReturn]:
    """Make a promise that is rejected with `Failure(message)`.

    OCaml: Lwt.fail_with : string -> _ t
    """
    return fail(Failure(message))


def fail_invalid_arg(message: str, /) -> Promise[NoReturn]:
    """Make a promise that is rejected with `ValueError(message)`.

    OCaml: Lwt.fail_invalid_arg : string -> _ t
    """
    return fail(ValueError(message))


# --- Promises that are resolved later ----------------------------------------


def wait() -> tuple[Promise[T], Resolver[T]]:
    """Make a pending promise that cannot be cancelled, and its resolver.

    OCaml: Lwt.wait : unit -> 'a t * 'a u
    """
    # `new_promise`, without a call.
    promise: Promise[T] = Promise()
    promise._state = PENDING
    promise._value = promise._callbacks = promise._cancel_callbacks = None
    resolver: Resolver[T] = Resolver()
    resolver._promise = promise
    return promise, resolver


def task() -> tuple[Promise[T], Resolver[T]]:
    """Make a pending promise that can be cancelled, and its resolver.

    `lwt.cancel` rejects it with `Canceled`.

    OCaml: Lwt.task : unit -> 'a t * 'a u
    """
    pair: tuple[Promise[T], Resolver[T]] = wait()
    pair[0]._value = CANCEL_THIS
    return pair


_MAKE_SEQUENCE: Final = "make one with lwt_sequence.create()"


class _RemoveNode:
    """The cancel callback that takes a resolver out of its sequence."""

    __slots__ = ("_node",)

    def __init__(self, node: Node[Resolver[Any]]) -> None:
        self._node = node

    def run_cancel(self) -> None:
        remove(self._node)


def add_task_r(sequence: Sequence[Resolver[T]], /) -> Promise[T]:
    """Make a cancelable promise whose resolver is added at the right end of a sequence.

    Cancelling the promise removes the resolver.

    OCaml: Lwt.add_task_r : 'a u Lwt_sequence.t -> 'a t
    """
    check_kind("lwt.add_task_r", sequence, Sequence, _MAKE_SEQUENCE)
    resolver: Resolver[T]
    promise, resolver = task()
    node = Node(resolver)
    promise._cancel_callbacks = [_RemoveNode(node)]
    put_before(node, sequence)
    return promise


def add_task_l(sequence: Sequence[Resolver[T]], /) -> Promise[T]:
    """Make a cancelable promise whose resolver is added at the left end of a sequence.

    Cancelling the promise removes the resolver.

    OCaml: Lwt.add_task_l : 'a u Lwt_sequence.t -> 'a t
    """
    check_kind("lwt.add_task_l", sequence, Sequence, _MAKE_SEQUENCE)
    resolver: Resolver[T]
    promise, resolver = task()
    node = Node(resolver)
    promise._cancel_callbacks = [_RemoveNode(node)]
    put_after(node, sequence)
    return promise


# --- Resolving ---------------------------------------------------------------


def wakeup(resolver: Resolver[T], value: T, /) -> None:
    """Fulfill the promise of a resolver, and run its callbacks before returning.

    If the promise was cancelled, nothing happens.

    Raises:
        ValueError: the promise is resolved already.

    OCaml: Lwt.wakeup : 'a u -> 'a -> unit
    """
    if type(resolver) is Resolver and resolver._promise._state == PENDING:
        # Nearly always. This is `settle`, without a call.
        promise = resolver._promise
        promise._state = FULFILLED
        promise._value = value
        run_callbacks(promise)
        return
    waiting = _pending_promise("lwt.wakeup", resolver)
    if waiting is not None:
        run_callbacks(settle(waiting, FULFILLED, value))


def wakeup_exn(resolver: Resolver[Any], exception: Exception, /) -> None:
    """Reject the promise of a resolver, and run its callbacks before returning.

    Raises:
        ValueError: the promise is resolved already.

    OCaml: Lwt.wakeup_exn : _ u -> exn -> unit
    """
    check_exception("lwt.wakeup_exn", exception)
    rejection = rejection_by(exception)
    promise = _settled("lwt.wakeup_exn", resolver, REJECTED, rejection)
    if promise is not None:
        del exception, rejection  # Its traceback may come to lead to this frame: close no circle.
        try:
            run_callbacks(promise)
        finally:
            del promise


def wakeup_result(resolver: Resolver[T], result: Ok[T] | Error[Exception], /) -> None:
    """Resolve the promise of a resolver with a result, and run its callbacks before returning.

    Raises:
        ValueError: the promise is resolved already.

    OCaml: Lwt.wakeup_result : 'a u -> ('a, exn) result -> unit
    """
    state, value = _state_of_result("lwt.wakeup_result", result)
    promise = _settled("lwt.wakeup_result", resolver, state, value)
    if promise is not None:
        run_callbacks(promise)


def wakeup_later(resolver: Resolver[T], value: T, /) -> None:
    """Fulfill the promise of a resolver, and run its callbacks now or a little later.

    They run now, unless this is called by a callback of another promise: then they
    run when that promise's callbacks, and all that these started, have run.

    Raises:
        ValueError: the promise is resolved already.

    OCaml: Lwt.wakeup_later : 'a u -> 'a -> unit
    """
    promise = _pending_promise("lwt.wakeup_later", resolver)
    if promise is not None:
        defer_callbacks(settle(promise, FULFILLED, value))


def wakeup_later_exn(resolver: Resolver[Any], exception: Exception, /) -> None:
    """Reject the promise of a resolver, in the way of `wakeup_later`.

    Raises:
        ValueError: the promise is resolved already.

    OCaml: Lwt.wakeup_later_exn : _ u -> exn -> unit
    """
    check_exception("lwt.wakeup_later_exn", exception)
    rejection = rejection_by(exception)
    promise = _settled("lwt.wakeup_later_exn", resolver, REJECTED, rejection)
    if promise is not None:
        del exception, rejection  # As in wakeup_exn.
        try:
            defer_callbacks(promise)
        finally:
            del promise


def wakeup_later_result(resolver: Resolver[T], result: Ok[T] | Error[Exception], /) -> None:
    """Resolve the promise of a resolver with a result, in the way of `wakeup_later`.

    Raises:
        ValueError: the promise is resolved already.

    OCaml: Lwt.wakeup_later_result : 'a u -> ('a, exn) result -> unit
    """
    state, value = _state_of_result("lwt.wakeup_later_result", result)
    promise = _settled("lwt.wakeup_later_result", resolver, state, value)
    if promise is not None:
        defer_callbacks(promise)


def _pending_promise(function: str, resolver: Resolver[Any]) -> Promise[Any] | None:
    """The promise that a resolver is about to resolve; None if it was cancelled."""
    if type(resolver) is not Resolver:
        hint = ""
        if isinstance(resolver, Promise):
            hint = "it is the second item of what lwt.wait() returned"
        check_kind(function, resolver, Resolver, hint)
    promise = resolver._promise
    if promise._state == PENDING:
        return promise
    promise = underlying(promise)
    if promise._state == PENDING:
        return promise
    if promise._state == REJECTED and isinstance(promise._value.exception, Canceled):
        return None
    raise ValueError(
        # OCaml's text begins with OCaml's name.
        f"{function.capitalize()}: the promise is resolved already: {promise!r}; "
        f"a resolver can be used once, lwt.is_sleeping(promise) tells whether it was"
    )


def _settled(function: str, resolver: Resolver[Any], state: int, value: Any) -> Promise[Any] | None:
    """Resolve the promise of a resolver, without its callbacks; None if it was cancelled."""
    if state == REJECTED:
        value.is_seen = True  # Nobody has to see it, unless there is a promise that it rejects.
    promise = _pending_promise(function, resolver)
    if promise is None:
        return None
    if state == REJECTED:
        value.is_seen = False
    return settle(promise, state, value)


def _state_of_result(function: str, result: Ok[Any] | Error[Exception]) -> tuple[int, object]:
    match result:
        case Ok(value):
            return FULFILLED, value
        case Error(exception):
            check_exception(function, exception)
            return REJECTED, rejection_by(exception)
    raise wrong_type(function, "lwt.Ok(value) or lwt.Error(exception)", result)
