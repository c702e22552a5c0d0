"""Streams: their sources, their readers, what is kept, what happens when something fails."""

from __future__ import annotations

import gc
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NoReturn

import pytest

import lwt
from lwt import Error, Ok, Promise, Some, lwt_seq, lwt_stream
from lwt.lwt_stream import Stream
from tests.helpers import A, B, Recorder, is_canceled, raising, rejected_with

Push = Callable[[Some[Any] | None], None]


def value_of(promise: Promise[Any]) -> Any:
    """The value of a fulfilled promise."""
    state = lwt.state(promise)
    assert isinstance(state, lwt.Return), promise
    return state.value


def stream_of(*elements: Any) -> Stream[Any]:
    return lwt_stream.of_list(elements)


def rest_of(stream: Stream[Any]) -> Any:
    """What is left in a closed stream."""
    return value_of(lwt_stream.to_list(stream))


def pushed(*elements: Any) -> tuple[Stream[Any], Push]:
    """A stream that some elements were pushed into, not closed."""
    stream, push = lwt_stream.create()
    for element in elements:
        push(Some(element))
    return stream, push


def from_promises(*promises: Promise[Any]) -> Stream[Any]:
    """A stream whose function returns these, then the end."""
    rest = iter(promises)
    return lwt_stream.from_(lambda: next(rest, lwt.return_none))


# --- Sources -----------------------------------------------------------------


def test_from_calls_its_function_only_when_an_element_is_needed(record: Recorder) -> None:
    stream: Stream[int] = lwt_stream.from_(record.then("called", lwt.return_some(1)))
    assert record.taken() == []
    lwt_stream.peek(stream)
    assert record.taken() == ["called"]
    lwt_stream.get(stream)
    assert record.taken() == []


def test_from_does_not_call_its_function_again_while_its_promise_is_pending(
    record: Recorder,
) -> None:
    promise, resolver = lwt.wait()
    stream: Stream[int] = lwt_stream.from_(record.then("called", promise))
    first, second = lwt_stream.get(stream), lwt_stream.get(stream)
    assert record.events == ["called"]
    lwt.wakeup(resolver, Some(1))
    assert (value_of(first), value_of(second)) == (Some(1), Some(1))


def test_a_source_that_fails_fails_the_reader_and_goes_on_with_the_next() -> None:
    stream = from_promises(lwt.return_some(1), lwt.fail(A()), lwt.return_some(2))
    assert value_of(lwt_stream.get(stream)) == Some(1)
    assert isinstance(rejected_with(lwt_stream.get(stream)), A)
    assert not lwt_stream.is_closed(stream)
    assert rest_of(stream) == [2]


def test_what_the_function_of_from_raises_rejects_the_reader() -> None:
    stream: Stream[int] = lwt_stream.from_(raising(A()))
    assert isinstance(rejected_with(lwt_stream.get(stream)), A)


def test_what_the_function_of_from_direct_raises_leaves_through_the_reader() -> None:
    stream: Stream[int] = lwt_stream.from_direct(raising(A()))
    with pytest.raises(A):
        lwt_stream.get(stream)


def test_the_function_of_from_may_be_async() -> None:
    waiting, resolver = lwt.wait()

    async def function() -> Some[int] | None:
        return Some(await waiting)

    first = lwt_stream.get(lwt_stream.from_(function))
    lwt.wakeup(resolver, 1)
    assert value_of(first) == Some(1)


def test_from_says_what_its_function_should_have_given() -> None:
    stream: Stream[int] = lwt_stream.from_(lambda: lwt.return_(3))  # type: ignore[arg-type]  # that is the mistake
    error = rejected_with(lwt_stream.get(stream))
    assert str(error).startswith("lwt_stream.from_: expected the function's promise to hold lwt.So")
    stream = lwt_stream.from_(lambda: 3)  # type: ignore[arg-type,return-value]  # that, too
    assert "not a promise" in str(rejected_with(lwt_stream.get(stream)))
    stream = lwt_stream.from_direct(lambda: 3)  # type: ignore[arg-type,return-value]  # and that
    with pytest.raises(TypeError, match="expected the function to return lwt"):
        lwt_stream.get(stream)


def test_cancelling_a_reader_leaves_the_source_and_the_others_alone() -> None:
    promise, resolver = lwt.task()
    stream = from_promises(promise)
    first, second = lwt_stream.get(stream), lwt_stream.get(stream)
    lwt.cancel(first)
    assert is_canceled(first)
    assert lwt.is_sleeping(promise)
    lwt.wakeup(resolver, Some(1))
    assert value_of(second) == Some(1)


def test_of_seq_takes_from_the_iterable_when_an_element_is_needed(record: Recorder) -> None:
    def numbers() -> Iterator[int]:
        for n in (1, 2):
            record(f"making {n}")
            yield n

    stream = lwt_stream.of_seq(numbers())
    assert record.taken() == []
    lwt_stream.get(stream)
    assert record.taken() == ["making 1"]
    assert rest_of(stream) == [2]


def test_of_lwt_seq_evaluates_a_node_when_an_element_is_needed(record: Recorder) -> None:
    def node(n: int) -> Promise[lwt_seq.Node[int]]:
        record(f"evaluating {n}")
        return lwt.return_(lwt_seq.Cons(n, lambda: node(n + 1)) if n < 3 else lwt_seq.Nil)

    stream = lwt_stream.of_lwt_seq(lambda: node(1))
    assert record.taken() == []
    assert value_of(lwt_stream.get(stream)) == Some(1)
    assert record.taken() == ["evaluating 1"]
    assert rest_of(stream) == [2]


