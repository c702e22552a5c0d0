"""What a program leaves behind: each kind is found, and named with the place where it was made."""

import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import lwt
import lwt_unix
from lwt import lwt_mutex, lwt_stream
from lwt_unix import lwt_engine, lwt_io, lwt_main, lwt_preemptive, lwt_process, testing
from lwt_unix._jobs import notifications
from lwt_unix.testing import Process, Something_left, nothing_left
from lwt_unix.testing._leaks import leaks
from lwt_unix.testing._processes.programs import Stand_in
from tests.support.channels import pauses


@contextmanager
def left(*lines: str) -> Iterator[None]:
    """Check what a block leaves; of lines that begin with `- `, the rest is a pattern."""
    with pytest.raises(Something_left) as raised, nothing_left():
        yield
    told = [line for line in str(raised.value).splitlines() if line.startswith("- ")]
    assert len(told) == len(lines), told
    for line, pattern in zip(told, lines, strict=True):
        assert re.fullmatch(pattern, line.removeprefix("- ")), line


def places_of(block: Callable[[], object], *, kind: str) -> list[str]:
    """The functions of this file that are named with what a function leaves, innermost first."""
    with pytest.raises(Something_left, match=rf"left behind: {kind}") as raised, nothing_left():
        block()
    return re.findall(r"(?:at|called from) tests/.*test_leaks\.py:\d+, in (.*)", str(raised.value))


def test_nothing_is_left_by_a_program_that_tidies_up() -> None:
    async def echo(_: object, channels: tuple[lwt_io.InputChannel, lwt_io.OutputChannel]) -> None:
        await lwt_io.write_line(channels[1], await lwt_io.read_line(channels[0]))

    async def main() -> None:
        path = lwt_unix.ADDR_UNIX("\0lwt_runtime.test_leaks")
        server = await lwt_io.establish_server_with_client_address(path, echo)
        reading, writing = await lwt_io.open_connection(path)
        await lwt_io.write_line(writing, "hello")
        assert await lwt_io.read_line(reading) == b"hello"
        await lwt_io.close(reading)
        await lwt_io.close(writing)
        await lwt_io.shutdown_server(server)
        with pytest.raises(lwt_unix.Timeout):
            await lwt_unix.with_timeout(0.001, lambda: lwt_unix.sleep(3600))
        assert await lwt_unix.run_job(os.getpid) == os.getpid()
        assert await lwt_preemptive.detach(os.getpid) == os.getpid()

    with nothing_left():
        lwt_main.run(main())


# --- Rejections --------------------------------------------------------------


def reject() -> lwt.Promise[None]:
    return lwt.fail(ValueError("lost"))


async def fail_later() -> None:
    await lwt.pause()
    raise ValueError("lost")


@pytest.mark.parametrize(
    "block",
    [
        reject,
        lambda: lwt.of_coroutine(fail_later()),
        lambda: lwt.bind(lwt.pause(), lambda _: reject()),
        lambda: lwt.map(str, reject()),
        lambda: lwt.finalize(reject, lwt.pause),
        lambda: lwt.on_success(reject(), print),
        lambda: lwt.join([reject()]),
        lambda: lwt.wakeup_exn(lwt.wait()[1], ValueError("lost")),
        lambda: lwt.wakeup_later_result(lwt.wait()[1], lwt.Error(ValueError("lost"))),
        lambda: lwt.backtrace_bind("", 0, lambda exn: exn, lwt.pause(), lambda _: reject()),
    ],
)
def test_a_rejection_that_nobody_has_seen_is_left(block: Callable[[], object]) -> None:
    with left(r"nobody has seen this rejection: ValueError\('lost'\)"):
        promise = block()
        lwt_main.run(pauses(3))
    del promise


def test_a_rejection_of_a_channel_s_operation_is_left() -> None:
    channel = lwt_io.of_bytes(memoryview(bytearray(1)), mode=lwt_io.Input)
    lwt_main.run(lwt_io.close(channel))
    with left(r"nobody has seen this rejection: .*Channel_closed\('input'\)"):
        lwt_io.read_line(channel)


def seen_by_await() -> None:
    async def main() -> None:
        with pytest.raises(ValueError, match="lost"):
            await reject()

    lwt_main.run(main())


def seen_by_run() -> None:
    with pytest.raises(ValueError, match="lost"):
        lwt_main.run(lwt.map(str, reject()))


