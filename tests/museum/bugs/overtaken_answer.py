"""The answer to what was typed first comes last, and replaces what the user sees.

After https://github.com/zulip/zulip-mobile/pull/3621, where results of a search were shown that nobody asked
for any more. Mended as there: an answer that comes after a newer one is thrown away.
"""

import asyncio

import lwt
import lwt_unix
from lwt_unix import lwt_io
from tests.museum.servers import asyncio_server, lwt_server


async def in_lwt(*, mended: bool) -> None:
    shown = (0, b"")

    async def serve(input: lwt_io.InputChannel, output: lwt_io.OutputChannel) -> None:
        await lwt_io.write_line(output, b"results for " + await lwt_io.read_line(input))

    async with lwt_server(serve) as address:

        @lwt.promised
        async def search(number: int, text: bytes) -> None:
            nonlocal shown
            input, output = await lwt_io.open_connection(address)
            await lwt_io.write_line(output, text)
            results = await lwt_io.read_line(input)
            await lwt_io.close(output)
            if number > shown[0] or not mended:
                shown = (number, results)

        first = search(1, b"sea")
        await lwt_unix.sleep(0.01)
        await lwt.join([first, search(2, b"search")])
    assert shown == (2, b"results for search"), shown


async def in_asyncio(*, mended: bool) -> None:
    shown = (0, b"")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"results for " + await reader.readline())

    async with asyncio_server(serve) as address:

        async def search(number: int, text: bytes) -> None:
            nonlocal shown
            reader, writer = await asyncio.open_connection(*address)
            writer.write(text + b"\n")
            results = (await reader.readline()).rstrip(b"\n")
            writer.close()
            if number > shown[0] or not mended:
                shown = (number, results)

        first = asyncio.create_task(search(1, b"sea"))
        await asyncio.sleep(0.01)
        await asyncio.gather(first, search(2, b"search"))
    assert shown == (2, b"results for search"), shown