def test_of_list_and_its_kin_read_everything_at_once(record: Recorder) -> None:
    def numbers() -> Iterator[int]:
        for n in (1, 2):
            record(f"making {n}")
            yield n

    stream = lwt_stream.of_array(numbers())
    assert record.events == ["making 1", "making 2"]
    assert lwt_stream.is_closed(stream)
    assert rest_of(stream) == [1, 2]
    assert rest_of(lwt_stream.return_(1)) == [1]


def test_characters_are_bytes_of_length_one() -> None:
    assert rest_of(lwt_stream.of_string("é")) == [b"\xc3", b"\xa9"]
    assert rest_of(lwt_stream.of_string(memoryview(b"ab"))) == [b"a", b"b"]
    assert value_of(lwt_stream.to_string(lwt_stream.of_string("né"))) == "né".encode()


def test_return_lwt_gives_the_value_and_closes() -> None:
    promise, resolver = lwt.wait()
    stream = lwt_stream.return_lwt(promise)
    assert not lwt_stream.is_closed(stream)
    lwt.wakeup(resolver, 1)
    assert lwt_stream.is_closed(stream)
    assert rest_of(stream) == [1]


def test_return_lwt_of_a_rejected_promise_is_empty() -> None:
    assert rest_of(lwt_stream.return_lwt(lwt.fail(A()))) == []


# --- Pushing -----------------------------------------------------------------


def test_a_push_wakes_who_waits_and_the_end_closes() -> None:
    stream, push = lwt_stream.create()
    first, second = lwt_stream.get(stream), lwt_stream.to_list(stream)
    push(Some(1))
    assert value_of(first) == Some(1)
    push(None)
    assert value_of(second) == [1]


def test_readers_run_before_closed_is_resolved(record: Recorder) -> None:
    stream, push = lwt_stream.create()
    lwt.on_success(lwt_stream.closed(stream), record.on("closed"))
    lwt.on_success(lwt_stream.get(stream), record.on("read"))
    push(None)
    assert record.events == ["read", "closed"]


def test_a_push_after_the_end_raises_closed() -> None:
    _, push = lwt_stream.create()
    push(None)
    with pytest.raises(lwt_stream.Closed, match=r"cannot push Some\(1\)"):
        push(Some(1))


def test_a_push_takes_an_option() -> None:
    stream, push = lwt_stream.create()
    with pytest.raises(TypeError, match=r"expected lwt.Some\(element\).* got 3"):
        push(3)  # type: ignore[arg-type]  # that is the mistake
    push(None)
    assert rest_of(stream) == []


def test_none_may_be_an_element() -> None:
    stream, push = pushed(None)
    push(None)
    assert rest_of(stream) == [None]


def test_closed_cannot_be_cancelled_and_comes_before_the_elements_are_read() -> None:
    stream, push = pushed(1)
    lwt.cancel(lwt_stream.closed(stream))
    assert not lwt_stream.is_closed(stream)
    push(None)
    assert lwt_stream.is_closed(stream)
    assert rest_of(stream) == [1]


def test_a_stream_of_a_function_is_closed_when_the_function_has_given_the_end() -> None:
    for stream in from_promises(lwt.return_some(1)), lwt_stream.of_seq([1]):
        closed = lwt_stream.closed(stream)
        assert value_of(lwt_stream.get(stream)) == Some(1)
        assert lwt.is_sleeping(closed)
        assert value_of(lwt_stream.is_empty(stream)) is True
        assert value_of(closed) is None


def test_closed_may_be_returned_by_a_callback() -> None:
    stream, push = lwt_stream.create()
    started, resolver = lwt.wait()
    outer = lwt.bind(started, lambda _: lwt_stream.closed(stream))
    lwt.wakeup(resolver, None)
    push(None)
    assert lwt_stream.is_closed(stream)
    assert value_of(outer) is None


def test_the_push_function_keeps_the_reference_but_not_the_stream() -> None:
    class Thing:
        pass

    thing = Thing()
    stream, push, set_reference = lwt_stream.create_with_reference()
    set_reference(thing)
    kept, kept_stream = weakref.ref(thing), weakref.ref(stream)
    del thing, stream, set_reference
    assert kept_stream() is None
    assert kept() is not None
    del push
    assert kept() is None


# --- Bounded pushing ---------------------------------------------------------


def test_a_bounded_push_waits_for_room() -> None:
    stream, source = lwt_stream.create_bounded(1)
    assert value_of(source.push(1)) is None
    waiting = source.push(2)
    assert (source.count, source.blocked, lwt.is_sleeping(waiting)) == (1, True, True)
    assert value_of(lwt_stream.get(stream)) == Some(1)
    assert value_of(waiting) is None
    assert (source.count, source.blocked) == (1, False)
    source.close()
    assert rest_of(stream) == [2]


def test_a_second_waiting_push_is_full() -> None:
    stream, source = lwt_stream.create_bounded(0)
    waiting = source.push(1)
    assert isinstance(rejected_with(source.push(2)), lwt_stream.Full)
    source.resize(2)
    assert value_of(waiting) is None
    assert (source.size, source.count) == (2, 1)
    assert lwt_stream.get_available(stream) == [1]


def test_cancelling_a_waiting_push_takes_its_element_back() -> None:
    stream, source = lwt_stream.create_bounded(1)
    source.push(1)
    waiting = source.push(2)
    lwt.cancel(waiting)
    assert is_canceled(waiting)
    assert not source.blocked
    again = source.push(3)
    assert lwt_stream.get_available(stream) == [1, 3]
    assert value_of(again) is None


