"""A connection is closed while another task is in the middle of a message: the end of it never comes.

After https://github.com/ponylang/lori/issues/304, where `close` dropped what was still to be written.
Mended: who closes waits for who writes.
"""

import asyncio

import lwt
import lwt_unix
from lwt import lwt_mutex
from lwt_unix import lwt_io
from tests.museum.servers import asyncio_server, lwt_server


def work() -> None:
    """What takes a while: to compress, to decide that the connection is not needed."""


async def in_lwt(*, mended: bool) -> None:
    async def serve(_: lwt_io.InputChannel, output: lwt_io.OutputChannel) -> None:
        writing = lwt_mutex.create()
        await lwt_mutex.lock(writing)

        @lwt.promised
        async def send() -> None:
            await lwt_io.write(output, "begin ")
            await lwt_unix.run_job(work)
            if not lwt_io.is_closed(output):
                await lwt_io.write(output, "end")
            lwt_mutex.unlock(writing)

        @lwt.promised
        async def close() -> None:
            await lwt_unix.run_job(work)
            if mended:
                async with writing:
                    await lwt_io.close(output)
            else:
                await lwt_io.close(output)

        await lwt.join([send(), close()])

    async with lwt_server(serve) as address:
        input, output = await lwt_io.open_connection(address)
        received = await lwt_io.read(input)
        await lwt_io.close(output)
        assert received == b"begin end", received


async def in_asyncio(*, mended: bool) -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writing = asyncio.Lock()
        await writing.acquire()

        async def send() -> None:
            writer.write(b"begin ")
            await asyncio.to_thread(work)
            if not writer.is_closing():
                writer.write(b"end")
            writing.release()

        async def close() -> None:
            await asyncio.to_thread(work)
            if mended:
                async with writing:
                    writer.close()
            else:
                writer.close()

        await asyncio.gather(send(), close())

    async with asyncio_server(serve) as address:
        reader, writer = await asyncio.open_connection(*address)
        received = await reader.read()
        writer.close()
        assert received == b"begin end", received
