"""Places in files, their length, writing to disk."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_main
from lwt_unix._descriptors.page_cache import MOST_NOW
from tests.support.descriptors import Pair

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


@pytest.fixture
def file(tmp_path: Path) -> Iterator[lwt_unix.File_descr]:
    """A file that has ten digits."""
    (tmp_path / "file").write_bytes(b"0123456789")
    fd = lwt_main.run(lwt_unix.openfile(tmp_path / "file", [lwt_unix.O_RDWR], 0))
    yield fd
    if lwt_unix.state(fd) is not lwt_unix.Closed:
        lwt_main.run(lwt_unix.close(fd))


def content(fd: lwt_unix.File_descr) -> bytes:
    return os.pread(lwt_unix.unix_file_descr(fd), 1_000_000, 0)


def place(fd: lwt_unix.File_descr) -> int:
    return os.lseek(lwt_unix.unix_file_descr(fd), 0, os.SEEK_CUR)


def test_reading_at_a_place_leaves_the_descriptor_where_it_is(file: lwt_unix.File_descr) -> None:
    buffer = bytearray(5)
    assert lwt_main.run(lwt_unix.pread(file, buffer, 1, 3, file_offset=4)) == 3
    assert (bytes(buffer), place(file)) == (b"\x00456\0", 0)
    assert lwt_main.run(lwt_unix.pread(file, buffer, 0, 5, file_offset=8)) == 2
    assert lwt_main.run(lwt_unix.pread(file, buffer, 0, 5, file_offset=10)) == 0


def test_writing_at_a_place_leaves_the_descriptor_where_it_is(file: lwt_unix.File_descr) -> None:
    assert lwt_main.run(lwt_unix.pwrite(file, b"abcde", 1, 3, file_offset=4)) == 3
    assert lwt_main.run(lwt_unix.pwrite_string(file, "xyz", 0, 3, file_offset=12)) == 3
    assert (content(file), place(file)) == (b"0123bcd789\0\0xyz", 0)


def test_reading_and_writing_go_on_where_the_descriptor_is(file: lwt_unix.File_descr) -> None:
    buffer = bytearray(4)
    assert lwt_main.run(lwt_unix.read(file, buffer, 0, 4)) == 4
    assert lwt_main.run(lwt_unix.write(file, b"ab", 0, 2)) == 2
    assert lwt_main.run(lwt_unix.read(file, buffer, 0, 1)) == 1
    assert (bytes(buffer), content(file), place(file)) == (b"6123", b"0123ab6789", 7)


def test_a_large_part_is_read_in_a_thread(file: lwt_unix.File_descr) -> None:
    data = bytes(range(256)) * (MOST_NOW // 256 + 1)
    os.pwrite(lwt_unix.unix_file_descr(file), data, 0)
    buffer = bytearray(len(data))
    reading = lwt_unix.read(file, buffer, 0, len(data))
    assert lwt.is_sleeping(reading)
    assert lwt_main.run(reading) == len(data)
    assert buffer == data
    reading = lwt_unix.pread(file, buffer, 0, len(data), file_offset=1)
    assert lwt.is_sleeping(reading)
    assert lwt_main.run(reading) == len(data) - 1


@pytest.mark.parametrize(
    ("offset", "whence", "expected"),
    [
        (3, lwt_unix.SEEK_SET, 3),
        (3, lwt_unix.SEEK_CUR, 8),
        (-2, lwt_unix.SEEK_CUR, 3),
        (-3, lwt_unix.SEEK_END, 7),
        (3, lwt_unix.SEEK_END, 13),
    ],
)
def test_moving_gives_the_place(
    file: lwt_unix.File_descr, offset: int, whence: lwt_unix.Seek_command, expected: int
) -> None:
    lwt_main.run(lwt_unix.lseek(file, 5, lwt_unix.SEEK_SET))
    assert lwt_main.run(lwt_unix.lseek(file, offset, whence)) == expected == place(file)
    assert lwt_main.run(lwt_unix.LargeFile.lseek(file, 0, lwt_unix.SEEK_CUR)) == expected


def test_a_place_before_the_beginning_is_an_error(file: lwt_unix.File_descr) -> None:
    with pytest.raises(OSError, match="Invalid") as raised:
        lwt_main.run(lwt_unix.lseek(file, -1, lwt_unix.SEEK_SET))
    assert lwt_unix.unix_error(raised.value) == (errno.EINVAL, "lseek", "")
    with pytest.raises(OSError, match="Invalid") as raised:
        lwt_main.run(lwt_unix.pread(file, bytearray(1), 0, 1, file_offset=-1))
    assert lwt_unix.unix_error(raised.value) == (errno.EINVAL, "pread", "")
    with pytest.raises(OSError, match="Invalid") as raised:
        lwt_main.run(lwt_unix.pwrite(file, b"a", 0, 1, file_offset=-1))
    assert lwt_unix.unix_error(raised.value) == (errno.EINVAL, "pwrite", "")
    assert place(file) == 0


@pytest.mark.parametrize("is_blocking", [False, True])
def test_what_is_no_file_has_no_places(pair: Pair, is_blocking: bool) -> None:
    lwt_unix.set_blocking(pair[0], is_blocking)

    async def fail(name: str) -> tuple[int, str, str]:
        calls: dict[str, Any] = {
            "pread": lambda: lwt_unix.pread(pair[0], bytearray(1), 0, 1, file_offset=0),
            "pwrite": lambda: lwt_unix.pwrite(pair[0], b"a", 0, 1, file_offset=0),
            "lseek": lambda: lwt_unix.lseek(pair[0], 0, lwt_unix.SEEK_CUR),
        }
        try:
            await calls[name]()
        except OSError as exn:
            return lwt_unix.unix_error(exn)
        raise AssertionError

    for name in "pread", "pwrite", "lseek":
        assert lwt_main.run(fail(name)) == (errno.ESPIPE, name, "")


def test_a_file_may_be_made_shorter_and_longer(file: lwt_unix.File_descr, tmp_path: Path) -> None:
    lwt_main.run(lwt_unix.truncate(tmp_path / "file", 5))
    assert content(file) == b"01234"
    lwt_main.run(lwt_unix.ftruncate(file, 7))
    assert content(file) == b"01234\0\0"
    lwt_main.run(lwt_unix.LargeFile.truncate(tmp_path / "file", 2))
    assert content(file) == b"01"
    lwt_main.run(lwt_unix.LargeFile.ftruncate(file, 1))
    assert content(file) == b"0"
    with pytest.raises(OSError, match="Invalid") as raised:
        lwt_main.run(lwt_unix.truncate(tmp_path / "file", -1))
    assert lwt_unix.unix_error(raised.value)[:2] == (errno.EINVAL, "truncate")


def test_what_was_written_can_be_awaited_on_the_disk(file: lwt_unix.File_descr, pair: Pair) -> None:
    for function in lwt_unix.fsync, lwt_unix.fdatasync:
        assert lwt_main.run(function(file)) is None
        with pytest.raises(OSError, match="Invalid") as raised:
            lwt_main.run(function(pair[0]))
        assert lwt_unix.unix_error(raised.value) == (errno.EINVAL, function.__name__, "")


def test_a_full_disk_is_an_error() -> None:
    fd = lwt_main.run(lwt_unix.openfile("/dev/full", [lwt_unix.O_WRONLY], 0))
    with pytest.raises(OSError, match="No space") as raised:
        lwt_main.run(lwt_unix.write(fd, b"a", 0, 1))
    assert lwt_unix.unix_error(raised.value) == (errno.ENOSPC, "write", "")
    lwt_main.run(lwt_unix.close(fd))


def test_a_file_that_is_closed_cannot_be_used(file: lwt_unix.File_descr) -> None:
    lwt_main.run(lwt_unix.close(file))
    for use in (
        lambda: lwt_unix.pread(file, bytearray(1), 0, 1, file_offset=0),
        lambda: lwt_unix.pwrite(file, b"a", 0, 1, file_offset=0),
        lambda: lwt_unix.lseek(file, 0, lwt_unix.SEEK_CUR),
        lambda: lwt_unix.ftruncate(file, 0),
        lambda: lwt_unix.fsync(file),
        lambda: lwt_unix.fdatasync(file),
    ):
        with pytest.raises(OSError, match="Bad file descriptor"):
            use()


def test_a_range_that_is_not_within_the_buffer_is_a_value_error(file: lwt_unix.File_descr) -> None:
    buffer = bytearray(5)
    with pytest.raises(ValueError, match=r"^Lwt_unix\.pread: "):
        lwt_unix.pread(file, buffer, 3, 3, file_offset=0)
    with pytest.raises(ValueError, match=r"^Lwt_unix\.pwrite: "):
        lwt_unix.pwrite(file, buffer, -1, 3, file_offset=0)
    with pytest.raises(ValueError, match=r"^lwt_unix\.pwrite_string: .*é"):
        lwt_unix.pwrite_string(file, "é", 0, 1, file_offset=0)
    buffer.append(1)
