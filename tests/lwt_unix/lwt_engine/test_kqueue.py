"""The poller over kqueue, with a stand-in for the kernel."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lwt_unix import lwt_engine
from lwt_unix.lwt_engine import stop_event
from lwt_unix.lwt_engine._kernel import kernel_based
from lwt_unix.lwt_engine._kqueue import Kqueue_poller
from tests.support.engines import Recorder


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
