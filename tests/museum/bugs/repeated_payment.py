"""A payment whose answer comes too late is sent again, and done twice.

After https://github.com/palantir/conjure-java-runtime/issues/897, where a request that must not be
repeated was, after a timeout. Mended: each payment has a number, and the server knows which it has done.
"""

import asyncio

import lwt_unix
from lwt_unix import lwt_io
from tests.museum.servers import asyncio_server, lwt_server

PATIENCE = 1.03  # seconds; the server takes one, the network up to 20 ms each way


async def in_lwt(*, mended: bool) -> None:
    paid: list[bytes] = []

    async def serve(input: lwt_io.InputChannel, output: lwt_io.OutputChannel) -> None:
        number = await lwt_io.read_line(input)
        if not (mended and number in paid):
            paid.append(number)
        await lwt_unix.sleep(1)
        await lwt_io.write_line(output, "thank you")

    async with lwt_server(serve) as address:

        async def pay() -> None:
            input, output = await lwt_io.open_connection(address)
            await lwt_io.write_line(output, "payment 1")
            await lwt_io.read_line(input)
            await lwt_io.close(output)

        try:
            await lwt_unix.with_timeout(PATIENCE, pay)
        except lwt_unix.Timeout:
            await pay()
        assert len(paid) == 1, f"paid {len(paid)} times"


async def in_asyncio(*, mended: bool) -> None:
    paid: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = await reader.readline()
        if not (mended and number in paid):
            paid.append(number)
        await asyncio.sleep(1)
        writer.write(b"thank you\n")

    async with asyncio_server(serve) as address:

        async def pay() -> None:
            reader, writer = await asyncio.open_connection(*address)
            writer.write(b"payment 1\n")
            await reader.readline()
            writer.close()

        try:
            await asyncio.wait_for(pay(), PATIENCE)
        except TimeoutError:
            await pay()
        assert len(paid) == 1, f"paid {len(paid)} times"
