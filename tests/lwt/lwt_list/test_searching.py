"""Searching and choosing elements: where a search stops, and what it finds."""

from __future__ import annotations

import pytest

import lwt
from lwt import Fail, lwt_list
from tests.support.lists import Calls, call


def test_find_s_rejects_with_lookup_error_when_the_test_holds_of_none() -> None:
    state = lwt.state(lwt_list.find_s(lambda _: lwt.return_false, [1, 2]))
    assert isinstance(state, Fail)
    assert type(state.exception) is LookupError
    assert str(state.exception).startswith("lwt_list.find_s: ")


@pytest.mark.parametrize(
    ("name", "value"), [("for_all_s", False), ("exists_s", True), ("find_s", True)]
)
def test_searches_stop_where_the_answer_is_known(name: str, value: bool) -> None:
    f = Calls()
    result = call(name, f, [1, 2, 3])
    lwt.wakeup(f.resolvers[0], value)
    assert f.elements == [1]
    assert not lwt.is_sleeping(result)


@pytest.mark.parametrize("name", ["filter_map_s", "filter_map_p"])
def test_a_value_that_is_no_option_is_a_rejection(name: str) -> None:
    state = lwt.state(call(name, lambda _: lwt.return_(3), [1]))
    assert isinstance(state, Fail)
    assert "gave 3 (int), not an option" in str(state.exception)
