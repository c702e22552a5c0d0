"""Timeouts of a second's grain: when actions are called, in which order, exceptions, forks, the collector."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import lwt
from lwt_unix import lwt_engine, lwt_main, lwt_timeout
from tests.support.collecting import for_every_collection
from tests.support.engines import Clock
from tests.support.programs import in_child

pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def log() -> list[str]:
    return []


def noting(log: list[str], text: str) -> Callable[[], None]:
    return lambda: log.append(text)


def pass_seconds(clock: Clock, log: list[str], number: int) -> list[list[str]]:
    """Let seconds pass, one by one; return what was called in each."""
    found = []
    for _ in range(number):
        log.clear()
        clock.advance(1.0)
        found.append(log[:])
    return found


def test_an_action_is_called_between_its_delay_and_a_second_later(
    clock: Clock, log: list[str]
) -> None:
    lwt_timeout.start(lwt_timeout.create(2, noting(log, "first")))
    clock.now += 0.5
    lwt_timeout.start(lwt_timeout.create(1, noting(log, "second")))
    assert pass_seconds(clock, log, 4) == [[], ["second"], ["first"], []]


def test_nothing_is_called_before_it_was_started_and_the_clock_stands_still(
    clock: Clock, log: list[str]
) -> None:
    timeout = lwt_timeout.create(1, noting(log, "called"))
    assert repr(timeout) == "<Timeout of 1 s, not started>"
    assert (pass_seconds(clock, log, 3), lwt_engine.timer_count()) == ([[], [], []], 0)
    lwt_timeout.start(timeout)
    assert (repr(timeout), lwt_engine.timer_count()) == ("<Timeout of 1 s>", 1)
    assert pass_seconds(clock, log, 3) == [[], ["called"], []]
    assert lwt_engine.timer_count() == 0


def test_starting_again_begins_with_the_whole_delay(clock: Clock, log: list[str]) -> None:
    timeout = lwt_timeout.create(2, noting(log, "called"))
    lwt_timeout.start(timeout)
    assert pass_seconds(clock, log, 2) == [[], []]
    lwt_timeout.start(timeout)
    assert pass_seconds(clock, log, 4) == [[], [], ["called"], []]


def test_what_was_stopped_is_not_called_and_may_be_started_again(
    clock: Clock, log: list[str]
) -> None:
    timeout = lwt_timeout.create(1, noting(log, "called"))
    lwt_timeout.start(timeout)
    for _ in range(2):
        lwt_timeout.stop(timeout)
    assert pass_seconds(clock, log, 3) == [[], [], []]
    lwt_timeout.start(timeout)
    assert pass_seconds(clock, log, 2) == [[], ["called"]]


def test_changing_the_delay_starts_again_only_what_is_started(clock: Clock, log: list[str]) -> None:
    one = lwt_timeout.create(1, noting(log, "one"))
    other = lwt_timeout.create(1, noting(log, "other"))
    lwt_timeout.start(one)
    lwt_timeout.change(one, 3)
    lwt_timeout.change(other, 3)
    assert pass_seconds(clock, log, 5) == [[], [], [], ["one"], []]


def test_of_those_due_together_the_one_that_was_started_last_comes_first(
    clock: Clock, log: list[str]
) -> None:
    for text in ("first", "second", "third"):
        lwt_timeout.start(lwt_timeout.create(1, noting(log, text)))
    assert pass_seconds(clock, log, 2) == [[], ["third", "second", "first"]]


def test_an_action_may_stop_others_and_start_itself(clock: Clock, log: list[str]) -> None:
    def act() -> None:
        log.append("act")
        lwt_timeout.stop(other)
        lwt_timeout.start(timeout)

    other = lwt_timeout.create(1, noting(log, "other"))
    timeout = lwt_timeout.create(1, act)
    lwt_timeout.start(other)
    lwt_timeout.start(timeout)
    assert pass_seconds(clock, log, 4) == [[], ["act"], ["act"], ["act"]]
    lwt_timeout.stop(timeout)


def raising(exception: BaseException) -> Callable[[], None]:
    def act() -> None:
        raise exception

    return act


def test_an_exception_of_an_action_goes_to_the_hook_or_the_handler_and_the_others_are_called(
    clock: Clock, log: list[str]
) -> None:
    lwt.async_exception_hook.contents = lambda exn: log.append(f"hook {exn!r}")
    for handler in (None, lambda exn: log.append(f"handler {exn!r}")):
        if handler is not None:
            lwt_timeout.set_exn_handler(handler)
        lwt_timeout.start(lwt_timeout.create(1, noting(log, "other")))
        lwt_timeout.start(lwt_timeout.create(1, raising(LookupError())))
        name = "hook" if handler is None else "handler"
        assert pass_seconds(clock, log, 2) == [[], [f"{name} LookupError()", "other"]]


@pytest.mark.parametrize("exception", [KeyboardInterrupt(), MemoryError()])
def test_what_is_no_rejection_leaves_and_the_others_are_called_a_second_later(
    clock: Clock, log: list[str], exception: BaseException
) -> None:
    lwt_timeout.start(lwt_timeout.create(1, noting(log, "other")))
    lwt_timeout.start(lwt_timeout.create(1, raising(exception)))
    clock.advance(1.0)
    with pytest.raises(type(exception)):
        clock.advance(1.0)
    assert pass_seconds(clock, log, 2) == [["other"], []]
    assert lwt_engine.timer_count() == 0


def test_an_exception_of_the_handler_goes_to_the_hook_and_the_others_are_called(
    clock: Clock, log: list[str]
) -> None:
    lwt.async_exception_hook.contents = lambda exn: log.append(f"hook {exn!r}")
    lwt_timeout.set_exn_handler(lambda _: raising(ValueError())())
    lwt_timeout.start(lwt_timeout.create(1, noting(log, "other")))
    lwt_timeout.start(lwt_timeout.create(1, raising(LookupError())))
    assert pass_seconds(clock, log, 4) == [[], ["hook ValueError()"], ["other"], []]


def test_actions_have_the_storage_of_who_started_the_clock(clock: Clock, log: list[str]) -> None:
    key: lwt.Key[str] = lwt.new_key()

    def start(text: str) -> None:
        timeout = lwt_timeout.create(2, lambda: log.append(f"{text} {lwt.get(key)}"))
        lwt.with_value(key, lwt.Some(text), lambda: lwt_timeout.start(timeout))

    for text in ("first", "second"):
        start(text)
    assert pass_seconds(clock, log, 3)[2] == [
        f"{text} {lwt.Some('first')}" for text in ("second", "first")
    ]


def test_arguments_that_make_no_sense_are_refused_and_change_nothing(
    clock: Clock, log: list[str]
) -> None:
    with pytest.raises(ValueError, match=r"^Lwt_timeout\.create: delay is 0; expected 1 or more$"):
        lwt_timeout.create(0, print)
    timeout = lwt_timeout.create(1, noting(log, "called"))
    with pytest.raises(ValueError, match=r"^Lwt_timeout\.change: delay is -1"):
        lwt_timeout.change(timeout, -1)
    with pytest.raises(TypeError, match=r"make one with lwt_timeout\.create"):
        lwt_timeout.start(1)  # type: ignore[arg-type]
    lwt_timeout.start(timeout)
    assert pass_seconds(clock, log, 2) == [[], ["called"]]


def test_in_a_child_that_a_body_forks_the_timeouts_are_the_parents(
    clock: Clock, log: list[str]
) -> None:
    timeout = lwt_timeout.create(1, noting(log, "called"))
    own = lwt_timeout.create(1, noting(log, "own"))

    def child() -> None:
        lwt_timeout.start(own)
        assert pass_seconds(clock, log, 3) == [[], ["own"], []]
        lwt_timeout.start(timeout)
        assert pass_seconds(clock, log, 3) == [[], ["called"], []]

    async def main() -> int:
        lwt_timeout.start(timeout)
        await lwt.pause()
        return in_child(child)

    assert lwt_main.run(main()) == 0
    assert pass_seconds(clock, log, 2) == [[], ["called"]]


@pytest.mark.no_cover
def test_a_finaliser_may_start_and_stop_timeouts_at_any_place(clock: Clock) -> None:
    class Timeouts:
        def __init__(self) -> None:
            self.log: list[str] = []
            names = ("own", "other", "new")
            self.own, self.other, self.new = (
                lwt_timeout.create(1, noting(self.log, name)) for name in names
            )
            lwt_timeout.start(self.other)

        def interfere(self) -> None:
            lwt_timeout.stop(self.other)
            lwt_timeout.start(self.own)
            lwt_timeout.start(self.new)

    def check(timeouts: Timeouts, _: None) -> None:
        clock.advance(1.0)
        clock.advance(1.0)
        clock.advance(1.0)
        assert sorted(timeouts.log) == ["new", "own"]
        assert lwt_timeout._clock.count == 0

    for_every_collection(Timeouts, lambda it: lwt_timeout.start(it.own), Timeouts.interfere, check)
