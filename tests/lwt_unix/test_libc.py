"""What is asked of the C library: services, protocols, the processor."""

import ctypes
import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from lwt_unix import _libc, lwt_sys


class Without:
    """The C library, without some of its functions."""

    def __init__(self, *missing: str) -> None:
        self._missing = missing

    def __getattr__(self, name: str) -> Any:
        if name.endswith(self._missing):
            raise AttributeError(name)
        return getattr(ctypes.CDLL(None), name)


@pytest.fixture(params=["with memory", "without"])
def _in_each_form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the functions that are given memory, and those that are not."""
    if request.param == "without":
        monkeypatch.setattr(_libc, "_library", Without("_r"))


def lines_of(path: str) -> list[list[str]]:
    """The words of each line of a table of the system, without comments."""
    if not Path(path).exists():
        pytest.skip(f"there is no {path}")
    lines = [line.partition("#")[0].split() for line in Path(path).read_text().splitlines()]
    return [words for words in lines if words]


@pytest.mark.usefixtures("_in_each_form")
def test_each_service_of_the_table_is_found_by_all_its_names() -> None:
    wanted: dict[tuple[str, str], tuple[str, list[str], int, str]] = {}
    for name, where, *aliases in lines_of("/etc/services"):
        port, _, protocol = where.partition("/")
        for one in (name, *aliases):
            wanted.setdefault((one, protocol), (name, aliases, int(port), protocol))
    found = {
        (name, protocol): _libc.getservbyname(name.encode(), protocol.encode())
        for name, protocol in wanted
    }
    assert found == wanted


@pytest.mark.usefixtures("_in_each_form")
def test_each_service_of_the_table_is_found_by_its_port() -> None:
    wanted: dict[tuple[int, str], tuple[str, list[str], int, str]] = {}
    for name, where, *aliases in lines_of("/etc/services"):
        port, _, protocol = where.partition("/")
        wanted.setdefault((int(port), protocol), (name, aliases, int(port), protocol))
    found = {
        (port, protocol): _libc.getservbyport(port, protocol.encode()) for port, protocol in wanted
    }
    assert found == wanted


@pytest.mark.usefixtures("_in_each_form")
def test_each_protocol_of_the_table_is_found() -> None:
    wanted: dict[str | int, tuple[str, list[str], int]] = {}
    for name, number, *aliases in lines_of("/etc/protocols"):
        for key in (name, *aliases):
            wanted.setdefault(key, (name, aliases, int(number)))
        wanted.setdefault(int(number), (name, aliases, int(number)))
    found = {
        key: (
            _libc.getprotobynumber(key)
            if isinstance(key, int)
            else _libc.getprotobyname(key.encode())
        )
        for key in wanted
    }
    assert found == wanted


@pytest.mark.usefixtures("_in_each_form")
def test_what_is_not_known_is_none() -> None:
    assert _libc.getservbyname(b"no such service", b"tcp") is None
    assert _libc.getservbyport(1, b"no such protocol") is None
    assert _libc.getprotobyname(b"no such protocol") is None
    assert _libc.getprotobynumber(-1) is None


def test_an_entry_is_given_more_memory_where_it_needs_some(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not hasattr(ctypes.CDLL(None), "getprotobyname_r"):
        pytest.skip("the library gives memory of its own")
    usual = _libc.getprotobyname(b"tcp")
    monkeypatch.setattr(_libc, "_SIZE_AT_FIRST", 1)
    assert _libc.getprotobyname(b"tcp") == usual


def test_a_port_goes_over_the_network_with_its_larger_byte_first() -> None:
    assert [_libc._swapped(port) for port in (0, 80, 0xFFFF)] == [
        socket.htons(port) for port in (0, 80, 0xFFFF)
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_the_processor_is_one_on_which_the_process_may_run() -> None:
    assert _libc.sched_getcpu() in os.sched_getaffinity(0)


def test_a_system_that_does_not_tell_the_processor_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_libc, "_library", Without("sched_getcpu"))
    with pytest.raises(lwt_sys.Not_available, match="get_cpu"):
        _libc.sched_getcpu()
