"""No element of a stream is lost or given twice when the collector runs, and finalisers interfere.

Functions of the user's are those of C here, or give promises that are there already: what happens
inside a function of the user's may be anything, also without a collector.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any, NamedTuple

import pytest

import lwt
from lwt import Promise, Some, lwt_seq, lwt_stream
from lwt._core.resolution import resume
from lwt.lwt_stream import Stream
from tests.support.collecting import for_every_collection
from tests.support.promises import is_canceled
from tests.support.streams import value_of

pytestmark = pytest.mark.no_cover  # Where lines are traced, there are more places.


def test_a_push_by_a_finaliser_in_the_middle_of_a_push_loses_nothing() -> None:
    stream, push = lwt_stream.create()

    async def member() -> None:
        try:
            await lwt.wait()[0]
        finally:
            push(Some("left"))

    hello = Some("hello")
    thresholds = gc.get_threshold()
    gc.disable()
    lwt.of_coroutine(member())
    gc.set_threshold(1)
    gc.enable()
    push(hello)
    gc.set_threshold(*thresholds)
    gc.collect()
    push(None)
    assert sorted(value_of(lwt_stream.to_list(stream))) == ["hello", "left"]


# --- A stream that several read and push into --------------------------------


class Pushed:
    """A stream of numbers, who pushes them, and what all readers have got."""

    def __init__(self, *, is_full: bool = False) -> None:
        self.stream, self._push = lwt_stream.create()
        self._numbers = count()
        self.pushed: list[int] = []
        self.late: list[int] = []
        self.is_closed = False
        self.readings: list[Promise[list[int]]] = []
        if is_full:
            self.pushed = list(range(8))
            self.stream = lwt_stream.of_list(self.pushed)
            self.is_closed = True

    def push(self) -> None:
        number, was_open = next(self._numbers), not self.is_closed
        try:
            self._push(Some(number))
        except lwt_stream.Closed:  # The end came first.
            return
        # While the end wakes readers, a push may come too late, as in OCaml.
        (self.pushed if was_open else self.late).append(number)

    def end(self) -> None:
        if not self.is_closed:
            self.is_closed = True
            self._push(None)

    def get(self) -> None:
        self.readings.append(read_one(self.stream))

    def get_two(self) -> None:
        self.readings.append(lwt.map(as_elements, lwt_stream.nget(2, self.stream)))

    def next(self) -> None:
        async def body() -> list[int]:
            async for element in self.stream:
                return [element]
            return []

        self.readings.append(lwt.of_coroutine(body()))

    def check(self, read: Callable[[], object], dropped: float, may_repeat: bool) -> None:
        """Check that each element was given to somebody, or is still there.

        `read` gives what the operation has read, `dropped` is how many elements it has dropped.
        """
        if not self.is_closed:
            self.push()
            self.push()
            self.end()
            resume()
        seen = [element for reading in self.readings for element in value_of(reading)]
        seen += as_elements(read())
        seen += value_of(lwt_stream.to_list(self.stream))
        assert len(set(self.pushed) - set(seen)) <= dropped
        assert set(seen) <= {*self.pushed, *self.late}
        if not may_repeat:
            assert len(seen) == len(set(seen))


def read_one(stream: Stream[int]) -> Promise[list[int]]:
    return lwt.map(as_elements, lwt_stream.get(stream))


def as_elements(value: object) -> list[Any]:
    """The elements in what a reader gives."""
    match value:
        case Promise():
            state = lwt.state(value)
            assert state != lwt.Sleep
            return as_elements(state.value) if isinstance(state, lwt.Return) else []
        case Some(element) | lwt.Ok(element):
            return as_elements(element)
        case tuple():
            return as_elements(value[0])
        case int() if not isinstance(value, bool):
            return [value]
        case list():
            return [element for item in value for element in as_elements(item)]
    return []


# --- Reading -----------------------------------------------------------------

EVERYTHING = 1_000


class Reading(NamedTuple):
    """A way to read, and what may become of the elements that it has met."""

    read: Callable[[Stream[int]], object]
    dropped: float = 0
    keeps_its_place: bool = True
    """Whether it sees what another reader takes meanwhile, as those of many elements do."""


def listing(go_through: Callable[[Callable[[Any], Any], Stream[int]], Promise[Any]]) -> Reading:
    """A function that calls another with each element."""

    def read(stream: Stream[int]) -> Promise[list[int]]:
        elements: list[int] = []
        going = go_through(elements.append, stream)
        return lwt.map(lambda _: elements, going)

    return Reading(read)


async def read_by_body(stream: Stream[int]) -> list[int]:
    async for element in stream:
        return [element]
    return []


SMALL = frozenset({0, 1, 2}).__contains__
NO, YES = lwt.return_false, lwt.return_true

READING: dict[str, Reading] = {
    "get": Reading(lwt_stream.get, keeps_its_place=False),
    "next": Reading(lwt_stream.next, keeps_its_place=False),
    "Stream": Reading(lambda s: lwt.of_coroutine(read_by_body(s)), keeps_its_place=False),
    "junk": Reading(lwt_stream.junk, dropped=1, keeps_its_place=False),
    "peek": Reading(lambda s: lwt.map(lambda _: None, lwt_stream.peek(s)), keeps_its_place=False),
    "npeek": Reading(lambda s: lwt.map(lambda _: None, lwt_stream.npeek(2, s))),
    "is_empty": Reading(lwt_stream.is_empty, keeps_its_place=False),
    "is_closed": Reading(lwt_stream.is_closed, keeps_its_place=False),
    "closed": Reading(lwt_stream.closed, keeps_its_place=False),
    "nget": Reading(partial(lwt_stream.nget, 3)),
    "njunk": Reading(partial(lwt_stream.njunk, 2), dropped=2),
    "last_new": Reading(lwt_stream.last_new, dropped=EVERYTHING),
    "get_while": Reading(partial(lwt_stream.get_while, SMALL)),
    "get_while_s": Reading(partial(lwt_stream.get_while_s, lambda n: YES if n < 3 else NO)),
    "junk_while": Reading(partial(lwt_stream.junk_while, SMALL), dropped=3),
    "junk_while_s": Reading(
        partial(lwt_stream.junk_while_s, lambda n: YES if n < 3 else NO), dropped=3
    ),
    "junk_available": Reading(lwt_stream.junk_available, dropped=EVERYTHING),
    "junk_old": Reading(lwt_stream.junk_old, dropped=EVERYTHING),
    "get_available": Reading(lwt_stream.get_available),
    "get_available_up_to": Reading(partial(lwt_stream.get_available_up_to, 3)),
    "to_list": Reading(lwt_stream.to_list),
    "to_string": Reading(
        lambda s: lwt.map(list, lwt_stream.to_string(lwt_stream.map(one_byte, s)))
    ),
    "iter": listing(lwt_stream.iter),
    "iter_s": listing(lambda f, s: lwt_stream.iter_s(lambda n: f(n) or YES, s)),
    "iter_p": listing(lambda f, s: lwt_stream.iter_p(lambda n: f(n) or YES, s)),
    "iter_n": listing(lambda f, s: lwt_stream.iter_n(lambda n: f(n) or YES, s, max_concurrency=2)),
    "fold": listing(lambda f, s: lwt_stream.fold(lambda n, _: f(n), s, None)),
    "fold_s": listing(lambda f, s: lwt_stream.fold_s(lambda n, _: f(n) or YES, s, True)),
    "find": listing(lwt_stream.find),
    "find_s": listing(lambda f, s: lwt_stream.find_s(lambda n: f(n) or NO, s)),
    "find_map": listing(lwt_stream.find_map),
    "find_map_s": listing(lambda f, s: lwt_stream.find_map_s(lambda n: f(n) or lwt.return_none, s)),
    "parse": Reading(lambda s: lwt_stream.parse(s, partial(lwt_stream.nget, 2))),
    "clone": Reading(lambda s: lwt_stream.get(lwt_stream.clone(s))),
}
"""Each reads from a stream, and gives a promise of what it has read, or that itself."""


def one_byte(n: int) -> bytes:
    return bytes([n])


@pytest.mark.parametrize("name", READING)
def test_what_is_there_is_given_to_one_reader_whatever_a_finaliser_does(name: str) -> None:
    reading = READING[name]

    def check(pushed: Pushed, result: object) -> None:
        pushed.check(lambda: result, reading.dropped, reading.keeps_its_place or name == "clone")

    for interfere in Pushed.get, Pushed.get_two, Pushed.next:
        for_every_collection(
            lambda: Pushed(is_full=True),
            lambda pushed: reading.read(pushed.stream),
            interfere,
            check,
        )


@pytest.mark.parametrize("name", READING)
def test_what_is_waited_for_comes_whatever_a_finaliser_does(name: str) -> None:
    reading = READING[name]

    def check(pushed: Pushed, result: object) -> None:
        # Those who wait together get the same element.
        pushed.check(lambda: result, reading.dropped, may_repeat=True)

    for interfere in Pushed.push, Pushed.get, Pushed.end:
        for_every_collection(Pushed, lambda pushed: reading.read(pushed.stream), interfere, check)


# --- Pushing -----------------------------------------------------------------


@pytest.mark.parametrize("waiting", [None, Pushed.get, Pushed.get_two], ids=["", "one", "two"])
@pytest.mark.parametrize("operation", [Pushed.push, Pushed.end])
def test_what_is_pushed_is_given_to_one_reader_whatever_a_finaliser_does(
    operation: Callable[[Pushed], None], waiting: Callable[[Pushed], None] | None
) -> None:
    def prepare() -> Pushed:
        pushed = Pushed()
        if waiting is not None:
            waiting(pushed)
        return pushed

    def push_all(pushed: Pushed) -> None:
        operation(pushed)
        pushed.push()
        operation(pushed)

    def check(pushed: Pushed, _: None) -> None:
        pushed.check(list, 0, may_repeat=waiting is not None)

    for interfere in Pushed.push, Pushed.get, Pushed.get_two, Pushed.end:
        for_every_collection(prepare, push_all, interfere, check)


# --- Pushing with a bound ----------------------------------------------------


class Bounded:
    """A stream with a bound, those who push into it, and what all readers have got."""

    def __init__(self, size: int, elements: int) -> None:
        self.stream, self.source = lwt_stream.create_bounded(size)
        self._numbers = count()
        self.pushes: list[tuple[int, Promise[None]]] = []
        self.readings: list[Promise[list[int]]] = []
        for _ in range(elements):
            self.push()

    def push(self) -> None:
        number = next(self._numbers)
        self.pushes.append((number, self.source.push(number)))

    def get(self) -> None:
        self.readings.append(read_one(self.stream))

    def cancel(self) -> None:
        lwt.cancel(self.pushes[-1][1])

    def grow(self) -> None:
        self.source.resize(self.source.size + 1)

    def close(self) -> None:
        self.source.close()

    def check(self) -> None:
        """Check that what was pushed was given to somebody, and nobody waits."""
        self.source.close()
        resume()
        seen = [element for reading in self.readings for element in value_of(reading)]
        seen += value_of(lwt_stream.to_list(self.stream))
        accepted = {n for n, promise in self.pushes if lwt.state(promise) == lwt.Return(None)}
        # As in OCaml, one that is let in while it is being cancelled stays in.
        canceled = {n for n, promise in self.pushes if is_canceled(promise)}
        assert not any(lwt.is_sleeping(promise) for _, promise in self.pushes)
        assert accepted <= set(seen) <= accepted | canceled
        assert self.source.count == 0


CHANGING_BOUNDED = [Bounded.push, Bounded.get, Bounded.cancel, Bounded.grow, Bounded.close]


@pytest.mark.parametrize("elements", [1, 2, 3], ids=["with room", "full", "a push waits"])
@pytest.mark.parametrize("operation", CHANGING_BOUNDED)
def test_what_is_pushed_with_a_bound_is_given_to_readers_whatever_a_finaliser_does(
    operation: Callable[[Bounded], None], elements: int
) -> None:
    for interfere in CHANGING_BOUNDED:
        for_every_collection(
            lambda: Bounded(2, elements),
            operation,
            interfere,
            lambda bounded, _: bounded.check(),
        )


@pytest.mark.parametrize("operation", CHANGING_BOUNDED)
def test_who_waits_at_a_bounded_stream_is_told_whatever_a_finaliser_does(
    operation: Callable[[Bounded], None],
) -> None:
    def prepare() -> Bounded:
        bounded = Bounded(0, 1)
        bounded.get()
        bounded.get()
        return bounded

    for interfere in CHANGING_BOUNDED:
        for_every_collection(prepare, operation, interfere, lambda bounded, _: bounded.check())


# --- Streams made of streams -------------------------------------------------


TRANSFORMING: dict[str, Callable[[Stream[int]], Stream[Any]]] = {
    "map": partial(lwt_stream.map, int),
    "map_s": partial(lwt_stream.map_s, lwt.return_),
    "filter": partial(lwt_stream.filter, frozenset(range(20)).__contains__),
    "filter_s": partial(lwt_stream.filter_s, lambda _: YES),
    "filter_map": partial(lwt_stream.filter_map, Some),
    "filter_map_s": partial(lwt_stream.filter_map_s, lwt.return_some),
    "map_list": partial(lwt_stream.map_list, lambda n: (n,)),
    "map_list_s": partial(lwt_stream.map_list_s, lambda n: lwt.return_((n,))),
    "flatten": lambda _: lwt_stream.flatten(lwt_stream.of_list([(n,) for n in range(8)])),
    "append": lambda stream: lwt_stream.append(lwt_stream.of_list([100, 101]), stream),
    "concat": lambda stream: lwt_stream.concat(
        lwt_stream.of_list([lwt_stream.of_list([100]), lwt_stream.of_list([]), stream])
    ),
    "combine": lambda stream: lwt_stream.combine(stream, lwt_stream.of_list(range(200, 260))),
    "wrap_exn": lwt_stream.wrap_exn,
    "from_": lambda _: lwt_stream.from_(
        iter([*map(lwt.return_some, range(8)), *[lwt.return_none] * 20]).__next__
    ),
    "from_direct": lambda _: lwt_stream.from_direct(
        iter([*map(Some, range(8)), *[None] * 20]).__next__
    ),
    "of_seq": lambda _: lwt_stream.of_seq(range(8)),
    "of_lwt_seq": lambda _: lwt_stream.of_lwt_seq(lwt_seq.of_list(range(8))),
    "choose": lambda stream: lwt_stream.choose([stream]),
}


class Derived(Pushed):
    """A stream that is made of one of numbers."""

    def __init__(self, transform: Callable[[Stream[int]], Stream[Any]], *, is_full: bool) -> None:
        super().__init__(is_full=is_full)
        self.source = self.stream
        self.stream = transform(self.stream)

    def get_from_source(self) -> None:
        self.readings.append(read_one(self.source))

    def check_transformed(self) -> None:
        """Check that each number has come through, or was taken before."""
        if not self.is_closed:
            self.push()
            self.end()
            resume()
        seen = [element for reading in self.readings for element in value_of(reading)]
        seen += as_elements(lwt_stream.to_list(self.stream))
        assert set(self.pushed) <= set(seen)


@pytest.mark.parametrize("is_full", [True, False], ids=["there", "waited for"])
@pytest.mark.parametrize("name", TRANSFORMING)
def test_a_stream_of_a_stream_passes_all_on_whatever_a_finaliser_does(
    name: str, is_full: bool
) -> None:
    def read(derived: Derived) -> None:
        derived.get()
        derived.push()
        derived.get_two()

    for interfere in Derived.get, Derived.get_from_source, Derived.push:
        for_every_collection(
            lambda: Derived(TRANSFORMING[name], is_full=is_full),
            read,
            interfere,
            lambda derived, _: derived.check_transformed(),
        )


@pytest.mark.parametrize("name", TRANSFORMING)
def test_a_stream_of_a_stream_ends_once_whatever_a_finaliser_does(name: str) -> None:
    def prepare() -> Derived:
        derived = Derived(TRANSFORMING[name], is_full=True)
        for _ in range(4):
            derived.get_two()
        return derived

    def read(derived: Derived) -> None:
        for _ in range(5):
            derived.get()

    for_every_collection(prepare, read, Derived.get, lambda derived, _: derived.check_transformed())


# --- No function is forgotten ------------------------------------------------

ELSEWHERE = {
    "they make new streams, which nobody else knows yet": (
        "create create_with_reference create_bounded return_ return_lwt of_list of_array of_string"
    ),
    "what pushes with a bound; see Bounded": "bounded_push",
    "made of the other streams that are in the tables": "hexdump",
    "exceptions, and another name of the type": "Closed Empty Full t",
}
"""Public names that are in none of the tables, and why."""


def test_all_functions_of_streams_are_disturbed() -> None:
    elsewhere = " ".join(ELSEWHERE.values()).split()
    assert sorted([*READING, *TRANSFORMING, *elsewhere]) == sorted(lwt_stream.__all__)
