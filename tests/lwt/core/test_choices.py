"""Choices that Lwt leaves open: which of several resolved promises `choose` and `pick` take."""

from __future__ import annotations

import pytest

import lwt
from tests.support.promises import A, B, Waiting, pending, rejected_with


@pytest.mark.parametrize("wait_for", [lwt.choose, lwt.pick])
def test_every_fulfilled_promise_may_be_chosen(wait_for: Waiting) -> None:
    promises = [lwt.return_(1), pending(), lwt.return_(2), lwt.return_(3)]
    chosen = set()
    for seed in range(50):
        lwt.prng.seed(seed)
        chosen.add(lwt.poll(wait_for(promises)))
    assert chosen == {lwt.Some(1), lwt.Some(2), lwt.Some(3)}


@pytest.mark.parametrize("wait_for", [lwt.choose, lwt.pick])
def test_a_rejected_promise_is_chosen_before_fulfilled_ones_and_each_rejected_one_may_be(
    wait_for: Waiting,
) -> None:
    exceptions = [A(), B()]
    promises = [
        lwt.return_(1),
        lwt.fail(exceptions[0]),
        lwt.return_(2),
        pending(),
        lwt.fail(exceptions[1]),
    ]
    chosen = set()
    for seed in range(50):
        lwt.prng.seed(seed)
        chosen.add(rejected_with(wait_for(promises)))
    assert chosen == set(exceptions)


@pytest.mark.parametrize("wait_for", [lwt.choose, lwt.pick])
def test_the_same_seed_chooses_the_same(wait_for: Waiting) -> None:
    promises = [lwt.return_(number) for number in range(10)]

    def chosen() -> list[object]:
        lwt.prng.seed(7)
        return [lwt.poll(wait_for(promises)) for _ in range(20)]

    first = chosen()
    assert first == chosen()
    assert len({repr(value) for value in first}) > 1


@pytest.mark.parametrize("wait_for", [lwt.nchoose, lwt.npick, lwt.nchoose_split, lwt.join, lwt.all])
def test_functions_that_need_no_choice_do_not_draw(wait_for: Waiting) -> None:
    state = lwt.prng.getstate()
    wait_for([lwt.return_(1), lwt.return_(2)])
    lwt.choose([lwt.return_(1), pending()])
    lwt.pick([lwt.fail(A()), lwt.return_(1)])
    assert lwt.prng.getstate() == state
