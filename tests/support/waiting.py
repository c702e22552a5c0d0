"""Reports of who waits for whom, to be compared as a whole."""

import re
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import lwt
from lwt_unix import testing

Kept = list[lwt.Promise[object]]


def report(told: object = None) -> str:
    """The report, with lines counted from the first one of the caller."""
    caller = sys._getframe(1).f_code

    def counted(found: re.Match[str]) -> str:
        file, line = found.groups()
        assert file == caller.co_filename
        return f"line {int(line) - caller.co_firstlineno}"

    return re.sub(
        r'File "(.*)", line (\d+)', counted, str(testing.waiting() if told is None else told)
    )


def started(*functions: Callable[[], Coroutine[Any, Any, object]]) -> Kept:
    """Run bodies up to where they wait for each other."""
    promises: Kept = [lwt.of_coroutine(function()) for function in functions]
    while lwt.paused_count():
        lwt.wakeup_paused()
    return promises


def text(*lines: str) -> str:
    return "\n".join(lines)
