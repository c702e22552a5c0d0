"""The exceptions of Lwt, and the filter that says which ones it handles."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

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
    """Which exceptions of callbacks become rejections, and which leave at once.

    Exceptions that are no `Exception` (KeyboardInterrupt, SystemExit,
    GeneratorExit) are outside the filter: they always leave at once.

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

        Raises:
            TypeError: `filter` is not callable.

        OCaml: Lwt.Exception_filter.set : t -> unit
        """
        if not callable(filter):
            raise TypeError(
                f"Lwt.Exception_filter.set: expected a function from exceptions to bool, "
                f"got {filter!r}; for example lwt.Exception_filter.handle_all"
            )
        _filter.contents = filter

    @staticmethod
    def run(exception: Exception, /) -> bool:
        """Ask the current filter: true if the exception is to be handled.

        OCaml: Lwt.Exception_filter.run : exn -> bool
        """
        return _filter.contents(exception)


_filter: Ref[Exception_filter.t] = Ref(Exception_filter.handle_all_except_runtime)
