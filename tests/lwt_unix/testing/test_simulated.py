"""Tests in a simulated world: each decorator in each order, with pytest and without."""

import random
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, example, given, seed, settings, strategies
from hypothesis.errors import FailedHealthCheck
from hypothesis.internal.conjecture.data import ConjectureData

import lwt
import lwt_unix
from lwt._core import choices
from lwt_unix import lwt_io, lwt_process, sleep, testing
from lwt_unix.testing import plugin

pytest_plugins = ["pytester"]

quickly = settings(database=None, phases=[Phase.explicit, Phase.generate, Phase.shrink])
"""Nothing of an earlier run, and no search for explanations, which traces each line."""


def _note(order: list[int], number: int, _: None) -> None:
    order.append(number)


async def in_order(number: int) -> list[int]:
    """Let timers be due at the same time; return in which order they fired."""
    order: list[int] = []
    await lwt.join([lwt.map(partial(_note, order, n), sleep(1.0)) for n in range(number)])
    return order


def failure_of(test: Callable[[], object]) -> tuple[Exception, str]:
    """The exception of a test, and its note."""
    with pytest.raises(Exception) as raised:  # noqa: PT011  # Which one is the caller's to say.
        test()
    (note,) = [note for note in raised.value.__notes__ if note.startswith("The choices")]
    return raised.value, note


def replay_in(note: str) -> str:
    found = re.search(r'@testing\.replay\("(.*)"\)', note)
    assert found is not None
    return found[1]


# --- Without @given ----------------------------------------------------------


def test_a_test_is_run_with_many_choices_and_the_failure_is_told_small() -> None:
    @quickly
    @testing.simulated
    async def fails() -> None:
        assert await in_order(3) == [0, 1, 2]

    failure, note = failure_of(fails)
    assert isinstance(failure, AssertionError)
    chosen, happened = note.split("What happened:\n")
    assert re.fullmatch(
        r"The choices that are not Lwt's own:\n {4}turn \d+: of \d timers for the same time, .*\n",
        chosen,
    )
    assert "To replay it, put this above the test" in happened
    assert len(replay_in(note).split(", ")) == 1


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_the_test_does_not_handle_is_a_failure_that_is_made_small(
    signum: signal.Signals,
) -> None:
    @quickly
    @testing.simulated
    async def fails() -> None:
        handler = lwt_unix.on_signal(signum, lambda _: None)
        testing.send_signal(signum)
        await in_order(2)
        lwt_unix.disable_signal_handler(handler)
        await sleep(10.0)

    failure, note = failure_of(fails)
    assert isinstance(failure, AssertionError)
    assert str(failure) == f"the program was ended by {signum.name}, which it does not handle"
    assert re.fullmatch(r"signal 1:\d/\d", replay_in(note).rpartition(": ")[2])


def test_what_happened_is_told_in_order() -> None:
    @quickly
    @testing.simulated
    async def fails() -> None:
        near, far = lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)
        await lwt_unix.close(near)
        await lwt_unix.close(far)
        testing.world().tell("first")
        await sleep(3600.0)
        testing.world().tell("second")
        raise ValueError

    _, note = failure_of(fails)
    lines = note.split("What happened:\n")[1].splitlines()
    assert [line for line in lines if "first" in line or "second" in line] == [
        "    0 s, turn 0: first",
        "    3600 s, turn 1: second",
    ]


def test_a_long_story_is_told_from_its_end() -> None:
    @quickly
    @testing.simulated
    async def fails() -> None:
        for number in range(100):
            testing.world().tell(f"number {number}")
        raise ValueError

    _, note = failure_of(fails)
    lines = note.split("What happened:\n")[1].splitlines()
    assert lines[0] == "    (40 earlier ones are left out)"
    assert lines[1].endswith("number 40") and lines[60].endswith("number 99")


