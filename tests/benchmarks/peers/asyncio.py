"""asyncio: its streams, and its protocols where a name ends so."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
Ready = Callable[[int], None]

HERE = ("127.0.0.1", 0)


def run(body: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return asyncio.run(body())


# --- Servers -----------------------------------------------------------------


def _serve(
    ready: Ready, echo: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await echo(reader, writer)
        except ConnectionError:
            pass  # clients may leave by a reset
        finally:
            writer.close()

    async def main() -> None:
        server = await asyncio.start_server(serve, *HERE, backlog=4096)
        ready(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


def _serve_protocol(ready: Ready, protocol: Callable[[], asyncio.Protocol]) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(protocol, *HERE, backlog=4096)
        ready(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


def echo_sockets(ready: Ready) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            writer.write(data)
            await writer.drain()

    _serve(ready, echo)


class _Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


def echo_sockets_protocol(ready: Ready) -> None:
    _serve_protocol(ready, _Echo)


def echo_lines(ready: Ready) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)
            await writer.drain()

    _serve(ready, echo)


def http(ready: Ready) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            while await reader.readline() != b"\r\n":
                pass
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, world!")
            await writer.drain()

    _serve(ready, answer)


connect = echo_sockets
connect_protocol = echo_sockets_protocol


def echo_large(ready: Ready) -> None:
    size = 1 << 16

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(await reader.readexactly(size))
                await writer.drain()
        except asyncio.IncompleteReadError:
            pass

    _serve(ready, echo)


def send_large(ready: Ready) -> None:
    block = b"x" * (1 << 16)

    async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        while True:
            writer.write(block)
            await writer.drain()

    _serve(ready, send)


idle = echo_sockets
idle_protocol = echo_sockets_protocol