def test_closing_fails_the_waiting_push_and_ends_the_stream(record: Recorder) -> None:
    stream, source = lwt_stream.create_bounded(1)
    source.push(1)
    waiting = source.push(2)
    lwt.on_failure(waiting, record.on("push failed"))
    lwt.on_success(lwt_stream.closed(stream), record.on("closed"))
    source.close()
    source.close()
    assert record.events == ["push failed", "closed"]
    assert isinstance(rejected_with(waiting), lwt_stream.Closed)
    assert isinstance(rejected_with(source.push(3)), lwt_stream.Closed)
    assert source.closed
    assert rest_of(stream) == [1]


def test_closing_wakes_a_waiting_reader() -> None:
    stream, source = lwt_stream.create_bounded(1)
    first = lwt_stream.get(stream)
    source.close()
    assert value_of(first) is None


def test_a_smaller_size_lets_nothing_in_until_there_is_room() -> None:
    stream, source = lwt_stream.create_bounded(2)
    source.push(1)
    source.push(2)
    source.resize(1)
    waiting = source.push(3)
    lwt_stream.get(stream)
    # As in OCaml: what waits comes in when anything is consumed.
    assert value_of(waiting) is None
    assert source.count == 2


@pytest.mark.parametrize("function", [lwt_stream.clone, lambda s: lwt_stream.parse(s, lwt.return_)])
def test_a_bounded_stream_can_be_neither_cloned_nor_parsed(function: Callable[..., Any]) -> None:
    stream, _ = lwt_stream.create_bounded(1)
    with pytest.raises(ValueError, match=r"^Lwt_stream\.(clone|parse): a stream of create_bounded"):
        function(stream)


# --- Clones ------------------------------------------------------------------


def test_clones_see_every_element_and_do_not_disturb_each_other() -> None:
    stream, push = pushed(1, 2)
    lwt_stream.get(stream)
    clone = lwt_stream.clone(stream)
    push(Some(3))
    assert lwt_stream.get_available(stream) == [2, 3]
    push(None)
    assert lwt_stream.is_closed(clone)
    assert rest_of(clone) == [2, 3]


def test_clones_share_the_calls_of_the_function() -> None:
    numbers = iter(range(3))
    stream = lwt_stream.of_seq(numbers)
    clone = lwt_stream.clone(stream)
    lwt_stream.get(stream)
    assert rest_of(clone) == [0, 1, 2]
    assert rest_of(stream) == [1, 2]


class Thing:
    """An element that can be watched."""


@pytest.mark.parametrize("reading", [True, False])
def test_an_element_lives_as_long_as_a_clone_has_still_to_read_it(reading: bool) -> None:
    thing = Thing()
    alive = weakref.ref(thing)
    stream, push = pushed(thing)
    clone = lwt_stream.clone(stream)
    del thing
    lwt_stream.junk(stream)
    assert alive() is not None
    if reading:
        lwt_stream.junk(clone)
    else:
        del clone
    assert alive() is None
    push(None)


def test_an_element_that_nobody_can_read_is_dropped() -> None:
    stream, push = lwt_stream.create()
    del stream
    thing = Thing()
    alive = weakref.ref(thing)
    push(Some(thing))
    del thing
    assert alive() is None


def test_reading_makes_no_circles() -> None:
    gc.collect()
    gc.disable()
    try:
        stream, push = lwt_stream.create()
        mapped = lwt_stream.filter(bool, lwt_stream.map_s(lwt.return_, stream))
        reading = lwt_stream.iter_s(lwt.return_, mapped)
        push(Some(1))
        push(Some(0))
        push(None)
        assert value_of(reading) is None
        del stream, push, mapped, reading
        assert gc.collect() == 0
    finally:
        gc.enable()


@pytest.mark.parametrize(
    "transform", [lwt_stream.map, lwt_stream.filter, lwt_stream.map_s, lwt_stream.filter_s]
)
def test_a_function_that_raises_after_waiting_makes_no_circles(
    transform: Callable[..., Stream[Any]],
) -> None:
    def function(_: object) -> NoReturn:
        raise A

    gc.collect()
    gc.disable()
    try:
        stream, push = lwt_stream.create()
        transformed = transform(function, stream)
        reading = lwt_stream.get(transformed)
        push(Some(1))
        assert isinstance(rejected_with(reading), A)
        del stream, push, transformed, reading
        assert gc.collect() == 0
    finally:
        gc.enable()


# --- Readers -----------------------------------------------------------------


def _pushed_bounded(element: object) -> Stream[Any]:
    stream, source = lwt_stream.create_bounded(1)
    source.push(element)
    return stream


ONE_ELEMENT: dict[str, Callable[[object], Stream[Any]]] = {
    "create": lambda element: pushed(element)[0],
    "create_bounded": _pushed_bounded,
    "from_": lambda element: from_promises(lwt.return_(Some(element))),
    "from_direct": lambda element: lwt_stream.from_direct(lambda: Some(element)),
    "of_list": stream_of,
    "map": lambda element: lwt_stream.map(lambda _: element, stream_of(1)),
    "filter": lambda element: lwt_stream.filter(lambda _: True, stream_of(element)),
}


