"""Options, results and states, as plain values."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

import lwt
from tests.support.promises import A, B

HOLDERS: list[Any] = [lwt.Some, lwt.Ok, lwt.Error, lwt.Return]


VALUES: list[Any] = [
    lwt.Some(1),
    lwt.Ok(1),
    lwt.Error("bad"),
    lwt.Return(1),
    lwt.Fail(A("why")),
    lwt.Sleep,
]


def test_some_none_is_not_none() -> None:
    assert lwt.Some(None) is not None
    assert lwt.Some(None) != None  # noqa: E711  # equality is what is tested


def test_layers_of_options_stay_apart() -> None:
    two_layers: object = lwt.Some(lwt.Some(1))
    assert two_layers != lwt.Some(1)


@pytest.mark.parametrize("holder", HOLDERS)
def test_values_are_equal_if_what_they_hold_is_equal(holder: Any) -> None:
    assert holder([1]) == holder([1])
    assert holder(1) != holder(2)
    assert holder(1) != 1


def test_values_of_different_kinds_are_different_whatever_they_hold() -> None:
    holders = [holder(1) for holder in HOLDERS]
    equal = [(a, b) for a in holders for b in holders if a == b and a is not b]
    assert equal == []


@pytest.mark.parametrize("holder", [lwt.Error, lwt.Fail])
def test_exceptions_that_are_held_are_compared_by_type_and_arguments(holder: Any) -> None:
    assert holder(A("x")) == holder(A("x"))
    assert hash(holder(A("x"))) == hash(holder(A("x")))
    assert holder(A("x")) != holder(A("y"))
    assert holder(A("x")) != holder(B("x"))


def test_an_error_and_a_failed_state_of_one_exception_are_different() -> None:
    assert lwt.Error(A()) != lwt.Fail(A())


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_values_can_be_keys_of_a_dictionary(value: Any) -> None:
    assert {value: "found"}[copy.copy(value)] == "found"


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_values_survive_pickle_and_copy(value: Any) -> None:
    assert pickle.loads(pickle.dumps(value)) == value
    assert copy.deepcopy(value) == value


def test_sleep_stays_the_one_value_through_pickle_and_copy() -> None:
    assert pickle.loads(pickle.dumps(lwt.Sleep)) is lwt.Sleep
    assert copy.deepcopy(lwt.Sleep) is lwt.Sleep


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (lwt.Some(1), "Some(1)"),
        (lwt.Some(None), "Some(None)"),
        (lwt.Ok("x"), "Ok('x')"),
        (lwt.Error(A("why")), "Error(A('why'))"),
        (lwt.Return([1]), "Return([1])"),
        (lwt.Fail(A("why")), "Fail(A('why'))"),
        (lwt.Sleep, "Sleep"),
    ],
)
def test_the_repr_is_how_the_value_is_written(value: object, text: str) -> None:
    assert repr(value) == text


@pytest.mark.parametrize("value", [value for value in VALUES if value is not lwt.Sleep], ids=repr)
def test_values_cannot_be_changed(value: Any) -> None:
    (field,) = value.__match_args__
    with pytest.raises(FrozenInstanceError):
        setattr(value, field, 2)


def test_options_work_in_match() -> None:
    def described(option: lwt.Some[int] | None) -> str:
        match option:
            case lwt.Some(value):
                return f"some {value}"
            case None:
                return "none"

    assert [described(lwt.Some(1)), described(None)] == ["some 1", "none"]


def test_results_work_in_match() -> None:
    def described(result: lwt.Ok[int] | lwt.Error[str]) -> str:
        match result:
            case lwt.Ok(value):
                return f"ok {value}"
            case lwt.Error(error):
                return f"error {error}"

    assert [described(lwt.Ok(1)), described(lwt.Error("bad"))] == ["ok 1", "error bad"]
