"""Reading and writing parts of buffers, in both modes, and pipes."""

import array
import errno
import mmap
import os
import pty
from collections.abc import Callable, Iterator

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_engine, lwt_main
from lwt_unix._descriptors import system
from tests.support.descriptors import Pair, no_more_descriptors, open_descriptors

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


def a_socket_pair() -> Pair:
    return lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)


def a_blocking_pipe() -> Pair:
    reading, writing = os.pipe()
    return (
        lwt_unix.of_unix_file_descr(reading, blocking=True),
        lwt_unix.of_unix_file_descr(writing, blocking=True),
    )


@pytest.fixture(params=[a_socket_pair, lwt_unix.pipe, a_blocking_pipe])
def ends(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """An end to read from and an end to write to: of a socket, a pipe, a pipe in blocking mode."""
    reading, writing = request.param()
    yield reading, writing
    for descriptor in (reading, writing):
        if lwt_unix.state(descriptor) is not lwt_unix.Closed:
            lwt_main.run(lwt_unix.close(descriptor))


def send(descriptor: lwt_unix.File_descr, data: bytes) -> None:
    assert os.write(lwt_unix.unix_file_descr(descriptor), data) == len(data)


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


def refuse_reading(descriptor: lwt_unix.File_descr) -> None:
    """Give its number to a file that can only be written to."""
    target = os.open(os.devnull, os.O_WRONLY)
    os.dup2(target, lwt_unix.unix_file_descr(descriptor))
    os.close(target)


@pytest.mark.parametrize(("offset", "length"), [(-1, 1), (0, -1), (0, 9), (8, 1), (9, 0), (4, 5)])
def test_a_range_outside_the_buffer_is_refused_and_nothing_is_read(
    ends: Pair, offset: int, length: int
) -> None:
    send(ends[1], b"hello")
    with pytest.raises(ValueError, match=r"^Lwt_unix\.read: "):
        lwt_unix.read(ends[0], bytearray(8), offset, length)
    assert os.read(lwt_unix.unix_file_descr(ends[0]), 8) == b"hello"


@pytest.mark.parametrize(("offset", "length"), [(-1, 1), (0, -1), (0, 9), (8, 1), (9, 0), (4, 5)])
def test_a_range_outside_the_data_is_refused_and_nothing_is_written(
    ends: Pair, offset: int, length: int
) -> None:
    with pytest.raises(ValueError, match=r"^Lwt_unix\.write: "):
        lwt_unix.write(ends[1], b"12345678", offset, length)
    assert not lwt_unix.readable(ends[0])


def test_the_range_may_be_all_of_the_buffer_or_nothing_at_its_end(ends: Pair) -> None:
    send(ends[1], b"hello")
    buffer = bytearray(5)
    assert lwt_main.run(lwt_unix.read(ends[0], buffer, 0, 5)) == 5
    assert lwt_main.run(lwt_unix.write(ends[1], buffer, 5, 0)) == 0


@pytest.mark.parametrize("bound", [0.0, "0", None, True])
@pytest.mark.parametrize("function", [lwt_unix.read, lwt_unix.write])
def test_a_bound_that_is_no_int_is_refused(
    pair: Pair, function: Callable[..., object], bound: object
) -> None:
    with pytest.raises(TypeError, match="must be of type int"):
        function(pair[0], bytearray(8), bound, 1)
    with pytest.raises(TypeError, match="must be of type int"):
        function(pair[0], bytearray(8), 0, bound)


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
    with pytest.raises(OSError, match="check_descriptor") as raised:
        use(pair[0])
    assert raised.value.errno == errno.EBADF


@pytest.mark.parametrize("use", [use_by_reading, use_by_writing])
def test_in_blocking_mode_too_using_a_closed_descriptor_raises_at_once(
    use: Callable[[lwt_unix.File_descr], lwt.Promise[int]],
) -> None:
    reading, writing = a_blocking_pipe()
    lwt_main.run(lwt.join([lwt_unix.close(reading), lwt_unix.close(writing)]))
    with pytest.raises(OSError, match="check_descriptor") as raised:
        use(reading)
    assert raised.value.errno == errno.EBADF


def test_a_bad_range_is_refused_before_the_state_is_looked_at(pair: Pair) -> None:
    lwt_main.run(lwt_unix.close(pair[0]))
    with pytest.raises(ValueError, match=r"Lwt_unix\.read"):
        lwt_unix.read(pair[0], bytearray(1), 0, 2)


# --- Kinds of buffers --------------------------------------------------------


@pytest.mark.parametrize(
    "buffer",
    [
        bytearray(8),
        memoryview(bytearray(8)),
        memoryview(bytearray(16))[4:12],
        array.array("B", bytes(8)),
        array.array("I", [0, 0]),
        mmap.mmap(-1, 8),
    ],
    ids=lambda buffer: type(buffer).__name__,
)
def test_any_writable_buffer_can_be_filled(
    pair: Pair, buffer: bytearray | memoryview | mmap.mmap
) -> None:
    send(pair[1], b"hello")
    assert lwt_main.run(lwt_unix.read(pair[0], buffer, 2, 6)) == 5
    assert bytes(memoryview(buffer).cast("B")) == b"\0\0hello\0"


@pytest.mark.parametrize(
    "data",
    [
        b"hello",
        bytearray(b"hello"),
        memoryview(b"hello"),
        memoryview(b"h.e.l.l.o")[::1][0:5],
        array.array("b", b"hello"),
        "hello",
    ],
    ids=lambda data: type(data).__name__,
)
def test_any_bytes_like_object_and_str_can_be_written(pair: Pair, data: bytes | str) -> None:
    expected = data.encode() if isinstance(data, str) else bytes(data)
    assert lwt_main.run(lwt_unix.write(pair[1], data, 0, 5)) == 5
    assert os.read(lwt_unix.unix_file_descr(pair[0]), 8) == expected


def test_a_str_is_measured_in_bytes_of_utf_8(pair: Pair) -> None:
    assert lwt_main.run(lwt_unix.write(pair[1], "é!", 0, 3)) == 3
    assert os.read(lwt_unix.unix_file_descr(pair[0]), 8) == "é!".encode()


def test_write_string_is_write(pair: Pair) -> None:
    assert lwt_main.run(lwt_unix.write_string(pair[1], "hello", 1, 3)) == 3
    assert os.read(lwt_unix.unix_file_descr(pair[0]), 8) == b"ell"


@pytest.mark.parametrize("buffer", [b"12345678", memoryview(b"12345678")])
def test_a_read_only_buffer_is_refused(pair: Pair, buffer: bytearray) -> None:
    with pytest.raises(TypeError, match="read-only"):
        lwt_unix.read(pair[0], buffer, 0, 1)


@pytest.mark.parametrize("buffer", ["12345678", None, [1, 2], memoryview(bytearray(8))[::2]])
def test_what_is_no_buffer_is_refused(pair: Pair, buffer: bytearray) -> None:
    with pytest.raises(TypeError, match=r"^Lwt_unix\.read: "):
        lwt_unix.read(pair[0], buffer, 0, 1)


def test_a_buffer_cannot_be_resized_while_a_read_waits_and_can_be_after(pair: Pair) -> None:
    buffer = bytearray(8)
    promise = lwt_unix.read(pair[0], buffer, 0, 8)
    with pytest.raises(BufferError):
        buffer.clear()
    send(pair[1], b"hello")
    lwt_main.run(promise)
    buffer.clear()


@pytest.mark.parametrize("end", ["fulfilled", "cancelled", "aborted"])
def test_a_buffer_can_be_resized_in_the_callback_whatever_came_of_the_read(
    pair: Pair, end: str
) -> None:
    buffer = bytearray(8)
    promise = lwt_unix.read(pair[0], buffer, 0, 8)
    lwt.on_termination(promise, buffer.clear)
    match end:
        case "fulfilled":
            send(pair[1], b"hello")
            lwt_engine.iter(True)
        case "cancelled":
            lwt.cancel(promise)
        case "aborted":
            lwt_unix.abort(pair[0], ValueError())
    assert not lwt.is_sleeping(promise)
    assert buffer == b""


@pytest.mark.parametrize("is_first_use", [True, False])
def test_a_buffer_can_be_resized_while_the_exception_of_a_read_lives(
    pair: Pair, is_first_use: bool
) -> None:
    buffer = bytearray(8)
    if not is_first_use:
        lwt_main.run(lwt_unix.blocking(pair[0]))
    refuse_reading(pair[0])
    with pytest.raises(OSError, match="Bad file") as raised:
        lwt_unix.read(pair[0], buffer, 0, 8)
    buffer.clear()
    assert raised.value.__traceback__ is not None


@pytest.mark.parametrize("is_first_use", [True, False])
def test_data_can_be_resized_while_the_exception_of_a_write_lives(
    pair: Pair, is_first_use: bool
) -> None:
    data = bytearray(8)
    if not is_first_use:
        lwt_main.run(lwt_unix.blocking(pair[0]))
    lwt_main.run(lwt_unix.close(pair[1]))
    with pytest.raises(BrokenPipeError) as raised:
        lwt_unix.write(pair[0], data, 0, 4)
    data.clear()
    assert raised.value.__traceback__ is not None


def test_a_view_that_a_read_was_given_is_still_the_callers_when_the_read_fails(pair: Pair) -> None:
    refuse_reading(pair[0])
    view = memoryview(bytearray(b"12345678"))
    with pytest.raises(OSError, match="Bad file"):
        lwt_unix.read(pair[0], view, 0, 8)
    assert view.tobytes() == b"12345678"


# --- Blocking mode -----------------------------------------------------------


def test_files_are_read_in_blocking_mode() -> None:
    with open(__file__, "rb") as file:
        descriptor = lwt_unix.of_unix_file_descr(file.fileno())
        buffer = bytearray(3)
        assert lwt.state(lwt_unix.read(descriptor, buffer, 0, 3)) == lwt.Return(3)
    assert buffer == b'"""'


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
