"""Each test starts from a core at rest, and must leave it so."""

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
    check_the_core_is_at_rest()


@pytest.fixture
def record() -> Recorder:
    """A recorder of events."""
    return Recorder()
