"""Sources that elements are pushed into, with a bound or without.

A reader that stands at the last cell calls `feed`, and waits for a signal: the next push.

Neither a source nor those who push into it know its streams: a stream that nobody reads any more
is freed.

OCaml: src/core/lwt_stream.ml, the types push and push_bounded, create, create_bounded.
"""

from __future__ import annotations

from typing import Any, final

from lwt._core.cancellation import protected
from lwt._core.checks import wrong_type
from lwt._core.creation import wakeup
from lwt._core.exceptions import rejection_with
from lwt._core.promise import (
    CANCEL_THIS,
    FULFILLED,
    PENDING,
    REJECTED,
    Promise,
    new_promise,
    settle,
)
from lwt._core.resolution import defer_callbacks
from lwt._core.values import Some
from lwt.lwt_stream._source import Cell, Source


class Closed(Exception):
    """Say that an element was pushed after the end of the stream.

    OCaml: exception Lwt_stream.Closed
    """


class _Signalled(Source):
    """A source that others push into, and that tells waiting readers of it."""

    __slots__ = ("_external", "_signal", "is_awaited")

    def __init__(self) -> None:
        super().__init__()
        self._signal: Promise[None] = new_promise(PENDING, None)
        """Resolved by the next push, if somebody waits for it. Readers get a `protected` of it."""
        self.is_awaited = False
        self._external: object = None

    def feed(self, cell: Cell) -> Promise[Any] | None:
        signal = protected(self._signal)
        if cell is not self.last:
            return None
        self.is_awaited = True
        return signal

    def tell(self) -> None:
        """Resolve the signal that somebody waits for, and make the next one."""
        following: Promise[None] = new_promise(PENDING, None)
        if self.is_awaited:
            self.is_awaited = False
            signal = self._signal
            self._signal = following
            defer_callbacks(settle(signal, FULFILLED, None))

    def set_reference(self, reference: object, /) -> None:
        """Keep an object alive as long as the source, for example what pushes into it.

        OCaml: Lwt_stream.bounded_push, method set_reference : 'a. 'a -> unit
        """
        self._external = reference


@final
class Push(_Signalled):
    """The source of `create`: a queue without a bound."""

    __slots__ = ("_is_closed",)

    def __init__(self) -> None:
        super().__init__()
        self._is_closed = False
        """Whether `closed` is resolved. A callback that the end has woken may still push."""

    def push(self, data: Some[Any] | None, /) -> None:
        """Push an element, or the end, and wake those who wait for it.

        Raises:
            Closed: the end was pushed before.
        """
        # `enqueue`, without a call.
        last = Cell()
        last.data = None
        if type(data) is not Some or self._is_closed:
            self._push_end(data, last)
            return
        cell = self.last
        cell.data = data
        cell.value = data.value
        cell.next = self.last = last
        if self.is_awaited:
            self.tell()

    def _push_end(self, data: object, last: Cell) -> None:
        """Push the end, or say why `data` cannot be pushed."""
        if data is not None and type(data) is not Some:
            hint = "push lwt.Some(element), or None to end the stream"
            raise wrong_type("lwt_stream.push", "an option", data, hint)
        if self._is_closed:
            raise Closed(
                f"lwt_stream.push: cannot push {data!r}, the stream was closed by push(None)"
            )
        self.last.next = self.last = last
        if self.is_awaited:
            self.tell()
        # Last, in case one of the callbacks raises.
        self._is_closed = True
        wakeup(self.close, None)


@final
class Push_bounded(_Signalled):
    """The source of `create_bounded`: a queue with room for so many elements.

    When it is full, one more element waits in `pending`; whoever pushed it waits for
    `waiter`. It comes in when an element is consumed, and `count` stays what it was.
    """

    __slots__ = ("count", "is_closed", "pending", "size", "waiter")

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.count = 0
        self.pending: Some[Any] | None = None
        self.waiter: Promise[None] = new_promise(PENDING, CANCEL_THIS)
        self.is_closed = False

    def consumed(self) -> None:
        """Note that an element was taken from the queue, and let the next one in."""
        if self.pending is None or not self._let_in(0):
            self.count -= 1

    def resize(self, size: int) -> None:
        """Change the bound; at most one element is let in, as in OCaml."""
        self.size = size
        if self.count < size and self.pending is not None:
            self._let_in(1)

    def _let_in(self, added: int) -> bool:
        """Move the pending element to the queue, if it is still there, and wake who pushed it.

        `added` is by how many there are more elements in the queue then. Tells whether it was there.
        """
        following: Promise[None] = new_promise(PENDING, CANCEL_THIS)
        last = Cell()
        last.data = None
        pending = self.pending
        if pending is None or (added and self.count >= self.size):
            return False
        cell = self.last
        cell.data = pending
        cell.value = pending.value
        cell.next = self.last = last
        self.count += added
        self.pending = None
        waiter = self.waiter
        self.waiter = following
        if waiter._state == PENDING:  # Not cancelled, together with others.
            defer_callbacks(settle(waiter, FULFILLED, None))
        return True

    def take_back(self, waiter: Promise[None]) -> None:
        """Forget the pending element: its push was cancelled."""
        following: Promise[None] = new_promise(PENDING, CANCEL_THIS)
        if waiter is self.waiter:
            self.waiter = following
            self.pending = None

    def finish(self) -> None:
        """Close: the pending push fails, and readers learn of the end."""
        closed = Closed("lwt_stream: the stream was closed before there was room for the element")
        rejection = rejection_with(closed, None)
        rejection.is_seen = True  # Unless there is a push that it rejects.
        last = Cell()
        last.data = None
        if self.is_closed:
            return
        self.is_closed = True
        self.last.next = self.last = last
        pending = self.pending
        if pending is not None:
            self.pending = None
            waiter = self.waiter
            if waiter._state == PENDING:  # As above.
                rejection.is_seen = False
                defer_callbacks(settle(waiter, REJECTED, rejection))
        if self.is_awaited:
            self.tell()
        wakeup(self.close, None)
