"""What our engines tell the kernel, and what they make of what it knows."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

import pytest

from lwt_unix.lwt_engine import Event, stop_event
from lwt_unix.lwt_engine._descriptors import Refused_event
from tests.support.alarms import interrupted_by_a_signal
from tests.support.descriptors import open_descriptors
from tests.support.engines import (
    ENGINES,
    IN,
    OUT,
    Counting,
    Counting_epoll,
    Engine_class,
    Recorder,
    on_linux,
    socket_pairs,
)
from tests.support.programs import in_child

# --- The calls of an engine over epoll ---------------------------------------


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
def test_who_waits_for_what_the_kernel_refuses_to_watch_is_told_so_in_each_turn_and_others_go_on(
    counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def record(name: str) -> Callable[[Event], None]:
        return lambda event: told.append(
            f"{name}: {event.error}" if isinstance(event, Refused_event) else name
        )

    with socket_pairs(2) as [(a, a_back), (b, b_back)]:
        a_back.send(b"x")
        b_back.send(b"x")
        counting.on_readable(a.fileno(), record("a"))
        counting.on_readable(b.fileno(), record("b"))
        refused = a.fileno()
        register = Counting_epoll.register

        def refuse(epoll: Counting_epoll, fd: int, mask: int) -> None:
            if fd == refused:
                raise OSError(errno.ENOSPC, "no space")
            register(epoll, fd, mask)

        with monkeypatch.context() as patched:
            patched.setattr(Counting_epoll, "register", refuse)
            for _ in range(2):
                counting.iter(True)
                counting.check_invariants()
                assert told == ["a: [Errno 28] no space", "b"]
                told.clear()
        counting.iter(True)
        assert told == ["a", "b"]


@on_linux
def test_an_event_that_is_stopped_when_the_kernel_refuses_it_is_not_called_again(
    counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Event] = []

    def stop(event: Event) -> None:
        told.append(event)
        stop_event(event)

    def refuse(*_: int) -> None:
        raise OSError(errno.ENOMEM, "no memory")

    with socket_pairs(1) as [(a, _)]:
        monkeypatch.setattr(Counting_epoll, "register", refuse)
        event = counting.on_readable(a.fileno(), stop)
        for _ in range(3):
            counting.iter(False)
        assert [type(one) for one in told] == [Refused_event]
        assert not event.is_active


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
            counting.iter(True)
            assert record.take() == ["b", "closed"]
        counting.iter(True)
    assert record.take() == ["closed", "b"]


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


# --- Interrupts --------------------------------------------------------------


@pytest.mark.parametrize("engine_class", ENGINES)
def test_exception_of_a_signal_handler_leaves_the_wait_and_the_engine_goes_on(
    engine_class: Engine_class,
) -> None:
    engine = engine_class()
    record = Recorder()
    with socket_pairs(1) as [(front, back)]:
        engine.on_readable(front.fileno(), record("readable"))
        with interrupted_by_a_signal(KeyboardInterrupt()):
            engine.iter(True)
        back.send(b"x")
        engine.iter(True)
        assert record.take() == ["readable"]
        engine.destroy()


def test_no_descriptor_is_left_open_by_destroyed_engines() -> None:
    before = open_descriptors()
    for engine_class in ENGINES:
        engine = engine_class()
        engine.fork()
        engine.destroy()
    assert open_descriptors() == before
