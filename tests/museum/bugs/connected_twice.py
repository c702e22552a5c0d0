"""Two callers find that there is no connection yet, and each makes one: the first is lost, and stays open.

After https://github.com/hushh-labs/hushh-research/pull/1647, where calls during the start each made a pool
of connections. Mended: who comes second waits for the connection that the first is making.
"""

import asyncio

import lwt
import lwt_unix
from lwt_unix import lwt_io
from tests.museum.servers import Channels, asyncio_server, lwt_server


async def in_lwt(*, mended: bool) -> None:
    connected = 0

    async def serve(input: lwt_io.InputChannel, output: lwt_io.OutputChannel) -> None:
        nonlocal connected
        connected += 1
        await lwt_io.write_line(output, "welcome")
        await lwt_io.read_line_opt(input)

    async with lwt_server(serve) as address:
        connection: Channels | None = None
        connecting: lwt.Promise[Channels] | None = None

        @lwt.promised
        async def connect() -> Channels:
            input, output = await lwt_io.open_connection(address)
            await lwt_io.read_line(input)
            return input, output

        @lwt.promised
        async def use(start: float) -> None:
            nonlocal connection, connecting
            await lwt_unix.sleep(start)
            if mended:
                if connecting is None:
                    connecting = connect()
                connection = await connecting
            elif connection is None:
                connection = await connect()

        await lwt.join([use(1), use(1.01)])
        assert connection is not None
        await lwt_io.close(connection[1])
        assert connected == 1, f"{connected} connections"


async def in_asyncio(*, mended: bool) -> None:
    connected = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connected
        connected += 1
        writer.write(b"welcome\n")
        await reader.readline()

    async with asyncio_server(serve) as address:
        connection: asyncio.StreamWriter | None = None
        connecting: asyncio.Task[asyncio.StreamWriter] | None = None

        async def connect() -> asyncio.StreamWriter:
            reader, writer = await asyncio.open_connection(*address)
            await reader.readline()
            return writer

        async def use(start: float) -> None:
            nonlocal connection, connecting
            await asyncio.sleep(start)
            if mended:
                if connecting is None:
                    connecting = asyncio.create_task(connect())
                connection = await connecting
            elif connection is None:
                connection = await connect()

        await asyncio.gather(use(1), use(1.01))
        assert connection is not None
        connection.close()
        assert connected == 1, f"{connected} connections"
