"""What pollers tell the kernel and report from it."""

from __future__ import annotations

import os

import pytest

from lwt_unix import lwt_engine
from lwt_unix.lwt_engine import Event, stop_event
from tests.support.descriptors import many_descriptors
from tests.support.engines import (
    ENGINES,
    IN,
    OUT,
    Counting,
    Engine_class,
    Libev_select,
    Pair,
    Recorder,
    User_poll,
    User_select,
    fill,
    on_linux,
    socket_pairs,
)
from tests.support.programs import run_code

KERNEL_ENGINES = [
    engine_class
    for engine_class in ENGINES
    if engine_class not in (lwt_engine.select, Libev_select, User_select, User_poll)
]
"""Those that are not confined to descriptors below 1024."""


# --- What is ready, on every engine ------------------------------------------


def test_readable_callback_is_called_with_its_event_while_there_is_data(
    engine: lwt_engine.abstract, pair: Pair
) -> None:
    seen: list[Event] = []
    event = engine.on_readable(pair[0].fileno(), seen.append)
    engine.iter(False)
    assert seen == []
    pair[1].send(b"x")
    engine.iter(True)
    engine.iter(True)
    assert seen == [event, event]
    pair[0].recv(1)
    engine.iter(False)
    assert seen == [event, event]


def test_writable_callback_is_called_while_there_is_room(
    engine: lwt_engine.abstract, pair: Pair
) -> None:
    record = Recorder()
    engine.on_writable(pair[0].fileno(), record("writable"))
    engine.iter(True)
    assert record.take() == ["writable"]
    pair[0].setblocking(False)
    fill(pair[0].send)
    engine.iter(False)
    assert record.take() == []


def test_turn_that_may_not_block_returns_when_nothing_is_ready(
    engine: lwt_engine.abstract, pair: Pair
) -> None:
    record = Recorder()
    engine.on_readable(pair[0].fileno(), record("readable"))
    engine.on_timer(3600, False, record("timer"))
    engine.iter(False)
    assert record.take() == []


def test_end_of_file_makes_a_descriptor_readable(engine: lwt_engine.abstract, pair: Pair) -> None:
    record = Recorder()
    engine.on_readable(pair[0].fileno(), record("readable"))
    pair[1].close()
    engine.iter(True)
    assert record.take() == ["readable"]


def test_lost_reader_makes_the_writing_end_of_a_pipe_writable(engine: lwt_engine.abstract) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    fill(lambda data: os.write(writing, data))
    record = Recorder()
    event = engine.on_writable(writing, record("writable"))
    engine.iter(False)
    assert record.take() == []
    os.close(reading)
    engine.iter(True)
    assert record.take() == ["writable"]
    stop_event(event)
    os.close(writing)


def test_regular_file_is_always_ready(
    engine: lwt_engine.abstract, tmp_path: os.PathLike[str]
) -> None:
    record = Recorder()
    fd = os.open(os.path.join(tmp_path, "file"), os.O_RDWR | os.O_CREAT)
    engine.on_readable(fd, record("readable"))
    engine.on_writable(fd, record("writable"))
    engine.iter(True)
    engine.iter(True)
    assert record.take() == ["readable", "writable"] * 2
    engine.forget(fd)
    os.close(fd)


# --- What the kernel is told --------------------------------------------------


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


@pytest.mark.parametrize("engine_class", KERNEL_ENGINES)
@many_descriptors(2000)
def test_engine_watches_descriptors_above_1024_and_more_than_1024_of_them(
    engine_class: Engine_class,
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


BECOMES_A_DAEMON = """
import gc, os
import lwt, lwt_unix
from lwt_unix import lwt_engine, lwt_main

lwt_main.run(lwt_unix.sleep(0.001))
os.closerange(3, 100)
files = [os.open(os.devnull, os.O_RDONLY) for _ in range(OTHERS)]
lwt_engine.set(lwt_engine.libev())
gc.collect()
for file in files:
    os.fstat(file)
reading, writing = lwt_unix.pipe()
read = lwt_unix.read(reading, bytearray(1), 0, 1)
lwt_main.run(lwt_unix.sleep(0.001))
lwt_main.run(lwt_unix.write(writing, b"x", 0, 1))
print(lwt_main.run(read), lwt_main.run(lwt_unix.sleep(0.001)))
"""


@pytest.mark.parametrize("others", [0, 1, 2, 20])
def test_a_new_engine_closes_nobody_s_file_after_something_has_closed_all_descriptors(
    others: int,
) -> None:
    run = run_code(BECOMES_A_DAEMON.replace("OTHERS", str(others)))
    assert (run.stdout, run.stderr, run.returncode) == ("1 None\n", "", 0)


def test_an_engine_that_is_destroyed_twice_is_closed_once_and_nobody_complains() -> None:
    program = """if True:
        import os
        from lwt_unix import lwt_engine
        engine = lwt_engine.libev()
        engine.destroy()
        files = [os.open(os.devnull, os.O_RDONLY) for _ in range(4)]
        engine.destroy()
        for file in files:
            os.fstat(file)
    """
    run = run_code(program)
    assert (run.stdout, run.stderr, run.returncode) == ("", "", 0)
