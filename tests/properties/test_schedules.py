"""Random small programs: what `testing.explore` skips cannot differ from what it runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lwt
import lwt_unix
from lwt import lwt_condition, lwt_mutex, lwt_mvar
from lwt_unix import testing
from tests.support.builds import interpreted_only

pytestmark = interpreted_only("what classes that are compiled hold cannot be seen")

MOST = 150
"""How many schedules those programs have at most that are compared."""


class Shared:
    """What the tasks of a program have in common."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.table: dict[int, str] = {}
        self.number = 0
        self.mutexes = [lwt_mutex.create() for _ in range(2)]
        self.condition = lwt_condition.create()
        self.box: lwt_mvar.Mvar[str] = lwt_mvar.create_empty()
        self.reading, self.writing = lwt_unix.pipe()
        self.begun: list[lwt.Promise[None]] = []


Step = Callable[[Shared, str, list[object]], Coroutine[Any, Any, object]]
"""A step of a task, with its name, and what it has seen."""


def sleep(delay: float) -> Step:
    async def step(shared: Shared, name: str, seen: list[object]) -> None:
        await lwt_unix.sleep(delay)

    return step


async def pause(shared: Shared, name: str, seen: list[object]) -> None:
    await lwt.pause()


async def tell(shared: Shared, name: str, seen: list[object]) -> None:
    shared.told.append(name)


async def tell_anything(shared: Shared, name: str, seen: list[object]) -> None:
    shared.told.append(None)


async def look(shared: Shared, name: str, seen: list[object]) -> None:
    seen.append(shared.number)


async def add(shared: Shared, name: str, seen: list[object]) -> None:
    shared.number += 1


async def add_slowly(shared: Shared, name: str, seen: list[object]) -> None:
    number = shared.number
    await lwt_unix.sleep(1.0)
    shared.number = number + 1


def enter(key: int) -> Step:
    async def step(shared: Shared, name: str, seen: list[object]) -> None:
        shared.table[key] = name
        seen.append(len(shared.table))

    return step


def add_locked(which: int) -> Step:
    async def step(shared: Shared, name: str, seen: list[object]) -> None:
        await lwt_mutex.with_lock(shared.mutexes[which], lambda: add_slowly(shared, name, seen))

    return step


async def signal(shared: Shared, name: str, seen: list[object]) -> None:
    lwt_condition.signal(shared.condition, name)


async def broadcast(shared: Shared, name: str, seen: list[object]) -> None:
    lwt_condition.broadcast(shared.condition, name)


async def late(delay: float) -> str:
    await lwt_unix.sleep(delay)
    return "late"


async def wait(shared: Shared, name: str, seen: list[object]) -> None:
    seen.append(await lwt.pick([lwt_condition.wait(shared.condition), lwt.of_coroutine(late(1.0))]))


async def put(shared: Shared, name: str, seen: list[object]) -> None:
    await lwt.pick([lwt_mvar.put(shared.box, name), lwt_unix.sleep(2.0)])


async def take(shared: Shared, name: str, seen: list[object]) -> None:
    taking: lwt.Promise[str] = lwt_mvar.take(shared.box)
    seen.append(await lwt.pick([taking, lwt.of_coroutine(late(1.0))]))


async def write(shared: Shared, name: str, seen: list[object]) -> None:
    await lwt_unix.write(shared.writing, b"ab", 0, 2)


async def read(shared: Shared, name: str, seen: list[object]) -> None:
    buffer = bytearray(2)
    reading = lwt_unix.read(shared.reading, buffer, 0, 2)
    seen.append(await lwt.pick([lwt.map(str, reading), lwt.of_coroutine(late(1.0))]))


async def begin(shared: Shared, name: str, seen: list[object]) -> None:
    shared.begun.append(lwt.map(lambda _: shared.told.append(name), lwt_unix.sleep(1.0)))


async def cancel(shared: Shared, name: str, seen: list[object]) -> None:
    for promise in shared.begun[:1]:
        lwt.cancel(promise)


async def choose(shared: Shared, name: str, seen: list[object]) -> None:
    sleeping = [lwt.map(lambda _, n=n: n, lwt_unix.sleep(1.0)) for n in range(2)]  # type: ignore[misc]
    seen.append(await lwt.choose(sleeping))


STEPS: list[Step] = [
    *(
        sleep(0.0),
        sleep(1.0),
        pause,
        tell,
        tell_anything,
        look,
        add,
        add_slowly,
        enter(0),
        enter(1),
    ),
    *(add_locked(0), add_locked(1), signal, broadcast, wait, put, take, write, read, begin, cancel),
    choose,
]

PROGRAMS = st.lists(
    st.lists(st.sampled_from(STEPS), min_size=1, max_size=4), min_size=2, max_size=4
)


def program(tasks: list[list[Step]]) -> Callable[[], Coroutine[Any, Any, str]]:
    """Make a program of tasks; its value tells all that they have seen, and what they leave."""

    async def run(shared: Shared, name: str, steps: list[Step]) -> list[object]:
        seen: list[object] = []
        for step in steps:
            await step(shared, name, seen)
        return seen

    async def main() -> str:
        shared = Shared()
        names = "abcd"
        ran = [lwt.of_coroutine(run(shared, *task)) for task in zip(names, tasks, strict=False)]
        seen = await lwt.all(ran)
        return repr((seen, shared.told, shared.table, shared.number))

    return main


def assert_nothing_is_missed(tasks: list[list[Step]]) -> None:
    main = program(tasks)
    outcomes: Counter[str] = Counter()
    found: Counter[str] = Counter()
    everything = testing.explore(
        main, skip=False, limit=MOST, check=lambda told: outcomes.update([told])
    )
    if not everything.is_all:
        return  # To draw another program would take longer than this one did.
    explored = testing.explore(main, check=lambda told: found.update([told]))
    assert explored.incomparable is None
    assert explored.schedules == everything.schedules == everything.runs >= explored.runs
    assert set(found) == set(outcomes)


@pytest.mark.slow
@settings(max_examples=15)
@given(PROGRAMS)
def test_the_outcomes_of_a_program_are_those_of_all_its_schedules(tasks: list[list[Step]]) -> None:
    assert_nothing_is_missed(tasks)


@pytest.mark.slow
@pytest.mark.timeout(600)
@settings(max_examples=40)
@given(PROGRAMS)
def test_the_outcomes_of_many_programs_are_those_of_all_their_schedules(
    tasks: list[list[Step]],
) -> None:
    assert_nothing_is_missed(tasks)
