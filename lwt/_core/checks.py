"""The checks of arguments of both packages, and the one form of their messages.

    lwt_mutex.lock: expected a mutex, got 3 (int); make one with lwt_mutex.create()

A message names the function as a program spells it, what was expected, the value, and, as a
`hint`, how to mend it. The checks are made before anything is changed.

Where the good case must cost next to nothing, the caller compares first, and calls the check
when that fails: `if type(promise) is not Promise: check_promise("lwt.bind", promise)`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from functools import partial, wraps
from inspect import CO_VARARGS, signature
from os.path import basename
from types import CodeType, CoroutineType, FunctionType, MethodType
from typing import Any, TypeAlias, TypeVar, cast

from lwt._core.promise import Promise, Resolver
from lwt._core.slips import SLIPS, explain
from lwt._core.values import Some

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

# --- The form of the messages ------------------------------------------------


def wrong_type(function: str, expected: str, value: object, hint: str = "") -> TypeError:
    """Make the exception for an argument of a wrong type, where no check below fits."""
    if isinstance(value, CoroutineType):
        value.close()  # It will never run; do not let it complain about that.
    if type(value) is Promise and not hint:
        hint = "await the promise to have its value"
    return TypeError(f"{function}: expected {expected}, got {described(value)}{_and(hint)}")


def wrong_result(
    function: str,
    callback: object,
    value: object,
    expected: str,
    hint: str,
    *,
    promised: bool = False,
) -> TypeError:
    """Make the exception for what a callback returned, or, if `promised`, its promise gave."""
    name = name_of(callback)
    what = f"the promise of callback {name} gave" if promised else f"callback {name} returned"
    return TypeError(f"{function}: {what} {described(value)}, not {expected}{_and(hint)}")


def described(value: Any) -> str:
    """Show a value in a message, with its type where that says more."""
    if isinstance(value, CoroutineType):
        return f"a coroutine ({value.__qualname__})"
    if value is None or isinstance(value, Resolver | type):
        return repr(value)
    if callable(value):
        return f"the function {name_of(value)}"
    return f"{value!r} ({type(value).__name__})"


def name_of(function: Any) -> str:
    """Name a function: inside a `partial`, the user's own; a lambda with the line where it stands."""
    while isinstance(function, partial) or _is_promised(function):
        function = function.func if isinstance(function, partial) else function.__wrapped__
    name = getattr(function, "__qualname__", None)
    if not isinstance(name, str):
        return repr(function)
    if isinstance(function, FunctionType) and function.__name__ == "<lambda>":
        code = function.__code__
        return f"<lambda> ({basename(code.co_filename)}:{code.co_firstlineno})"
    return name


def _and(hint: str) -> str:
    return f"; {hint}" if hint else ""


# --- Labelled arguments ------------------------------------------------------


def given_by_position(function: Callable[..., object], wrong: tuple[object, ...]) -> TypeError:
    """Make the exception for arguments after those that are taken by position.

    A function with labelled arguments collects these as `*_wrong: Never`. Python's own error would
    not say the labels, and nothing else costs as little where nothing is wrong.
    """
    labels = [
        f"{parameter.name}=..."
        for parameter in signature(function).parameters.values()
        if parameter.kind is parameter.KEYWORD_ONLY
    ]
    *others, last = labels
    return _is_labelled(function, wrong[0], f"{', '.join(others)} or {last}" if others else last)


def _is_labelled(function: Callable[..., object], wrong: object, written: str) -> TypeError:
    return TypeError(
        f"{_written(function)}: {described(wrong)} is given by position, but it is a labelled "
        f"argument: write {written}"
    )


def _written(function: Callable[..., object]) -> str:
    return f"{function.__module__.rpartition('.')[2]}.{function.__qualname__}"


def with_required_label(function: F) -> F:
    """Decorate a function that has a required labelled argument.

    Where that is missing, Python says so before `given_by_position` could say what was given.
    """
    parameters = signature(function).parameters.values()
    taken = [one.name for one in parameters if one.kind is one.POSITIONAL_ONLY]
    number = len(taken)
    labels = [
        one.name for one in parameters if one.kind is one.KEYWORD_ONLY and one.default is one.empty
    ]

    @wraps(function)
    def call(*arguments: Any, **keywords: Any) -> Any:
        if len(arguments) <= number:
            return function(*arguments, **keywords)
        if all(label in keywords for label in labels):
            raise given_by_position(call, arguments[number:])
        wrong, value = arguments[number], "..."
        for argument in arguments:
            if isinstance(argument, Enum):  # As OCaml has it first: `of_fd ~mode:Input fd`.
                wrong, value = argument, f"{call.__module__.rpartition('.')[2]}.{argument!r}"
        written = ", ".join([*taken, *(f"{label}={value}" for label in labels)])
        raise _is_labelled(call, wrong, f"{_written(call)}({written})")

    return cast(F, call)


