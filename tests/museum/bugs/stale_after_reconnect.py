"""A client reconnects, reads the value anew, and then subscribes: a change between the two never comes.

After https://github.com/hazelcast/hazelcast/pull/2426, where a near cache kept old values because
invalidations were lost until the client was registered again. Mended: subscribe first, then read.
"""

import asyncio
from collections.abc import Callable

import lwt
import lwt_unix


class Store:
    """A value with a version, and who is told of each change of it."""

    def __init__(self) -> None:
        self.version = 1
        self.subscribers: list[Callable[[int], None]] = []

    def change(self) -> None:
        """Make a new version, and tell."""
        self.version += 1
        for tell in self.subscribers:
            tell(self.version)


async def in_lwt(*, mended: bool) -> None:
    store = Store()
    cached = 0

    def see(version: int) -> None:
        nonlocal cached
        cached = max(cached, version)

    async def fetch() -> None:
        version = store.version
        await lwt_unix.sleep(1)  # the answer is on its way
        see(version)

    @lwt.promised
    async def reconnect() -> None:
        if mended:
            store.subscribers.append(see)
            await fetch()
        else:
            await fetch()
            store.subscribers.append(see)

    @lwt.promised
    async def write() -> None:
        await lwt_unix.sleep(1)
        store.change()

    await lwt.join([reconnect(), write()])
    assert cached == store.version, f"version {cached} is cached, {store.version} is current"


async def in_asyncio(*, mended: bool) -> None:
    store = Store()
    cached = 0

    def see(version: int) -> None:
        nonlocal cached
        cached = max(cached, version)

    async def fetch() -> None:
        version = store.version
        await asyncio.sleep(1)
        see(version)

    async def reconnect() -> None:
        if mended:
            store.subscribers.append(see)
            await fetch()
        else:
            await fetch()
            store.subscribers.append(see)

    async def write() -> None:
        await asyncio.sleep(1)
        store.change()

    await asyncio.gather(reconnect(), write())
    assert cached == store.version, f"version {cached} is cached, {store.version} is current"
