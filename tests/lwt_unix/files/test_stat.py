"""What is known of a file."""

import os
from pathlib import Path

import pytest

import lwt_unix
from lwt_unix import lwt_main
from tests.support.descriptors import Pair

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


def as_python_has_it(found: os.stat_result) -> tuple[float, ...]:
    return (
        found.st_dev,
        found.st_ino,
        found.st_mode & 0o7777,
        found.st_nlink,
        found.st_uid,
        found.st_gid,
        found.st_rdev,
        found.st_size,
        found.st_atime,
        found.st_mtime,
        found.st_ctime,
    )


def all_but_kind(stats: lwt_unix.Stats) -> tuple[float, ...]:
    return tuple(getattr(stats, name) for name in lwt_unix.Stats.__slots__ if name != "st_kind")


def test_all_is_told_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    path.chmod(0o4751)
    fd = lwt_main.run(lwt_unix.openfile(path, [lwt_unix.O_RDONLY], 0))
    expected = as_python_has_it(path.stat())
    for found in (
        lwt_unix.stat(path),
        lwt_unix.lstat(path),
        lwt_unix.fstat(fd),
        lwt_unix.LargeFile.stat(path),
        lwt_unix.LargeFile.lstat(path),
        lwt_unix.LargeFile.fstat(fd),
    ):
        stats = lwt_main.run(found)
        assert (stats.st_kind, all_but_kind(stats)) == (lwt_unix.S_REG, expected)
    lwt_main.run(lwt_unix.close(fd))


@pytest.mark.real_only("one of the kinds is a pipe that has a name")
def test_the_kind_is_told(tmp_path: Path, pair: Pair) -> None:
    (tmp_path / "link").symlink_to("/dev/null")
    os.mkfifo(tmp_path / "pipe")
    kinds = {
        tmp_path: lwt_unix.S_DIR,
        tmp_path / "link": lwt_unix.S_LNK,
        tmp_path / "pipe": lwt_unix.S_FIFO,
        Path("/dev/null"): lwt_unix.S_CHR,
    }
    for path, kind in kinds.items():
        assert lwt_main.run(lwt_unix.lstat(path)).st_kind is kind
    assert lwt_main.run(lwt_unix.stat(tmp_path / "link")).st_kind is lwt_unix.S_CHR
    assert lwt_main.run(lwt_unix.fstat(pair[0])).st_kind is lwt_unix.S_SOCK


def test_a_file_exists_if_it_can_be_asked_about(tmp_path: Path) -> None:
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "file").touch()
    for function in lwt_unix.file_exists, lwt_unix.LargeFile.file_exists:
        exist = {
            name: lwt_main.run(function(tmp_path / name))
            for name in ("", "file", "dangling", "none", "file/below")
        }
        assert exist == {
            "": True,
            "file": True,
            "dangling": False,
            "none": False,
            "file/below": False,
        }


@pytest.mark.real_only("the clock is the real one")
def test_the_times_of_a_file_can_be_set(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    lwt_main.run(lwt_unix.utimes(path, 1.5, 2.25))
    assert (path.stat().st_atime, path.stat().st_mtime) == (1.5, 2.25)
    lwt_main.run(lwt_unix.utimes(path, 0, 0.0))
    assert path.stat().st_mtime > 1_000_000_000


@pytest.mark.parametrize("time", [float("nan"), float("inf"), 10**30, -(10**400)])
def test_a_time_that_no_system_can_take_is_a_value_error(time: float) -> None:
    with pytest.raises(ValueError, match=r"^lwt_unix\.utimes: "):
        lwt_unix.utimes("/nowhere/a", 0, time)


@pytest.mark.real_only("the simulated world has no terminals")
def test_a_terminal_is_told_from_what_is_none(pair: Pair) -> None:
    controlling, terminal = os.openpty()
    fd = lwt_unix.of_unix_file_descr(terminal)
    assert lwt_main.run(lwt_unix.isatty(fd)) is True
    assert lwt_main.run(lwt_unix.isatty(pair[0])) is False
    lwt_main.run(lwt_unix.close(fd))
    os.close(controlling)
