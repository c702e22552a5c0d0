"""Streams made of streams: order, failures, what is read when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import lwt
from lwt import Error, Ok, Some, lwt_stream
from lwt.lwt_stream import Stream
from tests.support.promises import A, Recorder, rejected_with
from tests.support.streams import from_promises, pushed, rest_of, stream_of, value_of


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
