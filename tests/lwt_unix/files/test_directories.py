"""Directories, and what is in them."""

import errno
import gc
import os
from pathlib import Path
from unittest.mock import patch

import pytest

import lwt
import lwt_unix
from lwt import lwt_stream
from lwt_unix import _system as system
from lwt_unix import lwt_main
from lwt_unix._files import directories
from tests.support.descriptors import open_descriptors

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

NAMES = {f"name {number}" for number in range(10)} | {"n\udce9"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / name).touch()
    return tmp_path


async def all_of(stream: lwt_stream.Stream[str]) -> list[str]:
    return await lwt_stream.to_list(stream)


def test_a_directory_may_be_made_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "new"
    lwt_main.run(lwt_unix.mkdir(path, 0o700))
    assert path.stat().st_mode & 0o7777 == 0o700
    with pytest.raises(FileExistsError):
        lwt_main.run(lwt_unix.mkdir(path, 0o700))
    lwt_main.run(lwt_unix.rmdir(path))
    assert not path.exists()


@pytest.mark.real_only("the directory is that of this process")
def test_the_current_directory_may_be_changed(tmp_path: Path) -> None:
    before = lwt_main.run(lwt_unix.getcwd())
    assert before == os.getcwd()
    lwt_main.run(lwt_unix.chdir(tmp_path))
    try:
        assert lwt_main.run(lwt_unix.getcwd()) == str(tmp_path.resolve())
    finally:
        os.chdir(before)


def test_the_root_directory_may_be_changed_by_root_only(tmp_path: Path) -> None:
    with patch.object(system, "chroot", side_effect=PermissionError(errno.EPERM, "no")) as chroot:
        with pytest.raises(PermissionError) as raised:
            lwt_main.run(lwt_unix.chroot(tmp_path))
        chroot.assert_called_once_with(str(tmp_path))
    assert lwt_unix.unix_error(raised.value) == (errno.EPERM, "chroot", str(tmp_path))


def test_the_entries_come_one_by_one_and_then_the_end(folder: Path) -> None:
    async def read() -> list[str]:
        handle = await lwt_unix.opendir(folder)
        found = []
        try:
            while True:
                found.append(await lwt_unix.readdir(handle))
        except EOFError:
            await lwt_unix.closedir(handle)
            return found

    found = lwt_main.run(read())
    assert found[:2] == [".", ".."]
    assert sorted(found[2:]) == sorted(NAMES)


def test_the_entries_come_so_many_at_once_and_again_from_the_beginning(folder: Path) -> None:
    async def read() -> list[list[str]]:
        handle = await lwt_unix.opendir(folder)
        found = [await lwt_unix.readdir_n(handle, count) for count in (0, 5, 100, 100)]
        await lwt_unix.rewinddir(handle)
        found.append(await lwt_unix.readdir_n(handle, 100))
        await lwt_unix.closedir(handle)
        return found

    nothing, some, rest, end, again = lwt_main.run(read())
    assert (nothing, len(some), end) == ([], 5, [])
    assert some + rest == again
    assert set(again) == NAMES | {".", ".."}


def test_a_directory_that_is_closed_cannot_be_used(folder: Path) -> None:
    handle = lwt_main.run(lwt_unix.opendir(folder))
    lwt_main.run(lwt_unix.closedir(handle))
    for name in "readdir", "rewinddir", "closedir", "readdir_n":
        arguments = [3] if name == "readdir_n" else []
        failed = getattr(lwt_unix, name)(handle, *arguments)
        with pytest.raises(OSError, match="Bad file descriptor") as raised:
            lwt_main.run(failed)
        assert lwt_unix.unix_error(raised.value) == (errno.EBADF, f"Lwt_unix.{name}", "")
    assert repr(handle).endswith("(closed)>")


@pytest.mark.parametrize("count", [-1, 10**30])
def test_a_number_of_entries_that_cannot_be_rejects(folder: Path, count: int) -> None:
    handle = lwt_main.run(lwt_unix.opendir(folder))
    with pytest.raises(ValueError, match=r"^Lwt_unix\.readdir_n: count is "):
        lwt_main.run(lwt_unix.readdir_n(handle, count))
    lwt_main.run(lwt_unix.closedir(handle))


def test_one_that_is_dropped_is_closed(folder: Path) -> None:
    before = open_descriptors()
    handle = lwt_main.run(lwt_unix.opendir(folder))
    number = handle._directory._fd
    del handle
    gc.collect()
    assert number in before or number not in open_descriptors()


def test_what_is_no_directory_is_not_opened(folder: Path) -> None:
    with pytest.raises(NotADirectoryError) as raised:
        lwt_main.run(lwt_unix.opendir(folder / "name 1"))
    assert lwt_unix.unix_error(raised.value)[:2] == (errno.ENOTDIR, "opendir")


@pytest.mark.parametrize("at_once", [3, 13, 1024])
def test_the_stream_has_all_entries(
    folder: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(directories, "_AT_ONCE", at_once)
    found = lwt_main.run(all_of(lwt_unix.files_of_directory(folder)))
    assert len(found) == len(NAMES) + 2
    assert set(found) == NAMES | {".", ".."}


def test_a_stream_of_what_does_not_exist_fails_when_it_is_asked(tmp_path: Path) -> None:
    stream = lwt_unix.files_of_directory(tmp_path / "none")
    with pytest.raises(FileNotFoundError):
        lwt_main.run(lwt_stream.next(stream))


def test_a_stream_that_is_dropped_closes_its_directory(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directories, "_AT_ONCE", 3)
    lwt_main.run(lwt_unix.run_job(lambda: None))  # It opens a pipe.
    before = open_descriptors()
    stream = lwt_unix.files_of_directory(folder)
    lwt_main.run(lwt_stream.next(stream))
    assert len(open_descriptors()) > len(before)
    del stream
    gc.collect()
    assert open_descriptors() == before


def test_two_may_read_one_directory_at_once(folder: Path) -> None:
    async def read() -> list[list[str]]:
        handle = await lwt_unix.opendir(folder)
        found = await lwt.all([lwt_unix.readdir_n(handle, 4) for _ in range(5)])
        await lwt_unix.closedir(handle)
        return found

    found = [name for names in lwt_main.run(read()) for name in names]
    assert len(found) == len(set(found)) == len(NAMES) + 2
