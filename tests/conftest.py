"""What every test shares: how hypothesis searches, what counts for coverage, fixtures.

Three profiles. `ci` draws the same examples each time, so that a red run is
red again; `dev`, the default outside CI, draws new ones; `thorough` is for
`make soak`. No example has a deadline: a busy machine is not a failure.
"""

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from lwt_unix.testing._waiting import heap
from tests.support.promises import exceptions_reported

settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("dev", deadline=None)
settings.register_profile("thorough", deadline=None, max_examples=5_000)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

# A shell starts its jobs in the background with SIGINT ignored, and so does cron. Python then leaves it
# so, and each program that a test starts inherits it: no Ctrl-C of a test would have any effect.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let only the quick tests in `lwt/` and `lwt_unix/`, and of copying, count for coverage.

    These show one behaviour each, and reach the same lines in every run, which a random search
    does not. Tracing makes a test up to ten times as slow, so the others run without.
    """
    mirrors = [Path(__file__).parent / name for name in ("lwt", "lwt_unix", "test_copying.py")]
    for item in items:
        counts = any(item.path.is_relative_to(folder) for folder in mirrors)
        if not counts or item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.no_cover)


def pytest_collection_finish() -> None:
    """Take all that exists by now out of the collector's sight: ten thousand tests are much.

    Many tests let the collector run. Each time, it would go over all of that. Reports on who waits for whom would
    search what was frozen; but what they are to tell of is made in a test. `test_heap.py` has frozen things found, in processes of their own.
    """
    _freeze()
    heap.Heap._find_frozen = lambda _: []  # type: ignore[method-assign, assignment]


@pytest.fixture(autouse=True, scope="module")
def _what_tests_leave_is_frozen() -> Iterator[None]:
    """Take what pytest keeps of the tests of a file out of the collector's sight, too."""
    yield
    _freeze()


def _freeze() -> None:
    gc.collect()
    gc.freeze()


@pytest.fixture
def reported() -> Iterator[list[Exception]]:
    """What goes to `async_exception_hook` during the test."""
    with exceptions_reported() as exceptions:
        yield exceptions
