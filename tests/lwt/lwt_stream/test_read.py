"""Reading streams: one element, several, what is there, and all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import lwt
from lwt import Some, lwt_stream
from lwt.lwt_stream import Stream
from tests.support.promises import A, raising, rejected_with
from tests.support.streams import from_promises, pushed, rest_of, stream_of, value_of


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
    async def through_anext(stream: Stream[object]) -> tuple[object]:
        return (await anext(stream),)

    readers: list[Callable[[Stream[object]], object]] = [
        lambda s: value_of(lwt_stream.get(s)).value,
        lambda s: value_of(lwt_stream.peek(s)).value,
        lambda s: value_of(lwt_stream.find(lambda _: True, s)).value,
        lambda s: value_of(lwt_stream.next(s)),
        lambda s: value_of(lwt_stream.nget(1, s))[0],
        lambda s: value_of(lwt_stream.get(lwt_stream.map(lambda e: e, s))).value,
        lambda s: value_of(lwt_stream.get(lwt_stream.filter(lambda _: True, s))).value,
        lambda s: value_of(lwt.of_coroutine(through_anext(s)))[0],
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


def test_get_while_s_keeps_its_place_while_another_reader_takes_elements() -> None:
    stream = stream_of(1, 2, 3)
    answer, resolver = lwt.wait()
    answers = iter([answer, lwt.return_true, lwt.return_false])
    taken = lwt_stream.get_while_s(lambda _: next(answers), stream)
    assert value_of(lwt_stream.nget(2, stream)) == [1, 2]
    lwt.wakeup(resolver, True)
    assert value_of(taken) == [1, 2]
    assert rest_of(stream) == [3]


def test_get_while_s_leaves_the_element_of_which_its_promise_says_no() -> None:
    stream = stream_of(1, 2)
    answer, resolver = lwt.wait()
    taken = lwt_stream.get_while_s(lambda _: answer, stream)
    lwt.wakeup(resolver, False)
    assert value_of(taken) == []
    assert rest_of(stream) == [1, 2]


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


@pytest.mark.parametrize(
    "function", [lwt_stream.to_string, lambda s: lwt_stream.get(lwt_stream.hexdump(s))]
)
def test_characters_are_checked_where_they_are_read(function: Callable[..., Any]) -> None:
    stream, push = lwt_stream.create()
    result = function(stream)
    push(Some("a"))
    push(None)
    assert "expected a stream of bytes of length 1, got 'a'" in str(rejected_with(result))
