"""What becomes of unwritten bytes when the process ends: programs of their own, and children."""

import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_io, lwt_main
from tests.support.programs import in_child, read_to_end, run_code

SETUP = """
import atexit, os, signal, sys, threading
import lwt, lwt_unix
from lwt_unix import lwt_io, lwt_main

near, far = lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)
oc = lwt_io.of_fd(near, mode=lwt_io.Output)
BIG = 3_000_000

def got():
    "Say what is in the socket when all has been flushed."
    os.set_blocking(lwt_unix.unix_file_descr(far), False)
    try:
        print(os.read(lwt_unix.unix_file_descr(far), 1000))
    except BlockingIOError:
        print("nothing")

def leave(how):
    async def main():
        await lwt_unix.sleep(0.0)
        await lwt.pause()
        if how == "exit":
            sys.exit(3)
        if how == "raise":
            raise LookupError("crash")
        os.kill(os.getpid(), signal.SIGINT)
        await lwt.wait()[0]
    lwt_main.run(main())
"""

AFTER = "import atexit\ndef last():\n    got()\natexit.register(last)\n"
"""A function that runs after the exit hooks, since it is registered before."""

ENDS = {"exit": 3, "raise": 1, "signal": -signal.SIGINT}

WRITING = """
lwt_io.write(oc, b"x" * BIG)
lwt_io.write(oc, "more")
lwt_io.atomic(lambda ch: lwt_io.write(ch, b"x" * BIG))(oc)
async def for_ever():
    while True:
        await lwt_io.write(oc, b"x" * 4096)
lwt.async_(for_ever)
"""


def run(program: str, status: int) -> list[str]:
    result = run_code(AFTER + SETUP + program)
    assert result.returncode == status, result.stderr
    assert "Warning" not in result.stderr
    return result.stdout.splitlines()


def test_a_peer_has_one_second_at_first() -> None:
    assert lwt_main.exit_patience.contents == 1.0


@pytest.mark.real_only("the program is a process of its own")
@pytest.mark.parametrize("how", ENDS)
def test_a_peer_that_never_reads_does_not_keep_a_program_from_ending(how: str) -> None:
    run(f"lwt_main.exit_patience.contents = 0.05\n{WRITING}\nleave({how!r})", ENDS[how])


HELD = """
never, resolver = lwt.wait()  # Kept, so that nobody who waits for it is collected.
async def write_and_wait(ch):
    await lwt_io.write(ch, "half")
    await never
holders = [
    lwt_io.atomic(write_and_wait),
    lwt_io.atomic(lambda ch: lwt_io.atomic(write_and_wait)(ch)),
    lambda oc: lwt_io.direct_access(oc, lambda _: never),
    lambda oc: lwt_io.block(oc, 8, lambda buffer, offset: never),
]
channels = [lwt_io.pipe() for _ in holders]
for holder, (_, oc) in zip(holders, channels):
    lwt_io.write(oc, "first ")
    holder(oc)
    lwt_io.write(oc, " never written")
def got():
    for ic, _ in channels:
        print(lwt_main.run(lwt_io.read(ic, count=100)))
"""


@pytest.mark.real_only("the program is a process of its own")
@pytest.mark.parametrize("how", ENDS)
def test_what_is_in_a_channel_that_is_held_is_offered_without_waiting_for_a_turn(how: str) -> None:
    program = f"lwt_main.exit_patience.contents = 3600.0\n{HELD}\nleave({how!r})"
    assert run(program, ENDS[how]) == ["b'first half'"] * 2 + ["b'first '"] * 2


@pytest.mark.real_only("the program is a process of its own")
def test_a_peer_that_reads_gets_everything_also_what_waits_for_its_turn() -> None:
    program = """
lwt_main.exit_patience.contents = 60.0
received = []
begin = threading.Event()
def read_all():
    begin.wait()
    while sum(map(len, received)) < 2 * BIG + 4:
        received.append(os.read(fd, 65536))
fd = lwt_unix.unix_file_descr(far)
os.set_blocking(fd, True)
reader = threading.Thread(target=read_all, daemon=True)
reader.start()  # Now: from 3.12 on, Python starts no thread while it ends.
def got():
    reader.join()
    data = b"".join(received)
    print(len(data), data[-4:])
lwt_io.write(oc, b"x" * BIG)
lwt_io.atomic(lambda ch: lwt_io.write(ch, b"y" * BIG))(oc)
lwt_io.write(oc, "last")
lwt_main.at_exit(lambda: begin.set() or lwt.return_unit)
leave("exit")
"""
    assert run(program, 3) == ["6000004 b'last'"]


