"""Streams: a place in the queue of a source; and the readers that others are built on.

OCaml: src/core/lwt_stream.ml, the type t, clone, consume, get.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Generic, NoReturn, TypeVar, final

from lwt._core.checks import check_kind
from lwt._core.identity import refuse_copy
from lwt._core.loop import Loop, start
from lwt._core.promise import (
    FULFILLED,
    Promise,
    new_promise,
    underlying,
)
from lwt._core.values import Some
from lwt.lwt_stream._push import Push_bounded
from lwt.lwt_stream._source import BARE, Cell, Source, option_of

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@final
class Stream(Generic[T_co]):
    """A sequence of elements that arrive over time.

    Streams come from `create`, `from_`, `of_list` and the other functions of this
    module, not from this class. In an `async def` function (see `lwt.promised`),
    `async for element in stream` takes the elements, like `next`. (There, a StopAsyncIteration
    of the source is a RuntimeError, since Python would take it for the end.)

    OCaml: type 'a Lwt_stream.t
    """

    __slots__ = ("__weakref__", "_bounded", "_cell", "_source")

    _cell: Cell
    """The first cell that is not consumed; the last one, if there is none."""

    _source: Source

    _bounded: Push_bounded | None
    """The source, if it is one that counts what is consumed."""

    def __reduce_ex__(self, protocol: object, /) -> NoReturn:
        refuse_copy(self)

    def __init__(self, source: Source, cell: Cell) -> None:
        self._source = source
        self._cell = cell
        self._bounded = source if type(source) is Push_bounded else None

    def __aiter__(self) -> Stream[T_co]:
        return self

    async def __anext__(self) -> T_co:
        # Like `get`, but what is there needs no promise, and no option.
        cell = self._cell
        if cell.data is not None:
            self._cell = cell.next
            if self._bounded is not None:
                self._bounded.consumed()
        else:
            try:
                taken = take(self)
                cell = taken if type(taken) is Cell else await taken
            except StopAsyncIteration as stop:
                # Python does the same with the StopIteration of a generator.
                raised = RuntimeError("the source of a stream raised StopAsyncIteration")
                raised.__cause__ = stop
                raise raised  # noqa: B904  # Compiled code does not know `from`.
            if cell.data is None:
                raise StopAsyncIteration
        return cell.value  # type: ignore[no-any-return]  # Cells are not typed.

    def __repr__(self) -> str:
        waiting = 0
        cell = self._cell
        while cell.data is not None and waiting <= _SHOWN_IN_REPR:
            waiting += 1
            cell = cell.next
        number = f"more than {_SHOWN_IN_REPR}" if waiting > _SHOWN_IN_REPR else str(waiting)
        ended = ", closed" if is_closed(self) else ""
        return f"<Stream, {number} waiting{ended}>"


_SHOWN_IN_REPR = 8


def of_source(source: Source) -> Stream[Any]:
    """Make a stream that reads all that a source will give."""
    return Stream(source, source.last)


MAKE_ONE: Final = "lwt_stream.of_list makes one of a list; lwt_stream.create returns a pair, the stream is the first"
"""How to mend it where something is not a stream."""

# --- The state of a stream ---------------------------------------------------


def clone(stream: Stream[T], /) -> Stream[T]:
    """Make a stream that will read the same elements as this one; neither disturbs the other.

    Takes constant time. The elements are not copied: they are kept until the slowest of
    the clones that are still alive has read them.

    Raises:
        ValueError: it is a stream of `create_bounded`.

    OCaml: Lwt_stream.clone : 'a t -> 'a t
    """
    check_kind("lwt_stream.clone", stream, Stream, MAKE_ONE)
    if stream._bounded is not None:
        raise ValueError(
            "Lwt_stream.clone: a stream of create_bounded cannot be cloned, "
            "since its bound counts one reader; use create"
        )
    return Stream(stream._source, stream._cell)


def closed(stream: Stream[object], /) -> Promise[None]:
    """Return a promise that is fulfilled when the end of the stream becomes known.

    That may be before the elements are read. It cannot be cancelled.

    OCaml: Lwt_stream.closed : 'a t -> unit Lwt.t
    """
    check_kind("lwt_stream.closed", stream, Stream, MAKE_ONE)
    return stream._source.closed


def is_closed(stream: Stream[object], /) -> bool:
    """Tell whether the end of the stream is known; elements may be left to read.

    If it is, reading never has to wait.

    OCaml: Lwt_stream.is_closed : 'a t -> bool
    """
    check_kind("lwt_stream.is_closed", stream, Stream, MAKE_ONE)
    return underlying(stream._source.closed)._state == FULFILLED


# --- Taking elements ---------------------------------------------------------


def consume(stream: Stream[object], cell: Cell) -> None:
    """Remove a cell from the stream, unless another reader has done so already."""
    if cell is stream._cell:
        stream._cell = cell.next
        if stream._bounded is not None:
            stream._bounded.consumed()


def get(stream: Stream[T], /) -> Promise[Some[T] | None]:
    """Take the first element: `Some` of it, or `None` at the end of the stream.

    Several readers may wait at once. They all wait for the same element; when it comes
    the first of them consumes it, but all of them get it, as in OCaml. Cancelling
    the result leaves the source and the other readers alone.

    >>> from lwt import Some, lwt_stream
    >>> stream, push = lwt_stream.create()
    >>> first = lwt_stream.get(stream)
    >>> first
    <Promise pending>
    >>> push(Some(1))
    >>> first
    <Promise fulfilled: Some(1)>

    Raises:
        Exception: what the source fails with at once.

    OCaml: Lwt_stream.get : 'a t -> 'a option Lwt.t
    """
    if type(stream) is not Stream:
        check_kind("lwt_stream.get", stream, Stream, MAKE_ONE)
    promise: Promise[Some[T] | None] = Promise()  # First, as the guide of `lwt/_core` says.
    cell = stream._cell
    data = cell.data
    if data is BARE:
        data = Some(cell.value)
        if cell is not stream._cell:  # A finaliser has taken it.
            return get(stream)
    if data is not None:
        # `consume` and `new_promise`, without calls.
        stream._cell = cell.next
        if stream._bounded is not None:
            stream._bounded.consumed()
        promise._state = FULFILLED
        promise._value = data
        promise._callbacks = promise._cancel_callbacks = None
        return promise
    taken = take(stream, as_option=True)
    return new_promise(FULFILLED, option_of(taken)) if type(taken) is Cell else taken


def take(stream: Stream[object], as_option: bool = False) -> Cell | Promise[Any]:
    """Take the first element: give its cell, or the cell of the end.

    If it has to be waited for, give the promise of that cell; if `as_option`, the promise of the
    option that `get` gives.
    """
    cell = stream._cell
    data = cell.data
    if data is None:
        if cell is stream._source.last:
            fed = stream._source.feed(cell)
            if fed is not None:
                return start(_take_when_fed(fed, stream, cell, as_option))
        if cell.data is None or cell is not stream._cell:
            return cell
    # `consume`, without a call.
    stream._cell = cell.next
    if stream._bounded is not None:
        stream._bounded.consumed()
    return cell


def _take_when_fed(
    fed: Promise[Any], stream: Stream[object], cell: Cell, as_option: bool
) -> Loop[Any]:
    """Wait for the element of a cell, and take it."""
    yield fed
    if cell.data is not None:  # The source has filled the cell: `feed` waits for no less.
        consume(stream, cell)
    return option_of(cell) if as_option else cell


def each(stream: Stream[T]) -> Iterator[Cell | Promise[Any]]:
    """Consume all elements to the end of the stream, one each time that an item is asked for.

    An item is the cell of an element. If an element has to be waited for, one or more items
    before it are promises to wait for. A loop over these items `yield`s the promises and works on
    the elements.
    """
    source, cell = stream._source, stream._cell
    while True:
        if cell.data is None:
            if cell is not source.last:
                return
            fed = source.feed(cell)
            if fed is not None:
                yield fed
            continue
        if cell is stream._cell:
            # `consume`, without a call.
            stream._cell = cell.next
            if stream._bounded is not None:
                stream._bounded.consumed()
        yield cell
        cell = cell.next


def arrival(source: Source, cell: Cell) -> Loop[None]:
    """Wait until a cell has its element, or is known to be the end."""
    while cell is source.last:
        fed = source.feed(cell)
        if fed is not None:
            yield fed
