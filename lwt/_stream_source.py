"""Where the elements of streams come from, and the queue that they wait in.

A source makes nodes, one for each element, each leading to the next. A stream points to
the first node that it has not consumed; all clones of a stream share the source. So the
elements that some clone has still to read, and no others, are kept alive, by that clone.

- The last node is an empty one: its `data` will be that of the next element.
- At the end of the stream, a node with `None` stands before the last one.
- `feed` waits for one more node. A reader that stands at the last one calls it.

A source knows nothing of its streams, and so does who pushes into it: a stream that
nobody reads any more can go.

OCaml: src/core/lwt_stream.ml, the types node, source, push.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, final

from lwt._cancellation import protected
from lwt._coroutine import to_promise
from lwt._creation import task, wait, wakeup, wakeup_later, wakeup_later_exn
from lwt._promise import (
    FULFILLED,
    PENDING,
    REJECTED,
    Promise,
    PromiseOrCoroutine,
    add_callback,
    new_promise,
    rejection_of,
    settle,
    underlying,
)
from lwt._resolution import MAXIMUM_NESTING, call, postpone, resolution, run_postponed
from lwt._storage import current_storage
from lwt._values import Some


class Closed(Exception):
    """Say that an element was pushed after the end of the stream.

    OCaml: exception Lwt_stream.Closed
    """


@final
class Node:
    """A place in the queue. OCaml's last one points to itself; here that would be a circle."""

    __slots__ = ("data", "next")

    data: Some[Any] | None
    """The element; None at the end of the stream, and in the last node.

    Whoever makes a node sets it: an `__init__` would double what a node costs."""

    next: Node
    """The place after it; not set in the last node."""


class _Queue:
    """What all kinds of sources have in common: the end of the queue, and the closing."""

    __slots__ = ("close", "closed", "last")

    def __init__(self) -> None:
        self.last = Node()
        self.last.data = None
        self.closed, self.close = wait()

    def enqueue(self, data: Some[Any] | None) -> None:
        """Add an element, or the end, to the queue."""
        node = self.last
        node.data = data
        node.next = self.last = last = Node()
        last.data = None

    def enqueue_and_close(self, data: Some[Any] | None) -> None:
        """Add an element to the queue; at the end, resolve `closed`."""
        node = self.last
        node.data = data
        node.next = self.last = last = Node()
        last.data = None
        if data is None:
            wakeup(self.close, None)


def check_option(function_name: str, origin: str, data: object) -> None:
    """Raise a TypeError unless the value is an option."""
    if data is not None and type(data) is not Some:
        raise TypeError(
            f"lwt_stream.{function_name}: expected {origin} lwt.Some(element), or None for the "
            f"end, got {data!r} ({type(data).__name__})"
        )


# --- Functions ---------------------------------------------------------------


@final
class From(_Queue):
    """A function that returns promises, called when an element is needed."""

    __slots__ = ("_function", "_is_ours", "_thread")

    def __init__(
        self,
        function: Callable[[], PromiseOrCoroutine[Some[Any] | None] | Some[Any] | None],
        *,
        is_ours: bool = False,
    ) -> None:
        super().__init__()
        self._function = function
        self._is_ours = is_ours
        """Whether the function may return an option instead of its promise."""

        self._thread: Promise[Any] | None = None
        """The promise of the node that is being made, if there is one.

        While it is pending, everyone waits for this one; the function is not called again."""

    def feed(self) -> Promise[Any] | None:
        thread = self._thread
        if thread is not None:
            if underlying(thread)._state == PENDING:
                return protected(thread)
            self._thread = thread = None
        if resolution.nesting >= MAXIMUM_NESTING:
            # A stream of a stream of a stream…: the stack has to unwind first.
            self._thread = thread = postpone(self._request_as_promise)
        else:
            resolution.nesting += 1
            try:
                thread = self._request()
            finally:
                resolution.nesting -= 1
            self._thread = thread
            if resolution.postponed:
                run_postponed()
            if thread is None:
                return None
        state = underlying(thread)._state
        if state == PENDING:
            return protected(thread)
        self._thread = None
        return None if state == FULFILLED else thread

    def _request(self) -> Promise[Any] | None:
        """Call the function. None if that gave a node at once."""
        function = self._function
        try:
            promise: Any = function()
            if type(promise) is Promise:
                return self._when_arrived(promise)
            if not self._is_ours:
                return self._when_arrived(to_promise("lwt_stream.from_", function, promise))
            # `enqueue_and_close`, without a call.
            node = self.last
            node.data = promise
            node.next = self.last = last = Node()
            last.data = None
            if promise is None:
                wakeup(self.close, None)
            return None
        except Exception as exception:
            return self._when_raised(exception)

    def _when_raised(self, exception: Exception) -> Promise[Any]:
        return new_promise(REJECTED, rejection_of(exception))

    def _when_arrived(self, promise: Promise[Any]) -> Promise[Any] | None:
        source = underlying(promise)
        if source._state == FULFILLED:
            data = source._value
            check_option("from_", "the function's promise to hold", data)
            self.enqueue_and_close(data)
            return None
        if source._state == REJECTED:
            return new_promise(REJECTED, source._value)
        thread: Promise[Any] = new_promise(PENDING, source)
        add_callback(source, _Enqueue(self, thread))
        return thread

    def _request_as_promise(self) -> Promise[Any]:
        return call(self._request) or new_promise(FULFILLED, None)


