"""Two transfers lock the same two accounts in opposite order, and each waits for the other's.

After https://github.com/microsoft/libHttpClient/pull/313, where completing a call locked A and then
B, and asking for its status B and then A. Mended as there: everybody locks in the same order.
"""

import asyncio

import lwt
import lwt_unix
from lwt import lwt_mutex


async def in_lwt(*, mended: bool) -> None:
    locks = {"A": lwt_mutex.create(), "B": lwt_mutex.create()}

    @lwt.promised
    async def transfer(*accounts: str) -> None:
        first, second = sorted(accounts) if mended else accounts
        async with locks[first]:
            await lwt_unix.sleep(1)  # look at the one account
            async with locks[second]:
                await lwt_unix.sleep(1)  # move the money

    @lwt.promised
    async def transfer_back() -> None:
        await lwt_unix.sleep(1)
        await transfer("B", "A")

    await lwt.join([transfer("A", "B"), transfer_back()])


async def in_asyncio(*, mended: bool) -> None:
    locks = {"A": asyncio.Lock(), "B": asyncio.Lock()}

    async def transfer(*accounts: str) -> None:
        first, second = sorted(accounts) if mended else accounts
        async with locks[first]:
            await asyncio.sleep(1)
            async with locks[second]:
                await asyncio.sleep(1)

    async def transfer_back() -> None:
        await asyncio.sleep(1)
        await transfer("B", "A")

    await asyncio.gather(transfer("A", "B"), transfer_back())
