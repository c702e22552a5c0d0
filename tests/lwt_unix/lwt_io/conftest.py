"""A fixture for all tests of channels and servers."""

from collections.abc import Iterator

import pytest

from tests.support.channels import abort_sinks


@pytest.fixture(autouse=True)
def _no_sink_is_left() -> Iterator[None]:
    yield
    abort_sinks()
