"""A server on the loopback interface, in Lwt and in asyncio, for the programs of the museum."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import lwt_unix
from lwt_unix import lwt_io

Channels = tuple[lwt_io.InputChannel, lwt_io.OutputChannel]

HOST = "127.0.0.1"
PORT = 8080  # what simulates asyncio knows no port 0


@asynccontextmanager
async def lwt_server(
    serve: Callable[[lwt_io.InputChannel, lwt_io.OutputChannel], Awaitable[None]],
) -> AsyncIterator[lwt_unix.Sockaddr]:
    """Serve each client by `serve(input, output)`; give the address to connect to.

    A client that has gone is no error.
    """

    async def handle(_: lwt_unix.Sockaddr, channels: Channels) -> None:
        with suppress(EOFError, OSError, lwt_io.Channel_closed):
            await serve(*channels)
            await lwt_io.flush(channels[1])

    listener = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
    server = await lwt_io.establish_server_with_client_address((HOST, 0), handle, fd=listener)
    try:
        yield lwt_unix.getsockname(listener)
    finally:
        await lwt_io.shutdown_server(server)


@asynccontextmanager
async def asyncio_server(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[tuple[str, int]]:
    """Serve each client by `serve(reader, writer)`; give the address to connect to.

    At the end, the last of them is waited for: asyncio does not like a server that ends before.
    """
    served: list[asyncio.Task[None] | None] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(asyncio.current_task())
        try:
            with suppress(EOFError, OSError):
                await serve(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(handle, HOST, PORT)
    try:
        yield HOST, PORT
        await asyncio.gather(*(task for task in served if task is not None))
    finally:
        server.close()
