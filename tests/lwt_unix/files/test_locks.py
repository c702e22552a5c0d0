"""Locks on parts of files, between processes."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import lwt
import lwt_unix
from lwt_unix import F_LOCK, F_RLOCK, F_TEST, F_TLOCK, F_TRLOCK, F_ULOCK, lwt_main
from tests.support.programs import in_child

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


@pytest.fixture
def file(tmp_path: Path) -> Iterator[lwt_unix.File_descr]:
    (tmp_path / "file").write_bytes(bytes(100))
    fd = lwt_main.run(lwt_unix.openfile(tmp_path / "file", [lwt_unix.O_RDWR], 0))
    yield fd
    lwt_main.run(lwt_unix.close(fd))


def is_refused(fd: lwt_unix.File_descr, command: lwt_unix.Lock_command, size: int = 0) -> bool:
    """Whether a child process cannot do this."""

    def child() -> None:
        try:
            lwt_main.run(lwt_unix.lockf(fd, command, size))
        except OSError as exn:
            number, name, arg = lwt_unix.unix_error(exn)
            assert number in {errno.EACCES, errno.EAGAIN}
            assert (name, arg) == ("lockf", "")
            os._exit(3)

    status = in_child(child)
    assert status in {0, 3}
    return status == 3


@pytest.mark.real_only("the simulated world has no locks")
def test_a_lock_for_writing_keeps_all_others_out_until_it_is_unlocked(
    file: lwt_unix.File_descr,
) -> None:
    lwt_main.run(lwt_unix.lockf(file, F_LOCK, 0))
    assert [is_refused(file, command) for command in (F_TLOCK, F_TRLOCK, F_TEST)] == [True] * 3
    lwt_main.run(lwt_unix.lockf(file, F_TEST, 0))  # It is our own.
    lwt_main.run(lwt_unix.lockf(file, F_ULOCK, 0))
    assert [is_refused(file, command) for command in (F_TLOCK, F_TRLOCK, F_TEST)] == [False] * 3


@pytest.mark.real_only("the simulated world has no locks")
def test_a_lock_for_reading_keeps_out_who_would_write(file: lwt_unix.File_descr) -> None:
    lwt_main.run(lwt_unix.lockf(file, F_RLOCK, 0))
    assert [is_refused(file, command) for command in (F_TLOCK, F_TRLOCK)] == [True, False]
    lwt_main.run(lwt_unix.lockf(file, F_TLOCK, 0))
    assert is_refused(file, F_TRLOCK)
    lwt_main.run(lwt_unix.lockf(file, F_TRLOCK, 0))
    assert not is_refused(file, F_TRLOCK)


@pytest.mark.real_only("the simulated world has no locks")
@pytest.mark.parametrize("size", [10, -10])
@pytest.mark.parametrize("command", [F_TLOCK, F_TRLOCK])
def test_a_lock_is_of_so_many_bytes_from_the_place_or_before_it(
    file: lwt_unix.File_descr, size: int, command: lwt_unix.Lock_command
) -> None:
    def place(offset: int) -> None:
        lwt_main.run(lwt_unix.lseek(file, offset, lwt_unix.SEEK_SET))

    place(50)
    lwt_main.run(lwt_unix.lockf(file, command, size))
    first = 50 if size > 0 else 40
    refused = []
    for offset in (first - 1, first, first + 9, first + 10):
        place(offset)
        refused.append(is_refused(file, F_TLOCK, 1))
    assert refused == [False, True, True, False]


@pytest.mark.real_only("the simulated world has no locks")
def test_who_waits_for_a_lock_waits_in_a_thread(file: lwt_unix.File_descr, tmp_path: Path) -> None:
    ready, tell_ready = os.pipe()
    go, tell_go = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.lockf(lwt_unix.unix_file_descr(file), os.F_LOCK, 0)
        os.write(tell_ready, b"x")
        os.read(go, 1)
        os._exit(0)
    os.read(ready, 1)
    locking = lwt_unix.lockf(file, F_LOCK, 0)
    lwt_main.run(lwt_unix.sleep(0.001))
    assert lwt.is_sleeping(locking)
    os.write(tell_go, b"x")
    assert lwt_main.run(locking) is None
    os.waitpid(pid, 0)
    for fd in ready, tell_ready, go, tell_go:
        os.close(fd)
