"""What tests of streams share: short ways to make streams, and to see what is in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import lwt
from lwt import Promise, Some, lwt_stream
from lwt.lwt_stream import Stream
from tests.support.promises import outcome

T = TypeVar("T")

Push = Callable[[Some[Any] | None], None]


def value_of(promise: Promise[Any]) -> Any:
    """The value of a fulfilled promise."""
    state = lwt.state(promise)
    assert isinstance(state, lwt.Return), promise
    return state.value


def stream_of(*elements: Any) -> Stream[Any]:
    return lwt_stream.of_list(elements)


def rest_of(stream: Stream[Any]) -> Any:
    """What is left in a closed stream."""
    return value_of(lwt_stream.to_list(stream))


def pushed(*elements: Any) -> tuple[Stream[Any], Push]:
    """A stream that some elements were pushed into, not closed."""
    stream, push = lwt_stream.create()
    for element in elements:
        push(Some(element))
    return stream, push


def from_promises(*promises: Promise[Any]) -> Stream[Any]:
    """A stream whose function returns these, then the end."""
    rest = iter(promises)
    return lwt_stream.from_(lambda: next(rest, lwt.return_none))


def listed(stream: Stream[T]) -> list[T]:
    """All elements, when nothing is paused any more."""
    return outcome(lwt_stream.to_list(stream))