@pytest.mark.parametrize("source", ONE_ELEMENT)
@pytest.mark.parametrize(
    "element", [None, Some(None), lwt.return_(1), lwt.wait()[0], stream_of(1)], ids=repr
)
def test_an_element_may_be_anything_and_all_readers_give_it_as_it_is(
    element: object, source: str
) -> None:
    async def through_anext(stream: Stream[object]) -> object:
        return await anext(stream)

    readers: list[Callable[[Stream[object]], object]] = [
        lambda s: value_of(lwt_stream.get(s)).value,
        lambda s: value_of(lwt_stream.peek(s)).value,
        lambda s: value_of(lwt_stream.find(lambda _: True, s)).value,
        lambda s: value_of(lwt_stream.next(s)),
        lambda s: value_of(lwt_stream.nget(1, s))[0],
        lambda s: value_of(lwt_stream.get(lwt_stream.map(lambda e: e, s))).value,
        lambda s: value_of(lwt_stream.get(lwt_stream.filter(lambda _: True, s))).value,
        lambda s: value_of(lwt.of_coroutine(through_anext(s))),
    ]
    for read in readers:
        assert read(ONE_ELEMENT[source](element)) is element


def test_readers_that_wait_together_get_the_same_element() -> None:
    stream, push = lwt_stream.create()
    first, second = lwt_stream.get(stream), lwt_stream.get(stream)
    push(Some(1))
    assert (value_of(first), value_of(second)) == (Some(1), Some(1))
    push(None)
    assert rest_of(stream) == []


def test_peek_and_npeek_take_nothing() -> None:
    stream = stream_of(1, 2)
    assert value_of(lwt_stream.peek(stream)) == Some(1)
    assert value_of(lwt_stream.npeek(3, stream)) == [1, 2]
    assert rest_of(stream) == [1, 2]
    assert value_of(lwt_stream.peek(stream)) is None


def test_nget_and_njunk_stop_at_the_end() -> None:
    stream = stream_of(1, 2, 3)
    assert value_of(lwt_stream.nget(2, stream)) == [1, 2]
    assert value_of(lwt_stream.njunk(2, stream)) is None
    assert value_of(lwt_stream.nget(1, stream)) == []


def test_nget_waits_for_what_is_missing() -> None:
    stream, push = pushed(1)
    two = lwt_stream.nget(2, stream)
    assert lwt.is_sleeping(two)
    push(Some(2))
    assert value_of(two) == [1, 2]


def test_nget_ends_where_another_reader_has_emptied_the_stream() -> None:
    stream, push = lwt_stream.create()
    two = lwt_stream.nget(2, stream)
    first = lwt_stream.get(stream)  # The newest waiting reader goes on first.
    push(Some(1))
    assert value_of(first) == Some(1)
    assert value_of(two) == []  # As in OCaml: it looks at the first element of the stream.


def test_next_and_last_new_are_rejected_at_the_end() -> None:
    for function in lwt_stream.next, lwt_stream.last_new:
        assert isinstance(rejected_with(function(stream_of())), lwt_stream.Empty)
    assert value_of(lwt_stream.next(stream_of(1, 2))) == 1


def test_last_new_takes_all_that_is_there_or_waits_for_one() -> None:
    stream, push = pushed(1, 2)
    assert value_of(lwt_stream.last_new(stream)) == 2
    waiting = lwt_stream.last_new(stream)
    push(Some(3))
    assert value_of(waiting) == 3
    assert value_of(lwt_stream.last_new(lwt_stream.of_seq([1, 2]))) == 2


def test_junk_drops_one() -> None:
    stream = stream_of(1, 2)
    assert value_of(lwt_stream.junk(stream)) is None
    assert rest_of(stream) == [2]
    assert value_of(lwt_stream.junk(stream)) is None


def test_get_while_leaves_the_first_element_that_does_not_satisfy() -> None:
    stream = stream_of(1, 2, 3, 1)
    assert value_of(lwt_stream.get_while(lambda n: n < 3, stream)) == [1, 2]
    assert value_of(lwt_stream.junk_while(lambda n: n > 2, stream)) is None
    assert rest_of(stream) == [1]


def test_get_while_s_takes_an_element_when_its_promise_says_so() -> None:
    stream = stream_of(1, 2)
    answer, resolver = lwt.wait()
    taken = lwt_stream.get_while_s(lambda n: answer if n == 1 else lwt.return_false, stream)
    assert value_of(lwt_stream.peek(stream)) == Some(1)
    lwt.wakeup(resolver, True)
    assert value_of(taken) == [1]
    assert value_of(lwt_stream.junk_while_s(lambda _: lwt.return_true, stream)) is None
    assert rest_of(stream) == []


def test_a_predicate_that_raises_at_once_leaves_through_the_caller() -> None:
    stream = stream_of(1)
    with pytest.raises(A):
        lwt_stream.get_while(raising(A()), stream)
    assert rest_of(stream) == [1]


def test_a_predicate_that_raises_after_waiting_rejects() -> None:
    stream, push = lwt_stream.create()
    taken = lwt_stream.get_while(raising(A()), stream)
    push(Some(1))
    assert isinstance(rejected_with(taken), A)
    assert lwt_stream.get_available(stream) == [1]


def test_get_available_takes_what_needs_no_waiting() -> None:
    stream, push = pushed(1, 2, 3)
    assert lwt_stream.get_available_up_to(2, stream) == [1, 2]
    assert lwt_stream.get_available(stream) == [3]
    assert lwt_stream.get_available(stream) == []
    push(Some(4))
    lwt_stream.junk_available(stream)
    push(Some(5))
    assert value_of(lwt_stream.junk_old(stream)) is None
    push(None)
    assert rest_of(stream) == []


def test_get_available_asks_the_function_until_it_has_to_wait() -> None:
    pending, _ = lwt.wait()
    stream = from_promises(lwt.return_some(1), lwt.return_some(2), pending)
    assert lwt_stream.get_available(stream) == [1, 2]