def seen_by_the_caller() -> None:
    with pytest.raises(ValueError, match="lost"):
        lwt.ignore_result(reject())


@pytest.mark.parametrize(
    "block",
    [
        seen_by_await,
        seen_by_run,
        seen_by_the_caller,
        lambda: lwt.catch(reject, lambda _: lwt.return_unit),
        lambda: lwt.try_bind(reject, lwt.return_, lambda _: lwt.return_unit),
        lambda: lwt.on_failure(reject(), str),
        lambda: lwt.on_termination(reject(), int),
        lambda: lwt.dont_wait(reject, str),
        lambda: lwt.state(reject()),
        lambda: lwt.catch(lambda: lwt.join([reject(), reject()]), lambda _: lwt.return_unit),
        lambda: lwt.catch(lambda: lwt.both(reject(), reject()), lambda _: lwt.return_unit),
        lambda: lwt.catch(
            lambda: lwt.join([lwt.of_coroutine(fail_later()), lwt.of_coroutine(fail_later())]),
            lambda _: lwt.return_unit,
        ),
        lambda: lwt.catch(
            lambda: lwt.all([lwt.of_coroutine(fail_later()), lwt.of_coroutine(fail_later())]),
            lambda _: lwt.return_unit,
        ),
    ],
)
def test_a_rejection_that_somebody_has_seen_is_not_left(block: Callable[[], object]) -> None:
    with nothing_left():
        block()
        lwt_main.run(pauses(3))


def test_who_sees_a_promise_sees_the_one_that_it_has_its_rejection_from() -> None:
    with nothing_left():
        rejected = reject()
        mapped = lwt.map(str, rejected)
        assert lwt.state(mapped) == lwt.Fail(ValueError("lost"))


def test_a_cancel_has_to_be_seen_by_nobody() -> None:
    with nothing_left():
        promise, resolver = lwt.task()
        lwt.cancel(promise)
        lwt.wakeup_exn(resolver, ValueError("too late"))
        lwt.fail(lwt.Canceled())


def test_what_the_library_drops_on_purpose_is_not_left(tmp_path: Path) -> None:
    path = tmp_path / "file"

    async def failing() -> None:
        near, far = lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)
        await lwt_unix.close(far)
        await lwt_io.write(lwt_io.of_fd(near, mode=lwt_io.Output), "nobody reads this")
        await lwt.pause()
        await lwt.pause()
        await lwt_unix.close(near)

    with nothing_left():
        # Closing ends a flush that nobody has asked for, and transfers, of which there are none.
        for text in ("short", "long" * 10_000):
            lwt_main.run(lwt_io.lines_to_file(path, lwt_stream.of_list([text])))
        lwt_main.run(failing())


def test_what_a_resolver_refuses_is_no_rejection() -> None:
    with nothing_left():
        _, resolver = lwt.wait()
        lwt.wakeup(resolver, None)
        with pytest.raises(ValueError, match="resolved already"):
            lwt.wakeup_exn(resolver, ValueError("late"))


def test_a_rejection_names_the_lines_that_made_it() -> None:
    def caller() -> None:
        reject()

    names = places_of(caller, kind="rejections")
    assert names[:2] == ["reject", f"{caller.__qualname__}"]


def test_a_rejection_names_the_line_that_raised_it() -> None:
    assert places_of(
        lambda: (lwt.of_coroutine(fail_later()), lwt_main.run(pauses(2))), kind="rejections"
    ) == ["fail_later"]


# --- The hook ----------------------------------------------------------------


def test_what_reaches_the_hook_is_left_and_is_the_cause() -> None:
    with pytest.raises(Something_left, match="left behind: hook\n") as raised, nothing_left():
        lwt.async_(reject)
    assert isinstance(raised.value.__cause__, ValueError)
    assert "in reject" in str(raised.value)


def test_a_hook_of_the_block_s_own_is_used_and_the_one_before_is_put_back(
    reported: list[Exception],
) -> None:
    before, own = lwt.async_exception_hook.contents, list[Exception]()
    with nothing_left():
        lwt.async_exception_hook.contents = own.append
        lwt.async_(reject)
    assert lwt.async_exception_hook.contents == before
    assert (len(own), reported) == (1, [])


# --- What the kernel and the engine know -------------------------------------


