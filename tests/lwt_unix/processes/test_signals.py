"""Signals, sent by the test to itself."""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_engine, lwt_main
from lwt_unix._processes import signals
from tests.support.descriptors import open_descriptors
from tests.support.programs import in_child, run_code

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


@pytest.fixture(autouse=True)
def no_handlers_left() -> Iterator[None]:
    previous = signal.getsignal(signal.SIGUSR1)
    yield
    assert lwt_unix.signal_count() == 0
    assert signal.getsignal(signal.SIGUSR1) is previous
    assert signal.set_wakeup_fd(-1) == -1


def raise_signal(signum: int) -> None:
    os.kill(os.getpid(), signum)


def test_a_handler_runs_in_the_main_loop_and_not_before() -> None:
    log: list[str] = []
    handler = lwt_unix.on_signal(signal.SIGUSR1, lambda signum: log.append(f"{signum}"))
    raise_signal(signal.SIGUSR1)
    before = log[:]
    lwt_engine.iter(True)
    assert (before, log) == ([], [f"{signal.SIGUSR1}"])
    lwt_unix.disable_signal_handler(handler)


def test_a_signal_wakes_a_loop_that_waits_for_ever() -> None:
    woken, resolver = lwt.wait()
    handler = lwt_unix.on_signal(signal.SIGUSR1, lambda signum: lwt.wakeup(resolver, signum))
    timer = threading.Timer(0.01, raise_signal, [signal.SIGUSR1])
    timer.start()
    assert lwt_main.run(woken) == signal.SIGUSR1
    timer.join()
    lwt_unix.disable_signal_handler(handler)


def test_handlers_of_one_signal_run_in_the_order_of_their_coming() -> None:
    log: list[str] = []

    def handle_as(name: str) -> Callable[[int], None]:
        return lambda _: log.append(name)

    handlers = [lwt_unix.on_signal(signal.SIGUSR1, handle_as(name)) for name in "abc"]
    raise_signal(signal.SIGUSR1)
    lwt_engine.iter(True)
    assert log == ["a", "b", "c"]
    for handler in handlers:
        lwt_unix.disable_signal_handler(handler)


def test_signals_are_handled_in_the_order_in_which_they_came() -> None:
    log: list[int] = []
    numbers = (signal.SIGUSR2, signal.SIGUSR1)
    handlers = [lwt_unix.on_signal(number, log.append) for number in numbers]
    for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGUSR1):
        raise_signal(number)
    lwt_engine.iter(True)
    assert log == [signal.SIGUSR1, signal.SIGUSR2, signal.SIGUSR1]
    for handler in handlers:
        lwt_unix.disable_signal_handler(handler)


def test_each_handler_of_on_signal_full_is_given_its_own_identifier() -> None:
    given: list[lwt_unix.Signal_handler_id] = []
    handlers = [
        lwt_unix.on_signal_full(signal.SIGUSR1, lambda handler, _: given.append(handler))
        for _ in range(2)
    ]
    raise_signal(signal.SIGUSR1)
    lwt_engine.iter(True)
    assert given == handlers
    for handler in handlers:
        lwt_unix.disable_signal_handler(handler)


def test_a_handler_may_disable_itself_and_others_that_have_not_run() -> None:
    log: list[str] = []

    def only_once(handler: lwt_unix.Signal_handler_id, _: int) -> None:
        log.append("once")
        lwt_unix.disable_signal_handler(handler)
        lwt_unix.disable_signal_handler(second)

    lwt_unix.on_signal_full(signal.SIGUSR1, only_once)
    second = lwt_unix.on_signal(signal.SIGUSR1, lambda _: log.append("second"))
    third = lwt_unix.on_signal(signal.SIGUSR1, lambda _: log.append("third"))
    for _ in range(2):
        raise_signal(signal.SIGUSR1)
        lwt_engine.iter(True)
    assert log == ["once", "third", "third"]
    lwt_unix.disable_signal_handler(third)


def test_a_handler_that_is_added_by_another_one_handles_the_same_signal() -> None:
    log: list[str] = []
    handlers: list[lwt_unix.Signal_handler_id] = []

    def add(_: int) -> None:
        log.append("adds")
        if len(handlers) == 1:
            handlers.append(lwt_unix.on_signal(signal.SIGUSR1, lambda _: log.append("added")))

    handlers.append(lwt_unix.on_signal(signal.SIGUSR1, add))
    raise_signal(signal.SIGUSR1)
    lwt_engine.iter(True)
    assert log == ["adds", "added"]
    for handler in handlers:
        lwt_unix.disable_signal_handler(handler)


