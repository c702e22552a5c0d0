"""Sequence-associated storage: what each kind of callback sees, and what is left afterwards.

The expected values are those of OCaml's library. In most tests a callback is attached
while `USER` is associated with "attached", and the promise is resolved while it is
associated with "resolving".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import lwt
from lwt import Promise, Some
from tests.support.promises import A, Recorder, pending, raising, returning
from tests.support.storage import USER, as_user, user

# Keys and values


def test_a_new_key_is_associated_with_nothing() -> None:
    key: lwt.Key[int] = lwt.new_key()
    assert lwt.get(key) is None


def test_a_value_is_there_during_the_call_and_not_after_it() -> None:
    assert as_user("ada", user) == "ada"
    assert user() == "nobody"


def test_with_value_returns_what_the_function_returns() -> None:
    result = object()
    assert as_user("ada", lambda: result) is result


def test_the_storage_is_what_it_was_after_an_exception_that_rejects_no_promise() -> None:
    promise = lwt.return_unit
    with pytest.raises(MemoryError):
        as_user("ada", lambda: lwt.map(raising(MemoryError()), promise))
    assert user() == "nobody"


def test_the_inner_value_hides_the_outer_one_for_its_time(record: Recorder) -> None:
    def outer() -> None:
        record(user())
        as_user("inner", lambda: record(user()))
        record(user())

    as_user("outer", outer)
    assert record.events == ["outer", "inner", "outer"]


def test_with_none_the_key_is_associated_with_nothing() -> None:
    assert as_user("ada", lambda: lwt.with_value(USER, None, user)) == "nobody"


def test_some_none_is_a_value() -> None:
    key: lwt.Key[None] = lwt.new_key()
    assert lwt.with_value(key, Some(None), lambda: lwt.get(key)) == Some(None)


def test_keys_do_not_disturb_each_other() -> None:
    first: lwt.Key[int] = lwt.new_key()
    second: lwt.Key[int] = lwt.new_key()

    def inside() -> tuple[Some[int] | None, Some[int] | None]:
        return lwt.get(first), lwt.get(second)

    nested = lwt.with_value(first, Some(1), lambda: lwt.with_value(second, Some(2), inside))
    assert nested == (Some(1), Some(2))


def test_the_storage_is_restored_after_an_exception() -> None:
    with pytest.raises(A):
        as_user("ada", raising(A()))
    assert user() == "nobody"


def test_the_storage_is_restored_after_an_interrupt() -> None:
    with pytest.raises(KeyboardInterrupt):
        as_user("ada", lambda: lwt.map(interrupt, lwt.return_unit))
    assert user() == "nobody"


def interrupt(_: object) -> None:
    raise KeyboardInterrupt


# What callbacks of pending promises see


See = Callable[..., Any]
Attach = Callable[[Promise[Any], See], object]


def promise_seeing(see: See) -> Callable[..., Promise[None]]:
    def callback(*_: object) -> Promise[None]:
        see()
        return lwt.return_unit

    return callback


async def awaiting(promise: Promise[Any], see: See) -> None:
    await promise
    see()


async def awaiting_exception(promise: Promise[Any], see: See) -> None:
    try:
        await promise
    except A:
        see()


async def awaiting_twice(promise: Promise[Any], see: See) -> None:
    """Wait for a promise that resolves while the first is being resolved, then go on."""
    await promise
    await lwt.map(lambda _: None, promise)
    see()


ON_FULFILLED: dict[str, Attach] = {
    "bind": lambda p, see: lwt.bind(p, promise_seeing(see)),
    "map": lambda p, see: lwt.map(see, p),
    "finalize": lambda p, see: lwt.finalize(lambda: p, promise_seeing(see)),
    "try_bind": lambda p, see: lwt.try_bind(lambda: p, promise_seeing(see), lwt.fail),
    "on_success": lwt.on_success,
    "on_termination": lwt.on_termination,
    "on_any": lambda p, see: lwt.on_any(p, see, print),
    "await": lambda p, see: lwt.of_coroutine(awaiting(p, see)),
    "two awaits": lambda p, see: lwt.of_coroutine(awaiting_twice(p, see)),
    "async callback of bind": lambda p, see: lwt.bind(
        p, lambda value: awaiting(lwt.return_(value), see)
    ),
    "backtrace_bind": lambda p, see: lwt.backtrace_bind("", 0, lambda e: e, p, promise_seeing(see)),
    ">>": lambda p, see: p >> promise_seeing(see),
    "|": lambda p, see: p | see,
}
ON_REJECTED: dict[str, Attach] = {
    "catch": lambda p, see: lwt.catch(lambda: p, promise_seeing(see)),
    "finalize": lambda p, see: lwt.finalize(lambda: p, promise_seeing(see)),
    "try_bind": lambda p, see: lwt.try_bind(lambda: p, lwt.return_, promise_seeing(see)),
    "on_failure": lwt.on_failure,
    "on_termination": lwt.on_termination,
    "on_any": lambda p, see: lwt.on_any(p, print, see),
    "await": lambda p, see: lwt.of_coroutine(awaiting_exception(p, see)),
}


def seen_by(attach: Attach, resolve: Callable[[lwt.Resolver[Any]], None]) -> list[str]:
    """What a callback sees, and then who resolves sees again."""
    seen: list[str] = []

    def see(*_: object) -> None:
        seen.append(user())

    promise, resolver = lwt.wait()
    as_user("attached", lambda: attach(promise, see))

    def resolving() -> None:
        resolve(resolver)
        see()

    as_user("resolving", resolving)
    return seen


def fulfill(resolver: lwt.Resolver[Any]) -> None:
    lwt.wakeup(resolver, None)


def reject(resolver: lwt.Resolver[Any]) -> None:
    lwt.wakeup_exn(resolver, A())


@pytest.mark.parametrize("attach", ON_FULFILLED.values(), ids=ON_FULFILLED)
def test_a_callback_for_values_sees_the_storage_of_the_place_where_it_was_attached(
    attach: Attach,
) -> None:
    assert seen_by(attach, fulfill) == ["attached", "resolving"]


@pytest.mark.parametrize("attach", ON_REJECTED.values(), ids=ON_REJECTED)
def test_a_callback_for_exceptions_sees_the_storage_of_the_place_where_it_was_attached(
    attach: Attach,
) -> None:
    assert seen_by(attach, reject) == ["attached", "resolving"]


def test_a_cancel_callback_sees_the_storage_of_the_place_where_it_was_attached(
    record: Recorder,
) -> None:
    task, _ = lwt.task()
    as_user("attached", lambda: lwt.on_cancel(task, lambda: record(user())))

    def cancelling() -> None:
        lwt.cancel(task)
        record(user())

    as_user("cancelling", cancelling)
    assert record.events == ["attached", "cancelling"]


def test_the_handler_of_dont_wait_sees_the_storage_of_who_resolves() -> None:
    """OCaml puts nothing back for it: no storage is remembered by `dont_wait` or `async`."""

    def attach(promise: Promise[Any], see: See) -> None:
        lwt.dont_wait(lambda: promise, see)

    assert seen_by(attach, reject) == ["resolving", "resolving"]


def test_the_handler_of_dont_wait_sees_the_storage_left_by_the_callback_before_it(
    record: Recorder,
) -> None:
    promise, resolver = lwt.wait()
    lwt.dont_wait(returning(promise), lambda _: record(user()))
    as_user("attached", lambda: lwt.on_failure(promise, record.on("newer callback")))
    as_user("resolving", lambda: lwt.wakeup_exn(resolver, A()))
    assert record.events == ["newer callback", "attached"]


@pytest.mark.parametrize(
    ("derive", "expected"),
    [
        (lambda p: lwt.bind(p, lwt.return_), "resolving"),
        (lambda p: lwt.map(str, p), "resolving"),
        (lambda p: lwt.catch(lambda: p, lwt.fail), "attached"),
        (lambda p: lwt.join([p]), "resolving"),
        (lambda p: lwt.all([p]), "resolving"),
        (lambda p: lwt.choose([p]), "resolving"),
        (lwt.protected, "resolving"),
        (lwt.no_cancel, "resolving"),
        (lwt.wrap_in_cancelable, "attached"),
    ],
    ids=[
        "bind",
        "map",
        "catch",
        "join",
        "all",
        "choose",
        "protected",
        "no_cancel",
        "wrap_in_cancelable",
    ],
)
def test_who_follows_a_rejected_promise_sees_what_the_function_in_between_put_back(
    derive: Callable[[Promise[Any]], Promise[Any]], expected: str, record: Recorder
) -> None:
    """A function that calls its callback puts the storage back; one that does not, does not."""
    promise, resolver = lwt.wait()
    derived = as_user("attached", lambda: derive(promise))
    lwt.dont_wait(lambda: derived, lambda _: record(user()))
    as_user("resolving", lambda: lwt.wakeup_exn(resolver, A()))
    assert record.events == [expected]


def test_both_leaves_the_storage_of_its_values_to_who_follows(record: Recorder) -> None:
    """OCaml's `both` is made of `bind`, which puts the storage back for each value."""
    (first, first_resolver), (second, second_resolver) = lwt.wait(), lwt.wait()
    both = as_user("attached", lambda: lwt.both(first, second))
    lwt.dont_wait(lambda: both, lambda _: record(user()))

    def resolving() -> None:
        lwt.wakeup_exn(first_resolver, A())
        lwt.wakeup(second_resolver, None)

    as_user("resolving", resolving)
    assert record.events == ["attached"]


