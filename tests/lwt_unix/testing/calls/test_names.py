"""Names of hosts in a simulated world."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt._core.choices import JOB
from lwt_unix import _system as system
from lwt_unix import lwt_io, lwt_main, testing

Result = Any


def outcome(call: Callable[[], Result]) -> Result:
    """What a call gives, or its error."""
    try:
        return call()
    except OSError as exn:
        return type(exn).__name__, exn.args


@pytest.mark.parametrize(
    "arguments",
    [
        (None, b"80"),
        (None, b"80", 0, 0, 0, 1),
        (None, None),
        (b"127.0.0.1", b"80"),
        (b"127.0.0.1", b"http"),
        (b"127.0.0.1", None),
        (b"::1", b"80", 0, 1),
        (b"::1", b"80", 2),
        (b"10.0.0.1", b"80", 0, 0, 6),
        (b"127.0.0.1", b"80", 0, 1, 17),
        (b"127.0.0.1", b"80", 0, 3),
        (b"127.0.0.1", b"80", 0, 0, 99),
        (b"127.0.0.1", b"80", 0, 1, 0, 2),
        (b"127.0.0.1", b"no-such-service"),
        (b"some-name", b"1", 0, 0, 0, 4),
        (b"no-such-host.invalid", b"1", 0, 0, 0, 4),
    ],
)
def test_what_depends_on_no_name_is_as_in_the_real_world(arguments: tuple[Any, ...]) -> None:
    async def main() -> Result:
        return outcome(lambda: system.getaddrinfo(*arguments))

    def in_order(result: Result) -> Result:
        # Which family comes first is for the computer to say, if no host is given.
        return sorted(result) if isinstance(result, list) else result

    assert in_order(testing.simulate(main)) == in_order(lwt_main.run(main()))


@pytest.mark.parametrize(
    "call",
    [
        lambda: system.gethostbyname_ex(b"127.0.0.1"),
        lambda: system.gethostbyname_ex(b"::1"),
        lambda: system.getnameinfo(("127.0.0.1", 80), 1 | 2),
        lambda: system.getnameinfo(("::1", 12345, 0, 0), 1),
    ],
)
def test_addresses_in_numbers_are_as_in_the_real_world(call: Callable[[], Result]) -> None:
    async def main() -> Result:
        return outcome(call)

    assert testing.simulate(main) == lwt_main.run(main())


def test_the_name_of_a_host_gives_its_addresses_and_back() -> None:
    async def main() -> None:
        server = testing.network().host("server.example")
        v4, v6 = server.addresses
        stream = lwt_unix.AI_SOCKTYPE(lwt_unix.SOCK_STREAM)
        opts: list[lwt_unix.Getaddrinfo_option] = [stream, lwt_unix.AI_CANONNAME]
        found = await lwt_unix.getaddrinfo("Server.Example.", "80", opts)
        assert [one.ai_addr for one in found] == [
            lwt_unix.ADDR_INET(v4, 80),
            lwt_unix.ADDR_INET(v6, 80),
        ]
        assert [one.ai_canonname for one in found] == ["server.example", ""]
        entry = await lwt_unix.gethostbyname("server.example")
        assert (entry.h_name, entry.h_addr_list) == ("server.example", [v4])
        assert (await lwt_unix.gethostbyaddr(v6)).h_name == "server.example"
        info = await lwt_unix.getnameinfo((v4, 9999), [])
        assert info == lwt_unix.Name_info("server.example", "9999")

    testing.simulate(main)


def test_what_nobody_knows_fails_as_in_the_real_world() -> None:
    async def main() -> None:
        assert await lwt_unix.getaddrinfo("unknown", "80", []) == []
        with pytest.raises(LookupError, match="host 'unknown' is not known"):
            await lwt_unix.gethostbyname("unknown")
        with pytest.raises(LookupError, match=r"the host of 192\.0\.2\.1 is not known"):
            await lwt_unix.gethostbyaddr("192.0.2.1")
        with pytest.raises(LookupError):
            await lwt_unix.getnameinfo(("192.0.2.1", 80), [lwt_unix.NI_NAMEREQD])
        info = await lwt_unix.getnameinfo(("192.0.2.1", 9999), [])
        assert info == lwt_unix.Name_info("192.0.2.1", "9999")

    testing.simulate(main)


def test_a_host_knows_its_own_name() -> None:
    async def main() -> list[str]:
        hosts = [testing.network().host(name) for name in ("alice", "bob")]
        names = [await host.run(lwt_unix.gethostname) for host in hosts]
        of_path = await lwt_unix.getnameinfo("/tmp/socket", [])
        return [await lwt_unix.gethostname(), *names, of_path.ni_hostname]

    assert testing.simulate(main) == ["localhost", "alice", "bob", "localhost"]


def test_a_client_reaches_a_server_by_its_name() -> None:
    async def main() -> bytes:
        server, client = testing.network().host("server"), testing.network().host("client")

        @lwt.promised
        async def serve(
            _: object, channels: tuple[lwt_io.input_channel, lwt_io.output_channel]
        ) -> None:
            await lwt_io.write_line(channels[1], b"hello")

        async def start() -> lwt_io.server:
            return await lwt_io.establish_server_with_client_address(("0.0.0.0", 9000), serve)

        async def visit() -> bytes:
            stream = lwt_unix.AI_SOCKTYPE(lwt_unix.SOCK_STREAM)
            found, _ = await lwt_unix.getaddrinfo("server", "9000", [stream])
            return await lwt_io.with_connection(
                found.ai_addr, lambda channels: lwt_io.read_line(channels[0])
            )

        running = await server.run(start)
        line = await client.run(visit)
        await lwt_io.shutdown_server(running)
        return line

    assert testing.simulate(main) == b"hello"


def test_who_knows_a_name_may_be_slow_to_answer() -> None:
    async def main() -> bool:
        asked = lwt_unix.getaddrinfo("localhost", "80", [])
        try:
            await lwt_unix.with_timeout(0.5, lambda: asked)
        except lwt_unix.Timeout:
            return False
        return True

    assert testing.simulate(main)
    seeds = [testing.seeded(seed).only(JOB) for seed in range(30)]
    assert {testing.simulate(main, choices=choices) for choices in seeds} == {True, False}
