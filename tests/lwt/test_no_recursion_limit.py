"""Loops by recursion run for as long as OCaml's: neither the stack nor memory ends them.

In OCaml the last call of a callback takes no stack. Python has no such calls, so beyond
a depth of some callbacks the next call waits until the stack has unwound; who called
first sees nothing of it. Every loop here runs under the default recursion limit.
"""

import tracemalloc
from collections.abc import Callable

import pytest

import lwt
from lwt._core.resolution import MAXIMUM_NESTING

pytestmark = [
    pytest.mark.usefixtures("nothing_left_over", "default_recursion_limit"),
    pytest.mark.no_cover,
]

HALF_A_MILLION = 500_000

MANY = 20_000
"""Enough to exceed any stack, for what a test with half a million has shown already."""

unit = lwt.return_unit


class End(Exception):
    """What a loop ends with."""


# --- The loops ---------------------------------------------------------------
#
# Each counts down to zero by recursion and then does `end`.


End_ = Callable[[], lwt.Promise[str]]
Loop = Callable[[int, End_], lwt.Promise[str]]


def done() -> lwt.Promise[str]:
    return lwt.return_("done")


def fail() -> lwt.Promise[str]:
    raise End


def bind_loop(n: int, end: End_) -> lwt.Promise[str]:
    return end() if n == 0 else lwt.bind(unit, lambda _: bind_loop(n - 1, end))


def operator_loop(n: int, end: End_) -> lwt.Promise[str]:
    return end() if n == 0 else unit >> (lambda _: operator_loop(n - 1, end))


def map_loop(n: int, end: End_) -> lwt.Promise[str]:
    """One `map` and one `bind` a round."""
    if n == 0:
        return end()
    return lwt.bind(lwt.map(lambda x: x - 1, lwt.return_(n)), lambda m: map_loop(m, end))


def catch_loop(n: int, end: End_) -> lwt.Promise[str]:
    """It goes on in the handler."""
    if n == 0:
        return end()
    return lwt.catch(lambda: lwt.fail(End()), lambda _: catch_loop(n - 1, end))


def catch_raising_loop(n: int, end: End_) -> lwt.Promise[str]:
    """It goes on in the handler of what was raised."""
    return end() if n == 0 else lwt.catch(fail, lambda _: catch_raising_loop(n - 1, end))


def try_bind_loop(n: int, end: End_) -> lwt.Promise[str]:
    """It goes on with the value."""
    if n == 0:
        return end()
    return lwt.try_bind(lambda: unit, lambda _: try_bind_loop(n - 1, end), lwt.fail)


def try_bind_rejected_loop(n: int, end: End_) -> lwt.Promise[str]:
    """It goes on with the exception."""
    if n == 0:
        return end()
    return lwt.try_bind(fail, lwt.return_, lambda _: try_bind_rejected_loop(n - 1, end))


def coroutine_callback_loop(n: int, end: End_) -> lwt.Promise[str]:
    """The callback of each `bind` is an async function that waits no further."""

    async def end_in_coroutine() -> str:
        return await end()

    async def go_on(m: int) -> lwt.Promise[str] | None:
        return None if m == 0 else lwt.return_("")

    if n == 0:
        return lwt.of_coroutine(end_in_coroutine())
    return lwt.bind(
        lwt.bind(unit, lambda _: go_on(1)), lambda _: coroutine_callback_loop(n - 1, end)
    )


def await_loop(n: int, end: End_) -> lwt.Promise[str]:
    """A `while` loop in one body."""

    async def body() -> str:
        for _ in range(n):
            await unit
        return await end()

    return lwt.of_coroutine(body())


def finalize_loop(n: int, end: End_) -> lwt.Promise[str]:
    """One `finalize` and one `bind` a round."""
    if n == 0:
        return end()
    return lwt.bind(lwt.finalize(lambda: unit, lambda: unit), lambda _: finalize_loop(n - 1, end))


def backtrace_bind_loop(n: int, end: End_) -> lwt.Promise[str]:
    if n == 0:
        return end()
    return lwt.backtrace_bind(
        "f.ml", n, lambda e: e, unit, lambda _: backtrace_bind_loop(n - 1, end)
    )


def many_frames_loop(n: int, end: End_) -> lwt.Promise[str]:
    """Each round calls through some more ordinary functions."""
    return end() if n == 0 else lwt.bind(unit, lambda _: through(7, n - 1, end))


def through(frames: int, n: int, end: End_) -> lwt.Promise[str]:
    return through(frames - 1, n, end) if frames else many_frames_loop(n, end)


