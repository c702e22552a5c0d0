"""lwt and lwt_unix."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import lwt
import lwt_unix
from lwt_unix import lwt_io, lwt_main

T = TypeVar("T")
Ready = Callable[[int], None]
Channels = tuple[lwt_io.InputChannel, lwt_io.OutputChannel]

HERE = ("127.0.0.1", 0)


def run(body: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return lwt_main.run(body())


# --- Servers -----------------------------------------------------------------


def _serve(
    ready: Ready,
    on_socket: Callable[[lwt_unix.File_descr], Coroutine[Any, Any, None]] | None = None,
    on_channels: Callable[[Channels], Coroutine[Any, Any, None]] | None = None,
) -> None:
    """Run a server, with the function that serves a client, for ever."""

    async def main() -> None:
        fd = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
        if on_socket is not None:
            serve_socket = on_socket
            await lwt_io.establish_server_with_client_socket(
                HERE, lambda _, client: serve_socket(client), server_fd=fd
            )
        if on_channels is not None:
            serve_channels = on_channels
            await lwt_io.establish_server_with_client_address(
                HERE, lambda _, channels: serve_channels(channels), fd=fd
            )
        address = lwt_unix.getsockname(fd)
        assert isinstance(address, lwt_unix.ADDR_INET)
        ready(address.port)
        await lwt.wait()[0]

    lwt.async_exception_hook.contents = lambda _: None  # clients may leave by a reset
    lwt_main.run(main())


def echo_sockets(ready: Ready) -> None:
    async def echo(client: lwt_unix.File_descr) -> None:
        buffer = bytearray(4096)
        while count := await lwt_unix.read(client, buffer, 0, 4096):
            await lwt_unix.write(client, buffer, 0, count)

    _serve(ready, echo)


def echo_lines(ready: Ready) -> None:
    async def echo(channels: Channels) -> None:
        ic, oc = channels
        async for line in ic:
            await lwt_io.write_line(oc, line)

    _serve(ready, None, echo)


def http(ready: Ready) -> None:
    async def answer(channels: Channels) -> None:
        ic, oc = channels
        while await lwt_io.read_line_opt(ic) is not None:
            while await lwt_io.read_line(ic):
                pass
            await lwt_io.write(oc, b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, world!")
            await lwt_io.flush(oc)

    _serve(ready, None, answer)


connect = echo_sockets


def echo_large(ready: Ready) -> None:
    size = 1 << 16

    async def echo(channels: Channels) -> None:
        ic, oc = channels
        block = bytearray(size)
        try:
            while True:
                await lwt_io.read_into_exactly(ic, block, 0, size)
                await lwt_io.write_from_exactly(oc, block, 0, size)
                await lwt_io.flush(oc)
        except EOFError:
            pass

    _serve(ready, None, echo)


def send_large(ready: Ready) -> None:
    block = b"x" * (1 << 16)

    async def send(channels: Channels) -> None:
        ic, oc = channels
        await lwt_io.read_line(ic)
        while True:
            await lwt_io.write(oc, block)

    _serve(ready, None, send)


def idle(ready: Ready) -> None:
    buffer = bytearray(4096)  # one for all: what is measured is what the library keeps

    async def echo(client: lwt_unix.File_descr) -> None:
        while count := await lwt_unix.read(client, buffer, 0, 4096):
            await lwt_unix.write(client, buffer, 0, count)

    _serve(ready, echo)
