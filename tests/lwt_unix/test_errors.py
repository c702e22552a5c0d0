"""Reporting an error of the system, and giving up."""

import errno
import sys

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_main


def fail_with(exn: Exception) -> lwt.Promise[int]:
    return lwt.fail(exn)


def raise_(exn: Exception) -> lwt.Promise[int]:
    raise exn


@pytest.mark.parametrize("f", [fail_with, raise_])
def test_an_error_of_the_system_is_printed_and_ends_the_process(
    f: object, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callable(f)
    monkeypatch.setattr(sys, "argv", ["program"])
    with pytest.raises(SystemExit) as raised:
        lwt_unix.handle_unix_error(f, FileNotFoundError(errno.ENOENT, "No such file", "/etc/x"))
    assert raised.value.code == 2
    assert capsys.readouterr().err == "program: No such file on '/etc/x'\n"


def test_other_exceptions_and_values_pass() -> None:
    failed = lwt_unix.handle_unix_error(fail_with, LookupError())
    assert lwt.state(failed) == lwt.Fail(LookupError())
    assert lwt_main.run(lwt_unix.handle_unix_error(lwt.return_, 3)) == 3


def test_what_is_no_function_is_refused_and_what_returns_no_promise_is_named() -> None:
    with pytest.raises(
        TypeError, match=r"^lwt_unix\.handle_unix_error: expected a function, got 3"
    ):
        lwt_unix.handle_unix_error(3, 4)  # type: ignore[arg-type]  # what is tested
    with pytest.raises(TypeError, match="no_promise"):
        lwt_main.run(lwt_unix.handle_unix_error(no_promise, 4))  # type: ignore[arg-type]  # the same


def no_promise(x: int) -> int:
    return x