def test_a_descriptor_is_left_with_the_call_that_it_comes_from() -> None:
    opened: list[lwt_unix.File_descr] = []

    def block() -> None:
        opened.extend(lwt_unix.pipe())

    with left(*[r"descriptor \d+ is open \(\S+\); it comes from `pipe`"] * 2):
        block()
    assert places_of(block, kind="descriptors")[0] == block.__qualname__
    for descriptor in opened:
        lwt_main.run(lwt_unix.close(descriptor))


def test_a_file_is_left_with_the_lines_that_had_a_thread_open_it() -> None:
    opened: list[lwt_unix.File_descr] = []

    async def block() -> None:
        opened.append(await lwt_unix.openfile("/dev/null", [lwt_unix.O_RDONLY], 0))

    assert places_of(lambda: lwt_main.run(block()), kind="descriptors")[0] == block.__qualname__
    lwt_main.run(lwt_unix.close(opened[0]))


def test_a_descriptor_that_others_have_opened_is_left() -> None:
    fd = -1
    try:
        with left(r"descriptor \d+ is open \(.*\); others than lwt_unix have opened it"):
            fd = os.open("/dev/null", os.O_RDONLY)
    finally:
        os.close(fd)


def test_a_descriptor_that_takes_the_number_of_an_older_one_is_left() -> None:
    reading, writing = os.pipe()
    try:
        with left(r"descriptor \d+ is open \(.*\); others than lwt_unix have opened it"):
            os.close(reading)
            assert os.open(os.devnull, os.O_RDONLY) == reading
    finally:
        os.close(reading)
        os.close(writing)


def test_a_descriptor_that_is_closed_in_the_next_turns_is_not_left() -> None:
    near, far = lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)

    async def until_the_end(descriptor: lwt_unix.File_descr) -> None:
        assert await lwt_unix.read(descriptor, bytearray(1), 0, 1) == 0
        await lwt.pause()
        await lwt_unix.close(descriptor)

    with nothing_left():
        again = lwt_unix.dup(far)
        lwt_main.run(lwt_unix.close(far))
        lwt.async_(lambda: until_the_end(near))
        lwt_main.run(lwt_unix.close(again))


def sleeping() -> lwt.Promise[None]:
    return lwt_unix.sleep(3600)


def test_a_timer_and_an_event_are_left_with_the_lines_that_made_them(
    pair: tuple[lwt_unix.File_descr, lwt_unix.File_descr],
) -> None:
    def block() -> None:
        promises.extend([sleeping(), lwt_unix.wait_read(pair[0])])

    promises: list[lwt.Promise[None]] = []
    line = block.__qualname__
    assert places_of(block, kind="timers, events")[:5] == [
        *("sleeping", line, "places_of"),
        *(line, "places_of"),
    ]
    lwt.cancel(promises.pop())
    with left(
        "a timer of 3600 s is not stopped", r"somebody waits until descriptor \d+ can be read"
    ):
        block()


def test_what_is_left_is_stopped() -> None:
    fired: list[str] = []
    opened: list[lwt_unix.File_descr] = []

    async def spin() -> None:
        while True:
            await lwt.pause()

    def block() -> None:
        lwt.on_success(lwt_unix.sleep(0.0), lambda _: fired.append("before"))
        lwt.on_success(lwt_unix.sleep(3600.0), lambda _: fired.append("after"))
        opened.extend(lwt_unix.pipe())
        lwt_unix.wait_read(opened[0])
        lwt_unix.on_signal(signal.SIGUSR1, str)
        lwt.async_(spin)
        lwt_main.run(lwt_unix.sleep(0.001))

    places_of(block, kind="descriptors, timers, events, signals, paused\n")
    engine = lwt_engine.get()
    assert (engine.timer_count, lwt_unix.signal_count(), lwt.paused_count()) == (0, 0, 0)
    assert engine.readable_count == int(notifications.is_open())
    assert fired == ["before"]
    for descriptor in opened:
        lwt_main.run(lwt_unix.close(descriptor))


