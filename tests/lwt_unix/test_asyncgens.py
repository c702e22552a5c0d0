"""Async generators: `async for` in bodies, and how the main loop finalises them."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import AsyncGenerator, AsyncIterator

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_main
from tests.support.programs import run_code


@pytest.fixture
def log() -> list[str]:
    return []


async def counting(log: list[str], name: str = "generator") -> AsyncGenerator[int, None]:
    """Count for ever; wait for a turn before each number, and twice at the end."""
    number = 0
    try:
        while True:
            await lwt.pause()
            yield number
            number += 1
    finally:
        log.append(f"{name} ends")
        await lwt.pause()
        await lwt_unix.sleep(0.0)
        log.append(f"{name} ended")


# --- async for ---------------------------------------------------------------


def test_a_body_takes_all_that_a_generator_yields_and_waits_in_it() -> None:
    async def squares() -> AsyncIterator[int]:
        for number in range(4):
            await lwt.pause()
            yield number * number

    async def main() -> list[int]:
        return [square async for square in squares() if square != 1]

    assert lwt_main.run(main()) == [0, 4, 9]


def test_an_exception_of_a_generator_comes_out_of_the_async_for() -> None:
    async def failing() -> AsyncIterator[int]:
        yield 1
        await lwt.pause()
        raise LookupError("lost")

    async def main(seen: list[int]) -> None:
        async for number in failing():
            seen += [number]

    seen: list[int] = []
    with pytest.raises(LookupError, match="lost"):
        lwt_main.run(main(seen))
    assert seen == [1]


def test_a_cancel_reaches_the_promise_that_the_generator_waits_for(log: list[str]) -> None:
    waited, _ = lwt.task()

    async def waiting() -> AsyncIterator[int]:
        try:
            yield 1
            await waited
        finally:
            await lwt.pause()
            log.append("generator ended")

    async def main() -> None:
        async for number in waiting():
            log.append(f"took {number}")
            await lwt.return_unit

    body = lwt.of_coroutine(main())
    lwt.on_success(lwt.pause(), lambda _: lwt.cancel(body))
    with pytest.raises(lwt.Canceled):
        lwt_main.run(body)
    assert log == ["took 1", "generator ended"]
    assert lwt.state(waited) == lwt.Fail(lwt.Canceled())


def test_a_generator_may_be_asked_and_be_closed_by_hand(log: list[str]) -> None:
    async def main() -> None:
        generator = counting(log)
        assert [await anext(generator), await anext(generator)] == [0, 1]
        await generator.aclose()
        log.append("closed")

    lwt_main.run(main())
    assert log == ["generator ends", "generator ended", "closed"]


# --- Those that are dropped --------------------------------------------------


def test_a_generator_that_break_leaves_is_closed_in_the_background(log: list[str]) -> None:
    async def main() -> None:
        async for number in counting(log):
            if number == 2:
                break
        log.append("left")
        for _ in range(4):
            await lwt.pause()
            await lwt_unix.sleep(0.0)
        log.append("end of main")

    lwt_main.run(main())
    assert log == ["left", "generator ends", "generator ended", "end of main"]


def test_a_generator_that_an_exception_or_a_cancel_leaves_is_closed(log: list[str]) -> None:
    async def fail() -> None:
        async for _ in counting(log, "first"):
            raise LookupError

    async def wait() -> None:
        async for _ in counting(log, "second"):
            await lwt.task()[0]

    async def main() -> None:
        failing, waiting = lwt.of_coroutine(fail()), lwt.of_coroutine(wait())
        await lwt.pause()
        await lwt.pause()
        lwt.cancel(waiting)
        log.append(f"{lwt.state(failing)}, {lwt.state(waiting)}")

    lwt_main.run(main())
    assert log == [
        "first ends",
        "Fail(LookupError()), Fail(Canceled())",
        "second ends",
        "first ended",
        "second ended",
    ]


def test_a_generator_that_the_collector_finds_is_closed_at_the_next_turn_and_not_before(
    log: list[str],
) -> None:
    async def main() -> None:
        circle: list[object] = [counting(log)]
        circle.append(circle)
        await anext(circle[0])  # type: ignore[call-overload]  # it is the generator
        circle.clear()
        circle = [circle]
        gc.collect()
        log.append("collected")
        await lwt.pause()
        log.append("next turn")

    lwt_main.run(main())
    assert log == ["collected", "generator ends", "next turn", "generator ended"]


def test_an_exception_in_a_generator_that_is_closed_goes_to_the_hook(
    reported: list[Exception],
) -> None:
    async def failing(name: str) -> AsyncGenerator[int, None]:
        try:
            yield 1
        finally:
            await lwt.pause()
            raise LookupError(name)

    async def main(left: AsyncGenerator[int, None]) -> str:
        await anext(left)
        async for _ in failing("dropped"):
            break
        return "value"

    left = failing("left")
    assert lwt_main.run(main(left)) == "value"
    assert [repr(exception) for exception in reported] == [
        "LookupError('dropped')",
        "LookupError('left')",
    ]


# --- The end of run ----------------------------------------------------------


def test_those_that_are_left_are_closed_at_the_end_newest_first_awaits_included(
    log: list[str],
) -> None:
    left = [counting(log, name) for name in "abc"]

    async def main() -> str:
        for generator in left:
            await anext(generator)
        log.append("end of main")
        return "value"

    assert lwt_main.run(main()) == "value"
    assert log == ["end of main", "c ends", "b ends", "a ends", "c ended", "b ended", "a ended"]
    with pytest.raises(StopAsyncIteration):
        lwt_main.run(anext(left[0]))


def test_one_that_is_begun_while_others_are_closed_is_closed_too(log: list[str]) -> None:
    inner = counting(log, "inner")

    async def outer() -> AsyncGenerator[int, None]:
        try:
            yield 1
        finally:
            await anext(inner)

    async def main(generator: AsyncGenerator[int, None]) -> None:
        await anext(generator)

    kept = outer()
    lwt_main.run(main(kept))
    assert log == ["inner ends", "inner ended"]


def test_they_are_closed_when_the_promise_is_rejected(log: list[str]) -> None:
    left = counting(log)

    async def main() -> None:
        await anext(left)
        raise LookupError

    with pytest.raises(LookupError):
        lwt_main.run(main())
    assert log == ["generator ends", "generator ended"]


def test_they_are_closed_when_something_else_leaves_but_not_waited_for_for_ever(
    log: list[str],
) -> None:
    never, _ = lwt.wait()

    async def stubborn() -> AsyncGenerator[int, None]:
        try:
            yield 1
        finally:
            log.append("stubborn ends")
            await never

    left = [counting(log), stubborn()]

    async def main() -> None:
        for generator in left:
            await anext(generator)
        raise KeyboardInterrupt

    lwt_main.exit_patience.contents = 0.02
    with pytest.raises(KeyboardInterrupt):
        lwt_main.run(main())
    assert log == ["stubborn ends", "generator ends", "generator ended"]
    assert lwt_main.run(lwt.return_("again")) == "again"


def test_one_in_which_a_body_waits_goes_on_in_the_next_run(log: list[str]) -> None:
    waited, resolver = lwt.wait()

    async def waiting() -> AsyncIterator[str]:
        await lwt.pause()
        yield await waited

    async def body() -> None:
        async for value in waiting():
            log.append(value)
            await lwt.return_unit

    async def main() -> lwt.Promise[None]:
        started.append(lwt.of_coroutine(body()))
        await lwt.pause()
        await lwt.pause()
        return lwt.return_unit

    started: list[lwt.Promise[None]] = []
    lwt_main.run(main())
    lwt.wakeup(resolver, "went on")
    lwt_main.run(started[0])
    assert log == ["went on"]


# --- The hooks of the thread -------------------------------------------------


def test_the_hooks_of_before_are_put_back_however_run_is_left() -> None:
    before = sys.get_asyncgen_hooks()

    async def fail(exception: BaseException) -> None:
        assert sys.get_asyncgen_hooks() != before
        raise exception

    lwt_main.run(lwt.pause())
    assert sys.get_asyncgen_hooks() == before
    for exception in (LookupError(), KeyboardInterrupt(), MemoryError()):
        with pytest.raises(type(exception)):
            lwt_main.run(fail(exception))
        assert sys.get_asyncgen_hooks() == before


def test_inside_asyncio_each_loop_finalises_its_own(log: list[str]) -> None:
    async def of_asyncio() -> AsyncGenerator[int, None]:
        try:
            yield 1
        finally:
            await asyncio.sleep(0)
            log.append("closed by asyncio")

    async def of_lwt() -> None:
        async for _ in counting(log):
            break

    async def main() -> None:
        hooks = sys.get_asyncgen_hooks()
        async for _ in of_asyncio():
            lwt_main.run(of_lwt())
            break
        assert sys.get_asyncgen_hooks() == hooks
        for _ in range(3):
            await asyncio.sleep(0)
        log.append("end of main")

    asyncio.run(main())
    assert log == ["generator ends", "generator ended", "closed by asyncio", "end of main"]


def test_run_in_another_thread_closes_its_generators_and_leaves_other_threads_alone(
    log: list[str],
) -> None:
    before = sys.get_asyncgen_hooks()

    async def main() -> None:
        async for _ in counting(log):
            break

    thread = threading.Thread(target=lambda: lwt_main.run(main()))
    thread.start()
    thread.join()
    assert log == ["generator ends", "generator ended"]
    assert sys.get_asyncgen_hooks() == before


def test_a_signal_that_cancels_has_generators_closed_before_the_program_ends() -> None:
    program = """
