"""Streams against plain lists.

What is made of streams is compared with what the same functions make of lists, wherever the
elements come from, whether they are there or come later, whatever fails. Readers of one
queue, which disturb each other, are compared step by step with a model: a list, a number for
each clone, and the readers that wait.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from functools import partial
from typing import Any, NamedTuple, TypeVar

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import lwt
from lwt import Error, Ok, Promise, Some, lwt_stream
from lwt.lwt_stream import Stream

T = TypeVar("T")

# --- Sources -----------------------------------------------------------------


class Trouble(Exception):
    pass


class Step(NamedTuple):
    """One thing that a source does when it is asked."""

    value: int
    turns: int
    """How many turns its promise takes."""

    end: str
    """`return`, `reject` or `raise`."""

    def result(self) -> Result:
        return Ok(self.value) if self.end == "return" else Error(Trouble(self.value))


Result = Ok[Any] | Error[Any]
"""What a reading gives, as `wrap_exn` shows it."""


def steps_that(*ends: str) -> st.SearchStrategy[list[Step]]:
    step = st.builds(Step, st.integers(0, 9), st.integers(0, 2), st.sampled_from(ends))
    return st.lists(step, max_size=8)


ELEMENTS = steps_that("return")
STEPS = steps_that("return", "return", "return", "reject", "raise")


async def after(turns: int, value: T) -> T:
    for _ in range(turns):
        await lwt.pause()
    return value


def turn() -> None:
    while lwt.paused_count():
        lwt.wakeup_paused()


def outcome(promise: Promise[T]) -> T:
    turn()
    state = lwt.state(promise)
    assert isinstance(state, lwt.Return), state
    return state.value


def listed(stream: Stream[T]) -> list[T]:
    return outcome(lwt_stream.to_list(stream))


def asked(steps: Iterable[Step]) -> Stream[int]:
    """A stream whose function takes these steps, then gives the end."""
    rest = iter(steps)

    async def take(step: Step) -> Some[int]:
        await after(step.turns, None)
        if step.end == "reject":
            raise Trouble(step.value)
        return Some(step.value)

    def function() -> Any:
        step = next(rest, None)
        if step is None:
            return lwt.return_none
        if step.end == "raise":
            raise Trouble(step.value)
        return take(step)

    return lwt_stream.from_(function)


def pushed(steps: list[Step], there: int) -> tuple[Stream[int], Callable[[], None]]:
    """A stream that some of the elements are in, and what pushes the others and ends it."""
    stream, push = lwt_stream.create()
    for step in steps[:there]:
        push(Some(step.value))

    def go_on() -> None:
        for step in steps[there:]:
            push(Some(step.value))
            for _ in range(step.turns):
                lwt.wakeup_paused()
        push(None)

    return stream, go_on


def pushed_with_a_bound(steps: list[Step], size: int) -> tuple[Stream[int], Callable[[], None]]:
    """A stream whose queue has room for so many, and what pushes all elements and ends it."""
    stream, source = lwt_stream.create_bounded(size)

    async def push_all() -> None:
        for step in steps:
            await after(step.turns, None)
            await source.push(step.value)
        source.close()

    return stream, lambda: lwt.dont_wait(push_all, lambda exception: None)


def nothing() -> None:
    pass


Source = tuple[Stream[Any], Callable[[], None], list[Result]]
"""A stream, what makes the rest of its elements come, and what reading it will give."""


@st.composite
def sources(draw: st.DrawFn) -> Source:
    kind = draw(st.sampled_from(["asked", "pushed", "bounded", "direct", "list"]))
    if kind == "asked":
        steps = draw(STEPS)
        return asked(steps), nothing, [step.result() for step in steps]
    steps = draw(ELEMENTS)
    results = [step.result() for step in steps]
    values = [step.value for step in steps]
    if kind == "direct":
        return lwt_stream.of_seq(values), nothing, results
    if kind == "list":
        return lwt_stream.of_list(values), nothing, results
    if kind == "bounded":
        return *pushed_with_a_bound(steps, draw(st.integers(1, 3))), results
    return *pushed(steps, draw(st.integers(0, len(steps)))), results


# --- Functions of one stream -------------------------------------------------


def is_odd(value: int) -> bool:
    return check(value) % 2 == 1


def negative(value: int) -> int:
    return -check(value)


def option(value: int) -> Some[int] | None:
    return Some(value + 1) if check(value) % 3 else None


def several(value: int) -> list[int]:
    return [value + n for n in range(abs(check(value)) % 4)]


def check(value: int) -> int:
    if value == 5:
        raise Trouble(value)
    return value


def later(function: Callable[[int], T]) -> Callable[[int], Any]:
    """The function whose promise takes turns, more or fewer."""
    return lambda value: after(value % 3, function(value))


def in_time(function: Callable[[int], T]) -> Callable[[int], Any]:
    """The function whose promise is fulfilled at once."""
    return lambda value: lwt.return_(function(value))


Transformer = tuple[Callable[[Stream[int]], Stream[Any]], Callable[[int], list[Any]]]

TRANSFORMERS: dict[str, Transformer] = {
    "map": (lambda s: lwt_stream.map(negative, s), lambda x: [negative(x)]),
    "map_s": (lambda s: lwt_stream.map_s(later(negative), s), lambda x: [negative(x)]),
    "filter": (lambda s: lwt_stream.filter(is_odd, s), lambda x: [x] * is_odd(x)),
    "filter_s": (lambda s: lwt_stream.filter_s(later(is_odd), s), lambda x: [x] * is_odd(x)),
    "filter_map": (lambda s: lwt_stream.filter_map(option, s), lambda x: held(option(x))),
    "filter_map_s": (
        lambda s: lwt_stream.filter_map_s(in_time(option), s),
        lambda x: held(option(x)),
    ),
    "map_list": (lambda s: lwt_stream.map_list(several, s), several),
    "map_list_s": (lambda s: lwt_stream.map_list_s(later(several), s), several),
    "flatten": (lambda s: lwt_stream.flatten(lwt_stream.map(several, s)), several),
    "append": (lambda s: lwt_stream.append(lwt_stream.of_list([]), s), lambda x: [x]),
    "concat": (lambda s: lwt_stream.concat(lwt_stream.of_list([s])), lambda x: [x]),
    "clone": (
        lambda s: lwt_stream.clone(lwt_stream.map(lambda x: x, s)),
        lambda x: [x],
    ),
}


def held(value: Some[T] | None) -> list[T]:
    return [] if value is None else [value.value]


def transformed(results: list[Result], function: Callable[[int], list[Any]]) -> list[Result]:
    """What a transformer makes of results: it meets the values, and lets the errors through."""
    given_: list[Result] = []
    for result in results:
        if isinstance(result, Error):
            given_.append(result)
            continue
        try:
            given_ += map(Ok, function(result.value))
        except Trouble as trouble:
            given_.append(Error(trouble))
    return given_


def through(source: Source, names: list[str]) -> Source:
    """The source, with transformers one on the other."""
    stream, go_on, results = source
    for name in names:
        transform, function = TRANSFORMERS[name]
        stream, results = transform(stream), transformed(results, function)
    return stream, go_on, results


@given(sources(), st.lists(st.sampled_from(sorted(TRANSFORMERS)), max_size=3))
def test_transformers_one_on_the_other_give_what_they_give_for_lists(
    source: Source, names: list[str]
) -> None:
    stream, go_on, results = through(source, names)
    all_of_them = lwt_stream.to_list(lwt_stream.wrap_exn(stream))
    go_on()
    assert outcome(all_of_them) == results
    assert lwt_stream.is_closed(stream)


@given(sources(), st.lists(st.sampled_from(sorted(TRANSFORMERS)), max_size=2))
def test_a_reader_after_a_failure_gets_what_comes_next(source: Source, names: list[str]) -> None:
    stream, go_on, results = through(source, names)
    go_on()
    for result in results:
        promise = lwt_stream.next(stream)
        turn()
        assert lwt.state(promise) == (
            lwt.Return(result.value) if isinstance(result, Ok) else lwt.Fail(result.error)
        )
    assert outcome(lwt_stream.get(stream)) is None


@given(ELEMENTS, st.lists(st.booleans(), min_size=1, max_size=4), st.integers(0, 4))
def test_clones_read_side_by_side_all_get_everything_whoever_is_cancelled(
    steps: list[Step], cancelled: list[bool], turns: int
) -> None:
    asked_for = 0
    rest = iter(steps)

    async def function() -> Some[int] | None:
        nonlocal asked_for
        asked_for += 1
        step = next(rest, None)
        return None if step is None else Some(await after(step.turns, step.value))

    stream = lwt_stream.from_(function)
    readers = [lwt_stream.to_list(lwt_stream.clone(stream)) for _ in cancelled]
    for _ in range(turns):
        lwt.wakeup_paused()
    for reader, is_cancelled in zip(readers, cancelled, strict=True):
        if is_cancelled:
            lwt.cancel(reader)
    values = [step.value for step in steps]
    assert listed(stream) == values
    assert asked_for == len(steps) + 1
    for reader, is_cancelled in zip(readers, cancelled, strict=True):
        assert lwt.state(reader) == lwt.Return(values) or is_cancelled


# --- Several streams ---------------------------------------------------------


@given(ELEMENTS, ELEMENTS, st.data())
def test_streams_are_joined_as_lists_are(
    first: list[Step], second: list[Step], data: st.DataObject
) -> None:
    a, b = ([step.value for step in steps] for steps in (first, second))

    def two() -> tuple[Stream[int], Stream[int]]:
        return asked(first), asked(second)

    assert listed(lwt_stream.append(*two())) == a + b
    assert listed(lwt_stream.concat(lwt_stream.of_list(two()))) == a + b
    assert listed(lwt_stream.combine(*two())) == list(zip(a, b, strict=False))
    left, right = two()
    merged = lwt_stream.choose(
        [
            lwt_stream.map(lambda value: (0, value), left),
            lwt_stream.map(lambda value: (1, value), right),
        ]
    )
    chosen: list[tuple[int, int]] = listed(merged)
    assert [value for number, value in chosen if number == 0] == a
    assert [value for number, value in chosen if number == 1] == b
    # The longer of two that are combined has lost one element more.
    left, right = two()
    listed(lwt_stream.combine(left, right))
    assert listed(left) == a[len(b) + 1 :]
    assert listed(right) == b[max(len(a), len(b[: len(a)])) + 1 :]
    there = data.draw(st.integers(0, len(first)))
    stream, go_on = pushed(first, there)
    repeated = lwt_stream.to_list(lwt_stream.append(stream, lwt_stream.clone(stream)))
    go_on()
    assert outcome(repeated) == a + a


@given(ELEMENTS, st.integers(0, 8))
def test_characters_are_shown_and_joined(steps: list[Step], there: int) -> None:
    text = bytes(17 * step.value + step.turns for step in steps) * 5
    characters = lwt_stream.of_string(text)
    copy = lwt_stream.clone(characters)
    lines = listed(lwt_stream.hexdump(characters))
    assert bytes.fromhex("".join(line[10:59].decode() for line in lines)) == text
    assert [int(line[:8], 16) for line in lines] == list(range(0, len(text), 16))
    shown = "".join(chr(c) if chr(c).isprintable() and c < 0x7F else "." for c in text)
    assert "".join(line[62:-1].decode() for line in lines) == shown
    assert outcome(lwt_stream.njunk(there, copy)) is None
    assert outcome(lwt_stream.to_string(copy)) == text[there:]


# --- Going through -----------------------------------------------------------


@given(ELEMENTS, st.integers(0, 8), st.integers(1, 4))
def test_going_through_meets_each_element_once_in_order(
    steps: list[Step], there: int, bound: int
) -> None:
    class Visits:
        def __init__(self) -> None:
            self.seen: list[int] = []
            self.running = self.most = 0

        async def visit(self, value: int) -> None:
            self.seen.append(value)
            self.running += 1
            self.most = max(self.most, self.running)
            await after(value % 3, None)
            self.running -= 1

    for iterate, most in (
        (lwt_stream.iter_s, 1),
        (lwt_stream.iter_n, 1),
        (partial(lwt_stream.iter_n, max_concurrency=bound), bound),
        (lwt_stream.iter_p, len(steps)),
    ):
        stream, go_on = pushed(steps, there)
        visits = Visits()
        done = iterate(visits.visit, stream)
        go_on()
        assert outcome(done) is None
        assert visits.seen == [step.value for step in steps]
        assert visits.running == 0
        assert visits.most <= most
    seen: list[int] = []
    assert outcome(lwt_stream.iter(seen.append, asked(steps))) is None
    assert seen == [step.value for step in steps]


@given(ELEMENTS)
def test_folding_and_finding_are_those_of_lists(steps: list[Step]) -> None:
    values = [step.value for step in steps]

    def add(value: int, total: int) -> int:
        return total * 10 + value

    def add_later(value: int, total: int) -> Any:
        return after(value % 3, add(value, total))

    total = 0
    for value in values:
        total = add(value, total)
    assert outcome(lwt_stream.fold(add, asked(steps), 0)) == total
    assert outcome(lwt_stream.fold_s(add_later, asked(steps), 0)) == total
    finders: tuple[Callable[[Stream[int]], Promise[Some[int] | None]], ...] = (
        lambda s: lwt_stream.find(lambda x: x > 6, s),
        lambda s: lwt_stream.find_s(lambda x: after(x % 3, x > 6), s),
        lambda s: lwt_stream.find_map(lambda x: Some(x) if x > 6 else None, s),
        lambda s: lwt_stream.find_map_s(lambda x: after(x % 3, Some(x) if x > 6 else None), s),
    )
    for find in finders:
        stream = asked(steps)
        place = next((place for place, value in enumerate(values) if value > 6), None)
        found = outcome(find(stream))
        assert found == (None if place is None else Some(values[place]))
        assert listed(stream) == ([] if place is None else values[place + 1 :])


@given(STEPS, st.integers(0, 8))
def test_parse_puts_back_all_that_was_read_if_it_fails(steps: list[Step], number: int) -> None:
    stream = asked(steps)
    results = [step.result() for step in steps]

    async def read(stream: Stream[int]) -> None:
        for _ in range(number):
            await lwt_stream.next(stream)
        raise Trouble

    async def parse() -> None:
        await lwt_stream.parse(stream, read)

    parsed = lwt.of_coroutine(parse())
    turn()
    assert isinstance(lwt.state(parsed), lwt.Fail)
    # A failure of the source is not part of the queue: it has ended the parser, and is gone.
    failures = [place for place, result in enumerate(results) if isinstance(result, Error)]
    if failures and failures[0] < number:
        del results[failures[0]]
    assert listed(lwt_stream.wrap_exn(stream)) == results


# --- Readers of one queue ----------------------------------------------------

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
