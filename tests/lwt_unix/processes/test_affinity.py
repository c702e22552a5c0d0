"""On which processors a process runs."""

import errno
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import lwt_unix
from lwt_unix import _system as system
from lwt_unix import lwt_sys
from tests.support.sockets import unix_error_of

anything: Any = lwt_unix

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these")


@pytest.fixture
def _as_before() -> Iterator[None]:
    """Let the process run in the end where it might at first."""
    before = os.sched_getaffinity(0)
    yield
    os.sched_setaffinity(0, before)


@on_linux
def test_the_process_runs_on_a_processor_on_which_it_may() -> None:
    assert lwt_unix.get_affinity() == sorted(os.sched_getaffinity(0))
    assert lwt_unix.get_affinity(pid=os.getpid()) == lwt_unix.get_affinity()
    assert lwt_unix.get_cpu() in lwt_unix.get_affinity()


@on_linux
@pytest.mark.usefixtures("_as_before")
def test_a_process_can_be_kept_to_one_processor() -> None:
    first = lwt_unix.get_affinity()[0]
    lwt_unix.set_affinity([first, 1000])
    assert lwt_unix.get_affinity() == [first]
    assert lwt_unix.get_cpu() == first


@on_linux
def test_errors_of_the_system_have_the_names_of_the_calls() -> None:
    nobody = 2**31 - 1
    asked = unix_error_of(lambda: lwt_unix.get_affinity(pid=nobody))
    assert asked == (errno.ESRCH, "sched_getaffinity", "")
    chosen = unix_error_of(lambda: lwt_unix.set_affinity([0], pid=nobody))
    assert chosen == (errno.ESRCH, "sched_setaffinity", "")
    assert unix_error_of(lambda: lwt_unix.set_affinity([]))[0] == errno.EINVAL


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: anything.get_affinity(pid="1"), "get_affinity: expected an int for pid"),
        (lambda: anything.set_affinity(0), "set_affinity: expected an iterable of numbers"),
        (lambda: anything.set_affinity(["0"]), "set_affinity: expected an int for the processor"),
        (lambda: anything.set_affinity([-1]), "set_affinity: the processor is -1; expected 0 to"),
        (lambda: anything.set_affinity([1024]), "set_affinity: the processor is 1024"),
        (lambda: anything.set_affinity([0], pid=2**31), "set_affinity: pid is 2147483648"),
    ],
)
def test_arguments_of_a_wrong_kind_are_refused(call: Callable[[], object], error: str) -> None:
    with pytest.raises((TypeError, ValueError), match=rf"^lwt_unix\.{error}"):
        call()


def test_where_the_system_has_no_such_calls_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "sched_getaffinity", None)
    monkeypatch.setattr(system, "sched_setaffinity", None)
    with pytest.raises(lwt_sys.Not_available, match="get_affinity"):
        lwt_unix.get_affinity()
    with pytest.raises(lwt_sys.Not_available, match="set_affinity"):
        lwt_unix.set_affinity([0])
