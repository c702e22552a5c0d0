"""`read(n)` gives up to n bytes; who takes that for all n has half a body.

After https://github.com/miguelgrinberg/microdot/issues/31, where the body of a request was read by one
`read(content_length)`. Mended: read exactly so many.
"""

import asyncio

from lwt_unix import lwt_io
from tests.museum.servers import asyncio_server, lwt_server


async def in_lwt(*, mended: bool) -> None:
    async def serve(_: lwt_io.InputChannel, output: lwt_io.OutputChannel) -> None:
        await lwt_io.write_line(output, "6")
        await lwt_io.write(output, "abc")
        await lwt_io.write(output, "def")

    async with lwt_server(serve) as address:
        input, output = await lwt_io.open_connection(address)
        length = int(await lwt_io.read_line(input))
        if mended:
            body = bytearray(length)
            await lwt_io.read_into_exactly(input, body, 0, length)
        else:
            body = bytearray(await lwt_io.read(input, count=length))
        await lwt_io.close(output)
        assert body == b"abcdef", body


async def in_asyncio(*, mended: bool) -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"6\n")
        writer.write(b"abc")
        writer.write(b"def")

    async with asyncio_server(serve) as address:
        reader, writer = await asyncio.open_connection(*address)
        length = int(await reader.readline())
        body = await (reader.readexactly(length) if mended else reader.read(length))
        writer.close()
        assert body == b"abcdef", body
