"""Sources that are asked: functions, iterators and sequences, when an element is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

import lwt
from lwt import Promise, Some, lwt_seq, lwt_stream
from lwt._core.promise import PromiseOrCoroutine
from lwt.lwt_stream import Stream
from tests.support.promises import A, Recorder, is_canceled, raising, rejected_with
from tests.support.streams import from_promises, rest_of, value_of


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
    with pytest.raises(A):
        lwt_stream.get(stream)
    assert not lwt_stream.is_closed(stream)
    assert rest_of(stream) == [2]


async def async_raising() -> Some[int] | None:
    raise A


AT_ONCE: dict[str, Callable[[], PromiseOrCoroutine[Some[int] | None]]] = {
    "raises": raising(A()),
    "gives a rejected promise": lambda: lwt.fail(A()),
    "is an async def that raises": async_raising,
}
"""The ways in which the function of `from_` fails at once."""

READERS: dict[str, Callable[[Stream[Any]], object]] = {
    "get": lwt_stream.get,
    "peek": lwt_stream.peek,
    "npeek": partial(lwt_stream.npeek, 2),
    "nget": partial(lwt_stream.nget, 2),
    "next": lwt_stream.next,
    "last_new": lwt_stream.last_new,
    "junk": lwt_stream.junk,
    "njunk": partial(lwt_stream.njunk, 2),
    "is_empty": lwt_stream.is_empty,
    "to_list": lwt_stream.to_list,
    "to_string": lwt_stream.to_string,
    "get_available": lwt_stream.get_available,
    "get_available_up_to": partial(lwt_stream.get_available_up_to, 2),
    "junk_available": lwt_stream.junk_available,
    "junk_old": lwt_stream.junk_old,
    "get_while": partial(lwt_stream.get_while, bool),
    "get_while_s": partial(lwt_stream.get_while_s, lwt.return_),
    "junk_while": partial(lwt_stream.junk_while, bool),
    "junk_while_s": partial(lwt_stream.junk_while_s, lwt.return_),
    "iter": partial(lwt_stream.iter, bool),
    "iter_s": partial(lwt_stream.iter_s, lwt.return_),
    "iter_p": partial(lwt_stream.iter_p, lwt.return_),
    "iter_n": partial(lwt_stream.iter_n, lwt.return_),
    "fold": lambda stream: lwt_stream.fold(max, stream, 0),
    "fold_s": lambda stream: lwt_stream.fold_s(lambda n, _: lwt.return_(n), stream, 0),
    "find": partial(lwt_stream.find, bool),
    "find_s": partial(lwt_stream.find_s, lwt.return_),
    "find_map": partial(lwt_stream.find_map, lwt.Some),
    "find_map_s": partial(lwt_stream.find_map_s, lwt.return_some),
    "parse": lambda stream: lwt_stream.parse(stream, lwt_stream.get),
}


@pytest.mark.parametrize("function", AT_ONCE.values(), ids=AT_ONCE)
@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_what_the_function_of_from_fails_with_at_once_leaves_through_the_reader(
    read: Callable[[Stream[Any]], object],
    function: Callable[[], PromiseOrCoroutine[Some[int] | None]],
) -> None:
    with pytest.raises(A):
        read(lwt_stream.from_(function))


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_what_the_function_of_from_fails_with_later_rejects_the_reader(
    read: Callable[[Stream[Any]], object],
) -> None:
    waiting, resolver = lwt.wait()
    reading = read(from_promises(waiting))
    lwt.wakeup_exn(resolver, A())
    if isinstance(reading, Promise) and lwt.state(reading) != lwt.Return(None):
        assert isinstance(rejected_with(reading), A)
    else:
        assert reading == [] or read in (lwt_stream.junk_available, lwt_stream.junk_old)


def test_a_reader_in_a_callback_is_rejected_by_what_fails_at_once_there() -> None:
    waiting, resolver = lwt.wait()
    listing = lwt_stream.to_list(from_promises(waiting, lwt.fail(A())))
    lwt.wakeup(resolver, Some(1))
    assert isinstance(rejected_with(listing), A)


def test_what_a_nested_call_asked_for_stays_asked_for_when_the_outer_one_raises(
    record: Recorder,
) -> None:
    waiting, resolver = lwt.wait()
    nested: list[Promise[Some[int] | None]] = []

    def function() -> Promise[Some[int] | None]:
        record("called")
        if not nested:
            nested.append(lwt.return_none)
            nested[0] = lwt_stream.get(stream)
            raise A
        return waiting

    stream = lwt_stream.from_(function)
    with pytest.raises(A):
        lwt_stream.get(stream)
    third = lwt_stream.get(stream)
    assert record.events == ["called", "called"]
    lwt.wakeup(resolver, Some(7))
    assert [value_of(reading) for reading in (*nested, third)] == [Some(7), Some(7)]


def test_what_a_nested_call_asked_for_is_replaced_by_an_outer_one_that_comes_at_once() -> None:
    waiting, resolver = lwt.wait()
    first = lwt.return_some(1)
    answers = iter([first, waiting, lwt.return_some(3)])

    def function() -> Promise[Some[int] | None]:
        answer = next(answers)
        if answer is first:
            lwt_stream.get(stream)
        return answer

    stream = lwt_stream.from_(function)
    assert [value_of(lwt_stream.get(stream)) for _ in range(2)] == [Some(1), Some(3)]
    lwt.wakeup(resolver, Some(2))
    assert value_of(lwt_stream.get(stream)) == Some(2)


def test_an_interrupt_at_once_leaves_what_a_nested_call_asked_for() -> None:
    waiting, resolver = lwt.wait()
    calls = 0

    def function() -> Promise[Some[int] | None]:
        nonlocal calls
        calls += 1
        if calls == 1:
            lwt_stream.get(stream)
            raise KeyboardInterrupt
        return waiting

    stream = lwt_stream.from_(function)
    with pytest.raises(KeyboardInterrupt):
        lwt_stream.get(stream)
    second = lwt_stream.get(stream)
    lwt.wakeup(resolver, Some(2))
    assert (value_of(second), calls) == (Some(2), 2)


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
    with pytest.raises(
        TypeError,
        match=r"lwt_stream\.from_: the promise of callback .* gave 3 \(int\), not an option",
    ):
        lwt_stream.get(stream)
    stream = lwt_stream.from_(lambda: 3)  # type: ignore[arg-type,return-value]  # that, too
    with pytest.raises(TypeError, match="not a promise"):
        lwt_stream.get(stream)
    stream = lwt_stream.from_direct(lambda: 3)  # type: ignore[arg-type,return-value]  # and that
    with pytest.raises(
        TypeError, match=r"lwt_stream\.from_direct: callback .* returned 3 \(int\), not an option"
    ):
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


def test_a_stream_of_a_function_is_closed_when_the_function_has_given_the_end() -> None:
    for stream in from_promises(lwt.return_some(1)), lwt_stream.of_seq([1]):
        closed = lwt_stream.closed(stream)
        assert value_of(lwt_stream.get(stream)) == Some(1)
        assert lwt.is_sleeping(closed)
        assert value_of(lwt_stream.is_empty(stream)) is True
        assert value_of(closed) is None


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
