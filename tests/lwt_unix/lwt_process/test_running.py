"""`exec`, and what reads and writes: `pread`, `pwrite`, `pmap` and their kin."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt import lwt_stream
from lwt_unix import _system as system
from lwt_unix import lwt_engine, lwt_io, lwt_main, lwt_process
from lwt_unix.lwt_process import shell
from tests.support.children import until_all_are_reaped, until_ended

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

CAT = ("", ["cat"])


def run(promise: lwt.Promise[Any]) -> Any:
    try:
        return lwt_main.run(promise)
    finally:
        until_all_are_reaped()


# --- exec --------------------------------------------------------------------


def test_exec_tells_how_the_program_ended() -> None:
    assert run(lwt_process.exec(shell("exit 3"))) == lwt_unix.WEXITED(3)
    killed = lwt_process.exec(("", ["sleep", "1000"]), timeout=0.01)
    assert run(killed) == lwt_unix.WSIGNALED(signal.SIGKILL)


# --- Reading -----------------------------------------------------------------


def test_pread_returns_all_that_was_written_and_pread_line_the_first_line() -> None:
    two = shell("echo one; echo two")
    assert run(lwt_process.pread(two)) == b"one\ntwo\n"
    assert run(lwt_process.pread_line(two)) == b"one"


def test_pread_line_of_nothing_is_the_end() -> None:
    assert run(lwt_process.pread(("", ["true"]))) == b""
    with pytest.raises(EOFError):
        run(lwt_process.pread_line(("", ["true"])))


def test_the_streams_give_bytes_and_lines() -> None:
    two = shell("echo one; printf two")
    assert run(lwt_stream.to_list(lwt_process.pread_lines(two))) == [b"one", b"two"]
    chars = run(lwt_stream.to_list(lwt_process.pread_chars(two)))
    assert chars == [bytes([code]) for code in b"one\ntwo"]


def test_a_stream_that_is_dropped_closes_its_channel() -> None:
    async def main() -> bytes:
        async for line in lwt_process.pread_lines(("", ["yes"])):
            return line
        raise AssertionError

    assert run(lwt.of_coroutine(main())) == b"y"


def test_a_timeout_rejects_who_reads() -> None:
    with pytest.raises(lwt_io.Channel_closed):
        run(lwt_process.pread(("", ["sleep", "1000"]), timeout=0.01))
    lines = lwt_process.pread_lines(("", ["sleep", "1000"]), timeout=0.01)
    with pytest.raises(lwt_io.Channel_closed):
        run(lwt_stream.to_list(lines))


def test_reading_that_is_cancelled_closes_the_channel() -> None:
    reading = lwt_process.pread(("", ["yes"]))
    lwt.cancel(reading)
    with pytest.raises(lwt.Canceled):
        run(reading)


# --- Writing -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "data", "written"),
    [
        ("pwrite", "äb", "äb".encode()),
        ("pwrite", b"ab", b"ab"),
        ("pwrite_line", "ab", b"ab\n"),
        ("pwrite_lines", ["a", b"b"], b"a\nb\n"),
        ("pwrite_lines", lwt_stream.of_list([b"a", b"b"]), b"a\nb\n"),
        ("pwrite_chars", [b"a", b"b"], b"ab"),
    ],
)
def test_what_is_written_is_what_the_program_reads(
    tmp_path: Path, name: str, data: Any, written: bytes
) -> None:
    fd = os.open(tmp_path / "out", os.O_WRONLY | os.O_CREAT, 0o600)
    run(getattr(lwt_process, name)(CAT, data, stdout=("FD_move", fd)))
    assert (tmp_path / "out").read_bytes() == written


def test_writing_much_to_a_program_that_does_not_read_is_an_error() -> None:
    with pytest.raises(BrokenPipeError):
        run(lwt_process.pwrite(("", ["true"]), bytes(1_000_000)))


def test_what_fits_into_a_buffer_is_lost_without_an_error_as_in_ocaml() -> None:
    assert run(lwt_process.pwrite(("", ["true"]), "lost")) is None


# --- Both --------------------------------------------------------------------


def test_pmap_writes_and_reads() -> None:
    upper = ("", ["tr", "a-z", "A-Z"])
    assert run(lwt_process.pmap(upper, "one\ntwo\n")) == b"ONE\nTWO\n"
    assert run(lwt_process.pmap_line(upper, "one")) == b"ONE"
    lines = lwt_process.pmap_lines(upper, ["one", "two"])
    assert run(lwt_stream.to_list(lines)) == [b"ONE", b"TWO"]
    chars = lwt_process.pmap_chars(upper, [b"a", b"b"])
    assert run(lwt_stream.to_list(chars)) == [b"A", b"B"]


@pytest.mark.slow
@pytest.mark.parametrize("command", [CAT, shell("cat; cat"), shell("head -c 50000000; cat")])
def test_a_hundred_megabytes_pass_through_pmap(command: Any) -> None:
    piece = bytes(range(256)) * 3906
    text = piece * 100
    assert run(lwt_process.pmap(command, text)) == text


def test_more_than_the_pipes_hold_passes_through_pmap() -> None:
    text = bytes(range(256)) * 4096
    assert run(lwt_process.pmap(CAT, text)) == text


def test_pmap_is_rejected_if_the_program_reads_no_more(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    mapping = lwt_process.pmap(shell(f"read line < {gate}; exec <&-"), bytes(1_000_000))
    assert lwt.is_sleeping(mapping)
    gate.write_text("open\n")
    with pytest.raises(BrokenPipeError):
        run(mapping)


@pytest.mark.parametrize("name", ["pmap", "pmap_line"])
def test_an_error_of_writing_that_comes_at_once_is_raised_at_the_call(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    start = system.Popen

    def start_and_let_end(*args: Any, **options: Any) -> Any:
        started = start(*args, **options)
        until_ended(started.pid)
        return started

    monkeypatch.setattr(system, "Popen", start_and_let_end)
    with pytest.raises(BrokenPipeError):
        getattr(lwt_process, name)(("", ["true"]), bytes(1_000_000))
    until_all_are_reaped()


def test_cancelling_pmap_ends_both_directions() -> None:
    mapping = lwt_process.pmap(("", ["sleep", "0.05"]), bytes(1_000_000))
    lwt_engine.iter(False)
    lwt.cancel(mapping)
    with pytest.raises(lwt.Canceled):
        run(mapping)


def test_pmap_lines_gives_the_error_of_writing_once_and_then_what_was_read() -> None:
    async def lines() -> Any:
        yield "one"
        raise LookupError

    async def main() -> list[object]:
        mapped = lwt_process.pmap_lines(shell("read line; echo $line; echo more"), lines())
        found: list[object] = []
        for _ in range(4):
            try:
                found.append(await lwt_stream.get(mapped))
            except LookupError as exn:
                found.append(type(exn))
        return found

    assert run(lwt.of_coroutine(main())) == [LookupError, lwt.Some(b"one"), lwt.Some(b"more"), None]


def test_a_program_may_write_without_reading_and_end_first() -> None:
    lines = lwt_process.pmap_lines(shell("echo one"), [])
    assert run(lwt_stream.to_list(lines)) == [b"one"]


# --- Arguments ---------------------------------------------------------------


@pytest.mark.parametrize("name", ["pwrite", "pwrite_line", "pmap", "pmap_line"])
def test_what_is_no_text_is_told_before_anything_is_started(name: str) -> None:
    with pytest.raises(TypeError, match=rf"^lwt_process\.{name}: expected a str, bytes"):
        getattr(lwt_process, name)(CAT, 3)
    assert lwt_unix.wait_count() == 0


@pytest.mark.parametrize("name", ["pwrite_lines", "pwrite_chars", "pmap_lines", "pmap_chars"])
def test_what_is_no_stream_is_told_before_anything_is_started(name: str) -> None:
    with pytest.raises(TypeError, match=rf"^lwt_process\.{name}: expected an iterable, or one for"):
        getattr(lwt_process, name)(CAT, 3)
    assert lwt_unix.wait_count() == 0


def test_a_main_loop_in_another_thread_can_run_programs() -> None:
    found: list[object] = []
    thread = threading.Thread(
        target=lambda: found.append(lwt_main.run(lwt_process.exec(shell("exit 6"))))
    )
    thread.start()
    thread.join()
    assert found == [lwt_unix.WEXITED(6)]
