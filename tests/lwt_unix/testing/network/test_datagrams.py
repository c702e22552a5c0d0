"""Datagrams of a simulated world: what they do is what Linux's do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from os import getpid

import pytest

import lwt
import lwt_unix
from lwt_unix import File_descr, testing
from tests.support.two_ends import Ends, of_datagrams, of_udp, outcome, told_by
from tests.support.worlds import in_both_worlds


def test_datagrams_are_messages_with_a_sender() -> None:
    async def main() -> list[object]:
        one = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_DGRAM, 0)
        other = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_DGRAM, 0)
        async with one, other:
            await lwt_unix.bind(one, ("127.0.0.1", 0))
            await lwt_unix.bind(other, ("127.0.0.1", 0))
            for message in (b"first", b"second"):
                size = len(message)
                await lwt_unix.sendto(other, message, 0, size, [], lwt_unix.getsockname(one))
            told: list[object] = []
            for size in (3, 10):  # What does not fit is lost.
                buffer = bytearray(size)
                count, sender = await lwt_unix.recvfrom(one, buffer, 0, size, [])
                told += [count, bytes(buffer[:count]), sender == lwt_unix.getsockname(other)]
            return told

    assert in_both_worlds(main) == [3, b"fir", True, 6, b"second", True]


@pytest.mark.parametrize("connect", [of_udp, of_datagrams])
@pytest.mark.parametrize(
    "script",
    [
        "a shut sending, a write x, b read, b write xy, a read, a read",
        "a shut receiving, a write x, b read, b write xy, a write x, b read",
        "a shut all, a write x, b write xy, b read",
        "a write abc, a write d, b read 2, b read, b read",
    ],
)
def test_a_direction_that_is_shut(connect: Callable[[], Awaitable[Ends]], script: str) -> None:
    in_both_worlds(lambda: told_by(connect, script))


def test_a_pair_of_which_one_is_closed() -> None:
    script = "a write left, a close, b read, b name peer, b write x, b write x, b name peer"
    in_both_worlds(lambda: told_by(of_datagrams, script))


@asynccontextmanager
async def sockets_at(*addresses: tuple[str, int] | str | None) -> AsyncIterator[list[File_descr]]:
    """Sockets of datagrams, each with an address, if it is to have one; a name in the Unix domain is no path."""
    async with AsyncExitStack() as opened:
        made = []
        for address in addresses:
            domain = lwt_unix.PF_INET if isinstance(address, tuple) else lwt_unix.PF_UNIX
            socket = lwt_unix.socket(domain, lwt_unix.SOCK_DGRAM, 0)
            made.append(await opened.enter_async_context(socket))
            if address is not None:
                await lwt_unix.bind(socket, address)
        yield made


def sending(
    socket: File_descr, message: bytes, address: lwt_unix.Sockaddr | tuple[str, int]
) -> Callable[[], Awaitable[object]]:
    return partial(lwt_unix.sendto, socket, message, 0, len(message), [], address)


async def received(socket: File_descr) -> object:
    if not lwt_unix.readable(socket):
        return "nothing"
    buffer = bytearray(100)
    count, _ = await lwt_unix.recvfrom(socket, buffer, 0, 100, [])
    return bytes(buffer[:count])


def test_who_is_connected_gets_datagrams_of_its_peer_alone() -> None:
    async def main() -> list[object]:
        async with sockets_at(*[("127.0.0.1", 0)] * 3) as (one, peer, stranger):
            await lwt_unix.connect(one, lwt_unix.getsockname(peer))
            for socket in (stranger, peer):
                await sending(socket, b"from %d" % (socket is peer), lwt_unix.getsockname(one))()
            await lwt_unix.wait_read(one)
            told = [await received(one), await received(one)]
            return [*told, await outcome(sending(one, b"x", ("127.0.0.1", 0)))]

    assert in_both_worlds(main) == [b"from 1", "nothing", "EINVAL"]


def test_who_is_connected_in_the_unix_domain_refuses_others() -> None:
    names = [f"\0lwt-{getpid()}-{number}" for number in range(3)]

    async def main() -> list[object]:
        async with sockets_at(*names) as (one, peer, stranger):
            await lwt_unix.connect(one, names[1])
            told = [await outcome(sending(stranger, b"s", lwt_unix.ADDR_UNIX(names[0])))]
            told += [await outcome(sending(peer, b"p", lwt_unix.ADDR_UNIX(names[0])))]
            told += [await received(one)]
            await lwt_unix.close(peer)
            write = partial(lwt_unix.write, one, b"x", 0, 1)
            return [*told, await outcome(write), await outcome(write)]

    assert in_both_worlds(main) == ["EPERM", 1, b"p", "ECONNREFUSED", "ENOTCONN"]


def test_a_queue_in_the_unix_domain_holds_eleven_messages_and_then_its_senders_wait() -> None:
    name = f"\0lwt-{getpid()}-full"

    async def main() -> list[object]:
        async with sockets_at(name, None) as (reader, writer):
            await lwt_unix.connect(writer, name)
            for _ in range(11):
                await lwt_unix.write(writer, b"x", 0, 1)
            late = lwt_unix.write(writer, b"late", 0, 4)
            await lwt_unix.sleep(0.01)
            return [lwt.is_sleeping(late), await received(reader), await late]

    assert in_both_worlds(main) == [True, b"x", 4]


def test_a_datagram_that_is_too_large() -> None:
    async def main() -> list[object]:
        told: list[object] = []
        for host, sizes in (("127.0.0.1", (65_507, 65_508)), ("::1", (65_527, 65_528))):
            domain = lwt_unix.PF_INET6 if ":" in host else lwt_unix.PF_INET
            socket = lwt_unix.socket(domain, lwt_unix.SOCK_DGRAM, 0)
            told += [await outcome(sending(socket, bytes(size), (host, 9))) for size in sizes]
        one, _ = await of_datagrams()
        for size in (200_000, 300_000):
            told.append(await outcome(partial(lwt_unix.write, one, bytes(size), 0, size)))
        return told

    expected = [65_507, "EMSGSIZE", 65_527, "EMSGSIZE", 200_000, "EMSGSIZE"]
    assert testing.simulate(main) == expected


def test_who_sends_datagrams_accepts_nobody() -> None:
    async def main() -> object:
        async with sockets_at(None) as (socket,):
            return await outcome(partial(lwt_unix.accept, socket))

    assert in_both_worlds(main) == "ENOTSUP"
