"""`catch`, `try_bind` and `finalize`: what they return, and when they call what.

What they do with exceptions of their callbacks is in `test_raising_callbacks.py`; what becomes one
with the promise of a callback, in `test_sequential.py`.
"""

from __future__ import annotations

from typing import Any

import pytest

import lwt
from lwt import Promise
from tests.support.promises import A, B, Recorder, is_canceled, pending, rejected_with


def test_catch_returns_a_fulfilled_promise_as_it_is() -> None:
    promise = lwt.return_(1)
    assert lwt.catch(lambda: promise, lwt.fail) is promise


def test_catch_hands_the_exception_to_its_handler() -> None:
    promise, resolver = lwt.wait()
    exception = A()
    handled = lwt.catch(lambda: promise, lambda exn: lwt.return_([exn]))
    lwt.wakeup_exn(resolver, exception)
    assert lwt.state(handled) == lwt.Return([exception])


def test_catch_handles_cancelling() -> None:
    promise, _ = lwt.task()
    handled = lwt.catch(lambda: promise, lambda exn: lwt.return_(type(exn)))
    lwt.cancel(handled)
    assert is_canceled(promise)
    assert lwt.state(handled) == lwt.Return(lwt.Canceled)


def test_finalize_cleans_up_before_its_promise_is_resolved(record: Recorder) -> None:
    promise, resolver = lwt.wait()
    cleanup, cleanup_resolver = lwt.wait()
    finalized = lwt.finalize(lambda: promise, record.then("cleanup", cleanup))
    lwt.on_success(finalized, record.on("done"))
    lwt.wakeup(resolver, 1)
    assert (record.events, lwt.state(finalized)) == (["cleanup"], lwt.Sleep)
    lwt.wakeup(cleanup_resolver, 2)
    assert (record.events, lwt.state(finalized)) == (["cleanup", "done"], lwt.Return(1))


def test_finalize_keeps_the_rejection_that_waited_for_the_cleanup() -> None:
    cleanup, cleanup_resolver = lwt.wait()
    exception = A()
    finalized = lwt.finalize(lambda: lwt.fail(exception), lambda: cleanup)
    lwt.wakeup(cleanup_resolver, None)
    assert rejected_with(finalized) is exception


def test_finalize_prefers_the_exception_of_the_cleanup() -> None:
    exception = B()
    finalized = lwt.finalize(lambda: lwt.fail(A()), lambda: lwt.fail(exception))
    assert rejected_with(finalized) is exception


def test_try_bind_goes_on_with_the_value_or_with_the_exception() -> None:
    def tried(promise: Promise[int]) -> Promise[str]:
        return lwt.try_bind(
            lambda: promise,
            lambda value: lwt.return_(f"value {value}"),
            lambda exception: lwt.return_(f"exception {exception}"),
        )

    assert lwt.state(tried(lwt.return_(1))) == lwt.Return("value 1")
    assert lwt.state(tried(lwt.fail(A("x")))) == lwt.Return("exception x")


def test_the_functions_given_to_catch_finalize_and_try_bind_are_called_at_once(
    record: Recorder,
) -> None:
    lwt.catch(record.then("catch", pending()), lwt.fail)
    lwt.finalize(record.then("finalize", pending()), lambda: lwt.return_unit)
    lwt.try_bind(record.then("try_bind", pending()), lwt.return_, lwt.fail)
    assert record.events == ["catch", "finalize", "try_bind"]


def test_what_is_no_exception_is_not_raised_again() -> None:
    wrong: Any = 3
    with pytest.raises(TypeError, match=r"^exceptions must derive from BaseException$"):
        lwt.reraise(wrong)
