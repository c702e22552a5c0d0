"""The checks of arguments: one for each kind, raised before anything is changed.

Each returns the exception for its caller to raise, or raises it; the good case
costs the hot functions nothing but a comparison.

A `function_name` is one of package `lwt`, such as `bind`, or has its module before it, as a
program has that imports it: `lwt_list.map_p`.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import CoroutineType
from typing import Any, TypeVar

from lwt._core.promise import Promise, Resolver

T = TypeVar("T")


def not_a_promise(function_name: str, value: object) -> TypeError:
    """Say that a promise was expected, and what was probably meant."""
    if isinstance(value, CoroutineType):
        value.close()  # It will never run; do not let it complain about that.
        hint = "; pass lwt.of_coroutine(it), or decorate its function with @lwt.promised"
    elif isinstance(value, Resolver):
        hint = (
            "; a resolver is the second item of what lwt.wait() returns, the promise is the first"
        )
    elif callable(value):
        hint = "; was it to be called?"
    elif isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], Promise):
        hint = "; lwt.wait() and lwt.task() return a pair: write promise, resolver = ..."
    else:
        hint = "; lwt.return_(value) makes a promise of a value"
    return TypeError(
        f"{_spelled(function_name)}: expected a promise, got {_described(value)}{hint}"
    )


def not_callable(function_name: str, value: object) -> TypeError:
    """Say that a function was expected."""
    hint = ""
    if isinstance(value, Promise | CoroutineType):
        hint = "; pass a function that returns it, such as lambda _: ..."
        if isinstance(value, CoroutineType):
            value.close()
    return TypeError(
        f"{_spelled(function_name)}: expected a function, got {_described(value)}{hint}"
    )


def not_a_promise_from_callback(function_name: str, callback: object, value: object) -> TypeError:
    """Say that a callback returned something that is no promise."""
    hint = f"return lwt.return_({value!r})" if value is not None else "return lwt.return_unit"
    if function_name == "bind":
        hint = f"use lwt.map, or {hint}"
    name = getattr(callback, "__qualname__", None) or repr(callback)
    return TypeError(
        f"{_spelled(function_name)}: callback {name} returned {_described(value)}, not a promise; {hint}"
    )


def check_promise(function_name: str, value: object) -> None:
    """Raise a TypeError unless the value is a promise."""
    if type(value) is not Promise:
        raise not_a_promise(function_name, value)


def check_callable(function_name: str, value: object) -> None:
    """Raise a TypeError unless the value can be called."""
    if not callable(value):
        raise not_callable(function_name, value)


def check_promises(function_name: str, values: Iterable[Promise[T]]) -> list[Promise[T]]:
    """Make a list of promises; raise a TypeError for anything else."""
    if isinstance(values, Promise):
        raise TypeError(
            f"{_spelled(function_name)}: expected a list of promises, got one promise; pass [promise]"
        )
    try:
        iterator = iter(values)
    except TypeError:
        raise TypeError(
            f"{_spelled(function_name)}: expected a list of promises, got {_described(values)}"
        ) from None
    promises = list(iterator)  # An exception of a generator's own leaves as it is.
    for promise in promises:
        if type(promise) is not Promise:
            raise not_a_promise(function_name, promise)
    return promises


def check_exception(function_name: str, value: object) -> None:
    """Raise a TypeError unless the value is an exception that may reject a promise."""
    if isinstance(value, Exception):
        return
    if isinstance(value, type) and issubclass(value, Exception):
        hint = f"; pass an instance, {value.__name__}()"
    elif isinstance(value, BaseException):
        hint = "; only instances of Exception can reject a promise: raise this one instead"
    else:
        hint = ""
    raise TypeError(
        f"{_spelled(function_name)}: expected an exception, got {_described(value)}{hint}"
    )


def _spelled(function_name: str) -> str:
    return function_name if function_name.startswith("lwt_") else f"lwt.{function_name}"


def _described(value: Any) -> str:
    """Show a value for an error message, with its type where that says more."""
    if isinstance(value, CoroutineType):
        return f"a coroutine ({value.__qualname__})"
    if value is None or isinstance(value, Resolver | type):
        return repr(value)
    if callable(value):
        return f"the function {getattr(value, '__qualname__', repr(value))}"
    return f"{value!r} ({type(value).__name__})"
