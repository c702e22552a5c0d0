"""A request that is queued just behind the mark that ends the worker is never answered.

After https://github.com/OpenBMB/StaffDeck/issues/109, where jobs that were accepted had not come to any
end when the shutdown returned. Mended: once the shutdown has begun, requests are refused.
"""

import asyncio

import lwt
import lwt_unix
from lwt import lwt_stream


def work() -> None:
    """What takes a while: to parse a request, to write a log."""


async def in_lwt(*, mended: bool) -> None:
    requests, push = lwt_stream.create()
    is_closing = False

    @lwt.promised
    async def answer_all() -> None:
        while (resolver := await lwt_stream.next(requests)) is not None:
            lwt.wakeup_later(resolver, "done")

    @lwt.promised
    async def submit() -> str:
        await lwt_unix.run_job(work)
        if is_closing and mended:
            return "refused"
        answer: lwt.Promise[str]
        answer, resolver = lwt.wait()
        push(lwt.Some(resolver))
        return await answer

    @lwt.promised
    async def shut_down() -> None:
        nonlocal is_closing
        await lwt_unix.run_job(work)
        is_closing = True
        push(lwt.Some(None))

    await lwt.join([answer_all(), submit(), shut_down()])


async def in_asyncio(*, mended: bool) -> None:
    requests: asyncio.Queue[asyncio.Future[str] | None] = asyncio.Queue()
    is_closing = False

    async def answer_all() -> None:
        while (answer := await requests.get()) is not None:
            answer.set_result("done")

    async def submit() -> str:
        await asyncio.to_thread(work)
        if is_closing and mended:
            return "refused"
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        requests.put_nowait(answer)
        return await answer

    async def shut_down() -> None:
        nonlocal is_closing
        await asyncio.to_thread(work)
        is_closing = True
        requests.put_nowait(None)

    await asyncio.gather(answer_all(), submit(), shut_down())
