"""Connections through a bad network: what TCP does for them."""

from __future__ import annotations

import random
from functools import partial

import pytest

import lwt
import lwt_unix
from lwt_unix import File_descr, lwt_io, testing
from lwt_unix.testing import Host
from tests.support.simulated_hosts import PORT, listening, outcome, read, write


def connecting(host: Host, to: Host) -> lwt.Promise[File_descr]:
    async def connect() -> File_descr:
        client = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
        await lwt_unix.connect(client, (to.addresses[0], PORT))
        return client

    return host.run(connect)


async def connected() -> tuple[File_descr, File_descr, testing.Network]:
    """A connection between alice, who is the client, and bob."""
    network = testing.network()
    alice, bob = network.host("alice"), network.host("bob")
    listener = await listening(bob)
    client = await connecting(alice, bob)
    server, _ = await lwt_unix.accept(listener)
    return client, server, network


@pytest.mark.parametrize(
    ("seconds", "when"),
    [(0.1, 0.2), (0.3, 0.6), (1.0, 1.4), (60.0, 102.2), (600.0, 684.6)],
)
def test_bytes_of_a_partition_come_when_they_are_sent_again_after_it(
    seconds: float, when: float
) -> None:
    async def main() -> tuple[bytes, float]:
        client, server, network = await connected()
        network.partition("alice", "bob")
        await write(client, b"one ")
        await write(client, b"two")
        reading = read(server)
        await lwt_unix.sleep(seconds)
        assert lwt.is_sleeping(reading)
        network.repair("alice", "bob")
        return await reading, round(testing.world().now, 6)

    assert testing.simulate(main) == (b"one two", when)


def test_a_writer_gives_up_as_linux_does_and_the_reader_hears_nothing() -> None:
    async def main() -> list[object]:
        client, server, network = await connected()
        network.partition("alice", "bob")
        await write(client)
        told: list[object] = [await outcome(lambda: read(client))]
        told.append(round(testing.world().now, 6))
        told.append(await outcome(lambda: write(client)))
        reading = read(server)
        network.repair("alice", "bob")
        await lwt_unix.sleep(3_600.0)
        told.append(lwt.is_sleeping(reading))
        await write(server, b"are you there?")  # It is half open: the answer is a reset.
        told.append(await outcome(lambda: reading))
        return told

    assert testing.simulate(main) == ["ETIMEDOUT", 924.6, "EPIPE", True, "ECONNRESET"]


def test_how_long_a_writer_waits_is_a_limit_of_its_host() -> None:
    async def main() -> float:
        client, _, network = await connected()
        network.host("alice").limits.retries = 3
        network.partition("alice", "bob")
        await write(client)
        with pytest.raises(TimeoutError):
            await read(client)
        return round(testing.world().now, 6)

    assert testing.simulate(main) == 0.2 + 0.4 + 0.8 + 1.6


def test_if_only_the_way_back_is_cut_bytes_come_and_the_writer_does_not_know() -> None:
    async def main() -> list[object]:
        client, server, network = await connected()
        network.host("alice").limits.send_buffer = 10
        back = network.link("bob", "alice")
        back.partition()
        await write(client)
        told: list[object] = [await read(server)]
        told.append(await outcome(lambda: read(client)))
        return told

    assert testing.simulate(main) == [b"hello", "ETIMEDOUT"]


def test_what_is_not_acknowledged_fills_the_buffer_until_it_is() -> None:
    async def main() -> list[object]:
        network = testing.network()
        alice, bob = network.host("alice"), network.host("bob")
        alice.limits.send_buffer = 9
        listener = await listening(bob)
        client = await connecting(alice, bob)
        server, _ = await lwt_unix.accept(listener)
        network.link(bob, alice).partition()
        told: list[object] = [await write(client, b"0123456789"), await read(server)]
        more = write(client, b"more")
        await lwt_unix.sleep(10.0)
        told.append(lwt.is_sleeping(more))
        network.link(bob, alice).repair()
        told.append(await more)
        told.append(await read(server))
        return told

    assert testing.simulate(main) == [9, b"012345678", True, 4, b"more"]


def test_the_end_of_a_connection_is_sent_again_too() -> None:
    async def main() -> tuple[bytes, bytes]:
        client, server, network = await connected()
        network.partition("alice", "bob")
        await write(client)
        await lwt_unix.close(client)
        await lwt_unix.sleep(1.0)
        network.repair("alice", "bob")
        return await read(server), await read(server)

    assert testing.simulate(main) == (b"hello", b"")


def test_what_is_held_comes_at_once_when_it_is_released() -> None:
    async def main() -> tuple[bytes, float]:
        client, server, network = await connected()
        network.hold("alice", "bob")
        await write(client, b"one ")
        await write(client, b"two")
        reading = read(server)
        await lwt_unix.sleep(50.0)
        assert lwt.is_sleeping(reading)
        network.release("alice", "bob")
        return await reading, testing.world().now

    assert testing.simulate(main) == (b"one two", 50.0)


