"""What can fail: the errors that Linux gives, from descriptors that can give them."""

from __future__ import annotations

import errno
import re

import pytest

import lwt_unix
from lwt_unix import testing


def test_an_error_of_connections_does_not_come_from_a_pipe() -> None:
    async def main() -> list[str]:
        reading, writing = lwt_unix.pipe()
        one, other = lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)
        testing.faults().fail("write", errno.ECONNRESET)
        testing.faults().fail("read", errno.ETIMEDOUT)
        told = [str(await lwt_unix.write(writing, b"x", 0, 1))]
        told.append(str(await lwt_unix.read(reading, bytearray(1), 0, 1)))
        with pytest.raises(ConnectionResetError):
            await lwt_unix.write(one, b"x", 0, 1)
        await lwt_unix.write(one, b"x", 0, 1)
        with pytest.raises(TimeoutError):
            await lwt_unix.read(other, bytearray(1), 0, 1)
        return told

    assert testing.simulate(main) == ["1", "1"]


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        ("accept", errno.ENOSPC, "accept never gives ENOSPC; it may give EAGAIN, "),
        ("read", errno.EPIPE, "read never gives EPIPE; it may give EAGAIN, "),
        ("dup", 4_711, "dup never gives 4711; it may give EMFILE"),
        ("take", errno.EMFILE, "no call 'take' can fail; these can: socket, socketpair, "),
    ],
)
def test_a_fault_that_no_system_can_have_is_refused(call: str, error: int, says: str) -> None:
    async def main() -> None:
        with pytest.raises(ValueError, match=re.escape(f"testing.Faults.fail: {says}")):
            testing.faults().fail(call, error)
        with pytest.raises(ValueError, match=re.escape(says)):
            testing.faults().may_fail(call, error)

    testing.simulate(main)
