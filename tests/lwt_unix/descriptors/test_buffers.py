"""Buffers, and parts of them: which are taken, and when they are given back."""

import array
import mmap
import os
from collections.abc import Callable

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_engine, lwt_main
from tests.support.descriptors import Pair, send

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


# --- Ranges, in every mode ---------------------------------------------------


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
    with pytest.raises(TypeError, match=r"expected an int, got .*; the offset"):
        function(pair[0], bytearray(8), bound, 1)
    with pytest.raises(TypeError, match=r"expected an int, got .*; the length"):
        function(pair[0], bytearray(8), 0, bound)


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


def test_a_str_in_which_bytes_and_characters_differ_is_refused_even_as_a_whole(pair: Pair) -> None:
    with pytest.raises(ValueError, match=r"^lwt_unix\.write: .* but 'é!' has .* encode it first"):
        lwt_unix.write(pair[1], "é!", 0, 3)
    assert not lwt_unix.readable(pair[0])


def test_write_string_is_write(pair: Pair) -> None:
    assert lwt_main.run(lwt_unix.write_string(pair[1], "hello", 1, 3)) == 3
    assert os.read(lwt_unix.unix_file_descr(pair[0]), 8) == b"ell"


@pytest.mark.parametrize("buffer", [b"12345678", memoryview(b"12345678")])
def test_a_read_only_buffer_is_refused(pair: Pair, buffer: bytearray) -> None:
    with pytest.raises(TypeError, match="read-only"):
        lwt_unix.read(pair[0], buffer, 0, 1)


@pytest.mark.parametrize("buffer", ["12345678", None, [1, 2], memoryview(bytearray(8))[::2]])
def test_what_is_no_buffer_is_refused(pair: Pair, buffer: bytearray) -> None:
    with pytest.raises(TypeError, match=r"^lwt_unix\.read: "):
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


@pytest.mark.real_only("a real descriptor takes the place of the other")
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


@pytest.mark.real_only("a real descriptor takes the place of the other")
def test_a_view_that_a_read_was_given_is_still_the_callers_when_the_read_fails(pair: Pair) -> None:
    refuse_reading(pair[0])
    view = memoryview(bytearray(b"12345678"))
    with pytest.raises(OSError, match="Bad file"):
        lwt_unix.read(pair[0], view, 0, 8)
    assert view.tobytes() == b"12345678"
