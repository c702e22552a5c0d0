"""Several buffers at once: the parts, and the calls that fill or write them."""

import errno
import os
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt_unix import IO_vectors, lwt_engine, lwt_main
from lwt_unix import _system as system
from tests.support.descriptors import Pair, Reason, fill, send
from tests.support.sockets import unix_error_of

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

anything: Any = lwt_unix


def vectors_of(*parts: tuple[Any, int, int]) -> IO_vectors.t:
    """Vectors that have these parts."""
    vectors = IO_vectors.create()
    for part in parts:
        IO_vectors.append_bytes(vectors, *part)
    return vectors


# --- Vectors -----------------------------------------------------------------


def test_bytes_are_counted_over_all_parts() -> None:
    assert IO_vectors.byte_count(IO_vectors.create()) == 0
    assert IO_vectors.byte_count(vectors_of((b"hello", 1, 3), (bytearray(9), 0, 9))) == 12


def test_vectors_show_how_much_they_have() -> None:
    assert repr(IO_vectors.create()) == "<IO_vectors.t: 0 parts, 0 bytes>"
    assert repr(vectors_of((b"hello", 1, 3))) == "<IO_vectors.t: 1 part, 3 bytes>"


def test_vectors_are_empty_if_no_part_has_bytes() -> None:
    assert IO_vectors.is_empty(IO_vectors.create())
    assert IO_vectors.is_empty(vectors_of((b"hello", 1, 0), (b"", 0, 0)))
    assert not IO_vectors.is_empty(vectors_of((b"hello", 1, 0), (b"!", 0, 1)))


@pytest.mark.parametrize(
    ("count", "left"), [(-1, 9), (0, 9), (2, 7), (3, 6), (4, 5), (8, 1), (9, 0), (10, 0)]
)
def test_bytes_are_dropped_from_the_front(count: int, left: int) -> None:
    vectors = vectors_of((b"abcdef", 0, 3), (b"ghijkl", 0, 6))
    IO_vectors.drop(vectors, count)
    assert IO_vectors.byte_count(vectors) == left


def test_what_is_dropped_is_not_written(ends: Pair) -> None:
    vectors = vectors_of((b"abcdef", 0, 3), (b"ghijkl", 0, 6))
    IO_vectors.drop(vectors, 4)
    assert lwt_main.run(lwt_unix.writev(ends[1], vectors)) == 5
    assert os.read(lwt_unix.unix_file_descr(ends[0]), 20) == b"hijkl"


def test_a_system_takes_only_so_many_parts(ends: Pair) -> None:
    assert isinstance(IO_vectors.system_limit, lwt.Some)
    limit = IO_vectors.system_limit.value
    vectors = vectors_of(*[(b"x", 0, 1)] * (limit + 5))
    assert lwt_main.run(lwt_unix.writev(ends[1], vectors)) == limit
    buffers = [bytearray(1) for _ in range(limit + 5)]
    filled = vectors_of(*[(buffer, 0, 1) for buffer in buffers])
    send(ends[1], b"y" * 5)
    assert lwt_main.run(lwt_unix.readv(ends[0], filled)) == limit
    assert b"".join(buffers) == b"x" * limit + bytes(5)


@pytest.mark.parametrize(
    "call",
    [
        lambda: anything.IO_vectors.append_bytes([], b"", 0, 0),
        lambda: anything.IO_vectors.append_bigarray(None, b"", 0, 0),
        lambda: anything.IO_vectors.drop(b"", 1),
        lambda: anything.IO_vectors.is_empty([]),
        lambda: anything.IO_vectors.byte_count([]),
        lambda: anything.readv(lwt_unix.stdin, [bytearray(3)]),
        lambda: anything.writev(lwt_unix.stdout, [b"abc"]),
    ],
)
def test_what_is_no_vectors_is_told_how_to_make_some(call: Callable[[], object]) -> None:
    with pytest.raises(TypeError, match=r"make vectors with lwt_unix\.IO_vectors\.create\(\)"):
        call()


