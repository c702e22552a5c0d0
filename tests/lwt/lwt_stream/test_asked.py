"""Sources that are asked: functions, iterators and sequences, when an element is needed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import lwt
from lwt import Promise, Some, lwt_seq, lwt_stream
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
    assert str(error).startswith("lwt_stream.from_: the promise of callback ")
    assert "gave 3 (int), not an option" in str(error)
    stream = lwt_stream.from_(lambda: 3)  # type: ignore[arg-type,return-value]  # that, too
    assert "not a promise" in str(rejected_with(lwt_stream.get(stream)))
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
