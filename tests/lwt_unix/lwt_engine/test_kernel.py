"""What our engines tell the kernel, and what they make of what it knows."""

from __future__ import annotations

import errno
import os
import resource
import select
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pytest

from lwt import Failure
from lwt_unix import lwt_engine
from lwt_unix.lwt_engine import Ev_backend, Event, stop_event
from lwt_unix.lwt_engine._kernel import kernel_based
from lwt_unix.lwt_engine._kqueue import Kqueue_poller
from lwt_unix.lwt_engine._pollers import Epoll_poller
from lwt_unix.lwt_sys import Not_available
from tests.lwt_unix.conftest import in_child
from tests.support.engines import (
    ENGINES,
    KERNEL_ENGINES,
    Engine_class,
    Libev_select,
    Recorder,
    socket_pairs,
)

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="epoll is Linux's")

# --- The calls of an engine over epoll ---------------------------------------


class Counting_epoll:
    """An epoll that records what it is told."""

    calls: list[tuple[str, int]]

    def __init__(self) -> None:
        self.epoll = select.epoll()
        self.poll = self.epoll.poll
        self.close = self.epoll.close

    def register(self, fd: int, mask: int, /) -> None:
        self.calls.append(("register", mask))
        self.epoll.register(fd, mask)

    def modify(self, fd: int, mask: int, /) -> None:
        self.calls.append(("modify", mask))
        self.epoll.modify(fd, mask)

    def unregister(self, fd: int, /) -> None:
        self.calls.append(("unregister", 0))
        self.epoll.unregister(fd)


class Counting(kernel_based):
    """An engine over such an epoll."""

    id = lwt_engine.Engine_id()

    def __init__(self) -> None:
        self.calls: list[tuple[str, int]] = []
        super().__init__(Epoll_poller(self.make))

    def make(self) -> Counting_epoll:
        epoll = Counting_epoll()
        epoll.calls = self.calls
        self.calls.append(("open", 0))
        return epoll

    def take(self) -> list[tuple[str, int]]:
        calls = self.calls[:]
        self.calls.clear()
        return calls


@pytest.fixture
def counting() -> Iterator[Counting]:
    engine = Counting()
    assert engine.take() == [("open", 0)]
    yield engine
    engine.check_invariants()
    engine.destroy()


IN, OUT = 1, 4


@on_linux
def test_server_that_reads_waits_and_reads_again_tells_the_kernel_once(counting: Counting) -> None:
    with socket_pairs(1) as [(front, back)]:
        fd = front.fileno()
        counting.adopt(fd)
        received: list[bytes] = []

        def on_request(event: Event) -> None:
            received.append(front.recv(10))
            stop_event(event)
            back.send(b"next")
            counting.on_readable(fd, on_request)

        counting.on_readable(fd, on_request)
        back.send(b"first")
        for _ in range(100):
            counting.iter(True)
        assert received == [b"first"] + [b"next"] * 99
        assert counting.take() == [("register", IN)]


@on_linux
def test_interest_of_a_turn_is_told_in_one_call(counting: Counting) -> None:
    with socket_pairs(1) as [(front, _)]:
        fd = front.fileno()
        counting.adopt(fd)
        reader = counting.on_readable(fd, print)
        stop_event(counting.on_writable(fd, print))
        counting.on_writable(fd, stop_event)
        counting.iter(True)
        assert counting.take() == [("register", IN | OUT)]
        counting.iter(False)
        assert counting.take() == [("modify", IN)]
        stop_event(reader)
        counting.iter(False)
        assert counting.take() == [("unregister", 0)]
        counting.iter(False)
        assert counting.take() == []


@on_linux
def test_event_that_never_saw_a_turn_costs_no_call(counting: Counting) -> None:
    with socket_pairs(1) as [(front, _)]:
        stop_event(counting.on_readable(front.fileno(), print))
        counting.iter(False)
    assert counting.take() == []


@on_linux
def test_descriptor_that_nobody_adopted_is_told_again_after_each_registration(
    counting: Counting,
) -> None:
    with socket_pairs(1) as [(front, _)]:
        event = counting.on_readable(front.fileno(), print)
        counting.iter(False)
        stop_event(event)
        counting.on_readable(front.fileno(), print)
        counting.iter(False)
        counting.iter(False)
        assert counting.take() == [("register", IN), ("modify", IN)]


