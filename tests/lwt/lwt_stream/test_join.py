"""Streams made of several: pairs, one after the other, whichever comes first."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import lwt
from lwt import Some, lwt_stream
from lwt.lwt_stream import Stream
from tests.support.promises import A, Recorder
from tests.support.streams import from_promises, pushed, rest_of, stream_of, value_of


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
    waiting, resolver = lwt.wait()
    failing = lwt_stream.choose([from_promises(waiting)])
    lwt.wakeup_exn(resolver, A())
    for _ in range(2):
        with pytest.raises(A):
            lwt_stream.get(failing)


def test_choose_raises_what_a_source_fails_with_at_once_and_keeps_the_element_before() -> None:
    with pytest.raises(A):
        lwt_stream.choose([from_promises(lwt.fail(A()))])
    chosen = lwt_stream.choose([from_promises(lwt.return_some(1), lwt.fail(A()))])
    with pytest.raises(A):  # When it asks for the next one.
        lwt_stream.get(chosen)
    assert rest_of(chosen) == [1]


def test_choose_gives_each_element_of_a_stream_that_is_in_the_list_twice_once() -> None:
    for _ in range(20):
        stream = stream_of(1, 2, 3, 4)
        assert sorted(rest_of(lwt_stream.choose([stream, stream]))) == [1, 2, 3, 4]


def test_combine_does_not_ask_the_second_when_the_first_raises(record: Recorder) -> None:
    second: Stream[int] = lwt_stream.from_(record.then("asked", lwt.return_some(1)))
    with pytest.raises(A):
        lwt_stream.get(lwt_stream.combine(from_promises(lwt.fail(A())), second))
    assert record.events == []


def test_concat_says_what_it_has_met_instead_of_a_stream() -> None:
    stream = lwt_stream.concat(stream_of(stream_of(1), 3))
    assert value_of(lwt_stream.get(stream)) == Some(1)
    with pytest.raises(TypeError, match=r"lwt_stream\.concat: expected a stream, got 3"):
        lwt_stream.get(stream)