@final
class _Enqueue:
    """What `From` attaches to the promise of its function, if that is pending."""

    __slots__ = ("_source", "_storage", "_thread")

    def __init__(self, source: From, thread: Promise[Any]) -> None:
        self._source = source
        self._thread = thread
        self._storage = current_storage.contents

    def run(self, promise: Promise[Any], /) -> Promise[Any] | None:
        current_storage.contents = self._storage
        if promise._state == REJECTED:
            return settle(self._thread, REJECTED, promise._value)
        data = promise._value
        try:
            check_option("from_", "the function's promise to hold", data)
            self._source.enqueue_and_close(data)
        except Exception as exception:
            try:
                return settle(self._thread, REJECTED, rejection_of(exception))
            finally:
                del self, promise  # The traceback leads to this frame: close no circle.
        return settle(self._thread, FULFILLED, None)


@final
class From_direct(_Queue):
    """A function that returns elements, called when one is needed."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[[], Some[Any] | None]) -> None:
        super().__init__()
        self._function = function

    def feed(self) -> None:
        data = self._function()
        if type(data) is not Some and data is not None:
            check_option("from_direct", "the function to return", data)
        self.enqueue_and_close(data)


# --- Pushing -----------------------------------------------------------------


class _Signalled(_Queue):
    """A source that others push into, and that tells waiting readers of it."""

    __slots__ = ("_external", "_resolver", "_signal", "is_awaited")

    def __init__(self) -> None:
        super().__init__()
        self._signal, self._resolver = wait()
        self.is_awaited = False
        self._external: object = None

    def feed(self) -> Promise[Any] | None:
        self.is_awaited = True
        return protected(self._signal)

    def tell(self) -> None:
        """Resolve the signal that somebody waits for, and make the next one."""
        self.is_awaited = False
        resolver = self._resolver
        self._signal, self._resolver = wait()
        wakeup_later(resolver, None)

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
            TypeError: `data` is neither `Some` nor None.
        """
        if type(data) is not Some and data is not None:
            raise TypeError(
                f"lwt_stream.push: expected lwt.Some(element), or None to end the stream, "
                f"got {data!r} ({type(data).__name__})"
            )
        if self._is_closed:
            raise Closed(
                f"lwt_stream.push: cannot push {data!r}, the stream was closed by push(None)"
            )
        # `enqueue`, without a call.
        node = self.last
        node.data = data
        node.next = self.last = last = Node()
        last.data = None
        if self.is_awaited:
            self.tell()
        # Last, in case that one of the callbacks raises.
        if data is None:
            self._is_closed = True
            wakeup(self.close, None)


@final
class Push_bounded(_Signalled):
    """The source of `create_bounded`: a queue with room for so many elements.

    When it is full, one more element waits in `pending`; whoever pushed it waits for
    `waiter`. It comes in when an element is consumed, and `count` stays what it was.
    """

    __slots__ = ("count", "is_closed", "pending", "resolver", "size", "waiter")

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.count = 0
        self.pending: Some[Any] | None = None
        self.waiter, self.resolver = task()
        self.is_closed = False

    def consumed(self) -> None:
        """Note that an element was taken from the queue, and let the next one in."""
        if self.pending is None:
            self.count -= 1
        else:
            self.let_in()

    def let_in(self) -> None:
        """Move the pending element to the queue, and wake who pushed it."""
        self.enqueue(self.pending)
        self.pending = None
        resolver = self.resolver
        self.waiter, self.resolver = task()
        wakeup_later(resolver, None)

    def resize(self, size: int) -> None:
        """Change the bound; at most one element is let in, as in OCaml."""
        self.size = size
        if self.count < self.size and self.pending is not None:
            self.count += 1
            self.let_in()

    def take_back(self) -> None:
        """Forget the pending element: its push was cancelled."""
        self.pending = None
        self.waiter, self.resolver = task()

    def end(self) -> None:
        """Close: the pending push fails, and readers learn of the end."""
        if self.is_closed:
            return
        self.is_closed = True
        self.enqueue(None)
        if self.pending is not None:
            self.pending = None
            wakeup_later_exn(
                self.resolver,
                Closed("lwt_stream: the stream was closed before there was room for the element"),
            )
        if self.is_awaited:
            self.tell()
        wakeup(self.close, None)


Source: TypeAlias = From | From_direct | Push | Push_bounded
"""What a stream reads from. They have in common, besides `_Queue`, the method `feed`: it
asks for one more node, and returns None if that came at once, else the promise to wait for.

OCaml: type 'a source in src/core/lwt_stream.ml
"""
