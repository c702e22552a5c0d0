"""The classes of processes: channels, states, signals, closing, timeouts."""

from __future__ import annotations

import gc
import os
import signal
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_engine, lwt_io, lwt_main, lwt_process
from tests.support.children import until_all_are_reaped
from tests.support.descriptors import open_descriptors
from tests.support.engines import Clock

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

CAT = ("", ["cat"])
FOREVER = ("", ["sleep", "1000"])


# --- Channels ----------------------------------------------------------------


def test_each_class_has_the_channels_that_its_name_says() -> None:
    async def main() -> list[bytes]:
        found = []
        async with lwt_process.process_none(("", ["true"])) as nothing:
            assert not hasattr(nothing, "stdin")
        async with lwt_process.process_in(("", ["echo", "in"])) as reads:
            found.append(await lwt_io.read(reads.stdout))
        async with lwt_process.process_out(CAT, stdout="Dev_null") as writes:
            await lwt_io.write(writes.stdin, "out")
        async with lwt_process.process(CAT) as both:
            await lwt_io.write(both.stdin, "both")
            await lwt_io.close(both.stdin)
            found.append(await lwt_io.read(both.stdout))
        line = lwt_process.shell("read line; echo $line; echo error >&2")
        async with lwt_process.process_full(line) as full:
            await lwt_io.write_line(full.stdin, "full")
            found.append(await lwt_io.read_line(full.stdout))
            found.append(await lwt_io.read_line(full.stderr))
        return found

    assert lwt_main.run(main()) == [b"in\n", b"both", b"full", b"error"]


def test_closing_lets_the_child_end_and_returns_how_it_did() -> None:
    async def main() -> list[object]:
        process = lwt_process.open_process(lwt_process.shell("cat; exit 3"))
        before = process.state
        status = await process.close()
        closed = [lwt_io.is_closed(process.stdin), lwt_io.is_closed(process.stdout)]
        return [before, status, process.state, closed, await process.close()]

    three = lwt_unix.WEXITED(3)
    assert lwt_main.run(main()) == [
        lwt_process.Running,
        three,
        lwt_process.Exited(three),
        [True, True],
        three,
    ]


def test_a_child_that_writes_to_a_closed_channel_gets_sigpipe() -> None:
    process = lwt_process.open_process_in(("", ["yes"]))
    assert lwt_main.run(process.close()) == lwt_unix.WSIGNALED(signal.SIGPIPE)


def test_writing_to_a_child_that_has_ended_is_an_error() -> None:
    async def main() -> None:
        process = lwt_process.open_process_out(("", ["true"]))
        await process.status
        await lwt_io.write(process.stdin, "lost")
        with pytest.raises(BrokenPipeError):
            await lwt_io.flush(process.stdin)
        await process.close()

    lwt_main.run(main())


# --- The end -----------------------------------------------------------------


def test_status_and_rusage_can_be_cancelled_without_an_effect_on_the_others() -> None:
    process = lwt_process.open_process_out(lwt_process.shell("read line; exit 4"))
    first, second, used = process.status, process.status, process.rusage
    lwt.cancel(first)
    lwt.cancel(used)
    assert lwt.state(first) == lwt.state(used) == lwt.Fail(lwt.Canceled())
    lwt_main.run(lwt_io.write_line(process.stdin, ""))
    lwt_main.run(lwt_io.flush(process.stdin))
    assert lwt_main.run(second) == lwt_unix.WEXITED(4)
    assert isinstance(lwt_main.run(process.rusage), lwt_unix.Resource_usage)
    lwt_main.run(process.close())


