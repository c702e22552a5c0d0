"""A pong that arrives just when the next ping is due is not counted: a healthy connection is closed.

After https://github.com/calimero-network/core/pull/3420, where a timer that came late closed connections
whose client had done nothing wrong. Mended: a connection is closed after two missed pongs.
"""

import asyncio

import lwt
import lwt_unix


async def in_lwt(*, mended: bool) -> None:
    missed = 0
    is_closed = False

    @lwt.promised
    async def pong() -> None:
        nonlocal missed
        await lwt_unix.sleep(1)  # as long as the other side takes
        missed = 0

    for _ in range(2):
        missed += 1
        answering = pong()
        await lwt_unix.sleep(1)
        is_closed = is_closed or missed >= (2 if mended else 1)
        await answering
    assert not is_closed, "a healthy connection was closed"


async def in_asyncio(*, mended: bool) -> None:
    missed = 0
    is_closed = False

    async def pong() -> None:
        nonlocal missed
        await asyncio.sleep(1)
        missed = 0

    async def wait_for_the_next() -> None:
        await asyncio.sleep(1)

    for _ in range(2):
        missed += 1
        answering = asyncio.create_task(pong())
        await asyncio.create_task(wait_for_the_next())
        is_closed = is_closed or missed >= (2 if mended else 1)
        await answering
    assert not is_closed, "a healthy connection was closed"
