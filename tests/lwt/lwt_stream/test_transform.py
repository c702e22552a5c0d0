"""Streams made of streams: order, failures, what is read when."""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

import pytest

import lwt
from lwt import Error, Ok, Some, lwt_stream
from lwt.lwt_stream import Stream
from tests.support.promises import A, Recorder, rejected_with
from tests.support.streams import from_promises, rest_of, stream_of, value_of

TRANSFORMERS: list[Callable[..., Stream[Any]]] = [
    lwt_stream.map,
    lwt_stream.map_s,
    lwt_stream.filter,
    lwt_stream.filter_s,
    lwt_stream.filter_map,
    lwt_stream.filter_map_s,
    lwt_stream.map_list,
    lwt_stream.map_list_s,
]
"""Those that take a function."""


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


@pytest.mark.parametrize("transform", TRANSFORMERS)
@pytest.mark.parametrize("way", ["raises", "rejects"])
def test_an_exception_of_the_function_at_once_leaves_through_the_reader_and_is_not_the_end(
    transform: Callable[..., Stream[Any]], way: str
) -> None:
    def function(n: int) -> Any:
        if n == 1:
            if way == "raises" or not transform.__name__.endswith("_s"):
                raise A
            return lwt.fail(A())
        answer = [n] if "list" in transform.__name__ else Some(n)
        return lwt.return_(answer) if transform.__name__.endswith("_s") else answer

    stream = transform(function, stream_of(1, 2))
    with pytest.raises(A):
        lwt_stream.get(stream)
    assert not lwt_stream.is_closed(stream)
    assert len(rest_of(stream)) == 1


ON_ANOTHER: dict[str, Callable[[Stream[Any]], Stream[Any]]] = {
    **{f.__name__: partial(f, lambda x: x) for f in TRANSFORMERS},
    "flatten": lwt_stream.flatten,
    "append": lambda failing: lwt_stream.append(failing, stream_of(1)),
    "append, the second": lambda failing: lwt_stream.append(stream_of(), failing),
    "concat": lwt_stream.concat,
    "concat, the inner one": lambda failing: lwt_stream.concat(stream_of(failing)),
    "choose": lambda failing: lwt_stream.choose([failing]),
    "combine": lambda failing: lwt_stream.combine(failing, stream_of(1)),
    "combine, the second": lambda failing: lwt_stream.combine(lwt_stream.create()[0], failing),
    "hexdump": lwt_stream.hexdump,
    "of_lwt_seq": lambda failing: lwt_stream.of_lwt_seq(lambda: lwt.fail(A())),
}


@pytest.mark.parametrize("transform", ON_ANOTHER.values(), ids=ON_ANOTHER)
def test_what_a_source_fails_with_at_once_leaves_through_all_streams_made_of_it(
    transform: Callable[[Stream[Any]], Stream[Any]],
) -> None:
    with pytest.raises(A):  # `choose` asks at once.
        lwt_stream.get(transform(lwt_stream.from_(lambda: lwt.fail(A()))))


def test_what_fails_at_once_at_any_depth_leaves_through_the_reader() -> None:
    for depth in (1, 31, 62, 63, 64, 65, 200):
        stream: Stream[Any] = from_promises(lwt.fail(A()), lwt.return_some(1))
        for _ in range(depth):
            stream = lwt_stream.map(lambda n: n + 1, stream)
        with pytest.raises(A):
            lwt_stream.get(stream)
        assert rest_of(stream) == [depth + 1]


def test_wrap_exn_makes_errors_elements() -> None:
    error = A()
    stream = lwt_stream.wrap_exn(from_promises(lwt.return_some(1), lwt.fail(error)))
    assert rest_of(stream) == [Ok(1), Error(error)]


def test_wrap_exn_gives_the_element_for_which_it_has_waited_also_if_another_reader_takes_it() -> (
    None
):
    stream, push = lwt_stream.create()
    others: list[lwt.Promise[Any]] = []
    lwt.on_success(lwt_stream.get(stream), lambda _: others.append(lwt_stream.next(stream)))
    first = lwt_stream.get(lwt_stream.wrap_exn(stream))
    lwt.on_success(lwt_stream.get(stream), lambda _: others.append(lwt_stream.next(stream)))
    push(Some(1))
    push(Some(2))
    assert value_of(first) == Some(Ok(1))
    assert list(map(value_of, others)) == [2, 2]


def list_and_read(
    map_list: Callable[..., Stream[Any]], read: Callable[[Stream[Any]], object]
) -> Any:
    """What a `map_list` gives whose function reads from it while it maps 1."""

    def function(n: int) -> Any:
        if n == 1:
            read(mapped)
        listed = [f"{n}a", f"{n}b"]
        return lwt.return_(listed) if map_list is lwt_stream.map_list_s else listed

    mapped: Stream[Any] = map_list(function, stream_of(1, 2, 3))
    return rest_of(mapped)


@pytest.mark.parametrize("map_list", [lwt_stream.map_list, lwt_stream.map_list_s])
def test_the_list_that_the_function_of_map_list_returns_replaces_what_it_has_read_itself(
    map_list: Callable[..., Stream[Any]],
) -> None:
    # It reads 2a, so that 2b waits to be given. Then that is gone. (Who reads outside gets 2a,
    # too: both have waited for the same element.)
    for read in lwt_stream.next, lwt_stream.peek:
        assert list_and_read(map_list, read) == ["2a", "1a", "1b", "3a", "3b"]
    # It reads all of the list.
    all_of_it = list_and_read(map_list, lambda mapped: lwt_stream.nget(2, mapped))
    assert all_of_it == ["2a", "2b", "1a", "1b", "3a", "3b"]


def test_hexdump_shows_sixteen_characters_a_line() -> None:
    lines = rest_of(lwt_stream.hexdump(lwt_stream.of_string(bytes(range(0x1C, 0x35)))))
    assert lines == [
        b"00000000|  1c 1d 1e 1f 20 21 22 23  24 25 26 27 28 29 2a 2b  |.... !\"#$%&'()*+|",
        b"00000010|  2c 2d 2e 2f 30 31 32 33  34                       |,-./01234|",
    ]


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


def test_streams_of_streams_of_streams_need_no_stack() -> None:
    stream = lwt_stream.of_seq(range(3))
    for _ in range(2_000):
        stream = lwt_stream.map(lambda n: n + 1, stream)
    assert rest_of(stream) == [2_000, 2_001, 2_002]


@pytest.mark.parametrize("transform", TRANSFORMERS)
def test_an_interrupt_of_a_function_that_has_waited_leaves_and_the_stream_goes_on(
    transform: Callable[..., Stream[Any]],
) -> None:
    def function(n: int) -> NoReturn:
        raise KeyboardInterrupt if n == 1 else A

    stream, push = lwt_stream.create()
    transformed = transform(function, stream)
    waiting = lwt_stream.get(transformed)
    with pytest.raises(KeyboardInterrupt):
        push(Some(1))
    assert lwt.is_sleeping(waiting)  # As the promise of a `bind` whose callback is interrupted.

    next_one = lwt_stream.get(transformed)
    push(Some(2))
    assert isinstance(rejected_with(next_one), A)


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
