"""Pipes of a simulated world: they are those of Linux."""

from __future__ import annotations

import pytest

import lwt
import lwt_unix
from lwt_unix import testing
from lwt_unix.testing import Choices
from tests.support.worlds import in_both_worlds


def test_what_is_written_is_read_and_then_the_end() -> None:
    async def main() -> list[bytes]:
        reading, writing = lwt_unix.pipe()
        await lwt_unix.write(writing, b"hello", 0, 5)
        await lwt_unix.close(writing)
        buffer, got = bytearray(3), list[bytes]()
        while count := await lwt_unix.read(reading, buffer, 0, 3):
            got.append(bytes(buffer[:count]))
        await lwt_unix.close(reading)
        return got

    assert in_both_worlds(main) == [b"hel", b"lo"]


def test_a_full_pipe_lets_the_writer_wait_until_there_is_room() -> None:
    async def main() -> list[int]:
        reading, writing = lwt_unix.pipe()
        first = await lwt_unix.write(writing, bytes(100_000), 0, 100_000)
        waits = lwt_unix.write(writing, bytes(5_000), 0, 5_000)
        assert lwt.is_sleeping(waits)
        await lwt_unix.read(reading, bytearray(100_000), 0, 100_000)
        second = await waits
        await lwt.join([lwt_unix.close(reading), lwt_unix.close(writing)])
        return [first, second]

    assert in_both_worlds(main) == [65_536, 5_000]


def test_a_small_write_is_done_as_a_whole() -> None:
    async def main() -> int:
        reading, writing = lwt_unix.pipe()
        await lwt_unix.write(writing, bytes(65_000), 0, 65_000)
        waits = lwt_unix.write(writing, bytes(4_096), 0, 4_096)
        assert lwt.is_sleeping(waits)
        await lwt_unix.read(reading, bytearray(65_000), 0, 65_000)
        count = await waits
        await lwt.join([lwt_unix.close(reading), lwt_unix.close(writing)])
        return count

    assert in_both_worlds(main) == 4_096


def test_writing_to_a_pipe_that_nobody_reads_fails() -> None:
    async def main() -> str:
        reading, writing = lwt_unix.pipe()
        await lwt_unix.close(reading)
        try:
            await lwt_unix.write(writing, b"x", 0, 1)
        except BrokenPipeError as exn:
            return str(exn)
        finally:
            await lwt_unix.close(writing)
        return ""

    assert in_both_worlds(main) == "[Errno 32] Broken pipe"


@pytest.mark.parametrize("seed", range(30))
def test_whatever_is_chosen_the_bytes_come_in_order(seed: int) -> None:
    data = bytes(range(256)) * 40

    async def main() -> bytes:
        reading, writing = lwt_unix.pipe()

        @lwt.promised
        async def send() -> None:
            sent = 0
            while sent < len(data):
                sent += await lwt_unix.write(writing, data, sent, min(5_000, len(data) - sent))
            await lwt_unix.close(writing)

        sending, got, buffer = send(), b"", bytearray(3_000)
        while count := await lwt_unix.read(reading, buffer, 0, 3_000):
            got += buffer[:count]
        await lwt.join([sending, lwt_unix.close(reading)])
        return got

    choices: Choices = testing.seeded(seed)
    assert testing.simulate(main, choices=choices) == data
