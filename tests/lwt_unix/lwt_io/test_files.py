"""Channels on files."""

import errno
import gc
import os
from pathlib import Path
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt import lwt_stream
from lwt_unix import lwt_io, lwt_main
from tests.support.descriptors import open_descriptors

pytestmark = [
    pytest.mark.usefixtures("nothing_left_behind"),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file"


def test_what_is_written_to_a_file_is_read_from_it(path: Path) -> None:
    text = "".join(f"line {number}\n" for number in range(10_000))

    async def write_and_read() -> bytes:
        async with await lwt_io.open_file(path, mode=lwt_io.Output) as oc:
            await lwt_io.write(oc, text)
        async with await lwt_io.open_file(path, mode=lwt_io.Input) as ic:
            return await lwt_io.read(ic)

    assert lwt_main.run(write_and_read()) == text.encode() == path.read_bytes()


def test_opening_for_output_loses_what_was_there_unless_the_flags_say_otherwise(
    path: Path,
) -> None:
    flags = [lwt_unix.O_WRONLY, lwt_unix.O_APPEND]
    for given, expected in (None, "new"), (flags, "newnew"):
        lwt_main.run(
            lwt_io.with_file(
                path, lambda oc: lwt_io.write(oc, "new"), mode=lwt_io.Output, flags=given
            )
        )
        assert path.read_text() == expected


def test_the_permissions_are_those_that_were_given(path: Path) -> None:
    before = os.umask(0o022)
    try:
        for perm, expected in (None, 0o644), (0o600, 0o600):
            oc = lwt_main.run(lwt_io.open_file(path, mode=lwt_io.Output, perm=perm))
            lwt_main.run(lwt_io.close(oc))
            assert path.stat().st_mode & 0o777 == expected
            path.unlink()
    finally:
        os.umask(before)


def test_with_file_gives_the_result_and_closes_the_channel(path: Path) -> None:
    path.write_text("content")
    channels = []

    async def read(ic: lwt_io.InputChannel) -> bytes:
        channels.append(ic)
        return await lwt_io.read(ic)

    assert lwt_main.run(lwt_io.with_file(path, read, mode=lwt_io.Input)) == b"content"

    def fail(ic: lwt_io.InputChannel) -> lwt.Promise[None]:
        channels.append(ic)
        raise LookupError

    with pytest.raises(LookupError):
        lwt_main.run(lwt_io.with_file(path, fail, mode=lwt_io.Input))
    assert [lwt_io.is_closed(channel) for channel in channels] == [True, True]


def test_what_cannot_be_opened_is_not_used(path: Path) -> None:
    with pytest.raises(FileNotFoundError) as raised:
        lwt_main.run(lwt_io.with_file(path, lwt_io.read, mode=lwt_io.Input))
    assert lwt_unix.unix_error(raised.value) == (errno.ENOENT, "open", str(path))


def test_the_buffer_is_the_one_that_was_given(path: Path) -> None:
    path.write_text("content")
    buffer = memoryview(bytearray(16))
    lwt_main.run(lwt_io.with_file(path, lwt_io.read_char, mode=lwt_io.Input, buffer=buffer))
    assert bytes(buffer[:7]) == b"content"


def test_a_loop_that_reads_a_file_from_memory_delays_nobody(path: Path) -> None:
    path.write_bytes(bytes(100))
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await lwt.pause()
            turns += 1

    async def read() -> None:
        fd = await lwt_unix.openfile(path, [lwt_unix.O_RDONLY], 0)
        buffer = bytearray(1)
        async with fd:
            for _ in range(10_000):
                await lwt_unix.pread(fd, buffer, 0, 1, file_offset=0)
                await lwt_unix.lseek(fd, 0, lwt_unix.SEEK_SET)
                await lwt_unix.read(fd, buffer, 0, 1)

    other = lwt.of_coroutine(others())
    lwt_main.run(read())
    lwt.cancel(other)
    assert turns > 10_000 // 64


def test_aborting_a_channel_rejects_who_reads_in_a_thread_at_once(path: Path) -> None:
    data = bytes(1_000_000)
    path.write_bytes(data)
    buffer = memoryview(bytearray(len(data)))
    ic = lwt_main.run(lwt_io.open_file(path, mode=lwt_io.Input, buffer=buffer))
    reading = lwt_io.read_char(ic)
    assert lwt.is_sleeping(reading)
    closing = lwt_io.abort(ic)
    assert lwt.state(reading) == lwt.Fail(lwt_io.Channel_closed("input"))
    lwt_main.run(closing)


def test_a_descriptor_is_not_closed_before_a_thread_has_done_with_its_number(path: Path) -> None:
    path.write_bytes(bytes(1_000_000))
    fd = lwt_main.run(lwt_unix.openfile(path, [lwt_unix.O_RDONLY], 0))
    buffer = bytearray(1_000_000)
    reading = lwt_unix.read(fd, buffer, 0, len(buffer))
    closing = lwt_unix.close(fd)
    assert lwt_unix.state(fd) is lwt_unix.Closed
    assert lwt_main.run(reading) == len(buffer)
    lwt_main.run(closing)
    assert lwt_unix.unix_file_descr(fd) not in open_descriptors()


def test_the_length_of_a_file(path: Path, tmp_path: Path) -> None:
    path.write_bytes(bytes(12_345))
    assert lwt_main.run(lwt_io.file_length(path)) == 12_345
    with pytest.raises(IsADirectoryError) as raised:
        lwt_main.run(lwt_io.file_length(tmp_path))
    assert lwt_unix.unix_error(raised.value) == (errno.EISDIR, "file_length", str(tmp_path))


# --- Streams -----------------------------------------------------------------


def test_lines_written_to_a_file_are_read_from_it(path: Path) -> None:
    lines = [f"line {number}".encode() for number in range(2000)]
    lwt_main.run(lwt_io.lines_to_file(path, lwt_stream.of_list(lines)))
    assert path.read_bytes() == b"".join(line + b"\n" for line in lines)
    assert lwt_main.run(lwt_stream.to_list(lwt_io.lines_of_file(path))) == lines


def test_characters_written_to_a_file_are_read_from_it(path: Path) -> None:
    chars = [bytes([number]) for number in range(256)]
    lwt_main.run(lwt_io.chars_to_file(path, lwt_stream.of_list(chars)))
    assert path.read_bytes() == bytes(range(256))
    assert lwt_main.run(lwt_stream.to_list(lwt_io.chars_of_file(path))) == chars


def test_a_file_is_opened_when_its_first_line_is_asked_for(path: Path) -> None:
    stream = lwt_io.lines_of_file(path)
    path.write_text("a\nb")
    assert lwt_main.run(lwt_stream.to_list(stream)) == [b"a", b"b"]
    with pytest.raises(FileNotFoundError):
        lwt_main.run(lwt_stream.next(lwt_io.lines_of_file(path.parent / "none")))


def test_a_stream_that_is_dropped_closes_its_file(path: Path) -> None:
    path.write_text("a\nb\n")
    lwt_main.run(lwt_unix.run_job(lambda: None))  # It opens a pipe.
    before = open_descriptors()
    stream = lwt_io.lines_of_file(path)
    assert lwt_main.run(lwt_stream.next(stream)) == b"a"
    assert open_descriptors() != before
    del stream
    gc.collect()
    lwt_main.run(lwt_unix.wait_for_jobs())
    assert open_descriptors() == before


def test_the_mode_must_be_one() -> None:
    io: Any = lwt_io
    with pytest.raises(TypeError, match=r"^lwt_io\.open_file: expected a mode, got 'r'"):
        io.open_file("/nowhere/a", mode="r")
    with pytest.raises(TypeError, match=r"^lwt_io\.with_file: expected a mode, got 'r'"):
        io.with_file("/nowhere/a", print, mode="r")
    with pytest.raises(TypeError, match=r"^lwt_io\.with_file: expected a function, got 3"):
        io.with_file("/nowhere/a", 3, mode=lwt_io.Input)