def test_disabling_the_last_handler_restores_what_was_there() -> None:
    log: list[str] = []
    previous = signal.signal(signal.SIGUSR1, lambda *_: log.append("python"))
    handler = lwt_unix.on_signal(signal.SIGUSR1, lambda _: log.append("lwt"))
    raise_signal(signal.SIGUSR1)
    lwt_engine.iter(True)
    lwt_unix.disable_signal_handler(handler)
    raise_signal(signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, previous)
    assert log == ["lwt", "python"]


def test_the_wakeup_descriptor_of_another_library_is_restored() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    handler = lwt_unix.on_signal(signal.SIGUSR1, print)
    lwt_unix.disable_signal_handler(handler)
    assert signal.set_wakeup_fd(-1) == writing
    os.close(reading)
    os.close(writing)


def test_a_signal_is_not_missed_while_python_tells_another_library_of_it_or_none() -> None:
    log: list[int] = []
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    handler = lwt_unix.on_signal(signal.SIGUSR1, log.append)
    for other in (writing, -1):
        signal.set_wakeup_fd(other)
        for _ in range(2):
            raise_signal(signal.SIGUSR1)
            lwt_engine.iter(True)
    lwt_unix.disable_signal_handler(handler)
    os.close(writing)
    seen_by_the_other = os.read(reading, 10)
    os.close(reading)
    assert (log, seen_by_the_other) == ([signal.SIGUSR1] * 4, bytes([signal.SIGUSR1] * 2))


def test_disabling_twice_does_nothing() -> None:
    handler = lwt_unix.on_signal(signal.SIGUSR1, print)
    other = lwt_unix.on_signal(signal.SIGUSR1, print)
    lwt_unix.disable_signal_handler(handler)
    lwt_unix.disable_signal_handler(handler)
    assert lwt_unix.signal_count() == 1
    lwt_unix.disable_signal_handler(other)


def test_signal_count_counts_handlers_of_all_signals() -> None:
    numbers = (signal.SIGUSR1, signal.SIGUSR1, signal.SIGUSR2)
    handlers = [lwt_unix.on_signal(number, print) for number in numbers]
    counts = [lwt_unix.signal_count()]
    for handler in handlers:
        lwt_unix.disable_signal_handler(handler)
        counts.append(lwt_unix.signal_count())
    assert counts == [3, 2, 1, 0]


def test_the_counts_are_of_the_programs_own_handlers_and_of_the_pipe_while_there_are_any() -> None:
    def counts() -> tuple[int, int]:
        return lwt_unix.signal_count(), lwt_engine.readable_count()

    seen = [counts()]
    handlers = []
    for _ in range(2):
        handlers.append(lwt_unix.on_signal(signal.SIGUSR1, print))
        seen.append(counts())
    for handler in handlers:
        lwt_unix.disable_signal_handler(handler)
    assert [*seen, counts()] == [(0, 0), (1, 1), (2, 1), (0, 0)]


def test_an_exception_of_a_handler_leaves_the_loop_and_later_signals_are_kept() -> None:
    log: list[str] = []

    def fail(_: int) -> None:
        log.append("fail")
        raise LookupError

    handlers = [
        lwt_unix.on_signal(signal.SIGUSR1, fail),
        lwt_unix.on_signal(signal.SIGUSR2, lambda _: log.append("second")),
    ]
    raise_signal(signal.SIGUSR1)
    raise_signal(signal.SIGUSR2)
    with pytest.raises(LookupError):
        lwt_engine.iter(True)
    before = log[:]
    lwt_engine.iter(True)
    assert (before, log) == (["fail"], ["fail", "second"])
    for handler in handlers:
        lwt_unix.disable_signal_handler(handler)


def test_reinstalling_takes_a_signal_back() -> None:
    log: list[str] = []
    handler = lwt_unix.on_signal(signal.SIGUSR1, lambda _: log.append("lwt"))
    signal.signal(signal.SIGUSR1, lambda *_: log.append("python"))
    signal.set_wakeup_fd(-1)
    raise_signal(signal.SIGUSR1)
    lwt_unix.reinstall_signal_handler(signal.SIGUSR1)
    raise_signal(signal.SIGUSR1)
    lwt_engine.iter(True)
    assert log == ["python", "lwt"]
    lwt_unix.disable_signal_handler(handler)


def test_reinstalling_without_handlers_does_nothing() -> None:
    lwt_unix.reinstall_signal_handler(signal.SIGUSR1)
    assert lwt_unix.signal_count() == 0


