"""Promises of results: errors as values, instead of exceptions.

`Ok(x)` and `Error(e)` are values: a promise of either is *fulfilled*. So the functions
here keep two kinds of failure apart. They pass on an `Error` as a value, and a rejection
as the functions of `lwt` do.

    result = lwt_result.bind(parse(line), evaluate)      # evaluate is called with the x of Ok(x)

OCaml's operators `>>=` and `>|=` of this module are the functions `bind` and `map` here. The
operators of `lwt.Promise` are those of module `Lwt`.

OCaml: Lwt_result (src/core/lwt_result.ml)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NoReturn, TypeAlias, TypeVar

from lwt._core.checks import (
    check_callback,
    check_promise,
    with_required_label,
    wrong_result,
    wrong_type,
)
from lwt._core.concurrent import both as both_of
from lwt._core.creation import fail as rejected
from lwt._core.creation import return_ as return_of
from lwt._core.creation import return_unit
from lwt._core.driver import to_promise
from lwt._core.handling import catch as catch_of
from lwt._core.promise import Promise, PromiseOrCoroutine
from lwt._core.sequential import bind as bind_of
from lwt._core.sequential import map as map_of
from lwt._core.values import Error, Ok

__all__ = [
    # The type
    "Result",
    "t",
    # Making promises of results
    "return_",
    "fail",
    "lift",
    "ok",
    "error",
    "catch",
    "get_exn",
    # Going on
    "map",
    "map_error",
    "bind",
    "bind_error",
    "bind_lwt",
    "bind_lwt_error",
    "bind_result",
    "both",
    "iter",
    "iter_error",
    # Other names
    "Infix",
    "Let_syntax",
    "Syntax",
    "map_err",
    "bind_lwt_err",
]

A = TypeVar("A")
B = TypeVar("B")
E = TypeVar("E")
F = TypeVar("F")

Result: TypeAlias = Promise[Ok[A] | Error[E]]
"""A promise of a result.

