"""Connections of a simulated world: what they do is what Linux's do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial

import pytest

import lwt
import lwt_unix
from lwt_unix import File_descr, testing
from tests.support.two_ends import (
    Ends,
    in_the_unix_domain,
    of_messages,
    on_the_internet,
    told_by,
)
from tests.support.two_ends import outcome as outcome_of
from tests.support.worlds import in_both_worlds


async def connected() -> tuple[File_descr, File_descr]:
    """The two ends of a new connection."""
    listener = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
    await lwt_unix.bind(listener, ("127.0.0.1", 0))
    lwt_unix.listen(listener, 5)
    client = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
    await lwt_unix.connect(client, lwt_unix.getsockname(listener))
    server, address = await lwt_unix.accept(listener)
    assert address == lwt_unix.getsockname(client) == lwt_unix.getpeername(server)
    assert lwt_unix.getpeername(client) == lwt_unix.getsockname(server)
    await lwt_unix.close(listener)
    return client, server


async def outcome(operation: Awaitable[int]) -> str:
    """How an operation ends, in words."""
    try:
        return str(await operation)
    except OSError as exn:
        return type(exn).__name__


async def receive(descriptor: File_descr, size: int = 10) -> int:
    return await lwt_unix.read(descriptor, bytearray(size), 0, size)


async def send(descriptor: File_descr, data: bytes = b"hello") -> int:
    return await lwt_unix.write(descriptor, data, 0, len(data))


def test_both_ends_of_a_connection_send_and_receive() -> None:
    async def main() -> list[str]:
        client, server = await connected()
        told = [await outcome(send(client)), await outcome(receive(server))]
        told += [await outcome(send(server, b"hi")), await outcome(receive(client))]
        await lwt.join([lwt_unix.close(client), lwt_unix.close(server)])
        return told

    assert in_both_worlds(main) == ["5", "5", "2", "2"]


def test_the_end_of_one_direction_leaves_the_other_open() -> None:
    async def main() -> list[str]:
        client, server = await connected()
        lwt_unix.shutdown(client, lwt_unix.SHUTDOWN_SEND)
        told = [await outcome(receive(server)), await outcome(send(client))]
        told += [await outcome(send(server)), await outcome(receive(client))]
        await lwt.join([lwt_unix.close(client), lwt_unix.close(server)])
        return told

    assert in_both_worlds(main) == ["0", "BrokenPipeError", "5", "5"]


def test_who_closes_with_data_unread_resets_the_connection() -> None:
    async def main() -> list[str]:
        client, server = await connected()
        await send(client)
        await lwt_unix.wait_read(server)
        await lwt_unix.close(server)
        told = [await outcome(receive(client)), await outcome(receive(client))]
        told.append(await outcome(send(client)))
        await lwt_unix.close(client)
        return told

    assert in_both_worlds(main) == ["ConnectionResetError", "0", "BrokenPipeError"]


def test_who_sends_to_a_closed_end_is_told_so_by_the_next_write() -> None:
    async def main() -> list[str]:
        client, server = await connected()
        await lwt_unix.close(server)
        told = [await outcome(receive(client)), await outcome(send(client))]
        await lwt_unix.sleep(0.01)
        told += [await outcome(send(client)), await outcome(receive(client))]
        await lwt_unix.close(client)
        return told

    assert in_both_worlds(main) == ["0", "5", "BrokenPipeError", "0"]


def test_nobody_listens() -> None:
    async def main() -> tuple[str, str]:
        free = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
        await lwt_unix.bind(free, ("127.0.0.1", 0))
        client = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
        async with free, client:
            refused = lwt.map(lambda _: 0, lwt_unix.connect(client, lwt_unix.getsockname(free)))
            assert lwt.is_sleeping(refused)
            return await outcome(refused), await outcome(receive(client))

    assert in_both_worlds(main) == ("ConnectionRefusedError", "0")


def test_a_listener_that_is_closed_resets_who_waits_to_be_accepted() -> None:
    async def main() -> str:
        listener = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
        await lwt_unix.bind(listener, ("127.0.0.1", 0))
        lwt_unix.listen(listener, 5)
        client = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
        async with client:
            await lwt_unix.connect(client, lwt_unix.getsockname(listener))
            await lwt_unix.close(listener)
            return await outcome(receive(client))

    assert in_both_worlds(main) == "ConnectionResetError"


def test_a_pair_in_the_unix_domain_is_told_at_once() -> None:
    async def main() -> list[str]:
        one, other = lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)
        told = [await outcome(send(one)), await outcome(receive(other))]
        await lwt_unix.close(other)
        told += [await outcome(send(one)), await outcome(receive(one))]
        await lwt_unix.close(one)
        return told

    assert in_both_worlds(main) == ["5", "5", "BrokenPipeError", "0"]


def test_a_connection_of_messages_keeps_each_as_a_whole() -> None:
    async def main() -> list[str]:
        one, other = lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_SEQPACKET, 0)
        messages = (b"first", b"second", b"third")
        told = [await outcome(send(one, message)) for message in messages]
        peek = lwt_unix.recv(other, bytearray(10), 0, 10, [lwt_unix.MSG_PEEK])
        told.append(await outcome(peek))
        told += [await outcome(receive(other, size)) for size in (3, 10)]  # The rest is lost.
        told.append(await outcome(lwt_unix.recv(other, bytearray(2), 0, 2, [])))
        waits = lwt_unix.read(other, bytearray(9), 0, 9)
        told.append(str(lwt.is_sleeping(waits)))
        await send(one)
        told.append(await outcome(waits))
        await lwt_unix.close(one)
        told += [await outcome(receive(other)), await outcome(send(other))]
        await lwt_unix.close(other)
        return told

    expected = ["5", "6", "5", "5", "3", "6", "2", "True", "5", "0", "BrokenPipeError"]
    assert in_both_worlds(main) == expected
    for seed in range(10):  # Messages stay whole, whatever is chosen.
        assert testing.simulate(main, choices=testing.seeded(seed)) == expected


def test_a_server_may_take_connections_of_messages() -> None:
    async def main() -> list[str]:
        path = "\0a test of messages"
        listener = lwt_unix.socket(lwt_unix.PF_UNIX, lwt_unix.SOCK_SEQPACKET, 0)
        await lwt_unix.bind(listener, path)
        lwt_unix.listen(listener, 5)
        wrong = lwt_unix.socket(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)
        client = lwt_unix.socket(lwt_unix.PF_UNIX, lwt_unix.SOCK_SEQPACKET, 0)
        with pytest.raises(ConnectionRefusedError):
            await lwt_unix.connect(wrong, path)
        await lwt_unix.connect(client, path)
        server, _ = await lwt_unix.accept(listener)
        told = [await outcome(send(client, message)) for message in (b"one", b"three")]
        told += [await outcome(receive(server)) for _ in range(2)]
        for descriptor in (listener, wrong, client, server):
            await lwt_unix.close(descriptor)
        return told

    assert in_both_worlds(main) == ["3", "5", "3", "5"]


ENDS = [
    # Who closes with something unread resets the connection, whatever was said before.
    "a write xyz, a shut sending, b close, a read, a read, a write x",
    "a write xyz, b shut all, b close, a read, a write x, a shut all, a name peer",
    "a write xyz, b write hello, b close, a read, a read, a write x, a read",
    "a write xyz, b shut sending, a read, b close, a read, a write x, a read",
    "b reset, a name peer, a shut sending, a write x, a read, a read",
    # Who has shut receiving, and then also sending.
    "b shut receiving, a write abc, b read, b read, b write zz, a read, a close, b read, b write x",
    "b shut all, b read, b write x, a read, a write x, a write x, a read, b read, b name peer, a shut all",
    "a write unread, b shut all, b read 3, a write x, b read, b read, b read, a read, a write x",
    "a shut sending, a shut sending, a shut receiving, b write x, a read, b write x, a read, b read",
    "b shut all, a write x, b write x, b write x",
    # Both have ended it.
    "a shut sending, b shut sending, a read, b read, a shut all, b shut receiving, a name peer",
    "b shut all, a shut all, a read, b read, a write x, a shut all, b shut all",
    "b write for a, b shut sending, a write unread, b close, a read 2, a read, a read, a write x",
    # To write nothing is nothing.
    "b close, a write , a write , a name peer, a write x, a write x",
]


@pytest.mark.parametrize("script", ENDS)
@pytest.mark.parametrize("connect", [on_the_internet, in_the_unix_domain, of_messages])
def test_a_connection_ends_as_on_linux(connect: Callable[[], Awaitable[Ends]], script: str) -> None:
    in_both_worlds(lambda: told_by(connect, script))


def test_a_listener_that_is_shut_down_accepts_nobody() -> None:
    async def main() -> list[object]:
        async with AsyncExitStack() as opened:
            listener, client, other = [await opened.enter_async_context(new()) for _ in range(3)]
            await lwt_unix.bind(listener, ("127.0.0.1", 0))
            lwt_unix.listen(listener, 5)
            address = lwt_unix.getsockname(listener)
            lwt_unix.shutdown(listener, lwt_unix.SHUTDOWN_SEND)
            told = [await outcome_of(partial(lwt_unix.connect, client, address))]
            await opened.enter_async_context((await lwt_unix.accept(listener))[0])
            accepting = lwt_unix.accept(listener)
            lwt_unix.shutdown(listener, lwt_unix.SHUTDOWN_RECEIVE)
            told.append(await outcome_of(lambda: accepting))
            told.append(await outcome_of(partial(lwt_unix.connect, other, address)))
            return told

    assert in_both_worlds(main) == [None, "EINVAL", "ECONNREFUSED"]


def test_an_attempt_after_one_that_failed_is_told_of_that_first() -> None:
    async def main() -> list[object]:
        async with AsyncExitStack() as opened:
            listener, client = [await opened.enter_async_context(new()) for _ in range(2)]
            await lwt_unix.bind(listener, ("127.0.0.1", 0))
            connect = partial(lwt_unix.connect, client, lwt_unix.getsockname(listener))
            told = [await outcome_of(connect)]
            lwt_unix.listen(listener, 5)
            return [*told, await outcome_of(connect), await outcome_of(connect)]

    assert in_both_worlds(main) == ["ECONNREFUSED", "ECONNABORTED", None]


def new() -> File_descr:
    return lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