def test_handle_signal_acts_as_if_the_signal_had_come_from_any_thread() -> None:
    log: list[int] = []
    handler = lwt_unix.on_signal(signal.SIGUSR1, log.append)
    thread = threading.Thread(target=lwt_unix.handle_signal, args=[signal.SIGUSR1])
    thread.start()
    thread.join()
    lwt_engine.iter(True)
    assert log == [signal.SIGUSR1]
    lwt_unix.disable_signal_handler(handler)
    lwt_unix.handle_signal(signal.SIGUSR1)


@pytest.mark.parametrize("transfer", [True, False])
def test_a_handler_follows_the_loop_to_another_engine(transfer: bool) -> None:
    log: list[int] = []
    handler = lwt_unix.on_signal(signal.SIGUSR1, log.append)
    usual = lwt_engine.get()
    lwt_engine.set(lwt_engine.select(), transfer=transfer, destroy=False)
    raise_signal(signal.SIGUSR1)
    lwt_engine.iter(True)
    lwt_engine.set(usual)
    assert log == [signal.SIGUSR1]
    lwt_unix.disable_signal_handler(handler)


def test_a_child_process_handles_its_own_signals_and_not_those_of_its_parent() -> None:
    log: list[str] = []
    handlers = [
        lwt_unix.on_signal(signal.SIGUSR1, lambda _: log.append("one")),
        lwt_unix.on_signal(signal.SIGUSR2, lambda _: log.append("two")),
    ]
    raise_signal(signal.SIGUSR1)

    def child() -> None:
        signal.set_wakeup_fd(-1)  # as asyncio does in a child process, if it is imported
        raise_signal(signal.SIGUSR2)
        lwt_engine.iter(True)
        assert log == ["two"]
        raise_signal(signal.SIGUSR2)  # nobody is to look at this one

    assert in_child(child) == 0
    lwt_engine.iter(False)
    assert log == ["one"]
    for handler in handlers:
        lwt_unix.disable_signal_handler(handler)


@pytest.mark.parametrize("signum", [0, -1, signal.NSIG])
def test_there_is_no_such_signal(signum: int) -> None:
    with pytest.raises(ValueError, match=r"^Lwt_unix\.on_signal: unavailable signal"):
        lwt_unix.on_signal(signum, print)


def test_the_number_of_a_signal_is_an_int() -> None:
    with pytest.raises(TypeError, match=r"signal\.SIGTERM"):
        lwt_unix.on_signal("SIGTERM", print)  # type: ignore[arg-type]  # what is tested
    with pytest.raises(TypeError, match=r"signal\.SIGTERM"):
        lwt_unix.on_signal(True, print)


@pytest.mark.parametrize("function", [lwt_unix.on_signal, lwt_unix.on_signal_full])
def test_what_handles_a_signal_is_a_function(function: Callable[[int, object], object]) -> None:
    with pytest.raises(TypeError, match=r"^lwt_unix\.on_signal\w*: expected a function, got 3"):
        function(signal.SIGUSR1, 3)


def test_a_signal_that_cannot_be_handled_leaves_nothing() -> None:
    with pytest.raises(OSError, match="Invalid argument"):
        lwt_unix.on_signal(signal.SIGKILL, print)


def test_when_the_engine_refuses_the_pipe_python_does_not_write_to_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_fd: int, _callback: object) -> lwt_engine.Event:
        raise ValueError("out of range")

    with monkeypatch.context() as patched:
        patched.setattr(lwt_engine, "on_readable", refuse)
        with pytest.raises(ValueError, match="out of range"):
            lwt_unix.on_signal(signal.SIGUSR1, print)
    assert signal.set_wakeup_fd(-1) == -1


def test_only_what_on_signal_returned_is_disabled() -> None:
    with pytest.raises(TypeError, match=r"^lwt_unix\.disable_signal_handler: .* got 10 \(int\)"):
        lwt_unix.disable_signal_handler(10)  # type: ignore[arg-type]  # what is tested


def test_outside_the_main_thread_handlers_are_refused_and_leave_nothing() -> None:
    errors: list[Exception] = []

    def try_it() -> None:
        try:
            lwt_unix.on_signal(signal.SIGUSR1, print)
        except ValueError as error:
            errors.append(error)

    thread = threading.Thread(target=try_it)
    thread.start()
    thread.join()
    assert [str(error).startswith("lwt_unix.on_signal: ") for error in errors] == [True]


