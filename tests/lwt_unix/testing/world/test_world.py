"""Time in a simulated world, and what happens in it."""

from __future__ import annotations

import math
import time

import pytest

import lwt
import lwt_unix
from lwt_unix import testing
from lwt_unix.testing import World


def test_a_year_of_sleeping_takes_no_time() -> None:
    async def main() -> float:
        for _ in range(365):
            await lwt_unix.sleep(86_400.0)
        return testing.world().now

    began = time.perf_counter()
    assert testing.simulate(main) == 365 * 86_400.0
    assert time.perf_counter() - began < 10.0


def test_who_sleeps_less_wakes_first_whoever_began_first() -> None:
    woken: list[float] = []

    async def main() -> None:
        @lwt.promised
        async def sleeper(delay: float) -> None:
            await lwt_unix.sleep(delay)
            woken.append(testing.world().now)

        await lwt.join([sleeper(0.3), sleeper(0.1), sleeper(0.2)])

    testing.simulate(main)
    assert woken == [0.1, 0.2, 0.3]


def test_a_program_that_only_pauses_takes_time_in_the_end() -> None:
    async def main() -> int:
        turns = 0
        done = lwt_unix.sleep(0.01)
        while lwt.is_sleeping(done):
            turns += 1
            await lwt.pause()
        return turns

    assert 100 < testing.simulate(main) < 10_000


def test_two_that_talk_without_end_take_time_too() -> None:
    async def main() -> int:
        reading, writing = lwt_unix.pipe()
        done, count = lwt_unix.sleep(0.01), 0
        while lwt.is_sleeping(done):
            await lwt_unix.write(writing, b"x", 0, 1)
            await lwt_unix.wait_read(reading)
            await lwt_unix.read(reading, bytearray(1), 0, 1)
            await lwt.pause()
            count += 1
        await lwt.join([lwt_unix.close(reading), lwt_unix.close(writing)])
        return count

    assert testing.simulate(main) > 100


def test_what_is_for_the_same_time_happens_in_order() -> None:
    world = World(testing.lwt_choices())
    happened: list[int] = []
    for number in range(5):
        world.after(1.0, lambda number=number: happened.append(number))  # type: ignore[misc]
    world.after(0.5, lambda: happened.append(-1))
    world.after(2.0, lambda: happened.append(9))
    with pytest.raises(testing.Deadlock):
        world.wait(-1.0)
    assert happened == [-1, 0, 1, 2, 3, 4, 9]


def test_nothing_can_happen_any_more() -> None:
    with pytest.raises(testing.Deadlock):
        testing.simulate(lambda: lwt.wait()[0])


def test_the_least_number_that_is_free_is_given_as_the_system_does() -> None:
    async def main() -> list[int]:
        one, two = lwt_unix.pipe()
        await lwt_unix.close(one)
        three, four = lwt_unix.pipe()
        numbers = [lwt_unix.unix_file_descr(descriptor) for descriptor in (one, two, three, four)]
        await lwt.join([lwt_unix.close(descriptor) for descriptor in (two, three, four)])
        return numbers

    one, two, three, four = testing.simulate(main)
    assert (two, three, four) == (one + 1, one, one + 2)


def test_letters_go_on_after_z() -> None:
    world = World(testing.lwt_choices())
    letters = [world.next_letters("thing") for _ in range(28)]
    assert letters[:3] + letters[-3:] == ["a", "b", "c", "z", "aa", "ab"]


def test_who_sleeps_for_ever_is_never_woken() -> None:
    async def main() -> None:
        await lwt_unix.sleep(math.inf)

    with pytest.raises(testing.Deadlock, match="waits for sleep 1"):
        testing.simulate(main)
