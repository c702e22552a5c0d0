"""Sources that are asked for an element when one is needed: functions, iterators, loops.

A reader that stands at the last cell calls `feed`, which waits for one more cell: it asks for
one, or, if somebody has asked already, waits for the same.

A source knows nothing of its streams: one that nobody reads any more can go.

OCaml: src/core/lwt_stream.ml, the types from and source, feed.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias, final

from lwt._core.cancellation import protected
from lwt._core.checks import check_option
from lwt._core.coroutine import to_promise
from lwt._core.exceptions import rejection_of
from lwt._core.promise import (
    FULFILLED,
    PENDING,
    REJECTED,
    Promise,
    PromiseOrCoroutine,
    Rejection,
    add_callback,
    new_promise,
    settle,
    underlying,
)
from lwt._core.resolution import MAXIMUM_NESTING, call, postpone, resolution, run_postponed
from lwt._core.storage import current_storage
from lwt._core.values import Some
from lwt.lwt_stream._source import Source

Steps: TypeAlias = Iterator[Promise[Any]]
"""A loop that adds a cell, as a generator: it gives the promises to wait for before that. When one
is rejected, so is the promise of the cell, and the loop is left."""


class Asked(Source):
    """A source that is asked for each element when that is needed, and may have to wait for it."""

    __slots__ = ("requested",)

    def __init__(self) -> None:
        super().__init__()
        self.requested: Promise[Any] | None = None
        """The promise of the cell that was asked for, if it has not come yet.

        While it is pending, everyone waits for this one; nothing more is asked for."""

    @abstractmethod
    def request(self) -> Promise[Any] | None:
        """Ask for one more cell. None if that was added at once, else the promise of that.

        Exceptions are in the promise.
        """

    def when_raised(self, exception: Exception, own_frames: int = 1) -> Promise[Any]:
        """Make the promise that `request` returns when something was raised there."""
        return new_promise(REJECTED, rejection_of(exception, own_frames))

    def wait_for(
        self, promise: Promise[Any], go_on: Callable[[Any], Promise[Any] | None]
    ) -> Promise[Any]:
        """Wait for a promise that is not fulfilled; return the promise of the new cell.

        `go_on` takes the value, adds a cell, and returns None; or it returns the next promise
        to wait for.
        """
        source = underlying(promise)
        if source._state == REJECTED:
            return new_promise(REJECTED, source._value)
        requested: Promise[Any] = new_promise(PENDING, source)
        add_callback(source, _Arrival(self, go_on, requested))
        return requested

    def feed(self) -> Promise[Any] | None:
        requested = self.requested
        if requested is not None:
            if underlying(requested)._state == PENDING:
                return protected(requested)
            self.requested = requested = None
        level = resolution.nesting
        if level >= MAXIMUM_NESTING:
            # A stream of a stream of a stream…: the stack has to unwind first.
            self.requested = requested = postpone(self._request_as_promise)
        else:
            resolution.nesting = level + 1
            try:
                self.requested = requested = self.request()
            finally:
                resolution.nesting = level
            if resolution.postponed:
                run_postponed()
            if requested is None:
                return None
        state = underlying(requested)._state
        if state == PENDING:
            return protected(requested)
        self.requested = None
        return None if state == FULFILLED else requested

    def _request_as_promise(self) -> Promise[Any]:
        return call(self.request) or new_promise(FULFILLED, None)


@final
class _Arrival:
    """A source that waits for what it has asked for, and the callback by which it goes on."""

    __slots__ = ("_go_on", "_requested", "_source", "_storage")

    def __init__(
        self,
        source: Asked,
        go_on: Callable[[Any], Promise[Any] | None],
        requested: Promise[Any],
    ) -> None:
        self._source = source
        self._go_on = go_on
        self._requested = requested
        self._storage = current_storage.contents

    def run(self, promise: Promise[Any], /) -> Promise[Any] | None:
        if promise._state == REJECTED:
            return settle(self._requested, REJECTED, promise._value)
        current_storage.contents = self._storage
        try:
            following = self._go_on(promise._value)
        except Exception as exception:
            try:
                return self._reject(rejection_of(exception, own_frames=2))
            finally:
                del self, promise  # The traceback leads to this frame: close no circle.
        except BaseException:
            self._source.requested = None  # An interrupt: who reads next asks anew.
            raise
        if following is None:
            return settle(self._requested, FULFILLED, None)
        following = underlying(following)
        if following._state == REJECTED:
            try:
                return self._reject(following._value)
            finally:
                del self, promise, following  # As above.
        self._storage = current_storage.contents
        underlying(self._requested)._value = following  # How it is cancelled.
        add_callback(following, self)
        return None

    def _reject(self, rejection: Rejection) -> Promise[Any]:
        self._source.requested = None  # The traceback leads to `_go_on`: close no circle.
        return settle(self._requested, REJECTED, rejection)


@final
class From(Asked):
    """A function that returns promises, called when an element is needed."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[[], PromiseOrCoroutine[Some[Any] | None]]) -> None:
        super().__init__()
        self._function = function

    def request(self) -> Promise[Any] | None:
        function = self._function
        try:
            promise = function()
            if type(promise) is not Promise:
                promise = to_promise("lwt_stream.from_", function, promise)
            source = underlying(promise)
            if source._state == FULFILLED:
                self._arrived(source._value)
                return None
        except Exception as exception:
            return self.when_raised(exception)
        return self.wait_for(source, self._arrived)

    def _arrived(self, data: Any) -> None:
        check_option("lwt_stream.from_", self._function, data, promised=True)
        self.enqueue_and_close(data)


@final
class Looped(Asked):
    """A loop for each element: it adds a cell, and gives the promises to wait for before."""

    __slots__ = ("_start",)

    def __init__(self, start: Callable[[Looped], Steps]) -> None:
        super().__init__()
        self._start = start

    def request(self) -> Promise[Any] | None:
        try:
            loop = self._start(self)
            promise = _go_on(loop)
        except Exception as exception:
            return self.when_raised(exception)
        return None if promise is None else self.wait_for(promise, lambda _: _go_on(loop))


def _go_on(loop: Steps) -> Promise[Any] | None:
    """Go on with a loop, up to a promise that is not fulfilled; None at its end."""
    for promise in loop:
        source = underlying(promise)
        if source._state != FULFILLED:
            return source
    return None


@final
class From_direct(Source):
    """A function that returns elements, called when one is needed."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[[], Some[Any] | None]) -> None:
        super().__init__()
        self._function = function

    def feed(self) -> None:
        data = self._function()
        if type(data) is not Some and data is not None:
            check_option("lwt_stream.from_direct", self._function, data)
        self.enqueue_and_close(data)


@final
class From_iterator(Source):
    """An iterator, asked for its next item when an element is needed."""

    __slots__ = ("_iterator",)

    def __init__(self, iterator: Iterator[Any]) -> None:
        super().__init__()
        self._iterator = iterator

    def feed(self) -> None:
        for item in self._iterator:
            self.enqueue_bare(item)
            return
        self.enqueue_and_close(None)