@pytest.mark.real_only("the program is a process of its own")
def test_what_a_temporary_channel_leaves_when_it_ends_meanwhile_is_flushed_too() -> None:
    program = """
lwt_main.exit_patience.contents = 3600.0
async def f(ch):
    lwt_io.write(ch, b"x" * BIG)
    await lwt_io.write(ch, "inner")
released, release = lwt.wait()
async def slowly(buffer, offset, length):
    await released
    written.append(bytes(buffer[offset:offset + length]))
    return length
written = []
oc = lwt_io.make(slowly, mode=lwt_io.Output)
lwt_io.atomic(f)(oc)
lwt_io.write(oc, "outer")
def got():
    print(b"".join(written)[BIG:])
lwt_main.at_exit(lambda: lwt.wakeup(release, None) or lwt.return_unit)
leave("exit")
"""
    assert run(program, 3) == ["b'innerouter'"]


@pytest.mark.real_only("the program is a process of its own")
def test_an_error_of_writing_does_not_disturb_the_end() -> None:
    program = """
async def fail(buffer, offset, length):
    raise OSError("full")
failing = lwt_io.make(fail, mode=lwt_io.Output)
lwt_io.write(failing, "lost")
lwt_io.write(oc, "kept")
held = lwt_io.make(fail, mode=lwt_io.Output)
lwt_io.write(held, "lost")
lwt_io.direct_access(held, lambda _: never)
sys.exit(3)
"""
    assert run(program, 3) == ["b'kept'"]


@pytest.mark.real_only("the program is a process of its own")
def test_a_channel_that_is_closed_has_nothing_to_flush() -> None:
    program = "lwt_io.write(oc, 'lost')\nlwt_main.run(lwt_io.abort(oc))\nsys.exit(3)"
    assert run(program, 3) == ["b''"]


@pytest.mark.real_only("the program is a process of its own")
def test_a_ctrl_c_while_the_process_ends_makes_it_end_at_once() -> None:
    program = """
lwt_main.exit_patience.contents = 3600.0
lwt_io.write(oc, b"x" * BIG)
def interrupt(_):
    print("interrupted")
    os.kill(os.getpid(), signal.SIGINT)
def got():
    print("ended")
lwt.on_success(lwt_unix.sleep(0.0), interrupt)  # It is due in the first turn, which is at the end.
sys.exit(3)
"""
    assert run(program, 3) == ["interrupted", "ended"]


@pytest.mark.real_only("the program is a process of its own")
def test_a_pipe_in_blocking_mode_that_nobody_reads_does_not_keep_a_program_from_ending() -> None:
    program = """
lwt_main.exit_patience.contents = 0.05
reading, writing = os.pipe()
blocking = lwt_unix.of_unix_file_descr(writing, blocking=True, set_flags=False)
buffer = memoryview(bytearray(BIG))
lwt_io.write(lwt_io.of_fd(blocking, mode=lwt_io.Output, buffer=buffer), b"x" * BIG)
sys.exit(3)
"""
    run(program, 3)


# --- The exit hooks, called by hand -------------------------------------------


def written_by_hooks(
    oc: lwt_io.OutputChannel,
    begin: Callable[[lwt_io.OutputChannel], object],
    patience: float = 0.05,
) -> None:
    lwt_main.exit_patience.contents = patience
    begin(oc)
    lwt_main._run_exit_hooks()


def sent_at_the_end(begin: Callable[[lwt_io.OutputChannel], object]) -> bytes:
    """Write to a socket that nobody reads, and call the exit hooks; return what has come."""
    near, far = socket.socketpair()
    with far:
        descriptor = lwt_unix.of_unix_file_descr(near.detach())
        written_by_hooks(lwt_io.of_fd(descriptor, mode=lwt_io.Output), begin)
        lwt_unix.close(descriptor)
        return read_to_end(far)


def test_what_is_not_flushed_is_written_at_the_end() -> None:
    assert sent_at_the_end(lambda oc: lwt_io.write(oc, "hello")) == b"hello"


