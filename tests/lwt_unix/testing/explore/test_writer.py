"""What of functions is written: the variables that their code names."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.support.builds import interpreted_only
from tests.support.states import written

pytestmark = interpreted_only("what classes that are compiled hold cannot be seen")


def closing_over(value: object) -> Callable[[], object]:
    return lambda: value


counter = 0


def counting() -> None:
    global counter
    counter += 1


def test_the_global_variables_that_code_names_count() -> None:
    global counter
    counter = 0
    before, other = written(counting), written(closing_over(1))
    counting()
    assert written(counting) != before
    assert written(closing_over(1)) == other


def test_the_state_of_modules_that_code_names_counts() -> None:
    def draws() -> float:
        return random.random()

    random.seed(1)
    before = written(draws)
    random.random()
    assert written(draws) != before
