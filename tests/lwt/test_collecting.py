"""Nothing is lost when the collector runs in the middle of a function, and finalisers interfere."""

import gc
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

import lwt
from lwt import Promise, lwt_sequence
from lwt._core.promise import CLEANUP_THRESHOLD
from lwt._core.resolution import MAXIMUM_NESTING, resolution, resume
from lwt._core.ring import Sequence
from lwt._core.waiters import Waiters
from tests.support.collecting import (
    Garbage,
    body,
    finalised,
    for_every_collection,
    weakly_referenced,
)
from tests.support.promises import (
    FOR_FIRST,
    A,
    B,
    callbacks_of,
    go_wrong,
    is_canceled,
    pending,
)

pytestmark = pytest.mark.no_cover  # Where lines are traced, there are more places.

each_kind = pytest.mark.parametrize("garbage", [body, finalised, weakly_referenced])

# --- The harness itself ------------------------------------------------------


class Thing:
    """An object that the collector tracks."""

    __slots__ = ("value",)


def make_things(kept: list[object]) -> None:
    kept.append(Thing())
    kept.append(Thing())
    kept.append(lambda: kept)
    for _ in range(3):
        kept.append((kept, kept))
    kept.append([])
    kept.append({})


def lines_of(places: list[str], function: Callable[..., object]) -> list[int]:
    """In which lines of a function the places are, counted from its first."""
    first = function.__code__.co_firstlineno
    found = [place.split(", line ") for place in places]
    return [int(line) - first for name, line in found if name == function.__qualname__]


@pytest.mark.no_cover
@each_kind
def test_the_harness_makes_the_collector_run_at_every_allocation(garbage: Garbage) -> None:
    places = for_every_collection(
        list, make_things, lambda kept: None, lambda kept, _: None, garbage
    )
    lines = lines_of(places, make_things)
    if sys.version_info < (3, 12):
        assert lines == [1, 2, 3, 3, 5, 5, 5, 6, 7]  # In line 3, a function and a tuple of it.
    else:  # A little later: when a call has ended, or a loop begins again.
        assert {1, 2, 5} <= set(lines)
        assert lines.count(5) == 3


@each_kind
def test_the_harness_disturbs_before_inside_and_after(garbage: Garbage) -> None:
    seen: list[tuple[bool, int, int]] = []

    def check(subject: list[int], length_inside: int) -> None:
        seen.append((subject[0] == 1, length_inside, len(subject)))

    def prepare() -> list[int]:
        return []

    def operation(subject: list[int]) -> int:
        subject.append(1)
        thing = Thing()
        del thing
        return len(subject)

    for_every_collection(prepare, operation, lambda subject: subject.append(2), check, garbage)
    assert seen[0] == (False, 2, 2)
    assert (True, 2, 2) in seen[1:-1]
    assert seen[-1] == (True, 1, 2)


def test_the_harness_tells_where_the_finaliser_ran() -> None:
    def check(kept: list[object], _: object) -> None:
        assert kept[0] != "disturbed"

    with pytest.raises(AssertionError) as caught:
        for_every_collection(list, make_things, lambda kept: kept.insert(0, "disturbed"), check)
    assert caught.value.__notes__[0].startswith("A finaliser ran in ")


