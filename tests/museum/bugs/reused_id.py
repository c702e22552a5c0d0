"""Identifiers come round while a request that has one is still under way: it gets the other's answer.

After https://github.com/eclipse-mosquitto/mosquitto/issues/3601, where the 16 bits of a packet identifier
wrapped, and nobody looked whether the old one was still in use. Mended: those in use are passed over.
"""

import asyncio

import lwt
import lwt_unix
from lwt import lwt_condition

IDENTIFIERS = 2  # as many as may be under way, too


def work() -> None:
    """What the server takes for an answer."""


async def in_lwt(*, mended: bool) -> None:
    waiting: dict[int, lwt.Resolver[str]] = {}
    under_way = 0
    last = -1
    changed: lwt_condition.Condition[None] = lwt_condition.create()

    @lwt.promised
    async def server(identifier: int, answer: str) -> None:
        await lwt_unix.run_job(work)
        lwt.wakeup_later(waiting.pop(identifier), answer)

    @lwt.promised
    async def ask(question: str) -> None:
        nonlocal under_way, last
        while under_way == IDENTIFIERS:
            await lwt_condition.wait(changed)
        under_way += 1
        last = (last + 1) % IDENTIFIERS
        while mended and last in waiting:
            last = (last + 1) % IDENTIFIERS
        answer: lwt.Promise[str]
        resolver: lwt.Resolver[str]
        answer, resolver = lwt.wait()
        waiting[last] = resolver
        lwt.async_(lambda: server(last, question))
        assert await answer == question, "the answer is another question's"
        under_way -= 1
        lwt_condition.signal(changed, None)

    await lwt.join([ask("A"), ask("B"), ask("C")])


async def in_asyncio(*, mended: bool) -> None:
    waiting: dict[int, asyncio.Future[str]] = {}
    servers: list[asyncio.Task[None]] = []
    last = -1
    permits = asyncio.Semaphore(IDENTIFIERS)

    async def server(identifier: int, answer: str) -> None:
        await asyncio.to_thread(work)
        waiting.pop(identifier).set_result(answer)

    async def ask(question: str) -> None:
        nonlocal last
        async with permits:
            last = (last + 1) % IDENTIFIERS
            while mended and last in waiting:
                last = (last + 1) % IDENTIFIERS
            answer = waiting[last] = asyncio.get_running_loop().create_future()
            servers.append(asyncio.create_task(server(last, question)))
            assert await answer == question, "the answer is another question's"

    await asyncio.gather(ask("A"), ask("B"), ask("C"))
