"""Sockets of a simulated world: what they do is what Linux's do."""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial

import pytest

import lwt
import lwt_unix
from lwt_unix import testing
from tests.support.two_ends import outcome as outcome_of
from tests.support.worlds import in_both_worlds


async def outcome(operation: Awaitable[int]) -> str:
    """How an operation ends, in words."""
    try:
        return str(await operation)
    except OSError as exn:
        return type(exn).__name__


def test_a_socket_that_is_no_server_accepts_nobody() -> None:
    async def main() -> str:
        socket = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
        async with socket:
            return await outcome(
                lwt.map(lambda _: 0, lwt.catch(lambda: lwt_unix.accept(socket), lwt.fail))
            )

    assert in_both_worlds(main) == "OSError"


@pytest.mark.parametrize("domain", ["PF_INET6", "PF_INET"])
def test_the_addresses_of_both_families_are_those_of_python(domain: str) -> None:
    async def main() -> str:
        family = getattr(lwt_unix, domain)
        socket = lwt_unix.socket(family, lwt_unix.SOCK_STREAM, 0)
        async with socket:
            host = "::1" if domain == "PF_INET6" else "127.0.0.1"
            await lwt_unix.bind(socket, (host, 0))
            address = lwt_unix.getsockname(socket)
            assert isinstance(address, lwt_unix.ADDR_INET)
            return address.addr

    assert testing.simulate(main) == ("::1" if domain == "PF_INET6" else "127.0.0.1")


@pytest.mark.parametrize("domain", ["PF_INET", "PF_UNIX"])
def test_a_socket_that_is_not_connected(domain: str) -> None:
    async def main() -> list[object]:
        socket = lwt_unix.socket(getattr(lwt_unix, domain), lwt_unix.SOCK_STREAM, 0)
        async with socket:
            told = [await outcome_of(partial(lwt_unix.read, socket, bytearray(9), 0, 9))]
            told += [await outcome_of(partial(lwt_unix.write, socket, b"x", 0, 1))]
            shutdown = partial(lwt_unix.shutdown, socket, lwt_unix.SHUTDOWN_ALL)
            told += [await outcome_of(partial(lwt.wrap, shutdown))]
            name = partial(lwt_unix.getpeername, socket)
            return [*told, await outcome_of(partial(lwt.wrap, name))]

    assert (
        in_both_worlds(main)
        == {
            "PF_INET": ["ENOTCONN", "EPIPE", "ENOTCONN", "ENOTCONN"],
            "PF_UNIX": ["EINVAL", "ENOTCONN", None, "ENOTCONN"],
        }[domain]
    )


def test_who_listens_at_any_address_of_ipv6_is_reached_by_ipv4_too() -> None:
    async def main() -> list[object]:
        listener = lwt_unix.socket(lwt_unix.PF_INET6, lwt_unix.SOCK_STREAM, 0)
        await lwt_unix.bind(listener, ("::", 9))
        lwt_unix.listen(listener, 5)
        told: list[object] = []
        for domain, host in (
            (lwt_unix.PF_INET, "127.0.0.1"),
            (lwt_unix.PF_INET6, "::ffff:127.0.0.1"),
            (lwt_unix.PF_INET6, "::1"),
        ):
            client = lwt_unix.socket(domain, lwt_unix.SOCK_STREAM, 0)
            await lwt_unix.connect(client, (host, 9))
            server, address = await lwt_unix.accept(listener)
            for name in (
                address,
                lwt_unix.getsockname(server),
                lwt_unix.getsockname(client),
                lwt_unix.getpeername(client),
            ):
                assert isinstance(name, lwt_unix.ADDR_INET)
                told.append(name.addr)
        other = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
        told.append(await outcome_of(partial(lwt_unix.bind, other, ("0.0.0.0", 9))))
        await lwt_unix.close(listener)
        told.append(await outcome_of(partial(lwt_unix.bind, other, ("0.0.0.0", 9))))
        return told

    mapped = "::ffff:127.0.0.1"
    assert testing.simulate(main) == [
        *(mapped, mapped, "127.0.0.1", "127.0.0.1"),
        *(mapped, mapped, mapped, mapped),
        *("::1", "::1", "::1", "::1"),
        *("EADDRINUSE", None),
    ]


def test_who_wants_ipv6_alone_is_not_reached_by_ipv4() -> None:
    async def main() -> object:
        listener = lwt_unix.socket(lwt_unix.PF_INET6, lwt_unix.SOCK_STREAM, 0)
        lwt_unix.setsockopt(listener, lwt_unix.IPV6_ONLY, True)
        await lwt_unix.bind(listener, ("::", 9))
        lwt_unix.listen(listener, 5)
        client = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
        return await outcome_of(partial(lwt_unix.connect, client, ("127.0.0.1", 9)))

    assert testing.simulate(main) == "ECONNREFUSED"


def test_datagrams_of_both_families_are_answered() -> None:
    async def main() -> list[object]:
        server = lwt_unix.socket(lwt_unix.PF_INET6, lwt_unix.SOCK_DGRAM, 0)
        client = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_DGRAM, 0)
        await lwt_unix.bind(server, ("::", 9))
        await lwt_unix.connect(client, ("127.0.0.1", 9))
        await lwt_unix.write(client, b"hello", 0, 5)
        buffer = bytearray(9)
        _, address = await lwt_unix.recvfrom(server, buffer, 0, 9, [])
        assert isinstance(address, lwt_unix.ADDR_INET)
        await lwt_unix.sendto(server, b"hi", 0, 2, [], address)
        return [address.addr, await lwt_unix.read(client, buffer, 0, 9)]

    assert testing.simulate(main) == ["::ffff:127.0.0.1", 2]