def test_the_harness_lets_what_a_finaliser_raises_fail_the_test() -> None:
    def interfere(_: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        for_every_collection(list, make_things, interfere, lambda kept, _: None)


def test_the_harness_leaves_the_collector_as_it_was() -> None:
    before = gc.isenabled(), gc.get_threshold(), list(gc.callbacks)
    for_every_collection(list, make_things, lambda kept: None, lambda kept, _: None)
    assert (gc.isenabled(), gc.get_threshold(), gc.callbacks) == before


# --- What waits for promises -------------------------------------------------


class Source:
    """A promise that an operation works on, and what a finaliser may do to it."""

    def __init__(self) -> None:
        self.promise, self.resolver = lwt.task()
        start, self.starter = lwt.wait()
        self.whole = lwt.bind(start, lambda _: self.promise)
        other, self.other_resolver = lwt.wait()
        self.first = lwt.choose([other, self.promise])
        self.attached: list[Promise[Any]] = []
        self.told_of_cancel: list[Promise[None]] = []
        self.state: lwt.State[Any] = lwt.Sleep

    def note(self) -> None:
        """Remember how the promise was resolved first."""
        if self.state is lwt.Sleep:
            self.state = lwt.state(self.promise)

    def resolve(self) -> None:
        if lwt.is_sleeping(self.promise):
            lwt.wakeup(self.resolver, 1)
        self.note()

    def resolve_later(self) -> None:
        if lwt.is_sleeping(self.promise):
            lwt.wakeup_later(self.resolver, 2)
        self.note()

    def reject(self) -> None:
        if lwt.is_sleeping(self.promise):
            lwt.wakeup_exn(self.resolver, A())
        self.note()

    def cancel(self) -> None:
        lwt.cancel(self.promise)
        self.note()

    def become_a_proxy(self) -> None:
        lwt.wakeup(self.starter, None)

    def lose_a_callback(self) -> None:
        lwt.wakeup(self.other_resolver, 3)

    def be_waited_for(self) -> None:
        async def body() -> list[object]:
            return [await self.promise]

        async def quick_body() -> list[object]:
            return [await lwt.return_(4)]

        self.attached.append(lwt.map(str, self.promise))
        self.attached.append(lwt.of_coroutine(body()))
        assert lwt.state(lwt.of_coroutine(quick_body())) == lwt.Return([4])

    def check_at_the_end(self) -> None:
        """Check that the promise was resolved once, and that all who wait have got it."""
        self.resolve()
        resume()
        assert lwt.state(self.promise) == self.state
        assert not any(map(lwt.is_sleeping, [self.first, *self.attached]))
        if not lwt.is_sleeping(self.whole):
            assert lwt.state(self.whole) == lwt.state(self.promise)


INTERFERENCES: list[Callable[[Source], None]] = [
    Source.resolve,
    Source.resolve_later,
    Source.reject,
    Source.cancel,
    Source.become_a_proxy,
    Source.lose_a_callback,
    Source.be_waited_for,
]

Pair = tuple[Source, Source]


def make_two() -> Pair:
    return Source(), Source()


def doing(interfere: Callable[[Source], None], number: int) -> Callable[[Pair], None]:
    """What a finaliser does to one of two promises."""
    return lambda pair: interfere(pair[number])


async def await_both(p: Promise[Any], q: Promise[Any]) -> object:
    try:
        return [await p]
    except Exception:
        return q
    finally:
        await q


async def await_and_hand_over(p: Promise[Any], q: Promise[Any]) -> Promise[Any]:
    await p
    return q


def same(exception: Exception) -> Exception:
    return exception


def waking(wait: Callable[[Callable[..., None], Callable[..., None]], object]) -> Promise[Any]:
    """A promise that is resolved by one of two callbacks, of which only one is called, once."""
    promise, resolver = lwt.wait()

    def fulfill(*_: object) -> None:
        lwt.wakeup(resolver, None)

    def reject(exception: Exception) -> None:
        lwt.wakeup_exn(resolver, exception)

    lwt.async_exception_hook.contents = reject
    try:
        wait(fulfill, reject)
    except (A, lwt.Canceled) as exception:
        reject(exception)
    return promise


WAITING: dict[str, Callable[[Promise[Any], Promise[Any]], Promise[Any]]] = {
    "bind": lambda p, q: lwt.bind(p, lambda _: q),
    "map": lambda p, q: lwt.map(str, p),
    "catch": lambda p, q: lwt.catch(lambda: p, lambda _: q),
    "try_bind": lambda p, q: lwt.try_bind(lambda: p, lambda _: q, lambda _: q),
    "finalize": lambda p, q: lwt.finalize(lambda: p, lambda: q),
    "backtrace_bind": lambda p, q: lwt.backtrace_bind("", 0, same, p, lambda _: q),
    "backtrace_catch": lambda p, q: lwt.backtrace_catch("", 0, same, lambda: p, lambda _: q),
    "backtrace_try_bind": lambda p, q: lwt.backtrace_try_bind(
        "", 0, same, lambda: p, lambda _: q, lambda _: q
    ),
    "backtrace_finalize": lambda p, q: lwt.backtrace_finalize("", 0, same, lambda: p, lambda: q),
    "promised": lwt.promised(await_both),
    "of_coroutine": lambda p, q: lwt.of_coroutine(await_and_hand_over(p, q)),
    "apply": lambda p, q: lwt.apply(lambda p: p, p),
    "join": lambda p, q: lwt.join([p, q]),
    "both": lwt.both,
    "all": lambda p, q: lwt.all([p, q]),
    "protected": lambda p, q: lwt.bind(lwt.protected(p), lambda _: lwt.protected(q)),
    "no_cancel": lambda p, q: lwt.bind(lwt.no_cancel(p), lambda _: lwt.no_cancel(q)),
    "wrap_in_cancelable": lambda p, q: lwt.bind(
        lwt.wrap_in_cancelable(p), lambda _: lwt.wrap_in_cancelable(q)
    ),
    "on_any": lambda p, q: waking(lambda fulfill, reject: lwt.on_any(p, fulfill, reject)),
    "on_success": lambda p, q: waking(
        lambda fulfill, reject: lwt.on_success(lwt.catch(lambda: p, lambda _: q), fulfill)
    ),
    "on_failure": lambda p, q: waking(
        lambda fulfill, reject: lwt.on_failure(lwt.bind(p, go_wrong), reject)
    ),
    "on_termination": lambda p, q: waking(lambda fulfill, reject: lwt.on_termination(p, fulfill)),
    "dont_wait": lambda p, q: waking(
        lambda fulfill, reject: lwt.dont_wait(lambda: lwt.bind(p, go_wrong), reject)
    ),
    "async_": lambda p, q: waking(
        lambda fulfill, reject: lwt.async_(lambda: lwt.bind(p, lambda _: lwt.map(fulfill, q)))
    ),
    "ignore_result": lambda p, q: waking(
        lambda fulfill, reject: lwt.ignore_result(lwt.bind(p, lambda _: lwt.map(fulfill, q)))
    ),
}
"""Each gives a promise that is resolved when the first promise is, and perhaps the second."""


@pytest.mark.parametrize("which", [0, 1], ids=["first", "second"])
@pytest.mark.parametrize("name", WAITING)
def test_what_waits_is_resolved_whatever_a_finaliser_does(
    name: str, which: int, reported: list[Exception]
) -> None:
    wait = WAITING[name]

    def operation(pair: Pair) -> tuple[Promise[Any], Promise[Any]]:
        waiting = wait(pair[0].promise, pair[1].promise)
        after = lwt.map(lambda value: value, waiting)
        pair[0].resolve()
        return waiting, after

    def check(pair: Pair, waiting: tuple[Promise[Any], Promise[Any]]) -> None:
        for source in pair:
            source.check_at_the_end()
        at_once = lwt.apply(lambda _: wait(pair[0].promise, pair[1].promise), None)
        assert not lwt.is_sleeping(at_once)
        assert [lwt.state(promise) for promise in waiting] == [lwt.state(at_once)] * 2

    for interfere in INTERFERENCES:
        for_every_collection(make_two, operation, doing(interfere, which), check)
    assert reported == []


@each_kind
def test_bind_does_not_wait_for_ever_whatever_kind_of_finaliser_resolves(garbage: Garbage) -> None:
    def check(_: object, bound: Promise[int]) -> None:
        assert lwt.state(bound) == lwt.Return(3)

    def make() -> tuple[Promise[int], lwt.Resolver[int]]:
        return lwt.wait()

    for_every_collection(
        make,
        lambda pair: lwt.bind(pair[0], lwt.return_),
        lambda pair: lwt.wakeup(pair[1], 3),
        check,
        garbage,
    )


@pytest.mark.parametrize("name", ["join", "both", "all"])
def test_what_waits_for_all_does_not_end_before_the_last_whatever_a_finaliser_does(
    name: str,
) -> None:
    def check(pair: Pair, joined: Promise[Any]) -> None:
        assert lwt.is_sleeping(joined)
        pair[1].resolve()
        assert not lwt.is_sleeping(joined)
        pair[0].check_at_the_end()

    for_every_collection(
        make_two,
        lambda pair: WAITING[name](pair[0].promise, pair[1].promise),
        doing(Source.resolve, 0),
        check,
    )


RESOLVING_INTERFERENCES = [Source.resolve, Source.resolve_later, Source.reject, Source.cancel]


@pytest.mark.parametrize("which", [0, 1], ids=["first", "second"])
@pytest.mark.parametrize("name", FOR_FIRST)
def test_what_waits_for_the_first_is_told_whatever_a_finaliser_does(name: str, which: int) -> None:
    wait_for = FOR_FIRST[name]

    def check_resolved(pair: Pair, waiting: Promise[Any]) -> None:
        first, other = pair[which].promise, pair[1 - which].promise
        at_once = wait_for([first, pending()])
        if name == "nchoose_split":
            at_once = lwt.map(lambda values: (values[0], [other]), at_once)
        assert lwt.state(waiting) == lwt.state(at_once)
        assert "pick" not in name or is_canceled(other)
        pair[which].check_at_the_end()

    def check_pending(pair: Pair, waiting: Promise[Any]) -> None:
        assert lwt.is_sleeping(waiting)
        pair[which].resolve()
        check_resolved(pair, waiting)

    for interfere in INTERFERENCES:
        for_every_collection(
            make_two,
            lambda pair: wait_for([pair[0].promise, pair[1].promise]),
            doing(interfere, which),
            check_resolved if interfere in RESOLVING_INTERFERENCES else check_pending,
        )


# --- What resolves promises --------------------------------------------------

RESOLVING: dict[str, Callable[[lwt.Resolver[int]], None]] = {
    "wakeup": lambda resolver: lwt.wakeup(resolver, 9),
    "wakeup_exn": lambda resolver: lwt.wakeup_exn(resolver, B()),
    "wakeup_result": lambda resolver: lwt.wakeup_result(resolver, lwt.Ok(9)),
    "wakeup_later": lambda resolver: lwt.wakeup_later(resolver, 9),
    "wakeup_later_exn": lambda resolver: lwt.wakeup_later_exn(resolver, B()),
    "wakeup_later_result": lambda resolver: lwt.wakeup_later_result(resolver, lwt.Error(B())),
}
OWN_RESULTS = [lwt.Return(9), lwt.Fail(B())]


@pytest.mark.parametrize("name", RESOLVING)
def test_a_promise_is_resolved_once_and_tells_all_whatever_a_finaliser_does(name: str) -> None:
    def operation(source: Source) -> tuple[bool, Promise[int]]:
        after = lwt.map(lambda value: value, source.promise)
        try:
            RESOLVING[name](source.resolver)
        except ValueError:  # The finaliser was first.
            return False, after
        return True, after

    def check(source: Source, result: tuple[bool, Promise[int]]) -> None:
        has_resolved, after = result
        state = lwt.state(source.promise)
        if not is_canceled(source.promise):  # Then, a wakeup is ignored.
            assert (state in OWN_RESULTS) == has_resolved
        assert lwt.state(after) == state
        source.check_at_the_end()

    for interfere in INTERFERENCES:
        for_every_collection(Source, operation, interfere, check)


@pytest.mark.parametrize("which", [0, 1], ids=["first", "second"])
def test_cancel_reaches_all_and_tells_them_once_whatever_a_finaliser_does(which: int) -> None:
    def operation(pair: Pair) -> tuple[Promise[Any], list[str], list[str]]:
        p, q = pair[0].promise, pair[1].promise
        joined = lwt.join([p, lwt.bind(q, lwt.return_)])
        told: tuple[list[str], list[str]] = [], []
        lwt.on_cancel(p, lambda: told[0].append("once"))
        lwt.on_cancel(q, lambda: told[1].append("once"))
        lwt.on_cancel(q, lambda: told[1].append("twice"))
        lwt.cancel(joined)
        return joined, *told

    def check(pair: Pair, result: tuple[Promise[Any], list[str], list[str]]) -> None:
        joined, *told = result
        for source, events, expected in zip(pair, told, [["once"], ["twice", "once"]], strict=True):
            assert not lwt.is_sleeping(source.promise)
            assert sorted(events) == (sorted(expected) if is_canceled(source.promise) else [])
            source.check_at_the_end()
        assert not lwt.is_sleeping(joined)
        assert is_canceled(pair[1 - which].promise)

    for interfere in INTERFERENCES:
        for_every_collection(make_two, operation, doing(interfere, which), check)


def test_what_a_callback_abandons_runs_whatever_a_finaliser_does() -> None:
    def operation(pair: Pair) -> None:
        def callback(_: object) -> None:
            pair[1].resolve_later()
            lwt.abandon_wakeups()
            resolution.depth += 1  # The loop that was left does not learn of it.

        lwt.on_success(pair[0].promise, callback)
        pair[0].resolve_later()

    def check(pair: Pair, _: None) -> None:
        for source in pair:
            assert not lwt.is_sleeping(source.promise)
            source.check_at_the_end()

    for interfere in [Source.become_a_proxy, Source.lose_a_callback, Source.be_waited_for]:
        for_every_collection(make_two, operation, doing(interfere, 1), check)


def test_a_question_is_answered_as_before_or_after_what_a_finaliser_does() -> None:
    questions: list[Callable[[Promise[Any]], object]] = [
        lwt.state,
        lwt.is_sleeping,
        lwt.poll,
        lambda promise: lwt.state(lwt.debug_state_is(lwt.Sleep, promise)),
    ]

    def check(source: Source, answers: list[object]) -> None:
        after = [ask(source.promise) for ask in questions]
        before = [lwt.Sleep, True, None, lwt.Return(True)]
        for answer in zip(answers, before, after, strict=True):
            assert answer[0] in answer[1:]

    for interfere in [Source.resolve, Source.become_a_proxy]:
        for_every_collection(
            Source, lambda source: [ask(source.promise) for ask in questions], interfere, check
        )


# --- What stands under these functions ---------------------------------------


@pytest.mark.parametrize("number", [0, 1, 2])
def test_promises_that_become_one_keep_all_callbacks_whatever_a_finaliser_does(
    number: int,
) -> None:
    def prepare() -> Source:
        source = Source()
        for promise in [*[source.whole] * number, source.promise]:
            source.attached.append(lwt.map(str, promise))
            told, resolver = lwt.wait()
            lwt.on_cancel(promise, partial(lwt.wakeup, resolver, None))
            source.told_of_cancel.append(told)
        return source

    def check(source: Source, _: None) -> None:
        source.check_at_the_end()
        assert lwt.state(source.whole) == lwt.state(source.promise)
        waiting = any(map(lwt.is_sleeping, source.told_of_cancel))
        assert waiting == (not is_canceled(source.promise))

    def attach_to_both(source: Source) -> None:
        for promise in source.whole, source.promise:
            source.attached.append(lwt.map(str, promise))
            source.attached.append(lwt.map(str, promise))
            told, resolver = lwt.wait()
            lwt.on_cancel(promise, partial(lwt.wakeup, resolver, None))
            source.told_of_cancel.append(told)
        lwt.cancel(source.whole)

    interferences = [*INTERFERENCES, attach_to_both]
    interferences.remove(Source.become_a_proxy)
    for interfere in interferences:
        for_every_collection(prepare, Source.become_a_proxy, interfere, check)


def test_callbacks_in_use_survive_the_removal_of_others_whatever_a_finaliser_does() -> None:
    def use_up(source: Source) -> None:
        first, resolver = lwt.wait()
        lwt.choose([source.promise, first])
        lwt.wakeup(resolver, None)

    def prepare() -> Source:
        source = Source()
        for _ in range(CLEANUP_THRESHOLD - 1):
            use_up(source)
        return source

    def operation(source: Source) -> None:
        for _ in range(3):
            use_up(source)

    def check(source: Source, _: None) -> None:
        assert len(callbacks_of(source.promise)) <= CLEANUP_THRESHOLD + 10
        source.check_at_the_end()

    for interfere in [*INTERFERENCES, use_up]:
        for_every_collection(prepare, operation, interfere, check)


def test_what_is_deferred_runs_whatever_a_finaliser_does() -> None:
    def prepare() -> list[Promise[None]]:
        waiters: Waiters[None] = Waiters()
        results = [lwt.map(lambda value: value, waiters.add()) for _ in range(3)]
        while waiter := waiters.take():
            waiter.wake_next(None)
        return results

    def check(results: list[Promise[None]], _: None) -> None:
        assert not any(map(lwt.is_sleeping, results))

    for_every_collection(prepare, lambda _: resume(), lambda _: resume(), check)


def test_calls_that_are_postponed_are_made_whatever_a_finaliser_does() -> None:
    def loop(number: int) -> Promise[int]:
        return lwt.bind(lwt.return_(number), lambda n: loop(n - 1) if n else lwt.return_(0))

    def operation(results: list[Promise[int]]) -> None:
        results.append(loop(MAXIMUM_NESTING + 3))

    def check(results: list[Promise[int]], _: None) -> None:
        assert list(map(lwt.state, results)) == [lwt.Return(0), lwt.Return(0)]

    for_every_collection(list, operation, operation, check)


# --- Pausing -----------------------------------------------------------------


def test_every_pause_ends_with_the_next_turns_whatever_a_finaliser_does() -> None:
    def prepare() -> list[Promise[None]]:
        return [lwt.pause()]

    def operation(paused: list[Promise[None]]) -> None:
        paused.append(lwt.pause())
        lwt.wakeup_paused()
        paused.append(lwt.pause())

    def check(paused: list[Promise[None]], _: None) -> None:
        lwt.wakeup_paused()
        assert not any(map(lwt.is_sleeping, paused))
        assert lwt.paused_count() == 0

    def pause(paused: list[Promise[None]]) -> None:
        paused.append(lwt.pause())

    def turn(_: list[Promise[None]]) -> None:
        lwt.wakeup_paused()

    def cancel(paused: list[Promise[None]]) -> None:
        lwt.cancel(paused[0])

    for interfere in pause, turn, cancel:
        for_every_collection(prepare, operation, interfere, check)


# --- Storage -----------------------------------------------------------------


def test_the_storage_is_kept_whatever_a_finaliser_does() -> None:
    key: lwt.Key[str] = lwt.new_key()

    def prepare() -> Source:
        source = Source()
        lwt.with_value(key, lwt.Some("theirs"), lambda: lwt.map(str, source.promise))
        return source

    def interfere(source: Source) -> None:
        source.resolve()
        lwt.with_value(key, None, lambda: lwt.return_unit)

    def operation(source: Source) -> list[lwt.Some[str] | None]:
        def look() -> list[lwt.Some[str] | None]:
            lwt.of_coroutine(await_both(source.promise, source.promise))
            return [lwt.get(key), lwt.get(key)]

        inside = lwt.with_value(
            key, lwt.Some("ours"), lambda: lwt.with_tracing_context("name", look)
        )
        return [*inside, lwt.get(key)]

    def check(source: Source, seen: list[lwt.Some[str] | None]) -> None:
        assert seen == [lwt.Some("ours"), lwt.Some("ours"), None]
        assert lwt.get(key) is None
        source.check_at_the_end()

    for_every_collection(prepare, operation, interfere, check)


# --- Sequences ---------------------------------------------------------------


class Ring:
    """Two sequences, and where all their elements went."""

    def __init__(self) -> None:
        self.sequence: Sequence[Any] = lwt_sequence.create()
        self.other: Sequence[Any] = lwt_sequence.create()
        self.nodes = [lwt_sequence.add_r(value, self.sequence) for value in "abc"]
        lwt_sequence.add_r("z", self.other)
        self.added = list("abcz")
        self.taken: list[str] = []

    def add(self, add: Callable[[str, Sequence[Any]], object], value: str) -> None:
        add(value, self.sequence)
        self.added.append(value)

    def take(self, take: Callable[[Sequence[Any]], lwt.Some[Any] | None]) -> None:
        value = take(self.sequence)
        if value is not None:
            self.taken.append(value.value)

    def remove(self) -> None:
        if self.nodes[1].active:
            lwt_sequence.remove(self.nodes[1])
            self.taken.append("b")

    def check(self) -> None:
        """Check that both rings are whole, and that no element is lost or there twice."""
        held: list[str] = []
        for sequence in self.sequence, self.other:
            forth: list[str] = lwt_sequence.fold_l(
                lambda value, values: [*values, value], sequence, []
            )
            back: list[str] = lwt_sequence.fold_r(
                lambda value, values: [*values, value], sequence, []
            )
            assert forth == back[::-1]
            held += forth
        assert sorted(held + self.taken) == sorted(self.added)


CHANGING: dict[str, Callable[[Ring], None]] = {
    "add_l": lambda ring: ring.add(lwt_sequence.add_l, "l"),
    "add_r": lambda ring: ring.add(lwt_sequence.add_r, "r"),
    "take_l": lambda ring: ring.take(lambda s: lwt.Some(lwt_sequence.take_l(s))),
    "take_r": lambda ring: ring.take(lambda s: lwt.Some(lwt_sequence.take_r(s))),
    "take_opt_l": lambda ring: ring.take(lwt_sequence.take_opt_l),
    "take_opt_r": lambda ring: ring.take(lwt_sequence.take_opt_r),
    "transfer_l": lambda ring: lwt_sequence.transfer_l(ring.sequence, ring.other),
    "transfer_r": lambda ring: lwt_sequence.transfer_r(ring.other, ring.sequence),
    "remove": Ring.remove,
}
"""What changes a sequence."""


@pytest.mark.parametrize("name", CHANGING)
def test_a_sequence_stays_whole_whatever_a_finaliser_does(name: str) -> None:
    def operation(ring: Ring) -> None:
        with suppress(lwt_sequence.Empty):
            CHANGING[name](ring)

    for interfere in ["add_l", "add_r", "take_opt_l", "take_opt_r", "transfer_l", "remove"]:
        for_every_collection(Ring, operation, CHANGING[interfere], lambda ring, _: ring.check())


@pytest.mark.parametrize("add_task", [lwt.add_task_l, lwt.add_task_r])
def test_a_task_is_in_its_sequence_as_long_as_it_waits_whatever_a_finaliser_does(
    add_task: Callable[[Sequence[lwt.Resolver[Any]]], Promise[Any]],
) -> None:
    def prepare() -> tuple[Sequence[lwt.Resolver[Any]], list[Promise[Any]]]:
        sequence: Sequence[lwt.Resolver[Any]] = lwt_sequence.create()
        return sequence, [lwt.add_task_r(sequence)]

    def operation(subject: tuple[Sequence[lwt.Resolver[Any]], list[Promise[Any]]]) -> None:
        sequence, promises = subject
        promises.append(add_task(sequence))
        lwt.cancel(add_task(sequence))

    def check(subject: tuple[Sequence[lwt.Resolver[Any]], list[Promise[Any]]], _: None) -> None:
        sequence, promises = subject
        assert lwt_sequence.length(sequence) == sum(map(lwt.is_sleeping, promises))
        while resolver := lwt_sequence.take_opt_l(sequence):
            lwt.wakeup(resolver.value, 5)
        assert not any(map(lwt.is_sleeping, promises))

    def take(subject: tuple[Sequence[lwt.Resolver[Any]], list[Promise[Any]]]) -> None:
        if resolver := lwt_sequence.take_opt_l(subject[0]):
            lwt.wakeup(resolver.value, 6)

    def cancel(subject: tuple[Sequence[lwt.Resolver[Any]], list[Promise[Any]]]) -> None:
        lwt.cancel(subject[1][0])

    for interfere in take, cancel, operation:
        for_every_collection(prepare, operation, interfere, check)


# --- No function is forgotten ------------------------------------------------

ELSEWHERE = {
    "by tests of their own, above": (
        "cancel on_cancel abandon_wakeups state is_sleeping poll debug_state_is pause "
        "wakeup_paused paused_count with_value with_tracing_context get add_task_l add_task_r"
    ),
    "they make new objects, which nobody else knows yet": (
        "wait task return_ fail return_some return_ok return_error fail_with fail_invalid_arg "
        "of_result new_key wrap wrap1 wrap2 wrap3 wrap4 wrap5 wrap6 wrap7"
    ),
    "they write one attribute": "register_pause_notifier abandon_paused",
    "they raise": "reraise",
    "they are no functions": (
        "return_unit return_none return_nil return_true return_false async_exception_hook prng "
        "Sleep State t u key"
    ),
    "they hold functions that are in the tables": "Infix Let_syntax Syntax Private",
}
"""Public names that are in none of the tables, and why."""


def test_all_functions_are_disturbed() -> None:
    elsewhere = " ".join(ELSEWHERE.values()).split()
    tables = [*WAITING, *FOR_FIRST, *RESOLVING, *elsewhere]
    types = [name for name in lwt.__all__ if isinstance(getattr(lwt, name), type)]
    assert sorted({*tables, *types}) == sorted(lwt.__all__)
    sequences = {*CHANGING, "create", "is_empty", "length", "clear", "get", "set"}
    walks = {name for name in lwt_sequence.__all__ if name.startswith(("iter", "fold", "find"))}
    assert {*sequences, *walks, "Sequence", "t", "Node", "node", "Empty"} == {*lwt_sequence.__all__}