@on_linux
def test_adopting_a_descriptor_again_finds_out_that_it_is_another_file(counting: Counting) -> None:
    record = Recorder()
    with socket_pairs(2) as [(a, _), (b, b_back)]:
        fd = a.fileno()
        counting.adopt(fd)
        event = counting.on_readable(fd, record("old"))
        counting.iter(False)
        stop_event(event)
        os.dup2(b.fileno(), fd)
        counting.adopt(fd)
        counting.on_readable(fd, record("new"))
        b_back.send(b"x")
        counting.iter(True)
        assert record.take() == ["new"]
        assert counting.take() == [("register", IN), ("modify", IN), ("register", IN)]


@on_linux
def test_forgotten_descriptor_is_taken_back_at_once(counting: Counting) -> None:
    with socket_pairs(1) as [(front, _)]:
        counting.adopt(front.fileno())
        counting.on_readable(front.fileno(), print)
        counting.iter(False)
        counting.forget(front.fileno())
        assert counting.take() == [("register", IN), ("unregister", 0)]
        counting.iter(False)
    assert counting.take() == []


@on_linux
def test_old_registration_that_outlives_its_number_makes_a_new_epoll(counting: Counting) -> None:
    # The file stays open through a copy, so closing the number leaves the registration.
    record = Recorder()
    with socket_pairs(2) as [(a, a_back), (b, b_back)]:
        counting.on_readable(b.fileno(), record("b"))
        event = counting.on_readable(a.fileno(), record("a"))
        counting.iter(False)
        counting.take()
        copy = os.dup(a.fileno())
        stop_event(event)
        a.close()
        a_back.send(b"x")
        counting.iter(True)
        assert counting.take() == [("unregister", 0), ("open", 0)]
        b_back.send(b"x")
        counting.iter(True)
        assert record.take() == ["b"]
        os.close(copy)


@on_linux
def test_old_registration_is_noticed_under_a_number_that_was_forgotten_before(
    counting: Counting,
) -> None:
    with socket_pairs(1) as [(front, back)]:
        counting.on_readable(front.fileno(), print)
        counting.iter(False)
        counting.forget(front.fileno())
        event = counting.on_readable(front.fileno(), print)
        counting.iter(False)
        counting.take()
        copy = os.dup(front.fileno())
        stop_event(event)
        front.close()
        back.send(b"x")
        counting.iter(True)
        assert counting.take() == [("unregister", 0), ("open", 0)]
        os.close(copy)


@on_linux
def test_descriptor_forgotten_by_a_callback_after_it_was_reported_is_no_old_registration(
    counting: Counting,
) -> None:
    with socket_pairs(2) as [(a, a_back), (b, b_back)]:
        a_back.send(b"x")
        b_back.send(b"x")
        counting.on_readable(a.fileno(), lambda _: counting.forget(b.fileno()))
        counting.on_readable(b.fileno(), print)
        counting.iter(True)
        assert counting.take() == [("register", IN), ("register", IN), ("unregister", 0)]


@on_linux
def test_what_was_adopted_stays_so_in_the_engine_that_the_events_move_to(
    counting: Counting,
) -> None:
    source = Counting()
    with socket_pairs(1) as [(front, _)]:
        fd = front.fileno()
        source.adopt(fd)
        event = source.on_readable(fd, print)
        source.transfer(counting)
        counting.iter(False)
        stop_event(event)
        counting.on_readable(fd, print)
        counting.iter(False)
        assert counting.take() == [("register", IN)]
        counting.forget(fd)
    source.destroy()


@on_linux
def test_registration_that_is_there_already_is_modified(counting: Counting) -> None:
    record = Recorder()
    with socket_pairs(1) as [(front, back)]:
        poller = counting._poller
        poller.change(front.fileno(), 0, 2)
        counting.on_readable(front.fileno(), record("readable"))
        back.send(b"x")
        counting.iter(True)
    assert record.take() == ["readable"]
    assert counting.take() == [("register", OUT), ("register", IN), ("modify", IN)]