tail_loops = pytest.mark.parametrize(
    "loop",
    [
        bind_loop,
        operator_loop,
        map_loop,
        catch_loop,
        catch_raising_loop,
        try_bind_loop,
        try_bind_rejected_loop,
        coroutine_callback_loop,
        await_loop,
        finalize_loop,
        backtrace_bind_loop,
        many_frames_loop,
    ],
)


# In the others, the first argument of each round's `bind` is a call that is no tail call.
exact_loops = pytest.mark.parametrize(
    "loop",
    [
        bind_loop,
        operator_loop,
        catch_loop,
        catch_raising_loop,
        try_bind_loop,
        try_bind_rejected_loop,
        await_loop,
        backtrace_bind_loop,
        many_frames_loop,
    ],
)

AT_THE_LIMIT = (1, 31, 32, 33, 63, 64, 65, 66, 127, 128, 129, 1000)


@tail_loops
@pytest.mark.parametrize("rounds", AT_THE_LIMIT)
def test_a_loop_gives_a_fulfilled_promise(loop: Loop, rounds: int) -> None:
    assert lwt.state(loop(rounds, done)) == lwt.Return("done")


@pytest.mark.slow
@pytest.mark.parametrize(
    "loop", [bind_loop, map_loop, catch_loop, try_bind_loop, finalize_loop, await_loop]
)
def test_a_loop_of_half_a_million_rounds_gives_a_fulfilled_promise(loop: Loop) -> None:
    assert lwt.state(loop(HALF_A_MILLION, done)) == lwt.Return("done")


def raise_or_reject(promise: Callable[[], lwt.Promise[str]]) -> str:
    """How a program fails with End: by raising it or by rejecting."""
    try:
        state = lwt.state(promise())
    except End:
        return "raised"
    assert state == lwt.Fail(End())
    return "rejected"


@exact_loops
@pytest.mark.parametrize("rounds", AT_THE_LIMIT)
def test_an_exception_at_the_end_comes_out_as_after_one_round(loop: Loop, rounds: int) -> None:
    assert raise_or_reject(lambda: loop(rounds, fail)) == raise_or_reject(lambda: loop(1, fail))


@pytest.mark.slow
@pytest.mark.parametrize("loop", [bind_loop, try_bind_loop])
def test_an_exception_after_half_a_million_rounds_leaves_through_the_first_call(loop: Loop) -> None:
    with pytest.raises(End):
        loop(HALF_A_MILLION, fail)


@pytest.mark.parametrize("rounds", AT_THE_LIMIT)
def test_an_exception_that_leaves_a_loop_has_the_traceback_of_its_raising(rounds: int) -> None:
    with pytest.raises(End) as caught:
        bind_loop(rounds, fail)
    assert caught.traceback[-1].name == "fail"


@tail_loops
@pytest.mark.parametrize("rounds", AT_THE_LIMIT)
def test_a_pending_promise_at_the_end_is_that_of_the_loop(loop: Loop, rounds: int) -> None:
    promise, resolver = lwt.task()
    result = loop(rounds, lambda: promise)
    assert lwt.is_sleeping(result)
    lwt.wakeup(resolver, "at last")
    assert lwt.state(result) == lwt.Return("at last")


@tail_loops
@pytest.mark.parametrize("rounds", AT_THE_LIMIT)
def test_cancelling_reaches_the_promise_at_the_end(loop: Loop, rounds: int) -> None:
    promise, _ = lwt.task()
    result = loop(rounds, lambda: promise)
    lwt.cancel(result)
    assert lwt.state(promise) == lwt.state(result) == lwt.Fail(lwt.Canceled())


# --- Memory ------------------------------------------------------------------


def peak_of(program: Callable[[], object]) -> int:
    """The most memory that a program had at one time, in bytes."""
    tracemalloc.start()
    try:
        program()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def is_flat(program: Callable[[int], object]) -> bool:
    """Tell whether twice the rounds take the same memory; a round is worth a byte at most."""
    rounds = 4000
    program(100)  # What is made once, such as caches of the interpreter.
    once, twice = peak_of(lambda: program(rounds)), peak_of(lambda: program(2 * rounds))
    return twice - once < rounds


@tail_loops
def test_a_loop_runs_in_flat_memory(loop: Loop) -> None:
    assert is_flat(lambda rounds: loop(rounds, done))


def run_paused() -> None:
    """Do the turns of a main loop until nothing is paused."""
    while lwt.paused_count():
        lwt.wakeup_paused()


def bind_pause_loop(n: int, end: End_) -> lwt.Promise[str]:
    return end() if n == 0 else lwt.bind(lwt.pause(), lambda _: bind_pause_loop(n - 1, end))