def test_kill_sends_a_signal_and_terminate_kills() -> None:
    ready = lwt_process.shell("trap 'exit 5' TERM; echo ready; while :; do sleep 0.01; done")
    process = lwt_process.open_process_in(ready)
    lwt_main.run(lwt_io.read_line(process.stdout))
    process.kill(signal.SIGTERM)
    assert lwt_main.run(process.close()) == lwt_unix.WEXITED(5)
    other = lwt_process.open_process_none(FOREVER)
    other.terminate()
    assert lwt_main.run(other.close()) == lwt_unix.WSIGNALED(signal.SIGKILL)
    # Both have ended: their numbers may be those of others.
    process.kill(signal.SIGTERM)
    other.terminate()


def test_a_signal_that_does_not_exist_is_an_error() -> None:
    process = lwt_process.open_process_none(FOREVER)
    with pytest.raises(OSError, match="Invalid argument") as raised:
        process.kill(999)
    assert lwt_unix.unix_error(raised.value)[1] == "kill"
    kill: Any = process.kill
    with pytest.raises(TypeError, match=r"^lwt_process\.kill: expected an int for signum"):
        kill("TERM")
    process.terminate()
    lwt_main.run(process.close())


def test_a_status_that_somebody_else_has_taken_is_an_error_of_each_question() -> None:
    process = lwt_process.open_process_none(("", ["sleep", "0.1"]))
    os.waitpid(process.pid, 0)
    with pytest.raises(ChildProcessError):
        lwt_main.run(process.status)
    with pytest.raises(ChildProcessError):
        process.state  # noqa: B018  (it raises)
    process.terminate()


# --- Timeouts ----------------------------------------------------------------


def test_after_the_timeout_the_child_is_killed_and_its_channels_are_closed(clock: Clock) -> None:
    process = lwt_process.open_process_in(FOREVER, timeout=5.0)
    reading = lwt_io.read(process.stdout)
    lwt_engine.iter(False)
    assert lwt.is_sleeping(reading)
    clock.advance(5.0)
    lwt_engine.iter(False)
    with pytest.raises(lwt_io.Channel_closed):
        lwt_main.run(reading)
    assert lwt_main.run(process.status) == lwt_unix.WSIGNALED(signal.SIGKILL)


def test_a_child_that_ends_in_time_stops_the_timeout() -> None:
    before = lwt_engine.get().timer_count
    process = lwt_process.open_process_out(CAT, timeout=1000.0)
    assert lwt_engine.get().timer_count == before + 1
    assert lwt_main.run(process.close()) == lwt_unix.WEXITED(0)
    assert lwt_engine.get().timer_count == before


# --- What is dropped ---------------------------------------------------------


def test_channels_that_nobody_has_any_more_are_closed_and_no_zombie_stays() -> None:
    before = open_descriptors()
    process = lwt_process.open_process(CAT)
    assert lwt_unix.wait_count() == 1
    assert len(open_descriptors() - before) >= 2
    del process
    gc.collect()
    until_all_are_reaped()
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_what_is_in_the_buffer_of_a_channel_that_is_dropped_is_written() -> None:
    reading, writing = os.pipe()
    process = lwt_process.open_process_out(CAT, stdout=("FD_move", writing))
    lwt_main.run(lwt_io.write(process.stdin, "kept"))
    status = process.status
    del process
    gc.collect()
    assert lwt_main.run(status) == lwt_unix.WEXITED(0)
    assert os.read(reading, 100) == b"kept"
    os.close(reading)


def test_a_channel_outlives_its_process() -> None:
    stdout = lwt_process.open_process_in(("", ["echo", "still there"])).stdout
    gc.collect()
    assert lwt_main.run(lwt_io.read(stdout)) == b"still there\n"
    lwt_main.run(lwt_io.close(stdout))
    until_all_are_reaped()


# --- The rest ----------------------------------------------------------------


def test_a_process_shows_how_it_is() -> None:
    process = lwt_process.open_process_out(CAT)
    assert repr(process) == f"<process_out {process.pid}, Running>"
    lwt_main.run(process.close())
    assert repr(process) == f"<process_out {process.pid}, Exited(status=WEXITED(code=0))>"
