"""The operators, the nested modules, and the functions for syntax extensions."""

from __future__ import annotations

from typing import Any

import pytest

import lwt
from lwt import Promise
from tests.support.promises import A, Recorder, pending, raising, rejected_with


def test_types_have_two_names() -> None:
    assert (lwt.t, lwt.u, lwt.key) == (lwt.Promise, lwt.Resolver, lwt.Key)


# Operators


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


# Let_syntax


def test_let_syntax_binds_maps_and_joins_with_a_label() -> None:
    syntax = lwt.Let_syntax.Let_syntax
    assert lwt.state(syntax.return_(1)) == lwt.Return(1)
    assert lwt.state(syntax.map(lwt.return_(1), f=str)) == lwt.Return("1")
    assert lwt.state(syntax.bind(lwt.return_(1), f=lwt.return_some)) == lwt.Return(lwt.Some(1))
    assert lwt.state(syntax.both(lwt.return_(1), lwt.return_(2))) == lwt.Return((1, 2))


def test_infix_holds_the_same_let_syntax() -> None:
    assert lwt.Infix.Let_syntax is lwt.Let_syntax.Let_syntax


# backtrace_*: with the location added to what passes, see also test_raising_callbacks.py


def test_the_location_is_added_once_for_each_function_that_an_exception_passes() -> None:
    promise, resolver = lwt.wait()
    passed: list[str] = []

    def located(name: str) -> Promise[Any]:
        def add_location(exception: Exception) -> Exception:
            passed.append(name)
            return exception

        return lwt.backtrace_bind("file.ml", 1, add_location, promise, lwt.return_)

    exception = A()
    located_promises = [located("first"), located("second")]
    lwt.wakeup_exn(resolver, exception)
    assert passed == ["second", "first"]
    assert [rejected_with(p) is exception for p in located_promises] == [True, True]


def test_finalize_adds_the_location_after_the_cleaning_up_too() -> None:
    promise, resolver = lwt.wait()
    events: list[str] = []

    def add_location(exception: Exception) -> Exception:
        events.append("add the location")
        return exception

    def clean_up() -> Promise[None]:
        events.append("clean up")
        return lwt.return_unit

    lwt.backtrace_finalize("", 0, add_location, lambda: promise, clean_up)
    lwt.wakeup_exn(resolver, A())
    events.append("--")
    lwt.backtrace_finalize("", 0, add_location, lambda: lwt.fail(A()), clean_up)
    once_pending = ["clean up", "add the location"]
    at_once = ["add the location", "clean up", "add the location"]
    assert events == [*once_pending, "--", *at_once]


def test_the_location_is_not_asked_for_when_nothing_fails() -> None:
    def values(promise: Promise[int]) -> list[lwt.State[Any]]:
        add_location = raising(A())
        return [
            lwt.state(result)
            for result in (
                lwt.backtrace_bind("", 0, add_location, promise, lwt.return_),
                lwt.backtrace_catch("", 0, add_location, lambda: promise, lwt.fail),
                lwt.backtrace_try_bind("", 0, add_location, lambda: promise, lwt.return_, lwt.fail),
                lwt.backtrace_finalize(
                    "", 0, add_location, lambda: promise, lambda: lwt.return_unit
                ),
            )
        ]

    assert values(lwt.return_(1)) == [lwt.Return(1)] * 4