def await_pause_loop(n: int, end: End_) -> lwt.Promise[str]:
    async def body() -> str:
        for _ in range(n):
            await lwt.pause()
        return await end()

    return lwt.of_coroutine(body())


def catch_pause_loop(n: int, end: End_) -> lwt.Promise[str]:
    def pause_and_fail() -> lwt.Promise[str]:
        return lwt.bind(lwt.pause(), lambda _: lwt.fail(End()))

    return end() if n == 0 else lwt.catch(pause_and_fail, lambda _: catch_pause_loop(n - 1, end))


def try_bind_pause_loop(n: int, end: End_) -> lwt.Promise[str]:
    if n == 0:
        return end()
    return lwt.try_bind(lwt.pause, lambda _: try_bind_pause_loop(n - 1, end), lwt.fail)


pause_loops = pytest.mark.parametrize(
    "loop", [bind_pause_loop, await_pause_loop, catch_pause_loop, try_bind_pause_loop]
)


@pytest.mark.slow
@pytest.mark.parametrize("loop", [bind_pause_loop, await_pause_loop])
def test_a_loop_over_pause_runs_half_a_million_turns(loop: Loop) -> None:
    promise = loop(HALF_A_MILLION, done)
    run_paused()
    assert lwt.state(promise) == lwt.Return("done")


@pause_loops
def test_a_loop_over_pause_runs_in_flat_memory(loop: Loop) -> None:
    def program(rounds: int) -> None:
        promise = loop(rounds, done)
        run_paused()
        assert lwt.state(promise) == lwt.Return("done")

    assert is_flat(program)


def test_a_loop_that_chooses_against_a_pending_promise_runs_in_flat_memory() -> None:
    def program(rounds: int) -> None:
        forever, _ = lwt.wait()

        def loop(n: int) -> lwt.Promise[None]:
            if n == 0:
                return unit
            return lwt.bind(lwt.choose([forever, lwt.pause()]), lambda _: loop(n - 1))

        promise = loop(rounds)
        run_paused()
        assert lwt.state(promise) == lwt.Return(None)

    assert is_flat(program)


# --- Recursion that is not the last thing a callback does --------------------
#
# It takes memory for each round, as it takes stack in OCaml, but no stack in Python.


def recursion_in_catch(n: int, end: End_) -> lwt.Promise[str]:
    """The loop runs inside the function that is guarded."""
    return end() if n == 0 else lwt.catch(lambda: recursion_in_catch(n - 1, end), lwt.fail)


def recursion_in_finalize(n: int, end: End_) -> lwt.Promise[str]:
    if n == 0:
        return end()
    return lwt.finalize(lambda: recursion_in_finalize(n - 1, end), lambda: unit)


def recursion_in_cleanup(n: int, end: End_) -> lwt.Promise[str]:
    return end() if n == 0 else lwt.finalize(done, lambda: recursion_in_cleanup(n - 1, end))


def recursion_in_map(n: int, end: End_) -> lwt.Promise[str]:
    if n == 0:
        return end()
    return lwt.bind(unit, lambda _: lwt.map(str, recursion_in_map(n - 1, end)))


@lwt.promised
async def recursion_in_await(n: int, end: End_) -> str:
    return await (end() if n == 0 else recursion_in_await(n - 1, end))


recursions = pytest.mark.parametrize(
    "recursion",
    [
        recursion_in_catch,
        recursion_in_finalize,
        recursion_in_cleanup,
        recursion_in_map,
        recursion_in_await,
    ],
)


@recursions
@pytest.mark.parametrize("rounds", AT_THE_LIMIT)
def test_a_recursion_gives_a_fulfilled_promise(recursion: Loop, rounds: int) -> None:
    assert lwt.state(recursion(rounds, done)) == lwt.Return("done")


@recursions
def test_a_deep_recursion_gives_a_fulfilled_promise(recursion: Loop) -> None:
    assert lwt.state(recursion(MANY, done)) == lwt.Return("done")


@pytest.mark.slow
def test_an_await_in_an_await_a_hundred_thousand_deep_gives_a_fulfilled_promise() -> None:
    assert lwt.state(recursion_in_await(100_000, done)) == lwt.Return("done")


@recursions
def test_a_recursion_takes_memory_in_proportion(recursion: Loop) -> None:
    rounds = 2000
    once = peak_of(lambda: recursion(rounds, done))
    twice = peak_of(lambda: recursion(2 * rounds, done))
    assert twice < 2.5 * once
    assert twice / (2 * rounds) < 2500


@pytest.mark.parametrize("rounds", AT_THE_LIMIT)
def test_a_map_that_loops_for_its_effect_has_done_it_all_when_it_returns(rounds: int) -> None:
    seen = []

    def loop(n: int) -> None:
        seen.append(n)
        if n:
            lwt.map(lambda _: loop(n - 1), unit)

    loop(rounds)
    assert seen == list(range(rounds, -1, -1))


