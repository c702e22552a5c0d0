"""The exceptions of Lwt; which exceptions become rejections, and how."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final, ParamSpec, TypeAlias, TypeVar

from lwt._core.checks import check_callback
from lwt._core.promise import Rejection, outcome
from lwt._core.slips import SLIPS, explain
from lwt._core.values import Ref

__all__ = ["Canceled", "Exception_filter", "Failure"]

T = TypeVar("T")
P = ParamSpec("P")


class Canceled(Exception):
    """What a promise is rejected with when it is cancelled.

    OCaml: exception Lwt.Canceled
    """


class Failure(Exception):
    """A general failure with a message; its one argument.

    OCaml: exception Failure of string
    """


class Exception_filter:
    """Which exceptions of callbacks become rejections, and which ones leave at once.

    What is not an `Exception` (KeyboardInterrupt, SystemExit, GeneratorExit) is outside the
    filter: it always leaves at once.

    OCaml: module Lwt.Exception_filter
    """

    t: TypeAlias = Callable[[Exception], bool]

    @staticmethod
    def handle_all(exception: Exception, /) -> bool:
        """Let every exception become a rejection.

        OCaml: Lwt.Exception_filter.handle_all : t
        """
        return True

    @staticmethod
    def handle_all_except_runtime(exception: Exception, /) -> bool:
        """Let every exception become a rejection, but MemoryError and RecursionError.

        This is the filter at the start.

        OCaml: Lwt.Exception_filter.handle_all_except_runtime : t
        """
        return not isinstance(exception, MemoryError | RecursionError)

    @staticmethod
    def set(filter: t, /) -> None:
        """Replace the filter, for the whole process; best once, at its start.

        OCaml: Lwt.Exception_filter.set : t -> unit
        """
        hint = "for example lwt.Exception_filter.handle_all"
        check_callback("lwt.Exception_filter.set", filter, ("exception",), hint)
        _filter.contents = filter

    @staticmethod
    def run(exception: Exception, /) -> bool:
        """Ask the current filter: true if the exception is to be handled.

        OCaml: Lwt.Exception_filter.run : exn -> bool
        """
        return _filter.contents(exception)


_filter: Ref[Exception_filter.t] = Ref(Exception_filter.handle_all_except_runtime)


def renew() -> None:
    """Begin again, with the filter of the start."""
    _filter.contents = Exception_filter.handle_all_except_runtime


# --- From exceptions to rejections -------------------------------------------

MAXIMUM_TRACEBACK: Final = 1000
"""How many entries of a traceback are kept: a stack at Python's default limit."""


def rejection_of(exception: Exception, own_frames: int = 1) -> Rejection:
    """Make the rejection of an exception that the caller has just caught from a callback.

    The traceback loses its first entries, the caller's own frames, which would tie
    the rejection into a cycle; and if it is very long, because the exception came
    through many promises, it keeps the end where the exception was raised.

    Raises:
        Exception: the exception itself, if the filter does not handle it.
    """
    traceback = exception.__traceback__
    if not Exception_filter.run(exception):
        raise exception
    if type(exception) in SLIPS:
        explain(exception)
    for _ in range(own_frames):
        if traceback is not None and traceback.tb_next is not None:
            traceback = traceback.tb_next
    length = 0
    entry = traceback
    while entry is not None:
        length += 1
        entry = entry.tb_next
    while length > MAXIMUM_TRACEBACK and traceback is not None:
        traceback = traceback.tb_next
        length -= 1
    exception.__traceback__ = traceback
    return Rejection(exception, traceback)


_RAISES_A_REJECTION: Final = frozenset({outcome.__code__, Rejection.throw.__code__})
"""The code of the functions that raise the exception of a promise."""


def rejection_by(exception: Exception) -> Rejection:
    """Make the rejection of an exception that somebody gives to a promise.

    The exception may have been given to other promises before. Whoever waited for one of them has
    then left frames in its traceback, below the place where it was raised first. They say
    nothing of this promise, and they would become more each time. So they are dropped.
    """
    entry = traceback = exception.__traceback__
    while entry is not None:
        following = entry.tb_next
        if entry.tb_frame.f_code in _RAISES_A_REJECTION:
            traceback = following
        entry = following
    return Rejection(exception, traceback)


# --- In the place of `except` ------------------------------------------------


def while_handling(
    exception: Exception, function: Callable[P, T], /, *arguments: P.args, **keywords: P.kwargs
) -> T:
    """Call a function as an `except` clause would: what it raises has the exception as its context."""
    traceback, context = exception.__traceback__, exception.__context__
    try:
        raise exception
    except Exception:
        # Raising has changed both. It is here only for the interpreter to know what is handled.
        exception.__traceback__, exception.__context__ = traceback, context
        return function(*arguments, **keywords)
    finally:
        del exception, arguments, traceback, context  # A traceback may lead here: close no circle.


async def awaited_while_handling(exception: Exception, coroutine: Coroutine[Any, Any, T]) -> T:
    """Do the same for the coroutine that a function has returned."""
    traceback, context = exception.__traceback__, exception.__context__
    try:
        raise exception
    except Exception:
        exception.__traceback__, exception.__context__ = traceback, context
        return await coroutine
    finally:
        del exception, coroutine, traceback, context
