"""Looking at the state of a promise.

OCaml: src/core/lwt.ml, Miscellaneous.
"""

from __future__ import annotations

from typing import TypeVar

from lwt._core.checks import check_promise
from lwt._core.promise import FULFILLED, PENDING, REJECTED, Promise, new_promise, underlying
from lwt._core.values import Fail, Return, Sleep, Some, State

T = TypeVar("T")


def state(promise: Promise[T], /) -> State[T]:
    """Tell the state of a promise: `Return(value)`, `Fail(exception)` or `Sleep`.

    >>> import lwt
    >>> lwt.state(lwt.return_(3))
    Return(3)

    OCaml: Lwt.state : 'a t -> 'a state
    """
    check_promise("lwt.state", promise)
    source = underlying(promise)
    if source._state == FULFILLED:
        return Return(source._value)
    if source._state == REJECTED:
        return Fail(source._value.with_own_traceback())
    return Sleep


def is_sleeping(promise: Promise[object], /) -> bool:
    """Tell whether a promise is pending.

    OCaml: Lwt.is_sleeping : 'a t -> bool
    """
    check_promise("lwt.is_sleeping", promise)
    return underlying(promise)._state == PENDING


def poll(promise: Promise[T], /) -> Some[T] | None:
    """Give the value of a promise, if it is fulfilled; `None` if it is pending.

    Raises:
        Exception: what the promise is rejected with, if it is rejected.

    OCaml: Lwt.poll : 'a t -> 'a option
    """
    check_promise("lwt.poll", promise)
    source = underlying(promise)
    if source._state == FULFILLED:
        return Some(source._value)
    if source._state == REJECTED:
        try:
            source._value.throw()
        finally:
            del promise, source  # The traceback leads to this frame: close no circle.
    return None


def debug_state_is(expected: State[T], promise: Promise[T], /) -> Promise[bool]:
    """Tell whether a promise is in a state, for tests.

    OCaml: Lwt.debug_state_is : 'a state -> 'a t -> bool t
    """
    check_promise("lwt.debug_state_is", promise)
    return new_promise(FULFILLED, state(promise) == expected)
