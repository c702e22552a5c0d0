"""Iterating, mapping and folding: what differs from one function to the other."""

from __future__ import annotations

from functools import partial

import pytest

import lwt
from lwt import Fail, Promise, Sleep
from tests.support.lists import Calls, call
from tests.support.promises import A


def test_fold_right_s_calls_the_function_on_the_last_element_first() -> None:
    f = Calls()
    call("fold_right_s", f, [1, 2])
    lwt.wakeup(f.resolvers[0], None)
    assert f.elements == [2, 1]


def test_rev_map_p_attaches_to_a_promise_before_the_next_call_and_map_p_after_all() -> None:
    """A callback that is attached later runs earlier: so OCaml lets one tell."""
    events: list[str] = []

    def see_result(name: str, _: object) -> None:
        events.append(f"{name}: result")

    for name in "rev_map_p", "map_p":
        promise, resolver = lwt.wait()

        def f(x: int, promise: Promise[int] = promise, name: str = name) -> Promise[int]:
            if x == 2:
                lwt.on_success(promise, lambda _: events.append(f"{name}: callback of f"))
                return lwt.return_(2)
            return promise

        result = call(name, f, [1, 2])
        lwt.on_success(result, partial(see_result, name))
        lwt.wakeup(resolver, 1)
    assert events == [
        "rev_map_p: callback of f",
        "rev_map_p: result",
        "map_p: result",
        "map_p: callback of f",
    ]


@pytest.mark.parametrize("name", ["iter_p", "iteri_p"])
def test_iter_p_waits_for_all_after_a_rejection_and_gives_the_last_that_was_there(
    name: str,
) -> None:
    pending, resolver = lwt.wait()
    promises = [lwt.fail(A(1)), lwt.fail(A(2)), pending]
    result = call(name, lambda x: promises[x], [0, 1, 2])
    assert lwt.state(result) is Sleep
    lwt.wakeup(resolver, None)
    assert lwt.state(result) == Fail(A(2))