def test_what_passes_is_run_as_often_as_the_settings_say() -> None:
    runs: list[float] = []

    @settings(quickly, max_examples=13)
    @testing.simulated
    async def passes() -> None:
        order = await in_order(3)
        runs.append(sum(order))

    passes()
    assert len(runs) == 13


def test_settings_and_seed_may_stand_below() -> None:
    orders: list[list[list[int]]] = [[], []]

    def make(orders: list[list[int]]) -> Callable[[], None]:
        @testing.simulated
        @seed(1)
        @settings(quickly, max_examples=13)
        async def passes() -> None:
            orders.append(await in_order(4))

        return passes

    for one in orders:
        make(one)()
    assert orders[0] == orders[1]
    assert len(orders[0]) == 13
    assert [0, 1, 2, 3] in orders[0] and len({*map(tuple, orders[0])}) > 3


def test_a_test_that_returns_a_promise_is_run() -> None:
    @quickly
    @testing.simulated
    def fails() -> lwt.Promise[None]:
        return lwt.bind(sleep(1.0), lambda _: lwt.fail(ValueError("wrong")))

    failure, note = failure_of(fails)
    assert str(failure) == "wrong"
    assert "none: Lwt itself decides so" in note


def test_a_test_has_the_arguments_that_it_is_called_with() -> None:
    got: list[tuple[object, ...]] = []

    class Case:
        @settings(quickly, max_examples=2)
        @testing.simulated
        async def method(self, first: int, *, choices: str) -> None:
            got.append((self, first, choices))
            await sleep(1.0)

    case = Case()
    case.method(1, choices="mine")
    assert {*got} == {(case, 1, "mine")}


# --- With @given -------------------------------------------------------------


def above(test: Callable[..., Any]) -> Callable[[], None]:
    return quickly(given(strategies.integers(0, 9))(testing.simulated(test)))


def below(test: Callable[..., Any]) -> Callable[[], None]:
    decorated: Callable[[], None] = testing.simulated(
        quickly(given(strategies.integers(0, 9))(test))
    )
    return decorated


each_order = pytest.mark.parametrize("decorate", [above, below])


@each_order
def test_choices_and_data_are_drawn_and_made_small_together(
    decorate: Callable[[Callable[..., Any]], Callable[[], None]],
) -> None:
    data: list[int] = []

    async def fails(number: int) -> None:
        data.append(number)
        assert await in_order(number) == [*range(number)]

    _, note = failure_of(decorate(fails))
    assert data[-1] == 2
    assert replay_in(note) == "due 1:1/2"


@each_order
def test_the_choices_are_lwt_s_own_for_an_explicit_example(
    decorate: Callable[[Callable[..., Any]], Callable[[], None]],
) -> None:
    orders: list[list[int]] = []

    async def fails(number: int) -> None:
        orders.append(await in_order(number))
        raise ValueError

    _, note = failure_of(example(5)(decorate(fails)))
    assert orders == [[0, 1, 2, 3, 4]]
    assert "none: Lwt itself decides so" in note


@each_order
def test_a_failure_is_replayed_with_its_data(
    decorate: Callable[[Callable[..., Any]], Callable[[], None]],
) -> None:
    orders: list[list[int]] = []

    async def fails(number: int) -> None:
        orders.append(await in_order(number))
        assert orders[-1] == sorted(orders[-1])

    test = example(3)(testing.replay("due 1:2/3, due 2:1/2")(decorate(fails)))
    _, note = failure_of(test)
    assert orders == [[2, 1, 0]]
    assert replay_in(note) == "due 1:2/3, due 2:1/2"


def test_an_assumption_of_a_body_holds() -> None:
    seen: list[int] = []

    @settings(quickly, suppress_health_check=[HealthCheck.filter_too_much])
    @given(strategies.integers(0, 9))
    @testing.simulated
    async def passes(number: int) -> None:
        await sleep(1.0)
        assume(number % 2)
        seen.append(number)

    passes()
    assert {number % 2 for number in seen} == {1}


