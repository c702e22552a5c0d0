"""What of the library's own objects is written otherwise than it is."""

from __future__ import annotations

import pytest

from lwt_unix.testing._explore.views import VIEWS
from tests.support.builds import interpreted_only
from tests.support.modules import attributes_of

pytestmark = interpreted_only("what classes that are compiled hold cannot be seen")


@pytest.mark.parametrize(("holder", "name"), VIEWS, ids=str)
def test_what_is_written_otherwise_than_it_is_exists(holder: type, name: str) -> None:
    if name not in attributes_of(holder):
        source = holder.__init__.__code__.co_names  # type: ignore[misc]
        assert name in source
