"""Reading and writing parts of buffers, in both modes, and pipes."""

import errno
import os
import pty
from collections.abc import Callable, Sequence

import pytest

import lwt
import lwt_unix
from lwt_unix import _system as system
from lwt_unix import lwt_engine, lwt_main
from tests.support.descriptors import (
    Pair,
    a_blocking_pipe,
    no_more_descriptors,
    open_descriptors,
    send,
)
from tests.support.promises import is_canceled

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


# --- In every mode -----------------------------------------------------------


def test_reading_what_is_there_is_done_at_once(ends: Pair) -> None:
    send(ends[1], b"hello")
    buffer = bytearray(8)
    assert lwt.state(lwt_unix.read(ends[0], buffer, 0, 8)) == lwt.Return(5)
    assert buffer == b"hello\0\0\0"


def test_reading_fills_only_the_part_that_was_named(ends: Pair) -> None:
    send(ends[1], b"hello")
    buffer = bytearray(b"........")
    assert lwt_main.run(lwt_unix.read(ends[0], buffer, 2, 3)) == 3
    assert buffer == b"..hel..."


def test_reading_waits_for_data(ends: Pair) -> None:
    buffer = bytearray(8)
    promise = lwt_unix.read(ends[0], buffer, 0, 8)
    assert lwt.is_sleeping(promise)
    send(ends[1], b"hello")
    assert lwt_main.run(promise) == 5
    assert buffer == b"hello\0\0\0"


def test_reading_gives_zero_at_the_end_of_file(ends: Pair) -> None:
    waiting = lwt_unix.read(ends[0], bytearray(8), 0, 8)
    lwt_main.run(lwt_unix.close(ends[1]))
    assert lwt_main.run(waiting) == 0
    assert lwt.state(lwt_unix.read(ends[0], bytearray(8), 0, 8)) == lwt.Return(0)


def test_two_who_read_share_what_comes_and_the_second_waits_on(ends: Pair) -> None:
    one, other = bytearray(8), bytearray(8)
    first, second = lwt_unix.read(ends[0], one, 0, 8), lwt_unix.read(ends[0], other, 0, 8)
    send(ends[1], b"hello")
    assert lwt_main.run(first) == 5
    assert lwt.is_sleeping(second)
    send(ends[1], b"you")
    assert lwt_main.run(second) == 3
    assert (bytes(one[:5]), bytes(other[:3])) == (b"hello", b"you")


def test_a_cancelled_read_reads_nothing(ends: Pair) -> None:
    buffer = bytearray(8)
    lwt.cancel(lwt_unix.read(ends[0], buffer, 0, 8))
    send(ends[1], b"hello")
    lwt_engine.iter(False)
    assert buffer == bytes(8)
    assert lwt_main.run(lwt_unix.read(ends[0], buffer, 0, 8)) == 5