@pytest.mark.parametrize("part", [(3, 0, 1), (b"a", "0", 1), (b"a", 0, 1.0), (b"a", 0, True)])
def test_a_part_of_another_type_is_refused(part: tuple[Any, int, int]) -> None:
    vectors = IO_vectors.create()
    with pytest.raises(TypeError, match=r"^lwt_unix\.IO_vectors\.append_bytes: expected "):
        IO_vectors.append_bytes(vectors, *part)
    assert IO_vectors.byte_count(vectors) == 0


def test_a_str_is_cut_only_if_bytes_and_characters_are_the_same(ends: Pair) -> None:
    assert lwt_main.run(lwt_unix.writev(ends[1], vectors_of(("hello", 1, 3)))) == 3
    assert os.read(lwt_unix.unix_file_descr(ends[0]), 20) == b"ell"
    with pytest.raises(ValueError, match="several bytes"):
        vectors_of(("h\u00e9llo", 1, 3))


# --- Reading and writing -----------------------------------------------------


def test_reading_fills_one_part_after_the_other(ends: Pair) -> None:
    send(ends[1], b"hello, you")
    one, other, rest = bytearray(b"....."), array("h", [0, 0]), bytearray(8)
    vectors = vectors_of((one, 1, 3), (other, 0, 4), (rest, 2, 6))
    assert lwt_main.run(lwt_unix.readv(ends[0], vectors)) == 10
    assert (bytes(one), other.tobytes(), bytes(rest)) == (b".hel.", b"lo, ", b"\0\0you\0\0\0")


def test_reading_leaves_the_vectors_as_they_were(ends: Pair) -> None:
    send(ends[1], b"hello")
    vectors = vectors_of((bytearray(4), 0, 4), (bytearray(4), 0, 4))
    assert lwt_main.run(lwt_unix.readv(ends[0], vectors)) == 5
    assert IO_vectors.byte_count(vectors) == 8


def test_reading_waits_for_data_and_for_the_parts_that_were_there_at_first(ends: Pair) -> None:
    one, other, late = bytearray(2), bytearray(8), bytearray(8)
    vectors = vectors_of((one, 0, 2), (other, 0, 8))
    reading = lwt_unix.readv(ends[0], vectors)
    IO_vectors.drop(vectors, 2)
    IO_vectors.append_bytes(vectors, late, 0, 8)
    assert lwt.is_sleeping(reading)
    send(ends[1], b"hello")
    assert lwt_main.run(reading) == 5
    assert [bytes(one), bytes(other[:3]), bytes(late)] == [b"he", b"llo", bytes(8)]


def test_a_cancelled_readv_reads_nothing(ends: Pair) -> None:
    buffer = bytearray(8)
    lwt.cancel(lwt_unix.readv(ends[0], vectors_of((buffer, 0, 8))))
    send(ends[1], b"hello")
    lwt_engine.iter(False)
    assert buffer == bytes(8)
    assert lwt_main.run(lwt_unix.readv(ends[0], vectors_of((buffer, 0, 8)))) == 5


def test_readv_gives_zero_at_the_end_of_file(ends: Pair) -> None:
    waiting = lwt_unix.readv(ends[0], vectors_of((bytearray(8), 0, 8)))
    lwt_main.run(lwt_unix.close(ends[1]))
    assert lwt_main.run(waiting) == 0


def test_writing_waits_for_room(pair: Pair) -> None:
    fill(pair[0])
    writing = lwt_unix.writev(pair[0], vectors_of((b"hello", 0, 5)))
    assert lwt.is_sleeping(writing)
    while lwt.is_sleeping(writing):
        os.read(lwt_unix.unix_file_descr(pair[1]), 65536)
        lwt_engine.iter(False)
    assert lwt.state(writing) == lwt.Return(5)