@on_linux
def test_error_of_telling_the_kernel_leaves_the_turn_and_is_met_again_in_the_next(
    counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = Recorder()
    with socket_pairs(2) as [(a, a_back), (b, b_back)]:
        a_back.send(b"x")
        b_back.send(b"x")
        counting.on_readable(a.fileno(), record("a"))
        counting.on_readable(b.fileno(), record("b"))

        def refuse(*_: int) -> None:
            raise OSError(errno.ENOSPC, "no space")

        with monkeypatch.context() as patched:
            patched.setattr(Counting_epoll, "register", refuse)
            for _ in range(2):
                with pytest.raises(OSError, match="no space"):
                    counting.iter(True)
        counting.iter(True)
    assert record.take() == ["a", "b"]


@on_linux
def test_closed_descriptor_stays_ready_when_telling_the_kernel_of_another_one_fails(
    counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = Recorder()
    with socket_pairs(2) as [(a, _), (b, b_back)]:
        b_back.send(b"x")
        counting.on_readable(b.fileno(), record("b"))
        counting.on_readable(a.fileno(), record("closed"))
        bad = a.fileno()
        a.close()

        def refuse(_: Counting_epoll, fd: int, mask: int) -> None:
            raise OSError(errno.EBADF if fd == bad else errno.ENOSPC, "refused")

        with monkeypatch.context() as patched:
            patched.setattr(Counting_epoll, "register", refuse)
            with pytest.raises(OSError, match="refused"):
                counting.iter(True)
        counting.iter(True)
    assert record.take() == ["closed", "b"]


# --- Many descriptors --------------------------------------------------------


@pytest.fixture
def many_descriptors() -> Iterator[int]:
    """Allow more than 1,024 descriptors, and return a number above that."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2000:
        pytest.skip(f"only {hard} descriptors are allowed here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2000), hard))
    yield 1500
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("engine_class", KERNEL_ENGINES)
def test_engine_watches_descriptors_above_1024_and_more_than_1024_of_them(
    engine_class: Engine_class, many_descriptors: int
) -> None:
    engine = engine_class()
    called: list[int] = []
    reading, writing = os.pipe()
    copies = [os.dup(reading) for _ in range(1100)]
    assert max(copies) > 1024
    for copy in copies:
        engine.on_readable(copy, lambda event: called.append(event.fd))  # type: ignore[attr-defined]  # ours have it
    os.write(writing, b"x")
    # As many turns as it takes: a system call may report some of them at a time.
    for _ in range(3):
        engine.iter(True)
    assert set(called) == set(copies)
    for copy in copies:
        engine.forget(copy)
        os.close(copy)
    engine.destroy()
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize("engine_class", [lwt_engine.select, Libev_select])
@pytest.mark.parametrize("method", ["on_readable", "on_writable"])
def test_select_refuses_descriptors_above_1023_and_names_the_engines_to_use(
    engine_class: Engine_class, method: str
) -> None:
    engine = engine_class()
    engine.adopt(1024)  # by itself no reason to fail
    with pytest.raises(ValueError, match=rf"^lwt_engine\.{method}: descriptor 1024 .*epoll\(\)"):
        getattr(engine, method)(1024, print)
    assert (engine.readable_count, engine.writable_count) == (0, 0)
    engine.iter(False)
    getattr(engine, method)(1023, print)
    engine.destroy()


def test_events_above_1023_are_not_moved_to_select_and_none_is_lost() -> None:
    source, target = lwt_engine.poll(), lwt_engine.select()
    events = [
        source.on_readable(3, print),
        source.on_writable(1024, print),
        source.on_timer(1, False, print),
    ]
    with pytest.raises(ValueError, match=r"^lwt_engine\.transfer: descriptor 1024"):
        source.transfer(target)
    assert (source.readable_count, source.writable_count, source.timer_count) == (1, 1, 1)
    assert (target.readable_count, target.writable_count, target.timer_count) == (0, 0, 0)
    assert all(event.is_active for event in events)
    source.destroy()


# --- Fork --------------------------------------------------------------------


@pytest.mark.parametrize("engine_class", ENGINES)
def test_child_process_has_an_engine_of_its_own_after_fork(engine_class: Engine_class) -> None:
    engine = engine_class()
    record = Recorder()
    with socket_pairs(2) as [(a, a_back), (b, b_back)]:
        a_event = engine.on_readable(a.fileno(), record("a"))
        engine.on_readable(b.fileno(), record("b"))
        engine.iter(False)

        def child() -> None:
            engine.fork()
            b_back.send(b"x")
            engine.iter(True)
            assert record.take() == ["b"]
            b.recv(1)
            # What the child stops goes on in the parent.
            stop_event(a_event)
            engine.iter(False)

        assert in_child(child) == 0
        a_back.send(b"x")
        engine.iter(True)
        assert record.take() == ["a"]
        engine.destroy()


def test_current_engine_is_made_anew_in_every_child_process() -> None:
    record = Recorder()
    with socket_pairs(1) as [(front, back)]:
        event = lwt_engine.on_readable(front.fileno(), record("readable"))
        lwt_engine.iter(False)

        def child() -> None:
            stop_event(event)
            lwt_engine.iter(False)

        assert in_child(child) == 0
        back.send(b"x")
        lwt_engine.iter(True)
        assert record.take() == ["readable"]
        stop_event(event)


# --- Interrupts --------------------------------------------------------------


@pytest.mark.parametrize("engine_class", ENGINES)
def test_exception_of_a_signal_handler_leaves_the_wait_and_the_engine_goes_on(
    engine_class: Engine_class,
) -> None:
    engine = engine_class()
    record = Recorder()

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with socket_pairs(1) as [(front, back)]:
        engine.on_readable(front.fileno(), record("readable"))
        before = signal.signal(signal.SIGALRM, interrupt)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.01)
            with pytest.raises(KeyboardInterrupt):
                engine.iter(True)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        back.send(b"x")
        engine.iter(True)
        assert record.take() == ["readable"]
        engine.destroy()


# --- libev and its backends --------------------------------------------------


def test_libev_takes_the_best_backend_and_is_identified_by_what_was_asked_for() -> None:
    engine = lwt_engine.libev()
    assert engine.id == lwt_engine.Engine_id__libev(Ev_backend.default)
    assert engine.backend is ENGINES_BACKEND
    assert engine.loop is not None
    engine.destroy()


ENGINES_BACKEND = Ev_backend.epoll if sys.platform == "linux" else Ev_backend.kqueue


@pytest.mark.parametrize("backend", [Ev_backend.select, Ev_backend.poll])
def test_libev_uses_the_backend_that_it_is_given(backend: Ev_backend.t) -> None:
    engine = lwt_engine.libev(backend=backend)
    assert engine.backend is backend
    assert engine.id == lwt_engine.Engine_id__libev(backend)
    engine.destroy()


@pytest.mark.parametrize("backend", [Ev_backend.devpoll, Ev_backend.port])
@pytest.mark.parametrize("expected", [Not_available, Failure])
def test_backend_that_the_system_lacks_is_said_to_be_so(
    backend: Ev_backend.t, expected: type[Exception]
) -> None:
    with pytest.raises(expected, match=f"^lwt_libev_init: {backend.name} is not available"):
        lwt_engine.libev(backend=backend)


@on_linux
def test_kqueue_is_not_available_on_linux() -> None:
    with pytest.raises(Not_available, match="EV_KQUEUE is not available"):
        lwt_engine.kqueue()


def test_backend_by_its_name_only_is_a_type_error() -> None:
    with pytest.raises(TypeError, match=r"expected a backend, got 'epoll' .*Ev_backend\.epoll"):
        lwt_engine.libev(backend="epoll")  # type: ignore[arg-type]  # what is tested


def test_old_names_of_libev_are_there() -> None:
    old = lwt_engine.Versioned.libev_1()
    assert isinstance(old, lwt_engine.libev)
    assert old.id == lwt_engine.Engine_id__libev(Ev_backend.default)
    assert lwt_engine.Versioned.libev_2 is lwt_engine.libev
    old.destroy()


def test_backends_are_compared_and_printed() -> None:
    written: list[str] = []

    class Output:
        def write(self, text: str, /) -> None:
            written.append(text)

    Ev_backend.pp(Output(), Ev_backend.kqueue)
    assert written == ["EV_KQUEUE"]
    assert Ev_backend.equal(Ev_backend.poll, Ev_backend.poll)
    assert not Ev_backend.equal(Ev_backend.poll, Ev_backend.default)


# --- kqueue, with a stand-in for the kernel ----------------------------------


class Fake_kevent(NamedTuple):
    ident: int
    filter: int
    flags: int = 0


class Fake_kqueue:
    """A kqueue over a table of what is ready, which only the tests change."""

    def __init__(self) -> None:
        self.registered: dict[tuple[int, int], None] = {}
        self.ready: list[tuple[int, int]] = []
        self.closed_fds: set[int] = set()
        self.log: list[str] = []
        self.waits: list[tuple[int, float | None]] = []
        self.is_closed = False

    def control(
        self, changes: Sequence[Fake_kevent] | None, most: int, timeout: float | None, /
    ) -> list[Fake_kevent]:
        for fd, kq_filter, flags in changes or ():
            self.log.append(
                f"{'add' if flags == Fake_api.KQ_EV_ADD else 'delete'} {fd} {kq_filter}"
            )
            if fd in self.closed_fds:
                raise OSError(errno.EBADF, "bad")
            if flags == Fake_api.KQ_EV_ADD:
                self.registered[fd, kq_filter] = None
            elif (fd, kq_filter) in self.registered:
                del self.registered[fd, kq_filter]
            else:
                raise OSError(errno.ENOENT, "not there")
        if changes is not None:
            assert (most, timeout) == (0, 0)
            return []
        self.waits.append((most, timeout))
        return [Fake_kevent(*pair) for pair in self.ready if pair in self.registered]

    def close(self) -> None:
        self.is_closed = True


@dataclass
class Fake_api:
    """The part of the module `select` that has kqueue."""

    KQ_FILTER_READ = -1
    KQ_FILTER_WRITE = -2
    KQ_EV_ADD = 1
    KQ_EV_DELETE = 2
    kevent = Fake_kevent

    def __init__(self) -> None:
        self.made: list[Fake_kqueue] = []

    def kqueue(self) -> Fake_kqueue:
        self.made.append(Fake_kqueue())
        return self.made[-1]


class Over_kqueue(kernel_based):
    id = lwt_engine.Engine_id()

    def __init__(self) -> None:
        self.api = Fake_api()
        super().__init__(Kqueue_poller(self.api))

    @property
    def kqueue(self) -> Fake_kqueue:
        return self.api.made[-1]


def test_kqueue_is_told_pairs_of_descriptor_and_filter() -> None:
    engine = Over_kqueue()
    engine.adopt(5)
    reader = engine.on_readable(5, print)
    engine.on_writable(5, print)
    engine.iter(False)
    assert engine.kqueue.log == ["add 5 -1", "add 5 -2"]
    stop_event(reader)
    engine.iter(False)
    assert engine.kqueue.log[2:] == ["delete 5 -1", "add 5 -2"]
    engine.forget(5)
    assert engine.kqueue.log[4:] == ["delete 5 -2"]


def test_kqueue_reports_each_filter_on_its_own_and_readers_come_first() -> None:
    record = Recorder()
    engine = Over_kqueue()
    for fd in (7, 5):
        engine.on_readable(fd, record(f"{fd} readable"))
        engine.on_writable(fd, record(f"{fd} writable"))
    engine.kqueue.ready = [(7, -2), (5, -2), (7, -1), (5, -1)]
    engine.iter(True)
    assert record.take() == ["5 readable", "7 readable", "5 writable", "7 writable"]


def test_kqueue_waits_without_limit_or_for_the_timer() -> None:
    engine = Over_kqueue()
    engine.on_readable(5, print)
    engine.iter(True)
    engine.iter(False)
    engine.on_timer(-1, False, stop_event)
    engine.iter(True)
    assert engine.kqueue.waits == [(128, None), (128, 0.0), (128, 0.0)]


def test_kernel_is_not_asked_when_nothing_is_watched_and_nothing_to_wait_for() -> None:
    engine = Over_kqueue()
    engine.iter(False)
    assert engine.kqueue.waits == []


def test_closed_descriptor_counts_as_ready_under_kqueue() -> None:
    record = Recorder()
    engine = Over_kqueue()
    engine.kqueue.closed_fds.add(5)
    event = engine.on_readable(5, record("bad"))
    engine.iter(True)
    engine.iter(True)
    assert record.take() == ["bad", "bad"]
    assert engine.kqueue.waits == [(128, 0.0), (128, 0.0)]
    stop_event(event)
    engine.iter(False)
    assert record.take() == []


def test_kqueue_is_closed_before_a_new_one_is_opened_in_a_child() -> None:
    engine = Over_kqueue()
    engine.on_readable(5, print)
    engine.iter(False)
    first = engine.kqueue
    engine.fork()
    assert first.is_closed
    assert engine.kqueue is not first
    engine.iter(False)
    assert engine.kqueue.log == ["add 5 -1"]
    assert not engine.kqueue.is_closed
    engine.destroy()
    assert engine.kqueue.is_closed


def test_no_descriptor_is_left_open_by_destroyed_engines() -> None:
    before = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
    for engine_class in ENGINES:
        engine = engine_class()
        engine.fork()
        engine.destroy()
    after = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
    assert after == before
