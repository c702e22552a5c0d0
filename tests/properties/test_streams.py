"""Streams against plain lists.

What is made of streams is compared with what the same functions make of lists, wherever the
elements come from, whether they are there or come later, whatever fails. Readers of one
queue, which disturb each other, are in `test_stream_readers.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple, TypeVar

from hypothesis import given
from hypothesis import strategies as st

import lwt
from lwt import Error, Ok, Promise, Some, lwt_stream
from lwt.lwt_stream import Stream
from tests.support.promises import after, outcome, run_pauses
from tests.support.streams import listed

T = TypeVar("T")


class Trouble(Exception):
    """What sources and functions of the properties fail with."""


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


def check(value: int) -> int:
    """A number, unless it is 5."""
    if value == 5:
        raise Trouble(value)
    return value


def option(value: int) -> Some[int] | None:
    """Some number more, unless it is a multiple of 3."""
    return Some(value + 1) if check(value) % 3 else None


def is_odd(value: int) -> bool:
    return check(value) % 2 == 1


def negative(value: int) -> int:
    return -check(value)


def several(value: int) -> list[int]:
    return [value + n for n in range(abs(check(value)) % 4)]


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
        promise = lwt.apply(lwt_stream.next, stream)  # What fails at once leaves through `next`.
        run_pauses()
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
    run_pauses()
    assert isinstance(lwt.state(parsed), lwt.Fail)
    # A failure of the source is not part of the queue: it has ended the parser, and is gone.
    failures = [place for place, result in enumerate(results) if isinstance(result, Error)]
    if failures and failures[0] < number:
        del results[failures[0]]
    assert listed(lwt_stream.wrap_exn(stream)) == results
