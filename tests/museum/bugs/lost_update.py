"""Two players change one entry of a file at a time: each writes what it read before the other wrote.

After https://github.com/aikaterna/gobcog/issues/27, where reward chests vanished if one was being
opened while combat resolved. Mended as there: a lock from the reading to the writing.
"""

import asyncio

import lwt
import lwt_unix
from lwt import lwt_mutex


def check(chests: int) -> None:
    assert chests == 6, f"{chests} chests"


async def in_lwt(*, mended: bool) -> None:
    chests = 5
    mutex = lwt_mutex.create()

    async def change(difference: int) -> None:
        nonlocal chests
        found = chests
        await lwt_unix.sleep(1)  # the chest opens; the fight goes on
        chests = found + difference

    @lwt.promised
    async def play(difference: int) -> None:
        if mended:
            await lwt_mutex.with_lock(mutex, lambda: change(difference))
        else:
            await change(difference)

    @lwt.promised
    async def come_later() -> None:
        await lwt_unix.sleep(1)
        await play(+2)

    await lwt.join([play(-1), come_later()])
    check(chests)


async def in_asyncio(*, mended: bool) -> None:
    chests = 5
    lock = asyncio.Lock()

    async def change(difference: int) -> None:
        nonlocal chests
        found = chests
        await asyncio.sleep(1)
        chests = found + difference

    async def play(difference: int) -> None:
        if mended:
            async with lock:
                await change(difference)
        else:
            await change(difference)

    async def come_later() -> None:
        await asyncio.sleep(1)
        await play(+2)

    await asyncio.gather(play(-1), come_later())
    check(chests)
