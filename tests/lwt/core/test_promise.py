"""Promises as Python objects: what they look like, what they weigh."""

import gc
import sys
import weakref
from collections.abc import Callable
from typing import Any, final

import pytest

import lwt
from lwt._core.promise import CLEANUP_THRESHOLD, PROXY, Callback, add_callback
from tests.support.promises import Recorder, callbacks_of, living_promises

pytestmark = pytest.mark.usefixtures("nothing_left_over")


def pending() -> tuple[lwt.Promise[str], lwt.Resolver[str]]:
    return lwt.wait()


# --- repr --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("promise", "expected"),
    [
        (lwt.return_(3), "<Promise fulfilled: 3>"),
        (lwt.return_("text"), "<Promise fulfilled: 'text'>"),
        (lwt.return_unit, "<Promise fulfilled: None>"),
        (lwt.return_some(3), "<Promise fulfilled: Some(3)>"),
        (lwt.fail(ValueError("bad")), "<Promise rejected: ValueError('bad')>"),
        (lwt.wait()[0], "<Promise pending>"),
        (lwt.task()[0], "<Promise pending>"),
    ],
)
def test_the_repr_of_a_promise_says_state_and_value(
    promise: lwt.Promise[object], expected: str
) -> None:
    assert repr(promise) == str(promise) == f"{promise}" == expected


def test_the_repr_of_a_canceled_promise_says_so() -> None:
    promise, _ = lwt.task()
    lwt.cancel(promise)
    assert repr(promise) == "<Promise rejected: Canceled()>"


def test_the_repr_of_a_resolver_shows_its_promise() -> None:
    _, resolver = pending()
    assert repr(resolver) == "<Resolver of <Promise pending>>"
    lwt.wakeup(resolver, "done")
    assert repr(resolver) == "<Resolver of <Promise fulfilled: 'done'>>"


def test_the_repr_of_a_proxy_is_that_of_what_it_stands_for() -> None:
    trigger, trigger_resolver = pending()
    inner, inner_resolver = pending()
    outer = lwt.bind(trigger, lambda _: inner)
    lwt.wakeup(trigger_resolver, "")
    assert inner._state == PROXY
    assert (repr(inner), repr(outer)) == ("<Promise pending>", "<Promise pending>")
    lwt.wakeup(inner_resolver, "x")
    assert (repr(inner), repr(outer)) == ("<Promise fulfilled: 'x'>",) * 2


def test_the_repr_of_a_promise_with_many_callbacks_is_short() -> None:
    promise, _ = pending()
    for _ in range(1000):
        lwt.bind(promise, lwt.return_)
    assert repr(promise) == "<Promise pending>"


@pytest.mark.parametrize(
    "value", [list(range(10**5)), "x" * 10**6, dict.fromkeys(range(1000), "y" * 1000), b"z" * 10**6]
)
def test_the_repr_of_a_large_value_is_shortened(value: object) -> None:
    assert len(repr(lwt.return_(value))) < 600


def test_the_repr_of_promises_in_promises_shows_the_first_layers_only() -> None:
    promise: lwt.Promise[Any] = lwt.return_(0)
    for _ in range(100_000):
        promise = lwt.return_(promise)
    assert len(repr(promise)) < 300
    assert repr(promise).startswith("<Promise fulfilled: <Promise fulfilled: ")


def test_the_repr_of_a_promise_that_holds_itself_ends() -> None:
    items: list[object] = []
    promise = lwt.return_(items)
    items.append(promise)
    assert len(repr(promise)) < 300


class Broken:
    """Its repr fails."""

    def __repr__(self) -> str:
        raise KeyError("broken repr")


def test_the_repr_of_a_value_with_a_broken_repr_still_says_the_state() -> None:
    assert repr(lwt.return_(Broken())).startswith("<Promise fulfilled: ")
    assert "Broken" in repr(lwt.return_(Broken()))
    # And the next repr is not disturbed.
    assert repr(lwt.return_(lwt.return_(3))) == "<Promise fulfilled: <Promise fulfilled: ...>>"


def test_the_repr_of_an_exception_with_a_broken_repr_still_says_the_state() -> None:
    class BrokenError(Exception):
        def __repr__(self) -> str:
            raise KeyError("broken repr")

    assert repr(lwt.fail(BrokenError())).startswith("<Promise rejected: ")


def test_the_repr_of_states_and_options_shows_what_they_hold() -> None:
    assert repr(lwt.state(lwt.return_(3))) == "Return(3)"
    assert repr(lwt.state(lwt.fail(KeyError("k")))) == "Fail(KeyError('k'))"
    assert repr(lwt.state(lwt.wait()[0])) == "Sleep"
    assert repr(lwt.poll(lwt.return_(None))) == "Some(None)"


# --- Identity ----------------------------------------------------------------


def test_promises_are_equal_only_to_themselves() -> None:
    promise = lwt.return_(1)
    other = lwt.return_(1)
    assert promise == promise  # noqa: PLR0124 (what is under test)
    assert promise != other
    assert len({promise, other}) == 2


def test_a_promise_has_no_other_attributes() -> None:
    promise: Any = lwt.return_(1)
    with pytest.raises(AttributeError):
        promise.value = 2


