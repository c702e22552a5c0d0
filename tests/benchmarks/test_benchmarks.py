"""Each program of ours runs, in a tiny size; figures become tables, pictures and differences."""

from __future__ import annotations

import ast
import importlib
import runpy
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks import compare, report, runner
from tests.benchmarks.workloads import CORE, PEERS, WORKLOADS, Peer, Unit, Workload

OURS = PEERS[0]
TINY = runner.Scale(seconds=0.02, rounds=1, operations=20, megabytes=1)
PROGRAMS = runner.Programs({})


def functions_of(file: Path) -> set[str]:
    """The names that a file of programs gives to the benchmark."""
    names = set()
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names.update(target.id for target in node.targets if isinstance(target, ast.Name))
    return {name for name in names if not name.startswith("_") and name.islower()}


def function_name(workload: Workload) -> str:
    return workload.function or workload.name.replace("-", "_")


def test_there_is_a_program_of_ours_for_each_workload() -> None:
    needed = {function_name(workload) for workload in WORKLOADS}
    assert functions_of(runner.FOLDER / "peers" / "ours.py") - {"run"} == needed


@pytest.mark.parametrize("peer", sorted({peer.file for peer in PEERS if peer.file[-3:] == ".py"}))
def test_each_program_of_a_peer_is_that_of_a_workload(peer: str) -> None:
    known = {function_name(workload) for workload in WORKLOADS} | {"run"}
    suffixes = {other.suffix for other in PEERS if other.file == peer}
    extended = {name + suffix for name in known for suffix in suffixes}
    assert functions_of(runner.FOLDER / "peers" / peer) - extended - known == set()


@pytest.fixture(scope="module")
def ours() -> dict[str, Any]:
    return runpy.run_path(str(runner.FOLDER / "peers" / OURS.file))


@pytest.mark.parametrize(
    "workload", [w for w in CORE if w.kind == "time"], ids=lambda workload: workload.name
)
def test_a_program_of_ours_does_its_work_and_ends(workload: Workload, ours: dict[str, Any]) -> None:
    program = ours[function_name(workload)]
    for at_once in (1, 5):
        assert ours["run"](lambda at_once=at_once: program(100, at_once)) is None


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler for the client")
@pytest.mark.parametrize(
    "workload", [w for w in WORKLOADS if w.kind != "time"], ids=lambda workload: workload.name
)
def test_a_measurement_of_ours_gives_a_figure(workload: Workload) -> None:
    if workload.kind == "http" and shutil.which("wrk") is None:
        pytest.skip("wrk is not installed")
    size = {"echo_of_ten": 20, "idle": 200, "memory": 20}.get(workload.kind, workload.sizes[0])
    function = PROGRAMS.function(OURS, workload)
    assert function is not None
    value, processor = runner.measure(PROGRAMS, workload, size, OURS, function, TINY)
    assert value > 0
    assert processor is None or processor >= 0


def test_a_measurement_in_a_process_of_its_own_gives_a_figure() -> None:
    said: list[str] = []
    pause = next(workload for workload in CORE if workload.name == "pause")
    runs = runner.run_all(PROGRAMS, [replace(pause, sizes=(1, 2))], [OURS], TINY, said.append)
    assert said == ["pause 1", "pause 2"]
    assert [(run.size, run.value > 0, 0 <= run.others <= 1) for run in runs] == [
        (1, True, True),
        (2, True, True),
    ]


def test_a_peer_that_is_missing_is_left_out_and_the_tables_say_so(tmp_path: Path) -> None:
    (tmp_path / "absent.py").write_text("import there_is_no_such_module\n")
    programs = runner.Programs({})
    assert programs.function(Peer("absent", str(tmp_path / "absent.py")), CORE[0]) is None
    raw = runner.raw([], programs.missing, TINY)
    assert "absent is left out: No module named 'there_is_no_such_module'" in report.listing(raw)


def test_http_is_left_out_without_wrk_and_the_tables_say_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    said: list[str] = []
    programs = runner.Programs({})
    http = next(workload for workload in WORKLOADS if workload.kind == "http")
    assert runner.run_all(programs, [http], [OURS], TINY, said.append) == []
    assert said == ["http is left out: wrk is missing; `apt-get install wrk` brings it"]
    assert said[0] in report.listing(runner.raw([], programs.missing, TINY))