def test_who_waits_for_a_descriptor_again_was_there_before(
    pair: tuple[lwt_unix.File_descr, lwt_unix.File_descr],
) -> None:
    lengths: list[int] = []

    async def read_all() -> None:
        while length := await lwt_unix.read(pair[0], bytearray(1), 0, 1):
            lengths.append(length)

    reading = lwt.of_coroutine(read_all())
    with nothing_left():
        for count in range(3):
            lwt_main.run(lwt_unix.write(pair[1], b"x", 0, 1))
            while len(lengths) == count:
                lwt_main.run(lwt.pause())
    lwt_main.run(lwt_unix.close(pair[1]))
    lwt_main.run(reading)


def test_a_body_that_goes_on_in_each_turn_is_left_with_where_it_stands() -> None:
    is_over = False

    async def spin() -> None:
        while not is_over:
            await lwt.pause()

    try:
        assert places_of(lambda: lwt.async_(spin), kind="paused") == [spin.__qualname__]
    finally:
        is_over = True
        lwt_main.run(pauses(2))


# --- Rejections in simulated processes ---------------------------------------


async def shout(process: Process) -> int:
    """Answer each line, and lose a rejection when a line says so."""
    async for line in lwt_io.read_lines(process.stdin):
        if line == b"lose":
            reject()
        await lwt_io.write_line(process.stdout, line.upper())
    return 0


async def shout_until_ended(process: Process) -> int:
    """Do that, and exit as usual when a signal comes."""
    try:
        return await shout(process)
    except lwt.Canceled:
        return 3


def end_by_signal(stand_in: Stand_in, signum: int, line: bytes) -> object:
    """Send a line to a stand-in, and then a signal; return its status."""

    async def main() -> object:
        process = lwt_process.open_process(("shout", ["shout"]))
        await lwt_io.write_line(process.stdin, line)
        assert await lwt_io.read_line(process.stdout) == line.upper()
        process.kill(signum)
        return await process.close()

    with testing.in_world(programs={"shout": stand_in}), nothing_left():
        return lwt_main.run(main())


@pytest.mark.parametrize("line", [b"hello", b"lose"])
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL])
def test_a_process_that_is_killed_leaves_no_rejections(signum: int, line: bytes) -> None:
    assert end_by_signal(shout, signum, line) == lwt_unix.WSIGNALED(signum)


def test_a_process_that_exits_leaves_its_rejections_but_none_by_closing_its_channels() -> None:
    status = end_by_signal(shout_until_ended, signal.SIGTERM, b"hello")
    assert status == lwt_unix.WEXITED(3)
    with pytest.raises(Something_left, match=r"rejections\n.*ValueError\('lost'\)\n.*in reject\n"):
        end_by_signal(shout_until_ended, signal.SIGTERM, b"lose")


# --- Jobs, threads, children, signals ----------------------------------------


