"""How the storage follows a computation, and what each callback leaves to others."""

from __future__ import annotations

from functools import partial

import pytest

import lwt
from lwt import Promise
from tests.support.promises import A, Recorder, pending, raising
from tests.support.storage import as_user, user


def interrupt(_: object) -> None:
    raise KeyboardInterrupt


def test_the_storage_follows_a_chain_of_callbacks(record: Recorder) -> None:
    promise, resolver = lwt.wait()

    def first(_: object) -> Promise[None]:
        record(f"first {user()}")
        return lwt.return_unit

    def second(_: object) -> Promise[None]:
        record(f"second {user()}")
        return lwt.return_unit

    as_user("ada", lambda: lwt.bind(lwt.bind(promise, first), second))
    lwt.wakeup(resolver, None)
    assert record.events == ["first ada", "second ada"]
    assert user() == "nobody"


def test_what_a_callback_attaches_inherits_what_the_callback_sees(record: Recorder) -> None:
    promise, resolver = lwt.wait()
    later, later_resolver = lwt.wait()

    def callback(_: object) -> Promise[None]:
        return lwt.map(lambda _: record(user()), later)

    as_user("ada", lambda: lwt.bind(promise, callback))
    lwt.wakeup(resolver, None)
    as_user("bob", lambda: lwt.wakeup(later_resolver, None))
    assert record.events == ["ada"]


def test_each_callback_of_a_promise_has_its_own_storage(record: Recorder) -> None:
    promise, resolver = lwt.wait()

    def attach() -> None:
        lwt.on_success(promise, lambda _: record(user()))

    attach()
    as_user("ada", attach)
    attach()
    as_user("bob", attach)
    as_user("resolving", lambda: lwt.wakeup(resolver, None))
    assert record.events == ["bob", "nobody", "ada", "nobody"]


def test_what_a_callback_does_with_the_storage_does_not_reach_the_next(record: Recorder) -> None:
    promise, resolver = lwt.wait()
    lwt.on_success(promise, lambda _: record(user()))

    def callback(_: object) -> None:
        as_user("inside", lambda: lwt.on_success(lwt.return_unit, lambda _: record(user())))

    lwt.on_success(promise, callback)
    lwt.wakeup(resolver, None)
    assert record.events == ["inside", "nobody"]


def test_deferred_callbacks_see_the_storage_of_the_place_where_they_were_attached(
    record: Recorder,
) -> None:
    promise, resolver = lwt.wait()
    later, later_resolver = lwt.wait()
    as_user("attached", lambda: lwt.on_success(later, lambda _: record(user())))

    def callback(_: object) -> None:
        lwt.wakeup_later(later_resolver, None)
        record(user())

    as_user("callback", lambda: lwt.on_success(promise, callback))

    def resolving() -> None:
        lwt.wakeup(resolver, None)
        record(user())

    as_user("resolving", resolving)
    assert record.events == ["callback", "attached", "resolving"]


def test_a_nested_wakeup_gives_the_callback_its_storage_back(record: Recorder) -> None:
    promise, resolver = lwt.wait()
    inner, inner_resolver = lwt.wait()
    as_user("inner", lambda: lwt.on_success(inner, lambda _: record(user())))

    def callback(_: object) -> None:
        lwt.wakeup(inner_resolver, None)
        record(user())

    as_user("callback", lambda: lwt.on_success(promise, callback))
    lwt.wakeup(resolver, None)
    assert record.events == ["inner", "callback"]


def test_the_callback_of_a_pause_sees_the_storage_of_the_place_where_it_was_attached(
    record: Recorder,
) -> None:
    as_user("ada", lambda: lwt.on_success(lwt.pause(), lambda _: record(user())))
    lwt.wakeup_paused()
    assert record.events == ["ada"]


def test_an_async_function_keeps_what_it_was_started_with_across_all_its_awaits(
    record: Recorder,
) -> None:
    waits = [lwt.wait() for _ in range(3)]

    @lwt.promised
    async def body() -> None:
        record(user())
        for promise, _ in waits:
            await promise
            record(user())

    as_user("ada", body)
    for _, resolver in waits:
        as_user("bob", partial(lwt.wakeup, resolver, None))
    assert record.events == ["ada"] * 4
    assert user() == "nobody"


def test_the_storage_is_restored_after_a_callback_that_raises(reported: list[Exception]) -> None:
    promise, resolver = lwt.wait()
    as_user("attached", lambda: lwt.on_success(promise, raising(A())))
    as_user("attached", lambda: lwt.map(raising(A()), promise))
    lwt.wakeup(resolver, None)
    assert user() == "nobody"
    assert len(reported) == 1


def test_the_storage_is_restored_after_an_exception_that_leaves_wakeup() -> None:
    promise, resolver = lwt.wait()
    as_user("attached", lambda: lwt.on_success(promise, interrupt))

    def resolving() -> str:
        with pytest.raises(KeyboardInterrupt):
            lwt.wakeup(resolver, None)
        return user()

    assert as_user("resolving", resolving) == "resolving"


def test_a_pending_promise_that_is_dropped_changes_nothing() -> None:
    as_user("ada", lambda: lwt.map(str, pending()))
    assert user() == "nobody"
