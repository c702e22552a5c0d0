"""How counts are read from what the tools write. The tools themselves run in `make budgets`."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from lwt_unix import lwt_engine
from tests.budgets.counting import ROOT, _run, of_each, parts_of_strace, total_of_callgrind
from tests.budgets.growth import CHOSEN, close_all
from tests.budgets.growth import OPERATIONS as OF_MANY
from tests.budgets.operations import LONG, OPERATIONS, SHORT


def test_the_total_of_callgrind_is_found() -> None:
    text = "events: Ir\nsummary: 12345\n\nfn=(1) bind\n3 45\ntotals: 12345\n"
    assert total_of_callgrind(text) == 12345


def test_strace_is_counted_between_marks_without_the_calls_of_clients_and_for_memory() -> None:
    lines = """\
read(3, "", 1) = 0
getpriority(PRIO_PROCESS, 0) = 20
sendto(5, "x", 1, 0, NULL, 0) = 1
mmap(NULL, 1048576, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f56c2c00000
epoll_wait(3, [], 255, 0) = 0
read(4, "x", 4096) = 1
read(4, 0x7f0c2c0, 4096) = -1 EAGAIN (Resource temporarily unavailable)
getpriority(PRIO_PROCESS, 0) = 20
--- SIGCHLD {si_signo=SIGCHLD} ---
+++ exited with 0 +++""".splitlines()
    assert parts_of_strace(lines) == [
        Counter(read=1),
        Counter(epoll_wait=1, read=2),
        Counter(),
    ]


def test_the_library_of_another_checkout_runs_with_the_tests_of_this_one(tmp_path: Path) -> None:
    (tmp_path / "tests" / "budgets").mkdir(parents=True)
    (tmp_path / "tests" / "budgets" / "operations.py").write_text(
        "raise AssertionError('not this one')"
    )
    (tmp_path / "lwt").mkdir()
    (tmp_path / "lwt" / "__main__.py").write_text("""
import importlib.util, os, sys
found = importlib.util.find_spec("tests.budgets.operations").origin
print(os.path.realpath(__file__), os.path.realpath(found), sys.flags.hash_randomization, hash("a"))
""")
    told = []
    for seed in (0, 0, 1):
        with _run(lambda _: (), "lwt", library=tmp_path, seed=seed) as (_, printed):
            told.append(printed.split())
    places = [str(tmp_path / "lwt" / "__main__.py"), str(ROOT / "tests/budgets/operations.py")]
    assert [line[:2] for line in told] == [places] * 3
    assert told[0] == told[1] != told[2]


def test_one_of_an_operation_costs_the_difference_of_two_lengths() -> None:
    before, begin, one = {"read": 1000.0}, {"read": 7.0, "open": 1.0}, {"read": 2.0}
    short = {name: begin.get(name, 0) + SHORT * one.get(name, 0) for name in ("read", "open")}
    long = {name: begin.get(name, 0) + LONG * one.get(name, 0) for name in ("read", "open")}
    counts = of_each([*[before, short, long] * len(OPERATIONS), before])
    assert counts == {operation: {"read": 2.0, "open": 0.0} for operation in OPERATIONS}


def test_a_mark_that_was_missed_is_noticed() -> None:
    with pytest.raises(RuntimeError, match="marks were missed"):
        of_each([{"read": 1.0}] * 3)


@pytest.mark.skipif(sys.platform != "linux", reason="the operations use epoll")
@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_leaves_no_descriptor_open(
    operation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # sockets of servers have names here
    work = OPERATIONS[operation]
    work(10)
    before = os.listdir("/proc/self/fd")
    work(30)
    assert len(os.listdir("/proc/self/fd")) == len(before)


@pytest.fixture
def own_engine() -> Iterator[None]:
    usual = lwt_engine.get()
    lwt_engine.set(lwt_engine.epoll(), transfer=False, destroy=False)
    yield
    lwt_engine.set(usual, transfer=False)


@pytest.mark.skipif(sys.platform != "linux", reason="the operations use epoll")
@pytest.mark.usefixtures("own_engine")
@pytest.mark.parametrize("operation", OF_MANY)
def test_an_operation_among_many_leaves_no_descriptor_open(
    operation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = os.listdir("/proc/self/fd")
    work, times = OF_MANY[operation](100)
    work()
    close_all()
    assert times in {CHOSEN, 100}
    assert len(os.listdir("/proc/self/fd")) == len(before)
