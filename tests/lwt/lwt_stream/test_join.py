"""Streams made of several: pairs, one after the other, whichever comes first."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import lwt
from lwt import Some, lwt_stream
from lwt.lwt_stream import Stream
from tests.support.promises import A, rejected_with
from tests.support.streams import from_promises, pushed, stream_of, value_of


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
