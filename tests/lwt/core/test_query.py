"""Looking at a promise: `state`, `is_sleeping`, `poll`, `debug_state_is`, with each state."""

from __future__ import annotations

from typing import Any

import pytest

import lwt
from lwt import Promise
from tests.support.promises import A, B, pending

EXCEPTION = A("why")


def proxy_of(inner: Promise[Any]) -> Promise[Any]:
    """Make `inner` a proxy, if it is pending, and return it."""
    trigger, resolver = lwt.wait()
    lwt.bind(trigger, lambda _: inner)
    lwt.wakeup(resolver, None)
    return inner


def proxy_of_fulfilled() -> Promise[Any]:
    promise, resolver = lwt.wait()
    proxy = proxy_of(promise)
    lwt.wakeup(resolver, 3)
    return proxy


def proxy_of_rejected() -> Promise[Any]:
    promise, resolver = lwt.wait()
    proxy = proxy_of(promise)
    lwt.wakeup_exn(resolver, EXCEPTION)
    return proxy


@pytest.mark.parametrize("promise", [lwt.return_(3), proxy_of_fulfilled()], ids=["plain", "proxy"])
def test_a_fulfilled_promise(promise: Promise[Any]) -> None:
    assert lwt.state(promise) == lwt.Return(3)
    assert not lwt.is_sleeping(promise)
    assert lwt.poll(promise) == lwt.Some(3)


@pytest.mark.parametrize(
    "promise", [lwt.fail(EXCEPTION), proxy_of_rejected()], ids=["plain", "proxy"]
)
def test_a_rejected_promise(promise: Promise[Any]) -> None:
    state = lwt.state(promise)
    assert isinstance(state, lwt.Fail)
    assert state.exception is EXCEPTION
    assert not lwt.is_sleeping(promise)
    with pytest.raises(A) as caught:
        lwt.poll(promise)
    assert caught.value is EXCEPTION


@pytest.mark.parametrize(
    "promise", [pending(), lwt.task()[0], proxy_of(pending())], ids=["wait", "task", "proxy"]
)
def test_a_pending_promise(promise: Promise[Any]) -> None:
    assert lwt.state(promise) is lwt.Sleep
    assert lwt.is_sleeping(promise)
    assert lwt.poll(promise) is None


def test_poll_tells_a_promise_of_none_from_a_pending_one() -> None:
    assert lwt.poll(lwt.return_unit) == lwt.Some(None)


def test_a_state_works_in_match() -> None:
    def described(promise: Promise[int]) -> str:
        match lwt.state(promise):
            case lwt.Return(value):
                return f"value {value}"
            case lwt.Fail(exception):
                return f"exception {exception}"
            case lwt.Sleep:
                return "pending"

    assert described(lwt.return_(3)) == "value 3"
    assert described(lwt.fail(EXCEPTION)) == "exception why"
    assert described(pending()) == "pending"


@pytest.mark.parametrize(
    ("expected", "promise", "answer"),
    [
        (lwt.Return(3), lwt.return_(3), True),
        (lwt.Return(4), lwt.return_(3), False),
        (lwt.Fail(A("why")), lwt.fail(EXCEPTION), True),
        (lwt.Fail(A("why else")), lwt.fail(EXCEPTION), False),
        (lwt.Fail(B("why")), lwt.fail(EXCEPTION), False),
        (lwt.Sleep, pending(), True),
        (lwt.Sleep, lwt.return_(3), False),
        (lwt.Return(3), pending(), False),
    ],
)
def test_debug_state_is_compares_states(
    expected: lwt.State[Any], promise: Promise[Any], answer: bool
) -> None:
    assert lwt.state(lwt.debug_state_is(expected, promise)) == lwt.Return(answer)