@pytest.mark.slow
def test_a_map_that_loops_for_its_effect_runs_half_a_million_rounds() -> None:
    left = HALF_A_MILLION

    def loop(_: None) -> None:
        nonlocal left
        left -= 1
        if left:
            lwt.map(loop, unit)

    lwt.map(loop, unit)
    assert left == 0


# --- What the last call of a callback sees -----------------------------------


@pytest.mark.parametrize("rounds", AT_THE_LIMIT)
def test_the_storage_of_each_round_is_that_of_its_call(rounds: int) -> None:
    key: lwt.Key[int] = lwt.new_key()
    seen = []

    def loop(n: int) -> lwt.Promise[None]:
        seen.append(lwt.get(key))
        if n == 0:
            return unit
        return lwt.with_value(key, lwt.Some(n), lambda: lwt.bind(unit, lambda _: loop(n - 1)))

    lwt.with_value(key, lwt.Some(-1), lambda: loop(rounds))
    assert seen == [lwt.Some(-1), *(lwt.Some(n) for n in range(rounds, 0, -1))]
    assert lwt.get(key) is None


@pytest.mark.parametrize("rounds", AT_THE_LIMIT)
def test_the_storage_after_a_loop_is_what_it_was(rounds: int) -> None:
    key: lwt.Key[int] = lwt.new_key()

    def program() -> lwt.Some[int] | None:
        bind_loop(rounds, done)
        return lwt.get(key)

    assert lwt.with_value(key, lwt.Some(1), program) == lwt.Some(1)


@pytest.mark.parametrize("rounds", AT_THE_LIMIT)
def test_the_effects_of_a_loop_come_in_the_order_of_nested_calls(rounds: int) -> None:
    seen: list[str] = []

    def loop(n: int) -> lwt.Promise[None]:
        seen.append(f"round {n}")
        if n == 0:
            return unit
        lwt.on_success(unit, lambda _: seen.append(f"effect {n}"))
        return lwt.bind(unit, lambda _: loop(n - 1))

    loop(rounds)
    seen.append("returned")
    expected = [text for n in range(rounds, 0, -1) for text in (f"round {n}", f"effect {n}")]
    assert seen == [*expected, "round 0", "returned"]


@pytest.mark.parametrize("rounds", AT_THE_LIMIT)
def test_two_loops_in_one_callback_run_one_after_the_other(rounds: int) -> None:
    seen: list[str] = []

    def loop(name: str, n: int) -> lwt.Promise[None]:
        seen.append(f"{name}{n}")
        return unit if n == 0 else lwt.bind(unit, lambda _: loop(name, n - 1))

    lwt.bind(loop("a", rounds), lambda _: loop("b", rounds))
    names = [f"{name}{n}" for name in "ab" for n in range(rounds, -1, -1)]
    assert seen == names


@pytest.mark.parametrize("rounds", AT_THE_LIMIT)
def test_a_loop_inside_a_callback_of_wakeup_has_run_when_wakeup_returns(rounds: int) -> None:
    promise, resolver = lwt.wait()
    result = lwt.bind(promise, lambda _: bind_loop(rounds, done))
    lwt.wakeup(resolver, None)
    assert lwt.state(result) == lwt.Return("done")


@pytest.mark.parametrize("rounds", AT_THE_LIMIT)
def test_an_exception_at_the_end_of_a_loop_in_a_pending_bind_rejects(rounds: int) -> None:
    promise, resolver = lwt.wait()
    result = lwt.bind(promise, lambda _: bind_loop(rounds, fail))
    lwt.wakeup(resolver, None)
    assert lwt.state(result) == lwt.Fail(End())


def test_code_after_a_call_deeper_than_the_limit_may_see_a_pending_promise() -> None:
    """The one difference from OCaml, where each state here would be Return."""
    seen: dict[int, bool] = {}

    def loop(n: int) -> lwt.Promise[None]:
        if n == 0:
            return unit
        promise = lwt.bind(unit, lambda _: loop(n - 1))
        seen[n] = lwt.is_sleeping(promise)  # Not the last thing done, so not a tail call.
        return promise

    result = loop(MAXIMUM_NESTING)
    assert not any(seen.values())
    assert lwt.state(result) == lwt.Return(None)

    seen.clear()
    result = loop(MAXIMUM_NESTING + 1)
    # The 65th call waited until the stack had unwound to half: 32 saw it pending.
    assert [n for n, was_pending in seen.items() if was_pending] == list(range(1, 33))
    assert lwt.state(result) == lwt.Return(None)
