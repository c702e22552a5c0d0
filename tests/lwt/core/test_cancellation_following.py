"""How far cancelling goes: `protected`, `no_cancel`, `wrap_in_cancelable`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import lwt
from lwt import Promise
from tests.support.promises import A, Recorder, is_canceled, pending, rejected_with

# protected


def test_cancelling_a_protected_promise_does_not_cancel_what_it_follows() -> None:
    task, resolver = lwt.task()
    promise = lwt.protected(task)
    lwt.cancel(promise)
    assert is_canceled(promise)
    assert lwt.is_sleeping(task)
    lwt.wakeup(resolver, 1)
    assert is_canceled(promise)


def test_a_protected_promise_can_be_cancelled_also_if_what_it_follows_cannot() -> None:
    promise = lwt.protected(pending())
    lwt.cancel(promise)
    assert is_canceled(promise)


# no_cancel


def test_cancelling_does_not_reach_a_promise_of_no_cancel_nor_beyond() -> None:
    task, resolver = lwt.task()
    promise = lwt.no_cancel(task)
    lwt.cancel(promise)
    assert lwt.is_sleeping(promise)
    assert lwt.is_sleeping(task)
    lwt.wakeup(resolver, 1)
    assert lwt.state(promise) == lwt.Return(1)


# wrap_in_cancelable


def test_wrap_in_cancelable_rejects_at_once_and_cancels_what_it_follows(record: Recorder) -> None:
    task, _ = lwt.task()
    promise = lwt.wrap_in_cancelable(task)
    for name, watched in (("task", task), ("wrapped", promise)):
        lwt.on_cancel(watched, record.on(f"{name} is cancelled"))
        lwt.on_failure(watched, record.on(f"{name} fails"))
    lwt.cancel(promise)
    assert record.events == [
        "wrapped is cancelled",
        "task is cancelled",
        "task fails",
        "wrapped fails",
    ]


def test_wrap_in_cancelable_makes_an_uncancelable_promise_cancelable(
    reported: list[Exception],
) -> None:
    waiting, resolver = lwt.wait()
    promise = lwt.wrap_in_cancelable(waiting)
    lwt.cancel(promise)
    assert is_canceled(promise)
    assert lwt.is_sleeping(waiting)
    lwt.wakeup(resolver, 1)
    assert is_canceled(promise)
    assert reported == []


FOLLOWING = {
    "protected": lwt.protected,
    "no_cancel": lwt.no_cancel,
    "wrap_in_cancelable": lwt.wrap_in_cancelable,
}


each_following = pytest.mark.parametrize("follow", FOLLOWING.values(), ids=FOLLOWING)


Follow = Callable[[Promise[Any]], Promise[Any]]


# What protected, no_cancel and wrap_in_cancelable have in common


@each_following
@pytest.mark.parametrize("promise", [lwt.return_(1), lwt.fail(A())], ids=["fulfilled", "rejected"])
def test_a_resolved_promise_is_followed_by_itself(follow: Follow, promise: Promise[int]) -> None:
    assert follow(promise) is promise


@each_following
def test_what_follows_a_pending_promise_is_another_promise(follow: Follow) -> None:
    promise = pending()
    assert follow(promise) is not promise


@each_following
def test_what_follows_is_fulfilled_as_the_promise_is(follow: Follow) -> None:
    promise, resolver = lwt.task()
    following = follow(promise)
    lwt.wakeup(resolver, 1)
    assert lwt.state(following) == lwt.Return(1)


@each_following
def test_what_follows_is_rejected_as_the_promise_is(follow: Follow) -> None:
    promise, resolver = lwt.task()
    following = follow(promise)
    exception = A()
    lwt.wakeup_exn(resolver, exception)
    assert rejected_with(following) is exception


@each_following
def test_what_follows_is_cancelled_with_the_promise(follow: Follow) -> None:
    promise, _ = lwt.task()
    following = follow(promise)
    lwt.cancel(promise)
    assert is_canceled(following)


@each_following
@pytest.mark.parametrize("promise_comes_first", [False, True])
def test_one_cancel_may_find_both_a_promise_and_what_follows_it(
    follow: Follow, promise_comes_first: bool
) -> None:
    """OCaml takes what `protected` made for pending still, if it was found first, and crashes."""
    promise, _ = lwt.task()
    following = follow(promise)
    both = [promise, following] if promise_comes_first else [following, promise]
    joined = lwt.join(both)
    lwt.cancel(joined)
    assert [is_canceled(p) for p in (promise, following, joined)] == [True, True, True]


@pytest.mark.parametrize("follow", [lwt.protected, lwt.wrap_in_cancelable])
def test_a_cancelled_follower_is_not_resolved_once_more_by_what_it_follows(
    follow: Follow, record: Recorder
) -> None:
    promise, _ = lwt.task()
    lwt.on_termination(promise, record.on("promise"))
    following = follow(promise)
    lwt.on_termination(following, record.on("following"))
    lwt.cancel(lwt.join([following, promise]))
    assert record.events == ["promise", "following"]


@each_following
def test_callbacks_of_what_follows_run_where_it_was_attached(
    follow: Follow, record: Recorder
) -> None:
    promise, resolver = lwt.task()
    lwt.on_termination(promise, record.on("attached before"))
    lwt.on_termination(follow(promise), record.on("following"))
    lwt.on_termination(promise, record.on("attached after"))
    lwt.wakeup(resolver, None)
    assert record.events == ["attached after", "following", "attached before"]


@each_following
def test_what_follows_may_become_one_with_another_promise(follow: Follow) -> None:
    promise, resolver = lwt.task()
    following = follow(promise)
    trigger, trigger_resolver = lwt.wait()
    outer = lwt.bind(trigger, lambda _: following)
    lwt.wakeup(trigger_resolver, None)
    lwt.wakeup(resolver, 1)
    assert lwt.state(outer) == lwt.Return(1)


@pytest.mark.parametrize("follow", [lwt.protected, lwt.wrap_in_cancelable])
def test_a_cancelable_follower_is_cancelled_through_what_it_became_one_with(
    follow: Follow,
) -> None:
    promise, resolver = lwt.wait()
    following = follow(promise)
    trigger, trigger_resolver = lwt.wait()
    outer = lwt.bind(trigger, lambda _: following)
    lwt.wakeup(trigger_resolver, None)
    lwt.cancel(outer)
    assert is_canceled(outer)
    assert is_canceled(following)
    lwt.wakeup(resolver, 1)
    assert is_canceled(outer)
