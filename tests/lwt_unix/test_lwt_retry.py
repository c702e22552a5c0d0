"""Attempts as a stream: how often the function is called, how long it is waited, what is given."""

import gc
import io
import math
import re
from collections.abc import Callable
from typing import Any

import pytest

import lwt
from lwt import lwt_stream
from lwt_unix import lwt_fmt, lwt_retry
from tests.support.engines import Clock
from tests.support.promises import outcome, rejected_with

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

Result = lwt.Ok[str] | lwt.Error[lwt_retry.error[str, str]]

anything: Any = lwt_retry


def retry(reason: str) -> Result:
    return lwt.Error(("Retry", reason))


def fatal(reason: str) -> Result:
    return lwt.Error(("Fatal", reason))


class Flaky:
    """A function that gives one result after the other, and counts its calls."""

    def __init__(self, *results: Result) -> None:
        self._results = iter(results)
        self.calls = 0

    def __call__(self) -> lwt.Promise[Result]:
        self.calls += 1
        return lwt.return_(next(self._results))


# --- on_error ----------------------------------------------------------------


def test_errors_that_may_be_tried_again_are_numbered_up_to_a_success_and_then_the_stream_ends() -> (
    None
):
    flaky = Flaky(retry("a"), retry("b"), lwt.Ok("c"), lwt.Ok("d"))
    attempts = lwt_stream.to_list(lwt_retry.on_error(flaky))
    assert outcome(attempts) == [
        lwt.Error((("Retry", "a"), 1)),
        lwt.Error((("Retry", "b"), 2)),
        lwt.Ok("c"),
    ]
    assert flaky.calls == 3


def test_a_fatal_error_is_the_last_attempt() -> None:
    flaky = Flaky(retry("a"), fatal("b"), lwt.Ok("c"))
    attempts = outcome(lwt_stream.to_list(lwt_retry.on_error(flaky)))
    assert attempts == [lwt.Error((("Retry", "a"), 1)), lwt.Error((("Fatal", "b"), 2))]
    assert flaky.calls == 2


def test_an_attempt_is_made_only_when_it_is_asked_for() -> None:
    flaky = Flaky(retry("a"), lwt.Ok("b"))
    attempts = lwt_retry.on_error(flaky)
    calls = [flaky.calls]
    lwt_stream.get(attempts)
    calls.append(flaky.calls)
    lwt_stream.get(attempts)
    lwt_stream.get(attempts)
    calls.append(flaky.calls)
    assert calls == [0, 1, 2]


def test_what_the_function_raises_reaches_who_asked_and_counts_as_an_attempt() -> None:
    results = iter([LookupError("a"), retry("b"), lwt.Ok("c")])

    def f() -> lwt.Promise[Result]:
        result = next(results)
        if isinstance(result, Exception):
            raise result
        return lwt.return_(result)

    attempts = lwt_retry.on_error(f)
    with pytest.raises(LookupError, match="a"):
        lwt_stream.get(attempts)
    assert outcome(lwt_stream.to_list(attempts)) == [lwt.Error((("Retry", "b"), 2)), lwt.Ok("c")]


def test_an_async_function_is_tried_too_and_may_wait() -> None:
    promise, resolver = lwt.wait()

    async def f() -> Result:
        return lwt.Ok(await promise)

    attempt = lwt_stream.next(lwt_retry.on_error(f))
    assert lwt.is_sleeping(attempt)
    lwt.wakeup(resolver, "late")
    assert outcome(attempt) == lwt.Ok("late")


@pytest.mark.parametrize(
    "wrong", [3, None, lwt.Error("a"), lwt.Error(("Again", "a")), lwt.Error(["Retry", "a"])]
)
def test_a_result_of_another_form_is_told_with_what_to_return(wrong: object) -> None:
    def no_result() -> Any:
        return lwt.return_(wrong)

    with pytest.raises(
        TypeError,
        match=r"^lwt_retry\.on_error: the promise of callback .*no_result gave .*, not a result; return lwt\.Ok",
    ):
        lwt_stream.next(lwt_retry.on_error(no_result))


