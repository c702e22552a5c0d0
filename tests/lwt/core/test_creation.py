"""Promises that are resolved from the start, pending ones, and the functions that resolve them."""

from collections.abc import Callable
from typing import Any

import pytest

import lwt
from lwt import Promise, Resolver, lwt_sequence
from tests.support.promises import A, B, Recorder, is_canceled, rejected_with

# Resolved from the start


@pytest.mark.parametrize("value", [3, None, "text", [1], lwt.Some(None)])
def test_return_makes_a_fulfilled_promise(value: object) -> None:
    assert lwt.state(lwt.return_(value)) == lwt.Return(value)


def test_return_keeps_the_value_itself() -> None:
    value = object()
    state = lwt.state(lwt.return_(value))
    assert isinstance(state, lwt.Return)
    assert state.value is value


def test_return_of_a_promise_is_a_promise_of_a_promise() -> None:
    inner = lwt.return_(1)
    state = lwt.state(lwt.return_(inner))
    assert isinstance(state, lwt.Return)
    assert state.value is inner


def test_fail_makes_a_rejected_promise_of_the_exception_itself() -> None:
    exception = A()
    assert rejected_with(lwt.fail(exception)) is exception


def test_fail_with_rejects_with_a_failure() -> None:
    assert lwt.state(lwt.fail_with("why")) == lwt.Fail(lwt.Failure("why"))


def test_fail_invalid_arg_rejects_with_a_value_error() -> None:
    assert lwt.state(lwt.fail_invalid_arg("which")) == lwt.Fail(ValueError("which"))


@pytest.mark.parametrize(
    ("promise", "value"),
    [
        (lwt.return_unit, None),
        (lwt.return_none, None),
        (lwt.return_nil, []),
        (lwt.return_true, True),
        (lwt.return_false, False),
        (lwt.return_some(None), lwt.Some(None)),
        (lwt.return_ok(1), lwt.Ok(1)),
        (lwt.return_error("bad"), lwt.Error("bad")),
    ],
)
def test_ready_made_promises_are_fulfilled(promise: Promise[object], value: object) -> None:
    assert lwt.state(promise) == lwt.Return(value)


def test_of_result_follows_the_result() -> None:
    exception = A()
    assert lwt.state(lwt.of_result(lwt.Ok(1))) == lwt.Return(1)
    assert rejected_with(lwt.of_result(lwt.Error(exception))) is exception


# Pending


@pytest.mark.parametrize("make", [lwt.wait, lwt.task])
def test_wait_and_task_make_pending_promises(
    make: Callable[[], tuple[Promise[int], Resolver[int]]],
) -> None:
    promise, _ = make()
    assert lwt.state(promise) == lwt.Sleep


def test_every_promise_of_wait_is_another() -> None:
    (first, first_resolver), (second, _) = lwt.wait(), lwt.wait()
    lwt.wakeup(first_resolver, 1)
    assert (lwt.state(first), lwt.state(second)) == (lwt.Return(1), lwt.Sleep)


# Resolving

Resolve = Callable[[Resolver[int]], None]
EXCEPTION = A("rejected")

FULFILLING: dict[str, Resolve] = {
    "wakeup": lambda resolver: lwt.wakeup(resolver, 1),
    "wakeup_result": lambda resolver: lwt.wakeup_result(resolver, lwt.Ok(1)),
    "wakeup_later": lambda resolver: lwt.wakeup_later(resolver, 1),
    "wakeup_later_result": lambda resolver: lwt.wakeup_later_result(resolver, lwt.Ok(1)),
}
REJECTING: dict[str, Resolve] = {
    "wakeup_exn": lambda resolver: lwt.wakeup_exn(resolver, EXCEPTION),
    "wakeup_result": lambda resolver: lwt.wakeup_result(resolver, lwt.Error(EXCEPTION)),
    "wakeup_later_exn": lambda resolver: lwt.wakeup_later_exn(resolver, EXCEPTION),
    "wakeup_later_result": lambda resolver: lwt.wakeup_later_result(resolver, lwt.Error(EXCEPTION)),
}
RESOLVING = [*FULFILLING.items(), *REJECTING.items()]


@pytest.mark.parametrize("make", [lwt.wait, lwt.task])
@pytest.mark.parametrize("resolve", FULFILLING.values(), ids=FULFILLING)
def test_a_resolver_fulfills_its_promise(
    resolve: Resolve, make: Callable[[], tuple[Promise[int], Resolver[int]]], record: Recorder
) -> None:
    promise, resolver = make()
    lwt.on_success(promise, lambda value: record(f"{value}"))
    resolve(resolver)
    assert lwt.state(promise) == lwt.Return(1)
    assert record.events == ["1"]


@pytest.mark.parametrize("make", [lwt.wait, lwt.task])
@pytest.mark.parametrize("resolve", REJECTING.values(), ids=REJECTING)
def test_a_resolver_rejects_its_promise(
    resolve: Resolve, make: Callable[[], tuple[Promise[int], Resolver[int]]], record: Recorder
) -> None:
    promise, resolver = make()
    lwt.on_failure(promise, lambda exception: record(f"{exception}"))
    resolve(resolver)
    assert rejected_with(promise) is EXCEPTION
    assert record.events == ["rejected"]