# --- Values, numbers ---------------------------------------------------------


def check_kind(function: str, value: object, kind: type | tuple[type, ...], hint: str = "") -> None:
    """Raise a TypeError unless the value is an instance of a class, or of one of several.

    A bool is not an int here.
    """
    if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return
    raise wrong_type(function, _named(kind), value, hint)


def _named(kind: type | tuple[type, ...]) -> str:
    """Say the names of classes as words: a mutex, an input channel, a str or bytes."""
    classes = kind if isinstance(kind, tuple) else (kind,)
    *others, last = [re.sub("(?<=[a-z])(?=[A-Z])", " ", one.__name__).lower() for one in classes]
    words = f"{', '.join(others)} or {last}" if others else last
    return f"an {words}" if words[0] in "aeiou" else f"a {words}"


def check_iterable(
    function: str, values: Iterable[T], expected: str = "an iterable"
) -> Iterator[T]:
    """Return an iterator over values; raise a TypeError for what has none.

    What the iterator itself raises later leaves as it is.
    """
    try:
        return iter(values)
    except TypeError:
        pass
    raise wrong_type(function, expected, values)


def check_bounds(
    function: str,
    what: str,
    value: object,
    least: int,
    most: int | None = None,
    *,
    hint: str = "",
    ocaml: str = "",
) -> None:
    """Raise unless an argument, whose name is `what`, is an int within bounds.

    `ocaml` is the text of OCaml's `Invalid_argument`, where there is one.

    Raises:
        TypeError: it is not an int. A bool is not one.
        ValueError: it is less than `least`, or more than `most`.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise wrong_type(function, f"an int for {what}", value, hint)
    if value < least or (most is not None and value > most):
        bounds = f"{least} or more" if most is None else f"{least} to {most}"
        raise ValueError(f"{ocaml or function}: {what} is {value}; expected {bounds}{_and(hint)}")


# --- Callbacks ---------------------------------------------------------------

Arguments: TypeAlias = tuple[str, ...]
"""Names of the arguments that a callback is called with."""


def check_callable(function: str, value: object, arguments: Arguments, hint: str = "") -> None:
    """Raise a TypeError unless the value can be called.

    `arguments` names what it will be called with: `("index", "element")`, or `()`.
    """
    if not callable(value):
        if isinstance(value, Promise | CoroutineType):
            hint = f"pass a function that returns it, such as {_lambda(arguments)}: ..."
        raise wrong_type(function, "a function", value, hint)


def check_callback(function: str, value: object, arguments: Arguments, hint: str = "") -> None:
    """Raise a TypeError unless the value can be called with so many arguments.

    On a hot path this takes too long: there, `check_callable` comes before the call, and
    `explain_call` after one that failed.
    """
    if type(value) is FunctionType:
        code = value.__code__
        if code.co_argcount == len(arguments) and not code.co_flags & CO_VARARGS:
            return  # Nearly always.
    check_callable(function, value, arguments, hint)
    wrong = _wrong_call(value, arguments)
    if wrong:
        raise TypeError(f"{function}: {wrong}")


def explain_call(
    exception: BaseException, function: str, callback: object, arguments: Arguments
) -> None:
    """Say in the exception of a call what was wrong, if it was the number of arguments or a slip.

    A TypeError that the callback itself raised stays as it is: it could be called.
    """
    if type(exception) not in SLIPS:
        return
    if type(exception) is TypeError:
        wrong = _wrong_call(callback, arguments)
        if wrong:
            exception.args = (f"{function}: {wrong}",)
            return
    explain(exception)


def _wrong_call(callback: object, names: Arguments) -> str:
    """Say what is wrong with calling a function with these arguments; `""` if it may be right.

    Only what is written in Python tells for sure how it can be called. (`inspect.signature` takes
    a hundred times as long, and believes what a decorator says.)
    """
    given = len(names)
    function: Any = callback
    while True:
        if type(function) is partial:
            if function.keywords:
                return ""
            given += len(function.args)
            function = function.func
        elif type(function) is MethodType:
            given += 1
            function = function.__func__
        elif _is_promised(function):
            function = function.__wrapped__
        elif type(function) is FunctionType:
            break
        elif type(type(function).__dict__.get("__call__")) is FunctionType:
            given += 1
            function = type(function).__dict__["__call__"]
        elif _is_made_by_init(function):
            given += 1
            function = function.__init__
        else:
            return ""
    code: CodeType = function.__code__
    most = code.co_argcount
    least = most - len(function.__defaults__ or ())
    any_number = bool(code.co_flags & CO_VARARGS)
    if least <= given and (given <= most or any_number):
        return ""  # Python itself tells which keyword is missing, if one is.
    bound = given - len(names)  # What the callback has been given already.
    takes = _taken(max(least - bound, 0), None if any_number else max(most - bound, 0))
    name = name_of(callback)
    if all(len(one) == 1 for one in names):  # Names that say nothing, such as those of `wrap2`.
        called = f"{len(names) or 'no'} argument{'s' if len(names) > 1 else ''}"
    else:
        called = "the " + " and the ".join(names)
    takes_nothing = least <= given - len(names) == most and not any_number
    if takes_nothing and not name.startswith("<"):
        written = f"{_lambda(names)}: {name.rpartition('.')[2]}()"
    else:
        written = f"lambda {', '.join(names)}: ..." if names else "lambda: ..."
    return f"callback {name} is called with {called}, but {takes}; write {written}"


def _is_promised(function: Any) -> bool:
    """Tell whether this is what `lwt.promised` made: it passes its arguments on as they are.

    A decorator of a program may add some, though its `functools.wraps` looks the same.
    """
    return (
        type(function) is FunctionType
        and function.__code__.co_qualname == "promised.<locals>.call"
        and function.__globals__.get("__name__") == "lwt._core.coroutine"
    )


def _is_made_by_init(function: Any) -> bool:
    """Tell whether this is a class whose `__init__` alone says how it can be called."""
    return (
        issubclass(type(function), type)
        and type(function).__call__ is type.__call__
        and function.__new__ is object.__new__
        and type(function.__init__) is FunctionType
    )


def _taken(least: int, most: int | None) -> str:
    """Say how many arguments a function takes."""
    if most is None:
        return f"takes {least} or more"
    if most == 0:
        return "takes none"
    return f"takes {most}" if least == most else f"takes {least} to {most}"


def _lambda(arguments: Arguments) -> str:
    """Begin a lambda that ignores its arguments."""
    names = [(1 + place) * "_" for place in range(len(arguments))]
    return f"lambda {', '.join(names)}" if names else "lambda"


# --- Promises, exceptions, options -------------------------------------------


def check_promise(function: str, value: object) -> None:
    """Raise a TypeError unless the value is a promise; show what was probably meant."""
    if type(value) is Promise:
        return
    if isinstance(value, CoroutineType):
        hint = "pass lwt.of_coroutine(it), or decorate its function with @lwt.promised"
    elif isinstance(value, Resolver):
        hint = "a resolver is the second item of what lwt.wait() returns, the promise is the first"
    elif callable(value):
        hint = "was it to be called?"
    elif isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], Promise):
        hint = "lwt.wait() and lwt.task() return a pair: write promise, resolver = ..."
    else:
        hint = "lwt.return_(value) makes a promise of a value"
    raise wrong_type(function, "a promise", value, hint)


def check_promises(function: str, values: Iterable[Promise[T]]) -> list[Promise[T]]:
    """Make a list of promises; raise a TypeError for anything else."""
    if isinstance(values, Promise):
        raise wrong_type(function, "a list of promises", values, "pass [promise]")
    promises = list(check_iterable(function, values, "a list of promises"))
    for promise in promises:
        if type(promise) is not Promise:
            check_promise(function, promise)
    return promises


def check_exception(function: str, value: object) -> None:
    """Raise a TypeError unless the value is an exception that may reject a promise."""
    if isinstance(value, Exception):
        return
    if isinstance(value, type) and issubclass(value, Exception):
        hint = f"pass an instance, {value.__name__}()"
    elif isinstance(value, BaseException):
        hint = "only instances of Exception can reject a promise: raise this one instead"
    else:
        hint = ""
    raise wrong_type(function, "an exception", value, hint)


def check_option(function: str, callback: object, value: object, *, promised: bool = False) -> None:
    """Raise a TypeError unless what a callback returned, or its promise gave, is an option."""
    if value is not None and type(value) is not Some:
        hint = "give lwt.Some(x) or None"
        raise wrong_result(function, callback, value, "an option", hint, promised=promised)
