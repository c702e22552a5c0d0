"""All schedules of a small program."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from math import factorial
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt._core import choices
from lwt._core.choices import BYTES, DUE, NOT_NOW, READY
from lwt_unix import testing
from tests.support.builds import interpreted_only


def sleepers(number: int) -> Callable[[], Coroutine[Any, Any, tuple[int, ...]]]:
    """A program in which so many sleep for the same time; it tells in which order they woke."""

    async def main() -> tuple[int, ...]:
        woken: list[int] = []

        @lwt.promised
        async def sleeper(name: int) -> None:
            await lwt_unix.sleep(1.0)
            woken.append(name)

        await lwt.join([sleeper(name) for name in range(number)])
        return tuple(woken)

    return main


async def lost_update() -> int:
    """Two add 1 to a balance when both wake; one of them has read it before it slept."""
    balance = 0

    @lwt.promised
    async def read_early() -> None:
        nonlocal balance
        read = balance
        await lwt_unix.sleep(1.0)
        balance = read + 1

    @lwt.promised
    async def read_late() -> None:
        nonlocal balance
        await lwt_unix.sleep(1.0)
        balance += 1

    await lwt.join([read_early(), read_late()])
    return balance


@pytest.mark.parametrize("number", range(1, 6))
def test_each_order_is_run_once(number: int) -> None:
    orders: list[tuple[int, ...]] = []
    explored = testing.explore(sleepers(number), check=orders.append)
    assert explored.is_all
    assert explored.schedules == factorial(number) == len(set(orders)) == len(orders)


def test_the_first_schedule_is_lwts_own_and_the_last_choice_varies_first() -> None:
    orders: list[tuple[int, ...]] = []
    testing.explore(sleepers(3), check=orders.append)
    assert orders == [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]


def test_all_paths_of_a_tree_of_choices_are_run() -> None:
    """The program is nothing but choices, whose number depends on those before."""
    paths: list[tuple[int, ...]] = []

    def main() -> lwt.Promise[tuple[int, ...]]:
        first = choices.choose(READY, 3, str)
        rest = [choices.choose(DUE, 2, str) for _ in range(first)]
        return lwt.return_((first, *rest))

    explored = testing.explore(main, check=paths.append)
    assert paths == [(0,), (1, 0), (1, 1), (2, 0, 0), (2, 0, 1), (2, 1, 0), (2, 1, 1)]
    assert str(explored) == "all 7 schedules"


def test_labels_that_are_not_open_are_lwts_own() -> None:
    paths: list[tuple[int, ...]] = []

    def main() -> lwt.Promise[tuple[int, ...]]:
        return lwt.return_(tuple(choices.choose(label, 2, str) for label in (READY, DUE, BYTES)))

    explored = testing.explore(main, only=[READY, BYTES], check=paths.append)
    assert paths == [(0, 0, 0), (0, 0, 1), (1, 0, 0), (1, 0, 1)]
    assert explored.schedules == 4


def test_a_program_without_choices_has_one_schedule() -> None:
    explored = testing.explore(lambda: lwt_unix.sleep(1.0))
    assert str(explored) == "the only schedule"


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        (1, "1 schedule, which is not all (limit=1)"),
        (119, "119 schedules, which are not all (limit=119)"),
        (120, "all 120 schedules"),
        (1000, "all 120 schedules"),
    ],
)
def test_it_says_how_far_it_came(limit: int, told: str) -> None:
    explored = testing.explore(sleepers(5), limit=limit)
    assert str(explored) == told
    assert explored.is_all == (limit >= 120)


@interpreted_only("what promises hold is hidden")
def test_it_says_by_how_many_runs_it_came_further_than_the_limit() -> None:
    explored = testing.explore(balanced(4), limit=20)
    assert explored.runs == 20
    assert (
        str(explored)
        == f"{explored.schedules:,} schedules by 20 runs, which are not all (limit=20)"
    )
    assert explored.schedules > 20


def balanced(number: int) -> Callable[[], Coroutine[Any, Any, int]]:
    """A program in which so many add 1 when they wake, twice: whoever comes first."""

    async def main() -> int:
        balance = 0

        @lwt.promised
        async def add() -> None:
            nonlocal balance
            for _ in range(2):
                await lwt_unix.sleep(1.0)
                balance += 1

        await lwt.join([add() for _ in range(number)])
        return balance

    return main


@interpreted_only("what classes that are compiled hold cannot be seen")
def test_orders_that_cannot_differ_are_skipped() -> None:
    balances: Counter[int] = Counter()
    explored = testing.explore(balanced(5), check=lambda balance: balances.update([balance]))
    assert str(explored) == "all 14,400 schedules"
    assert explored.schedules == factorial(5) ** 2
    assert explored.runs < 120
    assert explored.incomparable is None
    assert set(balances) == {10}


@pytest.mark.parametrize("number", range(1, 4))
def test_the_number_of_schedules_does_not_depend_on_what_is_skipped(number: int) -> None:
    everything = testing.explore(balanced(number), skip=False)
    assert everything.schedules == everything.runs == factorial(number) ** 2
    assert testing.explore(balanced(number)).schedules == everything.schedules


async def three_pipes() -> None:
    pipes = [lwt_unix.pipe() for _ in range(3)]
    reading = [lwt_unix.read(reader, bytearray(1), 0, 1) for reader, _ in pipes]
    for _, writer in pipes:
        await lwt_unix.write(writer, b"x", 0, 1)
    await lwt.join(reading)
    for pipe in pipes:
        for descriptor in pipe:
            await lwt_unix.close(descriptor)


@interpreted_only("what classes that are compiled hold cannot be seen")
def test_orders_of_descriptors_are_skipped_too() -> None:
    everything = testing.explore(three_pipes, skip=False)
    explored = testing.explore(three_pipes)
    assert explored.schedules == everything.schedules > explored.runs


def test_a_program_that_changes_what_an_earlier_run_left_is_run_in_all_orders() -> None:
    left: list[int] = []

    async def main() -> None:
        async def one(number: int) -> None:
            await lwt_unix.sleep(1.0)
            left.append(number)

        await lwt.join([lwt.of_coroutine(one(number)) for number in range(4)])

    explored = testing.explore(main)
    assert explored.schedules == explored.runs == 24


def test_a_state_that_may_hide_something_is_like_no_other() -> None:
    async def main() -> None:
        hidden = iter(lambda: 1, 2)  # It holds its function where Python cannot see it.
        await lwt.join([lwt_unix.sleep(1.0) for _ in range(4)])
        next(hidden)

    explored = testing.explore(main)
    assert explored.schedules == explored.runs == 24
    assert explored.incomparable is not None


def test_random_numbers_are_part_of_the_state() -> None:
    """Who wakes first draws one number, who wakes second draws two, and only the last one counts."""

    async def main() -> float:
        drawn: list[float] = []

        async def draw(number: int) -> None:
            await lwt_unix.sleep(1.0)
            for _ in range(1 + number * (not drawn)):
                random.random()
            drawn.append(0.0)

        await lwt.join([lwt.of_coroutine(draw(number)) for number in range(4)])
        return random.random()

    everything, explored = set[float](), set[float]()
    testing.explore(main, skip=False, check=everything.add)
    testing.explore(main, check=explored.add)
    assert explored == everything
    assert len(everything) == 4


@interpreted_only("what classes that are compiled hold cannot be seen")
def test_turns_are_counted_only_if_a_run_has_many_that_take_no_time() -> None:
    def main(pauses: int) -> Callable[[], Coroutine[Any, Any, float]]:
        async def run() -> float:
            async def one(number: int) -> None:
                await lwt_unix.sleep(1.0)
                for _ in range(number):
                    await lwt.pause()

            await lwt.join([lwt.of_coroutine(one(pauses)) for _ in range(3)])
            return testing.world().now

        return run

    for pauses in (3, 120):
        everything, explored = set[float](), set[float]()
        testing.explore(main(pauses), skip=False, check=everything.add)
        assert testing.explore(main(pauses), check=explored.add).schedules == 6
        assert explored == everything
        assert (min(explored) == 1.0) == (pauses == 3)


def test_large_numbers_are_written_in_groups() -> None:
    assert str(testing.Explored(schedules=1344, runs=96)) == "all 1,344 schedules"


def test_a_failure_tells_its_choices_in_words_and_how_to_replay_them() -> None:
    async def main() -> None:
        order = await sleepers(3)()
        assert order[0] != 1, "1 was first"

    with pytest.raises(AssertionError, match="1 was first") as caught:
        testing.explore(main)
    (note,) = caught.value.__notes__
    assert note.splitlines() == [
        "The choices that are not Lwt's own:",
        "    turn 1: of 3 timers for the same time, number 2 fires first",
        "What happened:",
        "    nothing that the world knows of",
        "To replay it:",
        "    testing.simulate(main, choices=testing.replayed('without random: due 1:1/3'))",
    ]
    with pytest.raises(AssertionError, match="1 was first"):
        testing.simulate(main, choices=testing.replayed("due 1:1/3"))


def test_a_failure_of_lwts_own_schedule_says_so() -> None:
    with pytest.raises(testing.Deadlock) as caught:
        testing.explore(lambda: lwt.wait()[0])
    assert "none: Lwt itself decides so" in caught.value.__notes__[-1]


def test_a_check_that_fails_tells_its_choices_too() -> None:
    assert testing.simulate(lost_update) == 2

    def check(balance: int) -> None:
        assert balance == 2, "an update is lost"

    with pytest.raises(AssertionError, match="an update is lost") as caught:
        testing.explore(lost_update, check=check)
    assert "testing.replayed('without random: due 1:1/2')" in caught.value.__notes__[0]


def test_reads_and_writes_may_be_short_and_put_off() -> None:
    async def main() -> tuple[bytes, ...]:
        one, other = lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)
        await lwt_unix.write(one, b"abc", 0, 3)
        await lwt_unix.close(one)
        buffer, parts = bytearray(3), list[bytes]()
        while count := await lwt_unix.read(other, buffer, 0, 3):
            parts.append(bytes(buffer[:count]))
        await lwt_unix.close(other)
        return tuple(parts)

    seen: Counter[tuple[bytes, ...]] = Counter()
    explored = testing.explore(main, only=[BYTES], check=lambda parts: seen.update([parts]))
    parts_of_three = [(b"abc",), (b"ab", b"c"), (b"a", b"bc"), (b"a", b"b", b"c")]
    parts_of_two = [(b"ab",), (b"a", b"b")]
    assert sorted(seen) == sorted([*parts_of_three, *parts_of_two, (b"a",)])
    assert explored.schedules == 7
    assert testing.explore(main, only=[NOT_NOW]).schedules == 4


@pytest.mark.parametrize("how", ["label", "end", "more"])
def test_a_program_that_depends_on_something_else_is_found_out(how: str) -> None:
    runs: list[None] = []

    def main() -> lwt.Promise[None]:
        runs.append(None)
        is_first = len(runs) == 1
        if how != "end" or is_first:
            choices.choose(READY if how == "more" or is_first else DUE, 2, str)
        return lwt.return_unit if how != "more" or is_first else lwt_unix.sleep(0.0)

    if how == "more":  # What comes after the repeated choices may be anything.
        assert testing.explore(main).schedules == 2
        return
    with pytest.raises(testing.Replay_differs, match="depends on something that the world"):
        testing.explore(main)


def test_what_nobody_waits_for_is_a_failure_with_its_schedule() -> None:
    async def main() -> None:
        order: list[str] = []

        async def worker(name: str) -> None:
            await lwt_unix.sleep(1.0)
            order.append(name)
            assert order[0] == "a"

        for name in "ab":
            lwt.async_(partial(worker, name))
        await lwt_unix.sleep(2.0)

    with pytest.raises(AssertionError) as caught:
        testing.explore(main)
    (note,) = caught.value.__notes__
    assert "turn 1: of 2 timers for the same time, number 2 fires first" in note
    assert "testing.simulate(main, choices=testing.replayed('without random: due 1:1/2'))" in note


def test_who_interrupts_it_is_told_how_far_it_came() -> None:
    runs = iter(range(8))

    async def main() -> None:
        if next(runs) == 7:
            raise KeyboardInterrupt
        await sleepers(5)()

    with pytest.raises(KeyboardInterrupt) as caught:
        testing.explore(main, skip=False)
    told, how_far = caught.value.__notes__
    assert told.startswith("The choices that are not Lwt's own:")
    assert how_far == "testing.explore: 7 schedules, which are not all (7 runs)"


def test_a_program_that_differs_says_so_even_if_it_catches_the_exception() -> None:
    runs = iter(range(9))

    async def main() -> None:
        with suppress(Exception):
            choices.choose(choices.CANCEL, 2 + next(runs), str)

    with pytest.raises(testing.Replay_differs, match="choice 1 is 'cancel' of 3 options now"):
        testing.explore(main)


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_is_positive(limit: int) -> None:
    with pytest.raises(ValueError, match="at least one schedule is run"):
        testing.explore(lambda: lwt.return_unit, limit=limit)


def test_labels_are_checked() -> None:
    with pytest.raises(ValueError, match="no label 'reedy'"):
        testing.explore(lambda: lwt.return_unit, only=["reedy"])
    with pytest.raises(TypeError, match=r"testing.explore: expected a list of labels.*\['due'\]"):
        testing.explore(lambda: lwt.return_unit, only="due")
