"""Making streams: when sources are asked, pushing, what fails."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import lwt
from lwt import Promise, Some, lwt_seq, lwt_stream
from lwt.lwt_stream import Stream
from tests.support.promises import A, Recorder, is_canceled, raising, rejected_with
from tests.support.streams import from_promises, pushed, rest_of, value_of

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