def test_a_failure_that_is_replayed_without_given_is_run_once() -> None:
    runs: list[list[int]] = []

    @testing.replay("due 1:1/3")
    @testing.simulated
    async def fails() -> None:
        runs.append(await in_order(3))
        assert runs[-1] == [0, 1, 2]

    _, note = failure_of(fails)
    assert runs == [[1, 0, 2]]
    assert replay_in(note) == "due 1:1/3"


@each_order
def test_a_replay_runs_with_no_other_data_than_those_of_the_example(
    decorate: Callable[[Callable[..., Any]], Callable[[], None]],
) -> None:
    seen: list[int] = []

    async def passes(number: int) -> None:
        seen.append(number)
        assert await in_order(number) == [1, 0]

    example(2)(testing.replay("due 1:1/2")(decorate(passes)))()
    assert seen == [2]


@each_order
def test_a_replay_without_the_data_of_the_run_says_that_they_are_missing(
    decorate: Callable[[Callable[..., Any]], Callable[[], None]],
) -> None:
    async def never_run(number: int) -> None:
        raise AssertionError(number)

    with pytest.raises(ValueError, match=r"put them above the test, as @example\(\.\.\.\)"):
        testing.replay("due 1:1/2")(decorate(never_run))()


def test_a_run_that_is_not_the_one_that_is_replayed_says_so_even_if_the_program_goes_on() -> None:
    @testing.replay("due 1:1/3")
    @testing.simulated
    async def fails() -> None:
        try:
            choices.choose(choices.CANCEL, 2, str)
        except testing.Replay_differs:
            raise AssertionError("what comes of it") from None

    with pytest.raises(
        testing.Replay_differs, match="choice 1 is 'cancel' of 2 options here"
    ) as it:
        fails()
    assert not hasattr(it.value, "__notes__")