def test_get_available_raises_what_the_source_is_rejected_with() -> None:
    def up_to(stream: Stream[int]) -> object:
        return lwt_stream.get_available_up_to(3, stream)

    for function in lwt_stream.get_available, lwt_stream.junk_available, up_to:
        stream = from_promises(lwt.return_some(1), lwt.fail(A()))
        with pytest.raises(A):
            function(stream)
        assert rest_of(stream) == []


def test_is_empty_waits_to_know() -> None:
    stream, push = lwt_stream.create()
    answer = lwt_stream.is_empty(stream)
    push(Some(1))
    assert value_of(answer) is False
    assert value_of(lwt_stream.is_empty(stream_of())) is True


# --- Streams of streams ------------------------------------------------------


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        (lambda s: lwt_stream.map(lambda n: n * 10, s), [10, 20, 30]),
        (lambda s: lwt_stream.map_s(lambda n: lwt.return_(n * 10), s), [10, 20, 30]),
        (lambda s: lwt_stream.filter(lambda n: n % 2, s), [1, 3]),
        (lambda s: lwt_stream.filter_s(lambda n: lwt.return_(n != 2), s), [1, 3]),
        (lambda s: lwt_stream.filter_map(lambda n: Some(-n) if n > 1 else None, s), [-2, -3]),
        (lambda s: lwt_stream.filter_map_s(lambda n: lwt.return_(Some(-n)), s), [-1, -2, -3]),
        (lambda s: lwt_stream.map_list(lambda n: [n] * (n - 1), s), [2, 3, 3]),
        (lambda s: lwt_stream.map_list_s(lambda n: lwt.return_([n] * (n - 1)), s), [2, 3, 3]),
        (lambda s: lwt_stream.flatten(lwt_stream.map(range, s)), [0, 0, 1, 0, 1, 2]),
        (lambda s: lwt_stream.combine(s, stream_of("a", "b")), [(1, "a"), (2, "b")]),
        (lambda s: lwt_stream.append(s, stream_of(4)), [1, 2, 3, 4]),
        (lambda s: lwt_stream.concat(stream_of(stream_of(0), s, stream_of())), [0, 1, 2, 3]),
        (lwt_stream.wrap_exn, [Ok(1), Ok(2), Ok(3)]),
        (lambda s: lwt_stream.choose([s]), [1, 2, 3]),
        (lambda _: lwt_stream.choose([]), []),
    ],
)
def test_transformers_give_what_their_names_say(
    transform: Callable[[Stream[int]], Stream[Any]], expected: list[Any]
) -> None:
    assert rest_of(transform(stream_of(1, 2, 3))) == expected
    stream, push = lwt_stream.create()
    all_of_it = lwt_stream.to_list(transform(stream))
    for n in (1, 2, 3):
        push(Some(n))
    push(None)
    assert value_of(all_of_it) == expected


def test_transformers_read_nothing_before_they_are_asked(record: Recorder) -> None:
    source: Stream[int] = lwt_stream.from_(record.then("asked", lwt.return_none))
    lwt_stream.map(record.on("f"), source)
    lwt_stream.append(source, source)
    lwt_stream.concat(stream_of(source))
    assert record.events == []


