"""What stands in the place of the system's calls; what would leave the world is an error."""

from __future__ import annotations

import os

import pytest

import lwt_unix
from lwt_unix import _system as system
from lwt_unix import testing


def test_a_real_call_on_a_number_of_the_world_fails() -> None:
    async def main() -> None:
        reading, writing = lwt_unix.pipe()
        async with reading, writing:
            with pytest.raises(OSError, match="Bad file descriptor"):
                os.read(lwt_unix.unix_file_descr(reading), 1)

    testing.simulate(main)


def test_what_the_world_has_no_counterpart_of_says_so() -> None:
    async def main() -> None:
        with pytest.raises(testing.Not_simulated, match=r"tcdrain: the simulated world has no"):
            system.tcdrain(0)

    testing.simulate(main)


def test_a_call_that_would_block_for_ever_says_so() -> None:
    async def main() -> None:
        reading, writing = lwt_unix.pipe_in()
        system.write(writing, bytes(65_536))
        with pytest.raises(testing.Not_simulated, match="writer of pipe a would block"):
            system.write(writing, b"x")
        system.close(writing)
        await lwt_unix.close(reading)

    testing.simulate(main)


def test_two_numbers_may_stand_for_one_end() -> None:
    async def main() -> bytes:
        reading, writing = lwt_unix.pipe()
        copy = lwt_unix.dup(writing)
        await lwt_unix.close(writing)
        await lwt_unix.write(copy, b"hello", 0, 5)
        await lwt_unix.close(copy)
        buffer = bytearray(10)
        count = await lwt_unix.read(reading, buffer, 0, 10)
        assert await lwt_unix.read(reading, buffer, 5, 5) == 0
        await lwt_unix.close(reading)
        return bytes(buffer[:count])

    assert testing.simulate(main) == b"hello"


def test_a_number_can_be_taken_over() -> None:
    async def main() -> bytes:
        one, other = lwt_unix.pipe(), lwt_unix.pipe()
        lwt_unix.dup2(one[1], other[1])
        await lwt_unix.write(other[1], b"hello", 0, 5)
        buffer = bytearray(5)
        await lwt_unix.read(one[0], buffer, 0, 5)
        assert await lwt_unix.read(other[0], bytearray(1), 0, 1) == 0
        for descriptor in (*one, *other):
            await lwt_unix.close(descriptor)
        return bytes(buffer)

    assert testing.simulate(main) == b"hello"


def test_after_the_run_all_calls_are_the_systems_again() -> None:
    before = dict(vars(system))

    async def main() -> None:
        assert vars(system)["readv"] is not before["readv"]

    testing.simulate(main)
    assert dict(vars(system)) == before
