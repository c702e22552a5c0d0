"""What users of a pool see: which member they get, cancelling, interrupts, clearing, storage."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest

import lwt
from lwt import Promise, Return, lwt_pool
from lwt.lwt_pool import clear, use
from tests.support.pools import Work, counting, disposing
from tests.support.promises import A, B, Recorder, is_canceled, rejected_with
from tests.support.storage import as_user, user

# Lending


def test_the_member_that_was_idle_for_longest_is_lent_first(record: Recorder) -> None:
    pool = lwt_pool.create(2, counting(record))
    first, second = Work(pool), Work(pool)
    second.end()
    first.end()
    assert Work(pool).member == 1


def test_a_member_is_given_back_before_the_result_is_resolved(record: Recorder) -> None:
    pool = lwt_pool.create(1, counting(record))
    first, second = Work(pool), Work(pool)
    lwt.on_success(first.result, lambda _: record(f"second has {second.member}"))
    lwt.on_success(second.promise, record.on("never"))
    first.end()
    assert record.events == ["create 0", "second has None"]
    assert second.member == 0


def test_use_takes_async_functions_everywhere() -> None:
    async def create() -> int:
        return 1

    async def validate(_: int) -> bool:
        return False

    async def dispose(_: int) -> None:
        pass

    async def double(member: int) -> int:
        return 2 * member

    pool = lwt_pool.create(1, create, validate=validate, dispose=dispose)
    assert lwt.state(use(pool, double)) == Return(2)
    assert lwt.state(use(pool, double)) == Return(2)


# Cancelling


def test_cancelling_a_use_cancels_its_work_and_gives_the_member_back(record: Recorder) -> None:
    pool = lwt_pool.create(1, counting(record))
    first, second = Work(pool, cancelable=True), Work(pool)
    lwt.cancel(first.result)
    assert is_canceled(first.promise)
    assert second.member == 0


def test_cancelling_a_creation_frees_the_place() -> None:
    creation, _ = lwt.task()
    outcomes = iter([creation, lwt.return_(1)])
    pool = lwt_pool.create(1, lambda: next(outcomes))
    first, second = Work(pool), Work(pool)
    lwt.cancel(first.result)
    assert is_canceled(first.result)
    assert second.member == 1


# Interrupts


@pytest.mark.parametrize("where", ["create", "validate", "use", "check", "dispose", "clear"])
def test_an_interrupt_leaves_at_once_and_loses_no_place(where: str) -> None:
    to_be_interrupted = [where]

    def step(here: str) -> None:
        if here in to_be_interrupted:
            to_be_interrupted.remove(here)
            raise KeyboardInterrupt

    def create() -> Promise[int]:
        step("create")
        return lwt.return_(1)

    def validate(_: int) -> Promise[bool]:
        step("validate")
        return lwt.return_true

    def check(_: int, tell: Callable[[bool], None]) -> None:
        step("check")
        tell(where == "check")

    def dispose(_: int) -> Promise[None]:
        step("dispose")
        step("clear")
        return lwt.return_unit

    def work(member: int) -> Promise[int]:
        step("use")
        return lwt.return_(member) if where in {"create", "validate", "use"} else lwt.fail(A())

    pool = lwt_pool.create(1, create, validate=validate, check=check, dispose=dispose)
    if where in {"validate", "clear"}:
        use(pool, lambda _: lwt.return_unit)
    with pytest.raises(KeyboardInterrupt):
        clear(pool) if where == "clear" else use(pool, work)
    assert lwt.state(use(pool, lwt.return_)) == Return(1)
    assert repr(pool) == "<Pool, 1 of 1 members, 1 idle, 0 waiting>"


@pytest.mark.parametrize("where", ["create", "validate", "use", "check", "dispose"])
def test_running_out_of_memory_loses_no_place(where: str) -> None:
    to_be_interrupted = [where]

    def step(here: str, result: Promise[Any]) -> Promise[Any]:
        if here in to_be_interrupted:
            to_be_interrupted.remove(here)
            raise MemoryError
        return result

    pool = lwt_pool.create(
        1,
        lambda: step("create", lwt.return_(1)),
        validate=lambda _: step("validate", lwt.return_true),
        check=lambda _member, _tell: step("check", lwt.return_unit),
        dispose=lambda _: step("dispose", lwt.return_unit),
    )
    if where == "validate":
        use(pool, lwt.return_)
    with pytest.raises(MemoryError):
        use(pool, lambda _: step("use", lwt.fail(A())))
    assert lwt.state(use(pool, lwt.return_)) == Return(1)
    assert repr(pool) == "<Pool, 1 of 1 members, 1 idle, 0 waiting>"


def test_a_clear_that_nobody_can_finish_any_more_gives_nothing_back(record: Recorder) -> None:
    pool = lwt_pool.create(2, counting(record), dispose=lambda _: lwt.wait()[0])
    first, second = Work(pool), Work(pool)
    first.end()
    second.end()
    assert lwt.is_sleeping(clear(pool))
    gc.collect()  # What the garbage collector does must not be seen.
    assert repr(pool) == "<Pool, 2 of 2 members, 0 idle, 0 waiting>"


@pytest.mark.parametrize("is_waited_for", [True, False])
def test_the_exception_of_a_use_closes_no_circle(is_waited_for: bool) -> None:
    def fail(_: int) -> Promise[None]:
        raise A

    def begin() -> weakref.ref[Exception]:
        pool = lwt_pool.create(1, lambda: lwt.return_(0))
        first = Work(pool)
        if not is_waited_for:
            first.end()
        result = use(pool, fail)
        if is_waited_for:
            first.end()
        exception = weakref.ref(rejected_with(result))
        del result
        return exception

    gc.disable()
    try:
        assert begin()() is None
    finally:
        gc.enable()


# Clearing


def test_clear_disposes_of_the_idle_members_last_first(record: Recorder) -> None:
    pool = lwt_pool.create(3, counting(record), dispose=disposing(record))
    for work in [Work(pool) for _ in range(3)]:
        work.end()
    record.taken()
    assert lwt.state(clear(pool)) == Return(None)
    assert record.events == ["dispose 2", "dispose 1", "dispose 0"]
    assert Work(pool).member == 3


def test_clear_disposes_of_members_in_use_when_they_are_given_back(record: Recorder) -> None:
    pool = lwt_pool.create(2, counting(record), dispose=disposing(record))
    first, second = Work(pool), Work(pool)
    clear(pool)
    third = Work(pool)
    assert record.taken() == ["create 0", "create 1"]
    first.end()
    second.fail()
    assert record.taken() == ["dispose 0", "create 2", "dispose 1"]
    assert third.member == 2
    assert lwt.state(first.result) == Return(None)


def test_who_waits_while_a_pool_is_cleared_may_keep_the_member_that_comes_after(
    record: Recorder,
) -> None:
    pool = lwt_pool.create(1, counting(record), dispose=disposing(record))
    first, second = Work(pool), Work(pool)
    clear(pool)
    first.end()
    assert second.member == 1
    second.end()
    assert Work(pool).member == 1
    assert record.events == ["create 0", "dispose 0", "create 1"]


def test_clear_disposes_of_all_also_when_disposing_of_one_fails(record: Recorder) -> None:
    disposals = iter([lwt.fail(A()), lwt.fail(B()), lwt.return_unit])
    pool = lwt_pool.create(3, counting(record), dispose=lambda _: next(disposals))
    for work in [Work(pool) for _ in range(3)]:
        work.end()
    assert isinstance(rejected_with(clear(pool)), A)
    assert [Work(pool).member for _ in range(4)] == [3, 4, 5, None]


def test_clear_waits_for_one_disposal_before_it_starts_the_next(record: Recorder) -> None:
    disposal, resolver = lwt.wait()
    disposals = iter([disposal, lwt.return_unit])

    def dispose(member: int) -> Promise[Any]:
        record(f"dispose {member}")
        return next(disposals)

    pool = lwt_pool.create(2, counting(record), dispose=dispose)
    for work in [Work(pool), Work(pool)]:
        work.end()
    record.taken()
    result = clear(pool)
    assert record.taken() == ["dispose 1"]
    lwt.wakeup(resolver, None)
    assert record.taken() == ["dispose 0"]
    assert lwt.state(result) == Return(None)


# Storage


def test_each_function_of_a_pool_sees_the_storage_of_the_use_that_it_serves(
    record: Recorder,
) -> None:
    resolvers: list[lwt.Resolver[Any]] = []

    def waiting(event: str) -> Promise[Any]:
        record(f"{event} for {user()}")
        promise, resolver = lwt.wait()
        resolvers.append(resolver)
        return promise

    def check(_: object, tell: Callable[[bool], None]) -> None:
        record(f"check for {user()}")
        tell(False)

    async def work(_: object) -> None:
        await waiting("work")
        record(f"work goes on for {user()}")

    pool = lwt_pool.create(
        1,
        lambda: waiting("create"),
        validate=lambda _: waiting("validate"),
        check=check,
        dispose=lambda _: waiting("dispose"),
    )
    as_user("first", lambda: use(pool, work))
    second: Promise[Any] = as_user("second", lambda: use(pool, work))
    as_user("another", lambda: lwt.wakeup(resolvers[0], None))  # The creation is done,
    as_user("another", lambda: lwt.wakeup(resolvers[1], None))  # and the work of the first.
    as_user("another", lambda: lwt.wakeup(resolvers[2], True))  # The member is valid.
    as_user("another", lambda: lwt.wakeup_exn(resolvers[3], A()))  # The second one's work fails.
    as_user("another", lambda: lwt.wakeup(resolvers[4], None))  # The member is disposed of.
    assert isinstance(rejected_with(second), A)
    assert record.events == [
        "create for first",
        "work for first",
        "work goes on for first",
        "validate for second",
        "work for second",
        "check for second",
        "dispose for second",
    ]


def test_what_a_disposal_defers_after_a_use_sees_the_storage_of_who_ended_the_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[str] = []
    monkeypatch.setattr(lwt.async_exception_hook, "contents", lambda _: seen.append(user()))
    ignored, resolver = lwt.wait()
    lwt.ignore_result(ignored)

    def dispose(_: None) -> Promise[None]:
        lwt.wakeup_later_exn(resolver, A())
        return lwt.return_unit

    pool = lwt_pool.create(1, lambda: lwt.return_unit, dispose=dispose)
    work, end = lwt.wait()
    as_user("using", lambda: use(pool, lambda _: work))
    clear(pool)
    as_user("ending", lambda: lwt.wakeup(end, None))
    assert seen == ["ending"]