@pytest.fixture
def _the_hook_sees(record: Recorder) -> Iterator[None]:
    saved = lwt.async_exception_hook.contents
    lwt.async_exception_hook.contents = lambda _: record(user())
    yield
    lwt.async_exception_hook.contents = saved


@pytest.mark.usefixtures("_the_hook_sees")
@pytest.mark.parametrize(
    ("attach", "expected"),
    [
        (lambda p, _: lwt.async_(lambda: p), "resolving"),
        (lambda p, _: lwt.ignore_result(p), "resolving"),
        (lambda p, _: lwt.on_failure(p, raising(A())), "attached"),
        (lambda p, _: lwt.on_termination(p, raising(A())), "attached"),
    ],
    ids=["async_", "ignore_result", "on_failure", "on_termination"],
)
def test_the_hook_sees_the_storage_of_the_callback_or_else_of_who_resolves(
    attach: Attach, expected: str, record: Recorder
) -> None:
    assert seen_by(attach, reject) == ["resolving"]
    assert record.events == [expected]


@pytest.mark.usefixtures("_the_hook_sees")
def test_the_hook_sees_the_storage_of_a_cancel_callback(record: Recorder) -> None:
    task, _ = lwt.task()
    as_user("attached", lambda: lwt.on_cancel(task, raising(A())))
    as_user("cancelling", lambda: lwt.cancel(task))
    assert record.events == ["attached"]


