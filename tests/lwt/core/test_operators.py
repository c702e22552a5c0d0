"""The operators of promises: `>>`, `|`, `&`, `^`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import lwt
from lwt import Promise
from tests.support.promises import A, Recorder, pending, raising, rejected_with

pytestmark = pytest.mark.usefixtures("nothing_left_over")


def test_the_operator_of_bind() -> None:
    assert lwt.state(lwt.return_(20) >> (lambda x: lwt.return_(x + 1))) == lwt.Return(21)


def test_the_operator_of_bind_raises_where_bind_does() -> None:
    with pytest.raises(A):
        lwt.return_unit >> raising(A())


def test_the_operator_of_map() -> None:
    assert lwt.state(lwt.return_(20) | (lambda x: x + 1)) == lwt.Return(21)


def test_the_operator_of_map_rejects_where_map_does() -> None:
    exception = A()
    assert rejected_with(lwt.return_unit | raising(exception)) is exception


def test_the_operator_of_join() -> None:
    (first, first_resolver), (second, second_resolver) = lwt.wait(), lwt.wait()
    joined = first & second
    lwt.wakeup(first_resolver, None)
    assert lwt.is_sleeping(joined)
    lwt.wakeup(second_resolver, None)
    assert lwt.state(joined) == lwt.Return(None)


def test_the_operator_of_choose() -> None:
    promise, resolver = lwt.wait()
    chosen = pending() ^ promise
    lwt.wakeup(resolver, 1)
    assert lwt.state(chosen) == lwt.Return(1)


def test_the_operators_of_bind_and_map_make_chains_that_read_from_left_to_right(
    record: Recorder,
) -> None:
    promise, resolver = lwt.wait()
    chain: Promise[Any] = (promise >> (lambda x: lwt.return_(x + 1))) | (lambda x: 2 * x)
    lwt.on_success(chain, lambda value: record(f"{value}"))
    lwt.wakeup(resolver, 20)
    assert record.events == ["42"]


def test_shift_is_bind() -> None:
    promise, resolver = lwt.wait()
    result = promise >> (lambda text: lwt.return_(text + "!"))
    assert lwt.is_sleeping(result)
    lwt.wakeup(resolver, "now")
    assert lwt.state(result) == lwt.Return("now!")


def test_shift_raises_what_the_callback_raises_at_once() -> None:
    def fail(_: None) -> lwt.Promise[None]:
        raise KeyError("k")

    with pytest.raises(KeyError, match="k"):
        lwt.return_unit >> fail


def test_bar_is_map() -> None:
    promise, resolver = lwt.wait()
    result = promise | len
    lwt.wakeup(resolver, "four")
    assert lwt.state(result) == lwt.Return(4)


def test_bar_and_shift_chain_from_left_to_right() -> None:
    # `|` binds less tightly than `>>`, unlike in OCaml where both are alike.
    chained = (lwt.return_(1) | (lambda x: x + 1)) >> (lambda x: lwt.return_(x * 10))
    assert lwt.state(chained) == lwt.Return(20)
    assert lwt.state(lwt.return_(1) >> lwt.return_ | str) == lwt.Return("1")


def test_ampersand_is_join() -> None:
    promise, resolver = lwt.wait()
    together = lwt.return_(1) & promise
    assert lwt.is_sleeping(together)
    lwt.wakeup(resolver, "now")
    assert lwt.state(together) == lwt.Return(None)


def test_ampersand_waits_for_both_even_if_one_is_rejected() -> None:
    promise, resolver = lwt.wait()
    together = lwt.fail(KeyError("k")) & promise
    assert lwt.is_sleeping(together)
    lwt.wakeup(resolver, "now")
    assert lwt.state(together) == lwt.Fail(KeyError("k"))


def test_caret_is_choose() -> None:
    first, _ = lwt.wait()
    second, resolver = lwt.wait()
    either = first ^ second
    lwt.wakeup(resolver, "second")
    assert lwt.state(either) == lwt.Return("second")
    assert lwt.is_sleeping(first)


@pytest.mark.parametrize("value", [3, None, "text"])
def test_an_operator_with_a_wrong_operand_raises(value: Any) -> None:
    promise: Promise[int] = pending()
    operations: list[Callable[[], object]] = [
        lambda: promise >> value,
        lambda: promise | value,
        lambda: promise & value,
        lambda: promise ^ value,
        lambda: value >> promise,
        lambda: value & promise,
    ]
    for operate in operations:
        with pytest.raises(TypeError):
            operate()
    assert promise._callbacks is None
