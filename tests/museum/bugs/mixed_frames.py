"""A frame that the system takes in parts lets another task write into the middle of it.

After https://github.com/http4s/http4s/pull/7882, where the automatic pong was spliced into a frame of
data. Mended as there: a mutex for each connection.
"""

import asyncio

import lwt
import lwt_unix
from lwt import lwt_mutex
from tests.museum.asked import drawn

FRAMES = (b"data", b"PONG")


def check(received: bytes) -> None:
    assert received in {FRAMES[0] + FRAMES[1], FRAMES[1] + FRAMES[0]}, received


async def in_lwt(*, mended: bool) -> None:
    near, far = lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)
    writing = lwt_mutex.create()

    async def write_all(frame: bytes) -> None:
        while frame:
            frame = frame[await lwt_unix.write(near, frame, 0, len(frame)) :]

    @lwt.promised
    async def send(frame: bytes) -> None:
        if mended:
            await lwt_mutex.with_lock(writing, lambda: write_all(frame))
        else:
            await write_all(frame)

    await lwt.join([send(frame) for frame in FRAMES])
    await lwt_unix.close(near)
    received = b""
    buffer = bytearray(16)
    while number := await lwt_unix.read(far, buffer, 0, len(buffer)):
        received += buffer[:number]
    await lwt_unix.close(far)
    check(received)


async def in_asyncio(*, mended: bool) -> None:
    received = b""
    writing = asyncio.Lock()

    async def write(data: bytes) -> int:
        nonlocal received
        taken = len(data) - drawn("write", len(data))
        received += data[:taken]
        if taken < len(data):
            await asyncio.sleep(0)  # until there is room again
        return taken

    async def write_all(frame: bytes) -> None:
        while frame:
            frame = frame[await write(frame) :]

    async def send(frame: bytes) -> None:
        if mended:
            async with writing:
                await write_all(frame)
        else:
            await write_all(frame)

    await asyncio.gather(*(send(frame) for frame in FRAMES))
    check(received)
