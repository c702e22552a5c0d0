"""Fixtures for tests of what is for tests."""

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _what_was_frozen_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let reports leave out what the whole suite has frozen, which they would have to search.

    What the tests of this folder look at was made after that. `test_heap.py` looks at frozen things, in a process of its own.
    A run in a world then takes nothing for frozen, and unfreezes all of it at its end. So it is frozen again: otherwise the
    collector would look at ten thousand tests from then on, and reports would take twenty seconds each.
    """
    monkeypatch.setattr(gc, "get_freeze_count", lambda: 0)
    yield
    gc.freeze()
