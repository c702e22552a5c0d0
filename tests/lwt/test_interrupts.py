"""What is no `Exception` leaves at once, and leaves everything ready to go on.

Whatever kind of callback raises KeyboardInterrupt or SystemExit: it comes out of the
call that ran the callback, unchanged. Then the loop is at depth zero, the storage is
what it was, and what had not run yet runs at the next wakeup or turn, once.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import NoReturn

import pytest

import lwt
from lwt import lwt_list
from lwt._core import resolution as _resolution
from lwt._core.resolution import resolution
from tests.support.alarms import interrupted_by_a_signal

key: lwt.Key[str] = lwt.new_key()

Interrupt = Callable[..., NoReturn]


@pytest.fixture(autouse=True)
def nothing_left_over() -> Iterator[None]:
    hook = lwt.async_exception_hook.contents
    yield
    lwt.async_exception_hook.contents = hook
    assert_ready()
    assert not resolution.deferred
    assert not resolution.postponed


def assert_ready() -> None:
    """Check that the loop and the storage are as if nothing had ever run."""
    assert (resolution.depth, resolution.nesting) == (0, 0)
    assert not resolution.is_running_postponed
    assert lwt.get(key) is None


@pytest.fixture(params=[KeyboardInterrupt, SystemExit, GeneratorExit])
def interruption(request: pytest.FixtureRequest) -> BaseException:
    exception: BaseException = request.param("now")
    return exception


@pytest.fixture
def interrupt(interruption: BaseException) -> Interrupt:
    """A callback that takes anything, and raises the interruption."""

    def raise_it(*_: object) -> NoReturn:
        raise interruption

    return raise_it


# --- Calls that run their callback at once ----------------------------------


def rejected() -> lwt.Promise[None]:
    return lwt.fail(ValueError())


def canceled() -> lwt.Promise[None]:
    promise, _ = lwt.task()
    lwt.cancel(promise)
    return promise


async def raising_body(interrupt: Interrupt) -> None:
    await lwt.return_unit
    interrupt()


def failing_hook(interrupt: Interrupt) -> None:
    lwt.async_exception_hook.contents = interrupt
    lwt.async_(rejected)


IMMEDIATE: dict[str, Callable[[Interrupt], object]] = {
    "bind": lambda interrupt: lwt.bind(lwt.return_unit, interrupt),
    "bind, async callback": lambda i: lwt.bind(lwt.return_unit, lambda _: raising_body(i)),
    "map": lambda interrupt: lwt.map(interrupt, lwt.return_unit),
    "catch, function": lambda interrupt: lwt.catch(interrupt, lwt.fail),
    "catch, handler": lambda interrupt: lwt.catch(rejected, interrupt),
    "try_bind, function": lambda interrupt: lwt.try_bind(interrupt, lwt.return_, lwt.fail),
    "try_bind, value": lambda i: lwt.try_bind(lambda: lwt.return_unit, i, lwt.fail),
    "try_bind, exception": lambda i: lwt.try_bind(rejected, lwt.return_, i),
    "finalize, function": lambda i: lwt.finalize(i, lambda: lwt.return_unit),
    "finalize, cleanup": lambda i: lwt.finalize(lambda: lwt.return_unit, i),
    "finalize, cleanup after": lambda i: lwt.finalize(rejected, i),
    "backtrace_bind": lambda i: lwt.backtrace_bind("f", 1, lambda e: e, lwt.return_unit, i),
    "add_location": lambda i: lwt.backtrace_bind("f", 1, i, rejected(), lwt.return_),
    "on_success": lambda i: lwt.on_success(lwt.return_unit, i),
    "on_failure": lambda i: lwt.on_failure(rejected(), i),
    "on_termination": lambda i: lwt.on_termination(lwt.return_unit, i),
    "on_any": lambda i: lwt.on_any(lwt.return_unit, i, i),
    "on_cancel": lambda i: lwt.on_cancel(canceled(), i),
    "async_": lwt.async_,
    "dont_wait": lambda i: lwt.dont_wait(i, lambda _: None),
    "dont_wait, handler": lambda i: lwt.dont_wait(rejected, i),
    "wrap": lwt.wrap,
    "wrap1": lambda i: lwt.wrap1(i)(1),
    "apply": lambda i: lwt.apply(i, 1),
    "of_coroutine": lambda i: lwt.of_coroutine(raising_body(i)),
    "promised": lwt.promised(raising_body),
    "with_value": lambda i: lwt.with_value(key, lwt.Some("inside"), i),
    "hook": failing_hook,
}


@pytest.mark.parametrize("call", IMMEDIATE.values(), ids=IMMEDIATE.keys())
def test_an_interrupt_leaves_the_call_that_ran_the_callback(
    call: Callable[[Interrupt], object], interrupt: Interrupt, interruption: BaseException
) -> None:
    with pytest.raises(type(interruption)) as caught:
        call(interrupt)
    assert caught.value is interruption
    assert caught.value.__context__ is None
    assert_ready()


@pytest.mark.parametrize("depth", [1, 31, 32, 33, 63, 64, 65, 1000])
@pytest.mark.parametrize("call", IMMEDIATE.values(), ids=IMMEDIATE.keys())
def test_an_interrupt_leaves_a_loop_however_deep(
    call: Callable[[Interrupt], object], depth: int
) -> None:
    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    def loop(n: int) -> lwt.Promise[None]:
        if n == 0:
            call(interrupt)
            return lwt.return_unit
        return lwt.bind(lwt.return_unit, lambda _: loop(n - 1))

    with pytest.raises(KeyboardInterrupt):
        lwt.with_value(key, lwt.Some("loop"), lambda: loop(depth))
    assert_ready()
    _resolution.resume()


# --- Callbacks of promises that are pending ---------------------------------


async def waiting_body(promise: lwt.Promise[None], interrupt: Interrupt) -> None:
    await promise
    interrupt()


async def nested_waiting_body(promise: lwt.Promise[None], interrupt: Interrupt) -> None:
    await waiting_body(promise, interrupt)


Attach = Callable[[lwt.Promise[None], Interrupt], object]


def attach_hook(promise: lwt.Promise[None], interrupt: Interrupt) -> None:
    lwt.async_exception_hook.contents = interrupt
    lwt.async_(lambda: lwt.bind(promise, lambda _: rejected()))


def attach_pick(promise: lwt.Promise[None], interrupt: Interrupt) -> None:
    other, _ = lwt.task()
    lwt.on_cancel(other, interrupt)
    lwt.pick([promise, other])


def attach_npick(promise: lwt.Promise[None], interrupt: Interrupt) -> None:
    other, _ = lwt.task()
    lwt.on_cancel(other, interrupt)
    lwt.npick([promise, other])


def attach_nested_wakeup(promise: lwt.Promise[None], interrupt: Interrupt) -> None:
    other, resolver = lwt.wait()
    lwt.on_success(other, interrupt)
    lwt.on_success(promise, lambda _: lwt.wakeup(resolver, None))


def attach_nested_pause(promise: lwt.Promise[None], interrupt: Interrupt) -> None:
    lwt.on_success(lwt.pause(), interrupt)
    lwt.on_success(promise, lambda _: lwt.wakeup_paused())


ON_FULFILLED: dict[str, Attach] = {
    "bind": lwt.bind,
    "bind, async callback": lambda p, i: lwt.bind(p, lambda _: raising_body(i)),
    "bind of a chain": lambda p, i: lwt.bind(lwt.map(lambda x: x, lwt.bind(p, lwt.return_)), i),
    "map": lambda p, i: lwt.map(i, p),
    "catch, handler": lambda p, i: lwt.catch(lambda: lwt.bind(p, lambda _: rejected()), i),
    "try_bind, value": lambda p, i: lwt.try_bind(lambda: p, i, lwt.fail),
    "finalize, cleanup": lambda p, i: lwt.finalize(lambda: p, i),
    "on_success": lwt.on_success,
    "on_termination": lwt.on_termination,
    "on_any": lambda p, i: lwt.on_any(p, i, i),
    "on_failure": lambda p, i: lwt.on_failure(lwt.bind(p, lambda _: rejected()), i),
    "dont_wait, handler": lambda p, i: lwt.dont_wait(lambda: lwt.bind(p, lambda _: rejected()), i),
    "join": lambda p, i: lwt.on_success(lwt.join([p, p]), i),
    "both": lambda p, i: lwt.on_success(lwt.both(p, p), i),
    "all": lambda p, i: lwt.on_success(lwt.all([p, p]), i),
    "choose": lambda p, i: lwt.on_success(lwt.choose([p]), i),
    "nchoose": lambda p, i: lwt.on_success(lwt.nchoose([p]), i),
    "nchoose_split": lambda p, i: lwt.on_success(lwt.nchoose_split([p]), i),
    "protected": lambda p, i: lwt.on_success(lwt.protected(p), i),
    "no_cancel": lambda p, i: lwt.on_success(lwt.no_cancel(p), i),
    "wrap_in_cancelable": lambda p, i: lwt.on_success(lwt.wrap_in_cancelable(p), i),
    "pick, cancelling": attach_pick,
    "npick, cancelling": attach_npick,
    "await": lambda p, i: lwt.of_coroutine(waiting_body(p, i)),
    "nested await": lambda p, i: lwt.of_coroutine(nested_waiting_body(p, i)),
    "hook": attach_hook,
    "nested wakeup": attach_nested_wakeup,
    "nested pause": attach_nested_pause,
}

every_callback = pytest.mark.parametrize("attach", ON_FULFILLED.values(), ids=ON_FULFILLED.keys())


def pending() -> tuple[lwt.Promise[None], lwt.Resolver[None]]:
    return lwt.wait()


class Recorded:
    """A promise with one interrupting callback between others that record when they run."""

    def __init__(self, attach: Attach, interrupt: Interrupt) -> None:
        self.seen: list[str] = []
        self.promise, self.resolver = pending()
        self.record("oldest")
        self.record("older")
        lwt.with_value(key, lwt.Some("old"), lambda: attach(self.promise, interrupt))
        self.record("newer")
        self.record("newest")

    def record(self, name: str) -> None:
        lwt.on_success(self.promise, lambda _: self.seen.append(name))


# The newest callback runs first, as in OCaml.
BEFORE = ["newest", "newer"]
AFTER = ["older", "oldest"]


@every_callback
def test_an_interrupt_leaves_wakeup_and_the_other_callbacks_run_at_the_next_turn(
    attach: Attach, interrupt: Interrupt, interruption: BaseException
) -> None:
    recorded = Recorded(attach, interrupt)
    with pytest.raises(type(interruption)) as caught:
        lwt.wakeup(recorded.resolver, None)
    assert caught.value is interruption
    assert caught.value.__context__ is None
    assert_ready()
    assert recorded.seen == BEFORE
    assert lwt.state(recorded.promise) == lwt.Return(None)

    _resolution.resume()
    assert recorded.seen == BEFORE + AFTER
    _resolution.resume()
    assert recorded.seen == BEFORE + AFTER


@every_callback
def test_the_other_callbacks_run_at_the_latest_after_those_of_the_next_wakeup(
    attach: Attach, interrupt: Interrupt, interruption: BaseException
) -> None:
    recorded = Recorded(attach, interrupt)
    with pytest.raises(type(interruption)):
        lwt.wakeup(recorded.resolver, None)
    other, resolver = pending()
    lwt.on_success(other, lambda _: recorded.seen.append("other"))
    lwt.wakeup(resolver, None)
    assert sorted(recorded.seen) == sorted([*BEFORE, *AFTER, "other"])
    assert recorded.seen[:2] == BEFORE


@every_callback
def test_an_interrupt_leaves_wakeup_later_outside_of_callbacks(
    attach: Attach, interrupt: Interrupt, interruption: BaseException
) -> None:
    recorded = Recorded(attach, interrupt)
    with pytest.raises(type(interruption)):
        lwt.wakeup_later(recorded.resolver, None)
    assert_ready()
    _resolution.resume()
    assert recorded.seen == BEFORE + AFTER


@every_callback
def test_an_interrupt_leaves_through_all_wakeups_one_inside_another(
    attach: Attach, interrupt: Interrupt, interruption: BaseException
) -> None:
    recorded = Recorded(attach, interrupt)
    seen = recorded.seen
    outer, resolver = pending()
    lwt.on_success(outer, lambda _: seen.append("outer, old"))
    lwt.on_success(outer, lambda _: lwt.wakeup(recorded.resolver, None))
    lwt.on_success(outer, lambda _: seen.append("outer, new"))
    with pytest.raises(type(interruption)):
        lwt.wakeup(resolver, None)
    assert_ready()
    assert seen == ["outer, new", *BEFORE]
    _resolution.resume()
    assert seen[3:] == [*AFTER, "outer, old"] or seen[3:] == ["outer, old", *AFTER]


@every_callback
def test_what_wakeup_later_had_deferred_still_runs_after_an_interrupt(
    attach: Attach, interrupt: Interrupt, interruption: BaseException
) -> None:
    recorded = Recorded(attach, interrupt)
    first, first_resolver = pending()
    second, second_resolver = pending()
    lwt.on_success(first, lambda _: recorded.seen.append("first"))
    lwt.on_success(second, lambda _: recorded.seen.append("second"))

    def defer(_: None) -> None:
        lwt.wakeup_later(first_resolver, None)
        lwt.wakeup_later(second_resolver, None)

    lwt.on_success(recorded.promise, defer)
    with pytest.raises(type(interruption)):
        lwt.wakeup(recorded.resolver, None)
    assert recorded.seen == BEFORE
    _resolution.resume()
    assert recorded.seen == [*BEFORE, *AFTER, "first", "second"]


def test_an_interrupt_after_abandon_wakeups_leaves_the_depth_at_zero(interrupt: Interrupt) -> None:
    """Without an exception the depth is wrong for good then, as in OCaml."""
    promise, resolver = lwt.wait()

    def abandon(_: None) -> None:
        lwt.abandon_wakeups()
        interrupt()

    lwt.on_success(promise, abandon)
    with pytest.raises((KeyboardInterrupt, SystemExit, GeneratorExit)):
        lwt.wakeup(resolver, None)
    assert_ready()
    _resolution.resume()


@pytest.mark.parametrize(
    "attach",
    # Not `nested pause`: it would take the pauses of this test along.
    [attach for attach in ON_FULFILLED.values() if attach is not attach_nested_pause],
)
def test_an_interrupt_leaves_wakeup_paused_and_the_others_wait_for_the_next_turn(
    attach: Attach, interrupt: Interrupt, interruption: BaseException
) -> None:
    seen: list[int] = []
    for number in range(4):
        promise = lwt.pause()
        lwt.on_success(promise, lambda _, number=number: seen.append(number))  # type: ignore[misc]  # mypy infers no lambda with a default
        if number == 1:
            attach(promise, interrupt)
    with pytest.raises(type(interruption)):
        lwt.wakeup_paused()
    assert_ready()
    assert seen == [0]
    assert lwt.paused_count() == 2
    _resolution.resume()
    assert seen == [0, 1]
    lwt.wakeup_paused()
    assert seen == [0, 1, 2, 3]
    assert lwt.paused_count() == 0


def test_an_interrupt_of_a_cancel_callback_leaves_cancel_and_the_other_callbacks_run(
    interrupt: Interrupt, interruption: BaseException
) -> None:
    seen: list[str] = []
    promise, _ = lwt.task()
    lwt.on_failure(promise, lambda _: seen.append("failure"))
    lwt.on_cancel(promise, lambda: seen.append("old"))
    lwt.on_cancel(promise, interrupt)
    lwt.on_cancel(promise, lambda: seen.append("new"))
    with pytest.raises(type(interruption)):
        lwt.cancel(promise)
    assert_ready()
    assert seen == ["new"]
    assert lwt.state(promise) == lwt.Fail(lwt.Canceled())
    _resolution.resume()
    assert seen == ["new", "old", "failure"]


def test_after_an_interrupt_the_callbacks_of_all_that_one_cancel_cancelled_still_run(
    interrupt: Interrupt, interruption: BaseException
) -> None:
    seen: list[int] = []
    tasks = [lwt.task()[0] for _ in range(4)]
    for number, promise in enumerate(tasks):
        lwt.on_failure(promise, lambda _, number=number: seen.append(number))  # type: ignore[misc]  # mypy infers no lambda with a default
    lwt.on_cancel(tasks[2], interrupt)
    with pytest.raises(type(interruption)):
        lwt.cancel(lwt.join(tasks))
    assert_ready()
    assert [lwt.state(promise) for promise in tasks] == [lwt.Fail(lwt.Canceled())] * 4
    assert seen == [3]  # The last found comes first, as in OCaml.
    _resolution.resume()
    assert sorted(seen) == [0, 1, 2, 3]


@pytest.mark.parametrize("choose", [lwt.pick, lwt.npick])
def test_an_interrupt_while_pick_cancels_the_others_does_not_leave_pick_pending(
    choose: Callable[[list[lwt.Promise[None]]], lwt.Promise[object]],
    interrupt: Interrupt,
    interruption: BaseException,
) -> None:
    promise, resolver = pending()
    others = [lwt.task()[0] for _ in range(3)]
    lwt.on_cancel(others[1], interrupt)
    picked = choose([promise, *others])
    with pytest.raises(type(interruption)):
        lwt.wakeup(resolver, None)
    _resolution.resume()
    assert not lwt.is_sleeping(picked)


def test_an_interrupted_bind_stays_pending_and_the_rest_can_go_on(interrupt: Interrupt) -> None:
    """As in OCaml when an exception that the filter lets through leaves."""
    promise, resolver = pending()
    result: lwt.Promise[None] = lwt.bind(promise, interrupt)
    with pytest.raises(BaseException, match="now"):
        lwt.wakeup(resolver, None)
    assert lwt.is_sleeping(result)
    assert lwt.state(lwt.bind(promise, lwt.return_)) == lwt.Return(None)
    _resolution.resume()
    assert lwt.is_sleeping(result)


def test_calls_postponed_before_an_interrupt_are_made_once() -> None:
    """Of two deep branches the first is interrupted; the second has still to run."""
    seen: list[str] = []

    def deep(n: int, end: Callable[[], None]) -> lwt.Promise[None]:
        if n == 0:
            end()
            return lwt.return_unit
        return lwt.bind(lwt.return_unit, lambda _: deep(n - 1, end))

    def raise_it() -> None:
        seen.append("interrupted")
        raise KeyboardInterrupt

    def both_branches(n: int) -> lwt.Promise[None]:
        if n == 0:
            deep(100, raise_it)
            return deep(100, lambda: seen.append("second branch"))
        return lwt.bind(lwt.return_unit, lambda _: both_branches(n - 1))

    with pytest.raises(KeyboardInterrupt):
        both_branches(60)
    assert_ready()
    _resolution.resume()
    assert seen == ["interrupted", "second branch"]


@pytest.mark.parametrize("error", [MemoryError, RecursionError])
@every_callback
def test_what_the_exception_filter_lets_through_leaves_like_an_interrupt(
    attach: Attach, error: type[Exception]
) -> None:
    def raise_it(*_: object) -> NoReturn:
        raise error

    recorded = Recorded(attach, raise_it)
    with pytest.raises(error):
        lwt.wakeup(recorded.resolver, None)
    assert_ready()
    _resolution.resume()
    assert recorded.seen == BEFORE + AFTER


def test_a_hook_that_raises_an_exception_lets_it_leave_through_wakeup() -> None:
    def hook(exception: Exception) -> None:
        raise exception

    lwt.async_exception_hook.contents = hook
    seen: list[str] = []
    promise, resolver = pending()
    lwt.on_success(promise, lambda _: seen.append("old"))
    lwt.async_(lambda: lwt.bind(promise, lambda _: rejected()))
    with pytest.raises(ValueError, match=r"^$"):
        lwt.wakeup(resolver, None)
    assert_ready()
    _resolution.resume()
    assert seen == ["old"]


def test_the_default_hook_says_what_happened_and_ends_the_process(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def parse() -> lwt.Promise[None]:
        raise ValueError("no number")

    with pytest.raises(SystemExit) as caught:
        lwt.async_(parse)
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("Fatal error: exception")
    assert "in parse" in said
    assert "ValueError: no number" in said


@pytest.mark.parametrize(
    "loop",
    [
        lambda: lwt_list.iter_s(lwt.return_, itertools.repeat(1)),
        lambda: lwt_list.fold_left_s(lambda _, one: lwt.return_(one), 0, itertools.repeat(1)),
    ],
    ids=["without a step of Python's", "with steps of Python's"],
)
def test_a_signal_interrupts_an_endless_loop(
    loop: Callable[[], object], interruption: BaseException
) -> None:
    with interrupted_by_a_signal(interruption, soon=0.02):
        loop()
    assert_ready()