# --- with_sleep --------------------------------------------------------------


def test_the_default_duration_doubles_and_grows() -> None:
    durations = [lwt_retry.default_sleep_duration(n) for n in range(8)]
    assert durations == [0.0, 4.0, 16.0, 48.0, 128.0, 320.0, 768.0, 1792.0]
    assert lwt_retry.default_sleep_duration(-1) == -1.0
    assert lwt_retry.default_sleep_duration(5000) == math.inf
    assert lwt_retry.default_sleep_duration(-5000) == 0.0


def test_a_failed_attempt_comes_after_its_duration_and_a_success_at_once(clock: Clock) -> None:
    asked: list[int] = []

    def duration(number: int) -> float:
        asked.append(number)
        return 10.0 * number

    flaky = Flaky(retry("a"), retry("b"), lwt.Ok("c"))
    attempts = lwt_retry.with_sleep(lwt_retry.on_error(flaky), duration=duration)
    states = []
    for early in (9.0, 19.0):
        promise = lwt_stream.next(attempts)
        clock.advance(early)
        states.append(lwt.poll(promise))
        clock.advance(2.0)
        states.append(lwt.poll(promise))
    assert states == [
        None,
        lwt.Some(lwt.Error((("Retry", "a"), 1))),
        None,
        lwt.Some(lwt.Error((("Retry", "b"), 2))),
    ]
    assert outcome(lwt_stream.next(attempts)) == lwt.Ok("c")
    assert asked == [1, 2]


def test_a_fatal_error_is_waited_for_as_well(clock: Clock) -> None:
    attempts = lwt_retry.with_sleep(lwt_retry.on_error(Flaky(fatal("a"))))
    promise = lwt_stream.next(attempts)
    clock.advance(3.9)
    before = lwt.is_sleeping(promise)
    clock.advance(0.2)
    assert (before, outcome(promise)) == (True, lwt.Error((("Fatal", "a"), 1)))


def test_a_duration_that_is_no_number_is_told() -> None:
    attempts = lwt_retry.with_sleep(
        lwt_retry.on_error(Flaky(retry("a"))), duration=lambda n: anything
    )
    with pytest.raises(TypeError, match=r"callback <lambda> .* not a number; return seconds$"):
        lwt_stream.next(attempts)


# --- n_times -----------------------------------------------------------------


def test_no_more_attempts_are_made_than_one_and_n_more() -> None:
    flaky = Flaky(*[retry(str(n)) for n in range(9)])
    assert outcome(lwt_retry.n_times(3, lwt_retry.on_error(flaky))) == lwt.Error(
        (("Retry", "3"), 4)
    )
    assert flaky.calls == 4


@pytest.mark.parametrize(
    ("n", "last"), [(0, ("Retry", "a")), (1, ("Fatal", "b")), (9, ("Fatal", "b"))]
)
def test_the_last_attempt_is_given(n: int, last: tuple[str, str]) -> None:
    flaky = Flaky(retry("a"), fatal("b"))
    attempt = outcome(lwt_retry.n_times(n, lwt_retry.on_error(flaky)))
    assert isinstance(attempt, lwt.Error)
    assert attempt.error[0] == last


def test_a_stream_without_an_attempt_fails() -> None:
    empty: lwt_stream.Stream[lwt_retry.attempt[str, str, str]] = lwt_stream.of_list([])
    exception = rejected_with(lwt_retry.n_times(3, empty))
    assert isinstance(exception, lwt.Failure)
    assert str(exception).startswith("Lwt_retry.n_times: impossible")


