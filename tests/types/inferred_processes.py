"""What type checkers infer of child processes: lwt_process, and who waits for them. Never run."""

from pathlib import Path
from typing import assert_type

import lwt
import lwt_unix
from lwt import Promise
from lwt.lwt_stream import Stream
from lwt_unix import lwt_io, lwt_process
from lwt_unix.lwt_io import InputChannel, OutputChannel


async def commands(log: int) -> None:
    command: lwt_process.command = ("", ["ls", b"-l", Path("/")])
    assert_type(lwt_process.exec(command), Promise[lwt_unix.Process_status])
    assert_type(await lwt_process.exec(lwt_process.shell("ls")), lwt_unix.Process_status)
    where: lwt_process.redirection = ("FD_move", log)
    lwt_process.exec(command, stdin="Dev_null", stdout=("FD_copy", log), stderr=where)
    lwt_process.exec(command, timeout=3, env={"HOME": "/"}, cwd=Path("/"))
    lwt_process.exec(command, env=["HOME=/"], cwd="/")


async def reading(command: lwt_process.command) -> None:
    assert_type(lwt_process.pread(command), Promise[bytes])
    assert_type(lwt.map(bytes.decode, lwt_process.pread(command)), Promise[str])
    assert_type(await lwt_process.pread_line(command), bytes)
    assert_type(lwt_process.pread_chars(command), Stream[bytes])
    async for line in lwt_process.pread_lines(command):
        assert_type(line, bytes)


async def writing(command: lwt_process.command, lines: Stream[bytes]) -> None:
    assert_type(await lwt_process.pwrite(command, "text"), None)
    assert_type(lwt_process.pwrite_line(command, b"text"), Promise[None])
    assert_type(lwt_process.pwrite_lines(command, lines), Promise[None])
    assert_type(lwt_process.pwrite_chars(command, ["a", b"b"]), Promise[None])


async def mapping(command: lwt_process.command, lines: Stream[bytes]) -> None:
    assert_type(await lwt_process.pmap(command, "text"), bytes)
    assert_type(lwt_process.pmap_line(command, "text"), Promise[bytes])
    assert_type(lwt_process.pmap_lines(command, lines), Stream[bytes])
    assert_type(lwt_process.pmap_chars(command, "text"), Stream[bytes])


async def classes(command: lwt_process.command) -> None:
    async with lwt_process.process_in(command) as reading:
        assert_type(reading, lwt_process.process_in)
        assert_type(reading.stdout, InputChannel)
    async with lwt_process.open_process_out(command) as writing:
        assert_type(writing.stdin, OutputChannel)
    both = lwt_process.open_process(command)
    assert_type((both.stdin, both.stdout), tuple[OutputChannel, InputChannel])
    full = lwt_process.open_process_full(command)
    assert_type(full.stderr, InputChannel)
    assert_type(await full.close(), lwt_unix.Process_status)
    none: lwt_process.process_none = full
    assert_type(none.pid, int)
    assert_type(none.status, Promise[lwt_unix.Process_status])
    assert_type((await none.rusage).ru_utime, float)


def using(command: lwt_process.command) -> None:
    async def count(process: lwt_process.process) -> int:
        return len(await lwt_io.read(process.stdout))

    assert_type(lwt_process.with_process(command, count), Promise[int])
    line = lwt_process.with_process_in(command, lambda process: lwt_io.read_line(process.stdout))
    assert_type(line, Promise[bytes])
    errors = lwt_process.with_process_full(
        command, lambda process: lwt_io.read_line_opt(process.stderr)
    )
    assert_type(errors, Promise[lwt.Some[bytes] | None])
    ended = lwt_process.with_process_none(command, lambda process: process.status)
    assert_type(ended, Promise[lwt_unix.Process_status])


def states(process: lwt_process.process_none) -> int:
    match process.state:
        case lwt_process.Running:
            return 0
        case lwt_process.Exited(status):
            assert_type(status, lwt_unix.Process_status)
            return code(status)
    # No return here: the two are all there is.


def code(status: lwt_unix.Process_status) -> int:
    match status:
        case lwt_unix.WEXITED(number):
            assert_type(number, int)
            return number
        case lwt_unix.WSIGNALED(signum) | lwt_unix.WSTOPPED(signum):
            assert_type(signum, int)
            return signum
    # No return here: the three are all there is.


async def waiting(pid: int) -> None:
    ended, status = await lwt_unix.waitpid([lwt_unix.WUNTRACED], pid)
    assert_type(ended, int)
    assert_type(status, lwt_unix.Process_status)
    assert_type(lwt_unix.wait(), Promise[tuple[int, lwt_unix.Process_status]])
    _, _, used = await lwt_unix.wait4([], pid)
    assert_type(used, lwt_unix.Resource_usage)
    assert_type(lwt.map(code, lwt_unix.system("make")), Promise[int])
    codes = lwt.bind(lwt_unix.wait(), lambda pair: lwt.return_(code(pair[1])))
    assert_type(codes, Promise[int])
    assert_type(lwt_unix.fork(), int)
    assert_type(lwt_unix.wait_count(), int)


def refused(command: lwt_process.command, process: lwt_process.process_in) -> None:
    lwt_process.pread("ls")  # type: ignore[arg-type]
    lwt_process.pread(command, stdin="dev_null")  # type: ignore[arg-type]
    lwt_process.pwrite(command, 3)  # type: ignore[arg-type]
    lwt_process.with_process_in(command, lambda process: 3)  # type: ignore[arg-type, return-value]
    lwt_unix.waitpid([1], 3)  # type: ignore[list-item]
    print(process.stdin)  # type: ignore[attr-defined]
    process.pid = 3  # type: ignore[misc]
