"""Opening files: flags, permissions, what is made of the descriptor."""

import errno
import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_main
from lwt_unix._jobs import jobs

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def opened(path: Path, *flags: lwt_unix.Open_flag) -> lwt_unix.File_descr:
    return lwt_main.run(lwt_unix.openfile(path, flags, 0o666))


def flags_of(fd: lwt_unix.File_descr) -> int:
    return fcntl.fcntl(lwt_unix.unix_file_descr(fd), fcntl.F_GETFL)


def close(fd: lwt_unix.File_descr) -> None:
    lwt_main.run(lwt_unix.close(fd))


@pytest.mark.usefixtures("umask")
def test_a_file_is_created_with_the_permissions_less_those_of_the_umask(tmp_path: Path) -> None:
    close(opened(tmp_path / "file", lwt_unix.O_WRONLY, lwt_unix.O_CREAT))
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o644


@pytest.mark.real_only("the flags, or the pipe, are those of the real system")
@pytest.mark.parametrize(
    ("flag", "bit"),
    [
        (lwt_unix.O_RDONLY, os.O_RDONLY),
        (lwt_unix.O_WRONLY, os.O_WRONLY),
        (lwt_unix.O_RDWR, os.O_RDWR),
    ],
)
def test_a_file_is_opened_for_what_the_flags_say(
    tmp_path: Path, flag: lwt_unix.Open_flag, bit: int
) -> None:
    (tmp_path / "file").touch()
    fd = opened(tmp_path / "file", flag, lwt_unix.O_APPEND)
    assert flags_of(fd) & os.O_ACCMODE == bit
    assert flags_of(fd) & os.O_APPEND
    close(fd)


def test_truncating_and_excluding(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    close(opened(tmp_path / "file", lwt_unix.O_WRONLY, lwt_unix.O_TRUNC))
    assert (tmp_path / "file").read_text() == ""
    flags = [lwt_unix.O_WRONLY, lwt_unix.O_CREAT, lwt_unix.O_EXCL]
    with pytest.raises(FileExistsError):
        lwt_main.run(lwt_unix.openfile(tmp_path / "file", flags, 0o666))


@pytest.mark.parametrize(
    ("flags", "inherits"),
    [([], True), ([lwt_unix.O_KEEPEXEC], True), ([lwt_unix.O_CLOEXEC], False)],
)
def test_programs_that_are_started_later_inherit_it_unless_asked_not_to(
    tmp_path: Path, flags: list[lwt_unix.Open_flag], inherits: bool
) -> None:
    (tmp_path / "file").touch()
    fd = opened(tmp_path / "file", lwt_unix.O_RDONLY, *flags)
    assert os.get_inheritable(lwt_unix.unix_file_descr(fd)) is inherits
    close(fd)


@pytest.mark.real_only("the flags, or the pipe, are those of the real system")
def test_a_file_is_in_blocking_mode_and_a_pipe_is_not(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    for name, is_blocking in ("file", True), ("pipe", False):
        fd = opened(tmp_path / name, lwt_unix.O_RDWR, lwt_unix.O_NONBLOCK)
        assert lwt_main.run(lwt_unix.blocking(fd)) is is_blocking
        assert bool(flags_of(fd) & os.O_NONBLOCK) is not is_blocking
        close(fd)


@pytest.mark.real_only("the flags, or the pipe, are those of the real system")
def test_the_main_loop_goes_on_while_opening_waits(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reading = lwt_unix.openfile(tmp_path / "pipe", [lwt_unix.O_RDONLY], 0)
    lwt_main.run(lwt_unix.sleep(0.001))
    assert lwt.is_sleeping(reading)
    writing = lwt_unix.openfile(tmp_path / "pipe", [lwt_unix.O_WRONLY], 0)
    for end in lwt_main.run(lwt.all([reading, writing])):
        close(end)


@pytest.mark.real_only("the flags, or the pipe, are those of the real system")
def test_what_is_opened_for_nobody_is_closed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    opening = lwt_unix.openfile(tmp_path / "pipe", [lwt_unix.O_RDONLY], 0)
    (job,) = jobs._jobs
    over = threading.Event()
    job.over = over.set
    lwt_unix.cancel_jobs()
    assert lwt.state(opening) == lwt.Fail(lwt.Canceled())
    close(opened(tmp_path / "pipe", lwt_unix.O_WRONLY))
    while not over.is_set():
        lwt_main.run(lwt.pause())


def test_wrong_flags_are_type_errors() -> None:
    anything: Any = lwt_unix
    for flags in 3, [3], [lwt_unix.S_REG], ["r"]:
        with pytest.raises(TypeError, match=r"^lwt_unix\.openfile: expected an? "):
            anything.openfile("/nowhere/a", flags, 0)


def test_a_directory_cannot_be_opened_for_writing_and_read_like_a_file(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError) as raised:
        opened(tmp_path, lwt_unix.O_WRONLY)
    assert lwt_unix.unix_error(raised.value) == (errno.EISDIR, "open", str(tmp_path))
    fd = opened(tmp_path, lwt_unix.O_RDONLY)
    for length in 5, 0:
        with pytest.raises(IsADirectoryError) as raised:
            lwt_main.run(lwt_unix.read(fd, bytearray(5), 0, length))
        assert lwt_unix.unix_error(raised.value) == (errno.EISDIR, "read", "")
        with pytest.raises(IsADirectoryError) as raised:
            lwt_main.run(lwt_unix.pread(fd, bytearray(5), 0, length, file_offset=0))
        assert lwt_unix.unix_error(raised.value) == (errno.EISDIR, "pread", "")
    close(fd)
