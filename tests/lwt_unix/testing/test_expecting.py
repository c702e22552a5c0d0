"""What a test expects of a program while it runs."""

from __future__ import annotations

import pytest

import lwt
import lwt_unix
from lwt._core.choices import CANCEL
from lwt_unix import lwt_engine, lwt_main, testing
from tests.support.promises import A


def test_a_check_is_made_after_each_turn_until_it_fails() -> None:
    seen: list[int] = []
    count = 0

    def small() -> bool:
        seen.append(count)
        return count < 3

    async def main() -> None:
        nonlocal count
        testing.always(small)
        while True:
            count += 1
            await lwt.pause()

    with pytest.raises(AssertionError, match=r"small does not hold after turn 2, at 0 s"):
        testing.simulate(main)
    assert seen == [2, 3]


def test_what_a_check_raises_leaves_as_it_is() -> None:
    def fail() -> None:
        raise A

    async def main() -> None:
        testing.always(fail)
        await lwt_unix.sleep(1.0)

    with pytest.raises(A):
        testing.simulate(main)


def test_a_check_can_be_ended() -> None:
    async def main() -> str:
        end = testing.always(lambda: False)
        end()
        await lwt_unix.sleep(1.0)
        return "done"

    assert testing.simulate(main) == lwt_main.run(main()) == "done"


def test_what_holds_already_is_not_waited_for() -> None:
    assert lwt.poll(testing.eventually(lambda: True, within=0.0)) == lwt.Some(None)


def test_what_holds_later_is_waited_for_in_the_time_of_the_world() -> None:
    async def main() -> float:
        done = lwt_unix.sleep(1800.0)
        await testing.eventually(lambda: not lwt.is_sleeping(done), within=3600.0)
        return testing.world().now

    assert testing.simulate(main) == 1800.0


def test_what_does_not_hold_in_time_is_an_error_with_its_name() -> None:
    def never() -> bool:
        return False

    async def main() -> None:
        await testing.eventually(never, within=2.5)

    with pytest.raises(AssertionError, match=r"never did not hold within 2.5 s, .* at 2.5 s"):
        testing.simulate(main)


def test_what_holds_at_the_last_moment_holds_in_time() -> None:
    async def main() -> int:
        done: list[None] = []
        lwt.async_(lambda: lwt.map(done.append, lwt_unix.sleep(3.0)))
        await testing.eventually(lambda: done, within=3.0)
        await testing.eventually(lambda: done, within=3.0)
        return lwt_engine.timer_count()

    assert testing.simulate(main) == 0


def test_what_the_condition_raises_is_the_result() -> None:
    def fail() -> bool:
        raise A

    async def main() -> None:
        await testing.eventually(fail, within=1.0)

    with pytest.raises(A):
        testing.simulate(main)


async def never() -> bool:
    return False


def test_a_check_that_is_an_async_def_is_refused_when_it_is_called() -> None:
    async def main() -> None:
        with pytest.raises(TypeError, match="never returned something to wait"):
            await testing.eventually(never, within=1.0)
        testing.always(never)
        await lwt_unix.sleep(1.0)

    with pytest.raises(TypeError, match="never returned something to wait for"):
        testing.simulate(main)
    with pytest.raises(TypeError, match=r"lambda.* returned something to wait for"):
        testing.explore(lambda: lwt.return_unit, check=lambda _: never())


def test_waiting_for_a_condition_can_be_cancelled() -> None:
    async def main() -> int:
        waiting = testing.eventually(lambda: False, within=1.0)
        lwt.cancel(waiting)
        with pytest.raises(lwt.Canceled):
            await waiting
        return lwt_unix.lwt_engine.timer_count()

    assert testing.simulate(main) == 0


async def three_steps() -> list[str]:
    """An operation that waits three times, cancelled somewhere or not; what has become of it."""
    steps: list[str] = []

    async def operation() -> None:
        try:
            for number in range(3):
                await lwt_unix.sleep(1.0)
                steps.append(str(number))
        finally:
            steps.append("end")

    try:
        await testing.sometimes_cancelled(operation())
    except (lwt.Canceled, lwt_unix.Timeout) as exn:
        steps.append(type(exn).__name__)
    return steps


def test_nobody_cancels_by_lwts_own_choice() -> None:
    assert testing.simulate(three_steps) == ["0", "1", "2", "end"]
    assert lwt_main.run(testing.sometimes_cancelled(lwt.return_(3))) == 3


def test_an_operation_may_be_cancelled_or_time_out_at_each_wait() -> None:
    outcomes = {
        " ".join(testing.simulate(three_steps, choices=testing.seeded(seed).only(CANCEL)))
        for seed in range(200)
    }
    steps = ["", "0 ", "0 1 "]
    assert outcomes == {
        "0 1 2 end",
        *(f"{done}end {how}" for done in steps for how in ("Canceled", "Timeout")),
    }


def test_what_is_no_operation_is_refused() -> None:
    with pytest.raises(TypeError, match="expected a promise"):
        testing.sometimes_cancelled(3)  # type: ignore[arg-type]