def test_a_negative_number_is_refused_and_nothing_is_tried() -> None:
    flaky = Flaky()
    with pytest.raises(
        ValueError,
        match=r"^Lwt_retry\.n_times: n must be non-negative: n is -1; expected 0 or more",
    ):
        lwt_retry.n_times(-1, lwt_retry.on_error(flaky))
    assert flaky.calls == 0


# --- Errors ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "printers", "text"),
    [
        (("Retry", "a"), {}, "`Retry <opaque>"),
        (("Fatal", "a"), {}, "`Fatal <opaque>"),
        (("Retry", "a"), {"retry": lambda out, x: out.write(x.upper())}, "`Retry A"),
        (("Fatal", "a"), {"retry": lambda out, x: out.write(x.upper())}, "`Fatal <opaque>"),
        (("Fatal", "a"), {"fatal": lambda out, x: out.write(x.upper())}, "`Fatal A"),
    ],
)
def test_an_error_is_printed_by_its_kind(
    error: Any, printers: dict[str, Callable[[Any, str], object]], text: str
) -> None:
    out = io.StringIO()
    lwt_retry.pp_error(out, error, **printers)
    assert out.getvalue() == text
    written: list[bytes] = []
    boxes = lwt_fmt.Pretty_printer(lambda data, start, length: written.append(data), lambda: None)
    boxes.printf("%a@?", lambda out, e: lwt_retry.pp_error(out, e, **printers), error)
    assert b"".join(written).decode() == text


def test_two_errors_are_equal_if_their_kind_is_and_what_they_carry() -> None:
    def equal(a: Any, b: Any) -> bool:
        return lwt_retry.equal_error(
            a, b, retry=lambda x, y: bool(x == y), fatal=lambda x, y: bool(x % 10 == y % 10)
        )

    pairs = [(kind, value) for kind in ("Retry", "Fatal") for value in (1, 11)]
    assert [[equal(a, b) for b in pairs] for a in pairs] == [
        [True, False, False, False],
        [False, True, False, False],
        [False, False, True, True],
        [False, False, True, True],
    ]


# --- Arguments ---------------------------------------------------------------

WRONG: dict[str, Callable[[], object]] = {
    "on_error: expected a function, got 3": lambda: anything.on_error(3),
    "with_sleep: expected a stream, got 3": lambda: anything.with_sleep(3),
    "with_sleep: expected a function, got 3": lambda: anything.with_sleep(
        lwt_retry.on_error(Flaky()), duration=3
    ),
    "default_sleep_duration: expected an int for n": lambda: anything.default_sleep_duration(1.5),
    "n_times: expected an int for n": lambda: anything.n_times("3", lwt_retry.on_error(Flaky())),
    "n_times: expected a stream, got [": lambda: anything.n_times(3, []),
    "pp_error: expected something with a method write": lambda: anything.pp_error(3, ("Retry", 3)),
    'pp_error: expected a pair ("Retry", value)': lambda: anything.pp_error(io.StringIO(), 3),
    "equal_error: expected a pair": lambda: anything.equal_error(
        ("Retry", 1), ("Other", 1), retry=max, fatal=max
    ),
    "equal_error: expected a function": lambda: anything.equal_error(
        ("Retry", 1), ("Retry", 1), retry=3, fatal=max
    ),
}


@pytest.mark.parametrize("message", WRONG)
def test_an_argument_of_a_wrong_kind_is_told_at_the_call(message: str) -> None:
    with pytest.raises(TypeError, match=re.escape(f"lwt_retry.{message}")):
        WRONG[message]()


def test_attempts_that_are_over_leave_nothing_to_the_collector(clock: Clock) -> None:
    gc.collect()
    gc.disable()
    try:
        attempts = lwt_retry.with_sleep(lwt_retry.on_error(Flaky(retry("a"), lwt.Ok("b"))))
        promise = lwt_retry.n_times(3, attempts)
        clock.advance(5.0)
        assert outcome(promise) == lwt.Ok("b")
        del attempts, promise
        assert gc.collect() == 0
    finally:
        gc.enable()
