"""Sources that are asked for an element when one is needed: functions, iterators, loops.

A reader that stands at the last cell calls `feed`, which waits for one more cell: it asks for
one, or, if somebody has asked already, waits for the same. What fails at once leaves through
`feed`, and so through the reader, and nothing is asked for then.

A source does not know its streams: one that nobody reads any more is freed.

OCaml: src/core/lwt_stream.ml, the types from and source, feed.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, final

from lwt._core.cancellation import protected
from lwt._core.checks import check_option
from lwt._core.compiling import mypyc_attr
from lwt._core.driver import SuspendedInCatch, start
from lwt._core.loop import Loop
from lwt._core.promise import FULFILLED, PENDING, REJECTED, Promise, new_promise, underlying
from lwt._core.resolution import MAXIMUM_NESTING, call, postpone, resolution, run_postponed
from lwt._core.values import Some
from lwt.lwt_stream._source import BARE, Cell, Source


@mypyc_attr(allow_interpreted_subclasses=True)
class Asked(Source):
    """A source that is asked for an element when one is needed, and may have to wait for it."""

    __slots__ = ("_waiting", "requested")

    def __init__(self) -> None:
        super().__init__()
        self.requested: Promise[Any] | None = None
        """The promise of the cell that was asked for, if it has not come yet.

        While it is pending, everyone waits for this one; nothing more is asked for. While it is
        being asked for, this is what was asked for before: the function that gives elements may
        read its own stream."""
        self._waiting: Loop[None] | None = None
        """The loop that `requested` is the promise of, if that had to wait."""

    @abstractmethod
    def request(self) -> Promise[Any] | None:
        """Ask for one more cell. None if that was added at once, else the promise of that.

        Raises:
            Exception: that of the user's function, if it fails at once.
        """

    def run(self, loop: Loop[None]) -> Promise[None]:
        """Run a loop that adds a cell; return its promise.

        Raises:
            Exception: what the loop raises before it has to wait.
        """
        promise = start(self._watched(loop), SuspendedInCatch, exceptions_leave=True)
        if promise._state == PENDING:
            self._waiting = loop
        return promise

    def _watched(self, loop: Loop[None]) -> Loop[None]:
        try:
            yield from loop
        except GeneratorExit:
            raise
        except BaseException:
            # After an interrupt, the next reader asks again. And the traceback of an exception
            # leads to this frame: close no circle.
            if self._waiting is loop:
                self._waiting = self.requested = None
            raise

    def feed(self, cell: Cell) -> Promise[Any] | None:
        if cell is not self.last:
            return None
        requested = self.requested
        if requested is not None:
            if underlying(requested)._state == PENDING:
                return protected(requested)
            self.requested = None
        level = resolution.nesting
        if level >= MAXIMUM_NESTING:
            # A stream of a stream of a stream…: the stack has to unwind first.
            requested = postpone(self._request_as_promise)
        else:
            resolution.nesting = level + 1
            try:
                requested = self.request()
            finally:
                resolution.nesting = level
            if resolution.postponed:
                run_postponed()
            if requested is None:
                self.requested = None
                return None
        state = underlying(requested)._state
        if state == PENDING:
            self.requested = requested
            return protected(requested)
        if state == REJECTED:
            try:
                underlying(requested)._value.throw()
            finally:
                del requested  # The traceback leads to this frame: close no circle.
        self.requested = None
        return None

    def _request_as_promise(self) -> Promise[Any]:
        try:
            return call(self.request) or new_promise(FULFILLED, None)
        except BaseException:
            self.requested = None  # As in `_watched`.
            raise


@final
class Looped(Asked):
    """A source whose cells are added by a loop each."""

    __slots__ = ("_start",)

    def __init__(self, start: Callable[[Looped], Loop[None]]) -> None:
        super().__init__()
        self._start = start

    def request(self) -> Promise[Any] | None:
        return self.run(self._start(self))


@final
class From_direct(Source):
    """A function that returns elements, called when one is needed."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[[], Some[Any] | None]) -> None:
        super().__init__()
        self._function = function

    def feed(self, cell: Cell) -> None:
        # `enqueue`, without a call.
        last = Cell()
        last.data = None
        before = self.end
        data = self._function()
        if type(data) is Some:
            if self.end is not None:
                return self.enqueue(data, before)
            cell = self.last
            cell.data = data
            cell.value = data.value
            cell.next = self.last = last
            return None
        if data is not None:
            check_option("lwt_stream.from_direct", self._function, data)
        return self.enqueue_end(before)


@final
class From_iterator(Source):
    """An iterator, asked for its next item when an element is needed."""

    __slots__ = ("_iterator",)

    def __init__(self, iterator: Iterator[Any]) -> None:
        super().__init__()
        self._iterator = iterator

    def feed(self, cell: Cell) -> None:
        # `enqueue_bare`, without a call.
        last = Cell()
        last.data = None
        before = self.end
        for item in self._iterator:
            if self.end is not None:
                return self.enqueue_bare(item, before)
            cell = self.last
            cell.data = BARE
            cell.value = item
            cell.next = self.last = last
            return None
        return self.enqueue_end(before)
