"""Hosts, their addresses, and what is between them."""

from __future__ import annotations

import errno
import socket as python_socket
from collections.abc import Callable
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_io, testing

PORT = 9000


def test_a_program_on_another_host_is_seen_under_its_address() -> None:
    async def main() -> tuple[object, str]:
        network = testing.network()
        server, alice = network.host("server"), network.host("alice")
        seen: list[lwt_unix.Address] = []

        @lwt.promised
        async def serve(address: lwt_unix.Sockaddr, channels: object) -> None:
            seen.append(address)

        async def start() -> lwt_io.server:
            address = (server.addresses[0], PORT)
            return await lwt_io.establish_server_with_client_address(address, serve)

        async def visit() -> None:
            reading, writing = await lwt_io.open_connection((server.addresses[0], PORT))
            assert await lwt_io.read(reading) == b""
            await lwt.join([lwt_io.close(writing), lwt_io.close(reading)])

        running = await server.run(start)
        await alice.run(visit)
        await lwt_io.shutdown_server(running)
        return seen[0], alice.addresses[0]

    seen, address = testing.simulate(main)
    assert isinstance(seen, lwt_unix.ADDR_INET)
    assert seen.addr == address


def test_latency_is_the_time_that_an_answer_takes_both_ways() -> None:
    async def main() -> float:
        network = testing.network()
        localhost = network.localhost
        network.link(localhost, localhost).latency = 0.25
        socket = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
        try:
            await lwt_unix.connect(socket, ("127.0.0.1", PORT))
        except ConnectionRefusedError:
            return testing.world().now
        finally:
            await lwt_unix.close(socket)
        return -1.0

    assert testing.simulate(main) == 0.5


def test_the_trace_tells_what_happened_on_the_network_in_words() -> None:
    async def main() -> list[str]:
        network = testing.network()
        bob = network.host("bob")

        async def start() -> lwt_unix.File_descr:
            listener = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
            await lwt_unix.bind(listener, ("0.0.0.0", PORT))
            lwt_unix.listen(listener, 5)
            return listener

        listener = await bob.run(start)
        client = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
        await lwt_unix.connect(client, (bob.addresses[0], PORT))
        server, _ = await lwt_unix.accept(listener)
        await lwt_unix.write(client, b"hello", 0, 5)
        await lwt_unix.read(server, bytearray(1), 0, 1)
        network.partition("bob", "localhost")
        network.repair("bob", "localhost")
        network.reset("bob", "localhost")
        await lwt_unix.close(client)
        return [what for _, _, what in testing.world().trace]

    assert testing.simulate(main) == [
        "bob's socket 1 gets the address 0.0.0.0:9000",
        "client a connects to 10.0.0.2:9000",
        "client a is connected",
        "bob's listener 0.0.0.0:9000 accepts client a",
        "client a sends 5 bytes",
        "server of client a receives 1 byte",
        "the link from bob to localhost is cut",
        "the link from localhost to bob is cut",
        "the link from bob to localhost is repaired",
        "the link from localhost to bob is repaired",
        "the connection of server of client a is reset",
        "the connection of client a is reset",
        "client a is closed",
    ]


def test_no_host_has_an_unknown_address() -> None:
    async def main() -> int | None:
        socket = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
        async with socket:
            try:
                await lwt_unix.connect(socket, ("192.0.2.1", PORT))
            except OSError as exn:
                return exn.errno
        return None

    assert testing.simulate(main) == errno.ENETUNREACH


def test_a_port_belongs_to_one_socket() -> None:
    async def main() -> int | None:
        one = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
        other = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
        async with one, other:
            await lwt_unix.bind(one, ("127.0.0.1", PORT))
            with pytest.raises(OSError, match="Address already in use") as caught:
                await lwt_unix.bind(other, ("0.0.0.0", PORT))
            return caught.value.errno

    assert testing.simulate(main) == errno.EADDRINUSE


def test_each_host_has_ports_of_its_own() -> None:
    async def main() -> None:
        network = testing.network()
        sockets = []
        for name in ("alice", "bob"):
            host = network.host(name)

            async def take() -> None:
                socket = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
                sockets.append(socket)
                await lwt_unix.bind(socket, ("0.0.0.0", PORT))

            await host.run(take)
        await lwt.join([lwt_unix.close(socket) for socket in sockets])

    testing.simulate(main)


def test_hundreds_of_hosts_have_addresses() -> None:
    async def main() -> list[str]:
        hosts = [testing.network().host(f"host {number}") for number in range(300)]

        async def serve() -> None:
            listener = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
            await lwt_unix.bind(listener, ("0.0.0.0", PORT))
            lwt_unix.listen(listener, 5)

        await hosts[-1].run(serve)
        client = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
        await lwt_unix.connect(client, (hosts[-1].addresses[0], PORT))
        return [hosts[number].addresses[0] for number in (0, 253, 254, 299)]

    assert testing.simulate(main) == ["10.0.0.2", "10.0.0.255", "10.0.1.0", "10.0.1.45"]


def test_what_is_no_host_is_refused_and_none_is_made() -> None:
    async def other() -> testing.Host:
        return testing.network().host("alice")

    stranger = testing.simulate(other)

    async def main() -> list[str]:
        network = testing.network()
        wrong: Any = 3
        with pytest.raises(
            TypeError, match=r"^testing\.Network\.host: expected a str, got 3 \(int\)$"
        ):
            network.host(wrong)
        calls: list[Callable[[], object]] = [
            lambda: network.link("localhost", wrong),
            lambda: network.partition(wrong, "localhost"),
            lambda: network.reset("localhost", ["localhost", wrong]),
        ]
        for call in calls:
            with pytest.raises(TypeError, match=r"^testing\.Network: expected a str, got 3"):
                call()
        with pytest.raises(ValueError, match="is of another run"):
            network.hold(stranger, "localhost")
        with pytest.raises(TypeError, match=r"^testing\.run: expected a function, got 3"):
            network.localhost.run(wrong)
        return list(network.hosts)

    assert testing.simulate(main) == ["localhost"]


def test_a_host_has_no_more_ports_than_there_are() -> None:
    async def main() -> list[str]:
        host = testing.network().localhost
        socket = testing.world().table[0]
        for port in range(40_000, 65_536):
            host.bind(socket, int(python_socket.SOCK_STREAM), "127.0.0.1", port)
        listener = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
        client = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
        told = []
        calls: list[Callable[[], lwt.Promise[None]]] = [
            lambda: lwt_unix.bind(listener, ("127.0.0.1", 0)),
            lambda: lwt_unix.connect(client, ("127.0.0.1", 1)),
        ]
        for call in calls:
            try:
                await call()
            except OSError as exn:
                told.append(errno.errorcode[exn.errno or 0])
        return told

    assert testing.simulate(main) == ["EADDRINUSE", "EADDRNOTAVAIL"]
