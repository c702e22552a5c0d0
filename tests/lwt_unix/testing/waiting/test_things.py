"""The order of what is told."""

import lwt
from lwt import lwt_mutex
from lwt_unix import testing


def test_the_same_program_has_the_same_report_each_time() -> None:
    def once() -> str:
        forks = [lwt_mutex.create() for _ in range(5)]

        async def philosopher(number: int) -> None:
            async with forks[number]:
                await lwt.pause()
                async with forks[(number + 1) % 5]:
                    pass

        _ = [lwt.of_coroutine(philosopher(number)) for number in range(5)]
        lwt.wakeup_paused()
        return str(testing.waiting())

    first = once()
    assert [once(), once()] == [first, first]
    assert first.startswith("Circle 1:")
