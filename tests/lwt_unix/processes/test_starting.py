"""Starting programs: redirections, directories, variables, and what cannot be run."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import lwt_unix
from lwt_unix import _system as system
from lwt_unix import lwt_main, lwt_process
from lwt_unix._processes import starting
from tests.support.descriptors import no_more_descriptors, open_descriptors
from tests.support.programs import in_child

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


def run(command: str | tuple[str, list[str]], **options: Any) -> lwt_unix.Process_status:
    line = lwt_process.shell(command) if isinstance(command, str) else command
    return lwt_main.run(lwt_process.exec(line, **options))


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Runs a command, and returns what it has written."""
    fd = os.open(tmp_path / "out", os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)

    def written(command: str | tuple[str, list[str]], **options: Any) -> str:
        os.ftruncate(fd, 0)
        os.lseek(fd, 0, os.SEEK_SET)
        run(command, **{"stdout": ("FD_copy", fd), **options})
        return os.pread(fd, 65536, 0).decode()

    yield written
    os.close(fd)


# --- Commands ----------------------------------------------------------------


def test_an_empty_name_stands_for_the_first_argument(out: Callable[..., str]) -> None:
    assert out(("", ["echo", "a b", "$HOME"])) == "a b $HOME\n"


def test_a_name_beside_the_arguments_is_what_is_run(out: Callable[..., str]) -> None:
    assert out(("/bin/sh", ["other", "-c", "echo $0 $1", "zero", "one"])) == "zero one\n"
    assert out(("sh", ["other", "-c", "echo found"])) == "found\n"


def test_arguments_may_be_empty(out: Callable[..., str]) -> None:
    assert out(("/bin/echo", ["", "", "a"])) == " a\n"
    assert run(("/bin/true", [])) == lwt_unix.WEXITED(0)


