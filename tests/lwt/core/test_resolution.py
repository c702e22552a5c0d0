"""In which order callbacks run, what waits until later, and where lost exceptions go."""

import os
from collections.abc import Iterator
from functools import partial

import pytest

import lwt
from lwt import Promise, Resolver
from lwt._core.renewal import renew
from tests.support.programs import run_code
from tests.support.promises import A, B, Recorder, raising

# The order of callbacks


def test_callbacks_run_newest_first_whatever_function_attached_them(record: Recorder) -> None:
    promise, resolver = lwt.wait()
    lwt.bind(promise, record.then("bind", lwt.return_unit))
    lwt.map(record.on("map"), promise)
    lwt.on_success(promise, record.on("on_success"))
    lwt.on_termination(promise, record.on("on_termination"))
    lwt.on_any(promise, record.on("on_any"), record.on("never"))
    lwt.finalize(lambda: promise, record.then("finalize", lwt.return_unit))
    lwt.wakeup(resolver, 1)
    assert record.events == ["finalize", "on_any", "on_termination", "on_success", "map", "bind"]


def test_callbacks_of_a_rejected_promise_run_newest_first(record: Recorder) -> None:
    promise, resolver = lwt.wait()
    lwt.catch(lambda: promise, record.then("catch", lwt.return_unit))
    lwt.on_failure(promise, record.on("on_failure"))
    lwt.try_bind(
        lambda: promise,
        record.then("never", lwt.return_unit),
        record.then("try_bind", lwt.return_unit),
    )
    lwt.dont_wait(lambda: promise, record.on("dont_wait"))
    lwt.wakeup_exn(resolver, A())
    assert record.events == ["dont_wait", "try_bind", "on_failure", "catch"]


def test_what_a_callback_resolves_runs_before_the_next_callback(record: Recorder) -> None:
    promise, resolver = lwt.wait()
    first = lwt.map(record.on("first"), promise)
    lwt.on_success(first, record.on("first 1"))
    lwt.on_success(first, record.on("first 2"))
    lwt.on_success(promise, record.on("between"))
    second = lwt.map(record.on("second"), promise)
    lwt.on_success(second, record.on("second 1"))
    lwt.wakeup(resolver, None)
    assert record.events == ["second", "second 1", "between", "first", "first 2", "first 1"]


def test_cancel_callbacks_run_before_regular_ones_each_newest_first(record: Recorder) -> None:
    promise, _ = lwt.task()
    lwt.on_termination(promise, record.on("regular 1"))
    lwt.on_cancel(promise, record.on("cancel 1"))
    lwt.on_failure(promise, record.on("regular 2"))
    lwt.on_cancel(promise, record.on("cancel 2"))
    lwt.cancel(promise)
    assert record.events == ["cancel 2", "cancel 1", "regular 2", "regular 1"]


def test_a_callback_attached_to_a_resolved_promise_runs_before_those_that_still_wait(
    record: Recorder,
) -> None:
    promise, resolver = lwt.wait()
    lwt.on_success(promise, record.on("oldest"))

    def attach_another(_: object) -> None:
        record("newest")
        lwt.on_success(promise, record.on("attached meanwhile"))
        record("newest ends")

    lwt.on_success(promise, attach_another)
    lwt.wakeup(resolver, None)
    assert record.events == ["newest", "attached meanwhile", "newest ends", "oldest"]


def test_each_callback_runs_once(record: Recorder) -> None:
    promise, resolver = lwt.wait()
    callback = record.on("callback")
    lwt.on_success(promise, callback)
    lwt.on_success(promise, callback)
    lwt.wakeup(resolver, None)
    assert record.events == ["callback", "callback"]


# wakeup: at once, however deep


def chain(record: Recorder, length: int) -> tuple[Resolver[None], Promise[None]]:
    """Promises of which each is resolved by a callback of the one before; first and last."""
    promises_and_resolvers = [lwt.wait() for _ in range(length)]

    def wake_next(number: int, _: object) -> None:
        record(f"{number}")
        lwt.wakeup(promises_and_resolvers[number + 1][1], None)
        record(f"-{number}")

    for number, (promise, _) in enumerate(promises_and_resolvers[:-1]):
        lwt.on_success(promise, partial(wake_next, number))
    return promises_and_resolvers[0][1], promises_and_resolvers[-1][0]


def test_wakeup_in_a_callback_runs_callbacks_before_it_returns(record: Recorder) -> None:
    first, last = chain(record, 3)
    lwt.on_success(last, record.on("last"))
    lwt.wakeup(first, None)
    assert record.events == ["0", "1", "last", "-1", "-0"]