def test_without_parts_nothing_is_read_or_written(ends: Pair) -> None:
    send(ends[1], b"hello")
    assert lwt_main.run(lwt_unix.readv(ends[0], IO_vectors.create())) == 0
    assert lwt_main.run(lwt_unix.writev(ends[1], IO_vectors.create())) == 0
    assert os.read(lwt_unix.unix_file_descr(ends[0]), 20) == b"hello"


def test_a_file_is_read_where_it_is_and_written_behind_that(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"hello, you")

    async def main() -> tuple[int, int]:
        descriptor = await lwt_unix.openfile(path, [lwt_unix.O_RDWR], 0)
        async with descriptor:
            buffer = bytearray(8)
            read = await lwt_unix.readv(descriptor, vectors_of((buffer, 0, 3), (buffer, 3, 4)))
            assert buffer == b"hello, \0"
            written = await lwt_unix.writev(descriptor, vectors_of((b"wo", 0, 2), (b"rld", 0, 3)))
            return read, written

    assert lwt_main.run(main()) == (7, 5)
    assert path.read_bytes() == b"hello, world"


def test_a_file_that_is_in_memory_is_read_without_a_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not system.NOWAIT:
        pytest.skip("the kernel cannot tell")
    calls: list[tuple[object, ...]] = []
    preadv = system.preadv

    def noted(*arguments: Any) -> int:
        calls.append(arguments[2:])
        return preadv(*arguments)

    monkeypatch.setattr(system, "preadv", noted)
    path = tmp_path / "file"
    path.write_bytes(b"hello")

    async def main() -> None:
        descriptor = await lwt_unix.openfile(path, [lwt_unix.O_RDONLY], 0)
        async with descriptor:
            reading = lwt_unix.readv(descriptor, vectors_of((bytearray(8), 0, 8)))
            assert calls == [(-1, system.NOWAIT)]
            assert await reading == 5

    lwt_main.run(main())


@pytest.mark.real_only("a thread waits")
def test_more_than_a_pipe_holds_is_written_by_a_thread_in_blocking_mode(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    near = lwt_unix.of_unix_file_descr(reading, blocking=False)
    far = lwt_unix.of_unix_file_descr(writing, blocking=True)
    data = bytes(range(256)) * 1024

    async def main() -> bytes:
        async with near, far:
            written = lwt_unix.writev(far, vectors_of((data, 0, len(data))))
            received = bytearray()
            buffer = bytearray(65536)
            while len(received) < len(data):
                count = await lwt_unix.read(near, buffer, 0, len(buffer))
                received += buffer[:count]
            assert await written == len(data)
            return bytes(received)

    assert lwt_main.run(main()) == data


# --- Errors ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offset", "length"), [(-1, 1), (0, -1), (0, 6), (6, 0), (5, 1), (2**70, 1)]
)
def test_a_part_that_is_not_within_its_buffer_is_an_error_of_the_call(
    offset: int, length: int, ends: Pair
) -> None:
    send(ends[1], b"hello")
    good, buffer = bytearray(5), bytearray(5)
    vectors = vectors_of((good, 0, 5), (buffer, offset, length))
    with pytest.raises(ValueError, match=r"^Lwt_unix\.readv: .* not within the buffer"):
        lwt_unix.readv(ends[0], vectors)
    with pytest.raises(ValueError, match=r"^Lwt_unix\.writev: .* not within the buffer"):
        lwt_unix.writev(ends[1], vectors)
    good.append(0)  # It is not held.
    assert os.read(lwt_unix.unix_file_descr(ends[0]), 20) == b"hello"


def test_a_buffer_may_grow_until_its_part_is_used(ends: Pair) -> None:
    send(ends[1], b"hello")
    buffer = bytearray()
    vectors = vectors_of((buffer, 0, 5))
    buffer.extend(bytes(5))
    assert lwt_main.run(lwt_unix.readv(ends[0], vectors)) == 5
    assert buffer == b"hello"