def test_a_program_is_looked_for_in_our_path_and_not_in_that_of_the_child(
    out: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for folder in (ours, theirs):
        folder.mkdir()
        (folder / "tell").write_text(f"#!/bin/sh\necho {folder.name}\n")
        (folder / "tell").chmod(0o700)
    monkeypatch.setenv("PATH", f"/no/such:{ours}")
    assert out(("", ["tell"]), env={"PATH": str(theirs)}) == "ours\n"


def test_an_empty_part_of_the_path_is_the_directory_of_the_child(
    out: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tell").write_text("#!/bin/sh\necho here\n")
    (tmp_path / "tell").chmod(0o700)
    monkeypatch.setenv("PATH", ":/bin")
    assert out(("", ["tell"]), cwd=tmp_path) == "here\n"


def test_a_script_that_names_no_interpreter_is_run_by_the_shell(
    out: Callable[..., str], tmp_path: Path
) -> None:
    script = tmp_path / "script"
    script.write_text("echo $0 $1\n")
    script.chmod(0o700)
    assert out(("", [str(script), "x"])) == f"{script} x\n"


@pytest.mark.parametrize(
    ("command", "options"),
    [
        (("", ["no_such_program"]), {}),
        (("", ["/no/such/program"]), {}),
        (("", ["/"]), {}),
        (("", ["/etc/passwd"]), {}),
        (("", []), {}),
        (("", [""]), {}),
        (("", ["true"]), {"cwd": "/no/such/directory"}),
        (("", ["x" * 5000]), {}),
        (("", ["true", "x" * 5_000_000]), {}),
    ],
)
def test_what_cannot_be_run_ends_with_127(command: Any, options: Any) -> None:
    assert run(command, **options) == lwt_unix.WEXITED(127)


def test_sigpipe_has_its_usual_effect_in_the_child(out: Callable[..., str]) -> None:
    ignored = int(out("grep SigIgn /proc/self/status").split()[1], 16)
    assert not ignored >> (signal.SIGPIPE - 1) & 1


# --- Redirections ------------------------------------------------------------


def test_null_is_empty_and_takes_everything(out: Callable[..., str]) -> None:
    assert out("cat; echo end", stdin="Dev_null") == "end\n"
    assert run("echo gone", stdout="Dev_null") == lwt_unix.WEXITED(0)
    assert run("echo gone >&2", stderr="Dev_null") == lwt_unix.WEXITED(0)


@pytest.mark.parametrize("name", ["stdin", "stdout", "stderr"])
def test_what_is_to_be_closed_is_closed_in_the_child_alone(tmp_path: Path, name: str) -> None:
    number = ("stdin", "stdout", "stderr").index(name)
    inherited = os.get_inheritable(number)
    found = f"test -e /proc/self/fd/{number}"
    assert run(found) == lwt_unix.WEXITED(0)
    assert run(found, **{name: "Close"}) == lwt_unix.WEXITED(1)
    assert os.get_inheritable(number) == inherited


def test_a_copy_is_what_the_other_has_become_by_then(
    out: Callable[..., str], tmp_path: Path
) -> None:
    assert out("echo err >&2; echo out", stderr=("FD_copy", 1)) == "err\nout\n"
    (tmp_path / "in").write_text("read\n")
    fd = os.open(tmp_path / "in", os.O_RDWR)
    assert run(
        "echo written >&1", stdin=("FD_copy", fd), stdout=("FD_copy", 0)
    ) == lwt_unix.WEXITED(0)
    os.close(fd)
    assert (tmp_path / "in").read_text() == "written\n"


def test_what_is_moved_is_closed_here_when_the_program_has_started() -> None:
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    count = f"ls /proc/$$/fd | grep -c '^{writing}$'"
    assert run(count, stdout=("FD_move", writing)) == lwt_unix.WEXITED(1)
    assert os.read(reading, 100) == b"0\n"
    assert os.read(reading, 100) == b""
    os.close(reading)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(writing)


def test_no_descriptor_is_inherited_that_is_not_inheritable(out: Callable[..., str]) -> None:
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    found = {int(fd) for fd in out(("", ["ls", "/proc/self/fd"])).split()}
    assert (reading in found, writing in found) == (False, True)
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize(
    "options",
    [
        {"stdin": ("FD_copy", 5000)},
        {"stdin": "Close", "stdout": ("FD_copy", 0)},
        {"stdout": ("FD_move", 5000)},
    ],
)
def test_a_descriptor_that_is_not_open_is_an_error_and_starts_nothing(options: Any) -> None:
    with pytest.raises(OSError, match="Bad file descriptor") as raised:
        run("exit 0", **options)
    assert lwt_unix.unix_error(raised.value) == (errno.EBADF, "dup2", "")
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_a_descriptor_cannot_be_moved_twice() -> None:
    reading, writing = os.pipe()
    with pytest.raises(OSError, match="Bad file descriptor"):
        run("exit 0", stdout=("FD_move", writing), stderr=("FD_move", writing))
    os.write(writing, b"still here")
    os.close(reading)
    os.close(writing)


# --- Variables and the directory ---------------------------------------------


@pytest.mark.parametrize(
    "env",
    [["A=1", "B=x=y"], [b"A=1", b"B=x=y"], {"A": "1", "B": "x=y"}, ["A=1", "B=x=y", "A=2"]],
)
def test_the_variables_are_those_given_and_no_others(out: Callable[..., str], env: Any) -> None:
    assert sorted(out(("", ["env"]), env=env).split()) == ["A=1", "B=x=y"]


def test_without_variables_the_child_has_ours(
    out: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LWT_TEST", "ours")
    assert out("echo $LWT_TEST") == "ours\n"
    assert out("echo $LWT_TEST", env=[]) == "\n"


def test_the_directory_is_the_child_s(out: Callable[..., str], tmp_path: Path) -> None:
    assert out(("", ["pwd"]), cwd=tmp_path) == f"{tmp_path.resolve()}\n"
    assert out(("", ["pwd"]), cwd=os.fsencode(tmp_path)) == f"{tmp_path.resolve()}\n"


# --- What goes wrong ---------------------------------------------------------


def test_where_no_descriptor_is_left_nothing_is_started_and_nothing_is_lost() -> None:
    before = open_descriptors()
    with no_more_descriptors(), pytest.raises(OSError, match="Too many open files"):
        lwt_process.pread(lwt_process.shell("echo never"))
    assert open_descriptors() == before
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.ENOMEM, errno.EMFILE])
def test_where_no_process_can_be_started_the_error_says_so(
    monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object, **__: object) -> Any:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(system, "Popen", refuse)
    before = open_descriptors()
    with pytest.raises(OSError, match=os.strerror(number)) as raised:
        lwt_process.open_process_full(("", ["true"]))
    assert lwt_unix.unix_error(raised.value) == (number, "fork", "")
    assert open_descriptors() == before


def test_a_child_whose_end_cannot_be_learnt_is_not_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> Any:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(starting, "wait_for", refuse)
    with pytest.raises(OSError, match="Too many open files"):
        lwt_process.open_process_in(("", ["sleep", "60"]))
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_a_signal_while_a_program_is_started_and_waited_for_disturbs_nothing() -> None:
    def disturbed() -> None:
        signal.signal(signal.SIGALRM, lambda *_: None)
        signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
        for _ in range(20):
            assert lwt_main.run(lwt_process.pread(("", ["echo", "x"]))) == b"x\n"
            assert run("exit 2") == lwt_unix.WEXITED(2)

    assert in_child(disturbed) == 0


def test_a_program_with_its_standard_descriptors_closed_can_start_others() -> None:
    def closed() -> None:
        for fd in range(3):
            os.close(fd)
        upper = lwt_process.pmap(("", ["tr", "a-z", "A-Z"]), "text", stderr="Dev_null")
        assert lwt_main.run(upper) == b"TEXT"

    assert in_child(closed) == 0


@pytest.mark.parametrize(
    ("command", "options", "error", "text"),
    [
        ("ls", {}, TypeError, "expected a command, which is a name and arguments, got 'ls'"),
        (["", ["ls"]], {}, TypeError, "expected a command, which is a name and arguments"),
        (("", "ls"), {}, TypeError, "expected an iterable of arguments, got 'ls'"),
        (("", ["ls", 3]), {}, TypeError, "expected an argument, got 3"),
        (("", ["l\0s"]), {}, ValueError, "an argument, .* cannot be given to a program"),
        (("", ["l\udfff"]), {}, ValueError, "an argument, .* cannot be given to a program"),
        (("", ["ls"]), {"env": ["A"]}, ValueError, "'A' is not a variable with its value"),
        (("", ["ls"]), {"env": {"A=B": "C"}}, ValueError, "'A=B' cannot be the name"),
        (("", ["ls"]), {"env": "A=1"}, TypeError, "expected an iterable of variables"),
        (("", ["ls"]), {"cwd": 3}, TypeError, "expected a path, got 3"),
        (("", ["ls"]), {"cwd": "a\0"}, ValueError, "has a NUL in it"),
        (("", ["ls"]), {"stdin": "keep"}, TypeError, "expected a redirection, got 'keep'"),
        (("", ["ls"]), {"stdin": ("FD_copy", -1)}, ValueError, "-1 is not a file descriptor"),
        (("", ["ls"]), {"timeout": "3"}, TypeError, "expected a number of seconds"),
    ],
)
def test_wrong_arguments_are_told_and_start_nothing(
    command: Any, options: Any, error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=f"^lwt_process.exec: .*{text}"):
        lwt_process.exec(command, **options)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