@pytest.mark.parametrize(
    ("text", "test", "message"),
    [
        ("nonsense", testing.simulated(in_order), "'nonsense' is no choice"),
        ("", in_order, "is no test of testing.simulated; put this above it"),
    ],
)
def test_a_replay_of_something_else_is_refused(
    text: str, test: Callable[..., Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        testing.replay(text)(test)


# --- What Hypothesis does by default -----------------------------------------


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("phases", "is_traced"),
    [(tuple(Phase), False), ((Phase.generate, Phase.shrink, Phase.explain), True)],
)
def test_a_failure_is_explained_line_by_line_only_if_settings_ask_for_it(
    phases: tuple[Phase, ...], is_traced: bool
) -> None:
    tracers: set[object] = set()

    async def fails() -> None:
        monitoring = getattr(sys, "monitoring", None)  # From Python 3.12 on.
        tracers.add(monitoring.get_tool(3) if monitoring else sys.gettrace())
        assert await in_order(2) == [0, 1]

    with pytest.raises(AssertionError):
        settings(database=None, phases=phases)(testing.simulated(fails))()
    assert (len(tracers) > 1) == is_traced


def test_an_async_generator_is_no_test() -> None:
    async def yields() -> AsyncIterator[None]:
        yield

    with pytest.raises(TypeError, match="yields has a `yield`, so it is no test"):
        testing.simulated(yields)


def test_a_test_that_returns_something_is_refused() -> None:
    @settings(quickly, suppress_health_check=[])
    @testing.simulated
    async def returns() -> bool:
        return await in_order(2) == [0, 1]

    with pytest.raises(FailedHealthCheck, match="should return None, but returns returned "):
        returns()


# --- What is left ------------------------------------------------------------


def test_what_is_left_in_the_world_fails_and_is_named() -> None:
    @quickly
    @testing.simulated
    async def fails() -> None:
        lwt_unix.pipe()
        sleep(3600.0)
        lwt.fail(ValueError("lost"))
        lwt.async_(lambda: lwt.fail(KeyError("reported")))

    failure, note = failure_of(fails)
    assert isinstance(failure, testing.Something_left)
    assert "left behind: rejections, hook, descriptors, timers\n" in str(failure)
    told = [line for line in str(failure).splitlines() if line.startswith("- ")]
    assert told == [
        "- nobody has seen this rejection: ValueError('lost')",
        "- an exception has reached lwt.async_exception_hook: KeyError('reported')",
        *[
            line
            for line in told
            if re.fullmatch(r"- descriptor \d+ is open \(.*pipe a\).*`pipe`", line)
        ],
        "- a timer of 3600 s is not stopped",
    ]
    assert len(told) == 5
    assert str(failure).count("in test_what_is_left_in_the_world_fails_and_is_named") == 6
    assert "none: Lwt itself decides so" in note


def test_what_may_be_left_is_said_to_the_decorator() -> None:
    @settings(quickly, max_examples=3)
    @testing.simulated(may_leave=["timers", "descriptors"])
    async def passes() -> None:
        lwt_unix.pipe()
        sleep(3600.0)

    passes()
    with pytest.raises(ValueError, match="may_leave has 'timer'; the words are"):
        testing.simulated(may_leave=["timer"])


def test_who_still_waits_fails_on_request() -> None:
    kept: list[object] = []

    async def test() -> None:
        kept.append(lwt.of_coroutine(waits()))

    async def waits() -> None:
        await lwt.wait()[0]

    settings(quickly, max_examples=2)(testing.simulated(test))()
    failure, _ = failure_of(quickly(testing.simulated(nothing_pending=True)(test)))
    assert str(failure).startswith("left behind: pending\n- body (waits) waits for a promise")


def test_a_program_that_nobody_waits_for_is_left() -> None:
    async def sleeper(_: testing.Process) -> int:
        await sleep(3600.0)
        return 0

    async def test(ends: bool) -> None:
        process = lwt_process.open_process_none(("", ["sleeper"]))
        if ends:
            process.terminate()
            await process.close()

    quick = settings(quickly, max_examples=5)
    decorate = testing.simulated(programs={"sleeper": sleeper}, may_leave=["timers"])
    quick(decorate(partial(test, True)))()
    failure, note = failure_of(quick(decorate(partial(test, False))))
    assert re.search(
        r"- nobody has waited for child process \d+\n    at .*, in test_a_program", str(failure)
    )
    assert "process 1001 (sleeper) is started" in note


def test_a_server_that_is_shut_down_leaves_nothing_whatever_is_chosen() -> None:
    address = lwt_unix.ADDR_INET("127.0.0.1", 80)

    async def echo(_: object, channels: tuple[lwt_io.InputChannel, lwt_io.OutputChannel]) -> None:
        while True:
            match await lwt_io.read_line_opt(channels[0]):
                case lwt.Some(line):
                    await lwt_io.write_line(channels[1], line)
                case _:
                    break

    @settings(quickly, max_examples=30)
    @testing.simulated
    async def passes() -> None:
        server = await lwt_io.establish_server_with_client_address(address, echo)
        reading, writing = await lwt_io.open_connection(address)
        await lwt_io.write_line(writing, "hello")
        assert await lwt_io.read_line(reading) == b"hello"
        await lwt_io.close(writing)
        await lwt_io.close(reading)
        await lwt_io.shutdown_server(server)

    passes()


# --- With pytest -------------------------------------------------------------

HEAD = """
import pytest, lwt
from lwt_unix import sleep, testing
from hypothesis import given, settings, example, reproduce_failure, Phase, strategies as st

async def in_order(number):
    order = []
    await lwt.join([lwt.map(lambda _, n=n: order.append(n), sleep(1.0)) for n in range(number)])
    return order
"""


def run(pytester: pytest.Pytester, tests: str, *options: str, **outcomes: int) -> str:
    """Run pytest on a file of tests, with the plugin; return what is printed."""
    pytester.makepyfile(HEAD + dedent(tests))
    result = pytester.runpytest_inprocess(
        "-p", plugin.__name__, "-p", "no:cacheprovider", "-p", "no:randomly", *options
    )
    result.assert_outcomes(**outcomes)
    return result.stdout.str()


def test_pytest_runs_it_with_fixtures_parameters_and_settings(pytester: pytest.Pytester) -> None:
    printed = run(
        pytester,
        """
        runs = []

        @pytest.fixture(scope="module")
        def three(): return 3

        @settings(max_examples=7)
        @testing.simulated
        async def test_alone(three):
            runs.append(await in_order(three))

        def test_that_it_has_run(): assert 1 < len(runs) <= 7

        class TestClass:
            @settings(max_examples=5)
            @pytest.mark.parametrize("number", [1, 2])
            @testing.simulated
            async def test_method(self, three, number):
                assert isinstance(self, TestClass)
                await in_order(number)

        @testing.simulated
        @given(st.integers(0, 5))
        async def test_below(three, number):
            assert await in_order(number) == [*range(number)]
        """,
        "--hypothesis-show-statistics",
        passed=4,
        failed=1,
    )
    assert "E           turn 1: of 2 timers for the same time, number 2 fires first" in printed
    assert 'E           @testing.replay("due 1:1/2")' in printed
    assert "number=2," in printed
    assert "test_alone:" in printed  # In the statistics.


def test_a_failure_is_kept_in_the_database_and_can_be_reproduced(
    pytester: pytest.Pytester,
) -> None:
    tests = """
        from hypothesis.database import DirectoryBasedExampleDatabase
        kept = DirectoryBasedExampleDatabase("kept")

        {}
        @settings(database=kept, print_blob=True, phases={})
        @testing.simulated
        async def test_alone():
            order = await in_order(3)
            print("ORDER", order)
            assert order == [0, 1, 2]
        """
    all_but_explain = "[Phase.reuse, Phase.generate, Phase.shrink]"
    printed = run(pytester, tests.format("", all_but_explain), failed=1)
    orders = re.findall("ORDER (.*)", printed)
    assert orders[0] == "[0, 1, 2]" and orders[-1] != "[0, 1, 2]"
    again = run(pytester, tests.format("", "[Phase.reuse]"), failed=1)
    assert {*re.findall("ORDER (.*)", again)} == {orders[-1]}
    decorator = re.search(r"@reproduce_failure\(.*?\)", printed)
    assert decorator is not None
    reproduced = run(pytester, tests.format(decorator[0], "[Phase.explicit]"), failed=1)
    assert re.findall("ORDER (.*)", reproduced) == [orders[-1]]
    assert replay_in(reproduced) == replay_in(printed)


def test_what_hypothesis_does_to_draw_is_none_of_the_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first draw of a process has it write a temporary file, whose name comes from chance."""
    seeds: list[int] = []
    draw = ConjectureData.draw_integer

    def draw_with_chance(self: ConjectureData, *arguments: Any, **keywords: Any) -> int:
        random.Random()
        return draw(self, *arguments, **keywords)

    monkeypatch.setattr(ConjectureData, "draw_integer", draw_with_chance)

    @settings(max_examples=20, database=None)
    @testing.simulated
    async def run() -> None:
        await lwt.join([lwt_unix.sleep(1.0), lwt_unix.sleep(1.0)])
        seeds.append(testing.world().choices.generator is not None)

    run()
    assert not any(seeds)


def test_hypothesis_default_deadline_does_not_apply() -> None:
    """It counts the computer's time, and a first example may take long."""
    with_default = settings(settings.get_profile("default"), max_examples=2, database=None)

    def be_busy(now: Callable[[], float] = time.process_time) -> None:
        end = now() + 0.3  # The computer's time: the world does not notice a default.
        while now() < end:
            pass

    async def spend_time() -> None:
        be_busy()

    async def given_too(number: int) -> None:
        await spend_time()

    settings.register_profile("with a deadline", with_default)
    before = settings.get_current_profile_name()
    settings.load_profile("with a deadline")
    try:
        testing.simulated(spend_time)()
        testing.simulated(given(strategies.integers())(given_too))()
    finally:
        settings.load_profile(before)
