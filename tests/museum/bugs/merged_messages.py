"""Two messages that were sent one after the other are read together, and taken for one.

After https://github.com/nodemcu/nodemcu-firmware/issues/2328, where JSON objects arrived in one piece now
and then. Mended: each message ends with a newline, and is read as a line.
"""

import asyncio

import lwt_unix
from lwt_unix import lwt_io
from tests.museum.servers import asyncio_server, lwt_server

MESSAGES = [b'{"test": 1}\n', b'{"test": 2}\n']


async def in_lwt(*, mended: bool) -> None:
    async def serve(_: lwt_io.InputChannel, output: lwt_io.OutputChannel) -> None:
        for message in MESSAGES:
            await lwt_io.write(output, message)
            await lwt_unix.sleep(0.01)

    received: list[bytes] = []
    async with lwt_server(serve) as address:
        input, output = await lwt_io.open_connection(address)
        if mended:
            while (line := await lwt_io.read_line_opt(input)) is not None:
                received.append(line.value + b"\n")
        else:
            while message := await lwt_io.read(input, count=100):
                received.append(message)
        await lwt_io.close(output)
    assert received == MESSAGES, received


async def in_asyncio(*, mended: bool) -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for message in MESSAGES:
            writer.write(message)
            await asyncio.sleep(0.01)

    received: list[bytes] = []
    async with asyncio_server(serve) as address:
        reader, writer = await asyncio.open_connection(*address)
        if mended:
            while line := await reader.readline():
                received.append(line)
        else:
            while message := await reader.read(100):
                received.append(message)
        writer.close()
    assert received == MESSAGES, received
