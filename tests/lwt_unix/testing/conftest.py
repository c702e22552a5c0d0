"""Fixtures for tests of what is for tests."""

import gc

import pytest


@pytest.fixture(autouse=True)
def _what_was_frozen_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let reports leave out what the whole suite has frozen, which they would have to search.

    What the tests of this folder look at was made after that. `test_heap.py` looks at frozen things, in a process of its own.
    """
    monkeypatch.setattr(gc, "get_freeze_count", lambda: 0)