import os, signal
import lwt, lwt_unix
from lwt_unix import lwt_main

async def numbers():
    try:
        yield 1
    finally:
        await lwt_unix.sleep(0.0)
        print("closed")

async def main():
    async for _ in numbers():
        os.kill(os.getpid(), signal.SIGTERM)
        await lwt.task()[0]

lwt_main.at_exit(lambda: print("exit hook") or lwt.return_unit)
lwt_main.run(main(), cancel_on_signals=True)
"""
    result = run_code(program)
    assert (result.returncode, result.stdout, result.stderr) == (143, "closed\nexit hook\n", "")


def test_when_run_waits_only_for_generators_a_second_signal_leaves() -> None:
    program = """
import os, signal
import lwt
from lwt_unix import lwt_main

async def stubborn():
    try:
        yield 1
    finally:
        os.kill(os.getpid(), signal.SIGINT)
        await lwt.pause()
        print("goes on after the first")
        os.kill(os.getpid(), signal.SIGINT)
        await lwt.wait()[0]

async def main():
    left.append(stubborn())
    await anext(left[0])

left = []
try:
    lwt_main.run(main(), cancel_on_signals=True)
except KeyboardInterrupt:
    print("left by the second")
"""
    result = run_code(program)
    lines = ["goes on after the first", "left by the second"]
    assert (result.stdout.splitlines(), result.stderr) == (lines, "")


def test_an_exit_hook_has_its_generators_closed() -> None:
    program = """
import lwt
from lwt_unix import lwt_main

async def numbers():
    try:
        yield 1
    finally:
        await lwt.pause()
        print("closed")

async def hook():
    async for number in numbers():
        break

lwt_main.at_exit(hook)
"""
    result = run_code(program)
    assert (result.returncode, result.stdout, result.stderr) == (0, "closed\n", "")
