"""Pools: who gets which member, what becomes of it, and that no place is ever lost."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest

import lwt
from lwt import Promise, Return, lwt_pool
from lwt._core.resolution import resume
from lwt.lwt_pool import clear, use, wait_queue_length
from tests.support.promises import A, B, Recorder, is_canceled, raising, rejected_with
from tests.support.storage import as_user, user


def counting(record: Recorder) -> Callable[[], Promise[int]]:
    """A function that makes the members 0, 1, 2..."""
    numbers = iter(range(1_000_000))

    def make() -> Promise[int]:
        member = next(numbers)
        record(f"create {member}")
        return lwt.return_(member)

    return make


def disposing(record: Recorder) -> Callable[[int], Promise[None]]:
    """A function that notes which member it disposes of."""

    def dispose(member: int) -> Promise[None]:
        record(f"dispose {member}")
        return lwt.return_unit

    return dispose


class Work:
    """A use of a pool that goes on until it is told to end."""

    def __init__(self, pool: lwt_pool.Pool[Any], *, cancelable: bool = False) -> None:
        self.member: object = None
        self.promise, self.resolver = lwt.task() if cancelable else lwt.wait()
        self.result = use(pool, self._begin)

    def _begin(self, member: object) -> Promise[Any]:
        self.member = member
        return self.promise

    def end(self) -> None:
        lwt.wakeup(self.resolver, None)

    def fail(self) -> None:
        lwt.wakeup_exn(self.resolver, A())


def not_good(_: object, tell: Callable[[bool], None]) -> None:
    """A check that finds no member good."""
    tell(False)


# Making, lending, waiting


def test_members_are_made_on_demand_and_used_again(record: Recorder) -> None:
    pool = lwt_pool.create(2, counting(record))
    assert record.taken() == []
    assert lwt.state(use(pool, lwt.return_)) == Return(0)
    assert lwt.state(use(pool, lwt.return_)) == Return(0)
    assert record.events == ["create 0"]


def test_the_member_that_was_idle_for_longest_is_lent_first(record: Recorder) -> None:
    pool = lwt_pool.create(2, counting(record))
    first, second = Work(pool), Work(pool)
    second.end()
    first.end()
    assert Work(pool).member == 1


def test_there_are_never_more_members_than_the_maximum_and_the_others_wait(
    record: Recorder,
) -> None:
    pool = lwt_pool.create(2, counting(record))
    works = [Work(pool) for _ in range(4)]
    assert [work.member for work in works] == [0, 1, None, None]
    assert wait_queue_length(pool) == 2
    works[1].end()
    assert [work.member for work in works] == [0, 1, 1, None]
    works[0].end()
    assert [work.member for work in works] == [0, 1, 1, 0]
    assert record.events == ["create 0", "create 1"]


def test_a_member_is_given_back_before_the_result_is_resolved(record: Recorder) -> None:
    pool = lwt_pool.create(1, counting(record))
    first, second = Work(pool), Work(pool)
    lwt.on_success(first.result, lambda _: record(f"second has {second.member}"))
    lwt.on_success(second.promise, record.on("never"))
    first.end()
    assert record.events == ["create 0", "second has None"]
    assert second.member == 0


def test_a_pool_of_nothing_lets_all_wait(record: Recorder) -> None:
    pool = lwt_pool.create(0, counting(record))
    assert lwt.is_sleeping(Work(pool).result)
    assert record.events == []


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


def test_many_who_wait_are_served_without_recursion(record: Recorder) -> None:
    pool = lwt_pool.create(1, counting(record))
    first = Work(pool)
    results = [use(pool, lambda _: lwt.return_unit) for _ in range(5_000)]
    first.end()
    assert lwt.state(lwt.join(results)) == Return(None)


# Cancelling


def test_cancelling_one_who_waits_disturbs_no_other(record: Recorder) -> None:
    pool = lwt_pool.create(1, counting(record))
    first, second, third = Work(pool), Work(pool), Work(pool)
    lwt.cancel(second.result)
    assert wait_queue_length(pool) == 1
    first.end()
    assert third.member == 0
    assert second.member is None


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


def test_two_waiters_cancelled_together_lose_no_member(record: Recorder) -> None:
    pool = lwt_pool.create(1, counting(record))
    first = Work(pool)
    second, third = Work(pool), Work(pool)
    lwt.on_failure(second.result, lambda _: first.end())
    lwt.cancel(lwt.join([third.result, second.result]))
    assert Work(pool).member == 0


# Interrupts, bad input


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


def test_a_member_that_comes_back_by_an_interrupt_goes_to_who_waits() -> None:
    def interrupt(_: object) -> Promise[None]:
        raise KeyboardInterrupt

    creation, resolver = lwt.wait()
    pool = lwt_pool.create(1, lambda: creation)
    interrupted = use(pool, interrupt)
    second = Work(pool)
    with pytest.raises(KeyboardInterrupt):
        lwt.wakeup(resolver, "a member")
    resume()  # As the main loop does at its next turn.
    assert second.member == "a member"
    assert lwt.is_sleeping(interrupted)


def test_a_clear_that_nobody_can_finish_any_more_gives_nothing_back(record: Recorder) -> None:
    pool = lwt_pool.create(2, counting(record), dispose=lambda _: lwt.wait()[0])
    first, second = Work(pool), Work(pool)
    first.end()
    second.end()
    assert lwt.is_sleeping(clear(pool))
    gc.collect()  # What the garbage collector does must not be seen.
    assert repr(pool) == "<Pool, 2 of 2 members, 0 idle, 0 waiting>"


def test_an_interrupt_while_waiters_are_served_lets_them_wait_on(record: Recorder) -> None:
    creation, resolver = lwt.wait()
    creations: list[Callable[[], Promise[Any]]] = [counting(record), lambda: creation]

    def create() -> Promise[Any]:
        if len(creations) == 1:
            creations.append(creations[0])
            raise KeyboardInterrupt
        return creations.pop()()

    pool = lwt_pool.create(1, create)
    first, second = Work(pool), Work(pool)
    with pytest.raises(KeyboardInterrupt):
        lwt.wakeup_exn(resolver, A())
    assert wait_queue_length(pool) == 1
    third = Work(pool)
    assert [first.member, second.member, third.member] == [None, 0, None]


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


def test_bad_arguments_are_refused() -> None:
    def make() -> Promise[int]:
        return lwt.return_(1)

    with pytest.raises(ValueError, match=r"^lwt_pool\.create: maximum is -1; expected 0 or more"):
        lwt_pool.create(-1, make)
    with pytest.raises(TypeError, match=r"create: expected an int for maximum, .*; the number"):
        lwt_pool.create(make, 1)  # type: ignore[arg-type]  # that is the test
    with pytest.raises(TypeError, match=r"create: expected a function, got 3 \(int\)"):
        lwt_pool.create(1, 3)  # type: ignore[arg-type]  # that is the test
    for name in ("validate", "check", "dispose"):
        with pytest.raises(TypeError, match=rf"create: expected a function, .*; {name} is to be"):
            lwt_pool.create(1, make, **{name: 3})  # type: ignore[arg-type]  # that is the test
    pool = lwt_pool.create(1, make)
    with pytest.raises(TypeError, match=r"use: expected a function, got 3 \(int\)"):
        use(pool, 3)  # type: ignore[arg-type]  # that is the test
    with pytest.raises(TypeError, match=r"clear: expected a pool, got 3 \(int\)"):
        clear(3)  # type: ignore[arg-type]  # that is the test
    with pytest.raises(TypeError, match=r"wait_queue_length: expected a pool, got 3 \(int\)"):
        wait_queue_length(3)  # type: ignore[arg-type]  # that is the test
    assert repr(pool) == "<Pool, 0 of 1 members, 0 idle, 0 waiting>"


# A creation that fails


def test_a_creation_that_fails_fails_its_use_and_the_next_may_try() -> None:
    outcomes = iter([lwt.fail(A()), lwt.return_(1)])
    pool = lwt_pool.create(1, lambda: next(outcomes))
    assert isinstance(rejected_with(use(pool, lambda _: lwt.return_unit)), A)
    assert Work(pool).member == 1


def test_a_creation_that_raises_rejects_its_use() -> None:
    pool: lwt_pool.Pool[int] = lwt_pool.create(1, raising(A()))
    assert isinstance(rejected_with(use(pool, lambda _: lwt.return_unit)), A)


def test_a_creation_that_fails_lets_the_next_who_waits_try() -> None:
    creation, resolver = lwt.wait()
    outcomes = iter([creation, lwt.return_(1)])
    pool = lwt_pool.create(1, lambda: next(outcomes))
    first, second = Work(pool), Work(pool)
    lwt.wakeup_exn(resolver, A())
    assert isinstance(rejected_with(first.result), A)
    assert second.member == 1


def test_many_creations_that_fail_one_after_the_other_do_not_recurse() -> None:
    creation, resolver = lwt.wait()
    outcomes = iter([creation])
    pool = lwt_pool.create(1, lambda: next(outcomes, None) or lwt.fail(B()))
    works = [Work(pool) for _ in range(5_000)]
    lwt.wakeup_exn(resolver, A())
    assert isinstance(rejected_with(works[0].result), A)
    assert {type(rejected_with(work.result)) for work in works[1:]} == {B}


def test_who_comes_while_waiters_are_served_stands_behind_them() -> None:
    creation, resolver = lwt.wait()
    outcomes = iter([creation, lwt.fail(A()), lwt.return_(1), lwt.return_(2)])
    pool = lwt_pool.create(1, lambda: next(outcomes))
    first, second, third = Work(pool), Work(pool), Work(pool)
    late: list[Work] = []
    lwt.on_failure(second.result, lambda _: late.append(Work(pool)))
    lwt.wakeup_exn(resolver, A())
    assert isinstance(rejected_with(first.result), A)
    assert [third.member, late[0].member] == [1, None]


def test_a_member_made_for_one_who_was_cancelled_meanwhile_is_kept() -> None:
    first_creation, first_resolver = lwt.wait()
    second_creation, second_resolver = lwt.wait()
    outcomes = iter([first_creation, second_creation])
    pool = lwt_pool.create(1, lambda: next(outcomes))
    _, second = Work(pool), Work(pool)
    lwt.wakeup_exn(first_resolver, A())
    lwt.cancel(second.result)
    assert is_canceled(second.result)
    third = Work(pool)
    lwt.wakeup(second_resolver, 1)
    assert third.member == 1


# Validating


def test_a_member_that_is_not_valid_is_disposed_of_and_replaced(record: Recorder) -> None:
    pool = lwt_pool.create(
        1, counting(record), validate=lambda _: lwt.return_false, dispose=disposing(record)
    )
    assert lwt.state(use(pool, lwt.return_)) == Return(0)
    assert record.taken() == ["create 0"]
    assert lwt.state(use(pool, lwt.return_)) == Return(1)
    assert record.taken() == ["dispose 0", "create 1"]


def test_a_member_that_was_waited_for_is_validated(record: Recorder) -> None:
    pool = lwt_pool.create(1, counting(record), validate=lambda _: lwt.return_false)
    first, second = Work(pool), Work(pool)
    first.end()
    assert second.member == 1


def test_a_place_is_not_free_while_its_member_is_replaced(record: Recorder) -> None:
    disposal, resolver = lwt.wait()
    pool = lwt_pool.create(
        1, counting(record), validate=lambda _: lwt.return_false, dispose=lambda _: disposal
    )
    Work(pool).end()
    second, third = Work(pool), Work(pool)
    lwt.wakeup(resolver, None)
    assert [second.member, third.member] == [1, None]


def test_validation_that_fails_fails_the_use_and_serves_the_next(record: Recorder) -> None:
    validation, resolver = lwt.wait()
    validations = iter([validation, lwt.return_true])
    pool = lwt_pool.create(
        1,
        counting(record),
        validate=lambda _: next(validations),
        dispose=disposing(record),
    )
    Work(pool).end()
    second, third, fourth = Work(pool), Work(pool), Work(pool)
    lwt.wakeup_exn(resolver, A())
    assert isinstance(rejected_with(second.result), A)
    assert [third.member, fourth.member] == [1, None]
    assert record.events == ["create 0", "dispose 0", "create 1"]


def test_the_member_that_replaces_one_counts_like_any_other(record: Recorder) -> None:
    validation, resolver = lwt.wait()
    validations = iter([validation])
    pool = lwt_pool.create(
        1, counting(record), validate=lambda _: next(validations, lwt.return_true)
    )
    Work(pool).end()
    second, third = Work(pool), Work(pool)
    lwt.wakeup_exn(resolver, A())
    assert lwt.is_sleeping(third.result)
    assert third.member == 1
    assert Work(pool).member is None
    assert isinstance(rejected_with(second.result), A)


# After a use that failed


def test_a_use_that_fails_gives_the_member_back_if_it_is_good(record: Recorder) -> None:
    pool = lwt_pool.create(1, counting(record))
    first, second = Work(pool), Work(pool)
    first.fail()
    assert isinstance(rejected_with(first.result), A)
    assert second.member == 0


def test_a_use_that_fails_disposes_of_the_member_if_it_is_not_good(record: Recorder) -> None:
    pool = lwt_pool.create(1, counting(record), check=not_good, dispose=disposing(record))
    first, second = Work(pool), Work(pool)
    first.fail()
    assert isinstance(rejected_with(first.result), A)
    assert record.events == ["create 0", "dispose 0", "create 1"]
    assert second.member == 1


def test_a_check_that_says_nothing_says_no(record: Recorder) -> None:
    pool = lwt_pool.create(
        1, counting(record), check=lambda _member, _tell: None, dispose=disposing(record)
    )
    assert isinstance(rejected_with(use(pool, raising(A()))), A)
    assert record.events == ["create 0", "dispose 0"]


def test_a_check_that_raises_says_no_and_rejects_the_use(record: Recorder) -> None:
    pool = lwt_pool.create(1, counting(record), check=raising(B()), dispose=disposing(record))
    first, second = Work(pool), Work(pool)
    first.fail()
    assert isinstance(rejected_with(first.result), B)
    assert record.events == ["create 0", "dispose 0", "create 1"]
    assert second.member == 1


def test_a_use_that_succeeds_is_not_checked(record: Recorder) -> None:
    pool = lwt_pool.create(1, counting(record), check=raising(B()))
    assert lwt.state(use(pool, lambda _: lwt.return_("done"))) == Return("done")


# Disposing that fails


def test_disposing_that_fails_rejects_the_use_and_frees_the_place(record: Recorder) -> None:
    pool = lwt_pool.create(1, counting(record), check=not_good, dispose=lambda _: lwt.fail(B()))
    first, second = Work(pool), Work(pool)
    first.fail()
    assert isinstance(rejected_with(first.result), B)
    assert second.member == 1


def test_disposing_that_raises_frees_the_place(record: Recorder) -> None:
    pool = lwt_pool.create(1, counting(record), check=not_good, dispose=raising(B()))
    with pytest.raises(B):
        use(pool, raising(A()))
    assert Work(pool).member == 1


def test_cancelling_a_use_while_it_disposes_frees_the_place(record: Recorder) -> None:
    disposal, _ = lwt.task()
    pool = lwt_pool.create(1, counting(record), check=not_good, dispose=lambda _: disposal)
    first, second = Work(pool), Work(pool)
    first.fail()
    assert lwt.is_sleeping(first.result)
    lwt.cancel(first.result)
    assert is_canceled(first.result)
    assert second.member == 1


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


def test_clear_disposes_of_all_also_when_disposing_of_one_fails(record: Recorder) -> None:
    disposals = iter([lwt.fail(A()), lwt.fail(B()), lwt.return_unit])
    pool = lwt_pool.create(3, counting(record), dispose=lambda _: next(disposals))
    for work in [Work(pool) for _ in range(3)]:
        work.end()
    assert isinstance(rejected_with(clear(pool)), A)
    assert [Work(pool).member for _ in range(4)] == [3, 4, 5, None]


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
