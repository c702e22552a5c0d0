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


async def connect() -> lwt.Ok[int] | lwt.Error[lwt_retry.error[str, OSError]]:
    return lwt.Ok(3)


def retries() -> None:
    attempts = lwt_retry.with_sleep(lwt_retry.on_error(connect), duration=lambda n: 1.0 * n)
    assert_type(attempts, Stream[lwt_retry.attempt[int, str, OSError]])
    assert_type(lwt_retry.n_times(3, attempts), Promise[lwt_retry.attempt[int, str, OSError]])


def formats(oc: lwt_io.OutputChannel) -> None:
    out = lwt_fmt.of_channel(oc)
    assert_type(out, lwt_fmt.Formatter)
    assert_type(lwt_fmt.fprintf(out, "@[%d@]@.", 3), Promise[None])
    assert_type(lwt_fmt.kfprintf(lambda formatter, promise: 3, out, "@."), int)
    assert_type(lwt_fmt.make_stream(), tuple[Stream[lwt_fmt.Order], lwt_fmt.Formatter])
