"""Switches: which hooks run, when, and what one that fails does to the others."""

from __future__ import annotations

import pytest

import lwt
from lwt import Return, Some, lwt_switch
from lwt.lwt_switch import add_hook, add_hook_or_exec, check, is_on, turn_off, with_switch
from tests.support.promises import A, B, Recorder, is_canceled, raising, rejected_with


def off() -> lwt_switch.Switch:
    switch = lwt_switch.create()
    turn_off(switch)
    return switch


def test_a_new_switch_is_on_until_it_is_turned_off() -> None:
    switch = lwt_switch.create()
    assert is_on(switch)
    assert lwt.state(turn_off(switch)) == Return(None)
    assert not is_on(switch)


def test_turning_off_calls_the_hooks_last_added_first(record: Recorder) -> None:
    switch = lwt_switch.create()
    for name in "abc":
        add_hook(Some(switch), record.then(name, lwt.return_unit))
    turn_off(switch)
    assert record.events == ["c", "b", "a"]


def test_turning_off_again_does_nothing(record: Recorder) -> None:
    switch = lwt_switch.create()
    add_hook(Some(switch), record.then("hook", lwt.return_unit))
    turn_off(switch)
    assert lwt.state(turn_off(switch)) == Return(None)
    assert record.events == ["hook"]


def test_the_switch_is_off_when_its_hooks_are_called(record: Recorder) -> None:
    switch = lwt_switch.create()

    def hook() -> lwt.Promise[None]:
        record(f"on: {is_on(switch)}")
        return lwt.return_unit

    add_hook(Some(switch), hook)
    turn_off(switch)
    assert record.events == ["on: False"]


def test_all_hooks_are_called_at_once_and_waited_for() -> None:
    switch = lwt_switch.create()
    first, first_resolver = lwt.wait()
    second, second_resolver = lwt.wait()
    add_hook(Some(switch), lambda: first)
    add_hook(Some(switch), lambda: second)
    result = turn_off(switch)
    lwt.wakeup(first_resolver, None)
    assert lwt.is_sleeping(result)
    lwt.wakeup(second_resolver, None)
    assert lwt.state(result) == Return(None)


def test_a_hook_that_fails_keeps_no_other_from_being_called_and_waited_for(
    record: Recorder,
) -> None:
    switch = lwt_switch.create()
    work, resolver = lwt.wait()
    add_hook(Some(switch), record.then("a", lwt.return_unit))
    add_hook(Some(switch), raising(A()))
    add_hook(Some(switch), lambda: work)
    add_hook(Some(switch), record.then("b", lwt.fail(B())))
    result = turn_off(switch)
    assert record.events == ["b", "a"]
    assert lwt.is_sleeping(result)
    lwt.wakeup(resolver, None)
    assert isinstance(rejected_with(result), B)


def test_cancelling_what_turns_off_cancels_the_hooks() -> None:
    switch = lwt_switch.create()
    work, _ = lwt.task()
    add_hook(Some(switch), lambda: work)
    result = turn_off(switch)
    lwt.cancel(result)
    assert is_canceled(work)
    assert is_canceled(result)


def test_a_hook_may_be_an_async_function(record: Recorder) -> None:
    switch = lwt_switch.create()

    async def hook() -> None:
        await lwt.pause()
        record("hook")

    add_hook(Some(switch), hook)
    result = turn_off(switch)
    lwt.wakeup_paused()
    assert record.events == ["hook"]
    assert lwt.state(result) == Return(None)


def test_a_hook_that_returns_no_promise_rejects_the_result_with_its_name() -> None:
    switch = lwt_switch.create()

    def my_hook() -> None:
        pass

    add_hook(Some(switch), my_hook)  # type: ignore[arg-type]  # that is the test
    assert "my_hook returned None" in str(rejected_with(turn_off(switch)))


def test_add_hook_raises_off_when_the_switch_is_off() -> None:
    with pytest.raises(lwt_switch.Off):
        add_hook(Some(off()), lambda: lwt.return_unit)


