"""Jobs of a simulated world: done in the main thread, in an order that a choice may change."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import pytest

import lwt
import lwt_unix
from lwt._core.choices import DELAY, JOB, READY
from lwt_unix import lwt_preemptive, testing
from lwt_unix.testing._processes.jobs import SLOWEST


def test_a_job_is_done_without_a_thread() -> None:
    async def main() -> tuple[int, int]:
        ran_in = await lwt_unix.run_job(threading.get_ident)
        return ran_in, await lwt_preemptive.detach(threading.get_ident)

    before = threading.active_count()
    assert testing.simulate(main) == (threading.get_ident(),) * 2
    assert threading.active_count() == before


def test_a_job_is_not_done_before_the_program_waits() -> None:
    async def main() -> list[str]:
        happened: list[str] = []
        job = lwt_unix.run_job(lambda: happened.append("job"))
        happened.append("program")
        assert lwt.is_sleeping(job)
        await job
        return happened

    assert testing.simulate(main) == ["program", "job"]


def test_the_exception_of_a_job_rejects_its_promise() -> None:
    async def main() -> None:
        for run in (lwt_unix.run_job, lwt_preemptive.detach):
            with pytest.raises(ValueError, match="invalid literal"):
                await run(partial(int, "x"))

    testing.simulate(main)


def test_a_job_takes_no_time_by_itself() -> None:
    async def main() -> float:
        await lwt_unix.run_job(lambda: None)
        return testing.world().now

    assert testing.simulate(main) == 0.0


async def three_jobs() -> tuple[int, ...]:
    done: list[int] = []
    await lwt.join([lwt_unix.run_job(partial(done.append, number)) for number in range(3)])
    return tuple(done)


def outcomes(main: Callable[[], object], *labels: str) -> set[object]:
    """All that a program gives, by seeds that decide some labels only."""
    return {
        testing.simulate(main, choices=testing.seeded(seed).only(*labels))  # type: ignore[arg-type]
        for seed in range(150)
    }


def test_jobs_are_done_in_order_unless_it_is_chosen() -> None:
    assert testing.simulate(three_jobs) == (0, 1, 2)
    assert outcomes(three_jobs, READY, DELAY) == {(0, 1, 2)}
    assert len(outcomes(three_jobs, JOB)) == 6


def test_a_job_may_take_longer_than_a_timer_but_not_for_ever() -> None:
    async def main() -> float:
        job = lwt_unix.run_job(lambda: testing.world().now)
        for _ in range(8):
            await lwt_unix.sleep(0.5)
        return await job

    assert testing.simulate(main) == 0.0
    times = outcomes(main, JOB)
    assert {0.0, 0.5, SLOWEST} <= times
    assert all(0.0 <= time <= SLOWEST for time in times)  # type: ignore[operator]


def test_a_job_that_is_not_done_yet_lets_others_go_on() -> None:
    async def main() -> str:
        job = lwt.map(lambda _: "job", lwt_unix.run_job(lambda: None))
        turns = lwt.bind(lwt.pause(), lambda _: lwt.bind(lwt.pause(), lambda _: lwt.pause()))
        return await lwt.choose([job, lwt.map(lambda _: "turns", turns)])

    assert outcomes(main, JOB) == {"job", "turns"}


def test_the_record_names_the_jobs() -> None:
    choices = testing.replayed("job 1:1/4, job 2:2/3")
    assert testing.simulate(three_jobs, choices=choices) == (1, 0, 2)
    assert [made.words for made in choices.deviations] == [
        "of 3 jobs, job 2 is done before job 1",
        "job 1 and others are not done yet",
    ]


def test_the_bounds_of_the_pools_hold() -> None:
    async def main() -> list[object]:
        lwt_unix.set_pool_size(1)
        first = lwt_unix.run_job(lambda: "first")
        second = lwt_unix.run_job(lambda: "second")  # There is no thread left: it is done at once.
        counted: list[object] = [lwt.is_sleeping(first), lwt.is_sleeping(second)]
        await lwt.join([first, second])
        counted += [lwt_unix.thread_count(), lwt_unix.thread_waiting_count()]
        lwt_preemptive.set_bounds((1, 2))
        computed = [lwt_preemptive.detach(pow, 2, number) for number in range(4)]
        counted += [lwt_preemptive.nbthreads(), lwt_preemptive.nbthreadsqueued()]
        return [*counted, *[await one for one in computed]]

    assert testing.simulate(main) == [True, False, 1, 1, 2, 2, 1, 2, 4, 8]


def test_a_job_knows_on_which_host_it_is_done() -> None:
    async def main() -> str:
        network = testing.network()
        alice = network.host("alice")
        return await alice.run(lambda: lwt_unix.run_job(lambda: network.here().name))

    assert testing.simulate(main) == "alice"


def test_a_job_cannot_wait_for_the_main_loop() -> None:
    def work() -> None:
        lwt_preemptive.run_in_main(lambda: lwt_unix.sleep(1.0))

    async def main() -> None:
        with pytest.raises(lwt.Failure, match="this is the thread of the main loop"):
            await lwt_preemptive.detach(work)

    testing.simulate(main)


def test_afterwards_jobs_are_done_in_threads_again() -> None:
    async def main() -> int:
        return await lwt_unix.run_job(threading.get_ident)

    testing.simulate(main)
    assert lwt_unix.lwt_main.run(main()) != threading.get_ident()