OCaml: type ('a, 'b) Lwt_result.t = ('a, 'b) result Lwt.t
"""

t: TypeAlias = Result[A, E]


_RESULT: Final = "lwt.Ok(value) or lwt.Error(error)"


_IN_PROMISE: Final = f"{_RESULT} in the promise"
_MAKE_ONE: Final = "lwt_result.ok puts the value of a promise into lwt.Ok"

# --- Making promises of results ----------------------------------------------


def return_(value: A, /) -> Promise[Ok[A]]:
    """Make a promise that is fulfilled with `Ok(value)`.

    OCaml: Lwt_result.return : 'a -> ('a, _) t
    """
    return return_of(Ok(value))


def fail(error: E, /) -> Promise[Error[E]]:
    """Make a promise that is *fulfilled* with `Error(error)`.

    OCaml: Lwt_result.fail : 'b -> (_, 'b) t
    """
    return return_of(Error(error))


def lift(result: Ok[A] | Error[E], /) -> Result[A, E]:
    """Make a promise that is fulfilled with a result.

    OCaml: Lwt_result.lift : ('a, 'b) result -> ('a, 'b) t
    """
    if type(result) is not Ok and type(result) is not Error:
        raise wrong_type("lwt_result.lift", _RESULT, result)
    return return_of(result)


def ok(promise: Promise[A], /) -> Promise[Ok[A]]:
    """Put the value of a promise into `Ok`; a rejection stays a rejection.

    OCaml: Lwt_result.ok : 'a Lwt.t -> ('a, _) t
    """
    check_promise("lwt_result.ok", promise)
    return map_of(Ok, promise)


def error(promise: Promise[E], /) -> Promise[Error[E]]:
    """Put the value of a promise into `Error`; a rejection stays a rejection.

    OCaml: Lwt_result.error : 'b Lwt.t -> (_, 'b) t
    """
    check_promise("lwt_result.error", promise)
    return map_of(Error, promise)


def catch(f: Callable[[], PromiseOrCoroutine[A]], /) -> Result[A, Exception]:
    """Call a function; give `Ok` of the value of its promise, or `Error` of its exception.

    >>> from lwt import lwt_result
    >>> lwt_result.catch(lambda: 1 // 0)
    <Promise fulfilled: Error(ZeroDivisionError('integer division or modulo by zero'))>

    OCaml: Lwt_result.catch : (unit -> 'a Lwt.t) -> ('a, exn) t
    """
    check_callback("lwt_result.catch", f, ())
    return catch_of(lambda: ok(to_promise("lwt_result.catch", f, f())), fail)


def get_exn(promise: Result[A, Exception], /) -> Promise[A]:
    """Undo `catch`: give the value of `Ok`, or reject with the exception of `Error`.

    OCaml: Lwt_result.get_exn : ('a, exn) t -> 'a Lwt.t
    """
    check_promise("lwt_result.get_exn", promise)

    def unwrap(result: Ok[A] | Error[Exception]) -> Promise[A] | Promise[NoReturn]:
        if type(result) is Ok:
            return return_of(result.value)
        if type(result) is Error:
            return rejected(result.error)
        raise wrong_type("lwt_result.get_exn", _IN_PROMISE, result, _MAKE_ONE)

    return bind_of(promise, unwrap)


# --- Going on ----------------------------------------------------------------


def map(f: Callable[[A], B], promise: Result[A, E], /) -> Result[B, E]:
    """Apply a function to the value of `Ok`; what it raises becomes a rejection.

    OCaml: Lwt_result.map : ('a -> 'b) -> ('a, 'e) t -> ('b, 'e) t
    """
    check_callback("lwt_result.map", f, ("value",))
    check_promise("lwt_result.map", promise)

    def apply(result: Ok[A] | Error[E]) -> Ok[B] | Error[E]:
        if type(result) is Ok:
            return Ok(f(result.value))
        if type(result) is Error:
            return result
        raise wrong_type("lwt_result.map", _IN_PROMISE, result, _MAKE_ONE)

    return map_of(apply, promise)


def map_error(f: Callable[[E], F], promise: Result[A, E], /) -> Result[A, F]:
    """Apply a function to what is in `Error`; what it raises becomes a rejection.

    OCaml: Lwt_result.map_error : ('e1 -> 'e2) -> ('a, 'e1) t -> ('a, 'e2) t
    """
    check_callback("lwt_result.map_error", f, ("error",))
    check_promise("lwt_result.map_error", promise)

    def apply(result: Ok[A] | Error[E]) -> Ok[A] | Error[F]:
        if type(result) is Error:
            return Error(f(result.error))
        if type(result) is Ok:
            return result
        raise wrong_type("lwt_result.map_error", _IN_PROMISE, result, _MAKE_ONE)

    return map_of(apply, promise)


def bind(
    promise: Result[A, E], f: Callable[[A], PromiseOrCoroutine[Ok[B] | Error[E]]], /
) -> Result[B, E]:
    """Go on with the value of `Ok`; an `Error` is the result, and the function is not called.

    >>> from lwt import Error, lwt_result
    >>> def half(x: int) -> lwt_result.t[int, str]:
    ...     return lwt_result.fail("odd") if x % 2 else lwt_result.return_(x // 2)
    >>> lwt_result.bind(half(6), half)
    <Promise fulfilled: Error('odd')>

    Raises:
        Exception: what the function raises, if the promise is fulfilled already.

    OCaml: Lwt_result.bind : ('a, 'e) t -> ('a -> ('b, 'e) t) -> ('b, 'e) t
    """
    return _bind("lwt_result.bind", promise, Ok, f)


def bind_error(
    promise: Result[A, E], f: Callable[[E], PromiseOrCoroutine[Ok[A] | Error[F]]], /
) -> Result[A, F]:
    """Go on with what is in `Error`; an `Ok` is the result, and the function is not called.

    Raises:
        Exception: what the function raises, if the promise is fulfilled already.

    OCaml: Lwt_result.bind_error : ('a, 'e1) t -> ('e1 -> ('a, 'e2) t) -> ('a, 'e2) t
    """
    return _bind("lwt_result.bind_error", promise, Error, f)


def _bind(
    function: str,
    promise: Promise[Any],
    kind: type[Ok[Any]] | type[Error[Any]],
    f: Callable[[Any], PromiseOrCoroutine[Any]],
    then: Callable[[Promise[Any]], Promise[Any]] = lambda promise: promise,
) -> Promise[Any]:
    """Go on with results of one kind by `f`, and from its promise by `then`."""
    check_promise(function, promise)
    check_callback(function, f, ("error",) if kind is Error else ("value",))

    def follow(result: object) -> Promise[Any]:
        content: Any
        if type(result) is Ok:
            content = result.value
        elif type(result) is Error:
            content = result.error
        else:
            raise wrong_type(function, _IN_PROMISE, result, _MAKE_ONE)
        if type(result) is not kind:
            return return_of(result)
        return then(to_promise(function, f, f(content)))

    return bind_of(promise, follow)


def bind_lwt(promise: Result[A, E], f: Callable[[A], PromiseOrCoroutine[B]], /) -> Result[B, E]:
    """Like `bind`, with a function whose promise gives a value, which is put into `Ok`.

    Raises:
        Exception: what the function raises, if the promise is fulfilled already.

    OCaml: Lwt_result.bind_lwt : ('a, 'e) t -> ('a -> 'b Lwt.t) -> ('b, 'e) t
    """
    return _bind("lwt_result.bind_lwt", promise, Ok, f, ok)


def bind_lwt_error(
    promise: Result[A, E], f: Callable[[E], PromiseOrCoroutine[F]], /
) -> Result[A, F]:
    """Like `bind_error`, with a function whose promise gives what is put into `Error`.

    Raises:
        Exception: what the function raises, if the promise is fulfilled already.

    OCaml: Lwt_result.bind_lwt_error : ('a, 'e1) t -> ('e1 -> 'e2 Lwt.t) -> ('a, 'e2) t
    """
    return _bind("lwt_result.bind_lwt_error", promise, Error, f, error)


def bind_result(promise: Result[A, E], f: Callable[[A], Ok[B] | Error[E]], /) -> Result[B, E]:
    """Like `bind`, with a function that returns a result; what it raises becomes a rejection.

    OCaml: Lwt_result.bind_result : ('a, 'e) t -> ('a -> ('b, 'e) result) -> ('b, 'e) t
    """
    check_promise("lwt_result.bind_result", promise)
    check_callback("lwt_result.bind_result", f, ("value",))

    def apply(result: Ok[A] | Error[E]) -> Ok[B] | Error[E]:
        if type(result) is Error:
            return result
        if type(result) is not Ok:
            raise wrong_type("lwt_result.bind_result", _IN_PROMISE, result, _MAKE_ONE)
        next_result = f(result.value)
        if type(next_result) is not Ok and type(next_result) is not Error:
            hint = f"return {_RESULT}"
            raise wrong_result("lwt_result.bind_result", f, next_result, "a result", hint)
        return next_result

    return map_of(apply, promise)


def both(first: Result[A, E], second: Result[B, E], /) -> Result[tuple[A, B], E]:
    """Wait for two promises of results; give `Ok` of the pair, or the `Error` that came first.

    If both are an `Error` already, the second one counts, as in OCaml.

    OCaml: Lwt_result.both : ('a, 'e) t -> ('b, 'e) t -> ('a * 'b, 'e) t
    """
    check_promise("lwt_result.both", first)
    check_promise("lwt_result.both", second)
    errors: list[E] = []
    # OCaml evaluates the parts of a pair from the last to the first.
    second_noted = map_error(errors.append, second)
    first_noted = map_error(errors.append, first)

    def pair(
        results: tuple[Ok[A] | Error[None], Ok[B] | Error[None]],
    ) -> Ok[tuple[A, B]] | Error[E]:
        of_first, of_second = results
        if type(of_first) is Ok and type(of_second) is Ok:
            return Ok((of_first.value, of_second.value))
        return Error(errors[0])

    return map_of(pair, both_of(first_noted, second_noted))


def iter(f: Callable[[A], PromiseOrCoroutine[object]], promise: Result[A, E], /) -> Promise[None]:
    """Call a function with the value of `Ok`, and wait for its promise; ignore an `Error`.

    Raises:
        Exception: what the function raises, if the promise is fulfilled already.

    OCaml: Lwt_result.iter : ('a -> unit Lwt.t) -> ('a, 'e) t -> unit Lwt.t
    """
    return _iter("lwt_result.iter", promise, Ok, f)


def iter_error(
    f: Callable[[E], PromiseOrCoroutine[object]], promise: Result[A, E], /
) -> Promise[None]:
    """Call a function with what is in `Error`, and wait for its promise; ignore an `Ok`.

    Raises:
        Exception: what the function raises, if the promise is fulfilled already.

    OCaml: Lwt_result.iter_error : ('e -> unit Lwt.t) -> ('a, 'e) t -> unit Lwt.t
    """
    return _iter("lwt_result.iter_error", promise, Error, f)


def _iter(
    function: str,
    promise: Promise[Any],
    kind: type[Ok[Any]] | type[Error[Any]],
    f: Callable[[Any], PromiseOrCoroutine[object]],
) -> Promise[None]:
    check_callback(function, f, ("error",) if kind is Error else ("value",))
    check_promise(function, promise)

    def follow(result: object) -> Promise[Any]:
        if type(result) is Ok:
            content = result.value
        elif type(result) is Error:
            content = result.error
        else:
            raise wrong_type(function, _IN_PROMISE, result, _MAKE_ONE)
        return to_promise(function, f, f(content)) if type(result) is kind else return_unit

    return bind_of(promise, follow)


# --- Other names -------------------------------------------------------------

map_err = map_error
"""The old name of `map_error`.

OCaml: Lwt_result.map_err : ('e1 -> 'e2) -> ('a, 'e1) t -> ('a, 'e2) t
"""

bind_lwt_err = bind_lwt_error
"""The old name of `bind_lwt_error`.

OCaml: Lwt_result.bind_lwt_err : ('a, 'e1) t -> ('e1 -> 'e2 Lwt.t) -> ('a, 'e2) t
"""


class Let_syntax:
    """The namespace that holds `Let_syntax`.

    OCaml: module Lwt_result.Let_syntax
    """

    class Let_syntax:
        """What `let%bind` and `let%map` of OCaml's ppx_let stand on.

        OCaml: module Lwt_result.Let_syntax.Let_syntax
        """

        return_ = staticmethod(return_)
        both = staticmethod(both)

        @staticmethod
        @with_required_label
        def map(promise: Result[A, E], /, *, f: Callable[[A], B]) -> Result[B, E]:
            """`lwt_result.map` with its arguments the other way round.

            OCaml: Lwt_result.Let_syntax.Let_syntax.map : ('a, 'e) t -> f:('a -> 'b) -> ('b, 'e) t
            """
            return map(f, promise)

        @staticmethod
        @with_required_label
        def bind(
            promise: Result[A, E],
            /,
            *,
            f: Callable[[A], PromiseOrCoroutine[Ok[B] | Error[E]]],
        ) -> Result[B, E]:
            """`lwt_result.bind` with a label.

            OCaml: Lwt_result.Let_syntax.Let_syntax.bind : ('a, 'e) t -> f:('a -> ('b, 'e) t) -> ('b, 'e) t
            """
            return bind(promise, f)

        class Open_on_rhs:
            """Empty, as in OCaml.

            OCaml: module Lwt_result.Let_syntax.Let_syntax.Open_on_rhs
            """


class Infix:
    """Operators in OCaml; in Python `bind` and `map`.

    OCaml: module Lwt_result.Infix
    """


class Syntax:
    """`let*`, `and*`, `let+`, `and+` in OCaml; `bind`, `both`, `map` in Python.

    OCaml: module Lwt_result.Syntax
    """
