"""A loop on select.epoll, without any library: Python cannot do it with less."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable

Ready = Callable[[int], None]


def echo_sockets(ready: Ready) -> None:
    listening = socket.create_server(("127.0.0.1", 0), backlog=4096)
    listening.setblocking(False)
    poller = select.epoll()
    poller.register(listening.fileno(), select.EPOLLIN)
    clients: dict[int, socket.socket] = {}
    ready(listening.getsockname()[1])
    while True:
        for fd, _ in poller.poll():
            if fd != listening.fileno():
                client = clients[fd]
                data = client.recv(4096)
                if data:
                    client.send(data)
                else:
                    poller.unregister(fd)
                    del clients[fd]
                    client.close()
            else:
                client, _ = listening.accept()
                client.setblocking(False)
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                clients[client.fileno()] = client
                poller.register(client.fileno(), select.EPOLLIN)


connect = idle = echo_sockets
