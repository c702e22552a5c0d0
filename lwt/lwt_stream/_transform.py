"""Streams made of another stream: mapped, filtered, dumped.

Each is like a stream of `from_`: nothing is read before it is asked for. An exception of the
user's function is that of one element, and does not end the stream: it leaves through the reader,
or rejects its promise if that had to wait. What the new stream reads is consumed from the old one.

`map` and `filter`, which programs use most, have sources of their own (`_Derived`). The others
are loops (`Looped`), which take a generator for each element.

OCaml: src/core/lwt_stream.ml, from `map` to `flatten`, `wrap_exn`, and `hexdump`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeVar, final

from lwt._core.checks import check_callback, check_kind, check_option
from lwt._core.creation import return_none, return_some
from lwt._core.driver import to_promise
from lwt._core.handling import try_bind
from lwt._core.loop import Loop
from lwt._core.promise import FULFILLED, Promise, PromiseOrCoroutine
from lwt._core.values import Error, Ok, Some
from lwt.lwt_stream._asked import Asked, Looped
from lwt.lwt_stream._read import check_character, nget
from lwt.lwt_stream._source import BARE, Cell
from lwt.lwt_stream._stream import (
    MAKE_ONE,
    Stream,
    consume,
    of_source,
    take,
)

A = TypeVar("A")
B = TypeVar("B")
T = TypeVar("T")

# --- One stream, element by element ------------------------------------------


def map(f: Callable[[A], B], stream: Stream[A], /) -> Stream[B]:
    """Make a stream of what a function gives for each element.

    >>> from lwt import lwt_stream
    >>> lwt_stream.to_list(lwt_stream.map(str, lwt_stream.of_list([1, 2])))
    <Promise fulfilled: ['1', '2']>

    OCaml: Lwt_stream.map : ('a -> 'b) -> 'a t -> 'b t
    """
    check_callback("lwt_stream.map", f, ("element",))
    check_kind("lwt_stream.map", stream, Stream, MAKE_ONE)
    return of_source(_Mapped(f, stream))


class _Derived(Asked):
    """A source that makes each of its cells of a cell of a stream."""

    __slots__ = ("_function", "_stream")

    def __init__(self, function: Callable[[Any], Any], stream: Stream[Any]) -> None:
        super().__init__()
        self._function = function
        self._stream = stream

    def request(self) -> Promise[Any] | None:
        before = self.end
        taken = take(self._stream)
        following = self.arrived(taken, before) if type(taken) is Cell else taken
        return None if following is None else self.run(self._wait_for(following, before))

    def _wait_for(self, following: Promise[Any] | None, before: Cell | None) -> Loop[None]:
        while following is not None:
            following = self.arrived((yield following), before)

    @abstractmethod
    def arrived(self, taken: Cell, before: Cell | None) -> Promise[Any] | None:
        """Add a cell to the queue, and return None; or return what to wait for before.

        `before` is what `end` was when the cell was asked for.
        """


@final
class _Mapped(_Derived):
    """The source of `map`."""

    __slots__ = ()

    def arrived(self, taken: Cell, before: Cell | None) -> Promise[Any] | None:
        if taken.data is None:
            self.enqueue_end(before)
            return None
        # `enqueue_bare`, without a call.
        last = Cell()
        last.data = None
        value = self._function(taken.value)
        if self.end is not None:
            self.enqueue_bare(value, before)
            return None
        cell = self.last
        cell.data = BARE
        cell.value = value
        cell.next = self.last = last
        return None


def map_s(f: Callable[[A], PromiseOrCoroutine[B]], stream: Stream[A], /) -> Stream[B]:
    """Make a stream like `map`, with a function that returns promises.

    OCaml: Lwt_stream.map_s : ('a -> 'b Lwt.t) -> 'a t -> 'b t
    """
    check_callback("lwt_stream.map_s", f, ("element",))
    check_kind("lwt_stream.map_s", stream, Stream, MAKE_ONE)
    return of_source(Looped(partial(_map_s, f, stream)))


def _map_s(
    f: Callable[[A], PromiseOrCoroutine[B]], stream: Stream[A], source: Looped
) -> Loop[None]:
    before = source.end
    taken = take(stream)
    if type(taken) is not Cell:
        taken = yield taken
    if taken.data is None:
        return source.enqueue_end(before)
    promise = to_promise("lwt_stream.map_s", f, f(taken.value))
    value = promise._value if promise._state == FULFILLED else (yield promise)
    return source.enqueue_bare(value, before)


def filter(f: Callable[[T], bool], stream: Stream[T], /) -> Stream[T]:
    """Make a stream of the elements that satisfy a predicate.

    OCaml: Lwt_stream.filter : ('a -> bool) -> 'a t -> 'a t
    """
    check_callback("lwt_stream.filter", f, ("element",))
    check_kind("lwt_stream.filter", stream, Stream, MAKE_ONE)
    return of_source(_Filtered(f, stream))


@final
class _Filtered(_Derived):
    """The source of `filter`."""

    __slots__ = ()

    def arrived(self, taken: Cell, before: Cell | None) -> Promise[Any] | None:
        while taken.data is not None:
            if self._function(taken.value):
                last = Cell()
                last.data = None
                if self.end is not None:
                    self.enqueue_bare(taken.value, before)
                    return None
                # `enqueue_bare`, without a call.
                cell = self.last
                cell.data = BARE
                cell.value = taken.value
                cell.next = self.last = last
                return None
            following = take(self._stream)
            if type(following) is not Cell:
                return following
            taken = following
        self.enqueue_end(before)
        return None


def filter_s(f: Callable[[T], PromiseOrCoroutine[bool]], stream: Stream[T], /) -> Stream[T]:
    """Make a stream like `filter`, with a predicate that returns promises.

    OCaml: Lwt_stream.filter_s : ('a -> bool Lwt.t) -> 'a t -> 'a t
    """
    check_callback("lwt_stream.filter_s", f, ("element",))
    check_kind("lwt_stream.filter_s", stream, Stream, MAKE_ONE)
    return of_source(Looped(partial(_filter_s, f, stream)))


def _filter_s(
    f: Callable[[T], PromiseOrCoroutine[bool]], stream: Stream[T], source: Looped
) -> Loop[None]:
    before = source.end
    while True:
        taken = take(stream)
        if type(taken) is not Cell:
            taken = yield taken
        if taken.data is None:
            return source.enqueue_end(before)
        promise = to_promise("lwt_stream.filter_s", f, f(taken.value))
        if promise._value if promise._state == FULFILLED else (yield promise):
            return source.enqueue_bare(taken.value, before)


def filter_map(f: Callable[[A], Some[B] | None], stream: Stream[A], /) -> Stream[B]:
    """Make a stream of what is in the `Some`s that a function returns for the elements.

    OCaml: Lwt_stream.filter_map : ('a -> 'b option) -> 'a t -> 'b t
    """
    check_callback("lwt_stream.filter_map", f, ("element",))
    check_kind("lwt_stream.filter_map", stream, Stream, MAKE_ONE)
    return of_source(Looped(partial(_filter_map, f, stream)))


def _filter_map(f: Callable[[A], Some[B] | None], stream: Stream[A], source: Looped) -> Loop[None]:
    before = source.end
    while True:
        taken = take(stream)
        if type(taken) is not Cell:
            taken = yield taken
        if taken.data is None:
            return source.enqueue_end(before)
        found = f(taken.value)
        check_option("lwt_stream.filter_map", f, found)
        if found is not None:
            return source.enqueue(found, before)


def filter_map_s(
    f: Callable[[A], PromiseOrCoroutine[Some[B] | None]], stream: Stream[A], /
) -> Stream[B]:
    """Make a stream like `filter_map`, with a function that returns promises.

    OCaml: Lwt_stream.filter_map_s : ('a -> 'b option Lwt.t) -> 'a t -> 'b t
    """
    check_callback("lwt_stream.filter_map_s", f, ("element",))
    check_kind("lwt_stream.filter_map_s", stream, Stream, MAKE_ONE)
    return of_source(Looped(partial(_filter_map_s, f, stream)))


def _filter_map_s(
    f: Callable[[A], PromiseOrCoroutine[Some[B] | None]], stream: Stream[A], source: Looped
) -> Loop[None]:
    before = source.end
    while True:
        taken = take(stream)
        if type(taken) is not Cell:
            taken = yield taken
        if taken.data is None:
            return source.enqueue_end(before)
        promise = to_promise("lwt_stream.filter_map_s", f, f(taken.value))
        found = promise._value if promise._state == FULFILLED else (yield promise)
        check_option("lwt_stream.filter_map_s", f, found, promised=True)
        if found is not None:
            return source.enqueue(found, before)


def map_list(f: Callable[[A], Iterable[B]], stream: Stream[A], /) -> Stream[B]:
    """Make a stream of all items of the lists that a function returns for the elements.

    OCaml: Lwt_stream.map_list : ('a -> 'b list) -> 'a t -> 'b t
    """
    check_callback("lwt_stream.map_list", f, ("element",))
    check_kind("lwt_stream.map_list", stream, Stream, MAKE_ONE)
    pending: deque[B] = deque()
    return of_source(Looped(partial(_map_list, f, stream, pending)))


def _map_list(
    f: Callable[[A], Iterable[B]], stream: Stream[A], pending: deque[B], source: Looped
) -> Loop[None]:
    before = source.end
    while not pending:
        taken = take(stream)
        if type(taken) is not Cell:
            taken = yield taken
        if taken.data is None:
            return source.enqueue_end(before)
        found = [*f(taken.value)]
        pending.clear()  # As in OCaml: what `f` itself has read from this stream is gone.
        pending.extend(found)
    source.enqueue_bare(pending.popleft(), before)


def map_list_s(
    f: Callable[[A], PromiseOrCoroutine[Iterable[B]]], stream: Stream[A], /
) -> Stream[B]:
    """Make a stream like `map_list`, with a function that returns promises.

    OCaml: Lwt_stream.map_list_s : ('a -> 'b list Lwt.t) -> 'a t -> 'b t
    """
    check_callback("lwt_stream.map_list_s", f, ("element",))
    check_kind("lwt_stream.map_list_s", stream, Stream, MAKE_ONE)
    pending: deque[B] = deque()
    return of_source(Looped(partial(_map_list_s, f, stream, pending)))


def _map_list_s(
    f: Callable[[A], PromiseOrCoroutine[Iterable[B]]],
    stream: Stream[A],
    pending: deque[B],
    source: Looped,
) -> Loop[None]:
    before = source.end
    while not pending:
        taken = take(stream)
        if type(taken) is not Cell:
            taken = yield taken
        if taken.data is None:
            return source.enqueue_end(before)
        promise = to_promise("lwt_stream.map_list_s", f, f(taken.value))
        found = [*(promise._value if promise._state == FULFILLED else (yield promise))]
        pending.clear()  # As above.
        pending.extend(found)
    source.enqueue_bare(pending.popleft(), before)


def flatten(stream: Stream[Iterable[T]], /) -> Stream[T]:
    """Make a stream of all items of the lists in a stream.

    OCaml: Lwt_stream.flatten : 'a list t -> 'a t
    """
    check_kind("lwt_stream.flatten", stream, Stream, MAKE_ONE)
    return map_list(lambda elements: elements, stream)


def wrap_exn(stream: Stream[T], /) -> Stream[Ok[T] | Error[Exception]]:
    """Make a stream of `Ok(element)`, and of `Error(exception)` where the source failed.

    A source that fails each time makes an endless stream.

    OCaml: Lwt_stream.wrap_exn : 'a t -> ('a, exn) result t
    """
    check_kind("lwt_stream.wrap_exn", stream, Stream, MAKE_ONE)
    return of_source(Looped(partial(_wrap_exn, stream)))


def _wrap_exn(stream: Stream[T], source: Looped) -> Loop[None]:
    before = source.end
    cell = stream._cell
    if cell is stream._source.last:
        failure: Some[Error[Exception]] | None = yield try_bind(
            lambda: stream._source.feed(cell) or return_none,
            lambda _: return_none,
            lambda exception: return_some(Error(exception)),
        )
        if failure is not None:
            return source.enqueue(failure, before)
    if cell.data is None:
        return source.enqueue_end(before)
    consume(stream, cell)
    return source.enqueue_bare(Ok(cell.value), before)


# --- hexdump -----------------------------------------------------------------


def hexdump(stream: Stream[bytes], /) -> Stream[bytes]:
    """Make a stream of lines, without line ends, that show characters in hexadecimal.

    >>> from lwt import lwt_stream
    >>> lines = lwt_stream.hexdump(lwt_stream.of_string("To be, or not to be"))
    >>> for line in lwt_stream.get_available(lines):
    ...     print(line.decode())
    00000000|  54 6f 20 62 65 2c 20 6f  72 20 6e 6f 74 20 74 6f  |To be, or not to|
    00000010|  20 62 65                                          | be|

    OCaml: Lwt_stream.hexdump : char t -> string t
    """
    check_kind("lwt_stream.hexdump", stream, Stream, MAKE_ONE)
    offset = 0

    def following(source: Looped) -> Loop[None]:
        nonlocal offset
        before = source.end
        characters: list[bytes] = yield nget(16, stream)
        if not characters:
            return source.enqueue_end(before)
        for character in characters:
            check_character("lwt_stream.hexdump", character)
        of_this_line = offset
        offset += 16
        return source.enqueue_bare(_hexdump_line(of_this_line, b"".join(characters)), before)

    return of_source(Looped(following))


def _hexdump_line(offset: int, characters: bytes) -> bytes:
    left, right = characters[:8].hex(" "), characters[8:].hex(" ")
    text = "".join(chr(c) if 0x20 <= c <= 0x7E else "." for c in characters)
    return f"{offset:08x}|  {left:<23}  {right:<23}  |{text}|".encode()
