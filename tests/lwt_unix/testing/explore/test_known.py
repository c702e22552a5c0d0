"""What counts as code, and what may change."""

from __future__ import annotations

from tests.support.builds import interpreted_only
from tests.support.states import written

pytestmark = interpreted_only("what classes that are compiled hold cannot be seen")


class Counted:
    total = 0


def test_attributes_of_the_classes_of_a_program_count() -> None:
    before = written(Counted())
    Counted.total += 1
    assert written(Counted()) != before
    Counted.total -= 1
    assert written(Counted()) == before