def test_a_peer_that_fails_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    (tmp_path / "failing.py").write_text(
        "def run(body):\n    raise SystemExit('too hot')\npause = run\n"
    )
    said: list[str] = []
    pause = next(workload for workload in CORE if workload.name == "pause")
    failing = Peer("failing", str(tmp_path / "failing.py"))
    runs = runner.run_all(
        PROGRAMS, [replace(pause, sizes=(1,))], [failing, OURS], TINY, said.append
    )
    assert said == ["pause 1", "  failing: too hot"]
    assert [run.peer for run in runs] == ["ours"]


# --- What is made of figures -------------------------------------------------


def figures(**values: list[float]) -> report.Raw:
    """Runs of an echo of 100 connections; asyncio answers 1,000 requests a second."""
    runs = [
        runner.Run("echo-sockets", 100, peer, number, value, 1e6 / value, 0.01)
        for peer, of_peer in (values | {"asyncio": [1000.0, 900.0]}).items()
        for number, value in enumerate(of_peer)
    ] + [runner.Run("growth-timers", size, "ours", 0, 500.0, None, 0.0) for size in (10, 100)]
    return runner.raw(runs, {"trio": "it is missing"}, TINY)


def test_the_best_run_of_each_counts_and_is_divided_by_that_of_the_base() -> None:
    lines = report.listing(figures(ours=[1200.0, 1500.0, 1300.0])).splitlines()
    assert [" ".join(line.split()) for line in lines[2:]] == [
        "echo of 64 bytes, sockets ours 1,500 requests/s 1.50 666.67 1%",
        "echo of 64 bytes, sockets asyncio 1,000 requests/s 1.00 1000.00 1%",
        "so many sleeps at once, 10 ours 500 ns 0%",
        "so many sleeps at once, 100 ours 500 ns 0%",
        "trio is left out: it is missing",
    ]


def test_the_least_counts_where_less_is_better() -> None:
    runs = [{"value": value, "processor": None, "others": 0.0} for value in (3.0, 2.0, 4.0)]
    assert report.best_of(Unit.NANOSECONDS, runs).value == 2.0
    assert report.best_of(Unit.REQUESTS, runs).value == 4.0


def test_the_tables_of_the_page_stand_between_its_comments(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("Before\n<!-- the figures -->\nold\n<!-- end of the figures -->\nAfter\n")
    for _ in range(2):
        report.write_page(figures(ours=[1500.0]), page)
        before, _, rest = page.read_text().partition("<!-- the figures -->\n")
        tables, _, after = rest.partition("<!-- end of the figures -->")
        assert (before, after) == ("Before\n", "\nAfter\n")
        assert "old" not in tables
        row = next(line for line in tables.splitlines() if line.startswith("| echo of 64"))
        assert [cell.strip() for cell in row.strip("|").split("|")] == [
            "echo of 64 bytes, sockets, requests/s",
            "1,500 (1.50)",
            "1,000",
        ]


@pytest.mark.parametrize(
    ("new", "verdict"),
    [
        ([1500.0, 1600.0], "better"),
        ([700.0, 800.0], "worse"),
        ([1020.0, 1030.0], ""),
        ([950.0, 1200.0], "?"),
        ([1500.0], "?"),
    ],
)
def test_a_change_is_named_if_it_is_large_and_no_chance(new: list[float], verdict: str) -> None:
    rows = list(compare.rows(figures(ours=[990.0, 1000.0]), figures(ours=new)))
    assert [(row[1], row[6]) for row in rows if row[0].startswith("echo")] == [
        ("ours", verdict),
        ("asyncio", ""),
    ]


def test_two_files_are_compared(tmp_path: Path) -> None:
    files = [tmp_path / "old.json", tmp_path / "new.json"]
    for file, value in zip(files, (1000.0, 2000.0), strict=True):
        report.save(figures(ours=[value, value]), file)
        assert report.load(file) == figures(ours=[value, value])
    told = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.compare", *map(str, files)],
        capture_output=True,
        cwd=runner.ROOT,
        text=True,
        check=True,
    )
    line = next(line for line in told.stdout.splitlines() if " ours " in line)
    assert line.split()[-6:] == ["1,000", "2,000", "requests/s", "+100%", "better", "-50%"]


def test_the_same_figures_are_drawn_as_the_same_pictures(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    charts = importlib.import_module("tests.benchmarks.charts")
    raw = figures(ours=[1500.0])
    for folder in ("one", "two"):
        charts.draw(raw, tmp_path / folder)
    pictures = {path.name: path.read_text() for path in (tmp_path / "one").iterdir()}
    assert pictures.keys() == {"servers.svg", "growth.svg"}
    assert all("<svg" in picture for picture in pictures.values())
    assert pictures == {path.name: path.read_text() for path in (tmp_path / "two").iterdir()}
