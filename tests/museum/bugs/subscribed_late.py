"""Whoever publishes right after subscribing may be faster than the subscription: the message is lost.

After https://github.com/project-iris/iris/issues/33, a subscribe and an immediate publish. Mended: publish
when the server has confirmed the subscription.
"""

import asyncio

import lwt_unix
from lwt_unix import lwt_io
from tests.museum.servers import asyncio_server, lwt_server


async def in_lwt(*, mended: bool) -> None:
    subscribers: list[lwt_io.OutputChannel] = []

    async def serve(input: lwt_io.InputChannel, output: lwt_io.OutputChannel) -> None:
        while (line := await lwt_io.read_line_opt(input)) is not None:
            if line.value == b"subscribe":
                subscribers.append(output)
                await lwt_io.write_line(output, "subscribed")
            else:
                for subscriber in subscribers:
                    await lwt_io.write_line(subscriber, line.value)
                    await lwt_io.flush(subscriber)

    async with lwt_server(serve) as address:
        input, output = await lwt_io.open_connection(address)
        _, other_output = await lwt_io.open_connection(address)
        await lwt_io.write_line(output, "subscribe")
        await lwt_io.flush(output)
        if mended:
            await lwt_io.read_line(input)
        else:
            await lwt_unix.sleep(0.01)
        await lwt_io.write_line(other_output, "news")
        await lwt_io.close(other_output)

        async def hear() -> bytes:
            while (line := await lwt_io.read_line(input)) == b"subscribed":
                pass
            return line

        heard = await lwt_unix.with_timeout(60, hear)
        await lwt_io.close(output)
        assert heard == b"news", heard


async def in_asyncio(*, mended: bool) -> None:
    subscribers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            if line == b"subscribe\n":
                subscribers.append(writer)
                writer.write(b"subscribed\n")
            else:
                for subscriber in subscribers:
                    subscriber.write(line)

    async with asyncio_server(serve) as address:
        reader, writer = await asyncio.open_connection(*address)
        _, other_writer = await asyncio.open_connection(*address)
        writer.write(b"subscribe\n")
        if mended:
            await reader.readline()
        else:
            await asyncio.sleep(0.01)
        other_writer.write(b"news\n")
        other_writer.close()

        async def hear() -> bytes:
            while (line := await reader.readline()) == b"subscribed\n":
                pass
            return line

        try:
            heard = await asyncio.wait_for(hear(), 60)
        finally:
            writer.close()
        assert heard == b"news\n", heard
