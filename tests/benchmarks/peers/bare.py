"""Loops on select.epoll, without any library: Python cannot do it with less."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable

Tell = Callable[[int], None]
Handle = Callable[[select.epoll, socket.socket], bool]
"""Deals with a connection that is ready; returns whether it goes on."""


def _serve(tell: Tell, handle: Handle) -> None:
    listening = socket.create_server(("127.0.0.1", 0), backlog=4096)
    listening.setblocking(False)
    poller = select.epoll()
    poller.register(listening.fileno(), select.EPOLLIN)
    clients: dict[int, socket.socket] = {}
    tell(listening.getsockname()[1])
    while True:
        for fd, _ in poller.poll():
            if fd != listening.fileno():
                if not handle(poller, clients[fd]):
                    poller.unregister(fd)
                    clients.pop(fd).close()
            else:
                client, _ = listening.accept()
                client.setblocking(False)
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                clients[client.fileno()] = client
                poller.register(client.fileno(), select.EPOLLIN)


def echo_sockets(tell: Tell) -> None:
    def echo(_: select.epoll, client: socket.socket) -> bool:
        data = client.recv(4096)
        return bool(data and client.send(data))

    _serve(tell, echo)


connect = idle = echo_lines = echo_sockets  # a line comes in one piece


def http(tell: Tell) -> None:
    def answer(_: select.epoll, client: socket.socket) -> bool:
        data = client.recv(4096)
        if data.endswith(b"\r\n\r\n"):
            client.send(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, world!")
        return bool(data)

    _serve(tell, answer)


def echo_large(tell: Tell) -> None:
    """Read when all is sent, and send when there is room."""
    unsent = b""

    def echo(poller: select.epoll, client: socket.socket) -> bool:
        nonlocal unsent
        data = unsent or client.recv(1 << 16)
        if not data:
            return False
        unsent, had = data[client.send(data) :], unsent
        if bool(unsent) != bool(had):
            poller.modify(client.fileno(), select.EPOLLOUT if unsent else select.EPOLLIN)
        return True

    _serve(tell, echo)


def send_large(tell: Tell) -> None:
    block = b"x" * (1 << 16)

    def send(poller: select.epoll, client: socket.socket) -> bool:
        try:
            client.send(block)
        except ConnectionError:
            return False
        poller.modify(client.fileno(), select.EPOLLOUT)
        return True

    _serve(tell, send)