def test_a_buffer_that_is_read_only_is_not_filled(ends: Pair) -> None:
    send(ends[1], b"hello")
    good = bytearray(2)
    with pytest.raises(TypeError, match=r"^lwt_unix\.readv: .* read-only; use a bytearray"):
        lwt_unix.readv(ends[0], vectors_of((good, 0, 2), (b"abc", 0, 3)))
    good.append(0)
    assert os.read(lwt_unix.unix_file_descr(ends[0]), 20) == b"hello"


@pytest.mark.parametrize("call", [lwt_unix.readv, lwt_unix.writev])
def test_a_descriptor_that_is_not_opened_is_an_error_and_no_buffer_is_held(
    call: Callable[[lwt_unix.File_descr, IO_vectors.t], lwt.Promise[int]], ends: Pair
) -> None:
    buffer = bytearray(5)
    lwt_unix.abort(ends[0], Reason())
    with pytest.raises(Reason):
        call(ends[0], vectors_of((buffer, 0, 5)))
    lwt_main.run(lwt_unix.close(ends[0]))
    assert unix_error_of(lambda: call(ends[0], vectors_of((buffer, 0, 5)))) == (
        errno.EBADF,
        "check_descriptor",
        "",
    )
    buffer.append(0)


def test_an_error_of_the_system_has_the_name_of_the_call(pair: Pair) -> None:
    lwt_main.run(lwt_unix.close(pair[1]))
    buffer = bytearray(5)
    assert unix_error_of(lambda: lwt_unix.writev(pair[0], vectors_of((buffer, 0, 5)))) == (
        errno.EPIPE,
        "writev",
        "",
    )
    buffer.append(0)


def test_a_directory_cannot_be_read(tmp_path: Path) -> None:
    async def main() -> None:
        descriptor = await lwt_unix.openfile(tmp_path, [lwt_unix.O_RDONLY], 0)
        async with descriptor:
            await lwt_unix.readv(descriptor, vectors_of((bytearray(5), 0, 5)))

    assert unix_error_of(lambda: lwt_main.run(main())) == (errno.EISDIR, "readv", "")


def test_a_full_disk_is_told_of() -> None:
    async def main() -> None:
        descriptor = await lwt_unix.openfile("/dev/full", [lwt_unix.O_WRONLY], 0)
        async with descriptor:
            await lwt_unix.writev(descriptor, vectors_of((b"hello", 0, 5)))

    assert unix_error_of(lambda: lwt_main.run(main())) == (errno.ENOSPC, "writev", "")


# --- For Lwt_bytes -----------------------------------------------------------


def test_bigarrays_are_read_and_written_as_any_buffer(ends: Pair) -> None:
    data, buffer = memoryview(bytearray(b"hello")), memoryview(bytearray(5))
    assert lwt_main.run(lwt_unix.write_bigarray("Lwt_bytes.write", ends[1], data, 1, 4)) == 4
    assert lwt_main.run(lwt_unix.read_bigarray("Lwt_bytes.read", ends[0], buffer, 0, 5)) == 4
    assert bytes(buffer) == b"ello\0"


def test_a_wrong_range_of_a_bigarray_is_an_error_of_the_function_that_is_named(ends: Pair) -> None:
    buffer = bytearray(5)
    with pytest.raises(ValueError, match=r"^Lwt_bytes\.read: 5 bytes from offset 1"):
        lwt_unix.read_bigarray("Lwt_bytes.read", ends[0], buffer, 1, 5)
    with pytest.raises(ValueError, match=r"^Lwt_bytes\.write: 6 bytes from offset 0"):
        lwt_unix.write_bigarray("Lwt_bytes.write", ends[1], buffer, 0, 6)
    with pytest.raises(TypeError, match=r"^lwt_unix\.read_bigarray: expected a str"):
        anything.read_bigarray(ends[0], buffer, 0, 5, 5)