@pytest.mark.parametrize("first", [FULFILLING["wakeup"], REJECTING["wakeup_exn"]])
@pytest.mark.parametrize(("name", "resolve"), RESOLVING)
def test_resolving_twice_is_a_value_error_with_the_name_of_the_function(
    name: str, resolve: Resolve, first: Resolve
) -> None:
    promise, resolver = lwt.wait()
    first(resolver)
    before = lwt.state(promise)
    with pytest.raises(ValueError, match=rf"^Lwt\.{name}\b(?!_)"):
        resolve(resolver)
    assert lwt.state(promise) == before


@pytest.mark.parametrize(("name", "resolve"), RESOLVING)
def test_resolving_a_cancelled_promise_does_nothing(name: str, resolve: Resolve) -> None:
    promise, resolver = lwt.task()
    lwt.cancel(promise)
    resolve(resolver)
    assert is_canceled(promise)


def test_resolving_a_promise_that_was_rejected_with_canceled_by_hand_does_nothing() -> None:
    promise, resolver = lwt.wait()
    lwt.wakeup_exn(resolver, lwt.Canceled())
    lwt.wakeup(resolver, 1)
    assert is_canceled(promise)


def test_a_promise_is_resolved_when_its_first_callback_runs(record: Recorder) -> None:
    promise, resolver = lwt.wait()
    lwt.on_termination(promise, lambda: record(repr(lwt.state(promise))))
    lwt.wakeup(resolver, 1)
    assert record.events == ["Return(1)"]


def test_a_callback_that_resolves_again_gets_a_value_error(reported: list[Exception]) -> None:
    promise, resolver = lwt.wait()
    lwt.on_success(promise, lambda _: lwt.wakeup(resolver, 2))
    lwt.wakeup(resolver, 1)
    assert [type(exception) for exception in reported] == [ValueError]
    assert lwt.state(promise) == lwt.Return(1)


# Resolvers in sequences


def only_resolver(sequence: lwt_sequence.Sequence[Resolver[Any]]) -> Resolver[Any]:
    found: list[Resolver[Any]] = []
    lwt_sequence.iter_l(found.append, sequence)
    (resolver,) = found
    return resolver


def test_add_task_r_adds_the_resolver_at_the_right_end() -> None:
    sequence: lwt_sequence.Sequence[Resolver[int]] = lwt_sequence.create()
    first = lwt.add_task_r(sequence)
    second = lwt.add_task_r(sequence)
    lwt.wakeup(lwt_sequence.take_l(sequence), 1)
    lwt.wakeup(lwt_sequence.take_l(sequence), 2)
    assert (lwt.state(first), lwt.state(second)) == (lwt.Return(1), lwt.Return(2))


def test_add_task_l_adds_the_resolver_at_the_left_end() -> None:
    sequence: lwt_sequence.Sequence[Resolver[int]] = lwt_sequence.create()
    first = lwt.add_task_l(sequence)
    second = lwt.add_task_l(sequence)
    lwt.wakeup(lwt_sequence.take_l(sequence), 2)
    lwt.wakeup(lwt_sequence.take_l(sequence), 1)
    assert (lwt.state(first), lwt.state(second)) == (lwt.Return(1), lwt.Return(2))


@pytest.mark.parametrize("add_task", [lwt.add_task_l, lwt.add_task_r])
def test_cancelling_a_promise_of_add_task_removes_its_resolver_alone(
    add_task: Callable[[lwt_sequence.Sequence[Resolver[int]]], Promise[int]],
) -> None:
    sequence: lwt_sequence.Sequence[Resolver[int]] = lwt_sequence.create()
    first, second, third = (add_task(sequence) for _ in range(3))
    lwt.cancel(second)
    assert is_canceled(second)
    assert lwt_sequence.length(sequence) == 2
    for resolver in (lwt_sequence.take_l(sequence), lwt_sequence.take_l(sequence)):
        lwt.wakeup(resolver, 1)
    assert (lwt.state(first), lwt.state(third)) == (lwt.Return(1), lwt.Return(1))


@pytest.mark.parametrize("add_task", [lwt.add_task_l, lwt.add_task_r])
def test_resolving_a_promise_of_add_task_leaves_its_resolver_where_it_is(
    add_task: Callable[[lwt_sequence.Sequence[Resolver[int]]], Promise[int]],
) -> None:
    sequence: lwt_sequence.Sequence[Resolver[int]] = lwt_sequence.create()
    promise = add_task(sequence)
    resolver = only_resolver(sequence)
    lwt.wakeup(resolver, 1)
    assert lwt.state(promise) == lwt.Return(1)
    assert lwt_sequence.length(sequence) == 1


