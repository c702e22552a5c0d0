"""Reading streams: one element, several, all, what is there; and dropping them.

Each reader keeps its own place in the queue, like OCaml's: it still sees what another reader
consumes meanwhile. `nget`, `get_available_up_to` and `is_empty` are the exceptions: they look at
what is the first element of the stream at that moment.

OCaml: src/core/lwt_stream.ml, from `peek` to `is_empty`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from lwt._core.checks import check_bounds, check_callback, check_kind, wrong_type
from lwt._core.creation import fail, return_unit
from lwt._core.driver import to_promise
from lwt._core.loop import Loop, start
from lwt._core.promise import (
    FULFILLED,
    Promise,
    PromiseOrCoroutine,
    new_promise,
    underlying,
)
from lwt._core.sequential import bind
from lwt._core.values import Some
from lwt.lwt_stream._source import Cell, option_of
from lwt.lwt_stream._stream import (
    MAKE_ONE,
    Stream,
    arrival,
    consume,
    each,
    take,
)

T = TypeVar("T")


class Empty(Exception):
    """Say that an element was to be taken from a stream that has ended.

    OCaml: exception Lwt_stream.Empty
    """


# --- One element -------------------------------------------------------------


def peek(stream: Stream[T], /) -> Promise[Some[T] | None]:
    """Give the first element without taking it: `Some` of it, or `None` at the end.

    OCaml: Lwt_stream.peek : 'a t -> 'a option Lwt.t
    """
    check_kind("lwt_stream.peek", stream, Stream, MAKE_ONE)
    return start(_peek(stream))


def _peek(stream: Stream[T]) -> Loop[Some[T] | None]:
    cell = stream._cell
    yield from arrival(stream._source, cell)
    return option_of(cell)


def next(stream: Stream[T], /) -> Promise[T]:
    """Take the first element; the result is rejected with `Empty` if there is none.

    OCaml: Lwt_stream.next : 'a t -> 'a Lwt.t
    """
    check_kind("lwt_stream.next", stream, Stream, MAKE_ONE)
    taken = take(stream)
    if type(taken) is Cell:
        return _element_of(taken)
    return bind(taken, _element_of)


def _element_of(taken: Cell) -> Promise[Any]:
    if taken.data is not None:
        return new_promise(FULFILLED, taken.value)
    return fail(Empty("lwt_stream.next: the stream has ended; lwt_stream.get gives None there"))


def last_new(stream: Stream[T], /) -> Promise[T]:
    """Take all elements that are there and give the last; wait for one if there is none.

    The result is rejected with `Empty` at the end of the stream.

    OCaml: Lwt_stream.last_new : 'a t -> 'a Lwt.t
    """
    check_kind("lwt_stream.last_new", stream, Stream, MAKE_ONE)
    source, cell = stream._source, stream._cell
    if cell is source.last:
        promise = next(stream)
        if underlying(promise)._state != FULFILLED:
            return promise
        value = underlying(promise)._value
    elif cell.data is None:
        return fail(Empty("lwt_stream.last_new: the stream has ended"))
    else:
        value = cell.value
        consume(stream, cell)
    cell = cell.next
    while True:
        if cell is source.last:
            if source.feed(cell) is not None:
                return new_promise(FULFILLED, value)
        elif cell.data is None:
            return new_promise(FULFILLED, value)
        else:
            value = cell.value
            consume(stream, cell)
            cell = cell.next


def junk(stream: Stream[object], /) -> Promise[None]:
    """Drop the first element, if there is one.

    OCaml: Lwt_stream.junk : 'a t -> unit Lwt.t
    """
    check_kind("lwt_stream.junk", stream, Stream, MAKE_ONE)
    return start(_junk(stream))


def _junk(stream: Stream[object]) -> Loop[None]:
    cell = stream._cell
    if cell is stream._source.last:
        fed = stream._source.feed(cell)
        if fed is not None:
            yield fed
    if cell.data is not None:
        consume(stream, cell)


def is_empty(stream: Stream[object], /) -> Promise[bool]:
    """Tell whether the stream has no more elements, waiting for one if need be.

    OCaml: Lwt_stream.is_empty : 'a t -> bool Lwt.t
    """
    check_kind("lwt_stream.is_empty", stream, Stream, MAKE_ONE)
    return start(_is_empty(stream))


def _is_empty(stream: Stream[object]) -> Loop[bool]:
    while stream._cell is stream._source.last:
        yield from arrival(stream._source, stream._cell)
    return stream._cell.data is None


# --- A number of elements ----------------------------------------------------


def npeek(n: int, stream: Stream[T], /) -> Promise[list[T]]:
    """Give the first `n` elements without taking them; fewer if the stream ends before.

    Raises:
        ValueError: `n` is negative.

    OCaml: Lwt_stream.npeek : int -> 'a t -> 'a list Lwt.t
    """
    check_bounds("lwt_stream.npeek", "n", n, 0)
    check_kind("lwt_stream.npeek", stream, Stream, MAKE_ONE)
    return start(_npeek(n, stream))


def _npeek(n: int, stream: Stream[T]) -> Loop[list[T]]:
    source, cell = stream._source, stream._cell
    elements: list[T] = []
    while len(elements) < n:
        if cell is source.last:
            yield from arrival(source, cell)
        if cell.data is None:
            break
        elements.append(cell.value)
        cell = cell.next
    return elements


def nget(n: int, stream: Stream[T], /) -> Promise[list[T]]:
    """Take the first `n` elements; fewer if the stream ends before.

    Raises:
        ValueError: `n` is negative.

    OCaml: Lwt_stream.nget : int -> 'a t -> 'a list Lwt.t
    """
    check_bounds("lwt_stream.nget", "n", n, 0)
    check_kind("lwt_stream.nget", stream, Stream, MAKE_ONE)
    return start(_collect(_each_of(n, stream)))


def _each_of(n: int, stream: Stream[T]) -> Iterator[Cell | Promise[Any]]:
    """Consume `n` elements, in the way in which `each` consumes all."""
    source, cell = stream._source, stream._cell
    while n > 0:
        if cell is source.last:
            fed = source.feed(cell)
            if fed is not None:
                yield fed
            continue
        first = stream._cell  # Not this place's: as in OCaml.
        if first.data is None:
            return
        consume(stream, cell)
        n -= 1
        yield first
        cell = cell.next


def _collect(items: Iterator[Cell | Promise[Any]]) -> Loop[list[Any]]:
    """Make a list of all elements, waiting for those that are not there."""
    values: list[Any] = []
    for item in items:
        if type(item) is Promise:
            yield item
        else:
            values.append(item.value)
    return values


def njunk(n: int, stream: Stream[object], /) -> Promise[None]:
    """Drop the first `n` elements; fewer if the stream ends before.

    Raises:
        ValueError: `n` is negative.

    OCaml: Lwt_stream.njunk : int -> 'a t -> unit Lwt.t
    """
    check_bounds("lwt_stream.njunk", "n", n, 0)
    check_kind("lwt_stream.njunk", stream, Stream, MAKE_ONE)
    return start(_njunk(n, stream))


def _njunk(n: int, stream: Stream[object]) -> Loop[None]:
    if n == 0:
        return
    for item in each(stream):
        if type(item) is Promise:
            yield item
        else:
            n -= 1
            if n == 0:
                return


# --- As long as a predicate holds --------------------------------------------


def get_while(f: Callable[[T], bool], stream: Stream[T], /) -> Promise[list[T]]:
    """Take the elements before the first one that does not satisfy a predicate.

    Raises:
        Exception: what `f` raises, if nothing had to be waited for before.

    OCaml: Lwt_stream.get_while : ('a -> bool) -> 'a t -> 'a list Lwt.t
    """
    check_callback("lwt_stream.get_while", f, ("element",))
    check_kind("lwt_stream.get_while", stream, Stream, MAKE_ONE)
    elements: list[T] = []
    return start(_while(f, stream, elements))


def junk_while(f: Callable[[T], bool], stream: Stream[T], /) -> Promise[None]:
    """Drop the elements before the first one that does not satisfy a predicate.

    Raises:
        Exception: what `f` raises, if nothing had to be waited for before.

    OCaml: Lwt_stream.junk_while : ('a -> bool) -> 'a t -> unit Lwt.t
    """
    check_callback("lwt_stream.junk_while", f, ("element",))
    check_kind("lwt_stream.junk_while", stream, Stream, MAKE_ONE)
    return start(_while(f, stream, None))


def _while(f: Callable[[T], bool], stream: Stream[T], elements: Any) -> Loop[Any]:
    """Consume elements; append them to a list, if there is one, and return it."""
    source, cell = stream._source, stream._cell
    while True:
        if cell is source.last:
            yield from arrival(source, cell)
        if cell.data is None or not f(cell.value):
            return elements
        consume(stream, cell)
        if elements is not None:
            elements.append(cell.value)
        cell = cell.next


def get_while_s(
    f: Callable[[T], PromiseOrCoroutine[bool]], stream: Stream[T], /
) -> Promise[list[T]]:
    """Take elements like `get_while`, with a predicate that returns promises.

    An element is taken when its promise has said so.

    OCaml: Lwt_stream.get_while_s : ('a -> bool Lwt.t) -> 'a t -> 'a list Lwt.t
    """
    check_callback("lwt_stream.get_while_s", f, ("element",))
    check_kind("lwt_stream.get_while_s", stream, Stream, MAKE_ONE)
    elements: list[T] = []
    return start(_while_s("lwt_stream.get_while_s", f, stream, elements))


def junk_while_s(f: Callable[[T], PromiseOrCoroutine[bool]], stream: Stream[T], /) -> Promise[None]:
    """Drop elements like `junk_while`, with a predicate that returns promises.

    OCaml: Lwt_stream.junk_while_s : ('a -> bool Lwt.t) -> 'a t -> unit Lwt.t
    """
    check_callback("lwt_stream.junk_while_s", f, ("element",))
    check_kind("lwt_stream.junk_while_s", stream, Stream, MAKE_ONE)
    return start(_while_s("lwt_stream.junk_while_s", f, stream, None))


def _while_s(
    function_name: str,
    f: Callable[[T], PromiseOrCoroutine[bool]],
    stream: Stream[T],
    elements: Any,
) -> Loop[Any]:
    source, cell = stream._source, stream._cell
    while True:
        if cell is source.last:
            yield from arrival(source, cell)
        if cell.data is None or not (yield to_promise(function_name, f, f(cell.value))):
            return elements
        consume(stream, cell)
        if elements is not None:
            elements.append(cell.value)
        cell = cell.next


# --- Everything --------------------------------------------------------------


def to_list(stream: Stream[T], /) -> Promise[list[T]]:
    """Take all elements, to the end of the stream.

    OCaml: Lwt_stream.to_list : 'a t -> 'a list Lwt.t
    """
    check_kind("lwt_stream.to_list", stream, Stream, MAKE_ONE)
    return start(_collect(each(stream)))


def to_string(stream: Stream[bytes], /) -> Promise[bytes]:
    """Take all characters, to the end of the stream, and give them as one string of bytes.

    OCaml: Lwt_stream.to_string : char t -> string Lwt.t
    """
    check_kind("lwt_stream.to_string", stream, Stream, MAKE_ONE)
    return start(_to_string(stream))


def _to_string(stream: Stream[bytes]) -> Loop[bytes]:
    characters = bytearray()
    for item in each(stream):
        if type(item) is Promise:
            yield item
        else:
            check_character("lwt_stream.to_string", item.value)
            characters += item.value
    return bytes(characters)


def check_character(function: str, character: object) -> None:
    """Raise a TypeError unless an element is a `char` of OCaml."""
    if not isinstance(character, bytes) or len(character) != 1:
        raise wrong_type(function, "a stream of bytes of length 1", character)


# --- What is there -----------------------------------------------------------


def get_available(stream: Stream[T], /) -> list[T]:
    """Take all elements that can be had without waiting.

    Raises:
        Exception: what the source fails with; the elements before are lost, as in OCaml.

    OCaml: Lwt_stream.get_available : 'a t -> 'a list
    """
    check_kind("lwt_stream.get_available", stream, Stream, MAKE_ONE)
    elements: list[T] = []
    _take_available(stream, elements)
    return elements


def junk_available(stream: Stream[object], /) -> None:
    """Drop all elements that can be had without waiting.

    Raises:
        Exception: what the source fails with.

    OCaml: Lwt_stream.junk_available : 'a t -> unit
    """
    check_kind("lwt_stream.junk_available", stream, Stream, MAKE_ONE)
    _take_available(stream, None)


def _take_available(stream: Stream[T], elements: list[T] | None) -> None:
    """Consume elements; append them to a list, if there is one.

    (Not by `each`: a generator would make something else of a StopIteration of the user's.)
    """
    source, cell = stream._source, stream._cell
    while True:
        if cell is source.last:
            if source.feed(cell) is not None:
                return
        elif cell.data is None:
            return
        else:
            consume(stream, cell)
            if elements is not None:
                elements.append(cell.value)
            cell = cell.next


def junk_old(stream: Stream[object], /) -> Promise[None]:
    """Drop all elements that can be had without waiting. Deprecated: use `junk_available`.

    OCaml: Lwt_stream.junk_old : 'a t -> unit Lwt.t
    """
    check_kind("lwt_stream.junk_old", stream, Stream, MAKE_ONE)
    junk_available(stream)
    return return_unit


def get_available_up_to(n: int, stream: Stream[T], /) -> list[T]:
    """Take up to `n` elements that can be had without waiting.

    Raises:
        Exception: what the source fails with.
        ValueError: `n` is negative.

    OCaml: Lwt_stream.get_available_up_to : int -> 'a t -> 'a list
    """
    check_bounds("lwt_stream.get_available_up_to", "n", n, 0)
    check_kind("lwt_stream.get_available_up_to", stream, Stream, MAKE_ONE)
    source, cell = stream._source, stream._cell
    elements: list[T] = []
    while len(elements) < n:
        if cell is source.last:
            if source.feed(cell) is not None:
                break
            continue
        head = stream._cell  # As in `nget`.
        if head.data is None:
            break
        consume(stream, cell)
        elements.append(head.value)
        cell = cell.next
    return elements