def test_an_exception_of_the_function_rejects_one_element_and_is_not_the_end() -> None:
    stream = lwt_stream.map(lambda n: 1 // n, stream_of(1, 0, 1))
    assert value_of(lwt_stream.get(stream)) == Some(1)
    assert isinstance(rejected_with(lwt_stream.get(stream)), ZeroDivisionError)
    assert rest_of(stream) == [1]


def test_combine_asks_both_at_once() -> None:
    first, push_first = lwt_stream.create()
    second = stream_of("a", "b")
    pairs = lwt_stream.combine(first, second)
    pair = lwt_stream.get(pairs)
    assert value_of(lwt_stream.peek(second)) == Some("b")
    push_first(Some(1))
    assert value_of(pair) == Some((1, "a"))


def test_choose_gives_elements_as_they_come() -> None:
    (first, push_first), (second, push_second) = pushed(), pushed()
    all_of_them = lwt_stream.to_list(lwt_stream.choose([first, second]))
    push_second(Some("b"))
    push_first(Some("a"))
    push_second(None)
    push_first(Some("c"))
    push_first(None)
    assert value_of(all_of_them) == ["b", "a", "c"]


def test_an_error_of_the_generator_that_choose_reads_is_its_own() -> None:
    def broken() -> Iterator[Stream[int]]:
        yield lwt_stream.of_list([1])
        raise TypeError("of the generator")

    with pytest.raises(TypeError, match=r"^of the generator$"):
        lwt_stream.choose(broken())


def test_choose_fails_with_one_of_its_sources_and_gives_nothing_more() -> None:
    failing = lwt_stream.choose([from_promises(lwt.fail(A()))])
    for _ in range(2):
        assert isinstance(rejected_with(lwt_stream.get(failing)), A)


def test_concat_says_what_it_has_met_instead_of_a_stream() -> None:
    stream = lwt_stream.concat(stream_of(stream_of(1), 3))
    assert value_of(lwt_stream.get(stream)) == Some(1)
    assert "lwt_stream.concat: expected a stream, got 3" in str(
        rejected_with(lwt_stream.get(stream))
    )


def test_wrap_exn_makes_errors_elements() -> None:
    error = A()
    stream = lwt_stream.wrap_exn(from_promises(lwt.return_some(1), lwt.fail(error)))
    assert rest_of(stream) == [Ok(1), Error(error)]


def test_hexdump_shows_sixteen_characters_a_line() -> None:
    lines = rest_of(lwt_stream.hexdump(lwt_stream.of_string(bytes(range(0x1C, 0x35)))))
    assert lines == [
        b"00000000|  1c 1d 1e 1f 20 21 22 23  24 25 26 27 28 29 2a 2b  |.... !\"#$%&'()*+|",
        b"00000010|  2c 2d 2e 2f 30 31 32 33  34                       |,-./01234|",
    ]


@pytest.mark.parametrize(
    "function", [lwt_stream.to_string, lambda s: lwt_stream.get(lwt_stream.hexdump(s))]
)
def test_characters_are_checked_where_they_are_read(function: Callable[..., Any]) -> None:
    stream, push = lwt_stream.create()
    result = function(stream)
    push(Some("a"))
    push(None)
    assert "expected a stream of bytes of length 1, got 'a'" in str(rejected_with(result))


# --- Going through -----------------------------------------------------------


def test_fold_calls_with_the_element_first() -> None:
    assert value_of(lwt_stream.fold(lambda n, s: f"{s}{n}", stream_of(1, 2), "0")) == "012"
    folded = lwt_stream.fold_s(lambda n, s: lwt.return_(f"{s}{n}"), stream_of(1, 2), "0")
    assert value_of(folded) == "012"


def test_iter_s_waits_for_one_before_the_next(record: Recorder) -> None:
    pairs = [lwt.wait() for _ in range(2)]

    def visit(n: int) -> Promise[None]:
        record(str(n))
        return pairs[n][0]

    done = lwt_stream.iter_s(visit, stream_of(0, 1))
    assert record.events == ["0"]
    lwt.wakeup(pairs[0][1], None)
    assert record.events == ["0", "1"]
    lwt.wakeup(pairs[1][1], None)
    assert value_of(done) is None


def test_iter_p_starts_all_and_waits_for_all(record: Recorder) -> None:
    pairs = [lwt.wait() for _ in range(3)]

    def visit(n: int) -> Promise[None]:
        record(str(n))
        return pairs[n][0]

    stream, push = pushed(0, 1)
    done = lwt_stream.iter_p(visit, stream)
    push(Some(2))
    push(None)
    assert record.events == ["0", "1", "2"]
    for _, resolver in reversed(pairs):
        assert lwt.is_sleeping(done)
        lwt.wakeup(resolver, None)
    assert value_of(done) is None


def test_iter_p_is_rejected_when_the_earlier_ones_are_fulfilled() -> None:
    first, resolver = lwt.wait()
    done = lwt_stream.iter_p(lambda p: p, stream_of(first, lwt.fail(B())))
    assert lwt.is_sleeping(done)
    lwt.wakeup(resolver, None)
    assert isinstance(rejected_with(done), B)


def test_iter_n_never_has_more_running_than_its_bound() -> None:
    running: list[lwt.Resolver[None]] = []
    most = 0

    def visit(_: int) -> Promise[None]:
        nonlocal most
        promise, resolver = lwt.wait()
        running.append(resolver)
        most = max(most, len(running))
        return promise

    done = lwt_stream.iter_n(visit, lwt_stream.of_seq(range(20)), max_concurrency=3)
    assert len(running) == 3
    turn = 0
    while running:
        turn += 1
        lwt.wakeup(running.pop(turn % len(running)), None)
    assert (value_of(done), most, turn) == (None, 3, 20)


def test_iter_n_takes_no_more_after_a_rejection() -> None:
    stream = stream_of(1, 2, 3)
    done = lwt_stream.iter_n(lambda _: lwt.fail(A()), stream)
    assert isinstance(rejected_with(done), A)
    assert rest_of(stream) == [2, 3]


@pytest.mark.parametrize(
    "found",
    [
        lambda s: lwt_stream.find(lambda n: n == 2, s),
        lambda s: lwt_stream.find_s(lambda n: lwt.return_(n == 2), s),
        lambda s: lwt_stream.find_map(lambda n: Some(n) if n == 2 else None, s),
        lambda s: lwt_stream.find_map_s(lambda n: lwt.return_(Some(n) if n == 2 else None), s),
    ],
)
def test_finding_consumes_up_to_what_is_found(found: Callable[[Stream[int]], Any]) -> None:
    stream = stream_of(1, 2, 3)
    assert value_of(found(stream)) == Some(2)
    assert value_of(found(stream)) is None
    assert rest_of(stream) == []


@pytest.mark.parametrize(
    ("read", "left"),
    [
        (lwt_stream.iter_s, [2]),
        (lambda f, s: lwt_stream.fold_s(lambda n, _: f(n), s, 0), [2]),
        (lwt_stream.find_s, [2]),
        (lwt_stream.find_map_s, [2]),
        (lwt_stream.get_while_s, [1, 2]),
        (lwt_stream.junk_while_s, [1, 2]),
        (lambda f, s: lwt_stream.get(lwt_stream.map_s(f, s)), [2]),
        (lambda f, s: lwt_stream.get(lwt_stream.filter_s(f, s)), [2]),
        (lambda f, s: lwt_stream.get(lwt_stream.filter_map_s(f, s)), [2]),
        (lambda f, s: lwt_stream.get(lwt_stream.map_list_s(f, s)), [2]),
    ],
)
def test_a_promise_of_the_function_that_is_rejected_rejects(
    read: Callable[[Callable[[int], Promise[Any]], Stream[int]], Promise[Any]], left: list[int]
) -> None:
    for failing in lwt.fail(A()), lwt.bind(lwt.pause(), lambda _: lwt.fail(A())):
        stream = stream_of(1, 2)
        result = read(lambda _: failing, stream)  # noqa: B023  # Called in this turn of the loop.
        lwt.wakeup_paused()
        assert isinstance(rejected_with(result), A)
        assert rest_of(stream) == left


def test_async_for_goes_on_after_a_failure_of_the_source() -> None:
    stream = from_promises(lwt.return_some(1), lwt.fail(A()), lwt.return_some(2))

    async def collect() -> list[int]:
        return [element async for element in stream]

    assert isinstance(rejected_with(lwt.of_coroutine(collect())), A)
    assert value_of(lwt.of_coroutine(collect())) == [2]


def test_async_for_takes_all_elements() -> None:
    stream, push = lwt_stream.create()

    async def collect() -> list[int]:
        return [element async for element in stream]

    collected = lwt.of_coroutine(collect())
    for n in (1, 2):
        push(Some(n))
    push(None)
    assert value_of(collected) == [1, 2]


def test_a_callback_may_be_async_and_must_return_a_promise() -> None:
    async def double(n: int) -> int:
        return 2 * n

    assert rest_of(lwt_stream.map_s(double, stream_of(1, 2))) == [2, 4]
    with pytest.raises(TypeError, match=r"lwt_stream\.iter_s: callback .* returned 1"):
        lwt_stream.iter_s(lambda n: n, stream_of(1))


def test_the_storage_of_the_caller_is_put_back_when_a_loop_goes_on() -> None:
    key: lwt.Key[int] = lwt.new_key()
    stream, push = lwt_stream.create()
    seen: list[Some[int] | None] = []

    def start() -> Promise[None]:
        return lwt_stream.iter(lambda _: seen.append(lwt.get(key)), stream)

    lwt.with_value(key, Some(1), start)
    lwt.with_value(key, Some(2), lambda: push(Some("x")))
    push(Some("y"))
    assert seen == [Some(1), Some(1)]


def test_the_storage_of_the_reader_is_put_back_each_time_that_map_and_filter_go_on(
    record: Recorder,
) -> None:
    key: lwt.Key[str] = lwt.new_key()
    stream, push = lwt_stream.create()

    def note(n: int) -> bool:
        record(f"{n} for {lwt.get(key)}")
        return n > 2

    filtered = lwt_stream.filter(note, lwt_stream.map(lambda n: n + note(n), stream))
    reading = lwt.with_value(key, Some("reader"), lambda: lwt_stream.get(filtered))
    for element in (Some(1), Some(2), Some(3)):
        lwt.with_value(key, Some("writer"), partial(push, element))
    assert value_of(reading) == Some(4)
    for_reader = "for Some('reader')"
    assert record.taken() == [f"{n} {for_reader}" for n in (1, 1, 2, 2, 3, 4)]


def test_cancelling_a_loop_cancels_what_it_waits_for() -> None:
    promise, _ = lwt.task()
    done = lwt_stream.iter_s(lambda _: promise, stream_of(1, 2))
    lwt.cancel(done)
    assert is_canceled(promise)
    assert is_canceled(done)


# --- parse -------------------------------------------------------------------


def test_parse_puts_back_what_was_read_when_it_fails() -> None:
    stream, push = pushed(1)

    def read_two(s: Stream[int]) -> Promise[None]:
        return lwt_stream.njunk(2, s) >> (lambda _: lwt.fail(A()))

    parsed = lwt_stream.parse(stream, read_two)
    push(Some(2))
    assert isinstance(rejected_with(parsed), A)
    assert lwt_stream.get_available(stream) == [1, 2]


def test_parse_puts_back_before_an_exception_leaves() -> None:
    stream = stream_of(1)

    def read(s: Stream[int]) -> Promise[None]:
        lwt_stream.junk_available(s)
        raise A

    with pytest.raises(A):
        lwt_stream.parse(stream, read)
    assert rest_of(stream) == [1]


def test_parse_keeps_what_was_read_when_it_succeeds() -> None:
    stream = stream_of(1, 2)
    assert value_of(lwt_stream.parse(stream, lwt_stream.next)) == 1
    assert rest_of(stream) == [2]


# --- Interrupts --------------------------------------------------------------


def test_an_interrupt_of_a_source_leaves_and_the_stream_goes_on() -> None:
    calls = 0

    def source() -> Promise[Some[int] | None]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise KeyboardInterrupt
        return lwt.return_(Some(calls) if calls < 4 else None)

    stream = lwt_stream.from_(source)
    with pytest.raises(KeyboardInterrupt):
        lwt_stream.get(stream)
    assert rest_of(stream) == [2, 3]


# --- Bad input ---------------------------------------------------------------


@pytest.mark.parametrize("name", ["npeek", "nget", "njunk", "get_available_up_to"])
def test_negative_counts_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=rf"^Lwt_stream\.{name}: -1 is no number of elements"):
        getattr(lwt_stream, name)(-1, stream_of())
    with pytest.raises(TypeError, match="expected a number of elements, got 'x'"):
        getattr(lwt_stream, name)("x", stream_of())