def test_after_the_last_handler_ctrl_c_interrupts_as_before() -> None:
    program = """if True:
        import os, signal
        import lwt_unix
        from lwt_unix import lwt_main
        lwt_unix.disable_signal_handler(lwt_unix.on_signal(signal.SIGINT, print))
        try:
            os.kill(os.getpid(), signal.SIGINT)
            lwt_main.run(lwt_unix.sleep(60.0))
        except KeyboardInterrupt:
            print("interrupted")
    """
    run = run_code(program)
    assert (run.returncode, run.stdout, run.stderr) == (0, "interrupted\n", "")


def test_a_handler_shows_its_signal_and_whether_it_is_disabled() -> None:
    handler = lwt_unix.on_signal(signal.SIGUSR1, print)
    before = repr(handler)
    lwt_unix.disable_signal_handler(handler)
    assert [before, repr(handler)] == [
        f"<handler of signal {signal.SIGUSR1}>",
        f"<handler of signal {signal.SIGUSR1}, disabled>",
    ]


def test_a_pipe_that_is_parted_from_the_parent_has_the_same_numbers_and_is_another_one() -> None:
    """What a child does after a fork, done in this process."""
    log: list[int] = []
    before = open_descriptors()
    handler = lwt_unix.on_signal(signal.SIGUSR1, log.append)
    pipe = open_descriptors() - before
    raise_signal(signal.SIGUSR1)  # It is in the old pipe.
    signals._part_from_parent()
    assert open_descriptors() - before == pipe
    lwt_engine.iter(False)
    assert log == []
    kill_and_turn()
    assert log == [signal.SIGUSR1]
    lwt_unix.disable_signal_handler(handler)


# --- When somebody has closed the pipe, or all descriptors --------------------


class WithoutPipe:
    """A program that handles a signal, and whose pipe for signals was closed."""

    def __init__(self) -> None:
        self.log: list[int] = []
        before = open_descriptors()
        self.handler = lwt_unix.on_signal(signal.SIGUSR1, self.log.append)
        for fd in open_descriptors() - before:
            os.close(fd)


@pytest.fixture
def engine_of_select() -> Iterator[None]:
    usual = lwt_engine.get()
    lwt_engine.set(lwt_engine.select(), destroy=False)
    yield
    lwt_engine.set(usual)


@pytest.mark.usefixtures("engine_of_select")
def test_a_signal_that_comes_while_there_is_no_pipe_waits_for_the_next_engine() -> None:
    program = WithoutPipe()
    lwt_unix.handle_signal(signal.SIGUSR1)
    lwt_engine.set(lwt_engine.poll())
    kill_and_turn()
    assert program.log == [signal.SIGUSR1] * 2
    lwt_unix.disable_signal_handler(program.handler)


@pytest.mark.usefixtures("engine_of_select")
def test_the_main_loop_opens_another_pipe_when_it_finds_none() -> None:
    program = WithoutPipe()
    lwt_engine.iter(False)
    kill_and_turn()
    assert program.log == [signal.SIGUSR1]
    lwt_unix.disable_signal_handler(program.handler)


@pytest.mark.usefixtures("engine_of_select")
def test_the_last_handler_goes_without_a_pipe() -> None:
    program = WithoutPipe()
    lwt_unix.disable_signal_handler(program.handler)
    assert lwt_engine.readable_count() == 0


class Daemon:
    """What a child process has that handles a signal, and then has closed all its descriptors."""

    def __init__(self, folder: Path, engine: Callable[[], lwt_engine.abstract]) -> None:
        self.folder = folder
        self.log: list[int] = []
        self.kept: list[socket.socket] = []
        lwt_engine.set(engine())
        self.handler = lwt_unix.on_signal(signal.SIGUSR1, self.log.append)
        lwt_engine.iter(False)
        os.closerange(3, 1000)

    def open(self, others: str) -> list[int]:
        """Open eight files or sockets of somebody else's, under the numbers that are free by now."""
        if others == "files":
            flags = os.O_RDWR | os.O_CREAT
            return [os.open(self.folder / f"{i}", flags) for i in range(8)]
        if others == "sockets":
            self.kept += [end for _ in range(4) for end in socket.socketpair()]
            for end in self.kept:
                end.setblocking(False)
        return [end.fileno() for end in self.kept]


def received(fds: list[int]) -> bytes:
    """What was written to files, or to the other ends of sockets."""
    data = []
    for fd in fds:
        try:
            data.append(os.pread(fd, 10, 0))
        except OSError:  # It is a socket.
            try:
                data.append(os.read(fd, 10))
            except BlockingIOError:
                pass
    return b"".join(data)