def test_the_resolver_is_removed_as_the_oldest_of_the_cancel_callbacks(
    record: Recorder,
) -> None:
    sequence: lwt_sequence.Sequence[Resolver[int]] = lwt_sequence.create()
    promise = lwt.add_task_r(sequence)
    lwt.on_cancel(promise, lambda: record(f"cancel callback sees {lwt_sequence.length(sequence)}"))
    lwt.on_termination(promise, lambda: record(f"regular sees {lwt_sequence.length(sequence)}"))
    lwt.cancel(promise)
    assert record.events == ["cancel callback sees 1", "regular sees 0"]


def test_the_resolver_is_removed_when_the_promise_is_cancelled_through_another() -> None:
    sequence: lwt_sequence.Sequence[Resolver[int]] = lwt_sequence.create()
    lwt.cancel(lwt.map(str, lwt.add_task_r(sequence)))
    assert lwt_sequence.is_empty(sequence)


def test_the_resolver_is_not_removed_when_the_promise_is_rejected_otherwise() -> None:
    sequence: lwt_sequence.Sequence[Resolver[int]] = lwt_sequence.create()
    lwt.add_task_r(sequence)
    resolver = only_resolver(sequence)
    lwt.wakeup_exn(resolver, B())
    assert lwt_sequence.length(sequence) == 1


def test_cancelling_after_the_resolver_was_taken_leaves_the_sequence_alone() -> None:
    sequence: lwt_sequence.Sequence[Resolver[int]] = lwt_sequence.create()
    promise = lwt.add_task_r(sequence)
    lwt.add_task_r(sequence)
    lwt_sequence.take_l(sequence)
    lwt.cancel(promise)
    assert lwt_sequence.length(sequence) == 1


# Resolving what cannot be resolved


ON_A_RESOLVER: dict[str, Callable[[Any], object]] = {
    "wakeup": lambda r: lwt.wakeup(r, 1),
    "wakeup_later": lambda r: lwt.wakeup_later(r, 1),
    "wakeup_exn": lambda r: lwt.wakeup_exn(r, KeyError()),
    "wakeup_later_exn": lambda r: lwt.wakeup_later_exn(r, KeyError()),
    "wakeup_result": lambda r: lwt.wakeup_result(r, lwt.Ok(1)),
    "wakeup_later_result": lambda r: lwt.wakeup_later_result(r, lwt.Error(KeyError())),
}

resolving = pytest.mark.parametrize("case", ON_A_RESOLVER)


@resolving
@pytest.mark.parametrize("make", [lwt.wait, lwt.task])
def test_resolving_twice_is_refused_with_the_name_of_ocaml(
    case: str, make: Callable[[], tuple[lwt.Promise[Any], lwt.Resolver[Any]]]
) -> None:
    promise, resolver = make()
    lwt.wakeup(resolver, "first")
    with pytest.raises(ValueError, match=rf"^Lwt\.{case}\b.*resolved already.*'first'"):
        ON_A_RESOLVER[case](resolver)
    assert lwt.state(promise) == lwt.Return("first")


@resolving
def test_resolving_after_a_rejection_is_refused(case: str) -> None:
    promise, resolver = lwt.wait()
    lwt.wakeup_exn(resolver, ValueError("first"))
    with pytest.raises(ValueError, match=rf"^Lwt\.{case}\b"):
        ON_A_RESOLVER[case](resolver)
    assert lwt.state(promise) == lwt.Fail(ValueError("first"))


@resolving
def test_resolving_what_was_cancelled_does_nothing(case: str) -> None:
    promise, resolver = lwt.task()
    lwt.cancel(promise)
    ON_A_RESOLVER[case](resolver)
    ON_A_RESOLVER[case](resolver)
    assert lwt.state(promise) == lwt.Fail(lwt.Canceled())


@resolving
def test_a_promise_where_a_resolver_belongs_is_told_apart(case: str) -> None:
    promise, _ = lwt.wait()
    with pytest.raises(TypeError, match=rf"lwt\.{case}: expected a resolver, got .*second item"):
        ON_A_RESOLVER[case](promise)
    assert lwt.is_sleeping(promise)


@resolving
def test_what_is_no_resolver_is_shown(case: str) -> None:
    with pytest.raises(TypeError, match=rf"lwt\.{case}: expected a resolver, got 3"):
        ON_A_RESOLVER[case](3)


@pytest.mark.parametrize("case", ["wakeup_result", "wakeup_later_result", "of_result"])
def test_what_is_no_result_is_shown(case: str) -> None:
    promise, resolver = lwt.wait()
    bad: Any = 3
    calls: dict[str, Callable[[], object]] = {
        "wakeup_result": lambda: lwt.wakeup_result(resolver, bad),
        "wakeup_later_result": lambda: lwt.wakeup_later_result(resolver, bad),
        "of_result": lambda: lwt.of_result(bad),
    }
    with pytest.raises(TypeError, match=rf"lwt\.{case}: expected lwt\.Ok.* or lwt\.Error.* got 3"):
        calls[case]()
    assert lwt.is_sleeping(promise)


@pytest.mark.parametrize("add", [lwt.add_task_r, lwt.add_task_l])
def test_a_task_is_added_to_a_sequence(add: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError):
        add([])
    add(lwt_sequence.create())
