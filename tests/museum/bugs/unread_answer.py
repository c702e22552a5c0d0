"""A request that is given up after it was sent leaves its answer to whoever asks next.

After https://github.com/redis/redis-py/issues/2624, where a cancelled command left the connection one
answer behind. Mended as there: a connection with an answer outstanding is closed, not used again.
"""

import asyncio

import lwt_unix
from lwt_unix import lwt_io
from tests.museum.servers import asyncio_server, lwt_server

PATIENCE = 1.03  # seconds; the server takes one, the network up to 20 ms each way


async def in_lwt(*, mended: bool) -> None:
    async def serve(input: lwt_io.InputChannel, output: lwt_io.OutputChannel) -> None:
        while (key := await lwt_io.read_line_opt(input)) is not None:
            await lwt_unix.sleep(1)
            await lwt_io.write_line(output, b"the value of " + key.value)

    async with lwt_server(serve) as address:
        input, output = await lwt_io.open_connection(address)

        async def get(key: bytes) -> bytes:
            await lwt_io.write_line(output, key)
            return await lwt_io.read_line(input)

        try:
            await lwt_unix.with_timeout(PATIENCE, lambda: get(b"foo"))
        except lwt_unix.Timeout:
            if mended:
                await lwt_io.abort(output)
                input, output = await lwt_io.open_connection(address)
        found = await get(b"bar")
        await lwt_io.close(output)
        assert found == b"the value of bar", found


async def in_asyncio(*, mended: bool) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while key := await reader.readline():
            await asyncio.sleep(1)
            writer.write(b"the value of " + key)

    async with asyncio_server(serve) as address:
        reader, writer = await asyncio.open_connection(*address)

        async def get(key: bytes) -> bytes:
            writer.write(key + b"\n")
            return await reader.readline()

        try:
            await asyncio.wait_for(get(b"foo"), PATIENCE)
        except TimeoutError:
            if mended:
                writer.close()
                reader, writer = await asyncio.open_connection(*address)
        found = await get(b"bar")
        writer.close()
        assert found == b"the value of bar\n", found
