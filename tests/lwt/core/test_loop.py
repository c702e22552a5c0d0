"""Loops over promises, seen through the readers of streams: storage, cancelling, no stack."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

import lwt
from lwt import Promise, Some, lwt_stream
from lwt.lwt_stream import Stream
from tests.support.promises import A, is_canceled, rejected_with
from tests.support.streams import rest_of, stream_of, value_of


@pytest.mark.no_cover
def test_a_hundred_thousand_elements_that_come_one_by_one_need_no_stack() -> None:
    stream, push = lwt_stream.create()
    number = lwt_stream.fold(lambda _, n: n + 1, lwt_stream.filter(lambda _: True, stream), 0)
    parallel = lwt_stream.iter_p(lwt.return_, lwt_stream.clone(stream))
    for n in range(100_000):
        push(Some(n))
    push(None)
    assert value_of(number) == 100_000
    assert value_of(parallel) is None


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
        # `apply`, since what fails at once leaves through the reader of a stream made of another.
        result = lwt.apply(partial(read, lambda _: failing), stream)  # noqa: B023  # In this turn.
        lwt.wakeup_paused()
        assert isinstance(rejected_with(result), A)
        assert rest_of(stream) == left


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


def test_cancelling_a_loop_cancels_what_it_waits_for() -> None:
    promise, _ = lwt.task()
    done = lwt_stream.iter_s(lambda _: promise, stream_of(1, 2))
    lwt.cancel(done)
    assert is_canceled(promise)
    assert is_canceled(done)