def test_negative_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^Lwt_stream\.create_bounded"):
        lwt_stream.create_bounded(-1)
    with pytest.raises(TypeError, match=r"lwt_stream\.create_bounded: expected a number"):
        lwt_stream.create_bounded("1")  # type: ignore[arg-type]  # that is the mistake
    _, source = lwt_stream.create_bounded(1)
    with pytest.raises(ValueError, match=r"^Lwt_stream\.bounded_push#resize"):
        source.resize(-1)
    with pytest.raises(TypeError, match=r"bounded_push#resize: expected a number"):
        source.resize(None)  # type: ignore[arg-type]  # that, too
    assert source.size == 1
    with pytest.raises(
        ValueError, match=r"^Lwt_stream\.iter_n: max_concurrency must be > 0, 0 given$"
    ):
        lwt_stream.iter_n(lwt.return_, stream_of(), max_concurrency=0)
    with pytest.raises(TypeError, match="expected an int for max_concurrency"):
        lwt_stream.iter_n(lwt.return_, stream_of(), max_concurrency="1")  # type: ignore[arg-type]  # that is the mistake


TAKES_A_STREAM = [
    name
    for name in lwt_stream.__all__
    if name
    not in {"Stream", "t", "from_", "from_direct", "Closed", "Full", "Empty", "bounded_push"}
    and not name.startswith(("create", "of_", "return_"))
]


