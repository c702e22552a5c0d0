"""The soak of the chat server, a little of it."""

from __future__ import annotations

import gc
import random
import tracemalloc

import pytest

from tests.soak import chat
from tests.soak.chat import Round, Visit, Wrong


@pytest.mark.parametrize("seed", range(2))
def test_a_round_ends_well_whatever_is_broken(seed: int) -> None:
    round = chat.run_round(seed, 15.0)
    assert round.operations > 1_000
    assert round.broken > 0


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_rounds_leave_no_memory_behind() -> None:
    chat.run_round(1, 5.0)
    tracemalloc.start()
    try:
        sizes = []
        for seed in (2, 3, 5):
            chat.run_round(seed, 5.0)
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert sizes[-1] - sizes[0] < 100_000


def visit() -> Visit:
    return Visit(Round(0), "visitor-1", random.Random(0))


def test_a_line_that_is_left_out_is_noticed() -> None:
    listener = visit()
    listener.check(b"guest3: 4 by visitor-2!")
    listener.check(b"* guest9 has come.")
    listener.check(b"guest4: 9 by visitor-5!")
    listener.check(b"guest3: 5 by visitor-2!")
    with pytest.raises(Wrong, match="after line 5 of this guest"):
        listener.check(b"guest3: 7 by visitor-2!")


def test_only_the_last_line_of_a_guest_may_be_cut() -> None:
    listener = visit()
    listener.check(b"guest3: 4 by visitor-2!")
    listener.check(b"guest3: 5 by visi")
    with pytest.raises(Wrong, match="after line inf"):
        listener.check(b"guest3: 6 by visitor-2!")


def test_a_line_that_nobody_says_is_noticed() -> None:
    with pytest.raises(Wrong, match="which nobody says"):
        visit().check(b"uest3: 4 by visitor-2!")
