"""Names of files, their owners and permissions."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

import lwt_unix
from lwt_unix import lwt_main

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("content")
    return tmp_path / "file"


def test_a_name_may_be_removed_changed_and_added(file: Path) -> None:
    other = file.parent / "other"
    lwt_main.run(lwt_unix.link(file, other))
    assert other.samefile(file)
    lwt_main.run(lwt_unix.unlink(file))
    assert not file.exists()
    lwt_main.run(lwt_unix.rename(other, file))
    assert (file.read_text(), other.exists()) == ("content", False)


def test_a_symbolic_link_leads_where_it_was_told(file: Path) -> None:
    link = file.parent / "link"
    lwt_main.run(lwt_unix.symlink("file", link))
    lwt_main.run(lwt_unix.symlink("nowhere", file.parent / "dangling", to_dir=False))
    assert link.read_text() == "content"
    assert lwt_main.run(lwt_unix.readlink(os.fsencode(link))) == "file"
    with pytest.raises(OSError, match="Invalid") as raised:
        lwt_main.run(lwt_unix.readlink(file))
    assert lwt_unix.unix_error(raised.value) == (errno.EINVAL, "readlink", str(file))


@pytest.mark.real_only("the simulated world has no mkfifo")
def test_a_pipe_may_have_a_name(tmp_path: Path) -> None:
    lwt_main.run(lwt_unix.mkfifo(tmp_path / "pipe", 0o600))
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.real_only("the owner is who runs the tests")
def test_permissions_can_be_changed_by_path_and_by_descriptor(file: Path) -> None:
    lwt_main.run(lwt_unix.chmod(file, 0o640))
    assert file.stat().st_mode & 0o7777 == 0o640
    fd = lwt_main.run(lwt_unix.openfile(file, [lwt_unix.O_RDONLY], 0))
    lwt_main.run(lwt_unix.fchmod(fd, 0o400))
    assert file.stat().st_mode & 0o7777 == 0o400
    lwt_main.run(lwt_unix.fchown(fd, -1, os.getgid()))
    lwt_main.run(lwt_unix.close(fd))
    lwt_main.run(lwt_unix.chown(file, os.getuid(), -1))
    assert (file.stat().st_uid, file.stat().st_gid) == (os.getuid(), os.getgid())


@pytest.mark.real_only("the program is root")
@pytest.mark.skipif(os.getuid() != 0, reason="only root may")
def test_the_owner_can_be_changed(file: Path) -> None:
    lwt_main.run(lwt_unix.chown(file, 5, 6))
    assert (file.stat().st_uid, file.stat().st_gid) == (5, 6)


@pytest.mark.parametrize("number", [-2, 2**32, 10**30])
def test_an_owner_is_a_number_of_the_system(number: int) -> None:
    for owner in (number, 0), (0, number):
        with pytest.raises(ValueError, match=r"^lwt_unix\.chown: [ug]id is "):
            lwt_unix.chown("/nowhere/a", *owner)


def test_access_is_granted_or_refused(file: Path) -> None:
    file.chmod(0o644)
    assert lwt_main.run(lwt_unix.access(file, [lwt_unix.R_OK, lwt_unix.F_OK])) is None
    assert lwt_main.run(lwt_unix.access(file, [])) is None
    with pytest.raises(PermissionError) as raised:
        lwt_main.run(lwt_unix.access(file, [lwt_unix.X_OK]))
    assert lwt_unix.unix_error(raised.value) == (errno.EACCES, "access", str(file))
    with pytest.raises(NotADirectoryError):
        lwt_main.run(lwt_unix.access(file / "below", [lwt_unix.F_OK]))


def test_access_takes_permissions_only() -> None:
    anything: Any = lwt_unix
    with pytest.raises(TypeError, match=r"^lwt_unix\.access: expected an access_permission, got 4"):
        anything.access("/nowhere/a", [4])
