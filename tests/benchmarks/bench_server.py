"""An echo server of ours beside others: requests a second, and their ratio to a bare epoll loop's.

    python -m tests.benchmarks.bench_server [--seconds 1] [--connections 1 100 1000]
        [--servers bare sockets channels streams protocol] [--rounds 1]

Each server runs in a process of its own. All clients run in another process, in a bare epoll
loop: on each connection one request, a line of 64 bytes, is always waiting for its answer. All
servers are measured in one run, since only numbers of the same run can be compared.

A cell of the table is the best of its rounds. It has the requests a second, their ratio to the
bare server's, and the processor time of the server for one request, in microseconds. Look at
that time where the clients are slower than the server (with many connections, and with the bare
server).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import lwt_unix
from lwt_unix import lwt_io, lwt_main

ROOT = Path(__file__).parent.parent.parent
REQUEST = b"x" * 63 + b"\n"
HERE = ("127.0.0.1", 0)


# --- The servers --------------------------------------------------------------


def announce(port: int) -> None:
    os.write(1, b"%d\n" % port)


def bare() -> None:
    """A loop on select.epoll, without any library: Python cannot do it with less."""
    listening = socket.create_server(HERE, backlog=4096)
    listening.setblocking(False)
    poller = select.epoll()
    poller.register(listening.fileno(), select.EPOLLIN)
    clients: dict[int, socket.socket] = {}
    announce(listening.getsockname()[1])
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


def port_of(fd: lwt_unix.File_descr) -> int:
    address = lwt_unix.getsockname(fd)
    assert isinstance(address, lwt_unix.ADDR_INET)
    return address.port


def sockets() -> None:
    """Ours, on the clients' sockets."""

    async def echo(_address: object, client: lwt_unix.File_descr) -> None:
        buffer = bytearray(4096)
        while count := await lwt_unix.read(client, buffer, 0, 4096):
            await lwt_unix.write(client, buffer, 0, count)

    fd = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)

    async def main() -> None:
        await lwt_io.establish_server_with_client_socket(HERE, echo, server_fd=fd)
        announce(port_of(fd))
        await lwt_unix.sleep(1e6)

    lwt_main.run(main())


def channels() -> None:
    """Ours, on channels, by lines, as most servers are written."""

    async def echo(
        _address: object, channels: tuple[lwt_io.InputChannel, lwt_io.OutputChannel]
    ) -> None:
        ic, oc = channels
        async for line in ic:
            await lwt_io.write_line(oc, line)

    fd = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)

    async def main() -> None:
        await lwt_io.establish_server_with_client_address(HERE, echo, fd=fd)
        announce(port_of(fd))
        await lwt_unix.sleep(1e6)

    lwt_main.run(main())


def streams() -> None:
    """Asyncio's streams, by lines."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)
            await writer.drain()
        writer.close()

    async def main() -> None:
        server = await asyncio.start_server(echo, *HERE, backlog=4096)
        announce(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


def protocol() -> None:
    """Asyncio's protocols: callbacks, no coroutines."""

    class Echo(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            self.transport.write(data)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Echo, *HERE, backlog=4096)
        announce(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


SERVERS: dict[str, Callable[[], None]] = {
    server.__name__: server for server in (bare, sockets, channels, streams, protocol)
}


# --- The clients --------------------------------------------------------------


def load(port: int, connections: int, seconds: float) -> None:
    """Keep one request waiting on each connection; print how many were answered a second."""
    poller = select.epoll()
    clients: dict[int, socket.socket] = {}
    for _ in range(connections):
        client = socket.create_connection(("127.0.0.1", port))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.setblocking(False)
        clients[client.fileno()] = client
        poller.register(client.fileno(), select.EPOLLIN)
    # One request on each before the clock starts: then all are accepted.
    answer_all(poller, clients, 1.0 / 16)
    os.write(1, b"ready\n")
    sys.stdin.readline()
    begin = time.perf_counter()
    answered = answer_all(poller, clients, seconds)
    os.write(1, b"%f\n" % (answered / (time.perf_counter() - begin)))


def answer_all(poller: select.epoll, clients: dict[int, socket.socket], seconds: float) -> int:
    for client in clients.values():
        client.send(REQUEST)
    waiting = len(clients)
    answered = 0
    end = time.perf_counter() + seconds
    while waiting:
        goes_on = time.perf_counter() < end
        for fd, _ in poller.poll():
            client = clients[fd]
            # 64 bytes come in one piece on the loopback interface.
            if len(client.recv(4096)) != len(REQUEST):
                raise SystemExit("an answer came in pieces, or not at all")
            answered += 1
            if goes_on:
                client.send(REQUEST)
            else:
                waiting -= 1
    return answered


# --- The measurement ----------------------------------------------------------


class Cell(NamedTuple):
    """What one run measured."""

    requests_a_second: float
    microseconds: float
    """Processor time of the server for one request."""


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run(*arguments: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, __file__, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def measure(server_name: str, connections: int, seconds: float) -> Cell:
    with run("--serve", server_name) as server:
        try:
            assert server.stdout is not None
            port = int(server.stdout.readline())
            with run("--load", port, connections, seconds) as clients:
                assert clients.stdin is not None
                assert clients.stdout is not None
                clients.stdout.readline()
                before = processor_seconds(server.pid)
                clients.stdin.write(b"go\n")
                clients.stdin.flush()
                rate = float(clients.stdout.readline())
                used = processor_seconds(server.pid) - before
        finally:
            server.kill()
    return Cell(rate, used / (rate * seconds) * 1e6)


def allow_descriptors(number: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < number:
        resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))


def compare(names: list[str], connections: list[int], seconds: float, rounds: int) -> None:
    allow_descriptors(max(connections) * 2 + 100)
    best: dict[tuple[str, int], Cell] = {}
    for _ in range(rounds):
        for number in connections:
            for name in names:
                cell = measure(name, number, seconds)
                best[name, number] = max(cell, best.get((name, number), cell))
    print(f"{'server':10}" + "".join(f"{number:>9} connections      " for number in connections))
    for name in names:
        row = f"{name:10}"
        for number in connections:
            cell = best[name, number]
            bare_rate = best.get(("bare", number), cell).requests_a_second
            row += (
                f"{cell.requests_a_second:>10.0f}/s"
                f"{cell.requests_a_second / bare_rate:>6.2f}{cell.microseconds:>6.1f} us"
            )
        print(row)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--seconds", type=float, default=1.0, help="for each measurement")
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 100, 1000])
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=list(SERVERS))
    parser.add_argument("--rounds", type=int, default=1, help="of which the best counts")
    parser.add_argument("--serve", choices=SERVERS, help=argparse.SUPPRESS)
    parser.add_argument("--load", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        allow_descriptors(3000)
        SERVERS[options.serve]()
    elif options.load:
        port, connections, seconds = options.load
        load(int(port), int(connections), float(seconds))
    else:
        compare(options.servers, options.connections, options.seconds, options.rounds)


if __name__ == "__main__":
    main()