def test_nested_wakeups_run_at_once_beyond_the_depth_of_42(record: Recorder) -> None:
    """OCaml's lwt.ml names a depth of 42 after which callbacks would be deferred.

    No function of its interface gets there: `wakeup`, `cancel` and what callbacks of
    `bind` return are exempt, `wakeup_later` defers from depth 1 on, and callbacks of
    resolved promises are called without a look at the depth. The real library, 5.6.1 as
    well as 6.1, prints what this test expects.
    """
    first, last = chain(record, 60)
    lwt.on_success(last, record.on("last"))
    lwt.wakeup(first, None)
    down = [f"{number}" for number in range(59)]
    up = [f"-{number}" for number in reversed(range(59))]
    assert record.events == [*down, "last", *up]


def test_nested_cancels_run_at_once_beyond_the_depth_of_42(record: Recorder) -> None:
    tasks = [lwt.task()[0] for _ in range(60)]

    def cancel_next(number: int) -> None:
        record(f"{number}")
        lwt.cancel(tasks[number + 1])
        record(f"-{number}")

    for number in range(59):
        lwt.on_cancel(tasks[number], partial(cancel_next, number))
    lwt.cancel(tasks[0])
    down = [f"{number}" for number in range(59)]
    up = [f"-{number}" for number in reversed(range(59))]
    assert record.events == [*down, *up]


def test_callbacks_of_resolved_promises_run_at_once_beyond_the_depth_of_42(
    record: Recorder,
) -> None:
    first, last = chain(Recorder(), 60)

    def callback(_: object) -> None:
        record("in")
        lwt.bind(lwt.return_unit, record.then("bind", lwt.return_unit))
        lwt.map(record.on("map"), lwt.return_unit)
        lwt.catch(lambda: lwt.fail(A()), record.then("catch", lwt.return_unit))
        lwt.on_termination(lwt.return_unit, record.on("on_termination"))
        lwt.on_cancel(lwt.fail(lwt.Canceled()), record.on("on_cancel"))
        record("out")

    lwt.on_success(last, callback)
    lwt.wakeup(first, None)
    assert record.events == ["in", "bind", "map", "catch", "on_termination", "on_cancel", "out"]


# wakeup_later: after the callbacks that are running


def test_wakeup_later_outside_of_callbacks_runs_callbacks_before_it_returns(
    record: Recorder,
) -> None:
    promise, resolver = lwt.wait()
    lwt.on_success(promise, record.on("callback"))
    lwt.wakeup_later(resolver, None)
    record("returned")
    assert record.events == ["callback", "returned"]


def test_wakeup_later_in_a_callback_resolves_now_and_runs_callbacks_later(
    record: Recorder,
) -> None:
    promise, resolver = lwt.wait()
    later, later_resolver = lwt.wait()
    lwt.on_success(later, record.on("later"))
    lwt.on_success(promise, record.on("older callback"))

    def callback(_: object) -> None:
        lwt.wakeup_later(later_resolver, 3)
        record(repr(lwt.state(later)))

    lwt.on_success(promise, callback)
    lwt.wakeup(resolver, None)
    assert record.events == ["Return(3)", "older callback", "later"]


def test_deferred_callbacks_run_in_the_order_of_their_wakeups(record: Recorder) -> None:
    promise, resolver = lwt.wait()
    (a, a_resolver), (b, b_resolver), (c, c_resolver) = lwt.wait(), lwt.wait(), lwt.wait()
    lwt.on_success(b, record.on("b"))
    lwt.on_success(c, record.on("c, deferred by a"))
    lwt.on_success(a, record.on("a 1"))

    def newest_of_a(_: object) -> None:
        record("a 2")
        lwt.wakeup_later(c_resolver, None)
        record("a 2 ends")

    def callback(_: object) -> None:
        lwt.wakeup_later(a_resolver, None)
        lwt.wakeup_later(b_resolver, None)
        record("callback ends")

    lwt.on_success(a, newest_of_a)
    lwt.on_success(promise, callback)
    lwt.wakeup_later(resolver, None)
    record("returned")
    assert record.events == [
        "callback ends",
        "a 2",
        "a 2 ends",
        "a 1",
        "b",
        "c, deferred by a",
        "returned",
    ]