@pytest.mark.usefixtures("_the_hook_sees")
def test_the_hook_sees_the_storage_of_protected_when_what_that_made_is_cancelled(
    record: Recorder,
) -> None:
    promise: Promise[None] = as_user("protecting", lambda: lwt.protected(pending()))
    lwt.ignore_result(promise)
    as_user("cancelling", lambda: lwt.cancel(promise))
    assert record.events == ["protecting"]


@pytest.mark.usefixtures("_the_hook_sees")
def test_the_hook_sees_the_storage_of_the_cleaning_up_that_finalize_had_to_wait_for(
    record: Recorder,
) -> None:
    cleaned, resolver = lwt.wait()
    finalized = as_user("finalizing", lambda: lwt.finalize(lambda: lwt.fail(A()), lambda: cleaned))
    lwt.ignore_result(finalized)
    as_user("resolving", lambda: lwt.wakeup(resolver, None))
    assert record.events == ["finalizing"]


@pytest.mark.usefixtures("_the_hook_sees")
def test_the_storage_after_nested_callbacks_is_that_of_the_callback_that_made_them_run(
    record: Recorder,
) -> None:
    promise, resolver = lwt.wait()
    lwt.ignore_result(promise)  # Its callback is the last to run.
    handled = as_user("handling", lambda: lwt.catch(lambda: promise, lambda _: lwt.return_unit))
    as_user("nested", lambda: lwt.on_success(handled, lambda _: record(user())))
    as_user("resolving", lambda: lwt.wakeup_exn(resolver, A()))
    assert record.events == ["nested", "handling"]


