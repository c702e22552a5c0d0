"""Simulated echo servers beside detangle and simloom, in one run.

    python -m tests.benchmarks.bench_simulated [--number 3000] [--rounds 5]

One server and some clients, all simulated in one process: each sends something, waits until it has come back, and
so on. "Sockets" reads what has come, and sends it back: by `lwt_unix.read`, and by `StreamReader.read`. "Lines" does
so line by line: by channels, and by streams. Each figure is requests in a second of this process's own time, the best of some rounds that alternate, since only
numbers of the same run can be compared. "Own order" is the order of Lwt, or of asyncio; "by chance" means that
the order is chosen by chance, and what is sent may come later. A peer that is not installed is left out:
`pip install '.[museum]'` in a checkout brings them, under Python 3.12 or newer.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import time
from collections.abc import Callable, Coroutine
from typing import Final

import lwt
import lwt_unix
from lwt._core.choices import CLIENT, DELAY, DUE, JOB, READY, RESOLVED
from lwt_unix import lwt_io, testing

PORT: Final = 9000
LINE: Final = b"hello, who is there?"
SIZE: Final = 4_096
CLIENTS: Final = (1, 10, 100)
ORDERS: Final = (RESOLVED, READY, DUE, JOB, CLIENT, DELAY)

Run = Callable[[str, int, int], object]
"""Does so many requests, of sockets or of lines, from so many clients."""

Start = Callable[..., object]
Program = Callable[[int, int], Coroutine[object, object, None]]


# --- Ours --------------------------------------------------------------------


async def echo_lines(clients: int, number: int) -> None:
    async def serve(_: object, channels: tuple[lwt_io.InputChannel, lwt_io.OutputChannel]) -> None:
        reading, writing = channels
        while (line := await lwt_io.read_line_opt(reading)) is not None:
            await lwt_io.write_line(writing, line.value)

    async def talk(channels: tuple[lwt_io.InputChannel, lwt_io.OutputChannel]) -> None:
        reading, writing = channels
        for _ in range(number // clients):
            await lwt_io.write_line(writing, LINE)
            await lwt_io.read_line(reading)

    address = ("127.0.0.1", PORT)
    server = await lwt_io.establish_server_with_client_address(address, serve)
    await lwt.join([lwt_io.with_connection(address, talk) for _ in range(clients)])
    await lwt_io.shutdown_server(server)


async def echo_sockets(clients: int, number: int) -> None:
    async def write_all(socket: lwt_unix.File_descr, data: bytes | bytearray, size: int) -> None:
        written = 0
        while written < size:
            written += await lwt_unix.write(socket, data, written, size - written)

    async def serve(_: object, socket: lwt_unix.File_descr) -> None:
        buffer = bytearray(SIZE)
        while count := await lwt_unix.read(socket, buffer, 0, SIZE):
            await write_all(socket, buffer, count)

    address = ("127.0.0.1", PORT)

    @lwt.promised
    async def client() -> None:
        buffer = bytearray(SIZE)
        async with lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0) as socket:
            await lwt_unix.connect(socket, address)
            for _ in range(number // clients):
                await write_all(socket, LINE, len(LINE))
                left = len(LINE)
                while left:
                    left -= await lwt_unix.read(socket, buffer, 0, left)

    server = await lwt_io.establish_server_with_client_socket(address, serve)
    await lwt.join([client() for _ in range(clients)])
    await lwt_io.shutdown_server(server)


OURS: Final[dict[str, Program]] = {"sockets": echo_sockets, "lines": echo_lines}


def own_order(what: str, clients: int, number: int) -> None:
    testing.simulate(lambda: OURS[what](clients, number))


def by_chance(what: str, clients: int, number: int) -> None:
    choices = testing.seeded(1).only(*ORDERS)
    testing.simulate(lambda: OURS[what](clients, number), choices=choices)


def in_pieces(what: str, clients: int, number: int) -> None:
    testing.simulate(lambda: OURS[what](clients, number), choices=testing.seeded(2))


# --- Theirs ------------------------------------------------------------------


async def lines_by_asyncio(clients: int, number: int) -> None:
    async def serve(reading: asyncio.StreamReader, writing: asyncio.StreamWriter) -> None:
        while line := await reading.readline():
            writing.write(line)
        writing.close()

    async def client() -> None:
        reading, writing = await asyncio.open_connection("127.0.0.1", PORT)
        for _ in range(number // clients):
            writing.write(LINE + b"\n")
            await reading.readline()
        writing.close()

    server = await asyncio.start_server(serve, "127.0.0.1", PORT)
    await asyncio.gather(*(client() for _ in range(clients)))
    await asyncio.sleep(1)
    server.close()


async def sockets_by_asyncio(clients: int, number: int) -> None:
    async def serve(reading: asyncio.StreamReader, writing: asyncio.StreamWriter) -> None:
        while data := await reading.read(SIZE):
            writing.write(data)
        writing.close()

    async def client() -> None:
        reading, writing = await asyncio.open_connection("127.0.0.1", PORT)
        for _ in range(number // clients):
            writing.write(LINE)
            left = len(LINE)
            while left:
                left -= len(await reading.read(left))
        writing.close()

    server = await asyncio.start_server(serve, "127.0.0.1", PORT)
    await asyncio.gather(*(client() for _ in range(clients)))
    await asyncio.sleep(1)
    server.close()


THEIRS: Final[dict[str, Program]] = {"sockets": sockets_by_asyncio, "lines": lines_by_asyncio}


def peers() -> dict[str, Run]:
    """What is installed of the others."""
    found: dict[str, Run] = {}
    for name in ("detangle", "simloom"):
        try:
            module = importlib.import_module(name)
        except ImportError:
            print(f"{name} is not installed, and left out")
            continue
        run: Start = module.run

        def in_own_order(what: str, clients: int, number: int, run: Start = run) -> None:
            run(lambda: THEIRS[what](clients, number))

        def in_any_order(what: str, clients: int, number: int, run: Start = run) -> None:
            run(lambda: THEIRS[what](clients, number), seed=1)

        if name == "detangle":  # simloom has no run without chance
            found[f"{name}, own order"] = in_own_order
        found[f"{name}, by chance"] = in_any_order
    return found


def requests_a_second(run: Run, what: str, clients: int, number: int) -> float:
    start = time.process_time()
    run(what, clients, number)
    return number / (time.process_time() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--number", type=int, default=3_000, help="requests in a round")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    runs: dict[str, Run] = {
        "lwt, own order": own_order,
        "lwt, by chance": by_chance,
        "lwt, by chance, in pieces": in_pieces,
        **peers(),
    }
    best = {(what, name, many): 0.0 for what in OURS for name in runs for many in CLIENTS}
    for _ in range(options.rounds):
        for (what, name, many), before in best.items():
            speed = requests_a_second(runs[name], what, many, options.number)
            best[what, name, many] = max(before, speed)
    for what in OURS:
        print(
            f"{what + ': requests a second, of so many clients':46}", *(f"{n:>9}" for n in CLIENTS)
        )
        for name in runs:
            print(f"  {name:44}", *(f"{best[what, name, many]:9,.0f}" for many in CLIENTS))


if __name__ == "__main__":
    main()