def test_wakeup_in_a_deferred_callback_runs_before_what_else_is_deferred(record: Recorder) -> None:
    promise, resolver = lwt.wait()
    (a, a_resolver), (b, b_resolver), (c, c_resolver) = lwt.wait(), lwt.wait(), lwt.wait()
    lwt.on_success(b, record.on("b"))
    lwt.on_success(c, record.on("c"))

    def callback_of_a(_: object) -> None:
        record("a")
        lwt.wakeup(c_resolver, None)
        record("a ends")

    def callback(_: object) -> None:
        lwt.wakeup_later(a_resolver, None)
        lwt.wakeup_later(b_resolver, None)

    lwt.on_success(a, callback_of_a)
    lwt.on_success(promise, callback)
    lwt.wakeup(resolver, None)
    assert record.events == ["a", "c", "a ends", "b"]


def test_what_a_nested_callback_defers_waits_for_the_outermost_one(record: Recorder) -> None:
    outermost, outermost_resolver = lwt.wait()
    nested, nested_resolver = lwt.wait()
    later, later_resolver = lwt.wait()
    lwt.on_success(later, record.on("later"))

    def outermost_callback(_: object) -> None:
        record("outermost")
        lwt.wakeup(nested_resolver, None)
        record("outermost ends")

    def nested_callback(_: object) -> None:
        record("nested")
        lwt.wakeup_later(later_resolver, None)
        record("nested ends")

    lwt.on_success(outermost, outermost_callback)
    lwt.on_success(nested, nested_callback)
    lwt.wakeup(outermost_resolver, None)
    assert record.events == ["outermost", "nested", "nested ends", "outermost ends", "later"]


def test_an_immediate_callback_of_bind_is_no_reason_to_defer(record: Recorder) -> None:
    later, later_resolver = lwt.wait()
    lwt.on_success(later, record.on("later"))

    def callback(_: object) -> Promise[None]:
        record("in")
        lwt.wakeup_later(later_resolver, None)
        record("out")
        return lwt.return_unit

    lwt.bind(lwt.return_unit, callback)
    assert record.events == ["in", "later", "out"]


def test_a_callback_attached_to_a_deferred_promise_runs_at_once(record: Recorder) -> None:
    promise, resolver = lwt.wait()
    later, later_resolver = lwt.wait()
    lwt.on_success(later, record.on("attached before"))

    def callback(_: object) -> None:
        lwt.wakeup_later(later_resolver, None)
        lwt.on_success(later, record.on("attached after"))
        record("out")

    lwt.on_success(promise, callback)
    lwt.wakeup(resolver, None)
    assert record.events == ["attached after", "out", "attached before"]


def test_every_kind_of_wakeup_later_defers(record: Recorder) -> None:
    promise, resolver = lwt.wait()
    woken = [lwt.wait() for _ in range(4)]
    for number, (later, _) in enumerate(woken):
        lwt.on_termination(later, record.on(f"{number}"))

    def callback(_: object) -> None:
        lwt.wakeup_later(woken[0][1], 1)
        lwt.wakeup_later_exn(woken[1][1], A())
        lwt.wakeup_later_result(woken[2][1], lwt.Ok(1))
        lwt.wakeup_later_result(woken[3][1], lwt.Error(A()))
        record("out")

    lwt.on_success(promise, callback)
    lwt.wakeup(resolver, None)
    assert record.events == ["out", "0", "1", "2", "3"]


def test_no_kind_of_wakeup_defers(record: Recorder) -> None:
    promise, resolver = lwt.wait()
    woken = [lwt.wait() for _ in range(4)]
    for number, (woken_promise, _) in enumerate(woken):
        lwt.on_termination(woken_promise, record.on(f"{number}"))

    def callback(_: object) -> None:
        lwt.wakeup(woken[0][1], 1)
        lwt.wakeup_exn(woken[1][1], A())
        lwt.wakeup_result(woken[2][1], lwt.Ok(1))
        lwt.wakeup_result(woken[3][1], lwt.Error(A()))
        record("out")

    lwt.on_success(promise, callback)
    lwt.wakeup(resolver, None)
    assert record.events == ["0", "1", "2", "3", "out"]


def test_cancel_in_a_callback_does_not_defer(record: Recorder) -> None:
    promise, resolver = lwt.wait()
    task, _ = lwt.task()
    lwt.on_cancel(task, record.on("cancelled"))

    def callback(_: object) -> None:
        lwt.cancel(task)
        record("out")

    lwt.on_success(promise, callback)
    lwt.wakeup(resolver, None)
    assert record.events == ["cancelled", "out"]


# abandon_wakeups


@pytest.fixture
def _the_depth_is_restored() -> Iterator[None]:
    """`abandon_wakeups` leaves the depth wrong for good, as in OCaml; not for other tests."""
    yield
    renew()