# What callbacks of resolved promises see


@pytest.mark.parametrize("attach", ON_FULFILLED.values(), ids=ON_FULFILLED)
def test_a_callback_of_a_fulfilled_promise_sees_the_current_storage(
    attach: Attach, record: Recorder
) -> None:
    def attaching() -> None:
        attach(lwt.return_unit, lambda *_: record(user()))
        record(user())

    as_user("attached", attaching)
    assert record.events == ["attached", "attached"]


@pytest.mark.parametrize("attach", ON_REJECTED.values(), ids=ON_REJECTED)
def test_a_callback_of_a_rejected_promise_sees_the_current_storage(
    attach: Attach, record: Recorder
) -> None:
    def attaching() -> None:
        attach(lwt.fail(A()), lambda *_: record(user()))
        record(user())

    as_user("attached", attaching)
    assert record.events == ["attached", "attached"]


def test_immediate_handlers_see_the_current_storage(record: Recorder) -> None:
    def attaching() -> None:
        lwt.dont_wait(lambda: lwt.fail(A()), lambda _: record(f"dont_wait {user()}"))
        lwt.on_cancel(lwt.fail(lwt.Canceled()), lambda: record(f"on_cancel {user()}"))

    as_user("attached", attaching)
    assert record.events == ["dont_wait attached", "on_cancel attached"]


# with_tracing_context


def test_the_tracing_context_is_a_value_of_the_storage() -> None:
    def inside() -> Promise[Some[str] | None]:
        return lwt.return_(lwt.get(lwt.Private.tracing_context))

    assert lwt.state(lwt.with_tracing_context("request 1", inside)) == lwt.Return(Some("request 1"))
    assert lwt.get(lwt.Private.tracing_context) is None


def test_the_tracing_context_follows_a_computation(record: Recorder) -> None:
    promise, resolver = lwt.wait()

    def see(_: object) -> None:
        found = lwt.get(lwt.Private.tracing_context)
        record(found.value if found is not None else "nothing")

    lwt.with_tracing_context("request 1", lambda: lwt.map(see, promise))
    lwt.wakeup(resolver, None)
    assert record.events == ["request 1"]


# Private.Sequence_associated_storage


Private = lwt.Private.Sequence_associated_storage


def test_a_storage_is_a_value_that_never_changes() -> None:
    ada = Private.modify_storage(USER, Some("ada"), Private.empty_storage)
    bob = Private.modify_storage(USER, Some("bob"), ada)
    nobody = Private.modify_storage(USER, None, bob)
    found = [Private.get_from_storage(USER, storage) for storage in (ada, bob, nobody)]
    assert found == [Some("ada"), Some("bob"), None]
    assert Private.get_from_storage(USER, Private.empty_storage) is None


def test_the_current_storage_can_be_read_and_replaced() -> None:
    saved = Private.current_storage.contents
    Private.current_storage.contents = Private.modify_storage(USER, Some("ada"), saved)
    try:
        assert user() == "ada"
    finally:
        Private.current_storage.contents = saved
    assert user() == "nobody"


# Arguments


def test_a_key_is_made_by_new_key() -> None:
    bad: Any = "name"
    with pytest.raises(TypeError, match=r"lwt\.get: expected a key, got 'name' .*new_key"):
        lwt.get(bad)
    with pytest.raises(TypeError, match=r"lwt\.with_value: expected a key, got 'name'"):
        lwt.with_value(bad, None, lambda: None)


def test_a_stored_value_is_an_option() -> None:
    key: lwt.Key[int] = lwt.new_key()
    bad: Any = 3
    with pytest.raises(TypeError, match=r"lwt\.with_value: .*pass lwt\.Some\(3\)"):
        lwt.with_value(key, bad, lambda: None)
    assert lwt.get(key) is None
