"""Going through streams: order, failures, cancelling; and `parse`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import lwt
from lwt import Promise, Some, lwt_stream
from lwt.lwt_stream import Stream
from tests.support.promises import A, B, Recorder, rejected_with
from tests.support.streams import pushed, rest_of, stream_of, value_of

# --- Going through -----------------------------------------------------------


def test_fold_calls_with_the_element_first() -> None:
    assert value_of(lwt_stream.fold(lambda n, s: f"{s}{n}", stream_of(1, 2), "0")) == "012"
    folded = lwt_stream.fold_s(lambda n, s: lwt.return_(f"{s}{n}"), stream_of(1, 2), "0")
    assert value_of(folded) == "012"


def test_iter_s_waits_for_one_before_the_next(record: Recorder) -> None:
    pairs = [lwt.wait() for _ in range(2)]

    def visit(n: int) -> Promise[None]:
        record(str(n))
        return pairs[n][0]

    done = lwt_stream.iter_s(visit, stream_of(0, 1))
    assert record.events == ["0"]
    lwt.wakeup(pairs[0][1], None)
    assert record.events == ["0", "1"]
    lwt.wakeup(pairs[1][1], None)
    assert value_of(done) is None


def test_iter_p_starts_all_and_waits_for_all(record: Recorder) -> None:
    pairs = [lwt.wait() for _ in range(3)]

    def visit(n: int) -> Promise[None]:
        record(str(n))
        return pairs[n][0]

    stream, push = pushed(0, 1)
    done = lwt_stream.iter_p(visit, stream)
    push(Some(2))
    push(None)
    assert record.events == ["0", "1", "2"]
    for _, resolver in reversed(pairs):
        assert lwt.is_sleeping(done)
        lwt.wakeup(resolver, None)
    assert value_of(done) is None


def test_iter_p_is_rejected_when_the_earlier_ones_are_fulfilled() -> None:
    first, resolver = lwt.wait()
    done = lwt_stream.iter_p(lambda p: p, stream_of(first, lwt.fail(B())))
    assert lwt.is_sleeping(done)
    lwt.wakeup(resolver, None)
    assert isinstance(rejected_with(done), B)


def test_iter_n_never_has_more_running_than_its_bound() -> None:
    running: list[lwt.Resolver[None]] = []
    most = 0

    def visit(_: int) -> Promise[None]:
        nonlocal most
        promise, resolver = lwt.wait()
        running.append(resolver)
        most = max(most, len(running))
        return promise

    done = lwt_stream.iter_n(visit, lwt_stream.of_seq(range(20)), max_concurrency=3)
    assert len(running) == 3
    turn = 0
    while running:
        turn += 1
        lwt.wakeup(running.pop(turn % len(running)), None)
    assert (value_of(done), most, turn) == (None, 3, 20)


def test_iter_n_takes_no_more_after_a_rejection() -> None:
    stream = stream_of(1, 2, 3)
    done = lwt_stream.iter_n(lambda _: lwt.fail(A()), stream)
    assert isinstance(rejected_with(done), A)
    assert rest_of(stream) == [2, 3]


@pytest.mark.parametrize(
    "found",
    [
        lambda s: lwt_stream.find(lambda n: n == 2, s),
        lambda s: lwt_stream.find_s(lambda n: lwt.return_(n == 2), s),
        lambda s: lwt_stream.find_map(lambda n: Some(n) if n == 2 else None, s),
        lambda s: lwt_stream.find_map_s(lambda n: lwt.return_(Some(n) if n == 2 else None), s),
    ],
)
def test_finding_consumes_up_to_what_is_found(found: Callable[[Stream[int]], Any]) -> None:
    stream = stream_of(1, 2, 3)
    assert value_of(found(stream)) == Some(2)
    assert value_of(found(stream)) is None
    assert rest_of(stream) == []


def test_a_callback_may_be_async_and_must_return_a_promise() -> None:
    async def double(n: int) -> int:
        return 2 * n

    assert rest_of(lwt_stream.map_s(double, stream_of(1, 2))) == [2, 4]
    with pytest.raises(TypeError, match=r"lwt_stream\.iter_s: callback .* returned 1"):
        lwt_stream.iter_s(lambda n: n, stream_of(1))


# --- parse -------------------------------------------------------------------


def test_parse_puts_back_what_was_read_when_it_fails() -> None:
    stream, push = pushed(1)

    def read_two(s: Stream[int]) -> Promise[None]:
        return lwt_stream.njunk(2, s) >> (lambda _: lwt.fail(A()))

    parsed = lwt_stream.parse(stream, read_two)
    push(Some(2))
    assert isinstance(rejected_with(parsed), A)
    assert lwt_stream.get_available(stream) == [1, 2]


def test_parse_puts_back_before_an_exception_leaves() -> None:
    stream = stream_of(1)

    def read(s: Stream[int]) -> Promise[None]:
        lwt_stream.junk_available(s)
        raise A

    with pytest.raises(A):
        lwt_stream.parse(stream, read)
    assert rest_of(stream) == [1]


def test_parse_keeps_what_was_read_when_it_succeeds() -> None:
    stream = stream_of(1, 2)
    assert value_of(lwt_stream.parse(stream, lwt_stream.next)) == 1
    assert rest_of(stream) == [2]