@pytest.fixture
def without_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for jobs and threads that are about to end."""
    monkeypatch.setattr(leaks, "PATIENCE", 0.0)


@pytest.mark.usefixtures("without_patience")
def test_a_job_that_is_not_over_is_left() -> None:
    may_end = threading.Event()

    def block() -> lwt.Promise[bool]:
        return lwt_unix.run_job(may_end.wait)

    try:
        assert places_of(block, kind="jobs")[0] == block.__qualname__
    finally:
        may_end.set()
        lwt_main.run(lwt_unix.wait_for_jobs())


def test_a_job_that_ends_by_itself_is_not_left() -> None:
    with nothing_left():
        lwt_unix.run_job(os.getpid)


@pytest.mark.usefixtures("without_patience")
def test_a_thread_is_left() -> None:
    may_end = threading.Event()
    thread = threading.Thread(target=may_end.wait, name="stays")
    try:
        with left("thread 'stays' runs"):
            thread.start()
    finally:
        may_end.set()
        thread.join()


def test_a_child_process_is_left_with_its_command() -> None:
    processes: list[subprocess.Popen[bytes]] = []
    try:
        with left(r"nobody has waited for child process \d+( \(sleep 60\))?"):
            processes.append(subprocess.Popen(["sleep", "60"]))
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_a_child_that_the_library_still_waits_for_has_time_to_end() -> None:
    for _ in range(5):
        with testing.nothing_left():
            assert lwt_main.run(lwt_process.pread(("", ["echo", "x"]))) == b"x\n"


def test_a_child_that_ends_at_once_is_not_left_in_a_world() -> None:
    async def true(_: testing.Process) -> int:
        return 0

    @testing.simulated(programs={"true": true})
    async def test() -> None:
        lwt.cancel(lwt_process.exec(("true", ["true"])))

    test()


def test_a_child_of_fork_is_left_with_the_line_that_made_it() -> None:
    pids: list[int] = []

    def block() -> None:
        pids.append(lwt_unix.fork())
        if pids[-1] == 0:
            os._exit(0)

    assert places_of(block, kind="children")[0] == block.__qualname__
    lwt_main.run(lwt_unix.waitpid([], pids[0]))


@pytest.mark.parametrize("seconds", [0.001, 5.0, 3600.0])
def test_a_child_that_runs_is_left_in_a_world_however_soon_it_ends(seconds: float) -> None:
    async def slow(_: Process) -> int:
        await lwt_unix.sleep(seconds)
        return 0

    def block() -> None:
        lwt_process.open_process_none(("slow", ["slow"]))

    with testing.in_world(programs={"slow": slow}):
        assert block.__qualname__ in places_of(block, kind=".*children")


def test_a_child_whose_output_has_ended_has_time_to_end_in_a_world() -> None:
    async def echo(process: Process) -> int:
        await lwt_io.write(process.stdout, b"hello")
        return 0

    @testing.simulated(programs={"echo": echo})
    async def test() -> None:
        assert await lwt_process.pread(("echo", ["echo"])) == b"hello"

    test()


def test_a_handler_of_a_signal_is_left() -> None:
    handlers: list[lwt_unix.Signal_handler_id] = []
    with left("a handler of SIGUSR1 is not disabled"):
        handlers.append(lwt_unix.on_signal(signal.SIGUSR1, str))
    lwt_unix.disable_signal_handler(handlers[0])


# --- Who waits ---------------------------------------------------------------


def test_who_waits_for_a_promise_is_left_on_request() -> None:
    kept: list[object] = []

    async def waits(mutex: lwt_mutex.Mutex) -> None:
        await lwt_mutex.lock(mutex)

    def block() -> None:
        mutex = lwt_mutex.create()
        kept.extend([mutex, lwt_mutex.lock(mutex), lwt.of_coroutine(waits(mutex))])

    with nothing_left():
        block()
    assert "body (waits) waits for mutex (mutex)" in left_pending(block)
    assert "in waits" in left_pending(block)
    assert left_pending(block).startswith("left behind: pending\n")
    assert left_pending(lambda: None) == ""


def left_pending(block: Callable[[], object]) -> str:
    """What is told of a block that leaves somebody waiting."""
    try:
        with nothing_left(nothing_pending=True):
            block()
    except Something_left as left:
        return str(left)
    return ""


# --- The block ---------------------------------------------------------------


def test_an_exception_of_the_block_leaves_and_nothing_is_checked() -> None:
    def block() -> None:
        with nothing_left():
            reject()
            raise KeyError

    with pytest.raises(KeyError):
        block()


def test_an_exception_of_the_block_tells_what_has_reached_the_hook_before() -> None:
    async def serve() -> None:
        raise ValueError("the reason")

    def block() -> None:
        with nothing_left():
            lwt.async_(serve)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as raised:
        block()
    (note,) = raised.value.__notes__
    assert note.startswith(
        "- an exception has reached lwt.async_exception_hook: ValueError('the reason')\n    at tests/"
    )


def test_what_may_be_left_is_not_looked_at() -> None:
    with nothing_left(may_leave=["rejections", "hook"]):
        reject()
        lwt.async_(reject)


def test_a_block_in_another_one_has_its_own_things() -> None:
    outer, inner = (
        rf"nobody has seen this rejection: {kind}\(\)" for kind in ("KeyError", "OSError")
    )
    with left(outer, inner):
        lwt.fail(KeyError())
        with nothing_left():
            pass
        with left(inner):
            lwt.fail(OSError())


def test_a_block_inside_of_the_main_loop_is_checked_as_it_is() -> None:
    async def main() -> None:
        with nothing_left():
            await lwt.pause()
        with left("a timer of 3600 s is not stopped"):
            sleep = sleeping()
        lwt.cancel(sleep)

    lwt_main.run(main())


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (["descriptor"], ValueError, "may_leave has 'descriptor'; the words are rejections, hook"),
        ("descriptors", TypeError, "expected a list of words"),
    ],
)
def test_words_of_no_kind_are_refused(
    words: list[str], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message), nothing_left(may_leave=words):
        pass
