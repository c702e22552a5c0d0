"""Descriptors that an engine watches, on every engine: closed, forgotten, used again, refused."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

import pytest

from lwt_unix import lwt_engine
from lwt_unix.lwt_engine import Event, stop_event
from tests.support.engines import Pair, Recorder, fill

# --- Descriptors that are closed ---------------------------------------------


def test_closed_descriptor_counts_as_ready_so_that_its_callbacks_find_out(
    engine: lwt_engine.abstract, pair: Pair
) -> None:
    found: list[int | None] = []
    fd = pair[0].fileno()

    def try_it(event: Event) -> None:
        try:
            os.read(fd, 1)
        except OSError as error:
            found.append(error.errno)
            stop_event(event)

    engine.on_readable(fd, try_it)
    engine.on_writable(fd, try_it)
    pair[0].close()
    engine.iter(True)
    assert found == [errno.EBADF, errno.EBADF]


def test_closed_descriptor_goes_on_being_ready_until_its_events_are_stopped(
    engine: lwt_engine.abstract, pair: Pair
) -> None:
    record = Recorder()
    event = engine.on_readable(pair[0].fileno(), record("bad"))
    pair[0].close()
    engine.iter(True)
    engine.iter(True)
    assert record.take() == ["bad", "bad"]
    stop_event(event)
    engine.iter(False)
    assert record.take() == []


def test_other_descriptors_are_served_beside_a_closed_one(
    engine: lwt_engine.abstract, two_pairs: list[Pair]
) -> None:
    record = Recorder()
    (a, _), (b, b_back) = two_pairs
    b_back.send(b"x")
    bad = engine.on_readable(a.fileno(), stop_event)
    engine.on_readable(b.fileno(), record("good"))
    a.close()
    engine.iter(True)
    engine.iter(True)
    assert "good" in record.take()
    assert not bad.is_active


def test_forget_stops_what_waits_for_a_descriptor(engine: lwt_engine.abstract, pair: Pair) -> None:
    record = Recorder()
    fd = pair[0].fileno()
    engine.adopt(fd)
    event = engine.on_readable(fd, record("readable"))
    pair[1].send(b"x")
    engine.iter(True)
    engine.forget(fd)
    assert not event.is_active
    engine.iter(False)
    assert record.take() == ["readable"]


def test_forgetting_an_unknown_descriptor_does_nothing(engine: lwt_engine.abstract) -> None:
    engine.forget(1_000_000)
    engine.iter(False)


def test_descriptor_forgotten_and_reused_within_a_turn_is_not_called_for_the_old_file(
    engine: lwt_engine.abstract, two_pairs: list[Pair]
) -> None:
    record = Recorder()
    (a, a_back), (b, b_back) = two_pairs
    a_back.send(b"x")
    b_back.send(b"x")
    fd = b.fileno()
    engine.on_readable(fd, record("old"))
    reading, writing = os.pipe()

    def reuse(event: Event) -> None:
        stop_event(event)
        engine.forget(fd)
        os.dup2(reading, fd)
        engine.on_readable(fd, record("new"))

    engine.on_readable(a.fileno(), reuse)
    engine.iter(True)
    engine.iter(False)
    assert record.take() == []
    os.write(writing, b"x")
    engine.iter(True)
    assert record.take() == ["new"]
    engine.forget(fd)
    os.close(reading)
    os.close(writing)


def test_writer_of_a_reused_descriptor_is_not_called_for_the_old_file(
    engine: lwt_engine.abstract, two_pairs: list[Pair]
) -> None:
    record = Recorder()
    (a, a_back), (b, _) = two_pairs
    a_back.send(b"x")
    fd = b.fileno()
    engine.on_writable(fd, record("old"))
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    fill(lambda data: os.write(writing, data))

    def reuse(event: Event) -> None:
        stop_event(event)
        engine.forget(fd)
        os.dup2(writing, fd)
        engine.on_writable(fd, record("new"))

    engine.on_readable(a.fileno(), reuse)
    engine.iter(True)
    engine.iter(False)
    assert record.take() == []
    os.close(reading)
    engine.iter(True)
    assert record.take() == ["new"]
    engine.forget(fd)
    os.close(writing)


def test_descriptor_reused_after_its_event_was_stopped_is_watched(
    engine: lwt_engine.abstract, pair: Pair
) -> None:
    # Nobody adopted it and nobody tells the engine, as with a library of its own.
    record = Recorder()
    fd = pair[0].fileno()
    reading, writing = os.pipe()
    event = engine.on_readable(fd, record("old"))
    engine.iter(False)
    stop_event(event)
    os.dup2(reading, fd)
    engine.on_readable(fd, record("new"))
    engine.iter(False)
    assert record.take() == []
    os.write(writing, b"x")
    engine.iter(True)
    assert record.take() == ["new"]
    os.close(reading)
    os.close(writing)


# --- Arguments ---------------------------------------------------------------


@pytest.mark.parametrize("method", ["on_readable", "on_writable"])
@pytest.mark.parametrize(
    ("fd", "callback", "error", "message"),
    [
        (-1, print, ValueError, "-1 is not a file descriptor; the fileno\\(\\) of a closed"),
        (2**31, print, ValueError, "2147483648 is not a file descriptor; none is above"),
        ("0", print, TypeError, "expected a file descriptor, got '0' \\(str\\)"),
        (True, print, TypeError, "expected a file descriptor, got True \\(bool\\)"),
        (0, None, TypeError, "expected a function, got None"),
    ],
)
def test_bad_registration_is_refused_and_changes_nothing(
    engine: lwt_engine.abstract,
    method: str,
    fd: int,
    callback: Callable[[Event], object],
    error: type[Exception],
    message: str,
) -> None:
    with pytest.raises(error, match=f"^lwt_engine.{method}: {message}"):
        getattr(engine, method)(fd, callback)
    assert (engine.readable_count, engine.writable_count) == (0, 0)
    engine.iter(False)


def test_socket_in_place_of_its_number_is_refused_with_a_hint(
    engine: lwt_engine.abstract, pair: Pair
) -> None:
    with pytest.raises(TypeError, match=r"pass its number, or its fileno\(\)"):
        engine.on_readable(pair[0], print)  # type: ignore[arg-type]  # what is tested
