"""Going through streams to their end: `fold`, `iter`, `find`, and `parse`.

All of them consume what they meet, before the function is called with it.

OCaml: src/core/lwt_stream.ml, from `fold` to `find_map_s`, and `parse`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Never, TypeVar

from lwt._core.checks import check_callback, check_kind, check_option, given_by_position
from lwt._core.concurrent import join, nchoose_split
from lwt._core.creation import return_unit
from lwt._core.driver import to_promise
from lwt._core.handling import catch
from lwt._core.loop import Loop, start
from lwt._core.promise import FULFILLED, Promise, PromiseOrCoroutine, underlying
from lwt._core.resolution import MAXIMUM_NESTING, call, postpone, resolution
from lwt._core.sequential import bind
from lwt._core.values import Some
from lwt.lwt_stream._source import Cell, option_of
from lwt.lwt_stream._stream import (
    MAKE_ONE,
    Stream,
    consume,
    each,
    get,
)

A = TypeVar("A")
B = TypeVar("B")
T = TypeVar("T")

# --- fold --------------------------------------------------------------------


def fold(f: Callable[[T, A], A], stream: Stream[T], initial: A, /) -> Promise[A]:
    """Combine all elements: `f(en, ... f(e2, f(e1, initial)))`.

    >>> from lwt import lwt_stream
    >>> lwt_stream.fold(lambda n, total: n + total, lwt_stream.of_list([1, 2, 3]), 0)
    <Promise fulfilled: 6>

    Raises:
        Exception: what `f` raises, if nothing had to be waited for before.

    OCaml: Lwt_stream.fold : ('a -> 'b -> 'b) -> 'a t -> 'b -> 'b Lwt.t
    """
    check_callback("lwt_stream.fold", f, ("element", "accumulator"))
    check_kind("lwt_stream.fold", stream, Stream, MAKE_ONE)
    return start(_fold(f, stream, initial))


def _fold(f: Callable[[T, A], A], stream: Stream[T], accumulated: A) -> Loop[A]:
    for item in each(stream):
        if type(item) is Promise:
            yield item
        else:
            accumulated = f(item.value, accumulated)
    return accumulated


def fold_s(
    f: Callable[[T, A], PromiseOrCoroutine[A]], stream: Stream[T], initial: A, /
) -> Promise[A]:
    """Combine all elements like `fold`, waiting for the promise of each call.

    OCaml: Lwt_stream.fold_s : ('a -> 'b -> 'b Lwt.t) -> 'a t -> 'b -> 'b Lwt.t
    """
    check_callback("lwt_stream.fold_s", f, ("element", "accumulator"))
    check_kind("lwt_stream.fold_s", stream, Stream, MAKE_ONE)
    return start(_fold_s(f, stream, initial))


def _fold_s(
    f: Callable[[T, A], PromiseOrCoroutine[A]], stream: Stream[T], accumulated: A
) -> Loop[A]:
    for item in each(stream):
        if type(item) is Promise:
            yield item
        else:
            accumulated = yield to_promise("lwt_stream.fold_s", f, f(item.value, accumulated))
    return accumulated


# --- iter --------------------------------------------------------------------


def iter(f: Callable[[T], object], stream: Stream[T], /) -> Promise[None]:
    """Call a function with each element.

    Raises:
        Exception: what `f` raises, if nothing had to be waited for before.

    OCaml: Lwt_stream.iter : ('a -> unit) -> 'a t -> unit Lwt.t
    """
    check_callback("lwt_stream.iter", f, ("element",))
    check_kind("lwt_stream.iter", stream, Stream, MAKE_ONE)
    return start(_iter(f, stream))


def _iter(f: Callable[[T], object], stream: Stream[T]) -> Loop[None]:
    for item in each(stream):
        if type(item) is Promise:
            yield item
        else:
            f(item.value)


def iter_s(f: Callable[[T], PromiseOrCoroutine[object]], stream: Stream[T], /) -> Promise[None]:
    """Call a function with each element, one after the other: wait for each promise.

    Cancelling the result cancels the promise that it waits for.

    Raises:
        Exception: what `f` raises, if nothing had to be waited for before.

    OCaml: Lwt_stream.iter_s : ('a -> unit Lwt.t) -> 'a t -> unit Lwt.t
    """
    check_callback("lwt_stream.iter_s", f, ("element",))
    check_kind("lwt_stream.iter_s", stream, Stream, MAKE_ONE)
    return start(_iter_s(f, stream))


def _iter_s(f: Callable[[T], PromiseOrCoroutine[object]], stream: Stream[T]) -> Loop[None]:
    for item in each(stream):
        if type(item) is Promise:
            yield item
        else:
            promise = to_promise("lwt_stream.iter_s", f, f(item.value))
            if promise._state != FULFILLED:
                yield promise


def iter_p(f: Callable[[T], PromiseOrCoroutine[object]], stream: Stream[T], /) -> Promise[None]:
    """Call a function with each element as it comes, without waiting for the promises.

    The result is fulfilled when all of them are. If one is rejected, so is the result, once
    the promises of all earlier elements are fulfilled; the others go on. Only promises that
    are not fulfilled at once are kept.

    OCaml: Lwt_stream.iter_p : ('a -> unit Lwt.t) -> 'a t -> unit Lwt.t
    """
    check_callback("lwt_stream.iter_p", f, ("element",))
    check_kind("lwt_stream.iter_p", stream, Stream, MAKE_ONE)
    return _iter_p(f, stream, stream._cell)


def _iter_p(
    f: Callable[[T], PromiseOrCoroutine[object]], stream: Stream[T], cell: Cell
) -> Promise[None]:
    if resolution.nesting >= MAXIMUM_NESTING:
        return postpone(_iter_p, f, stream, cell)
    promises, following, fed = call(_start_available, f, stream, cell)
    rest = return_unit if fed is None else bind(fed, lambda _: _iter_p(f, stream, following))
    # From the last to the first, like OCaml's recursion: `promise >>= fun () -> rest`.
    while promises:
        rest = _followed_by(promises.pop(), rest)
    return rest


def _followed_by(promise: Promise[object], rest: Promise[None]) -> Promise[None]:
    return bind(promise, lambda _: rest)


def _start_available(
    f: Callable[[T], PromiseOrCoroutine[object]], stream: Stream[T], cell: Cell
) -> tuple[list[Promise[object]], Cell, Promise[Any] | None]:
    """Call `f` with each element from a cell on, until one has to be waited for, or the stream ends.

    (Not by `each`: a generator would make something else of a StopIteration of the user's.)

    Returns the promises that are not fulfilled yet, the cell after the elements, and what to wait
    for; None at the end of the stream.
    """
    source = stream._source
    promises: list[Promise[object]] = []
    while True:
        if cell is source.last:
            fed = source.feed(cell)
            if fed is not None:
                return promises, cell, fed
        elif cell.data is None:
            return promises, cell, None
        else:
            consume(stream, cell)
            promise = to_promise("lwt_stream.iter_p", f, f(cell.value))
            if underlying(promise)._state != FULFILLED:
                promises.append(promise)
            cell = cell.next


def iter_n(
    f: Callable[[T], PromiseOrCoroutine[object]],
    stream: Stream[T],
    /,
    *_wrong: Never,
    max_concurrency: int = 1,
) -> Promise[None]:
    """Call a function with each element, with at most so many of its promises pending.

    An element is taken when there is room for its promise. When one is rejected, no more
    elements are taken once that is noticed, and the result is rejected.

    Raises:
        ValueError: `max_concurrency` is less than 1.

    OCaml: Lwt_stream.iter_n
        : ?max_concurrency:int -> ('a -> unit Lwt.t) -> 'a t -> unit Lwt.t
    """
    if _wrong:
        raise given_by_position(iter_n, _wrong)
    check_callback("lwt_stream.iter_n", f, ("element",))
    check_kind("lwt_stream.iter_n", stream, Stream, MAKE_ONE)
    check_kind("lwt_stream.iter_n", max_concurrency, int, "max_concurrency is a number of promises")
    if max_concurrency <= 0:
        raise ValueError(f"Lwt_stream.iter_n: max_concurrency must be > 0, {max_concurrency} given")
    return start(_iter_n(f, stream, max_concurrency))


def _iter_n(
    f: Callable[[T], PromiseOrCoroutine[object]], stream: Stream[T], available: int
) -> Loop[None]:
    running: list[Promise[object]] = []  # The newest is last; OCaml's is first.
    while True:
        if available <= 0:
            complete, running = yield nchoose_split(running[::-1])
            running.reverse()
            available += len(complete)
        option = yield get(stream)
        if option is None:
            yield join(running[::-1])
            return
        running.append(to_promise("lwt_stream.iter_n", f, f(option.value)))
        available -= 1


# --- find --------------------------------------------------------------------


def find(f: Callable[[T], bool], stream: Stream[T], /) -> Promise[Some[T] | None]:
    """Take elements up to the first that satisfies a predicate; give `Some` of that one.

    OCaml: Lwt_stream.find : ('a -> bool) -> 'a t -> 'a option Lwt.t
    """
    check_callback("lwt_stream.find", f, ("element",))
    check_kind("lwt_stream.find", stream, Stream, MAKE_ONE)
    return start(_find(f, stream))


def _find(f: Callable[[T], bool], stream: Stream[T]) -> Loop[Some[T] | None]:
    for item in each(stream):
        if type(item) is Promise:
            yield item
        elif f(item.value):
            return option_of(item)
    return None


def find_s(
    f: Callable[[T], PromiseOrCoroutine[bool]], stream: Stream[T], /
) -> Promise[Some[T] | None]:
    """Find an element like `find`, with a predicate that returns promises.

    OCaml: Lwt_stream.find_s : ('a -> bool Lwt.t) -> 'a t -> 'a option Lwt.t
    """
    check_callback("lwt_stream.find_s", f, ("element",))
    check_kind("lwt_stream.find_s", stream, Stream, MAKE_ONE)
    return start(_find_s(f, stream))


def _find_s(f: Callable[[T], PromiseOrCoroutine[bool]], stream: Stream[T]) -> Loop[Some[T] | None]:
    for item in each(stream):
        if type(item) is Promise:
            yield item
        elif (yield to_promise("lwt_stream.find_s", f, f(item.value))):
            return option_of(item)
    return None


def find_map(f: Callable[[T], Some[B] | None], stream: Stream[T], /) -> Promise[Some[B] | None]:
    """Take elements up to the first for which a function returns `Some`; give that.

    OCaml: Lwt_stream.find_map : ('a -> 'b option) -> 'a t -> 'b option Lwt.t
    """
    check_callback("lwt_stream.find_map", f, ("element",))
    check_kind("lwt_stream.find_map", stream, Stream, MAKE_ONE)
    return start(_find_map(f, stream))


def _find_map(f: Callable[[T], Some[B] | None], stream: Stream[T]) -> Loop[Some[B] | None]:
    for item in each(stream):
        if type(item) is Promise:
            yield item
        else:
            found = f(item.value)
            check_option("lwt_stream.find_map", f, found)
            if found is not None:
                return found
    return None


def find_map_s(
    f: Callable[[T], PromiseOrCoroutine[Some[B] | None]], stream: Stream[T], /
) -> Promise[Some[B] | None]:
    """Find and map like `find_map`, with a function that returns promises.

    OCaml: Lwt_stream.find_map_s : ('a -> 'b option Lwt.t) -> 'a t -> 'b option Lwt.t
    """
    check_callback("lwt_stream.find_map_s", f, ("element",))
    check_kind("lwt_stream.find_map_s", stream, Stream, MAKE_ONE)
    return start(_find_map_s(f, stream))


def _find_map_s(
    f: Callable[[T], PromiseOrCoroutine[Some[B] | None]], stream: Stream[T]
) -> Loop[Some[B] | None]:
    for item in each(stream):
        if type(item) is Promise:
            yield item
        else:
            found: Some[B] | None = yield to_promise("lwt_stream.find_map_s", f, f(item.value))
            check_option("lwt_stream.find_map_s", f, found, promised=True)
            if found is not None:
                return found
    return None


# --- parse -------------------------------------------------------------------


def parse(stream: Stream[T], f: Callable[[Stream[T]], PromiseOrCoroutine[B]], /) -> Promise[B]:
    """Call a function that reads from a stream; if it fails, put back what it has read.

    Meanwhile all elements from this place on are kept.

    >>> import lwt
    >>> from lwt import lwt_stream
    >>> stream, push = lwt_stream.create()
    >>> async def read_two(stream: lwt_stream.Stream[str]) -> str:
    ...     return await lwt_stream.next(stream) + await lwt_stream.next(stream)
    >>> two = lwt_stream.parse(stream, read_two)
    >>> push(lwt.Some("a"))
    >>> push(None)
    >>> two  # doctest: +ELLIPSIS
    <Promise rejected: Empty(...)>
    >>> lwt_stream.to_list(stream)
    <Promise fulfilled: ['a']>

    Raises:
        ValueError: it is a stream of `create_bounded`.
        Exception: what `f` raises; the elements are put back before.

    OCaml: Lwt_stream.parse : 'a t -> ('a t -> 'b Lwt.t) -> 'b Lwt.t
    """
    check_kind("lwt_stream.parse", stream, Stream, MAKE_ONE)
    check_callback("lwt_stream.parse", f, ("stream",))
    if stream._bounded is not None:
        raise ValueError(
            "Lwt_stream.parse: a stream of create_bounded cannot be parsed, "
            "since what was read cannot be put back; use create"
        )
    cell = stream._cell

    def put_back(exception: Exception) -> Promise[B]:
        stream._cell = cell
        raise exception

    return catch(lambda: to_promise("lwt_stream.parse", f, f(stream)), put_back)
