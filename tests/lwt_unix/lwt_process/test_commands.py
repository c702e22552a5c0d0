"""Commands."""

from __future__ import annotations

from typing import Any

import pytest

from lwt_unix import lwt_main, lwt_process
from tests.support.children import until_all_are_reaped


def test_shell_is_a_command_like_any_other() -> None:
    assert lwt_process.shell("a | b") == ("", ["/bin/sh", "-c", "a | b"])
    assert lwt_main.run(lwt_process.pread(lwt_process.shell(b"echo \xff"))) == b"\xff\n"
    until_all_are_reaped()


def test_shell_takes_a_line() -> None:
    shell: Any = lwt_process.shell
    with pytest.raises(
        TypeError, match=r"^lwt_process\.shell: expected a command of the shell, got "
    ):
        shell(["ls"])
