"""Reports that are asked for, come on a signal, or leave the main loop."""

import io
import os
import re
import signal

import pytest

import lwt
import lwt_unix
from lwt import lwt_mutex
from lwt_unix import lwt_io, lwt_main, testing
from tests.support.waiting import report, text


def test_a_deadlock_leaves_the_main_loop_with_its_report() -> None:
    async def main() -> None:
        reading, _ = lwt_unix.pipe()
        await lwt.join([lwt_unix.read(reading, bytearray(1), 0, 1), lwt.wait()[0]])

    with pytest.raises(testing.Deadlock) as raised:
        testing.simulate(main)
    assert report(raised.value) == text(
        "nothing can happen any more:",
        "lwt_main.run waits for body 1 (main)",
        "body 1 (main) waits for all of (input on reader of pipe a, promise 1)",
        "    line 3, in main",
        "        await lwt.join([lwt_unix.read(reading, bytearray(1), 0, 1), lwt.wait()[0]])",
        "promise 1, whose resolver is gone, so that nobody can resolve it",
    )


def test_what_a_finaliser_makes_happen_ends_a_deadlock() -> None:
    async def main() -> str:
        resolver: lwt.Resolver[str]
        done, resolver = lwt.wait()

        async def dropped() -> None:
            try:
                await lwt.wait()[0]
            finally:
                lwt.wakeup(resolver, "dropped")

        lwt.async_(dropped)
        return await done

    assert testing.simulate(main) == "dropped"


def test_the_report_comes_on_a_signal() -> None:
    async def main() -> None:
        os.kill(os.getpid(), signal.SIGUSR1)
        while not file.getvalue():
            await lwt.pause()

    file = io.StringIO()
    handler = testing.report_on_signal(file=file)
    lwt_main.run(main())
    lwt_unix.disable_signal_handler(handler)
    assert re.sub(r'File ".*", line \d+', "line N", file.getvalue()) == text(
        "lwt_main.run waits for body 1 (main)",
        "body 1 (main) waits for the next turn",
        "    line N, in main",
        "        await lwt.pause()",
        "",
    )
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL


def test_a_report_that_cannot_be_written_is_none() -> None:
    async def main() -> None:
        lwt_unix.handle_signal(signal.SIGUSR1)
        await lwt_unix.sleep(0)

    file = io.StringIO()
    file.close()
    handler = testing.report_on_signal(file=file)
    lwt_main.run(main())
    lwt_unix.disable_signal_handler(handler)


def test_a_deadlock_tells_of_those_whom_nobody_can_reach_any_more() -> None:
    async def locks(first: lwt_mutex.Mutex, second: lwt_mutex.Mutex) -> None:
        async with first:
            await lwt.pause()
            async with second:
                pass

    def main() -> lwt.Promise[None]:
        left, right = lwt_mutex.create(), lwt_mutex.create()
        return lwt.join(
            [lwt.of_coroutine(locks(left, right)), lwt.of_coroutine(locks(right, left))]
        )

    with pytest.raises(testing.Deadlock) as caught:
        testing.simulate(main)
    (circle,) = caught.value.waiting.circles
    assert [str(edge) for edge in circle] == [
        "body 1 (locks) waits for mutex 1",
        "mutex 1 is held by body 2 (locks)",
        "body 2 (locks) waits for mutex 2",
        "mutex 2 is held by body 1 (locks)",
    ]


def test_what_waited_in_a_world_that_is_over_is_left_out() -> None:
    async def first() -> None:
        reading, _ = lwt_unix.pipe()
        channel = lwt_io.of_fd(reading, mode=lwt_io.Input)

        async def reads() -> None:
            await lwt.join([lwt_io.read_line(channel), lwt_io.read_line(channel)])

        promise = lwt.of_coroutine(reads())
        await lwt.pause()
        raise lwt.Failure(f"{promise}")

    async def second() -> None:
        lwt_unix.pipe()
        reading, _ = lwt_unix.pipe()
        await lwt_unix.read(reading, bytearray(1), 0, 1)

    with pytest.raises(lwt.Failure) as kept:
        testing.simulate(first)
    with pytest.raises(testing.Deadlock) as raised:
        testing.simulate(second)
    assert report(raised.value.waiting) == text(
        "lwt_main.run waits for body 1 (second)",
        "body 1 (second) waits for input on reader of pipe b",
        "    line 15, in second",
        "        await lwt_unix.read(reading, bytearray(1), 0, 1)",
    )
    assert str(testing.waiting()) == "Nobody waits."
    del kept  # Its frames kept the channel.


def test_who_waits_for_what_went_on_in_a_world_that_is_over_is_told_so() -> None:
    kept: list[lwt.Promise[object]] = []

    async def first() -> None:
        reading, _ = lwt_unix.pipe()
        kept.append(lwt_io.read_line(lwt_io.of_fd(reading, mode=lwt_io.Input)))
        kept.append(lwt_unix.sleep(5.0))

    async def second() -> None:
        lwt_unix.pipe()
        await lwt.join(kept)

    testing.simulate(first)
    with pytest.raises(testing.Deadlock) as raised:
        testing.simulate(second)
    assert report(raised.value.waiting) == text(
        "lwt_main.run waits for body 1 (second)",
        "body 1 (second) waits for all of (lwt_io.read_line 1, sleep 1 of 5 s, whose timer is stopped)",
        "    line 10, in second",
        "        await lwt.join(kept)",
        "lwt_io.read_line 1 waits for input on a descriptor that is not watched any more",
    )


def test_a_report_that_is_asked_for_tells_only_of_those_whom_somebody_can_reach() -> None:
    async def waits() -> None:
        await lwt.wait()[0]

    lwt.dont_wait(waits, print)
    assert str(testing.waiting()) == "Nobody waits."
