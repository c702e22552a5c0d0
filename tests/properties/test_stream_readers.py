"""Readers of one queue, which disturb each other, against a model, step by step.

The model is a list, a number for each clone, and the readers that wait.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, NamedTuple, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import lwt
from lwt import Promise, Some, lwt_stream
from lwt.lwt_stream import Stream
from tests.support.streams import listed

T = TypeVar("T")


END = object()
"""What is in the model's list where the stream ends."""

Reading = Generator[None, None, Any]
"""A reader in the model: it yields when it has to wait for the next push."""


class Place:
    """A stream in the model: how many items of the queue it has consumed."""

    def __init__(self, queue: Queue, at: int) -> None:
        self.queue = queue
        self.at = at

    def consume(self, at: int) -> None:
        """Consume the item at a place, unless another reader has done so."""
        if at == self.at:
            self.at += 1
            self.queue.consumed()

    def item(self, at: int) -> Any:
        """The item at a place; at the last one there is none, as at the end."""
        return END if at == len(self.queue.items) else self.queue.items[at]

    def arrival(self, at: int) -> Reading:
        while at == len(self.queue.items):
            yield

    # Readers

    def peek(self) -> Reading:
        at = self.at
        yield from self.arrival(at)
        return None if self.item(at) is END else Some(self.item(at))

    def get(self) -> Reading:
        at = self.at
        option = yield from self.peek()
        if option is not None:
            self.consume(at)
        return option

    def next(self) -> Reading:
        option = yield from self.get()
        return lwt_stream.Empty if option is None else option.value

    def last_new(self) -> Reading:
        there = self.available()
        return there[-1] if there else (yield from self.next())

    def is_empty(self) -> Reading:
        while self.at == len(self.queue.items):
            yield
        return self.item(self.at) is END

    def values(
        self,
        n: int | None = None,
        *,
        accepts: Callable[[int], bool] = lambda value: True,
        is_peeking: bool = False,
        looks_at_the_first: bool = False,
    ) -> Reading:
        """Read so many elements, all that satisfy a predicate, or all."""
        at = self.at
        values: list[int] = []
        while n is None or len(values) < n:
            yield from self.arrival(at)
            value = self.item(self.at if looks_at_the_first else at)
            if value is END or not accepts(value):
                break
            if not is_peeking:
                self.consume(at)
            values.append(value)
            at += 1
        return values

    def find(self) -> Reading:
        at = self.at
        while True:
            yield from self.arrival(at)
            value = self.item(at)
            if value is END:
                return None
            self.consume(at)
            if not is_small(value):
                return Some(value)
            at += 1

    def available(self, n: int | None = None) -> list[int]:
        """Take what is there, without waiting."""
        values: list[int] = []
        while self.item(self.at) is not END and (n is None or len(values) < n):
            values.append(self.item(self.at))
            self.consume(self.at)
        return values


def is_small(value: int) -> bool:
    return value <= 6


class Waiting(NamedTuple):
    """A reader that was started, in the model and in the program."""

    reading: Reading
    promise: Promise[Any]
    is_junking: bool


class Queue:
    """The model: the items that were ever in the queue, and who waits for more."""

    def __init__(self, size: int | None) -> None:
        self.items: list[Any] = []
        self.size = size
        self.count = 0
        self.pending: tuple[int, Promise[None]] | None = None
        self.is_closed = False
        self.waiting: list[Waiting] = []
        self.expected: list[tuple[Promise[Any], Any]] = []

    def consumed(self) -> None:
        if self.pending is None:
            self.count -= 1
        else:
            self.let_in()

    def let_in(self) -> None:
        assert self.pending is not None
        value, promise = self.pending
        self.pending = None
        self.items.append(value)
        self.expected.append((promise, None))

    def start(self, waiting: Waiting) -> None:
        try:
            next(waiting.reading)
        except StopIteration as stop:
            self.expected.append((waiting.promise, None if waiting.is_junking else stop.value))
        else:
            self.waiting.append(waiting)

    def tell(self) -> None:
        """Let those who wait go on, the newest first."""
        woken, self.waiting = self.waiting[::-1], []
        for waiting in woken:
            self.start(waiting)


Reader = tuple[Callable[[Any, int], Promise[Any]], Callable[[Place, int], Reading]]

READERS: dict[str, Reader] = {
    "get": (lambda s, n: lwt_stream.get(s), lambda p, n: p.get()),
    "next": (lambda s, n: lwt_stream.next(s), lambda p, n: p.next()),
    "peek": (lambda s, n: lwt_stream.peek(s), lambda p, n: p.peek()),
    "junk": (lambda s, n: lwt_stream.junk(s), lambda p, n: p.get()),
    "last_new": (lambda s, n: lwt_stream.last_new(s), lambda p, n: p.last_new()),
    "is_empty": (lambda s, n: lwt_stream.is_empty(s), lambda p, n: p.is_empty()),
    "to_list": (lambda s, n: lwt_stream.to_list(s), lambda p, n: p.values()),
    "nget": (lambda s, n: lwt_stream.nget(n, s), lambda p, n: p.values(n, looks_at_the_first=True)),
    "npeek": (lambda s, n: lwt_stream.npeek(n, s), lambda p, n: p.values(n, is_peeking=True)),
    "njunk": (lambda s, n: lwt_stream.njunk(n, s), lambda p, n: p.values(n)),
    "get_while": (
        lambda s, n: lwt_stream.get_while(is_small, s),
        lambda p, n: p.values(accepts=is_small),
    ),
    "junk_while": (
        lambda s, n: lwt_stream.junk_while(is_small, s),
        lambda p, n: p.values(accepts=is_small),
    ),
    "find": (
        lambda s, n: lwt_stream.find(lambda value: not is_small(value), s),
        lambda p, n: p.find(),
    ),
}
"""The readers: of a stream, and of a place in the model; those of `junk` give no value."""


