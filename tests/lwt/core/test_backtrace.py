"""`backtrace_bind` and its siblings: the location is added to what passes.

What they do with exceptions of their callbacks is in `test_raising_callbacks.py`.
"""

from __future__ import annotations

from typing import Any

import lwt
from lwt import Promise
from tests.support.promises import A, raising, rejected_with


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
