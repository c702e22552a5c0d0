"""Nothing is lost when the collector runs in the middle of a function, and finalisers interfere."""

import gc
import sys
from collections.abc import Callable

import pytest

import lwt
from tests.support.collecting import (
    Garbage,
    body,
    finalised,
    for_every_collection,
    weakly_referenced,
)

each_kind = pytest.mark.parametrize("garbage", [body, finalised, weakly_referenced])

# --- The harness itself ------------------------------------------------------


class Thing:
    """An object that the collector tracks."""

    __slots__ = ("value",)


def make_things(kept: list[object]) -> None:
    kept.append(Thing())
    kept.append(Thing())
    kept.append(lambda: kept)
    for _ in range(3):
        kept.append((kept, kept))
    kept.append([])
    kept.append({})


def lines_of(places: list[str], function: Callable[..., object]) -> list[int]:
    """In which lines of a function the places are, counted from its first."""
    first = function.__code__.co_firstlineno
    found = [place.split(", line ") for place in places]
    return [int(line) - first for name, line in found if name == function.__qualname__]


@pytest.mark.no_cover
@each_kind
def test_the_harness_makes_the_collector_run_at_every_allocation(garbage: Garbage) -> None:
    places = for_every_collection(
        list, make_things, lambda kept: None, lambda kept, _: None, garbage
    )
    lines = lines_of(places, make_things)
    if sys.version_info < (3, 12):
        assert lines == [1, 2, 3, 3, 5, 5, 5, 6, 7]  # In line 3, a function and a tuple of it.
    else:  # A little later: when a call has ended, or a loop begins again.
        assert {1, 2, 5} <= set(lines)
        assert lines.count(5) == 3


@each_kind
def test_the_harness_disturbs_before_inside_and_after(garbage: Garbage) -> None:
    seen: list[tuple[bool, int, int]] = []

    def check(subject: list[int], length_inside: int) -> None:
        seen.append((subject[0] == 1, length_inside, len(subject)))

    def prepare() -> list[int]:
        return []

    def operation(subject: list[int]) -> int:
        subject.append(1)
        thing = Thing()
        del thing
        return len(subject)

    for_every_collection(prepare, operation, lambda subject: subject.append(2), check, garbage)
    assert seen[0] == (False, 2, 2)
    assert (True, 2, 2) in seen[1:-1]
    assert seen[-1] == (True, 1, 2)


def test_the_harness_tells_where_the_finaliser_ran() -> None:
    def check(kept: list[object], _: object) -> None:
        assert kept[0] != "disturbed"

    with pytest.raises(AssertionError) as caught:
        for_every_collection(list, make_things, lambda kept: kept.insert(0, "disturbed"), check)
    assert caught.value.__notes__[0].startswith("A finaliser ran in ")


def test_the_harness_lets_what_a_finaliser_raises_fail_the_test() -> None:
    def interfere(_: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        for_every_collection(list, make_things, interfere, lambda kept, _: None)


def test_the_harness_leaves_the_collector_as_it_was() -> None:
    before = gc.isenabled(), gc.get_threshold(), list(gc.callbacks), gc.get_freeze_count()
    for_every_collection(list, make_things, lambda kept: None, lambda kept, _: None)
    assert (gc.isenabled(), gc.get_threshold(), gc.callbacks, gc.get_freeze_count()) == before


# --- lwt ---------------------------------------------------------------------


@each_kind
def test_a_promise_that_is_resolved_while_bind_attaches_to_it_is_not_waited_for_for_ever(
    garbage: Garbage,
) -> None:
    def check(_: object, bound: lwt.Promise[int]) -> None:
        assert lwt.state(bound) == lwt.Return(3)

    for_every_collection(
        lwt.wait,
        lambda pair: lwt.bind(pair[0], lwt.return_),
        lambda pair: lwt.wakeup(pair[1], 3),
        check,
        garbage,
    )
