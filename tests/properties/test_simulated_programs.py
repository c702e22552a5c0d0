"""Random programs in a simulated world: with what Hypothesis draws, and with seeds.

`python -m tests.properties.simulated_programs` runs them with as many seeds as are wanted.
"""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lwt_unix import testing
from tests.properties.simulated_programs import PROGRAMS, checked, run_with_seed

each_program = pytest.mark.parametrize("name", PROGRAMS)


@pytest.mark.slow
@each_program
def test_with_seeds_nothing_is_wrong(name: str) -> None:
    for seed in range(60):
        run_with_seed(PROGRAMS[name], seed)


@each_program
@settings(
    max_examples=10, suppress_health_check=[HealthCheck.large_base_example, HealthCheck.too_slow]
)
@given(chance=st.randoms(use_true_random=False))
@testing.simulated(may_leave={"rejections"})  # A program leaves promises that it has cut short.
async def test_with_what_hypothesis_draws_nothing_is_wrong(
    name: str, chance: random.Random
) -> None:
    await checked(PROGRAMS[name], chance)
