"""The exceptions of Lwt; which exceptions become rejections, and how."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from lwt._core.checks import check_callback
from lwt._core.promise import Rejection
from lwt._core.values import Ref

__all__ = ["Canceled", "Exception_filter", "Failure"]


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
