"""What is between two hosts: how long it takes, what gets lost."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import pytest

import lwt
import lwt_unix
from lwt_unix import File_descr, testing
from lwt_unix.testing import Host, Link

PORT = 9000


def two_hosts() -> tuple[Host, Host, Link]:
    """Alice, bob, and the link from her to him."""
    network = testing.network()
    alice, bob = network.host("alice"), network.host("bob")
    return alice, bob, network.link(alice, bob)


async def datagram_socket(host: Host, port: int = PORT) -> File_descr:
    async def make() -> File_descr:
        socket = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_DGRAM, 0)
        await lwt_unix.bind(socket, ("0.0.0.0", port))
        return socket

    return await host.run(make)


def arrivals(
    prepare: Callable[[Link], object],
    sizes: list[int],
    choices: testing.Choices | None = None,
    after: Callable[[Link], object] = lambda _: None,
) -> list[tuple[int, float]]:
    """When datagrams of these sizes come, all sent at once."""
    got: list[tuple[int, float]] = []

    async def main() -> None:
        alice, bob, link = two_hosts()
        sender, receiver = await datagram_socket(alice), await datagram_socket(bob)
        prepare(link)

        @lwt.promised
        async def receive() -> None:
            buffer = bytearray(60_000)
            while True:
                count, _ = await lwt_unix.recvfrom(receiver, buffer, 0, 60_000, [])
                got.append((count, round(testing.world().now, 6)))

        receiving = receive()
        for size in sizes:
            address = (bob.addresses[0], PORT)
            await lwt_unix.sendto(sender, bytes(size), 0, size, [], address)
        await lwt_unix.sleep(100.0)
        after(link)
        await lwt_unix.sleep(100.0)
        lwt.cancel(receiving)

    testing.simulate(main, choices=choices)
    return got


def test_what_is_sent_comes_after_the_latency() -> None:
    def prepare(link: Link) -> None:
        link.latency = 0.25

    assert arrivals(prepare, [1, 2]) == [(1, 0.25), (2, 0.25)]


def test_a_message_takes_its_size_divided_by_the_bandwidth_and_waits_for_those_before_it() -> None:
    def prepare(link: Link) -> None:
        link.latency = 0.5
        link.bandwidth = 1_000

    assert arrivals(prepare, [1_000, 500, 2_000]) == [(1_000, 1.5), (500, 2.0), (2_000, 4.0)]


def test_of_a_range_of_latencies_the_least_is_lwts_own_and_others_change_the_order() -> None:
    def prepare(link: Link) -> None:
        link.latency = (1.0, 8.0)

    sizes = [1, 2, 3]
    assert arrivals(prepare, sizes) == [(1, 1.0), (2, 1.0), (3, 1.0)]
    seen = set()
    for seed in range(60):
        got = arrivals(prepare, sizes, testing.seeded(seed).only("delay"))
        assert all(1.0 <= when <= 8.0 for _, when in got)
        seen.add(tuple(size for size, _ in got))
    assert len(seen) >= 3
    choices = testing.replayed("delay 1:7/8")
    assert arrivals(prepare, [1, 2], choices) == [(2, 1.0), (1, 8.0)]
    assert str(choices).endswith("1 byte from alice to bob comes 7 s late")


@pytest.mark.parametrize(("probability", "left"), [(0.0, 20), (0.999, 20), (1.0, 0)])
def test_with_lwts_own_choices_only_what_is_certain_gets_lost(
    probability: float, left: int
) -> None:
    def prepare(link: Link) -> None:
        link.loss = probability

    assert len(arrivals(prepare, [1] * 20)) == left


def test_what_is_certain_gets_lost_though_losses_are_not_open() -> None:
    def prepare(link: Link) -> None:
        link.loss = 1.0

    assert arrivals(prepare, [1] * 20, testing.seeded(0).only("delay")) == []


def test_chance_keeps_to_the_probability_of_a_loss() -> None:
    def prepare(link: Link) -> None:
        link.loss = 0.25

    count = sum(
        len(arrivals(prepare, [1] * 100, testing.seeded(seed).only("loss"))) for seed in range(10)
    )
    assert 650 < count < 850


@pytest.mark.parametrize("seed", range(5))
def test_losses_and_duplicates_are_told_in_words_and_replayed(seed: int) -> None:
    def prepare(link: Link) -> None:
        link.loss = 0.3
        link.duplication = 0.3

    sizes = list(range(1, 21))
    choices = testing.seeded(seed).only("loss")
    got = arrivals(prepare, sizes, choices)
    expected = list(sizes)
    for made in choices.deviations:
        told = re.fullmatch(
            r"a datagram of (\d+) bytes? from alice to bob (is lost|comes twice)", made.words
        )
        assert told is not None
        if told[2] == "is lost":
            expected.remove(int(told[1]))
        else:
            expected.append(int(told[1]))
    assert [size for size, _ in got] == sorted(expected) != sizes
    replay = testing.replayed(choices.replay_text()).only("loss")
    assert arrivals(prepare, sizes, replay) == got
    assert replay.deviations == choices.deviations


def test_a_datagram_may_come_twice() -> None:
    def prepare(link: Link) -> None:
        link.duplication = 1.0

    assert arrivals(prepare, [1, 2]) == [(1, 0.0), (1, 0.0), (2, 0.0), (2, 0.0)]


def test_datagrams_of_a_partition_are_lost() -> None:
    assert arrivals(Link.partition, [1, 2], after=Link.repair) == []


def test_what_is_held_comes_in_order_when_it_is_released() -> None:
    assert arrivals(Link.hold, [1, 2], after=Link.release) == [(1, 100.0), (2, 100.0)]


def test_what_is_on_its_way_comes_in_spite_of_a_partition() -> None:
    async def main() -> int:
        alice, bob, link = two_hosts()
        sender, receiver = await datagram_socket(alice), await datagram_socket(bob)
        link.latency = 1.0
        await lwt_unix.sendto(sender, b"x", 0, 1, [], (bob.addresses[0], PORT))
        link.partition()
        return await lwt_unix.recv(receiver, bytearray(1), 0, 1, [])

    assert testing.simulate(main) == 1


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("latency", -1.0, "latency: -1 is out of range; it is from 0 on"),
        ("latency", math.inf, "latency: inf is out of range; it is from 0 on"),
        ("latency", (2.0, 1.0), "latency: (2.0, 1.0) is no range: give the least, and then"),
        ("bandwidth", 0, "bandwidth: 0 bytes a second is never; use partition()"),
        ("bandwidth", math.nan, "bandwidth: nan is out of range"),
        ("loss", 1.5, "loss: 1.5 is out of range; it is from 0 to 1"),
        ("duplication", -0.5, "duplication: -0.5 is out of range; it is from 0 to 1"),
    ],
)
def test_what_makes_no_sense_is_an_error_and_changes_nothing(
    name: str, value: object, says: str
) -> None:
    async def main() -> None:
        link = two_hosts()[2]
        before = getattr(link, name)
        with pytest.raises(ValueError, match=re.escape(f"testing.Link.{says}")):
            setattr(link, name, value)
        with pytest.raises(TypeError, match=rf"testing.Link.{name}: expected a float"):
            setattr(link, name, "fast")
        assert getattr(link, name) == before
        assert link.is_plain

    testing.simulate(main)
