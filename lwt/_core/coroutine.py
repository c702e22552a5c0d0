"""Coroutines as promises: `promised`, `of_coroutine`, and `await`.

The body of an `async def` function runs at once, up to its first pending promise, and
goes on when that is resolved (`driver`). So `await p` is `bind`, and the rest of the body
is its callback.

The promise that a body returns takes the place of its own, like the one that a callback of
`bind` returns: `return loop()` is a tail call, and takes no memory however often it is made.

Each body has its own copy of the context (`contextvars`) in which it was called, as a task of
asyncio has, and keeps it across every `await`. Callbacks of `bind` and its kin have none: they run
in the context of whoever resolves.

One thing differs from `bind`: an exception of the body always rejects its promise,
whether or not the body has waited before. An `async def` function is a whole
computation, and its caller need not ask how far it went.

OCaml: the syntax `let%lwt x = p in e`.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from types import CoroutineType
from typing import Any, ParamSpec, TypeVar, overload

from lwt._core.checks import wrong_result, wrong_type
from lwt._core.driver import SuspendedForValue, start
from lwt._core.interpreted import interpreted
from lwt._core.promise import (
    Promise,
)

T = TypeVar("T")
P = ParamSpec("P")


@overload
def of_coroutine(coroutine: Coroutine[Any, Any, Promise[T]], /) -> Promise[T]: ...
@overload
def of_coroutine(coroutine: Coroutine[Any, Any, T], /) -> Promise[T]: ...
def of_coroutine(coroutine: Coroutine[Any, Any, Any], /) -> Promise[Any]:
    """Run a coroutine, at once, up to its first pending promise; return its promise.

    The promise is fulfilled with what the coroutine returns, or rejected with what it
    raises. If the coroutine returns a promise, it is the same as that. Cancelling it cancels
    the promise that the coroutine waits for.
    """
    if type(coroutine) is CoroutineType:
        return start(coroutine)
    if not isinstance(coroutine, Coroutine):
        hint = ""
        if isinstance(coroutine, Promise):
            hint = "it is a promise already"
        elif callable(coroutine):
            hint = "was it to be called?"
        raise wrong_type("lwt.of_coroutine", "a coroutine", coroutine, hint)
    return start(interpreted(coroutine))


def run_for_value(coroutine: Coroutine[Any, Any, T]) -> Promise[T]:
    """Run a body of our own whose result is a user's value, so that it is not handed over to."""
    if type(coroutine) is not CoroutineType:  # Its file is compiled.
        coroutine = interpreted(coroutine)
    return start(coroutine, SuspendedForValue)


@overload
def promised(
    function: Callable[P, Coroutine[Any, Any, Promise[T]]], /
) -> Callable[P, Promise[T]]: ...
@overload
def promised(function: Callable[P, Coroutine[Any, Any, T]], /) -> Callable[P, Promise[T]]: ...
def promised(function: Callable[P, Coroutine[Any, Any, Any]], /) -> Callable[P, Promise[Any]]:
    """Make an `async def` function return a promise, running its body at once.

    A body that returns a promise hands over to it: `return loop()` is a tail call.

    >>> import lwt
    >>> @lwt.promised
    ... async def add(p: lwt.Promise[int], q: lwt.Promise[int]) -> int:
    ...     return await p + await q
    >>> add(lwt.return_(1), lwt.return_(2))
    <Promise fulfilled: 3>

    OCaml: let f x = let%lwt … in …
    """
    if not callable(function):
        raise wrong_type("lwt.promised", "a function", function, "decorate an async def function")

    @wraps(function)
    def call(*arguments: P.args, **keywords: P.kwargs) -> Promise[Any]:
        coroutine = function(*arguments, **keywords)
        if type(coroutine) is CoroutineType:
            return start(coroutine)
        if not isinstance(coroutine, Coroutine):
            hint = "is it an async def function?"
            raise wrong_result("lwt.promised", function, coroutine, "a coroutine", hint)
        return start(interpreted(coroutine))

    return call
