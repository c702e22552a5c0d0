"""What type checkers infer from lwt_direct, lwt_retry and lwt_fmt. Checked by mypy, never run."""

from typing import assert_type

import lwt
from lwt import Promise
from lwt.lwt_stream import Stream
from lwt_unix import lwt_direct, lwt_fmt, lwt_io, lwt_retry


async def number() -> int:
    return 3


async def number_later() -> Promise[int]:
    return lwt.return_(3)


async def tasks(promise: Promise[int]) -> None:
    assert_type(lwt_direct.spawn(number), Promise[int])
    assert_type(lwt_direct.spawn(number_later), Promise[int])
    assert_type(lwt_direct.spawn(lambda: promise), Promise[int])
    assert_type(lwt_direct.spawn(lambda: 3), Promise[int])
    assert_type(await lwt_direct.await_(promise), int)
    key: lwt.Key[int] = lwt_direct.Storage.new_key()
    assert_type(lwt_direct.Storage.get(key), lwt.Some[int] | None)
    lwt_direct.Storage.set(key, 3)
    assert_type(lwt.map(str, lwt_direct.spawn(number)), Promise[str])
    assert_type(await lwt_direct.spawn(number), int)
    assert_type(await lwt_direct.yield_(), None)
    lwt_direct.spawn_in_the_background(number)


async def connect() -> lwt.Ok[int] | lwt.Error[lwt_retry.error[str, OSError]]:
    return lwt.Ok(3)


def described(attempt: lwt_retry.attempt[int, str, OSError]) -> int:
    match attempt:
        case lwt.Ok(value):
            assert_type(value, int)
            return value
        case lwt.Error((("Retry", reason), number)):
            assert_type(reason, str)
            return number
        case lwt.Error((("Fatal", error), number)):
            assert_type(error, OSError)
            return number
        case _:
            return 0


async def retries() -> None:
    attempts = lwt_retry.with_sleep(lwt_retry.on_error(connect), duration=lambda n: 1.0 * n)
    assert_type(attempts, Stream[lwt_retry.attempt[int, str, OSError]])
    assert_type(lwt_retry.n_times(3, attempts), Promise[lwt_retry.attempt[int, str, OSError]])
    assert_type(lwt.map(described, lwt_retry.n_times(3, attempts)), Promise[int])
    async for attempt in attempts:
        described(attempt)


async def formats(oc: lwt_io.OutputChannel) -> None:
    out = lwt_fmt.of_channel(oc)
    assert_type(out, lwt_fmt.Formatter)
    assert_type(lwt_fmt.fprintf(out, "@[%d@]@.", 3), Promise[None])
    assert_type(lwt_fmt.kfprintf(lambda formatter, promise: 3, out, "@."), int)
    assert_type(lwt_fmt.make_stream(), tuple[Stream[lwt_fmt.Order], lwt_fmt.Formatter])
    stream, formatter = lwt_fmt.make_stream()
    async for order in stream:
        assert_type(order, lwt_fmt.Order)
        assert_type(lwt_fmt.write_order(oc, order), Promise[None])
    assert_type(lwt_fmt.get_formatter(formatter), lwt_fmt.Pretty_printer)
    assert_type(lwt.bind(lwt_fmt.printf("%d", 3), lambda _: lwt_fmt.flush(out)), Promise[None])