def test_calling_the_class_of_promises_with_a_value_is_refused() -> None:
    promise: Any = lwt.Promise
    with pytest.raises(TypeError, match=r"^Promise\(\) takes no arguments$"):
        promise(1)


def test_promises_and_resolvers_cannot_be_referred_to_weakly() -> None:
    for thing in pending():
        with pytest.raises(TypeError, match="cannot create weak reference"):
            weakref.ref(thing)


def test_t_and_u_are_other_names_of_the_classes() -> None:
    assert (lwt.t, lwt.u, lwt.key) == (lwt.Promise, lwt.Resolver, lwt.Key)


def test_promise_and_resolver_can_be_given_type_arguments() -> None:
    assert lwt.Promise[int] == lwt.t[int]
    assert lwt.Resolver[int] == lwt.u[int]


# --- Weight ------------------------------------------------------------------


def test_callbacks_of_choose_do_not_collect_on_a_promise_that_stays_pending() -> None:
    forever, _ = lwt.wait()
    most = 0
    for _ in range(1000):
        promise, resolver = lwt.wait()
        chosen = lwt.choose([forever, promise])
        lwt.wakeup(resolver, None)
        assert not lwt.is_sleeping(chosen)
        most = max(most, len(callbacks_of(forever)))
    assert most <= CLEANUP_THRESHOLD + 1


def test_the_callbacks_of_a_long_loop_are_not_copied_in_each_round(record: Recorder) -> None:
    """Each round returns a promise that has a callback already; it becomes a proxy."""
    resolvers: list[lwt.Resolver[None]] = []

    def loop(round: int) -> lwt.Promise[None]:
        promise, resolver = lwt.wait()
        resolvers.append(resolver)
        rest = lwt.bind(promise, lambda _: loop(round - 1) if round else lwt.return_unit)
        lwt.on_success(rest, record.on(f"{round}"))
        return rest

    whole = loop(4)
    lwt.wakeup(resolvers[0], None)
    callbacks = callbacks_of(whole)
    for _ in range(3):
        lwt.wakeup(resolvers[-1], None)
        assert callbacks_of(whole) is callbacks
    lwt.wakeup(resolvers[-1], None)
    assert record.events == ["4", "3", "2", "1", "0"]


def test_pauses_that_are_cancelled_are_gone_after_the_turn() -> None:
    gc.collect()  # What other tests have left in circles.
    before = living_promises()
    for _ in range(100):
        lwt.cancel(lwt.pause())
    lwt.wakeup_paused()
    assert living_promises() == before


def size_of(promise: lwt.Promise[object]) -> int:
    """The memory of a promise and its one callback, without what they refer to."""
    (callback,) = callbacks_of(promise)
    assert promise._callbacks is callback  # There is no list.
    return sys.getsizeof(promise) + sys.getsizeof(callback)


@pytest.mark.parametrize(
    ("attach", "most"),
    [
        (lambda p: lwt.bind(p, lwt.return_), 160),
        (lambda p: lwt.map(str, p), 160),
        (lambda p: lwt.on_success(p, str), 160),
    ],
    ids=["bind", "map", "on_success"],
)
def test_a_pending_promise_with_one_callback_is_small(
    attach: Callable[[lwt.Promise[object]], object], most: int
) -> None:
    promise, _ = lwt.wait()
    attach(promise)
    assert size_of(promise) <= most


def test_no_promise_is_left_behind_by_programs_that_end() -> None:
    def count() -> int:
        gc.collect()
        return sum(type(thing) is lwt.Promise for thing in gc.get_objects())

    @lwt.promised
    async def body(promise: lwt.Promise[str]) -> str:
        return await promise + await (lwt.pause() | (lambda _: "paused"))

    def program() -> None:
        promise, resolver = pending()
        results = [
            body(promise),
            lwt.pick([lwt.bind(promise, lwt.return_), lwt.map(str, lwt.pause())]),
            lwt.protected(lwt.bind(promise, body_of_pause)),
        ]
        lwt.wakeup(resolver, "value")
        while lwt.paused_count():
            lwt.wakeup_paused()
        assert not any(map(lwt.is_sleeping, results))

    before = count()
    program()
    assert count() == before


async def body_of_pause(text: str) -> str:
    await lwt.pause()
    return text


# --- Attaching ---------------------------------------------------------------


@final
class Attached(Callback):
    """A callback that notes when it runs."""

    def __init__(self, record: Recorder) -> None:
        self.record = record

    def run(self, promise: lwt.Promise[Any], /) -> None:
        self.record(f"attached to {promise!r}")


def test_without_a_main_loop_what_is_attached_too_late_runs_when_something_is_resolved(
    record: Recorder,
) -> None:
    """A finaliser may have resolved the promise since its state was looked at."""
    add_callback(lwt.return_(3), Attached(record))
    lwt.map(record.on("called at once"), lwt.return_unit)
    assert record.taken() == ["called at once"]
    promise, resolver = lwt.wait()
    lwt.on_success(promise, record.on("resolved"))
    lwt.wakeup(resolver, None)
    assert record.events == ["resolved", "attached to <Promise fulfilled: 3>"]
