"""How long one client that sends without end delays the others, in servers of ours and of asyncio.

    python -m tests.benchmarks.bench_starvation [--seconds 1] [--work 50]
        [--servers reads lines …] [--floods lines newlines]

Each server runs in a process of its own, and takes `--work` microseconds for each read, or for each
line, before it answers. A client in another process floods it, and reads the answers as fast as it
can. Meanwhile a third process sends a line on a connection of its own, waits for the answer, and
begins again; and the server has a timer that is due each millisecond. What is printed:

- the longest time that the third process waited for an answer, in milliseconds;
- the longest processor time of the server between two calls of the timer, in milliseconds. That is
  how long the others are delayed at most, also where other processes keep the machine busy;
- how many bytes of the flood were dealt with in a second of processor time.

All servers are measured in one run, since only numbers of the same run can be compared.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import lwt
import lwt_unix
from lwt_unix import lwt_io, lwt_main

ROOT = Path(__file__).parent.parent.parent
HERE = ("127.0.0.1", 0)
TICK = 0.001
REPORT = b"report\n"
FLOODS = {"lines": (b"x" * 63 + b"\n") * 64, "newlines": b"\n" * 4096}

# --- The servers --------------------------------------------------------------


class Work:
    """What a server does about each request, and what it has measured."""

    def __init__(self, microseconds: float) -> None:
        self._seconds = microseconds / 1e6
        self._bytes = 0
        self._longest = 0.0
        self._last_tick = time.process_time()

    def answer(self, request: bytes) -> bytes:
        until = time.process_time() + self._seconds
        while time.process_time() < until:
            pass
        if request.startswith(REPORT.rstrip()):
            return b"%f %f\n" % (self._longest, self._bytes / time.process_time())
        self._bytes += len(request)
        return request

    def tick(self) -> None:
        now = time.process_time()
        self._longest = max(self._longest, now - self._last_tick)
        self._last_tick = now


def announce(port: int) -> None:
    os.write(1, b"%d\n" % port)


Channels = tuple[lwt_io.InputChannel, lwt_io.OutputChannel]


def serve(
    work: Work,
    on_socket: Callable[[lwt_unix.File_descr], Coroutine[Any, Any, None]] | None,
    on_channels: Callable[[Channels], Coroutine[Any, Any, None]] | None = None,
) -> None:
    """Run a server of ours, with the function that serves a client."""

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
        announce(address.port)
        while True:
            await lwt_unix.sleep(TICK)
            work.tick()

    # The flood ends by a reset.
    lwt.async_exception_hook.contents = lambda _: None
    lwt_main.run(main())


def reads(work: Work) -> None:
    async def echo(client: lwt_unix.File_descr) -> None:
        buffer = bytearray(4096)
        while count := await lwt_unix.read(client, buffer, 0, 4096):
            answer = work.answer(bytes(buffer[:count]))
            await lwt_unix.write(client, answer, 0, len(answer))

    serve(work, echo)


def async_for(work: Work) -> None:
    async def echo(channels: Channels) -> None:
        ic, oc = channels
        async for line in ic:
            await lwt_io.write(oc, work.answer(line + b"\n"))

    serve(work, None, echo)


def read_line(work: Work) -> None:
    async def echo(channels: Channels) -> None:
        ic, oc = channels
        while (line := await lwt_io.read_line_opt(ic)) is not None:
            await lwt_io.write(oc, work.answer(line.value + b"\n"))
            await lwt_io.flush(oc)

    serve(work, None, echo)


def read(work: Work) -> None:
    async def echo(channels: Channels) -> None:
        ic, oc = channels
        while data := await lwt_io.read(ic, count=4096):
            await lwt_io.write(oc, work.answer(data))

    serve(work, None, echo)


def asyncio_lines(work: Work) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):  # The flood ends by a reset.
            while line := await reader.readline():
                writer.write(work.answer(line))
                await writer.drain()

    serve_with_asyncio(work, echo)


def asyncio_read(work: Work) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):  # The flood ends by a reset.
            while data := await reader.read(4096):
                writer.write(work.answer(data))
                await writer.drain()

    serve_with_asyncio(work, echo)


def serve_with_asyncio(
    work: Work,
    echo: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]],
) -> None:
    async def main() -> None:
        server = await asyncio.start_server(echo, *HERE)
        announce(server.sockets[0].getsockname()[1])
        while True:
            await asyncio.sleep(TICK)
            work.tick()

    asyncio.run(main())


SERVERS: dict[str, Callable[[Work], None]] = {
    server.__name__: server
    for server in (reads, async_for, read_line, read, asyncio_read, asyncio_lines)
}

# --- The clients --------------------------------------------------------------


def flood(port: int, packet: bytes) -> None:
    """Send without end, and drop the answers."""
    client = socket.create_connection(("127.0.0.1", port))
    client.setblocking(False)
    os.write(1, b"ready\n")
    while True:
        readable, writable, _ = select.select([client], [client], [])
        if readable:
            client.recv(1 << 20)
        if writable:
            client.send(packet)


def longest_wait(client: socket.socket, seconds: float) -> float:
    longest = 0.0
    end = time.perf_counter() + seconds
    while (start := time.perf_counter()) < end:
        ask(client, b"hello\n")
        longest = max(longest, time.perf_counter() - start)
    return longest


def ask(client: socket.socket, request: bytes) -> bytes:
    client.sendall(request)
    answer = b""
    while not answer.endswith(b"\n"):
        answer += client.recv(4096)
    return answer


# --- The measurement ----------------------------------------------------------


def run(*arguments: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, __file__, *map(str, arguments)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def port_of(server: subprocess.Popen[bytes]) -> int:
    assert server.stdout is not None
    return int(server.stdout.readline())


def measure(name: str, flood_name: str, seconds: float, work: float) -> None:
    with run("--serve", name, "--work", work) as server:
        try:
            port = port_of(server)
            client = socket.create_connection(("127.0.0.1", port), timeout=20 * seconds)
            ask(client, b"hello\n")
            with run("--flood", port, flood_name) as flooding, client:
                try:
                    assert flooding.stdout is not None
                    flooding.stdout.readline()
                    waited = f"{longest_wait(client, seconds) * 1e3:8.1f}"
                    longest, rate = map(float, ask(client, REPORT).split())
                    measured = f"{waited}{longest * 1e3:10.1f}{rate / 1e6:12.1f}"
                except TimeoutError:
                    measured = f"   no answer within {20 * seconds:.0f} s"
                finally:
                    flooding.kill()
        finally:
            server.kill()
    print(f"{name:14} {flood_name:10}{measured}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--seconds", type=float, default=1.0, help="for each measurement")
    parser.add_argument("--work", type=float, default=50.0, help="microseconds for each request")
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=list(SERVERS))
    parser.add_argument("--floods", nargs="+", choices=FLOODS, default=list(FLOODS))
    parser.add_argument("--serve", choices=SERVERS, help=argparse.SUPPRESS)
    parser.add_argument("--flood", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        SERVERS[options.serve](Work(options.work))
    elif options.flood:
        port, flood_name = options.flood
        flood(int(port), FLOODS[flood_name])
    else:
        print("server         flood      answer ms  timer ms   flood MB/s")
        for name in options.servers:
            for flood_name in options.floods:
                measure(name, flood_name, options.seconds, options.work)


if __name__ == "__main__":
    main()
