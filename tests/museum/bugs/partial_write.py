"""`write` may take a part of what it is given; who does not look at its result loses the rest.

After https://github.com/microsoft/WSL/pull/40032, where what a partial write had left was dropped.
Mended: write until all is taken.
"""

import asyncio

import lwt_unix
from tests.museum.asked import drawn

DATA = b"0123456789"


async def in_lwt(*, mended: bool) -> None:
    near, far = lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)
    left = DATA
    while left:
        number = await lwt_unix.write(near, left, 0, len(left))
        left = left[number:] if mended else b""
    await lwt_unix.close(near)
    received = b""
    buffer = bytearray(16)
    while number := await lwt_unix.read(far, buffer, 0, len(buffer)):
        received += buffer[:number]
    await lwt_unix.close(far)
    assert received == DATA, received


async def in_asyncio(*, mended: bool) -> None:
    received = b""

    async def write(data: bytes) -> int:
        nonlocal received
        taken = len(data) - drawn("write", len(data))
        received += data[:taken]
        if taken < len(data):
            await asyncio.sleep(0)
        return taken

    left = DATA
    while left:
        number = await write(left)
        left = left[number:] if mended else b""
    assert received == DATA, received