def test_a_read_that_is_cancelled_inside_of_its_system_call_leaves_its_bytes_in_the_buffer(
    ends: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a finaliser can do so."""
    buffer, readv = bytearray(8), system.readv

    def cancelling(fd: int, buffers: Sequence[memoryview]) -> int:
        count = readv(fd, buffers)
        lwt.cancel(cancelled)
        return count

    monkeypatch.setattr(system, "readv", cancelling)
    cancelled = lwt_unix.read(ends[0], buffer, 0, 5)
    send(ends[1], b"hello, you")
    lwt_engine.iter(False)
    monkeypatch.undo()
    assert is_canceled(cancelled)
    assert buffer == b"hello\0\0\0"
    assert lwt_main.run(lwt_unix.read(ends[0], buffer, 0, 8)) == 5
    assert buffer[:5] == b", you"


def test_writing_is_done_at_once_if_there_is_room(ends: Pair) -> None:
    assert lwt.state(lwt_unix.write(ends[1], b"hello", 0, 5)) == lwt.Return(5)
    assert os.read(lwt_unix.unix_file_descr(ends[0]), 8) == b"hello"


def test_writing_takes_only_the_part_that_was_named(ends: Pair) -> None:
    lwt_main.run(lwt_unix.write(ends[1], b"..hello..", 2, 5))
    assert os.read(lwt_unix.unix_file_descr(ends[0]), 8) == b"hello"


def test_writing_where_nobody_reads_is_an_error_and_no_signal(ends: Pair) -> None:
    lwt_main.run(lwt_unix.close(ends[0]))
    with pytest.raises(BrokenPipeError):
        lwt_main.run(lwt_unix.write(ends[1], b"hello", 0, 5))


def test_an_error_met_at_once_is_raised_at_the_call(pair: Pair) -> None:
    lwt_main.run(lwt_unix.close(pair[0]))
    with pytest.raises(BrokenPipeError):
        lwt_unix.write(pair[1], b"hello", 0, 5)


def test_an_error_met_later_rejects(pair: Pair) -> None:
    data = bytes(100_000)
    while not lwt.is_sleeping(promise := lwt_unix.write(pair[1], data, 0, len(data))):
        pass
    lwt_main.run(lwt_unix.close(pair[0]))
    lwt_engine.iter(True)
    state = lwt.state(promise)
    assert isinstance(state, lwt.Fail)
    assert isinstance(state.exception, BrokenPipeError)


def test_in_blocking_mode_an_error_met_at_once_rejects() -> None:
    reading, writing = a_blocking_pipe()
    lwt_main.run(lwt_unix.close(reading))
    state = lwt.state(lwt_unix.write(writing, b"hello", 0, 5))
    lwt_main.run(lwt_unix.close(writing))
    assert isinstance(state, lwt.Fail)
    assert isinstance(state.exception, BrokenPipeError)


# --- Descriptors that are not opened -----------------------------------------


def use_by_reading(descriptor: lwt_unix.File_descr) -> lwt.Promise[int]:
    return lwt_unix.read(descriptor, bytearray(1), 0, 1)


def use_by_writing(descriptor: lwt_unix.File_descr) -> lwt.Promise[int]:
    return lwt_unix.write(descriptor, b"x", 0, 1)


@pytest.mark.parametrize("use", [use_by_reading, use_by_writing])
@pytest.mark.parametrize("used_before", [True, False])
def test_a_closed_descriptor_is_refused_at_once(
    pair: Pair, use: Callable[[lwt_unix.File_descr], object], used_before: bool
) -> None:
    if used_before:
        lwt_main.run(lwt_unix.blocking(pair[0]))
    lwt_main.run(lwt_unix.close(pair[0]))
    with pytest.raises(OSError, match=r"descriptor \(.*, Closed>\)$") as raised:
        use(pair[0])
    assert raised.value.errno == errno.EBADF


@pytest.mark.parametrize("use", [use_by_reading, use_by_writing])
def test_in_blocking_mode_too_using_a_closed_descriptor_raises_at_once(
    use: Callable[[lwt_unix.File_descr], lwt.Promise[int]],
) -> None:
    reading, writing = a_blocking_pipe()
    lwt_main.run(lwt.join([lwt_unix.close(reading), lwt_unix.close(writing)]))
    with pytest.raises(OSError, match=r"descriptor \(.*, Closed>\)$") as raised:
        use(reading)
    assert raised.value.errno == errno.EBADF


def test_a_bad_range_is_refused_before_the_state_is_looked_at(pair: Pair) -> None:
    lwt_main.run(lwt_unix.close(pair[0]))
    with pytest.raises(ValueError, match=r"Lwt_unix\.read"):
        lwt_unix.read(pair[0], bytearray(1), 0, 2)


# --- Blocking mode -----------------------------------------------------------


@pytest.mark.real_only("the path is that of a real file")
def test_files_are_read_in_blocking_mode() -> None:
    with open(__file__, "rb") as file:
        descriptor = lwt_unix.of_unix_file_descr(file.fileno())
        buffer = bytearray(3)
        assert lwt.state(lwt_unix.read(descriptor, buffer, 0, 3)) == lwt.Return(3)
    assert buffer == b'"""'


@pytest.mark.real_only("there are no terminals in the simulated world")
def test_terminals_are_read_in_blocking_mode() -> None:
    controller, terminal = pty.openpty()
    descriptor = lwt_unix.of_unix_file_descr(terminal)
    buffer = bytearray(8)
    promise = lwt_unix.read(descriptor, buffer, 0, 8)
    assert lwt.is_sleeping(promise)
    os.write(controller, b"line\n")
    assert lwt_main.run(promise) == 5
    assert lwt_main.run(lwt_unix.blocking(descriptor)) is True
    lwt_main.run(lwt_unix.close(descriptor))
    os.close(controller)


# --- Pipes -------------------------------------------------------------------


@pytest.mark.parametrize("cloexec", [True, False])
def test_both_ends_of_a_pipe_are_non_blocking_and_inherited_unless_cloexec(cloexec: bool) -> None:
    ends = lwt_unix.pipe(cloexec=cloexec)
    for end in ends:
        assert lwt_main.run(lwt_unix.blocking(end)) is False
        assert os.get_inheritable(lwt_unix.unix_file_descr(end)) is not cloexec
    lwt_main.run(lwt.join([lwt_unix.close(end) for end in ends]))


def test_pipe_in_leaves_the_writing_end_to_another_program() -> None:
    reading, writing = lwt_unix.pipe_in()
    os.write(writing, b"hello")
    buffer = bytearray(8)
    assert lwt_main.run(lwt_unix.read(reading, buffer, 0, 8)) == 5
    assert os.get_blocking(writing)
    os.close(writing)
    lwt_main.run(lwt_unix.close(reading))


def test_pipe_out_leaves_the_reading_end_to_another_program() -> None:
    reading, writing = lwt_unix.pipe_out()
    lwt_main.run(lwt_unix.write(writing, b"hello", 0, 5))
    assert os.read(reading, 8) == b"hello"
    assert os.get_blocking(reading)
    os.close(reading)
    lwt_main.run(lwt_unix.close(writing))


def test_a_pipe_that_cannot_be_made_leaves_nothing() -> None:
    with no_more_descriptors(), pytest.raises(OSError, match="Too many open files"):
        lwt_unix.pipe()


def test_a_pipe_that_cannot_be_made_inheritable_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(fd: int, inheritable: bool) -> None:
        raise OSError(errno.EIO, "no")

    before = open_descriptors()
    monkeypatch.setattr(system, "set_inheritable", fail)
    with pytest.raises(OSError, match="no"):
        lwt_unix.pipe()
    assert open_descriptors() == before
