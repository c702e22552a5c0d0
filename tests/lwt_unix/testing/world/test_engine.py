"""The engine of a simulated world."""

from __future__ import annotations

import lwt
import lwt_unix
from lwt._core.choices import DUE, READY
from lwt_unix import lwt_engine, testing


def test_it_has_an_identifier_of_its_own() -> None:
    async def main() -> str:
        return repr(lwt_engine.id())

    assert testing.simulate(main) == "Engine_id__simulated()"


def orders(label: str, main: object) -> set[tuple[object, ...]]:
    """All that a program gives, by seeds that decide one label only."""
    return {
        testing.simulate(main, choices=testing.seeded(seed).only(label))  # type: ignore[arg-type]
        for seed in range(200)
    }


async def three_timers() -> tuple[int, ...]:
    woken: list[int] = []

    @lwt.promised
    async def sleeper(number: int) -> None:
        await lwt_unix.sleep(1.0)
        woken.append(number)

    await lwt.join([sleeper(number) for number in range(3)])
    return tuple(woken)


def test_timers_for_the_same_time_fire_in_any_order() -> None:
    assert testing.simulate(three_timers) == (0, 1, 2)
    assert len(orders(DUE, three_timers)) == 6
    assert orders(READY, three_timers) == {(0, 1, 2)}


async def three_pipes() -> tuple[int, ...]:
    read: list[int] = []
    pipes = [lwt_unix.pipe() for _ in range(3)]

    @lwt.promised
    async def reader(number: int) -> None:
        await lwt_unix.read(pipes[number][0], bytearray(1), 0, 1)
        read.append(number)

    reading = [reader(number) for number in range(3)]
    for _, writing in pipes:
        await lwt_unix.write(writing, b"x", 0, 1)
    await lwt.join(reading)
    for pipe in pipes:
        for descriptor in pipe:
            await lwt_unix.close(descriptor)
    return tuple(read)


def test_descriptors_that_are_ready_in_one_turn_are_called_in_any_order() -> None:
    assert testing.simulate(three_pipes) == (0, 1, 2)
    assert len(orders(READY, three_pipes)) == 6
    assert orders(DUE, three_pipes) == {(0, 1, 2)}
