"""A client leaves while a message is sent to one after the other: the loop over them fails.

After https://github.com/Kohei-Wada/taskdog/pull/1091, where a disconnect during a broadcast ended it, and all
who came later in the table missed the message. Mended as there: the loop goes over a copy.
"""

import asyncio

import lwt
import lwt_unix


def work() -> None:
    """What takes a while: to send, to notice that a client has left."""


async def in_lwt(*, mended: bool) -> None:
    clients = {"Anna", "Boris", "Clara"}

    @lwt.promised
    async def leave() -> None:
        await lwt_unix.run_job(work)
        clients.remove("Anna")

    @lwt.promised
    async def broadcast() -> None:
        await lwt_unix.run_job(work)
        for _ in list(clients) if mended else clients:
            await lwt_unix.run_job(work)

    await lwt.join([leave(), broadcast()])


async def in_asyncio(*, mended: bool) -> None:
    clients = {"Anna", "Boris", "Clara"}

    async def leave() -> None:
        await asyncio.to_thread(work)
        clients.remove("Anna")

    async def broadcast() -> None:
        await asyncio.to_thread(work)
        for _ in list(clients) if mended else clients:
            await asyncio.to_thread(work)

    await asyncio.gather(leave(), broadcast())
