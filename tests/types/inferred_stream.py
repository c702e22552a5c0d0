"""What type checkers infer from the signatures of `lwt_stream`. Checked by mypy, never run."""

from typing import assert_type

import lwt
from lwt import Error, Ok, Promise, Some, lwt_stream
from lwt.lwt_stream import Stream


async def parse_async(text: str) -> int:
    return int(text)


def making(promise: Promise[int]) -> None:
    assert_type(lwt_stream.of_list([1]), Stream[int])
    assert_type(lwt_stream.of_seq("ab"), Stream[str])
    assert_type(lwt_stream.of_string("ab"), Stream[bytes])
    assert_type(lwt_stream.return_(1), Stream[int])
    assert_type(lwt_stream.return_lwt(promise), Stream[int])
    assert_type(lwt_stream.from_(lambda: lwt.return_some(1)), Stream[int])
    stream: Stream[int]
    stream, push = lwt_stream.create()
    push(Some(1))
    assert_type(stream, Stream[int])


def reading(numbers: Stream[int], characters: Stream[bytes]) -> None:
    assert_type(lwt_stream.get(numbers), Promise[Some[int] | None])
    assert_type(lwt_stream.next(numbers), Promise[int])
    assert_type(lwt_stream.nget(2, numbers), Promise[list[int]])
    assert_type(lwt_stream.get_available(numbers), list[int])
    assert_type(lwt_stream.to_string(characters), Promise[bytes])
    assert_type(lwt_stream.is_empty(numbers), Promise[bool])


def transforming(texts: Stream[str], numbers: Stream[int]) -> None:
    assert_type(lwt_stream.map(len, texts), Stream[int])
    assert_type(lwt_stream.map_s(parse_async, texts), Stream[int])
    assert_type(lwt_stream.combine(texts, numbers), Stream[tuple[str, int]])
    assert_type(lwt_stream.wrap_exn(numbers), Stream[Ok[int] | Error[Exception]])
    assert_type(lwt_stream.append(numbers, numbers), Stream[int])


async def looping(numbers: Stream[int]) -> None:
    async for number in numbers:
        assert_type(number, int)
