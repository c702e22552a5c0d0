"""The server closes an idle connection just when the client sends its next request: no answer comes.

After https://github.com/aio-libs/aiohttp/issues/9138, where requests failed whose connection the server's
keep-alive timer had just closed. Mended: the client asks again by a new connection.
"""

import asyncio
from contextlib import suppress

import lwt_unix
from lwt_unix import lwt_io
from tests.museum.servers import asyncio_server, lwt_server

KEEP_ALIVE = 1.0
PAUSE = 0.97  # seconds; then the request is on its way for up to 20 ms, as the last answer was


async def in_lwt(*, mended: bool) -> None:
    async def serve(input: lwt_io.InputChannel, output: lwt_io.OutputChannel) -> None:
        request = await lwt_io.read_line(input)
        with suppress(lwt_unix.Timeout):
            while True:
                await lwt_io.write_line(output, request)
                request = await lwt_unix.with_timeout(KEEP_ALIVE, lambda: lwt_io.read_line(input))

    async with lwt_server(serve) as address:
        input, output = await lwt_io.open_connection(address)

        async def ask(request: str) -> None:
            await lwt_io.write_line(output, request)
            await lwt_io.flush(output)
            await lwt_io.read_line(input)

        await ask("first")
        await lwt_unix.sleep(PAUSE)
        while True:
            try:
                await ask("second")
                break
            except (EOFError, OSError):
                if not mended:
                    raise
                await lwt_io.abort(output)
                input, output = await lwt_io.open_connection(address)
        await lwt_io.close(output)


async def in_asyncio(*, mended: bool) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readline()
        with suppress(TimeoutError):
            while request:
                writer.write(request)
                request = await asyncio.wait_for(reader.readline(), KEEP_ALIVE)

    async with asyncio_server(serve) as address:
        reader, writer = await asyncio.open_connection(*address)

        async def ask(request: bytes) -> None:
            writer.write(request)
            if not await reader.readline():
                raise EOFError

        try:
            await ask(b"first\n")
            await asyncio.sleep(PAUSE)
            while True:
                try:
                    await ask(b"second\n")
                    break
                except (EOFError, OSError):
                    if not mended:
                        raise
                    writer.close()
                    reader, writer = await asyncio.open_connection(*address)
        finally:
            writer.close()