def kill_and_turn() -> None:
    raise_signal(signal.SIGUSR1)
    lwt_engine.iter(False)


def in_daemon(
    then: Callable[[Daemon], object],
    folder: Path,
    engine: Callable[[], lwt_engine.abstract] = lwt_engine.libev,
) -> None:
    """Let a child process become a daemon, and do something."""
    assert in_child(lambda: then(Daemon(folder, engine))) == 0


EACH_KIND_OF_OTHERS = pytest.mark.parametrize("others", ["files", "sockets", "nothing"])


@EACH_KIND_OF_OTHERS
def test_a_new_engine_has_a_new_pipe_for_signals_if_the_old_one_was_closed(
    others: str, tmp_path: Path
) -> None:
    def then(daemon: Daemon) -> None:
        fds = daemon.open(others)
        lwt_engine.set(lwt_engine.libev())
        for _ in range(3):
            kill_and_turn()
        assert (len(daemon.log), received(fds)) == (3, b"")
        lwt_unix.disable_signal_handler(daemon.handler)
        assert (lwt_engine.readable_count(), signal.set_wakeup_fd(-1)) == (0, -1)
        for fd in fds:
            os.close(fd)

    in_daemon(then, tmp_path)


@EACH_KIND_OF_OTHERS
def test_signals_between_the_closing_and_the_new_engine_are_kept(
    others: str, tmp_path: Path
) -> None:
    def then(daemon: Daemon) -> None:
        raise_signal(
            signal.SIGUSR1
        )  # Python itself tries to write it to the number, and complains.
        fds = daemon.open(others)
        for _ in range(2):
            raise_signal(signal.SIGUSR1)
        lwt_unix.handle_signal(signal.SIGUSR1)
        lwt_engine.set(lwt_engine.libev())
        lwt_engine.iter(False)
        assert (len(daemon.log), received(fds)) == (4, b"")

    in_daemon(then, tmp_path)


def test_a_main_loop_that_finds_its_pipe_closed_opens_another_one(tmp_path: Path) -> None:
    def then(daemon: Daemon) -> None:
        lwt_engine.iter(False)
        kill_and_turn()
        assert len(daemon.log) == 1

    in_daemon(then, tmp_path, lwt_engine.poll)


def test_a_main_loop_does_not_read_what_has_the_number_of_its_pipe_by_now(tmp_path: Path) -> None:
    def then(daemon: Daemon) -> None:
        fds = daemon.open("sockets")
        for end in daemon.kept:
            end.send(b"x")
        lwt_engine.iter(False)
        kill_and_turn()
        assert (len(daemon.log), received(fds)) == (1, b"xxxxxxxx")

    in_daemon(then, tmp_path, lwt_engine.poll)


def test_a_new_handler_and_one_that_is_taken_back_find_the_pipe_closed(tmp_path: Path) -> None:
    def then(daemon: Daemon) -> None:
        daemon.open("files")
        lwt_unix.on_signal(signal.SIGUSR2, daemon.log.append)
        kill_and_turn()
        os.closerange(3, 1000)
        fds = daemon.open("files")
        lwt_unix.reinstall_signal_handler(signal.SIGUSR1)
        kill_and_turn()
        assert (len(daemon.log), received(fds)) == (2, b"")

    in_daemon(then, tmp_path, lwt_engine.poll)


def test_disabling_handlers_closes_no_descriptor_of_others(tmp_path: Path) -> None:
    def then(daemon: Daemon) -> None:
        fds = daemon.open("files")
        lwt_unix.disable_signal_handler(daemon.handler)
        for fd in fds:
            os.close(fd)
        assert signal.set_wakeup_fd(-1) == -1

    in_daemon(then, tmp_path)


def test_a_child_process_takes_no_number_of_others_for_its_pipe(tmp_path: Path) -> None:
    def then(daemon: Daemon) -> None:
        fds = daemon.open("files")

        def child() -> None:
            kill_and_turn()
            assert len(daemon.log) == 1
            assert all(os.path.realpath(f"/dev/fd/{fd}").startswith(f"{tmp_path}") for fd in fds)

        assert in_child(child) == 0

    in_daemon(then, tmp_path, lwt_engine.poll)


def test_the_wakeup_descriptor_of_another_library_is_not_restored_if_it_is_closed() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    handler = lwt_unix.on_signal(signal.SIGUSR1, print)
    os.close(reading)
    os.close(writing)
    lwt_unix.disable_signal_handler(handler)
    assert signal.set_wakeup_fd(-1) == -1
