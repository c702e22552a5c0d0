"""Reading what is in memory of a file without a thread, and what is not by one."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import lwt
import lwt_unix
from lwt_unix import _system as system
from lwt_unix import lwt_main
from lwt_unix._descriptors.actions import MOST_AT_ONCE, OF_A_CALL
from lwt_unix._descriptors.page_cache import MOST_NOW

pytestmark = [
    pytest.mark.real_only("these look at what is in memory of real files"),
    pytest.mark.usefixtures("nothing_left_behind"),
    pytest.mark.skipif(not system.NOWAIT, reason="the kernel cannot tell what is in memory"),
]

READS = ("read", "pread")


@pytest.fixture
def file(tmp_path: Path) -> Iterator[lwt_unix.File_descr]:
    """A file of some pages, which are in memory, since they were written just now."""
    (tmp_path / "file").write_bytes(bytes(2 * MOST_NOW))
    fd = lwt_main.run(lwt_unix.openfile(tmp_path / "file", [lwt_unix.O_RDONLY], 0))
    yield fd
    lwt_main.run(lwt_unix.close(fd))


def begin(name: str, fd: lwt_unix.File_descr, length: int = 10) -> lwt.Promise[int]:
    """Begin to read."""
    buffer = bytearray(length)
    if name == "read":
        return lwt_unix.read(fd, buffer, 0, length)
    return lwt_unix.pread(fd, buffer, 0, length, file_offset=0)


class Answers:
    """Takes the place of `preadv`: fails with these errors, and counts how often it is asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *numbers: int) -> None:
        self.asked = 0
        self.numbers = [*numbers]
        self.really = system.preadv
        monkeypatch.setattr(system, "preadv", self)

    def __call__(self, fd: int, buffers: tuple[memoryview], offset: int, flags: int = 0, /) -> int:
        if not flags:  # A thread may wait.
            return self.really(fd, buffers, offset)
        self.asked += 1
        if self.numbers:
            number = self.numbers.pop(0)
            raise OSError(number, os.strerror(number))
        return self.really(fd, buffers, offset, flags)


@pytest.mark.parametrize("name", READS)
def test_what_is_in_memory_is_read_at_once(name: str, file: lwt_unix.File_descr) -> None:
    assert lwt.state(begin(name, file)) == lwt.Return(10)
    assert lwt.state(begin(name, file, MOST_NOW)) == lwt.Return(MOST_NOW)


@pytest.mark.parametrize("name", READS)
def test_the_end_of_the_file_is_known_at_once(name: str, file: lwt_unix.File_descr) -> None:
    lwt_main.run(lwt_unix.lseek(file, 0, lwt_unix.SEEK_END))
    buffer = bytearray(10)
    if name == "read":
        reading = lwt_unix.read(file, buffer, 0, 10)
    else:
        reading = lwt_unix.pread(file, buffer, 0, 10, file_offset=2 * MOST_NOW)
    assert lwt.state(reading) == lwt.Return(0)


@pytest.mark.parametrize("name", READS)
def test_what_is_not_in_memory_is_read_by_a_thread(
    name: str, file: lwt_unix.File_descr, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = Answers(monkeypatch, errno.EAGAIN)
    reading = begin(name, file)
    assert lwt.is_sleeping(reading)
    assert lwt_main.run(reading) == 10
    assert lwt.state(begin(name, file)) == lwt.Return(10)  # The kernel is asked each time.
    assert answers.asked == 2


@pytest.mark.parametrize("name", READS)
def test_a_file_system_that_cannot_tell_is_asked_once(
    name: str, file: lwt_unix.File_descr, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = Answers(monkeypatch, errno.EOPNOTSUPP)
    for _ in range(2):
        reading = begin(name, file)
        assert lwt.is_sleeping(reading)
        assert lwt_main.run(reading) == 10
    assert answers.asked == 1


@pytest.mark.parametrize("name", READS)
def test_where_the_kernel_has_no_such_call_a_thread_reads(
    name: str, file: lwt_unix.File_descr, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "NOWAIT", 0)
    reading = begin(name, file)
    assert lwt.is_sleeping(reading)
    assert lwt_main.run(reading) == 10


@pytest.mark.parametrize("name", READS)
def test_who_reads_without_end_lets_others_have_their_turn(
    name: str, file: lwt_unix.File_descr
) -> None:
    at_once = 0
    lwt_main.run(lwt.pause())
    while lwt.is_sleeping(reading := begin(name, file)) is False:
        at_once += 1
    assert lwt_main.run(reading) == 10
    assert at_once <= 2 * MOST_AT_ONCE // OF_A_CALL  # The count goes on from turn to turn.


def test_an_error_is_that_of_the_call(tmp_path: Path) -> None:
    fd = lwt_main.run(lwt_unix.openfile(tmp_path, [lwt_unix.O_RDONLY], 0))
    with pytest.raises(IsADirectoryError) as raised:
        lwt_main.run(begin("read", fd))
    assert lwt_unix.unix_error(raised.value) == (errno.EISDIR, "read", "")
    lwt_main.run(lwt_unix.close(fd))


def test_after_dup2_it_is_asked_anew_what_stands_behind_the_number(
    file: lwt_unix.File_descr,
) -> None:
    reading, writing = lwt_unix.pipe()
    lwt_main.run(begin("read", file))
    os.write(lwt_unix.unix_file_descr(writing), b"abc")
    lwt_unix.dup2(reading, file)
    assert lwt.state(begin("read", file)) == lwt.Return(3)
    waiting = begin("read", file)
    assert lwt.is_sleeping(waiting)
    lwt.cancel(waiting)
    for end in reading, writing:
        lwt_main.run(lwt_unix.close(end))
