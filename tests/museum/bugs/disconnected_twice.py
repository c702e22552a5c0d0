"""The client leaves just when the server misses its ping: both remove the session, the second fails.

After https://github.com/miguelgrinberg/python-engineio/issues/179, a `KeyError` for a session that was
there when it was looked for. Mended: the session is taken out before anything is awaited.
"""

import asyncio

import lwt
import lwt_unix


async def in_lwt(*, mended: bool) -> None:
    sessions = {"sid": "Anna"}

    async def disconnect(sid: str) -> None:
        if mended:
            if sessions.pop(sid, None) is not None:
                await lwt_unix.sleep(1)  # tell the others
        elif sid in sessions:
            await lwt_unix.sleep(1)
            del sessions[sid]

    @lwt.promised
    async def leave() -> None:
        await disconnect("sid")

    @lwt.promised
    async def miss_a_ping() -> None:
        await lwt_unix.sleep(1)
        await disconnect("sid")

    await lwt.join([leave(), miss_a_ping()])


async def in_asyncio(*, mended: bool) -> None:
    sessions = {"sid": "Anna"}

    async def disconnect(sid: str) -> None:
        if mended:
            if sessions.pop(sid, None) is not None:
                await asyncio.sleep(1)
        elif sid in sessions:
            await asyncio.sleep(1)
            del sessions[sid]

    async def leave() -> None:
        await disconnect("sid")

    async def miss_a_ping() -> None:
        await asyncio.sleep(1)
        await disconnect("sid")

    await asyncio.gather(leave(), miss_a_ping())
