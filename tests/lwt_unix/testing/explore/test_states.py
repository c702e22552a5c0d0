"""The state of a simulated program: what makes two states differ, and what does not."""

from __future__ import annotations

import weakref
from collections.abc import Callable

import lwt
import lwt_unix
from lwt_unix import lwt_main, testing
from lwt_unix.testing._explore.states import LEFT_OUT, ROOTS
from tests.support.builds import interpreted_only
from tests.support.modules import GUIDES, listed_state
from tests.support.states import STATES, written

pytestmark = interpreted_only("what classes that are compiled hold cannot be seen")


def test_a_circle_is_written_once() -> None:
    def circle() -> list[object]:
        one: list[object] = []
        one.append(one)
        return one

    assert written(circle()) == written(circle()) != written([[]])


class Held:
    pass


def test_a_walk_leaves_the_variables_of_bodies_alone() -> None:
    async def body() -> list[str]:
        held = Held()
        dropped = weakref.ref(held)
        await lwt.pause()
        written(lwt_main.Enter_iter_hooks)
        STATES.digest()
        del held
        await lwt.pause()
        return ["alive"] if dropped() else []

    assert testing.simulate(body) == []


def test_all_state_of_the_process_is_a_root_or_left_out_for_a_reason() -> None:
    listed = {name for package in GUIDES for name in listed_state(package)}
    assert listed == {*ROOTS, *LEFT_OUT}


# --- Two orders ---------------------------------------------------------------


def at_the_end(*steps: Callable[[list[lwt.Resolver[int]]], object]) -> bytes:
    """The state of a program in which these steps were made."""
    digests: list[bytes] = []

    async def main() -> None:
        waiting = [lwt.wait() for _ in range(3)]
        promises: list[lwt.Promise[int]] = [promise for promise, _ in waiting]
        resolvers: list[lwt.Resolver[int]] = [resolver for _, resolver in waiting]
        bodies = [lwt.map(lambda value: value + 1, promise) for promise in promises]
        for step in steps:
            step(resolvers)
        await lwt.pause()
        digests.append(STATES.digest(promises, bodies))

    testing.simulate(main)
    return digests[0]


def resolve(which: int) -> Callable[[list[lwt.Resolver[int]]], object]:
    return lambda resolvers: lwt.wakeup(resolvers[which], 7)


def test_the_order_of_steps_that_have_nothing_in_common_does_not_count() -> None:
    assert at_the_end(resolve(0), resolve(1)) == at_the_end(resolve(1), resolve(0))
    assert at_the_end(resolve(0)) != at_the_end(resolve(1))


def sleeping(delay: float) -> Callable[[object], object]:
    return lambda _: lwt_unix.sleep(delay)


def test_the_order_of_timers_counts_only_if_no_choice_is_open() -> None:
    one, other = sleeping(1.0), sleeping(2.0)
    assert at_the_end(one, other) == at_the_end(other, one) != at_the_end(one, one)
