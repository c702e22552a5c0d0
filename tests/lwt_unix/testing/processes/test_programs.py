"""Programs of a simulated world: functions that stand in for them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt_unix import _system as system
from lwt_unix import lwt_io, lwt_main, lwt_process, testing
from lwt_unix.testing import Process

# --- Stand-ins ---------------------------------------------------------------


async def cat(process: Process) -> int:
    """Copy what comes, or files."""
    for name in process.args[1:]:
        async with await lwt_io.open_file(name, mode=lwt_io.Input) as file:
            await lwt_io.write(process.stdout, await lwt_io.read(file))
    if len(process.args) == 1:
        while chunk := await lwt_io.read(process.stdin, count=1_000):
            await lwt_io.write(process.stdout, chunk)
    return 0


async def sh(process: Process) -> int:
    """Understand a few commands."""
    assert process.args[1] == "-c"
    match process.args[2].split():
        case ["exit", code]:
            return int(code)
        case ["echo", word, ">&2"]:
            await lwt_io.write_line(process.stderr, word.encode())
        case ["echo", name] if name.startswith("$"):
            await lwt_io.write_line(process.stdout, process.env[name[1:]].encode())
        case ["pwd"]:
            await lwt_io.write_line(process.stdout, (await lwt_unix.getcwd()).encode())
        case ["sleep", seconds]:
            await lwt_unix.sleep(float(seconds))
        case ["yes"]:
            while True:
                await lwt_io.write(process.stdout, b"y\n" * 10_000)
        case command:
            raise ValueError(command)
    return 0


PROGRAMS = {"cat": cat, "sh": sh}


def simulate(main: Callable[[], Coroutine[Any, Any, object]], **options: Any) -> Any:
    return testing.simulate(main, programs=PROGRAMS, **options)


def in_both_worlds(main: Callable[[], Coroutine[Any, Any, object]]) -> Any:
    """What a program gives with stand-ins, which is what it gives with the programs."""
    really = lwt_main.run(until_all_have_ended(main))
    assert simulate(main) == really
    return really


@pytest.mark.parametrize(
    ("stand_in", "why"),
    [
        (lambda process: lwt.return_(1 // len(process.args[1:])), "ZeroDivisionError"),
        (
            lambda process: 3,
            "TypeError('testing.simulate: a stand-in: callback <lambda> ",
        ),
    ],
)
def test_what_happened_says_why_a_stand_in_failed(stand_in: Any, why: str) -> None:
    async def main() -> list[str]:
        lwt.async_exception_hook.contents = lambda _: None
        assert await lwt_process.exec(("ls", ["ls"])) == lwt_unix.WEXITED(1)
        return [what for _, _, what in testing.world().trace if "fails" in what]

    (told,) = testing.simulate(main, programs={"ls": stand_in})
    assert told.startswith(f"process 1001 (ls) fails: {why}")


async def until_all_have_ended(main: Callable[[], Coroutine[Any, Any, object]]) -> object:
    result = await main()
    while lwt_unix.wait_count():
        await lwt_unix.sleep(0.001)
    return result


# --- Tests -------------------------------------------------------------------


def test_what_a_program_reads_and_writes_goes_through_pipes() -> None:
    async def main() -> list[object]:
        text = bytes(range(256)) * 1_000
        mapped = await lwt_process.pmap(("", ["cat"]), text)
        lines = lwt_process.pmap_lines(("", ["cat"]), [b"one", b"two"])
        full = lwt_process.process_full(lwt_process.shell("echo hello >&2"))
        error = await lwt_io.read(full.stderr)
        await full.close()
        return [mapped == text, [line async for line in lines], error]

    assert in_both_worlds(main) == [True, [b"one", b"two"], b"hello\n"]


def test_the_result_is_the_exit_status() -> None:
    async def main() -> object:
        return [
            await lwt_process.exec(lwt_process.shell(f"exit {code}")) for code in (0, 3, 255)
        ] + [await lwt_unix.system("exit 4")]

    assert in_both_worlds(main) == [lwt_unix.WEXITED(code) for code in (0, 3, 255, 4)]


def test_a_signal_ends_a_program() -> None:
    async def main() -> list[object]:
        told: list[object] = []
        for signum in (signal.SIGTERM, signal.SIGKILL, signal.SIGUSR1):
            process = lwt_process.process_none(lwt_process.shell("sleep 1000"))
            await lwt_unix.sleep(0.01)
            process.kill(signum)
            told.append(await process.status)
        process = lwt_process.process_none(lwt_process.shell("sleep 1000"), timeout=0.02)
        return [*told, await process.status]

    assert in_both_worlds(main) == [
        lwt_unix.WSIGNALED(signum)
        for signum in (signal.SIGTERM, signal.SIGKILL, signal.SIGUSR1, signal.SIGKILL)
    ]


def test_a_program_may_be_killed_before_it_begins() -> None:
    async def main() -> object:
        process = lwt_process.process_in(("", ["cat"]))
        process.terminate()
        return [await lwt_io.read(process.stdout), await process.close()]

    assert simulate(main) == [b"", lwt_unix.WSIGNALED(signal.SIGKILL)]


def test_what_a_killed_program_still_does_reaches_nobody() -> None:
    async def yes(process: testing.Process) -> int:
        while True:
            await lwt_io.write(process.stdout, b"y" * 10_000)

    reached: list[Exception] = []

    async def main() -> lwt_unix.process_status:
        lwt.async_exception_hook.contents = reached.append
        process = lwt_process.open_process_in(("yes", ["yes"]))
        await lwt_unix.sleep(1.0)
        process.terminate()
        return await process.close()

    assert testing.simulate(main, programs={"yes": yes}) == lwt_unix.WSIGNALED(signal.SIGKILL)
    assert reached == []


def test_writing_to_nobody_ends_a_program() -> None:
    async def main() -> object:
        process = lwt_process.process_in(lwt_process.shell("yes"))
        await lwt_io.read_line(process.stdout)
        return await process.close()

    assert simulate(main) == lwt_unix.WSIGNALED(signal.SIGPIPE)


def test_a_stand_in_may_clean_up_and_go_on_after_a_signal() -> None:
    async def stubborn(process: Process) -> int:
        try:
            await lwt_unix.sleep(1000.0)
        except lwt.Canceled:
            await lwt_unix.sleep(2.0)
            await lwt_io.write(process.stdout, b"bye")
        return 7

    async def main(signum: int) -> object:
        process = lwt_process.process_in(("", ["stubborn"]))
        await lwt_unix.sleep(1.0)
        process.kill(signum)
        said = await lwt_io.read(process.stdout)
        return [said, await process.status, testing.world().now]

    def ended(signum: int) -> object:
        return testing.simulate(lambda: main(signum), programs={"stubborn": stubborn})

    assert ended(signal.SIGTERM) == [b"bye", lwt_unix.WEXITED(7), 3.0]
    assert ended(signal.SIGKILL) == [b"", lwt_unix.WSIGNALED(signal.SIGKILL), 1.0]


def test_a_program_has_arguments_variables_and_a_directory(tmp_path: Path) -> None:
    async def main(folder: str) -> list[object]:
        async with await lwt_io.open_file(f"{folder}/file", mode=lwt_io.Output) as file:
            await lwt_io.write(file, b"hello")
        cwd = await lwt_process.pread(lwt_process.shell("pwd"), cwd=folder)
        return [
            await lwt_process.pread(("", ["cat", "file"]), cwd=folder),
            await lwt_process.pread(lwt_process.shell("echo $WORD"), env=["WORD=yes"]),
            cwd.rstrip() == os.fsencode(folder),
            await lwt_process.exec(("", ["cat"]), cwd=f"{folder}/none"),
        ]

    real = lwt_main.run(until_all_have_ended(lambda: main(str(tmp_path))))
    assert simulate(lambda: main("/tmp")) == real
    assert real == [b"hello", b"yes\n", True, lwt_unix.WEXITED(127)]


def test_standard_descriptors_can_be_files_or_closed_or_nothing(tmp_path: Path) -> None:
    async def main(folder: str) -> list[object]:
        flags = [lwt_unix.O_RDWR, lwt_unix.O_CREAT]
        fd = await lwt_unix.openfile(f"{folder}/out", flags, 0o600)
        number = lwt_unix.unix_file_descr(fd)
        await lwt_process.pwrite(("", ["cat"]), b"hello ", stdout=("FD_copy", number))
        while (await lwt_unix.fstat(fd)).st_size < 6:
            await lwt_unix.sleep(0.001)
        nothing = await lwt_process.pread(("", ["cat"]), stdin="Dev_null")
        await lwt_unix.write(fd, b"world", 0, 5)  # Both have the place in the file in common.
        await lwt_unix.close(fd)
        async with await lwt_io.open_file(f"{folder}/out", mode=lwt_io.Input) as file:
            return [nothing, await lwt_io.read(file)]

    real = lwt_main.run(until_all_have_ended(lambda: main(str(tmp_path))))
    assert simulate(lambda: main("/tmp")) == real == [b"", b"hello world"]


def test_programs_run_at_the_same_time_and_any_of_them_is_waited_for() -> None:
    async def main() -> list[object]:
        pids = [
            lwt_process.process_none(lwt_process.shell(f"sleep {number}")).pid
            for number in (3, 1, 2)
        ]
        ended: list[object] = [testing.world().now]
        for _ in pids[:1]:
            await lwt_unix.sleep(3.5)
        return [*ended, len(set(pids)), testing.world().now]

    assert simulate(main) == [0.0, 3, 3.5]


def test_a_child_that_nobody_waits_for_is_there_until_it_is_asked_for() -> None:
    async def main() -> list[object]:
        started = lwt_process.process_none(lwt_process.shell("exit 5"))
        lwt.cancel(started._wait)
        told: list[object] = [await lwt_unix.waitpid([lwt_unix.WNOHANG], -1)]
        told.append((await lwt_unix.wait())[1])
        with pytest.raises(ChildProcessError):
            await lwt_unix.waitpid([], started.pid)
        with pytest.raises(ChildProcessError):
            await lwt_unix.wait()
        with pytest.raises(ProcessLookupError):
            system.kill(started.pid, 0)
        return told

    assert simulate(main) == [(0, lwt_unix.WEXITED(0)), lwt_unix.WEXITED(5)]


def test_a_program_without_a_stand_in_says_how_to_give_one() -> None:
    async def main() -> None:
        with pytest.raises(
            testing.Not_simulated, match=r"no program 'ls' .*programs=\{'ls': stand_in\}"
        ):
            await lwt_process.pread(("", ["ls", "-l"]))
        assert await lwt_process.pread(("/usr/bin/cat", ["cat", "/dev/null"])) == b""

    simulate(main)


def test_a_stand_in_that_raises_makes_the_test_fail() -> None:
    seen: list[Exception] = []

    async def main() -> object:
        lwt.async_exception_hook.contents = seen.append
        return await lwt_process.exec(lwt_process.shell("nonsense"))

    assert simulate(main) == lwt_unix.WEXITED(1)
    assert [str(exn) for exn in seen] == ["['nonsense']"]


def test_what_is_no_stand_in_is_refused() -> None:
    with pytest.raises(TypeError, match="expected a mapping"):
        testing.simulate(lambda: lwt.return_unit, programs=[cat])  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        testing.simulate(lambda: lwt.return_unit, programs={"cat": 3})  # type: ignore[dict-item]


def test_a_crash_of_the_host_ends_its_programs() -> None:
    went_on: list[str] = []

    async def server(_: Process) -> int:
        await lwt_unix.sleep(5.0)
        went_on.append("server")
        return 0

    async def main() -> None:
        host = testing.network().host("alice")

        async def start() -> None:
            await lwt_process.exec(("", ["server"]))

        running = host.run(start)
        await lwt_unix.sleep(1.0)
        host.crash()
        await lwt_unix.sleep(10.0)
        assert not lwt.is_sleeping(running)
        with pytest.raises(testing.Crashed):
            await running

    testing.simulate(main, programs={"server": server})
    assert went_on == []


@pytest.mark.parametrize("seed", range(15))
def test_whatever_is_chosen_a_pipeline_gives_the_same(seed: int) -> None:
    text = bytes(range(256)) * 20

    async def main() -> object:
        mapped = await lwt_process.pmap(("", ["cat"]), text)
        return await until_all_have_ended(lambda: lwt_process.pmap(("", ["cat"]), mapped))  # type: ignore[arg-type, return-value]

    choices = testing.seeded(seed)
    assert simulate(main, choices=choices) == text
    assert simulate(main, choices=testing.replayed(choices.replay_text())) == text
