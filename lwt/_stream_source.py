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

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any, Final, TypeAlias, final

from lwt._cancellation import protected
from lwt._coroutine import to_promise
from lwt._creation import task, wait, wakeup, wakeup_later, wakeup_later_exn
from lwt._promise import (
    FULFILLED,
    PENDING,
    REJECTED,
    Promise,
    PromiseOrCoroutine,
    Rejection,
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


class Bare(Enum):
    """The type of `BARE` (an enum, so that checkers can tell it apart)."""

    BARE = "an element that is in no option yet"


BARE: Final = Bare.BARE


@final
class Node:
    """A place in the queue. OCaml's last one points to itself; here that would be a circle."""

    __slots__ = ("data", "next", "value")

    data: Some[Any] | Bare | None
    """The option that `get` gives, or `BARE` if that is still to be made: many readers need
    the element alone. None at the end of the stream, and in the last node.

    Whoever makes a node sets it: an `__init__` would double what a node costs."""

    value: Any
    """The element; not set where `data` is None."""

    next: Node
    """The place after it; not set in the last node."""


def option_of(node: Node) -> Some[Any] | None:
    """Give what is in a node as an option; None at the end of the stream."""
    data = node.data
    return Some(node.value) if data is BARE else data


class _Queue:
    """What all kinds of sources have in common: the end of the queue, and the closing."""

    __slots__ = ("close", "closed", "last")

    def __init__(self) -> None:
        self.last = Node()
        self.last.data = None
        self.closed, self.close = wait()

    def enqueue(self, data: Some[Any] | None) -> None:
        """Add what an option holds to the queue, or the end."""
        node = self.last
        node.data = data
        if data is not None:
            node.value = data.value
        node.next = self.last = last = Node()
        last.data = None

    def enqueue_bare(self, value: Any) -> None:
        """Add an element to the queue that is in no option."""
        node = self.last
        node.data = BARE
        node.value = value
        node.next = self.last = last = Node()
        last.data = None

    def enqueue_and_close(self, data: Some[Any] | None) -> None:
        """Add what an option holds to the queue; at the end, resolve `closed`."""
        self.enqueue(data)
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


class Asked(_Queue, ABC):
    """A source that is asked for each element when that is needed, and may have to wait for it."""

    __slots__ = ("requested",)

    def __init__(self) -> None:
        super().__init__()
        self.requested: Promise[Any] | None = None
        """The promise of the node that was asked for, if it has not come yet.

        While it is pending, everyone waits for this one; nothing more is asked for."""

    @abstractmethod
    def request(self) -> Promise[Any] | None:
        """Ask for one more node. None if that was added at once, else the promise of that.

        Exceptions are in the promise.
        """

    def when_raised(self, exception: Exception, own_frames: int = 1) -> Promise[Any]:
        """Make the promise that `request` returns when something was raised there."""
        return new_promise(REJECTED, rejection_of(exception, own_frames))

    def wait_for(
        self, promise: Promise[Any], go_on: Callable[[Any], Promise[Any] | None]
    ) -> Promise[Any]:
        """Wait for a promise that is not fulfilled; return the promise of the new node.

        `go_on` takes the value, adds a node, and returns None; or it returns the next promise
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
        check_option("from_", "the function's promise to hold", data)
        self.enqueue_and_close(data)


@final
class Looped(Asked):
    """A loop for each element: it adds a node, and gives the promises to wait for before."""

    __slots__ = ("_start",)

    def __init__(self, start: Callable[[Looped], Iterator[Promise[Any]]]) -> None:
        super().__init__()
        self._start = start

    def request(self) -> Promise[Any] | None:
        try:
            loop = self._start(self)
            promise = _go_on(loop)
        except Exception as exception:
            return self.when_raised(exception)
        return None if promise is None else self.wait_for(promise, lambda _: _go_on(loop))


def _go_on(loop: Iterator[Promise[Any]]) -> Promise[Any] | None:
    """Go on with a loop, up to a promise that is not fulfilled; None at its end."""
    for promise in loop:
        source = underlying(promise)
        if source._state != FULFILLED:
            return source
    return None


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


@final
class From_iterator(_Queue):
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
        if type(data) is not Some or self._is_closed:
            self._push_end(data)
            return
        # `enqueue`, without a call.
        node = self.last
        node.data = data
        node.value = data.value
        node.next = self.last = last = Node()
        last.data = None
        if self.is_awaited:
            self.tell()

    def _push_end(self, data: object) -> None:
        """Push the end, or say why `data` cannot be pushed."""
        if data is not None and type(data) is not Some:
            raise TypeError(
                f"lwt_stream.push: expected lwt.Some(element), or None to end the stream, "
                f"got {data!r} ({type(data).__name__})"
            )
        if self._is_closed:
            raise Closed(
                f"lwt_stream.push: cannot push {data!r}, the stream was closed by push(None)"
            )
        self.enqueue(None)
        if self.is_awaited:
            self.tell()
        # Last, in case that one of the callbacks raises.
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


Source: TypeAlias = Asked | From_direct | From_iterator | Push | Push_bounded
"""What a stream reads from. They have in common, besides `_Queue`, the method `feed`: it
asks for one more node, and returns None if that came at once, else the promise to wait for.

OCaml: type 'a source in src/core/lwt_stream.ml
"""
