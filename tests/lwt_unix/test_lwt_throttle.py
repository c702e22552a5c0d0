"""Limits of a rate: who goes on at once, who waits, who is told that too many wait; keys, forks, the collector."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

import lwt
from lwt_unix import lwt_engine, lwt_main, lwt_throttle
from tests.support.collecting import for_every_collection
from tests.support.engines import Clock
from tests.support.programs import in_child

pytestmark = pytest.mark.usefixtures("clock")

limits: lwt_throttle.S[str] = lwt_throttle.Make()


def states(promises: list[lwt.Promise[bool]]) -> str:
    """A letter for each: let through, waits, refused, cancelled."""
    letters = []
    for promise in promises:
        match lwt.state(promise):
            case lwt.Return(value):
                letters.append("y" if value else "n")
            case lwt.Fail(_):
                letters.append("c")
            case _:
                letters.append(".")
    return "".join(letters)


def test_as_many_as_the_rate_go_on_in_a_second_and_as_many_as_max_wait(clock: Clock) -> None:
    limiter = limits.create(rate=2, max=3, n=1)
    waiting = [limits.wait(limiter, "key") for _ in range(6)]
    assert states(waiting) == "yy...n"
    assert repr(limiter) == "<Throttle of 2 a second, 3 of 3 waiting>"
    for expected in ("yy...n", "yyyy.n", "yyyyyn"):
        assert states(waiting) == expected
        clock.advance(1.0)


def test_keys_have_a_rate_each_and_one_queue_length_together(clock: Clock) -> None:
    limiter = limits.create(rate=1, max=2, n=1)
    waiting = [limits.wait(limiter, key) for key in ("a", "b", "a", "b", "a", "b")]
    assert states(waiting) == "yy..nn"
    clock.advance(1.0)
    assert states(waiting) == "yyyynn"


def test_those_let_through_together_are_woken_key_by_key_the_newest_of_a_key_first(
    clock: Clock,
) -> None:
    log: list[str] = []

    def note(name: str, _: bool) -> None:
        log.append(name)

    limiter = limits.create(rate=2, max=9, n=1)
    for key in ("a", "b"):
        for number in range(4):
            waiting = limits.wait(limiter, key)
            lwt.on_success(waiting, partial(note, f"{key}{number}"))
    assert log == ["a0", "a1", "b0", "b1"]
    log.clear()
    clock.advance(1.0)
    assert log == ["a3", "a2", "b3", "b2"]


def test_when_nobody_came_for_a_second_the_clock_stands_still(clock: Clock) -> None:
    limiter = limits.create(rate=1, max=1, n=1)
    limits.wait(limiter, "key")
    assert lwt_engine.timer_count() == 1
    clock.advance(1.0)
    assert lwt_engine.timer_count() == 0
    assert states([limits.wait(limiter, "key")]) == "y"
    assert lwt_engine.timer_count() == 1


def test_one_who_is_cancelled_keeps_the_place_in_the_queue(clock: Clock) -> None:
    limiter = limits.create(rate=1, max=2, n=1)
    waiting = [limits.wait(limiter, "key") for _ in range(3)]
    lwt.cancel(waiting[1])
    assert states([*waiting, limits.wait(limiter, "key")]) == "yc.n"
    clock.advance(1.0)
    assert states(waiting) == "yc."
    clock.advance(1.0)
    assert states(waiting) == "ycy"


def test_keys_are_compared_by_the_functions_that_are_given() -> None:
    by_length = lwt_throttle.Make(SimpleNamespace(equal=lambda a, b: len(a) == len(b), hash=len))
    limiter = by_length.create(rate=1, max=1, n=1)
    waiting = [by_length.wait(limiter, key) for key in ("one", "two", "three")]
    assert states(waiting) == "y.y"


def test_what_the_functions_of_keys_raise_leaves_and_changes_nothing(clock: Clock) -> None:
    unhashable: Any = []
    limiter = limits.create(rate=1, max=1, n=1)
    with pytest.raises(TypeError, match="unhashable"):
        limits.wait(limiter, unhashable)
    assert lwt_engine.timer_count() == 0
    assert states([limits.wait(limiter, "key")]) == "y"


@pytest.mark.parametrize(
    "wrong", [{"rate": 0}, {"max": 0}, {"n": -1}], ids=lambda wrong: next(iter(wrong))
)
def test_numbers_that_make_no_sense_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"^Lwt_throttle\.S\.create: "):
        limits.create(**{"rate": 1, "max": 1, "n": 1, **wrong})


def test_arguments_of_a_wrong_kind_are_refused() -> None:
    with pytest.raises(TypeError, match=r"expected an object with functions equal\(x, y\)"):
        lwt_throttle.Make(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="expected a throttle, got 3"):
        limits.wait(3, "key")  # type: ignore[arg-type]


def test_an_interrupt_of_one_who_is_woken_does_not_lose_the_others(clock: Clock) -> None:
    limiter = limits.create(rate=3, max=9, n=1)
    waiting = [limits.wait(limiter, "key") for _ in range(6)]

    def interrupt(_: bool) -> None:
        raise KeyboardInterrupt

    lwt.on_success(waiting[-1], interrupt)
    with pytest.raises(KeyboardInterrupt):
        clock.advance(1.0)
    lwt_main.run(lwt.pause())
    assert states(waiting) == "yyyyyy"
    clock.advance(1.0)
    assert lwt_engine.timer_count() == 0


def test_a_limiter_works_in_a_child_that_a_body_forks(clock: Clock) -> None:
    limiter = limits.create(rate=1, max=9, n=1)

    def child() -> None:
        waiting = [limits.wait(limiter, "of the child") for _ in range(2)]
        assert states(waiting) == "y."
        clock.advance(1.0)
        assert states(waiting) == "yy"

    async def main() -> int:
        limits.wait(limiter, "key")
        await lwt.pause()
        return in_child(child)

    assert lwt_main.run(main()) == 0


@pytest.mark.no_cover
@pytest.mark.parametrize("before", range(3))
def test_a_finaliser_may_wait_at_any_place(clock: Clock, before: int) -> None:
    class Waiting:
        def __init__(self) -> None:
            self.limiter = limits.create(rate=2, max=2, n=1)
            self.promises = [limits.wait(self.limiter, "key") for _ in range(before)]

        def wait(self) -> lwt.Promise[bool]:
            return limits.wait(self.limiter, "key")

        def interfere(self) -> None:
            self.promises.append(self.wait())

    def check(waiting: Waiting, last: lwt.Promise[bool]) -> None:
        promises = [*waiting.promises, last]
        at_once = min(2, len(promises))
        assert sorted(states(promises)) == sorted("y" * at_once + "." * (len(promises) - at_once))
        for _ in range(3):
            clock.advance(1.0)
        assert states(promises) == "y" * len(promises)
        assert (waiting.limiter._waiting, waiting.limiter._channels) == (0, {})

    for_every_collection(Waiting, Waiting.wait, Waiting.interfere, check)
