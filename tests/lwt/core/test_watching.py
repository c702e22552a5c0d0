"""`on_success`, `on_failure`, `on_termination`, `on_any`: what they get, and what they ignore.

Their exceptions are in `test_raising_callbacks.py`, their order in `test_resolution.py`.
"""

from __future__ import annotations

import lwt
from tests.support.promises import A, B, Recorder, raising


def test_on_success_on_failure_and_on_any_get_what_the_promise_holds() -> None:
    seen: list[object] = []
    exception = A()
    promise, resolver = lwt.wait()
    failing, failing_resolver = lwt.wait()
    for fulfilled, rejected in ((lwt.return_(1), lwt.fail(exception)), (promise, failing)):
        lwt.on_success(fulfilled, seen.append)
        lwt.on_any(fulfilled, seen.append, raising(B()))
        lwt.on_failure(rejected, seen.append)
        lwt.on_any(rejected, raising(B()), seen.append)
    assert seen == [1, 1, exception, exception]
    lwt.wakeup(resolver, 2)
    lwt.wakeup_exn(failing_resolver, exception)
    assert seen[4:] == [2, 2, exception, exception]


def test_on_success_is_silent_about_a_rejection_and_on_failure_about_a_value() -> None:
    seen: list[object] = []
    promise, resolver = lwt.wait()
    failing, failing_resolver = lwt.wait()
    for fulfilled, rejected in ((lwt.return_(1), lwt.fail(A())), (promise, failing)):
        lwt.on_success(rejected, seen.append)
        lwt.on_failure(fulfilled, seen.append)
    lwt.wakeup(resolver, 2)
    lwt.wakeup_exn(failing_resolver, A())
    assert seen == []


def test_on_termination_calls_its_function_without_arguments_either_way(record: Recorder) -> None:
    promise, resolver = lwt.wait()
    lwt.on_termination(promise, lambda: record("fulfilled later"))
    lwt.on_termination(lwt.return_(1), lambda: record("fulfilled already"))
    lwt.on_termination(lwt.fail(A()), lambda: record("rejected already"))
    lwt.wakeup(resolver, 2)
    assert record.events == ["fulfilled already", "rejected already", "fulfilled later"]
