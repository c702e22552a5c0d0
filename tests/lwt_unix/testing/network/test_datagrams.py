"""Datagrams of a simulated world: what they do is what Linux's do."""

from __future__ import annotations

import lwt_unix
from tests.support.worlds import in_both_worlds


def test_datagrams_are_messages_with_a_sender() -> None:
    async def main() -> list[object]:
        one = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_DGRAM, 0)
        other = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_DGRAM, 0)
        async with one, other:
            await lwt_unix.bind(one, ("127.0.0.1", 0))
            await lwt_unix.bind(other, ("127.0.0.1", 0))
            for message in (b"first", b"second"):
                size = len(message)
                await lwt_unix.sendto(other, message, 0, size, [], lwt_unix.getsockname(one))
            told: list[object] = []
            for size in (3, 10):  # What does not fit is lost.
                buffer = bytearray(size)
                count, sender = await lwt_unix.recvfrom(one, buffer, 0, size, [])
                told += [count, bytes(buffer[:count]), sender == lwt_unix.getsockname(other)]
            return told

    assert in_both_worlds(main) == [3, b"fir", True, 6, b"second", True]
