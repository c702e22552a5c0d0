"""Streams made of several streams: combined, appended, chosen from.

Nothing is read before it is asked for. What the new stream reads is consumed from the others.

OCaml: src/core/lwt_stream.ml, from `combine` to `choose`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from functools import partial
from typing import Any, TypeVar, final

from lwt._core import concurrent, sequential
from lwt._core.checks import check_iterable, check_kind
from lwt._core.loop import Loop
from lwt._core.promise import Promise
from lwt._core.values import Some
from lwt.lwt_stream._asked import Looped
from lwt.lwt_stream._source import Cell
from lwt.lwt_stream._stream import MAKE_ONE, Stream, get, of_source, take

A = TypeVar("A")
B = TypeVar("B")
T = TypeVar("T")


def combine(first: Stream[A], second: Stream[B], /) -> Stream[tuple[A, B]]:
    """Make a stream of pairs; it ends when either stream does.

    Both are asked for an element at once, so the longer one loses one more.

    OCaml: Lwt_stream.combine : 'a t -> 'b t -> ('a * 'b) t
    """
    check_kind("lwt_stream.combine", first, Stream, MAKE_ONE)
    check_kind("lwt_stream.combine", second, Stream, MAKE_ONE)
    return of_source(Looped(partial(_combine, first, second)))


def _combine(first: Stream[A], second: Stream[B], source: Looped) -> Loop[None]:
    before = source.end
    left, right = take(first), take(second)
    if type(left) is not Cell:
        left = yield left
    if type(right) is not Cell:
        right = yield right
    if left.data is None or right.data is None:
        source.enqueue_end(before)
    else:
        source.enqueue_bare((left.value, right.value), before)


def append(first: Stream[T], second: Stream[T], /) -> Stream[T]:
    """Make a stream of all elements of one stream, then all of another.

    OCaml: Lwt_stream.append : 'a t -> 'a t -> 'a t
    """
    check_kind("lwt_stream.append", first, Stream, MAKE_ONE)
    check_kind("lwt_stream.append", second, Stream, MAKE_ONE)
    current = first

    def following(source: Looped) -> Loop[None]:
        nonlocal current
        before = source.end
        while True:
            reading = current
            taken = take(reading)
            if type(taken) is not Cell:
                taken = yield taken
            if taken.data is not None:
                return source.enqueue_bare(taken.value, before)
            if reading is second:
                return source.enqueue_end(before)
            current = second

    return of_source(Looped(following))


def concat(streams: Stream[Stream[T]], /) -> Stream[T]:
    """Make a stream of all elements of each stream in a stream, one after the other.

    OCaml: Lwt_stream.concat : 'a t t -> 'a t
    """
    check_kind("lwt_stream.concat", streams, Stream, MAKE_ONE)
    # One, or none. There are more only if a finaliser has read from the new stream meanwhile.
    opened: deque[Stream[T]] = deque()

    def following(source: Looped) -> Loop[None]:
        before = source.end
        while True:
            while opened:
                reading = opened[0]
                taken = take(reading)
                if type(taken) is not Cell:
                    taken = yield taken
                if taken.data is not None:
                    return source.enqueue_bare(taken.value, before)
                if opened and opened[0] is reading:
                    opened.popleft()
            taken = take(streams)
            if type(taken) is not Cell:
                taken = yield taken
            if taken.data is not None:
                check_kind("lwt_stream.concat", taken.value, Stream, MAKE_ONE)
                opened.append(taken.value)
            elif not opened:
                return source.enqueue_end(before)

    return of_source(Looped(following))


def choose(streams: Iterable[Stream[T]], /) -> Stream[T]:
    """Make a stream of the elements of several streams, each as it comes.

    Each stream is asked for its first element at once, and for the next one when an
    element of it was given. Among streams that have elements, one is drawn. If the promise of an
    element is rejected, every reading that draws it fails, as in OCaml.

    Raises:
        Exception: what a source fails with at once. (If that is the source of the next one, the
            element before is kept, and can be drawn again.)

    OCaml: Lwt_stream.choose : 'a t list -> 'a t
    """
    chosen_from = list(check_iterable("lwt_stream.choose", streams))
    for stream in chosen_from:
        check_kind("lwt_stream.choose", stream, Stream, MAKE_ONE)
    candidates = [_Candidate(stream) for stream in chosen_from]

    def choosing(source: Looped) -> Loop[None]:
        nonlocal candidates
        while promises := [candidate.promise for candidate in candidates]:
            chosen, option = yield concurrent.choose(promises)
            before = source.end
            again = [] if option is None else [_Candidate(chosen.stream)]
            was_ended = source.end is not before
            while True:
                now = candidates
                after = again + [candidate for candidate in now if candidate is not chosen]
                if candidates is now:  # No finaliser has read from the new stream.
                    candidates = after
                    break
            if option is not None:
                return source.enqueue(option, before if was_ended else source.end)
        return source.end_once()

    return of_source(Looped(choosing))


@final
class _Candidate:
    """A stream that `choose` waits for, and the promise of itself with its next element."""

    __slots__ = ("promise", "stream")

    def __init__(self, stream: Stream[Any]) -> None:
        self.stream = stream
        self.promise: Promise[Any] = sequential.map(self._with_option, get(stream))

    def _with_option(self, option: Some[Any] | None) -> tuple[_Candidate, Some[Any] | None]:
        return self, option
