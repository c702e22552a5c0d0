"""Cancelled between taking a connection out of the pool and handing it over: nobody has it then.

After https://github.com/MagicStack/asyncpg/issues/467, where a timeout of `acquire` leaked the connection
that was just being made ready. Mended: `acquire` puts it back if it does not come to its end.
"""

import asyncio

import lwt
import lwt_unix
from lwt import lwt_mvar


async def in_lwt(*, mended: bool) -> None:
    pool = lwt_mvar.create("connection")

    async def acquire() -> str:
        connection = await lwt_mvar.take(pool)
        try:
            await lwt_unix.sleep(1)  # reset what its last user set
        except lwt.Canceled:
            if mended:
                await lwt_mvar.put(pool, connection)
            raise
        return connection

    @lwt.promised
    async def query() -> None:
        connection = await acquire()
        try:
            await lwt_unix.sleep(1)
        finally:
            await lwt_mvar.put(pool, connection)

    request = query()

    @lwt.promised
    async def hang_up() -> None:
        await lwt_unix.sleep(1)
        lwt.cancel(request)

    await hang_up()
    await query()


async def in_asyncio(*, mended: bool) -> None:
    pool: asyncio.Queue[str] = asyncio.Queue()
    pool.put_nowait("connection")

    async def acquire() -> str:
        connection = await pool.get()
        try:
            await asyncio.sleep(1)
        except asyncio.CancelledError:
            if mended:
                pool.put_nowait(connection)
            raise
        return connection

    async def query() -> None:
        connection = await acquire()
        try:
            await asyncio.sleep(1)
        finally:
            pool.put_nowait(connection)

    request = asyncio.create_task(query())

    async def hang_up() -> None:
        await asyncio.sleep(1)
        request.cancel()

    await asyncio.create_task(hang_up())
    await query()
