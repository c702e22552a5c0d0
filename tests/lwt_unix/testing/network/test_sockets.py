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
