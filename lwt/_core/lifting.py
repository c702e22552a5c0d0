"""Lifting: ordinary functions made to return promises.

`wrap` calls a function; `wrap1` to `wrap7` return a function of so many arguments. In
Python one function could do what all of these do. The number of arguments is checked, so
that the error of a wrong call has the name that the program called.

OCaml: src/core/lwt.ml, Miscellaneous.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from lwt._core.checks import check_callable, check_callback, explain_call
from lwt._core.driver import to_promise
from lwt._core.exceptions import rejection_of
from lwt._core.promise import (
    FULFILLED,
    REJECTED,
    Promise,
    PromiseOrCoroutine,
    new_promise,
)
from lwt._core.resolution import MAXIMUM_NESTING, call, postpone, resolution

A1 = TypeVar("A1")
A2 = TypeVar("A2")
A3 = TypeVar("A3")
A4 = TypeVar("A4")
A5 = TypeVar("A5")
A6 = TypeVar("A6")
A7 = TypeVar("A7")
B = TypeVar("B")


def apply(function: Callable[[A1], PromiseOrCoroutine[B]], argument: A1, /) -> Promise[B]:
    """Call a function that returns a promise; an exception that it raises rejects the result.

    OCaml: Lwt.apply : ('a -> 'b t) -> 'a -> 'b t
    """
    check_callable("lwt.apply", function, ("argument",))
    if resolution.nesting >= MAXIMUM_NESTING:
        return postpone(apply, function, argument)
    try:
        return to_promise("lwt.apply", function, call(function, argument))
    except Exception as exception:
        explain_call(exception, "lwt.apply", function, ("argument",))
        return new_promise(REJECTED, rejection_of(exception))


def wrap(function: Callable[[], B], /) -> Promise[B]:
    """Call a function; the promise is fulfilled with what it returns, or rejected with what it raises.

    >>> import lwt
    >>> lwt.wrap(lambda: 3)
    <Promise fulfilled: 3>

    OCaml: Lwt.wrap : (unit -> 'b) -> 'b t
    """
    check_callable("lwt.wrap", function, ())
    try:
        return new_promise(FULFILLED, function())
    except Exception as exception:
        explain_call(exception, "lwt.wrap", function, ())
        return new_promise(REJECTED, rejection_of(exception))


_NAMES: Final = ("a", "b", "c", "d", "e", "f", "g")
"""What the arguments are called in the interface."""


def _wrap(number: int, function: Callable[..., B]) -> Callable[..., Promise[B]]:
    check_callback(f"lwt.wrap{number}", function, _NAMES[:number])

    def wrapped(*arguments: Any) -> Promise[B]:
        if len(arguments) != number:
            plural = "" if number == 1 else "s"
            raise TypeError(
                f"lwt.wrap{number}: the function takes {number} argument{plural}, "
                f"got {len(arguments)}"
            )
        try:
            return new_promise(FULFILLED, function(*arguments))
        except Exception as exception:
            return new_promise(REJECTED, rejection_of(exception))

    return wrapped


def wrap1(function: Callable[[A1], B], /) -> Callable[[A1], Promise[B]]:
    """Make a function of one argument return a promise, like `wrap`.

    OCaml: Lwt.wrap1 : ('a -> 'b) -> ('a -> 'b t)
    """
    return _wrap(1, function)


def wrap2(function: Callable[[A1, A2], B], /) -> Callable[[A1, A2], Promise[B]]:
    """Make a function of two arguments return a promise, like `wrap`.

    OCaml: Lwt.wrap2 : ('a -> 'b -> 'c) -> ('a -> 'b -> 'c t)
    """
    return _wrap(2, function)


def wrap3(function: Callable[[A1, A2, A3], B], /) -> Callable[[A1, A2, A3], Promise[B]]:
    """Make a function of three arguments return a promise, like `wrap`.

    OCaml: Lwt.wrap3 : ('a -> 'b -> 'c -> 'd) -> ('a -> 'b -> 'c -> 'd t)
    """
    return _wrap(3, function)


def wrap4(function: Callable[[A1, A2, A3, A4], B], /) -> Callable[[A1, A2, A3, A4], Promise[B]]:
    """Make a function of four arguments return a promise, like `wrap`.

    OCaml: Lwt.wrap4 : ('a -> 'b -> 'c -> 'd -> 'e) -> ('a -> 'b -> 'c -> 'd -> 'e t)
    """
    return _wrap(4, function)


def wrap5(
    function: Callable[[A1, A2, A3, A4, A5], B], /
) -> Callable[[A1, A2, A3, A4, A5], Promise[B]]:
    """Make a function of five arguments return a promise, like `wrap`.

    OCaml: Lwt.wrap5 : ('a -> 'b -> 'c -> 'd -> 'e -> 'f) -> ('a -> 'b -> 'c -> 'd -> 'e -> 'f t)
    """
    return _wrap(5, function)


def wrap6(
    function: Callable[[A1, A2, A3, A4, A5, A6], B], /
) -> Callable[[A1, A2, A3, A4, A5, A6], Promise[B]]:
    """Make a function of six arguments return a promise, like `wrap`.

    OCaml: Lwt.wrap6
        : ('a -> 'b -> 'c -> 'd -> 'e -> 'f -> 'g)
        -> ('a -> 'b -> 'c -> 'd -> 'e -> 'f -> 'g t)
    """
    return _wrap(6, function)


def wrap7(
    function: Callable[[A1, A2, A3, A4, A5, A6, A7], B], /
) -> Callable[[A1, A2, A3, A4, A5, A6, A7], Promise[B]]:
    """Make a function of seven arguments return a promise, like `wrap`.

    OCaml: Lwt.wrap7
        : ('a -> 'b -> 'c -> 'd -> 'e -> 'f -> 'g -> 'h)
        -> ('a -> 'b -> 'c -> 'd -> 'e -> 'f -> 'g -> 'h t)
    """
    return _wrap(7, function)
