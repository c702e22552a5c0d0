"""A value is not in the cache yet while it is computed: who asks meanwhile has it computed again.

After https://github.com/jaredwray/cacheable/issues/888, where each of several calls for one key ran the
expensive function. Mended: the cache holds the promise, from the beginning of the computation.
"""

import asyncio

import lwt
import lwt_unix


def work() -> None:
    """What takes a while: to log in, to compute."""


async def in_lwt(*, mended: bool) -> None:
    computed = 0
    values: dict[str, int] = {}
    promises: dict[str, lwt.Promise[int]] = {}

    @lwt.promised
    async def compute() -> int:
        nonlocal computed
        computed += 1
        await lwt_unix.run_job(work)
        return 42

    async def get(key: str) -> int:
        if mended:
            if key not in promises:
                promises[key] = compute()
            return await promises[key]
        if key not in values:
            values[key] = await compute()
        return values[key]

    @lwt.promised
    async def use(logins: int) -> None:
        for _ in range(logins):
            await lwt_unix.run_job(work)
        await get("key")

    await lwt.join([use(1), use(2)])
    assert computed == 1, f"computed {computed} times"


async def in_asyncio(*, mended: bool) -> None:
    computed = 0
    values: dict[str, int] = {}
    tasks: dict[str, asyncio.Task[int]] = {}

    async def compute() -> int:
        nonlocal computed
        computed += 1
        await asyncio.to_thread(work)
        return 42

    async def get(key: str) -> int:
        if mended:
            if key not in tasks:
                tasks[key] = asyncio.create_task(compute())
            return await tasks[key]
        if key not in values:
            values[key] = await compute()
        return values[key]

    async def use(logins: int) -> None:
        for _ in range(logins):
            await asyncio.to_thread(work)
        await get("key")

    await asyncio.gather(use(1), use(2))
    assert computed == 1, f"computed {computed} times"
