"""What tests of servers share: servers that note their clients, and clients of this process."""

from __future__ import annotations

import socket
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import lwt
import lwt_unix
from lwt_unix import lwt_io, lwt_main
from tests.support.channels import pauses

HERE = ("127.0.0.1", 0)

Handler = Callable[[lwt_unix.Sockaddr, lwt_unix.File_descr], lwt.Promise[object]]

Channels = tuple[lwt_io.InputChannel, lwt_io.OutputChannel]


def new_socket(
    domain: lwt_unix.Socket_domain = lwt_unix.PF_INET,
    type: lwt_unix.Socket_type = lwt_unix.SOCK_STREAM,
) -> lwt_unix.File_descr:
    """A socket to listen on, whose address the test can ask for."""
    return lwt_unix.socket(domain, type, 0)


def client_of(fd: lwt_unix.File_descr) -> socket.socket:
    """Connect to the server that listens on a socket."""
    address = lwt_unix.getsockname(fd)
    if isinstance(address, lwt_unix.ADDR_UNIX):
        client = socket.socket(socket.AF_UNIX)
        client.connect(address.path)
        return client
    return socket.create_connection(address)


@contextmanager
def served_by(
    serve: Callable[[lwt_unix.Sockaddr, Channels], lwt.Promise[None]],
) -> Iterator[tuple[socket.socket, lwt.Promise[None]]]:
    """Call what serves the clients of a server; give the client's socket, and the promise.

    At the end the connection is closed, and the promise comes to its end.
    """
    near, far = socket.socketpair()
    fd = lwt_unix.of_unix_file_descr(near.detach())
    input = lwt_io.of_fd(fd, mode=lwt_io.Input, close=lambda: lwt.return_unit)
    output = lwt_io.of_fd(fd, mode=lwt_io.Output)
    with far:
        served = serve(lwt_unix.ADDR_UNIX(""), (input, output))
        yield far, served
        lwt_main.run(lwt_io.abort(output))
        lwt_main.run(served)


async def heard_until(text: bytes, client: socket.socket) -> bytes:
    """Let the main loop turn until a client of this process has got a text; return all that it got."""
    heard = b""
    while text not in heard:
        await lwt.pause()
        with suppress(BlockingIOError):
            heard += client.recv(65536, socket.MSG_DONTWAIT)
    return heard


def nothing(_address: object, _client: object) -> lwt.Promise[None]:
    """A handler that does nothing."""
    return lwt.return_unit


class Served:
    """A handler that notes its clients, and the promise of so and so many of them."""

    def __init__(self, f: Handler = nothing) -> None:
        self.clients: list[tuple[lwt_unix.Sockaddr, lwt_unix.File_descr]] = []
        self._f = f
        self._condition = lwt.wait()

    def __call__(
        self, address: lwt_unix.Sockaddr, client: lwt_unix.File_descr
    ) -> lwt.Promise[object]:
        self.clients.append((address, client))
        (_, resolver), self._condition = self._condition, lwt.wait()
        lwt.wakeup_later(resolver, None)
        return self._f(address, client)

    async def number(self, number: int) -> None:
        """Wait until so many have come, and what is done at once for the last is done."""
        while len(self.clients) < number:
            await self._condition[0]
        await lwt.pause()

    @property
    def sockets(self) -> list[lwt_unix.File_descr]:
        return [client for _, client in self.clients]

    @property
    def states(self) -> list[lwt_unix.State]:
        return [lwt_unix.state(client) for client in self.sockets]


def serve(
    f: Handler,
    clients: Callable[[lwt_unix.File_descr, Served], lwt.Promise[object]],
    *,
    address: lwt_unix.Address = HERE,
    no_close: bool = False,
    set_tcp_nodelay: bool | None = None,
    prepare_client_fd: Callable[[lwt_unix.File_descr], object] | None = None,
) -> Served:
    """Run a server, and `clients(listening_socket, served)`."""
    domain = lwt_unix.PF_INET if isinstance(address, tuple) else lwt_unix.PF_UNIX
    fd, served = new_socket(domain), Served(f)

    async def main() -> None:
        async with await lwt_io.establish_server_with_client_socket(
            address,
            served,
            server_fd=fd,
            no_close=no_close,
            set_tcp_nodelay=set_tcp_nodelay,
            prepare_client_fd=prepare_client_fd,
        ):
            await clients(fd, served)

    lwt_main.run(main())
    return served


@lwt.promised
async def one_client(fd: lwt_unix.File_descr, served: Served) -> None:
    """Be the only client, until served."""
    with client_of(fd):
        await served.number(1)


def run_with_server(
    f: Callable[[lwt_unix.Sockaddr, Channels], Coroutine[object, object, object]],
    client: Callable[[Any], Coroutine[object, object, object]],
    **options: object,
) -> None:
    """Run a server, and `client(address)`; wait until all clients have been served."""
    fd = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
    serving: list[lwt.Promise[object]] = []

    def served(address: lwt_unix.Sockaddr, channels: Channels) -> lwt.Promise[object]:
        serving.append(lwt.apply(partial(f, address), channels))
        return serving[-1]

    async def main() -> None:
        async with await lwt_io.establish_server_with_client_address(
            HERE,
            served,
            fd=fd,
            **options,  # type: ignore[arg-type]  # whatever the test wants
        ):
            await client(lwt_unix.getsockname(fd))
            with suppress(LookupError, OSError):  # the hook has them
                await lwt.join(serving)
            await pauses(2)

    lwt_main.run(main())
