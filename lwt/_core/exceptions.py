"""The exceptions of Lwt; which exceptions become rejections, and how."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Final, TypeAlias, TypeVar

from lwt._core.checks import check_callback
from lwt._core.promise import Rejection, outcome
from lwt._core.ref import Ref
from lwt._core.slips import SLIPS, explain

__all__ = ["Canceled", "Exception_filter", "Failure"]

T = TypeVar("T")


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
# All rejections but those by a cancel are made here. A test may have each of them noted (`lwt_unix.testing`):
# it replaces the name `Rejection` in this file, which is interpreted in each build.

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


_RAISES_A_REJECTION: Final = frozenset({outcome.__name__, Rejection.throw.__name__})
"""The functions that raise the exception of a promise, all in one file."""


def rejection_by(exception: Exception) -> Rejection:
    """Make the rejection of an exception that somebody gives to a promise.

    The exception may have been given to other promises before. Whoever waited for one of them has
    then left frames in its traceback, below the place where it was raised first. They say
    nothing of this promise, and they would become more each time. So they are dropped.
    """
    entry = traceback = exception.__traceback__
    while entry is not None:
        following = entry.tb_next
        frame = entry.tb_frame
        if (
            frame.f_code.co_name in _RAISES_A_REJECTION
            and frame.f_globals.get("__name__") == outcome.__module__
        ):
            traceback = following
        entry = following
    return Rejection(exception, traceback)


def rejection_with(exception: Exception, traceback: TracebackType | None) -> Rejection:
    """Make a rejection whose exception has this traceback."""
    return Rejection(exception, traceback)


# --- What handlers raise -----------------------------------------------------


def note_context(exception: Exception, handled: Exception) -> None:
    """Make the exception that was handled the context of what its handler has raised.

    In an `except` clause Python does so. A handler does not run in one: what it resolves would then
    have the exception as its context, too, and a loop through handlers would make a chain.
    """
    if exception.__context__ is not None:
        return  # It was raised while another one was being handled in the handler, and has this one.
    link: BaseException | None = handled
    known: set[int] = set()
    while link is not None and id(link) not in known:
        if link is exception:
            return  # It is the same one, or an older one that is raised again: close no circle.
        known.add(id(link))
        link = link.__context__
    exception.__context__ = handled


async def with_context(coroutine: Coroutine[Any, Any, T], handled: Exception) -> T:
    """Run the coroutine of a handler, and do the same for what it raises."""
    try:
        return await coroutine
    except Exception as exception:
        note_context(exception, handled)
        raise
    finally:
        del handled  # A traceback may lead to this frame: close no circle.
