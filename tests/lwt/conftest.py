"""Each test starts from a core at rest, and must leave it so."""

import gc
import sys
from collections.abc import Iterator

import pytest

import lwt
from lwt._core.renewal import renew
from lwt._core.resolution import resume
from tests.support.promises import Recorder, check_the_core_is_at_rest


@pytest.fixture(autouse=True)
def _the_core_is_left_at_rest() -> Iterator[None]:
    saved_hook = lwt.async_exception_hook.contents
    yield
    try:
        resume()  # What an exception that left has left over, as the main loop would.
        assert lwt.async_exception_hook.contents is saved_hook
        check_the_core_is_at_rest()
    finally:
        renew()


@pytest.fixture
def nothing_left_over() -> Iterator[None]:
    """Check that the test itself leaves the core at rest, before anything is put in order."""
    yield
    assert lwt.paused_count() == 0
    check_the_core_is_at_rest()


@pytest.fixture
def default_recursion_limit() -> None:
    """Check that nothing has raised the limit of the stack."""
    assert sys.getrecursionlimit() <= 1000


@pytest.fixture
def without_the_collector() -> Iterator[None]:
    """Let objects be freed by their counts alone: to see who does it, or to save half of the time."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def record() -> Recorder:
    """A recorder of events."""
    return Recorder()