def test_a_hook_that_is_added_to_no_switch_is_never_called(record: Recorder) -> None:
    add_hook(None, record.then("hook", lwt.return_unit))
    assert lwt.state(add_hook_or_exec(None, record.then("hook", lwt.return_unit))) == Return(None)
    assert record.events == []


def test_add_hook_or_exec_adds_when_the_switch_is_on(record: Recorder) -> None:
    switch = lwt_switch.create()
    result = add_hook_or_exec(Some(switch), record.then("hook", lwt.return_unit))
    assert lwt.state(result) == Return(None)
    assert record.taken() == []
    turn_off(switch)
    assert record.taken() == ["hook"]


def test_add_hook_or_exec_calls_now_when_the_switch_is_off() -> None:
    work, resolver = lwt.wait()
    result = add_hook_or_exec(Some(off()), lambda: work)
    assert lwt.is_sleeping(result)
    lwt.wakeup(resolver, None)
    assert lwt.state(result) == Return(None)


def test_add_hook_or_exec_raises_what_the_hook_raises_now() -> None:
    with pytest.raises(A):
        add_hook_or_exec(Some(off()), raising(A()))


def test_check_raises_off_only_when_there_is_a_switch_that_is_off() -> None:
    check(None)
    check(Some(lwt_switch.create()))
    with pytest.raises(lwt_switch.Off):
        check(Some(off()))


def test_with_switch_turns_off_when_the_function_is_done() -> None:
    switches: list[lwt_switch.Switch] = []
    work, resolver = lwt.wait()

    def f(switch: lwt_switch.Switch) -> lwt.Promise[int]:
        switches.append(switch)
        return work

    result = with_switch(f)
    assert is_on(switches[0])
    lwt.wakeup(resolver, 1)
    assert not is_on(switches[0])
    assert lwt.state(result) == Return(1)


def test_with_switch_turns_off_when_the_function_raises(record: Recorder) -> None:
    def f(switch: lwt_switch.Switch) -> lwt.Promise[None]:
        add_hook(Some(switch), record.then("hook", lwt.return_unit))
        raise A

    assert isinstance(rejected_with(with_switch(f)), A)
    assert record.events == ["hook"]


def test_with_switch_is_rejected_with_what_a_hook_fails_with() -> None:
    def f(switch: lwt_switch.Switch) -> lwt.Promise[int]:
        add_hook(Some(switch), raising(B()))
        return lwt.return_(1)

    assert isinstance(rejected_with(with_switch(f)), B)


def test_bad_arguments_are_refused_with_a_hint() -> None:
    switch = lwt_switch.create()
    with pytest.raises(
        TypeError, match=r"add_hook: expected lwt\.Some\(switch\) or None, got <Switch"
    ):
        add_hook(switch, lambda: lwt.return_unit)  # type: ignore[arg-type]  # that is the test
    with pytest.raises(
        TypeError, match=r"turn_off: expected a switch, got Some.*; .*without lwt\.Some"
    ):
        turn_off(Some(switch))  # type: ignore[arg-type]  # that is the test
    with pytest.raises(TypeError, match=r"check: expected lwt\.Some\(switch\) or None, got 3"):
        check(3)  # type: ignore[arg-type]  # that is the test
    with pytest.raises(TypeError, match=r"add_hook: expected a function, got 3"):
        add_hook(None, 3)  # type: ignore[arg-type]  # that is the test
    with pytest.raises(TypeError, match=r"add_hook_or_exec: expected a function, got 3"):
        add_hook_or_exec(Some(switch), 3)  # type: ignore[arg-type]  # that is the test
    with pytest.raises(TypeError, match=r"with_switch: expected a function, got 3"):
        with_switch(3)  # type: ignore[arg-type]  # that is the test
    with pytest.raises(TypeError, match=r"is_on: expected a switch, got 3"):
        is_on(3)  # type: ignore[arg-type]  # that is the test
    assert [repr(switch), repr(off())] == ["<Switch, on>", "<Switch, off>"]
