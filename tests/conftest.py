"""What every test shares: how hypothesis searches, and what `async_exception_hook` gets.

Three profiles. `ci` draws the same examples each time, so that a red run is
red again; `dev`, the default outside CI, draws new ones; `thorough` is for
`make soak`. No example has a deadline: a busy machine is not a failure.
"""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.support.promises import exceptions_reported

settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("dev", deadline=None)
settings.register_profile("thorough", deadline=None, max_examples=5_000)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.fixture
def reported() -> Iterator[list[Exception]]:
    """What goes to `async_exception_hook` during the test."""
    with exceptions_reported() as exceptions:
        yield exceptions
