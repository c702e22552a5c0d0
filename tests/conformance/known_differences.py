"""Where our library is meant to differ from the installed one: ours is 6.1, that one 5.6.1.

Each difference says what the comparison does about it. Nothing else may differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Final, NoReturn, Protocol
from unittest import mock

import lwt


class Arrangement(Protocol):
    """Makes our library behave as 5.6.1 while a program runs."""

    def __call__(self) -> AbstractContextManager[None]: ...


@dataclass(frozen=True)
class KnownDifference:
    """A difference in behaviour between the two releases."""

    module: str
    what: str
    reason: str
    words: frozenset[str]
    """Programs with one of these words meet it."""

    arrangement: Arrangement
    """What is done about it for those programs."""


@contextmanager
def _all_exceptions_handled() -> Iterator[None]:
    lwt.Exception_filter.set(lwt.Exception_filter.handle_all)
    try:
        yield
    finally:
        lwt.Exception_filter.set(lwt.Exception_filter.handle_all_except_runtime)


@contextmanager
def _validation_rejects() -> Iterator[None]:
    def reject(exception: Exception, _: None) -> lwt.Promise[NoReturn]:
        return lwt.fail(exception)

    with mock.patch("lwt._pool._end_validation", reject):
        yield


@contextmanager
def _failing_streams_as_before() -> Iterator[None]:
    def reject(exception: Exception) -> lwt.Promise[NoReturn]:
        return lwt.fail(exception)

    def leave(_source: object, exception: Exception, own_frames: int = 1) -> NoReturn:
        raise exception

    with (
        mock.patch("lwt.lwt_stream._asked.Asked.when_raised", leave),
        mock.patch("lwt.lwt_stream._traverse.reraise", reject),
    ):
        yield


KNOWN_DIFFERENCES: Final = [
    KnownDifference(
        module="Lwt",
        what="Out_of_memory and Stack_overflow leave, unless the filter is handle_all",
        reason=(
            "5.6.1 turns every exception into a rejection; Lwt.Exception_filter came with 5.7.0, "
            "and since 6.0.0 its default is handle_all_except_runtime"
        ),
        words=frozenset({"out_of_memory", "stack_overflow"}),
        arrangement=_all_exceptions_handled,
    ),
    KnownDifference(
        module="Lwt_pool",
        what="a validation that fails at once makes `use` raise, not return a rejected promise",
        reason="validate_and_return ends with Lwt.reraise since 5.8.0, with Lwt.fail in 5.6.1",
        words=frozenset({"next_validate"}),
        arrangement=_validation_rejects,
    ),
    KnownDifference(
        module="Lwt_stream",
        what=(
            "what the function of `from` raises rejects the reader, and does not leave through "
            "it; `parse` raises what its function fails with at once"
        ),
        reason="since 6.0, feed catches the exception, and parse ends with Lwt.reraise",
        words=frozenset({"(from ", "(parse "}),
        arrangement=_failing_streams_as_before,
    ),
]
"""All of them that a language can meet. Those of interfaces stand with the API comparison."""