@pytest.mark.parametrize(("seconds", "when"), [(0.5, 1.0), (20.0, 31.0), (100.0, 127.0)])
def test_a_client_asks_again_during_a_partition(seconds: float, when: float) -> None:
    async def main() -> tuple[object, float]:
        network = testing.network()
        alice, bob = network.host("alice"), network.host("bob")
        await listening(bob)
        network.partition(alice, bob)
        client = connecting(alice, bob)
        await lwt_unix.sleep(seconds)
        network.repair(alice, bob)
        told = await outcome(lambda: lwt.map(lambda _: "connected", client))
        return told, testing.world().now

    expected = "ETIMEDOUT" if when == 127.0 else "connected"
    assert testing.simulate(main) == (expected, when)


def test_one_connection_is_made_even_if_the_answer_got_lost() -> None:
    async def main() -> list[object]:
        network = testing.network()
        alice, bob = network.host("alice"), network.host("bob")
        listener = await listening(bob)
        network.link(bob, alice).partition()
        client = connecting(alice, bob)
        await lwt_unix.sleep(2.0)
        network.link(bob, alice).repair()
        told: list[object] = [lwt.is_sleeping(client)]
        descriptor = await client
        server, _ = await lwt_unix.accept(listener)
        await write(descriptor)
        told += [testing.world().now, await read(server)]
        told.append(lwt.is_sleeping(lwt_unix.accept(listener)))
        return told

    assert testing.simulate(main) == [True, 3.0, b"hello", True]


def test_the_network_resets_the_connections_of_two_hosts() -> None:
    async def main() -> list[object]:
        client, server, network = await connected()
        other = await connecting(network.localhost, network.host("bob"))
        network.reset("alice", "bob")
        told = [await outcome(partial(read, end)) for end in (client, server)]
        told += [await outcome(partial(write, end)) for end in (client, server, other)]
        return told

    assert testing.simulate(main) == ["ECONNRESET", "ECONNRESET", "EPIPE", "EPIPE", 5]


def test_a_slow_link_lets_the_writer_wait() -> None:
    async def main() -> list[float]:
        network = testing.network()
        alice, bob = network.host("alice"), network.host("bob")
        alice.limits.send_buffer = 1_000
        listener = await listening(bob)
        client = await connecting(alice, bob)
        server, _ = await lwt_unix.accept(listener)
        network.link(alice, bob).bandwidth = 1_000
        network.link(alice, bob).latency = 0.5
        told = []
        for _ in range(3):
            await write(client, bytes(1_000))
            told.append(testing.world().now)
        got = 0
        while got < 3_000:
            got += len(await read(server, 5_000))
        return [*told, testing.world().now]

    assert testing.simulate(main) == [0.0, 1.5, 3.0, 4.5]


def test_hosts_are_parted_in_groups() -> None:
    async def main() -> list[str]:
        network = testing.network()
        network.partition(["a", "b"], ["c", network.host("d")])
        names = "abcd"
        return [one + two for one in names for two in names if network.link(one, two).is_cut]

    assert testing.simulate(main) == ["ac", "ad", "bc", "bd", "ca", "cb", "da", "db"]


@pytest.mark.parametrize("seed", range(25))
def test_whatever_the_network_does_bytes_come_in_order_or_not_at_all(seed: int) -> None:
    lines = [b"%d" % number for number in range(20)]

    async def main() -> list[bytes]:
        network = testing.network()
        alice, bob = network.host("alice"), network.host("bob")
        for link in network.between(alice, bob):
            link.latency = (0.01, 0.3)
            link.bandwidth = 5_000
        got: list[bytes] = []

        async def serve(channels: tuple[lwt_io.input_channel, lwt_io.output_channel]) -> None:
            while (line := await lwt_io.read_line_opt(channels[0])) is not None:
                got.append(line.value)

        async def start() -> lwt_io.server:
            return await lwt_io.establish_server_with_client_address(
                ("0.0.0.0", PORT), lambda _, channels: serve(channels)
            )

        async def talk() -> None:
            _, writing = await lwt_io.open_connection((bob.addresses[0], PORT))
            for line in lines:
                await lwt_io.write_line(writing, line)
                await lwt_unix.sleep(0.1)
            await lwt_io.close(writing)

        await bob.run(start)
        talking = alice.run(talk)
        for number in range(6):
            [network.partition, network.hold][number % 2](alice, bob)
            await lwt_unix.sleep(0.2 * number)
            [network.repair, network.release][number % 2](alice, bob)
            await lwt_unix.sleep(0.15)
        await talking
        await lwt_unix.sleep(10.0)
        return got

    assert testing.simulate(main, choices=testing.seeded(seed)) == lines


def rounded_times() -> tuple[float, float, float]:
    """A time, a latency, and a time to wait, for which sums that should be the same are not."""
    chance = random.Random(0)
    while True:
        first, latency = 10 * chance.random(), chance.random()
        arrival, wait = first + latency, latency * chance.random()
        second = first + wait
        if second + (arrival - second) < first + (arrival - first):
            return first, latency, wait


def test_bytes_that_come_at_the_same_time_come_in_order_however_times_are_rounded() -> None:
    first, latency, wait = rounded_times()

    async def main() -> bytes:
        client, server, network = await connected()
        await lwt_unix.sleep(first - testing.world().now)
        network.link("alice", "bob").latency = latency
        await write(client, b"a")
        await lwt_unix.sleep(wait)
        network.link("alice", "bob").latency = 0.0
        await write(client, b"b")
        await lwt_unix.sleep(2.0)
        got = await read(server)
        await lwt.join([lwt_unix.close(client), lwt_unix.close(server)])
        return got

    assert testing.simulate(main) == b"ab"