@pytest.mark.parametrize("name", TAKES_A_STREAM)
def test_what_is_no_stream_is_a_type_error_at_the_call(name: str) -> None:
    function = getattr(lwt_stream, name)
    given: dict[str, list[Any]] = {
        "fold": [lwt.return_, 3, 0],
        "fold_s": [lwt.return_, 3, 0],
        "parse": [3, lwt.return_],
        "combine": [stream_of(), 3],
        "append": [stream_of(), 3],
        "choose": [[3]],
    }
    arguments = given.get(name, [3])
    if name in {"npeek", "nget", "njunk", "get_available_up_to"}:
        arguments = [1, 3]
    elif (len(arguments) == 1 and "_while" in name) or name.startswith(
        ("map", "filter", "iter", "find")
    ):
        arguments = [lwt.return_, 3]
    with pytest.raises(TypeError, match=rf"lwt_stream\.{name}: expected a stream"):
        function(*arguments)


@pytest.mark.parametrize(
    "name",
    [
        n
        for n in TAKES_A_STREAM
        if n.startswith(("map", "filter", "iter", "find", "fold", "get_while", "junk_while"))
    ],
)
def test_what_cannot_be_called_is_a_type_error_at_the_call(name: str) -> None:
    with pytest.raises(TypeError, match=rf"lwt_stream\.{name}: expected a function"):
        getattr(lwt_stream, name)(3, stream_of(), *[0] * name.startswith("fold"))


def test_a_parser_that_cannot_be_called_is_a_type_error_at_the_call() -> None:
    with pytest.raises(TypeError, match=r"lwt_stream\.parse: expected a function"):
        lwt_stream.parse(stream_of(), 3)  # type: ignore[arg-type]  # that is the mistake


@pytest.mark.parametrize(
    "name",
    [
        "of_list",
        "of_array",
        "of_seq",
        "of_lwt_seq",
        "of_string",
        "from_",
        "from_direct",
        "return_lwt",
        "choose",
    ],
)
def test_what_no_stream_can_be_made_of_is_a_type_error_at_the_call(name: str) -> None:
    with pytest.raises(TypeError, match=rf"lwt_stream\.{name}: expected"):
        getattr(lwt_stream, name)(3)


# --- Without end -------------------------------------------------------------


def test_streams_of_streams_of_streams_need_no_stack() -> None:
    stream = lwt_stream.of_seq(range(3))
    for _ in range(2_000):
        stream = lwt_stream.map(lambda n: n + 1, stream)
    assert rest_of(stream) == [2_000, 2_001, 2_002]


def test_a_hundred_thousand_elements_that_come_one_by_one_need_no_stack() -> None:
    stream, push = lwt_stream.create()
    number = lwt_stream.fold(lambda _, n: n + 1, lwt_stream.filter(lambda _: True, stream), 0)
    parallel = lwt_stream.iter_p(lwt.return_, lwt_stream.clone(stream))
    for n in range(100_000):
        push(Some(n))
    push(None)
    assert value_of(number) == 100_000
    assert value_of(parallel) is None


def test_many_elements_that_are_dropped_unread_need_no_stack() -> None:
    stream, push = lwt_stream.create()
    for n in range(200_000):
        push(Some(n))
    del stream
    push(None)


# --- Memory ------------------------------------------------------------------


def peak_of_reading(number: int) -> int:
    """How many bytes are in use at most while so many elements go through `map` and `filter`."""
    numbers = lwt_stream.of_seq(iter(range(number)))
    mapped = lwt_stream.map(lambda n: 2 * n, numbers)
    filtered = lwt_stream.filter(lambda n: n % 3 == 0, mapped)
    gc.collect()
    tracemalloc.start()
    try:
        total = lwt_stream.fold(lambda _, count: count + 1, filtered, 0)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert value_of(total) == (number + 2) // 3
    return peak


def test_memory_does_not_grow_with_the_elements_that_are_read_through_map_and_filter() -> None:
    assert peak_of_reading(100_000) < peak_of_reading(1_000) + 10_000


def test_memory_does_not_grow_with_the_elements_that_are_pushed_and_read_one_by_one() -> None:
    def peak_of_pushing(number: int) -> int:
        stream, push = lwt_stream.create()
        mapped = lwt_stream.map_s(lwt.return_, lwt_stream.filter(lambda _: True, stream))
        done = lwt_stream.iter_s(lambda _: lwt.return_unit, mapped)
        gc.collect()
        tracemalloc.start()
        try:
            for n in range(number):
                push(Some(n))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert lwt.is_sleeping(done)
        return peak

    assert peak_of_pushing(10_000) < peak_of_pushing(500) + 10_000


def test_a_clone_that_nobody_reads_holds_memory_and_one_that_is_dropped_does_not() -> None:
    stream, push = lwt_stream.create()
    clone = lwt_stream.clone(stream)
    tracemalloc.start()
    try:
        for n in range(10_000):
            push(Some(n))
            lwt_stream.junk(stream)
        unread, _ = tracemalloc.get_traced_memory()
        del clone
        dropped, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert unread > 10_000 * 64
    assert dropped < 10_000
