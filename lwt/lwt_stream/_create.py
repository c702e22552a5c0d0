"""Making streams: from functions, from values, and by pushing.

OCaml: src/core/lwt_stream.ml, from `from` to `create_bounded`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar, final

from lwt._core.background import dont_wait
from lwt._core.checks import (
    check_bounds,
    check_callback,
    check_iterable,
    check_option,
    check_promise,
    wrong_type,
)
from lwt._core.creation import fail, return_unit
from lwt._core.driver import to_promise
from lwt._core.exceptions import Canceled
from lwt._core.handling import catch
from lwt._core.identity import refuse_copy
from lwt._core.loop import Loop
from lwt._core.promise import FULFILLED, Promise, PromiseOrCoroutine
from lwt._core.sequential import bind
from lwt._core.values import Some
from lwt.lwt_seq._nodes import Node, SeqOrAsync, cons_of
from lwt.lwt_stream._asked import From_direct, From_iterator, Looped
from lwt.lwt_stream._push import Closed, Push, Push_bounded
from lwt.lwt_stream._source import BARE, Cell
from lwt.lwt_stream._stream import Stream, of_source

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


class Full(Exception):
    """Say that the queue is full and that another push waits for room already.

    OCaml: exception Lwt_stream.Full
    """


# --- From functions ----------------------------------------------------------


def from_(f: Callable[[], PromiseOrCoroutine[Some[T] | None]], /) -> Stream[T]:
    """Make a stream from a function that is called when an element is needed.

    Its promise gives `Some(element)`, or `None` at the end. It is not called again while
    that promise is pending.

    If it raises, or its promise is rejected already, its exception leaves through the reader for
    whom it was called. If its promise is rejected later, so are the promises of those who wait
    for the element. Neither ends the stream: the next reader has the function called again.
    (What an `async def` function raises rejects its promise. So before its first pending promise,
    that leaves through the reader, too.)

    >>> import lwt
    >>> from lwt import lwt_stream
    >>> numbers = iter([1, 2])
    >>> def number() -> lwt.Promise[lwt.Some[int] | None]:
    ...     n = next(numbers, None)
    ...     return lwt.return_(None if n is None else lwt.Some(n))
    >>> lwt_stream.to_list(lwt_stream.from_(number))
    <Promise fulfilled: [1, 2]>

    OCaml: Lwt_stream.from : (unit -> 'a option Lwt.t) -> 'a t
    """
    check_callback("lwt_stream.from_", f, ())
    return of_source(Looped(partial(_from, f)))


def _from(f: Callable[[], PromiseOrCoroutine[Some[T] | None]], source: Looped) -> Loop[None]:
    before = source.end
    promise = to_promise("lwt_stream.from_", f, f())
    data = promise._value if promise._state == FULFILLED else (yield promise)
    if data is None:
        source.enqueue_end(before)
    else:
        check_option("lwt_stream.from_", f, data, promised=True)
        source.enqueue(data, before)


def from_direct(f: Callable[[], Some[T] | None], /) -> Stream[T]:
    """Make a stream like `from_`, from a function that returns the option itself.

    What the function raises leaves through the reader, if that has not waited before.

    OCaml: Lwt_stream.from_direct : (unit -> 'a option) -> 'a t
    """
    check_callback("lwt_stream.from_direct", f, ())
    return of_source(From_direct(f))


# --- By pushing --------------------------------------------------------------


def create() -> tuple[Stream[Any], Callable[[Some[Any] | None], None]]:
    """Make a stream and the function that pushes into it.

    `push(Some(element))` adds an element, `push(None)` ends the stream; after that, it
    raises `Closed`. The queue has no bound. The function does not keep the stream alive:
    what is pushed when nobody can read it is dropped.

    >>> from lwt import Some, lwt_stream
    >>> stream, push = lwt_stream.create()
    >>> push(Some(1))
    >>> push(None)
    >>> lwt_stream.to_list(stream)
    <Promise fulfilled: [1]>

    OCaml: Lwt_stream.create : unit -> 'a t * ('a option -> unit)
    """
    source = Push()
    return of_source(source), source.push


def create_with_reference() -> tuple[
    Stream[Any], Callable[[Some[Any] | None], None], Callable[[object], None]
]:
    """Make a stream like `create`, and a function that sets a reference.

    That function keeps an object, such as the one that pushes, alive as long as the stream or
    its push function is alive.

    OCaml: Lwt_stream.create_with_reference
        : unit -> 'a t * ('a option -> unit) * ('b -> unit)
    """
    source = Push()
    return of_source(source), source.push, source.set_reference


@final
class bounded_push(Generic[T_contra]):
    """What pushes into a stream of `create_bounded`.

    OCaml: class type ['a] Lwt_stream.bounded_push
    """

    __slots__ = ("_source",)

    def __reduce_ex__(self, protocol: object, /) -> NoReturn:
        refuse_copy(self)

    def __init__(self, source: Push_bounded) -> None:
        self._source = source

    @property
    def size(self) -> int:
        """How many elements the queue has room for.

        OCaml: Lwt_stream.bounded_push, method size : int
        """
        return self._source.size

    def resize(self, size: int, /) -> None:
        """Change the size; it may be less than the number of elements in the queue.

        If there is room now for the element whose push waits, it is let in.

        Raises:
            ValueError: `size` is negative.

        OCaml: Lwt_stream.bounded_push, method resize : int -> unit
        """
        ocaml = "Lwt_stream.bounded_push#resize"
        check_bounds("lwt_stream.bounded_push.resize", "size", size, 0, ocaml=ocaml)
        self._source.resize(size)

    def push(self, element: T_contra, /) -> Promise[None]:
        """Push an element; wait until there is room for it.

        Cancelling the result takes the element back. The result is rejected with `Full` if
        another push waits already, and with `Closed` if the stream is closed, or will be
        before there is room.

        OCaml: Lwt_stream.bounded_push, method push : 'a -> unit Lwt.t
        """
        source = self._source
        last = Cell()
        last.data = None
        if source.count < source.size and source.pending is None and not source.is_closed:
            # `enqueue_bare`, without a call.
            cell = source.last
            cell.data = BARE
            cell.value = element
            cell.next = source.last = last
            source.count += 1
            if source.is_awaited:
                source.tell()
            return return_unit
        if source.is_closed:
            return fail(
                Closed(f"lwt_stream.bounded_push.push: cannot push {element!r} after close()")
            )
        if source.pending is not None:
            return fail(
                Full(
                    f"lwt_stream.bounded_push.push: cannot push {element!r}, another push waits "
                    f"for room; wait for its promise before the next push"
                )
            )
        pending = Some(element)
        if source.count < source.size or source.pending is not None or source.is_closed:
            return self.push(element)  # A finaliser has changed it.
        source.pending = pending
        waiter = source.waiter

        def give_up(exception: Exception) -> Promise[None]:
            if isinstance(exception, Canceled):
                source.take_back(waiter)
            return fail(exception)

        return catch(lambda: waiter, give_up)

    def close(self) -> None:
        """End the stream; a push that waits fails with `Closed`. A second call does nothing.

        OCaml: Lwt_stream.bounded_push, method close : unit
        """
        self._source.finish()

    @property
    def count(self) -> int:
        """How many elements are in the queue; the one whose push waits is not.

        OCaml: Lwt_stream.bounded_push, method count : int
        """
        return self._source.count

    @property
    def blocked(self) -> bool:
        """Whether a push waits for room.

        OCaml: Lwt_stream.bounded_push, method blocked : bool
        """
        return self._source.pending is not None

    @property
    def closed(self) -> bool:
        """Whether the stream was closed.

        OCaml: Lwt_stream.bounded_push, method closed : bool
        """
        return self._source.is_closed

    def set_reference(self, reference: object, /) -> None:
        """Keep an object alive as long as the stream or this is alive.

        OCaml: Lwt_stream.bounded_push, method set_reference : 'a. 'a -> unit
        """
        self._source.set_reference(reference)

    def __repr__(self) -> str:
        closed = ", closed" if self.closed else ", blocked" if self.blocked else ""
        return f"<bounded_push, {self.count} of {self.size}{closed}>"


def create_bounded(size: int, /) -> tuple[Stream[Any], bounded_push[Any]]:
    """Make a stream whose queue has room for so many elements, and what pushes into it.

    Such a stream cannot be cloned or parsed.

    >>> from lwt import lwt_stream
    >>> stream, source = lwt_stream.create_bounded(1)
    >>> source.push("a"), source.push("b")
    (<Promise fulfilled: None>, <Promise pending>)
    >>> source.push("c")  # doctest: +ELLIPSIS
    <Promise rejected: Full(...)>

    Raises:
        ValueError: `size` is negative.

    OCaml: Lwt_stream.create_bounded : int -> 'a t * 'a bounded_push
    """
    check_bounds("lwt_stream.create_bounded", "size", size, 0, ocaml="Lwt_stream.create_bounded")
    source = Push_bounded(size)
    return of_source(source), bounded_push(source)


# --- From values -------------------------------------------------------------


def return_(element: T, /) -> Stream[T]:
    """Make a closed stream of one element.

    OCaml: Lwt_stream.return : 'a -> 'a t
    """
    return _full((element,))


def return_lwt(promise: Promise[T], /) -> Stream[T]:
    """Make a stream of the value of a promise; it closes when the promise is resolved.

    If the promise is rejected, the stream is empty; the exception is lost.

    OCaml: Lwt_stream.return_lwt : 'a Lwt.t -> 'a t
    """
    check_promise("lwt_stream.return_lwt", promise)
    source = Push()
    stream = of_source(source)

    def push_value(value: T) -> Promise[None]:
        source.push(Some(value))
        source.push(None)
        return return_unit

    dont_wait(lambda: bind(promise, push_value), lambda _: source.push(None))
    return stream


def of_seq(seq: Iterable[T], /) -> Stream[T]:
    """Make a stream of the items of an iterable, which is asked for an item when one is needed.

    OCaml: Lwt_stream.of_seq : 'a Seq.t -> 'a t
    """
    return of_source(From_iterator(check_iterable("lwt_stream.of_seq", seq)))


def of_lwt_seq(seq: SeqOrAsync[T], /) -> Stream[T]:
    """Make a stream of the elements of an `lwt_seq`, whose nodes are evaluated when needed.

    OCaml: Lwt_stream.of_lwt_seq : 'a Lwt_seq.t -> 'a t
    """
    check_callback("lwt_stream.of_lwt_seq", seq, ())
    rest = seq

    def following(source: Looped) -> Loop[None]:
        nonlocal rest
        before = source.end
        promise = to_promise("lwt_stream.of_lwt_seq", rest, rest())
        node: Node[T] = promise._value if promise._state == FULFILLED else (yield promise)
        cons = cons_of("lwt_stream.of_lwt_seq", node)
        if cons is None:
            return source.enqueue_end(before)
        rest = cons.next
        return source.enqueue_bare(cons.element, before)

    return of_source(Looped(following))


def of_list(elements: Iterable[T], /) -> Stream[T]:
    """Make a closed stream of the items of a list, or of any iterable, all read at once.

    >>> from lwt import lwt_stream
    >>> lwt_stream.of_list([1, 2, 3])
    <Stream, 3 waiting, closed>

    OCaml: Lwt_stream.of_list : 'a list -> 'a t
    """
    return _full(check_iterable("lwt_stream.of_list", elements))


def of_array(elements: Iterable[T], /) -> Stream[T]:
    """Make a closed stream of the items of an array, or of any iterable, all read at once.

    OCaml: Lwt_stream.of_array : 'a array -> 'a t
    """
    return _full(check_iterable("lwt_stream.of_array", elements))


def of_string(string: ReadableBuffer | str, /) -> Stream[bytes]:
    """Make a closed stream of the bytes of a string, each as `bytes` of length 1; `str` is UTF-8.

    >>> from lwt import lwt_stream
    >>> lwt_stream.to_list(lwt_stream.of_string("ab"))
    <Promise fulfilled: [b'a', b'b']>

    OCaml: Lwt_stream.of_string : string -> char t
    """
    if isinstance(string, str):
        characters = string.encode()
    else:
        try:
            characters = bytes(memoryview(string))
        except TypeError:
            expected = "a str or a bytes-like object"
            raise wrong_type("lwt_stream.of_string", expected, string) from None
    return _full(characters[i : i + 1] for i in range(len(characters)))


def _full(elements: Iterable[T]) -> Stream[T]:
    """Make a closed stream of some elements."""
    source = Push()
    stream = of_source(source)
    for element in elements:
        source.enqueue_bare(element, None)
    source.push(None)
    return stream
