"""A consumer is cancelled when it has taken an item, but has not returned it yet: the item is lost.

After https://github.com/python/asyncio/issues/343, where a timeout between a queue and its reader lost
items. Mended: who is cancelled puts the item back.
"""

import asyncio

import lwt
import lwt_unix
from lwt import lwt_mvar
from lwt_unix import testing
from tests.museum.asked import sometimes_cancelled


async def in_lwt(*, mended: bool) -> None:
    queue = lwt_mvar.create("item")

    async def consume() -> str:
        item = await lwt_mvar.take(queue)
        for _ in range(2):
            try:
                await lwt_unix.sleep(1)  # unpack it
            except lwt.Canceled:
                if mended:
                    await lwt_mvar.put(queue, item)
                raise
        return item

    try:
        item = await testing.sometimes_cancelled(consume())
    except (lwt.Canceled, lwt_unix.Timeout):
        item = await consume()
    assert item == "item"


async def in_asyncio(*, mended: bool) -> None:
    queue: asyncio.Queue[str] = asyncio.Queue()
    queue.put_nowait("item")

    async def consume() -> str:
        item = await queue.get()
        for _ in range(2):
            try:
                await asyncio.sleep(1)
            except asyncio.CancelledError:
                if mended:
                    queue.put_nowait(item)
                raise
        return item

    try:
        item = await sometimes_cancelled(consume())
    except TimeoutError:
        item = await consume()
    assert item == "item"
