"""What calls on files are given: paths, permissions, offsets."""

import errno
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_io, lwt_main
from tests.support.descriptors import is_simulated

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

ON_A_PATH: dict[str, Callable[[Any], object]] = {
    "lwt_unix.openfile": lambda x: lwt_unix.openfile(x, [lwt_unix.O_RDONLY], 0),
    "lwt_unix.truncate": lambda x: lwt_unix.truncate(x, 0),
    "lwt_unix.stat": lwt_unix.stat,
    "lwt_unix.lstat": lwt_unix.lstat,
    "lwt_unix.utimes": lambda x: lwt_unix.utimes(x, 0, 0),
    "lwt_unix.unlink": lwt_unix.unlink,
    "lwt_unix.rename": lambda x: lwt_unix.rename(x, "/nowhere/b"),
    "lwt_unix.link": lambda x: lwt_unix.link(x, "/nowhere/b"),
    "lwt_unix.readlink": lwt_unix.readlink,
    "lwt_unix.mkfifo": lambda x: lwt_unix.mkfifo(x, 0o600),
    "lwt_unix.chmod": lambda x: lwt_unix.chmod(x, 0o600),
    "lwt_unix.chown": lambda x: lwt_unix.chown(x, -1, -1),
    "lwt_unix.access": lambda x: lwt_unix.access(x, [lwt_unix.F_OK]),
    "lwt_unix.mkdir": lambda x: lwt_unix.mkdir(x, 0o700),
    "lwt_unix.rmdir": lwt_unix.rmdir,
    "lwt_unix.chdir": lwt_unix.chdir,
    "lwt_unix.opendir": lwt_unix.opendir,
}
"""Functions that fail with ENOENT, and say so of the path, if there is no such path."""

OTHERS: dict[str, Callable[[Any], object]] = {
    "lwt_unix.rename": lambda x: lwt_unix.rename("/nowhere/a", x),
    "lwt_unix.link": lambda x: lwt_unix.link("/nowhere/a", x),
    "lwt_unix.symlink": lambda x: lwt_unix.symlink("/nowhere/a", x),
    "lwt_unix.chroot": lwt_unix.chroot,
    "lwt_unix.file_exists": lwt_unix.file_exists,
    "lwt_unix.files_of_directory": lwt_unix.files_of_directory,
    "lwt_io.open_file": lambda x: lwt_io.open_file(x, mode=lwt_io.Input),
    "lwt_io.with_file": lambda x: lwt_io.with_file(x, lwt_io.read, mode=lwt_io.Input),
    "lwt_io.file_length": lwt_io.file_length,
    "lwt_io.lines_of_file": lwt_io.lines_of_file,
    "lwt_io.chars_of_file": lwt_io.chars_of_file,
    "lwt_io.lines_to_file": lambda x: lwt_io.lines_to_file(x, []),
    "lwt_io.chars_to_file": lambda x: lwt_io.chars_to_file(x, []),
    "lwt_io.open_temp_file": lambda x: lwt_io.open_temp_file(temp_dir=x),
    "lwt_io.with_temp_file": lambda x: lwt_io.with_temp_file(lambda _: lwt.return_unit, temp_dir=x),
    "lwt_io.create_temp_dir": lambda x: lwt_io.create_temp_dir(parent=x),
    "lwt_io.with_temp_dir": lambda x: lwt_io.with_temp_dir(lambda _: lwt.return_unit, parent=x),
    "lwt_io.delete_recursively": lwt_io.delete_recursively,
}

FUNCTIONS = [*ON_A_PATH.items(), *OTHERS.items()]


@pytest.mark.parametrize(("name", "function"), FUNCTIONS)
def test_what_is_no_path_is_a_type_error(name: str, function: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError, match=rf"^{re.escape(name)}: expected a path: .* got 3 \(int\)"):
        function(3)


@pytest.mark.parametrize(("name", "function"), FUNCTIONS)
@pytest.mark.parametrize("path", ["/tmp/a\0b", b"/tmp/a\0b", "/tmp/\ud800"])
def test_a_path_that_no_system_can_take_is_a_value_error(
    name: str, function: Callable[[Any], object], path: str | bytes
) -> None:
    with pytest.raises(ValueError, match=rf"^{re.escape(name)}: the path "):
        function(path)


@pytest.mark.parametrize("name", ON_A_PATH)
@pytest.mark.parametrize("kind", [str, os.fsencode, Path])
def test_an_error_tells_the_call_and_the_path(name: str, kind: Callable[[str], object]) -> None:
    if is_simulated() and name == "lwt_unix.mkfifo":
        pytest.skip("the simulated world has no mkfifo")
    failing: Any = ON_A_PATH[name](kind("/nowhere/a"))
    with pytest.raises(FileNotFoundError) as raised:
        lwt_main.run(failing)
    call = {"openfile": "open"}.get(name[9:], name[9:])
    assert lwt_unix.unix_error(raised.value) == (errno.ENOENT, call, "/nowhere/a")


PERMISSIONS: dict[str, Callable[[Any], object]] = {
    "lwt_unix.openfile": lambda x: lwt_unix.openfile("/nowhere/a", [lwt_unix.O_RDONLY], x),
    "lwt_unix.mkfifo": lambda x: lwt_unix.mkfifo("/nowhere/a", x),
    "lwt_unix.chmod": lambda x: lwt_unix.chmod("/nowhere/a", x),
    "lwt_unix.mkdir": lambda x: lwt_unix.mkdir("/nowhere/a", x),
    "lwt_io.create_temp_dir": lambda x: lwt_io.create_temp_dir(perm=x),
    "lwt_io.open_temp_file": lambda x: lwt_io.open_temp_file(perm=x),
}


@pytest.mark.parametrize("name", PERMISSIONS)
def test_permissions_are_small_numbers(name: str) -> None:
    with pytest.raises(TypeError, match=f"^{re.escape(name)}: expected an int for the permissions"):
        PERMISSIONS[name]("rw")
    for number in (-1, 0o10000, 10**30):
        with pytest.raises(ValueError, match=f"^{re.escape(name)}: the permissions is "):
            PERMISSIONS[name](number)
