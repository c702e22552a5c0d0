"""Cancelled while it waits without its permit, a request gives the permit back a second time.

After https://github.com/JKorf/CryptoExchange.Net/pull/210, where the rate limiter released its semaphore
for the wait, and the caller's `finally` released it again. Mended: a flag says who has the permit.
"""

import asyncio
from contextlib import suppress

import lwt
import lwt_unix
from lwt import lwt_condition


class Permits:
    """A semaphore, which Lwt has not."""

    def __init__(self, number: int) -> None:
        self._free = number
        self._changed: lwt_condition.Condition[None] = lwt_condition.create()

    async def acquire(self) -> None:
        """Wait for a permit, and take it."""
        while not self._free:
            await lwt_condition.wait(self._changed)
        self._free -= 1

    def release(self) -> None:
        """Give one back."""
        self._free += 1
        lwt_condition.signal(self._changed, None)


async def in_lwt(*, mended: bool) -> None:
    permits = Permits(1)
    working: set[int] = set()

    @lwt.promised
    async def process(number: int, *, is_limited: bool = False) -> None:
        await permits.acquire()
        has_permit = True
        try:
            if is_limited:
                permits.release()
                has_permit = False
                await lwt_unix.sleep(1)  # until the rate allows it
                await permits.acquire()
                has_permit = True
            working.add(number)
            assert len(working) == 1, f"at work: {working}"
            await lwt_unix.sleep(1)
        finally:
            working.discard(number)
            if has_permit or not mended:
                permits.release()

    request = process(1, is_limited=True)

    @lwt.promised
    async def hang_up() -> None:
        await lwt_unix.sleep(1)
        lwt.cancel(request)

    await hang_up()
    with suppress(lwt.Canceled):
        await request
    await lwt.join([process(2), process(3)])


async def in_asyncio(*, mended: bool) -> None:
    permits = asyncio.Semaphore(1)
    working: set[int] = set()

    async def process(number: int, *, is_limited: bool = False) -> None:
        await permits.acquire()
        has_permit = True
        try:
            if is_limited:
                permits.release()
                has_permit = False
                await asyncio.sleep(1)
                await permits.acquire()
                has_permit = True
            working.add(number)
            assert len(working) == 1, f"at work: {working}"
            await asyncio.sleep(1)
        finally:
            working.discard(number)
            if has_permit or not mended:
                permits.release()

    request = asyncio.create_task(process(1, is_limited=True))

    async def hang_up() -> None:
        await asyncio.sleep(1)
        request.cancel()

    await asyncio.create_task(hang_up())
    with suppress(asyncio.CancelledError):
        await request
    await asyncio.gather(process(2), process(3))