@pytest.mark.real_only("the program is a process of its own")
def test_a_child_of_a_fork_ends_by_the_same_hooks() -> None:
    near, far = socket.socketpair()

    def child() -> None:
        oc = lwt_io.of_unix_fd(near.fileno(), mode=lwt_io.Output)
        written_by_hooks(oc, lambda oc: lwt_io.write(oc, "hello"))

    with far:
        with near:
            assert in_child(child) == 0
        assert read_to_end(far) == b"hello"


def test_the_end_waits_for_a_peer_no_longer_than_its_patience() -> None:
    def write_last(oc: lwt_io.OutputChannel) -> lwt.Promise[None]:
        return lwt_io.write(oc, "last")

    def begin(oc: lwt_io.OutputChannel) -> None:
        lwt_io.write(oc, b"x" * 3_000_000)
        lwt_io.write(oc, "more")
        lwt_io.atomic(write_last)(oc)

    received = sent_at_the_end(begin)
    assert received == b"x" * len(received)
    assert 0 < len(received) < 3_000_000


def test_at_the_end_a_peer_that_reads_gets_everything() -> None:
    def begin(oc: lwt_io.OutputChannel) -> None:
        lwt_io.write(oc, b"x" * 3_000_000)
        lwt_io.write(oc, "more")

    near, far = lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)
    reading = lwt_io.read(lwt_io.of_fd(far, mode=lwt_io.Input))
    written_by_hooks(lwt_io.of_fd(near, mode=lwt_io.Output), begin, patience=60.0)
    lwt_unix.close(near)
    assert lwt_main.run(reading) == b"x" * 3_000_000 + b"more"
    lwt_unix.close(far)


def test_at_the_end_a_peer_that_has_gone_is_nobodys_error() -> None:
    near, far = lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)
    lwt_unix.close(far)
    written_by_hooks(
        lwt_io.of_fd(near, mode=lwt_io.Output), lambda oc: lwt_io.write(oc, "to nobody")
    )
    lwt_unix.close(near)


@pytest.mark.parametrize("depth", [1, 2])
def test_what_is_in_a_channel_that_is_held_is_offered_at_the_end(depth: int) -> None:
    never = lwt.task()

    async def write_and_wait(oc: lwt_io.OutputChannel) -> None:
        await lwt_io.write(oc, "half")
        await never[0]

    def begin(oc: lwt_io.OutputChannel) -> None:
        lwt_io.write(oc, "first ")
        hold = lwt_io.atomic(write_and_wait)
        lwt_io.atomic(hold)(oc) if depth == 2 else hold(oc)
        lwt_io.write(oc, " never written")

    assert sent_at_the_end(begin) == b"first half"


def test_all_hooks_are_called_though_one_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []

    def fail() -> lwt.Promise[None]:
        raise LookupError("a hook")

    def begin(oc: lwt_io.OutputChannel) -> None:
        monkeypatch.setattr(sys, "unraisablehook", lambda told_of: told.append(told_of.exc_type))
        lwt_main.at_exit(lambda: lwt_io.write(oc, f"{told}"))
        lwt_main.at_exit(fail)

    assert sent_at_the_end(begin) == b"[<class 'LookupError'>]"


# --- Files -------------------------------------------------------------------

FILE = """
import lwt
from lwt_unix import lwt_io, lwt_main

async def main():
    global channel
    channel = await lwt_io.open_file({path!r}, mode=lwt_io.Output)
    {use}

lwt_main.run(main())
"""


@pytest.mark.real_only("the program is a process of its own")
@pytest.mark.parametrize(
    ("use", "expected"),
    [
        ("await lwt_io.write(channel, 10_000 * 'x')", 10_000),
        ("lwt_io.write(channel, 3 * 'x')", 3),
        # An operation that waits for something else has the channel: what is there is offered once.
        ("lwt_io.write(channel, 3 * 'x'); lwt_io.block(channel, 1, lambda *_: lwt.wait()[0])", 3),
    ],
)
def test_what_a_file_is_to_have_is_in_it_when_the_process_has_ended(
    use: str, expected: int, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    assert run_code(FILE.format(path=str(path), use=use)).returncode == 0
    assert path.read_bytes() == expected * b"x"
