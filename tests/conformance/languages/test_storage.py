"""Storage in programs."""

from __future__ import annotations

from random import Random

import pytest

from tests.conformance.forms import parse
from tests.conformance.languages.listed import LANGUAGES
from tests.conformance.languages.storage import make_under_storage


@pytest.mark.parametrize(
    ("module", "program", "expected"),
    [
        ("Lwt_mutex", "(mutex_lock 0 1)", "1 is 0"),
        ("Lwt_stream", "(of_list 0 0) (get 0)", "result 0 =() c???"),
        ("Lwt_list", "(list map_s 0 0)", "slot 0 gives [] | []"),
        ("Lwt_unix", "(pause 0) (cancel 0)", "p0 fails, Canceled"),
    ],
)
def test_a_line_ends_with_what_is_in_the_storage(module: str, program: str, expected: str) -> None:
    for around, after in (
        ("%s", ""),
        ("(with_value 1 2 %s)", " @ - 2"),
        ("(with_value 0 1 (without_value 0 %s))", ""),
    ):
        assert expected + after in LANGUAGES[module]().run(parse(around % program)).traces[0]


def test_what_is_made_under_storage_has_its_block() -> None:
    made = make_under_storage(Random(0).randrange, "without_value", lambda: [("stop",)])
    assert (made[0], made[2:]) == ("without_value", (("stop",),))
    assert len(make_under_storage(Random(0).randrange, "with_value", list)) == 3