class Readers(RuleBasedStateMachine):
    """A queue that is pushed into, read by clones at any places, or by one if it has a bound."""

    @initialize(size=st.none() | st.integers(0, 3))
    def create(self, size: int | None) -> None:
        self.queue = Queue(size)
        self.push: Any
        if size is None:
            stream, self.push = lwt_stream.create()
        else:
            stream, self.push = lwt_stream.create_bounded(size)
        self.streams = [(stream, Place(self.queue, 0))]

    def some_stream(self, data: st.DataObject) -> tuple[Stream[int], Place]:
        return self.streams[data.draw(st.integers(0, len(self.streams) - 1))]

    # Pushing

    @rule(value=st.integers(0, 9))
    def push_an_element(self, value: int) -> None:
        queue = self.queue
        if queue.size is None:
            try:
                self.push(Some(value))
            except lwt_stream.Closed:
                assert queue.is_closed
            else:
                assert not queue.is_closed
                queue.items.append(value)
                queue.tell()
            return
        promise = self.push.push(value)
        if queue.is_closed:
            queue.expected.append((promise, lwt_stream.Closed))
        elif queue.pending is not None:
            queue.expected.append((promise, lwt_stream.Full))
        elif queue.count < queue.size:
            queue.count += 1
            queue.items.append(value)
            queue.expected.append((promise, None))
            queue.tell()
        else:
            queue.pending = value, promise

    @precondition(lambda self: not self.queue.is_closed and len(self.queue.items) > 3)
    @rule()
    def close(self) -> None:
        queue = self.queue
        if queue.size is None:
            self.push(None)
        else:
            self.push.close()
        queue.is_closed = True
        queue.items.append(END)
        if queue.pending is not None:
            queue.expected.append((queue.pending[1], lwt_stream.Closed))
            queue.pending = None
        queue.tell()

    @precondition(lambda self: self.queue.size is not None)
    @rule(size=st.integers(0, 3))
    def resize(self, size: int) -> None:
        self.push.resize(size)
        self.queue.size = size
        if self.queue.count < size and self.queue.pending is not None:
            self.queue.count += 1
            self.queue.let_in()

    @precondition(lambda self: self.queue.pending is not None)
    @rule()
    def cancel_the_push(self) -> None:
        assert self.queue.pending is not None
        _, promise = self.queue.pending
        lwt.cancel(promise)
        self.queue.pending = None
        self.queue.expected.append((promise, lwt.Canceled))

    # Reading

    @rule(data=st.data(), name=st.sampled_from(sorted(READERS)), n=st.integers(0, 3))
    def read(self, data: st.DataObject, name: str, n: int) -> None:
        stream, place = self.some_stream(data)
        read, read_model = READERS[name]
        self.queue.start(Waiting(read_model(place, n), read(stream, n), "junk" in name))

    @rule(data=st.data(), n=st.none() | st.integers(0, 3), junking=st.booleans())
    def read_what_is_there(self, data: st.DataObject, n: int | None, junking: bool) -> None:
        stream, place = self.some_stream(data)
        if junking:
            lwt_stream.junk_available(stream)
            place.available()
        elif n is None:
            assert lwt_stream.get_available(stream) == place.available()
        else:
            assert lwt_stream.get_available_up_to(n, stream) == place.available(n)

    @precondition(lambda self: self.queue.waiting)
    @rule(data=st.data())
    def cancel_a_reader(self, data: st.DataObject) -> None:
        waiting = self.queue.waiting
        cancelled = waiting.pop(data.draw(st.integers(0, len(waiting) - 1)))
        lwt.cancel(cancelled.promise)
        self.queue.expected.append((cancelled.promise, lwt.Canceled))

    @precondition(lambda self: self.queue.size is None)
    @rule(data=st.data())
    def clone(self, data: st.DataObject) -> None:
        stream, place = self.some_stream(data)
        self.streams.append((lwt_stream.clone(stream), Place(self.queue, place.at)))

    @precondition(lambda self: len(self.streams) > 1)
    @rule(data=st.data())
    def drop_a_clone(self, data: st.DataObject) -> None:
        self.streams.remove(self.some_stream(data))

    # What must hold

    @invariant()
    def all_is_as_in_the_model(self) -> None:
        for promise, expected in self.queue.expected:
            state = lwt.state(promise)
            if isinstance(expected, type):
                assert isinstance(state, lwt.Fail)
                assert type(state.exception) is expected
            else:
                assert state == lwt.Return(expected)
        self.queue.expected.clear()
        assert all(lwt.is_sleeping(waiting.promise) for waiting in self.queue.waiting)
        for stream, _ in self.streams:
            assert lwt_stream.is_closed(stream) == self.queue.is_closed
        if self.queue.size is not None:
            assert (self.push.size, self.push.count) == (self.queue.size, self.queue.count)
            assert self.push.blocked == (self.queue.pending is not None)
            assert self.push.closed == self.queue.is_closed

    def teardown(self) -> None:
        """What is left of each clone is what the model has from its place on."""
        if not self.queue.is_closed:
            self.close()
        self.all_is_as_in_the_model()
        assert self.queue.waiting == []
        for stream, place in self.streams:
            assert listed(stream) == place.available()


TestReaders = Readers.TestCase
