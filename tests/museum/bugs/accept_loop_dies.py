"""A client that is gone before it is accepted makes `accept` fail once, and the loop around it ends for good.

After https://github.com/emqx/esockd/pull/28, where `econnaborted` crashed the acceptor. Mended as there: the
loop passes over such a client.
"""

import asyncio
import errno
from contextlib import suppress

import lwt
import lwt_unix
from lwt_unix import testing
from tests.museum.asked import drawn

CLIENTS = 3


async def in_lwt(*, mended: bool) -> None:
    testing.faults().may_fail("accept", errno.ECONNABORTED)
    listener = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
    await lwt_unix.bind(listener, ("127.0.0.1", 0))
    lwt_unix.listen(listener, CLIENTS)

    @lwt.promised
    async def accept_all() -> None:
        while True:
            try:
                client, _ = await lwt_unix.accept(listener)
            except ConnectionAbortedError:
                if not mended:
                    raise
            else:
                await lwt_unix.close(client)

    accepting = accept_all()
    for _ in range(CLIENTS):
        client = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
        with suppress(ConnectionResetError):
            await lwt_unix.connect(client, lwt_unix.getsockname(listener))
        await lwt_unix.close(client)
    await lwt_unix.sleep(1)
    assert lwt.is_sleeping(accepting), "the loop has ended"
    lwt.cancel(accepting)
    await lwt_unix.close(listener)


async def in_asyncio(*, mended: bool) -> None:
    backlog: asyncio.Queue[str] = asyncio.Queue()

    async def accept() -> str:
        client = await backlog.get()
        if drawn("accept", 4) == 1:
            raise ConnectionAbortedError
        return client

    async def accept_all() -> None:
        while True:
            try:
                await accept()
            except ConnectionAbortedError:
                if not mended:
                    raise

    accepting = asyncio.create_task(accept_all())
    for number in range(CLIENTS):
        backlog.put_nowait(f"client {number}")
    await asyncio.sleep(1)
    assert not accepting.done(), "the loop has ended"
    accepting.cancel()
