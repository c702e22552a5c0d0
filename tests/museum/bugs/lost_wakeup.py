"""Between finding that nothing is ready and beginning to wait, another task signals: nobody hears it.

After https://github.com/cocotb/cocotb/pull/4675, where an event that was set between the call of
`wait` and the `await` of its result left its task waiting. Mended: nothing is awaited between the
look and the wait.
"""

import asyncio

import lwt
import lwt_unix
from lwt import lwt_condition


def work() -> None:
    """What takes a while: a line in a log, the making of a value."""


async def in_lwt(*, mended: bool) -> None:
    ready = False
    changed: lwt_condition.Condition[None] = lwt_condition.create()

    @lwt.promised
    async def consume() -> None:
        if mended:
            await lwt_unix.run_job(work)
            while not ready:
                await lwt_condition.wait(changed)
        elif not ready:
            await lwt_unix.run_job(work)
            await lwt_condition.wait(changed)

    @lwt.promised
    async def produce() -> None:
        nonlocal ready
        await lwt_unix.run_job(work)
        ready = True
        lwt_condition.broadcast(changed, None)

    await lwt.join([consume(), produce()])


async def in_asyncio(*, mended: bool) -> None:
    ready = False
    changed = asyncio.Condition()

    async def consume() -> None:
        if mended:
            await asyncio.to_thread(work)
            async with changed:
                while not ready:
                    await changed.wait()
        elif not ready:
            await asyncio.to_thread(work)
            async with changed:
                await changed.wait()

    async def produce() -> None:
        nonlocal ready
        await asyncio.to_thread(work)
        async with changed:
            ready = True
            changed.notify_all()

    await asyncio.gather(consume(), produce())