@pytest.mark.usefixtures("_the_depth_is_restored")
def test_abandon_wakeups_runs_what_is_deferred_and_what_follows_is_not_deferred(
    record: Recorder,
) -> None:
    promise, resolver = lwt.wait()
    (a, a_resolver), (b, b_resolver) = lwt.wait(), lwt.wait()
    lwt.on_success(a, record.on("a"))
    lwt.on_success(b, record.on("b"))

    def oldest(_: object) -> None:
        lwt.wakeup_later(b_resolver, None)
        record("oldest ends")

    def newest(_: object) -> None:
        lwt.wakeup_later(a_resolver, None)
        record("before")
        lwt.abandon_wakeups()
        record("after")

    lwt.on_success(promise, oldest)
    lwt.on_success(promise, newest)
    lwt.wakeup(resolver, None)
    assert record.events == ["before", "a", "after", "b", "oldest ends"]


def test_abandon_wakeups_outside_of_callbacks_does_nothing() -> None:
    key: lwt.Key[int] = lwt.new_key()

    def inside() -> object:
        lwt.abandon_wakeups()
        return lwt.get(key)

    assert lwt.with_value(key, lwt.Some(1), inside) == lwt.Some(1)


# async_exception_hook


def test_the_hook_gets_the_exception_itself(reported: list[Exception]) -> None:
    exception = A()
    lwt.async_(raising(exception))
    assert reported == [exception]
    assert reported[0] is exception


def test_callbacks_go_on_after_one_that_reported_to_the_hook(
    record: Recorder, reported: list[Exception]
) -> None:
    promise, resolver = lwt.wait()
    exceptions = [A(), B()]
    lwt.on_success(promise, record.on("oldest"))
    lwt.on_success(promise, raising(exceptions[1]))
    lwt.on_success(promise, raising(exceptions[0]))
    lwt.wakeup(resolver, None)
    assert record.events == ["oldest"]
    assert reported == exceptions


def test_an_exception_of_the_hook_leaves_through_the_function_that_resolves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lwt.async_exception_hook, "contents", raising(B()))
    promise, resolver = lwt.wait()
    lwt.on_success(promise, raising(A()))
    with pytest.raises(B):
        lwt.wakeup(resolver, None)


def test_an_exception_of_the_hook_leaves_through_async(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lwt.async_exception_hook, "contents", raising(B()))
    with pytest.raises(B):
        lwt.async_(raising(A()))


def test_the_hook_may_be_replaced_between_attaching_and_rejecting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first: list[Exception] = []
    second: list[Exception] = []
    promise, resolver = lwt.wait()
    monkeypatch.setattr(lwt.async_exception_hook, "contents", first.append)
    lwt.async_(lambda: promise)
    monkeypatch.setattr(lwt.async_exception_hook, "contents", second.append)
    exception = A()
    lwt.wakeup_exn(resolver, exception)
    assert (first, second) == ([], [exception])


@pytest.mark.parametrize(
    "statement",
    [
        "lwt.async_(fail)",
        "p, r = lwt.wait(); lwt.async_(lambda: lwt.bind(p, lambda _: fail())); lwt.wakeup(r, 1)",
        "lwt.on_success(lwt.return_(1), lambda _: fail())",
        "p, r = lwt.wait(); lwt.ignore_result(lwt.map(lambda _: fail(), p)); lwt.wakeup(r, 1)",
    ],
)
def test_the_hook_at_the_start_prints_the_traceback_and_ends_with_status_2(statement: str) -> None:
    program = run_code(
        f"import lwt\n"
        f"def fail(): raise KeyError('lost')\n"
        f"try:\n"
        f"    {statement}\n"
        f"finally:\n"
        f"    print('cleaned up')\n"
        f"print('not reached')\n"
    )
    assert (program.returncode, program.stdout) == (2, "cleaned up\n")
    lines = program.stderr.splitlines()
    assert lines[0].startswith("Fatal error: exception")
    assert "in fail" in program.stderr
    assert lines[-1] == "KeyError: 'lost'"


@pytest.mark.parametrize(
    "spoil",
    [
        "sys.stderr = None",
        "sys.stderr.close()",
        "os.close(2)",
        "os.dup2(os.open('/dev/full', os.O_WRONLY), 2)",
    ],
)
def test_the_hook_at_the_start_ends_with_status_2_also_where_nobody_can_be_told(spoil: str) -> None:
    if "/dev/full" in spoil and not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    result = run_code(f"import lwt, os, sys\n{spoil}\nlwt.async_(lambda: 1 / 0)\nprint('never')")
    assert (result.returncode, result.stdout, result.stderr) == (2, "", "")
